/* Specs: values out of range one by one, sizes of structs from other versions, broken allocators.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"

static void refuse_layer(const mf_layer_spec *spec, mf_status expected)
{
    mf_layer *layer = (mf_layer *)1;

    check_status(expected, mf_layer_create(spec, &layer));
    assert_null(layer);
    assert_true(strlen(mf_last_message()) > 5);
}

/* Refuses the spec with one field set to `value`. */
#define refuse_field(field, value)                   \
    do {                                             \
        mf_layer_spec changed = layer_spec(3, 4, 5); \
        changed.field = (value);                     \
        refuse_layer(&changed, MF_STATUS_ARGUMENT);  \
    } while (0)

static void test_layer_values_out_of_range_are_refused(void **state)
{
    mf_layer_spec spec = layer_spec(3, 4, 5);
    mf_layer *layer;

    (void)state;
    refuse_field(inputs, 0);
    refuse_field(outputs, 0);
    refuse_field(classes, 0);
    refuse_field(classes, 1);
    refuse_field(kind, 1);
    refuse_field(kind, -1);
    refuse_field(activation, -1);
    refuse_field(activation, 6);
    check_message("6");
    refuse_field(bias, 2);
    refuse_field(bias, -1);
    refuse_field(weight_init, -1);
    refuse_field(weight_init, 4);
    refuse_field(projection_init, 4);
    refuse_field(weight_gain, NAN);
    refuse_field(weight_gain, INFINITY);
    refuse_field(projection_gain, NAN);
    refuse_field(projection_gain, -INFINITY);
    refuse_field(leak, -0.01f);
    refuse_field(leak, 1.01f);
    refuse_field(leak, NAN);
    refuse_field(dropout, -0.01f);
    refuse_field(dropout, 1.0f);
    check_message("dropout");
    refuse_field(dropout, NAN);
    refuse_field(label_smoothing, -0.01f);
    refuse_field(label_smoothing, 1.0f);
    refuse_field(label_smoothing, NAN);
    /* The ends of the ranges. */
    spec.leak = 1.0f;
    spec.dropout = 0.999f;
    spec.label_smoothing = 0.999f;
    spec.classes = 2;
    layer = make_layer(&spec);
    mf_layer_free(layer);
}

static void refuse_optimizer(mf_optimizer_spec spec)
{
    mf_optimizer *optimizer = (mf_optimizer *)1;

    check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(&spec, &optimizer));
    assert_null(optimizer);
}

#define refuse_hyper(field, value, name)                                    \
    do {                                                                    \
        mf_optimizer_spec changed = optimizer_spec(MF_OPTIMIZER_ADAM, 0.1); \
        changed.field = (value);                                            \
        refuse_optimizer(changed);                                          \
        check_message(name);                                                \
    } while (0)

/* A host that zeroes a spec instead of initialising it would have a layer that never learns. */
static void test_a_spec_of_zeros_is_refused(void **state)
{
    mf_layer_spec zeros = {.struct_size = sizeof zeros, .inputs = 2, .outputs = 16, .classes = 2},
                  zero = zeros;
    mf_layer *layer = NULL;
    mf_builder *builder = NULL;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&zeros, &layer));
    check_message("mf_layer_spec_init()");
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(&zeros, &builder));
    check_message("mf_layer_spec_init()");
    zero.weight_init = zero.projection_init = MF_INIT_ZERO;
    check_ok(mf_layer_create(&zero, &layer));
    mf_layer_free(layer);
    zeros.weight_gain = 1.0f;
    check_ok(mf_layer_create(&zeros, &layer));
    mf_layer_free(layer);
}

static void test_optimizer_values_out_of_range_are_refused(void **state)
{
    (void)state;
    refuse_hyper(kind, 4, "4");
    refuse_hyper(kind, -1, "-1");
    refuse_hyper(nesterov, 2, "nesterov");
    refuse_hyper(nesterov, -1, "nesterov");
    refuse_hyper(learning_rate, -0.1f, "rate");
    refuse_hyper(learning_rate, NAN, "rate");
    refuse_hyper(learning_rate, INFINITY, "rate");
    refuse_hyper(momentum, 1.0f, "momentum");
    refuse_hyper(momentum, -0.1f, "momentum");
    refuse_hyper(beta1, 1.0f, "beta1");
    refuse_hyper(beta1, -0.1f, "beta1");
    refuse_hyper(beta2, 1.0f, "beta2");
    refuse_hyper(beta2, NAN, "beta2");
    refuse_hyper(epsilon, 0.0f, "epsilon");
    refuse_hyper(epsilon, -1e-8f, "epsilon");
    refuse_hyper(weight_decay, -0.1f, "decay");
    refuse_hyper(weight_decay, INFINITY, "decay");
    refuse_hyper(clip_norm, -1.0f, "clip");
    refuse_hyper(clip_norm, NAN, "clip");
}

