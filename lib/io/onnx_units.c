/* Owns: the walk over the nodes of an ONNX graph, and the list of units that comes of it. */
#include "io/onnx_units.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/model_file.h"
#include "model/spec.h"

/* ---- what operators use ---- */

mf_status mfi_onnx_refuse(const mfi_onnx_call *call, const char *why)
{
    return mfi_fail(MF_STATUS_UNSUPPORTED, "node \"%s\" (%s): %s", mfi_bytes_shown(call->op->name, 80).text,
                    mfi_bytes_shown(call->op->type, 40).text, why);
}

int32_t mfi_onnx_input_value(const mfi_onnx_call *call, size_t index)
{
    return index < call->op->input_count ? call->graph->file->links[call->op->inputs + index] : -1;
}

const mfi_onnx_result *mfi_onnx_input(const mfi_onnx_call *call, size_t index)
{
    static const mfi_onnx_result none = {.form = MFI_FORM_NONE};
    int32_t value = mfi_onnx_input_value(call, index);
    return value < 0 ? &none : &call->graph->results[value];
}

mf_status mfi_onnx_give(const mfi_onnx_call *call, size_t index, const mfi_onnx_result *result)
{
    int32_t value = index < call->op->output_count ? call->graph->file->links[call->op->outputs + index] : -1;
    if (value < 0)
        return mfi_onnx_refuse(call, "it has fewer outputs than it should");
    if (call->graph->results[value].form != MFI_FORM_NONE)
        return mfi_onnx_refuse(call, "another node has an output of the same name");
    call->graph->results[value] = *result;
    return MF_STATUS_OK;
}

mf_status mfi_onnx_pass(const mfi_onnx_call *call, const mfi_onnx_result *value)
{
    const mfi_onnx_result copy = *value;
    return mfi_onnx_give(call, 0, &copy);
}

mf_status mfi_onnx_give_node(const mfi_onnx_call *call, int32_t node, int32_t rank, const int32_t *dims)
{
    mfi_onnx_result result = {.form = MFI_FORM_VIEW};
    mfi_onnx_view *view = &result.is.view;
    int32_t stride = 1;
    view->node = node;
    view->rank = rank + 1;
    view->factor = 1.0f;
    view->dims[0] = call->graph->batch;
    for (int32_t d = rank; d-- > 0;) {
        view->dims[d + 1] = dims[d];
        view->strides[d + 1] = stride;
        stride *= dims[d]; /* all of them are the values of a row, which are at most INT32_MAX */
    }
    return mfi_onnx_give(call, 0, &result);
}

bool mfi_onnx_list(const mfi_onnx_call *call, const char *name, size_t index, int64_t list[MFI_ONNX_DIMS],
                   size_t *count)
{
    const mfi_onnx_attr attribute = mfi_onnx_attribute_of(call->op, name);
    const mfi_onnx_result *input = mfi_onnx_input(call, index);
    if (attribute.found && attribute.count <= MFI_ONNX_DIMS) {
        *count = attribute.count;
        memcpy(list, attribute.list, sizeof attribute.list);
        return true;
    }
    mfi_onnx_integers_list known;
    if (!mfi_onnx_integers_of(input, &known))
        return false;
    *count = known.count;
    memcpy(list, known.values, sizeof known.values);
    return true;
}

int32_t mfi_onnx_row_dims(const mfi_onnx_view *view, int32_t dims[MFI_ONNX_DIMS])
{
    int32_t rank = 0;
    for (int32_t d = 0; d < view->rank; d++)
        if (d != view->batch)
            dims[rank++] = view->dims[d];
    return rank;
}

/* ---- the list ---- */

const mf_shape *mfi_onnx_shape(const mfi_onnx_units *units, int32_t node)
{
    return node == 0 ? &units->input : &units->list[node - 1].shape;
}

static mf_status grow_list(mfi_onnx_units *units)
{
    const mf_allocator *allocator = &units->file->allocator;
    size_t capacity = units->capacity ? 2 * units->capacity : 32;
    if (units->count < units->capacity)
        return MF_STATUS_OK;
    if (capacity > MFI_ONNX_MOST_UNITS)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "the graph makes more than %d units",
                        (int)MFI_ONNX_MOST_UNITS);
    mfi_onnx_unit *list = mfi_allocate(allocator, capacity * sizeof *list);
    if (!list)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for %zu units", capacity);
    if (units->list)
        memcpy(list, units->list, units->count * sizeof *list);
    mfi_release(allocator, units->list, units->capacity * sizeof *list);
    units->list = list;
    units->capacity = capacity;
    return MF_STATUS_OK;
}

