/* Hostile values in layers of several units with normalisations and attention, under every kind of head: what
 * reports success, by hand, in a pipeline, by blending or by loading, leaves finite values only.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "models.h"
#include "random_units.h"

enum { ROWS = 5, CASES = 60, STEPS = 4, FAMILIES = 7 };

typedef struct trial {
    mf_network *network, *twin; /* the same layer with other values */
    mf_layer *layer;            /* borrowed */
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    mf_pipeline *pipeline;
    size_t inputs, scores, labels, classes, vocabulary, bytes, values; /* the first three of a row */
    float *x, *goodness, *gradients;
    int32_t *y;
    unsigned char *before, *after; /* snapshots */
} trial;

/* ---- what is tried ---- */

static float hostile(test_random *random)
{
    const float values[] = {0.0f,  -0.0f, 1e-45f, -1e-40f, FLT_MIN, 1e-20f,
                            1e18f, 1e30f, -3e38f, FLT_MAX, -FLT_MAX};
    return values[random_index(random, COUNT_OF(values))];
}

static void fill(test_random *random, float *values, size_t count, int one_of)
{
    random_values(random, values, count, 0.5);
    for (size_t i = 0; i < count; i++)
        if (random_index(random, (size_t)one_of) == 0)
            values[i] = hostile(random);
}

/* Tokens, their positions, attention and its sum with what it read. */
static units_plan plan_of_tokens(void)
{
    units_plan plan = plan_row(6, 4);
    int32_t tokens = plan_add(&plan, unit_embedding(9, 4));

    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_dense(12));
    plan_add(&plan, unit_attention(2, 1));
    plan_add(&plan, unit_add(tokens, MF_NODE_PREVIOUS));
    return plan;
}

/* A residual block, and of its classes only those that are drawn. */
static units_plan plan_of_candidates(void)
{
    units_plan plan = plan_residual(3, 4, 4, 30);

    plan.head.sampling = MF_SAMPLING_LOG_UNIFORM;
    plan.head.candidates = 8;
    return plan;
}

/* Rows that are alike by what a map makes of them. */
static units_plan plan_of_similarity(void)
{
    units_plan plan = plan_row(5, 3);

    plan_add(&plan, unit_dense(8));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_LEAKY_RELU));
    plan_add(&plan, unit_dense(4)); /* the map */
    plan.head.similarity = 0.9f;
    return plan;
}

static units_plan draw_plan(test_random *random, size_t family)
{
    switch (family) {
    case 0:
        return random_plan(random);
    case 1:
        return random_plan_of_positions(random);
    case 2:
        return random_plan_with_head_units(random, 0);
    case 3:
        return random_plan_with_auxiliary_heads(random, 0);
    case 4:
        return plan_of_tokens();
    case 5:
        return plan_of_similarity();
    default:
        return plan_of_candidates();
    }
}

static mf_optimizer *draw_optimizer(test_random *random)
{
    const double rates[] = {1e-3, 1.0, 1e10, 1e30};
    mf_optimizer_spec spec = optimizer_spec((int32_t)random_index(random, 4), 0.1);
    mf_optimizer *optimizer = NULL;

    spec.learning_rate = (float)rates[random_index(random, COUNT_OF(rates))];
    spec.weight_decay = random_index(random, 3) == 0 ? 1e20f : 0.0f;
    spec.clip_norm = random_index(random, 3) == 0 ? 1e30f : 0.0f;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

/* Parameters get hostile values; variances and counts refuse those below 0. */
static void spoil(test_random *random, mf_layer *layer, int one_of)
{
    mf_parameter_info info;
    size_t count = 0;

    check_ok(mf_parameter_info_init(&info, sizeof info));
    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t p = 0; p < count; p++) {
        check_ok(mf_layer_parameter_info(layer, p, &info));
        float *values = get_memory(info.count * sizeof *values);

        fill(random, values, info.count, one_of);
        if (strstr(info.name, "variance") != NULL)
            for (size_t i = 0; i < info.count; i++)
                values[i] = fabsf(values[i]);
        if (random_index(random, 3) == 0)
            check_ok(mf_layer_set_parameter(layer, info.name, values, info.count));
        free(values);
    }
}

