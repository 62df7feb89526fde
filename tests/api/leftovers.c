/* Results come from parameters and batches alone: not from what lies in a workspace, in a result's array or
 * between the rows of a batch, not from how many rows a workspace has room for, not from how many threads
 * share the work, not from calls that failed before. Of two networks that are alike, one meets every call with
 * a new workspace of just the size, in memory full of NaN; the other has one workspace for all calls, in which
 * the calls before have left what they had. SPDX-License-Identifier: MIT */
#include <math.h>

#include "memory.h"
#include "random_units.h"
#include "snapshots.h"

enum { LEAST_ROWS = 2, BEHIND = 16, WRONGED = 30 };

typedef struct twin {
    mf_network *network;
    mf_workspace *workspace; /* NULL: a new one for each call */
} twin;

/* Both, and what they are given. */
typedef struct twins {
    test_random random;
    test_memory counted;
    mf_allocator allocator;
    network_plan plan;
    twin fresh, used;
    mf_pool *pool; /* of `used`; NULL: one thread */
    size_t layers, classes, scored, max_rows;
} twins;

/* How many steps overflowed, and after how many of them nothing was restored, since nothing had changed. */
typedef struct overflows {
    size_t all, unchanged;
} overflows;

/* A call's results, with room behind them that must stay as it is; memory full of NaN. */
typedef struct result {
    size_t count;
    float *values;
} result;

static result new_result(size_t count)
{
    result made = {count, get_memory((count + BEHIND) * sizeof *made.values)};

    memset(made.values, 0xFF, (count + BEHIND) * sizeof *made.values);
    return made;
}

static void check_same_results(const char *what, result *one, result *other)
{
    for (size_t i = 0; i < one->count; i++)
        if (isnan(one->values[i]))
            fail_msg("%s: value %zu of %zu is NaN", what, i, one->count);
    if (memcmp(one->values, other->values, (one->count + BEHIND) * sizeof *one->values) != 0)
        for (size_t i = 0; i < one->count + BEHIND; i++)
            if (memcmp(&one->values[i], &other->values[i], sizeof *one->values) != 0)
                fail_msg("%s: value %zu of %zu is %g with a new workspace, %g with a used one", what, i,
                         one->count, (double)one->values[i], (double)other->values[i]);
    for (size_t i = 0; i < BEHIND; i++)
        if (!isnan(one->values[one->count + i]))
            fail_msg("%s: written behind the end", what);
    free(one->values);
    free(other->values);
}

static void check_same_parameters(const char *what, const twins *t)
{
    saved_values one = save_network_values(t->fresh.network), other = save_network_values(t->used.network);

    for (size_t i = 0; i < one.count; i++)
        if (isnan(one.values[i]))
            fail_msg("%s: parameter %zu is NaN", what, i);
    if (!same_values(&one, &other))
        fail_msg("%s: other parameters with a used workspace", what);
    free_saved_values(&one);
    free_saved_values(&other);
}

/* ---- the twins ---- */

/* More positions than are attended to at once. */
static units_plan attending(twins *t)
{
    size_t heads = 1 + random_index(&t->random, 3), positions = 30 + random_index(&t->random, 50);
    units_plan plan = plan_sequence(positions, 5, 2);

    plan_add(&plan, unit_dense(3 * heads * (1 + random_index(&t->random, 5))));
    plan_add(&plan, unit_attention(heads, (int32_t)random_index(&t->random, 2)));
    plan.head.kind = MF_HEAD_POSITIONS;
    return plan;
}

/* One layer with goodness at positions, or several of any kinds; few classes or many, all or some of them
 * scored. */
static network_plan draw_network(twins *t)
{
    const size_t classes[] = {2, 3, 10, 33, 100, 1030};
    size_t m = classes[random_index(&t->random, COUNT_OF(classes) - (random_index(&t->random, 4) != 0))];
    network_plan plan = random_network_plan(&t->random, m);

    plan.layers = plan.layers > 3 ? 3 : plan.layers;
    if (random_index(&t->random, 4) == 0) {
        plan.layers = 1;
        plan.plans[0] = random_index(&t->random, 2) ? random_plan_of_positions(&t->random) : attending(t);
        plan_classes(&plan.plans[0], m);
        plan.inputs = plan.plans[0].input.dims[0] * plan.plans[0].input.dims[1] * plan.plans[0].input.dims[2];
    }
    for (size_t i = 0; i < plan.layers; i++) {
        units_plan *one = &plan.plans[i];

        one->precision = random_index(&t->random, 5) ? MF_PRECISION_FLOAT32 : MF_PRECISION_BF16;
        if (random_index(&t->random, 4) == 0 && one->head.label_smoothing == 0.0f) {
            one->head.sampling = MF_SAMPLING_UNIFORM + (int32_t)random_index(&t->random, 2);
            one->head.candidates = 1 + random_index(&t->random, m);
        }
    }
    return plan;
}