/* A builder whose input is a node. */
static mf_status begin_builder(mfi_onnx_units *units, int32_t node, const mf_shape *input)
{
    mf_builder_spec spec = mfi_builder_defaults();
    spec.input = input;
    spec.allocator = &units->file->allocator;
    mfi_builder_release(units->shapes);
    units->shapes = NULL;
    units->base = node;
    return mfi_builder_create(&spec, &units->shapes);
}

/* Puts what a builder had against a unit behind the node that wanted it. */
static mf_status as_refusal(const mfi_onnx_call *call, mf_status status)
{
    char why[200];
    if (status == MF_STATUS_OK || status == MF_STATUS_MEMORY)
        return status;
    snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, mf_last_message());
    return mfi_onnx_refuse(call, why);
}

static mf_status append_unit(const mfi_onnx_call *call, const mf_unit_spec *spec, const mf_shape *shape)
{
    mfi_onnx_units *units = call->graph;
    MFI_TRY(grow_list(units));
    units->list[units->count++] = (mfi_onnx_unit){.unit = *spec,
                                                  .shape = *shape,
                                                  .op = (int32_t)(call->op - units->file->ops),
                                                  .layer = units->layer,
                                                  .value = -1};
    return MF_STATUS_OK;
}

mf_status mfi_onnx_add_unit(const mfi_onnx_call *call, const mf_unit_spec *spec, int32_t *node)
{
    mfi_onnx_units *units = call->graph;
    mf_unit_spec local = *spec;
    for (int32_t i = 0; i < mfi_unit_inputs(spec); i++) {
        if (spec->inputs[i] < units->base)
            return mfi_onnx_refuse(call, "it reads a value from before a reshape, where gradients must stop");
        local.inputs[i] -= units->base;
    }
    MFI_TRY(as_refusal(call, mfi_builder_unit(units->shapes, &local, NULL)));
    const mfi_plan *plan = &units->shapes->plan;
    MFI_TRY(append_unit(call, spec, &plan->units[plan->unit_count - 1].output));
    units->list[units->count - 1].value =
        call->op->output_count > 0 ? units->file->links[call->op->outputs] : -1;
    *node = (int32_t)units->count;
    return MF_STATUS_OK;
}

/* ---- views become nodes ---- */

/* Whether the values of a row lie in the order of the node, where the rows are the first dim. */
static bool is_plain(const mfi_onnx_view *view, const mf_shape *shape)
{
    size_t stride = 1;
    for (int32_t d = view->rank; d-- > 1;) {
        if (view->dims[d] != 1 && (size_t)view->strides[d] != stride)
            return false;
        stride *= (size_t)view->dims[d];
    }
    return view->offset == 0 && stride == mfi_shape_values(shape);
}

static bool has_dims(const mf_shape *shape, int32_t rank, const int32_t *dims)
{
    bool same = shape->rank == rank;
    for (int32_t d = 0; same && d < rank; d++)
        same = shape->dims[d] == (size_t)dims[d];
    return same;
}

static mf_status add_reshape(const mfi_onnx_call *call, int32_t from, int32_t rank, const int32_t *dims,
                             int32_t *node)
{
    mf_unit_spec spec = {.kind = MFI_ONNX_RESHAPE, .inputs = {from, 0}};
    mf_shape shape = mfi_shape_row(1);
    shape.rank = rank;
    for (int32_t d = 0; d < rank; d++)
        shape.dims[d] = (size_t)dims[d];
    MFI_TRY(append_unit(call, &spec, &shape));
    *node = (int32_t)call->graph->count;
    return begin_builder(call->graph, *node, &shape);
}

/* The unit that puts a node's values into the order of a sequence: places of maps, or a sequence turned
 * around; -1 if there is none. A dim of one value has no stride. */
