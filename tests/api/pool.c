/* Pools: threads that share the work of calls. The bits are those of one thread, in workspaces and pipelines;
 * pools are kept by whoever uses them; several threads use one at once; forks and cancelled threads.
 * ThreadSanitizer runs this. SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sched_getaffinity */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "models.h"
#include "random.h"
#include "training_fixture.h"
#include "units.h"

/* Under a sanitizer, and not optimised, steps take ten to a hundred times as long. */
#if SANITIZED || !defined(__OPTIMIZE__)
enum { WIDE_ROWS = 12, WIDE_BATCHES = 2, RULE_STEP = 4, FIRST_POOL = 2, FORKS = 3 };
#else
enum { WIDE_ROWS = 40, WIDE_BATCHES = 5, RULE_STEP = 2, FIRST_POOL = 0, FORKS = 40 };
#endif
enum { WIDE_INPUTS = 27, POOLS = 4, MOST_CLASSES = 40 };

static const uint32_t pool_sizes[POOLS] = {1, 2, 3, 7};

static mf_workspace *make_pooled(mf_network *network, mf_pool *pool)
{
    mf_workspace_spec spec;
    mf_workspace *workspace = NULL;

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = WIDE_ROWS;
    spec.pool = pool;
    check_ok(mf_workspace_create(&spec, &workspace));
    return workspace;
}

/* ---- networks wide enough that their work is shared ---- */

static void append(mf_network *network, mf_layer *layer)
{
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static mf_network *wide_dense_of(int32_t precision)
{
    static const size_t widths[] = {WIDE_INPUTS, 520, 333, 250, 40};
    mf_network *network = make_network();

    for (size_t i = 0; i < 4; i++) {
        mf_layer_spec spec = layer_spec(widths[i], widths[i + 1], 5);

        spec.seed = 20 + i;
        spec.activation = i == 1 ? MF_ACTIVATION_GELU : MF_ACTIVATION_RELU;
        spec.normalization = i == 2 ? MF_NORMALIZATION_BATCH : MF_NORMALIZATION_NONE;
        spec.dropout = i == 0 ? 0.2f : 0.0f;
        spec.precision = precision;
        append(network, make_layer(&spec));
    }
    return network;
}

static mf_network *wide_dense(void)
{
    return wide_dense_of(MF_PRECISION_FLOAT32);
}

static mf_network *wide_dense_bf16(void)
{
    return wide_dense_of(MF_PRECISION_BF16);
}

static mf_network *wide_maps_of(int32_t precision)
{
    mf_layer_spec first = conv_spec(3, 3, 3, 12, 5), second = conv_spec(1, 3, 3, 16, 5),
                  last = layer_spec(0, 300, 5);
    mf_network *network = make_network();

    /* Maps of 5 x 5 and 7 x 7, so that a batch is several blocks. */
    first.padding[0] = first.padding[1] = second.padding[0] = second.padding[1] = 2;
    first.normalization = MF_NORMALIZATION_BATCH;
    first.precision = second.precision = last.precision = precision;
    check_ok(mf_layer_spec_follow(&second, &first));
    check_ok(mf_layer_spec_follow(&last, &second));
    append(network, make_layer(&first));
    append(network, make_layer(&second));
    append(network, make_layer(&last));
    return network;
}

static mf_network *wide_maps(void)
{
    return wide_maps_of(MF_PRECISION_FLOAT32);
}

static mf_network *wide_maps_bf16(void)
{
    return wide_maps_of(MF_PRECISION_BF16);
}

static mf_network *wide_units_of(int32_t precision)
{
    units_plan plans[2] = {plan_row(WIDE_INPUTS, 5), plan_row(290, 5)};
    mf_network *network = make_network();

    for (int i = 0; i < 2; i++) {
        plan_add(&plans[i], unit_dense(500));
        plan_add(&plans[i], unit_norm());
        plan_add(&plans[i], unit_activation(MF_ACTIVATION_RELU));
        plan_add(&plans[i], unit_dropout(0.2f, 0));
        plan_add(&plans[i], unit_dense(290));
        plans[i].seed = 70 + (uint64_t)i;
        plans[i].precision = precision;
        append(network, make_units(&plans[i]));
    }
    return network;
}

static mf_network *wide_units(void)
{
    return wide_units_of(MF_PRECISION_FLOAT32);
}

static mf_network *wide_units_bf16(void)
{
    return wide_units_of(MF_PRECISION_BF16);
}

/* More classes than the head has kernels for, and more features than a panel of M has. */
static mf_network *wide_head(void)
{
    mf_layer_spec spec = conv_spec(3, 3, 3, 90, MOST_CLASSES);
    mf_network *network = make_network();

    spec.padding[0] = spec.padding[1] = 1;
    append(network, make_layer(&spec));
    return network;
}

/* Maps of 11 x 11, so that there are more blocks than sums over the batch; what does not join a convolution;
 * a second convolution and one in groups, whose gradients go on to the first. */
static mf_network *wide_blocks_of(int32_t precision)
{
    units_plan plan = plan_maps(3, 3, 3, 5);
    mf_unit_spec depthwise = unit_conv(20, 3, 1);
    mf_network *network = make_network();

    plan_add(&plan, unit_conv(12, 9, 8));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_pool(MF_POOL_MAX, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, unit_conv(20, 3, 1));
    depthwise.groups = 20;
    plan_add(&plan, depthwise);
    plan_add(&plan, unit_pool(MF_POOL_AVERAGE, 2));
    plan.head.pool_size = 2;
    plan.precision = precision;
    append(network, make_units(&plan));
    return network;
}

static mf_network *wide_blocks(void)
{
    return wide_blocks_of(MF_PRECISION_FLOAT32);
}

static mf_network *wide_blocks_bf16(void)
{
    return wide_blocks_of(MF_PRECISION_BF16);
}

static mf_network *wide_sequence(void)
{
    units_plan plan = plan_sequence(9, 3, 5);
    mf_network *network = make_network();

    plan_add(&plan, unit_dense(3 * 96));
    plan_add(&plan, unit_attention(24, 0));
    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_dense(200));
    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    append(network, make_units(&plan));
    return network;
}

