/* A naive layer of several units in double precision. SPDX-License-Identifier: MIT */
#include "oracle_units.h"

#include <math.h>
#include <stdio.h>

#include "oracle_units_pass.h"

static const char *const own_names[UNIT_OWN] = {"weight", "bias", "scale", "mean", "variance"};

/* ---- shapes and parameters ---- */

static void settle_sizes(mf_unit_spec *spec)
{
    for (int d = 0; d < 2; d++) {
        if (spec->kernel[d] == 0)
            spec->kernel[d] = spec->kind == MF_UNIT_CONV2D ? 3 : 2;
        if (spec->stride[d] == 0)
            spec->stride[d] = spec->kind == MF_UNIT_CONV2D ? 1 : spec->kernel[d];
    }
    spec->groups = spec->groups ? spec->groups : 1;
}

static void settle_shape(units_node *node, const units_node *from, const units_node *other)
{
    const mf_unit_spec *spec = &node->spec;

    node->rank = from->rank;
    node->channels = from->channels;
    node->map[0] = from->map[0];
    node->map[1] = from->map[1];
    if ((spec->kind == MF_UNIT_DENSE && from->rank != 2) || spec->kind == MF_UNIT_GLOBAL_POOL) {
        node->rank = 1;
        node->map[0] = node->map[1] = 1;
    }
    if (spec->kind == MF_UNIT_CONCAT)
        node->channels += other->channels;
    if (spec->kind == MF_UNIT_TRANSPOSE) {
        node->channels = from->map[0];
        node->map[0] = from->channels;
    }
    if (spec->kind == MF_UNIT_TOKENS) {
        node->rank = 2;
        node->map[0] = from->places;
        node->map[1] = 1;
    }
    if (spec->kind == MF_UNIT_FLATTEN) {
        node->rank = 1;
        node->channels = from->values;
        node->map[0] = node->map[1] = 1;
    }
    if (spec->kind == MF_UNIT_ATTENTION) {
        node->spec.heads = spec->heads ? spec->heads : 1;
        node->channels = from->channels / 3;
        assert_true(node->channels * 3 == from->channels && node->channels % spec->heads == 0);
    }
    if (spec->kind == MF_UNIT_EMBEDDING) {
        node->rank = 2;
        node->map[0] = from->channels;
        node->channels = spec->outputs;
    }
    if (spec->kind == MF_UNIT_CONV2D)
        node->rank = 3;
    if (spec->kind == MF_UNIT_DENSE || spec->kind == MF_UNIT_CONV2D)
        node->channels = spec->outputs;
    for (int d = 0; d < 2; d++) {
        if (spec->kind == MF_UNIT_CONV2D)
            node->map[d] =
                maps_count_windows(from->map[d] + 2 * spec->padding[d], spec->kernel[d], spec->stride[d]);
        if (spec->kind == MF_UNIT_POOL)
            node->map[d] =
                maps_count_windows(from->map[d] + 2 * spec->padding[d], spec->kernel[d], spec->stride[d]);
    }
    node->places = node->map[0] * node->map[1];
    node->values = node->channels * node->places;
    assert_true(node->values > 0);
}

static void make_parameters(units_node *node, const units_node *from)
{
    const mf_unit_spec *spec = &node->spec;
    size_t weights = 0, batch = spec->kind == MF_UNIT_BATCH_NORM ? node->channels : 0;
    size_t normal = spec->kind == MF_UNIT_LAYER_NORM ? node->channels : batch;
    int product = spec->kind == MF_UNIT_DENSE || spec->kind == MF_UNIT_CONV2D;

    if (spec->kind == MF_UNIT_DENSE)
        weights = spec->outputs * (from->rank == 2 ? from->channels : from->values);
    if (spec->kind == MF_UNIT_CONV2D)
        weights = spec->outputs * from->channels / spec->groups * spec->kernel[0] * spec->kernel[1];
    if (spec->kind == MF_UNIT_POSITIONS)
        weights = node->values;
    if (spec->kind == MF_UNIT_EMBEDDING)
        weights = spec->vocabulary * spec->outputs;
    node->own[UNIT_WEIGHT] = oracle_new_parameter(weights, 1);
    node->own[UNIT_BIAS] = oracle_new_parameter((product || normal) && spec->bias ? node->channels : 0, 0);
    node->own[UNIT_SCALE] = oracle_new_parameter(normal, 0);
    for (size_t i = UNIT_MEAN; i <= UNIT_VARIANCE; i++)
        node->own[i] = oracle_new_parameter(batch, 0);
}

