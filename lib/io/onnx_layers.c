/* Owns: how the units of an ONNX graph are cut into layers, and the head of each. */
#include "io/onnx_layers.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/utf8.h"
#include "model/spec.h"

static const mfi_onnx_unit *unit_at(const mfi_onnx_units *units, int32_t node)
{
    return &units->list[node - 1];
}

static int32_t inputs_of(const mfi_onnx_unit *unit)
{
    return unit->unit.kind == MFI_ONNX_RESHAPE ? 1 : mfi_unit_inputs(&unit->unit);
}

/* ---- names ---- */

/* How many units there are up to the node of the graph that has this name, or whose output has it. */
static mf_status find_place(const mfi_onnx_units *units, const char *name, const char *what, int32_t *count)
{
    const mfi_onnx_file *file = units->file;
    for (size_t i = 0; i < file->op_count; i++) {
        const mfi_onnx_op *op = &file->ops[i];
        bool found = mfi_bytes_are(op->name, name);
        for (size_t o = 0; o < op->output_count && !found; o++) {
            int32_t value = file->links[op->outputs + o];
            found = value >= 0 && mfi_bytes_are(file->values[value].name, name);
        }
        *count = units->reached[i];
        if (found && *count > 0)
            return MF_STATUS_OK;
        if (found)
            return mfi_fail(MF_STATUS_ARGUMENT, "%s \"%.*s\": %s", what, mfi_utf8_shown(name, 80), name,
                            *count < 0 ? "the network does not read it" : "there is no unit up to there");
    }
    return mfi_fail(MF_STATUS_ARGUMENT, "%s \"%.*s\": no node and no value has that name", what,
                    mfi_utf8_shown(name, 80), name);
}

/* ---- the end ---- */

static mf_status check_output(const mfi_onnx_units *units, int32_t *last)
{
    const mfi_onnx_result *output = &units->results[units->file->output_value];
    if (output->form != MFI_FORM_VIEW && output->form != MFI_FORM_SOFTMAX)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "the output of the graph is not that of a unit, in its order");
    *last = output->is.view.node;
    return MF_STATUS_OK;
}

/* Without the last dense unit and all behind it. */
static mf_status leave_classifier(const mfi_onnx_units *units, int32_t *last)
{
    int32_t node = *last;
    while (node > 0 && unit_at(units, node)->unit.kind != MF_UNIT_DENSE)
        node--;
    if (node == 0)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "there is no dense unit, so no classifier to leave out");
    *last = unit_at(units, node)->unit.inputs[0];
    return MF_STATUS_OK;
}

static int32_t dims_but_ones(const mf_shape *shape, size_t dims[3])
{
    int32_t count = 0;
    for (int32_t d = 0; d < shape->rank; d++)
        if (shape->dims[d] > 1)
            dims[count++] = shape->dims[d];
    return count;
}

/* The model's output, if it is that of its last unit, is its scores: a reshape at the end may only leave out
 * dims of 1, or positions would become classes, or classes positions. */
static mf_status check_last_reshape(const mfi_onnx_units *units, int32_t node)
{
    const mfi_onnx_unit *reshape = unit_at(units, node);
    size_t from[3], to[3];
    int32_t count = dims_but_ones(mfi_onnx_shape(units, reshape->unit.inputs[0]), from);
    if (count == dims_but_ones(&reshape->shape, to) && memcmp(from, to, (size_t)count * sizeof *from) == 0)
        return MF_STATUS_OK;
    return mfi_fail(
        MF_STATUS_UNSUPPORTED,
        "the output of the graph is that of its last unit in another shape, whose scores no head gives: "
        "name a node before it as the last, or say how many classes the heads shall have");
}

/* ---- what is read ---- */

/* Marks the units that the last one needs and, in files of this library, those that heads need. */
static void mark_read(mfi_onnx_units *units, int32_t last)
{
    for (int32_t node = 1; node <= last; node++)
        units->list[node - 1].place = node == last || units->list[node - 1].end;
    for (int32_t node = last; node >= 1; node--) {
        const mfi_onnx_unit *reader = unit_at(units, node);
        for (int32_t i = 0; reader->place && i < inputs_of(reader); i++)
            if (reader->unit.inputs[i] > 0)
                units->list[reader->unit.inputs[i] - 1].place = 1;
    }
}

/* Gives the units that are read numbers without gaps, by which they read each other; how many there are. */
static int32_t number_read(mfi_onnx_units *units, int32_t last)
{
    int32_t count = 0;
    for (int32_t node = 1; node <= last; node++) {
        mfi_onnx_unit *reader = &units->list[node - 1];
        if (reader->place == 0)
            continue;
        reader->place = ++count;
        for (int32_t i = 0; i < inputs_of(reader); i++)
            if (reader->unit.inputs[i] > 0)
                reader->unit.inputs[i] = unit_at(units, reader->unit.inputs[i])->place;
    }
    return count;
}

