/* The exported functions of layers. */
#include <math.h>
#include <string.h>

#include "api/check.h"
#include "base/structs.h"
#include "model/change.h"

mf_status mf_layer_spec_init(mf_layer_spec *spec, size_t size)
{
    mf_layer_spec defaults = mfi_layer_defaults();
    return mfi_struct_init(spec, size, &defaults, sizeof defaults, MFI_SIZE_UP_TO(mf_layer_spec, allocator),
                           "mf_layer_spec");
}

mf_status mf_layer_spec_follow(mf_layer_spec *spec, const mf_layer_spec *before)
{
    mf_layer_spec known = mfi_layer_defaults(), first = known;
    MFI_TRY(mfi_struct_read(&known, sizeof known, spec, MFI_SIZE_UP_TO(mf_layer_spec, allocator),
                            "mf_layer_spec"));
    MFI_TRY(mfi_struct_read(&first, sizeof first, before, MFI_SIZE_UP_TO(mf_layer_spec, allocator),
                            "the mf_layer_spec before"));
    MFI_TRY(mfi_spec_resolve(&first));
    mf_shape output = mfi_spec_output(&first);
    if (known.kind == MF_LAYER_CONV2D) {
        known.channels = output.dims[0];
        known.height = output.dims[1];
        known.width = output.dims[2];
        known.inputs = known.outputs = 0; /* they follow */
    } else {
        known.inputs = first.outputs;
    }
    return mfi_struct_write(spec, &known, sizeof known, MFI_SIZE_UP_TO(mf_layer_spec, allocator),
                            "mf_layer_spec");
}

mf_status mf_batch_init(mf_batch *batch, size_t size)
{
    mf_batch defaults = mfi_flat_batch(0, NULL, NULL);
    return mfi_struct_init(batch, size, &defaults, sizeof defaults, MFI_SIZE_UP_TO(mf_batch, sample_weights),
                           "mf_batch");
}

mf_status mf_layer_create(const mf_layer_spec *spec, mf_layer **layer)
{
    mf_layer_spec known = mfi_layer_defaults();
    MFI_TRY(mfi_check_pointer(layer, "the out-pointer of the layer"));
    *layer = NULL;
    MFI_TRY(mfi_struct_read(&known, sizeof known, spec, MFI_SIZE_UP_TO(mf_layer_spec, allocator),
                            "mf_layer_spec"));
    MFI_TRY(mfi_check_allocator(known.allocator));
    MFI_TRY(mfi_spec_resolve(&known));
    return mfi_layer_create(&known, layer);
}

void mf_layer_free(mf_layer *layer)
{
    if (layer && mfi_handle_check(layer, MFI_KIND_LAYER) == MF_STATUS_OK)
        mfi_layer_release(layer);
}

mf_status mf_layer_describe(const mf_layer *layer, mf_layer_spec *spec)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    return mfi_struct_write(spec, &layer->spec, sizeof layer->spec, MFI_SIZE_UP_TO(mf_layer_spec, allocator),
                            "mf_layer_spec");
}

static mf_status write_shape(mf_shape *target, mf_shape shape)
{
    return mfi_struct_write(target, &shape, sizeof shape, MFI_SIZE_UP_TO(mf_shape, dims), "mf_shape");
}

mf_status mf_layer_shape(const mf_layer *layer, mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    if (input)
        MFI_TRY(write_shape(input, mfi_spec_input(&layer->spec)));
    if (output)
        MFI_TRY(write_shape(output, mfi_spec_output(&layer->spec)));
    return MF_STATUS_OK;
}

mf_status mf_layer_set(mf_layer *layer, int32_t key, double value)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    return mfi_layer_set(layer, key, value);
}

mf_status mf_layer_get(const mf_layer *layer, int32_t key, double *value)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(value, "the out-pointer of the value"));
    return mfi_layer_get(layer, key, value);
}

mf_status mf_layer_set_classes(mf_layer *layer, size_t classes)
{
    mfi_change change;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_classes(classes));
    MFI_TRY(mfi_change_classes(layer, classes, &change));
    mfi_change_commit(layer, &change);
    return MF_STATUS_OK;
}

