/* Layers of several units: chained calls, specs, what layers tell of their units, memory, summaries.
 * SPDX-License-Identifier: MIT */
#include "check.hpp"

namespace
{
constexpr std::size_t rows = 6;
constexpr std::size_t values = 3 * 8 * 8;

/* Bars that lie or stand, in three maps. */
struct pictures {
    std::vector<float> x = std::vector<float>(rows * values);
    std::vector<std::int32_t> y = std::vector<std::int32_t>(rows);

    pictures()
    {
        for (std::size_t i = 0; i < rows * values; i++) {
            std::size_t row = i / values, line = i / 8 % 8, column = i % 8, kind = row % 2;
            y[row] = static_cast<std::int32_t>(kind);
            x[i] = (kind == 0 ? line : column) == row + 1 ? 1.0f : 0.1f * static_cast<float>(i % 7);
        }
    }
};

mf::layer residual_block(std::uint64_t seed)
{
    return mf::builder({3, 8, 8}, seed)
        .conv2d(3)
        .batch_norm()
        .relu()
        .conv2d(3)
        .batch_norm()
        .add(0)
        .relu()
        .head(2)
        .build();
}

std::vector<float> all_values(const mf::layer_ref &layer)
{
    std::vector<float> all;
    for (const mf_parameter_info &info : layer.parameters()) {
        std::vector<float> one = layer.get_parameter(info.name);
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}
} // namespace

TEST(builder, heads_sample)
{
    mf::layer layer = mf::builder({4}, 5)
                          .dense(8)
                          .relu()
                          .head(mf::head_spec::linear(40).sampled(MF_SAMPLING_LOG_UNIFORM, 10))
                          .build();
    CHECK(layer.head().sampling == MF_SAMPLING_LOG_UNIFORM && layer.head().candidates == 10);
    CHECK_ERROR(
        MF_STATUS_ARGUMENT, "got 41",
        mf::builder({4}, 5).dense(8).head(mf::head_spec::linear(40).sampled(MF_SAMPLING_UNIFORM, 41)));
}

TEST(builder, heads_read_one_matrix)
{
    std::vector<float> numbers = {0.5f, 1, -1, 2, 0.25f, 3};
    mf::layer layer, other;
    {
        mf::matrix matrix(3, numbers);
        CHECK(matrix.rows() == 3 && matrix.columns() == 2 && matrix.values() == numbers);
        layer = mf::builder({4}, 5)
                    .dense(8)
                    .relu()
                    .dense(2, false)
                    .head(mf::head_spec::linear(3).reading(matrix).behind(2))
                    .build();
        other = mf::builder({4}, 5).dense(3).head(mf::head_spec::linear(3).reading(matrix)).build();
    }
    CHECK(layer.shared().get() == other.shared().get() && layer.shared().values() == numbers);
    std::vector<float> back(6), short_of(5);
    layer.shared().values(back);
    CHECK(back == numbers);
    CHECK_ERROR(MF_STATUS_SHAPE, "5", layer.shared().values(short_of));
    CHECK(layer.describe().outputs == 8 && layer.head().output_node == 2); /* without behind(): 2 outputs */
    CHECK(layer.unit(3).bias == 0 && layer.unit(1).bias == 1);
    CHECK(other.get_parameter("head.projection").size() == 3);
    CHECK(!mf::builder({4}, 5).dense(3).head(3).build().shared());
    mf::matrix taken = layer.matrix_of("units.3.weight");
    CHECK(taken.rows() == 2 && taken.columns() == 8 &&
          taken.values() == layer.get_parameter("units.3.weight"));
    mf::matrix_spec spec;
    spec.rows = 2;
    spec.columns = 3;
    spec.values = numbers.data();
    CHECK(mf::matrix(spec).columns() == 3);
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "no parameter", layer.matrix_of("weights"));
    CHECK_ERROR(MF_STATUS_SHAPE, "not 4 rows", mf::matrix(4, numbers));
    CHECK_ERROR(MF_STATUS_SHAPE, "3 rows",
                mf::builder({4}, 5).dense(3).head(mf::head_spec::linear(4).reading(layer.shared())));
}

