/* A naive Mono-Forward layer in double precision. SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <math.h>

#include "build.h"

/* Wider than the rounding of a float32 dot product of the lengths the tests use. */
#define NEAR_KINK 2e-5
#define NEAR_TIE 1e-4

oracle_parameter oracle_new_parameter(size_t count, int decays)
{
    oracle_parameter parameter = {.count = count, .decays = decays};

    parameter.value = get_zeroed(count, sizeof(double));
    parameter.gradient = get_zeroed(count, sizeof(double));
    parameter.first = get_zeroed(count, sizeof(double));
    parameter.second = get_zeroed(count, sizeof(double));
    return parameter;
}

void oracle_free_parameter(oracle_parameter *parameter)
{
    free(parameter->value);
    free(parameter->gradient);
    free(parameter->first);
    free(parameter->second);
}

oracle_layer *oracle_create(const mf_layer_spec *spec, const mf_layer *layer)
{
    oracle_layer *oracle = get_zeroed(1, sizeof *oracle);

    oracle->inputs = spec->inputs;
    oracle->outputs = spec->outputs;
    oracle->classes = spec->classes;
    oracle->activation = spec->activation;
    oracle->leak = (double)spec->leak;
    oracle->smoothing = (double)spec->label_smoothing;
    oracle->weight = oracle_new_parameter(spec->outputs * spec->inputs, 1);
    oracle->bias = oracle_new_parameter(spec->bias ? spec->outputs : 0, 0);
    oracle->projection = oracle_new_parameter(spec->classes * spec->outputs, 1);
    oracle->doubtful = get_zeroed(spec->outputs, 1);
    oracle_read(oracle, layer, 1);
    return oracle;
}

void oracle_free(oracle_layer *layer)
{
    if (layer == NULL)
        return;
    oracle_free_parameter(&layer->weight);
    oracle_free_parameter(&layer->bias);
    oracle_free_parameter(&layer->projection);
    free(layer->doubtful);
    free(layer);
}

void oracle_read_parameter(oracle_parameter *parameter, const mf_layer *from, const char *name, int forget)
{
    size_t count = 0;
    float *values;

    if (parameter->count == 0)
        return;
    values = read_parameter(from, name, &count);
    assert_int_equal(count, parameter->count);
    for (size_t i = 0; i < count; i++)
        parameter->value[i] = (double)values[i];
    free(values);
    if (forget) {
        memset(parameter->first, 0, count * sizeof(double));
        memset(parameter->second, 0, count * sizeof(double));
        parameter->steps = 0;
    }
}

void oracle_read(oracle_layer *layer, const mf_layer *from, int forget)
{
    oracle_read_parameter(&layer->weight, from, "weight", forget);
    oracle_read_parameter(&layer->bias, from, "bias", forget);
    oracle_read_parameter(&layer->projection, from, "projection", forget);
}

double oracle_phi(int activation, double leak, double z)
{
    switch (activation) {
    case MF_ACTIVATION_RELU:
        return z > 0.0 ? z : 0.0;
    case MF_ACTIVATION_LEAKY_RELU:
        return z > 0.0 ? z : leak * z;
    case MF_ACTIVATION_TANH:
        return tanh(z);
    case MF_ACTIVATION_GELU:
        return z * (1.0 + erf(z / sqrt(2.0))) / 2.0;
    case MF_ACTIVATION_SILU:
        return z / (1.0 + exp(-z));
    default:
        return z;
    }
}

double oracle_slope(int activation, double leak, double z)
{
    switch (activation) {
    case MF_ACTIVATION_RELU:
        return z > 0.0 ? 1.0 : 0.0;
    case MF_ACTIVATION_LEAKY_RELU:
        return z > 0.0 ? 1.0 : leak;
    case MF_ACTIVATION_TANH:
        return 1.0 - tanh(z) * tanh(z);
    case MF_ACTIVATION_GELU:
        return (1.0 + erf(z / sqrt(2.0))) / 2.0 + z * exp(-z * z / 2.0) / sqrt(2.0 * 3.14159265358979323846);
    case MF_ACTIVATION_SILU:
        return (1.0 + exp(-z) * (1.0 + z)) / ((1.0 + exp(-z)) * (1.0 + exp(-z)));
    default:
        return 1.0;
    }
}

