/* What builders refuse of specs and units: every error that the header names, with the value in the message;
 * the first failure of a builder stays; allocations that fail. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "units.h"

enum { CLASSES = 4 };

static const mf_shape input = {.struct_size = sizeof(mf_shape), .rank = 3, .dims = {2, 6, 5, 1}};

/* ---- creating ---- */

static void refuse_builder(mf_status expected, const mf_builder_spec *spec, const char *part)
{
    mf_builder *builder = (mf_builder *)1;

    check_status(expected, mf_builder_create(spec, &builder));
    check_message(part);
    assert_null(builder);
}

#define refuse_builder_field(field, value, part)              \
    do {                                                      \
        mf_builder_spec changed = builder_spec(&input);       \
        changed.field = (value);                              \
        refuse_builder(MF_STATUS_ARGUMENT, &changed, (part)); \
    } while (0)

static void *no_memory(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)bytes;
    (void)alignment;
    return NULL;
}

static void keep_memory(void *user, void *pointer, size_t bytes)
{
    (void)user;
    (void)pointer;
    (void)bytes;
}

static void test_wrong_struct_sizes_are_refused(void **state)
{
    mf_unit_spec unit;
    mf_head_spec head;
    mf_builder_spec builder;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_unit_spec_init(NULL, sizeof unit));
    check_status(MF_STATUS_ARGUMENT, mf_head_spec_init(NULL, sizeof head));
    check_status(MF_STATUS_ARGUMENT, mf_builder_spec_init(NULL, sizeof builder));
    check_status(MF_STATUS_ARGUMENT, mf_unit_spec_init(&unit, 3));
    check_status(MF_STATUS_ARGUMENT, mf_head_spec_init(&head, 3));
    check_status(MF_STATUS_ARGUMENT, mf_builder_spec_init(&builder, 3));
    check_status(MF_STATUS_ARGUMENT, mf_unit_spec_init(&unit, SIZE_MAX));
    check_status(MF_STATUS_ARGUMENT, mf_head_spec_init(&head, SIZE_MAX));
    check_status(MF_STATUS_ARGUMENT, mf_builder_spec_init(&builder, SIZE_MAX));
}

static void test_wrong_builder_specs_are_refused(void **state)
{
    mf_builder_spec spec = builder_spec(&input);
    mf_allocator half = {.alloc = no_memory}, other = {.free = keep_memory};
    mf_builder *builder = NULL;

    (void)state;
    refuse_builder(MF_STATUS_ARGUMENT, NULL, "");
    check_status(MF_STATUS_ARGUMENT, mf_builder_create(&spec, NULL));
    refuse_builder_field(struct_size, 3, "");
    refuse_builder_field(input, NULL, "input");
    refuse_builder_field(dropout, -0.25f, "-0.25");
    refuse_builder_field(dropout, 1.0f, "dropout");
    refuse_builder_field(dropout, NAN, "dropout");
    refuse_builder_field(dropout_maps, 2, "2");
    refuse_builder_field(dropout_maps, -1, "-1");
    refuse_builder_field(precision, 77, "77");
    refuse_builder_field(allocator, &half, "");
    refuse_builder_field(allocator, &other, "");
    spec.dropout = 0.999f;
    spec.dropout_maps = 1;
    check_ok(mf_builder_create(&spec, &builder));
    mf_builder_free(builder);
    mf_builder_free(NULL);
}

static void refuse_shape(mf_status expected, mf_shape shape, const char *part)
{
    mf_builder_spec spec = builder_spec(&input);

    spec.input = &shape;
    refuse_builder(expected, &spec, part);
}

