/* A network that scales its inputs: every call gives the bits of the same network that is given inputs which
 * this test has scaled; files, models of ONNX, clones and copies keep the scaling; what is refused.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "models.h"
#include "snapshots.h"
#include "sweep.h"
#include "typed_inputs.h"
#include "units.h"

enum { ROWS = 6, CLASSES = 3, MOST = 64 };

/* A shape of inputs, and by how many numbers they are scaled. */
typedef struct scaled_case {
    units_plan first;
    size_t values, count;
} scaled_case;

static scaled_case case_of(int which)
{
    const size_t counts[] = {1, 3, 12, 1, 3, 1, 4};
    scaled_case one = {.count = counts[which], .values = which < 3 ? 12 : which < 5 ? 3 * 4 * 4 : 5 * 4};
    units_plan plan = which < 3   ? plan_row(12, CLASSES)
                      : which < 5 ? plan_maps(3, 4, 4, CLASSES)
                                  : plan_sequence(5, 4, CLASSES);
    plan_add(&plan, which < 3 || which > 4 ? unit_dense(7) : unit_conv(4, 3, 1));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    one.first = plan;
    return one;
}

enum { CASES = 7 };

/* The number that value `j` of a row belongs to: runs of a row or of maps, the values of a position. */
static size_t number_of(const scaled_case *one, size_t j)
{
    return one->first.input.rank == 2 ? j % 4 % one->count : j / (one->values / one->count);
}

static void numbers(const scaled_case *one, float *shift, float *scale)
{
    for (size_t i = 0; i < one->count; i++) {
        shift[i] = 0.3f - 0.17f * (float)i;
        scale[i] = 1.7f / (float)(i + 2) - 0.9f;
    }
}

static mf_network *network_of(const scaled_case *one, mf_optimizer *optimizer)
{
    const int32_t rank = one->first.input.rank;
    units_plan second = rank == 2   ? plan_sequence(5, 7, CLASSES)
                        : rank == 3 ? plan_maps(4, 4, 4, CLASSES)
                                    : plan_row(7, CLASSES);
    plan_add(&second, unit_dense(5));
    const units_plan plans[] = {one->first, second};
    return make_units_network(plans, 2, optimizer);
}

static mf_network *scaled_network(const scaled_case *one, mf_optimizer *optimizer)
{
    float shift[MOST], scale[MOST];
    mf_network *network = network_of(one, optimizer);

    numbers(one, shift, scale);
    check_ok(mf_network_set_input_scaling(network, shift, scale, one->count));
    return network;
}

static void scale_by_hand(const scaled_case *one, float *x)
{
    float shift[MOST], scale[MOST];

    numbers(one, shift, scale);
    for (size_t i = 0; i < ROWS * one->values; i++) {
        size_t n = number_of(one, i % one->values);
        volatile float sum = x[i] + shift[n]; /* rounded before the product */
        x[i] = sum * scale[n];
    }
}

static const int32_t labels[ROWS] = {0, 1, 2, 2, 1, 0};

static void check_same_answers(mf_network *one, const mf_batch *x, mf_network *other, const mf_batch *y)
{
    mf_workspace *mine = make_workspace(one, NULL, MF_WORKSPACE_INFERENCE, ROWS),
                 *theirs = make_workspace(other, NULL, MF_WORKSPACE_INFERENCE, ROWS);
    float got[ROWS * CLASSES], expected[ROWS * CLASSES];

    check_ok(mf_network_infer(one, mine, MF_PREDICT_SUM, x, NULL, got, NULL));
    check_ok(mf_network_infer(other, theirs, MF_PREDICT_SUM, y, NULL, expected, NULL));
    assert_memory_equal(got, expected, sizeof got);
    mf_workspace_free(mine);
    mf_workspace_free(theirs);
}

static mf_pipeline *pipeline_of(mf_network *network, uint32_t workers)
{
    mf_pipeline_spec spec;
    mf_pipeline *pipeline = NULL;

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    spec.workers = workers;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    return pipeline;
}

static void submit(mf_network *network, const mf_batch *batch)
{
    mf_pipeline *pipeline = pipeline_of(network, 1);

    check_ok(mf_pipeline_submit_batch(pipeline, batch));
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
}