/* More rows than are compared at once; deviations of maps, and values. */
static mf_network *wide_similarity(void)
{
    units_plan plans[2] = {plan_maps(3, 3, 3, 5), plan_row(20 * 9, 5)};
    mf_network *network = make_network();

    plan_add(&plans[0], unit_conv(20, 3, 1));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plans[0], unit_conv(40, 3, 1));
    plan_add(&plans[1], unit_dense(90));
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plans[1], unit_dense(150));
    for (int i = 0; i < 2; i++) {
        plans[i].head.similarity = 0.9f;
        append(network, make_units(&plans[i]));
    }
    return network;
}

/* Two auxiliary heads, one behind a convolution of its own. */
static mf_network *wide_auxiliary(void)
{
    units_plan plan = plan_maps(3, 3, 3, 5);
    mf_unit_spec scores = unit_dense(5);
    mf_network *network = make_network();

    scores.loss_weight = 0.7f;
    plan_add(&plan, unit_conv(20, 3, 1));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, scores);
    plan_add(&plan, unit_reading(unit_conv(30, 3, 1), 2));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, scores);
    plan.head.input_node = 2;
    append(network, make_units(&plan));
    return network;
}

static mf_network *(*const networks[])(void) = {
    wide_auxiliary,  wide_similarity, wide_dense,      wide_maps,   wide_units,       wide_head,
    wide_dense_bf16, wide_maps_bf16,  wide_units_bf16, wide_blocks, wide_blocks_bf16, wide_sequence};

typedef struct batches {
    float x[WIDE_BATCHES][WIDE_ROWS * WIDE_INPUTS];
    int32_t y[WIDE_BATCHES][WIDE_ROWS];
} batches;

static batches *make_batches(void)
{
    batches *b = get_memory(sizeof *b);
    test_random random = {9};

    for (size_t t = 0; t < WIDE_BATCHES; t++) {
        random_values(&random, b->x[t], WIDE_ROWS * WIDE_INPUTS, 1.0);
        random_labels(&random, b->y[t], WIDE_ROWS, 5);
    }
    return b;
}

