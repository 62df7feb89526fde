/* SPDX-License-Identifier: MIT */
#include "layers.h"

#include "complain.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

bool layer_new(mf_layer **layer, size_t inputs, size_t outputs, size_t classes, uint64_t seed)
{
    mf_layer_spec spec;
    if (!library_ok(mf_layer_spec_init(&spec, sizeof spec)))
        return false;
    spec.inputs = inputs;
    spec.outputs = outputs;
    spec.classes = classes;
    spec.seed = seed;
    return library_ok(mf_layer_create(&spec, layer));
}

static bool describe_parameter(const mf_layer *layer, size_t index, mf_parameter_info *info)
{
    *info = (mf_parameter_info){.struct_size = sizeof *info};
    return library_ok(mf_layer_parameter_info(layer, index, info));
}

static bool read_parameter(const mf_layer *layer, const char *name, float **values, size_t *count)
{
    size_t parameters = 0;
    if (!library_ok(mf_layer_parameter_count(layer, &parameters)))
        return false;
    for (size_t i = 0; i < parameters; i++) {
        mf_parameter_info info;
        if (!describe_parameter(layer, i, &info))
            return false;
        if (strcmp(info.name, name) == 0)
            *count = info.count;
    }
    *values = calloc(*count, sizeof **values);
    if (*values == NULL)
        return complain("no memory for a copy of a layer");
    return library_ok(mf_layer_get_parameter(layer, name, *values, *count));
}

static bool copy_parameter(mf_layer *to, const mf_layer *from, const char *name)
{
    float *values = NULL;
    size_t count = 0;
    bool good = read_parameter(from, name, &values, &count) &&
                library_ok(mf_layer_set_parameter(to, name, values, count));
    free(values);
    return good;
}

bool layer_copy(mf_layer **copy, const mf_layer *layer)
{
    mf_layer_spec spec = {.struct_size = sizeof spec};
    size_t parameters = 0;
    bool good = library_ok(mf_layer_describe(layer, &spec)) && library_ok(mf_layer_create(&spec, copy)) &&
                library_ok(mf_layer_parameter_count(layer, &parameters));
    for (size_t i = 0; good && i < parameters; i++) {
        mf_parameter_info info;
        good = describe_parameter(layer, i, &info) && copy_parameter(*copy, layer, info.name);
    }
    return good;
}

bool layer_become_identity(mf_layer *layer, const mf_layer *before)
{
    mf_layer_spec spec = {.struct_size = sizeof spec};
    if (!library_ok(mf_layer_describe(layer, &spec)))
        return false;
    size_t n = spec.outputs;
    float *w = calloc(n, spec.inputs * sizeof *w);
    float *b = calloc(n, sizeof *b);
    bool good = w != NULL && b != NULL;
    if (good) {
        for (size_t i = 0; i < n && i < spec.inputs; i++)
            w[i * spec.inputs + i] = 1;
        good = library_ok(mf_layer_set_parameter(layer, "weight", w, n * spec.inputs)) &&
               library_ok(mf_layer_set_parameter(layer, "bias", b, n)) &&
               copy_parameter(layer, before, "projection");
    } else {
        complain("no memory for a layer's parameters");
    }
    free(w);
    free(b);
    return good;
}

static bool shuffle_parameter(mf_layer *layer, const char *name, struct random_stream *stream)
{
    float *values = NULL;
    size_t count = 0;
    bool good = read_parameter(layer, name, &values, &count);
    for (size_t i = count; good && i > 1; i--) {
        size_t other = random_below(stream, (uint32_t)i);
        float value = values[i - 1];
        values[i - 1] = values[other];
        values[other] = value;
    }
    good = good && library_ok(mf_layer_set_parameter(layer, name, values, count));
    free(values);
    return good;
}

bool layer_shuffle(mf_layer *layer, uint64_t seed)
{
    struct random_stream stream = {seed};
    return shuffle_parameter(layer, "weight", &stream) && shuffle_parameter(layer, "bias", &stream);
}

bool layer_set_free(mf_layer *layer, int32_t trainable)
{
    size_t parameters = 0;
    bool good = library_ok(mf_layer_parameter_count(layer, &parameters));
    for (size_t i = 0; good && i < parameters; i++) {
        mf_parameter_info info;
        good = describe_parameter(layer, i, &info) &&
               library_ok(mf_layer_set_trainable(layer, info.name, trainable));
    }
    return good;
}
