/* What builders refuse of heads and when they are to build: every error that the header names, with the value
 * in the message; handles, questions, builders from the spec of a layer, allocations that fail.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "memory.h"
#include "units.h"

enum { CLASSES = 4 };

static const mf_shape input = {.struct_size = sizeof(mf_shape), .rank = 3, .dims = {2, 6, 5, 1}};

static mf_builder *fresh(void)
{
    units_plan plan = plan_maps(2, 6, 5, CLASSES);

    return start_builder(&plan, NULL);
}

/* ---- heads ---- */

static mf_builder *headless(void)
{
    mf_builder_spec spec = builder_spec(&input);
    mf_builder *builder = NULL;

    check_ok(mf_builder_create(&spec, &builder));
    return builder;
}

static void refuse_head(mf_status expected, const mf_head_spec *head, const char *part)
{
    mf_builder *builder = headless();

    check_status(expected, mf_builder_head(builder, head));
    check_message(part);
    check_sticks(builder, expected, part);
    mf_builder_free(builder);
}

#define refuse_head_field(field, value, part)              \
    do {                                                   \
        mf_head_spec changed = head_spec(CLASSES);         \
        changed.field = (value);                           \
        refuse_head(MF_STATUS_ARGUMENT, &changed, (part)); \
    } while (0)

static void test_wrong_heads_are_refused(void **state)
{
    mf_builder *builder = fresh();
    mf_head_spec head = head_spec(CLASSES);

    (void)state;
    refuse_head(MF_STATUS_ARGUMENT, NULL, "");
    refuse_head_field(struct_size, 3, "");
    refuse_head_field(kind, 2, "2");
    refuse_head_field(kind, -1, "-1");
    refuse_head_field(classes, 0, "0");
    refuse_head_field(classes, 1, "1");
    refuse_head_field(projection_init, 44, "44");
    refuse_head_field(projection_gain, NAN, "gain");
    refuse_head_field(label_smoothing, -0.25f, "-0.25");
    refuse_head_field(label_smoothing, 1.0f, "smoothing");
    refuse_head_field(label_smoothing, NAN, "smoothing");
    refuse_head_field(output_node, 0, "output_node 0");
    refuse_head_field(output_node, -2, "output_node -2");
    head.classes = SIZE_MAX;
    refuse_head(MF_STATUS_OVERFLOW, &head, "");
    head.classes = CLASSES;
    check_status(MF_STATUS_STATE, mf_builder_head(builder, &head)); /* there is one */
    check_sticks(builder, MF_STATUS_STATE, "");
    mf_builder_free(builder);
}

/* ---- building ---- */

static void refuse_build(mf_status expected, mf_builder *builder, const char *part)
{
    mf_layer *layer = (mf_layer *)1;

    check_status(expected, mf_layer_build(builder, &layer));
    check_message(part);
    assert_null(layer);
}

static void build(mf_builder *builder)
{
    mf_layer *layer = NULL;

    check_ok(mf_layer_build(builder, &layer));
    mf_layer_free(layer);
}

/* What is missing can be added afterwards: building leaves the builder as it was. */
static void test_an_incomplete_builder_is_refused_and_can_be_completed(void **state)
{
    const mf_unit_spec unit = unit_activation(MF_ACTIVATION_RELU), sum = unit_add(1, 2);
    const mf_head_spec head = head_spec(CLASSES);
    mf_builder *builder = headless();

    (void)state;
    refuse_build(MF_STATUS_STATE, builder, "");
    check_ok(mf_builder_unit(builder, &unit, NULL));
    refuse_build(MF_STATUS_STATE, builder, "head");
    check_ok(mf_builder_head(builder, &head));
    check_status(MF_STATUS_ARGUMENT, mf_layer_build(builder, NULL));
    build(builder);
    mf_unit_spec other = unit_reading(unit, 0);

    check_ok(mf_builder_unit(builder, &other, NULL));
    refuse_build(MF_STATUS_ARGUMENT, builder, "1"); /* nobody reads unit 1 */
    check_ok(mf_builder_unit(builder, &sum, NULL));
    build(builder);
    mf_builder_free(builder);
    builder = fresh();
    refuse_build(MF_STATUS_STATE, builder, "unit");
    check_ok(mf_builder_unit(builder, &unit, NULL));
    build(builder);
    mf_builder_free(builder);
}

static void test_heads_that_do_not_fit_are_refused(void **state)
{
    for (size_t size = 5; size <= 8; size++) {
        units_plan maps = plan_maps(2, 6, 5, CLASSES), row = plan_row(60, CLASSES);
        mf_builder *builder;
        char text[20];

        (void)state;
        maps.head.pool_size = row.head.pool_size = size;
        snprintf(text, sizeof text, "%zu", size);
        plan_add(&maps, unit_activation(MF_ACTIVATION_TANH));
        plan_add(&row, unit_dense(60));
        builder = make_builder(&maps, NULL);
        if (size == 5)
            build(builder);
        else
            refuse_build(MF_STATUS_SHAPE, builder, text);
        mf_builder_free(builder);
        builder = make_builder(&row, NULL);
        refuse_build(MF_STATUS_SHAPE, builder, "");
        mf_builder_free(builder);
    }
}

