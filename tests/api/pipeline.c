/* Pipelines: the bits of a sequential run for any number of workers, errors in order, stops, memory.
 * ThreadSanitizer runs this. SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>

#include "build.h"
#include "memory.h"
#include "random.h"

enum { LAYERS = 4, INPUTS = 11, CLASSES = 5, ROWS = 9, BATCHES = 14, BEHIND = 3, REPORTS = BATCHES * LAYERS };

static const size_t widths[LAYERS + 1] = {INPUTS, 17, 24, 13, 19};

/* An optimizer for each rule of update. */
static const struct rule {
    int32_t kind, nesterov;
    float momentum, decay, clip;
} rules[] = {
    {MF_OPTIMIZER_SGD, 0, 0.0f, 0.0f, 0.0f},     {MF_OPTIMIZER_SGD, 0, 0.9f, 0.01f, 0.0f},
    {MF_OPTIMIZER_SGD, 1, 0.9f, 0.0f, 0.5f},     {MF_OPTIMIZER_ADAM, 0, 0.0f, 0.01f, 0.0f},
    {MF_OPTIMIZER_ADAMW, 0, 0.0f, 0.01f, 0.3f},  {MF_OPTIMIZER_RMSPROP, 0, 0.0f, 0.0f, 0.0f},
    {MF_OPTIMIZER_RMSPROP, 0, 0.5f, 0.0f, 0.0f},
};

/* A network with dropout in two layers, its optimizer, and batches, the last one uneven. */
typedef struct scene {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    float x[BATCHES + BEHIND][ROWS * INPUTS], weights[ROWS];
    int32_t y[BATCHES + BEHIND][ROWS];
    mf_pipeline_report reports[REPORTS];
    size_t seen;
    pthread_t caller;
} scene;

static scene *make_scene(const struct rule *rule)
{
    scene *s = get_zeroed(1, sizeof *s);
    mf_optimizer_spec spec = optimizer_spec(rule->kind, 0.01);
    test_random random = {5};

    spec.nesterov = rule->nesterov;
    spec.momentum = rule->momentum;
    spec.weight_decay = rule->decay;
    spec.clip_norm = rule->clip;
    check_ok(mf_optimizer_create(&spec, &s->optimizer));
    s->network = make_stack(widths, LAYERS, CLASSES, 40, s->optimizer);
    check_ok(mf_layer_set(layer_at(s->network, 0), MF_LAYER_DROPOUT, 0.3));
    check_ok(mf_layer_set(layer_at(s->network, 2), MF_LAYER_DROPOUT, 0.2));
    s->workspace = make_network_workspace(s->network, ROWS);
    for (size_t t = 0; t < BATCHES + BEHIND; t++) {
        random_values(&random, s->x[t], ROWS * INPUTS, 1.0);
        random_labels(&random, s->y[t], ROWS, CLASSES);
    }
    for (size_t b = 0; b < ROWS; b++)
        s->weights[b] = (float)(b + 1) / 4.0f;
    s->caller = pthread_self();
    return s;
}

static void drop_scene(scene *s)
{
    mf_workspace_free(s->workspace);
    mf_network_free(s->network);
    mf_optimizer_free(s->optimizer);
    free(s);
}

static size_t rows_of(size_t t)
{
    return t == BATCHES - 1 ? ROWS - 4 : ROWS;
}

/* Strides and weights in some batches. */
static mf_batch batch_of(const scene *s, size_t t)
{
    mf_batch batch = make_batch(rows_of(t), s->x[t], s->y[t]);

    if (t % 3 == 1)
        batch.sample_weights = s->weights;
    return batch;
}

/* What a host may change while batches are in the works. */
static void change_settings(scene *s, size_t t)
{
    check_ok(mf_optimizer_set(s->optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.02 / (double)(t + 1)));
    if (t == 5)
        check_ok(mf_layer_set(layer_at(s->network, 1), MF_LAYER_LABEL_SMOOTHING, 0.1));
    if (t == 8)
        check_ok(mf_layer_set(layer_at(s->network, 2), MF_LAYER_DROPOUT, 0.4));
    if (t == 10)
        check_ok(mf_layer_set_trainable(layer_at(s->network, 3), "projection", 0));
}