static void set_up(trial *t, test_random *random, size_t family)
{
    units_plan plan = draw_plan(random, family);
    mf_layer_spec spec = {.struct_size = sizeof spec};
    mf_shape shape = {.struct_size = sizeof shape};

    memset(t, 0, sizeof *t);
    t->optimizer = draw_optimizer(random);
    t->network = make_units_network(&plan, 1, t->optimizer);
    t->twin = make_units_network(&plan, 1, NULL);
    t->layer = layer_at(t->network, 0);
    check_ok(mf_layer_describe(t->layer, &spec));
    check_ok(mf_layer_goodness_shape(t->layer, &shape));
    t->inputs = spec.inputs;
    t->classes = spec.classes;
    t->labels = shape.rank == 2 ? shape.dims[0] : 1;
    t->scores = t->labels * t->classes;
    t->vocabulary = layer_vocabulary(t->layer);
    t->workspace = make_network_workspace(t->network, ROWS);
    t->pipeline = make_network_pipeline(t->network, ROWS, 1);
    t->values = count_gradients(t->layer);
    t->x = get_memory(ROWS * t->inputs * sizeof *t->x);
    t->y = get_memory(ROWS * t->labels * sizeof *t->y);
    t->goodness = get_memory(ROWS * t->scores * sizeof *t->goodness);
    t->gradients = get_memory(t->values * sizeof *t->gradients);
    check_ok(mf_network_snapshot_size(t->network, &t->bytes));
    t->before = get_zeroed(t->bytes, 1);
    t->after = get_zeroed(t->bytes, 1);
}

static void tear_down(trial *t)
{
    mf_pipeline_free(t->pipeline);
    mf_workspace_free(t->workspace);
    mf_network_free(t->network);
    mf_network_free(t->twin);
    mf_optimizer_free(t->optimizer);
    free(t->x);
    free(t->y);
    free(t->goodness);
    free(t->gradients);
    free(t->before);
    free(t->after);
}

static void draw_batch(trial *t, test_random *random)
{
    if (t->vocabulary > 0)
        draw_inputs(t->vocabulary, random, t->x, ROWS * t->inputs);
    else
        fill(random, t->x, ROWS * t->inputs, random_index(random, 2) ? 50 : 1000);
    random_labels(random, t->y, ROWS * t->labels, t->classes);
}

/* ---- calls ---- */

static int all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return 0;
    return 1;
}

static mf_status step(trial *t)
{
    mf_status status = mf_network_step(t->network, t->workspace, ROWS, t->x, t->y);

    assert_true(status != MF_STATUS_OK || isfinite(read_report(t->workspace, 0).loss));
    return status;
}

static mf_status step_in_halves(trial *t)
{
    mf_batch batch = make_batch(ROWS, t->x, t->y);
    mf_status status = mf_layer_gradients(t->layer, t->workspace, &batch, NULL, t->gradients, t->values);

    if (status != MF_STATUS_OK)
        return status;
    for (size_t i = 0; i < t->values; i++)
        assert_true(isfinite(t->gradients[i]));
    /* The running mean and variance have followed the batch. */
    check_ok(mf_network_snapshot_save(t->network, t->before, t->bytes));
    return mf_layer_apply(t->layer, t->gradients, t->values);
}

static mf_status blend(trial *t)
{
    return mf_network_blend_parameters(t->network, t->twin, t->y[0] % 2 ? 1.0 : 0.3);
}

/* A pipeline that has failed takes nothing more, so it is used once. */
static mf_status submit(trial *t)
{
    mf_status status = mf_pipeline_submit(t->pipeline, ROWS, t->x, t->y);

    if (status == MF_STATUS_OK)
        status = mf_pipeline_flush(t->pipeline);
    if (status != MF_STATUS_OK)
        return status;
    mf_pipeline_report report = {.struct_size = sizeof report};

    check_ok(mf_pipeline_poll(t->pipeline, &report));
    assert_true(isfinite(report.loss));
    return status;
}

/* ---- the property ---- */

/* A snapshot is refused if a value in it, parameter or state, is not finite. After an update that has
 * overflowed, as the message says, the layer is restored. */
static void check_call(trial *t, mf_status status)
{
    if (status == MF_STATUS_OK) {
        check_ok(mf_network_snapshot_save(t->network, t->before, t->bytes));
        return;
    }
    check_status(MF_STATUS_NUMERIC, status);
    if (strstr(mf_last_message(), "restored") == NULL) {
        check_ok(mf_network_snapshot_save(t->network, t->after, t->bytes));
        assert_memory_equal(t->before, t->after, t->bytes);
    } else {
        check_status(MF_STATUS_NUMERIC, mf_network_snapshot_save(t->network, t->after, t->bytes));
        check_ok(mf_network_snapshot_load(t->network, t->before, t->bytes));
    }
}

static void check_scores(trial *t)
{
    for (size_t i = 0; i < ROWS * t->scores; i++)
        t->goodness[i] = NAN;
    mf_status status =
        mf_network_goodness(t->network, t->workspace, MF_PREDICT_LAST, ROWS, t->x, t->goodness);

    if (status == MF_STATUS_OK)
        assert_true(all_finite(t->goodness, ROWS * t->scores));
    else
        check_status(MF_STATUS_NUMERIC, status);
}

