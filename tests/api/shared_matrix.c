/* Matrices that heads read: hostile files, memory that fails, and what is refused.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "models.h"
#include "random.h"
#include "sweep.h"
#include "units.h"

enum { SHARED = 4 };

/* Two matrices, and layers without any between. */
static mf_network *mixed_network(void)
{
    mf_matrix *one = make_matrix(6, 3, 1), *other = make_matrix(6, 2, 2);
    units_plan plans[5];
    mf_network *network;

    for (size_t i = 0; i < 5; i++) {
        plans[i] = plan_row(4, 6);
        plan_add(&plans[i], unit_dense(4));
        plan_shared(&plans[i], i == 0 ? NULL : i % 2 == 1 ? one : other, i == 3 ? 0 : 2);
    }
    network = make_units_network(plans, 5, NULL);
    mf_matrix_free(one);
    mf_matrix_free(other);
    return network;
}

static void refused_with(const void *file, size_t bytes, const char *header, const char *from, const char *to,
                         const char *part)
{
    char *changed = replaced(header, from, to);

    check_model_header(MF_STATUS_FORMAT, file, bytes, changed, part);
    free(changed);
}

static void test_hostile_files_are_refused(void **state)
{
    mf_network *network = mixed_network(), *loaded;
    size_t bytes = 0;
    unsigned char *file = model_save(network, MF_CONTENTS_MODEL, &bytes);
    char *header = model_header(file, bytes);

    (void)state;
    loaded = model_load(MF_CONTENTS_MODEL, file, bytes);
    for (size_t i = 0; i < 5; i++)
        check_same_matrix(shared_at(network, i), shared_at(loaded, i));
    assert_ptr_equal(shared_at(loaded, 1), shared_at(loaded, 3));
    assert_ptr_equal(shared_at(loaded, 2), shared_at(loaded, 4));
    mf_network_free(loaded);
    mf_network_free(network);
    refused_with(file, bytes, header, "\\\"shared\\\":1", "\\\"shared\\\":0", "\"shared\" is not the number");
    refused_with(file, bytes, header, "\\\"shared\\\":1", "\\\"shared\\\":2", "\"shared\" is not the number");
    refused_with(file, bytes, header, "\\\"shared\\\":1", "\\\"shared\\\":9999999999", "is not the number");
    refused_with(file, bytes, header, "\\\"shared\\\":1", "\\\"shared\\\":1,\\\"shared\\\":1", "twice");
    refused_with(file, bytes, header, "\"layers.1.head.shared\"", "\"layers.1.head.sharea\"",
                 "no tensor \"layers.1.head.shared\"");
    refused_with(file, bytes, header, "\"layers.2.head.shared\":{\"dtype\":\"F32\",\"shape\":[6,2]",
                 "\"layers.2.head.shared\":{\"dtype\":\"F32\",\"shape\":[12]", "or it is no matrix");
    refused_with(file, bytes, header, "\"layers.2.head.shared\":{\"dtype\":\"F32\",\"shape\":[6,2]",
                 "\"layers.2.head.shared\":{\"dtype\":\"F32\",\"shape\":[2,6]", "has 2 rows");
    refused_with(file, bytes, header, "\"layers.2.head.shared\":{\"dtype\":\"F32\",\"shape\":[6,2]",
                 "\"layers.2.head.shared\":{\"dtype\":\"F32\",\"shape\":[1,12]", "rows");
    refused_with(file, bytes, header, "\"format_version\":\"5\"", "\"format_version\":\"4\"",
                 "needs format version 5");
    model_put_value(file + bytes - sizeof(float), INFINITY); /* the matrices are last */
    assert_int_equal(model_refuse(MF_CONTENTS_MODEL, file, bytes), MF_STATUS_FORMAT);
    check_message("tensor \"layers.2.head.shared\": value 11 is inf, it must be finite");
    free(header);
    free(file);
}

/* An ONNX model has each matrix once, and is not imported. */
static void test_onnx_models_have_the_matrix_once(void **state)
{
    enum { WIDE = 4000 };
    mf_matrix *matrix = make_matrix(WIDE, SHARED, 3);
    units_plan plans[3];
    mf_network *network, *imported = (mf_network *)1;
    mf_onnx_spec spec;
    size_t bytes = 0, written = 0;
    unsigned char *model;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        plans[i] = plan_row(4, WIDE);
        plan_add(&plans[i], unit_dense(4));
        plan_shared(&plans[i], matrix, i / 2);
    }
    network = make_units_network(plans, 3, NULL);
    check_ok(mf_network_export_onnx_size(network, &bytes));
    assert_in_range(bytes, WIDE * (SHARED + 1) * 4, WIDE * (SHARED + 1) * 4 + 10000);
    model = get_memory(bytes);
    check_ok(mf_network_export_onnx_buffer(network, model, bytes, &written));
    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.buffer = model;
    spec.bytes = bytes;
    check_status(MF_STATUS_UNSUPPORTED, mf_network_import_onnx(&spec, &imported));
    check_message("layers.0.head.columns");
    assert_null(imported);
    mf_network_free(network);
    mf_matrix_free(matrix);
    free(model);
}