static void list_parameters(units_oracle *o)
{
    for (size_t n = 1; n <= o->count; n++)
        for (size_t i = 0; i < UNIT_OWN; i++) {
            units_parameter *next = &o->list[o->listed];

            if (o->nodes[n].own[i].count == 0)
                continue;
            snprintf(next->name, sizeof next->name, "units.%u.%s", (unsigned)n, own_names[i]);
            next->parameter = &o->nodes[n].own[i];
            next->learns = i != UNIT_MEAN && i != UNIT_VARIANCE;
            o->listed++;
        }
    o->list[o->listed++] = (units_parameter){"head.projection", &o->projection, 1};
}

static void make_node(units_oracle *o, size_t n)
{
    units_node *node = &o->nodes[n];

    node->spec = o->plan.units[n - 1];
    settle_sizes(&node->spec);
    for (int i = 0; i < 2; i++) {
        int32_t from = node->spec.inputs[i];

        node->from[i] = from == MF_NODE_PREVIOUS ? n - 1 : (size_t)from;
        assert_true(!unit_reads_two(node->spec.kind) || node->from[i] < n);
    }
    settle_shape(node, &o->nodes[node->from[0]], &o->nodes[node->from[1]]);
    make_parameters(node, &o->nodes[node->from[0]]);
}

units_oracle *units_create(const units_plan *plan)
{
    units_oracle *o = get_zeroed(1, sizeof *o);
    units_node *input = &o->nodes[0];
    const units_node *output;

    o->plan = *plan;
    o->count = plan->count;
    o->read = plan->head.input_node > 0 ? (size_t)plan->head.input_node
                                        : plan->count - (plan->head.similarity > 0.0f);
    o->output = plan->head.output_node > 0 ? (size_t)plan->head.output_node : o->read;
    output = &o->nodes[o->read];
    input->rank = plan->input.rank;
    input->channels = plan->input.dims[input->rank == 2];
    input->map[0] = plan->input.dims[input->rank != 2];
    input->map[1] = plan->input.dims[2];
    input->places = input->map[0] * input->map[1];
    input->values = input->channels * input->places;
    for (size_t n = 1; n <= o->count; n++)
        make_node(o, n);
    for (int d = 0; d < 2; d++)
        o->head[d] = plan->head.pool_size ? plan->head.pool_size : output->map[d];
    o->features = output->channels * o->head[0] * o->head[1];
    o->scored = 1;
    if (plan->head.kind == MF_HEAD_POSITIONS) {
        o->features = output->channels;
        o->scored = output->places;
    }
    o->projection = oracle_new_parameter(plan->head.classes * o->features, 1);
    list_parameters(o);
    units_forget_margins(o);
    return o;
}

void units_free(units_oracle *o)
{
    if (o == NULL)
        return;
    for (size_t n = 1; n <= o->count; n++)
        for (size_t i = 0; i < UNIT_OWN; i++)
            oracle_free_parameter(&o->nodes[n].own[i]);
    oracle_free_parameter(&o->projection);
    free(o);
}

const char *units_name(const units_oracle *o, const mf_layer *layer, size_t i)
{
    const char *name = o->list[i].name;

    return has_parameter(layer, name) ? name : strrchr(name, '.') + 1;
}

void units_read(units_oracle *o, const mf_layer *from)
{
    size_t count = 0;

    check_ok(mf_layer_parameter_count(from, &count));
    assert_int_equal(count, o->listed);
    for (size_t i = 0; i < o->listed; i++)
        oracle_read_parameter(o->list[i].parameter, from, units_name(o, from, i), 1);
}

static double draw_value(const units_parameter *one, size_t fan, test_random *random)
{
    double normal = random_normal(random);

    if (one->parameter->decays)
        return 1.5 * normal / sqrt((double)fan);
    if (strstr(one->name, "scale") != NULL)
        return 1.0 + 0.3 * normal;
    if (strstr(one->name, "variance") != NULL)
        return fabs(1.5 + 0.25 * normal) + 0.1;
    return 0.4 * normal;
}

void units_draw(units_oracle *o, test_random *random)
{
    for (size_t i = 0; i < o->listed; i++) {
        oracle_parameter *p = o->list[i].parameter;
        size_t outputs = o->plan.head.classes;

        for (size_t n = 1; n <= o->count; n++)
            if (p == &o->nodes[n].own[UNIT_WEIGHT])
                outputs = o->nodes[n].channels;
        for (size_t j = 0; j < p->count; j++)
            p->value[j] = (double)(float)draw_value(&o->list[i], p->count / outputs, random);
    }
}

void units_write(const units_oracle *o, mf_layer *to)
{
    for (size_t i = 0; i < o->listed; i++) {
        const oracle_parameter *p = o->list[i].parameter;
        float *values = get_memory(p->count * sizeof *values);

        for (size_t j = 0; j < p->count; j++)
            values[j] = (float)p->value[j];
        check_ok(mf_layer_set_parameter(to, units_name(o, to, i), values, p->count));
        free(values);
    }
}

