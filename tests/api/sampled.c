/* Heads that sample: steps against a model in double precision, gradients against differences, the laws
 * against sums over all classes. What is drawn shows in the rows of M that have a gradient.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "memory.h"
#include "models.h"
#include "oracle.h"
#include "random.h"
#include "units.h"

enum { INPUTS = 6, OUTPUTS = 5, CLASSES = 200, ROWS = 7, STEPS = 12 };

static units_plan sampled_plan(int32_t sampling, size_t candidates)
{
    units_plan plan = plan_row(INPUTS, CLASSES);

    plan_add(&plan, unit_dense(OUTPUTS));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan.head.sampling = sampling;
    plan.head.candidates = candidates;
    plan.head.projection_gain = 3.0f;
    return plan;
}

/* Sets counts c % 4 of all classes but for a few. */
static void set_counts(mf_layer *layer, size_t classes)
{
    float *counts = get_memory(classes * sizeof *counts);

    for (size_t c = 0; c < classes; c++)
        counts[c] = (float)(c % 4);
    check_ok(mf_layer_set_parameter(layer, "head.counts", counts, classes));
    free(counts);
}

typedef struct data {
    float x[ROWS * INPUTS], weights[ROWS];
    int32_t y[ROWS];
} data;

static data draw_data(uint64_t seed)
{
    data d;
    test_random random = {.state = seed};

    random_values(&random, d.x, ROWS * INPUTS, 1.0);
    random_labels(&random, d.y, ROWS, CLASSES);
    for (size_t r = 0; r < ROWS; r++)
        d.weights[r] = r == 2 ? 0.0f : (float)random_uniform(&random, 0.5, 2.0);
    d.y[4] = d.y[1]; /* a label twice */
    return d;
}

static mf_batch batch_of(const data *d)
{
    mf_batch batch = make_batch(ROWS, d->x, d->y);

    batch.sample_weights = d->weights;
    return batch;
}

static mf_workspace *workspace_of(mf_layer *layer)
{
    return make_layer_workspace(layer, ROWS);
}

/* ---- the model in double precision: tanh(x W^T + b), and scores of the classes `scored` ---- */

typedef struct model {
    oracle_parameter weight, bias, projection;
    unsigned char scored[CLASSES];
    double offsets[CLASSES]; /* of scored classes that are no labels */
} model;

static model *make_model(const mf_layer *layer)
{
    model *m = get_zeroed(1, sizeof *m);

    m->weight = oracle_new_parameter(OUTPUTS * INPUTS, 1);
    m->bias = oracle_new_parameter(OUTPUTS, 0);
    m->projection = oracle_new_parameter(CLASSES * OUTPUTS, 1);
    oracle_read_parameter(&m->weight, layer, "units.1.weight", 1);
    oracle_read_parameter(&m->bias, layer, "units.1.bias", 1);
    oracle_read_parameter(&m->projection, layer, "head.projection", 1);
    return m;
}

static void free_model(model *m)
{
    oracle_free_parameter(&m->weight);
    oracle_free_parameter(&m->bias);
    oracle_free_parameter(&m->projection);
    free(m);
}

/* The loss of the scored classes, and all gradients. */
static double model_gradients(model *m, const data *d)
{
    double total = 0.0, loss = 0.0;

    memset(m->weight.gradient, 0, m->weight.count * sizeof(double));
    memset(m->bias.gradient, 0, m->bias.count * sizeof(double));
    memset(m->projection.gradient, 0, m->projection.count * sizeof(double));
    for (size_t r = 0; r < ROWS; r++)
        total += (double)d->weights[r];
    for (size_t r = 0; r < ROWS; r++) {
        double a[OUTPUTS], g[CLASSES], da[OUTPUTS] = {0}, sum = 0.0, weight = (double)d->weights[r] / total;

        for (size_t j = 0; j < OUTPUTS; j++) {
            double z = m->bias.value[j];
            for (size_t i = 0; i < INPUTS; i++)
                z += m->weight.value[j * INPUTS + i] * (double)d->x[r * INPUTS + i];
            a[j] = tanh(z);
        }
        for (size_t c = 0; c < CLASSES; c++) {
            g[c] = m->offsets[c];
            for (size_t j = 0; j < OUTPUTS; j++)
                g[c] += m->projection.value[c * OUTPUTS + j] * a[j];
            sum += m->scored[c] ? exp(g[c]) : 0.0;
        }
        loss += weight * (log(sum) - g[d->y[r]]);
        for (size_t c = 0; c < CLASSES; c++) {
            double dg = m->scored[c] ? weight * (exp(g[c]) / sum - (c == (size_t)d->y[r])) : 0.0;
            for (size_t j = 0; j < OUTPUTS; j++) {
                m->projection.gradient[c * OUTPUTS + j] += dg * a[j];
                da[j] += dg * m->projection.value[c * OUTPUTS + j];
            }
        }
        for (size_t j = 0; j < OUTPUTS; j++) {
            double dz = da[j] * (1.0 - a[j] * a[j]);
            m->bias.gradient[j] += dz;
            for (size_t i = 0; i < INPUTS; i++)
                m->weight.gradient[j * INPUTS + i] += dz * (double)d->x[r * INPUTS + i];
        }
    }
    return loss;
}

