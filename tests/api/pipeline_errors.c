/* Pipelines: failures in order, bad batches and specs, stops and frees at any moment.
 * ThreadSanitizer runs this. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdbool.h>

#include "training_fixture.h"

/* Layer `position` gets parameters whose products overflow from now on. */
static void spoil(mf_network *network, size_t position)
{
    mf_layer *layer = layer_at(network, position);
    size_t count = 0;
    float *values = read_parameter(layer, "projection", &count);

    for (size_t i = 0; i < count; i++)
        values[i] = i / fixture_widths[position + 1] % 2 ? 3e38f : -3e38f;
    check_ok(mf_layer_set_parameter(layer, "projection", values, count));
    free(values);
    /* Whatever comes in, the activations are large enough. */
    values = read_parameter(layer, "bias", &count);
    for (size_t i = 0; i < count; i++)
        values[i] = 8.0f;
    check_ok(mf_layer_set_parameter(layer, "bias", values, count));
    free(values);
}

/* Three good batches, then one that layer 2 fails on, then what the pipeline still takes. */
enum { GOOD = 3, AFTER = 4, BAD_LAYER = 2 };

static size_t submit_until_failure(training_fixture *s, mf_pipeline *pipeline)
{
    mf_status status = MF_STATUS_OK;
    size_t taken = GOOD;

    while (status == MF_STATUS_OK && taken < GOOD + AFTER) {
        check_status(MF_STATUS_HANDLE, mf_pipeline_flush(NULL));
        status = mf_pipeline_submit(pipeline, ROWS, s->x[taken], s->y[taken]);
        if (status == MF_STATUS_OK) /* a layer may have failed, and that is told later */
            check_message("NULL");
        taken += status == MF_STATUS_OK;
    }
    if (status != MF_STATUS_OK)
        check_status(MF_STATUS_NUMERIC, status);
    return taken;
}

static void check_failure_is_told(training_fixture *s, mf_pipeline *pipeline, size_t taken)
{
    mf_pipeline_progress_info progress;

    check_status(MF_STATUS_NUMERIC, mf_pipeline_flush(pipeline));
    check_message("batch 3");
    check_message("layer 2");
    check_status(MF_STATUS_NUMERIC, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    check_message("batch 3");
    progress = progress_of(pipeline);
    assert_int_equal(progress.status, MF_STATUS_NUMERIC);
    assert_int_equal(progress.failed_batch, GOOD);
    assert_int_equal(progress.failed_position, BAD_LAYER);
    assert_int_equal(progress.submitted, taken);
    assert_int_equal(progress.finished, taken);
}

static void check_failure_reports(training_fixture *s, mf_pipeline *pipeline, size_t taken)
{
    poll_all(s, pipeline);
    assert_int_equal(s->seen, taken * LAYERS);
    for (size_t i = 0; i < s->seen; i++) {
        const mf_pipeline_report *report = &s->reports[i];
        size_t t = i / LAYERS, position = i % LAYERS;
        mf_status expected = MF_STATUS_STATE;

        if (t < GOOD || position < BAD_LAYER)
            expected = MF_STATUS_OK;
        else if (t == GOOD && position == BAD_LAYER)
            expected = MF_STATUS_NUMERIC;
        assert_int_equal(report->batch, t);
        assert_int_equal(report->position, position);
        assert_int_equal(report->status, expected);
        assert_int_equal(report->applied, expected == MF_STATUS_OK ? t + 1 : GOOD);
    }
}

static void test_a_failure_is_that_of_a_sequential_run(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 5; workers++) {
        training_fixture *sound = make_training_fixture(&rules[3]), *s = make_training_fixture(&rules[3]);
        mf_pipeline *pipeline = make_pipeline(s->network, workers, 16);
        saved_values at_failure[LAYERS];
        size_t taken;

        for (size_t t = 0; t < GOOD; t++)
            check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]));
        check_ok(mf_pipeline_flush(pipeline));
        spoil(s->network, BAD_LAYER);
        for (size_t i = 0; i < LAYERS; i++)
            at_failure[i] = save_layer_values(layer_at(s->network, i));
        taken = submit_until_failure(s, pipeline);
        check_failure_is_told(s, pipeline, taken);
        check_failure_reports(s, pipeline, taken);
        mf_pipeline_free(pipeline);
        /* Nothing flows backward: those in front are as in a run in which nobody fails. */
        for (size_t t = 0; t < taken; t++)
            check_ok(mf_network_step(sound->network, sound->workspace, ROWS, sound->x[t], sound->y[t]));
        for (size_t i = 0; i < LAYERS; i++) {
            saved_values expected = save_layer_values(layer_at(sound->network, i));

            check_layer_unchanged(i < BAD_LAYER ? &expected : &at_failure[i], layer_at(s->network, i));
            free_saved_values(&expected);
            free_saved_values(&at_failure[i]);
        }
        free_training_fixture(sound);
        free_training_fixture(s);
    }
}

