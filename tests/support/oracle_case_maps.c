/* Training runs against the oracle for convolutions. SPDX-License-Identifier: MIT */
#include "oracle_case_maps.h"

#include <math.h>

const oracle_optimizer maps_rules[MAPS_RULES] = {
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .decay = 0.02, .epsilon = 1e-8},
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.05, .momentum = 0.9, .decay = 0.01, .epsilon = 1e-8},
    {.kind = MF_OPTIMIZER_SGD, .nesterov = 1, .rate = 0.05, .momentum = 0.8, .epsilon = 1e-8},
    {.kind = MF_OPTIMIZER_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-4, .decay = 0.01},
    {.kind = MF_OPTIMIZER_ADAMW, .rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4, .decay = 0.1},
    {.kind = MF_OPTIMIZER_RMSPROP, .rate = 0.005, .beta2 = 0.9, .epsilon = 1e-3},
    {.kind = MF_OPTIMIZER_RMSPROP,
     .rate = 0.005,
     .beta2 = 0.9,
     .epsilon = 1e-3,
     .momentum = 0.5,
     .decay = 0.01},
};

typedef struct run {
    const maps_case *t;
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    maps_oracle *oracle;
    oracle_optimizer hyper;
    test_random random;
    float *x, *a, *sample_weights;
    double *exact_x, *exact_weights, *exact_a;
    int32_t *y;
    size_t rows, stride;
    saved_values start;
} run;

static void freeze(run *r)
{
    for (size_t i = 0; i < MAPS_PARAMETERS; i++) {
        oracle_parameter *parameter = maps_parameter(r->oracle, i);

        if (!(r->t->frozen >> i & 1) || parameter->count == 0)
            continue;
        check_ok(mf_layer_set_trainable(r->layer, maps_names[i], 0));
        parameter->frozen = 1;
    }
    r->oracle->mean.frozen |= r->oracle->variance.frozen;
    r->oracle->variance.frozen |= r->oracle->mean.frozen;
}

/* Other values than those a layer starts with, so that nothing is hidden by 0 and 1. */
static void shuffle_normalization(run *r)
{
    const double middle[] = {1.0, 0.0, 1.5}, spread[] = {0.3, 0.5, 0.25};

    if (r->oracle->scale.count == 0)
        return;
    for (size_t i = 3; i < MAPS_PARAMETERS; i++) {
        size_t count = r->oracle->channels;
        float *values = get_memory(count * sizeof *values);

        for (size_t c = 0; c < count; c++)
            values[c] = (float)(middle[i - 3] + spread[i - 3] * random_normal(&r->random));
        if (i == 5)
            for (size_t c = 0; c < count; c++)
                values[c] = fabsf(values[c]) + 0.1f;
        check_ok(mf_layer_set_parameter(r->layer, maps_names[i], values, count));
        free(values);
    }
    maps_read(r->oracle, r->layer, 1);
}

static void start_run(run *r, const maps_case *t)
{
    const oracle_optimizer plain = {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .epsilon = 1e-8};
    oracle_optimizer hyper = t->optimizer.rate > 0.0 ? t->optimizer : plain;

    memset(r, 0, sizeof *r);
    r->t = t;
    r->layer = make_layer(&t->spec);
    r->hyper = rounded_to_float(hyper);
    r->optimizer = make_optimizer_of(&hyper);
    check_ok(mf_layer_set_optimizer(r->layer, r->optimizer));
    r->workspace = make_layer_workspace(r->layer, t->max_rows);
    r->oracle = maps_create(&t->spec, r->layer);
    freeze(r);
    r->random.state = 1000 * r->oracle->inputs + 10 * r->oracle->outputs + t->spec.classes;
    shuffle_normalization(r);
    r->stride = r->oracle->inputs + t->gap;
    r->x = get_memory(t->max_rows * r->stride * sizeof *r->x);
    r->a = get_memory(t->max_rows * r->oracle->outputs * sizeof *r->a);
    r->y = get_memory(t->max_rows * sizeof *r->y);
    r->sample_weights = get_memory(t->max_rows * sizeof *r->sample_weights);
    r->exact_weights = get_memory(t->max_rows * sizeof *r->exact_weights);
    r->exact_a = get_memory(t->max_rows * r->oracle->outputs * sizeof *r->exact_a);
    r->start = save_layer_values(r->layer);
}

