/* Heads that read one matrix: steps against a model in double precision, in which the head is W = E U + V Z
 * as a whole, and gradients against differences. SPDX-License-Identifier: MIT */
#include <math.h>

#include "oracle.h"
#include "random.h"
#include "units.h"

enum { WIDTH = 5, SHARED = 4, MOST_CLASSES = 120, MODEL_STEPS = 8, MODEL_BATCH = 7, MODEL_READS = 6 };

/* ---- the model: G = tanh(x B^T + b) W^T, with W = E U + V Z ---- */

typedef struct model {
    size_t classes, learned;
    float *matrix;                       /* E [classes, SHARED] */
    oracle_parameter body, bias, map, v; /* map [SHARED + learned, WIDTH]: U, and below it Z */
    unsigned char scored[MOST_CLASSES];
    double offset; /* of classes that are scored and no labels */
    double smoothing;
} model;

static model *make_model(const mf_layer *layer, const mf_matrix *matrix, size_t classes, size_t learned)
{
    model *m = get_zeroed(1, sizeof *m);

    m->classes = classes;
    m->learned = learned;
    m->matrix = get_memory(classes * SHARED * sizeof(float));
    check_ok(mf_matrix_values(matrix, m->matrix, classes * SHARED));
    m->body = oracle_new_parameter(WIDTH * MODEL_READS, 1);
    m->bias = oracle_new_parameter(WIDTH, 0);
    m->map = oracle_new_parameter((SHARED + learned) * WIDTH, 1);
    m->v = oracle_new_parameter(classes * learned, 1);
    oracle_read_parameter(&m->body, layer, "units.1.weight", 1);
    oracle_read_parameter(&m->bias, layer, "units.1.bias", 1);
    oracle_read_parameter(&m->map, layer, "units.3.weight", 1);
    oracle_read_parameter(&m->v, layer, "head.projection", 1);
    memset(m->scored, 1, sizeof m->scored);
    return m;
}

static void free_model(model *m)
{
    oracle_free_parameter(&m->body);
    oracle_free_parameter(&m->bias);
    oracle_free_parameter(&m->map);
    oracle_free_parameter(&m->v);
    free(m->matrix);
    free(m);
}

typedef struct data {
    float x[MODEL_BATCH * MODEL_READS], weights[MODEL_BATCH];
    int32_t y[MODEL_BATCH];
} data;

static data draw_data(uint64_t seed, size_t classes)
{
    data d;
    test_random random = {.state = seed};

    random_values(&random, d.x, MODEL_BATCH * MODEL_READS, 1.0);
    random_labels(&random, d.y, MODEL_BATCH, classes);
    for (size_t r = 0; r < MODEL_BATCH; r++)
        d.weights[r] = r == 2 ? 0.0f : (float)random_uniform(&random, 0.5, 2.0);
    return d;
}

static mf_batch batch_with(const data *d)
{
    mf_batch batch = make_batch(MODEL_BATCH, d->x, d->y);

    batch.sample_weights = d->weights;
    return batch;
}

/* W = E U + V Z, [classes, WIDTH]. */
static void form_w(const model *m, double *w)
{
    for (size_t c = 0; c < m->classes; c++)
        for (size_t j = 0; j < WIDTH; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < SHARED; k++)
                sum += (double)m->matrix[c * SHARED + k] * m->map.value[k * WIDTH + j];
            for (size_t k = 0; k < m->learned; k++)
                sum += m->v.value[c * m->learned + k] * m->map.value[(SHARED + k) * WIDTH + j];
            w[c * WIDTH + j] = sum;
        }
}

/* dU = E^T dW, dV = dW Z^T, dZ = V^T dW. */
static void spread_dw(model *m, const double *dw)
{
    for (size_t c = 0; c < m->classes; c++)
        for (size_t j = 0; j < WIDTH; j++) {
            double one = dw[c * WIDTH + j];
            for (size_t k = 0; k < SHARED; k++)
                m->map.gradient[k * WIDTH + j] += (double)m->matrix[c * SHARED + k] * one;
            for (size_t k = 0; k < m->learned; k++) {
                m->v.gradient[c * m->learned + k] += one * m->map.value[(SHARED + k) * WIDTH + j];
                m->map.gradient[(SHARED + k) * WIDTH + j] += m->v.value[c * m->learned + k] * one;
            }
        }
}

