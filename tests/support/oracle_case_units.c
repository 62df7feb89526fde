/* Training runs of layers of several units against the oracle. SPDX-License-Identifier: MIT */
#include "oracle_case_units.h"

#include <float.h>
#include <math.h>

enum { TRIES = 200 };

typedef struct run {
    const units_case *t;
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    units_oracle *oracle, *rounded; /* the other one keeps its values in float32 */
    oracle_optimizer hyper;
    test_random random;
    float *x, *a, *sample_weights;
    double *exact_x, *exact_weights, *exact_a;
    int32_t *y;
    size_t rows, stride, inputs, outputs;
    double largest; /* of all gradients of all steps, as the update saw them */
    saved_values start;
} run;

/* ---- errors in units of what is allowed ---- */

static double largest_of(const double *values, size_t count)
{
    double largest = 0.0;

    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(values[i]));
    return largest;
}

static int has_gradient(const units_parameter *one)
{
    return one->learns && !one->parameter->frozen;
}

/* Also of parameters that are frozen: what the others' gradients are left over from is no smaller for it. */
static double largest_gradient(const units_oracle *o)
{
    double largest = 0.0;

    for (size_t i = 0; i < o->listed; i++)
        if (o->list[i].learns)
            largest = fmax(largest, largest_of(o->list[i].parameter->gradient, o->list[i].parameter->count));
    return largest;
}

/* What a gradient of parameter i may be off. */
static double gradient_slack(const units_oracle *o, size_t i)
{
    const oracle_parameter *p = o->list[i].parameter;

    if (!has_gradient(&o->list[i]))
        return 0.0;
    return UNITS_GRADIENT * largest_of(p->gradient, p->count) + UNITS_CANCELED * largest_gradient(o);
}

static double rounded_gradients(const run *r)
{
    double worst = 0.0;

    for (size_t i = 0; i < r->oracle->listed; i++) {
        const oracle_parameter *p = r->oracle->list[i].parameter;
        const double *rounded = r->rounded->list[i].parameter->gradient;
        double slack = gradient_slack(r->oracle, i);

        for (size_t j = 0; slack > 0.0 && j < p->count; j++)
            worst = fmax(worst, fabs(rounded[j] - p->gradient[j]) / slack);
    }
    return worst;
}

/* ---- batches that say something ---- */

/* At positions, some have no label. */
static void draw_labels(run *r)
{
    size_t count = r->rows * r->oracle->scored;

    random_labels(&r->random, r->y, count, r->t->plan.head.classes);
    for (size_t i = 1; r->t->plan.head.kind == MF_HEAD_POSITIONS && i < count; i++)
        if (random_index(&r->random, 4) == 0)
            r->y[i] = MF_LABEL_IGNORED;
}

/* Rows, or positions that have a label. */
static size_t labelled(const run *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->rows * r->oracle->scored; i++)
        count += r->y[i] != MF_LABEL_IGNORED;
    return count;
}

static void draw_batch(run *r, size_t least)
{
    size_t most = r->t->max_rows > least ? r->t->max_rows : least;

    r->rows = least + random_index(&r->random, most - least + 1);
    draw_labels(r);
    for (size_t i = 0; i < r->rows * r->stride; i++)
        r->x[i] = NAN; /* what lies between the rows must not be read */
    for (size_t row = 0; row < r->rows; row++) {
        draw_inputs(units_vocabulary(r->oracle), &r->random, r->x + row * r->stride, r->inputs);
        /* Something to learn: one input says a little about the class. */
        if (units_vocabulary(r->oracle) == 0)
            r->x[row * r->stride + (size_t)abs(r->y[row * r->oracle->scored]) % r->inputs] += 1.0f;
        r->sample_weights[row] = (float)random_uniform(&r->random, 0.1, 3.0);
        if (row > 0 && random_index(&r->random, 3) == 0)
            r->sample_weights[row] = 0.0f;
        r->exact_weights[row] = (double)r->sample_weights[row];
    }
    free(r->exact_x);
    r->exact_x = oracle_rows(r->x, r->rows, r->inputs, r->stride);
}

static const double *exact_weights(const run *r)
{
    return r->t->weighted ? r->exact_weights : NULL;
}