/* Which classes the next step scores, from the gradient of M, and the offsets if every one that is no label
 * was drawn once and `expected` times on average. */
static void find_scored(model *m, mf_layer *layer, mf_workspace *workspace, const data *d, double expected)
{
    size_t count = count_gradients(layer), first = OUTPUTS * INPUTS + OUTPUTS;
    float *gradients = get_memory(count * sizeof *gradients);
    mf_batch batch = batch_of(d);

    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    for (size_t c = 0; c < CLASSES; c++) {
        m->scored[c] = gradients[first + c * OUTPUTS] != 0.0f;
        m->offsets[c] = log(1.0 / expected);
    }
    for (size_t r = 0; r < ROWS; r++) {
        m->scored[d->y[r]] = 1; /* also where its weight is 0 */
        m->offsets[d->y[r]] = 0.0;
    }
    free(gradients);
}

static void compare(const char *what, const mf_layer *layer, const char *name, const oracle_parameter *p)
{
    size_t count;
    float *values = read_parameter(layer, name, &count);

    for (size_t i = 0; i < count; i++)
        if (fabs((double)values[i] - p->value[i]) > 2e-4 * (1.0 + fabs(p->value[i])))
            fail_msg("%s: value %zu of %s is %g, the model has %g", what, i, name, (double)values[i],
                     p->value[i]);
    free(values);
}

/* A lazy update: rows that are not scored keep values and state. */
static void model_update(model *m, const oracle_optimizer *how)
{
    double scale = 1.0, squares = oracle_squared_norm(&m->weight) + oracle_squared_norm(&m->bias) +
                                  oracle_squared_norm(&m->projection);
    oracle_parameter *p = &m->projection;
    double *kept[3] = {p->value, p->first, p->second};
    double before[3][CLASSES * OUTPUTS];

    if (how->clip > 0.0 && sqrt(squares) > how->clip)
        scale = how->clip / sqrt(squares);
    for (int k = 0; k < 3; k++)
        memcpy(before[k], kept[k], sizeof before[k]);
    oracle_update(&m->weight, how, scale);
    oracle_update(&m->bias, how, scale);
    oracle_update(p, how, scale);
    for (size_t i = 0; i < CLASSES * OUTPUTS; i++)
        for (int k = 0; k < 3 && !m->scored[i / OUTPUTS]; k++)
            kept[k][i] = before[k][i];
}

static const oracle_optimizer optimizers[] = {
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.3},
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .momentum = 0.9, .decay = 0.01, .clip = 0.2},
    {.kind = MF_OPTIMIZER_ADAM, .rate = 0.02, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-4, .decay = 0.01},
    {.kind = MF_OPTIMIZER_RMSPROP, .rate = 0.02, .momentum = 0.5, .beta2 = 0.9, .epsilon = 1e-3},
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

