/* What must not happen at the same time is refused with BUSY: a layer that is trained by two pipelines, or trained
 * or changed by hand while a batch of a pipeline is on its way or in another thread, and calls of one pipeline
 * from two threads.
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build.h"
#include "random.h"

/* A batch takes some milliseconds, so that a few tries meet it on its way. */
enum { ROWS = 64, WIDTH = 600, CLASSES = 4, TRIES = 300 };

typedef struct scene {
    mf_optimizer *optimizer;
    mf_network *network, *twin;
    mf_workspace *workspace;
    mf_pipeline *pipeline, *other;
    float *x, *gradients;
    unsigned char *snapshot;
    size_t values, bytes; /* of the last layer's parameters; of the snapshot */
    int32_t y[ROWS];
} scene;

static mf_layer *last_layer(const scene *s)
{
    return layer_at(s->network, 1);
}

static int set_up(void **state)
{
    const size_t widths[] = {WIDTH, WIDTH, WIDTH};
    scene *s = get_zeroed(1, sizeof *s);
    test_random random = {1};
    saved_values last;

    s->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 1e-3);
    s->network = make_stack(widths, 2, CLASSES, 1, s->optimizer);
    s->workspace = make_network_workspace(s->network, ROWS);
    s->pipeline = make_network_pipeline(s->network, ROWS, 1);
    s->other = make_network_pipeline(s->network, ROWS, 1);
    s->x = get_memory(ROWS * WIDTH * sizeof *s->x);
    random_values(&random, s->x, ROWS * WIDTH, 1.0);
    random_labels(&random, s->y, ROWS, CLASSES);
    last = save_layer_values(last_layer(s));
    s->values = last.count;
    free_saved_values(&last);
    s->gradients = get_zeroed(s->values, sizeof *s->gradients);
    check_ok(mf_network_clone(s->network, MF_CONTENTS_MODEL, NULL, &s->twin));
    check_ok(mf_network_snapshot_size(s->network, &s->bytes));
    s->snapshot = get_memory(s->bytes);
    check_ok(mf_network_snapshot_save(s->network, s->snapshot, s->bytes));
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;

    mf_pipeline_free(s->pipeline);
    mf_pipeline_free(s->other);
    mf_workspace_free(s->workspace);
    mf_network_free(s->network);
    mf_network_free(s->twin);
    mf_optimizer_free(s->optimizer);
    free(s->x);
    free(s->gradients);
    free(s->snapshot);
    free(s);
    return 0;
}

/* ---- calls that train or change layers ---- */

static mf_status submit_to_other(scene *s)
{
    return mf_pipeline_submit(s->other, ROWS, s->x, s->y);
}

static mf_status step_network(scene *s)
{
    return mf_network_step(s->network, s->workspace, ROWS, s->x, s->y);
}

static mf_status step_position(scene *s)
{
    return mf_network_step_layer(s->network, s->workspace, 1, ROWS, s->x, s->y);
}

static mf_workspace *workspace_of_last(scene *s)
{
    return make_layer_workspace(last_layer(s), ROWS);
}

static mf_status step_layer(scene *s)
{
    mf_workspace *workspace = workspace_of_last(s);
    mf_status status = mf_layer_step(last_layer(s), workspace, ROWS, s->x, s->y, NULL);

    mf_workspace_free(workspace);
    return status;
}

static mf_status pass_layer(scene *s)
{
    mf_workspace *workspace = workspace_of_last(s);
    float *a = get_memory((size_t)ROWS * WIDTH * sizeof *a);
    mf_batch batch = make_batch(ROWS, s->x, NULL);
    mf_status status = mf_layer_pass_batch(last_layer(s), workspace, &batch, a);

    free(a);
    mf_workspace_free(workspace);
    return status;
}

static mf_status gradients_of_layer(scene *s)
{
    mf_workspace *workspace = workspace_of_last(s);
    mf_batch batch = make_batch(ROWS, s->x, s->y);
    mf_status status = mf_layer_gradients(last_layer(s), workspace, &batch, NULL, s->gradients, s->values);

    mf_workspace_free(workspace);
    return status;
}

static mf_status apply_to_layer(scene *s)
{
    return mf_layer_apply(last_layer(s), s->gradients, s->values);
}

static mf_status set_parameter(scene *s)
{
    float bias[WIDTH] = {0};

    return mf_layer_set_parameter(last_layer(s), "bias", bias, WIDTH);
}

static mf_status set_optimizer_of_layer(scene *s)
{
    return mf_layer_set_optimizer(last_layer(s), s->optimizer);
}

static mf_status set_optimizer(scene *s)
{
    return mf_network_set_optimizer(s->network, s->optimizer);
}

static mf_status load_snapshot(scene *s)
{
    return mf_network_snapshot_load(s->network, s->snapshot, s->bytes);
}

static mf_status copy_parameters(scene *s)
{
    return mf_network_copy_parameters(s->network, s->twin);
}

static mf_status blend_parameters(scene *s)
{
    return mf_network_blend_parameters(s->network, s->twin, 0.5);
}

