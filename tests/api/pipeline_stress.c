/* Pipelines under random treatment: submits, flushes, polls, changes of learning rate and dropout, stops and
 * frees at random moments; whatever a layer counts as applied must be what a sequential run makes of it.
 * ThreadSanitizer runs this. SPDX-License-Identifier: MIT */
#include "build.h"
#include "random.h"

enum { LAYERS = 3, CLASSES = 4, MOST_ROWS = 12, ROUNDS = 60, STEPS = 40 };

static const size_t widths[LAYERS + 1] = {7, 16, 12, 9};

/* One of two equal networks: the pipeline trains one, the other follows step by step. */
typedef struct side {
    mf_optimizer *optimizer;
    mf_network *network;
} side;

static side make_side(int32_t kind)
{
    side made = {.optimizer = make_optimizer(kind, 0.01)};

    made.network = make_stack(widths, LAYERS, CLASSES, 3, made.optimizer);
    check_ok(mf_layer_set(layer_at(made.network, 0), MF_LAYER_DROPOUT, 0.25));
    return made;
}

static void drop_side(side *one)
{
    mf_network_free(one->network);
    mf_optimizer_free(one->optimizer);
}

static void set_both(side *sides, double rate, double dropout)
{
    for (int i = 0; i < 2; i++) {
        check_ok(mf_optimizer_set(sides[i].optimizer, MF_OPTIMIZER_LEARNING_RATE, rate));
        check_ok(mf_layer_set(layer_at(sides[i].network, 0), MF_LAYER_DROPOUT, dropout));
    }
}

/* The states that each layer has gone through, to compare with the one a stop has left it in. */
typedef struct history {
    saved_values after[STEPS + 1][LAYERS];
    size_t steps;
} history;

static void remember(history *h, const mf_network *network)
{
    for (size_t i = 0; i < LAYERS; i++)
        h->after[h->steps][i] = save_layer_values(layer_at(network, i));
    h->steps++;
}

static void forget(history *h)
{
    for (size_t s = 0; s < h->steps; s++)
        for (size_t i = 0; i < LAYERS; i++)
            free_saved_values(&h->after[s][i]);
}

/* Those in front are never behind those in the back. A layer whose neurons are all cut off stays as it is, so
 * a state may be that of several steps in a row. */
static void check_states(const history *h, const mf_network *network, int at_rest)
{
    size_t least = 0;

    for (size_t i = LAYERS; i-- > 0;) {
        saved_values found = save_layer_values(layer_at(network, i));
        size_t first = 0, last = h->steps;

        while (first < h->steps && !same_values(&h->after[first][i], &found))
            first++;
        while (last > first && !same_values(&h->after[last - 1][i], &found))
            last--;
        assert_true(first < h->steps);
        assert_true(last - 1 >= least);
        if (at_rest)
            assert_int_equal(last, h->steps);
        least = first;
        free_saved_values(&found);
    }
}

static mf_pipeline *make_pipeline(mf_network *network, test_random *random)
{
    mf_pipeline_spec spec;
    mf_pipeline *pipeline = NULL;

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.workers = (uint32_t)random_index(random, 6);
    spec.max_batch = MOST_ROWS;
    spec.depth = random_index(random, 5);
    check_ok(mf_pipeline_create(&spec, &pipeline));
    return pipeline;
}

static void submit(mf_pipeline *pipeline, side *follower, mf_workspace *workspace, history *h,
                   test_random *random)
{
    float x[MOST_ROWS * 7];
    int32_t y[MOST_ROWS];
    size_t rows = 1 + random_index(random, MOST_ROWS);

    random_values(random, x, COUNT_OF(x), 1.0);
    random_labels(random, y, MOST_ROWS, CLASSES);
    if (random_index(random, 3) == 0) {
        mf_status status = mf_pipeline_try_submit(pipeline, rows, x, y);

        if (status == MF_STATUS_BUSY)
            return;
        check_ok(status);
    } else {
        check_ok(mf_pipeline_submit(pipeline, rows, x, y));
    }
    check_ok(mf_network_step(follower->network, workspace, rows, x, y));
    remember(h, follower->network);
}