static twin new_twin(const twins *t)
{
    twin made = {make_network(), NULL};
    mf_optimizer *optimizer = NULL;

    check_ok(mf_optimizer_create(&t->plan.optimizer, &optimizer));
    for (size_t i = 0; i < t->plan.layers; i++) {
        mf_layer *layer = make_units_by(&t->plan.plans[i], &t->allocator);

        check_ok(mf_network_append(made.network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(made.network, optimizer));
    mf_optimizer_free(optimizer);
    return made;
}

static mf_workspace *new_workspace(const twins *t, const twin *of, size_t rows, mf_pool *pool)
{
    mf_workspace_spec spec;
    mf_workspace *made = NULL;

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = of->network;
    spec.max_batch = rows;
    spec.purpose = MF_WORKSPACE_TRAINING;
    spec.pool = pool;
    spec.allocator = &t->allocator;
    check_ok(mf_workspace_create(&spec, &made));
    return made;
}

static void start(twins *t, uint64_t seed, uint32_t threads)
{
    mf_shape goodness = {.struct_size = sizeof goodness};

    *t = (twins){.random = {seed}};
    t->allocator = memory_allocator(&t->counted);
    t->plan = draw_network(t);
    t->layers = t->plan.layers;
    t->fresh = new_twin(t);
    t->used = new_twin(t);
    t->pool = threads > 1 ? make_pool(threads) : NULL;
    check_ok(mf_layer_goodness_shape(layer_at(t->fresh.network, 0), &goodness));
    t->scored = goodness.rank == 2 ? goodness.dims[0] : 1;
    t->classes = t->plan.plans[0].head.classes;
    t->max_rows = LEAST_ROWS + random_index(&t->random, t->classes > 1000 ? 12 : 60);
    t->used.workspace = new_workspace(t, &t->used, t->max_rows, t->pool);
}

static void finish(twins *t)
{
    mf_workspace_free(t->used.workspace);
    mf_network_free(t->fresh.network);
    mf_network_free(t->used.network);
    mf_pool_free(t->pool);
    assert_int_equal(t->counted.blocks_out, 0);
    assert_int_equal(t->counted.faults, 0);
    memory_release(&t->counted);
}

/* ---- calls ---- */

/* A batch, for `used` with NaN between its rows. */
typedef struct rows {
    size_t count;
    mf_batch fresh, used;
    float *x, *apart;
    int32_t *y;
} rows;

static rows draw_rows(twins *t)
{
    size_t inputs = t->plan.inputs, stride = inputs + random_index(&t->random, 4), most = t->max_rows;
    rows made = {.count = LEAST_ROWS + random_index(&t->random, most - LEAST_ROWS + 1)};

    if (random_index(&t->random, 3) == 0)
        made.count = most;
    made.x = get_memory(made.count * inputs * sizeof *made.x);
    made.apart = get_memory(made.count * stride * sizeof *made.apart);
    made.y = get_memory(made.count * t->scored * sizeof *made.y);
    draw_inputs(layer_vocabulary(layer_at(t->fresh.network, 0)), &t->random, made.x, made.count * inputs);
    random_labels(&t->random, made.y, made.count * t->scored, t->classes);
    for (size_t i = 1; t->scored > 1 && i < made.count * t->scored; i++)
        if (random_index(&t->random, 5) == 0)
            made.y[i] = MF_LABEL_IGNORED;
    memset(made.apart, 0xFF, made.count * stride * sizeof *made.apart);
    for (size_t b = 0; b < made.count; b++)
        memcpy(made.apart + b * stride, made.x + b * inputs, inputs * sizeof *made.x);
    made.fresh = make_batch(made.count, made.x, made.y);
    made.used = make_batch(made.count, made.apart, made.y);
    made.used.input_stride = stride;
    return made;
}

static void check_same_reports(const char *what, const twins *t, const mf_workspace *fresh)
{
    for (size_t i = 0; i < t->layers; i++) {
        mf_report one = read_report(fresh, i), other = read_report(t->used.workspace, i);

        if (one.rows != other.rows || one.correct != other.correct || one.applied != other.applied ||
            memcmp(&one.loss, &other.loss, sizeof one.loss) != 0 ||
            memcmp(&one.gradient_norm, &other.gradient_norm, sizeof one.gradient_norm) != 0)
            fail_msg("%s: layer %zu: a loss of %.17g and a norm of %.17g with a new workspace, %.17g and "
                     "%.17g with a used"
                     " one",
                     what, i, one.loss, one.gradient_norm, other.loss, other.gradient_norm);
        if (isnan(one.loss))
            fail_msg("%s: layer %zu: the loss is NaN", what, i);
    }
}

static void step(twins *t, const rows *r, mf_workspace *fresh)
{
    check_ok(mf_network_step_batch(t->fresh.network, fresh, &r->fresh));
    check_ok(mf_network_step_batch(t->used.network, t->used.workspace, &r->used));
    check_same_reports("a step", t, fresh);
}

static void evaluate(twins *t, const rows *r, mf_workspace *fresh)
{
    check_ok(mf_network_evaluate_batch(t->fresh.network, fresh, &r->fresh));
    check_ok(mf_network_evaluate_batch(t->used.network, t->used.workspace, &r->used));
    check_same_reports("an evaluation", t, fresh);
}

static void infer(twins *t, const rows *r, mf_workspace *fresh)
{
    int32_t mode = random_index(&t->random, 2) ? MF_PREDICT_SUM : MF_PREDICT_LAST;
    size_t answers = r->count * t->scored, scores = answers * t->classes;
    int32_t *labels[2] = {get_memory(answers * sizeof **labels), get_memory(answers * sizeof **labels)};
    result goodness[2] = {new_result(scores), new_result(scores)};
    result chances[2] = {new_result(scores), new_result(scores)};

    check_ok(mf_network_infer(t->fresh.network, fresh, mode, &r->fresh, labels[0], goodness[0].values,
                              chances[0].values));
    check_ok(mf_network_infer(t->used.network, t->used.workspace, mode, &r->used, labels[1],
                              goodness[1].values, chances[1].values));
    assert_memory_equal(labels[0], labels[1], answers * sizeof **labels);
    check_same_results("goodness", &goodness[0], &goodness[1]);
    check_same_results("probabilities", &chances[0], &chances[1]);
    free(labels[0]);
    free(labels[1]);
}

/* Two halves of a step of the first layer, and what comes out of it. */
static void layer_halves(twins *t, const rows *r, mf_workspace *fresh)
{
    mf_layer *one = layer_at(t->fresh.network, 0), *other = layer_at(t->used.network, 0);
    mf_shape output = {.struct_size = sizeof output};
    size_t count = count_gradients(one), values, scores = r->count * t->scored * t->classes;
    result a[2], g[2] = {new_result(count), new_result(count)},
                 goodness[2] = {new_result(scores), new_result(scores)};

    check_ok(mf_layer_shape(one, NULL, &output));
    values = r->count * output.dims[0] * output.dims[1] * output.dims[2];
    a[0] = new_result(values);
    a[1] = new_result(values);
    check_ok(mf_layer_gradients(one, fresh, &r->fresh, a[0].values, g[0].values, count));
    check_ok(mf_layer_gradients(other, t->used.workspace, &r->used, a[1].values, g[1].values, count));
    check_ok(mf_layer_apply(one, g[0].values, count));
    check_ok(mf_layer_apply(other, g[1].values, count));
    check_same_results("gradients", &g[0], &g[1]);
    check_same_results("an activation in training", &a[0], &a[1]);
    a[0] = new_result(values);
    a[1] = new_result(values);
    check_ok(mf_layer_forward_batch(one, fresh, &r->fresh, a[0].values));
    check_ok(mf_layer_forward_batch(other, t->used.workspace, &r->used, a[1].values));
    check_ok(mf_layer_goodness(one, fresh, r->count, a[0].values, goodness[0].values));
    check_ok(mf_layer_goodness(other, t->used.workspace, r->count, a[1].values, goodness[1].values));
    check_same_results("an activation", &a[0], &a[1]);
    check_same_results("goodness of a layer", &goodness[0], &goodness[1]);
}

/* ---- calls that fail, of `used` alone ---- */

static void refuse(const twins *t, mf_status expected, const mf_batch *batch)
{
    mf_layer *layer = layer_at(t->used.network, 0);
    size_t count = count_gradients(layer);
    float *gradients = get_memory(count * sizeof *gradients);

    check_status(expected, mf_network_step_batch(t->used.network, t->used.workspace, batch));
    check_status(expected, mf_layer_gradients(layer, t->used.workspace, batch, NULL, gradients, count));
    check_status(expected, mf_network_evaluate_batch(t->used.network, t->used.workspace, batch));
    free(gradients);
}

/* Something is wrong with the last row, the weights or the number of rows. */
static void call_wrongly(const twins *t, const rows *r)
{
    float *nothing = get_zeroed(r->count, sizeof *nothing);
    size_t last = (r->count - 1) * r->used.input_stride + t->plan.inputs - 1;
    mf_batch batch = r->used;
    float kept = r->apart[last];
    int32_t *label = &r->y[r->count * t->scored - 1], right = *label;

    r->apart[last] = INFINITY;
    refuse(t, MF_STATUS_NUMERIC, &batch);
    r->apart[last] = (float)layer_vocabulary(layer_at(t->used.network, 0));
    if (r->apart[last] > 0.0f)
        refuse(t, MF_STATUS_ARGUMENT, &batch);
    r->apart[last] = kept;

    *label = (int32_t)t->classes;
    refuse(t, MF_STATUS_LABEL, &batch);
    *label = right;

    batch.sample_weights = nothing;
    refuse(t, MF_STATUS_ARGUMENT, &batch);
    batch.sample_weights = NULL;
    batch.rows = t->max_rows + 1;
    refuse(t, MF_STATUS_CAPACITY, &batch);
    free(nothing);
}

/* An update that overflows, or a loss. Where nothing says that nothing has changed, a snapshot restores. */
static void overflow(twins *t, const rows *r, overflows *seen)
{
    mf_optimizer *optimizer = NULL;
    size_t bytes = 0;
    unsigned char *before = take_snapshot(t->used.network, &bytes);
    double rate = 0.0, checked = (double)random_index(&t->random, 2);

    check_ok(mf_layer_optimizer(layer_at(t->used.network, 0), &optimizer));
    check_ok(mf_optimizer_get(optimizer, MF_OPTIMIZER_LEARNING_RATE, &rate));
    check_ok(
        mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, random_index(&t->random, 2) ? 1e38 : 1e20));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, checked));
    for (int again = 0; again < 2; again++) {
        mf_status status = mf_network_step_batch(t->used.network, t->used.workspace, &r->used);
        int changed = status == MF_STATUS_OK || checked == 0.0 || t->layers > 1;

        if (status != MF_STATUS_OK)
            check_status(MF_STATUS_NUMERIC, status);
        if (changed)
            check_ok(mf_network_snapshot_load(t->used.network, before, bytes));
        seen->all += status != MF_STATUS_OK;
        seen->unchanged += !changed;
    }
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, rate));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 0.0));
    free(before);
}