static mf_optimizer *optimizer_by(const rule *how)
{
    mf_optimizer_spec spec = optimizer_spec(how->kind, 0.01);
    mf_optimizer *optimizer;

    spec.nesterov = how->nesterov;
    spec.momentum = how->momentum;
    spec.weight_decay = how->decay;
    spec.clip_norm = how->clip;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

/* ---- training, and its bits ---- */

/* Rows of a batch: the last one is smaller. */
static size_t rows_at(size_t t)
{
    return t == WIDE_BATCHES - 1 ? WIDE_ROWS - 5 : WIDE_ROWS;
}

static void train_steps(mf_network *network, mf_pool *pool, const batches *b)
{
    mf_workspace *workspace = make_pooled(network, pool);

    for (size_t t = 0; t < WIDE_BATCHES; t++)
        check_ok(mf_network_step(network, workspace, rows_at(t), b->x[t], b->y[t]));
    mf_workspace_free(workspace);
}

static void train_in_pipeline(mf_network *network, mf_pool *pool, uint32_t workers, const batches *b)
{
    mf_pipeline_spec spec = pipeline_spec(network, workers, 0);
    mf_pipeline *pipeline = NULL;

    spec.max_batch = WIDE_ROWS;
    spec.pool = pool;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    for (size_t t = 0; t < WIDE_BATCHES; t++)
        check_ok(mf_pipeline_submit(pipeline, rows_at(t), b->x[t], b->y[t]));
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
}

enum { BY_STEPS, BY_PIPELINE, BY_OWN_WORKERS, WAYS };

/* The values of a network after training with that many threads; 0: without a pool. */
static saved_values train(mf_network *(*make)(void), const rule *how, int way, uint32_t threads,
                          const batches *b)
{
    mf_optimizer *optimizer = optimizer_by(how);
    mf_network *network = make();
    mf_pool *pool = threads > 0 && way != BY_OWN_WORKERS ? make_pool(threads) : NULL;
    saved_values values;

    check_ok(mf_network_set_optimizer(network, optimizer));
    if (way == BY_STEPS)
        train_steps(network, pool, b);
    else
        train_in_pipeline(network, pool, threads, b);
    values = save_network_values(network);
    mf_pool_free(pool);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return values;
}

static void test_any_number_of_threads_gives_the_same_bits(void **state)
{
    batches *b = make_batches();

    (void)state;
    for (size_t n = 0; n < COUNT_OF(networks); n++)
        for (size_t r = 0; r < RULES; r += RULE_STEP) {
            saved_values expected = train(networks[n], &rules[r], BY_STEPS, 0, b);

            for (int way = 0; way < WAYS; way++)
                for (size_t t = FIRST_POOL; t < POOLS; t++) {
                    saved_values got = train(networks[n], &rules[r], way, pool_sizes[t], b);

                    if (!same_values(&expected, &got))
                        fail_msg("network %d, rule %d, way %d: other bits with %d threads", (int)n, (int)r,
                                 way, (int)pool_sizes[t]);
                    free_saved_values(&got);
                }
            free_saved_values(&expected);
        }
    free(b);
}

/* What calls other than steps give. */
typedef struct answers {
    mf_report report;
    float scores[WIDE_ROWS * MOST_CLASSES], *gradients;
    size_t count;
} answers;

static answers ask(mf_network *(*make)(void), mf_pool *pool, const batches *b)
{
    mf_network *network = make();
    mf_workspace *workspace = make_pooled(network, pool);
    mf_batch batch = make_batch(WIDE_ROWS, b->x[0], b->y[0]);
    answers got = {.count = 0};

    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_SUM, WIDE_ROWS, b->x[0], got.scores));
    check_ok(mf_network_evaluate(network, workspace, WIDE_ROWS, b->x[0], b->y[0]));
    got.report = read_report(workspace, 0);
    got.count = count_gradients(layer_at(network, 0));
    got.gradients = get_memory(got.count * sizeof(float));
    check_ok(mf_layer_gradients(layer_at(network, 0), workspace, &batch, NULL, got.gradients, got.count));
    mf_workspace_free(workspace);
    mf_network_free(network);
    return got;
}

static void test_predictions_and_gradients_have_the_same_bits(void **state)
{
    batches *b = make_batches();
    mf_pool *pool = make_pool(3);

    (void)state;
    for (size_t n = 0; n < COUNT_OF(networks); n++) {
        answers without = ask(networks[n], NULL, b), with = ask(networks[n], pool, b);

        assert_memory_equal(without.scores, with.scores, sizeof with.scores);
        assert_memory_equal(&without.report, &with.report, sizeof with.report);
        assert_memory_equal(without.gradients, with.gradients, with.count * sizeof(float));
        free(without.gradients);
        free(with.gradients);
    }
    mf_pool_free(pool);
    free(b);
}

