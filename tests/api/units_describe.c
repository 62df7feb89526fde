/* Layers that are described and built again, and builders from the spec of a layer.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "oracle_units.h"
#include "random_units.h"

enum { ROWS = 6, CLASSES = 4 };

static mf_unit_spec unit_at(const mf_layer *layer, int32_t node)
{
    mf_unit_spec unit = {.struct_size = sizeof unit};

    check_ok(mf_layer_unit(layer, node, &unit, NULL));
    return unit;
}

static void check_same_layers(const mf_layer *one, const mf_layer *other)
{
    saved_values first = save_layer_values(one), second = save_layer_values(other);

    assert_true(same_values(&first, &second));
    free_saved_values(&first);
    free_saved_values(&second);
}

/* ---- descriptions ---- */

/* A plan from what the layer tells about itself. */
static units_plan plan_from(const mf_layer *layer)
{
    units_plan plan = {.head = {.struct_size = sizeof plan.head},
                       .input = {.struct_size = sizeof plan.input}};
    mf_layer_spec spec = {.struct_size = sizeof spec};

    check_ok(mf_layer_unit_count(layer, &plan.count));
    for (size_t i = 0; i < plan.count; i++)
        plan.units[i] = unit_at(layer, (int32_t)i + 1);
    check_ok(mf_layer_head(layer, &plan.head));
    check_ok(mf_layer_shape(layer, &plan.input, NULL));
    check_ok(mf_layer_describe(layer, &spec));
    plan.seed = spec.seed;
    plan.dropout = spec.dropout;
    plan.dropout_maps = spec.dropout_maps;
    return plan;
}

static void test_a_described_layer_can_be_built_again(void **state)
{
    test_random random = {21};

    (void)state;
    for (size_t i = 0; i < 60; i++) {
        units_plan plan = i % 4 == 1   ? random_plan_with_flatten(&random)
                          : i % 4 == 2 ? random_plan_with_auxiliary_heads(&random, 0)
                          : i % 4      ? random_plan(&random)
                                       : random_plan_with_head_units(&random, 0),
                   found;
        mf_layer *layer, *again;

        plan.dropout = i % 3 ? 0.25f : 0.0f;
        plan.dropout_maps = i % 2;
        plan.seed = i % 5 ? plan.seed : MF_SEED_AUTO;
        layer = make_units(&plan);
        found = plan_from(layer);
        assert_int_equal(found.count, plan.count);
        assert_memory_equal(&found.input.dims, &plan.input.dims, sizeof plan.input.dims);
        check_same_head(&found.head, &plan.head);
        assert_true(found.dropout == plan.dropout && found.head.label_smoothing == plan.head.label_smoothing);
        again = make_units(&found);
        check_same_layers(layer, again);
        for (size_t n = 0; n < plan.count; n++) {
            mf_unit_spec unit = unit_at(again, (int32_t)n + 1);

            check_same_unit(&unit, &found.units[n]);
        }
        mf_layer_free(layer);
        mf_layer_free(again);
    }
}

static void test_descriptions_have_all_values(void **state)
{
    units_plan plan = plan_maps(2, 6, 6, CLASSES);
    mf_layer_spec spec = {.struct_size = sizeof spec};
    mf_head_spec head = {.struct_size = sizeof head};
    mf_unit_spec unit;
    mf_layer *layer;

    (void)state;
    plan_add(&plan, unit_conv(3, 0, 1));
    plan_add(&plan, unit_pool(MF_POOL_MAX, 0));
    plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 2));
    layer = make_units(&plan);
    unit = unit_at(layer, 1);
    assert_true(unit.kernel[0] == 3 && unit.kernel[1] == 3 && unit.stride[0] == 1 && unit.stride[1] == 1);
    assert_true(unit.kind == MF_UNIT_CONV2D && unit.outputs == 3 && unit.padding[1] == 1);
    assert_int_equal(unit.inputs[0], 0);
    unit = unit_at(layer, 2);
    assert_true(unit.kernel[0] == 2 && unit.kernel[1] == 2 && unit.stride[0] == 2 && unit.stride[1] == 2);
    assert_int_equal(unit.inputs[0], 1);
    unit = unit_at(layer, 3);
    assert_true(unit.inputs[0] == 2 && unit.inputs[1] == 2);
    check_ok(mf_layer_describe(layer, &spec));
    assert_int_equal(spec.kind, MF_LAYER_UNITS);
    assert_int_equal(spec.inputs, 2 * 6 * 6);
    assert_int_equal(spec.outputs, 3 * 3 * 3);
    assert_int_equal(spec.classes, CLASSES);
    assert_true(spec.seed == plan.seed);
    /* What the head is now. */
    check_ok(mf_layer_set(layer, MF_LAYER_LABEL_SMOOTHING, 0.25));
    check_ok(mf_layer_set_classes(layer, CLASSES + 3));
    check_ok(mf_layer_head(layer, &head));
    assert_int_equal(head.classes, CLASSES + 3);
    check_near(0.25, (double)head.label_smoothing, 0.0);
    assert_int_equal(parameter_count(layer, "head.projection"), (CLASSES + 3) * 27);
    mf_layer_free(layer);
}

