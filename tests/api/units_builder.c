/* Builders: defaults, shapes, parameters, and the layers they make. units_refused.c has what they do not
 * take. SPDX-License-Identifier: MIT */
#include <math.h>

#include "oracle_units.h"
#include "random_units.h"

enum { CLASSES = 4 };

static mf_shape shape_of(const mf_builder *builder, int32_t node)
{
    mf_shape shape = {.struct_size = sizeof shape};

    check_ok(mf_builder_shape(builder, node, &shape));
    return shape;
}

static void check_same_layers(const mf_layer *one, const mf_layer *other)
{
    saved_values first = save_layer_values(one), second = save_layer_values(other);

    assert_true(same_values(&first, &second));
    free_saved_values(&first);
    free_saved_values(&second);
}

static void check_other_layers(const mf_layer *one, const mf_layer *other)
{
    saved_values first = save_layer_values(one), second = save_layer_values(other);

    assert_int_equal(first.count, second.count);
    assert_false(same_values(&first, &second));
    free_saved_values(&first);
    free_saved_values(&second);
}

/* ---- specs ---- */

static void test_unit_defaults_are_those_of_the_header(void **state)
{
    mf_unit_spec unit;

    (void)state;
    memset(&unit, 0x5A, sizeof unit);
    check_ok(mf_unit_spec_init(&unit, sizeof unit));
    assert_int_equal(unit.struct_size, sizeof unit);
    assert_int_equal(unit.kind, MF_UNIT_DENSE);
    assert_int_equal(unit.inputs[0], MF_NODE_PREVIOUS);
    assert_int_equal(unit.inputs[1], 0);
    assert_int_equal(unit.outputs, 0);
    assert_int_equal(unit.bias, 1);
    assert_int_equal(unit.weight_init, MF_INIT_KAIMING_UNIFORM);
    check_near(1.0, (double)unit.weight_gain, 0.0);
    assert_int_equal(unit.activation, MF_ACTIVATION_RELU);
    check_near((double)0.01f, (double)unit.leak, 0.0);
    assert_int_equal(unit.pool, MF_POOL_AVERAGE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unit.kernel[i], 0);
        assert_int_equal(unit.stride[i], 0);
        assert_int_equal(unit.padding[i], 0);
    }
    check_near(0.0, (double)unit.dropout, 0.0);
    assert_int_equal(unit.dropout_maps, 0);
    check_near((double)0.1f, (double)unit.normalization_rate, 0.0);
    check_near((double)1e-5f, (double)unit.normalization_epsilon, 0.0);
    assert_int_equal(unit.reserved, 0);
    assert_int_equal(unit.reserved2, 0);
}

static void test_head_and_builder_defaults_are_those_of_the_header(void **state)
{
    mf_head_spec head;
    mf_builder_spec builder;

    (void)state;
    memset(&head, 0x5A, sizeof head);
    memset(&builder, 0x5A, sizeof builder);
    check_ok(mf_head_spec_init(&head, sizeof head));
    check_ok(mf_builder_spec_init(&builder, sizeof builder));
    assert_int_equal(head.struct_size, sizeof head);
    assert_int_equal(head.kind, MF_HEAD_LINEAR);
    assert_int_equal(head.classes, 0);
    assert_int_equal(head.pool_size, 0);
    assert_int_equal(head.projection_init, MF_INIT_KAIMING_UNIFORM);
    check_near(1.0, (double)head.projection_gain, 0.0);
    check_near(0.0, (double)head.label_smoothing, 0.0);
    assert_int_equal(builder.struct_size, sizeof builder);
    assert_int_equal(builder.dropout_maps, 0);
    assert_null(builder.input);
    check_near(0.0, (double)builder.dropout, 0.0);
    assert_true(builder.seed == MF_SEED_AUTO);
    assert_null(builder.allocator);
}

/* ---- shapes and parameters ---- */

static void test_the_builder_returns_shapes(void **state)
{
    units_plan plan = plan_maps(3, 9, 7, CLASSES);
    mf_unit_spec conv = unit_conv(5, 0, 0), pool = unit_pool(MF_POOL_MAX, 0);
    mf_builder *builder = start_builder(&plan, NULL);
    mf_shape shape;

    (void)state;
    shape = shape_of(builder, MF_NODE_PREVIOUS);
    check_shape(&shape, 3, 3, 9, 7);
    check_ok(mf_builder_unit(builder, &conv, NULL));
    shape = shape_of(builder, 1);
    check_shape(&shape, 3, 5, 7, 5);
    check_ok(mf_builder_unit(builder, &pool, NULL));
    shape = shape_of(builder, MF_NODE_PREVIOUS);
    check_shape(&shape, 3, 5, 3, 2);
    conv = unit_conv(4, 2, 1);
    conv.stride[0] = 3;
    check_ok(mf_builder_unit(builder, &conv, NULL));
    shape = shape_of(builder, 3);
    check_shape(&shape, 3, 4, 2, 3);
    conv = unit_dense(11);
    check_ok(mf_builder_unit(builder, &conv, NULL));
    shape = shape_of(builder, 4);
    check_shape(&shape, 1, 11, 1, 1);
    conv = unit_conv(6, 1, 0);
    check_ok(mf_builder_unit(builder, &conv, NULL));
    shape = shape_of(builder, 5);
    check_shape(&shape, 3, 6, 1, 1);
    for (int32_t node = 0; node <= 5; node++)
        shape = shape_of(builder, node);
    shape = shape_of(builder, 0);
    check_shape(&shape, 3, 3, 9, 7);
    mf_builder_free(builder);
}