/* How many of these units there are behind each node of the graph; -1 behind one whose own are not read. */
static void count_read(mfi_onnx_units *units, int32_t last, int32_t read)
{
    int32_t node = 0, count = 0;
    for (size_t i = 0; i < units->file->op_count; i++) {
        int32_t first = node, before = count, *reached = &units->reached[i];
        for (; node < *reached && node < last; node++)
            count += units->list[node].place > 0;
        if (*reached > last)
            *reached = read + 1;
        else if (*reached >= 0)
            *reached = node > first && count == before ? -1 : count;
    }
}

/* Units that nothing up to the last one reads are left out, and so is all behind it. */
static void leave_unread(mfi_onnx_units *units, int32_t *last)
{
    mark_read(units, *last);
    int32_t read = number_read(units, *last);
    count_read(units, *last, read);
    for (int32_t node = 1; node <= *last; node++) {
        const mfi_onnx_unit *one = unit_at(units, node);
        if (one->place > 0)
            units->list[one->place - 1] = *one;
    }
    units->count = (size_t)read;
    *last = read;
}

static mf_status find_last(const mf_onnx_spec *spec, mfi_onnx_units *units, int32_t *last)
{
    *last = (int32_t)units->count;
    if (spec->last)
        MFI_TRY(find_place(units, spec->last, "the last node", last));
    else if (!units->file->own)
        MFI_TRY(check_output(units, last));
    leave_unread(units, last);
    if (spec->features) {
        MFI_TRY(leave_classifier(units, last));
        leave_unread(units, last);
    }
    bool scores = spec->classes == 0 && !spec->last && !spec->features && !units->file->own;
    while (*last > 0 && unit_at(units, *last)->unit.kind == MFI_ONNX_RESHAPE) {
        if (scores)
            MFI_TRY(check_last_reshape(units, *last));
        *last = unit_at(units, *last)->unit.inputs[0];
    }
    if (*last == 0)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "there is no unit to make a layer of");
    return MF_STATUS_OK;
}

/* ---- cuts ---- */

bool mfi_onnx_may_cut(const mfi_onnx_layers *layers, int32_t node)
{
    return layers->cuts[node - 1] & MFI_ONNX_MAY_CUT;
}

/* From the last unit on, since what is asked of a unit is asked of all behind it. */
static void find_places_for_cuts(const mfi_onnx_units *units, int32_t last, mfi_onnx_layers *layers)
{
    int32_t least = last; /* node that what is behind reads */
    for (int32_t node = last; node >= 1; node--) {
        const mfi_onnx_unit *unit = unit_at(units, node);
        layers->cuts[node - 1] = least >= node ? MFI_ONNX_MAY_CUT : 0;
        for (int32_t i = 0; i < inputs_of(unit); i++)
            if (unit->unit.inputs[i] < least)
                least = unit->unit.inputs[i];
    }
}

/* Whether the numbers that scale the input would belong to other values of its new shape: in a sequence they
 * follow each other, in maps and in what is read as a row each stays for a stretch. */
static bool moves_scaling(const mfi_onnx_units *units, const mf_shape *to)
{
    const mf_shape *from = &units->input;
    return units->scaled > 1 && from->rank > 1 && (from->rank == 2) != (to->rank == 2);
}

/* A reshape is in front of a layer, which reads maps and sequences of the layer before it as they are. */
static mf_status check_reshape(const mfi_onnx_units *units, const mfi_onnx_layers *layers, int32_t node)
{
    const mfi_onnx_unit *unit = unit_at(units, node);
    const mfi_onnx_call call = {.op = &units->file->ops[unit->op]};
    bool behind = units->file->own || unit->unit.inputs[0] == node - 1;
    if (!behind || !mfi_onnx_may_cut(layers, node))
        return mfi_onnx_refuse(&call,
                               "its input changes its shape, which is possible where gradients may stop, "
                               "and here they may not");
    if (node > 1 && mfi_onnx_shape(units, unit->unit.inputs[0])->rank > 1 && unit->shape.rank > 1)
        return mfi_onnx_refuse(&call,
                               "maps or a sequence change their shape in front of it, which is possible "
                               "for rows alone");
    if (node == 1 && moves_scaling(units, &unit->shape))
        return mfi_onnx_refuse(&call, "the input of the graph changes its shape behind a scaling by several "
                                      "numbers, which would belong to other values then");
    return MF_STATUS_OK;
}