mf_status mf_layer_set_optimizer(mf_layer *layer, mf_optimizer *optimizer)
{
    mfi_change change;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    if (optimizer)
        MFI_TRY(mfi_handle_check(optimizer, MFI_KIND_OPTIMIZER));
    MFI_TRY(mfi_change_optimizer(layer, optimizer, &change));
    mfi_change_commit(layer, &change);
    return MF_STATUS_OK;
}

mf_status mf_layer_optimizer(const mf_layer *layer, mf_optimizer **optimizer)
{
    MFI_TRY(mfi_check_pointer(optimizer, "the out-pointer of the optimizer"));
    *optimizer = NULL;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    *optimizer = layer->optimizer;
    return MF_STATUS_OK;
}

/* ---- parameters ---- */

/* A layer without a bias counts one parameter less. */
mf_status mf_layer_parameter_count(const mf_layer *layer, size_t *count)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(count, "the out-pointer of the count"));
    *count = 0;
    for (size_t i = 0; i < MFI_PARAMETERS; i++)
        *count += layer->parameters[i].count > 0;
    return MF_STATUS_OK;
}

mf_status mf_layer_parameter_info(const mf_layer *layer, size_t index, mf_parameter_info *info)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    size_t seen = 0;
    for (size_t i = 0; i < MFI_PARAMETERS; i++) {
        const mfi_parameter *parameter = &layer->parameters[i];
        if (parameter->count == 0 || seen++ != index)
            continue;
        mf_parameter_info found = {
            .type = MF_TYPE_FLOAT32,
            .trainable = parameter->trainable,
            .rank = parameter->rank,
            .count = parameter->count,
            .name = mfi_parameter_name(i),
        };
        memcpy(found.dims, parameter->dims, sizeof found.dims);
        return mfi_struct_write(info, &found, sizeof found, MFI_SIZE_UP_TO(mf_parameter_info, name),
                                "mf_parameter_info");
    }
    return mfi_fail(MF_STATUS_NOT_FOUND, "parameter %zu of a layer that has %zu", index, seen);
}

static mf_status find(const mf_layer *layer, const char *name, size_t *index)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(name, "the name of the parameter"));
    return mfi_layer_find(layer, name, index);
}

static mf_status find_values(const mf_layer *layer, const char *name, const void *values, size_t count,
                             size_t *index)
{
    MFI_TRY(find(layer, name, index));
    MFI_TRY(mfi_check_pointer(values, "the values of the parameter"));
    if (count != layer->parameters[*index].count)
        return mfi_fail(MF_STATUS_SHAPE, "the %s has %zu values, got room for %zu", name,
                        layer->parameters[*index].count, count);
    return MF_STATUS_OK;
}

mf_status mf_layer_get_parameter(const mf_layer *layer, const char *name, float *values, size_t count)
{
    size_t index;
    MFI_TRY(find_values(layer, name, values, count, &index));
    memcpy(values, layer->parameters[index].values, count * sizeof *values);
    return MF_STATUS_OK;
}

mf_status mf_layer_set_parameter(mf_layer *layer, const char *name, const float *values, size_t count)
{
    size_t index;
    MFI_TRY(find_values(layer, name, values, count, &index));
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return mfi_fail(MF_STATUS_NUMERIC, "value %zu of the %s is %g", i, name, (double)values[i]);
    for (size_t i = 0; index == MFI_VARIANCE && i < count; i++)
        if (values[i] < 0.0f)
            return mfi_fail(MF_STATUS_NUMERIC, "value %zu of the variance is %g", i, (double)values[i]);
    memcpy(layer->parameters[index].values, values, count * sizeof *values);
    return MF_STATUS_OK;
}

mf_status mf_layer_set_trainable(mf_layer *layer, const char *name, int32_t trainable)
{
    size_t index;
    MFI_TRY(find(layer, name, &index));
    if (trainable != 0 && trainable != 1)
        return mfi_fail(MF_STATUS_ARGUMENT, "trainable must be 0 or 1, got %d", (int)trainable);
    layer->parameters[index].trainable = trainable;
    if (index >= MFI_LEARNED)
        layer->parameters[MFI_MEAN].trainable = layer->parameters[MFI_VARIANCE].trainable = trainable;
    return MF_STATUS_OK;
}

/* ---- training and inference ---- */

