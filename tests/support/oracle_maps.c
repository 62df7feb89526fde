/* A naive layer with convolution, pooling, normalisation and pooled head. SPDX-License-Identifier: MIT */
#include "oracle_maps.h"

#include <math.h>

#include "build.h"
#include "oracle_pool.h"

const char *const maps_names[MAPS_PARAMETERS] = {"weight", "bias", "projection", "scale", "mean", "variance"};

oracle_parameter *maps_parameter(maps_oracle *oracle, size_t index)
{
    oracle_parameter *all[MAPS_PARAMETERS] = {&oracle->weight, &oracle->bias, &oracle->projection,
                                              &oracle->scale,  &oracle->mean, &oracle->variance};

    return all[index];
}

size_t maps_channel(const maps_oracle *oracle, size_t index, size_t i)
{
    if (index == 0)
        return i / (oracle->weight.count / oracle->channels);
    if (index == 2)
        return i % oracle->features / (oracle->features / oracle->channels);
    return i;
}

size_t maps_count_windows(size_t room, size_t size, size_t stride)
{
    size_t count = 0;

    while (count * stride + size <= room)
        count++;
    return count;
}

static void settle_shape(maps_oracle *o)
{
    const mf_layer_spec *spec = &o->spec;
    const size_t size[2] = {spec->height, spec->width};
    int conv = spec->kind == MF_LAYER_CONV2D;

    o->channels = conv ? spec->filters : spec->outputs;
    for (int d = 0; d < 2; d++) {
        o->map[d] =
            conv ? maps_count_windows(size[d] + 2 * spec->padding[d], spec->kernel[d], spec->stride[d]) : 1;
        o->pooled[d] = o->map[d];
        if (conv && spec->pool != MF_POOL_NONE)
            o->pooled[d] = maps_count_windows(o->map[d], spec->pool_size[d], maps_pool_stride(spec, d));
        o->head[d] = conv && spec->head_size ? spec->head_size : o->pooled[d];
    }
    o->inputs = conv ? spec->channels * spec->height * spec->width : spec->inputs;
    o->outputs = o->channels * o->pooled[0] * o->pooled[1];
    o->features = o->channels * o->head[0] * o->head[1];
}

maps_oracle *maps_create(const mf_layer_spec *spec, const mf_layer *layer)
{
    maps_oracle *o = get_zeroed(1, sizeof *o);
    size_t normal = spec->normalization == MF_NORMALIZATION_BATCH;

    o->spec = *spec;
    settle_shape(o);
    o->weight = oracle_new_parameter(o->channels * (spec->kind == MF_LAYER_CONV2D
                                                        ? spec->channels * spec->kernel[0] * spec->kernel[1]
                                                        : spec->inputs),
                                     1);
    o->bias = oracle_new_parameter(spec->bias ? o->channels : 0, 0);
    o->projection = oracle_new_parameter(spec->classes * o->features, 1);
    o->scale = oracle_new_parameter(normal * o->channels, 0);
    o->mean = oracle_new_parameter(normal * o->channels, 0);
    o->variance = oracle_new_parameter(normal * o->channels, 0);
    o->doubtful = get_zeroed(o->channels, 1);
    o->kink_margin = o->tie_margin = INFINITY;
    maps_read(o, layer, 1);
    return o;
}

void maps_free(maps_oracle *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < MAPS_PARAMETERS; i++)
        oracle_free_parameter(maps_parameter(o, i));
    free(o->doubtful);
    free(o);
}

void maps_read(maps_oracle *o, const mf_layer *from, int forget)
{
    for (size_t i = 0; i < MAPS_PARAMETERS; i++)
        oracle_read_parameter(maps_parameter(o, i), from, maps_names[i], forget);
}

/* ---- forward, every intermediate value kept ---- */