/* ---- memory that fails ---- */

static void test_failing_allocations_leave_nothing(void **state)
{
    mf_matrix *matrix = (mf_matrix *)1, *other = (mf_matrix *)1;
    const float values[6 * SHARED] = {0.5f};
    mf_matrix_spec spec = {
        .struct_size = sizeof spec, .rows = 6, .columns = SHARED, .values = values, .allocator = &allocator};
    units_plan plan = plan_row(4, 6);
    mf_builder *builder;
    mf_layer *layer = (mf_layer *)1;
    mf_network *network = make_network(), *clone = (mf_network *)1;
    mf_load_spec load;
    size_t size = 0;
    void *file;

    (void)state;
    sweep(1, mf_matrix_create(&spec, &matrix), check_null(matrix));
    plan_add(&plan, unit_dense(4));
    plan_shared(&plan, matrix, 2);
    builder = make_builder(&plan, &allocator);
    mf_matrix_free(matrix);
    check_ok(mf_layer_build(builder, &layer));
    mf_layer_free(layer);
    layer = (mf_layer *)1;
    sweep(5, mf_layer_build(builder, &layer), check_null(layer));
    mf_builder_free(builder);
    sweep(1, mf_matrix_from_parameter(layer, "head.projection", &allocator, &other), check_null(other));
    mf_matrix_free(other);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    sweep(5, mf_network_clone(network, MF_CONTENTS_MODEL, &allocator, &clone), check_null(clone));
    mf_network_free(clone);
    file = model_save(network, MF_CONTENTS_MODEL, &size);
    mf_network_free(network);
    check_ok(mf_load_spec_init(&load, sizeof load));
    load.allocator = &allocator;
    clone = (mf_network *)1;
    sweep(5, mf_network_load_buffer(&load, file, size, &clone), check_null(clone));
    mf_network_free(clone);
    free(file);
}

/* ---- refused ---- */

static void test_matrices_are_refused_in_words(void **state)
{
    float values[6] = {1, 2, 3, 4, 5, 6}, out[6];
    mf_matrix_spec spec = {.struct_size = sizeof spec, .rows = 2, .columns = 3, .values = values};
    const mf_allocator broken = {0};
    mf_layer *layer = make_plain_layer(3, 4, 5, 1);
    mf_matrix *matrix = NULL;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_matrix_spec_init(NULL, sizeof spec));
    check_status(MF_STATUS_ARGUMENT, mf_matrix_create(&spec, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_matrix_create(NULL, &matrix));
    spec.rows = 0;
    check_status(MF_STATUS_ARGUMENT, mf_matrix_create(&spec, &matrix));
    check_message("the number of rows must be at least 1");
    spec.rows = (size_t)INT32_MAX + 1;
    check_status(MF_STATUS_OVERFLOW, mf_matrix_create(&spec, &matrix));
    spec.rows = 2;
    spec.columns = 0;
    check_status(MF_STATUS_ARGUMENT, mf_matrix_create(&spec, &matrix));
    spec.columns = 3;
    spec.values = NULL;
    check_status(MF_STATUS_ARGUMENT, mf_matrix_create(&spec, &matrix));
    spec.values = values;
    spec.allocator = &broken;
    check_status(MF_STATUS_ARGUMENT, mf_matrix_create(&spec, &matrix));
    spec.allocator = NULL;
    values[5] = NAN;
    matrix = (mf_matrix *)1;
    check_status(MF_STATUS_NUMERIC, mf_matrix_create(&spec, &matrix));
    assert_null(matrix);
    values[5] = 6;
    check_ok(mf_matrix_create(&spec, &matrix));
    check_status(MF_STATUS_HANDLE, mf_matrix_size((mf_matrix *)layer, NULL, NULL));
    check_message("expected a matrix, got a layer");
    check_ok(mf_matrix_size(matrix, NULL, NULL));
    check_status(MF_STATUS_HANDLE, mf_matrix_values(NULL, out, 6));
    check_status(MF_STATUS_ARGUMENT, mf_matrix_values(matrix, NULL, 6));
    check_status(MF_STATUS_SHAPE, mf_matrix_values(matrix, out, 5));
    check_message("2 x 3 values, got a count of 5");
    check_ok(mf_matrix_values(matrix, out, 6));
    assert_memory_equal(values, out, sizeof out);
    mf_matrix_free(matrix);
    mf_matrix_free(NULL);
    check_status(MF_STATUS_HANDLE, mf_matrix_from_parameter(NULL, "weight", NULL, &matrix));
    check_status(MF_STATUS_ARGUMENT, mf_matrix_from_parameter(layer, "weight", NULL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_matrix_from_parameter(layer, NULL, NULL, &matrix));
    check_status(MF_STATUS_ARGUMENT, mf_matrix_from_parameter(layer, "weight", &broken, &matrix));
    check_status(MF_STATUS_NOT_FOUND, mf_matrix_from_parameter(layer, "wieght", NULL, &matrix));
    check_status(MF_STATUS_SHAPE, mf_matrix_from_parameter(layer, "bias", NULL, &matrix));
    check_message("the bias has rank 1");
    mf_layer_free(layer);
}

/* A W lies in memory in another order than the plain one. */
static void test_a_matrix_takes_the_values_of_a_parameter(void **state)
{
    static const char *const names[] = {"weight", "projection"};
    mf_layer *layer = make_plain_layer(70, 90, 5, 1);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t count = 0, rows = 0, columns = 0;
        float *values = read_parameter(layer, names[i], &count), *out = get_memory(count * sizeof *out);
        mf_matrix *matrix = NULL;

        check_ok(mf_matrix_from_parameter(layer, names[i], NULL, &matrix));
        check_ok(mf_matrix_size(matrix, &rows, &columns));
        assert_int_equal(rows, i == 0 ? 90 : 5);
        assert_int_equal(columns, i == 0 ? 70 : 90);
        check_ok(mf_matrix_values(matrix, out, count));
        assert_memory_equal(values, out, count * sizeof *out);
        free(values);
        free(out);
        mf_matrix_free(matrix);
    }
    mf_layer_free(layer);
}

