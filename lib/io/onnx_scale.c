/* Owns: the operators of ONNX that scale the input of a graph, before anything else reads it. */
#include <math.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/onnx_operators.h"

/* Any number of nodes may read one constant, and each takes the time that its numbers take. */
enum { MOST_SCALINGS = 64 };

/* Makes room for `count` numbers, of which the one that there may be is a copy. */
static mf_status widen_scaling(mfi_onnx_units *units, size_t count)
{
    const mf_allocator *allocator = &units->file->allocator;
    size_t before = units->scaled;
    if (before >= count)
        return MF_STATUS_OK;
    float *made = mfi_allocate(allocator, 2 * count * sizeof *made);
    if (!made)
        return mfi_fail(MF_STATUS_MEMORY, "no memory to scale inputs by %zu numbers", count);
    for (size_t i = 0; i < count; i++) {
        made[i] = before ? units->scaling[0] : 0.0f;
        made[count + i] = before ? units->scaling[1] : 1.0f;
    }
    mfi_release(allocator, units->scaling, 2 * before * sizeof *made);
    units->scaling = made;
    units->scaled = count;
    return MF_STATUS_OK;
}

/* (x + shift) scale, and then the operator. False if that has no such numbers: nothing is added behind a
 * scale of 0. */
static bool compose(char sign, float number, float *shift, float *scale)
{
    if ((sign == '/' ? number : sign == '*' ? 1.0f : *scale) == 0.0f)
        return false;
    if (sign == '+')
        *shift += number / *scale;
    else if (sign == '-')
        *shift -= number / *scale;
    else if (sign == '*')
        *scale *= number;
    else
        *scale /= number;
    return isfinite(*shift) && isfinite(*scale);
}

static float number_at(const mfi_onnx_constant *numbers, size_t index)
{
    return mfi_onnx_float_at(numbers, numbers->count == 1 ? 0 : index);
}

/* Whether the operator can be taken into the numbers that there are. */
static bool may_compose(const mfi_onnx_units *units, char sign, const mfi_onnx_constant *numbers)
{
    size_t scaled = units->scaled, count = scaled > numbers->count ? scaled : numbers->count;
    for (size_t i = 0; i < count; i++) {
        size_t at = scaled > 1 ? i : 0;
        float shift = scaled ? units->scaling[at] : 0.0f, scale = scaled ? units->scaling[scaled + at] : 1.0f;
        if (!compose(sign, number_at(numbers, i), &shift, &scale))
            return false;
    }
    return true;
}

/* The operator as a sign; 0 if it is none of them. */
static char sign_of(const mfi_onnx_op *op)
{
    static const char *const types[] = {"Add", "Sub", "Mul", "Div"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (mfi_bytes_are(op->type, types[i]))
            return "+-*/"[i];
    return 0;
}

/* Which input of the operator is the input of the graph, read by nobody else; 2 if none is. */
static size_t scaled_input(mfi_op_call call)
{
    const mfi_onnx_units *units = call->graph;
    for (size_t i = 0; i < 2; i++)
        if (mfi_onnx_input_value(call, i) == units->read && units->file->values[units->read].readers == 1)
            return i;
    return 2;
}

bool mfi_onnx_scale(mfi_op_call call, mf_status *status)
{
    mfi_onnx_units *units = call->graph;
    const mf_shape *input = &units->input;
    const char sign = sign_of(call->op);
    size_t which = sign ? scaled_input(call) : 2;
    bool turned = which == 1 && (sign == '-' || sign == '/');
    if (which == 2 || turned || call->op->output_count == 0 || mfi_bytes_end_in(call->op->name, ".placed"))
        return false;
    const mfi_onnx_constant *numbers = mfi_op_floats_of(mfi_onnx_input(call, 1 - which));
    if (!numbers ||
        !(numbers->count == 1 || mfi_op_is_along(numbers, mfi_shape_channels(input),
                                                 input->rank == 3 && !units->channels_last ? 2 : 0)) ||
        units->scalings == MOST_SCALINGS || !may_compose(units, sign, numbers))
        return false;
    *status = widen_scaling(units, numbers->count);
    for (size_t i = 0; *status == MF_STATUS_OK && i < units->scaled; i++)
        (void)compose(sign, number_at(numbers, i), &units->scaling[i], &units->scaling[units->scaled + i]);
    units->scalings++;
    units->read = units->file->links[call->op->outputs];
    if (*status == MF_STATUS_OK)
        *status = mfi_onnx_pass(call, mfi_onnx_input(call, which));
    return true;
}