static void test_wrong_input_shapes_are_refused(void **state)
{
    const int32_t ranks[] = {-1, 0, 4, 9};
    mf_shape shape = input;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranks); i++) {
        char text[20];

        snprintf(text, sizeof text, "%d", (int)ranks[i]);
        shape.rank = ranks[i];
        refuse_shape(MF_STATUS_ARGUMENT, shape, text);
    }
    for (size_t i = 0; i < 3; i++) {
        shape = input;
        shape.dims[i] = 0;
        refuse_shape(MF_STATUS_ARGUMENT, shape, "0");
    }
    refuse_shape(MF_STATUS_ARGUMENT, shape_row(0), "0");
    shape = input;
    shape.struct_size = 3;
    refuse_shape(MF_STATUS_ARGUMENT, shape, "");
    refuse_shape(MF_STATUS_OVERFLOW, shape_row(SIZE_MAX), "");
    refuse_shape(MF_STATUS_OVERFLOW, shape_maps(SIZE_MAX / 2, 3, 3), "");
    refuse_shape(MF_STATUS_OVERFLOW, shape_maps(3, SIZE_MAX / 2, SIZE_MAX / 2), "");
}

/* ---- units ---- */

static mf_builder *fresh(void)
{
    units_plan plan = plan_maps(2, 6, 5, CLASSES);

    return start_builder(&plan, NULL);
}

static void refuse_unit(mf_status expected, const mf_unit_spec *unit, const char *part)
{
    mf_builder *builder = fresh();
    const mf_unit_spec first = unit_activation(MF_ACTIVATION_TANH);

    check_ok(mf_builder_unit(builder, &first, NULL));
    check_unit_refused(builder, expected, unit, part);
}

#if SIZE_MAX <= UINT32_MAX
static void refuse_layer(mf_status expected, const mf_unit_spec *unit)
{
    mf_builder *builder = fresh();
    mf_layer *layer = (mf_layer *)1;

    check_ok(mf_builder_unit(builder, unit, NULL));
    check_status(expected, mf_layer_build(builder, &layer));
    assert_null(layer);
    mf_builder_free(builder);
}
#endif

#define refuse_unit_field(unit, field, value, part)        \
    do {                                                   \
        mf_unit_spec changed = (unit);                     \
        changed.field = (value);                           \
        refuse_unit(MF_STATUS_ARGUMENT, &changed, (part)); \
    } while (0)

static void test_wrong_units_are_refused(void **state)
{
    const mf_unit_spec dense = unit_dense(3), sum = unit_add(0, 1);

    (void)state;
    refuse_unit(MF_STATUS_ARGUMENT, NULL, "");
    refuse_unit_field(dense, struct_size, 3, "");
    refuse_unit_field(dense, kind, -1, "-1");
    refuse_unit_field(dense, kind, 77, "77");
    refuse_unit_field(dense, reserved, 55, "55");
    refuse_unit_field(dense, reserved2, 56, "56");
    refuse_unit_field(dense, inputs[0], -2, "-2");
    refuse_unit_field(dense, inputs[0], 2, "2"); /* itself */
    refuse_unit_field(dense, inputs[0], 900, "900");
    refuse_unit_field(sum, inputs[1], -3, "-3");
    refuse_unit_field(sum, inputs[1], 2, "2");
    refuse_unit_field(sum, inputs[0], INT32_MIN, "");
    refuse_unit_field(sum, inputs[1], INT32_MAX, "");
}

static void test_wrong_products_are_refused(void **state)
{
    const mf_unit_spec units[] = {unit_dense(3), unit_conv(3, 3, 0)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        refuse_unit_field(units[i], outputs, 0, "0");
        refuse_unit_field(units[i], bias, 2, "2");
        refuse_unit_field(units[i], bias, -1, "-1");
        refuse_unit_field(units[i], weight_init, -1, "-1");
        refuse_unit_field(units[i], weight_init, 44, "44");
        refuse_unit_field(units[i], weight_gain, NAN, "gain");
        refuse_unit_field(units[i], weight_gain, INFINITY, "gain");
    }
    refuse_unit_field(units[1], padding[0], 3, "3");
    refuse_unit_field(units[1], padding[1], 31, "31");
}

