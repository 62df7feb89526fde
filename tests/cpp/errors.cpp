/* Exceptions: status, name and message; constructors that leave nothing; sizes that do not fit.
 * SPDX-License-Identifier: MIT */
#include "check.hpp"

#include <limits>

TEST(errors, status_name_and_message)
{
    try {
        mf::layer layer(mf::layer_spec::dense(4, 4, 1));
        CHECK(false);
    } catch (const std::exception &general) {
        auto *problem = static_cast<const mf::error *>(&general);
        CHECK(problem->status() == MF_STATUS_ARGUMENT);
        CHECK(std::string(problem->name()) == "MF_STATUS_ARGUMENT");
        CHECK(std::string(problem->what()).find("classes") != std::string::npos);
    }
}

TEST(errors, the_message_stays)
{
    mf::network network;
    try {
        network.position_of(77);
        CHECK(false);
    } catch (const mf::error &problem) {
        mf::error copy = problem;
        CHECK_ERROR(MF_STATUS_ARGUMENT, "", mf::optimizer::range(99)); /* another failure */
        CHECK(copy.status() == MF_STATUS_NOT_FOUND &&
              std::string(copy.what()).find("77") != std::string::npos);
    }
}

TEST(errors, checks_by_hand)
{
    mf::check(MF_STATUS_OK);
    mf::network network;
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "", network.at(0));
    CHECK_ERROR(MF_STATUS_SHAPE, "", mf::check(MF_STATUS_SHAPE));
}

TEST(errors, of_each_constructor)
{
    mf::optimizer_spec rate;
    rate.learning_rate = -1;
    CHECK_ERROR(MF_STATUS_ARGUMENT, "learning", mf::optimizer{rate});
    CHECK_ERROR(MF_STATUS_SHAPE, "", mf::layer(mf::layer_spec::conv2d(1, 2, 2, 4, 3)));
    CHECK_ERROR(MF_STATUS_STATE, "", mf::workspace(mf::network(), 4));
    CHECK_ERROR(MF_STATUS_STATE, "", mf::pipeline(mf::network(), 4));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "threads", mf::pool(5000));
    mf::layer none;
    CHECK_ERROR(MF_STATUS_HANDLE, "the layer is empty", mf::workspace(none, 4));
    CHECK_ERROR(MF_STATUS_HANDLE, "the network is empty", mf::workspace(mf::network(nullptr), 4));
    mf::network_spec strange;
    strange.struct_size = 3;
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", mf::network{strange});
    unsigned char buffer[4];
    CHECK_ERROR(MF_STATUS_CAPACITY, "", mf::arena{buffer});
    CHECK_ERROR(MF_STATUS_IO, "/nowhere", mf::network::load("/nowhere/at/all"));
    CHECK_ERROR(MF_STATUS_FORMAT, "", mf::network::load_buffer(std::string("nonsense of some length")));
}

/* To C the handle would be NULL, which means no optimizer, no pool and no matrix. */
TEST(errors, what_is_empty_does_not_stand_for_none)
{
    mf::network network = small_network();
    mf::optimizer moved_from;
    mf::optimizer to = std::move(moved_from);
    mf::pool no_pool(1);
    mf::pool threads = std::move(no_pool);
    CHECK_ERROR(MF_STATUS_HANDLE, "the pool is empty", mf::workspace(network, 4, no_pool));
    CHECK_ERROR(MF_STATUS_HANDLE, "the pool is empty", mf::pipeline(network, 4, no_pool));
    CHECK_ERROR(MF_STATUS_HANDLE, "the matrix is empty", mf::head_spec::linear(3).reading(mf::matrix()));
    CHECK_ERROR(MF_STATUS_HANDLE, "the matrix is empty",
                mf::head_spec::linear(3).reading(network.at(0).shared()));
    CHECK_ERROR(MF_STATUS_HANDLE, "moved from", network.set_optimizer(moved_from));
    CHECK_ERROR(MF_STATUS_HANDLE, "moved from", network.at(0).set_optimizer(moved_from));
    CHECK(network.at(0).attached_optimizer() && to);
}