static mf_status set_classes_of_layer(scene *s)
{
    return mf_layer_set_classes(last_layer(s), CLASSES);
}

static mf_status set_classes(scene *s)
{
    return mf_network_set_classes(s->network, CLASSES);
}

/* Behind the last two workspaces and pipelines are stale. */
static mf_status (*const calls[])(scene *) = {
    submit_to_other,    step_network,     step_position,          step_layer,           pass_layer,
    gradients_of_layer, apply_to_layer,   set_optimizer_of_layer, set_optimizer,        set_parameter,
    copy_parameters,    blend_parameters, load_snapshot,          set_classes_of_layer, set_classes};
enum { LASTING = COUNT_OF(calls) - 2 };

/* ---- tests ---- */

/* Each call is refused while a batch is on its way, and not a moment longer. */
static void test_layers_in_flight_are_refused(void **state)
{
    scene *s = *state;

    for (size_t c = 0; c < LASTING; c++) {
        int refusals = 0;

        for (int i = 0; i < TRIES && refusals < 3; i++) {
            mf_status status;

            check_ok(mf_pipeline_submit(s->pipeline, ROWS, s->x, s->y));
            status = calls[c](s);
            if (status != MF_STATUS_OK) {
                check_status(MF_STATUS_BUSY, status);
                check_message("is being trained");
                if (calls[c] == step_layer || calls[c] == pass_layer || calls[c] == gradients_of_layer ||
                    calls[c] == apply_to_layer || calls[c] == set_parameter ||
                    calls[c] == set_optimizer_of_layer)
                    check_message("the layer is being trained"); /* which has no number here */
                refusals++;
            }
            check_ok(mf_pipeline_flush(s->other));
            check_ok(mf_pipeline_flush(s->pipeline));
        }
        assert_int_equal(refusals, 3);
        check_ok(calls[c](s));
        check_ok(mf_pipeline_flush(s->other));
    }
}

static uint64_t missed_by(mf_pipeline *pipeline)
{
    mf_pipeline_progress_info progress = {.struct_size = sizeof progress};

    check_ok(mf_pipeline_progress(pipeline, &progress));
    return progress.missed;
}

/* Where reports of a new batch would overwrite others, a batch that is refused overwrites none. */
static void test_a_refused_batch_costs_no_reports(void **state)
{
    scene *s = *state;
    int refusals = 0;

    while (missed_by(s->other) == 0) {
        check_ok(mf_pipeline_submit(s->other, 1, s->x, s->y));
        check_ok(mf_pipeline_flush(s->other));
    }
    for (int i = 0; i < TRIES && refusals == 0; i++) {
        uint64_t before = missed_by(s->other);

        check_ok(mf_pipeline_submit(s->pipeline, ROWS, s->x, s->y));
        refusals = mf_pipeline_submit(s->other, ROWS, s->x, s->y) == MF_STATUS_BUSY;
        if (refusals)
            assert_int_equal(missed_by(s->other), before);
        check_ok(mf_pipeline_flush(s->other));
        check_ok(mf_pipeline_flush(s->pipeline));
    }
    assert_int_equal(refusals, 1);
}

/* Nor does it keep a layer of its own that is in front of the one that is being trained. */
static void test_a_refused_batch_keeps_no_layers(void **state)
{
    scene *s = *state;
    mf_layer *own = make_plain_layer(WIDTH, WIDTH, CLASSES, 9);
    mf_network *network = make_network();
    mf_workspace *workspace = make_layer_workspace(own, ROWS);
    int refusals = 0;

    check_ok(mf_layer_set_optimizer(own, s->optimizer));
    check_ok(mf_network_append(network, own, NULL));
    check_ok(mf_network_append(network, last_layer(s), NULL));
    mf_pipeline *pipeline = make_network_pipeline(network, ROWS, 1);
    for (int i = 0; i < TRIES && refusals < 3; i++) {
        check_ok(mf_pipeline_submit(s->pipeline, ROWS, s->x, s->y));
        if (mf_pipeline_submit(pipeline, ROWS, s->x, s->y) == MF_STATUS_BUSY) {
            check_ok(mf_layer_step(own, workspace, ROWS, s->x, s->y, NULL));
            refusals++;
        }
        check_ok(mf_pipeline_flush(pipeline));
        check_ok(mf_pipeline_flush(s->pipeline));
    }
    assert_int_equal(refusals, 3);
    mf_pipeline_free(pipeline);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(own);
}

/* A pipeline that ends with batches on their way lets go of its layers. */
static void test_a_stopped_pipeline_lets_go(void **state)
{
    scene *s = *state;

    for (int i = 0; i < 4; i++)
        (void)mf_pipeline_try_submit(s->pipeline, ROWS, s->x, s->y);
    check_ok(mf_pipeline_stop(s->pipeline));
    check_ok(step_network(s));
    check_ok(mf_pipeline_submit(s->other, ROWS, s->x, s->y));
    mf_pipeline_free(s->other);
    s->other = NULL;
    check_ok(step_network(s));
}

/* ---- two threads by hand ---- */

