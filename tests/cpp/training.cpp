/* Layers and networks at work: each call does what its name says. SPDX-License-Identifier: MIT */
#include "check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace
{
mf::layer trained_layer(mf::workspace &workspace)
{
    mf::layer_spec spec = mf::layer_spec::dense(2, 5, 2);
    spec.seed = 4;
    mf::layer layer(spec);
    layer.set_optimizer(mf::optimizer());
    workspace = mf::workspace(layer, 4);
    return layer;
}

bool near(float one, float other) { return std::fabs(one - other) < 1e-5f; }

bool same(const mf::owned_answers &one, const mf::owned_answers &other)
{
    return one.labels == other.labels && one.goodness == other.goodness &&
           one.probabilities == other.probabilities;
}
} // namespace

TEST(training, a_clone_serves_and_averages)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    mf::network serving = network.clone(), going = network.clone(MF_CONTENTS_TRAINING);
    mf::workspace own(serving, 4, MF_WORKSPACE_INFERENCE), other(going, 4);
    std::vector<float> before = network.goodness(workspace, xor_x);
    CHECK(!serving.at(0).attached_optimizer() && going.at(0).attached_optimizer());
    for (int step = 0; step < 5; step++) {
        network.step(workspace, xor_x, xor_y);
        going.step(other, xor_x, xor_y);
    }
    CHECK(serving.goodness(own, xor_x) == before);
    CHECK(going.goodness(other, xor_x) == network.goodness(workspace, xor_x));
    serving.copy_parameters(network);
    CHECK(serving.goodness(own, xor_x) == network.goodness(workspace, xor_x));
    std::vector<float> bias = network.at(0).get_parameter("bias");
    for (float &value : bias)
        value += 2;
    going.at(0).set_parameter("bias", bias);
    serving.blend_parameters(going, 0.5);
    std::vector<float> half = serving.at(0).get_parameter("bias"), from = network.at(0).get_parameter("bias");
    CHECK(half.size() == from.size() && half[0] > from[0] + 0.999f && half[0] < from[0] + 1.001f);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "share", serving.blend_parameters(network, 2));
    CHECK_ERROR(MF_STATUS_SHAPE, "layers", serving.copy_parameters(small_network(1)));
    counting_memory memory;
    mf_allocator allocator = memory.allocator();
    CHECK(network.clone(MF_CONTENTS_MODEL, &allocator).size() == 2 && memory.calls > 2);
    CHECK(memory.blocks == 0);
}

TEST(training, views_of_what_has_data_and_size)
{
    std::vector<float> vector = {1, 2, 3};
    const std::array<float, 2> array = {4, 5};
    float plain[4] = {6, 7, 8, 9};
    mf::view<const float> one(vector), two(array), three(plain), four(plain + 1, 2), none;
    CHECK(one.data() == vector.data() && one.size() == 3 && two.size() == 2 && three.end()[-1] == 9);
    CHECK(*four.begin() == 7 && four.size() == 2 && none.empty() && !one.empty());
    mf::view<float> writable = vector;
    mf::view<const float> readable = writable;
    CHECK(readable.data() == vector.data());
    static_assert(!std::is_constructible_v<mf::view<float>, const std::vector<float> &>);
    static_assert(!std::is_constructible_v<mf::view<const float>, std::vector<double> &>);
    static_assert(!std::is_constructible_v<mf::bytes, const std::string &>);
    std::string text = "bytes";
    CHECK(mf::const_bytes(text).size() == 5 && mf::const_bytes(mf::bytes(text)).data() == text.data());
#if __cplusplus >= 202002L
    std::span<float> span = vector;
    CHECK(mf::view<float>(span).size() == 3 &&
          std::span<const float>(readable.data(), readable.size()).size() == 3);
#endif
}