TEST(builder, heads_match_similarities)
{
    mf::layer layer =
        mf::builder({4}, 5).dense(8).relu().dense(6).head(mf::head_spec::linear(3).matching(0.75f)).build();
    CHECK(layer.head().similarity == 0.75f);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "got 1",
                mf::builder({4}, 5).dense(8).dense(6).head(mf::head_spec::linear(3).matching(1.0f)));
}

TEST(builder, layers_have_auxiliary_heads)
{
    mf::builder builder({4}, 5);
    builder.dense(8).relu();
    const std::int32_t output = builder.node();
    mf::layer layer = builder.auxiliary(3, 0.3f)
                          .branch(output)
                          .dense(6)
                          .relu()
                          .auxiliary(3)
                          .head(mf::head_spec::linear(3).at(output))
                          .build();
    CHECK(layer.head().input_node == 2 && layer.unit(3).loss_weight == 0.3f &&
          layer.unit(6).loss_weight == 1.0f);
    CHECK(layer.describe().outputs == 8);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "must be behind input_node",
                mf::builder({4}, 5).dense(8).auxiliary(3).head(3).build());
}

TEST(builder, a_residual_block_learns)
{
    mf::network network;
    network.append(residual_block(7));
    mf::optimizer_spec how;
    how.learning_rate = 0.01f;
    network.set_optimizer(mf::optimizer(how));
    mf::workspace workspace(network, rows);
    pictures batch;
    network.step(workspace, batch.x, batch.y);
    double before = workspace.report().loss;
    for (int step = 0; step < 60; step++)
        network.step(workspace, batch.x, batch.y);
    CHECK(workspace.report().loss < before / 4);
    CHECK(network.predict(workspace, batch.x) == batch.y);
    CHECK(all_values(residual_block(7)) == all_values(residual_block(7)));
    CHECK(all_values(residual_block(7)) != all_values(residual_block(8)));
}

TEST(builder, a_layer_tells_its_units)
{
    mf::layer block = residual_block(1);
    std::vector<mf_unit_spec> units = block.units();
    CHECK(block.unit_count() == 7 && units.size() == 7);
    CHECK(units[0].kind == MF_UNIT_CONV2D && units[0].outputs == 3 && units[0].kernel[1] == 3);
    CHECK(units[0].padding[0] == 1 && units[1].kind == MF_UNIT_BATCH_NORM);
    CHECK(units[5].kind == MF_UNIT_ADD && block.unit(6).inputs[0] == 5 && block.unit(6).inputs[1] == 0);
    CHECK(units[6].activation == MF_ACTIVATION_RELU);
    mf_shape shape = block.unit_shape(4);
    CHECK(shape.rank == 3 && shape.dims[0] == 3 && shape.dims[2] == 8);
    CHECK(block.head().classes == 2 && block.describe().kind == MF_LAYER_UNITS);
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "", block.unit(8));
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "", block.unit_shape(-1));
    mf::layer plain(mf::layer_spec::dense(4, 5, 2));
    CHECK(plain.unit_count() == 2 && plain.unit(1).outputs == 5);

    mf::builder again({3, 8, 8}, 1); /* from what it tells, the same layer */
    for (const mf_unit_spec &unit : units)
        again.unit(unit);
    CHECK(all_values(again.head(block.head()).build()) == all_values(block));
}

TEST(builder, units_of_sequences_have_calls_and_specs)
{
    mf::builder chained({5, 4}, 3), added({5, 4}, 3);
    chained.layer_norm().dense(6).silu().concat(0).global_pool();
    added.unit(mf::unit_spec::layer_norm())
        .unit(mf::unit_spec::dense(6))
        .unit(mf::unit_spec::silu())
        .unit(mf::unit_spec::concat(0))
        .unit(mf::unit_spec::global_pool());
    CHECK(chained.shape(4).rank == 2 && chained.shape(4).dims[0] == 5 && chained.shape(4).dims[1] == 10);
    CHECK(chained.shape().rank == 1 && chained.shape().dims[0] == 10);
    CHECK(all_values(chained.head(3).build()) == all_values(added.head(3).build()));

    mf::builder attending({2, 3, 4}, 3), same({2, 3, 4}, 3);
    attending.tokens().positions().dense(12).attention(2, true).transpose().flatten();
    same.unit(mf::unit_spec::tokens())
        .unit(mf::unit_spec::positions())
        .unit(mf::unit_spec::dense(12))
        .unit(mf::unit_spec::attention(2, true))
        .unit(mf::unit_spec::transpose())
        .unit(mf::unit_spec::flatten());
    CHECK(attending.shape(3).dims[0] == 12 && attending.shape(3).dims[1] == 12);
    CHECK(attending.shape(5).dims[0] == 4 && attending.shape(5).dims[1] == 12);
    CHECK(attending.shape().rank == 1 && attending.shape().dims[0] == 48);
    mf::layer one = attending.head(3).build(), other = same.head(3).build();
    CHECK(all_values(one) == all_values(other));
    CHECK(one.unit(4).heads == 2 && one.unit(4).causal == 1 && other.unit(4).causal == 1);
}

