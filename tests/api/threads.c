/* Many threads: prediction on one const network, training of layers of their own, references that come
 * and go, automatic seeds. ThreadSanitizer runs this. SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>

#include "build.h"
#include "random.h"

enum { THREADS = 4, ROUNDS = 25, ROWS = 16, CLASSES = 5 };

static const size_t widths[] = {12, 30, 21};

/* CMocka's checks work in the main thread only, so threads count what goes wrong. */
typedef struct task {
    const mf_network *network;
    mf_network *shared; /* for references */
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    const float *x, *goodness;
    const int32_t *labels;
    const mf_report *reports; /* of each layer and of their sum */
    uint64_t seed;
    float first_weight;
    atomic_int *waiting;
    size_t failures;
} task;

static void run_threads(void *(*body)(void *), task *tasks)
{
    pthread_t threads[THREADS];
    size_t failures = 0;

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, &tasks[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failures += tasks[i].failures;
    }
    assert_int_equal(failures, 0);
}

/* All threads begin at once, so that they do meet. */
static void wait_for_all(atomic_int *waiting)
{
    atomic_fetch_sub(waiting, 1);
    while (atomic_load(waiting) > 0)
        ;
}

/* Of the layers and, last, of their sum. 1 if all have been told. */
static int read_reports(const mf_workspace *workspace, mf_report reports[3])
{
    int told = 1;

    for (size_t i = 0; i < 3; i++) {
        reports[i] = (mf_report){.struct_size = sizeof *reports};
        told &= (i < 2 ? mf_workspace_report(workspace, i, &reports[i])
                       : mf_workspace_report_sum(workspace, &reports[i])) == MF_STATUS_OK;
    }
    return told;
}

static void *predict(void *data)
{
    task *t = data;
    mf_report reports[3];
    float goodness[ROWS * CLASSES];
    int32_t labels[ROWS];
    mf_layer *layer = NULL;

    wait_for_all(t->waiting);
    for (int round = 0; round < ROUNDS; round++) {
        t->failures +=
            mf_network_goodness(t->network, t->workspace, MF_PREDICT_SUM, ROWS, t->x, goodness) != 0;
        t->failures += memcmp(goodness, t->goodness, sizeof goodness) != 0;
        t->failures += mf_network_predict(t->network, t->workspace, MF_PREDICT_SUM, ROWS, t->x, labels) != 0;
        t->failures += memcmp(labels, t->labels, sizeof labels) != 0;
        t->failures += mf_network_evaluate(t->network, t->workspace, ROWS, t->x, t->labels) != 0;
        t->failures += !read_reports(t->workspace, reports);
        t->failures += memcmp(reports, t->reports, sizeof reports) != 0;
        t->failures += mf_network_layer(t->network, 1, &layer, NULL) != 0 || layer == NULL;
    }
    return NULL;
}

static void test_many_threads_can_predict_with_one_network(void **state)
{
    mf_network *network = make_stack(widths, 2, CLASSES, 3, NULL);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    atomic_int waiting = THREADS;
    task tasks[THREADS];
    test_random random = {2};
    mf_report reports[3];
    float x[ROWS * 12], goodness[ROWS * CLASSES];
    int32_t labels[ROWS];

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_SUM, ROWS, x, goodness));
    check_ok(mf_network_predict(network, workspace, MF_PREDICT_SUM, ROWS, x, labels));
    check_ok(mf_network_evaluate(network, workspace, ROWS, x, labels));
    assert_true(read_reports(workspace, reports));
    assert_int_equal(reports[2].correct, ROWS); /* the labels are what the sum predicts */
    memset(tasks, 0, sizeof tasks);
    for (size_t i = 0; i < THREADS; i++) {
        tasks[i].network = network;
        tasks[i].workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, ROWS);
        tasks[i].x = x;
        tasks[i].goodness = goodness;
        tasks[i].labels = labels;
        tasks[i].reports = reports;
        tasks[i].waiting = &waiting;
    }
    run_threads(predict, tasks);
    for (size_t i = 0; i < THREADS; i++)
        mf_workspace_free(tasks[i].workspace);
    mf_workspace_free(workspace);
    mf_network_free(network);
}