static mf_status check_handles(const mf_layer *layer, const mf_workspace *workspace, bool training,
                               size_t *slot)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_handle_check(workspace, MFI_KIND_WORKSPACE));
    return mfi_workspace_check_layer(workspace, layer, training, slot);
}

mf_status mf_layer_step_batch(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a)
{
    size_t slot;
    mfi_rows rows;
    MFI_TRY(check_handles(layer, workspace, true, &slot));
    if (!layer->optimizer)
        return mfi_fail(MF_STATUS_STATE, "the layer has no optimizer");
    MFI_TRY(mfi_check_batch(batch, layer, workspace->max_batch, true, &rows));
    MFI_TRY(mfi_layer_check_rows(layer, slot, rows.count));
    mfi_settings settings = mfi_layer_settings(layer);
    return mfi_layer_step(layer, &settings, &workspace->scratch, &rows,
                          a ? a : workspace->activations[slot % 2], slot, &workspace->slots[slot].report);
}

mf_status mf_layer_step(mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x,
                        const int32_t *y, float *a)
{
    mf_batch batch = mfi_flat_batch(rows, x, y);
    return mf_layer_step_batch(layer, workspace, &batch, a);
}

static mf_status check_values(const mf_layer *layer, const float *gradients, size_t count)
{
    MFI_TRY(mfi_check_pointer(gradients, "the gradients"));
    if (count != mfi_layer_values(layer))
        return mfi_fail(MF_STATUS_SHAPE, "the parameters have %zu values, got %zu gradients",
                        mfi_layer_values(layer), count);
    return MF_STATUS_OK;
}

mf_status mf_layer_gradients(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a,
                             float *gradients, size_t count)
{
    size_t slot;
    mfi_rows rows;
    MFI_TRY(check_handles(layer, workspace, true, &slot));
    MFI_TRY(check_values(layer, gradients, count));
    MFI_TRY(mfi_check_batch(batch, layer, workspace->max_batch, true, &rows));
    MFI_TRY(mfi_layer_check_rows(layer, slot, rows.count));
    return mfi_layer_gradients(layer, &workspace->scratch, &rows, a ? a : workspace->activations[slot % 2],
                               slot, gradients, &workspace->slots[slot].report);
}

mf_status mf_layer_apply(mf_layer *layer, const float *gradients, size_t count)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(check_values(layer, gradients, count));
    if (!layer->optimizer)
        return mfi_fail(MF_STATUS_STATE, "the layer has no optimizer");
    if (!layer->kernels->all_finite(count, gradients))
        return mfi_fail(MF_STATUS_NUMERIC, "a gradient is not finite");
    return mfi_layer_apply(layer, gradients);
}

mf_status mf_layer_forward_batch(const mf_layer *layer, mf_workspace *workspace, const mf_batch *batch,
                                 float *a)
{
    size_t slot;
    mfi_rows rows;
    MFI_TRY(check_handles(layer, workspace, false, &slot));
    MFI_TRY(mfi_check_pointer(a, "the activation"));
    MFI_TRY(mfi_check_batch(batch, layer, workspace->max_batch, false, &rows));
    mfi_layer_forward(layer, &workspace->scratch, &rows, a);
    return MF_STATUS_OK;
}

mf_status mf_layer_forward(const mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x,
                           float *a)
{
    mf_batch batch = mfi_flat_batch(rows, x, NULL);
    return mf_layer_forward_batch(layer, workspace, &batch, a);
}

mf_status mf_layer_goodness(const mf_layer *layer, mf_workspace *workspace, size_t rows, const float *a,
                            float *goodness)
{
    size_t slot;
    MFI_TRY(check_handles(layer, workspace, false, &slot));
    MFI_TRY(mfi_check_pointer(goodness, "the goodness"));
    MFI_TRY(mfi_check_pointer(a, "the activation"));
    if (rows == 0 || rows > workspace->max_batch)
        return mfi_fail(MF_STATUS_CAPACITY, "the batch has %zu rows, the workspace takes 1 to %zu", rows,
                        workspace->max_batch);
    if (!layer->kernels->all_finite(rows * layer->spec.outputs, a))
        return mfi_fail(MF_STATUS_NUMERIC, "the activation holds a value that is not finite");
    mfi_layer_goodness(layer, &workspace->scratch, rows, a, goodness);
    return MF_STATUS_OK;
}