static void clear_gradients(model *m)
{
    memset(m->body.gradient, 0, m->body.count * sizeof(double));
    memset(m->bias.gradient, 0, m->bias.count * sizeof(double));
    memset(m->map.gradient, 0, m->map.count * sizeof(double));
    memset(m->v.gradient, 0, m->v.count * sizeof(double));
}

static void model_forward(const model *m, const float *x, double *a)
{
    for (size_t j = 0; j < WIDTH; j++) {
        double z = m->bias.value[j];
        for (size_t i = 0; i < MODEL_READS; i++)
            z += m->body.value[j * MODEL_READS + i] * (double)x[i];
        a[j] = tanh(z);
    }
}

static double model_gradients(model *m, const data *d)
{
    double w[MOST_CLASSES * WIDTH], dw[MOST_CLASSES * WIDTH] = {0}, total = 0.0, loss = 0.0;

    form_w(m, w);
    clear_gradients(m);
    for (size_t r = 0; r < MODEL_BATCH; r++)
        total += (double)d->weights[r];
    for (size_t r = 0; r < MODEL_BATCH; r++) {
        double a[WIDTH], g[MOST_CLASSES], da[WIDTH] = {0}, sum = 0.0, weight = (double)d->weights[r] / total;

        model_forward(m, d->x + r * MODEL_READS, a);
        for (size_t c = 0; c < m->classes; c++) {
            int labelled = 0;
            for (size_t i = 0; i < MODEL_BATCH; i++)
                labelled |= d->y[i] == (int32_t)c;
            g[c] = labelled ? 0.0 : m->offset;
            for (size_t j = 0; j < WIDTH; j++)
                g[c] += w[c * WIDTH + j] * a[j];
            sum += m->scored[c] ? exp(g[c]) : 0.0;
        }
        for (size_t c = 0; c < m->classes; c++) {
            double target = m->smoothing / (double)m->classes + (1.0 - m->smoothing) * (c == (size_t)d->y[r]);
            double dg = m->scored[c] ? weight * (exp(g[c]) / sum - target) : 0.0;
            loss += m->scored[c] ? weight * target * (log(sum) - g[c]) : 0.0;
            for (size_t j = 0; j < WIDTH; j++) {
                dw[c * WIDTH + j] += dg * a[j];
                da[j] += dg * w[c * WIDTH + j];
            }
        }
        for (size_t j = 0; j < WIDTH; j++) {
            double dz = da[j] * (1.0 - a[j] * a[j]);
            m->bias.gradient[j] += dz;
            for (size_t i = 0; i < MODEL_READS; i++)
                m->body.gradient[j * MODEL_READS + i] += dz * (double)d->x[r * MODEL_READS + i];
        }
    }
    spread_dw(m, dw);
    return loss;
}

/* Rows of V that are not scored keep values and state. */
static void model_update(model *m, const oracle_optimizer *how)
{
    double squares = oracle_squared_norm(&m->body) + oracle_squared_norm(&m->bias) +
                     oracle_squared_norm(&m->map) + oracle_squared_norm(&m->v);
    double scale = how->clip > 0.0 && sqrt(squares) > how->clip ? how->clip / sqrt(squares) : 1.0;
    double *kept[3] = {m->v.value, m->v.first, m->v.second}, before[3][MOST_CLASSES * 3];

    for (int k = 0; k < 3; k++)
        memcpy(before[k], kept[k], m->v.count * sizeof(double));
    oracle_update(&m->body, how, scale);
    oracle_update(&m->bias, how, scale);
    oracle_update(&m->map, how, scale);
    oracle_update(&m->v, how, scale);
    for (size_t i = 0; i < m->v.count; i++)
        for (int k = 0; k < 3 && !m->scored[i / m->learned]; k++)
            kept[k][i] = before[k][i];
}

