/* Owns: the checks that the exported functions share. */
#include "api/check.h"

#include <math.h>

#include "api/structs.h"
#include "math/softmax.h"

mf_status mfi_check_pointer(const void *pointer, const char *name)
{
    if (!pointer)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must not be NULL", name);
    return MF_STATUS_OK;
}

mf_status mfi_check_allocator(const mf_allocator *allocator)
{
    if (allocator && (!allocator->alloc || !allocator->free))
        return mfi_fail(MF_STATUS_ARGUMENT, "the allocator has no %s function",
                        allocator->alloc ? "free" : "alloc");
    return MF_STATUS_OK;
}

mf_status mfi_check_output(const mf_output *output, mf_output *known)
{
    MFI_TRY(MFI_READ(mf_output, known, output));
    if (!known->write)
        return mfi_fail(MF_STATUS_ARGUMENT, "the output has no function");
    return MF_STATUS_OK;
}

mf_batch mfi_flat_batch(size_t rows, const float *x, const int32_t *labels)
{
    return (mf_batch){
        .struct_size = sizeof(mf_batch),
        .input_type = MF_TYPE_FLOAT32,
        .target_type = MF_TYPE_INT32,
        .rows = rows,
        .inputs = x,
        .targets = labels,
    };
}

/* Scale and shift of bytes. What they make of the first and the last byte is finite only if it is of all. */
static mf_status check_scale(float scale, float shift)
{
    const uint8_t ends[2] = {0, UINT8_MAX};
    const mfi_inputs bytes = {.type = MF_TYPE_UINT8, .values = ends, .scale = scale, .shift = shift};
    float values[2];
    mfi_inputs_convert(&bytes, 1, 2, values);
    if (!isfinite(values[0]) || !isfinite(values[1]))
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "input_scale %g and input_shift %g make bytes inputs from %g to %g, which must be "
                        "finite",
                        (double)scale, (double)shift, (double)values[0], (double)values[1]);
    return MF_STATUS_OK;
}

static mf_status check_type(const mf_batch *batch)
{
    float scale = batch->input_scale, shift = batch->input_shift;
    if (batch->input_type == MF_TYPE_UINT8)
        return check_scale(scale, shift);
    if (batch->input_type < MF_TYPE_FLOAT32 || batch->input_type > MF_TYPE_BF16)
        return mfi_fail(
            MF_STATUS_UNSUPPORTED,
            "inputs have type %d; %d (float32), %d (int32), %d (uint8) and %d (bf16) are supported",
            (int)batch->input_type, (int)MF_TYPE_FLOAT32, (int)MF_TYPE_INT32, (int)MF_TYPE_UINT8,
            (int)MF_TYPE_BF16);
    if (scale != 0.0f || shift != 0.0f)
        return mfi_fail(
            MF_STATUS_ARGUMENT,
            "input_scale is %g and input_shift %g; for inputs of type %d, which are no bytes, both "
            "must be 0",
            (double)scale, (double)shift, (int)batch->input_type);
    return MF_STATUS_OK;
}

mf_status mfi_check_row_count(size_t rows, size_t max_batch)
{
    if (rows == 0 || rows > max_batch)
        return mfi_fail(MF_STATUS_CAPACITY, "the batch has %zu rows, 1 to %zu are taken", rows, max_batch);
    return MF_STATUS_OK;
}

static mf_status check_shape(const mf_batch *batch, const mf_layer *layer, size_t max_batch)
{
    MFI_TRY(check_type(batch));
    MFI_TRY(mfi_check_row_count(batch->rows, max_batch));
    MFI_TRY(mfi_check_pointer(batch->inputs, "the input"));
    if (batch->input_stride != 0 && batch->input_stride < layer->plan.inputs)
        return mfi_fail(MF_STATUS_ARGUMENT, "a stride of %zu is less than the %zu inputs of a row",
                        batch->input_stride, layer->plan.inputs);
    if (batch->input_stride > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "a stride must be at most %d, got %zu", (int)INT32_MAX,
                        batch->input_stride);
    return MF_STATUS_OK;
}

/* Of a layer with goodness at positions, a position may have no label, but one at least has some. */
static mf_status check_positions(const mfi_rows *rows, size_t classes)
{
    size_t count = rows->count * rows->scored, labelled = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t label = rows->labels[i];
        labelled += label != MF_LABEL_IGNORED;
        if (label != MF_LABEL_IGNORED && (label < 0 || (size_t)label >= classes))
            return mfi_fail(
                MF_STATUS_LABEL,
                "the label of row %zu at position %zu is %d; with %zu classes it must be from 0 to %zu, or "
                "MF_LABEL_IGNORED",
                i / rows->scored, i % rows->scored, (int)label, classes, classes - 1);
    }
    if (labelled == 0)
        return mfi_fail(MF_STATUS_LABEL, "all %zu labels are MF_LABEL_IGNORED", count);
    return MF_STATUS_OK;
}