void units_copy(units_oracle *o, const units_oracle *from)
{
    for (size_t i = 0; i < o->listed; i++) {
        oracle_parameter *p = o->list[i].parameter;

        memcpy(p->value, from->list[i].parameter->value, p->count * sizeof *p->value);
        p->frozen = from->list[i].parameter->frozen;
    }
}

void units_freeze(units_oracle *o, size_t i)
{
    o->list[i].parameter->frozen = 1;
    for (size_t n = 1; n <= o->count; n++) {
        oracle_parameter *mean = &o->nodes[n].own[UNIT_MEAN], *variance = &o->nodes[n].own[UNIT_VARIANCE];

        mean->frozen = variance->frozen = mean->frozen || variance->frozen;
    }
}

size_t units_vocabulary(const units_oracle *o)
{
    size_t least = 0;

    for (size_t n = 1; n <= o->count; n++) {
        const mf_unit_spec *spec = &o->nodes[n].spec;

        if (spec->kind == MF_UNIT_EMBEDDING && (least == 0 || spec->vocabulary < least))
            least = spec->vocabulary;
    }
    return least;
}

size_t units_least_rows(const units_oracle *o, size_t values)
{
    size_t least = 1;

    for (size_t n = 1; n <= o->count; n++)
        while (o->nodes[n].own[UNIT_MEAN].count && !o->nodes[n].own[UNIT_MEAN].frozen &&
               least * o->nodes[n].places < values)
            least++;
    return least;
}

size_t units_outputs(const units_oracle *o)
{
    return o->nodes[o->output].values;
}

void units_forget_margins(units_oracle *o)
{
    o->kink_margin = o->tie_margin = o->least_variance = INFINITY;
}

size_t units_scores(const units_oracle *o)
{
    return o->scored * o->plan.head.classes;
}

/* ---- what a layer does with a batch ---- */

/* Every position as a row of its own: one without a label is a row without weight. */
typedef struct flat_targets {
    size_t rows;
    int32_t *y;
    double *weights;
} flat_targets;

static flat_targets flatten(const units_oracle *o, size_t rows, const int32_t *y, const double *weights)
{
    flat_targets flat = {.rows = rows * o->scored};

    flat.y = get_memory(flat.rows * sizeof *flat.y);
    flat.weights = get_memory(flat.rows * sizeof *flat.weights);
    for (size_t i = 0; i < flat.rows; i++) {
        int ignored = o->plan.head.kind == MF_HEAD_POSITIONS && y[i] == MF_LABEL_IGNORED;

        flat.y[i] = ignored ? 0 : y[i];
        flat.weights[i] = ignored ? 0.0 : weights ? weights[i / o->scored] : 1.0;
    }
    return flat;
}

static void drop_targets(flat_targets *flat)
{
    free(flat->y);
    free(flat->weights);
}

/* The losses of auxiliary heads, each with its weight; with `back` their gradients by their nodes. */
static double auxiliary_losses(const units_oracle *o, units_pass *p, const flat_targets *flat, int back)
{
    size_t classes = o->plan.head.classes;
    double smoothing = (double)o->plan.head.label_smoothing, loss = 0.0;

    for (size_t n = 1; n <= o->count; n++) {
        double weight = (double)o->nodes[n].spec.loss_weight, *gradient = p->gradient[n];

        if (o->nodes[n].spec.kind != MF_UNIT_DENSE || weight == 0.0)
            continue;
        loss +=
            weight * oracle_loss(flat->rows, classes, p->value[n], flat->y, flat->weights, smoothing).loss;
        if (!back)
            continue;
        memcpy(gradient, p->value[n], flat->rows * classes * sizeof *gradient);
        oracle_loss_gradient(flat->rows, classes, gradient, flat->y, flat->weights, smoothing);
        for (size_t i = 0; i < flat->rows * classes; i++)
            gradient[i] *= weight;
    }
    return loss;
}

void units_infer(units_oracle *o, size_t rows, const double *x, double *a, double *goodness)
{
    units_pass p = units_start_pass(o, rows, x, 0);

    units_forward(o, &p);
    memcpy(a, p.value[o->output], rows * units_outputs(o) * sizeof *a);
    if (goodness != NULL)
        memcpy(goodness, p.goodness, rows * units_scores(o) * sizeof *goodness);
    units_end_pass(o, &p);
}

oracle_result units_loss(units_oracle *o, size_t rows, const double *x, const int32_t *y,
                         const double *weights)
{
    units_pass p = units_start_pass(o, rows, x, 1);
    flat_targets flat = flatten(o, rows, y, weights);
    oracle_result result;

    units_forward(o, &p);
    result = oracle_loss(flat.rows, o->plan.head.classes, p.goodness, flat.y, flat.weights,
                         (double)o->plan.head.label_smoothing);
    result.loss = (1.0 - (double)o->plan.head.similarity) * result.loss +
                  units_similarity(o, &p, flat.y, flat.weights, 0) + auxiliary_losses(o, &p, &flat, 0);
    drop_targets(&flat);
    units_end_pass(o, &p);
    return result;
}