/* All calls that read the network's inputs, layer by layer as well. */
static void train_every_way(mf_network *network, const mf_batch *batch)
{
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    float a[ROWS * 64];
    mf_batch passed = *batch;

    check_ok(mf_network_step_batch(network, workspace, batch));
    check_ok(mf_network_step_layer_batch(network, workspace, 1, batch));
    check_ok(mf_layer_step_batch(layer_at(network, 0), workspace, batch, a));
    passed.input_type = MF_TYPE_FLOAT32;
    passed.input_scale = passed.input_shift = 0.0f;
    passed.inputs = a;
    passed.input_stride = 0;
    check_ok(mf_layer_step_batch(layer_at(network, 1), workspace, &passed, NULL));
    check_ok(mf_network_evaluate_batch(network, workspace, batch));
    mf_workspace_free(workspace);
    submit(network, batch);
}

/* Floats, bytes and bf16. */
static void check_training(const scaled_case *one, const typed_kind *kind)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *scaled = scaled_network(one, optimizer), *plain = network_of(one, optimizer);
    typed_inputs inputs = make_typed_inputs(kind, ROWS, one->values, 3, 5);
    float *x = get_memory(ROWS * one->values * sizeof *x);

    memcpy(x, inputs.floats, ROWS * one->values * sizeof *x);
    scale_by_hand(one, x);
    mf_batch raw = typed_batch(&inputs, ROWS, labels), ready = make_batch(ROWS, x, labels);
    train_every_way(scaled, &raw);
    train_every_way(plain, &ready);
    saved_values mine = save_network_values(scaled), theirs = save_network_values(plain);
    assert_true(same_values(&mine, &theirs));
    check_same_answers(scaled, &raw, plain, &ready);
    free_saved_values(&mine);
    free_saved_values(&theirs);
    free(x);
    free_typed_inputs(&inputs);
    mf_network_free(scaled);
    mf_network_free(plain);
    mf_optimizer_free(optimizer);
}

static void test_scaled_inputs_have_the_bits_of_inputs_scaled_by_the_host(void **state)
{
    (void)state;
    for (int which = 0; which < CASES; which++) {
        const scaled_case one = case_of(which);
        for (size_t kind = 0; kind < TYPED_KINDS; kind++)
            check_training(&one, &typed_kinds[kind]);
    }
}

static void check_scaling(const mf_network *network, const float *shift, const float *scale, size_t expected)
{
    float found[2][MOST];
    size_t count = 99;

    check_ok(mf_network_input_scaling(network, NULL, NULL, 0, &count));
    assert_int_equal(count, expected);
    check_ok(mf_network_input_scaling(network, found[0], found[1], MOST, &count));
    assert_memory_equal(found[0], shift, expected * sizeof *shift);
    assert_memory_equal(found[1], scale, expected * sizeof *scale);
}

/* ---- files, models, clones and copies ---- */

static mf_network *by_file(mf_network *network)
{
    size_t bytes, again;
    void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
    mf_network *loaded = model_load(MF_CONTENTS_TRAINING, file, bytes);
    void *second = model_save(loaded, MF_CONTENTS_TRAINING, &again);

    assert_int_equal(again, bytes);
    assert_memory_equal(file, second, bytes);
    free(file);
    free(second);
    return loaded;
}

static mf_network *by_model(mf_network *network)
{
    size_t bytes = 0, again = 0;
    mf_onnx_spec spec;
    mf_network *made = NULL;

    check_ok(mf_network_export_onnx_size(network, &bytes));
    void *model = get_memory(bytes), *second = get_memory(bytes);
    check_ok(mf_network_export_onnx_buffer(network, model, bytes, NULL));
    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.buffer = model;
    spec.bytes = bytes;
    check_ok(mf_network_import_onnx(&spec, &made));
    check_ok(mf_network_export_onnx_size(made, &again));
    assert_int_equal(again, bytes);
    check_ok(mf_network_export_onnx_buffer(made, second, bytes, NULL));
    assert_memory_equal(model, second, bytes);
    free(model);
    free(second);
    return made;
}

static mf_network *by_clone(mf_network *network)
{
    mf_network *clone = NULL;
    check_ok(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &clone));
    return clone;
}

