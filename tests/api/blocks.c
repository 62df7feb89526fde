/* Ready-made blocks: the units of each, listed by hand, the layer's bits and the oracle on them; shapes and
 * nodes; what is refused. SPDX-License-Identifier: MIT */
#include "memory.h"
#include "oracle_case_units.h"

enum { CLASSES = 3 };

static mf_block_spec block_of(int32_t kind)
{
    mf_block_spec block;

    check_ok(mf_block_spec_init(&block, sizeof block));
    block.kind = kind;
    return block;
}

static mf_unit_spec conv(size_t filters, size_t kernel, size_t down, size_t across)
{
    mf_unit_spec unit = unit_conv(filters, kernel, kernel / 2);

    unit.bias = 0;
    unit.stride[0] = down;
    unit.stride[1] = across;
    return unit;
}

static void test_defaults_are_those_of_the_header(void **state)
{
    mf_block_spec block;

    (void)state;
    memset(&block, 0x5A, sizeof block);
    check_ok(mf_block_spec_init(&block, sizeof block));
    assert_int_equal(block.struct_size, sizeof block);
    assert_int_equal(block.kind, MF_BLOCK_RESIDUAL);
    assert_int_equal(block.input, MF_NODE_PREVIOUS);
    assert_int_equal(block.activation, MF_ACTIVATION_AUTO);
    assert_int_equal(block.outputs + block.stride[0] + block.stride[1] + block.hidden + block.token_hidden,
                     0);
    assert_int_equal(block.heads, 0);
    assert_int_equal(block.causal, 0);
    assert_int_equal(block.reserved, 0);
}

/* ---- what a block consists of ---- */

/* The plan has the input, the units in front of the block, and the block's own; `before`: how many are in
 * front. Builds that layer, and the one with the block, which have to be the same to the bit, and compares
 * the latter with the oracle. */
static void check_block(const char *name, const units_plan *plan, size_t before, mf_block_spec block)
{
    mf_builder *builder = start_builder(plan, NULL);
    mf_layer *by_hand = make_units(plan);
    units_case one = {.name = name, .plan = *plan, .seed = 11, .max_rows = 4, .steps = 2};
    int32_t node = -7;
    saved_values first, second;
    size_t count;

    for (size_t i = 0; i < before; i++)
        check_ok(mf_builder_unit(builder, &plan->units[i], NULL));
    check_ok(mf_builder_block(builder, &block, &node));
    assert_int_equal(node, plan->count);
    check_ok(mf_layer_build(builder, &one.layer));
    mf_builder_free(builder);

    check_ok(mf_layer_unit_count(one.layer, &count));
    assert_int_equal(count, plan->count);
    for (int32_t i = 1; i <= (int32_t)count; i++) {
        mf_unit_spec expected = {.struct_size = sizeof expected}, found = {.struct_size = sizeof found};

        check_ok(mf_layer_unit(by_hand, i, &expected, NULL));
        check_ok(mf_layer_unit(one.layer, i, &found, NULL));
        check_same_unit(&expected, &found);
    }
    first = save_layer_values(by_hand);
    second = save_layer_values(one.layer);
    assert_true(same_values(&first, &second));
    free_saved_values(&first);
    free_saved_values(&second);
    mf_layer_free(by_hand);
    assert_true(run_units_case(&one));
}