/* A step that stands still where it writes its activation, which lies in memory that may not be written: it
 * says so, and goes on when the pipe `goes` is closed, in every thread of a BLAS library that writes there. A
 * handler may call little more than read() and write(). */
static struct {
    void *activation;
    size_t bytes;
    int stands[2], goes[2]; /* pipes */
    mf_status status;
} held;

static void hold(int number)
{
    char byte = (char)number;

    if (write(held.stands[1], &byte, 1) != 1 || read(held.goes[0], &byte, 1) != 0 ||
        mprotect(held.activation, held.bytes, PROT_READ | PROT_WRITE) != 0)
        _exit(3);
}

static void *step_into_held_memory(void *scene_of_layer)
{
    scene *s = scene_of_layer;
    mf_workspace *workspace = workspace_of_last(s);

    held.status = mf_layer_step(last_layer(s), workspace, ROWS, s->x, s->y, held.activation);
    mf_workspace_free(workspace);
    return NULL;
}

/* What another thread asks of the layer meanwhile is refused, and not a moment longer. */
static void test_two_threads_by_hand_are_refused(void **state)
{
    struct sigaction how = {.sa_handler = hold}, segv, bus; /* some systems send the other one */
    scene *s = *state;
    pthread_t thread;
    char byte = 0;

    held.bytes = (size_t)ROWS * WIDTH * sizeof(float);
    held.activation = mmap(NULL, held.bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(held.activation != MAP_FAILED);
    assert_int_equal(pipe(held.stands), 0);
    assert_int_equal(pipe(held.goes), 0);
    assert_int_equal(sigaction(SIGSEGV, &how, &segv), 0);
    assert_int_equal(sigaction(SIGBUS, &how, &bus), 0);
    assert_int_equal(pthread_create(&thread, NULL, step_into_held_memory, s), 0);
    assert_int_equal(read(held.stands[0], &byte, 1), 1);
    for (size_t c = 0; c < COUNT_OF(calls); c++) {
        check_status(MF_STATUS_BUSY, calls[c](s));
        check_message("in another thread");
    }
    assert_int_equal(close(held.goes[1]), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sigaction(SIGSEGV, &segv, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &bus, NULL), 0);
    check_ok(held.status);
    for (size_t c = 0; c < COUNT_OF(calls); c++) {
        check_ok(calls[c](s));
        check_ok(mf_pipeline_flush(s->other));
    }
    close(held.stands[0]);
    close(held.stands[1]);
    close(held.goes[0]);
    munmap(held.activation, held.bytes);
}

static void *flush(void *pipeline)
{
    static mf_status status;

    status = mf_pipeline_flush(pipeline);
    return &status;
}

/* One of two threads that call the same pipeline gets its answer, the other one BUSY. */
static void test_a_second_thread_is_refused(void **state)
{
    scene *s = *state;
    int refusals = 0;

    for (int i = 0; i < TRIES && refusals == 0; i++) {
        pthread_t thread;
        void *result;
        mf_status status = MF_STATUS_OK;

        check_ok(mf_pipeline_submit(s->pipeline, ROWS, s->x, s->y));
        assert_int_equal(pthread_create(&thread, NULL, flush, s->pipeline), 0);
        for (int k = 0; k < 100000 && refusals == 0 && status != MF_STATUS_NOT_FOUND; k++) {
            mf_pipeline_report report = {.struct_size = sizeof report};

            status = mf_pipeline_poll(s->pipeline, &report);
            refusals += status == MF_STATUS_BUSY && strstr(mf_last_message(), "another thread") != NULL;
        }
        assert_int_equal(pthread_join(thread, &result), 0);
        if (*(mf_status *)result != MF_STATUS_OK)
            check_status(MF_STATUS_BUSY, *(mf_status *)result);
        check_ok(mf_pipeline_flush(s->pipeline));
    }
    assert_true(refusals > 0);
}

enum { APPLIES = 20 };

static void *apply_often(void *scene_of_layer)
{
    static int refusals;

    refusals = 0;
    for (int i = 0; i < APPLIES; i++) {
        mf_status status = apply_to_layer(scene_of_layer);

        refusals += status == MF_STATUS_BUSY;
        assert_true(status == MF_STATUS_OK || status == MF_STATUS_BUSY);
    }
    return &refusals;
}

/* Also with the same gradients, which both only read. */
static void test_two_threads_that_apply_are_refused(void **state)
{
    scene *s = *state;
    int refusals = 0;

    for (int i = 0; i < TRIES && refusals == 0; i++) {
        pthread_t thread;
        void *result;

        assert_int_equal(pthread_create(&thread, NULL, apply_often, s), 0);
        for (int k = 0; k < APPLIES; k++)
            refusals += apply_to_layer(s) == MF_STATUS_BUSY;
        assert_int_equal(pthread_join(thread, &result), 0);
        refusals += *(int *)result;
    }
    assert_true(refusals > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_layers_in_flight_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_refused_batch_costs_no_reports, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_refused_batch_keeps_no_layers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stopped_pipeline_lets_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_threads_by_hand_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_threads_that_apply_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_second_thread_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