/* What is saved loads with the same bits; with one value that is not finite it does not. */
static void check_file(trial *t, test_random *random)
{
    const float wrong[] = {INFINITY, -INFINITY, NAN};
    size_t bytes = 0;
    unsigned char *file = model_save(t->network, MF_CONTENTS_TRAINING, &bytes);
    mf_network *loaded = model_load(MF_CONTENTS_TRAINING, file, bytes);
    unsigned char *model = model_save(t->network, MF_CONTENTS_MODEL, &bytes);
    uint64_t header = 0;

    check_ok(mf_network_snapshot_save(loaded, t->after, t->bytes));
    assert_memory_equal(t->before, t->after, t->bytes);
    mf_network_free(loaded);
    for (int i = 7; i >= 0; i--)
        header = header << 8 | model[i];
    size_t place = random_index(random, (bytes - 8 - (size_t)header) / sizeof(float));

    model_put_value(model + 8 + header + place * sizeof(float), wrong[random_index(random, 3)]);
    check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_MODEL, model, bytes));
    free(model);
    free(file);
}

static void test_success_leaves_finite_values(void **state)
{
    static mf_status (*const calls[])(trial *) = {step, step_in_halves, blend, submit};
    size_t succeeded[COUNT_OF(calls)] = {0}, numeric[COUNT_OF(calls)] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < CASES * FAMILIES; seed++) {
        test_random random = {seed};
        trial t;

        set_up(&t, &random, seed % FAMILIES);
        if (random_index(&random, 2))
            spoil(&random, t.layer, 20);
        spoil(&random, layer_at(t.twin, 0), 5);
        check_ok(mf_network_snapshot_save(t.network, t.before, t.bytes));
        for (size_t i = 0; i < STEPS; i++) {
            size_t call = i + 1 == STEPS ? 3 : random_index(&random, 3);

            draw_batch(&t, &random);
            mf_status status = calls[call](&t);

            (status == MF_STATUS_OK ? succeeded : numeric)[call]++;
            check_call(&t, status);
            check_scores(&t);
        }
        check_file(&t, &random);
        tear_down(&t);
    }
    for (size_t c = 0; c < COUNT_OF(calls); c++) {
        print_message("call %zu: %zu succeeded, %zu were NUMERIC\n", c, succeeded[c], numeric[c]);
        assert_true(succeeded[c] > CASES / 2);
        assert_true(calls[c] == blend || numeric[c] > CASES / 2);
    }
}

/* ---- what is restored ---- */

/* 1 if an update has overflowed, and its network was restored from the snapshot of before. */
static int overflow_and_restore(trial *t, test_random *random)
{
    draw_batch(t, random);
    mf_status status = step(t);
    int overflowed = status != MF_STATUS_OK && strstr(mf_last_message(), "restored") != NULL;

    if (status == MF_STATUS_OK || overflowed)
        check_ok(mf_network_snapshot_load(t->network, t->before, t->bytes));
    return overflowed;
}

/* Steps with mild values, first tried: all of them succeed. */
static void step_gently(trial *t, test_random *random)
{
    check_ok(mf_optimizer_set(t->optimizer, MF_OPTIMIZER_LEARNING_RATE, 1e-4));
    check_ok(mf_optimizer_set(t->optimizer, MF_OPTIMIZER_WEIGHT_DECAY, 0.0));
    check_ok(mf_optimizer_set(t->optimizer, MF_OPTIMIZER_CHECKED, 1.0));
    for (int i = 0; i < 3; i++) {
        if (t->vocabulary > 0)
            draw_inputs(t->vocabulary, random, t->x, ROWS * t->inputs);
        else
            random_values(random, t->x, ROWS * t->inputs, 0.5);
        random_labels(random, t->y, ROWS * t->labels, t->classes);
        check_ok(step(t));
    }
    check_ok(mf_network_snapshot_save(t->network, t->after, t->bytes));
}

/* Nothing of an overflow is left, not even where no parameter is. */
static void test_a_restored_network_goes_on_as_one_that_never_overflowed(void **state)
{
    size_t overflows = 0;

    (void)state;
    for (uint64_t seed = 0; seed < CASES * FAMILIES; seed++) {
        test_random first = {seed}, second = {seed}, batches = {seed + 1000};
        trial one, other;

        set_up(&one, &first, seed % FAMILIES);
        set_up(&other, &second, seed % FAMILIES);
        check_ok(mf_network_snapshot_save(one.network, one.before, one.bytes));
        for (size_t i = 0; i < STEPS; i++)
            overflows += (size_t)overflow_and_restore(&one, &batches);
        test_random again = batches;

        step_gently(&one, &batches);
        step_gently(&other, &again);
        assert_memory_equal(one.after, other.after, one.bytes);
        tear_down(&one);
        tear_down(&other);
    }
    print_message("%zu updates overflowed\n", overflows);
    assert_true(overflows > CASES / 4);
}