/* The error of rounded values, in units of the tolerances. Leaves the oracle's parameters as they are. */
static double rounding_error(run *r)
{
    size_t count = r->rows * r->outputs;
    double *a = get_memory(count * sizeof *a), *exact = get_memory(count * sizeof *exact), worst, largest;
    units_oracle *probe = units_create(&r->t->plan), *kept = r->oracle;
    double off = 0.0;

    units_copy(probe, r->oracle);
    units_copy(r->rounded, r->oracle);
    units_gradients(probe, r->rows, r->exact_x, r->y, exact_weights(r), exact);
    units_gradients(r->rounded, r->rows, r->exact_x, r->y, exact_weights(r), a);
    largest = largest_of(exact, count);
    for (size_t i = 0; i < count; i++)
        off = fmax(off, fabs(a[i] - exact[i]));
    r->oracle = probe;
    worst = fmax(rounded_gradients(r), largest > 0.0 ? off / (UNITS_VALUE * largest) : 0.0);
    r->oracle = kept;
    units_free(probe);
    free(a);
    free(exact);
    return worst;
}

static int find_batch(run *r, double *worst)
{
    for (int tries = 0; tries < TRIES; tries++) {
        double loss;

        draw_batch(r, units_least_rows(r->oracle, 4));
        units_forget_margins(r->oracle);
        loss = units_loss(r->oracle, r->rows, r->exact_x, r->y, exact_weights(r)).loss;
        if (loss < UNITS_LEAST_LOSS || r->oracle->kink_margin < UNITS_NEAR ||
            r->oracle->tie_margin < UNITS_NEAR || r->oracle->least_variance < UNITS_LEAST_VARIANCE)
            continue;
        *worst = rounding_error(r);
        if (*worst <= 1.0 / UNITS_SAFETY)
            return 1;
    }
    return 0;
}

/* ---- beginning and end ---- */

static void start_oracles(run *r, const units_case *t)
{
    size_t most;

    memset(r, 0, sizeof *r);
    r->t = t;
    r->random.state = t->seed;
    r->oracle = units_create(&t->plan);
    r->rounded = units_create(&t->plan);
    r->rounded->single = 1;
    units_draw(r->oracle, &r->random);
    for (size_t i = 0; i < r->oracle->listed; i++)
        if (t->frozen >> i & 1)
            units_freeze(r->oracle, i);
    r->inputs = r->oracle->nodes[0].values;
    r->outputs = units_outputs(r->oracle);
    r->stride = r->inputs + t->gap;
    most = units_least_rows(r->oracle, 4);
    most = t->max_rows > most ? t->max_rows : most;
    r->x = get_memory(most * r->stride * sizeof *r->x);
    r->a = get_memory(most * r->outputs * sizeof *r->a);
    r->y = get_memory(most * r->oracle->scored * sizeof *r->y);
    r->sample_weights = get_memory(most * sizeof *r->sample_weights);
    r->exact_weights = get_memory(most * sizeof *r->exact_weights);
    r->exact_a = get_memory(most * r->outputs * sizeof *r->exact_a);
    r->rows = most;
}

static void start_library(run *r)
{
    const oracle_optimizer plain = {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .epsilon = 1e-8};
    oracle_optimizer hyper = r->t->optimizer.rate > 0.0 ? r->t->optimizer : plain;

    r->layer = r->t->layer ? r->t->layer : r->t->flat ? make_layer(r->t->flat) : make_units(&r->t->plan);
    r->hyper = rounded_to_float(hyper);
    r->optimizer = make_optimizer_of(&hyper);
    check_ok(mf_layer_set_optimizer(r->layer, r->optimizer));
    r->workspace = make_layer_workspace(r->layer, r->rows);
    units_write(r->oracle, r->layer);
    units_read(r->oracle, r->layer);
    for (size_t i = 0; i < r->oracle->listed; i++)
        if (r->t->frozen >> i & 1)
            check_ok(mf_layer_set_trainable(r->layer, units_name(r->oracle, r->layer, i), 0));
    r->start = save_layer_values(r->layer);
}

static void end_run(run *r)
{
    mf_workspace_free(r->workspace);
    mf_layer_free(r->layer);
    mf_optimizer_free(r->optimizer);
    units_free(r->oracle);
    units_free(r->rounded);
    free_saved_values(&r->start);
    free(r->x);
    free(r->a);
    free(r->y);
    free(r->sample_weights);
    free(r->exact_x);
    free(r->exact_weights);
    free(r->exact_a);
}