static void end_run(run *r)
{
    mf_workspace_free(r->workspace);
    mf_layer_free(r->layer);
    mf_optimizer_free(r->optimizer);
    maps_free(r->oracle);
    free_saved_values(&r->start);
    free(r->x);
    free(r->a);
    free(r->y);
    free(r->sample_weights);
    free(r->exact_x);
    free(r->exact_weights);
    free(r->exact_a);
}

static void draw_batch(run *r)
{
    size_t least = r->oracle->mean.count && r->oracle->map[0] * r->oracle->map[1] == 1 ? 2 : 1;
    size_t inputs = r->oracle->inputs, most = r->t->max_rows;

    r->rows = r->t->full_batches ? most : least + random_index(&r->random, most - least + 1);
    random_labels(&r->random, r->y, r->rows, r->t->spec.classes);
    for (size_t i = 0; i < r->rows * r->stride; i++)
        r->x[i] = NAN; /* what lies between the rows must not be read */
    for (size_t row = 0; row < r->rows; row++) {
        random_values(&r->random, r->x + row * r->stride, inputs, 1.0);
        /* Something to learn: one input says a little about the class. */
        r->x[row * r->stride + (size_t)r->y[row] % inputs] += 1.0f;
        r->sample_weights[row] = (float)random_uniform(&r->random, 0.1, 3.0);
        if (row > 0 && random_index(&r->random, 3) == 0)
            r->sample_weights[row] = 0.0f;
        r->exact_weights[row] = (double)r->sample_weights[row];
    }
    free(r->exact_x);
    r->exact_x = oracle_rows(r->x, r->rows, inputs, r->stride);
}

static mf_batch batch_of(const run *r)
{
    mf_batch batch = make_batch(r->rows, r->x, r->y);

    batch.input_stride = r->t->gap ? r->stride : 0;
    batch.sample_weights = r->t->weighted ? r->sample_weights : NULL;
    return batch;
}

static void compare_activation(const run *r, double slack)
{
    size_t map = r->oracle->outputs / r->oracle->channels;

    for (size_t i = 0; i < r->rows * r->oracle->outputs; i++) {
        double expected = r->exact_a[i], off = fabs(expected - (double)r->a[i]);

        if (!r->oracle->doubtful[i / map % r->oracle->channels] &&
            !(off <= 2e-5 * slack * (1.0 + fabs(expected))))
            fail_msg("%s: value %zu of the activation is %.9g, the oracle's is %.9g", r->t->name, i,
                     (double)r->a[i], expected);
    }
}

static void compare_report(const run *r, int step, const oracle_result *expected)
{
    mf_report report = read_report(r->workspace, 0);
    double slack = 1.0 + 0.1 * (double)step, off = fabs((double)report.correct - (double)expected->correct);

    assert_int_equal(report.rows, r->rows);
    assert_int_equal(report.applied, (uint64_t)step + 1);
    if (!(fabs(report.loss - expected->loss) <= 2e-5 * slack * (1.0 + expected->loss)))
        fail_msg("%s: step %d: loss %.9g, the oracle's is %.9g", r->t->name, step, report.loss,
                 expected->loss);
    if (off > (double)expected->close_calls)
        fail_msg("%s: step %d: %u correct, the oracle has %u", r->t->name, step, (unsigned)report.correct,
                 (unsigned)expected->correct);
    if (!(fabs(report.gradient_norm - expected->gradient_norm) <=
          1e-4 * slack * fabs(expected->gradient_norm)))
        fail_msg("%s: step %d: gradient norm %.9g, the oracle's is %.9g", r->t->name, step,
                 report.gradient_norm, expected->gradient_norm);
    compare_activation(r, slack);
}