/* normal is (u - mean) / sqrt(variance + epsilon), full the activation before pooling. */
typedef struct pass {
    size_t rows, places, values; /* of a map before pooling; of a row before pooling */
    const double *x;
    double *u, *normal, *z, *full; /* [rows, channels, map] */
    double *a;                     /* [rows, channels, pooled] */
    double *features;              /* [rows, channels, head] */
    double *goodness;              /* [rows, classes] */
    double *mean, *variance;       /* [channels] that the pass normalised by */
} pass;

static pass start_pass(const maps_oracle *o, size_t rows, const double *x)
{
    pass p = {.rows = rows, .places = o->map[0] * o->map[1], .x = x};

    p.values = o->channels * p.places;
    p.u = get_zeroed(rows * p.values, sizeof(double));
    p.normal = get_zeroed(rows * p.values, sizeof(double));
    p.z = get_zeroed(rows * p.values, sizeof(double));
    p.full = get_zeroed(rows * p.values, sizeof(double));
    p.a = get_zeroed(rows * o->outputs, sizeof(double));
    p.features = get_zeroed(rows * o->features, sizeof(double));
    p.goodness = get_zeroed(rows * o->spec.classes, sizeof(double));
    p.mean = get_zeroed(o->channels, sizeof(double));
    p.variance = get_zeroed(o->channels, sizeof(double));
    return p;
}

static void end_pass(pass *p)
{
    free(p->u);
    free(p->normal);
    free(p->z);
    free(p->full);
    free(p->a);
    free(p->features);
    free(p->goodness);
    free(p->mean);
    free(p->variance);
}

/* Calls `use` with every pair of a weight of one channel and the input it meets at one place. */
typedef void use_pair(double *sum, double *weight, double input);

static void add_product(double *sum, double *weight, double input)
{
    *sum += *weight * input;
}

static void add_gradient(double *du, double *gradient, double input)
{
    *gradient += *du * input;
}

static void at_place(const maps_oracle *o, const double *row, double *weights, size_t top, size_t left,
                     double *value, use_pair *use)
{
    const mf_layer_spec *s = &o->spec;

    if (s->kind != MF_LAYER_CONV2D) {
        for (size_t i = 0; i < s->inputs; i++)
            use(value, &weights[i], row[i]);
        return;
    }
    for (size_t c = 0; c < s->channels; c++)
        for (size_t i = 0; i < s->kernel[0]; i++)
            for (size_t j = 0; j < s->kernel[1]; j++, weights++) {
                /* In the padded map, whose first row and column are those of the padding. */
                size_t y = top * s->stride[0] + i, x = left * s->stride[1] + j;

                if (y >= s->padding[0] && y < s->padding[0] + s->height && x >= s->padding[1] &&
                    x < s->padding[1] + s->width)
                    use(value, weights,
                        row[(c * s->height + y - s->padding[0]) * s->width + x - s->padding[1]]);
            }
}

static void take_product(maps_oracle *o, pass *p)
{
    size_t depth = o->weight.count / o->channels;
    double *u = p->u;

    for (size_t r = 0; r < p->rows; r++)
        for (size_t f = 0; f < o->channels; f++)
            for (size_t y = 0; y < o->map[0]; y++)
                for (size_t x = 0; x < o->map[1]; x++, u++)
                    at_place(o, p->x + r * o->inputs, o->weight.value + f * depth, y, x, u, add_product);
}

/* Mean and variance of channel f over all rows and places. */
static void take_moments(pass *p, size_t f)
{
    double count = (double)(p->rows * p->places);

    p->mean[f] = p->variance[f] = 0.0;
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->places; i++)
            p->mean[f] += p->u[r * p->values + f * p->places + i] / count;
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->places; i++)
            p->variance[f] += pow(p->u[r * p->values + f * p->places + i] - p->mean[f], 2.0) / count;
}

static void note_kink(maps_oracle *o, size_t channel, double z)
{
    if ((o->spec.activation != MF_ACTIVATION_RELU && o->spec.activation != MF_ACTIVATION_LEAKY_RELU) ||
        z == 0.0)
        return;
    o->kink_margin = fmin(o->kink_margin, fabs(z));
    if (fabs(z) < MAPS_NEAR)
        o->doubtful[channel] = 1;
}