static int32_t turning_kind(const mfi_onnx_view *view, const mf_shape *shape, int32_t rank)
{
    if (view->offset != 0 || rank != 2 || shape->rank < 2)
        return -1;
    size_t positions = (size_t)view->dims[1], values = (size_t)view->dims[2];
    size_t area = shape->rank == 3 ? shape->dims[1] * shape->dims[2] : shape->dims[1];
    if (positions != area || values != shape->dims[0] || (positions != 1 && view->strides[1] != 1) ||
        (values != 1 && (size_t)view->strides[2] != area))
        return -1;
    return shape->rank == 3 ? MF_UNIT_TOKENS : MF_UNIT_TRANSPOSE;
}

/* Whether the values of a node become a row by a unit. In a file of this library that is where the file has
 * one; in others wherever a layer can begin with it, which is not so of the input of the graph: that is a row
 * then. */
static bool flattens(const mfi_onnx_call *call, int32_t node, int32_t rank)
{
    return rank == 1 && (call->graph->file->own ? mfi_bytes_end_in(call->op->name, ".flattened") : node > 0);
}

mf_status mfi_onnx_settle(const mfi_onnx_call *call, const mfi_onnx_result *value, bool row, int32_t *node)
{
    int32_t dims[MFI_ONNX_DIMS], rank, kind;
    const mfi_onnx_view *view = &value->is.view;
    if (value->form != MFI_FORM_VIEW)
        return mfi_onnx_refuse(call,
                               value->form == MFI_FORM_LAST_ROW
                                   ? "maps as rows with channels last are known in front of products alone"
                               : value->form == MFI_FORM_PADDED
                                   ? "zeros around maps are known in front of convolutions and pools alone"
                                   : "it reads a value that no unit computes");
    if (view->factor != 1.0f)
        return mfi_onnx_refuse(call, "it reads a value that a constant was multiplied to");
    if (view->batch != 0)
        return mfi_onnx_refuse(call, "it reads a value whose rows do not lie in its first dim");
    if (value->whole)
        return mfi_onnx_refuse(call, "fractions were taken from what it reads, as from tokens alone");
    const mf_shape *shape = mfi_onnx_shape(call->graph, view->node);
    rank = mfi_onnx_row_dims(view, dims);
    bool plain = is_plain(view, shape);
    if (plain) {
        bool narrow = shape->rank == 1 && rank == 3 && dims[1] == 1 && dims[2] == 1;
        *node = view->node;
        if (has_dims(shape, rank, dims) || narrow || (row && rank == 1 && shape->rank == 3))
            return MF_STATUS_OK;
    }
    kind = plain && flattens(call, view->node, rank) ? MF_UNIT_FLATTEN : turning_kind(view, shape, rank);
    if (kind < 0 && plain && rank >= 1 && rank <= 3)
        return add_reshape(call, view->node, rank, dims, node);
    if (kind < 0)
        return mfi_onnx_refuse(call, "it reads values in an order that no unit has");
    mf_unit_spec spec = mfi_unit_defaults();
    spec.kind = kind;
    spec.inputs[0] = view->node;
    MFI_TRY(mfi_onnx_add_unit(call, &spec, node));
    call->graph->list[*node - 1].value = -1;
    return MF_STATUS_OK;
}

/* ---- the walk ---- */

/* Whether a constant hides from each position those behind it. */
static bool is_causal_mask(const mfi_onnx_constant *mask)
{
    int64_t positions = mask->rank < 2 ? 0 : mask->dims[mask->rank - 1];
    if (mask->type != 1 || mask->count == 0 || positions == 0 || mask->dims[mask->rank - 2] != positions ||
        mask->count != (size_t)positions * (size_t)positions)
        return false;
    for (int64_t row = 0; row < positions; row++)
        for (int64_t column = 0; column < positions; column++) {
            float value = mfi_onnx_float_at(mask, (size_t)row * (size_t)positions + (size_t)column);
            if (column > row ? !(value <= -1e4f) : value != 0.0f)
                return false;
        }
    return true;
}

mfi_onnx_result mfi_onnx_of_constant(const mfi_onnx_constant *constant)
{
    return (mfi_onnx_result){
        .form = MFI_FORM_CONSTANT, .causal = is_causal_mask(constant), .is = {.constant = *constant}};
}

static mf_status take_constant(void *user, int32_t value, const mfi_onnx_constant *constant)
{
    mfi_onnx_units *units = user;
    units->results[value] = mfi_onnx_of_constant(constant);
    return MF_STATUS_OK;
}

