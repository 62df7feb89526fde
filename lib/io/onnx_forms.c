/* Owns: the operators of ONNX that are a unit only together: those of GELU, SiLU and layer normalisation, and
 * sums and products. */
#include "base/status.h"
#include "io/onnx_operators.h"

/* ---- forms ---- */

mf_status mfi_op_sqrt(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    if (input->form != MFI_FORM_SPREAD)
        return mfi_onnx_refuse(call, "it is known inside a layer normalisation alone");
    return mfi_op_become(call, input, MFI_FORM_DEVIATION);
}

mf_status mfi_op_erf(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    if (input->form != MFI_FORM_VIEW || !mfi_op_is_near(input->is.view.factor, 0.70710678f))
        return mfi_onnx_refuse(call, "it is known inside GELU alone");
    return mfi_op_become(call, input, MFI_FORM_ERF);
}

mf_status mfi_op_sigmoid(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    if (input->form != MFI_FORM_VIEW || input->is.view.factor != 1.0f)
        return mfi_onnx_refuse(call, "it is known inside SiLU alone");
    return mfi_op_become(call, input, MFI_FORM_SIGMOID);
}

mf_status mfi_op_pow(mfi_op_call call)
{
    mfi_op_input input = mfi_onnx_input(call, 0);
    float power = 0.0f;
    if (input->form != MFI_FORM_OFF || !mfi_onnx_number_of(mfi_onnx_input(call, 1), &power) || power != 2.0f)
        return mfi_onnx_refuse(call, "it is known inside a layer normalisation alone");
    return mfi_op_become(call, input, MFI_FORM_SQUARE);
}

mf_status mfi_op_sub(mfi_op_call call)
{
    mfi_op_input a = mfi_onnx_input(call, 0), b = mfi_onnx_input(call, 1);
    if (a->form != MFI_FORM_VIEW || b->form != MFI_FORM_MEAN || !mfi_op_same_view(a, b) ||
        a->is.view.factor != 1.0f || b->is.view.factor != 1.0f)
        return mfi_onnx_refuse(call, "it is known inside a layer normalisation alone");
    return mfi_op_become(call, a, MFI_FORM_OFF);
}

/* A factor for what has one. */
static mf_status scale_by(mfi_op_call call, mfi_op_input value, float factor)
{
    mfi_onnx_result result = *value;
    float *now = &result.is.view.factor;
    *now *= factor;
    if (value->form == MFI_FORM_TWICE && mfi_op_is_near(*now, 0.5f)) {
        result.form = MFI_FORM_VIEW;
        *now = 1.0f;
        return mfi_op_put_phi(call, &result, MF_ACTIVATION_GELU, 0.01f);
    }
    return mfi_onnx_give(call, 0, &result);
}

static bool has_factor(mfi_op_input value)
{
    return value->form == MFI_FORM_VIEW || value->form == MFI_FORM_ERF_ONE || value->form == MFI_FORM_TWICE ||
           value->form == MFI_FORM_SCORES;
}

/* Whether the value is a unit's output that nothing else reads, so that the unit may take more along. */
static mfi_onnx_unit *open_unit(mfi_op_call call, size_t index)
{
    const mfi_onnx_result *value = mfi_onnx_input(call, index);
    int32_t number = mfi_onnx_input_value(call, index);
    if (value->form != MFI_FORM_VIEW || value->is.view.node <= 0 || value->is.view.factor != 1.0f ||
        call->graph->file->values[number].readers != 1)
        return NULL;
    mfi_onnx_unit *made = &call->graph->list[value->is.view.node - 1];
    return made->value == number ? made : NULL;
}

/* The unit's output is what this node gives. */
static mf_status take_along(mfi_op_call call, size_t index, mfi_onnx_unit *made)
{
    made->value = call->op->output_count > 0 ? call->graph->file->links[call->op->outputs] : -1;
    return mfi_onnx_pass(call, mfi_onnx_input(call, index));
}

/* ---- product and quotient ---- */

static mf_status multiply_forms(mfi_op_call call, mfi_op_input a, mfi_op_input b)
{
    float factor = a->is.view.factor * b->is.view.factor;
    mfi_onnx_result result = *a;
    if (b->form == MFI_FORM_SIGMOID && mfi_op_same_view(a, b) && a->is.view.factor == 1.0f)
        return mfi_op_put_phi(call, a, MF_ACTIVATION_SILU, 0.01f);
    if (b->form != MFI_FORM_ERF_ONE || !mfi_op_same_view(a, b))
        return mfi_onnx_refuse(call, "of two values, the product is known inside GELU and SiLU alone");
    result.form = MFI_FORM_TWICE;
    result.is.view.factor = 1.0f;
    return scale_by(call, &result, factor);
}

