/* Owns: changes of a layer that need memory, in two phases. */
#include "model/change.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/initialize.h"

static mf_status no_memory(size_t parameter)
{
    return mfi_fail(MF_STATUS_MEMORY, "no memory for the %s of a layer", mfi_parameter_name(parameter));
}

static mfi_change unchanged(const mf_layer *layer)
{
    mfi_change change = {.optimizer = layer->optimizer, .classes = layer->spec.classes};
    memcpy(change.parameters, layer->parameters, sizeof change.parameters);
    return change;
}

bool mfi_state_layout(size_t count, size_t slabs, size_t offsets[MFI_STATE_SLABS], size_t *bytes)
{
    *bytes = 0;
    for (size_t slab = 0; slab < slabs; slab++)
        if (!mfi_reserve(bytes, count, sizeof(float), &offsets[slab]))
            return false;
    return true;
}

/* New zeroed state for one parameter. */
static mf_status renew_state(const mf_layer *layer, mfi_change *change, size_t index)
{
    mfi_parameter *parameter = &change->parameters[index];
    const mf_optimizer *optimizer = change->optimizer;
    size_t slabs = optimizer ? mfi_optimizer_slabs(optimizer->spec.kind, optimizer->has_momentum) : 0,
           bytes = 0;
    size_t offsets[MFI_STATE_SLABS] = {0};
    memset(parameter->state, 0, sizeof parameter->state);
    parameter->state_bytes = 0;
    parameter->steps = 0;
    if (slabs == 0 || parameter->count == 0 || index >= MFI_LEARNED)
        return MF_STATUS_OK;
    if (!mfi_state_layout(parameter->count, slabs, offsets, &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW, "optimizer state for %zu values does not fit", parameter->count);
    char *block = mfi_allocate(&layer->head.allocator, bytes);
    if (!block)
        return no_memory(index);
    memset(block, 0, bytes);
    for (size_t slab = 0; slab < slabs; slab++)
        parameter->state[slab] = (float *)(block + offsets[slab]);
    parameter->state_bytes = bytes;
    return MF_STATUS_OK;
}

/* A parameter as a matrix: one row for each output, a column for each value it reads. */
static size_t columns_of(const mfi_parameter *parameter)
{
    return parameter->count / parameter->dims[0];
}

static mf_status draw_orthogonal(const mf_layer *layer, const mfi_stream *stream, float gain,
                                 mfi_parameter *parameter)
{
    size_t count, bytes, rows = parameter->dims[0], columns = columns_of(parameter);
    if (!mfi_init_orthogonal_scratch(rows, columns, &count) || !mfi_multiply(count, sizeof(float), &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW, "scratch for an orthogonal start does not fit");
    float *scratch = mfi_allocate(&layer->head.allocator, bytes);
    if (!scratch)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for an orthogonal start of %zu bytes", bytes);
    mfi_init_orthogonal(stream, gain, rows, columns, parameter->values, scratch);
    mfi_release(&layer->head.allocator, scratch, bytes);
    return MF_STATUS_OK;
}

static void fill(mfi_parameter *parameter, float value)
{
    for (size_t i = 0; i < parameter->count; i++)
        parameter->values[i] = value;
}

/* W or M, by the spec's choice. */
static mf_status draw_matrix(const mf_layer *layer, size_t index, const mfi_stream *stream,
                             mfi_parameter *parameter)
{
    const mf_layer_spec *spec = &layer->spec;
    int32_t init = index == MFI_PROJECTION ? spec->projection_init : spec->weight_init;
    float gain = index == MFI_PROJECTION ? spec->projection_gain : spec->weight_gain;
    float scale = gain / sqrtf((float)columns_of(parameter));
    if (init == MF_INIT_KAIMING_UNIFORM)
        mfi_init_uniform(stream, scale, parameter->count, parameter->values);
    else if (init == MF_INIT_NORMAL)
        mfi_init_normal(stream, scale, parameter->count, parameter->values);
    else if (init == MF_INIT_ORTHOGONAL)
        return draw_orthogonal(layer, stream, gain, parameter);
    else
        fill(parameter, 0.0f);
    return MF_STATUS_OK;
}

/* As torch.nn.Linear does, the bias shares the bound of uniform weights; with others it starts at 0, and so
 * it does behind a normalisation, which has no use for the scale of its input. */
static void draw_bias(const mf_layer *layer, const mfi_stream *stream, mfi_parameter *parameter)
{
    const mf_layer_spec *spec = &layer->spec;
    size_t dims[4], fan;
    mfi_spec_parameter(spec, MFI_WEIGHT, dims);
    fan = dims[1] * dims[2] * dims[3];
    if (spec->weight_init == MF_INIT_KAIMING_UNIFORM && spec->normalization == MF_NORMALIZATION_NONE)
        mfi_init_uniform(stream, spec->weight_gain / sqrtf((float)fan), parameter->count, parameter->values);
    else
        fill(parameter, 0.0f);
}

static mf_status draw(const mf_layer *layer, size_t index, mfi_parameter *parameter)
{
    uint64_t draw_number = index == MFI_PROJECTION ? layer->renewed : 0;
    mfi_purpose purpose = index == MFI_WEIGHT ? MFI_PURPOSE_WEIGHT
                          : index == MFI_BIAS ? MFI_PURPOSE_BIAS
                                              : MFI_PURPOSE_PROJECTION;
    mfi_stream stream = mfi_stream_of(layer->spec.seed, purpose, draw_number);
    if (index == MFI_WEIGHT || index == MFI_PROJECTION)
        return draw_matrix(layer, index, &stream, parameter);
    if (index == MFI_BIAS)
        draw_bias(layer, &stream, parameter);
    else
        fill(parameter, index == MFI_MEAN ? 0.0f : 1.0f);
    return MF_STATUS_OK;
}

/* New values, drawn, and new state. */
static mf_status renew(const mf_layer *layer, mfi_change *change, size_t index)
{
    mfi_parameter *parameter = &change->parameters[index];
    size_t bytes;
    parameter->values = NULL;
    memset(parameter->state, 0, sizeof parameter->state);
    parameter->state_bytes = 0;
    parameter->count = 1;
    for (int32_t dim = 0; dim < parameter->rank; dim++)
        if (!mfi_multiply(parameter->count, parameter->dims[dim], &parameter->count))
            return mfi_fail(MF_STATUS_OVERFLOW, "a %s of %zu x %zu values does not fit",
                            mfi_parameter_name(index), parameter->dims[0],
                            parameter->dims[1] * parameter->dims[2] * parameter->dims[3]);
    if (!mfi_multiply(parameter->count, sizeof(float), &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW, "a %s of %zu values does not fit", mfi_parameter_name(index),
                        parameter->count);
    parameter->values = mfi_allocate(&layer->head.allocator, bytes);
    if (!parameter->values)
        return no_memory(index);
    MFI_TRY(draw(layer, index, parameter));
    return renew_state(layer, change, index);
}

mf_status mfi_change_create(const mf_layer *layer, mfi_change *change)
{
    *change = unchanged(layer);
    for (size_t index = 0; index < MFI_PARAMETERS; index++) {
        if (layer->parameters[index].rank == 0)
            continue;
        mf_status status = renew(layer, change, index);
        if (status != MF_STATUS_OK) {
            mfi_change_abandon(layer, change);
            return status;
        }
    }
    return MF_STATUS_OK;
}

mf_status mfi_change_optimizer(const mf_layer *layer, mf_optimizer *optimizer, mfi_change *change)
{
    *change = unchanged(layer);
    if (optimizer == layer->optimizer)
        return MF_STATUS_OK;
    change->optimizer = optimizer;
    for (size_t index = 0; index < MFI_PARAMETERS; index++) {
        mf_status status = renew_state(layer, change, index);
        if (status != MF_STATUS_OK) {
            mfi_change_abandon(layer, change);
            return status;
        }
    }
    return MF_STATUS_OK;
}

mf_status mfi_change_classes(const mf_layer *layer, size_t classes, mfi_change *change)
{
    *change = unchanged(layer);
    change->classes = classes;
    change->parameters[MFI_PROJECTION].dims[0] = classes;
    mf_status status = renew(layer, change, MFI_PROJECTION);
    if (status != MF_STATUS_OK)
        mfi_change_abandon(layer, change);
    return status;
}

/* Frees the blocks of `from` that `kept` does not share. */
static void free_unshared(const mf_allocator *allocator, const mfi_parameter *from, const mfi_parameter *kept)
{
    if (from->values != kept->values)
        mfi_release(allocator, from->values, from->count * sizeof(float));
    if (from->state[0] != kept->state[0])
        mfi_release(allocator, from->state[0], from->state_bytes);
}

void mfi_change_commit(mf_layer *layer, mfi_change *change)
{
    for (size_t index = 0; index < MFI_PARAMETERS; index++)
        free_unshared(&layer->head.allocator, &layer->parameters[index], &change->parameters[index]);
    if (change->parameters[MFI_PROJECTION].values != layer->parameters[MFI_PROJECTION].values) {
        layer->revision++;
        layer->renewed++;
    }
    memcpy(layer->parameters, change->parameters, sizeof layer->parameters);
    layer->spec.classes = change->classes;
    if (change->optimizer != layer->optimizer) {
        mfi_optimizer_release(layer->optimizer);
        if (change->optimizer)
            mfi_handle_retain(&change->optimizer->head);
        layer->optimizer = change->optimizer;
    }
}

void mfi_change_abandon(const mf_layer *layer, mfi_change *change)
{
    for (size_t index = 0; index < MFI_PARAMETERS; index++)
        free_unshared(&layer->head.allocator, &change->parameters[index], &layer->parameters[index]);
}