static mf_pipeline_report report_here(const scene *s, size_t t, size_t position)
{
    mf_report report = read_report(s->workspace, position);

    return (mf_pipeline_report){
        .struct_size = sizeof(mf_pipeline_report),
        .batch = t,
        .position = position,
        .rows = report.rows,
        .correct = report.correct,
        .loss = report.loss,
        .gradient_norm = report.gradient_norm,
        .applied = report.applied,
    };
}

static void run_sequential(scene *s)
{
    for (size_t t = 0; t < BATCHES; t++) {
        mf_batch batch = batch_of(s, t);

        change_settings(s, t);
        check_ok(mf_network_step_batch(s->network, s->workspace, &batch));
        for (size_t i = 0; i < LAYERS; i++)
            s->reports[s->seen++] = report_here(s, t, i);
    }
}

static mf_pipeline_spec pipeline_spec(mf_network *network, uint32_t workers, size_t depth)
{
    mf_pipeline_spec spec;

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.workers = workers;
    spec.max_batch = ROWS;
    spec.depth = depth;
    return spec;
}

static mf_pipeline *make_pipeline(mf_network *network, uint32_t workers, size_t depth)
{
    mf_pipeline_spec spec = pipeline_spec(network, workers, depth);
    mf_pipeline *pipeline = NULL;

    check_ok(mf_pipeline_create(&spec, &pipeline));
    return pipeline;
}

static mf_pipeline_progress_info progress_of(mf_pipeline *pipeline)
{
    mf_pipeline_progress_info progress = {.struct_size = sizeof progress};

    check_ok(mf_pipeline_progress(pipeline, &progress));
    return progress;
}

/* All reports there are. */
static void poll_all(scene *s, mf_pipeline *pipeline)
{
    mf_status status;

    do {
        mf_pipeline_report report = {.struct_size = sizeof report};

        status = mf_pipeline_poll(pipeline, &report);
        if (status == MF_STATUS_OK) {
            assert_in_range(s->seen, 0, REPORTS - 1);
            s->reports[s->seen++] = report;
        }
    } while (status == MF_STATUS_OK);
    assert_true(status == MF_STATUS_BUSY || status == MF_STATUS_NOT_FOUND);
}

static int32_t take_report(void *user, const mf_pipeline_report *report)
{
    scene *s = user;

    if (!pthread_equal(pthread_self(), s->caller) || s->seen == REPORTS)
        return 1;
    s->reports[s->seen++] = *report;
    return 0;
}

static void run_pipelined(scene *s, uint32_t workers, size_t depth, int callback)
{
    mf_pipeline_spec spec = pipeline_spec(s->network, workers, depth);
    mf_pipeline *pipeline = NULL;

    if (callback) {
        spec.on_report = take_report;
        spec.user = s;
    }
    check_ok(mf_pipeline_create(&spec, &pipeline));
    for (size_t t = 0; t < BATCHES; t++) {
        mf_batch batch = batch_of(s, t);

        change_settings(s, t);
        check_ok(mf_pipeline_submit_batch(pipeline, &batch));
        if (!callback)
            poll_all(s, pipeline);
    }
    check_ok(mf_pipeline_flush(pipeline));
    if (!callback)
        poll_all(s, pipeline);
    check_status(MF_STATUS_NOT_FOUND, mf_pipeline_poll(pipeline, &s->reports[0]));
    assert_int_equal(progress_of(pipeline).finished, BATCHES);
    assert_int_equal(progress_of(pipeline).missed, 0);
    mf_pipeline_free(pipeline);
}

/* Training goes on, so that the optimizers' states and the dropout counters are compared as well. */
static void train_on(scene *s)
{
    for (size_t t = BATCHES; t < BATCHES + BEHIND; t++)
        check_ok(mf_network_step(s->network, s->workspace, ROWS, s->x[t], s->y[t]));
}

static void check_same_run(scene *one, scene *other)
{
    picture first = network_picture(one->network), second = network_picture(other->network);

    assert_int_equal(one->seen, other->seen);
    for (size_t i = 0; i < one->seen; i++)
        if (memcmp(&one->reports[i], &other->reports[i], sizeof one->reports[i]) != 0)
            fail_msg("report %zu: batch %d, layer %d, loss %.9g; expected batch %d, layer %d, loss %.9g", i,
                     (int)other->reports[i].batch, (int)other->reports[i].position, other->reports[i].loss,
                     (int)one->reports[i].batch, (int)one->reports[i].position, one->reports[i].loss);
    assert_true(same_picture(&first, &second));
    drop_picture(&first);
    drop_picture(&second);
    train_on(one);
    train_on(other);
    first = network_picture(one->network);
    second = network_picture(other->network);
    assert_true(same_picture(&first, &second));
    drop_picture(&first);
    drop_picture(&second);
}