TEST(errors, arrays_that_do_not_fit_a_network)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    std::vector<float> x(xor_x, xor_x + 8), short_x(7), wide_x(12), out(7);
    std::vector<std::int32_t> labels(3);
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7 values", network.step(workspace, short_x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "not 4 rows of 2", network.step(workspace, wide_x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 12", network.step_layer(workspace, 0, wide_x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 12", network.evaluate(workspace, wide_x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.predict(workspace, short_x));
    CHECK_ERROR(MF_STATUS_SHAPE, "3 rows", network.predict(workspace, x, labels));
    CHECK_ERROR(MF_STATUS_SHAPE, "goodness: 7", network.goodness(workspace, x, out));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.goodness(workspace, short_x));
    CHECK_ERROR(MF_STATUS_SHAPE, "probabilities: 7", network.probabilities(workspace, x, out));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.probabilities(workspace, short_x));
    CHECK(workspace.report(0).rows == 0 && network.predict(workspace, x).size() == 4);
}

TEST(errors, arrays_that_do_not_fit_a_layer)
{
    mf::layer layer(mf::layer_spec::dense(2, 5, 3));
    mf::optimizer optimizer;
    layer.set_optimizer(optimizer);
    mf::workspace workspace(layer, 4);
    std::vector<float> a(19), short_x(7), gradients(3);
    CHECK_ERROR(MF_STATUS_SHAPE, "the activation: 19", layer.step(workspace, xor_x, xor_y, a));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", layer.step(workspace, short_x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "the activation: 19", layer.forward(workspace, xor_x, a));
    CHECK_ERROR(MF_STATUS_SHAPE, "the activation: 19 values are not whole rows of 5",
                layer.goodness(workspace, a));
    CHECK_ERROR(MF_STATUS_SHAPE, "", layer.gradients(workspace, mf::batch(xor_x, xor_y), gradients));
    CHECK_ERROR(MF_STATUS_SHAPE, "", layer.apply(gradients));
    CHECK_ERROR(MF_STATUS_SHAPE, "", layer.set_parameter("bias", gradients));
    CHECK_ERROR(MF_STATUS_SHAPE, "", layer.get_parameter("bias", gradients));
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "nothing", layer.get_parameter("nothing"));
    CHECK(workspace.report().applied == 0);
}

TEST(errors, batches_that_do_not_fit)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    std::vector<float> x(xor_x, xor_x + 8), weights(3, 1.0f), wide(11);
    std::vector<std::int32_t> y(xor_y, xor_y + 4);
    CHECK_ERROR(MF_STATUS_SHAPE, "sample weights: 3", mf::batch(x, y, weights));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 8", network.step(workspace, mf::batch(x, {y.data(), 3})));
    CHECK_ERROR(MF_STATUS_SHAPE, "stride of 3", network.step(workspace, mf::batch(x, y, {}, 3)));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", network.step(workspace, mf::batch(x, y, {}, 1)));
    CHECK_ERROR(MF_STATUS_SHAPE, "stride",
                network.step(workspace, mf::batch(x, y, {}, std::numeric_limits<std::size_t>::max())));
    network.step(workspace, mf::batch(wide, y, {}, 3)); /* the last row may end early */
    CHECK(workspace.report(1).rows == 4);

    std::vector<std::int32_t> labels(4);
    std::vector<float> scores(7);
    CHECK_ERROR(MF_STATUS_SHAPE, "labels: 4",
                network.infer(workspace, mf::batch({xor_x, 6}, 3), {labels, {}, {}}));
    CHECK_ERROR(MF_STATUS_SHAPE, "goodness: 7",
                network.infer(workspace, mf::batch(x, 4), {labels, scores, {}}));
    CHECK_ERROR(MF_STATUS_SHAPE, "probabilities: 7",
                network.infer(workspace, mf::batch(x, 4), {{}, {}, scores}));
}

TEST(errors, answers_that_do_not_fit)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    std::vector<std::int32_t> best(8);
    std::vector<float> scores(8), chances(7), short_x(7);
    const mf::batch rows(xor_x, 4);
    CHECK_ERROR(MF_STATUS_SHAPE, "labels: 8 values are not 4 rows of 1",
                network.top(workspace, rows, 1, {best, scores}));
    CHECK_ERROR(MF_STATUS_SHAPE, "goodness: 0 values are not 4 rows of 2",
                network.top(workspace, rows, 2, {best, {}}));
    CHECK_ERROR(MF_STATUS_SHAPE, "labels: 0", network.top(workspace, xor_x, 2, {{}, scores}));
    CHECK_ERROR(MF_STATUS_SHAPE, "probabilities: 7",
                network.top(workspace, xor_x, 2, {best, scores, chances}));
    CHECK_ERROR(MF_STATUS_SHAPE, "goodness: 7", network.infer(workspace, xor_x, {{}, chances, {}}));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.infer(workspace, short_x));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.infer(workspace, short_x, {{}, scores, {}}));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.infer(workspace, mf::batch(short_x, 4)));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.top(workspace, short_x, 2));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.top(workspace, short_x, 2, {best, scores}));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", network.top(workspace, mf::batch(short_x, 4), 2));
}