static void test_files_models_and_clones_keep_the_scaling(void **state)
{
    mf_network *(*const ways[])(mf_network *) = {by_file, by_model, by_clone};
    float x[ROWS * MOST] = {0}, shift[MOST], scale[MOST];
    const mf_batch batch = make_batch(ROWS, x, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = (float)(i * 37 % 101) / 50.0f - 1.0f;
    for (int which = 0; which < CASES; which++)
        for (size_t way = 0; way < COUNT_OF(ways); way++) {
            const scaled_case one = case_of(which);
            mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.01);
            mf_network *network = scaled_network(&one, optimizer), *other = ways[way](network);
            numbers(&one, shift, scale);
            if (way != 1) /* of a row of values, a model has a number for each */
                check_scaling(other, shift, scale, one.count);
            check_same_answers(network, &batch, other, &batch);
            mf_network_free(network);
            mf_network_free(other);
            mf_optimizer_free(optimizer);
        }
}

static void test_copies_take_the_scaling_along(void **state)
{
    const float one[] = {1.0f, 2.0f, 3.0f}, other[] = {4.0f, 5.0f, 6.0f};
    const scaled_case rows = case_of(1);
    mf_network *from = network_of(&rows, NULL), *to = network_of(&rows, NULL);

    (void)state;
    check_ok(mf_network_set_input_scaling(from, one, other, 3));
    check_status(MF_STATUS_SHAPE, mf_network_copy_parameters(to, from));
    check_message("0 numbers scale the inputs of one network, 3 those of the other");
    check_ok(mf_network_set_input_scaling(to, other, one, 3));
    check_ok(mf_network_copy_parameters(to, from));
    check_scaling(to, one, other, 3);
    check_ok(mf_network_set_input_scaling(to, other, one, 3));
    check_ok(mf_network_blend_parameters(to, from, 1.0));
    check_scaling(to, one, other, 3);
    mf_network_free(from);
    mf_network_free(to);
}

/* A network that is nearly `from` still reads its inputs as before. */
static void test_a_blend_keeps_the_scaling(void **state)
{
    static const double shares[] = {0.0, 0.5, 0.999999};
    const float one[] = {1.0f, 2.0f, 3.0f}, other[] = {4.0f, 5.0f, 6.0f};
    const scaled_case rows = case_of(1);
    mf_network *from = network_of(&rows, NULL), *to = network_of(&rows, NULL);

    (void)state;
    check_ok(mf_network_set_input_scaling(from, one, other, 3));
    check_ok(mf_network_set_input_scaling(to, other, one, 3));
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        check_ok(mf_network_blend_parameters(to, from, shares[i]));
        check_scaling(to, other, one, 3);
    }
    mf_network_free(from);
    mf_network_free(to);
}

/* What a network learns under one scaling means nothing under another. */
static void test_snapshots_are_those_of_the_scaling(void **state)
{
    const float one[] = {1.0f, 2.0f, 3.0f}, other[] = {1.0f, 2.0f, 4.0f};
    const scaled_case rows = case_of(1);
    mf_network *from = network_of(&rows, NULL), *to = network_of(&rows, NULL);
    unsigned char *snapshot;
    size_t bytes;

    (void)state;
    check_ok(mf_network_set_input_scaling(from, one, one, 3));
    snapshot = take_snapshot(from, &bytes);
    check_status(MF_STATUS_SHAPE, mf_network_snapshot_load(to, snapshot, bytes));
    check_message("scaled");
    check_ok(mf_network_set_input_scaling(to, one, other, 3));
    check_status(MF_STATUS_SHAPE, mf_network_snapshot_load(to, snapshot, bytes));
    check_ok(mf_network_set_input_scaling(to, other, one, 3));
    check_status(MF_STATUS_SHAPE, mf_network_snapshot_load(to, snapshot, bytes));
    check_ok(mf_network_set_input_scaling(to, one, one, 3));
    check_ok(mf_network_snapshot_load(to, snapshot, bytes));
    free(snapshot);
    mf_network_free(from);
    mf_network_free(to);
}

/* ---- what is refused ---- */