static void test_wrong_values_of_other_units_are_refused(void **state)
{
    const mf_unit_spec norm = unit_norm(), phi = unit_activation(MF_ACTIVATION_LEAKY_RELU),
                       pool = unit_pool(MF_POOL_MAX, 2), dropout = unit_dropout(0.5f, 0);

    (void)state;
    refuse_unit_field(norm, bias, 2, "2");
    refuse_unit_field(norm, normalization_rate, -0.5f, "-0.5");
    refuse_unit_field(norm, normalization_rate, 1.5f, "1.5");
    refuse_unit_field(norm, normalization_rate, NAN, "rate");
    refuse_unit_field(norm, normalization_epsilon, 0.0f, "epsilon");
    refuse_unit_field(norm, normalization_epsilon, -1.0f, "epsilon");
    refuse_unit_field(norm, normalization_epsilon, 1e-40f, "epsilon");
    refuse_unit_field(norm, normalization_epsilon, INFINITY, "epsilon");
    refuse_unit_field(phi, activation, -1, "-1");
    refuse_unit_field(phi, activation, 55, "55");
    refuse_unit_field(phi, leak, -0.5f, "-0.5");
    refuse_unit_field(phi, leak, 1.5f, "1.5");
    refuse_unit_field(phi, leak, NAN, "leak");
    refuse_unit_field(pool, pool, MF_POOL_NONE, "0");
    refuse_unit_field(pool, pool, MF_POOL_AVERAGE_INSIDE + 1, "4");
    refuse_unit_field(pool, pool, 33, "33");
    refuse_unit_field(pool, padding[0], 2, "vertical padding must be below the pool's 2, got 2");
    refuse_unit_field(pool, padding[1], 31, "31");
    refuse_unit_field(dropout, dropout, -0.25f, "-0.25");
    refuse_unit_field(dropout, dropout, 1.0f, "dropout");
    refuse_unit_field(dropout, dropout, NAN, "dropout");
    refuse_unit_field(dropout, dropout_maps, 3, "3");
}

/* Everything that another kind reads is what that would refuse. */
static mf_unit_spec with_others(mf_unit_spec unit)
{
    unit.inputs[1] = 900;
    unit.pool = 33;
    unit.kernel[0] = unit.stride[1] = unit.padding[0] = SIZE_MAX;
    unit.dropout = NAN;
    unit.dropout_maps = unit.causal = 9;
    unit.heads = unit.vocabulary = unit.groups = SIZE_MAX;
    if (unit.kind != MF_UNIT_DENSE)
        unit.weight_init = 44, unit.weight_gain = NAN, unit.outputs = SIZE_MAX;
    if (unit.kind != MF_UNIT_BATCH_NORM)
        unit.normalization_rate = 7.0f, unit.normalization_epsilon = -1.0f;
    if (unit.kind != MF_UNIT_ACTIVATION)
        unit.activation = 55, unit.leak = -3.0f;
    return unit;
}

/* A kind reads its own fields alone: what other kinds would refuse is nothing to it, nor to what it computes.
 */
static void test_fields_of_other_kinds_are_ignored(void **state)
{
    enum { ROWS = 3, INPUTS = 20, OUTPUTS = 19 };
    const mf_unit_spec units[] = {unit_dense(OUTPUTS), unit_norm(), unit_activation(MF_ACTIVATION_TANH)};
    units_plan plans[2] = {plan_row(INPUTS, CLASSES), plan_row(INPUTS, CLASSES)};
    float x[ROWS * INPUTS], a[2][ROWS * OUTPUTS];
    test_random random = {5};

    (void)state;
    draw_inputs(0, &random, x, ROWS * INPUTS);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        plan_add(&plans[0], units[i]);
        plan_add(&plans[1], with_others(units[i]));
    }
    for (int i = 0; i < 2; i++) {
        mf_layer *layer = make_units(&plans[i]);
        mf_workspace *workspace = make_layer_workspace(layer, ROWS);

        check_ok(mf_layer_forward(layer, workspace, ROWS, x, a[i]));
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    assert_memory_equal(a[0], a[1], sizeof a[0]);
}

