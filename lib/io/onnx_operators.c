/* Owns: the operators of ONNX that are units, and the table of all that compute. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "io/onnx_operators.h"
#include "model/spec.h"

static mf_status op_relu(mfi_op_call call)
{
    return mfi_op_put_phi(call, mfi_onnx_input(call, 0), MF_ACTIVATION_RELU, 0.01f);
}

static mf_status op_leaky_relu(mfi_op_call call)
{
    const mfi_onnx_attr alpha = mfi_onnx_attribute_of(call->op, "alpha");
    return mfi_op_put_phi(call, mfi_onnx_input(call, 0), MF_ACTIVATION_LEAKY_RELU,
                          alpha.found ? alpha.number : 0.01f);
}

static mf_status op_tanh(mfi_op_call call)
{
    return mfi_op_put_phi(call, mfi_onnx_input(call, 0), MF_ACTIVATION_TANH, 0.01f);
}

static mf_status op_gelu(mfi_op_call call)
{
    const mfi_onnx_attr how = mfi_onnx_attribute_of(call->op, "approximate");
    if (how.found && !mfi_bytes_are(how.text, "none"))
        return mfi_onnx_refuse(call, "only the exact form is known, not the approximation");
    return mfi_op_put_phi(call, mfi_onnx_input(call, 0), MF_ACTIVATION_GELU, 0.01f);
}

/* Clip with 0 below and nothing above. */
static mf_status op_clip(mfi_op_call call)
{
    float low = -1.0f, high = INFINITY;
    const mfi_onnx_attr min = mfi_onnx_attribute_of(call->op, "min"),
                        max = mfi_onnx_attribute_of(call->op, "max");
    if (min.found)
        low = min.number;
    if (max.found)
        high = max.number;
    if (!mfi_op_number_if_any(call, 1, &low) || !mfi_op_number_if_any(call, 2, &high) || low != 0.0f ||
        !(high >= 3e38f))
        return mfi_onnx_refuse(call, "only from 0 to infinity, which is ReLU");
    return op_relu(call);
}

/* ---- products ---- */

/* The weight [n, k] of a dense unit. */
static mf_status put_dense_unit(mfi_op_call call, const mfi_onnx_constant *weight, bool turned, int32_t rank)
{
    mf_unit_spec spec;
    mfi_onnx_result read = *mfi_onnx_input(call, 0);
    bool last = read.form == MFI_FORM_LAST_ROW;
    int32_t node;
    if (last)
        read.form = MFI_FORM_VIEW;
    MFI_TRY(mfi_op_begin_unit(call, &read, MF_UNIT_DENSE, rank == 1, &spec));
    spec.outputs = (size_t)weight->dims[turned ? 1 : 0];
    spec.bias = 0;
    MFI_TRY(mfi_op_give_unit(call, &spec, &node));
    mfi_onnx_unit *made = mfi_op_last_unit(call);
    const mf_shape *input = mfi_onnx_shape(call->graph, spec.inputs[0]);
    size_t reads = input->rank == 2 ? input->dims[1] : mfi_shape_values(input);
    if ((size_t)weight->dims[turned ? 0 : 1] != reads)
        return mfi_onnx_refuse(call, "its weight does not fit its input");
    made->constants[MFI_WEIGHT] = weight;
    made->turned = turned != weight->turned;
    made->last_channels = last ? input->dims[0] : 0;
    return MF_STATUS_OK;
}

void mfi_op_set_bias(mfi_onnx_unit *made, const mfi_onnx_constant *bias)
{
    made->constants[MFI_BIAS] = bias;
    made->unit.bias = 1;
}

static mf_status op_gemm(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    const mfi_onnx_constant *weight = mfi_op_floats_of(mfi_onnx_input(call, 1)), *bias;
    const mfi_onnx_attr alpha = mfi_onnx_attribute_of(call->op, "alpha"),
                        beta = mfi_onnx_attribute_of(call->op, "beta");
    bool turned = mfi_onnx_attribute_of(call->op, "transB").integer == 0;
    if ((alpha.found && alpha.number != 1.0f) || (beta.found && beta.number != 1.0f) ||
        mfi_onnx_attribute_of(call->op, "transA").integer != 0)
        return mfi_onnx_refuse(call, "alpha and beta other than 1, and transA, are not known");
    if (!weight || weight->rank != 2 || !mfi_op_floats_if_any(call, 2, &bias))
        return mfi_onnx_refuse(call, "its weight and bias are no constants of floats");
    if ((input->form != MFI_FORM_VIEW && input->form != MFI_FORM_LAST_ROW) || input->is.view.rank != 2)
        return mfi_onnx_refuse(call, "its input has no two dims");
    if (bias && !mfi_op_is_along(bias, (size_t)weight->dims[turned ? 1 : 0], 0))
        return mfi_onnx_refuse(call, "its bias does not have a value for each output");
    MFI_TRY(put_dense_unit(call, weight, turned, 1));
    if (bias)
        mfi_op_set_bias(mfi_op_last_unit(call), bias);
    return MF_STATUS_OK;
}