/* ---- who keeps a pool ---- */

static void test_a_pool_lives_as_long_as_it_is_used(void **state)
{
    batches *b = make_batches();
    mf_optimizer *optimizer = optimizer_by(&rules[3]);
    mf_network *network = wide_dense();
    mf_pool *pool = make_pool(2);
    mf_pipeline_spec spec = pipeline_spec(network, 0, 0);
    mf_pipeline *pipeline = NULL;
    mf_workspace *workspace;
    saved_values got, expected = train(wide_dense, &rules[3], BY_STEPS, 0, b);

    (void)state;
    check_ok(mf_network_set_optimizer(network, optimizer));
    workspace = make_pooled(network, pool);
    spec.max_batch = WIDE_ROWS;
    spec.pool = pool;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    mf_pool_free(pool);
    for (size_t t = 0; t < WIDE_BATCHES / 2; t++)
        check_ok(mf_network_step(network, workspace, rows_at(t), b->x[t], b->y[t]));
    mf_workspace_free(workspace);
    for (size_t t = WIDE_BATCHES / 2; t < WIDE_BATCHES; t++)
        check_ok(mf_pipeline_submit(pipeline, rows_at(t), b->x[t], b->y[t]));
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
    got = save_network_values(network);
    assert_true(same_values(&expected, &got));
    free_saved_values(&got);
    free_saved_values(&expected);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    free(b);
}

/* Pipelines leave a pool in any order, and train as before. */
static void test_pipelines_leave_a_pool_in_any_order(void **state)
{
    enum { MANY = 3, FEW = 4 };
    training_fixture *alone = make_training_fixture(&rules[0]);

    (void)state;
    for (size_t t = 0; t < FEW; t++)
        check_ok(mf_network_step(alone->network, alone->workspace, ROWS, alone->x[t], alone->y[t]));
    for (size_t first = 0; first < MANY; first++) {
        mf_pool *pool = make_pool(2);
        training_fixture *trained[MANY];
        mf_pipeline *pipelines[MANY];

        for (size_t i = 0; i < MANY; i++) {
            mf_pipeline_spec spec;

            trained[i] = make_training_fixture(&rules[0]);
            spec = pipeline_spec(trained[i]->network, 0, 0);
            spec.pool = pool;
            check_ok(mf_pipeline_create(&spec, &pipelines[i]));
        }
        for (size_t k = 0; k < MANY; k++) {
            size_t i = (first + k) % MANY;

            for (size_t t = 0; t < FEW; t++)
                check_ok(mf_pipeline_submit(pipelines[i], ROWS, alone->x[t], alone->y[t]));
            check_ok(mf_pipeline_flush(pipelines[i]));
            mf_pipeline_free(pipelines[i]);
            check_same_model(alone->network, trained[i]->network);
            free_training_fixture(trained[i]);
        }
        mf_pool_free(pool);
    }
    free_training_fixture(alone);
}

/* ---- several threads use one pool ---- */

typedef struct user {
    pthread_t thread;
    mf_pool *pool;
    mf_network *(*make)(void);
    const rule *how;
    int way;
    const batches *b;
    saved_values got;
} user;

static void *use_pool(void *argument)
{
    user *u = argument;
    mf_optimizer *optimizer = optimizer_by(u->how);
    mf_network *network = u->make();

    check_ok(mf_network_set_optimizer(network, optimizer));
    if (u->way == BY_STEPS)
        train_steps(network, u->pool, u->b);
    else
        train_in_pipeline(network, u->pool, 0, u->b);
    u->got = save_network_values(network);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return NULL;
}

static void test_several_threads_use_one_pool(void **state)
{
    enum { USERS = 5, TIMES = 4 };
    batches *b = make_batches();
    user users[USERS];

    (void)state;
    for (int time = 0; time < TIMES; time++) {
        mf_pool *pool = make_pool(2 + (uint32_t)time % 2);

        for (int i = 0; i < USERS; i++) {
            users[i] = (user){.pool = pool, .make = networks[i % 3], .how = &rules[i], .way = i % 2, .b = b};
            assert_int_equal(pthread_create(&users[i].thread, NULL, use_pool, &users[i]), 0);
        }
        for (int i = 0; i < USERS; i++)
            pthread_join(users[i].thread, NULL);
        for (int i = 0; i < USERS; i++) {
            saved_values expected = train(networks[i % 3], &rules[i], BY_STEPS, 0, b);

            assert_true(same_values(&expected, &users[i].got));
            free_saved_values(&expected);
            free_saved_values(&users[i].got);
        }
        mf_pool_free(pool);
    }
    free(b);
}