static double preactivation(oracle_layer *layer, const double *x, size_t neuron)
{
    double z = layer->bias.count ? layer->bias.value[neuron] : 0.0;

    for (size_t i = 0; i < layer->inputs; i++)
        z += x[i] * layer->weight.value[neuron * layer->inputs + i];
    if ((layer->activation == MF_ACTIVATION_RELU || layer->activation == MF_ACTIVATION_LEAKY_RELU) &&
        z != 0.0 && fabs(z) < NEAR_KINK)
        layer->doubtful[neuron] = 1;
    return z;
}

void oracle_forward(oracle_layer *layer, size_t rows, const double *x, double *a)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < layer->outputs; j++)
            a[r * layer->outputs + j] =
                oracle_phi(layer->activation, layer->leak, preactivation(layer, x + r * layer->inputs, j));
}

void oracle_goodness(const oracle_layer *layer, size_t rows, const double *a, double *goodness)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < layer->classes; c++) {
            double sum = 0.0;

            for (size_t j = 0; j < layer->outputs; j++)
                sum += a[r * layer->outputs + j] * layer->projection.value[c * layer->outputs + j];
            goodness[r * layer->classes + c] = sum;
        }
}

void oracle_softmax(size_t rows, size_t classes, double *scores)
{
    for (size_t r = 0; r < rows; r++) {
        double *row = scores + r * classes;
        double highest = row[0];
        double sum = 0.0;

        for (size_t c = 1; c < classes; c++)
            highest = fmax(highest, row[c]);
        for (size_t c = 0; c < classes; c++)
            sum += row[c] = exp(row[c] - highest);
        for (size_t c = 0; c < classes; c++)
            row[c] /= sum;
    }
}

static double target(size_t classes, double smoothing, int32_t label, size_t c)
{
    return smoothing / (double)classes + ((size_t)label == c ? 1.0 - smoothing : 0.0);
}

static double total_weight(size_t rows, const double *weights)
{
    double sum = 0.0;

    for (size_t r = 0; r < rows; r++)
        sum += weights ? weights[r] : 1.0;
    return sum;
}

oracle_result oracle_loss(size_t rows, size_t classes, const double *goodness, const int32_t *y,
                          const double *weights, double smoothing)
{
    oracle_result result = {.gradient_norm = -1.0};

    for (size_t r = 0; r < rows; r++) {
        const double *row = goodness + r * classes;
        double fraction = (weights ? weights[r] : 1.0) / total_weight(rows, weights);
        double log_sum, highest = row[0], sum = 0.0;
        size_t best = 0, near = 0;

        for (size_t c = 1; c < classes; c++)
            if (row[c] > row[best])
                best = c;
        highest = row[best];
        for (size_t c = 0; c < classes; c++)
            sum += exp(row[c] - highest);
        log_sum = highest + log(sum);
        for (size_t c = 0; c < classes; c++) {
            result.loss += fraction * target(classes, smoothing, y[r], c) * (log_sum - row[c]);
            near += (int32_t)c != y[r] && fabs(row[c] - row[y[r]]) < NEAR_TIE;
        }
        if (fraction > 0.0) {
            result.correct += (int32_t)best == y[r];
            result.close_calls += near > 0;
        }
    }
    return result;
}

void oracle_loss_gradient(size_t rows, size_t classes, double *goodness, const int32_t *y,
                          const double *weights, double smoothing)
{
    double sum = total_weight(rows, weights);

    oracle_softmax(rows, classes, goodness);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < classes; c++) {
            double *dg = &goodness[r * classes + c];

            *dg = (weights ? weights[r] : 1.0) / sum * (*dg - target(classes, smoothing, y[r], c));
        }
}