/* With S = m / 10 of equal chance, each ten classes have one candidate, and its offset is log 10. */
static void test_steps_match_the_model(void **state)
{
    (void)state;
    for (size_t o = 0; o < COUNT_OF(optimizers); o++) {
        units_plan plan = sampled_plan(MF_SAMPLING_UNIFORM, CLASSES / 10);
        mf_layer *layer = make_units(&plan);
        mf_optimizer *optimizer = optimizer_of(&optimizers[o]);
        mf_workspace *workspace = workspace_of(layer);
        model *m = make_model(layer);
        size_t differ = 0;
        unsigned char before[CLASSES] = {0};

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        for (uint64_t t = 0; t < STEPS; t++) {
            data d = draw_data(100 + t);
            mf_batch batch = batch_of(&d);

            find_scored(m, layer, workspace, &d, 0.1);
            for (size_t c = 0; c < CLASSES; c += 10) {
                size_t here = 0, labels = 0;
                for (size_t i = c; i < c + 10; i++) {
                    here += m->scored[i];
                    for (size_t r = 0; r < ROWS; r++)
                        labels += d.y[r] == (int32_t)i;
                }
                assert_in_range(here, 1, 1 + labels);
            }
            double loss = model_gradients(m, &d);
            check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
            mf_report report = read_report(workspace, 0);
            check_near(loss, report.loss, 1e-4 * loss);
            model_update(m, &optimizers[o]);
            compare("step", layer, "units.1.weight", &m->weight);
            compare("step", layer, "units.1.bias", &m->bias);
            compare("step", layer, "head.projection", &m->projection);
            differ += memcmp(before, m->scored, sizeof before) != 0;
            memcpy(before, m->scored, sizeof before);
        }
        assert_int_equal(differ, STEPS); /* each batch has candidates of its own */
        free_model(m);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

/* Draws that are sure: every class once, or as often as its count; then S p is k, and nothing is corrected.
 */
static void test_all_classes_are_the_full_softmax(void **state)
{
    (void)state;
    for (int32_t law = MF_SAMPLING_UNIFORM; law <= MF_SAMPLING_COUNTS; law += 2) {
        units_plan plan = sampled_plan(law, law == MF_SAMPLING_UNIFORM ? CLASSES : 150);
        mf_layer *layer = make_units(&plan);
        mf_workspace *workspace = workspace_of(layer);
        model *m = make_model(layer);
        data d = draw_data(3);
        size_t count = count_gradients(layer), first = OUTPUTS * INPUTS + OUTPUTS;
        float *gradients = get_memory(count * sizeof *gradients), counts[CLASSES] = {0};
        mf_batch batch = batch_of(&d);

        for (size_t c = 0; c < CLASSES; c++) {
            m->scored[c] = law == MF_SAMPLING_UNIFORM || c % 2 == 0;
            counts[c] = c % 4 == 0 ? 1.0f : c % 4 == 2 ? 2.0f : 0.0f; /* 150 altogether */
        }
        for (size_t r = 0; r < ROWS; r++)
            m->scored[d.y[r]] = 1;
        if (law == MF_SAMPLING_COUNTS)
            check_ok(mf_layer_set_parameter(layer, "head.counts", counts, CLASSES));
        double loss = model_gradients(m, &d);
        check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
        check_near(loss, read_report(workspace, 0).loss, 1e-5);
        for (size_t i = 0; i < first; i++)
            check_near(i < OUTPUTS * INPUTS ? m->weight.gradient[i] : m->bias.gradient[i - OUTPUTS * INPUTS],
                       gradients[i], 1e-5);
        for (size_t i = 0; i < CLASSES * OUTPUTS; i++)
            check_near(m->projection.gradient[i], gradients[first + i], 1e-5);
        free(gradients);
        free_model(m);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

/* The sum of exponentials that a step uses is right on average, for one row with scores that differ much. */
static void test_sums_are_right_on_average(void **state)
{
    enum { DRAWS = 4000, FEW = 40 };

    (void)state;
    for (int32_t kind = 0; kind < 2 * MF_SAMPLING_COUNTS; kind++) {
        int32_t law = 1 + kind / 2;
        units_plan plan = plan_row(1, FEW);
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
        float one = 1.0f, m[FEW], counts[FEW];
        double exact = 0.0, mean = 0.0, square = 0.0;
        int32_t y = 7;

        plan_add(&plan, unit_dense(1));
        plan.head.sampling = law;
        plan.head.candidates = kind % 2 ? 29 : 5;
        mf_layer *layer = make_units(&plan);
        mf_workspace *workspace = make_layer_workspace(layer, 1);
        for (size_t c = 0; c < FEW; c++) {
            m[c] = (float)(c % 7) * 0.5f - (float)c * 0.03f;
            counts[c] = 1.0f + (float)(c % 3) * 2.5f;
            exact += exp((double)m[c]);
        }
        check_ok(mf_layer_set_parameter(layer, "units.1.weight", &one, 1));
        check_ok(mf_layer_set_parameter(layer, "units.1.bias", &(float){0.0f}, 1));
        check_ok(mf_layer_set_parameter(layer, "head.projection", m, FEW));
        if (law == MF_SAMPLING_COUNTS)
            check_ok(mf_layer_set_parameter(layer, "head.counts", counts, FEW));
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        for (int t = 0; t < DRAWS; t++) {
            check_ok(mf_layer_step(layer, workspace, 1, &one, &y, NULL));
            double sum = exp(read_report(workspace, 0).loss + (double)m[y]);
            mean += sum / DRAWS;
            square += sum * sum / DRAWS;
        }
        double deviation = sqrt((square - mean * mean) / DRAWS);
        assert_true(deviation > 0.0 && deviation < 0.02 * exact);
        check_near(exact, mean, 4.0 * deviation);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

/* ---- every kind of head ---- */

enum { KINDS = 4 };

static units_plan plan_of_kind(size_t kind)
{
    units_plan plan = kind == 0   ? plan_row(8, 60)
                      : kind == 1 ? plan_maps(2, 2, 2, 60)
                      : kind == 2 ? plan_sequence(2, 4, 60)
                                  : plan_row(8, 60);

    plan_add(&plan, kind == 1 ? unit_conv(4, 3, 1) : unit_dense(6));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    if (kind == 1)
        plan.head.pool_size = 1;
    if (kind == 2)
        plan.head.kind = MF_HEAD_POSITIONS;
    if (kind == 3) { /* of low rank */
        plan.head.output_node = 2;
        plan_add(&plan, unit_dense(3));
    }
    plan.head.sampling = kind == 0   ? MF_SAMPLING_UNIFORM
                         : kind == 1 ? MF_SAMPLING_LOG_UNIFORM
                                     : MF_SAMPLING_COUNTS;
    plan.head.candidates = kind == 0 ? 50 : 11; /* more than 32 columns, and fewer */
    return plan;
}

static mf_layer *layer_of_kind(size_t kind)
{
    units_plan plan = plan_of_kind(kind);
    mf_layer *layer = make_units(&plan);

    if (plan.head.sampling == MF_SAMPLING_COUNTS)
        set_counts(layer, 60);
    return layer;
}

/* x [5, 8]; labels of 5 rows, or of 2 positions each, of which one is ignored. */
static mf_batch batch_of_kind(size_t kind, float *x, int32_t *y)
{
    test_random random = {.state = 8};
    mf_batch batch = make_batch(5, x, y);

    random_values(&random, x, 40, 1.0);
    random_labels(&random, y, 10, 60);
    if (kind == 2)
        y[3] = MF_LABEL_IGNORED;
    return batch;
}

/* The same candidates come as long as the layer learns from no batch, so the loss is a function. */
static void test_gradients_match_differences(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        mf_layer *layer = layer_of_kind(kind);
        mf_workspace *workspace = make_layer_workspace(layer, 5);
        size_t count = count_gradients(layer), parameters = 0, at = 0, zero = 0;
        float *gradients = get_memory(count * sizeof *gradients), *other = get_memory(count * sizeof *other);
        float x[40];
        int32_t y[10];
        mf_batch batch = batch_of_kind(kind, x, y);

        check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
        check_ok(mf_layer_parameter_count(layer, &parameters));
        for (size_t p = 0; p < parameters; p++) {
            mf_parameter_info info = {.struct_size = sizeof info};

            check_ok(mf_layer_parameter_info(layer, p, &info));
            float *values = read_parameter(layer, info.name, &info.count);
            for (size_t i = 0; i < info.count; i++) {
                double loss[2];
                float kept = values[i], step = 1e-2f;

                zero += gradients[at + i] == 0.0f;
                if (strcmp(info.name, "head.counts") == 0) {
                    check_near(0.0, gradients[at + i], 0.0);
                    continue;
                }
                for (int side = 0; side < 2; side++) {
                    values[i] = kept + (side ? step : -step);
                    check_ok(mf_layer_set_parameter(layer, info.name, values, info.count));
                    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, other, count));
                    loss[side] = read_report(workspace, 0).loss;
                }
                values[i] = kept;
                check_near((loss[1] - loss[0]) / (2.0 * (double)step), gradients[at + i], 2e-3);
            }
            check_ok(mf_layer_set_parameter(layer, info.name, values, info.count));
            free(values);
            at += info.count;
        }
        assert_true(zero > 60);
        free(gradients);
        free(other);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

static void test_rows_that_are_not_scored_keep_their_bits(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        mf_layer *layer = layer_of_kind(kind);
        mf_workspace *workspace = make_layer_workspace(layer, 5);
        mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_ADAMW, 0.1);
        mf_optimizer *optimizer;
        float x[40], *gradients = get_memory(count_gradients(layer) * sizeof *gradients);
        int32_t y[10];
        mf_batch batch = batch_of_kind(kind, x, y);
        size_t count, kept = 0;

        how.weight_decay = 0.1f;
        check_ok(mf_optimizer_create(&how, &optimizer));
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        for (int t = 0; t < 5; t++) {
            float *before = read_parameter(layer, "head.projection", &count);
            check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count_gradients(layer)));
            check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
            float *after = read_parameter(layer, "head.projection", &count);
            size_t end = count_gradients(layer) - (has_parameter(layer, "head.counts") ? 60 : 0);
            const float *dm = gradients + end - count;
            for (size_t i = 0; i < count; i++) {
                size_t row = i / (count / 60) * (count / 60), scored = 0;
                for (size_t j = row; j < row + count / 60; j++)
                    scored |= dm[j] != 0.0f;
                assert_true(scored == (memcmp(&before[row], &after[row], count / 60 * sizeof(float)) != 0));
                kept += !scored;
            }
            free(before);
            free(after);
        }
        assert_true(kept > 0);
        free(gradients);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

/* ---- memory, files, changes ---- */

static void test_memory_is_as_said_and_steps_allocate_nothing(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        test_memory seen = {0};
        mf_allocator allocator = memory_allocator(&seen);
        units_plan plan = plan_of_kind(kind);
        mf_builder *builder = make_builder(&plan, &allocator);
        mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_ADAM, 0.01);
        mf_memory memory = {.struct_size = sizeof memory};
        mf_workspace_spec wanted;
        mf_workspace *workspace;
        mf_optimizer *optimizer;
        mf_layer *layer;
        float x[40];
        int32_t y[10];
        mf_batch batch = batch_of_kind(kind, x, y);

        check_ok(mf_network_memory_built(&builder, 1, &how, MF_WORKSPACE_TRAINING, 5, &memory));
        size_t before = seen.bytes_out;
        check_ok(mf_layer_build(builder, &layer));
        assert_int_equal(seen.bytes_out - before, memory.layers);
        check_ok(mf_optimizer_create(&how, &optimizer));
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        assert_int_equal(seen.bytes_out - before, memory.layers + memory.state);
        mf_network *network = make_network();
        check_ok(mf_network_append(network, layer, NULL));
        check_ok(mf_workspace_spec_init(&wanted, sizeof wanted));
        wanted.network = network;
        wanted.max_batch = 5;
        wanted.allocator = &allocator;
        before = seen.bytes_out;
        check_ok(mf_workspace_create(&wanted, &workspace));
        assert_int_equal(seen.bytes_out - before, memory.workspace);
        size_t calls = seen.calls;
        for (size_t rows = 1; rows <= 5; rows++) {
            batch.rows = rows;
            check_ok(mf_network_step_batch(network, workspace, &batch));
        }
        assert_int_equal(seen.calls, calls);
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
        mf_builder_free(builder);
        assert_int_equal(seen.blocks_out, 0);
    }
}

/* The room for scores is that of the candidates, and not that of the classes. */
static void test_steps_have_no_room_for_all_scores(void **state)
{
    units_plan plan = plan_row(16, 100000);
    mf_memory memory[2] = {{.struct_size = sizeof memory[0]}, {.struct_size = sizeof memory[0]}};

    (void)state;
    plan_add(&plan, unit_dense(16));
    for (int sampled = 0; sampled < 2; sampled++) {
        plan.head.sampling = sampled ? MF_SAMPLING_LOG_UNIFORM : MF_SAMPLING_NONE;
        plan.head.candidates = sampled ? 500 : 0;
        mf_builder *builder = make_builder(&plan, NULL);
        check_ok(mf_network_memory_built(&builder, 1, NULL, MF_WORKSPACE_TRAINING, 64, &memory[sampled]));
        mf_builder_free(builder);
    }
    assert_true(memory[0].workspace > 64 * 100000 * sizeof(float));
    assert_true(memory[1].workspace <
                64 * (2 * 4096 + 1000 + 10 * 16) * sizeof(float) + 100000 * sizeof(int32_t));
}

static void test_training_resumes_from_files_and_snapshots(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        mf_layer *layer = layer_of_kind(kind);
        mf_network *network = make_network(), *again, *clone;
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.03);
        float x[40];
        int32_t y[10];
        mf_batch batch = batch_of_kind(kind, x, y);
        size_t bytes, size;

        check_ok(mf_network_append(network, layer, NULL));
        check_ok(mf_network_set_optimizer(network, optimizer));
        mf_workspace *workspace = make_network_workspace(network, 5);
        for (int t = 0; t < 3; t++)
            check_ok(mf_network_step_batch(network, workspace, &batch));
        void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
        check_ok(mf_network_snapshot_size(network, &size));
        void *snapshot = get_memory(size);
        check_ok(mf_network_snapshot_save(network, snapshot, size));
        check_ok(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &clone));
        for (int t = 0; t < 3; t++)
            check_ok(mf_network_step_batch(network, workspace, &batch));
        mf_network *others[3] = {model_load(MF_CONTENTS_TRAINING, file, bytes), clone,
                                 model_load(MF_CONTENTS_TRAINING, file, bytes)};
        again = others[2];
        mf_workspace *side = make_network_workspace(again, 5);
        check_ok(mf_network_step_batch(again, side, &batch));
        check_ok(mf_network_snapshot_load(again, snapshot, size));
        mf_workspace_free(side);
        for (int o = 0; o < 3; o++) {
            side = make_network_workspace(others[o], 5);
            for (int t = 0; t < 3; t++)
                check_ok(mf_network_step_batch(others[o], side, &batch));
            check_same_model(network, others[o]);
            mf_workspace_free(side);
            mf_network_free(others[o]);
        }
        free(file);
        free(snapshot);
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