/* Nodes, shapes and defaults of random layers are those of the oracle. */
static void test_random_shapes_match_the_oracle(void **state)
{
    test_random random = {11};

    (void)state;
    for (int i = 0; i < 100; i++) {
        units_plan plan = i % 3 == 1 ? random_plan_with_flatten(&random)
                          : i % 3    ? random_plan(&random)
                                     : random_plan_with_head_units(&random, 0);
        units_oracle *oracle = units_create(&plan);
        mf_builder *builder = make_builder(&plan, NULL);
        mf_layer *layer = make_units(&plan);

        for (size_t n = 0; n <= oracle->count; n++) {
            const units_node *node = &oracle->nodes[n];
            mf_shape shape = shape_of(builder, (int32_t)n), found = {.struct_size = sizeof found};

            if (node->rank == 2)
                check_shape(&shape, 2, node->map[0], node->channels, 1);
            else
                check_shape(&shape, node->rank, node->channels, node->map[0], node->map[1]);
            if (n > 0) {
                check_ok(mf_layer_unit(layer, (int32_t)n, NULL, &found));
                check_shape(&found, shape.rank, shape.dims[0], shape.dims[1], shape.dims[2]);
            }
        }
        units_read(oracle, layer); /* names, order and sizes of the parameters */
        units_free(oracle);
        mf_layer_free(layer);
        mf_builder_free(builder);
    }
}

static void check_dims(const mf_layer *layer, size_t index, const char *name, int32_t rank,
                       const size_t dims[4])
{
    mf_parameter_info info = {.struct_size = sizeof info};

    check_ok(mf_layer_parameter_info(layer, index, &info));
    assert_string_equal(info.name, name);
    assert_int_equal(info.rank, rank);
    assert_int_equal(info.trainable, 1);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(info.dims[i], dims[i]);
}

static void test_parameters_are_listed_with_shapes(void **state)
{
    units_plan plan = plan_maps(3, 6, 6, CLASSES);
    mf_unit_spec conv = unit_conv(5, 2, 0);
    mf_layer *layer;

    (void)state;
    conv.kernel[1] = 3;
    conv.bias = 0;
    plan_add(&plan, conv);
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_dense(7));
    plan_add(&plan, unit_conv(2, 1, 0));
    plan.head.pool_size = 1;
    layer = make_units(&plan);
    check_dims(layer, 0, "units.1.weight", 4, (size_t[]){5, 3, 2, 3});
    check_dims(layer, 1, "units.2.bias", 1, (size_t[]){5, 1, 1, 1});
    check_dims(layer, 2, "units.2.scale", 1, (size_t[]){5, 1, 1, 1});
    check_dims(layer, 3, "units.2.mean", 1, (size_t[]){5, 1, 1, 1});
    check_dims(layer, 4, "units.2.variance", 1, (size_t[]){5, 1, 1, 1});
    check_dims(layer, 5, "units.4.weight", 2, (size_t[]){7, 5 * 5 * 4, 1, 1});
    check_dims(layer, 6, "units.4.bias", 1, (size_t[]){7, 1, 1, 1});
    check_dims(layer, 7, "units.5.weight", 4, (size_t[]){2, 7, 1, 1});
    check_dims(layer, 8, "units.5.bias", 1, (size_t[]){2, 1, 1, 1});
    check_dims(layer, 9, "head.projection", 2, (size_t[]){CLASSES, 2, 1, 1});
    check_status(
        MF_STATUS_NOT_FOUND,
        mf_layer_parameter_info(layer, 10, &(mf_parameter_info){.struct_size = sizeof(mf_parameter_info)}));
    mf_layer_free(layer);
}