/* Handles of one's own that refer to handles of all: reference counts meet. */
static void *make_and_free(void *data)
{
    task *t = data;

    wait_for_all(t->waiting);
    for (int round = 0; round < ROUNDS; round++) {
        mf_workspace_spec spec;
        mf_workspace *workspace = NULL;
        mf_network *network = NULL;
        mf_layer *layer = NULL;

        t->failures += mf_workspace_spec_init(&spec, sizeof spec) != 0;
        spec.network = t->shared;
        spec.max_batch = 4;
        spec.purpose = MF_WORKSPACE_INFERENCE;
        t->failures += mf_workspace_create(&spec, &workspace) != 0;
        t->failures += mf_network_create(NULL, &network) != 0;
        t->failures += mf_network_layer(t->shared, 0, &layer, NULL) != 0;
        t->failures += mf_network_append(network, layer, NULL) != 0;
        mf_network_free(network);
        mf_workspace_free(workspace);
    }
    return NULL;
}

static void test_many_threads_can_hold_references(void **state)
{
    mf_network *network = make_stack(widths, 2, CLASSES, 3, NULL);
    atomic_int waiting = THREADS;
    task tasks[THREADS];
    size_t size = 0;

    (void)state;
    memset(tasks, 0, sizeof tasks);
    for (size_t i = 0; i < THREADS; i++) {
        tasks[i].shared = network;
        tasks[i].waiting = &waiting;
    }
    run_threads(make_and_free, tasks);
    check_ok(mf_network_size(network, &size));
    assert_int_equal(size, 2);
    mf_network_free(network);
}

/* Layers of one's own with one optimizer for all, which nobody changes meanwhile. */
static void *train(void *data)
{
    task *t = data;
    mf_layer_spec spec;
    mf_layer *layer = NULL;
    mf_workspace *workspace = NULL;
    mf_workspace_spec workspace_spec;
    test_random random = {t->seed};
    float x[ROWS * 6];
    int32_t y[ROWS];

    wait_for_all(t->waiting);
    t->failures += mf_layer_spec_init(&spec, sizeof spec) != 0;
    spec.inputs = 6;
    spec.outputs = 10;
    spec.classes = 3;
    spec.dropout = 0.2f;
    t->failures += mf_layer_create(&spec, &layer) != 0;
    t->failures += mf_layer_set_optimizer(layer, t->optimizer) != 0;
    t->failures += mf_workspace_spec_init(&workspace_spec, sizeof workspace_spec) != 0;
    workspace_spec.layer = layer;
    workspace_spec.max_batch = ROWS;
    t->failures += mf_workspace_create(&workspace_spec, &workspace) != 0;
    {
        float weights[60];

        t->failures += mf_layer_get_parameter(layer, "weight", weights, 60) != 0;
        t->first_weight = weights[0];
    }
    for (int round = 0; round < ROUNDS; round++) {
        random_values(&random, x, ROWS * 6, 1.0);
        random_labels(&random, y, ROWS, 3);
        t->failures += mf_layer_step(layer, workspace, ROWS, x, y, NULL) != 0;
        y[3] = 3;
        t->failures += mf_layer_step(layer, workspace, ROWS, x, y, NULL) != MF_STATUS_LABEL;
        t->failures += mf_last_message()[0] == '\0';
    }
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    return NULL;
}

static void test_networks_train_in_parallel_threads(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    atomic_int waiting = THREADS;
    task tasks[THREADS];

    (void)state;
    memset(tasks, 0, sizeof tasks);
    for (size_t i = 0; i < THREADS; i++) {
        tasks[i].optimizer = optimizer;
        tasks[i].seed = i + 1;
        tasks[i].waiting = &waiting;
    }
    run_threads(train, tasks);
    /* Automatic seeds are drawn apart, whichever threads draw them. */
    for (size_t i = 0; i < THREADS; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(tasks[i].first_weight != tasks[j].first_weight);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_threads_can_predict_with_one_network),
        cmocka_unit_test(test_many_threads_can_hold_references),
        cmocka_unit_test(test_networks_train_in_parallel_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