static void test_evaluation_scores_all_classes(void **state)
{
    units_plan plan = plan_of_kind(0);
    mf_layer *layers[2];
    float x[40], goodness[2][5 * 60];
    int32_t y[10];
    mf_batch batch = batch_of_kind(0, x, y);
    double loss[2];

    (void)state;
    layers[0] = make_units(&plan);
    plan.head.sampling = MF_SAMPLING_NONE;
    plan.head.candidates = 0;
    layers[1] = make_units(&plan);
    for (int i = 0; i < 2; i++) {
        mf_network *network = make_network();
        check_ok(mf_network_append(network, layers[i], NULL));
        mf_workspace *workspace = make_network_workspace(network, 5);
        check_ok(mf_network_evaluate_batch(network, workspace, &batch));
        loss[i] = read_report(workspace, 0).loss;
        check_ok(mf_network_infer(network, workspace, MF_PREDICT_LAST, &batch, NULL, goodness[i], NULL));
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_layer_free(layers[i]);
    }
    assert_memory_equal(&loss[0], &loss[1], sizeof loss[0]);
    assert_memory_equal(goodness[0], goodness[1], sizeof goodness[0]);
}

static void test_classes_change_with_their_counts(void **state)
{
    mf_layer *layer = layer_of_kind(2);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.03);
    mf_workspace *workspace;
    size_t count;
    float x[40];
    int32_t y[10];
    mf_batch batch = batch_of_kind(2, x, y);

    (void)state;
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_status(MF_STATUS_ARGUMENT, mf_layer_set_classes(layer, 10));
    check_message("candidates must be from 1 to the 10 classes, got 11");
    assert_int_equal(parameter_count(layer, "head.counts"), 60);
    check_ok(mf_layer_set_classes(layer, 70));
    float *counts = read_parameter(layer, "head.counts", &count);
    assert_int_equal(count, 70);
    for (size_t c = 0; c < count; c++)
        check_near(1.0, counts[c], 0.0);
    free(counts);
    workspace = make_layer_workspace(layer, 5);
    y[0] = 69;
    check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* ---- what is refused ---- */