static void test_numbers_that_do_not_fit_are_refused(void **state)
{
    const float good[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f}, bad[] = {1.0f, NAN};
    const scaled_case rows = case_of(0), maps = case_of(3), sequence = case_of(5);
    mf_network *network = network_of(&rows, NULL), *images = network_of(&maps, NULL),
               *words = network_of(&sequence, NULL);
    size_t count;
    float room[2];

    (void)state;
    check_status(MF_STATUS_NUMERIC, mf_network_set_input_scaling(network, good, bad, 2));
    check_message("number 1 of the scale is");
    check_status(MF_STATUS_NUMERIC, mf_network_set_input_scaling(network, bad, good, 2));
    check_status(MF_STATUS_SHAPE, mf_network_set_input_scaling(network, good, good, 5));
    check_message("5 numbers");
    check_status(MF_STATUS_SHAPE, mf_network_set_input_scaling(images, good, good, 2));
    check_status(MF_STATUS_SHAPE, mf_network_set_input_scaling(words, good, good, 2));
    check_status(MF_STATUS_ARGUMENT, mf_network_set_input_scaling(network, NULL, good, 2));
    check_status(MF_STATUS_ARGUMENT, mf_network_set_input_scaling(network, good, NULL, 2));
    check_status(MF_STATUS_OVERFLOW, mf_network_set_input_scaling(network, good, good, SIZE_MAX));
    check_status(MF_STATUS_HANDLE, mf_network_set_input_scaling(NULL, good, good, 1));
    check_status(MF_STATUS_HANDLE, mf_network_input_scaling(NULL, NULL, NULL, 0, &count));
    check_status(MF_STATUS_ARGUMENT, mf_network_input_scaling(network, NULL, NULL, 0, NULL));
    check_ok(mf_network_set_input_scaling(network, good, good, 4));
    check_status(MF_STATUS_CAPACITY, mf_network_input_scaling(network, room, NULL, 2, &count));
    assert_int_equal(count, 4);
    check_ok(mf_network_set_input_scaling(network, NULL, NULL, 0));
    check_scaling(network, NULL, NULL, 0);
    mf_network_free(network);
    mf_network_free(images);
    mf_network_free(words);
}

static void test_a_first_layer_that_does_not_fit_is_refused(void **state)
{
    const float three[] = {1.0f, 2.0f, 3.0f};
    mf_network *network = make_network();
    mf_layer *odd = make_plain_layer(10, 9, CLASSES, 1), *even = make_plain_layer(9, 9, CLASSES, 1),
             *last = make_plain_layer(9, 10, CLASSES, 2);
    uint64_t id = 0;

    (void)state;
    check_ok(mf_network_set_input_scaling(network, three, three, 3));
    check_status(MF_STATUS_SHAPE, mf_network_append(network, odd, NULL));
    check_message("3 numbers");
    check_ok(mf_network_append(network, even, &id));
    check_ok(mf_network_append(network, last, NULL));
    check_status(MF_STATUS_SHAPE, mf_network_insert(network, 0, odd, NULL));
    check_status(MF_STATUS_SHAPE, mf_network_replace(network, id, odd));
    check_ok(mf_network_append(network, odd, NULL));
    check_ok(mf_network_remove(network, id));
    check_ok(mf_network_layer(network, 0, NULL, &id));
    check_status(MF_STATUS_SHAPE, mf_network_remove(network, id));
    mf_layer_free(odd);
    mf_layer_free(even);
    mf_layer_free(last);
    mf_network_free(network);
}

static void test_workspaces_of_before_are_stale_and_inputs_must_stay_finite(void **state)
{
    const float shift = 0.0f, scale = 1e10f;
    const scaled_case rows = case_of(0);
    mf_network *network = network_of(&rows, NULL);
    mf_workspace *before = make_network_workspace(network, ROWS);
    float x[ROWS * MOST] = {1e30f};
    int32_t found[ROWS];

    (void)state;
    check_ok(mf_network_set_input_scaling(network, &shift, &scale, 1));
    check_status(MF_STATUS_STALE, mf_network_predict(network, before, MF_PREDICT_LAST, ROWS, x, found));
    mf_workspace *now = make_network_workspace(network, ROWS);
    check_status(MF_STATUS_NUMERIC, mf_network_predict(network, now, MF_PREDICT_LAST, ROWS, x, found));
    check_message("input 0 of row 0 is inf when the network has scaled it");
    x[0] = 1.0f;
    check_ok(mf_network_predict(network, now, MF_PREDICT_LAST, ROWS, x, found));
    mf_workspace_free(before);
    mf_workspace_free(now);
    mf_network_free(network);
}