TEST(training, shapes_and_options_of_layers)
{
    mf::layer_spec spec = mf::layer_spec::conv2d(3, 8, 6, 4, 5);
    spec.pool = MF_POOL_MAX;
    mf::layer conv(spec);
    mf_shape in = conv.input_shape(), out = conv.output_shape();
    CHECK(in.rank == 3 && in.dims[0] == 3 && in.dims[1] == 8 && in.dims[2] == 6);
    CHECK(out.rank == 3 && out.dims[0] == 4 && out.dims[1] == 3 && out.dims[2] == 2);
    mf::layer_spec next = mf::layer_spec::dense(0, 7, 5);
    next.follow(spec);
    CHECK(next.inputs == 4 * 3 * 2 && mf::layer(next).describe().outputs == 7);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", next.follow(mf::layer_spec()));
    conv.set(MF_LAYER_DROPOUT, 0.5);
    CHECK(conv.get(MF_LAYER_DROPOUT) == 0.5 && conv.get(MF_LAYER_LABEL_SMOOTHING) == 0);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", conv.set(MF_LAYER_DROPOUT, 1));
}

TEST(training, parameters)
{
    mf::layer layer(mf::layer_spec::dense(3, 4, 2));
    std::vector<mf_parameter_info> infos = layer.parameters();
    CHECK(infos.size() == 3 && layer.parameter_count() == 3 && layer.value_count() == 12 + 4 + 8);
    CHECK(std::string(infos[0].name) == "weight" && infos[0].dims[0] == 4 && infos[0].dims[1] == 3);
    const std::vector<float> bias = {1, 2, 3, 4};
    layer.set_parameter("bias", bias);
    std::array<float, 4> back = {};
    layer.get_parameter("bias", back);
    CHECK(layer.get_parameter("bias") == bias && std::equal(bias.begin(), bias.end(), back.begin()));
    layer.set_trainable("bias", false);
    CHECK(layer.parameter_info(1).trainable == 0 && layer.parameter_info(0).trainable == 1);
    layer.set_trainable("bias", true);
    CHECK(layer.parameter_info(1).trainable == 1);
}

TEST(training, a_layer_by_itself)
{
    mf::workspace workspace;
    mf::layer layer = trained_layer(workspace);
    std::vector<float> a(20), forward(20), goodness(8);
    std::vector<float> first = layer.forward(workspace, xor_x);
    layer.step(workspace, xor_x, xor_y, a);
    CHECK(workspace.report().applied == 1 && workspace.report().rows == 4 && a == first);
    layer.step(workspace, mf::batch(xor_x, xor_y), a);
    CHECK(workspace.report().applied == 2 && a != first);
    layer.forward(workspace, xor_x, forward);
    CHECK(forward == layer.forward(workspace, xor_x) && forward != first);
    std::vector<float> again(20);
    layer.forward(workspace, mf::batch(xor_x, 4), again);
    CHECK(again == forward && layer.forward(workspace, mf::batch(xor_x, 4)) == forward);
    CHECK(layer.pass(workspace, mf::batch(xor_x, 4)) == forward);
    layer.set(MF_LAYER_DROPOUT, 0.5);
    layer.pass(workspace, mf::batch(xor_x, 4), again);
    CHECK(again != forward && layer.pass(workspace, mf::batch(xor_x, 4)) != forward);
    layer.goodness(workspace, forward, goodness);
    CHECK(goodness == layer.goodness(workspace, forward) && goodness[0] != goodness[2]);
}

TEST(training, the_two_halves_of_a_step)
{
    mf::workspace workspace, other_workspace;
    mf::layer whole = trained_layer(workspace), halves = trained_layer(other_workspace);
    std::vector<float> gradients(halves.value_count()), a(20);
    halves.gradients(other_workspace, mf::batch(xor_x, xor_y), gradients, a);
    CHECK(a == halves.forward(other_workspace, xor_x));
    CHECK(halves.gradients(other_workspace, mf::batch(xor_x, xor_y)) == gradients);
    CHECK(halves.get_parameter("weight") == whole.get_parameter("weight"));
    halves.apply(gradients);
    whole.step(workspace, xor_x, xor_y);
    for (const char *name : {"weight", "bias", "projection"}) {
        std::vector<float> one = whole.get_parameter(name), other = halves.get_parameter(name);
        CHECK(std::equal(one.begin(), one.end(), other.begin(), near));
    }
    CHECK(halves.get_parameter("weight") != trained_layer(workspace).get_parameter("weight"));
}