static void test_bad_batches_change_nothing(void **state)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_pipeline *pipeline = make_pipeline(s->network, 2, 0);
    saved_values before = save_network_values(s->network);
    mf_batch batch = batch_of(s, 0);
    float kept = s->x[0][5];

    (void)state;
    check_status(MF_STATUS_CAPACITY, mf_pipeline_submit(pipeline, 0, s->x[0], s->y[0]));
    check_status(MF_STATUS_CAPACITY, mf_pipeline_submit(pipeline, ROWS + 1, s->x[0], s->y[0]));
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_submit(pipeline, ROWS, NULL, s->y[0]));
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_submit(pipeline, ROWS, s->x[0], NULL));
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_submit_batch(pipeline, NULL));
    s->y[0][2] = CLASSES;
    check_status(MF_STATUS_LABEL, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    check_status(MF_STATUS_LABEL, mf_pipeline_try_submit(pipeline, ROWS, s->x[0], s->y[0]));
    s->y[0][2] = 0;
    s->x[0][5] = NAN;
    check_status(MF_STATUS_NUMERIC, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    s->x[0][5] = kept;
    batch.input_stride = INPUTS - 1;
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_try_submit_batch(pipeline, &batch));
    batch.input_stride = (size_t)INT32_MAX + 1;
    check_status(MF_STATUS_OVERFLOW, mf_pipeline_submit_batch(pipeline, &batch));
    batch = batch_of(s, 0);
    batch.target_type = MF_TYPE_FLOAT32;
    check_status(MF_STATUS_UNSUPPORTED, mf_pipeline_submit_batch(pipeline, &batch));
    check_ok(mf_pipeline_flush(pipeline));
    check_network_unchanged(&before, s->network);
    assert_int_equal(progress_of(pipeline).submitted, 0);

    check_ok(mf_network_set_optimizer(s->network, NULL));
    check_status(MF_STATUS_STATE, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    check_ok(mf_network_set_optimizer(s->network, s->optimizer));
    check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    check_ok(mf_pipeline_flush(pipeline));
    check_ok(mf_network_set_classes(s->network, CLASSES + 1));
    check_status(MF_STATUS_STALE, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    mf_pipeline_free(pipeline);
    free_saved_values(&before);
    free_training_fixture(s);
}

static void test_a_changed_network_makes_a_pipeline_stale(void **state)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_pipeline *pipeline = make_pipeline(s->network, 1, 0);
    uint64_t id = 0;

    (void)state;
    check_ok(mf_network_layer(s->network, LAYERS - 1, NULL, &id));
    check_ok(mf_network_remove(s->network, id));
    check_status(MF_STATUS_STALE, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    /* The workspace is of the network as it is now; callers of the pipeline know sizes of what it was. */
    mf_workspace *workspace = make_network_workspace(s->network, ROWS);
    const mf_batch batch = batch_of(s, 0);
    int32_t labels[ROWS] = {0};

    check_status(MF_STATUS_STALE, mf_pipeline_evaluate(pipeline, workspace, ROWS, s->x[0], s->y[0]));
    check_status(MF_STATUS_STALE, mf_pipeline_evaluate_batch(pipeline, workspace, &batch));
    check_status(MF_STATUS_STALE,
                 mf_pipeline_predict(pipeline, workspace, MF_PREDICT_LAST, ROWS, s->x[0], labels));
    check_status(MF_STATUS_STALE,
                 mf_pipeline_infer(pipeline, workspace, MF_PREDICT_LAST, &batch, labels, NULL, NULL));
    check_ok(mf_network_predict(s->network, workspace, MF_PREDICT_LAST, ROWS, s->x[0], labels));
    mf_workspace_free(workspace);
    mf_pipeline_free(pipeline);
    free_training_fixture(s);
}

static void test_wrong_specs_are_refused(void **state)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_network *empty = make_network();
    mf_pipeline_spec spec = pipeline_spec(s->network, 2, 0), bad;
    mf_pipeline *pipeline = (mf_pipeline *)1;
    mf_pipeline_report report = {.struct_size = sizeof report};
    mf_pipeline_progress_info progress = {.struct_size = sizeof progress};
    int32_t labels[ROWS];

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_create(&spec, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_create(NULL, &pipeline));
    assert_null(pipeline);
    bad = spec, bad.network = NULL;
    check_status(MF_STATUS_HANDLE, mf_pipeline_create(&bad, &pipeline));
    bad = spec, bad.network = (mf_network *)s->optimizer;
    check_status(MF_STATUS_HANDLE, mf_pipeline_create(&bad, &pipeline));
    bad = spec, bad.network = empty;
    check_status(MF_STATUS_STATE, mf_pipeline_create(&bad, &pipeline));
    bad = spec, bad.max_batch = 0;
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_create(&bad, &pipeline));
    bad = spec, bad.workers = 1025;
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_create(&bad, &pipeline));
    bad = spec, bad.max_batch = (size_t)INT32_MAX + 1;
    check_status(MF_STATUS_OVERFLOW, mf_pipeline_create(&bad, &pipeline));
    bad = spec, bad.max_batch = INT32_MAX, bad.depth = INT32_MAX;
    check_status(MF_STATUS_OVERFLOW, mf_pipeline_create(&bad, &pipeline));
    bad = spec, bad.depth = (size_t)INT32_MAX + 1;
    check_status(MF_STATUS_OVERFLOW, mf_pipeline_create(&bad, &pipeline));
    check_message("depth must be at most 2147483647, got 2147483648");
    bad = spec, bad.struct_size = 8;
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_create(&bad, &pipeline));
    assert_null(pipeline);
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_spec_init(NULL, sizeof spec));
    check_status(MF_STATUS_HANDLE, mf_pipeline_submit(NULL, ROWS, s->x[0], s->y[0]));
    check_status(MF_STATUS_HANDLE, mf_pipeline_try_submit((mf_pipeline *)s->network, ROWS, s->x[0], s->y[0]));
    check_status(MF_STATUS_HANDLE, mf_pipeline_submit_batch(NULL, NULL));
    check_status(MF_STATUS_HANDLE, mf_pipeline_try_submit_batch(NULL, NULL));
    check_status(MF_STATUS_HANDLE, mf_pipeline_flush(NULL));
    check_status(MF_STATUS_HANDLE, mf_pipeline_stop(NULL));
    check_status(MF_STATUS_HANDLE, mf_pipeline_poll(NULL, &report));
    check_status(MF_STATUS_HANDLE, mf_pipeline_progress(NULL, &progress));
    check_status(MF_STATUS_HANDLE, mf_pipeline_evaluate(NULL, s->workspace, ROWS, s->x[0], s->y[0]));
    check_status(MF_STATUS_HANDLE, mf_pipeline_evaluate_batch(NULL, s->workspace, NULL));
    check_status(MF_STATUS_HANDLE,
                 mf_pipeline_predict(NULL, s->workspace, MF_PREDICT_LAST, ROWS, s->x[0], labels));
    check_status(MF_STATUS_HANDLE,
                 mf_pipeline_infer(NULL, s->workspace, MF_PREDICT_LAST, NULL, labels, NULL, NULL));
    mf_pipeline_free(NULL);
    mf_pipeline_free((mf_pipeline *)s->network);
    pipeline = make_pipeline(s->network, 2, 0);
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_poll(pipeline, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_pipeline_progress(pipeline, NULL));
    check_status(MF_STATUS_NOT_FOUND, mf_pipeline_poll(pipeline, &report));
    mf_pipeline_free(pipeline);
    check_ok(mf_layer_set_classes(layer_at(s->network, LAYERS - 1), CLASSES + 1));
    pipeline = (mf_pipeline *)1;
    check_status(MF_STATUS_SHAPE, mf_pipeline_create(&spec, &pipeline));
    check_message("layer 3 has 6 classes, layer 0 has 5");
    assert_null(pipeline);
    mf_network_free(empty);
    free_training_fixture(s);
}