static void refuse_of(size_t classes, int32_t sampling, size_t candidates, float smoothing, int32_t reserved,
                      const char *part)
{
    units_plan plan = plan_row(4, classes);
    mf_builder *builder;

    plan.head.sampling = sampling;
    plan.head.candidates = candidates;
    plan.head.label_smoothing = smoothing;
    plan.head.reserved = reserved;
    mf_builder_spec spec = builder_spec(&plan.input);
    check_ok(mf_builder_create(&spec, &builder));
    check_status(MF_STATUS_ARGUMENT, mf_builder_head(builder, &plan.head));
    check_message(part);
    mf_builder_free(builder);
}

static void refuse(int32_t sampling, size_t candidates, float smoothing, int32_t reserved, const char *part)
{
    refuse_of(20, sampling, candidates, smoothing, reserved, part);
}

static void test_wrong_heads_are_refused(void **state)
{
    (void)state;
    refuse_of(1 << 25, MF_SAMPLING_UNIFORM, (1 << 24) + 1, 0.0f, 0,
              "candidates must be at most 16777216, got 16777217");
    refuse(4, 3, 0.0f, 0, "unknown sampling 4");
    refuse(-1, 3, 0.0f, 0, "unknown sampling -1");
    refuse(MF_SAMPLING_NONE, 3, 0.0f, 0, "candidates must be 0 without sampling, got 3");
    refuse(MF_SAMPLING_UNIFORM, 0, 0.0f, 0, "candidates must be from 1 to the 20 classes, got 0");
    refuse(MF_SAMPLING_COUNTS, 21, 0.0f, 0, "candidates must be from 1 to the 20 classes, got 21");
    refuse(MF_SAMPLING_UNIFORM, SIZE_MAX, 0.0f, 0, "candidates must be from 1 to the 20 classes");
    refuse(MF_SAMPLING_LOG_UNIFORM, 3, 0.1f, 0, "label_smoothing must be 0 with sampling, got 0.1");
    refuse(MF_SAMPLING_NONE, 0, 0.0f, 1, "reserved must be 0, got 1");

    mf_layer *layer = layer_of_kind(0);
    check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, MF_LAYER_LABEL_SMOOTHING, 0.1));
    check_ok(mf_layer_set(layer, MF_LAYER_LABEL_SMOOTHING, 0.0));
    check_ok(mf_layer_set(layer, MF_LAYER_DROPOUT, 0.1));
    mf_layer_free(layer);
}