static mf_status cut_at_reshapes(const mfi_onnx_units *units, int32_t last, mfi_onnx_layers *layers)
{
    for (int32_t node = 1; node <= last; node++) {
        if (unit_at(units, node)->unit.kind != MFI_ONNX_RESHAPE)
            continue;
        MFI_TRY(check_reshape(units, layers, node));
        if (node > 1)
            layers->cuts[node - 2] |= MFI_ONNX_CUT;
    }
    return MF_STATUS_OK;
}

static mf_status cut_at_names(const mf_onnx_spec *spec, const mfi_onnx_units *units, int32_t last,
                              mfi_onnx_layers *layers)
{
    for (size_t i = 0; i < spec->cut_count; i++) {
        int32_t node;
        if (!spec->cuts || !spec->cuts[i])
            return mfi_fail(MF_STATUS_ARGUMENT, "cut %zu is NULL", i);
        MFI_TRY(find_place(units, spec->cuts[i], "the cut", &node));
        if (node > last)
            return mfi_fail(MF_STATUS_ARGUMENT, "the cut \"%.*s\" is behind the last node",
                            mfi_utf8_shown(spec->cuts[i], 80), spec->cuts[i]);
        if (!mfi_onnx_may_cut(layers, node))
            return mfi_fail(MF_STATUS_ARGUMENT,
                            "the cut \"%.*s\": what follows reads values from before it, too",
                            mfi_utf8_shown(spec->cuts[i], 80), spec->cuts[i]);
        layers->cuts[node - 1] |= MFI_ONNX_CUT;
    }
    return MF_STATUS_OK;
}

/* Files of this library have the layers that were exported. */
static void cut_as_exported(const mfi_onnx_units *units, int32_t last, mfi_onnx_layers *layers)
{
    for (int32_t node = 1; node < last; node++)
        if (unit_at(units, node)->end)
            layers->cuts[node - 1] |= MFI_ONNX_CUT;
}

/* Whether a cut that the caller wants has made a layer begin inside one that was exported. */
static bool begins_inside(const mfi_onnx_units *units, const mfi_onnx_layer *layer)
{
    int32_t before = layer->first - 1;
    if (before > 0 && unit_at(units, before)->unit.kind == MFI_ONNX_RESHAPE)
        before--;
    return before > 0 && !unit_at(units, before)->end;
}

/* The node before those of a layer that its units read; FORMAT if they read several. Behind it are the units
 * of the head of the layer before. */
static mf_status find_input(const mfi_onnx_units *units, mfi_onnx_layer *layer, mfi_onnx_layer *before)
{
    int32_t input = -1;
    for (int32_t node = layer->first; node <= layer->last; node++)
        for (int32_t i = 0; i < inputs_of(unit_at(units, node)); i++) {
            int32_t read = unit_at(units, node)->unit.inputs[i];
            if (read >= layer->first)
                continue;
            if (input >= 0 && read != input)
                return mfi_fail(MF_STATUS_FORMAT, "layer %lld reads several values of the layers before it",
                                (long long)unit_at(units, layer->first)->layer);
            input = read;
        }
    layer->input = input >= 0 ? input : layer->first - 1;
    int32_t output = layer->input;
    if (output > 0 && unit_at(units, output)->unit.kind == MFI_ONNX_RESHAPE)
        output = unit_at(units, output)->unit.inputs[0];
    if (before && output < before->first && begins_inside(units, before))
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "a cut is in front of units that only the head of layer %lld reads",
                        (long long)unit_at(units, before->last)->layer);
    if (before && output < before->first)
        return mfi_fail(MF_STATUS_FORMAT, "layer %lld does not read the layer before it",
                        (long long)unit_at(units, layer->first)->layer);
    if (before && output < before->last)
        before->head.output_node = output - before->first + 1;
    return MF_STATUS_OK;
}

/* ---- heads ---- */

/* The constant of that name in the layer of a file of this library; NULL if there is none. */
static const mfi_onnx_result *find_in_layer(const mfi_onnx_units *units, int64_t layer, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "layers.%lld.%s", (long long)layer, what);
    const mfi_bytes bytes = {(const unsigned char *)name, strlen(name)};
    int32_t value = mfi_onnx_find_value(units->file, bytes);
    return value < 0 ? NULL : &units->results[value];
}

/* What a head that is drawn reads of maps. */
static void pool_maps(const mf_onnx_spec *spec, const mfi_onnx_units *units, mfi_onnx_layer *layer)
{
    if (layer->head.kind == MF_HEAD_LINEAR && mfi_onnx_shape(units, layer->last)->rank == 3)
        layer->head.pool_size = spec->pool_size;
}

/* M as the file has it, [m, features]; of maps the features tell how they are pooled. A layer that ends where
 * none was exported has no M that was trained on its output: its head is drawn, for the same classes. */