/* An update that overflows is the way to such a parameter: to set one is refused. */
static void test_a_parameter_that_has_overflowed_makes_no_matrix(void **state)
{
    const float x[] = {100.0f, -100.0f, 200.0f, 100.0f, -100.0f, 200.0f};
    const int32_t y[] = {0, 1}; /* of two equal rows, so that one is wrong for sure */
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, (double)FLT_MAX);
    mf_layer *layer = make_plain_layer(3, 40, 5, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 2);
    mf_matrix *matrix = (mf_matrix *)1;

    (void)state;
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 2, x, y, NULL));
    check_message("must be restored");
    check_status(MF_STATUS_NUMERIC, mf_matrix_from_parameter(layer, "weight", NULL, &matrix));
    check_message("of the matrix is ");
    assert_null(matrix);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_heads_are_refused_in_words(void **state)
{
    mf_matrix *matrix = make_matrix(6, SHARED, 1);
    units_plan plan = plan_row(4, 7);
    mf_builder_spec spec = builder_spec(&plan.input);
    mf_builder *builder = NULL;
    mf_head_spec wrong = head_spec(6);
    mf_layer *layer;
    mf_network *network;

    (void)state;
    check_ok(mf_builder_create(&spec, &builder));
    wrong.shared = (const mf_matrix *)builder;
    check_status(MF_STATUS_HANDLE, mf_builder_head(builder, &wrong));
    check_sticks(builder, MF_STATUS_HANDLE, "expected a matrix");
    mf_builder_free(builder);
    check_ok(mf_builder_create(&spec, &builder));
    wrong.classes = 7;
    wrong.shared = matrix;
    check_status(MF_STATUS_SHAPE, mf_builder_head(builder, &wrong));
    check_message("the shared matrix has 6 rows, it must have one for each of the 7 classes");
    mf_builder_free(builder);

    plan = plan_row(4, 6);
    plan_add(&plan, unit_dense(3));
    plan.head.shared = matrix;
    check_head_refused(&plan, MF_STATUS_SHAPE, "the shared matrix has 4 columns, M reads 3 values");
    plan = plan_row(4, 6);
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan.head.shared = matrix;
    check_head_refused(&plan, MF_STATUS_ARGUMENT, "nothing to learn");

    plan = plan_row(4, 6);
    plan_add(&plan, unit_dense(4));
    plan.head.shared = matrix;
    layer = make_units(&plan);
    assert_false(has_parameter(layer, "head.projection"));
    check_status(MF_STATUS_STATE, mf_layer_set_classes(layer, 7));
    check_message("the head reads a shared matrix of 6 rows: it cannot have 7 classes");
    network = make_network();
    check_ok(mf_network_append(network, layer, NULL));
    check_status(MF_STATUS_STATE, mf_network_set_classes(network, 7));
    mf_layer_free(layer);
    mf_network_free(network);
    mf_matrix_free(matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_files_are_refused),
        cmocka_unit_test(test_onnx_models_have_the_matrix_once),
        with_memory(test_failing_allocations_leave_nothing),
        cmocka_unit_test(test_matrices_are_refused_in_words),
        cmocka_unit_test(test_a_matrix_takes_the_values_of_a_parameter),
        cmocka_unit_test(test_a_parameter_that_has_overflowed_makes_no_matrix),
        cmocka_unit_test(test_heads_are_refused_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
