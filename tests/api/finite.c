/* Hostile values: a call that reports success leaves only parameters and state that are finite, an update
 * that would not is noticed, and a checked one is not made. SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "build.h"
#include "random.h"

enum { ROWS = 6, INPUTS = 2 * 6 * 6, CASES = 400, STEPS = 6 };

typedef struct trial {
    mf_network *network;
    mf_layer *layer; /* borrowed */
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    mf_pool *pool;
    size_t classes, bytes;
    unsigned char *before, *after; /* snapshots */
} trial;

/* ---- what is tried ---- */

static float hostile(test_random *random)
{
    const float values[] = {0.0f,   -0.0f, 1e-45f, -1e-40f, FLT_MIN, 1.0f,    -1.0f,    2.0f,
                            1e-20f, 1e18f, -1e19f, 1e30f,   -3e38f,  FLT_MAX, -FLT_MAX, 0.5f};
    return values[random_index(random, COUNT_OF(values))];
}

/* Ordinary values, among them some hostile ones. */
static void fill(test_random *random, float *values, size_t count, int one_of)
{
    random_values(random, values, count, 0.5);
    for (size_t i = 0; i < count; i++)
        if (random_index(random, (size_t)one_of) == 0)
            values[i] = hostile(random);
}

static mf_layer *draw_layer(test_random *random, size_t m)
{
    mf_layer_spec spec = random_index(random, 3) == 0 ? conv_spec(2, 6, 6, 1 + random_index(random, 9), m)
                                                      : layer_spec(INPUTS, 1 + random_index(random, 40), m);

    spec.activation = (int32_t)random_index(random, MF_ACTIVATION_SILU + 1);
    spec.normalization = random_index(random, 3) == 0 ? MF_NORMALIZATION_BATCH : MF_NORMALIZATION_NONE;
    spec.precision = random_index(random, 4) == 0 ? MF_PRECISION_BF16 : MF_PRECISION_FLOAT32;
    return make_layer(&spec);
}

