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

namespace
{
/* A residual block by calls of C. */
mf::layer block_in_c()
{
    mf_shape input;
    mf::check(mf_shape_init(&input, sizeof input));
    input.rank = 3;
    input.dims[0] = input.dims[1] = input.dims[2] = 4;
    mf_builder_spec spec;
    mf_builder *builder = nullptr;
    mf::check(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = &input;
    spec.seed = 9;
    mf::check(mf_builder_create(&spec, &builder));
    for (std::int32_t kind : {MF_UNIT_CONV2D, MF_UNIT_BATCH_NORM, MF_UNIT_ACTIVATION, MF_UNIT_CONV2D,
                              MF_UNIT_BATCH_NORM, MF_UNIT_ADD, MF_UNIT_ACTIVATION}) {
        mf_unit_spec unit;
        mf::check(mf_unit_spec_init(&unit, sizeof unit));
        unit.kind = kind;
        unit.outputs = 4;
        unit.padding[0] = unit.padding[1] = 1;
        mf::check(mf_builder_unit(builder, &unit, nullptr));
    }
    mf_head_spec head;
    mf_layer *layer = nullptr;
    mf::check(mf_head_spec_init(&head, sizeof head));
    head.classes = 2;
    mf::check(mf_builder_head(builder, &head));
    mf::check(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return mf::layer(layer);
}

std::vector<float> trained_block(const mf::layer &block)
{
    const std::vector<std::int32_t> y = {0, 1, 1, 0, 1};
    std::vector<float> x(y.size() * 64);
    for (std::size_t i = 0; i < x.size(); i++)
        x[i] = static_cast<float>(i * 37 % 101) / 101;
    mf::network network;
    network.append(block);
    network.set_optimizer(mf::optimizer());
    mf::workspace workspace(network, y.size());
    for (int step = 0; step < 20; step++)
        network.step(workspace, x, y);
    return all_values(network);
}
} // namespace

TEST(against_c, a_residual_block_has_the_same_bits)
{
    mf::builder builder({4, 4, 4}, 9);
    builder.conv2d(4).batch_norm().relu().conv2d(4).batch_norm().add(0).relu().head(2);
    std::vector<float> values = trained_block(block_in_c());
    CHECK(values.size() > 400 && values == trained_block(builder.build()));
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
    mf_unit_spec unit;
    mf::check(mf_unit_spec_init(&unit, sizeof unit));
    CHECK(mf::unit_spec().leak == unit.leak && mf::unit_spec().inputs[0] == unit.inputs[0]);
    CHECK(mf::head_spec().struct_size == sizeof(mf_head_spec) && mf::head_spec().projection_gain == 1);
    CHECK(mf::builder_spec().struct_size == sizeof(mf_builder_spec) && mf::shape({3, 4}).dims[2] == 1);
}