/* A struct as a program built against a later version would have it. */
#define LATER_BYTES 16

typedef union later_layer_spec {
    mf_layer_spec spec;
    unsigned char bytes[sizeof(mf_layer_spec) + LATER_BYTES];
} later_layer_spec;

static void test_a_layer_spec_of_a_later_version_is_refused_if_its_new_fields_are_set(void **state)
{
    later_layer_spec later;
    mf_layer *layer = NULL;

    (void)state;
    memset(&later, 0, sizeof later);
    later.spec = layer_spec(3, 4, 5);
    later.spec.struct_size = sizeof later;
    check_ok(mf_layer_create(&later.spec, &layer)); /* a tail of zeros asks for nothing */
    mf_layer_free(layer);
    for (size_t i = sizeof(mf_layer_spec); i < sizeof later; i++) {
        later.bytes[i] = 1;
        refuse_layer(&later.spec, MF_STATUS_ARGUMENT);
        later.bytes[i] = 0;
    }
}

static void test_other_specs_of_a_later_version_are_refused_if_their_new_fields_are_set(void **state)
{
    union {
        mf_optimizer_spec spec;
        unsigned char bytes[sizeof(mf_optimizer_spec) + LATER_BYTES];
    } optimizer_later;
    union {
        mf_network_spec spec;
        unsigned char bytes[sizeof(mf_network_spec) + LATER_BYTES];
    } network_later;
    union {
        mf_workspace_spec spec;
        unsigned char bytes[sizeof(mf_workspace_spec) + LATER_BYTES];
    } workspace_later;
    union {
        mf_batch batch;
        unsigned char bytes[sizeof(mf_batch) + LATER_BYTES];
    } batch_later;
    const float x[2] = {1, 2};
    const int32_t y = 1;
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    mf_layer *layer = make_plain_layer(2, 2, 2, 1);

    (void)state;
    memset(&optimizer_later, 0, sizeof optimizer_later);
    memset(&network_later, 0, sizeof network_later);
    memset(&workspace_later, 0, sizeof workspace_later);
    memset(&batch_later, 0, sizeof batch_later);
    check_ok(mf_optimizer_spec_init(&optimizer_later.spec, sizeof optimizer_later.spec));
    check_ok(mf_network_spec_init(&network_later.spec, sizeof network_later.spec));
    check_ok(mf_workspace_spec_init(&workspace_later.spec, sizeof workspace_later.spec));
    batch_later.batch = make_batch(1, x, &y);
    optimizer_later.spec.struct_size = sizeof optimizer_later;
    network_later.spec.struct_size = sizeof network_later;
    workspace_later.spec.struct_size = sizeof workspace_later;
    batch_later.batch.struct_size = sizeof batch_later;
    workspace_later.spec.layer = layer;
    workspace_later.spec.max_batch = 1;

    check_ok(mf_optimizer_create(&optimizer_later.spec, &optimizer));
    check_ok(mf_network_create(&network_later.spec, &network));
    check_ok(mf_workspace_create(&workspace_later.spec, &workspace));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_step_batch(layer, workspace, &batch_later.batch, NULL));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    workspace = make_layer_workspace(layer, 1);

    optimizer_later.bytes[sizeof optimizer_later - 1] = 1;
    network_later.bytes[sizeof network_later - 1] = 1;
    workspace_later.bytes[sizeof workspace_later - 1] = 1;
    batch_later.bytes[sizeof batch_later - 1] = 1;
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(&optimizer_later.spec, &optimizer));
    check_status(MF_STATUS_ARGUMENT, mf_network_create(&network_later.spec, &network));
    {
        mf_workspace *refused = (mf_workspace *)1;

        check_status(MF_STATUS_ARGUMENT, mf_workspace_create(&workspace_later.spec, &refused));
        assert_null(refused);
    }
    check_status(MF_STATUS_ARGUMENT, mf_layer_step_batch(layer, workspace, &batch_later.batch, NULL));
    assert_null(optimizer);
    assert_null(network);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