/* ---- forks and cancelled threads ---- */

static int same_steps_in_child(mf_network *network, mf_workspace *workspace, mf_pool *pool, const batches *b,
                               const saved_values *expected)
{
    mf_pipeline_spec spec = pipeline_spec(network, 2, 0);
    mf_pipeline *pipeline = NULL;
    saved_values got;

    alarm(60);
    for (size_t t = 0; t < WIDE_BATCHES; t++)
        if (mf_network_step(network, workspace, rows_at(t), b->x[t], b->y[t]) != MF_STATUS_OK)
            return 1;
    got = save_network_values(network);
    if (!same_values(expected, &got))
        return 2;
    free_saved_values(&got);
    spec.pool = pool;
    if (mf_pipeline_create(&spec, &pipeline) != MF_STATUS_STATE || pipeline)
        return 3;
    mf_workspace_free(workspace);
    mf_pool_free(pool);
    return 0;
}

typedef struct stepper {
    mf_network *network;
    mf_workspace *workspace;
    const batches *b;
} stepper;

static void *step_for_ever(void *argument)
{
    stepper *s = argument;

    for (size_t t = 0;; t = (t + 1) % WIDE_BATCHES) {
        if (mf_network_step(s->network, s->workspace, rows_at(t), s->b->x[t], s->b->y[t]) != MF_STATUS_OK)
            return s;
        pthread_testcancel();
    }
}

/* Another thread goes on with the pool, so that its lock is taken in some of the processes for ever. */
static void test_a_forked_process_steps_alone(void **state)
{
    batches *b = make_batches();
    mf_optimizer *optimizer = optimizer_by(&rules[3]);
    mf_network *network = wide_dense(), *other = wide_dense();
    mf_pool *pool = make_pool(3);
    mf_workspace *workspace = make_pooled(network, pool);
    saved_values expected = train(wide_dense, &rules[3], BY_STEPS, 0, b);
    stepper busy = {.network = other, .workspace = make_pooled(other, pool), .b = b};
    pthread_t thread;

    (void)state;
    check_ok(mf_network_set_optimizer(network, optimizer));
    check_ok(mf_network_set_optimizer(other, optimizer));
    assert_int_equal(pthread_create(&thread, NULL, step_for_ever, &busy), 0);
    for (int time = 0; time < FORKS; time++) {
        int status = -1;
        pid_t child = fork();

        if (child == 0)
            _exit(same_steps_in_child(network, workspace, pool, b, &expected));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    train_steps(network, pool, b);
    check_network_unchanged(&expected, network);
    free_saved_values(&expected);
    mf_workspace_free(workspace);
    mf_workspace_free(busy.workspace);
    mf_pool_free(pool);
    mf_network_free(network);
    mf_network_free(other);
    mf_optimizer_free(optimizer);
    free(b);
}

/* The thread ends between two steps, so the layers are whole and the pool goes on. */
static void test_a_cancelled_thread_leaves_the_pool_usable(void **state)
{
    batches *b = make_batches();
    mf_optimizer *optimizer = optimizer_by(&rules[0]);
    mf_network *network = wide_dense();
    mf_pool *pool = make_pool(3);
    stepper s = {.network = network, .workspace = make_pooled(network, pool), .b = b};

    (void)state;
    check_ok(mf_network_set_optimizer(network, optimizer));
    for (int time = 0; time < 10; time++) {
        uint64_t applied[2];
        pthread_t thread;
        void *result = NULL;

        assert_int_equal(pthread_create(&thread, NULL, step_for_ever, &s), 0);
        nanosleep(&(struct timespec){.tv_nsec = 1000000 * time}, NULL);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        assert_true(result == PTHREAD_CANCELED);
        check_ok(mf_network_step(network, s.workspace, WIDE_ROWS, b->x[0], b->y[0]));
        for (size_t i = 0; i < 2; i++)
            applied[i] = read_report(s.workspace, i).applied;
        assert_int_equal(applied[0], applied[1]);
    }
    mf_workspace_free(s.workspace);
    mf_pool_free(pool);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    free(b);
}

/* ---- refusals ---- */

static void test_what_is_no_pool_is_refused(void **state)
{
    mf_network *network = wide_dense();
    mf_workspace_spec of_workspace;
    mf_pipeline_spec of_pipeline = pipeline_spec(network, 2, 0);
    mf_workspace *workspace = (mf_workspace *)1;
    mf_pipeline *pipeline = (mf_pipeline *)1;
    uint32_t threads = 0;

    (void)state;
    check_ok(mf_workspace_spec_init(&of_workspace, sizeof of_workspace));
    assert_null(of_workspace.pool);
    assert_null(of_pipeline.pool);
    of_workspace.network = network;
    of_workspace.max_batch = 3;
    of_workspace.pool = (mf_pool *)network;
    of_pipeline.pool = (mf_pool *)network;
    check_status(MF_STATUS_HANDLE, mf_workspace_create(&of_workspace, &workspace));
    check_message("expected a pool, got a network");
    check_status(MF_STATUS_HANDLE, mf_pipeline_create(&of_pipeline, &pipeline));
    check_message("expected a pool, got a network");
    assert_null(workspace);
    assert_null(pipeline);
    check_status(MF_STATUS_HANDLE, mf_pool_threads(NULL, &threads));
    check_status(MF_STATUS_HANDLE, mf_pool_threads((mf_pool *)network, &threads));
    mf_pool_free((mf_pool *)network); /* does nothing */
    mf_pool_free(NULL);
    mf_network_free(network);
}

static void test_specs_that_are_wrong_are_refused(void **state)
{
    mf_pool_spec spec;
    mf_allocator half = {0};
    mf_pool *pool = (mf_pool *)1;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_pool_spec_init(NULL, sizeof spec));
    check_status(MF_STATUS_ARGUMENT, mf_pool_spec_init(&spec, sizeof spec - 1));
    check_ok(mf_pool_spec_init(&spec, sizeof spec));
    check_status(MF_STATUS_ARGUMENT, mf_pool_create(&spec, NULL));
    spec.threads = 1025;
    check_status(MF_STATUS_ARGUMENT, mf_pool_create(&spec, &pool));
    check_message("threads must be at most 1024, got 1025");
    assert_null(pool);
    spec.threads = 1;
    spec.allocator = &half;
    check_status(MF_STATUS_ARGUMENT, mf_pool_create(&spec, &pool));
    check_ok(mf_pool_create(NULL, &pool));
    check_status(MF_STATUS_ARGUMENT, mf_pool_threads(pool, NULL));
    mf_pool_free(pool);
}

