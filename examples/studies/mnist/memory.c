/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "complain.h"
#include "images.h"

#include <string.h>

/* Values that each optimizer remembers for a parameter. */
static const double moments[] = {
    [UPDATE_SGD] = 0, [UPDATE_MOMENTUM] = 1, [UPDATE_NESTEROV] = 1, [UPDATE_ADAM] = 2, [UPDATE_ADAMW] = 2, [UPDATE_RMSPROP] = 1};

/* Values that backpropagation holds; of the batch, for one row. */
struct holdings {
    double parameters;
    double followers; /* means and variances, without gradient and moments */
    double activations;
    double widest;
};

/* One head instead of a projection in every layer: the projection of the last one. */
static bool count_parameters(const mf_layer *layer, bool last, struct holdings *holdings)
{
    size_t count = 0;
    if (!library_ok(mf_layer_parameter_count(layer, &count)))
        return false;
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        if (!library_ok(mf_layer_parameter_info(layer, i, &info)))
            return false;
        if (strcmp(info.name, "mean") == 0 || strcmp(info.name, "variance") == 0)
            holdings->followers += (double)info.count;
        else if (last || strcmp(info.name, "projection") != 0)
            holdings->parameters += (double)info.count;
    }
    return true;
}

/* The activation; where it is pooled, also the maps before; and what a normalisation has read. */
static bool count_activations(const mf_layer *layer, struct holdings *holdings)
{
    mf_layer_spec spec = {.struct_size = sizeof spec};
    if (!library_ok(mf_layer_describe(layer, &spec)))
        return false;
    /* The convolutions of this program leave the size of a map as it is. */
    bool convolution = spec.kind == MF_LAYER_CONV2D;
    double product = (double)(convolution ? spec.filters * spec.height * spec.width : spec.outputs);
    holdings->activations += (double)spec.outputs;
    if (convolution && spec.pool != MF_POOL_NONE)
        holdings->activations += product;
    if (spec.normalization != MF_NORMALIZATION_NONE)
        holdings->activations += product;
    if (holdings->widest < product)
        holdings->widest = product;
    return true;
}

/* Beside the parameters and their moments, backpropagation keeps the gradient of every parameter, what every
 * layer has computed of the batch, and the error of the layer it is at. */
bool memory_compare(const struct model *model, const struct settings *settings, struct memory *memory)
{
    if (settings->cut == CUT_NONE) {
        *memory = (struct memory){(double)model->meter.bytes, (double)model->foreseen};
        return true;
    }
    struct holdings holdings = {.activations = DIGIT_CLASSES, .widest = DIGIT_CLASSES};
    for (size_t i = 0; i < model->layer_count; i++)
        if (!count_parameters(model->layers[i], i + 1 == model->layer_count, &holdings) ||
            !count_activations(model->layers[i], &holdings))
            return false;
    double values = holdings.parameters * (2 + moments[settings->optimizer]) + holdings.followers;
    values += (double)settings->batch * (holdings.activations + holdings.widest);
    *memory = (struct memory){(double)model->meter.bytes, values * sizeof(float)};
    return true;
}
