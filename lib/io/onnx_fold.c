/* Owns: the arithmetic on shapes and single numbers that exporters leave in graphs, which is done at once. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "io/onnx_units.h"

typedef mfi_onnx_integers_list list;

bool mfi_onnx_integers_of(const mfi_onnx_result *value, list *integers)
{
    if (value->form == MFI_FORM_LIST)
        *integers = value->is.list;
    else
        *integers = (list){.rank = value->is.constant.rank};
    return value->form == MFI_FORM_LIST ||
           (value->form == MFI_FORM_CONSTANT && value->is.constant.rank <= 1 &&
            mfi_onnx_integers(&value->is.constant, integers->values, &integers->count));
}

bool mfi_onnx_number_of(const mfi_onnx_result *value, float *number)
{
    const mfi_onnx_constant *constant = &value->is.constant;
    if (value->form == MFI_FORM_NUMBER)
        *number = value->epsilon;
    else if (value->form == MFI_FORM_CONSTANT && constant->type == 1 && constant->count == 1)
        *number = mfi_onnx_float_at(constant, 0);
    else
        return false;
    return true;
}

static mf_status give_list(const mfi_onnx_call *call, const list *integers)
{
    const mfi_onnx_result result = {.form = MFI_FORM_LIST, .is = {.list = *integers}};
    return mfi_onnx_give(call, 0, &result);
}

static mf_status give_number(const mfi_onnx_call *call, float number)
{
    const mfi_onnx_result result = {.form = MFI_FORM_NUMBER, .epsilon = number};
    return mfi_onnx_give(call, 0, &result);
}

/* ---- shapes ---- */

static mf_status fold_shape(const mfi_onnx_call *call)
{
    const mfi_onnx_view *view = &mfi_onnx_input(call, 0)->is.view;
    list dims = {.rank = 1, .count = (size_t)view->rank};
    if (mfi_onnx_attribute_of(call->op, "start").found || mfi_onnx_attribute_of(call->op, "end").found)
        return mfi_onnx_refuse(call, "start and end are not known");
    for (int32_t d = 0; d < view->rank; d++) {
        dims.values[d] = view->dims[d];
        dims.free[d] = d == view->batch && call->graph->any_rows;
    }
    return give_list(call, &dims);
}

static bool pick(const list *from, const list *index, list *to)
{
    int64_t at = index->values[0] + (index->values[0] < 0 ? (int64_t)from->count : 0);
    if (index->count != 1 || at < 0 || at >= (int64_t)from->count)
        return false;
    *to = (list){.rank = index->rank, .count = 1, .values = {from->values[at]}, .free = {from->free[at]}};
    return true;
}

static bool cut_list(const list *from, const list *start, const list *end, list *to)
{
    int64_t size = (int64_t)from->count, first = start->values[0], behind = end->values[0];
    first += first < 0 ? size : 0;
    behind = behind < 0 ? behind + size : behind > size ? size : behind;
    if (start->count != 1 || end->count != 1 || first < 0 || first > behind)
        return false;
    *to = (list){.rank = 1, .count = (size_t)(behind - first)};
    memcpy(to->values, from->values + first, to->count * sizeof *to->values);
    memcpy(to->free, from->free + first, to->count * sizeof *to->free);
    return true;
}

static bool join_lists(const mfi_onnx_call *call, list *to)
{
    list part;
    *to = (list){.rank = 1};
    for (size_t i = 0; i < call->op->input_count; i++) {
        if (!mfi_onnx_integers_of(mfi_onnx_input(call, i), &part) || to->count + part.count > MFI_ONNX_DIMS)
            return false;
        memcpy(to->values + to->count, part.values, part.count * sizeof *part.values);
        memcpy(to->free + to->count, part.free, part.count * sizeof *part.free);
        to->count += part.count;
    }
    return true;
}

/* Slice without steps. */
static bool slice_list(const mfi_onnx_call *call, const list *from, list *to)
{
    const mfi_onnx_attr starts = mfi_onnx_attribute_of(call->op, "starts"),
                        ends = mfi_onnx_attribute_of(call->op, "ends");
    list start = {.count = starts.count, .values = {starts.list[0]}},
         end = {.count = ends.count, .values = {ends.list[0]}};
    bool known = starts.found ? ends.found
                              : mfi_onnx_integers_of(mfi_onnx_input(call, 1), &start) &&
                                    mfi_onnx_integers_of(mfi_onnx_input(call, 2), &end);
    return known && mfi_onnx_input_value(call, 4) < 0 && cut_list(from, &start, &end, to);
}

/* What an operator makes of a list; false if that is not known. */
static bool fold_list(const mfi_onnx_call *call, const list *from, list *to)
{
    const mfi_bytes type = call->op->type;
    list other;
    *to = *from;
    if (mfi_bytes_are(type, "Concat"))
        return join_lists(call, to);
    if (mfi_bytes_are(type, "Gather"))
        return mfi_onnx_integers_of(mfi_onnx_input(call, 1), &other) && pick(from, &other, to);
    if (mfi_bytes_are(type, "Slice"))
        return slice_list(call, from, to);
    to->rank = mfi_bytes_are(type, "Unsqueeze") ? 1 : mfi_bytes_are(type, "Squeeze") ? 0 : from->rank;
    return from->count == 1 && (mfi_bytes_are(type, "Unsqueeze") || mfi_bytes_are(type, "Squeeze"));
}

/* ---- numbers ---- */

static bool fold_numbers(const mfi_bytes type, float a, float b, float *result)
{
    if (mfi_bytes_are(type, "Pow"))
        *result = powf(a, b);
    else if (mfi_bytes_are(type, "Mul"))
        *result = a * b;
    else if (mfi_bytes_are(type, "Div") && b != 0.0f)
        *result = a / b;
    else
        return false;
    return isfinite(*result);
}

bool mfi_onnx_fold(const mfi_onnx_call *call, mf_status *status)
{
    const mfi_onnx_result *first = mfi_onnx_input(call, 0);
    const mfi_bytes type = call->op->type;
    list from, to;
    float a, b, result;
    if (mfi_bytes_are(type, "Shape") && first->form == MFI_FORM_VIEW) {
        *status = fold_shape(call);
        return true;
    }
    if (mfi_onnx_integers_of(first, &from) && mfi_bytes_are(type, "Cast") && from.count == 1 &&
        mfi_onnx_attribute_of(call->op, "to").integer == 1) {
        *status = from.free[0] ? mfi_onnx_refuse(call, "it makes a number of how many rows there are")
                               : give_number(call, (float)from.values[0]);
        return true;
    }
    if (mfi_onnx_integers_of(first, &from) && fold_list(call, &from, &to)) {
        *status = give_list(call, &to);
        return true;
    }
    if (!mfi_onnx_number_of(first, &a))
        return false;
    bool root = mfi_bytes_are(type, "Sqrt") && a >= 0.0f;
    if (root)
        result = sqrtf(a);
    else if (!mfi_onnx_number_of(mfi_onnx_input(call, 1), &b) || !fold_numbers(type, a, b, &result))
        return false;
    *status = give_number(call, result);
    return true;
}