/* Whether maps are turned to channels first before anything but scaling reads them. A Reshape turns those of
 * one channel. */
static bool has_channels_last(const mfi_onnx_file *file, const int64_t dims[MFI_ONNX_DIMS])
{
    static const char *const scaling[] = {"Add", "Sub", "Mul", "Div", "Cast", "Identity"};
    static const int64_t turn[4] = {0, 3, 1, 2};
    int32_t value = file->input_value;
    for (size_t i = 0; i < file->op_count; i++) {
        const mfi_onnx_op *op = &file->ops[i];
        bool reads = false, scales = false;
        for (size_t k = 0; k < op->input_count; k++)
            reads = reads || file->links[op->inputs + k] == value;
        if (!reads)
            continue;
        const mfi_onnx_attr perm = mfi_onnx_attribute_of(op, "perm");
        if (mfi_bytes_are(op->type, "Transpose"))
            return perm.found && perm.count == 4 && memcmp(perm.list, turn, sizeof turn) == 0;
        for (size_t k = 0; k < sizeof scaling / sizeof *scaling; k++)
            scales = scales || mfi_bytes_are(op->type, scaling[k]);
        if (!scales || op->output_count == 0)
            return mfi_bytes_are(op->type, "Reshape") && dims[3] == 1;
        value = file->links[op->outputs];
    }
    return false;
}

/* The input as a view of maps that lie with their channels first. */
static void turn_input(mfi_onnx_units *units, mfi_onnx_view *view)
{
    mf_shape *input = &units->input;
    const size_t height = input->dims[0], width = input->dims[1], channels = input->dims[2];
    input->dims[0] = channels;
    input->dims[1] = height;
    input->dims[2] = width;
    view->strides[1] = (int32_t)width;
    view->strides[2] = 1;
    view->strides[3] = (int32_t)(height * width);
}

static mf_status begin_graph(mfi_onnx_units *units)
{
    int64_t dims[MFI_ONNX_DIMS];
    int32_t rank, row[3];
    if (!mfi_onnx_input_dims(units->file, dims, &rank) || rank < 2 || rank > 4)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "the input has %d dims; 2 to 4 are read, the batch first",
                        (int)rank);
    int32_t type = mfi_onnx_input_type(units->file);
    units->integers = type > 0 && !mfi_onnx_has_fractions(type);
    units->any_rows = dims[0] <= 0;
    units->batch = units->any_rows ? 1 : (int32_t)dims[0];
    units->input = mfi_shape_row(1);
    units->input.rank = rank - 1;
    size_t values = 1;
    for (int32_t d = 1; d < rank; d++) {
        if (dims[d] <= 0 || !mfi_multiply(values, (size_t)dims[d], &values) || values > INT32_MAX)
            return mfi_fail(MF_STATUS_UNSUPPORTED,
                            "dim %d of the input is free, or too large; only the batch may be", (int)d);
        row[d - 1] = (int32_t)dims[d];
        units->input.dims[d - 1] = (size_t)dims[d];
    }
    mfi_onnx_view *view = &units->results[units->file->input_value].is.view;
    units->results[units->file->input_value].form = MFI_FORM_VIEW;
    *view = (mfi_onnx_view){.rank = rank, .factor = 1.0f, .dims = {units->batch}};
    for (int32_t d = rank - 1, stride = 1; d >= 1; stride *= row[d - 1], d--) {
        view->dims[d] = row[d - 1];
        view->strides[d] = stride;
    }
    units->channels_last = rank == 4 && !units->file->own && has_channels_last(units->file, dims);
    if (units->channels_last)
        turn_input(units, view);
    return begin_builder(units, 0, &units->input);
}

/* ---- files of this library: the names of results tell the layers ---- */

/* The layer in "layers.<n>.<what>", and what it is; false for other names. */
static bool split_name(mfi_bytes name, int64_t *layer, mfi_bytes *what)
{
    static const char prefix[] = "layers.";
    size_t at = sizeof prefix - 1;
    *layer = 0;
    if (name.count <= at || memcmp(name.at, prefix, at) != 0)
        return false;
    for (; at < name.count && name.at[at] >= '0' && name.at[at] <= '9' && *layer < MFI_MOST_LAYERS; at++)
        *layer = *layer * 10 + (name.at[at] - '0');
    if (at >= name.count || name.at[at] != '.')
        return false;
    *what = (mfi_bytes){name.at + at + 1, name.count - at - 1};
    return true;
}