static mf_optimizer *draw_optimizer(test_random *random)
{
    const double rates[] = {1e-3, 1.0, 1e10, 1e30, (double)FLT_MAX};
    mf_optimizer_spec spec = optimizer_spec((int32_t)random_index(random, 4), 0.1);
    mf_optimizer *optimizer = NULL;

    spec.learning_rate = (float)rates[random_index(random, COUNT_OF(rates))];
    spec.momentum = spec.kind % 3 == 0 && random_index(random, 2) ? 0.9f : 0.0f;
    spec.nesterov = spec.kind == MF_OPTIMIZER_SGD && spec.momentum > 0.0f && random_index(random, 2);
    spec.weight_decay = random_index(random, 3) == 0 ? 1e20f : 0.0f;
    spec.clip_norm = random_index(random, 3) == 0 ? 1e30f : 0.0f;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

/* All parameters get hostile values; variances stay positive. */
static void spoil_parameters(test_random *random, mf_layer *layer)
{
    const char *names[] = {"weight", "bias", "scale", "projection"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (has_parameter(layer, names[i]) && random_index(random, 2)) {
            size_t count = 0;
            float *values = read_parameter(layer, names[i], &count);

            fill(random, values, count, 20);
            check_ok(mf_layer_set_parameter(layer, names[i], values, count));
            free(values);
        }
}

static void set_up(trial *t, test_random *random, int threads)
{
    const size_t classes[] = {2, 10, 40};
    mf_workspace_spec spec;

    memset(t, 0, sizeof *t);
    t->network = make_network();
    t->classes = classes[random_index(random, COUNT_OF(classes))];
    t->layer = draw_layer(random, t->classes);
    t->optimizer = draw_optimizer(random);
    check_ok(mf_layer_set_optimizer(t->layer, t->optimizer));
    check_ok(mf_network_append(t->network, t->layer, NULL));
    mf_layer_free(t->layer);
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = t->network;
    spec.max_batch = ROWS;
    if (threads > 1)
        spec.pool = t->pool = make_pool((uint32_t)threads);
    check_ok(mf_workspace_create(&spec, &t->workspace));
    check_ok(mf_network_snapshot_size(t->network, &t->bytes));
    t->before = get_zeroed(t->bytes, 1);
    t->after = get_zeroed(t->bytes, 1);
}

static void tear_down(trial *t)
{
    mf_workspace_free(t->workspace);
    mf_network_free(t->network);
    mf_optimizer_free(t->optimizer);
    mf_pool_free(t->pool);
    free(t->before);
    free(t->after);
}

/* ---- the property ---- */

/* A snapshot is refused if a value in it, parameter or state, is not finite. */
static void check_call(trial *t, mf_status status, int checked)
{
    if (status == MF_STATUS_OK) {
        check_ok(mf_network_snapshot_save(t->network, t->before, t->bytes));
        return;
    }
    check_status(MF_STATUS_NUMERIC, status);
    if (checked || strstr(mf_last_message(), "restored") == NULL) {
        check_ok(mf_network_snapshot_save(t->network, t->after, t->bytes));
        assert_memory_equal(t->before, t->after, t->bytes);
    } else {
        check_status(MF_STATUS_NUMERIC, mf_network_snapshot_save(t->network, t->after, t->bytes));
        check_ok(mf_network_snapshot_load(t->network, t->before, t->bytes));
    }
}

static mf_status draw_call(trial *t, test_random *random)
{
    float x[ROWS * INPUTS];
    int32_t y[ROWS];

    if (random_index(random, 3) == 0) {
        saved_values all = save_layer_values(t->layer);
        mf_status status;

        fill(random, all.values, all.count, 10);
        status = mf_layer_apply(t->layer, all.values, all.count);
        free_saved_values(&all);
        return status;
    }
    fill(random, x, ROWS * INPUTS, random_index(random, 2) ? 50 : 1000);
    random_labels(random, y, ROWS, t->classes);
    return mf_network_step(t->network, t->workspace, 2 + random_index(random, ROWS - 1), x, y);
}

static void check_cases(int threads, int checked)
{
    size_t statuses[2] = {0, 0}, noticed = 0;

    for (uint64_t seed = 0; seed < CASES; seed++) {
        test_random random = {seed};
        trial t;

        set_up(&t, &random, threads);
        check_ok(mf_optimizer_set(t.optimizer, MF_OPTIMIZER_CHECKED, checked));
        if (random_index(&random, 2))
            spoil_parameters(&random, t.layer);
        check_ok(mf_network_snapshot_save(t.network, t.before, t.bytes));
        for (int step = 0; step < STEPS; step++) {
            mf_status status = draw_call(&t, &random);

            statuses[status != MF_STATUS_OK]++;
            noticed += status != MF_STATUS_OK && strstr(mf_last_message(), "the update") != NULL;
            check_call(&t, status, checked);
        }
        tear_down(&t);
    }
    print_message("%zu calls succeeded, %zu were NUMERIC, %zu of them by their update\n", statuses[0],
                  statuses[1], noticed);
    assert_true(statuses[0] > CASES / 2 && noticed > CASES / 4);
}

static void test_success_leaves_finite_values(void **state)
{
    (void)state;
    check_cases(1, 0);
}

static void test_a_checked_update_changes_nothing_that_overflows(void **state)
{
    (void)state;
    check_cases(1, 1);
}

static void test_updates_of_other_threads_count(void **state)
{
    (void)state;
    check_cases(3, 0);
}

/* ---- one overflow, seen from the host ---- */

/* The layer stays refused until it is restored. */
static void test_an_overflow_is_told_until_it_is_mended(void **state)
{
    enum { N = 64 };
    float x[ROWS * N];
    const int32_t y[ROWS] = {0, 1, 2, 3, 0, 1};
    test_random random = {1};

    (void)state;
    random_values(&random, x, ROWS * N, 100.0);
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++) {
        mf_optimizer *optimizer = make_optimizer(kind, (double)FLT_MAX);
        mf_layer *layer = make_plain_layer(N, N, 4, 1);
        mf_workspace *workspace = make_layer_workspace(layer, ROWS);
        saved_values before = save_layer_values(layer);
        float *weight = read_parameter(layer, "weight", NULL);
        float *projection = read_parameter(layer, "projection", NULL);
        float *bias = read_parameter(layer, "bias", NULL);

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        for (int again = 0; again < 3; again++) {
            if (again == 0) {
                check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 1.0));
                check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, ROWS, x, y, NULL));
                check_message("nothing has changed");
                check_layer_unchanged(&before, layer);
                check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 0.0));
            }
            check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, ROWS, x, y, NULL));
            if (again == 0)
                check_message("must be restored");
            check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 1e-3));
        }
        check_ok(mf_layer_set_parameter(layer, "weight", weight, N * N));
        check_ok(mf_layer_set_parameter(layer, "bias", bias, N));
        check_ok(mf_layer_set_parameter(layer, "projection", projection, 4 * N));
        check_ok(mf_layer_set_optimizer(layer, NULL));
        check_ok(mf_layer_set_optimizer(layer, optimizer)); /* its state is new */
        check_ok(mf_layer_step(layer, workspace, ROWS, x, y, NULL));
        free(weight);
        free(projection);
        free(bias);
        free_saved_values(&before);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

/* The weights of one input overflow, and nothing else does: whichever way they are updated, it is noticed. */
static void check_overflow_of_weights(double momentum, size_t rows)
{
    enum { N = 64 };
    float x[ROWS * N] = {0}, weight[N * N] = {0};
    const int32_t y[ROWS] = {0, 1, 2, 3, 0, 1};
    mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_SGD, 1.0);
    mf_optimizer *optimizer;
    mf_layer *layer = make_plain_layer(N, N, 4, 1);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);

    for (size_t i = 0; i < N; i++)
        weight[i * N] = 1e-30f;
    for (size_t b = 0; b < ROWS; b++)
        x[b * N] = 1e30f;
    spec.learning_rate = 1e12f;
    spec.momentum = (float)momentum;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_parameter(layer, "weight", weight, N * N));
    check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, rows, x, y, NULL));
    check_message("values of weight that are not finite");
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_an_overflow_of_weights_alone_is_told(void **state)
{
    static const size_t rows[] = {1, 3, ROWS};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_overflow_of_weights(0.0, rows[i]);
        check_overflow_of_weights(0.9, rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success_leaves_finite_values),
        cmocka_unit_test(test_a_checked_update_changes_nothing_that_overflows),
        cmocka_unit_test(test_updates_of_other_threads_count),
        cmocka_unit_test(test_an_overflow_is_told_until_it_is_mended),
        cmocka_unit_test(test_an_overflow_of_weights_alone_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