TEST(training, joint_and_greedy_steps)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    const mf::batch batch(xor_x, xor_y);
    network.step(workspace, xor_x, xor_y);
    network.step(workspace, batch);
    CHECK(workspace.report(0).applied == 2 && workspace.report(1).applied == 2);
    network.step_layer(workspace, 1, xor_x, xor_y);
    network.step_layer(workspace, 1, batch);
    CHECK(workspace.report(1).applied == 4 && network.at(1).describe().inputs == 16);
    network.step_layer(workspace, 0, batch);
    CHECK(workspace.report(0).applied == 3);
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "", network.step_layer(workspace, 2, batch));
}

TEST(training, evaluation_tells_what_prediction_answers)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    for (int step = 0; step < 20; step++)
        network.step(workspace, xor_x, xor_y);
    const mf::network &constant = network;
    for (std::int32_t mode : {MF_PREDICT_LAST, MF_PREDICT_SUM}) {
        std::vector<std::int32_t> labels(4), found = constant.predict(workspace, xor_x, mode);
        constant.predict(workspace, xor_x, labels, mode);
        CHECK(labels == found);
        std::uint64_t right = 0;
        for (std::size_t i = 0; i < 4; i++)
            right += found[i] == xor_y[i];
        constant.evaluate(workspace, xor_x, xor_y);
        mf_report report = mode == MF_PREDICT_SUM ? workspace.report_sum() : workspace.report(1);
        CHECK(report.correct == right && report.rows == 4);
        /* A row of weight 0 is not counted. */
        const float weights[] = {1, 1, 1, 0};
        constant.evaluate(workspace, mf::batch(xor_x, xor_y, weights));
        report = mode == MF_PREDICT_SUM ? workspace.report_sum() : workspace.report(1);
        CHECK(report.correct == right - (found[3] == xor_y[3]));
    }
}

TEST(training, scores_and_probabilities)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4, MF_WORKSPACE_INFERENCE);
    CHECK_ERROR(MF_STATUS_STATE, "", network.step(workspace, xor_x, xor_y));
    std::vector<float> scores(8), shares(8);
    network.goodness(workspace, xor_x, scores, MF_PREDICT_SUM);
    network.probabilities(workspace, xor_x, shares, MF_PREDICT_SUM);
    CHECK(scores == network.goodness(workspace, xor_x, MF_PREDICT_SUM));
    CHECK(scores != network.goodness(workspace, xor_x));
    CHECK(shares == network.probabilities(workspace, xor_x, MF_PREDICT_SUM));
    for (std::size_t i = 0; i < 4; i++)
        CHECK(near(shares[2 * i], 1 / (1 + std::exp(scores[2 * i + 1] - scores[2 * i]))));

    std::vector<std::int32_t> labels(4);
    std::vector<float> all_scores(8), all_shares(8);
    network.infer(workspace, mf::batch(xor_x, 4), {labels, all_scores, all_shares}, MF_PREDICT_SUM);
    CHECK(all_scores == scores && all_shares == shares);
    CHECK(labels == network.predict(workspace, xor_x, MF_PREDICT_SUM));
    std::fill(all_scores.begin(), all_scores.end(), 0.0f);
    network.infer(workspace, mf::batch(xor_x, 4), {{}, all_scores, {}}, MF_PREDICT_SUM);
    CHECK(all_scores == scores);
}

/* Every row of x is one of the answers, whether x comes with a number of rows or without. */
TEST(training, infer_returns_what_it_writes_to_arrays)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    network.step(workspace, xor_x, xor_y);
    for (std::int32_t mode : {MF_PREDICT_LAST, MF_PREDICT_SUM}) {
        mf::owned_answers all = network.infer(workspace, mf::batch(xor_x, 4), mode);
        CHECK(all.labels == network.predict(workspace, xor_x, mode));
        CHECK(all.goodness == network.goodness(workspace, xor_x, mode));
        CHECK(all.probabilities == network.probabilities(workspace, xor_x, mode));
        CHECK(same(network.infer(workspace, xor_x, mode), all));
        mf::owned_answers mine = {std::vector<std::int32_t>(4), std::vector<float>(8), std::vector<float>(8)};
        network.infer(workspace, xor_x, {mine.labels, mine.goodness, mine.probabilities}, mode);
        CHECK(same(mine, all));
    }
    CHECK(!same(network.infer(workspace, xor_x), network.infer(workspace, xor_x, MF_PREDICT_SUM)));
}