static void test_same_bits(void **state)
{
    static const uint32_t workers[] = {0, 1, 2, 3, 4, 7};

    (void)state;
    for (size_t r = 0; r < COUNT_OF(rules); r++)
        for (size_t w = 0; w < COUNT_OF(workers); w++) {
            scene *one = make_scene(&rules[r]), *other = make_scene(&rules[r]);

            run_sequential(one);
            run_pipelined(other, workers[w], w % 2 ? 0 : 1 + r, w % 3 == 0);
            check_same_run(one, other);
            drop_scene(one);
            drop_scene(other);
        }
}

/* More layers than groups, of very different costs. */
static void test_groups(void **state)
{
    enum { DEEP = 23, TIMES = 6 };
    size_t sizes[DEEP + 1];
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    float x[ROWS * 6];
    int32_t y[ROWS];
    test_random random = {8};

    (void)state;
    for (size_t i = 0; i <= DEEP; i++)
        sizes[i] = i == 9 ? 60 : 6;
    for (uint32_t workers = 0; workers <= 3; workers++) {
        mf_network *one = make_stack(sizes, DEEP, 3, 1, optimizer),
                   *other = make_stack(sizes, DEEP, 3, 1, optimizer);
        mf_workspace *workspace = make_network_workspace(one, ROWS);
        mf_pipeline *pipeline = make_pipeline(other, workers, 0);
        picture first, second;

        assert_int_equal(progress_of(pipeline).groups, 4 * (workers ? workers : 1));
        for (int t = 0; t < TIMES; t++) {
            random_values(&random, x, COUNT_OF(x), 1.0);
            random_labels(&random, y, ROWS, 3);
            check_ok(mf_network_step(one, workspace, ROWS, x, y));
            check_ok(mf_pipeline_submit(pipeline, ROWS, x, y));
        }
        check_ok(mf_pipeline_flush(pipeline));
        first = network_picture(one);
        second = network_picture(other);
        assert_true(same_picture(&first, &second));
        drop_picture(&first);
        drop_picture(&second);
        mf_pipeline_free(pipeline);
        mf_workspace_free(workspace);
        mf_network_free(one);
        mf_network_free(other);
    }
    mf_optimizer_free(optimizer);
}

/* ---- failures ---- */

/* Layer `position` gets parameters whose products overflow from now on. */
static void spoil(mf_network *network, size_t position)
{
    mf_layer *layer = layer_at(network, position);
    size_t count = 0;
    float *values = read_parameter(layer, "projection", &count);

    for (size_t i = 0; i < count; i++)
        values[i] = i / widths[position + 1] % 2 ? 3e38f : -3e38f;
    check_ok(mf_layer_set_parameter(layer, "projection", values, count));
    free(values);
}

/* Three good batches, then one that layer 2 fails on, then what the pipeline still takes. */
enum { GOOD = 3, AFTER = 4, BAD_LAYER = 2 };

static size_t submit_until_failure(scene *s, mf_pipeline *pipeline)
{
    mf_status status = MF_STATUS_OK;
    size_t taken = GOOD;

    while (status == MF_STATUS_OK && taken < GOOD + AFTER) {
        status = mf_pipeline_submit(pipeline, ROWS, s->x[taken], s->y[taken]);
        taken += status == MF_STATUS_OK;
    }
    if (status != MF_STATUS_OK)
        check_status(MF_STATUS_NUMERIC, status);
    return taken;
}

static void check_failure_is_told(scene *s, mf_pipeline *pipeline, size_t taken)
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

static void check_failure_reports(scene *s, mf_pipeline *pipeline, size_t taken)
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

