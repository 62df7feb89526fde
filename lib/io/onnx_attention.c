/* Owns: the operators of ONNX that are attention together. */
#include <math.h>

#include "base/status.h"
#include "io/onnx_operators.h"
#include "model/spec.h"

/* ---- attention ---- */

/* Queries, keys or values, of each head a sequence: where in the values of a position they begin. */
typedef struct attention_part {
    int32_t node, heads, positions, width;
    size_t first;  /* value of a position */
    size_t stride; /* values of a position of the node */
} attention_part;

/* `keys` have positions and width the other way round. */
static bool read_part(mfi_op_call call, mfi_op_input value, bool keys, attention_part *part)
{
    const mfi_onnx_view *v = &value->is.view;
    const mf_shape *shape = mfi_onnx_shape(call->graph, v->node);
    int32_t last = v->rank - 1, width = keys ? last - 1 : last, positions = keys ? last : last - 1;
    if ((value->form != MFI_FORM_VIEW && value->form != MFI_FORM_SCORES) || (v->rank != 3 && v->rank != 4) ||
        v->batch != 0 || shape->rank != 2 || value->whole)
        return false;
    *part = (attention_part){
        v->node,       v->rank == 4 ? v->dims[1] : 1, v->dims[positions], v->dims[width], v->offset,
        shape->dims[1]};
    return (v->dims[width] == 1 || v->strides[width] == 1) && (size_t)part->positions == shape->dims[0] &&
           (part->positions == 1 || (size_t)v->strides[positions] == part->stride) &&
           (part->heads == 1 || v->strides[1] == part->width);
}

mf_status mfi_op_make_scores(mfi_op_call call, mfi_op_input queries, mfi_op_input keys)
{
    attention_part q, k;
    if (!read_part(call, queries, false, &q) || !read_part(call, keys, true, &k) || q.heads != k.heads ||
        q.positions != k.positions || q.width != k.width)
        return mfi_onnx_refuse(call, "of two values, the product is known inside self-attention alone");
    mfi_onnx_result result = *queries;
    result.form = MFI_FORM_SCORES;
    result.keys = k.node;
    /* Where keys and queries come from one unit, the keys must be behind the queries. */
    if (q.first != 0 || k.first != (q.node == k.node ? (size_t)q.heads * (size_t)q.width : 0))
        return mfi_onnx_refuse(call, "queries, keys and values are not in this order");
    result.is.view.factor *= keys->is.view.factor;
    return mfi_onnx_give(call, 0, &result);
}

/* The node whose positions have queries, keys and values behind each other. */
static mf_status join_parts(mfi_op_call call, const attention_part *q, int32_t keys, const attention_part *v,
                            int32_t *node)
{
    size_t d = (size_t)q->heads * (size_t)q->width;
    mf_unit_spec spec = mfi_unit_defaults();
    *node = q->node;
    if (q->node == keys && q->node == v->node && q->stride == 3 * d && v->first == 2 * d)
        return MF_STATUS_OK;
    if (q->node == keys || keys == v->node || q->stride != d || v->stride != d || v->first != 0)
        return mfi_onnx_refuse(call, "queries, keys and values come neither from one unit nor from three");
    spec.kind = MF_UNIT_CONCAT;
    spec.inputs[0] = q->node;
    spec.inputs[1] = keys;
    MFI_TRY(mfi_onnx_add_unit(call, &spec, &spec.inputs[0]));
    spec.inputs[1] = v->node;
    return mfi_onnx_add_unit(call, &spec, node);
}

mf_status mfi_op_make_attention(mfi_op_call call, mfi_op_input shares, mfi_op_input values)
{
    attention_part q, v;
    mf_unit_spec spec = mfi_unit_defaults();
    int32_t node;
    mfi_onnx_result queries = *shares;
    queries.form = MFI_FORM_VIEW;
    if (!read_part(call, &queries, false, &q) || !read_part(call, values, false, &v) || q.heads != v.heads ||
        q.positions != v.positions || q.width != v.width || values->is.view.factor != 1.0f)
        return mfi_onnx_refuse(call, "the values do not fit queries and keys");
    spec.kind = MF_UNIT_ATTENTION;
    spec.heads = (size_t)q.heads;
    spec.causal = shares->causal;
    MFI_TRY(join_parts(call, &q, shares->keys, &v, &spec.inputs[0]));
    MFI_TRY(mfi_onnx_add_unit(call, &spec, &node));
    /* As the queries lie, in a node that has these alone. */
    queries.is.view.node = node;
    queries.is.view.factor = 1.0f;
    queries.is.view.strides[queries.is.view.rank - 2] = q.heads * q.width;
    return mfi_onnx_give(call, 0, &queries);
}

mf_status mfi_op_softmax(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    const mfi_onnx_attr axis = mfi_onnx_attribute_of(call->op, "axis");
    const mfi_onnx_view *v = &input->is.view;
    bool old = call->graph->file->opset < 13; /* then the default is 1 */
    int64_t dim = axis.found ? axis.integer : old ? 1 : -1;
    if (mfi_op_is_known(input) || v->batch == v->rank - 1 || (dim != -1 && dim != v->rank - 1))
        return mfi_onnx_refuse(call, "only the last dim of a unit's output is known");
    if (input->form == MFI_FORM_VIEW && v->rank > 2 && v->dims[v->rank - 1] == 1)
        return mfi_onnx_refuse(call, "its last dim has one value alone: the others are not those of classes");
    if (input->form == MFI_FORM_VIEW)
        return mfi_op_become(call, input, MFI_FORM_SOFTMAX);
    if (input->form != MFI_FORM_SCORES ||
        !mfi_op_is_near(v->factor, 1.0f / sqrtf((float)v->dims[v->rank - 1])))
        return mfi_onnx_refuse(call,
                               "the scores are not those of attention, divided by the root of the width");
    return mfi_op_become(call, input, MFI_FORM_SHARES);
}
