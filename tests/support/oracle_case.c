/* Training runs against the oracle. SPDX-License-Identifier: MIT */
#include "oracle_case.h"

#include <float.h>
#include <math.h>

mf_optimizer *make_optimizer_of(const oracle_optimizer *o)
{
    mf_optimizer_spec spec = optimizer_spec(o->kind, o->rate);
    mf_optimizer *optimizer = NULL;

    spec.nesterov = o->nesterov;
    spec.momentum = (float)o->momentum;
    spec.beta1 = (float)o->beta1;
    spec.beta2 = (float)o->beta2;
    spec.epsilon = (float)o->epsilon;
    spec.weight_decay = (float)o->decay;
    spec.clip_norm = (float)o->clip;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

/* The library holds float hyper-parameters: 0.9f differs from 0.9 by 2e-8, and over many steps
 * that would be seen. */
oracle_optimizer rounded_to_float(oracle_optimizer o)
{
    o.rate = (double)(float)o.rate;
    o.momentum = (double)(float)o.momentum;
    o.beta1 = (double)(float)o.beta1;
    o.beta2 = (double)(float)o.beta2;
    o.epsilon = (double)(float)o.epsilon;
    o.decay = (double)(float)o.decay;
    o.clip = (double)(float)o.clip;
    return o;
}

void compare_parameter(const char *case_name, const mf_layer *layer, const char *name,
                       const oracle_parameter *oracle, const unsigned char *doubtful, size_t divisor,
                       size_t modulus, const float *start, double tolerance)
{
    double difference = 0.0, way = 0.0, length = 0.0;
    size_t count = 0, left_out = 0;
    float *values;

    if (oracle->count == 0)
        return;
    values = read_parameter(layer, name, &count);
    assert_int_equal(count, oracle->count);
    if (oracle->frozen && memcmp(values, start, count * sizeof *values) != 0)
        fail_msg("%s: the frozen %s has changed", case_name, name);
    for (size_t i = 0; i < count; i++) {
        if (doubtful[i / divisor % modulus]) {
            left_out++;
            continue;
        }
        difference += pow((double)values[i] - oracle->value[i], 2.0);
        way += pow(oracle->value[i] - (double)start[i], 2.0);
        length += pow(oracle->value[i], 2.0);
    }
    free(values);
    /* Every step rounds the parameter itself, whatever the length of the step. */
    if (!(sqrt(difference) <=
          tolerance * sqrt(way) + FLT_EPSILON * sqrt(length * (double)(oracle->steps + 1))))
        fail_msg("%s: %s is %.3g from the oracle after a way of %.3g (%.3g of it; tolerance %.3g)", case_name,
                 name, sqrt(difference), sqrt(way), sqrt(difference / way), tolerance);
    if (count > 16 && left_out > count / 2)
        fail_msg("%s: too many neurons near a kink to say anything about %s", case_name, name);
}

void compare_with_oracle(const char *name, const mf_layer *layer, const oracle_layer *oracle,
                         const saved_values *start, double tolerance)
{
    size_t k = oracle->inputs, n = oracle->outputs;
    const float *weight = start->values;
    const float *bias = weight + n * k;
    const float *projection = bias + oracle->bias.count;

    assert_int_equal(start->count, oracle->weight.count + oracle->bias.count + oracle->projection.count);
    compare_parameter(name, layer, "weight", &oracle->weight, oracle->doubtful, k, n, weight, tolerance);
    compare_parameter(name, layer, "bias", &oracle->bias, oracle->doubtful, 1, n, bias, tolerance);
    compare_parameter(name, layer, "projection", &oracle->projection, oracle->doubtful, 1, n, projection,
                      tolerance);
}

typedef struct run {
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    oracle_layer *oracle;
    oracle_optimizer hyper;
    test_random random;
    float *x, *a, *sample_weights;
    double *exact_weights, *exact_a;
    int32_t *y;
    size_t stride;
} run;

static void freeze(run *r, const char *name, oracle_parameter *parameter)
{
    if (parameter->count == 0)
        return;
    check_ok(mf_layer_set_trainable(r->layer, name, 0));
    parameter->frozen = 1;
}

static void start_run(run *r, const oracle_case *t)
{
    mf_layer_spec spec = layer_spec(t->inputs, t->outputs, t->classes);

    memset(r, 0, sizeof *r);
    spec.activation = t->activation;
    spec.bias = t->bias;
    spec.label_smoothing = (float)t->smoothing;
    spec.leak = 0.125f;
    r->layer = make_layer(&spec);
    r->hyper = rounded_to_float(t->optimizer);
    r->optimizer = make_optimizer_of(&t->optimizer);
    check_ok(mf_layer_set_optimizer(r->layer, r->optimizer));
    r->workspace = make_layer_workspace(r->layer, t->max_rows);
    r->oracle = oracle_create(&spec, r->layer);
    if (t->frozen & CASE_FREEZE_WEIGHT)
        freeze(r, "weight", &r->oracle->weight);
    if (t->frozen & CASE_FREEZE_BIAS)
        freeze(r, "bias", &r->oracle->bias);
    if (t->frozen & CASE_FREEZE_PROJECTION)
        freeze(r, "projection", &r->oracle->projection);
    r->random.state = 1000 * t->inputs + 10 * t->outputs + t->classes;
    r->stride = t->inputs + t->gap;
    r->x = get_memory(t->max_rows * r->stride * sizeof *r->x);
    r->a = get_memory(t->max_rows * t->outputs * sizeof *r->a);
    r->y = get_memory(t->max_rows * sizeof *r->y);
    r->sample_weights = get_memory(t->max_rows * sizeof *r->sample_weights);
    r->exact_weights = get_memory(t->max_rows * sizeof *r->exact_weights);
    r->exact_a = get_memory(t->max_rows * t->outputs * sizeof *r->exact_a);
}

static void end_run(run *r)
{
    mf_workspace_free(r->workspace);
    mf_layer_free(r->layer);
    mf_optimizer_free(r->optimizer);
    oracle_free(r->oracle);
    free(r->x);
    free(r->a);
    free(r->y);
    free(r->sample_weights);
    free(r->exact_weights);
    free(r->exact_a);
}

static void draw_batch(run *r, const oracle_case *t, size_t rows)
{
    double scale = fmin(1.0, 4.0 / sqrt((double)t->inputs));

    random_labels(&r->random, r->y, rows, t->classes);
    for (size_t i = 0; i < rows * r->stride; i++)
        r->x[i] = NAN; /* what lies between the rows must not be read */
    for (size_t row = 0; row < rows; row++) {
        random_values(&r->random, r->x + row * r->stride, t->inputs, scale);
        /* Something to learn: one input says a little about the class. */
        r->x[row * r->stride + (size_t)r->y[row] % t->inputs] += (float)scale;
        r->sample_weights[row] = (float)random_uniform(&r->random, 0.1, 3.0);
        if (row > 0 && random_index(&r->random, 3) == 0)
            r->sample_weights[row] = 0.0f;
        r->exact_weights[row] = (double)r->sample_weights[row];
    }
}

/* The flat call wherever it can say the same, in turn with the one for batches. */
static void library_step(run *r, const oracle_case *t, size_t rows, int step)
{
    mf_batch batch = make_batch(rows, r->x, r->y);

    if (!t->weighted && t->gap == 0 && step % 2 == 0) {
        check_ok(mf_layer_step(r->layer, r->workspace, rows, r->x, r->y, r->a));
        return;
    }
    batch.input_stride = t->gap ? r->stride : (step % 3 ? 0 : t->inputs);
    if (t->weighted)
        batch.sample_weights = r->sample_weights;
    check_ok(mf_layer_step_batch(r->layer, r->workspace, &batch, r->a));
}

static void compare_step(const run *r, const oracle_case *t, size_t rows, int step,
                         const oracle_result *expected)
{
    mf_report report = read_report(r->workspace, 0);
    size_t off = report.correct > expected->correct ? (size_t)report.correct - expected->correct
                                                    : expected->correct - (size_t)report.correct;
    double slack = 1.0 + 0.1 * (double)step;

    assert_int_equal(report.rows, rows);
    assert_int_equal(report.applied, (uint64_t)step + 1);
    if (!(fabs(report.loss - expected->loss) <= 2e-5 * slack * (1.0 + expected->loss)))
        fail_msg("%s: step %d: loss %.9g, the oracle's is %.9g", t->name, step, report.loss, expected->loss);
    if (off > expected->close_calls)
        fail_msg("%s: step %d: %u correct, the oracle has %u", t->name, step, (unsigned)report.correct,
                 (unsigned)expected->correct);
    if (!(fabs(report.gradient_norm - expected->gradient_norm) <=
          1e-4 * slack * fabs(expected->gradient_norm)))
        fail_msg("%s: step %d: gradient norm %.9g, the oracle's is %.9g", t->name, step, report.gradient_norm,
                 expected->gradient_norm);
    for (size_t i = 0; i < rows * t->outputs; i++)
        if (!r->oracle->doubtful[i % t->outputs])
            check_near(r->exact_a[i], (double)r->a[i], 2e-5 * slack * (1.0 + fabs(r->exact_a[i])));
}

void run_oracle_case(const oracle_case *t)
{
    run r;
    saved_values start;

    start_run(&r, t);
    start = save_layer_values(r.layer);
    for (int step = 0; step < t->steps; step++) {
        size_t rows = t->full_batches ? t->max_rows : 1 + random_index(&r.random, t->max_rows);
        oracle_result expected;
        double *exact_x;

        draw_batch(&r, t, rows);
        exact_x = oracle_rows(r.x, rows, t->inputs, r.stride);
        expected = oracle_step(r.oracle, &r.hyper, rows, exact_x, r.y, t->weighted ? r.exact_weights : NULL,
                               r.exact_a);
        library_step(&r, t, rows, step);
        compare_step(&r, t, rows, step, &expected);
        free(exact_x);
    }
    compare_with_oracle(t->name, r.layer, r.oracle, &start, t->tolerance > 0.0 ? t->tolerance : 5e-4);
    free_saved_values(&start);
    end_run(&r);
}