/* Units of the head read the output and each other: what is before the output is not there when a host asks
 * for the goodness of an activation. */
static void test_outputs_that_do_not_fit_are_refused(void **state)
{
    units_plan plan = plan_row(6, CLASSES);
    mf_builder *builder;

    (void)state;
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_add(1, 3));
    for (int32_t output = 1; output <= 5; output++) {
        plan.head.output_node = output;
        builder = make_builder(&plan, NULL);
        if (output == 1 || output == 4)
            build(builder);
        else if (output == 5)
            refuse_build(MF_STATUS_ARGUMENT, builder, "output_node 5");
        else
            refuse_build(MF_STATUS_ARGUMENT, builder, "unit 4 is the head's");
        mf_builder_free(builder);
    }
    plan.count = 3;
    plan.units[2] = unit_reading(plan.units[2], 0);
    plan.units[1] = unit_add(1, 0);
    plan.head.output_node = 2;
    builder = make_builder(&plan, NULL);
    refuse_build(MF_STATUS_ARGUMENT, builder, "node 2"); /* nobody reads it */
    mf_builder_free(builder);
}

/* A flatten hands on what it reads, and a layer must compute its output. */
static void test_flattens_that_leave_nothing_to_compute_are_refused(void **state)
{
    units_plan plan = plan_maps(2, 3, 4, CLASSES);
    mf_builder *builder;

    (void)state;
    plan_add(&plan, unit_of(MF_UNIT_FLATTEN));
    builder = make_builder(&plan, NULL);
    refuse_build(MF_STATUS_ARGUMENT, builder, "node 1, the output, is the layer's input");
    mf_builder_free(builder);
    plan_add(&plan, unit_dense(5));
    builder = make_builder(&plan, NULL);
    build(builder);
    mf_builder_free(builder);
    plan.head.output_node = 1;
    builder = make_builder(&plan, NULL);
    refuse_build(MF_STATUS_ARGUMENT, builder, "node 1, the output, is the layer's input");
    mf_builder_free(builder);
}

/* ---- handles ---- */

static void test_wrong_handles_are_refused(void **state)
{
    mf_network *network = make_network();
    mf_builder *wrong[] = {NULL, (mf_builder *)network};
    const mf_unit_spec unit = unit_dense(3);
    const mf_head_spec head = head_spec(CLASSES);
    mf_memory memory = {.struct_size = sizeof memory};
    mf_shape shape = {.struct_size = sizeof shape};
    mf_unit_spec told = {.struct_size = sizeof told};
    mf_head_spec head_told = {.struct_size = sizeof head_told};
    size_t count;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        mf_layer *layer = (mf_layer *)wrong[i];
        mf_builder *list[] = {wrong[i]};

        check_status(MF_STATUS_HANDLE, mf_builder_unit(wrong[i], &unit, NULL));
        check_status(MF_STATUS_HANDLE, mf_builder_head(wrong[i], &head));
        check_status(MF_STATUS_HANDLE, mf_builder_shape(wrong[i], 0, &shape));
        check_status(MF_STATUS_HANDLE,
                     mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
        check_status(MF_STATUS_HANDLE, mf_layer_unit_count(layer, &count));
        check_status(MF_STATUS_HANDLE, mf_layer_unit(layer, 1, &told, &shape));
        check_status(MF_STATUS_HANDLE, mf_layer_head(layer, &head_told));
        layer = (mf_layer *)1;
        check_status(MF_STATUS_HANDLE, mf_layer_build(wrong[i], &layer));
        assert_null(layer);
    }
    mf_network_free(network);
}

