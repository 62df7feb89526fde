/* Owns: the operators of ONNX that normalise, and means. */
#include "base/status.h"
#include "io/onnx_operators.h"

/* ---- normalisation ---- */

/* ONNX requires a bias, so files of this library have zeros where there is none. */
static bool has_no_bias(mfi_op_call call)
{
    int32_t bias = mfi_onnx_input_value(call, 2);
    return call->graph->file->own && bias >= 0 &&
           mfi_bytes_end_in(call->graph->file->values[bias].name, "no_bias");
}

/* Until opset 13 outputs for the running means and variances say so. */
static bool is_training(mfi_op_call call)
{
    bool more = false;
    for (size_t i = 1; i < call->op->output_count; i++)
        more = more || call->graph->file->links[call->op->outputs + i] >= 0;
    return mfi_onnx_attribute_of(call->op, "training_mode").integer != 0 ||
           (call->graph->file->opset < 14 && more);
}

mf_status mfi_op_batch_norm(mfi_op_call call)
{
    static const mfi_role roles[] = {MFI_SCALE, MFI_BIAS, MFI_MEAN, MFI_VARIANCE};
    mf_unit_spec spec;
    mfi_op_input input = mfi_onnx_input(call, 0);
    const mfi_onnx_attr epsilon = mfi_onnx_attribute_of(call->op, "epsilon");
    if (is_training(call))
        return mfi_onnx_refuse(call, "it normalises by the batch, as in training");
    MFI_TRY(mfi_op_begin_unit(call, input, MF_UNIT_BATCH_NORM, false, &spec));
    spec.normalization_epsilon = epsilon.found ? epsilon.number : 1e-5f;
    spec.bias = !has_no_bias(call);
    MFI_TRY(mfi_op_give_alike(call, input, &spec));
    mfi_onnx_unit *made = mfi_op_last_unit(call);
    for (size_t i = 0; i < 4; i++) {
        const mfi_onnx_constant *values = mfi_op_floats_of(mfi_onnx_input(call, i + 1));
        if (!mfi_op_is_along(values, mfi_shape_channels(&made->shape), 0))
            return mfi_onnx_refuse(
                call, "scale, bias, mean and variance are not constants with a value for each map");
        if (roles[i] != MFI_BIAS || spec.bias)
            made->constants[roles[i]] = values;
    }
    return MF_STATUS_OK;
}

size_t mfi_op_last_dim(const mf_shape *shape)
{
    return shape->dims[shape->rank - 1];
}

mf_status mfi_op_put_layer_norm_unit(mfi_op_call call, mfi_op_input input, float epsilon)
{
    mf_unit_spec spec;
    const mfi_onnx_view *view = &input->is.view;
    MFI_TRY(mfi_op_begin_unit(call, input, MF_UNIT_LAYER_NORM, false, &spec));
    /* Maps of one place are a row, whose last dim is another one. */
    if (view->batch == view->rank - 1 ||
        (size_t)view->dims[view->rank - 1] != mfi_op_last_dim(mfi_onnx_shape(call->graph, spec.inputs[0])))
        return mfi_onnx_refuse(call, "the last dim is not that of a row or a sequence");
    spec.normalization_epsilon = epsilon;
    spec.bias = 0;
    return mfi_op_give_alike(call, input, &spec);
}

mf_status mfi_op_layer_norm(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    const mfi_onnx_attr axis = mfi_onnx_attribute_of(call->op, "axis"),
                        epsilon = mfi_onnx_attribute_of(call->op, "epsilon");
    const mfi_onnx_constant *scale = mfi_op_floats_of(mfi_onnx_input(call, 1)), *bias;
    if (input->form != MFI_FORM_VIEW ||
        (axis.found && axis.integer != -1 && axis.integer != input->is.view.rank - 1))
        return mfi_onnx_refuse(call, "only the last dim of a unit's output is normalised");
    MFI_TRY(mfi_op_put_layer_norm_unit(call, input, epsilon.found ? epsilon.number : 1e-5f));
    mfi_onnx_unit *made = mfi_op_last_unit(call);
    if (!mfi_op_is_along(scale, mfi_op_last_dim(&made->shape), 0) || !mfi_op_floats_if_any(call, 2, &bias) ||
        (bias && !mfi_op_is_along(bias, mfi_op_last_dim(&made->shape), 0)))
        return mfi_onnx_refuse(call, "scale and bias are no constants of the last dim");
    made->constants[MFI_SCALE] = scale;
    if (bias)
        mfi_op_set_bias(made, bias);
    return MF_STATUS_OK;
}

/* Means over the places of maps, or over the positions of a sequence. */
static mf_status put_mean_of_places(mfi_op_call call, mfi_op_input input, bool keep, bool last)
{
    mf_unit_spec spec;
    int32_t node;
    MFI_TRY(mfi_op_begin_unit(call, input, MF_UNIT_GLOBAL_POOL, false, &spec));
    const mf_shape shape = *mfi_onnx_shape(call->graph, spec.inputs[0]);
    MFI_TRY(mfi_onnx_add_unit(call, &spec, &node));
    const int32_t d = (int32_t)mfi_onnx_shape(call->graph, node)->dims[0];
    const int32_t maps[3] = {last ? 1 : d, 1, last ? d : 1}, sequence[2] = {1, d};
    const int32_t *dims = !keep ? &d : shape.rank == 3 ? maps : sequence;
    return mfi_onnx_give_node(call, node, keep ? shape.rank : 1, dims);
}

/* A view with its last dim as the first one behind the batch. */
static mfi_onnx_result first_channels(mfi_op_input input)
{
    mfi_onnx_result turned = *input;
    for (int32_t d = 1; d < 4; d++) {
        turned.is.view.dims[d] = input->is.view.dims[d == 1 ? 3 : d - 1];
        turned.is.view.strides[d] = input->is.view.strides[d == 1 ? 3 : d - 1];
    }
    turned.form = MFI_FORM_VIEW;
    return turned;
}

mf_status mfi_op_reduce_mean(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    const mfi_onnx_attr keep = mfi_onnx_attribute_of(call->op, "keepdims");
    bool kept = !keep.found || keep.integer != 0, of[MFI_ONNX_DIMS] = {false};
    int64_t axes[MFI_ONNX_DIMS];
    size_t count;
    int32_t rank = input->is.view.rank;
    if ((input->form != MFI_FORM_VIEW && input->form != MFI_FORM_SQUARE) || input->is.view.batch != 0 ||
        !mfi_onnx_list(call, "axes", 1, axes, &count))
        return mfi_onnx_refuse(call, "its input or its axes are not what a unit has");
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 1 || axis >= rank)
            return mfi_onnx_refuse(call, "an axis is out of range, or the batch");
        of[axis] = true;
    }
    mfi_onnx_result result = *input;
    result.form = input->form == MFI_FORM_SQUARE ? MFI_FORM_VARIANCE : MFI_FORM_MEAN;
    if (count == 1 && of[rank - 1] && kept)
        return mfi_onnx_give(call, 0, &result);
    if (input->form == MFI_FORM_VIEW &&
        ((rank == 4 && count == 2 && of[2] && of[3]) || (rank == 3 && count == 1 && of[1])))
        return put_mean_of_places(call, input, kept, false);
    if (input->form == MFI_FORM_VIEW && rank == 4 && count == 2 && of[1] && of[2]) {
        result = first_channels(input);
        return put_mean_of_places(call, &result, kept, true);
    }
    return mfi_onnx_refuse(
        call, "only means over maps, over positions, and inside a layer normalisation are known");
}