static mf_status exported_head(const mf_onnx_spec *spec, const mfi_onnx_units *units, mfi_onnx_layer *layer)
{
    int64_t number = unit_at(units, layer->last)->layer;
    const mf_shape *output = mfi_onnx_shape(units, layer->last);
    const mfi_onnx_result *found = find_in_layer(units, number, "head.projection");
    if (!found)
        found = find_in_layer(units, number, "projection");
    if (!found || found->form != MFI_FORM_CONSTANT || found->is.constant.type != 1 ||
        found->is.constant.rank != 2)
        return mfi_fail(MF_STATUS_FORMAT, "layer %lld has no projection", (long long)number);
    layer->head.classes = (size_t)found->is.constant.dims[0];
    size_t features = (size_t)found->is.constant.dims[1], side = 1;
    if (find_in_layer(units, number, "projection_turned"))
        layer->head.kind = MF_HEAD_POSITIONS;
    if (!unit_at(units, layer->last)->end) {
        pool_maps(spec, units, layer);
        return MF_STATUS_OK;
    }
    layer->projection = MFI_FROM_FILE;
    layer->values = &found->is.constant;
    if (output->rank == 3 && find_in_layer(units, number, "head_pooled")) {
        while (side < 4096 && output->dims[0] * side * side < features)
            side++;
        layer->head.pool_size = side;
    }
    return MF_STATUS_OK;
}

/* The model's own classes: its output are the scores. */
static mf_status own_classes(const mfi_onnx_units *units, int32_t last, mf_head_spec *head)
{
    const mf_shape *output = mfi_onnx_shape(units, last);
    if (output->rank == 3)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "the output is maps, so it has no classes: say how many the heads shall have");
    head->classes = output->dims[output->rank - 1];
    head->kind = output->rank == 2 ? MF_HEAD_POSITIONS : MF_HEAD_LINEAR;
    return MF_STATUS_OK;
}

static mf_status choose_head(const mf_onnx_spec *spec, const mfi_onnx_units *units, int32_t last,
                             mfi_onnx_layer *layer)
{
    layer->head = mfi_head_defaults();
    if (units->file->own && spec->classes == 0)
        return exported_head(spec, units, layer);
    layer->head.classes = spec->classes;
    if (spec->classes == 0)
        MFI_TRY(own_classes(units, last, &layer->head));
    if (spec->classes == 0 && layer->last == last)
        layer->projection = MFI_IDENTITY;
    pool_maps(spec, units, layer);
    return MF_STATUS_OK;
}

/* ---- layers ---- */

static mf_status list_layers(const mf_onnx_spec *spec, const mfi_onnx_units *units, int32_t last,
                             mfi_onnx_layers *layers)
{
    int32_t first = 1;
    for (int32_t node = 1; node <= last; node++) {
        if (node == first && unit_at(units, node)->unit.kind == MFI_ONNX_RESHAPE) {
            first = node + 1;
            continue;
        }
        if (node < last && !(layers->cuts[node - 1] & MFI_ONNX_CUT))
            continue;
        mfi_onnx_layer *layer = &layers->list[layers->count];
        *layer = (mfi_onnx_layer){.first = first, .last = node, .frozen = layers->count < spec->frozen};
        MFI_TRY(choose_head(spec, units, last, layer));
        MFI_TRY(find_input(units, layer, layers->count > 0 ? layer - 1 : NULL));
        layers->count++;
        first = node + 1;
    }
    return MF_STATUS_OK;
}

mf_status mfi_onnx_cut(const mf_onnx_spec *spec, mfi_onnx_units *units, mfi_onnx_layers *layers)
{
    const mf_allocator *allocator = &units->file->allocator;
    int32_t last;
    MFI_TRY(find_last(spec, units, &last));
    layers->room = (size_t)last;
    layers->cuts = mfi_allocate(allocator, layers->room);
    layers->list = mfi_allocate(allocator, layers->room * sizeof *layers->list);
    if (!layers->cuts || !layers->list)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for the layers of %d units", (int)last);
    find_places_for_cuts(units, last, layers);
    MFI_TRY(cut_at_reshapes(units, last, layers));
    if (units->file->own)
        cut_as_exported(units, last, layers);
    MFI_TRY(cut_at_names(spec, units, last, layers));
    return list_layers(spec, units, last, layers);
}

void mfi_onnx_layers_free(const mfi_onnx_units *units, mfi_onnx_layers *layers)
{
    if (!units->file)
        return;
    mfi_release(&units->file->allocator, layers->cuts, layers->room);
    mfi_release(&units->file->allocator, layers->list, layers->room * sizeof *layers->list);
}