void compare_gradients(const char *name, maps_oracle *oracle, const float *gradients, double tolerance)
{
    for (size_t p = 0; p < MAPS_PARAMETERS; p++) {
        oracle_parameter *parameter = maps_parameter(oracle, p);
        double largest = 0.0;

        for (size_t i = 0; i < parameter->count; i++)
            largest = fmax(largest, parameter->frozen || p >= 4 ? 0.0 : fabs(parameter->gradient[i]));
        for (size_t i = 0; i < parameter->count; i++) {
            double expected = parameter->frozen || p >= 4 ? 0.0 : parameter->gradient[i];
            double slack = largest > 0.0 ? tolerance * (largest + 0.01) : 0.0;

            if (!oracle->doubtful[maps_channel(oracle, p, i)] &&
                !(fabs((double)gradients[i] - expected) <= slack))
                fail_msg("%s: the gradient of %s[%zu] is %.9g, the oracle's is %.9g (the largest is %.3g)",
                         name, maps_names[p], i, (double)gradients[i], expected, largest);
        }
        gradients += parameter->count;
    }
}

/* On the first batch; then everything is as it was, but the optimizer has not heard of it. */
static void check_first_gradients(run *r)
{
    mf_batch batch = batch_of(r);
    float *gradients = get_memory(r->start.count * sizeof *gradients);
    const float *at = r->start.values;

    check_ok(mf_layer_gradients(r->layer, r->workspace, &batch, NULL, gradients, r->start.count));
    maps_gradients(r->oracle, r->rows, r->exact_x, r->y, r->t->weighted ? r->exact_weights : NULL, NULL);
    compare_gradients(r->t->name, r->oracle, gradients, 3e-5);
    for (size_t i = 0; i < MAPS_PARAMETERS; i++) {
        size_t count = maps_parameter(r->oracle, i)->count;

        if (count)
            check_ok(mf_layer_set_parameter(r->layer, maps_names[i], at, count));
        at += count;
    }
    maps_read(r->oracle, r->layer, 1);
    free(gradients);
}

static void compare_parameters(const run *r, double tolerance)
{
    const float *start = r->start.values;

    for (size_t i = 0; i < MAPS_PARAMETERS; i++) {
        oracle_parameter *parameter = maps_parameter(r->oracle, i);
        size_t divisor = 1;

        if (i == 0)
            divisor = parameter->count / r->oracle->channels;
        if (i == 2)
            divisor = r->oracle->features / r->oracle->channels;
        compare_parameter(r->t->name, r->layer, maps_names[i], parameter, r->oracle->doubtful, divisor,
                          r->oracle->channels, start, tolerance);
        start += parameter->count;
    }
}

/* The library's parameters as they are now, so that only inference itself is compared. */
static void compare_inference(run *r)
{
    size_t rows = 1 + random_index(&r->random, r->t->max_rows), classes = r->t->spec.classes;
    float *goodness = get_memory(rows * classes * sizeof *goodness);
    double *expected = get_memory(rows * classes * sizeof *expected);
    mf_batch batch;

    draw_batch(r);
    rows = rows < r->rows ? rows : r->rows;
    r->rows = rows;
    batch = batch_of(r);
    maps_read(r->oracle, r->layer, 1);
    maps_infer(r->oracle, rows, r->exact_x, r->exact_a, expected);
    check_ok(mf_layer_forward_batch(r->layer, r->workspace, &batch, r->a));
    check_ok(mf_layer_goodness(r->layer, r->workspace, rows, r->a, goodness));
    memset(r->oracle->doubtful, 0, r->oracle->channels);
    compare_activation(r, 1.0);
    for (size_t i = 0; i < rows * classes; i++)
        check_near(expected[i], (double)goodness[i], 4e-5 * (1.0 + fabs(expected[i])));
    free(goodness);
    free(expected);
}

void run_maps_case(const maps_case *t)
{
    run r;
    int steps = t->steps ? t->steps : 4;

    start_run(&r, t);
    for (int step = 0; step < steps; step++) {
        oracle_result expected;
        mf_batch batch;

        draw_batch(&r);
        if (step == 0)
            check_first_gradients(&r);
        batch = batch_of(&r);
        expected = maps_step(r.oracle, &r.hyper, r.rows, r.exact_x, r.y, t->weighted ? r.exact_weights : NULL,
                             r.exact_a);
        check_ok(mf_layer_step_batch(r.layer, r.workspace, &batch, r.a));
        compare_report(&r, step, &expected);
    }
    compare_parameters(&r, t->tolerance > 0.0 ? t->tolerance : 5e-4);
    compare_inference(&r);
    end_run(&r);
}
