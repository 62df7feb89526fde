/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "images.h"

/* Values that each optimizer remembers for a parameter. */
static const double moments[] = {[OPTIMIZE_SGD] = 0,
                                 [OPTIMIZE_MOMENTUM] = 1,
                                 [OPTIMIZE_ADAM] = 2,
                                 [OPTIMIZE_ADAMW] = 2,
                                 [OPTIMIZE_RMSPROP] = 1};

/* Backpropagation needs one head instead of a projection in every layer. It keeps the gradient of every
 * parameter, the activation of every layer, and the error of the layer it is at. */
static double backpropagation_bytes(const struct settings *settings, size_t inputs)
{
    double parameters = 0, activations = DIGIT_CLASSES, widest = DIGIT_CLASSES, fan = (double)inputs;
    for (size_t i = 0; i < settings->hidden.count; i++) {
        double neurons = (double)settings->hidden.values[i];
        parameters += (fan + 1) * neurons;
        activations += neurons;
        widest = neurons > widest ? neurons : widest;
        fan = neurons;
    }
    parameters += fan * DIGIT_CLASSES;
    double values = parameters * (2 + moments[settings->optimizer]);
    values += (double)settings->batch * (activations + widest);
    return values * sizeof(float);
}

struct memory memory_compare(const struct model *model, const struct settings *settings, size_t inputs)
{
    return (struct memory){(double)model->meter.bytes, backpropagation_bytes(settings, inputs)};
}