/* What belongs to heads and to the answers of the network is made anew by heads. */
static bool is_of_a_head(mfi_onnx_units *units, const mfi_onnx_op *op)
{
    static const char *const heads[] = {"goodness",    "goodness_sum", "features",
                                        "head_pooled", "head_rows",    "projection_turned"};
    mfi_bytes what;
    if (!split_name(op->name, &units->layer, &what))
        return !mfi_bytes_are(op->name, "input.shifted") && !mfi_bytes_are(op->name, "input.scaled");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (mfi_bytes_are(what, heads[i]))
            return true;
    return false;
}

/* Units that do nothing in inference are in the file as Identity, so that units keep their numbers: identity
 * activations and dropouts, whose rate is not known any more. */
static mf_status put_idle_unit(const mfi_onnx_call *call)
{
    const mfi_onnx_result *input = mfi_onnx_input(call, 0);
    mf_unit_spec spec = mfi_unit_defaults();
    int32_t node, dims[MFI_ONNX_DIMS];
    spec.kind = mfi_bytes_end_in(call->op->name, ".kept") ? MF_UNIT_DROPOUT : MF_UNIT_ACTIVATION;
    spec.activation = MF_ACTIVATION_IDENTITY;
    MFI_TRY(mfi_onnx_settle(call, input, false, &spec.inputs[0]));
    MFI_TRY(mfi_onnx_add_unit(call, &spec, &node));
    return mfi_onnx_give_node(call, node, mfi_onnx_row_dims(&input->is.view, dims), dims);
}

/* Makes a unit of what a value is a view of, where it is none yet. */
static mf_status settle_value(const mfi_onnx_call *call, int32_t value)
{
    mfi_onnx_result *result = &call->graph->results[value];
    mfi_onnx_result plain = *result;
    mfi_onnx_view *view = &result->is.view;
    int32_t node, stride = 1;
    plain.form = MFI_FORM_VIEW;
    MFI_TRY(mfi_onnx_settle(call, &plain, false, &node));
    view->node = node;
    for (int32_t d = view->rank; d-- > 1;) {
        view->strides[d] = stride;
        stride *= view->dims[d];
    }
    return MF_STATUS_OK;
}

/* A turn is a unit where the file has it, also in front of another one. */
static mf_status put_turn(const mfi_onnx_call *call)
{
    mf_status status = MF_STATUS_OK;
    if (!mfi_onnx_move(call, &status))
        return mfi_onnx_refuse(call, "the name is one of a turn");
    MFI_TRY(status);
    return settle_value(call, call->graph->file->links[call->op->outputs]);
}

/* What a node reads is known, also what it could do without: or it would be as if it were not there. */
static mf_status check_inputs(const mfi_onnx_call *call)
{
    char why[200];
    for (size_t i = 0; i < call->op->input_count; i++) {
        int32_t value = mfi_onnx_input_value(call, i);
        if (value < 0 || mfi_onnx_input(call, i)->form != MFI_FORM_NONE)
            continue;
        snprintf(why, sizeof why, "its input \"%s\" is no constant, and no known output of a node before it",
                 mfi_bytes_shown(call->graph->file->values[value].name, 60).text);
        return mfi_onnx_refuse(call, why);
    }
    return MF_STATUS_OK;
}

/* Whether arithmetic gives a value more dims, those of a constant. */
static bool adds_dims(const mfi_onnx_call *call)
{
    static const char *const types[] = {"Add", "Sub", "Mul", "Div", "Pow"};
    const mfi_onnx_result *a = mfi_onnx_input(call, 0), *b = mfi_onnx_input(call, 1);
    const mfi_onnx_result *constant = a->form == MFI_FORM_CONSTANT ? a : b, *value = constant == a ? b : a;
    if (constant->form != MFI_FORM_CONSTANT || value->form < MFI_FORM_VIEW ||
        constant->is.constant.rank <= value->is.view.rank)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (mfi_bytes_are(call->op->type, types[i]))
            return true;
    return false;
}