TEST(builder, convolutions_have_groups)
{
    mf::layer layer = mf::builder({6, 4, 4}, 3).conv2d(4, 3, 1, 1, 2).head(3).build();
    CHECK(layer.unit(1).groups == 2 && layer.parameters()[0].count == 4 * 3 * 9);
}

TEST(builder, tokens_are_floats_or_integers)
{
    const std::vector<std::int32_t> tokens = {8, 0, 3, 3, 1, 2}, y = {0, 1}, labels = {0, 1, 1, 0, 0, 1};
    const std::vector<float> x(tokens.begin(), tokens.end());
    mf::builder chained({3}, 3), added({3}, 3);
    chained.embedding(9, 4).positions();
    added.unit(mf::unit_spec::embedding(9, 4)).unit(mf::unit_spec::positions());
    CHECK(chained.shape().rank == 2 && chained.shape().dims[0] == 3 && chained.shape().dims[1] == 4);
    mf::network one, other;
    one.append(chained.head(2).build());
    other.append(added.head(2).build());
    CHECK(one.at(0).unit(1).vocabulary == 9);
    mf::optimizer optimizer;
    one.set_optimizer(optimizer);
    other.set_optimizer(optimizer);
    mf::workspace plain(one, 2), converts(other, 2, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT);
    one.step(plain, mf::batch(x, y));
    other.step(converts, mf::batch::integers(tokens, y));
    CHECK(all_values(one.at(0)) == all_values(other.at(0)));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "token 0 of row 0 is 9",
                other.step(converts, mf::batch::integers(std::vector<std::int32_t>{9, 0, 0},
                                                         std::vector<std::int32_t>{0})));
    CHECK(mf::batch::integers(tokens, labels, 3).rows == 2);
}

TEST(builder, blocks_have_calls_and_specs)
{
    mf::builder chained({4, 6, 6}, 3), added({4, 6, 6}, 3);
    chained.residual().bottleneck(4).branch(7).residual(6, 2);
    added.block(mf::block_spec::residual()).block(mf::block_spec::bottleneck(4, 1));
    mf::block_spec wide = mf::block_spec::residual(6, 2);
    wide.input = 7;
    added.block(wide);
    CHECK(chained.node() == 26 && chained.shape().dims[0] == 6 && chained.shape().dims[1] == 3);
    chained.branch(17).bottleneck(6, 2, 5).add(26);
    added.branch(17).block(mf::block_spec::bottleneck(6, 2, 5)).add(26);
    mf::layer one = chained.head(3).build(), other = added.head(3).build();
    CHECK(all_values(one) == all_values(other));
    CHECK(one.unit(8).outputs == 1 && one.unit(18).inputs[0] == 7 && one.unit(27).outputs == 5);
    CHECK(other.unit(18).stride[0] == 2 && other.unit(18).stride[1] == 2);

    mf::builder sequence({5, 4}, 3), same({5, 4}, 3);
    sequence.mixer().mixer(3, 5).transformer(2, true, 7).transformer(1);
    same.block(mf::block_spec::mixer())
        .block(mf::block_spec::mixer(3, 5))
        .block(mf::block_spec::transformer(2, true, 7))
        .block(mf::block_spec::transformer(1));
    mf::layer mixed = sequence.head(3).build();
    CHECK(all_values(mixed) == all_values(same.head(3).build()));
    CHECK(mixed.unit(3).outputs == 2 && mixed.unit(15).outputs == 3 && mixed.unit(21).outputs == 5);
    CHECK(mixed.unit(27).heads == 2 && mixed.unit(27).causal == 1 && mixed.unit(31).outputs == 7);
    CHECK(mixed.unit(37).causal == 0 && mixed.unit(41).outputs == 16);
    CHECK_ERROR(MF_STATUS_SHAPE, "reads maps", mf::builder({5, 4}).residual());
}