/* A gradient that overflows in the dropout of another thread: all that comes behind has infinite operands. */
static void test_an_overflow_in_another_thread_is_noticed(void **state)
{
    enum { WIDTH = 40000, TRIES = 40 }; /* three pieces */
    mf_pool *pool = make_pool(2);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    units_plan plan = plan_row(1, 2);
    float *m = get_zeroed(2 * WIDTH, sizeof *m);
    const float x = 1.0f;
    const int32_t y = 0;

    (void)state;
    plan_add(&plan, unit_dense(WIDTH));
    plan.units[0].weight_init = MF_INIT_ZERO;
    plan_add(&plan, unit_dropout(0.5f, 0));
    for (size_t i = 0; i < WIDTH; i += 1000) { /* half of them are kept */
        m[i] = 3e38f;
        m[WIDTH + i] = -3e38f;
    }
    for (int i = 0; i < TRIES; i++) {
        mf_layer *layer = make_units(&plan);
        mf_workspace_spec spec;
        mf_workspace *workspace = NULL;

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_ok(mf_layer_set_parameter(layer, "head.projection", m, 2 * WIDTH));
        check_ok(mf_workspace_spec_init(&spec, sizeof spec));
        spec.layer = layer;
        spec.max_batch = 1;
        spec.pool = pool;
        check_ok(mf_workspace_create(&spec, &workspace));
        check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 1, &x, &y, NULL));
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    free(m);
    mf_optimizer_free(optimizer);
    mf_pool_free(pool);
}

static void restore(mf_layer *layer, const saved_values *values)
{
    mf_parameter_info info;
    size_t count = 0, first = 0;

    check_ok(mf_parameter_info_init(&info, sizeof info));
    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t p = 0; p < count; p++, first += info.count) {
        check_ok(mf_layer_parameter_info(layer, p, &info));
        check_ok(mf_layer_set_parameter(layer, info.name, values->values + first, info.count));
    }
    assert_int_equal(first, values->count);
}

/* Weights of three neurons fill a fraction of a panel. An overflow reaches what is behind them, too: a layer
 * that is restored knows nothing of it. */
static void test_what_fills_up_a_panel_is_restored(void **state)
{
    enum { N = 4 };
    units_plan plan = plan_row(N, 2);
    float huge[N], ones[3 * N], x[N] = {0.1f, 0.2f, -0.3f, 0.4f};
    const int32_t y = 1;

    (void)state;
    plan_add(&plan, unit_dense(N));
    plan_add(&plan, unit_dense(3));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    for (size_t i = 0; i < N; i++)
        huge[i] = FLT_MAX;
    for (size_t i = 0; i < COUNT_OF(ones); i++)
        ones[i] = 1.0f;
    for (int kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++) {
        mf_optimizer *optimizer = make_optimizer(kind, 0.1);
        mf_layer *layer = make_units(&plan);
        mf_workspace *workspace = make_layer_workspace(layer, 1);

        check_ok(mf_layer_set_parameter(layer, "units.1.weight", (float[N * N]){1, 1, 1, 1}, N * N));
        check_ok(mf_layer_set_parameter(layer, "units.2.weight", ones, COUNT_OF(ones)));
        saved_values before = save_layer_values(layer);

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        mf_status status = mf_layer_step(layer, workspace, 1, huge, &y, NULL);

        /* The BLAS library's weights have no panels, and SGD leaves out neurons without a gradient there. */
        if (strcmp(mf_products_name(), "blas") != 0) {
            check_status(MF_STATUS_NUMERIC, status);
            check_message("must be restored");
        }
        restore(layer, &before);
        check_ok(mf_layer_set_optimizer(layer, NULL));
        check_ok(mf_layer_set_optimizer(layer, optimizer)); /* its state is new */
        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 1.0));
        check_ok(mf_layer_step(layer, workspace, 1, x, &y, NULL));
        free_saved_values(&before);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success_leaves_finite_values),
        cmocka_unit_test(test_a_restored_network_goes_on_as_one_that_never_overflowed),
        cmocka_unit_test(test_an_overflow_in_another_thread_is_noticed),
        cmocka_unit_test(test_what_fills_up_a_panel_is_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