#if defined(__linux__)
/* Threads of a pool that was asked for by no number, from a thread that may use these processors. */
static uint32_t default_threads(const cpu_set_t *allowed)
{
    mf_pool *pool = NULL;
    uint32_t threads = 0;

    assert_int_equal(sched_setaffinity(0, sizeof *allowed, allowed), 0);
    check_ok(mf_pool_create(NULL, &pool));
    check_ok(mf_pool_threads(pool, &threads));
    mf_pool_free(pool);
    return threads;
}
#endif

/* Those of the machine are not all where a container or taskset leaves some out. */
static void test_a_pool_has_a_thread_for_each_processor_that_may_be_used(void **state)
{
    (void)state;
#if defined(__linux__)
    cpu_set_t allowed, one;
    uint32_t threads;
    int first = 0;

    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(default_threads(&allowed), CPU_COUNT(&allowed));
    while (!CPU_ISSET(first, &allowed))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    threads = default_threads(&one);
    assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(threads, 1);
#else
    skip_because("this system does not tell which processors a process may use");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(test_predictions_and_gradients_have_the_same_bits),
        cmocka_unit_test(test_pipelines_leave_a_pool_in_any_order),
        cmocka_unit_test(test_a_pool_lives_as_long_as_it_is_used),
        cmocka_unit_test(test_several_threads_use_one_pool),
        cmocka_unit_test(test_a_forked_process_steps_alone),
        cmocka_unit_test(test_a_cancelled_thread_leaves_the_pool_usable),
        cmocka_unit_test(test_what_is_no_pool_is_refused),
        cmocka_unit_test(test_specs_that_are_wrong_are_refused),
        cmocka_unit_test(test_a_pool_has_a_thread_for_each_processor_that_may_be_used),
    };

    /* OpenBLAS ends its threads in a fork, and a product that they had a part in never returns. */
    mf_blas_set_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