/* As PyTorch: the running variance takes the unbiased one of the batch. */
static void follow(units_oracle *o, const units_pass *p, size_t n)
{
    units_node *node = &o->nodes[n];
    double rate = (double)node->spec.normalization_rate, count = units_values_of(o, p, n);
    double *mean = node->own[UNIT_MEAN].value, *variance = node->own[UNIT_VARIANCE].value;

    for (size_t c = 0; units_uses_batch(o, p, n) && c < node->channels; c++) {
        mean[c] = (1.0 - rate) * mean[c] + rate * p->mean[n][c];
        variance[c] = (1.0 - rate) * variance[c] + rate * p->variance[n][c] * count / (count - 1.0);
    }
}

oracle_result units_gradients(units_oracle *o, size_t rows, const double *x, const int32_t *y,
                              const double *weights, double *a)
{
    units_pass p = units_start_pass(o, rows, x, 1);
    double smoothing = (double)o->plan.head.label_smoothing;
    flat_targets flat = flatten(o, rows, y, weights);
    oracle_result result;

    for (size_t i = 0; i < o->listed; i++)
        memset(o->list[i].parameter->gradient, 0, o->list[i].parameter->count * sizeof(double));
    units_forward(o, &p);
    result = oracle_loss(flat.rows, o->plan.head.classes, p.goodness, flat.y, flat.weights, smoothing);
    oracle_loss_gradient(flat.rows, o->plan.head.classes, p.goodness, flat.y, flat.weights, smoothing);
    for (size_t i = 0; i < rows * units_scores(o); i++)
        p.goodness[i] *= 1.0 - (double)o->plan.head.similarity;
    result.loss = (1.0 - (double)o->plan.head.similarity) * result.loss +
                  units_similarity(o, &p, flat.y, flat.weights, 1) + auxiliary_losses(o, &p, &flat, 1);
    drop_targets(&flat);
    units_backward(o, &p);
    for (size_t n = 1; n <= o->count; n++)
        follow(o, &p, n);
    if (a != NULL)
        memcpy(a, p.value[o->output], rows * units_outputs(o) * sizeof *a);
    units_end_pass(o, &p);
    return result;
}

/* The update of the rows of W that occur in x, and of nothing else. */
static void update_embedding(oracle_parameter *w, const oracle_optimizer *optimizer, double factor,
                             size_t width, size_t count, const double *x)
{
    oracle_parameter before = oracle_new_parameter(w->count, 1);

    memcpy(before.value, w->value, w->count * sizeof(double));
    memcpy(before.first, w->first, w->count * sizeof(double));
    memcpy(before.second, w->second, w->count * sizeof(double));
    oracle_update(w, optimizer, factor);
    for (size_t token = 0; token < w->count / width; token++) {
        size_t at = token * width, i = 0;

        while (i < count && x[i] != (double)token)
            i++;
        if (i < count)
            continue;
        memcpy(w->value + at, before.value + at, width * sizeof(double));
        memcpy(w->first + at, before.first + at, width * sizeof(double));
        memcpy(w->second + at, before.second + at, width * sizeof(double));
    }
    oracle_free_parameter(&before);
}

/* The width of the embedding that a parameter is of; 0 if it is of none. */
static size_t embedding_width(const units_oracle *o, const oracle_parameter *parameter)
{
    for (size_t n = 1; n <= o->count; n++)
        if (o->nodes[n].spec.kind == MF_UNIT_EMBEDDING && parameter == &o->nodes[n].own[UNIT_WEIGHT])
            return o->nodes[n].channels;
    return 0;
}

oracle_result units_step(units_oracle *o, const oracle_optimizer *optimizer, size_t rows, const double *x,
                         const int32_t *y, const double *weights, double *a)
{
    oracle_result result = units_gradients(o, rows, x, y, weights, a);
    double sum = 0.0, factor = 1.0;

    for (size_t i = 0; i < o->listed; i++)
        if (o->list[i].learns)
            sum += oracle_squared_norm(o->list[i].parameter);
    if (optimizer->clip > 0.0) {
        result.gradient_norm = sqrt(sum);
        if (result.gradient_norm > optimizer->clip)
            factor = optimizer->clip / result.gradient_norm;
    }
    for (size_t i = 0; i < o->listed; i++) {
        size_t width = embedding_width(o, o->list[i].parameter);

        if (width > 0)
            update_embedding(o->list[i].parameter, optimizer, factor, width, rows * o->nodes[0].values, x);
        else if (o->list[i].learns)
            oracle_update(o->list[i].parameter, optimizer, factor);
    }
    return result;
}