/* Nothing has changed then, and the next batch is taken. */
static void test_pipelines_refuse_inputs_that_do_not_stay_finite(void **state)
{
    const float shift = 0.0f, scale = 1e10f;
    units_plan plan = plan_row(12, CLASSES);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.01);
    float x[ROWS * MOST] = {0};

    (void)state;
    plan_add(&plan, unit_dense(7));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH)); /* which would make finite values of them */
    for (uint32_t workers = 0; workers <= 2; workers++) {
        mf_network *network = make_units_network(&plan, 1, optimizer);
        check_ok(mf_network_set_input_scaling(network, &shift, &scale, 1));
        mf_pipeline *pipeline = pipeline_of(network, workers);
        saved_values before = save_network_values(network);
        x[14] = 1e30f;
        check_status(MF_STATUS_NUMERIC, mf_pipeline_submit(pipeline, ROWS, x, labels));
        check_message("input 2 of row 1 is inf when the network has scaled it");
        check_ok(mf_pipeline_flush(pipeline));
        saved_values after = save_network_values(network);
        assert_true(same_values(&before, &after));
        x[14] = 1e-10f;
        check_ok(mf_pipeline_submit(pipeline, ROWS, x, labels));
        check_ok(mf_pipeline_flush(pipeline));
        free_saved_values(&before);
        free_saved_values(&after);
        mf_pipeline_free(pipeline);
        mf_network_free(network);
    }
    mf_optimizer_free(optimizer);
}

static void test_damaged_files_are_refused(void **state)
{
    const scaled_case rows = case_of(1);
    mf_network *network = scaled_network(&rows, NULL);
    size_t bytes;
    unsigned char *file = model_save(network, MF_CONTENTS_MODEL, &bytes);
    char *header = model_header(file, bytes);
    const char *const changes[][2] = {{"\"shape\":[2,3]", "\"shape\":[3,2]"},
                                      {"\"shape\":[2,3]", "\"shape\":[6]"},
                                      {"input.scaling", "input.scalinG"},
                                      {"\"format_version\":\"4\"", "\"format_version\":\"3\""}};

    (void)state;
    assert_non_null(strstr(header, "\"input.scaling\""));
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        char *changed = replaced(header, changes[i][0], changes[i][1]);
        check_model_header(MF_STATUS_FORMAT, file, bytes, changed, NULL);
        free(changed);
    }
    memset(file + bytes - 4, 0xFF, 4); /* the last scale is no number */
    assert_int_equal(model_refuse(MF_CONTENTS_MODEL, file, bytes), MF_STATUS_FORMAT);
    check_message("tensor \"input.scaling\": value 5 is ");
    free(header);
    free(file);
    mf_network_free(network);
}

static void test_memory_may_be_missing(void **state)
{
    const float numbers_of_all[] = {1.0f, 2.0f, 3.0f};
    mf_network_spec spec;
    mf_network *network = NULL;

    (void)state;
    check_ok(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    check_ok(mf_network_create(&spec, &network));
    sweep(1, mf_network_set_input_scaling(network, numbers_of_all, numbers_of_all, 3),
          check_scaling(network, NULL, NULL, 0));
    sweep(1, mf_network_set_input_scaling(network, numbers_of_all + 1, numbers_of_all, 2),
          check_scaling(network, numbers_of_all, numbers_of_all, 3));
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scaled_inputs_have_the_bits_of_inputs_scaled_by_the_host),
        cmocka_unit_test(test_files_models_and_clones_keep_the_scaling),
        cmocka_unit_test(test_copies_take_the_scaling_along),
        cmocka_unit_test(test_a_blend_keeps_the_scaling),
        cmocka_unit_test(test_snapshots_are_those_of_the_scaling),
        cmocka_unit_test(test_numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(test_a_first_layer_that_does_not_fit_is_refused),
        cmocka_unit_test(test_workspaces_of_before_are_stale_and_inputs_must_stay_finite),
        cmocka_unit_test(test_pipelines_refuse_inputs_that_do_not_stay_finite),
        cmocka_unit_test(test_damaged_files_are_refused),
        with_memory(test_memory_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
