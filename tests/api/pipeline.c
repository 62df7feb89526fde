/* Pipelines: the bits of a sequential run for any number of workers, reports, evaluation, memory.
 * ThreadSanitizer runs this. SPDX-License-Identifier: MIT */
#include "memory.h"
#include "random.h"
#include "training_fixture.h"

static int32_t take_report(void *user, const mf_pipeline_report *report)
{
    training_fixture *s = user;

    if (!pthread_equal(pthread_self(), s->caller) || s->seen == REPORTS)
        return 1;
    s->reports[s->seen++] = *report;
    return 0;
}

static void run_with_or_without_callback(training_fixture *s, uint32_t workers, size_t depth, int callback)
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

static void test_a_pipeline_gives_the_bits_of_a_sequential_run(void **state)
{
    static const uint32_t workers[] = {0, 1, 2, 3, 4, 7};

    (void)state;
    for (size_t r = 0; r < RULES; r++)
        for (size_t w = 0; w < COUNT_OF(workers); w++) {
            training_fixture *one = make_training_fixture(&rules[r]),
                             *other = make_training_fixture(&rules[r]);

            run_sequential(one);
            run_with_or_without_callback(other, workers[w], w % 2 ? 0 : 1 + r, w % 3 == 0);
            check_same_run(one, other);
            free_training_fixture(one);
            free_training_fixture(other);
        }
}

/* More layers than groups, of very different costs. */
static void test_layers_are_split_into_groups(void **state)
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
        saved_values first, second;

        assert_int_equal(progress_of(pipeline).groups, 4 * (workers ? workers : 1));
        for (int t = 0; t < TIMES; t++) {
            random_values(&random, x, COUNT_OF(x), 1.0);
            random_labels(&random, y, ROWS, 3);
            check_ok(mf_network_step(one, workspace, ROWS, x, y));
            check_ok(mf_pipeline_submit(pipeline, ROWS, x, y));
        }
        check_ok(mf_pipeline_flush(pipeline));
        first = save_network_values(one);
        second = save_network_values(other);
        assert_true(same_values(&first, &second));
        free_saved_values(&first);
        free_saved_values(&second);
        mf_pipeline_free(pipeline);
        mf_workspace_free(workspace);
        mf_network_free(one);
        mf_network_free(other);
    }
    mf_optimizer_free(optimizer);
}

/* Tries each batch until it is taken. Gives how often that was too early. */
static size_t try_all_batches(void)
{
    training_fixture *one = make_training_fixture(&rules[3]), *other = make_training_fixture(&rules[3]);
    mf_pipeline *pipeline = make_pipeline(other->network, 2, 1);
    size_t busy = 0;

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
    free_training_fixture(one);
    free_training_fixture(other);
    return busy;
}

/* try_submit either takes the batch or says BUSY, and what was taken is learned. A queue of one batch is full
 * nearly always, unless the workers are faster than the host. */
static void test_try_submit_takes_a_batch_or_is_busy(void **state)
{
    enum { TRIES = 20 };
    size_t busy = 0;

    (void)state;
    for (int i = 0; i < TRIES && busy == 0; i++)
        busy = try_all_batches();
    assert_true(busy > 0);
}

static void test_missed_reports_are_counted(void **state)
{
    training_fixture *s = make_training_fixture(&rules[0]);
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
    free_training_fixture(s);
}

static void test_a_pipeline_evaluates_and_predicts(void **state)
{
    training_fixture *one = make_training_fixture(&rules[3]), *other = make_training_fixture(&rules[3]);
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
    free_training_fixture(one);
    free_training_fixture(other);
}

static void test_a_pipeline_allocates_only_at_its_creation(void **state)
{
    training_fixture *s = make_training_fixture(&rules[3]);
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
    free_training_fixture(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pipeline_gives_the_bits_of_a_sequential_run),
        cmocka_unit_test(test_layers_are_split_into_groups),
        cmocka_unit_test(test_try_submit_takes_a_batch_or_is_busy),
        cmocka_unit_test(test_missed_reports_are_counted),
        cmocka_unit_test(test_a_pipeline_evaluates_and_predicts),
        cmocka_unit_test(test_a_pipeline_allocates_only_at_its_creation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