/* Sides that differ are those of a larger kernel, which begins or ends with zeros. */
static void pad_convolution(mf_unit_spec *spec, const mfi_onnx_sides *one, const mfi_onnx_sides *other,
                            size_t lead[2])
{
    for (size_t i = 0; i < 2; i++) {
        size_t before = (size_t)(one->before[i] + other->before[i]),
               after = (size_t)(one->after[i] + other->after[i]);
        lead[i] = after > before ? after - before : 0;
        spec->padding[i] = before + lead[i];
        spec->kernel[i] += lead[i] + (before > after ? before - after : 0);
    }
}

static mf_status op_conv(mfi_op_call call)
{
    mf_unit_spec spec;
    mfi_onnx_sides zeros, sides;
    size_t lead[2];
    int32_t node;
    const mfi_onnx_attr group = mfi_onnx_attribute_of(call->op, "group");
    const mfi_onnx_constant *weight = mfi_op_floats_of(mfi_onnx_input(call, 1)), *bias;
    if (!weight || weight->rank != 4 || weight->turned || !mfi_op_floats_if_any(call, 2, &bias))
        return mfi_onnx_refuse(call, "its weight is no constant of four dims, or its bias none");
    if (group.found && (group.integer < 1 || group.integer > INT32_MAX))
        return mfi_onnx_refuse(call, "its number of groups is out of range");
    MFI_TRY(mfi_op_begin_window(call, MF_UNIT_CONV2D, &spec, &zeros));
    spec.outputs = (size_t)weight->dims[0];
    spec.groups = group.found ? (size_t)group.integer : 1;
    spec.kernel[0] = (size_t)weight->dims[2];
    spec.kernel[1] = (size_t)weight->dims[3];
    spec.bias = 0;
    MFI_TRY(mfi_op_read_window(call, &spec, &zeros, &sides));
    if (spec.kernel[0] != (size_t)weight->dims[2] || spec.kernel[1] != (size_t)weight->dims[3] ||
        weight->dims[1] > INT32_MAX ||
        (size_t)weight->dims[1] * spec.groups != mfi_onnx_shape(call->graph, spec.inputs[0])->dims[0] ||
        (bias && !mfi_op_is_along(bias, spec.outputs, 0)))
        return mfi_onnx_refuse(call, "its weight or bias does not fit its input");
    pad_convolution(&spec, &zeros, &sides, lead);
    MFI_TRY(mfi_op_give_unit(call, &spec, &node));
    mfi_onnx_unit *made = mfi_op_last_unit(call);
    made->constants[MFI_WEIGHT] = weight;
    memcpy(made->lead, lead, sizeof lead);
    if (bias)
        mfi_op_set_bias(made, bias);
    return MF_STATUS_OK;
}

static mf_status op_mat_mul(mfi_op_call call)
{
    mfi_op_input a = mfi_onnx_input(call, 0), b = mfi_onnx_input(call, 1);
    const mfi_onnx_constant *weight = mfi_op_floats_of(b);
    if (a->form == MFI_FORM_SHARES && b->form == MFI_FORM_VIEW)
        return mfi_op_make_attention(call, a, b);
    if (a->form == MFI_FORM_VIEW && b->form == MFI_FORM_VIEW)
        return mfi_op_make_scores(call, a, b);
    if ((a->form != MFI_FORM_VIEW && a->form != MFI_FORM_LAST_ROW) || !weight || weight->rank != 2 ||
        (a->is.view.rank != 2 && a->is.view.rank != 3))
        return mfi_onnx_refuse(call, "it is known with a constant matrix, and inside attention");
    return put_dense_unit(call, weight, true, a->is.view.rank - 1);
}