static void act(mf_pipeline *pipeline, side *sides, mf_workspace *workspace, history *h, test_random *random)
{
    mf_pipeline_report report = {.struct_size = sizeof report};
    mf_pipeline_progress_info progress = {.struct_size = sizeof progress};
    double dropout;

    switch (random_index(random, 10)) {
    case 0:
        check_ok(mf_pipeline_flush(pipeline));
        check_states(h, sides[0].network, 1);
        break;
    case 1:
        dropout = random_uniform(random, 0.0, 0.5);
        set_both(sides, random_uniform(random, 0.0001, 0.05), dropout);
        break;
    case 2:
        while (mf_pipeline_poll(pipeline, &report) == MF_STATUS_OK)
            assert_int_equal(report.status, MF_STATUS_OK);
        break;
    case 3:
        check_ok(mf_pipeline_progress(pipeline, &progress));
        assert_true(progress.finished <= progress.submitted);
        break;
    default:
        submit(pipeline, &sides[1], workspace, h, random);
        break;
    }
}

static void test_random_calls_give_the_bits_of_a_sequential_run(void **state)
{
    static const int32_t kinds[] = {MF_OPTIMIZER_SGD, MF_OPTIMIZER_ADAM, MF_OPTIMIZER_ADAMW,
                                    MF_OPTIMIZER_RMSPROP};
    test_random random = {2024};

    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        side sides[2] = {make_side(kinds[round % 4]), make_side(kinds[round % 4])};
        mf_workspace *workspace = make_network_workspace(sides[1].network, MOST_ROWS);
        mf_pipeline *pipeline = make_pipeline(sides[0].network, &random);
        history *h = get_zeroed(1, sizeof *h);
        size_t steps = random_index(&random, STEPS);
        int flushed = random_index(&random, 3) == 0;

        remember(h, sides[1].network);
        for (size_t i = 0; i < steps; i++)
            act(pipeline, sides, workspace, h, &random);
        if (flushed)
            check_ok(mf_pipeline_flush(pipeline));
        else if (random_index(&random, 2) == 0)
            check_ok(mf_pipeline_stop(pipeline));
        mf_pipeline_free(pipeline);
        check_states(h, sides[0].network, flushed);
        mf_workspace_free(workspace);
        forget(h);
        free(h);
        drop_side(&sides[0]);
        drop_side(&sides[1]);
    }
}

static int32_t count_report(void *user, const mf_pipeline_report *report)
{
    (void)report;
    ++*(size_t *)user;
    return 0;
}

/* However close a worker's report comes to a poll: with a callback no report goes another way, and a poll
 * needs no place for one. */
static void test_with_a_callback_polls_return_no_reports(void **state)
{
    enum { BATCHES = 2000, ROWS = 2 };
    static const float x[ROWS * 7] = {1, -1, 0.5f};
    static const int32_t y[ROWS] = {0, 3};
    size_t counted = 0;
    side one = make_side(MF_OPTIMIZER_SGD);
    mf_pipeline *pipeline;
    mf_pipeline_spec spec;

    (void)state;
    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = one.network;
    spec.max_batch = ROWS;
    spec.workers = 2;
    spec.on_report = count_report;
    spec.user = &counted;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    for (size_t i = 1; i <= BATCHES; i++) {
        mf_status status;

        check_ok(mf_pipeline_submit(pipeline, ROWS, x, y));
        while ((status = mf_pipeline_poll(pipeline, NULL)) == MF_STATUS_BUSY)
            ;
        assert_int_equal(status, MF_STATUS_NOT_FOUND);
        assert_int_equal(counted, i * LAYERS);
    }
    mf_pipeline_free(pipeline);
    drop_side(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_calls_give_the_bits_of_a_sequential_run),
                                       cmocka_unit_test(test_with_a_callback_polls_return_no_reports)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
