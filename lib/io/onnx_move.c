/* Owns: the operators of ONNX that only move values: their results are views. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/onnx_units.h"

typedef mfi_onnx_view view;

/* An axis counted from the end where it is negative; -1 if there is no such axis. */
static int32_t axis_in(int64_t axis, int32_t rank)
{
    axis += axis < 0 ? rank : 0;
    return axis >= 0 && axis < rank ? (int32_t)axis : -1;
}

/* A result that is like the input, but for its view. */
static mf_status give_view(const mfi_onnx_call *call, size_t index, const view *moved)
{
    mfi_onnx_result result = *mfi_onnx_input(call, 0);
    result.is.view = *moved;
    return mfi_onnx_give(call, index, &result);
}

/* ---- reshape ---- */

/* Fills in the 0 and the -1 of a wanted shape, which must have the values of the view. */
static bool complete_shape(const view *from, int64_t *dims, size_t rank, bool keep_zeros)
{
    size_t values = 1, known = 1;
    int32_t open = -1;
    for (int32_t d = 0; d < from->rank; d++)
        values *= (size_t)from->dims[d]; /* at most INT32_MAX for a row, and the batch */
    for (size_t d = 0; d < rank; d++) {
        if (dims[d] == 0 && !keep_zeros && d < (size_t)from->rank)
            dims[d] = from->dims[d];
        if (dims[d] == -1 && open < 0)
            open = (int32_t)d;
        else if (dims[d] < 1 || dims[d] > INT32_MAX || !mfi_multiply(known, (size_t)dims[d], &known))
            return false;
    }
    if (open >= 0 && (values % known || values / known > INT32_MAX))
        return false;
    if (open >= 0)
        dims[open] = (int64_t)(values / known);
    return open >= 0 || known == values;
}

/* Gives the dims of `to`, the batch aside, the strides of those of `from`. Dims of both are taken in groups
 * of equal products, and inside a group the values must lie one behind the other. */
static bool carry_strides(const view *from, view *to)
{
    int32_t i = 1, j = 1;
    while (j < to->rank) {
        if (to->dims[j] == 1) {
            to->strides[j++] = 0;
            continue;
        }
        while (i < from->rank && from->dims[i] == 1)
            i++;
        if (i == from->rank)
            return false;
        int32_t end = j + 1, last = i;
        int64_t have = from->dims[i], want = to->dims[j];
        while (have != want) {
            if (have < want) {
                int32_t next = last + 1;
                while (next < from->rank && from->dims[next] == 1)
                    next++;
                if (next == from->rank || from->strides[last] != from->dims[next] * from->strides[next])
                    return false;
                have *= from->dims[next];
                last = next;
            } else if (end == to->rank)
                return false;
            else
                want *= to->dims[end++];
        }
        for (int32_t k = end, stride = from->strides[last]; k-- > j; stride *= to->dims[k])
            to->strides[k] = stride;
        i = last + 1;
        j = end;
    }
    return true;
}

/* Whether a view is all values of maps, the channels last. */
static bool is_channels_last(const view *v, const mf_shape *maps)
{
    const size_t dims[3] = {maps->dims[1], maps->dims[2], maps->dims[0]},
                 strides[3] = {maps->dims[2], 1, maps->dims[1] * maps->dims[2]};
    bool same = maps->rank == 3 && v->rank == 4 && v->batch == 0 && v->offset == 0 && v->factor == 1.0f;
    for (int32_t d = 0; same && d < 3; d++)
        same = (size_t)v->dims[d + 1] == dims[d] && (dims[d] == 1 || (size_t)v->strides[d + 1] == strides[d]);
    return same;
}

/* Such maps as a row. */
static mf_status give_last_row(const mfi_onnx_call *call, view row)
{
    mfi_onnx_result result = {.form = MFI_FORM_LAST_ROW};
    row.strides[1] = 1;
    result.is.view = row;
    return mfi_onnx_give(call, 0, &result);
}

static mf_status reshape_to(const mfi_onnx_call *call, int64_t *dims, size_t rank, bool keep_zeros)
{
    const view *from = &mfi_onnx_input(call, 0)->is.view;
    view to = *from;
    if (!complete_shape(from, dims, rank, keep_zeros))
        return mfi_onnx_refuse(call, "the shape does not have the values of its input");
    if (rank == 0 || from->batch != 0 || dims[0] != from->dims[0])
        return mfi_onnx_refuse(call, "the batch does not stay the first dim");
    to.rank = (int32_t)rank;
    for (size_t d = 0; d < rank; d++)
        to.dims[d] = (int32_t)dims[d];
    if (!carry_strides(from, &to)) {
        if (rank == 2 && is_channels_last(from, mfi_onnx_shape(call->graph, from->node)))
            return give_last_row(call, to);
        return mfi_onnx_refuse(call, "it reads values in an order that no unit has");
    }
    return give_view(call, 0, &to);
}