/* What a function returns is made before the library is asked: it has to come as far as its message. */
TEST(errors, of_calls_that_return_arrays)
{
    mf::network network = small_network(), empty;
    mf::workspace workspace(network, 4);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "best 3 classes of 2", network.top(workspace, xor_x, 3));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "classes of 2",
                network.top(workspace, xor_x, std::numeric_limits<std::size_t>::max()));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "best 0 classes", network.top(workspace, xor_x, 0));
    CHECK_ERROR(MF_STATUS_STATE, "no layers", empty.top(workspace, xor_x, 1));
    CHECK_ERROR(MF_STATUS_STATE, "no layers", empty.infer(workspace, xor_x));
    CHECK_ERROR(MF_STATUS_STATE, "no layers", empty.predict(workspace, xor_x));
    CHECK_ERROR(MF_STATUS_STATE, "no layers", empty.goodness(workspace, xor_x));
    CHECK_ERROR(MF_STATUS_STATE, "no layers", empty.probabilities(workspace, xor_x));
    mf::network to = std::move(empty);
    CHECK_ERROR(MF_STATUS_HANDLE, "a network", empty.top(workspace, xor_x, 1));
    CHECK_ERROR(MF_STATUS_HANDLE, "a network", empty.infer(workspace, xor_x));
    CHECK_ERROR(MF_STATUS_HANDLE, "a network", empty.predict(workspace, xor_x));
    mf::pipeline pipeline(network, 4);
    CHECK_ERROR(MF_STATUS_CAPACITY, "0 rows", pipeline.predict(workspace, mf::view<const float>()));
    CHECK_ERROR(MF_STATUS_CAPACITY, "0 rows", pipeline.infer(workspace, mf::view<const float>()));
    CHECK_ERROR(MF_STATUS_CAPACITY, "", network.top(workspace, mf::view<const float>(), 1));
    CHECK_ERROR(MF_STATUS_CAPACITY, "", network.infer(workspace, mf::view<const float>()));
    mf::batch many;
    many.inputs = xor_x;
    many.rows = std::numeric_limits<std::size_t>::max() / 4;
    CHECK_ERROR(MF_STATUS_OVERFLOW, "rows of 2", network.top(workspace, many, 2));
    CHECK_ERROR(MF_STATUS_OVERFLOW, "rows of 2", network.infer(workspace, many));
    mf::layer layer(mf::layer_spec::dense(2, 5, 3)), none;
    mf::workspace room(layer, 4);
    CHECK_ERROR(MF_STATUS_OVERFLOW, "rows of 5", layer.forward(room, many));
    CHECK_ERROR(MF_STATUS_OVERFLOW, "rows of 5", layer.pass(room, many));
    CHECK_ERROR(MF_STATUS_CAPACITY, "", layer.forward(room, mf::batch()));
    CHECK_ERROR(MF_STATUS_HANDLE, "", none.forward(room, mf::batch(xor_x, 4)));
    CHECK_ERROR(MF_STATUS_HANDLE, "", none.pass(room, mf::batch(xor_x, 4)));
    CHECK_ERROR(MF_STATUS_HANDLE, "", none.gradients(room, mf::batch(xor_x, xor_y)));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", layer.forward(room, mf::batch({xor_x, 7}, 4)));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", layer.pass(room, mf::batch({xor_x, 7}, 4)));
}

TEST(errors, what_the_wrapper_cannot_know_the_library_says)
{
    mf::network empty;
    mf::network other = small_network();
    mf::workspace workspace(other, 4);
    CHECK_ERROR(MF_STATUS_STATE, "", empty.step(workspace, xor_x, xor_y));
    const std::int32_t wrong[] = {0, 1, 2, 0};
    CHECK_ERROR(MF_STATUS_LABEL, "", other.step(workspace, xor_x, wrong));
    float many[20] = {};
    CHECK_ERROR(MF_STATUS_CAPACITY, "", other.predict(workspace, many));
    other.append(mf::layer_spec::dense(16, 4, 2));
    CHECK_ERROR(MF_STATUS_STALE, "", other.predict(workspace, xor_x));
}