static void test_a_residual_block_adds_its_input(void **state)
{
    units_plan plan = plan_maps(3, 5, 4, CLASSES);

    (void)state;
    plan_add(&plan, conv(3, 3, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, conv(3, 3, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    check_block("residual", &plan, 0, block_of(MF_BLOCK_RESIDUAL));
}

/* Behind another unit, with other maps, half as high, and an activation of its own. */
static void test_a_residual_block_takes_its_input_along(void **state)
{
    units_plan plan = plan_maps(2, 6, 5, CLASSES);
    mf_block_spec block = block_of(MF_BLOCK_RESIDUAL);

    (void)state;
    plan_add(&plan, unit_conv(3, 1, 0));
    plan_add(&plan, conv(4, 3, 2, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, conv(4, 3, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_reading(conv(4, 1, 2, 1), 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_add(6, 8));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    block.outputs = 4;
    block.stride[0] = 2;
    block.activation = MF_ACTIVATION_TANH;
    check_block("residual, strided", &plan, 1, block);
}

static void test_a_bottleneck_is_narrow_in_the_middle(void **state)
{
    units_plan plan = plan_maps(8, 4, 4, CLASSES);

    (void)state;
    plan_add(&plan, conv(2, 1, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, conv(2, 3, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, conv(8, 1, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    check_block("bottleneck", &plan, 0, block_of(MF_BLOCK_BOTTLENECK));
}

static void test_a_bottleneck_takes_its_input_along(void **state)
{
    units_plan plan = plan_maps(3, 5, 6, CLASSES);
    mf_block_spec block = block_of(MF_BLOCK_BOTTLENECK);

    (void)state;
    plan_add(&plan, conv(5, 1, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&plan, conv(5, 3, 2, 2));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&plan, conv(6, 1, 1, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_reading(conv(6, 1, 2, 2), 0));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_add(8, 10));
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    block.outputs = 6;
    block.hidden = 5;
    block.stride[0] = block.stride[1] = 2;
    block.activation = MF_ACTIVATION_SILU;
    check_block("bottleneck, strided", &plan, 0, block);
}

/* The units of x + dense(phi(dense(norm(x)))). */
static void add_perceptron(units_plan *plan, size_t hidden, size_t width, int32_t activation)
{
    const int32_t x = (int32_t)plan->count;

    plan_add(plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(plan, unit_dense(hidden));
    plan_add(plan, unit_activation(activation));
    plan_add(plan, unit_dense(width));
    plan_add(plan, unit_add(MF_NODE_PREVIOUS, x));
}

static void add_mixer(units_plan *plan, size_t tokens, size_t hidden, int32_t activation)
{
    const size_t positions = plan->input.dims[0], width = plan->input.dims[1];

    plan_add(plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(plan, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(plan, unit_dense(tokens));
    plan_add(plan, unit_activation(activation));
    plan_add(plan, unit_dense(positions));
    plan_add(plan, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(plan, unit_add(MF_NODE_PREVIOUS, 0));
    add_perceptron(plan, hidden, width, activation);
}

static void test_a_mixer_block_mixes_positions_and_values(void **state)
{
    units_plan usual = plan_sequence(5, 6, CLASSES), chosen = plan_sequence(4, 3, CLASSES);
    mf_block_spec block = block_of(MF_BLOCK_MIXER);

    (void)state;
    add_mixer(&usual, 3, 24, MF_ACTIVATION_GELU);
    check_block("Mixer", &usual, 0, block);
    add_mixer(&chosen, 7, 5, MF_ACTIVATION_LEAKY_RELU);
    block.token_hidden = 7;
    block.hidden = 5;
    block.activation = MF_ACTIVATION_LEAKY_RELU;
    check_block("Mixer with widths", &chosen, 0, block);
}

static void add_transformer(units_plan *plan, size_t heads, int32_t causal, size_t hidden, int32_t activation)
{
    const size_t width = plan->input.dims[1];
    const int32_t x = (int32_t)plan->count;

    plan_add(plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(plan, unit_dense(3 * width));
    plan_add(plan, unit_attention(heads, causal));
    plan_add(plan, unit_dense(width));
    plan_add(plan, unit_add(MF_NODE_PREVIOUS, x));
    add_perceptron(plan, hidden, width, activation);
}

static void test_a_transformer_block_attends(void **state)
{
    units_plan usual = plan_sequence(5, 4, CLASSES), chosen = plan_sequence(6, 6, CLASSES);
    mf_block_spec block = block_of(MF_BLOCK_TRANSFORMER);

    (void)state;
    usual.head.kind = MF_HEAD_POSITIONS;
    add_transformer(&usual, 1, 0, 16, MF_ACTIVATION_GELU);
    check_block("transformer", &usual, 0, block);
    plan_add(&chosen, unit_of(MF_UNIT_POSITIONS));
    add_transformer(&chosen, 3, 1, 7, MF_ACTIVATION_RELU);
    block.heads = 3;
    block.causal = 1;
    block.hidden = 7;
    block.activation = MF_ACTIVATION_RELU;
    check_block("causal transformer", &chosen, 1, block);
}

/* Narrower than what a default divides by. */
static void test_defaults_are_at_least_one(void **state)
{
    units_plan maps = plan_maps(3, 2, 2, CLASSES), sequence = plan_sequence(3, 1, CLASSES);
    mf_block_spec bottleneck = block_of(MF_BLOCK_BOTTLENECK), mixer = block_of(MF_BLOCK_MIXER);
    mf_builder *builder = start_builder(&maps, NULL);
    mf_shape shape = {.struct_size = sizeof shape};

    (void)state;
    check_ok(mf_builder_block(builder, &bottleneck, NULL));
    check_ok(mf_builder_shape(builder, 1, &shape));
    check_shape(&shape, 3, 1, 2, 2);
    mf_builder_free(builder);
    builder = start_builder(&sequence, NULL);
    check_ok(mf_builder_block(builder, &mixer, NULL));
    check_ok(mf_builder_shape(builder, 3, &shape));
    check_shape(&shape, 2, 1, 1, 1);
    mf_builder_free(builder);
}

/* Blocks behind each other, and one that reads an earlier node. */
static void test_blocks_read_the_node_they_are_told(void **state)
{
    units_plan plan = plan_maps(2, 6, 6, CLASSES);
    mf_block_spec block = block_of(MF_BLOCK_RESIDUAL);
    mf_unit_spec add = unit_add(MF_NODE_PREVIOUS, 0);
    mf_builder *builder = start_builder(&plan, NULL);
    mf_shape shape = {.struct_size = sizeof shape};
    mf_layer *layer;
    int32_t first, second;

    (void)state;
    block.outputs = 4;
    block.stride[0] = block.stride[1] = 2;
    check_ok(mf_builder_block(builder, &block, &first));
    block.input = 0;
    check_ok(mf_builder_block(builder, &block, &second));
    assert_int_equal(first, 9);
    assert_int_equal(second, 18);
    add.inputs[1] = first;
    check_ok(mf_builder_unit(builder, &add, NULL));
    check_ok(mf_builder_shape(builder, MF_NODE_PREVIOUS, &shape));
    check_shape(&shape, 3, 4, 3, 3);
    check_ok(mf_layer_build(builder, &layer));
    mf_layer_free(layer);
    mf_builder_free(builder);
}

/* ---- what is refused ---- */

static void refuse(mf_status expected, const units_plan *plan, const mf_block_spec *block, const char *part)
{
    const mf_unit_spec first = unit_activation(MF_ACTIVATION_TANH);
    mf_builder *builder = start_builder(plan, NULL);
    mf_shape shape = {.struct_size = sizeof shape};
    int32_t node = -7;

    check_ok(mf_builder_unit(builder, &first, NULL));
    check_status(expected, mf_builder_block(builder, block, &node));
    check_message(part);
    assert_int_equal(node, -7);
    check_ok(mf_builder_shape(builder, 1, &shape)); /* what was there is told, and nothing of the block */
    check_status(MF_STATUS_NOT_FOUND, mf_builder_shape(builder, 2, &shape));
    check_sticks(builder, expected, part);
    check_status(expected, mf_builder_block(builder, block, &node));
    check_message(part);
    mf_builder_free(builder);
}

#define refuse_field(status, plan, of, field, value, part) \
    do {                                                   \
        mf_block_spec changed = block_of(of);              \
        changed.field = (value);                           \
        refuse((status), (plan), &changed, (part));        \
    } while (0)

static void test_wrong_fields_are_refused(void **state)
{
    const units_plan maps = plan_maps(4, 5, 5, CLASSES), sequence = plan_sequence(4, 6, CLASSES);

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_block_spec_init(NULL, sizeof(mf_block_spec)));
    refuse(MF_STATUS_ARGUMENT, &maps, NULL, "NULL");
    refuse_field(MF_STATUS_ARGUMENT, &maps, MF_BLOCK_RESIDUAL, struct_size, 3, "struct_size");
    refuse_field(MF_STATUS_ARGUMENT, &maps, MF_BLOCK_RESIDUAL, kind, 77, "77");
    refuse_field(MF_STATUS_ARGUMENT, &maps, MF_BLOCK_RESIDUAL, kind, -1, "-1");
    refuse_field(MF_STATUS_ARGUMENT, &maps, MF_BLOCK_RESIDUAL, reserved, 5, "5");
    refuse_field(MF_STATUS_ARGUMENT, &maps, MF_BLOCK_RESIDUAL, input, 2, "node 2");
    refuse_field(MF_STATUS_ARGUMENT, &maps, MF_BLOCK_RESIDUAL, input, -2, "node -2");
    refuse_field(MF_STATUS_ARGUMENT, &maps, MF_BLOCK_RESIDUAL, activation, 66, "66");
    refuse_field(MF_STATUS_ARGUMENT, &sequence, MF_BLOCK_TRANSFORMER, activation, -2, "-2");
    refuse_field(MF_STATUS_ARGUMENT, &sequence, MF_BLOCK_TRANSFORMER, causal, 2, "2");
}

static void test_shapes_that_do_not_fit_are_refused(void **state)
{
    const units_plan maps = plan_maps(4, 5, 5, CLASSES), sequence = plan_sequence(4, 6, CLASSES),
                     row = plan_row(4, CLASSES);

    (void)state;
    for (int32_t kind = MF_BLOCK_RESIDUAL; kind <= MF_BLOCK_TRANSFORMER; kind++) {
        const mf_block_spec block = block_of(kind);

        refuse(MF_STATUS_SHAPE, kind <= MF_BLOCK_BOTTLENECK ? &sequence : &maps, &block, "reads");
        refuse(MF_STATUS_SHAPE, &row, &block, "reads");
    }
    refuse_field(MF_STATUS_SHAPE, &sequence, MF_BLOCK_TRANSFORMER, heads, 4, "4 heads");
}

static void test_sizes_that_do_not_fit_are_refused(void **state)
{
    const units_plan maps = plan_maps(4, 5, 5, CLASSES), sequence = plan_sequence(4, 6, CLASSES),
                     wide = plan_sequence(1, INT32_MAX / 3, CLASSES);

    (void)state;
    refuse_field(MF_STATUS_OVERFLOW, &maps, MF_BLOCK_RESIDUAL, outputs, SIZE_MAX, "outputs");
    refuse_field(MF_STATUS_OVERFLOW, &maps, MF_BLOCK_RESIDUAL, stride[1], SIZE_MAX, "stride");
    refuse_field(MF_STATUS_OVERFLOW, &maps, MF_BLOCK_BOTTLENECK, hidden, SIZE_MAX, "outputs");
    refuse_field(MF_STATUS_OVERFLOW, &sequence, MF_BLOCK_MIXER, hidden, SIZE_MAX, "outputs");
    refuse_field(MF_STATUS_OVERFLOW, &sequence, MF_BLOCK_MIXER, token_hidden, SIZE_MAX, "outputs");
    refuse_field(MF_STATUS_OVERFLOW, &sequence, MF_BLOCK_TRANSFORMER, hidden, SIZE_MAX, "outputs");
    refuse_field(MF_STATUS_OVERFLOW, &wide, MF_BLOCK_TRANSFORMER, heads, 1, "neurons");
}

static void test_complete_builders_take_no_block(void **state)
{
    mf_layer_spec spec = layer_spec(3, 4, CLASSES);
    const mf_block_spec block = block_of(MF_BLOCK_RESIDUAL);
    mf_builder *builder;

    (void)state;
    check_ok(mf_builder_from_spec(&spec, &builder));
    check_status(MF_STATUS_STATE, mf_builder_block(builder, &block, NULL));
    mf_builder_free(builder);
}

/* Whichever allocation fails, the builder fails for good, and what it holds is freed. */
static void test_failed_allocations_are_told(void **state)
{
    const units_plan plan = plan_sequence(4, 6, CLASSES);
    const mf_block_spec block = block_of(MF_BLOCK_MIXER);
    test_memory memory = {0};
    const mf_allocator allocator = memory_allocator(&memory);
    size_t failures = 0;

    (void)state;
    for (size_t which = 1; which <= 4; which++) {
        mf_builder *builder = start_builder(&plan, &allocator);
        mf_shape shape = {.struct_size = sizeof shape};
        mf_status status;

        memory_fail_at(&memory, which);
        status = mf_builder_block(builder, &block, NULL);
        memory_fail_at(&memory, 0);
        if (status != MF_STATUS_OK) {
            check_status(MF_STATUS_MEMORY, status);
            check_sticks(builder, MF_STATUS_MEMORY, "memory");
            check_status(MF_STATUS_NOT_FOUND, mf_builder_shape(builder, 1, &shape));
            failures++;
        }
        mf_builder_free(builder);
    }
    assert_int_equal(failures, 2); /* 12 units: room for 8, and for 16 */
    assert_int_equal(memory.blocks_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_the_header),
        cmocka_unit_test(test_a_residual_block_adds_its_input),
        cmocka_unit_test(test_a_residual_block_takes_its_input_along),
        cmocka_unit_test(test_a_bottleneck_is_narrow_in_the_middle),
        cmocka_unit_test(test_a_bottleneck_takes_its_input_along),
        cmocka_unit_test(test_a_mixer_block_mixes_positions_and_values),
        cmocka_unit_test(test_a_transformer_block_attends),
        cmocka_unit_test(test_defaults_are_at_least_one),
        cmocka_unit_test(test_blocks_read_the_node_they_are_told),
        cmocka_unit_test(test_wrong_fields_are_refused),
        cmocka_unit_test(test_shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(test_sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(test_complete_builders_take_no_block),
        cmocka_unit_test(test_failed_allocations_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