TEST(training, top_gives_the_best_classes_first)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    std::vector<std::int32_t> best(8);
    std::vector<float> scores(8), chances(8);
    network.top(workspace, mf::batch(xor_x, 4), 2, {best, scores, chances});
    std::vector<std::int32_t> labels = network.predict(workspace, xor_x);
    std::vector<float> whole = network.goodness(workspace, xor_x);
    for (std::size_t row = 0; row < 4; row++) {
        CHECK(best[2 * row] == labels[row] && best[2 * row + 1] == 1 - labels[row]);
        CHECK(scores[2 * row] == whole[2 * row + static_cast<std::size_t>(labels[row])]);
        CHECK(chances[2 * row] >= 0.5F && chances[2 * row + 1] <= 0.5F);
    }
}

TEST(training, top_returns_what_it_writes_to_arrays)
{
    mf::network network;
    network.append(mf::layer_spec::dense(2, 6, 5));
    network.append(mf::layer_spec::dense(6, 6, 5));
    mf::workspace workspace(network, 4, MF_WORKSPACE_INFERENCE);
    for (std::int32_t mode : {MF_PREDICT_LAST, MF_PREDICT_SUM}) {
        mf::owned_answers mine = {std::vector<std::int32_t>(12), std::vector<float>(12),
                                  std::vector<float>(12)};
        const mf::top_answers places = {mine.labels, mine.goodness, mine.probabilities};
        network.top(workspace, mf::batch(xor_x, 4), 3, places, mode);
        mf::owned_answers all = network.infer(workspace, xor_x, mode);
        for (std::size_t i = 0; i < 12; i++) {
            std::size_t at = i / 3 * 5 + static_cast<std::size_t>(mine.labels[i]);
            CHECK(mine.goodness[i] == all.goodness[at] && near(mine.probabilities[i], all.probabilities[at]));
        }
        CHECK(same(network.top(workspace, mf::batch(xor_x, 4), 3, mode), mine));
        CHECK(same(network.top(workspace, xor_x, 3, mode), mine));
        mf::owned_answers again = {std::vector<std::int32_t>(12), std::vector<float>(12), {}};
        network.top(workspace, xor_x, 3, {again.labels, again.goodness}, mode);
        CHECK(again.labels == mine.labels && again.goodness == mine.goodness);
    }
    CHECK(network.top(workspace, xor_x, 5).labels.size() == 20);
}

/* As that of a vector that was cleared: the library would write there. */
TEST(training, an_empty_array_is_left_out_wherever_it_points)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    mf::layer_ref layer = network.at(0);
    std::vector<float> kept(256, 7.0F), scores(8), gradients(layer.value_count());
    std::vector<std::int32_t> best(8), labels(4);
    const mf::view<float> empty(kept.data(), 0);
    std::vector<float> cleared = kept;
    cleared.clear();
    CHECK(mf::view<float>(cleared).data() == nullptr && empty.data() == nullptr);
    const mf::batch batch(xor_x, xor_y, empty);
    network.top(workspace, xor_x, 2, {best, scores, empty});
    network.infer(workspace, xor_x, {labels, empty, empty});
    layer.gradients(workspace, batch, gradients, empty);
    network.set_optimizer(mf::optimizer(mf::optimizer_spec{}));
    layer.step(workspace, batch, empty);
    layer.step(workspace, xor_x, xor_y, empty);
    CHECK(kept == std::vector<float>(256, 7.0F));
}

/* At positions the answers of a row are those of all its positions. */
TEST(training, answers_at_positions_are_returned)
{
    mf::network network;
    network.append(mf::builder({3, 2}, 1).dense(8).relu().head(mf::head_spec::positions(4)).build());
    mf::workspace workspace(network, 2, MF_WORKSPACE_INFERENCE);
    std::vector<float> x(12);
    for (std::size_t i = 0; i < x.size(); i++)
        x[i] = static_cast<float>(i % 5);
    mf::owned_answers all = network.infer(workspace, x), best = network.top(workspace, x, 2);
    CHECK(all.labels.size() == 6 && all.goodness.size() == 24 && all.probabilities.size() == 24);
    CHECK(best.labels.size() == 12 && best.goodness.size() == 12 && best.probabilities.size() == 12);
    for (std::size_t i = 0; i < 6; i++)
        CHECK(best.labels[2 * i] == all.labels[i] && best.labels[2 * i + 1] != all.labels[i]);
}