/* ---- builders from the spec of a layer ---- */

static mf_layer_spec flat_spec(size_t i)
{
    mf_layer_spec spec = i % 2 ? conv_spec(2, 5, 5, 4, CLASSES) : layer_spec(50, 12, CLASSES);

    spec.normalization = i / 2 % 2;
    spec.activation = i % 3 ? MF_ACTIVATION_RELU : MF_ACTIVATION_GELU;
    spec.pool = (int32_t)(i % 3);
    spec.head_size = i % 2 ? i / 4 % 2 : 0;
    spec.dropout = i % 4 ? 0.3f : 0.0f;
    spec.bias = i % 5 != 0;
    spec.seed = 80 + i;
    return spec;
}

static void train(mf_layer *layer, size_t inputs)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    float *x = get_memory(ROWS * inputs * sizeof *x);
    test_random random = {6};
    int32_t y[ROWS];

    check_ok(mf_layer_set_optimizer(layer, optimizer));
    for (int step = 0; step < 5; step++) {
        random_values(&random, x, ROWS * inputs, 1.0);
        random_labels(&random, y, ROWS, CLASSES);
        check_ok(mf_layer_step(layer, workspace, ROWS, x, y, NULL));
    }
    free(x);
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
}

static void test_a_builder_from_a_spec_builds_the_same_layer(void **state)
{
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        mf_layer_spec spec = flat_spec(i), found = {.struct_size = sizeof found},
                      told = {.struct_size = sizeof told};
        mf_builder *builder = NULL;
        mf_layer *plain = make_layer(&spec), *built = NULL;

        check_ok(mf_builder_from_spec(&spec, &builder));
        check_ok(mf_layer_build(builder, &built));
        mf_builder_free(builder);
        check_same_layers(plain, built);
        train(plain, 50);
        train(built, 50);
        check_same_layers(plain, built);
        assert_true(has_parameter(built, "weight") && has_parameter(built, "projection"));
        check_ok(mf_layer_describe(plain, &found));
        check_ok(mf_layer_describe(built, &told));
        check_same_spec(&found, &told);
        mf_layer_free(plain);
        mf_layer_free(built);
    }
}

/* Also a layer of a spec consists of units. */
static void test_a_layer_of_a_spec_consists_of_units(void **state)
{
    mf_layer_spec spec = conv_spec(2, 6, 6, 3, CLASSES);
    const int32_t kinds[] = {MF_UNIT_CONV2D, MF_UNIT_BATCH_NORM, MF_UNIT_ACTIVATION, MF_UNIT_POOL};
    mf_head_spec head = {.struct_size = sizeof head};
    mf_shape output = {.struct_size = sizeof output};
    mf_layer *layer;
    size_t count = 0;

    (void)state;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.pool = MF_POOL_MAX;
    spec.head_size = 2;
    layer = make_layer(&spec);
    check_ok(mf_layer_unit_count(layer, &count));
    assert_int_equal(count, COUNT_OF(kinds));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(unit_at(layer, (int32_t)i + 1).kind, kinds[i]);
    check_ok(mf_layer_unit(layer, 4, NULL, &output));
    check_shape(&output, 3, 3, 2, 2);
    check_ok(mf_layer_head(layer, &head));
    assert_true(head.kind == MF_HEAD_LINEAR && head.pool_size == 2 && head.classes == CLASSES);
    mf_layer_free(layer);
}

/* A layer of a spec, described and built from units, answers alike from the same parameters. */
static void test_a_spec_built_from_units_gives_the_same_scores(void **state)
{
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        mf_layer_spec spec = flat_spec(i);
        mf_layer *flat = make_layer(&spec), *built;
        units_plan plan;
        units_oracle *oracle;
        mf_workspace *one = make_layer_workspace(flat, ROWS), *other;
        float x[ROWS * 50], a[ROWS * 40], b[ROWS * 40];
        test_random random = {7 + i};

        spec.struct_size = sizeof spec;
        check_ok(mf_layer_describe(flat, &spec));
        plan = plan_from(flat);
        built = make_units(&plan);
        other = make_layer_workspace(built, ROWS);
        oracle = units_create(&plan);
        units_read(oracle, flat);
        units_write(oracle, built);
        random_values(&random, x, COUNT_OF(x), 1.0);
        check_ok(mf_layer_forward(flat, one, ROWS, x, a));
        check_ok(mf_layer_forward(built, other, ROWS, x, b));
        for (size_t j = 0; j < ROWS * spec.outputs; j++)
            check_near((double)a[j], (double)b[j], 1e-5 * (1.0 + fabs((double)a[j])));
        units_free(oracle);
        mf_workspace_free(one);
        mf_workspace_free(other);
        mf_layer_free(flat);
        mf_layer_free(built);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_described_layer_can_be_built_again),
        cmocka_unit_test(test_descriptions_have_all_values),
        cmocka_unit_test(test_a_builder_from_a_spec_builds_the_same_layer),
        cmocka_unit_test(test_a_layer_of_a_spec_consists_of_units),
        cmocka_unit_test(test_a_spec_built_from_units_gives_the_same_scores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