static void activate(maps_oracle *o, pass *p, int from_batch)
{
    for (size_t f = 0; f < o->channels; f++) {
        if (from_batch)
            take_moments(p, f);
        else if (o->mean.count) {
            p->mean[f] = o->mean.value[f];
            p->variance[f] = o->variance.value[f];
        }
        for (size_t r = 0; r < p->rows; r++)
            for (size_t i = 0; i < p->places; i++) {
                size_t at = r * p->values + f * p->places + i;

                p->normal[at] = p->u[at];
                if (o->scale.count)
                    p->normal[at] = (p->u[at] - p->mean[f]) /
                                    sqrt(p->variance[f] + (double)o->spec.normalization_epsilon);
                p->z[at] = p->normal[at] * (o->scale.count ? o->scale.value[f] : 1.0) +
                           (o->bias.count ? o->bias.value[f] : 0.0);
                note_kink(o, f, p->z[at]);
                p->full[at] = oracle_phi(o->spec.activation, (double)o->spec.leak, p->z[at]);
            }
    }
}

static void run_forward(maps_oracle *o, pass *p, int from_batch)
{
    take_product(o, p);
    activate(o, p, from_batch);
    for (size_t r = 0; r < p->rows; r++) {
        maps_pool_row(o, p->full + r * p->values, p->full + r * p->values, p->a + r * o->outputs,
                      p->features + r * o->features, 0);
        for (size_t c = 0; c < o->spec.classes; c++)
            for (size_t i = 0; i < o->features; i++)
                p->goodness[r * o->spec.classes + c] +=
                    p->features[r * o->features + i] * o->projection.value[c * o->features + i];
    }
}

void maps_infer(maps_oracle *o, size_t rows, const double *x, double *a, double *goodness)
{
    pass p = start_pass(o, rows, x);

    run_forward(o, &p, 0);
    memcpy(a, p.a, rows * o->outputs * sizeof *a);
    if (goodness != NULL)
        memcpy(goodness, p.goodness, rows * o->spec.classes * sizeof *goodness);
    end_pass(&p);
}

static int uses_batch(const maps_oracle *o)
{
    return o->mean.count > 0 && !o->mean.frozen;
}

oracle_result maps_loss(maps_oracle *o, size_t rows, const double *x, const int32_t *y, const double *weights)
{
    pass p = start_pass(o, rows, x);
    oracle_result result;

    run_forward(o, &p, uses_batch(o));
    result = oracle_loss(rows, o->spec.classes, p.goodness, y, weights, (double)o->spec.label_smoothing);
    end_pass(&p);
    return result;
}

/* ---- backward ---- */

/* From dz to du of channel f, in place, by the chain rule through mean and variance. */
static void normalize_back(const maps_oracle *o, const pass *p, size_t f, double *d)
{
    double count = (double)(p->rows * p->places), dmean = 0.0, dvariance = 0.0, off_sum = 0.0;
    double spread = p->variance[f] + (double)o->spec.normalization_epsilon;

    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->places; i++) {
            size_t at = r * p->values + f * p->places + i;
            double dnormal = d[at] * o->scale.value[f], off = p->u[at] - p->mean[f];

            dvariance += dnormal * off * -0.5 * pow(spread, -1.5);
            dmean -= dnormal / sqrt(spread);
            off_sum += off;
        }
    dmean -= dvariance * 2.0 * off_sum / count;
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->places; i++) {
            size_t at = r * p->values + f * p->places + i;

            d[at] = d[at] * o->scale.value[f] / sqrt(spread);
            if (uses_batch(o))
                d[at] += dvariance * 2.0 * (p->u[at] - p->mean[f]) / count + dmean / count;
        }
}