static void test_wrong_queries_are_refused(void **state)
{
    units_plan plan = plan_residual(2, 4, 4, CLASSES);
    mf_builder *builder = make_builder(&plan, NULL);
    mf_layer *layer = make_units(&plan);
    mf_shape shape = {.struct_size = sizeof shape};
    mf_unit_spec unit = {.struct_size = sizeof unit};
    mf_head_spec head = {.struct_size = sizeof head};
    const int32_t nodes[] = {-2, 8, 99, INT32_MIN, INT32_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        check_status(MF_STATUS_NOT_FOUND, mf_builder_shape(builder, nodes[i], &shape));
        check_status(MF_STATUS_NOT_FOUND, mf_layer_unit(layer, nodes[i], &unit, &shape));
    }
    check_status(MF_STATUS_NOT_FOUND, mf_layer_unit(layer, 0, &unit, NULL));
    check_status(MF_STATUS_NOT_FOUND, mf_layer_unit(layer, -1, &unit, NULL));
    check_ok(mf_layer_unit(layer, 7, NULL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_builder_shape(builder, 1, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_unit_count(layer, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_head(layer, NULL));
    shape.struct_size = unit.struct_size = head.struct_size = 3;
    check_status(MF_STATUS_ARGUMENT, mf_builder_shape(builder, 1, &shape));
    check_status(MF_STATUS_ARGUMENT, mf_layer_unit(layer, 1, NULL, &shape));
    check_status(MF_STATUS_ARGUMENT, mf_layer_unit(layer, 1, &unit, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_head(layer, &head));
    build(builder); /* questions that fail are no failures of the builder */
    mf_builder_free(builder);
    mf_layer_free(layer);
}

/* ---- builders from the spec of a layer ---- */

static void test_wrong_specs_for_a_builder_are_refused(void **state)
{
    mf_layer_spec spec = layer_spec(4, 3, CLASSES), narrow = conv_spec(1, 2, 2, 3, CLASSES);
    const mf_unit_spec unit = unit_dense(3);
    const mf_head_spec head = head_spec(CLASSES);
    mf_builder *builder = (mf_builder *)1;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(NULL, &builder));
    assert_null(builder);
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(&spec, NULL));
    builder = (mf_builder *)1;
    check_status(MF_STATUS_SHAPE, mf_builder_from_spec(&narrow, &builder));
    assert_null(builder);
    spec.activation = 55;
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(&spec, &builder));
    check_message("55");
    spec = layer_spec(SIZE_MAX, 3, CLASSES);
    check_status(MF_STATUS_OVERFLOW, mf_builder_from_spec(&spec, &builder));
    spec = layer_spec(4, 3, CLASSES);
    spec.kind = MF_LAYER_UNITS;
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(&spec, &builder));
    mf_layer *layer = (mf_layer *)1;

    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
    assert_null(layer);
    for (int heads = 0; heads <= 1; heads++) {
        spec.kind = MF_LAYER_DENSE;
        check_ok(mf_builder_from_spec(&spec, &builder));
        if (heads)
            check_status(MF_STATUS_STATE, mf_builder_head(builder, &head));
        else
            check_status(MF_STATUS_STATE, mf_builder_unit(builder, &unit, NULL));
        check_sticks(builder, MF_STATUS_STATE, "");
        mf_builder_free(builder);
    }
}

/* ---- memory ---- */

static mf_status make_all(const units_plan *plan, const mf_allocator *allocator, mf_layer **layer)
{
    mf_builder_spec spec = builder_spec(&plan->input);
    mf_builder *builder = NULL;
    mf_status status;

    *layer = NULL;
    spec.allocator = allocator;
    status = mf_builder_create(&spec, &builder);
    if (status != MF_STATUS_OK) {
        assert_null(builder);
        return status;
    }
    /* A host may look at the last status alone. */
    for (size_t i = 0; i < plan->count; i++)
        mf_builder_unit(builder, &plan->units[i], NULL);
    mf_builder_head(builder, &plan->head);
    status = mf_layer_build(builder, layer);
    mf_builder_free(builder);
    return status;
}

static void test_every_failed_allocation_leaves_no_leak(void **state)
{
    units_plan plan = plan_maps(2, 6, 5, CLASSES);
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_layer *layer = NULL;
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < UNITS_MOST; i++)
        plan_add(&plan, i % 3 ? unit_norm() : unit_conv(2, 3, 1));
    for (;; failed++) {
        memory_fail_at(&memory, failed + 1);
        mf_status status = make_all(&plan, &allocator, &layer);

        if (status == MF_STATUS_OK)
            break;
        check_status(MF_STATUS_MEMORY, status);
        assert_null(layer);
        assert_int_equal(memory.blocks_out, 0);
        assert_true(failed < 1000);
    }
    assert_true(failed >= 2);
    memory_fail_at(&memory, 0);
    assert_true(memory.blocks_out > 0);
    mf_layer_free(layer);
    assert_int_equal(memory.blocks_out, 0);
    assert_int_equal(memory.faults, 0);
    memory_release(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_heads_are_refused),
        cmocka_unit_test(test_an_incomplete_builder_is_refused_and_can_be_completed),
        cmocka_unit_test(test_heads_that_do_not_fit_are_refused),
        cmocka_unit_test(test_outputs_that_do_not_fit_are_refused),
        cmocka_unit_test(test_flattens_that_leave_nothing_to_compute_are_refused),
        cmocka_unit_test(test_wrong_handles_are_refused),
        cmocka_unit_test(test_wrong_queries_are_refused),
        cmocka_unit_test(test_wrong_specs_for_a_builder_are_refused),
        cmocka_unit_test(test_every_failed_allocation_leaves_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