static void test_failure_in_order(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 5; workers++) {
        scene *sound = make_scene(&rules[3]), *s = make_scene(&rules[3]);
        mf_pipeline *pipeline = make_pipeline(s->network, workers, 16);
        picture at_failure[LAYERS];
        size_t taken;

        for (size_t t = 0; t < GOOD; t++)
            check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]));
        check_ok(mf_pipeline_flush(pipeline));
        spoil(s->network, BAD_LAYER);
        for (size_t i = 0; i < LAYERS; i++)
            at_failure[i] = layer_picture(layer_at(s->network, i));
        taken = submit_until_failure(s, pipeline);
        check_failure_is_told(s, pipeline, taken);
        check_failure_reports(s, pipeline, taken);
        mf_pipeline_free(pipeline);
        /* Nothing flows backward: those in front are as in a run in which nobody fails. */
        for (size_t t = 0; t < taken; t++)
            check_ok(mf_network_step(sound->network, sound->workspace, ROWS, sound->x[t], sound->y[t]));
        for (size_t i = 0; i < LAYERS; i++) {
            picture expected = layer_picture(layer_at(sound->network, i));

            check_layer_unchanged(i < BAD_LAYER ? &expected : &at_failure[i], layer_at(s->network, i));
            drop_picture(&expected);
            drop_picture(&at_failure[i]);
        }
        drop_scene(sound);
        drop_scene(s);
    }
}

static void test_bad_batches_change_nothing(void **state)
{
    scene *s = make_scene(&rules[0]);
    mf_pipeline *pipeline = make_pipeline(s->network, 2, 0);
    picture before = network_picture(s->network);
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
    drop_picture(&before);
    drop_scene(s);
}

static void test_stale_network(void **state)
{
    scene *s = make_scene(&rules[0]);
    mf_pipeline *pipeline = make_pipeline(s->network, 1, 0);
    uint64_t id = 0;

    (void)state;
    check_ok(mf_network_layer(s->network, LAYERS - 1, NULL, &id));
    check_ok(mf_network_remove(s->network, id));
    check_status(MF_STATUS_STALE, mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    mf_pipeline_free(pipeline);
    drop_scene(s);
}

static void test_bad_specs(void **state)
{
    scene *s = make_scene(&rules[0]);
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
    mf_network_free(empty);
    drop_scene(s);
}

/* ---- queue, reports, stops ---- */

/* try_submit either takes the batch or says BUSY, and what was taken is learned. */
static void test_busy(void **state)
{
    scene *one = make_scene(&rules[3]), *other = make_scene(&rules[3]);
    mf_pipeline *pipeline = make_pipeline(other->network, 2, 1);
    size_t busy = 0;

    (void)state;
    run_sequential(one);
    for (size_t t = 0; t < BATCHES; t++) {
        mf_batch batch = batch_of(other, t);
        mf_status status;

        change_settings(other, t);
        while ((status = mf_pipeline_try_submit_batch(pipeline, &batch)) == MF_STATUS_BUSY)
            busy++;
        check_ok(status);
        poll_all(other, pipeline);
    }
    check_ok(mf_pipeline_flush(pipeline));
    poll_all(other, pipeline);
    mf_pipeline_free(pipeline);
    check_same_run(one, other);
    print_message("%zu tries came too early\n", busy);
    drop_scene(one);
    drop_scene(other);
}

static void test_missed_reports(void **state)
{
    scene *s = make_scene(&rules[0]);
    mf_pipeline *pipeline = make_pipeline(s->network, 1, 2);

    (void)state;
    for (size_t t = 0; t < BATCHES; t++)
        check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]));
    check_ok(mf_pipeline_flush(pipeline));
    poll_all(s, pipeline);
    assert_int_equal(s->seen, 4 * LAYERS);
    assert_int_equal(s->reports[0].batch, BATCHES - 4);
    assert_int_equal(progress_of(pipeline).missed, (BATCHES - 4) * LAYERS);
    mf_pipeline_free(pipeline);
    drop_scene(s);
}

/* Every layer is what a sequential run makes of it after as many batches as it counts. */
static void check_prefixes(scene *s, size_t batches)
{
    for (size_t i = 0; i < LAYERS; i++) {
        scene *fresh = make_scene(&rules[3]);
        uint64_t applied = 0;
        picture expected, found = layer_picture(layer_at(s->network, i));

        for (size_t k = 0; k < s->seen; k++)
            if (s->reports[k].position == i && s->reports[k].applied > applied)
                applied = s->reports[k].applied;
        assert_in_range(applied, 0, batches);
        for (size_t t = 0; t < applied; t++)
            check_ok(mf_network_step(fresh->network, fresh->workspace, ROWS, fresh->x[t], fresh->y[t]));
        expected = layer_picture(layer_at(fresh->network, i));
        assert_true(same_picture(&expected, &found));
        drop_picture(&expected);
        drop_picture(&found);
        drop_scene(fresh);
    }
}