/* dM, and dz [rows, channels, map] from dG, which the goodness holds now. */
static void head_back(maps_oracle *o, const pass *p, double *dz)
{
    double *dfeatures = get_memory(o->features * sizeof(double)),
           *da = get_memory(o->outputs * sizeof(double));

    for (size_t r = 0; r < p->rows; r++) {
        memset(dfeatures, 0, o->features * sizeof(double));
        memset(da, 0, o->outputs * sizeof(double));
        for (size_t c = 0; c < o->spec.classes; c++)
            for (size_t i = 0; i < o->features; i++) {
                double dg = p->goodness[r * o->spec.classes + c];

                dfeatures[i] += dg * o->projection.value[c * o->features + i];
                o->projection.gradient[c * o->features + i] += dg * p->features[r * o->features + i];
            }
        maps_pool_row(o, p->full + r * p->values, dz + r * p->values, da, dfeatures, 1);
        for (size_t i = 0; i < p->values; i++)
            dz[r * p->values + i] *=
                oracle_slope(o->spec.activation, (double)o->spec.leak, p->z[r * p->values + i]);
    }
    free(dfeatures);
    free(da);
}

static void channel_back(maps_oracle *o, const pass *p, size_t f, double *d)
{
    size_t depth = o->weight.count / o->channels;

    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->places; i++) {
            size_t at = r * p->values + f * p->places + i;

            if (o->bias.count)
                o->bias.gradient[f] += d[at];
            if (o->scale.count)
                o->scale.gradient[f] += d[at] * p->normal[at];
        }
    if (o->scale.count)
        normalize_back(o, p, f, d);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->places; i++)
            at_place(o, p->x + r * o->inputs, o->weight.gradient + f * depth, i / o->map[1], i % o->map[1],
                     &d[r * p->values + f * p->places + i], add_gradient);
}

/* As PyTorch: the running variance takes the unbiased one of the batch. */
static void follow(maps_oracle *o, const pass *p)
{
    double rate = (double)o->spec.normalization_rate, count = (double)(p->rows * p->places);

    for (size_t f = 0; uses_batch(o) && f < o->channels; f++) {
        o->mean.value[f] = (1.0 - rate) * o->mean.value[f] + rate * p->mean[f];
        o->variance.value[f] =
            (1.0 - rate) * o->variance.value[f] + rate * p->variance[f] * count / (count - 1.0);
    }
}

oracle_result maps_gradients(maps_oracle *o, size_t rows, const double *x, const int32_t *y,
                             const double *weights, double *a)
{
    pass p = start_pass(o, rows, x);
    double *d = get_zeroed(rows * p.values, sizeof(double)), smoothing = (double)o->spec.label_smoothing;
    oracle_result result;

    for (size_t i = 0; i < MAPS_PARAMETERS; i++)
        for (size_t j = 0; j < maps_parameter(o, i)->count; j++)
            maps_parameter(o, i)->gradient[j] = 0.0;
    run_forward(o, &p, uses_batch(o));
    result = oracle_loss(rows, o->spec.classes, p.goodness, y, weights, smoothing);
    oracle_loss_gradient(rows, o->spec.classes, p.goodness, y, weights, smoothing);
    head_back(o, &p, d);
    for (size_t f = 0; f < o->channels; f++)
        channel_back(o, &p, f, d);
    follow(o, &p);
    if (a != NULL)
        memcpy(a, p.a, rows * o->outputs * sizeof *a);
    free(d);
    end_pass(&p);
    return result;
}

oracle_result maps_step(maps_oracle *o, const oracle_optimizer *optimizer, size_t rows, const double *x,
                        const int32_t *y, const double *weights, double *a)
{
    oracle_result result = maps_gradients(o, rows, x, y, weights, a);
    double sum = 0.0, factor = 1.0;

    for (size_t i = 0; i < 4; i++)
        sum += oracle_squared_norm(maps_parameter(o, i));
    if (optimizer->clip > 0.0) {
        result.gradient_norm = sqrt(sum);
        if (result.gradient_norm > optimizer->clip)
            factor = optimizer->clip / result.gradient_norm;
    }
    for (size_t i = 0; i < 4; i++)
        oracle_update(maps_parameter(o, i), optimizer, factor);
    return result;
}