/* ---- comparisons ---- */

static mf_batch batch_of(const run *r)
{
    mf_batch batch = make_batch(r->rows, r->x, r->y);

    batch.input_stride = r->t->gap ? r->stride : 0;
    batch.sample_weights = r->t->weighted ? r->sample_weights : NULL;
    return batch;
}

static void compare_values(const run *r, const char *what, const double *expected, const float *got,
                           size_t count, double term)
{
    double slack = UNITS_VALUE * fmax(term, largest_of(expected, count));

    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - expected[i]) <= slack))
            fail_msg("%s: value %zu of the %s is %.9g, the oracle's is %.9g (tolerance %.3g)", r->t->name, i,
                     what, (double)got[i], expected[i], slack);
}

static void compare_activation(const run *r, const char *what)
{
    compare_values(r, what, r->exact_a, r->a, r->rows * r->outputs, 0.0);
}

/* Where parameter i of the oracle's list begins in what the library enumerates. */
static size_t offset_of(const run *r, size_t i)
{
    size_t count = 0, offset = 0;

    check_ok(mf_layer_parameter_count(r->layer, &count));
    for (size_t j = 0; j < count; j++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(r->layer, j, &info));
        if (strcmp(info.name, units_name(r->oracle, r->layer, i)) == 0)
            return offset;
        offset += info.count;
    }
    fail_msg("%s: the layer has no %s", r->t->name, r->oracle->list[i].name);
    return 0;
}

static void compare_gradients_here(const run *r, const float *gradients)
{
    for (size_t i = 0; i < r->oracle->listed; i++) {
        const units_parameter *one = &r->oracle->list[i];
        const float *got = gradients + offset_of(r, i);
        double slack = gradient_slack(r->oracle, i);

        for (size_t j = 0; j < one->parameter->count; j++) {
            double expected = has_gradient(one) ? one->parameter->gradient[j] : 0.0;

            if (!(fabs((double)got[j] - expected) <= slack))
                fail_msg("%s: the gradient of %s[%zu] is %.9g, the oracle's is %.9g (tolerance %.3g)",
                         r->t->name, one->name, j, (double)got[j], expected, slack);
        }
    }
}

static void compare_report(const run *r, const char *when, int applied, const oracle_result *expected)
{
    mf_report report = read_report(r->workspace, 0);
    double off = fabs((double)report.correct - (double)expected->correct);

    assert_int_equal(report.rows, labelled(r));
    assert_int_equal(report.applied, applied);
    if (!(fabs(report.loss - expected->loss) <= UNITS_VALUE * (1.0 + expected->loss)))
        fail_msg("%s: %s: loss %.9g, the oracle's is %.9g", r->t->name, when, report.loss, expected->loss);
    if (off > (double)expected->close_calls)
        fail_msg("%s: %s: %u correct, the oracle has %u", r->t->name, when, (unsigned)report.correct,
                 (unsigned)expected->correct);
    if (!(fabs(report.gradient_norm - expected->gradient_norm) <= 1e-4 * fabs(expected->gradient_norm)))
        fail_msg("%s: %s: gradient norm %.9g, the oracle's is %.9g", r->t->name, when, report.gradient_norm,
                 expected->gradient_norm);
}

/* On the first batch; then everything is as it was, but the optimizer has not heard of it. */
static void check_first_gradients(run *r)
{
    mf_batch batch = batch_of(r);
    size_t count = count_gradients(r->layer);
    float *gradients = get_memory(count * sizeof *gradients);
    oracle_result expected;

    memset(gradients, 0x7F, count * sizeof *gradients);
    check_ok(mf_layer_gradients(r->layer, r->workspace, &batch, r->a, gradients, count));
    expected = units_gradients(r->oracle, r->rows, r->exact_x, r->y, exact_weights(r), r->exact_a);
    compare_activation(r, "activation");
    compare_report(r, "gradients", 0, &expected);
    compare_gradients_here(r, gradients);
    free(gradients);
    for (size_t i = 0; i < r->oracle->listed; i++) {
        const oracle_parameter *p = r->oracle->list[i].parameter;

        check_ok(mf_layer_set_parameter(r->layer, units_name(r->oracle, r->layer, i),
                                        r->start.values + offset_of(r, i), p->count));
    }
    units_read(r->oracle, r->layer);
}

