/* Inputs as bytes and bf16 in pipelines: the bits of a sequential run on floats, for any number of workers.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "training_fixture.h"
#include "typed_inputs.h"

enum { GAP = 3, MOST_WORKERS = 3 };

/* Batches of a run: some with strides, the last one smaller. */
static typed_inputs inputs_of(const typed_kind *kind, size_t t)
{
    return make_typed_inputs(kind, ROWS, INPUTS, t % 2 ? GAP : 0, 100 + t);
}

static size_t rows_of(size_t t)
{
    return t == BATCHES - 1 ? 2 : ROWS;
}

static void run_floats(training_fixture *s, const typed_kind *kind)
{
    for (size_t t = 0; t < BATCHES; t++) {
        typed_inputs inputs = inputs_of(kind, t);
        mf_batch batch = float_batch(&inputs, rows_of(t), s->y[t]);

        batch.sample_weights = t % 3 ? NULL : s->weights;
        check_ok(mf_network_step_batch(s->network, s->workspace, &batch));
        free_typed_inputs(&inputs);
    }
}

/* The inputs are freed as soon as they have been submitted: the pipeline has a copy. */
static void run_typed(training_fixture *s, const typed_kind *kind, mf_pipeline *pipeline)
{
    for (size_t t = 0; t < BATCHES; t++) {
        typed_inputs inputs = inputs_of(kind, t);
        mf_batch batch = typed_batch(&inputs, rows_of(t), s->y[t]);
        mf_status status = MF_STATUS_BUSY;

        batch.sample_weights = t % 3 ? NULL : s->weights;
        if (t % 4 == 1)
            while ((status = mf_pipeline_try_submit_batch(pipeline, &batch)) == MF_STATUS_BUSY)
                ;
        else
            status = mf_pipeline_submit_batch(pipeline, &batch);
        check_ok(status);
        free_typed_inputs(&inputs);
    }
    check_ok(mf_pipeline_flush(pipeline));
}

/* What the pipeline says of one more batch, and its network of the same as floats. */
static void check_answers(training_fixture *floats, training_fixture *typed, const typed_kind *kind,
                          mf_pipeline *pipeline)
{
    typed_inputs inputs = inputs_of(kind, BATCHES);
    mf_batch of_floats = float_batch(&inputs, ROWS, floats->y[0]);
    mf_batch of_typed = typed_batch(&inputs, ROWS, floats->y[0]);
    mf_workspace *plain = make_workspace(typed->network, NULL, MF_WORKSPACE_INFERENCE, ROWS);
    mf_workspace *converts =
        make_workspace(typed->network, NULL, MF_WORKSPACE_INFERENCE + MF_WORKSPACE_CONVERT, ROWS);
    float goodness[2][ROWS * CLASSES];

    check_ok(mf_network_infer(floats->network, floats->workspace, MF_PREDICT_SUM, &of_floats, NULL,
                              goodness[0], NULL));
    check_ok(mf_pipeline_infer(pipeline, converts, MF_PREDICT_SUM, &of_typed, NULL, goodness[1], NULL));
    assert_memory_equal(goodness[0], goodness[1], sizeof goodness[0]);
    check_ok(mf_network_evaluate_batch(floats->network, floats->workspace, &of_floats));
    check_ok(mf_pipeline_evaluate_batch(pipeline, converts, &of_typed));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_report one = read_report(floats->workspace, i), other = read_report(converts, i);
        assert_memory_equal(&one, &other, sizeof one);
    }
    check_status(MF_STATUS_STATE, mf_pipeline_evaluate_batch(pipeline, plain, &of_typed));
    mf_workspace_free(plain);
    mf_workspace_free(converts);
    free_typed_inputs(&inputs);
}

static void check_pipeline(training_fixture *(*make)(const rule *how), const typed_kind *kind,
                           uint32_t workers)
{
    training_fixture *floats = make(&rules[3]), *typed = make(&rules[3]);
    mf_pipeline *pipeline = make_pipeline(typed->network, workers, 0);

    run_floats(floats, kind);
    run_typed(typed, kind, pipeline);
    check_answers(floats, typed, kind, pipeline);
    mf_pipeline_free(pipeline);
    check_same_run(floats, typed);
    free_training_fixture(floats);
    free_training_fixture(typed);
}

static void test_pipelines_give_the_bits_of_floats(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= MOST_WORKERS; workers++)
        for (size_t k = 0; k < TYPED_KINDS; k++) {
            check_pipeline(make_training_fixture, &typed_kinds[k], workers);
            check_pipeline(make_maps_fixture, &typed_kinds[k], workers);
        }
}

static void test_bad_inputs_are_not_taken(void **state)
{
    training_fixture *s = make_training_fixture(&rules[3]);
    mf_pipeline *pipeline = make_pipeline(s->network, 2, 0);
    typed_inputs inputs = make_typed_inputs(&typed_kinds[TYPED_KINDS - 1], ROWS, INPUTS, 0, 1);
    mf_batch batch = typed_batch(&inputs, ROWS, s->y[0]);
    saved_values before = save_network_values(s->network);

    (void)state;
    ((uint16_t *)inputs.values)[ROWS * INPUTS - 1] = 0x7F80;
    check_status(MF_STATUS_NUMERIC, mf_pipeline_submit_batch(pipeline, &batch));
    check_status(MF_STATUS_NUMERIC, mf_pipeline_try_submit_batch(pipeline, &batch));
    batch.input_type = MF_TYPE_UINT8;
    batch.input_shift = INFINITY;
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_submit_batch(pipeline, &batch));
    assert_int_equal(progress_of(pipeline).submitted, 0);
    check_ok(mf_pipeline_flush(pipeline));
    check_network_unchanged(&before, s->network);
    batch.input_shift = 0.0f;
    check_ok(mf_pipeline_submit_batch(pipeline, &batch));
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
    free_saved_values(&before);
    free_typed_inputs(&inputs);
    free_training_fixture(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipelines_give_the_bits_of_floats),
        cmocka_unit_test(test_bad_inputs_are_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