static mf_status check_labels(const mfi_rows *rows, size_t classes)
{
    for (size_t b = 0; b < rows->count; b++)
        if (rows->labels[b] < 0 || (size_t)rows->labels[b] >= classes)
            return mfi_fail(MF_STATUS_LABEL,
                            "the label of row %zu is %d; with %zu classes it must be from 0 to %zu", b,
                            (int)rows->labels[b], classes, classes - 1);
    return MF_STATUS_OK;
}

/* Whether a row has a label at all. */
static bool is_labelled(const mfi_rows *rows, size_t row)
{
    for (size_t t = 0; t < rows->scored; t++)
        if (rows->labels[row * rows->scored + t] != MF_LABEL_IGNORED)
            return true;
    return false;
}

static mf_status check_weights(const mfi_rows *rows)
{
    double total = 0.0;
    if (!rows->weights)
        return MF_STATUS_OK;
    for (size_t b = 0; b < rows->count; b++) {
        double weight = (double)rows->weights[b];
        if (!(weight >= 0.0) || !isfinite(weight))
            return mfi_fail(MF_STATUS_ARGUMENT,
                            "the weight of row %zu is %g, it must be finite and at least 0", b, weight);
        total += is_labelled(rows, b) ? mfi_weight_of(rows->weights, b) : 0.0;
    }
    if (total == 0.0)
        return mfi_fail(MF_STATUS_ARGUMENT, "all %zu sample weights are 0, or too small for float32",
                        rows->count);
    return MF_STATUS_OK;
}

static bool inputs_finite(const mfi_inputs *inputs, const mf_layer *layer, size_t first, size_t count)
{
    switch (inputs->type) {
    case MF_TYPE_UINT8:
    case MF_TYPE_INT32:
        return true;
    case MF_TYPE_BF16:
        return mfi_bf16_all_finite(count, (const uint16_t *)inputs->values + first);
    default:
        return layer->kernels->all_finite(count, (const float *)inputs->values + first);
    }
}

static mf_status check_finite(const mfi_inputs *inputs, size_t rows, const mf_layer *layer)
{
    size_t k = layer->plan.inputs;
    if (inputs->stride == k && inputs_finite(inputs, layer, 0, rows * k))
        return MF_STATUS_OK;
    for (size_t b = 0; b < rows; b++) {
        size_t first = b * inputs->stride, j = 0;
        if (inputs_finite(inputs, layer, first, k))
            continue;
        while (j + 1 < k && inputs_finite(inputs, layer, first + j, 1))
            j++;
        return mfi_fail(MF_STATUS_NUMERIC, "input %zu of row %zu is %g, it must be finite", j, b,
                        (double)mfi_input_at(inputs, first + j));
    }
    return MF_STATUS_OK;
}

mf_status mfi_check_batch(const mf_batch *batch, const mf_layer *layer, size_t max_batch, bool labelled,
                          mfi_inputs *inputs, mfi_rows *rows)
{
    MFI_CALM;
    mf_batch known = mfi_flat_batch(0, NULL, NULL);
    MFI_TRY(MFI_READ_AS(mf_batch, &known, batch, "the batch"));
    MFI_TRY(check_shape(&known, layer, max_batch));
    *rows = (mfi_rows){.count = known.rows};
    *inputs = (mfi_inputs){
        .type = known.input_type,
        .values = known.inputs,
        .stride = known.input_stride ? known.input_stride : layer->plan.inputs,
        .scale = known.input_scale,
        .shift = known.input_shift,
    };
    if (labelled) {
        if (known.target_type != MF_TYPE_INT32)
            return mfi_fail(MF_STATUS_UNSUPPORTED,
                            "targets of type %d; int32 labels are supported, as mf_batch_init() says",
                            (int)known.target_type);
        MFI_TRY(mfi_check_pointer(known.targets, "the labels"));
        rows->labels = known.targets;
        rows->weights = known.sample_weights;
        rows->scored = layer->plan.scored;
        MFI_TRY(layer->plan.head.kind == MF_HEAD_POSITIONS ? check_positions(rows, layer->plan.head.classes)
                                                           : check_labels(rows, layer->plan.head.classes));
        MFI_TRY(check_weights(rows));
    }
    return check_finite(inputs, rows->count, layer);
}

mf_status mfi_check_rows(const mf_batch *batch, const mf_layer *layer, mf_workspace *workspace, size_t index,
                         bool labelled, mfi_rows *rows)
{
    mfi_inputs inputs;
    MFI_TRY(mfi_check_batch(batch, layer, workspace->max_batch, labelled, &inputs, rows));
    if (index == 0 && workspace->network)
        inputs.scaling = mfi_network_scaling(workspace->network);
    MFI_TRY(mfi_workspace_take_inputs(workspace, index, &inputs, rows));
    return mfi_layer_check_taken(layer, inputs.scaling.count > 0, rows);
}