static void compare(const mf_layer *layer, const char *name, const oracle_parameter *p)
{
    size_t count = 0;
    float *values = p->count > 0 ? read_parameter(layer, name, &count) : NULL;

    assert_int_equal(count, p->count);
    for (size_t i = 0; i < count; i++)
        if (fabs((double)values[i] - p->value[i]) > 3e-4 * (1.0 + fabs(p->value[i])))
            fail_msg("value %zu of %s is %g, the model has %g", i, name, (double)values[i], p->value[i]);
    free(values);
}

static const oracle_optimizer optimizers[] = {
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.3},
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .momentum = 0.9, .decay = 0.01, .clip = 0.2},
    {.kind = MF_OPTIMIZER_ADAM, .rate = 0.02, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-4, .decay = 0.01},
};

static mf_optimizer *optimizer_of(const oracle_optimizer *how)
{
    mf_optimizer_spec spec = optimizer_spec(how->kind, how->rate);
    mf_optimizer *optimizer;

    spec.momentum = (float)how->momentum;
    spec.beta1 = how->beta1 > 0.0 ? (float)how->beta1 : spec.beta1;
    spec.beta2 = how->beta2 > 0.0 ? (float)how->beta2 : spec.beta2;
    spec.epsilon = how->epsilon > 0.0 ? (float)how->epsilon : spec.epsilon;
    spec.weight_decay = (float)how->decay;
    spec.clip_norm = (float)how->clip;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

/* With S = m / 10 of equal chance, each ten classes have one candidate, whose offset is log 10: those are the
 * rows of V that have a gradient. */
static void find_scored(model *m, mf_layer *layer, mf_workspace *workspace, const data *d)
{
    size_t count = count_gradients(layer), first = count - m->v.count;
    float *gradients = get_memory(count * sizeof *gradients);
    mf_batch batch = batch_with(d);

    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    for (size_t c = 0; c < m->classes; c++)
        m->scored[c] = gradients[first + c * m->learned] != 0.0f;
    for (size_t r = 0; r < MODEL_BATCH; r++)
        m->scored[d->y[r]] = 1;
    m->offset = log(10.0);
    free(gradients);
}

typedef struct head_case {
    size_t classes, learned, candidates;
    float smoothing;
} head_case;

/* More and fewer than 32 columns, with and without columns of its own; sampled, all classes and a part. */
static const head_case cases[] = {{12, 0, 0, 0.0f},   {12, 2, 0, 0.1f},  {120, 0, 0, 0.1f},
                                  {120, 1, 0, 0.0f},  {120, 3, 0, 0.0f}, {120, 3, 12, 0.0f},
                                  {120, 0, 120, 0.0f}};

static mf_layer *layer_of(const head_case *c, const mf_matrix *matrix)
{
    units_plan plan = plan_row(MODEL_READS, c->classes);

    plan_add(&plan, unit_dense(WIDTH));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_shared(&plan, matrix, c->learned);
    plan.head.sampling = c->candidates > 0 ? MF_SAMPLING_UNIFORM : MF_SAMPLING_NONE;
    plan.head.candidates = c->candidates;
    plan.head.label_smoothing = c->smoothing;
    return make_units(&plan);
}

static void check_steps(const head_case *c, const oracle_optimizer *how)
{
    mf_matrix *matrix = make_matrix(c->classes, SHARED, 4);
    mf_layer *layer = layer_of(c, matrix);
    mf_optimizer *optimizer = optimizer_of(how);
    mf_workspace *workspace = make_layer_workspace(layer, MODEL_BATCH);
    model *m;

    check_ok(mf_layer_set_optimizer(layer, optimizer));
    m = make_model(layer, matrix, c->classes, c->learned);
    m->smoothing = (double)c->smoothing;
    for (uint64_t t = 0; t < MODEL_STEPS; t++) {
        data d = draw_data(100 + t, c->classes);
        mf_batch batch = batch_with(&d);

        if (c->candidates > 0 && c->candidates < c->classes)
            find_scored(m, layer, workspace, &d);
        double loss = model_gradients(m, &d);
        check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
        check_near(loss, read_report(workspace, 0).loss, 1e-4 * loss);
        model_update(m, how);
        compare(layer, "units.1.weight", &m->body);
        compare(layer, "units.1.bias", &m->bias);
        compare(layer, "units.3.weight", &m->map);
        compare(layer, "head.projection", &m->v);
    }
    free_model(m);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
    mf_matrix_free(matrix);
}

static void test_steps_match_the_model(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++)
        for (size_t o = 0; o < COUNT_OF(optimizers); o++)
            check_steps(&cases[c], &optimizers[o]);
}