static void test_wrong_counts_are_refused(void **state)
{
    mf_layer *layer = layer_of_kind(2);
    float counts[60];
    saved_values before = save_layer_values(layer);

    (void)state;
    for (size_t c = 0; c < 60; c++)
        counts[c] = 2.0f;
    counts[33] = -1.0f;
    check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(layer, "head.counts", counts, 60));
    check_message("value 33 of the counts is -1");
    counts[33] = (float)NAN;
    check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(layer, "head.counts", counts, 60));
    memset(counts, 0, sizeof counts);
    check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(layer, "head.counts", counts, 60));
    check_message("all 60 counts are 0");
    for (size_t c = 0; c < 60; c++)
        counts[c] = 1e-40f; /* 0 for a step */
    check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(layer, "head.counts", counts, 60));
    check_status(MF_STATUS_SHAPE, mf_layer_set_parameter(layer, "head.counts", counts, 59));
    check_layer_unchanged(&before, layer);
    free_saved_values(&before);
    mf_layer_free(layer);
}

/* Averages of counts may be too small: nothing is drawn, so nothing is learned. */
static void test_counts_that_an_average_leaves_none_of(void **state)
{
    mf_layer *layers[2] = {layer_of_kind(2), layer_of_kind(2)};
    mf_network *networks[2];
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    saved_values before;
    size_t gradients = count_gradients(layers[0]);
    float x[40], *to = get_memory(gradients * sizeof *to);
    int32_t y[10];
    mf_batch batch = batch_of_kind(2, x, y);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        float counts[60] = {0};

        counts[i] = FLT_MIN;
        check_ok(mf_layer_set_parameter(layers[i], "head.counts", counts, 60));
        networks[i] = make_network();
        check_ok(mf_network_append(networks[i], layers[i], NULL));
    }
    check_ok(mf_network_set_optimizer(networks[0], optimizer));
    check_ok(mf_network_blend_parameters(networks[0], networks[1], 0.5));
    mf_workspace *workspace = make_network_workspace(networks[0], 5);
    before = save_layer_values(layers[0]);
    check_status(MF_STATUS_NUMERIC, mf_network_step_batch(networks[0], workspace, &batch));
    check_message("layer 0: all 60 counts are 0, or too small for float32: no class can be drawn");
    check_status(MF_STATUS_NUMERIC, mf_layer_gradients(layers[0], workspace, &batch, NULL, to, gradients));
    check_message("counts are 0");
    check_layer_unchanged(&before, layers[0]);
    check_ok(mf_network_evaluate_batch(networks[0], workspace, &batch));
    check_ok(mf_network_copy_parameters(networks[0], networks[1]));
    check_ok(mf_network_step_batch(networks[0], workspace, &batch));
    free_saved_values(&before);
    free(to);
    mf_workspace_free(workspace);
    for (size_t i = 0; i < 2; i++) {
        mf_network_free(networks[i]);
        mf_layer_free(layers[i]);
    }
    mf_optimizer_free(optimizer);
}