/* ---- stops ---- */

/* Every layer is what a sequential run makes of it after as many batches as it counts. */
static void check_prefixes(training_fixture *s, size_t batches)
{
    for (size_t i = 0; i < LAYERS; i++) {
        training_fixture *fresh = make_training_fixture(&rules[3]);
        uint64_t applied = 0;
        saved_values expected, found = save_layer_values(layer_at(s->network, i));

        for (size_t k = 0; k < s->seen; k++)
            if (s->reports[k].position == i && s->reports[k].applied > applied)
                applied = s->reports[k].applied;
        assert_in_range(applied, 0, batches);
        for (size_t t = 0; t < applied; t++)
            check_ok(mf_network_step(fresh->network, fresh->workspace, ROWS, fresh->x[t], fresh->y[t]));
        expected = save_layer_values(layer_at(fresh->network, i));
        assert_true(same_values(&expected, &found));
        free_saved_values(&expected);
        free_saved_values(&found);
        free_training_fixture(fresh);
    }
}

typedef struct stopper {
    int armed, calls; /* the calls since it was armed */
} stopper;

static int32_t say_stop(void *user, const mf_pipeline_report *report)
{
    stopper *one = user;

    (void)report;
    one->calls += one->armed;
    return one->armed;
}

/* False if submitting has handed over all reports already, as happens where the caller has to wait for a
 * processor. */
