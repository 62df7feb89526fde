/* SPDX-License-Identifier: MIT */
#include "baseline.h"

#include <stdbool.h>
#include <stdlib.h>

/* Is the classifier a unit of its own? */
static bool has_classifier(const struct baseline_spec *spec)
{
    return spec->count == 0 || spec->layers[spec->count - 1].kind == MF_LAYER_DENSE;
}

/* A builder remembers its first failure, and mf_layer_build() returns it: nobody else has to look. */
static mf_unit_spec unit_of(int32_t kind)
{
    mf_unit_spec unit;
    (void)mf_unit_spec_init(&unit, sizeof unit);
    unit.kind = kind;
    return unit;
}

static void add_product(mf_builder *builder, const mf_layer_spec *layer, bool bias)
{
    bool maps = layer->kind == MF_LAYER_CONV2D;
    mf_unit_spec unit = unit_of(maps ? MF_UNIT_CONV2D : MF_UNIT_DENSE);
    unit.outputs = maps ? layer->filters : layer->outputs;
    unit.bias = bias;
    unit.weight_init = layer->weight_init;
    unit.weight_gain = layer->weight_gain;
    for (int d = 0; d < 2; d++) {
        unit.kernel[d] = layer->kernel[d];
        unit.stride[d] = layer->stride[d];
        unit.padding[d] = layer->padding[d];
    }
    (void)mf_builder_unit(builder, &unit, NULL);
}

static void add_normalization(mf_builder *builder, const mf_layer_spec *layer)
{
    mf_unit_spec unit = unit_of(MF_UNIT_BATCH_NORM);
    unit.bias = layer->bias;
    unit.normalization_rate = layer->normalization_rate;
    unit.normalization_epsilon = layer->normalization_epsilon;
    (void)mf_builder_unit(builder, &unit, NULL);
}

static void add_activation(mf_builder *builder, const mf_layer_spec *layer)
{
    mf_unit_spec unit = unit_of(MF_UNIT_ACTIVATION);
    unit.activation = layer->activation;
    unit.leak = layer->leak;
    (void)mf_builder_unit(builder, &unit, NULL);
}

static void add_pool(mf_builder *builder, const mf_layer_spec *layer)
{
    mf_unit_spec unit = unit_of(MF_UNIT_POOL);
    unit.pool = layer->pool;
    for (int d = 0; d < 2; d++) {
        unit.kernel[d] = layer->pool_size[d];
        unit.stride[d] = layer->pool_stride[d];
    }
    (void)mf_builder_unit(builder, &unit, NULL);
}

static void add_dropout(mf_builder *builder, const mf_layer_spec *layer)
{
    mf_unit_spec unit = unit_of(MF_UNIT_DROPOUT);
    unit.dropout = layer->dropout;
    unit.dropout_maps = layer->dropout_maps;
    (void)mf_builder_unit(builder, &unit, NULL);
}

/* What a layer computes, unit by unit. With a normalisation the bias is behind it. */
static void add_layer(mf_builder *builder, const mf_layer_spec *layer, bool last)
{
    bool normalizes = layer->normalization == MF_NORMALIZATION_BATCH;
    add_product(builder, layer, layer->bias && !normalizes);
    if (normalizes)
        add_normalization(builder, layer);
    add_activation(builder, layer);
    if (layer->kind == MF_LAYER_CONV2D && layer->pool != MF_POOL_NONE)
        add_pool(builder, layer);
    if (!last && layer->dropout > 0.0f)
        add_dropout(builder, layer);
}

static void add_head(mf_builder *builder, const struct baseline_spec *spec)
{
    const mf_layer_spec *last = spec->count > 0 ? &spec->layers[spec->count - 1] : NULL;
    mf_head_spec head;
    (void)mf_head_spec_init(&head, sizeof head);
    head.classes = spec->classes;
    if (last)
        head.label_smoothing = last->label_smoothing;
    if (has_classifier(spec)) {
        mf_unit_spec unit = unit_of(MF_UNIT_DENSE);
        unit.outputs = spec->classes;
        (void)mf_builder_unit(builder, &unit, NULL);
        head.projection_init = MF_INIT_ZERO; /* becomes the identity */
    } else {
        head.pool_size = last->head_size;
        head.projection_init = last->projection_init;
        head.projection_gain = last->projection_gain;
    }
    (void)mf_builder_head(builder, &head);
}

static mf_shape input_of(const struct baseline_spec *spec)
{
    const mf_layer_spec *first = spec->count > 0 ? &spec->layers[0] : NULL;
    mf_shape input;
    (void)mf_shape_init(&input, sizeof input);
    input.rank = 1;
    input.dims[0] = spec->features;
    if (first && first->kind == MF_LAYER_CONV2D) {
        input.rank = 3;
        input.dims[0] = first->channels;
        input.dims[1] = first->height;
        input.dims[2] = first->width;
    }
    return input;
}

mf_status baseline_describe(const struct baseline_spec *spec, mf_builder **builder)
{
    const mf_shape input = input_of(spec);
    mf_builder_spec how;
    (void)mf_builder_spec_init(&how, sizeof how);
    how.input = &input;
    how.precision = spec->count > 0 ? spec->layers[0].precision : MF_PRECISION_FLOAT32;
    how.seed = spec->seed;
    how.allocator = spec->allocator;
    mf_status status = mf_builder_create(&how, builder);
    if (status != MF_STATUS_OK)
        return status;
    for (size_t i = 0; i < spec->count; i++)
        add_layer(*builder, &spec->layers[i], i + 1 == spec->count);
    add_head(*builder, spec);
    return MF_STATUS_OK;
}

static mf_status freeze_at_identity(mf_layer *layer, size_t classes)
{
    float *identity = calloc(classes * classes, sizeof *identity);
    if (!identity)
        return MF_STATUS_MEMORY;
    for (size_t i = 0; i < classes; i++)
        identity[i * classes + i] = 1.0f;
    mf_status status = mf_layer_set_parameter(layer, "head.projection", identity, classes * classes);
    free(identity);
    return status == MF_STATUS_OK ? mf_layer_set_trainable(layer, "head.projection", 0) : status;
}

mf_status baseline_create(const struct baseline_spec *spec, mf_layer **layer)
{
    mf_builder *builder = NULL;
    mf_status status = baseline_describe(spec, &builder);
    *layer = NULL;
    if (status == MF_STATUS_OK)
        status = mf_layer_build(builder, layer);
    mf_builder_free(builder);
    if (status == MF_STATUS_OK && has_classifier(spec))
        status = freeze_at_identity(*layer, spec->classes);
    if (status != MF_STATUS_OK) {
        mf_layer_free(*layer);
        *layer = NULL;
    }
    return status;
}