static void test_stop(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 3; workers++)
        for (size_t batches = 0; batches < 8; batches++) {
            scene *s = make_scene(&rules[3]);
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
            drop_scene(s);
        }
}

static void test_free_at_any_moment(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 3; workers++)
        for (size_t batches = 0; batches < 6; batches++) {
            scene *s = make_scene(&rules[1]);
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
            drop_scene(s);
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

static void test_callback_stops(void **state)
{
    scene *s = make_scene(&rules[0]);
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
    drop_scene(s);
}

/* ---- evaluation, memory ---- */

static void test_evaluate_and_predict(void **state)
{
    scene *one = make_scene(&rules[3]), *other = make_scene(&rules[3]);
    mf_pipeline *pipeline = make_pipeline(other->network, 3, 0);
    mf_batch batch = make_batch(ROWS, one->x[1], one->y[1]);
    int32_t expected[ROWS], labels[ROWS];
    float goodness[2][ROWS * CLASSES];

    (void)state;
    for (size_t t = 0; t < 5; t++) {
        mf_report a, b;

        check_ok(mf_network_step(one->network, one->workspace, ROWS, one->x[t], one->y[t]));
        check_ok(mf_pipeline_submit(pipeline, ROWS, other->x[t], other->y[t]));
        check_ok(mf_network_evaluate(one->network, one->workspace, ROWS, one->x[9], one->y[9]));
        check_ok(mf_pipeline_evaluate(pipeline, other->workspace, ROWS, one->x[9], one->y[9]));
        a = read_report(one->workspace, LAYERS - 1);
        b = read_report(other->workspace, LAYERS - 1);
        assert_memory_equal(&a, &b, sizeof a);
    }
    check_ok(mf_pipeline_submit(pipeline, ROWS, other->x[5], other->y[5]));
    check_ok(mf_network_step(one->network, one->workspace, ROWS, one->x[5], one->y[5]));
    check_ok(mf_network_predict(one->network, one->workspace, MF_PREDICT_SUM, ROWS, one->x[0], expected));
    check_ok(mf_pipeline_predict(pipeline, other->workspace, MF_PREDICT_SUM, ROWS, one->x[0], labels));
    assert_memory_equal(expected, labels, sizeof labels);
    check_ok(
        mf_network_infer(one->network, one->workspace, MF_PREDICT_LAST, &batch, NULL, goodness[0], NULL));
    check_ok(mf_pipeline_infer(pipeline, other->workspace, MF_PREDICT_LAST, &batch, NULL, goodness[1], NULL));
    assert_memory_equal(goodness[0], goodness[1], sizeof goodness[0]);
    check_ok(mf_pipeline_evaluate_batch(pipeline, other->workspace, &batch));
    mf_pipeline_free(pipeline);
    drop_scene(one);
    drop_scene(other);
}

static void test_memory_at_creation_only(void **state)
{
    scene *s = make_scene(&rules[3]);
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_pipeline_spec spec = pipeline_spec(s->network, 2, 3);
    mf_pipeline *pipeline = (mf_pipeline *)1;
    size_t calls, failed = 0;

    (void)state;
    spec.allocator = &allocator;
    for (size_t k = 1;; k++) {
        mf_status status;

        memory_fail_at(&memory, k);
        status = mf_pipeline_create(&spec, &pipeline);
        memory_fail_at(&memory, 0);
        if (status == MF_STATUS_OK)
            break;
        check_status(MF_STATUS_MEMORY, status);
        assert_null(pipeline);
        assert_int_equal(memory.blocks_out, 0);
        failed++;
    }
    assert_true(failed > 0);
    calls = memory.calls;
    for (size_t t = 0; t < BATCHES; t++)
        check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]));
    check_ok(mf_pipeline_flush(pipeline));
    check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    check_ok(mf_pipeline_stop(pipeline));
    assert_int_equal(memory.calls, calls);
    mf_pipeline_free(pipeline);
    assert_int_equal(memory.calls, calls);
    assert_int_equal(memory.blocks_out, 0);
    assert_int_equal(memory.faults, 0);
    memory_release(&memory);
    drop_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_failure_in_order),
        cmocka_unit_test(test_bad_batches_change_nothing),
        cmocka_unit_test(test_stale_network),
        cmocka_unit_test(test_bad_specs),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_missed_reports),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_free_at_any_moment),
        cmocka_unit_test(test_callback_stops),
        cmocka_unit_test(test_evaluate_and_predict),
        cmocka_unit_test(test_memory_at_creation_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