/* scale and variance 1, mean and bias 0; weights within gain / sqrt(fan); what is to be zero is. */
static void test_parameters_are_initialised_as_specified(void **state)
{
    units_plan plan = plan_maps(3, 5, 5, CLASSES);
    mf_unit_spec conv = unit_conv(6, 3, 0), zero = unit_dense(3);
    size_t count;
    mf_layer *layer;

    (void)state;
    conv.weight_gain = 2.0f;
    zero.weight_init = MF_INIT_ZERO;
    plan_add(&plan, conv);
    plan_add(&plan, unit_norm());
    plan_add(&plan, zero);
    layer = make_units(&plan);
    for (size_t i = 0; i < 5; i++) {
        const char *const names[] = {"units.2.scale", "units.2.variance", "units.2.mean", "units.2.bias",
                                     "units.3.weight"};
        float *values = read_parameter(layer, names[i], &count);

        for (size_t j = 0; j < count; j++)
            check_near(i < 2 ? 1.0 : 0.0, (double)values[j], 0.0);
        free(values);
    }
    float *weights = read_parameter(layer, "units.1.weight", &count);
    double largest = 0.0;

    for (size_t j = 0; j < count; j++)
        largest = fmax(largest, fabs((double)weights[j]));
    assert_true(largest <= 2.0 / sqrt(27.0) && largest > 1.8 / sqrt(27.0));
    free(weights);
    mf_layer_free(layer);
}

/* ---- builders and their layers ---- */

static void test_a_builder_builds_many_layers(void **state)
{
    units_plan plan = plan_residual(2, 4, 4, CLASSES);
    mf_builder *builder;
    mf_layer *layers[3];

    (void)state;
    for (int automatic = 0; automatic <= 1; automatic++) {
        plan.seed = automatic ? MF_SEED_AUTO : 12;
        builder = make_builder(&plan, NULL);
        for (size_t i = 0; i < 3; i++)
            check_ok(mf_layer_build(builder, &layers[i]));
        mf_builder_free(builder);
        assert_ptr_not_equal(layers[0], layers[1]);
        for (size_t i = 1; i < 3; i++)
            if (automatic)
                check_other_layers(layers[0], layers[i]);
            else
                check_same_layers(layers[0], layers[i]);
        for (size_t i = 0; i < 3; i++)
            mf_layer_free(layers[i]);
    }
}

/* Units of the same kind start apart from each other, and so do layers of other seeds. */
static void test_units_and_seeds_have_different_parameters(void **state)
{
    units_plan plan = plan_row(6, CLASSES);
    mf_layer *one, *other;
    float *first, *second;

    (void)state;
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_dense(6));
    one = make_units(&plan);
    plan.seed++;
    other = make_units(&plan);
    check_other_layers(one, other);
    first = read_parameter(one, "units.1.weight", NULL);
    second = read_parameter(one, "units.2.weight", NULL);
    for (size_t i = 0; i < 36; i++)
        assert_true(first[i] != second[i]);
    free(first);
    free(second);
    mf_layer_free(one);
    mf_layer_free(other);
}

/* Everything that a builder is given is copied; a layer can be built, and then one with a unit more. */
static void test_a_builder_copies_its_specs(void **state)
{
    units_plan plan = plan_row(5, CLASSES), same = plan;
    mf_builder *builder = start_builder(&plan, NULL);
    mf_unit_spec unit = unit_dense(4);
    mf_layer *layer, *longer, *expected;
    size_t count = 0;

    (void)state;
    plan.input.dims[0] = 99;
    plan.head.classes = 99;
    check_ok(mf_builder_unit(builder, &unit, NULL));
    check_ok(mf_builder_unit(builder, &unit, NULL));
    unit.outputs = 99;
    check_ok(mf_layer_build(builder, &layer));
    plan_add(&same, unit_dense(4));
    plan_add(&same, unit_dense(4));
    expected = make_units(&same);
    check_same_layers(expected, layer);
    unit = unit_activation(MF_ACTIVATION_TANH);
    check_ok(mf_builder_unit(builder, &unit, NULL));
    check_ok(mf_layer_build(builder, &longer));
    check_ok(mf_layer_unit_count(layer, &count));
    assert_int_equal(count, 2);
    check_ok(mf_layer_unit_count(longer, &count));
    assert_int_equal(count, 3);
    mf_builder_free(builder);
    mf_layer_free(layer);
    mf_layer_free(longer);
    mf_layer_free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unit_defaults_are_those_of_the_header),
        cmocka_unit_test(test_head_and_builder_defaults_are_those_of_the_header),
        cmocka_unit_test(test_the_builder_returns_shapes),
        cmocka_unit_test(test_random_shapes_match_the_oracle),
        cmocka_unit_test(test_parameters_are_listed_with_shapes),
        cmocka_unit_test(test_parameters_are_initialised_as_specified),
        cmocka_unit_test(test_a_builder_builds_many_layers),
        cmocka_unit_test(test_units_and_seeds_have_different_parameters),
        cmocka_unit_test(test_a_builder_copies_its_specs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