static mf_status move_reshape(const mfi_onnx_call *call)
{
    int64_t dims[MFI_ONNX_DIMS];
    size_t rank;
    if (!mfi_onnx_list(call, "shape", 1, dims, &rank))
        return mfi_onnx_refuse(call, "its shape is no constant of at most 8 integers");
    return reshape_to(call, dims, rank, mfi_onnx_attribute_of(call->op, "allowzero").integer != 0);
}

static mf_status move_flatten(const mfi_onnx_call *call)
{
    const mfi_onnx_attr axis = mfi_onnx_attribute_of(call->op, "axis");
    int64_t dims[MFI_ONNX_DIMS] = {mfi_onnx_input(call, 0)->is.view.dims[0], -1};
    if (axis.found && axis.integer != 1)
        return mfi_onnx_refuse(call, "its axis is not 1");
    return reshape_to(call, dims, 2, false);
}

/* ---- one dim more, one less ---- */

static void remove_dim(view *v, int32_t axis)
{
    v->rank--;
    v->batch -= v->batch > axis;
    for (int32_t d = axis; d < v->rank; d++) {
        v->dims[d] = v->dims[d + 1];
        v->strides[d] = v->strides[d + 1];
    }
}

static mf_status move_squeeze(const mfi_onnx_call *call)
{
    view v = mfi_onnx_input(call, 0)->is.view;
    int64_t axes[MFI_ONNX_DIMS];
    size_t count;
    bool drop[MFI_ONNX_DIMS] = {false};
    if (!mfi_onnx_list(call, "axes", 1, axes, &count))
        return mfi_onnx_refuse(call, "it has no constant axes");
    for (size_t i = 0; i < count; i++) {
        int32_t axis = axis_in(axes[i], v.rank);
        if (axis < 0 || axis == v.batch || v.dims[axis] != 1)
            return mfi_onnx_refuse(call, "an axis is not one of a single value");
        drop[axis] = true;
    }
    for (int32_t d = v.rank; d-- > 0;)
        if (drop[d])
            remove_dim(&v, d);
    return give_view(call, 0, &v);
}

static mf_status move_unsqueeze(const mfi_onnx_call *call)
{
    view v = mfi_onnx_input(call, 0)->is.view, to = v;
    int64_t axes[MFI_ONNX_DIMS];
    size_t count;
    bool added[MFI_ONNX_DIMS] = {false};
    if (!mfi_onnx_list(call, "axes", 1, axes, &count) || count + (size_t)v.rank > MFI_ONNX_DIMS)
        return mfi_onnx_refuse(call, "it has no constant axes, or too many");
    to.rank = v.rank + (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        int32_t axis = axis_in(axes[i], to.rank);
        if (axis < 0 || added[axis])
            return mfi_onnx_refuse(call, "an axis is out of range, or there twice");
        added[axis] = true;
    }
    for (int32_t d = 0, from = 0; d < to.rank; d++) {
        to.dims[d] = added[d] ? 1 : v.dims[from];
        to.strides[d] = added[d] ? 0 : v.strides[from];
        if (!added[d] && from == v.batch)
            to.batch = d;
        from += !added[d];
    }
    return give_view(call, 0, &to);
}

/* ---- transpose ---- */

static mf_status move_transpose(const mfi_onnx_call *call)
{
    const view *from = &mfi_onnx_input(call, 0)->is.view;
    const mfi_onnx_attr perm = mfi_onnx_attribute_of(call->op, "perm");
    view to = *from;
    bool seen[MFI_ONNX_DIMS] = {false};
    if (perm.found && perm.count != (size_t)from->rank)
        return mfi_onnx_refuse(call, "its permutation has another rank than its input");
    for (int32_t d = 0; d < from->rank; d++) {
        int64_t axis = perm.found ? perm.list[d] : from->rank - 1 - d;
        if (axis < 0 || axis >= from->rank || seen[axis])
            return mfi_onnx_refuse(call, "its permutation is none");
        seen[axis] = true;
        to.dims[d] = from->dims[axis];
        to.strides[d] = from->strides[axis];
        if (axis == from->batch)
            to.batch = d;
    }
    return give_view(call, 0, &to);
}