/* Whether a constant has a value for each channel of maps or of a row, and there are several. */
static bool is_of_channels(const mfi_onnx_constant *constant, const mfi_onnx_view *view)
{
    int32_t dims[MFI_ONNX_DIMS], rank = mfi_onnx_row_dims(view, dims);
    return constant && constant->count > 1 && (rank == 1 || rank == 3) &&
           mfi_op_is_along(constant, (size_t)dims[0], rank - 1);
}

/* Factors of channels: what exporters make of a batch normalisation where they fold its numbers. */
static mf_status put_factors(mfi_op_call call, mfi_op_input value, const mfi_onnx_constant *factors)
{
    mf_unit_spec spec;
    MFI_TRY(mfi_op_begin_unit(call, value, MF_UNIT_BATCH_NORM, false, &spec));
    spec.bias = 0;
    spec.normalization_epsilon = 1e-12f; /* 1 plus it is 1 */
    MFI_TRY(mfi_op_give_alike(call, value, &spec));
    mfi_op_last_unit(call)->constants[MFI_SCALE] = factors;
    mfi_op_last_unit(call)->fixed = true;
    return MF_STATUS_OK;
}

/* A value times a constant; false if it is none of those that are known. */
static bool multiply_constant(mfi_op_call call, size_t index, mf_status *status)
{
    mfi_op_input value = mfi_onnx_input(call, index), other = mfi_onnx_input(call, 1 - index);
    const mfi_onnx_constant *constant = mfi_op_floats_of(other);
    mfi_onnx_unit *made = open_unit(call, index);
    float factor;
    if (made && made->unit.kind == MF_UNIT_LAYER_NORM && !made->constants[MFI_SCALE] &&
        mfi_op_is_along(constant, mfi_op_last_dim(&made->shape), 0)) {
        made->constants[MFI_SCALE] = constant;
        *status = take_along(call, index, made);
        return true;
    }
    if (value->form == MFI_FORM_VIEW && is_of_channels(constant, &value->is.view)) {
        *status = put_factors(call, value, constant);
        return true;
    }
    if (!has_factor(value) || !mfi_onnx_number_of(other, &factor))
        return false;
    *status = scale_by(call, value, factor);
    return true;
}

mf_status mfi_op_mul(mfi_op_call call)
{
    mfi_op_input a = mfi_onnx_input(call, 0), b = mfi_onnx_input(call, 1);
    mf_status status;
    if (multiply_constant(call, 0, &status) || multiply_constant(call, 1, &status))
        return status;
    if (a->form == MFI_FORM_OFF && b->form == MFI_FORM_OFF && mfi_op_same_view(a, b))
        return mfi_op_become(call, a, MFI_FORM_SQUARE);
    if (a->form == MFI_FORM_VIEW && !mfi_op_is_known(b))
        return multiply_forms(call, a, b);
    if (b->form == MFI_FORM_VIEW && !mfi_op_is_known(a))
        return multiply_forms(call, b, a);
    return mfi_onnx_refuse(call, "it is known inside GELU, SiLU, layer normalisation and attention alone");
}

mf_status mfi_op_div(mfi_op_call call)
{
    mfi_op_input a = mfi_onnx_input(call, 0), b = mfi_onnx_input(call, 1);
    float divisor;
    if (a->form == MFI_FORM_OFF && b->form == MFI_FORM_DEVIATION && mfi_op_same_view(a, b)) {
        mfi_onnx_result plain = *a;
        plain.form = MFI_FORM_VIEW;
        return mfi_op_put_layer_norm_unit(call, &plain, b->epsilon);
    }
    if (has_factor(a) && mfi_onnx_number_of(b, &divisor) && divisor != 0.0f)
        return scale_by(call, a, 1.0f / divisor);
    return mfi_onnx_refuse(call, "it is known inside GELU, layer normalisation and attention alone");
}

/* ---- sum ---- */