TEST(builder, positions_have_labels_and_answers_of_their_own)
{
    mf::builder builder({3, 2}, 1);
    mf::layer layer = builder.dense(8).relu().head(mf::head_spec::positions(2)).build();
    CHECK(layer.goodness_shape().rank == 2 && layer.goodness_shape().dims[0] == 3);
    mf::optimizer_spec adam;
    adam.learning_rate = 0.05f;
    mf::optimizer optimizer(adam);
    mf::network network;
    network.append(layer);
    network.set_optimizer(optimizer);
    mf::workspace workspace(network, 2);
    const std::vector<float> x = {1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1};
    const std::vector<std::int32_t> y = {0, 1, 0, 1, 0, MF_LABEL_IGNORED};
    for (int step = 0; step < 100; step++)
        network.step(workspace, x, y);
    network.step(workspace, mf::batch::of_positions(x, y, 3));
    CHECK(workspace.report().rows == 5 && workspace.report().correct == 5);
    CHECK((network.predict(workspace, x) == std::vector<std::int32_t>{0, 1, 0, 1, 0, 1}));
    CHECK(network.goodness(workspace, x).size() == 12 && network.probabilities(workspace, x).size() == 12);
    CHECK_ERROR(MF_STATUS_SHAPE, "not whole rows of 3",
                network.step(workspace, x, mf::view<const std::int32_t>(y.data(), 4)));
    CHECK_ERROR(MF_STATUS_SHAPE, "", network.step(workspace, mf::batch::of_positions(x, y, 2)));
    CHECK_ERROR(MF_STATUS_SHAPE, "", network.step(workspace, mf::batch(x, y)));
}

/* The same inputs as bytes, as bf16 and as int32: every batch has as many labels as it has positions, or is
 * refused. */
TEST(builder, batches_of_every_type_have_labels_for_positions)
{
    mf::network network;
    network.append(mf::builder({3, 2}, 1).dense(8).relu().head(mf::head_spec::positions(2)).build());
    network.set_optimizer(mf::optimizer());
    mf::workspace workspace(network, 2, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT);
    const std::vector<float> x = {1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1};
    const std::vector<std::int32_t> y = {0, 1, 0, 1, 0, MF_LABEL_IGNORED};
    const std::vector<std::uint8_t> bytes(x.begin(), x.end());
    const std::vector<std::int32_t> integers(x.begin(), x.end());
    std::vector<std::uint16_t> halves;
    for (float value : x)
        halves.push_back(value > 0 ? 0x3F80 : 0);
    network.evaluate(workspace, mf::batch::of_positions(x, y, 3));
    const mf_report expected = workspace.report();
    CHECK(expected.rows == 5);
    for (const mf::batch &batch : {mf::batch::bytes(bytes, y, 1, 0, 3), mf::batch::bf16(halves, y, 3),
                                   mf::batch::integers(integers, y, 3)}) {
        CHECK(batch.rows == 2);
        network.evaluate(workspace, batch);
        CHECK(workspace.report().rows == expected.rows && workspace.report().loss == expected.loss);
        CHECK(workspace.report().correct == expected.correct);
    }
    const mf::view<const std::int32_t> few(y.data(), 2), odd(y.data(), 5);
    CHECK_ERROR(MF_STATUS_SHAPE, "the labels: 2", network.step(workspace, mf::batch::bytes(bytes, few)));
    CHECK_ERROR(MF_STATUS_SHAPE, "the labels: 2", network.step(workspace, mf::batch::bf16(halves, few)));
    CHECK_ERROR(MF_STATUS_SHAPE, "the labels: 2",
                network.step(workspace, mf::batch::integers(integers, few)));
    CHECK_ERROR(MF_STATUS_SHAPE, "the labels: 5",
                network.step(workspace, mf::batch::bytes(bytes, odd, 1, 0, 3)));
    CHECK_ERROR(MF_STATUS_SHAPE, "the labels: 5", network.step(workspace, mf::batch::bf16(halves, odd, 3)));
}

