/* The same training by the C++ header and by calls of the C header: the same bits.
 * SPDX-License-Identifier: MIT */
#include "check.hpp"

namespace
{
std::vector<float> all_values(mf::network_ref network)
{
    std::vector<float> values;
    for (std::size_t i = 0; i < network.size(); i++)
        for (const mf_parameter_info &info : network.at(i).parameters()) {
            std::vector<float> some = network.at(i).get_parameter(info.name);
            values.insert(values.end(), some.begin(), some.end());
        }
    return values;
}

void in_c(std::vector<float> &values, std::int32_t labels[4], double &loss)
{
    mf_optimizer_spec how;
    mf_optimizer *optimizer = nullptr;
    mf::check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.01f;
    mf::check(mf_optimizer_create(&how, &optimizer));
    mf_network *network = nullptr;
    mf::check(mf_network_create(nullptr, &network));
    for (std::size_t i = 0; i < 2; i++) {
        mf_layer_spec shape;
        mf_layer *layer = nullptr;
        mf::check(mf_layer_spec_init(&shape, sizeof shape));
        shape.inputs = i == 0 ? 2 : 16;
        shape.outputs = 16;
        shape.classes = 2;
        shape.seed = i + 1;
        mf::check(mf_layer_create(&shape, &layer));
        mf::check(mf_network_append(network, layer, nullptr));
        mf_layer_free(layer);
    }
    mf::check(mf_network_set_optimizer(network, optimizer));
    mf_workspace_spec room;
    mf_workspace *workspace = nullptr;
    mf::check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = 4;
    mf::check(mf_workspace_create(&room, &workspace));
    for (int step = 0; step < 200; step++)
        mf::check(mf_network_step(network, workspace, 4, xor_x, xor_y));
    mf_report report = {};
    report.struct_size = sizeof report;
    mf::check(mf_workspace_report(workspace, 1, &report));
    loss = report.loss;
    mf::check(mf_network_predict(network, workspace, MF_PREDICT_SUM, 4, xor_x, labels));
    values = all_values(mf::network_ref(network));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}
} // namespace

TEST(against_c, the_same_bits)
{
    std::vector<float> values;
    std::int32_t labels[4];
    double loss = 0;
    in_c(values, labels, loss);

    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    for (int step = 0; step < 200; step++)
        network.step(workspace, xor_x, xor_y);
    CHECK(values.size() > 300 && values == all_values(network));
    CHECK(workspace.report(1).loss == loss);
    std::vector<std::int32_t> mine = network.predict(workspace, xor_x, MF_PREDICT_SUM);
    CHECK(mine == std::vector<std::int32_t>(labels, labels + 4));
    CHECK(mine == std::vector<std::int32_t>(xor_y, xor_y + 4));
}

/* Each default that C fills in is what a C++ spec begins with. */
TEST(against_c, specs_begin_with_the_defaults)
{
    mf_layer_spec layer;
    mf::check(mf_layer_spec_init(&layer, sizeof layer));
    mf::layer_spec mine;
    CHECK(mine.struct_size == layer.struct_size && mine.activation == layer.activation &&
          mine.bias == layer.bias);
    CHECK(mine.kernel[1] == layer.kernel[1] && mine.leak == layer.leak && mine.seed == layer.seed);
    mf_optimizer_spec optimizer;
    mf::check(mf_optimizer_spec_init(&optimizer, sizeof optimizer));
    CHECK(mf::optimizer_spec().learning_rate == optimizer.learning_rate);
    CHECK(mf::optimizer_spec().struct_size == sizeof optimizer);
    mf_pipeline_spec pipeline;
    mf::check(mf_pipeline_spec_init(&pipeline, sizeof pipeline));
    CHECK(mf::pipeline_spec().workers == pipeline.workers);
    CHECK(mf::batch().rows == 0 && mf::batch().target_type == MF_TYPE_INT32);
    CHECK(mf::load_spec().contents == MF_CONTENTS_MODEL &&
          mf::load_spec().struct_size == sizeof(mf_load_spec));
    CHECK(mf::workspace_spec().struct_size == sizeof(mf_workspace_spec));
    CHECK(mf::network_spec().struct_size == sizeof(mf_network_spec));
}