/* Version 0.1 is the first: there is no smaller struct, and 0 is a struct nobody has filled. */
static void test_struct_sizes_that_no_version_had_are_refused(void **state)
{
    const uint32_t sizes[] = {0, 1, 4, UINT32_MAX};
    mf_layer *layer = make_plain_layer(2, 2, 2, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 1);
    const float x[2] = {1, 2};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        mf_layer_spec spec = layer_spec(3, 4, 5);
        mf_optimizer_spec optimizer_values = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
        mf_network_spec network_values;
        mf_workspace_spec workspace_values;
        mf_batch batch = make_batch(1, x, NULL);
        mf_report report;
        mf_parameter_info info;
        mf_optimizer *optimizer;
        mf_network *network;
        mf_workspace *other;
        float a[2];

        check_ok(mf_network_spec_init(&network_values, sizeof network_values));
        check_ok(mf_workspace_spec_init(&workspace_values, sizeof workspace_values));
        workspace_values.layer = layer;
        workspace_values.max_batch = 1;
        spec.struct_size = optimizer_values.struct_size = network_values.struct_size = sizes[i];
        workspace_values.struct_size = batch.struct_size = report.struct_size = info.struct_size = sizes[i];
        refuse_layer(&spec, MF_STATUS_ARGUMENT);
        refuse_optimizer(optimizer_values);
        check_status(MF_STATUS_ARGUMENT, mf_network_create(&network_values, &network));
        check_status(MF_STATUS_ARGUMENT, mf_workspace_create(&workspace_values, &other));
        check_status(MF_STATUS_ARGUMENT, mf_layer_forward_batch(layer, workspace, &batch, a));
        check_status(MF_STATUS_ARGUMENT, mf_layer_pass_batch(layer, workspace, &batch, a));
        check_status(MF_STATUS_ARGUMENT, mf_layer_describe(layer, &spec));
        check_status(MF_STATUS_ARGUMENT, mf_workspace_report(workspace, 0, &report));
        check_status(MF_STATUS_ARGUMENT, mf_workspace_report_sum(workspace, &report));
        check_status(MF_STATUS_ARGUMENT, mf_layer_parameter_info(layer, 0, &info));
        if (sizes[i] != UINT32_MAX) {
            check_status(MF_STATUS_ARGUMENT, mf_layer_spec_init(&spec, sizes[i]));
            check_status(MF_STATUS_ARGUMENT, mf_optimizer_spec_init(&optimizer_values, sizes[i]));
            check_status(MF_STATUS_ARGUMENT, mf_network_spec_init(&network_values, sizes[i]));
            check_status(MF_STATUS_ARGUMENT, mf_workspace_spec_init(&workspace_values, sizes[i]));
            check_status(MF_STATUS_ARGUMENT, mf_batch_init(&batch, sizes[i]));
        }
        optimizer = NULL;
        mf_optimizer_free(optimizer);
    }
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

/* A result struct of a later version: the known part is filled, nothing is written behind it. */
static void test_results_of_a_later_version_are_filled(void **state)
{
    union {
        mf_report report;
        unsigned char bytes[sizeof(mf_report) + LATER_BYTES + 8];
    } later;
    mf_layer *layer = make_plain_layer(2, 2, 2, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 1);

    (void)state;
    memset(&later, 0, sizeof later);
    memset(later.bytes + sizeof later - 8, 0x5a, 8);
    later.report.struct_size = sizeof(mf_report) + LATER_BYTES;
    later.report.rows = 99;
    check_ok(mf_workspace_report(workspace, 0, &later.report));
    assert_int_equal(later.report.rows, 0);
    assert_int_equal(later.report.struct_size, sizeof(mf_report) + LATER_BYTES);
    for (size_t i = sizeof(mf_report); i < sizeof later - 8; i++)
        assert_int_equal(later.bytes[i], 0);
    for (size_t i = sizeof later - 8; i < sizeof later; i++)
        assert_int_equal(later.bytes[i], 0x5a);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

static void *no_memory(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)bytes;
    (void)alignment;
    return NULL;
}

static void no_free(void *user, void *pointer, size_t bytes)
{
    (void)user;
    (void)pointer;
    (void)bytes;
}

static void test_allocators_without_functions_are_refused(void **state)
{
    const mf_allocator broken[] = {{NULL, no_free, NULL}, {no_memory, NULL, NULL}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        mf_layer_spec spec = layer_spec(2, 2, 2);
        mf_optimizer_spec optimizer_values = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);

        spec.allocator = optimizer_values.allocator = &broken[i];
        refuse_layer(&spec, MF_STATUS_ARGUMENT);
        refuse_optimizer(optimizer_values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_values_out_of_range_are_refused),
        cmocka_unit_test(test_a_spec_of_zeros_is_refused),
        cmocka_unit_test(test_optimizer_values_out_of_range_are_refused),
        cmocka_unit_test(test_a_layer_spec_of_a_later_version_is_refused_if_its_new_fields_are_set),
        cmocka_unit_test(test_other_specs_of_a_later_version_are_refused_if_their_new_fields_are_set),
        cmocka_unit_test(test_struct_sizes_that_no_version_had_are_refused),
        cmocka_unit_test(test_results_of_a_later_version_are_filled),
        cmocka_unit_test(test_allocators_without_functions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
