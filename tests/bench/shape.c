#include "shape.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Returns where the number ends, or NULL if there is none. */
static const char *read_size(const char *at, size_t *size)
{
    char *end;
    if (*at < '1' || *at > '9')
        return NULL;
    *size = strtoul(at, &end, 10);
    return end;
}

/* "784", or "3x32x32:", whose colon stands where others have a dash. */
static const char *read_input(const char *at, shape *result, maps *input)
{
    at = read_size(at, &result->widths[0]);
    if (!at || *at != 'x')
        return at;
    input->channels = result->widths[0];
    at = read_size(at + 1, &input->height);
    if (!at || *at != 'x')
        return NULL;
    at = read_size(at + 1, &input->width);
    result->widths[0] = input->channels * input->height * input->width;
    return at && *at == ':' ? at : NULL;
}

static const char *read_convolution(const char *at, shape *result, maps *input)
{
    maps *here = &result->maps[result->layers];
    *here = *input;
    at = read_size(at, &here->filters);
    if (!at || input->channels == 0)
        return NULL;
    *input = (maps){.channels = here->filters, .height = here->height, .width = here->width};
    if (*at == 'p' || *at == 'm') {
        here->pool = *at++ == 'p' ? MF_POOL_AVERAGE : MF_POOL_MAX;
        input->height /= 2;
        input->width /= 2;
    }
    result->widths[++result->layers] = input->channels * input->height * input->width;
    return at;
}

static const char *read_layer(const char *at, shape *result, maps *input)
{
    if (result->layers == MOST_LAYERS)
        return NULL;
    if (*at == 'c')
        return read_convolution(at + 1, result, input);
    *input = (maps){.channels = 0};
    return read_size(at, &result->widths[++result->layers]);
}

shape parse_shape(const char *text)
{
    shape result = {.layers = 0};
    maps input = {.channels = 0};
    const char *at = read_input(text, &result, &input);
    while (at && (*at == '-' || (*at == ':' && result.layers == 0)))
        at = read_layer(at + 1, &result, &input);
    if (at && strcmp(at, "+batch") == 0) {
        result.normalization = MF_NORMALIZATION_BATCH;
        at += strlen(at);
    }
    if (!at || *at != '\0' || result.layers == 0 || result.widths[result.layers] == 0)
        give_up("not a shape:", text);
    return result;
}

shape parse_dense_shape(const char *text)
{
    shape result = parse_shape(text);
    for (size_t i = 0; i < result.layers; i++)
        if (result.maps[i].filters > 0)
            give_up("no convolutions here:", text);
    if (result.normalization != MF_NORMALIZATION_NONE)
        give_up("no normalisation here:", text);
    return result;
}

double flops_of_dense_products(const shape *layers, size_t batch)
{
    double flops = 0.0;
    for (size_t i = 0; i < layers->layers; i++)
        flops += 4.0 * (double)batch * (double)layers->widths[i] * (double)layers->widths[i + 1];
    return flops;
}

double flops_of_dense_step(const shape *layers, size_t batch)
{
    double flops = flops_of_dense_products(layers, batch);
    for (size_t i = 0; i < layers->layers; i++)
        flops += 6.0 * (double)batch * (double)layers->widths[i + 1] * CLASSES;
    return flops;
}

mf_layer_spec spec_of_layer(const shape *layers, size_t position)
{
    const maps *at = &layers->maps[position];
    mf_layer_spec spec;
    must(mf_layer_spec_init(&spec, sizeof spec));
    spec.classes = CLASSES;
    spec.seed = position + 1;
    spec.normalization = layers->normalization;
    spec.precision = layers->precision;
    if (at->filters == 0) {
        spec.inputs = layers->widths[position];
        spec.outputs = layers->widths[position + 1];
        return spec;
    }
    spec.kind = MF_LAYER_CONV2D;
    spec.channels = at->channels;
    spec.height = at->height;
    spec.width = at->width;
    spec.filters = at->filters;
    spec.padding[0] = spec.padding[1] = 1;
    spec.pool = at->pool;
    return spec;
}