/* One class has all the chances: the largest count, the first and the last class; and a sum that overflows
 * floats. */
static void test_extreme_counts(void **state)
{
    static const size_t only[] = {0, 59, 30};

    (void)state;
    for (size_t o = 0; o < 4; o++) {
        mf_layer *layer = layer_of_kind(2);
        mf_workspace *workspace = make_layer_workspace(layer, 5);
        size_t count = count_gradients(layer), scored = 0;
        float counts[60] = {0}, x[40], *gradients = get_memory(count * sizeof *gradients);
        int32_t y[10];
        mf_batch batch = batch_of_kind(2, x, y);

        for (size_t c = 0; c < 60; c++)
            counts[c] = o == 3 ? 3e38f : 0.0f;
        if (o < 3)
            counts[only[o]] = 1e-30f;
        for (size_t i = 0; i < 10; i++)
            y[i] = 5;
        check_ok(mf_layer_set_parameter(layer, "head.counts", counts, 60));
        check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
        assert_true(isfinite(read_report(workspace, 0).loss));
        for (size_t c = 0; c < 60; c++) {
            int here = gradients[count - 60 - 60 * 6 + c * 6] != 0.0f;
            scored += (size_t)here;
            assert_true(o == 3 || here == (c == 5 || c == only[o]));
        }
        assert_in_range(scored, 2, 12);
        free(gradients);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

/* The fields of a file that say more than they may, and counts that are. */
static void test_wrong_files_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\\\"candidates\\\":11", "\\\"candidates\\\":61"},
        {"\\\"candidates\\\":11", "\\\"candidates\\\":0"},
        {"\\\"sampling\\\":\\\"counts\\\"", "\\\"sampling\\\":\\\"none\\\""},
        {"\\\"sampling\\\":\\\"counts\\\"", "\\\"sampling\\\":\\\"zipf\\\""},
        {"\\\"sampling\\\":\\\"counts\\\"", "\\\"sampling\\\":\\\"uniform\\\""},
        {"\\\"sampling\\\":\\\"counts\\\",", ""},
    };
    mf_layer *layer = layer_of_kind(2);
    mf_network *network = make_network(), *loaded;
    size_t bytes;

    (void)state;
    check_ok(mf_network_append(network, layer, NULL));
    unsigned char *file = model_save(network, MF_CONTENTS_MODEL, &bytes);
    char *header = model_header(file, bytes);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        char *changed = replaced(header, changes[i].from, changes[i].to);
        check_model_header(MF_STATUS_FORMAT, file, bytes, changed, NULL);
        free(changed);
    }
    /* The counts are the last 60 values. */
    model_put_value(file + bytes - sizeof(float), -1.0f);
    assert_int_equal(model_refuse(MF_CONTENTS_MODEL, file, bytes), MF_STATUS_FORMAT);
    /* Counts that are all 0 are no law. */
    memset(file + bytes - 60 * sizeof(float), 0, 60 * sizeof(float));
    loaded = model_load(MF_CONTENTS_MODEL, file, bytes);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    check_ok(mf_network_set_optimizer(loaded, optimizer));
    mf_workspace *workspace = make_network_workspace(loaded, 5);
    float x[40];
    int32_t y[10];
    mf_batch batch = batch_of_kind(2, x, y);
    check_status(MF_STATUS_NUMERIC, mf_network_step_batch(loaded, workspace, &batch));
    check_message("all 60 counts are 0");
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
    mf_network_free(loaded);
    free(file);
    free(header);
    mf_network_free(network);
    mf_layer_free(layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_match_the_model),
        cmocka_unit_test(test_all_classes_are_the_full_softmax),
        cmocka_unit_test(test_sums_are_right_on_average),
        cmocka_unit_test(test_gradients_match_differences),
        cmocka_unit_test(test_rows_that_are_not_scored_keep_their_bits),
        cmocka_unit_test(test_memory_is_as_said_and_steps_allocate_nothing),
        cmocka_unit_test(test_steps_have_no_room_for_all_scores),
        cmocka_unit_test(test_training_resumes_from_files_and_snapshots),
        cmocka_unit_test(test_evaluation_scores_all_classes),
        cmocka_unit_test(test_classes_change_with_their_counts),
        cmocka_unit_test(test_wrong_heads_are_refused),
        cmocka_unit_test(test_wrong_counts_are_refused),
        cmocka_unit_test(test_counts_that_an_average_leaves_none_of),
        cmocka_unit_test(test_extreme_counts),
        cmocka_unit_test(test_wrong_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