static void refuse_shapes(const mf_unit_spec *unit, const char *one, const char *other)
{
    refuse_unit(MF_STATUS_SHAPE, unit, one);
    refuse_unit(MF_STATUS_SHAPE, unit, other);
}

static void test_shapes_that_do_not_fit_are_refused(void **state)
{
    mf_unit_spec conv = unit_conv(3, 7, 0), pool = unit_pool(MF_POOL_AVERAGE, 7), high = unit_conv(1, 1, 0);
    const mf_unit_spec dense = unit_dense(13), sum = unit_add(0, MF_NODE_PREVIOUS);
    mf_builder *builder = fresh();

    (void)state;
    refuse_shapes(&conv, "7", "6");
    refuse_shapes(&pool, "7", "6");
    high.kernel[0] = 9;
    high.padding[0] = 1; /* 6 + 2 are less than 9 */
    refuse_unit(MF_STATUS_SHAPE, &high, "9");
    pool.padding[0] = 1;
    refuse_unit(MF_STATUS_SHAPE, &pool, "7x7 pool does not fit a 6x5 map with 1x0 padding");
    /* Rows are no maps to pool, and cannot be added to maps or to other rows. */
    check_ok(mf_builder_unit(builder, &dense, NULL));
    pool = unit_pool(MF_POOL_AVERAGE, 1);
    check_status(MF_STATUS_SHAPE, mf_builder_unit(builder, &pool, NULL));
    check_sticks(builder, MF_STATUS_SHAPE, "");
    mf_builder_free(builder);
    builder = fresh();
    check_ok(mf_builder_unit(builder, &dense, NULL));
    check_status(MF_STATUS_SHAPE, mf_builder_unit(builder, &sum, NULL));
    check_message("13");
    check_sticks(builder, MF_STATUS_SHAPE, "13");
    mf_builder_free(builder);
}

/* 60 values in a row, and 2 x 6 x 5 = 60 in maps: other shapes all the same. */
static void test_sums_of_different_ranks_are_refused(void **state)
{
    const mf_unit_spec dense = unit_dense(60), sum = unit_add(0, MF_NODE_PREVIOUS);
    mf_builder *builder = fresh();

    (void)state;
    check_ok(mf_builder_unit(builder, &dense, NULL));
    check_status(MF_STATUS_SHAPE, mf_builder_unit(builder, &sum, NULL));
    mf_builder_free(builder);
}

static void test_sizes_that_overflow_are_refused(void **state)
{
    mf_unit_spec dense = unit_dense(SIZE_MAX), conv = unit_conv(SIZE_MAX / 2, 3, 1), far = unit_conv(1, 3, 0);

    (void)state;
    refuse_unit(MF_STATUS_OVERFLOW, &dense, "");
    refuse_unit(MF_STATUS_OVERFLOW, &conv, "");
    dense.outputs = SIZE_MAX / 60;
#if SIZE_MAX > UINT32_MAX /* else that many fit, and their bytes do not: the layer says so */
    refuse_unit(MF_STATUS_OVERFLOW, &dense, "");
#else
    refuse_layer(MF_STATUS_OVERFLOW, &dense);
#endif
    far.kernel[0] = SIZE_MAX;
    far.padding[0] = SIZE_MAX - 1;
    {
        mf_builder *builder = fresh();
        mf_status status = mf_builder_unit(builder, &far, NULL);

        assert_true(status == MF_STATUS_OVERFLOW || status == MF_STATUS_SHAPE ||
                    status == MF_STATUS_ARGUMENT);
        mf_builder_free(builder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_struct_sizes_are_refused),
        cmocka_unit_test(test_wrong_builder_specs_are_refused),
        cmocka_unit_test(test_wrong_input_shapes_are_refused),
        cmocka_unit_test(test_wrong_units_are_refused),
        cmocka_unit_test(test_wrong_products_are_refused),
        cmocka_unit_test(test_wrong_values_of_other_units_are_refused),
        cmocka_unit_test(test_fields_of_other_kinds_are_ignored),
        cmocka_unit_test(test_shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(test_sums_of_different_ranks_are_refused),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
