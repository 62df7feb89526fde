/* Owns: windows over maps as ONNX describes them, the zeros around maps that they read, and pools. */
#include "base/status.h"
#include "io/onnx_operators.h"
#include "model/spec.h"

enum { MOST_ZEROS = 1024 }; /* on a side of maps */

/* ---- zeros around maps ---- */

/* What Pad puts around maps is read by the windows of the next operator. */
mf_status mfi_op_pad(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    const mfi_onnx_attr mode = mfi_onnx_attribute_of(call->op, "mode"),
                        fill = mfi_onnx_attribute_of(call->op, "value");
    mfi_onnx_result padded = *input;
    int64_t pads[MFI_ONNX_DIMS];
    size_t count, none = 0;
    float value = fill.number;
    if (input->form != MFI_FORM_VIEW || !mfi_onnx_list(call, "pads", 1, pads, &count))
        return mfi_onnx_refuse(call, "its pads are no constants");
    while (none < count && pads[none] == 0)
        none++;
    if (none == count)
        return mfi_onnx_pass(call, input);
    if ((mode.found && !mfi_bytes_are(mode.text, "constant")) || !mfi_op_number_if_any(call, 2, &value) ||
        value != 0.0f || count != 8 || pads[0] || pads[1] || pads[4] || pads[5] ||
        mfi_onnx_input_value(call, 3) >= 0)
        return mfi_onnx_refuse(call, "only zeros around maps are known");
    for (size_t i = 0; i < 2; i++) {
        if (pads[i + 2] < 0 || pads[i + 2] > MOST_ZEROS || pads[i + 6] < 0 || pads[i + 6] > MOST_ZEROS)
            return mfi_onnx_refuse(call, "its pads are negative, or too large");
        padded.sides.before[i] = (int32_t)pads[i + 2];
        padded.sides.after[i] = (int32_t)pads[i + 6];
    }
    padded.form = MFI_FORM_PADDED;
    return mfi_onnx_give(call, 0, &padded);
}

static bool has_sides(const mfi_onnx_sides *sides)
{
    return sides->before[0] || sides->before[1] || sides->after[0] || sides->after[1];
}

/* ---- windows ---- */

mf_status mfi_op_begin_window(mfi_op_call call, int32_t kind, mf_unit_spec *spec, mfi_onnx_sides *zeros)
{
    mfi_onnx_result input = *mfi_onnx_input(call, 0);
    *zeros = (mfi_onnx_sides){{0}, {0}};
    if (input.form == MFI_FORM_PADDED) {
        *zeros = input.sides;
        input.form = MFI_FORM_VIEW;
    }
    return mfi_op_begin_unit(call, &input, kind, false, spec);
}

static bool both_are(mfi_onnx_attr attribute, int64_t value)
{
    bool same = true;
    for (size_t i = 0; attribute.found && i < attribute.count && i < MFI_ONNX_DIMS; i++)
        same = same && attribute.list[i] == value;
    return same;
}

/* Sides that let a window begin at each stride-th value of a map: the values of auto_pad with this name. */
static void same_sides(const mf_unit_spec *spec, const size_t map[2], bool upper, mfi_onnx_sides *sides)
{
    for (size_t i = 0; i < 2; i++) {
        size_t covered = (map[i] - 1) / spec->stride[i] * spec->stride[i] + spec->kernel[i];
        size_t missing = covered > map[i] ? covered - map[i] : 0;
        sides->before[i] = (int32_t)((missing + !upper) / 2);
        sides->after[i] = (int32_t)((missing + upper) / 2);
    }
}

static mf_status read_auto_pad(mfi_op_call call, const mf_unit_spec *spec, const mfi_onnx_sides *zeros,
                               mfi_onnx_attr automatic, mfi_onnx_sides *sides)
{
    const mf_shape *input = mfi_onnx_shape(call->graph, spec->inputs[0]);
    bool upper = mfi_bytes_are(automatic.text, "SAME_UPPER");
    size_t map[2];
    if (mfi_bytes_are(automatic.text, "NOTSET") || mfi_bytes_are(automatic.text, "VALID"))
        return MF_STATUS_OK;
    if (!upper && !mfi_bytes_are(automatic.text, "SAME_LOWER"))
        return mfi_onnx_refuse(call, "this auto_pad is not known");
    for (size_t i = 0; i < 2; i++)
        map[i] = input->dims[i + 1] + (size_t)(zeros->before[i] + zeros->after[i]);
    same_sides(spec, map, upper, sides);
    return MF_STATUS_OK;
}