/* Of a matrix of weights. */
static mf_status turn_constant(const mfi_onnx_call *call)
{
    mfi_onnx_result turned = *mfi_onnx_input(call, 0);
    mfi_onnx_constant *constant = &turned.is.constant;
    const mfi_onnx_attr perm = mfi_onnx_attribute_of(call->op, "perm");
    if (constant->rank != 2 || (perm.found && (perm.count != 2 || perm.list[0] != 1 || perm.list[1] != 0)))
        return mfi_onnx_refuse(call, "of constants, only matrices are turned around");
    int64_t rows = constant->dims[0];
    constant->dims[0] = constant->dims[1];
    constant->dims[1] = rows;
    constant->turned = !constant->turned;
    return mfi_onnx_give(call, 0, &turned);
}

/* ---- parts ---- */

static mf_status move_gather(const mfi_onnx_call *call)
{
    view v = mfi_onnx_input(call, 0)->is.view;
    mfi_onnx_integers_list index;
    int32_t axis = axis_in(mfi_onnx_attribute_of(call->op, "axis").integer, v.rank);
    if (axis < 0 || axis == v.batch || !mfi_onnx_integers_of(mfi_onnx_input(call, 1), &index) ||
        index.count != 1)
        return mfi_onnx_refuse(call, "only one constant index is read, and not of the batch");
    int32_t at = axis_in(index.values[0], v.dims[axis]);
    if (at < 0)
        return mfi_onnx_refuse(call, "its index is out of range");
    v.offset += (size_t)at * (size_t)v.strides[axis];
    v.dims[axis] = 1;
    if (index.rank == 0)
        remove_dim(&v, axis);
    return give_view(call, 0, &v);
}

/* One axis is cut: the values from `first` to before `end` are left. */
static bool cut_axis(view *v, int32_t axis, int64_t first, int64_t end)
{
    int64_t size = v->dims[axis];
    first = first < 0 ? first + size : first;
    end = end < 0 ? end + size : end > size ? size : end;
    if (first < 0 || first >= end)
        return false;
    if (axis == v->batch)
        return first == 0 && end == size;
    v->offset += (size_t)first * (size_t)v->strides[axis];
    v->dims[axis] = (int32_t)(end - first);
    return true;
}

static mf_status move_slice(const mfi_onnx_call *call)
{
    view v = mfi_onnx_input(call, 0)->is.view;
    int64_t starts[MFI_ONNX_DIMS], ends[MFI_ONNX_DIMS], axes[MFI_ONNX_DIMS], steps[MFI_ONNX_DIMS];
    size_t count, others, axis_count, step_count;
    if (!mfi_onnx_list(call, "starts", 1, starts, &count) || !mfi_onnx_list(call, "ends", 2, ends, &others) ||
        others != count)
        return mfi_onnx_refuse(call, "its starts and ends are no constants");
    bool has_axes = mfi_onnx_list(call, "axes", 3, axes, &axis_count),
         has_steps = mfi_onnx_list(call, "steps", 4, steps, &step_count);
    if ((!has_axes && mfi_onnx_input_value(call, 3) >= 0) ||
        (!has_steps && mfi_onnx_input_value(call, 4) >= 0))
        return mfi_onnx_refuse(call, "its axes and steps are no constants");
    for (size_t i = 0; i < count; i++) {
        int32_t axis = axis_in(has_axes && i < axis_count ? axes[i] : (int64_t)i, v.rank);
        if (axis < 0 || (has_steps && (i >= step_count || steps[i] != 1)) ||
            !cut_axis(&v, axis, starts[i], ends[i]))
            return mfi_onnx_refuse(call,
                                   "it is empty, out of range, cuts the batch, or has steps other than 1");
    }
    return give_view(call, 0, &v);
}