/* Whether a value is a causal mask of so many positions. */
static bool masks(mfi_op_input value, int32_t positions)
{
    const mfi_onnx_constant *mask = &value->is.constant;
    return value->form == MFI_FORM_CONSTANT && value->causal && !mask->turned &&
           mask->dims[mask->rank - 1] == positions;
}

/* `view` is what the unit gives. */
static bool takes_bias(const mfi_onnx_unit *made, const mfi_onnx_view *view,
                       const mfi_onnx_constant *constant)
{
    if (!made || made->constants[MFI_BIAS])
        return false;
    if (made->unit.kind == MF_UNIT_LAYER_NORM)
        return made->constants[MFI_SCALE] && mfi_op_is_along(constant, mfi_op_last_dim(&made->shape), 0);
    if (made->fixed)
        return is_of_channels(constant, view);
    if (made->unit.kind == MF_UNIT_DENSE)
        return mfi_op_is_along(constant, made->unit.outputs, 0);
    return made->unit.kind == MF_UNIT_CONV2D && mfi_op_is_along(constant, made->unit.outputs, 2);
}

static mf_status put_positions_unit(mfi_op_call call, mfi_op_input value, const mfi_onnx_constant *constant)
{
    mf_unit_spec spec;
    MFI_TRY(mfi_op_begin_unit(call, value, MF_UNIT_POSITIONS, false, &spec));
    const mf_shape *shape = mfi_onnx_shape(call->graph, spec.inputs[0]);
    if (shape->rank != 2 || constant->rank < 2 || constant->turned ||
        constant->count != mfi_shape_values(shape) ||
        (size_t)constant->dims[constant->rank - 2] != shape->dims[0] ||
        (size_t)constant->dims[constant->rank - 1] != shape->dims[1])
        return mfi_onnx_refuse(call, "a constant is known as a bias, and as positions of a sequence, alone");
    MFI_TRY(mfi_op_give_alike(call, value, &spec));
    mfi_op_last_unit(call)->constants[MFI_WEIGHT] = constant;
    return MF_STATUS_OK;
}

static mf_status add_constant(mfi_op_call call, size_t index)
{
    mfi_op_input value = mfi_onnx_input(call, index), other = mfi_onnx_input(call, 1 - index);
    const mfi_onnx_constant *constant = mfi_op_floats_of(other);
    mfi_onnx_result result = *value;
    mfi_onnx_unit *made = open_unit(call, index);
    float number;
    /* Of a sequence with one position, positions look like a bias; in files of this library the name tells.
     */
    bool placed = call->graph->file->own && mfi_bytes_end_in(call->op->name, ".placed");
    if (!placed && takes_bias(made, &value->is.view, constant)) {
        mfi_op_set_bias(made, constant);
        return take_along(call, index, made);
    }
    if (value->form == MFI_FORM_VARIANCE && mfi_onnx_number_of(other, &number)) {
        result.form = MFI_FORM_SPREAD;
        result.epsilon = number;
        return mfi_onnx_give(call, 0, &result);
    }
    if (value->form == MFI_FORM_ERF && mfi_onnx_number_of(other, &number) && number == 1.0f) {
        result.form = MFI_FORM_ERF_ONE;
        result.is.view.factor = 1.0f;
        return mfi_onnx_give(call, 0, &result);
    }
    if (value->form == MFI_FORM_SCORES && masks(other, value->is.view.dims[value->is.view.rank - 2])) {
        result.causal = true;
        return mfi_onnx_give(call, 0, &result);
    }
    if (value->form != MFI_FORM_VIEW || !constant)
        return mfi_onnx_refuse(call, "this constant is not known to be added to that");
    return put_positions_unit(call, value, constant);
}

mf_status mfi_op_add(mfi_op_call call)
{
    mf_unit_spec spec;
    mfi_op_input a = mfi_onnx_input(call, 0), b = mfi_onnx_input(call, 1);
    if (mfi_op_is_known(b))
        return add_constant(call, 0);
    if (mfi_op_is_known(a))
        return add_constant(call, 1);
    MFI_TRY(mfi_op_begin_unit(call, a, MF_UNIT_ADD, false, &spec));
    MFI_TRY(mfi_onnx_settle(call, b, false, &spec.inputs[1]));
    if (!mfi_op_same_dims(a, b, -1))
        return mfi_onnx_refuse(call, "of two values, the sum is known where they have the same dims");
    return mfi_op_give_alike(call, a, &spec);
}