oracle_result oracle_gradients(oracle_layer *layer, size_t rows, const double *x, const int32_t *y,
                               const double *weights, double *a)
{
    size_t k = layer->inputs, n = layer->outputs, m = layer->classes;
    double *goodness = get_zeroed(rows * m, sizeof(double));
    oracle_result result;

    oracle_forward(layer, rows, x, a);
    oracle_goodness(layer, rows, a, goodness);
    result = oracle_loss(rows, m, goodness, y, weights, layer->smoothing);
    oracle_loss_gradient(rows, m, goodness, y, weights, layer->smoothing);
    memset(layer->weight.gradient, 0, n * k * sizeof(double));
    memset(layer->projection.gradient, 0, m * n * sizeof(double));
    for (size_t j = 0; j < layer->bias.count; j++)
        layer->bias.gradient[j] = 0.0;

    for (size_t r = 0; r < rows; r++) {
        const double *dg = goodness + r * m;

        for (size_t c = 0; c < m; c++)
            for (size_t j = 0; j < n; j++)
                layer->projection.gradient[c * n + j] += dg[c] * a[r * n + j];
        for (size_t j = 0; j < n; j++) {
            double dz = 0.0;

            for (size_t c = 0; c < m; c++)
                dz += dg[c] * layer->projection.value[c * n + j];
            dz *= oracle_slope(layer->activation, layer->leak, preactivation(layer, x + r * k, j));
            for (size_t i = 0; i < k; i++)
                layer->weight.gradient[j * k + i] += dz * x[r * k + i];
            if (layer->bias.count)
                layer->bias.gradient[j] += dz;
        }
    }
    free(goodness);
    return result;
}

double oracle_squared_norm(const oracle_parameter *parameter)
{
    double sum = 0.0;

    if (!parameter->frozen)
        for (size_t i = 0; i < parameter->count; i++)
            sum += parameter->gradient[i] * parameter->gradient[i];
    return sum;
}

void oracle_update(oracle_parameter *parameter, const oracle_optimizer *o, double scale)
{
    double decay = parameter->decays ? o->decay : 0.0;

    if (parameter->frozen)
        return;
    parameter->steps++;
    for (size_t i = 0; i < parameter->count; i++) {
        double *p = &parameter->value[i], *v = &parameter->first[i], *s = &parameter->second[i];
        double g = scale * parameter->gradient[i];

        if (o->kind == MF_OPTIMIZER_ADAMW)
            *p -= o->rate * decay * *p;
        else
            g += decay * *p;
        if (o->kind == MF_OPTIMIZER_SGD) {
            *v = o->momentum * *v + g;
            *p -= o->rate * (o->nesterov ? g + o->momentum * *v : *v);
        } else if (o->kind == MF_OPTIMIZER_RMSPROP) {
            *s = o->beta2 * *s + (1.0 - o->beta2) * g * g;
            *v = o->momentum * *v + g / (sqrt(*s) + o->epsilon);
            *p -= o->rate * *v;
        } else {
            *v = o->beta1 * *v + (1.0 - o->beta1) * g;
            *s = o->beta2 * *s + (1.0 - o->beta2) * g * g;
            *p -= o->rate * (*v / (1.0 - pow(o->beta1, (double)parameter->steps))) /
                  (sqrt(*s / (1.0 - pow(o->beta2, (double)parameter->steps))) + o->epsilon);
        }
    }
}

oracle_result oracle_step(oracle_layer *layer, const oracle_optimizer *optimizer, size_t rows,
                          const double *x, const int32_t *y, const double *weights, double *a)
{
    oracle_result result = oracle_gradients(layer, rows, x, y, weights, a);
    double scale = 1.0;

    if (optimizer->clip > 0.0) {
        result.gradient_norm = sqrt(oracle_squared_norm(&layer->weight) + oracle_squared_norm(&layer->bias) +
                                    oracle_squared_norm(&layer->projection));
        if (result.gradient_norm > optimizer->clip)
            scale = optimizer->clip / result.gradient_norm;
    }
    oracle_update(&layer->weight, optimizer, scale);
    oracle_update(&layer->bias, optimizer, scale);
    oracle_update(&layer->projection, optimizer, scale);
    return result;
}

double *oracle_rows(const float *values, size_t rows, size_t columns, size_t stride)
{
    double *dense = get_memory(rows * columns * sizeof *dense);

    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            dense[r * columns + c] = (double)values[r * stride + c];
    return dense;
}