static void run_twins(uint64_t seed, uint32_t threads, overflows *seen)
{
    static void (*const calls[])(twins * t, const rows *r, mf_workspace *fresh) = {step, evaluate, infer,
                                                                                   layer_halves};
    twins t;

    start(&t, seed, threads);
    for (size_t i = 0; i < 10; i++) {
        rows r = draw_rows(&t);
        mf_workspace *fresh = new_workspace(&t, &t.fresh, r.count, NULL);

        if (seen) {
            call_wrongly(&t, &r);
            overflow(&t, &r, seen);
        }
        calls[i < 4 ? (i + seed) % 4 : random_index(&t.random, COUNT_OF(calls))](&t, &r, fresh);
        check_same_parameters("a call", &t);
        mf_workspace_free(fresh);
        free(r.x);
        free(r.apart);
        free(r.y);
    }
    finish(&t);
}

static void test_what_a_workspace_holds_from_before_reaches_no_result(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 350; seed++)
        run_twins(seed, 1, NULL);
}

static void test_nor_does_what_threads_leave_there(void **state)
{
    (void)state;
    for (uint64_t seed = 1001; seed <= 1100; seed++)
        run_twins(seed, 3, NULL);
}

static void test_nor_do_calls_that_fail_leave_anything(void **state)
{
    overflows seen = {0, 0};

    (void)state;
    for (uint64_t seed = 2001; seed <= 2000 + WRONGED; seed++)
        run_twins(seed, 1 + seed % 3, &seen);
    print_message("%zu overflows, %zu of them changed nothing\n", seen.all, seen.unchanged);
    assert_true(seen.all > 100);
    assert_true(seen.unchanged > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_workspace_holds_from_before_reaches_no_result),
        cmocka_unit_test(test_nor_does_what_threads_leave_there),
        cmocka_unit_test(test_nor_do_calls_that_fail_leave_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