/* ---- every kind of head against differences ---- */

enum { KINDS = 5, KIND_CLASSES = 40 };

/* Behind a unit of its own; pooled maps; positions; columns of M side by side with the output itself; with
 * similarity. */
static units_plan plan_of_kind(size_t kind, const mf_matrix *matrix)
{
    units_plan plan = kind == 1   ? plan_maps(2, 2, 2, KIND_CLASSES)
                      : kind == 2 ? plan_sequence(2, 4, KIND_CLASSES)
                                  : plan_row(8, KIND_CLASSES);

    plan_add(&plan, kind == 1 ? unit_conv(6, 3, 1) : unit_dense(6));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan.head.shared = matrix;
    if (kind == 0)
        plan_shared(&plan, matrix, 3);
    if (kind == 1)
        plan.head.pool_size = 1;
    if (kind == 2)
        plan.head.kind = MF_HEAD_POSITIONS;
    if (kind == 2 || kind == 3) {
        plan.head.sampling = kind == 2 ? MF_SAMPLING_LOG_UNIFORM : MF_SAMPLING_COUNTS;
        plan.head.candidates = 9;
    }
    if (kind == 4) {
        plan_add(&plan, unit_dense(5));
        plan.head.similarity = 0.5f;
    }
    return plan;
}

static mf_batch batch_of_kind(size_t kind, float *x, int32_t *y)
{
    test_random random = {.state = 8};
    mf_batch batch = make_batch(5, x, y);

    random_values(&random, x, 40, 1.0);
    random_labels(&random, y, 10, KIND_CLASSES);
    if (kind == 2)
        y[3] = MF_LABEL_IGNORED;
    return batch;
}

static double loss_with(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, const char *name,
                        const float *values, size_t count)
{
    size_t all = count_gradients(layer);
    float *ignored = get_memory(all * sizeof *ignored);

    check_ok(mf_layer_set_parameter(layer, name, values, count));
    check_ok(mf_layer_gradients(layer, workspace, batch, NULL, ignored, all));
    free(ignored);
    return read_report(workspace, 0).loss;
}

static void test_gradients_match_differences(void **state)
{
    mf_matrix *matrix = make_matrix(KIND_CLASSES, SHARED, 5);

    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        units_plan plan = plan_of_kind(kind, matrix);
        mf_layer *layer = make_units(&plan);
        mf_workspace *workspace = make_layer_workspace(layer, 5);
        size_t all = count_gradients(layer), parameters = 0, at = 0;
        float *gradients = get_memory(all * sizeof *gradients), x[40];
        int32_t y[10];
        mf_batch batch = batch_of_kind(kind, x, y);

        check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, all));
        check_ok(mf_layer_parameter_count(layer, &parameters));
        for (size_t p = 0; p < parameters; p++) {
            mf_parameter_info info = {.struct_size = sizeof info};

            check_ok(mf_layer_parameter_info(layer, p, &info));
            float *values = read_parameter(layer, info.name, &info.count);
            for (size_t i = 0; i < info.count && strcmp(info.name, "head.counts") != 0; i++) {
                float kept = values[i];
                double losses[2];

                for (int side = 0; side < 2; side++) {
                    values[i] = kept + (side ? 1e-2f : -1e-2f);
                    losses[side] = loss_with(layer, workspace, &batch, info.name, values, info.count);
                }
                values[i] = kept;
                check_near((losses[1] - losses[0]) / 2e-2, gradients[at + i], 2e-3);
            }
            check_ok(mf_layer_set_parameter(layer, info.name, values, info.count));
            free(values);
            at += info.count;
        }
        free(gradients);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    mf_matrix_free(matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_match_the_model),
        cmocka_unit_test(test_gradients_match_differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