/* The rows of a constant matrix that belong to tokens, the input of the graph. */
static mf_status op_gather(mfi_op_call call)
{
    mf_unit_spec spec;
    int32_t node;
    mfi_onnx_result tokens = *mfi_onnx_input(call, 1);
    const mfi_onnx_constant *weight = mfi_op_floats_of(mfi_onnx_input(call, 0));
    if (!weight || weight->rank != 2 || weight->turned ||
        mfi_onnx_attribute_of(call->op, "axis").integer != 0 || tokens.form != MFI_FORM_VIEW ||
        tokens.is.view.node != 0)
        return mfi_onnx_refuse(call,
                               "it is known for positions of a unit's output, and for rows of a constant "
                               "matrix, of which the input of the graph says which");
    tokens.whole = false; /* as tokens have to be, in the library, too */
    MFI_TRY(mfi_op_begin_unit(call, &tokens, MF_UNIT_EMBEDDING, false, &spec));
    spec.vocabulary = (size_t)weight->dims[0];
    spec.outputs = (size_t)weight->dims[1];
    MFI_TRY(mfi_op_give_unit(call, &spec, &node));
    mfi_op_last_unit(call)->constants[MFI_WEIGHT] = weight;
    return MF_STATUS_OK;
}

static mf_status op_concat(mfi_op_call call)
{
    mfi_op_input first = mfi_onnx_input(call, 0);
    const mfi_onnx_view *view = &first->is.view;
    int32_t dims[MFI_ONNX_DIMS], rank, joined;
    int64_t axis = mfi_onnx_attribute_of(call->op, "axis").integer;
    if (first->form != MFI_FORM_VIEW || view->batch != 0 || call->op->input_count < 2)
        return mfi_onnx_refuse(call, "only outputs of units, two or more, are put behind each other");
    axis += axis < 0 ? view->rank : 0;
    if (axis != (view->rank == 3 ? 2 : 1))
        return mfi_onnx_refuse(call,
                               "only values of rows and positions, and maps, are put behind each other");
    rank = mfi_onnx_row_dims(view, dims);
    MFI_TRY(mfi_onnx_settle(call, first, false, &joined));
    for (size_t i = 1; i < call->op->input_count; i++) {
        mfi_op_input other = mfi_onnx_input(call, i);
        mf_unit_spec spec = mfi_unit_defaults();
        spec.kind = MF_UNIT_CONCAT;
        spec.inputs[0] = joined;
        MFI_TRY(mfi_onnx_settle(call, other, false, &spec.inputs[1]));
        if (!mfi_op_same_dims(first, other, (int32_t)axis))
            return mfi_onnx_refuse(call, "its inputs differ in a dim along which they are not put");
        MFI_TRY(mfi_onnx_add_unit(call, &spec, &joined));
        dims[axis - 1] += other->is.view.dims[axis];
    }
    return mfi_onnx_give_node(call, joined, rank, dims);
}

static mf_status op_constant(mfi_op_call call)
{
    const mfi_onnx_attr value = mfi_onnx_attribute_of(call->op, "value");
    mfi_onnx_constant constant;
    mfi_bytes name;
    if (!value.has_tensor)
        return mfi_onnx_refuse(call, "it has no tensor");
    MFI_TRY(mfi_onnx_read_constant(value.tensor, &constant, &name));
    const mfi_onnx_result result = mfi_onnx_of_constant(&constant);
    return mfi_onnx_give(call, 0, &result);
}

mf_status mfi_onnx_compute(const mfi_onnx_call *call)
{
    static const struct {
        const char *type;
        mf_status (*compute)(mfi_op_call call);
    } operators[] = {{"Add", mfi_op_add},
                     {"AveragePool", mfi_op_average_pool},
                     {"BatchNormalization", mfi_op_batch_norm},
                     {"Clip", op_clip},
                     {"Concat", op_concat},
                     {"Constant", op_constant},
                     {"Conv", op_conv},
                     {"Div", mfi_op_div},
                     {"Erf", mfi_op_erf},
                     {"Gather", op_gather},
                     {"Gelu", op_gelu},
                     {"Gemm", op_gemm},
                     {"GlobalAveragePool", mfi_op_global_pool},
                     {"LayerNormalization", mfi_op_layer_norm},
                     {"LeakyRelu", op_leaky_relu},
                     {"MatMul", op_mat_mul},
                     {"MaxPool", mfi_op_max_pool},
                     {"Mul", mfi_op_mul},
                     {"Pad", mfi_op_pad},
                     {"Pow", mfi_op_pow},
                     {"ReduceMean", mfi_op_reduce_mean},
                     {"Relu", op_relu},
                     {"Sigmoid", mfi_op_sigmoid},
                     {"Softmax", mfi_op_softmax},
                     {"Sqrt", mfi_op_sqrt},
                     {"Sub", mfi_op_sub},
                     {"Tanh", op_tanh}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (mfi_bytes_are(call->op->type, operators[i].type))
            return operators[i].compute(call);
    return mfi_onnx_refuse(call, "the operator is not known");
}