mf_status mfi_op_read_window(mfi_op_call call, mf_unit_spec *spec, const mfi_onnx_sides *zeros,
                             mfi_onnx_sides *sides)
{
    const mfi_onnx_attr kernel = mfi_onnx_attribute_of(call->op, "kernel_shape"),
                        stride = mfi_onnx_attribute_of(call->op, "strides"),
                        pads = mfi_onnx_attribute_of(call->op, "pads"),
                        automatic = mfi_onnx_attribute_of(call->op, "auto_pad");
    if (!both_are(mfi_onnx_attribute_of(call->op, "dilations"), 1))
        return mfi_onnx_refuse(call, "dilations other than 1 are not known");
    if ((kernel.found && kernel.count != 2) || (stride.found && stride.count != 2) ||
        (pads.found && pads.count != 4))
        return mfi_onnx_refuse(call, "only windows of two dims are known");
    *sides = (mfi_onnx_sides){{0}, {0}};
    for (size_t i = 0; i < 2; i++) {
        int64_t before = pads.found ? pads.list[i] : 0, after = pads.found ? pads.list[i + 2] : 0,
                size = kernel.found ? kernel.list[i] : (int64_t)spec->kernel[i],
                step = stride.found ? stride.list[i] : 1;
        if (before < 0 || before > MOST_ZEROS || after < 0 || after > MOST_ZEROS || size < 1 || step < 1 ||
            size > INT32_MAX || step > INT32_MAX)
            return mfi_onnx_refuse(call, "kernel, strides or pads are out of range");
        sides->before[i] = (int32_t)before;
        sides->after[i] = (int32_t)after;
        spec->kernel[i] = (size_t)size;
        spec->stride[i] = (size_t)step;
    }
    return automatic.found ? read_auto_pad(call, spec, zeros, automatic, sides) : MF_STATUS_OK;
}

/* ---- pools ---- */

static bool is_after_relu(mfi_op_call call, int32_t node)
{
    const mfi_onnx_unit *unit = node > 0 ? &call->graph->list[node - 1] : NULL;
    return unit && unit->unit.kind == MF_UNIT_ACTIVATION && unit->unit.activation == MF_ACTIVATION_RELU;
}

/* A maximum behind ReLU does not tell zeros from what is outside. */
static mf_status put_pool_unit(mfi_op_call call, int32_t pool)
{
    mf_unit_spec spec;
    mfi_onnx_sides zeros, sides;
    int32_t node;
    MFI_TRY(mfi_op_begin_window(call, MF_UNIT_POOL, &spec, &zeros));
    MFI_TRY(mfi_op_read_window(call, &spec, &zeros, &sides));
    if (mfi_onnx_shape(call->graph, spec.inputs[0])->rank != 3)
        return mfi_onnx_refuse(call, "it does not read maps");
    bool counts = mfi_onnx_attribute_of(call->op, "count_include_pad").integer != 0;
    spec.pool = pool == MF_POOL_AVERAGE && has_sides(&sides) && !counts ? MF_POOL_AVERAGE_INSIDE : pool;
    if (mfi_onnx_attribute_of(call->op, "ceil_mode").integer != 0)
        return mfi_onnx_refuse(call, "ceil_mode is not known");
    if (pool == MF_POOL_MAX && has_sides(&zeros) && !is_after_relu(call, spec.inputs[0]))
        return mfi_onnx_refuse(call, "a maximum of maps with zeros around them is known behind ReLU alone");
    if (spec.pool == MF_POOL_AVERAGE_INSIDE && has_sides(&zeros))
        return mfi_onnx_refuse(call, "zeros around its maps count, and pads of its own do not");
    for (size_t i = 0; i < 2; i++) {
        if (zeros.before[i] + sides.before[i] != zeros.after[i] + sides.after[i])
            return mfi_onnx_refuse(call, "pads that differ between sides are known in convolutions alone");
        spec.padding[i] = (size_t)(zeros.before[i] + sides.before[i]);
    }
    return mfi_op_give_unit(call, &spec, &node);
}

mf_status mfi_op_max_pool(mfi_op_call call)
{
    return put_pool_unit(call, MF_POOL_MAX);
}

mf_status mfi_op_average_pool(mfi_op_call call)
{
    return put_pool_unit(call, MF_POOL_AVERAGE);
}

mf_status mfi_op_global_pool(mfi_op_call call)
{
    mf_unit_spec spec;
    int32_t node;
    MFI_TRY(mfi_op_begin_unit(call, mfi_onnx_input(call, 0), MF_UNIT_GLOBAL_POOL, false, &spec));
    if (mfi_onnx_shape(call->graph, spec.inputs[0])->rank != 3)
        return mfi_onnx_refuse(call, "it does not read maps");
    MFI_TRY(mfi_onnx_add_unit(call, &spec, &node));
    const int32_t dims[3] = {(int32_t)mfi_onnx_shape(call->graph, node)->dims[0], 1, 1};
    return mfi_onnx_give_node(call, node, 3, dims);
}