static mf_status move_split(const mfi_onnx_call *call)
{
    const view whole = mfi_onnx_input(call, 0)->is.view;
    int32_t axis = axis_in(mfi_onnx_attribute_of(call->op, "axis").integer, whole.rank);
    int64_t sizes[MFI_ONNX_DIMS], first = 0;
    size_t count = 0, parts = call->op->output_count;
    if (axis < 0 || axis == whole.batch || parts == 0 || parts > MFI_ONNX_DIMS)
        return mfi_onnx_refuse(call, "its axis is out of range or the batch, or it has too many parts");
    bool listed = mfi_onnx_list(call, "split", 1, sizes, &count);
    if (listed ? count != parts
               : mfi_onnx_input_value(call, 1) >= 0 || whole.dims[axis] % (int32_t)parts != 0)
        return mfi_onnx_refuse(call, "the sizes of its parts are not known");
    for (size_t i = 0; i < parts; i++) {
        view part = whole;
        int64_t size = listed ? sizes[i] : whole.dims[axis] / (int64_t)parts;
        if (size < 1 || size > whole.dims[axis] - first || !cut_axis(&part, axis, first, first + size))
            return mfi_onnx_refuse(call, "its parts are larger than its input");
        first += size;
        MFI_TRY(give_view(call, i, &part));
    }
    return MF_STATUS_OK;
}

static mf_status move_nothing(const mfi_onnx_call *call)
{
    return mfi_onnx_pass(call, mfi_onnx_input(call, 0));
}

/* The type of an element, as the format numbers them: float32, float16, double and bfloat16 have fractions.
 */
bool mfi_onnx_has_fractions(int64_t type)
{
    return type == 1 || type == 10 || type == 11 || type == 16;
}

/* Shapes are whole already, and so are tokens, which the input of the graph may be or not; of other values, also
 * of a multiple of tokens, a cast to integers takes the fractions. */
static mf_status move_cast(const mfi_onnx_call *call)
{
    enum { INT32 = 6, INT64 = 7 };
    const int64_t to = mfi_onnx_attribute_of(call->op, "to").integer;
    mfi_onnx_result cast = *mfi_onnx_input(call, 0);
    bool tokens = cast.form == MFI_FORM_VIEW && cast.is.view.node == 0 && cast.is.view.factor == 1.0f;
    bool whole = cast.form == MFI_FORM_LIST || tokens ||
                 (cast.form == MFI_FORM_CONSTANT && !mfi_onnx_has_fractions(cast.is.constant.type));
    if (mfi_onnx_has_fractions(to))
        return move_nothing(call);
    if (!whole || (to != INT32 && to != INT64))
        return mfi_onnx_refuse(call,
                               "it takes fractions from values, or is to another type than int32 and int64");
    cast.whole = tokens && !call->graph->integers;
    return mfi_onnx_give(call, 0, &cast);
}

/* Whether a constant is a single truth that does not hold. */
static bool is_false(const mfi_onnx_result *value)
{
    enum { BOOL = 9 };
    const mfi_onnx_constant *constant = &value->is.constant;
    return value->form == MFI_FORM_CONSTANT && constant->type == BOOL && constant->count == 1 &&
           constant->values.count == 1 && constant->values.at[0] == 0;
}

/* Dropout may be told to drop values in inference, too. */
static mf_status move_dropout(const mfi_onnx_call *call)
{
    if (mfi_onnx_input_value(call, 2) >= 0 && !is_false(mfi_onnx_input(call, 2)))
        return mfi_onnx_refuse(call, "it drops values as in training");
    return move_nothing(call);
}

bool mfi_onnx_move(const mfi_onnx_call *call, mf_status *status)
{
    static const struct {
        const char *type;
        mf_status (*move)(const mfi_onnx_call *call);
    } moves[] = {{"Reshape", move_reshape},
                 {"Flatten", move_flatten},
                 {"Squeeze", move_squeeze},
                 {"Unsqueeze", move_unsqueeze},
                 {"Transpose", move_transpose},
                 {"Gather", move_gather},
                 {"Slice", move_slice},
                 {"Split", move_split},
                 {"Identity", move_nothing},
                 {"Dropout", move_dropout},
                 {"Cast", move_cast}};
    const mfi_onnx_result *input = mfi_onnx_input(call, 0);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        if (!mfi_bytes_are(call->op->type, moves[i].type))
            continue;
        if (moves[i].move == move_gather && input->form == MFI_FORM_CONSTANT)
            return false; /* an embedding, which computes */
        bool any =
            moves[i].move == move_nothing || moves[i].move == move_dropout || moves[i].move == move_cast;
        if (any && input->form != MFI_FORM_NONE)
            *status = moves[i].move(call);
        else if (moves[i].move == move_transpose && input->form == MFI_FORM_CONSTANT)
            *status = turn_constant(call);
        else if (input->form == MFI_FORM_VIEW)
            *status = moves[i].move(call);
        else
            *status = mfi_onnx_refuse(
                call, "its input is neither a unit's output nor, where it may be, a constant");
        return true;
    }
    return false;
}