static int stops_with_a_report_that_waits(training_fixture *s)
{
    mf_pipeline_spec spec = pipeline_spec(s->network, 2, 4);
    mf_pipeline *pipeline = NULL;
    stopper one = {0, 0};

    spec.on_report = say_stop;
    spec.user = &one;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    while (progress_of(pipeline).finished == 0)
        ;
    one.armed = 1;
    check_status(MF_STATUS_HANDLE, mf_layer_step(NULL, NULL, 1, NULL, NULL, NULL));
    check_ok(mf_pipeline_stop(pipeline));
    check_message("expected a layer, got NULL");
    mf_pipeline_free(pipeline);
    assert_in_range(one.calls, 0, 1);
    return one.calls;
}

/* What the callback says of a report that waits changes nothing any more, and no message either. */
static void test_a_stop_that_succeeds_leaves_the_message(void **state)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    int tries = 0;

    (void)state;
    while (!stops_with_a_report_that_waits(s))
        assert_in_range(++tries, 1, 1000);
    free_training_fixture(s);
}

static void test_stop_drops_unfinished_batches(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 3; workers++)
        for (size_t batches = 0; batches < 8; batches++) {
            training_fixture *s = make_training_fixture(&rules[3]);
            mf_pipeline *pipeline = make_pipeline(s->network, workers, 8);

            for (size_t t = 0; t < batches; t++)
                check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]));
            check_ok(mf_pipeline_stop(pipeline));
            check_ok(mf_pipeline_stop(pipeline));
            check_ok(mf_pipeline_flush(pipeline));
            assert_int_equal(progress_of(pipeline).stopped, 1);
            check_status(MF_STATUS_STATE, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
            poll_all(s, pipeline);
            assert_int_equal(s->seen, batches * LAYERS);
            check_prefixes(s, batches);
            mf_pipeline_free(pipeline);
            free_training_fixture(s);
        }
}

static void test_a_pipeline_can_be_freed_at_any_moment(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 3; workers++)
        for (size_t batches = 0; batches < 6; batches++) {
            training_fixture *s = make_training_fixture(&rules[1]);
            mf_pipeline *pipeline = make_pipeline(s->network, workers, 8);

            for (size_t t = 0; t < batches; t++)
                check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]));
            if (batches % 2) { /* the pipeline holds on to what it needs */
                mf_workspace_free(s->workspace);
                mf_network_free(s->network);
                mf_optimizer_free(s->optimizer);
                s->workspace = NULL;
                s->network = NULL;
                s->optimizer = NULL;
            }
            mf_pipeline_free(pipeline);
            free_training_fixture(s);
        }
}