TEST(builder, a_precision_stays_with_its_layers)
{
    auto made = [](std::int32_t precision) {
        mf::network network;
        network.append(mf::builder({3, 8, 8}, 5, precision).dense(16).relu().head(2).build());
        mf::layer_spec second = mf::layer_spec::dense(16, 8, 2);
        second.seed = 6;
        second.precision = precision;
        network.append(second);
        network.set_optimizer(mf::optimizer());
        return network;
    };
    mf::network rounded = made(MF_PRECISION_BF16), plain = made(MF_PRECISION_FLOAT32);
    mf::workspace workspace(rounded, rows), other(plain, rows);
    pictures batch;
    rounded.step(workspace, batch.x, batch.y);
    double before = workspace.report().loss;
    for (int step = 0; step < 60; step++) {
        rounded.step(workspace, batch.x, batch.y);
        plain.step(other, batch.x, batch.y);
    }
    CHECK(workspace.report().loss < before / 4);
    mf::network loaded = mf::network::load_buffer(rounded.save_buffer());
    for (std::size_t i = 0; i < 2; i++) {
        CHECK(rounded.at(i).describe().precision == MF_PRECISION_BF16);
        CHECK(loaded.at(i).describe().precision == MF_PRECISION_BF16);
        CHECK(plain.at(i).describe().precision == MF_PRECISION_FLOAT32);
        CHECK(all_values(rounded.at(i)) != all_values(plain.at(i)));
    }
    mf::workspace its_own(loaded, rows);
    CHECK(loaded.goodness(its_own, batch.x) == rounded.goodness(workspace, batch.x));
    mf_shape input = mf::shape({4});
    CHECK(mf::builder(input, 1, MF_PRECISION_BF16).dense(3).head(2).build().describe().precision ==
          MF_PRECISION_BF16);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "7", mf::builder({4}, 1, 7));
}

TEST(builder, every_unit_has_a_call_and_a_spec)
{
    mf::builder chained({2, 9, 9}, 3), added({2, 9, 9}, 3);
    chained.conv2d(4, 3, 0, 2).leaky_relu(0.1f).max_pool(3, 2, 1).dropout(0.25f, true);
    added.unit(mf::unit_spec::conv2d(4, 3, 0, 2))
        .unit(mf::unit_spec::leaky_relu(0.1f))
        .unit(mf::unit_spec::max_pool(3, 2, 1))
        .unit(mf::unit_spec::dropout(0.25f, true));
    CHECK(chained.node() == 4 && chained.shape().dims[0] == 4 && chained.shape().dims[1] == 2);
    CHECK(chained.shape(0).dims[1] == 9 && chained.shape(1).dims[1] == 4);
    chained.average_pool(2, 1, 1).dense(6).tanh().dense(6).gelu();
    added.unit(mf::unit_spec::average_pool(2, 1, 1))
        .unit(mf::unit_spec::dense(6))
        .unit(mf::unit_spec::tanh())
        .unit(mf::unit_spec::dense(6))
        .unit(mf::unit_spec::gelu());
    chained.activation(MF_ACTIVATION_IDENTITY)
        .branch(7)
        .unit(mf::unit_spec::dense(6))
        .batch_norm()
        .add(10)
        .relu();
    mf::unit_spec from_seven = mf::unit_spec::dense(6);
    from_seven.inputs[0] = 7;
    added.unit(mf::unit_spec::activation(MF_ACTIVATION_IDENTITY))
        .unit(from_seven)
        .unit(mf::unit_spec::batch_norm())
        .unit(mf::unit_spec::add(10))
        .unit(mf::unit_spec::relu());
    mf::layer one = chained.head(3).build(), other = added.head(mf::head_spec::linear(3)).build();
    CHECK(all_values(one) == all_values(other) && one.unit_count() == other.unit_count());
    for (std::size_t i = 0; i < one.unit_count(); i++) {
        mf_unit_spec a = one.units()[i], b = other.units()[i];
        CHECK(a.kind == b.kind && a.inputs[0] == b.inputs[0] && a.inputs[1] == b.inputs[1]);
        CHECK(a.dropout == b.dropout && a.dropout_maps == b.dropout_maps && a.leak == b.leak);
        CHECK(a.activation == b.activation && a.pool == b.pool && a.stride[0] == b.stride[0]);
        CHECK(a.padding[0] == b.padding[0] && a.padding[1] == (a.kind == MF_UNIT_POOL ? 1u : 0u));
    }
    CHECK(one.unit(11).inputs[0] == 7 && one.unit(12).inputs[0] == 11 && one.unit(13).inputs[1] == 10);
    CHECK(one.unit(4).dropout == 0.25f && one.unit(4).dropout_maps == 1);
    mf::unit_spec pair = mf::unit_spec::add(1, 2);
    CHECK(pair.inputs[0] == 2 && pair.inputs[1] == 1 && mf::head_spec::linear(3, 2).pool_size == 2);
}

