/* Owns: the operators of ONNX that pool maps, and zeros around maps. */
#include "base/status.h"
#include "io/onnx_operators.h"
#include "model/spec.h"

/* ---- pooling ---- */

static bool is_after_relu(mfi_op_call call, int32_t node)
{
    const mfi_onnx_unit *unit = node > 0 ? &call->graph->list[node - 1] : NULL;
    return unit && unit->unit.kind == MF_UNIT_ACTIVATION && unit->unit.activation == MF_ACTIVATION_RELU;
}

/* Zeros around maps, from a convolution whose kernel has a single 1: pools have no padding. */
static mf_status put_zeros_around(mfi_op_call call, const size_t pads[2], int32_t *node)
{
    mf_unit_spec spec = mfi_unit_defaults();
    spec.kind = MF_UNIT_CONV2D;
    spec.inputs[0] = *node;
    spec.outputs = mfi_onnx_shape(call->graph, *node)->dims[0];
    spec.bias = 0;
    for (size_t i = 0; i < 2; i++) {
        spec.kernel[i] = 2 * pads[i] + 1;
        spec.stride[i] = 1;
        spec.padding[i] = 2 * pads[i];
    }
    MFI_TRY(mfi_onnx_add_unit(call, &spec, node));
    mfi_op_last_unit(call)->pads = true;
    return MF_STATUS_OK;
}

/* Pads of maps, the same above and below, left and right. */
mf_status mfi_op_pad(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    const mfi_onnx_attr mode = mfi_onnx_attribute_of(call->op, "mode"),
                        fill = mfi_onnx_attribute_of(call->op, "value");
    int64_t pads[MFI_ONNX_DIMS];
    size_t count, none = 0;
    float value = fill.number;
    int32_t node;
    if (input->form != MFI_FORM_VIEW || !mfi_onnx_list(call, "pads", 1, pads, &count))
        return mfi_onnx_refuse(call, "its pads are no constants");
    while (none < count && pads[none] == 0)
        none++;
    if (none == count)
        return mfi_onnx_pass(call, input);
    (void)mfi_onnx_number_of(mfi_onnx_input(call, 2), &value);
    const size_t sides[2] = {(size_t)pads[2], (size_t)pads[3]};
    if ((mode.found && !mfi_bytes_are(mode.text, "constant")) || value != 0.0f || count != 8 || pads[0] ||
        pads[1] || pads[4] || pads[5] || pads[2] != pads[6] || pads[3] != pads[7] || pads[2] < 0 ||
        pads[3] < 0 || pads[2] > 1024 || pads[3] > 1024)
        return mfi_onnx_refuse(call, "only zeros around maps, the same on both sides, are known");
    MFI_TRY(mfi_onnx_settle(call, input, false, &node));
    MFI_TRY(put_zeros_around(call, sides, &node));
    const mf_shape *shape = mfi_onnx_shape(call->graph, node);
    const int32_t dims[3] = {(int32_t)shape->dims[0], (int32_t)shape->dims[1], (int32_t)shape->dims[2]};
    return mfi_onnx_give_node(call, node, 3, dims);
}

static mf_status put_pool_unit(mfi_op_call call, int32_t pool)
{
    mf_unit_spec spec;
    size_t pads[2];
    int32_t node;
    MFI_TRY(mfi_op_begin_unit(call, mfi_onnx_input(call, 0), MF_UNIT_POOL, false, &spec));
    spec.pool = pool;
    MFI_TRY(mfi_op_read_window(call, &spec, pads));
    if (mfi_onnx_attribute_of(call->op, "ceil_mode").integer != 0)
        return mfi_onnx_refuse(call, "ceil_mode is not known");
    if (mfi_onnx_shape(call->graph, spec.inputs[0])->rank != 3)
        return mfi_onnx_refuse(call, "it does not read maps");
    if (pads[0] + pads[1] > 0) {
        if (pool == MF_POOL_MAX && !is_after_relu(call, spec.inputs[0]))
            return mfi_onnx_refuse(call, "pads are known behind ReLU alone, where they are zeros");
        if (pool == MF_POOL_AVERAGE && mfi_onnx_attribute_of(call->op, "count_include_pad").integer == 0)
            return mfi_onnx_refuse(call, "means that leave pads out are not known");
        if (2 * pads[0] > spec.kernel[0] || 2 * pads[1] > spec.kernel[1])
            return mfi_onnx_refuse(call, "pads are larger than half its window");
        MFI_TRY(put_zeros_around(call, pads, &spec.inputs[0]));
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
