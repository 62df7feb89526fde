/* Owns: what the operators of ONNX share: constants, units and forms. */
#include <math.h>

#include "base/status.h"
#include "io/onnx_operators.h"
#include "model/spec.h"

/* ---- constants ---- */

const mfi_onnx_constant *mfi_op_floats_of(mfi_op_input value)
{
    return value->form == MFI_FORM_CONSTANT && value->is.constant.type == 1 ? &value->is.constant : NULL;
}

bool mfi_op_floats_if_any(mfi_op_call call, size_t index, const mfi_onnx_constant **constant)
{
    *constant = mfi_op_floats_of(mfi_onnx_input(call, index));
    return *constant || mfi_onnx_input_value(call, index) < 0;
}

bool mfi_op_number_if_any(mfi_op_call call, size_t index, float *number)
{
    return mfi_onnx_number_of(mfi_onnx_input(call, index), number) || mfi_onnx_input_value(call, index) < 0;
}

/* Whether a value is no output of a unit. */
bool mfi_op_is_known(mfi_op_input value)
{
    return value->form < MFI_FORM_VIEW;
}

bool mfi_op_is_near(float value, float wanted)
{
    return fabsf(value - wanted) <= 1e-4f * fabsf(wanted);
}

/* Whether a constant has `count` values, which lie along the dim that is `behind` dims before the last. */
bool mfi_op_is_along(const mfi_onnx_constant *constant, size_t count, int32_t behind)
{
    if (!constant || constant->count != count)
        return false;
    for (int32_t d = 0; d < constant->rank; d++)
        if (constant->dims[d] != 1 && d != constant->rank - 1 - behind)
            return false;
    return count == 1 || constant->rank > behind;
}

/* ---- units ---- */

mf_status mfi_op_begin_unit(mfi_op_call call, mfi_op_input input, int32_t kind, bool row, mf_unit_spec *spec)
{
    *spec = mfi_unit_defaults();
    spec->kind = kind;
    return mfi_onnx_settle(call, input, row, &spec->inputs[0]);
}

mfi_onnx_unit *mfi_op_last_unit(mfi_op_call call)
{
    return &call->graph->list[call->graph->count - 1];
}

/* Adds a unit whose output has the dims of its input. */
mf_status mfi_op_give_alike(mfi_op_call call, mfi_op_input input, const mf_unit_spec *spec)
{
    int32_t dims[MFI_ONNX_DIMS], node, rank = mfi_onnx_row_dims(&input->is.view, dims);
    MFI_TRY(mfi_onnx_add_unit(call, spec, &node));
    return mfi_onnx_give_node(call, node, rank, dims);
}

/* Adds a unit and gives its output as it is. */
mf_status mfi_op_give_unit(mfi_op_call call, const mf_unit_spec *spec, int32_t *node)
{
    int32_t dims[3];
    MFI_TRY(mfi_onnx_add_unit(call, spec, node));
    const mf_shape *shape = mfi_onnx_shape(call->graph, *node);
    for (int32_t d = 0; d < shape->rank; d++)
        dims[d] = (int32_t)shape->dims[d];
    return mfi_onnx_give_node(call, *node, shape->rank, dims);
}

mf_status mfi_op_put_phi(mfi_op_call call, mfi_op_input input, int32_t activation, float leak)
{
    mf_unit_spec spec;
    MFI_TRY(mfi_op_begin_unit(call, input, MF_UNIT_ACTIVATION, false, &spec));
    spec.activation = activation;
    spec.leak = leak;
    return mfi_op_give_alike(call, input, &spec);
}

bool mfi_op_same_view(mfi_op_input a, mfi_op_input b)
{
    const mfi_onnx_view *one = &a->is.view, *other = &b->is.view;
    bool same = one->node == other->node && one->rank == other->rank && one->batch == other->batch &&
                one->offset == other->offset && a->whole == b->whole;
    for (int32_t d = 0; same && d < one->rank; d++)
        same = one->dims[d] == other->dims[d] && (d == one->batch || one->strides[d] == other->strides[d]);
    return same;
}

bool mfi_op_same_dims(mfi_op_input a, mfi_op_input b, int32_t but)
{
    const mfi_onnx_view *one = &a->is.view, *other = &b->is.view;
    bool same = one->rank == other->rank && one->batch == other->batch;
    for (int32_t d = 0; same && d < one->rank; d++)
        same = d == one->batch || d == but || one->dims[d] == other->dims[d];
    return same;
}

mf_status mfi_op_become(mfi_op_call call, mfi_op_input from, mfi_onnx_form form)
{
    mfi_onnx_result result = *from;
    result.form = form;
    return mfi_onnx_give(call, 0, &result);
}