TEST(builder, what_is_wrong_throws_where_it_is)
{
    mf::builder builder({3, 8, 8});
    CHECK_ERROR(MF_STATUS_SHAPE, "", builder.conv2d(4).add(0));
    CHECK_ERROR(MF_STATUS_SHAPE, "", builder.relu()); /* the first failure stays */
    CHECK_ERROR(MF_STATUS_SHAPE, "", builder.head(2).build());
    CHECK_ERROR(MF_STATUS_STATE, "", mf::builder({4}).dense(3).build());
    CHECK_ERROR(MF_STATUS_STATE, "", mf::builder({4}).head(3).build());
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", mf::builder({1, 2, 3, 4}));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", mf::builder({1, 2, 3, 4, 5}));
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "", mf::builder({4}).shape(1));
    CHECK_ERROR(MF_STATUS_HANDLE, "", mf::builder().dense(3));
    CHECK_ERROR(MF_STATUS_STATE, "", mf::builder::from_spec(mf::layer_spec::dense(4, 5, 2)).dense(3));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", mf::builder::from_spec(mf::layer_spec()));
    static_assert(!std::is_copy_constructible_v<mf::builder>);
    static_assert(std::is_nothrow_move_constructible_v<mf::builder>);
}

TEST(builder, memory_is_known_before_anything_is_built)
{
    counting_memory counter;
    mf_allocator allocator = counter.allocator();
    mf::shape input({3, 8, 8});
    mf::builder_spec spec;
    spec.input = &input;
    spec.allocator = &allocator;
    spec.seed = 5;
    std::vector<mf::builder> builders;
    builders.emplace_back(spec);
    builders[0].conv2d(4).batch_norm().relu().head(2, 4);
    mf_shape output = builders[0].shape();
    builders.emplace_back(output, 6);
    builders[1].conv2d(4).batch_norm().add(0).relu().head(2);
    mf::optimizer_spec how;
    mf_memory needs = mf::network_memory_built(builders, rows, &how);
    std::size_t own = counter.bytes; // builders that are complete
    CHECK(needs.workspace > 0 && needs.state > 0 && needs.arena >= needs.total);
    CHECK(mf::network_memory_built(builders, rows).state == 0);
    CHECK(mf::network_memory_built(builders, rows, &how, MF_WORKSPACE_INFERENCE).workspace < needs.workspace);
    CHECK_ERROR(MF_STATUS_STATE, "", mf::network_memory_built({}, rows));
    {
        mf::layer first = builders[0].build();
        std::size_t taken = counter.bytes - own;
        builders.pop_back();
        CHECK(taken == mf::network_memory_built(builders, rows).layers);
        CHECK(first.head().pool_size == 4);
    }
    builders.clear();
    CHECK(counter.blocks == 0 && counter.bytes == 0);

    mf::layer_spec dense = mf::layer_spec::dense(4, 5, 2);
    std::vector<mf::builder> from;
    from.push_back(mf::builder::from_spec(dense));
    std::vector<mf::layer_spec> specs = {dense};
    CHECK(mf::network_memory_built(from, rows).total == mf::network_memory(specs, rows).total);
    CHECK(from[0].build().describe().outputs == 5);
}

TEST(builder, a_summary_names_units_and_memory)
{
    mf::network network;
    CHECK(network.summary(1).find("no layers") != std::string::npos);
    network.append(residual_block(1));
    std::string text = network.summary(rows);
    for (const char *part :
         {"conv2d", "3x8x8", "node 5 + node 0", "gradients stop here", "workspace for 6 rows"})
        CHECK(text.find(part) != std::string::npos);
    CHECK(text.back() == '\n' && text.find('\0') == std::string::npos);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "", network.summary(0));
}