static mf_status take_node(const mfi_onnx_call *call)
{
    mf_status status;
    const mfi_bytes name = call->op->name;
    MFI_TRY(check_inputs(call));
    if (adds_dims(call))
        return mfi_onnx_refuse(call, "its constant has more dims than the value that it goes to");
    if (call->graph->file->own &&
        (mfi_bytes_end_in(name, ".turned") || mfi_bytes_end_in(name, ".flattened")) &&
        mfi_onnx_input(call, 0)->form == MFI_FORM_VIEW)
        return put_turn(call);
    if (call->graph->file->own && mfi_bytes_are(call->op->type, "Identity"))
        return put_idle_unit(call);
    if (mfi_onnx_fold(call, &status) || mfi_onnx_scale(call, &status) || mfi_onnx_move(call, &status))
        return status;
    return mfi_onnx_compute(call);
}

static mf_status walk_nodes(mfi_onnx_units *units)
{
    for (size_t i = 0; i < units->file->op_count; i++) {
        const mfi_onnx_call call = {units, &units->file->ops[i]};
        if (!units->file->own || !is_of_a_head(units, call.op))
            MFI_TRY(take_node(&call));
        units->reached[i] = (int32_t)units->count;
    }
    return MF_STATUS_OK;
}

/* Where the layers that were exported end. */
static void mark_ends(mfi_onnx_units *units)
{
    for (size_t i = 0; i < units->count; i++)
        units->list[i].end = i + 1 == units->count || units->list[i + 1].layer != units->list[i].layer;
}

/* Dims of 1 in front of that of the rows say nothing of an output, which nothing reads. */
static void drop_ones_before_rows(mfi_onnx_view *view)
{
    for (; view->batch > 0 && view->dims[0] == 1; view->batch--) {
        view->rank--;
        memmove(view->dims, view->dims + 1, (size_t)view->rank * sizeof *view->dims);
        memmove(view->strides, view->strides + 1, (size_t)view->rank * sizeof *view->strides);
    }
}

/* The output of the graph is one of a unit, if it can be; whether that is needed is not known here. */
static mf_status settle_output(mfi_onnx_units *units)
{
    mfi_onnx_result *output = &units->results[units->file->output_value];
    if (units->file->op_count == 0 || (output->form != MFI_FORM_VIEW && output->form != MFI_FORM_SOFTMAX))
        return MF_STATUS_OK;
    const mfi_onnx_call call = {units, &units->file->ops[units->file->op_count - 1]};
    const mfi_message kept = mfi_message_keep();
    drop_ones_before_rows(&output->is.view);
    mf_status status = settle_value(&call, units->file->output_value);
    if (status != MF_STATUS_OK)
        output->form = MFI_FORM_NONE;
    if (status != MF_STATUS_MEMORY)
        mfi_message_put_back(&kept);
    return status == MF_STATUS_MEMORY ? status : MF_STATUS_OK;
}

mf_status mfi_onnx_find_units(const mfi_onnx_file *file, mfi_onnx_units *units)
{
    size_t bytes = file->value_count * sizeof *units->results,
           reached = file->op_count * sizeof *units->reached;
    units->file = file;
    units->read = file->input_value;
    units->results = mfi_allocate(&file->allocator, bytes);
    units->reached = mfi_allocate(&file->allocator, reached ? reached : 1);
    if (!units->results || !units->reached)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for %zu values", file->value_count);
    memset(units->results, 0, bytes);
    MFI_TRY(mfi_onnx_each_constant(file, take_constant, units));
    MFI_TRY(begin_graph(units));
    MFI_TRY(walk_nodes(units));
    if (!units->file->own)
        return settle_output(units);
    mark_ends(units);
    return MF_STATUS_OK;
}

void mfi_onnx_units_free(mfi_onnx_units *units)
{
    if (!units->file)
        return;
    const mf_allocator *allocator = &units->file->allocator;
    size_t reached = units->file->op_count * sizeof *units->reached;
    mfi_release(allocator, units->results, units->file->value_count * sizeof *units->results);
    mfi_release(allocator, units->reached, reached ? reached : 1);
    mfi_release(allocator, units->list, units->capacity * sizeof *units->list);
    mfi_release(allocator, units->scaling, 2 * units->scaled * sizeof *units->scaling);
    mfi_builder_release(units->shapes);
}
