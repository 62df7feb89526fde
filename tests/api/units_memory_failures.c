/* The k-th allocation fails, for every k of every call that builds layers of several units or changes one:
 * MEMORY, no leak, nothing changed, and NULL in the out-pointer. SPDX-License-Identifier: MIT */
#include "random.h"
#include "sweep.h"
#include "units.h"

enum { ROWS = 4, CLASSES = 3 };

static mf_optimizer *optimizer_here(int32_t kind)
{
    mf_optimizer_spec spec = optimizer_spec(kind, 0.01);
    mf_optimizer *optimizer = NULL;

    spec.allocator = &allocator;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

static void test_create_builder(void **state)
{
    const mf_shape input = shape_maps(2, 3, 3);
    mf_builder_spec spec = builder_spec(&input);
    mf_layer_spec layer = layer_spec(3, 4, CLASSES);
    mf_builder *builder = (mf_builder *)1;

    (void)state;
    spec.allocator = &allocator;
    sweep(1, mf_builder_create(&spec, &builder), check_null(builder));
    mf_builder_free(builder);
    builder = (mf_builder *)1;
    layer.allocator = &allocator;
    layer.normalization = MF_NORMALIZATION_BATCH;
    sweep(2, mf_builder_from_spec(&layer, &builder), check_null(builder));
    mf_builder_free(builder);
}

/* A unit that finds no room is a failure that the builder remembers; those before it are still told. */
static void test_builder_unit(void **state)
{
    units_plan plan = plan_row(3, CLASSES);
    const mf_unit_spec unit = unit_activation(MF_ACTIVATION_TANH);
    size_t failures = 0;

    (void)state;
    for (size_t there = 0; there < 40; there++) {
        mf_builder *builder = start_builder(&plan, &allocator);
        mf_shape shape = {.struct_size = sizeof shape};
        int32_t node = -7;
        mf_status status;

        for (size_t i = 0; i < there; i++)
            check_ok(mf_builder_unit(builder, &unit, NULL));
        memory_fail_at(&memory, 1);
        status = mf_builder_unit(builder, &unit, &node);
        memory_fail_at(&memory, 0);
        if (status != MF_STATUS_OK) {
            check_status(MF_STATUS_MEMORY, status);
            assert_int_equal(node, -7);
            check_sticks(builder, MF_STATUS_MEMORY, "memory");
            check_ok(mf_builder_shape(builder, (int32_t)there, &shape));
            check_status(MF_STATUS_NOT_FOUND, mf_builder_shape(builder, (int32_t)there + 1, &shape));
            failures++;
        }
        mf_builder_free(builder);
    }
    assert_in_range(failures, 2, 10);
}

/* Without memory for the layer the builder stays as it is, and can build later. */
static void test_build(void **state)
{
    units_plan plan = plan_residual(2, 4, 4, CLASSES);

    (void)state;
    for (int32_t init = MF_INIT_KAIMING_UNIFORM; init <= MF_INIT_NORMAL; init++) {
        mf_builder *builder;
        mf_layer *layer = (mf_layer *)1, *again = NULL, *expected;
        saved_values first, second;

        plan.units[0].weight_init = plan.head.projection_init = init;
        expected = make_units(&plan);
        first = save_layer_values(expected);
        for (size_t nth = 1;; nth++) {
            mf_status status;

            builder = make_builder(&plan, &allocator);
            layer = (mf_layer *)1;
            memory_fail_at(&memory, nth);
            status = mf_layer_build(builder, &layer);
            memory_fail_at(&memory, 0);
            if (status == MF_STATUS_OK) {
                assert_true(nth > 10);
                break;
            }
            check_status(MF_STATUS_MEMORY, status);
            check_null(layer);
            check_ok(mf_layer_build(builder, &again));
            second = save_layer_values(again);
            assert_true(same_values(&first, &second));
            free_saved_values(&second);
            mf_layer_free(again);
            mf_builder_free(builder);
            assert_int_equal(memory.blocks_out, 0);
        }
        mf_builder_free(builder);
        mf_layer_free(layer);
        mf_layer_free(expected);
        free_saved_values(&first);
    }
}

/* What happens to a layer afterwards: all of it or nothing, and no trace in the parameters. */
static void test_change_built_layer(void **state)
{
    units_plan plan = plan_residual(2, 4, 4, CLASSES);
    mf_builder *builder = make_builder(&plan, &allocator);
    mf_optimizer *old = optimizer_here(MF_OPTIMIZER_SGD), *other = optimizer_here(MF_OPTIMIZER_ADAM);
    mf_layer *layer = NULL;
    mf_workspace_spec spec;
    mf_workspace *workspace = NULL;
    test_random random = {3};
    float x[ROWS * 32];
    int32_t y[ROWS];
    saved_values before;

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    random_labels(&random, y, ROWS, CLASSES);
    check_ok(mf_layer_build(builder, &layer));
    check_ok(mf_layer_set_optimizer(layer, old));
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.layer = layer;
    spec.max_batch = ROWS;
    spec.allocator = &allocator;
    sweep(1, mf_workspace_create(&spec, &workspace), check_null(workspace));
    check_ok(mf_layer_step(layer, workspace, ROWS, x, y, NULL));
    before = save_layer_values(layer);
    sweep(7, mf_layer_set_optimizer(layer, other), check_layer_unchanged(&before, layer));
    sweep(1, mf_layer_set_classes(layer, CLASSES + 2), {
        float a[ROWS * 32];

        check_layer_unchanged(&before, layer);
        check_ok(mf_layer_forward(layer, workspace, ROWS, x, a));
    });
    assert_int_equal(parameter_count(layer, "head.projection"), (CLASSES + 2) * 32);
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_builder_free(builder);
    mf_optimizer_free(old);
    mf_optimizer_free(other);
}

/* The question takes memory for the builders alone. */
static void test_memory_of_builders(void **state)
{
    units_plan plan = plan_residual(2, 4, 4, CLASSES);

    (void)state;
    for (size_t nth = 1;; nth++) {
        mf_builder *list[2] = {make_builder(&plan, &allocator), make_builder(&plan, &allocator)};
        mf_memory told = {.struct_size = sizeof told}, again = told;
        mf_status status;

        memory_fail_at(&memory, nth);
        status = mf_network_memory_built(list, 2, NULL, MF_WORKSPACE_TRAINING, ROWS, &told);
        memory_fail_at(&memory, 0);
        check_ok(mf_network_memory_built(list, 2, NULL, MF_WORKSPACE_TRAINING, ROWS, &again));
        if (status == MF_STATUS_OK)
            assert_memory_equal(&told, &again, sizeof told);
        else
            check_status(MF_STATUS_MEMORY, status);
        mf_builder_free(list[0]);
        mf_builder_free(list[1]);
        if (status == MF_STATUS_OK)
            break;
        assert_true(nth < 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_memory(test_create_builder),     with_memory(test_builder_unit),       with_memory(test_build),
        with_memory(test_change_built_layer), with_memory(test_memory_of_builders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