/* What rounding of gradients may do to one value in all steps together. */
static double noise_of(const run *r, int steps)
{
    const oracle_optimizer *o = &r->hyper;
    double noise = UNITS_CANCELED * r->largest;

    if (o->kind != MF_OPTIMIZER_SGD)
        noise /= o->epsilon;
    return (double)steps * o->rate * noise / (1.0 - o->momentum);
}

static void compare_parameter_here(const run *r, size_t i, int steps)
{
    const units_parameter *one = &r->oracle->list[i];
    const oracle_parameter *p = one->parameter;
    const float *start = r->start.values + offset_of(r, i);
    double difference = 0.0, way = 0.0, length = 0.0, slack;
    size_t count = 0;
    float *values = read_parameter(r->layer, units_name(r->oracle, r->layer, i), &count);

    assert_int_equal(count, p->count);
    if (p->frozen && memcmp(values, start, count * sizeof *values) != 0)
        fail_msg("%s: the frozen %s has changed", r->t->name, one->name);
    for (size_t j = 0; j < count; j++) {
        difference += pow((double)values[j] - p->value[j], 2.0);
        way += pow(p->value[j] - (double)start[j], 2.0);
        length += pow(p->value[j], 2.0);
    }
    free(values);
    /* Every step rounds the parameter itself, whatever the length of the step. */
    slack = UNITS_WAY * sqrt(way) + FLT_EPSILON * sqrt(length * (double)(steps + 1));
    if (one->learns)
        slack += noise_of(r, steps) * sqrt((double)count);
    if (!(sqrt(difference) <= slack))
        fail_msg("%s: %s is %.3g from the oracle after a way of %.3g (tolerance %.3g)", r->t->name, one->name,
                 sqrt(difference), sqrt(way), slack);
}

/* The library's parameters as they are now, so that only inference itself is compared. */
static void compare_inference(run *r)
{
    size_t scores = units_scores(r->oracle);
    float *goodness;
    double *expected;
    mf_batch batch;

    draw_batch(r, 1);
    batch = batch_of(r);
    goodness = get_memory(r->rows * scores * sizeof *goodness);
    expected = get_memory(r->rows * scores * sizeof *expected);
    units_read(r->oracle, r->layer);
    units_infer(r->oracle, r->rows, r->exact_x, r->exact_a, expected);
    check_ok(mf_layer_forward_batch(r->layer, r->workspace, &batch, r->a));
    check_ok(mf_layer_goodness(r->layer, r->workspace, r->rows, r->a, goodness));
    compare_activation(r, "activation in inference");
    compare_values(r, "goodness", expected, goodness, r->rows * scores,
                   largest_of(r->exact_a, r->rows * r->outputs) *
                       largest_of(r->oracle->projection.value, r->oracle->projection.count));
    free(goodness);
    free(expected);
}

/* ---- runs ---- */

static int run_step(run *r, int step)
{
    double worst = 0.0, factor = 1.0;
    oracle_result expected;
    mf_batch batch;

    if (!find_batch(r, &worst))
        return 0;
    if (step == 0)
        check_first_gradients(r);
    batch = batch_of(r);
    expected = units_step(r->oracle, &r->hyper, r->rows, r->exact_x, r->y, exact_weights(r), r->exact_a);
    check_ok(mf_layer_step_batch(r->layer, r->workspace, &batch, r->a));
    compare_activation(r, "activation");
    compare_report(r, "a step", step + 1, &expected);
    if (r->hyper.clip > 0.0 && expected.gradient_norm > r->hyper.clip)
        factor = r->hyper.clip / expected.gradient_norm;
    r->largest = fmax(r->largest, factor * largest_gradient(r->oracle));
    return 1;
}

int run_units_case(const units_case *t)
{
    run r;
    int steps = t->steps ? t->steps : 3, done = 0;

    start_oracles(&r, t);
    start_library(&r);
    compare_inference(&r);
    while (done < steps && run_step(&r, done))
        done++;
    if (done == steps) {
        for (size_t i = 0; i < r.oracle->listed; i++)
            compare_parameter_here(&r, i, steps);
        compare_inference(&r);
    }
    end_run(&r);
    return done == steps;
}

int try_units_case(const units_case *t, double *worst)
{
    run r;
    int found;

    start_oracles(&r, t);
    found = find_batch(&r, worst);
    end_run(&r);
    return found;
}