TEST(training, optimizers_and_schedules)
{
    mf::optimizer_spec spec;
    spec.kind = MF_OPTIMIZER_SGD;
    spec.momentum = 0.5f;
    mf::optimizer sgd(spec), adam;
    CHECK(sgd.get(MF_OPTIMIZER_MOMENTUM) == 0.5 && adam.get(MF_OPTIMIZER_MOMENTUM) == 0);
    sgd.set(MF_OPTIMIZER_LEARNING_RATE, 0.25 * mf::schedule::cosine(5, 10) * mf::schedule::warmup(0, 2));
    CHECK(std::fabs(sgd.get(MF_OPTIMIZER_LEARNING_RATE) - 0.0625) < 1e-6);
    CHECK(mf::schedule::step(20, 10, 0.5) == 0.25 && mf::schedule::cosine(10, 10, 0.125) == 0.125);
    std::pair<double, double> range = mf::optimizer::range(MF_OPTIMIZER_LEARNING_RATE);
    CHECK(range.first == 0 && range.second > 1);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", sgd.set(MF_OPTIMIZER_LEARNING_RATE, -1));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", mf::optimizer::range(99));
}

TEST(training, the_library_and_its_products)
{
    char version[40];
    std::snprintf(version, sizeof version, "%d.%d.%d", MF_VERSION_MAJOR, MF_VERSION_MINOR, MF_VERSION_PATCH);
    CHECK(std::strcmp(mf::version(), version) == 0 && mf::blas::name()[0] != 0);
    CHECK(mf::products_name()[0] != 0);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", mf::blas::set_threads(0));
    try {
        std::int32_t threads = mf::blas::threads();
        mf::blas::set_threads(threads);
        CHECK(threads >= 1 && mf::blas::threads() == threads);
    } catch (const mf::error &problem) { /* a BLAS library without threads */
        CHECK(problem.status() == MF_STATUS_UNSUPPORTED);
    }
}

/* xor_x as bytes: 0 and 255 are 0 and 1, and so are the bf16 0 and 0x3F80. */
TEST(training, bytes_and_bf16_have_the_bits_of_floats)
{
    std::vector<std::uint8_t> bytes, moved;
    std::vector<std::uint16_t> halves;
    for (float value : xor_x) {
        bytes.push_back(value > 0 ? 255 : 0);
        moved.push_back(value > 0 ? 7 : 5);
        halves.push_back(value > 0 ? 0x3F80 : 0);
    }
    mf::network one = small_network(3), other = small_network(3);
    mf::workspace workspace(one, 4);
    mf::workspace converting(other, 4, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT);
    for (int step = 0; step < 20; step++) {
        for (int i = 0; i < 3; i++)
            one.step(workspace, xor_x, xor_y);
        other.step(converting, mf::batch::bytes(bytes, xor_y));
        other.step(converting, mf::batch::bytes(moved, xor_y, 0.5F, -5));
        other.step(converting, mf::batch::bf16(halves, xor_y));
    }
    std::vector<float> scores(8), expected = one.goodness(workspace, xor_x);
    other.infer(converting, mf::batch::bytes(bytes, 4), {{}, scores, {}});
    CHECK(scores == expected);
    other.infer(converting, mf::batch::bytes(moved, 4, 0.5F, -5), {{}, scores, {}});
    CHECK(scores == expected);
    other.infer(converting, mf::batch::bf16(halves, 4), {{}, scores, {}});
    CHECK(scores == expected);
    mf::pipeline pipeline(other, 4);
    pipeline.submit(mf::batch::bytes(bytes, xor_y));
    pipeline.flush();
    one.step(workspace, xor_x, xor_y);
    CHECK(other.goodness(converting, xor_x) == one.goodness(workspace, xor_x));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 6", other.step(converting, mf::batch::bytes({bytes.data(), 6}, xor_y)));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 8",
                other.infer(converting, mf::batch::bf16(halves, 5), {{}, scores, {}}));
    CHECK_ERROR(MF_STATUS_STATE, "MF_WORKSPACE_CONVERT", one.step(workspace, mf::batch::bytes(bytes, xor_y)));
}