typedef struct watcher {
    mf_pipeline *pipeline;
    size_t calls, limit;
    mf_status inside;
} watcher;

static int32_t stop_after(void *user, const mf_pipeline_report *report)
{
    watcher *w = user;

    (void)report;
    w->inside = mf_pipeline_flush(w->pipeline);
    return ++w->calls == w->limit;
}

static void test_the_callback_can_stop_a_pipeline(void **state)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    watcher w = {.limit = 3};
    mf_pipeline_spec spec = pipeline_spec(s->network, 2, 4);

    (void)state;
    spec.on_report = stop_after;
    spec.user = &w;
    check_ok(mf_pipeline_create(&spec, &w.pipeline));
    /* The workers may be done before submit returns. */
    if (mf_pipeline_submit(w.pipeline, ROWS, s->x[0], s->y[0]) == MF_STATUS_OK)
        check_status(MF_STATUS_STATE, mf_pipeline_flush(w.pipeline));
    check_message("callback");
    assert_int_equal(w.calls, 3);
    assert_int_equal(w.inside, MF_STATUS_STATE);
    check_status(MF_STATUS_STATE, mf_pipeline_submit(w.pipeline, ROWS, s->x[0], s->y[0]));
    mf_pipeline_free(w.pipeline);
    free_training_fixture(s);
}

typedef enum meddling { A_LABEL, THE_OPTIMIZER, THE_SCALING } meddling;

typedef struct meddler {
    training_fixture *s;
    size_t calls;
    bool meddles;
    meddling with;
} meddler;

/* The network and the arrays of a batch are the host's own while its callback runs. */
static int32_t meddle(void *user, const mf_pipeline_report *report)
{
    const float shift = 1.0f, scale = 0.5f;
    meddler *m = user;

    (void)report;
    m->calls++;
    if (m->meddles && m->with == A_LABEL)
        m->s->y[1][0] = 1000000;
    else if (m->meddles && m->with == THE_OPTIMIZER)
        check_ok(mf_network_set_optimizer(m->s->network, NULL));
    else if (m->meddles)
        check_ok(mf_network_set_input_scaling(m->s->network, &shift, &scale, 1));
    return 0;
}

/* What submit makes of it. The first batch's reports must wait for the second's submit, which they do unless
 * the worker has been faster than the host. */
static mf_status submit_with_meddler(meddling with)
{
    mf_status status = MF_STATUS_OK;

    for (bool waited = false; !waited;) {
        training_fixture *s = make_training_fixture(&rules[0]);
        meddler m = {.s = s, .with = with};
        mf_pipeline_spec spec = pipeline_spec(s->network, 1, 4);
        mf_pipeline *pipeline = NULL;

        spec.on_report = meddle;
        spec.user = &m;
        check_ok(mf_pipeline_create(&spec, &pipeline));
        check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
        while (progress_of(pipeline).finished < 1)
            continue;
        waited = m.calls < LAYERS;
        m.meddles = true;
        status = mf_pipeline_submit(pipeline, ROWS, s->x[1], s->y[1]);
        assert_int_equal(progress_of(pipeline).submitted, waited ? 1 : 2);
        mf_pipeline_free(pipeline);
        free_training_fixture(s);
    }
    return status;
}

static void test_what_the_callback_changes_is_checked(void **state)
{
    (void)state;
    check_status(MF_STATUS_LABEL, submit_with_meddler(A_LABEL));
    check_message("1000000");
    check_status(MF_STATUS_STATE, submit_with_meddler(THE_OPTIMIZER));
    check_message("optimizer");
    check_status(MF_STATUS_STALE, submit_with_meddler(THE_SCALING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_is_that_of_a_sequential_run),
        cmocka_unit_test(test_bad_batches_change_nothing),
        cmocka_unit_test(test_a_changed_network_makes_a_pipeline_stale),
        cmocka_unit_test(test_wrong_specs_are_refused),
        cmocka_unit_test(test_a_stop_that_succeeds_leaves_the_message),
        cmocka_unit_test(test_stop_drops_unfinished_batches),
        cmocka_unit_test(test_a_pipeline_can_be_freed_at_any_moment),
        cmocka_unit_test(test_the_callback_can_stop_a_pipeline),
        cmocka_unit_test(test_what_the_callback_changes_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
