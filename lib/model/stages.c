/* Owns: what is computed from the units of a plan: its stages, its parameters, and the buffers that stages
 * use in turn. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/grouped.h"
#include "math/winograd.h"
#include "model/head.h"
#include "model/unit.h"
#include "model/unit/window.h"

/* ---- stages: which units are computed together ---- */

/* Whether the unit behind node `node` is of that kind and reads that node, and nobody else does. */
static bool follows(const mfi_plan *plan, int32_t node, int32_t kind)
{
    const mfi_unit *next = (size_t)node < plan->unit_count ? &plan->units[node] : NULL;
    return next && next->spec.kind == kind && next->spec.inputs[0] == node &&
           plan->units[node - 1].readers == 1 && node != plan->output && node != plan->read;
}

/* What the unit of a node says of the stage. */
static void describe_unit(const mfi_plan *plan, int32_t node, mfi_stage *stage)
{
    const mf_unit_spec *unit = &plan->units[node - 1].spec;
    const mfi_unit_kind *kind = mfi_unit_kind_of(unit->kind);
    if (kind->describe)
        kind->describe(unit, mfi_plan_shape(plan, unit->inputs[0]), stage);
}

/* The stage also computes the unit that follows, if that is of this kind. */
static void absorb(const mfi_plan *plan, int32_t kind, mfi_stage *stage)
{
    if (follows(plan, stage->last, kind))
        describe_unit(plan, ++stage->last, stage);
}

/* A stage that begins with a product also computes the normalisation, activation and pooling that follow it.
 */
static void absorb_followers(const mfi_plan *plan, mfi_stage *stage)
{
    if (!plan->units[stage->first - 1].spec.bias)
        absorb(plan, MF_UNIT_BATCH_NORM, stage);
    absorb(plan, MF_UNIT_ACTIVATION, stage);
    if (stage->kind == MF_UNIT_CONV2D)
        absorb(plan, MF_UNIT_POOL, stage);
}

static bool is_flatten(const mfi_plan *plan, int32_t node)
{
    return node > 0 && plan->units[node - 1].spec.kind == MF_UNIT_FLATTEN;
}

/* Number of the stage whose last unit gives that node; units inside a stage are read by nobody else. The
 * values of a flatten are those of what it reads. */
static int32_t stage_of(const mfi_plan *plan, int32_t node)
{
    while (is_flatten(plan, node))
        node = plan->units[node - 1].spec.inputs[0];
    size_t low = 0, high = plan->stage_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->stages[middle].last < node)
            low = middle + 1;
        else
            high = middle;
    }
    return node == 0 ? 0 : (int32_t)low + 1;
}

static void form_stage(mfi_plan *plan, int32_t node)
{
    const mfi_unit *unit = &plan->units[node - 1];
    const mf_shape *input = mfi_plan_shape(plan, unit->spec.inputs[0]);
    mfi_stage stage = {.kind = unit->spec.kind, .first = node, .last = node, .last_reader = -1};
    stage.input_count = mfi_unit_inputs(&unit->spec);
    for (int i = 0; i < stage.input_count; i++) {
        stage.inputs[i] = stage_of(plan, unit->spec.inputs[i]);
        if (stage.inputs[i] > 0)
            plan->stages[stage.inputs[i] - 1].last_reader = (int32_t)plan->stage_count;
    }
    memset(stage.parameters, -1, sizeof stage.parameters);
    stage.channels = input->dims[0];
    stage.area = input->dims[1] * input->dims[2];
    stage.positions = input->rank == 2 ? input->dims[0] : 1;
    stage.geometry.pool = mfi_no_pooling(input->dims + 1);
    describe_unit(plan, node, &stage);
    if (stage.kind == MF_UNIT_DENSE || stage.kind == MF_UNIT_CONV2D)
        absorb_followers(plan, &stage);
    stage.order = stage.groups > 0 ? (mfi_order){1, 1} : plan->products.order;
    stage.winograd = stage.kind == MF_UNIT_CONV2D && stage.groups == 0 && plan->products.winograd &&
                     mfi_winograd_pays(&stage.geometry);
    if (stage.groups > 0 && plan->products.own && mfi_grouped_pays(&stage.geometry, stage.groups))
        stage.group_lanes = plan->products.kernels->order.lanes;
    stage.scores = mfi_unit_scores(&unit->spec);
    stage.gradient_slot = -1;
    stage.precision = (mfi_precision)plan->precision;
    stage.input_values = mfi_shape_values(input);
    stage.output_values = mfi_shape_values(mfi_plan_shape(plan, stage.last));
    plan->stages[plan->stage_count++] = stage;
}

/* Units behind the output are the head's. Then the layer's output has all that the goodness needs, wherever
 * it was computed. */
static mf_status find_output(mfi_plan *plan)
{
    int32_t nodes = (int32_t)plan->unit_count, output = plan->head.output_node, read = plan->head.input_node,
            last = nodes - mfi_plan_compares(plan);
    plan->read = read == MF_NODE_PREVIOUS ? last : read;
    plan->output = output == MF_NODE_PREVIOUS ? plan->read : output;
    if (last < 1)
        return mfi_fail(MF_STATUS_ARGUMENT, "similarity %g: the only unit would be the map for it",
                        (double)plan->head.similarity);
    if (plan->output > last || plan->read > last)
        return mfi_fail(MF_STATUS_ARGUMENT, "there is no %s %d, the last unit %shas node %d",
                        output > last ? "output_node" : "input_node", (int)(output > last ? output : read),
                        last < nodes ? "before the map for similarities " : "", (int)last);
    if (plan->output > plan->read)
        return mfi_fail(MF_STATUS_ARGUMENT, "M reads input_node %d, which is before output_node %d",
                        (int)read, (int)output);
    for (int32_t node = plan->output + 1; node <= nodes; node++)
        for (int32_t i = 0; i < mfi_unit_inputs(&plan->units[node - 1].spec); i++)
            if (plan->units[node - 1].spec.inputs[i] < plan->output)
                return mfi_fail(
                    MF_STATUS_ARGUMENT,
                    "unit %d is the head's, since it is behind output_node %d, and reads node %d; it must "
                    "read the output or units behind it",
                    (int)node, (int)plan->output, (int)plan->units[node - 1].spec.inputs[i]);
    return MF_STATUS_OK;
}

/* What nobody reads is what M reads, an auxiliary head, or the map for similarities. What M does not need is
 * behind the node that it reads, so that goodness is computed without it. */
static mf_status check_reader(const mfi_plan *plan, int32_t node)
{
    const mfi_unit *unit = &plan->units[node - 1];
    bool map = mfi_plan_compares(plan) && (size_t)node == plan->unit_count;
    if (!mfi_unit_scores(&unit->spec)) {
        if (node < plan->read && unit->first_reader > plan->read)
            return mfi_fail(
                MF_STATUS_ARGUMENT,
                "M does not need unit %d, only what is computed in training alone does: it must be "
                "behind input_node, the node that M reads, which is %d",
                (int)node, (int)plan->read);
        if (unit->readers > 0 || node == plan->read || map)
            return MF_STATUS_OK;
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "no unit reads node %d; only the node that M reads and auxiliary heads may be unread",
                        (int)node);
    }
    if (unit->readers > 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "unit %d is an auxiliary head, no unit may read it", (int)node);
    if (map || node <= plan->read)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "unit %d is an auxiliary head: it must be behind input_node, the node that M reads, "
                        "which is %d%s, and cannot be the map for similarities",
                        (int)node, (int)plan->read,
                        plan->head.input_node == MF_NODE_PREVIOUS ? " since none was given" : "");
    return MF_STATUS_OK;
}

static mf_status form_stages(mfi_plan *plan)
{
    plan->stage_count = 0;
    for (int32_t node = 1; (size_t)node <= plan->unit_count; node++)
        MFI_TRY(check_reader(plan, node));
    for (int32_t node = 1; (size_t)node <= plan->unit_count; node++)
        if (!is_flatten(plan, node)) {
            form_stage(plan, node);
            node = plan->stages[plan->stage_count - 1].last;
        }
    plan->body = (size_t)stage_of(plan, plan->output);
    plan->scoring = (size_t)stage_of(plan, plan->read);
    if (plan->body == 0)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "node %d, the output, is the layer's input: no unit computes anything",
                        (int)plan->output);
    return MF_STATUS_OK;
}

/* All embeddings read the layer's input, so the smallest one says what may be there. */
static void find_vocabulary(mfi_plan *plan)
{
    plan->vocabulary = 0;
    for (size_t s = 0; s < plan->stage_count; s++) {
        size_t one = plan->stages[s].vocabulary;
        if (one > 0 && (plan->vocabulary == 0 || one < plan->vocabulary))
            plan->vocabulary = one;
    }
}

/* ---- parameters ---- */

static void set_dims(mfi_parameter_spec *parameter, int32_t rank, size_t d0, size_t d1, size_t d2, size_t d3)
{
    parameter->rank = rank;
    parameter->dims[0] = d0;
    parameter->dims[1] = d1;
    parameter->dims[2] = d2;
    parameter->dims[3] = d3;
}

/* Describes W as its unit says. */
static void describe_weight(const mfi_plan *plan, int32_t node, mfi_parameter_spec *weight)
{
    const mf_unit_spec *unit = &plan->units[node - 1].spec;
    const mf_shape *input = mfi_plan_shape(plan, unit->inputs[0]);
    size_t width = input->dims[input->rank == 2]; /* of a position */
    bool product = unit->kind == MF_UNIT_CONV2D || unit->kind == MF_UNIT_DENSE;
    bool own = mfi_unit_has_panels(unit);
    weight->order = own ? plan->products.order : (mfi_order){1, 1};
    weight->precision = own ? (mfi_precision)plan->precision : MFI_FLOAT32;
    if (unit->kind == MF_UNIT_EMBEDDING) {
        set_dims(weight, 2, unit->vocabulary, unit->outputs, 1, 1);
    } else if (!product) {
        set_dims(weight, 2, input->dims[0], width, 1, 1);
    } else if (unit->kind == MF_UNIT_DENSE) {
        set_dims(weight, 2, unit->outputs, input->rank == 2 ? width : mfi_shape_values(input), 1, 1);
    } else {
        size_t maps = unit->groups > 0 ? input->dims[0] / unit->groups : input->dims[0];
        set_dims(weight, 4, unit->outputs, maps, unit->kernel[0], unit->kernel[1]);
    }
    weight->init = unit->weight_init;
    weight->gain = unit->weight_gain;
    weight->fan = weight->dims[1] * weight->dims[2] * weight->dims[3];
    weight->purpose = mfi_purpose_of(MFI_PURPOSE_WEIGHT, node);
}

/* As torch.nn.Linear does, the bias shares the bound of uniform weights; with others it starts at 0, and so
 * it does in a normalisation, which has no use for the scale of its input. */
static void describe_vector(const mfi_plan *plan, int32_t node, mfi_parameter_spec *parameter)
{
    const mfi_unit *unit = &plan->units[node - 1];
    mfi_parameter_spec weight = {0};
    set_dims(parameter, 1, mfi_shape_channels(&unit->output), 1, 1, 1);
    parameter->init = MFI_INIT_CONSTANT;
    parameter->gain = parameter->role == MFI_SCALE || parameter->role == MFI_VARIANCE ? 1.0f : 0.0f;
    parameter->fan = 1;
    if (parameter->role != MFI_BIAS || mfi_unit_has(&unit->spec, MFI_SCALE) ||
        unit->spec.weight_init != MF_INIT_KAIMING_UNIFORM)
        return;
    describe_weight(plan, node, &weight);
    parameter->init = MF_INIT_KAIMING_UNIFORM;
    parameter->gain = weight.gain;
    parameter->fan = weight.fan;
    parameter->purpose = mfi_purpose_of(MFI_PURPOSE_BIAS, node);
}

static void describe_projection(const mfi_plan *plan, mfi_parameter_spec *projection)
{
    set_dims(projection, 2, plan->head.classes, mfi_plan_learned(plan), 1, 1);
    projection->init = plan->head.projection_init;
    projection->gain = plan->head.projection_gain;
    projection->fan = plan->features;
    projection->purpose = MFI_PURPOSE_PROJECTION;
}

static void describe_counts(size_t classes, mfi_parameter_spec *counts)
{
    set_dims(counts, 1, classes, 1, 1, 1);
    counts->init = MFI_INIT_CONSTANT;
    counts->gain = 1.0f;
    counts->fan = 1;
}

static void name_parameter(const mfi_plan *plan, mfi_parameter_spec *parameter)
{
    const char *role = mfi_role_name(parameter->role);
    if (plan->has_spec)
        snprintf(parameter->name, sizeof parameter->name, "%s", role);
    else if (parameter->node > 0)
        snprintf(parameter->name, sizeof parameter->name, "units.%d.%s", (int)parameter->node, role);
    else
        snprintf(parameter->name, sizeof parameter->name, "head.%s", role);
}

static bool count_values(mfi_parameter_spec *parameter)
{
    parameter->count = 1;
    for (int d = 0; d < 4; d++)
        if (!mfi_multiply(parameter->count, parameter->dims[d], &parameter->count))
            return false;
    return true;
}

/* The next parameter of the layer: that role of the unit of `node`, or of the head. */
static mf_status add_parameter(mfi_plan *plan, mfi_role role, int32_t node)
{
    mfi_parameter_spec *parameter = &plan->parameters[plan->parameter_count];
    *parameter = (mfi_parameter_spec){.role = role, .node = node, .order = {1, 1}, .offset = plan->values};
    if (role == MFI_PROJECTION)
        describe_projection(plan, parameter);
    else if (role == MFI_COUNTS)
        describe_counts(plan->head.classes, parameter);
    else if (role == MFI_WEIGHT)
        describe_weight(plan, node, parameter);
    else
        describe_vector(plan, node, parameter);
    name_parameter(plan, parameter);
    if (!count_values(parameter) || parameter->count > SIZE_MAX / sizeof(float) - plan->values)
        return mfi_fail(MF_STATUS_OVERFLOW, "a %s of %zu x %zu values does not fit", parameter->name,
                        parameter->dims[0], parameter->dims[1] * parameter->dims[2] * parameter->dims[3]);
    plan->values += parameter->count;
    if (role == MFI_PROJECTION)
        plan->projection = plan->parameter_count;
    else if (role == MFI_COUNTS)
        plan->counts = plan->parameter_count;
    else
        plan->stages[stage_of(plan, node) - 1].parameters[role] = (int32_t)plan->parameter_count;
    plan->parameter_count++;
    return MF_STATUS_OK;
}

static mf_status add_role(mfi_plan *plan, mfi_role role)
{
    for (size_t u = 0; u < plan->unit_count; u++)
        if (mfi_unit_has(&plan->units[u].spec, role))
            MFI_TRY(add_parameter(plan, role, (int32_t)u + 1));
    return MF_STATUS_OK;
}

/* Parameters are listed unit by unit, then the head. A layer with a spec has the order of earlier versions,
 * since model files and gradients depend on it. */
static mf_status list_parameters(mfi_plan *plan)
{
    plan->parameter_count = plan->values = 0;
    if (plan->has_spec) {
        MFI_TRY(add_role(plan, MFI_WEIGHT));
        MFI_TRY(add_role(plan, MFI_BIAS));
        MFI_TRY(add_parameter(plan, MFI_PROJECTION, 0));
        for (mfi_role role = MFI_SCALE; role < MFI_UNIT_ROLES; role++)
            MFI_TRY(add_role(plan, role));
        return MF_STATUS_OK;
    }
    for (size_t u = 0; u < plan->unit_count; u++)
        for (mfi_role role = 0; role < MFI_UNIT_ROLES; role++)
            if (mfi_unit_has(&plan->units[u].spec, role))
                MFI_TRY(add_parameter(plan, role, (int32_t)u + 1));
    plan->projection = 0;
    if (mfi_plan_learned(plan) > 0)
        MFI_TRY(add_parameter(plan, MFI_PROJECTION, 0));
    else if (plan->parameter_count == 0)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "the layer has nothing to learn: no unit has parameters, and M is "
                        "the shared matrix");
    return mfi_plan_counts(plan) ? add_parameter(plan, MFI_COUNTS, 0) : MF_STATUS_OK;
}

/* ---- buffers that stages use in turn ---- */

/* The slots of a plan while they are being assigned. */
typedef struct supply {
    mfi_slot *slots;
    size_t *count;
    int32_t first_free; /* the one that was returned last; -1: none */
} supply;

/* The smallest free slot that is wide enough, else the widest free one, which grows, else a new one. Of many
 * free ones, the last few that came back: a file may have units for any number of them. */
static int32_t take_slot(supply *from, size_t width)
{
    enum { MOST_LOOKED_AT = 64 };
    int32_t *best = NULL, *link = &from->first_free, taken = (int32_t)*from->count;
    for (int looked = 0; *link >= 0 && looked < MOST_LOOKED_AT; looked++) {
        size_t one = from->slots[*link].width, chosen = best ? from->slots[*best].width : 0;
        if (!best || (one >= width ? chosen < width || one < chosen : one > chosen))
            best = link;
        link = &from->slots[*link].next_free;
    }
    if (best) {
        taken = *best;
        *best = from->slots[taken].next_free;
    } else {
        from->slots[(*from->count)++] = (mfi_slot){0};
    }
    mfi_slot *slot = &from->slots[taken];
    slot->width = slot->width > width ? slot->width : width;
    slot->taken = true;
    return taken;
}

/* A sum of an output and itself returns the slot only once. */
static void give_back(supply *to, int32_t slot)
{
    if (!to->slots[slot].taken)
        return;
    to->slots[slot].taken = false;
    to->slots[slot].next_free = to->first_free;
    to->first_free = slot;
}

/* In inference an output is needed until its last reader has run. */
static void share_outputs(mfi_plan *plan)
{
    supply outputs = {plan->output_slots, &plan->output_slot_count, -1};
    plan->output_slot_count = 0;
    for (size_t s = 0; s < plan->stage_count; s++)
        plan->stages[s].output_slot = -1;
    for (size_t s = 0; s < plan->scoring; s++) {
        mfi_stage *stage = &plan->stages[s];
        if (s + 1 != plan->body)
            stage->output_slot = take_slot(&outputs, stage->output_values);
        for (int i = 0; i < stage->input_count; i++)
            if (stage->inputs[i] > 0 && plan->stages[stage->inputs[i] - 1].last_reader == (int32_t)s &&
                plan->stages[stage->inputs[i] - 1].output_slot >= 0)
                give_back(&outputs, plan->stages[stage->inputs[i] - 1].output_slot);
    }
}

/* In the backward pass a gradient is needed from the last reader of the output, which writes it first, until
 * its stage has run. Of the stage that M reads, and of a map for similarities, the head writes it before. The
 * scores of an auxiliary head have become their gradient, where they are. */
static void share_gradients(mfi_plan *plan)
{
    mfi_stage *last = &plan->stages[plan->scoring - 1];
    supply gradients = {plan->gradient_slots, &plan->gradient_slot_count, -1};
    plan->gradient_slot_count = plan->spare = 0;
    last->gradient_slot = -1;
    if (!mfi_head_joins(plan) || last->inputs[0] > 0)
        last->gradient_slot = take_slot(&gradients, last->output_values);
    if (mfi_plan_compares(plan)) {
        mfi_stage *map = &plan->stages[plan->stage_count - 1];
        map->gradient_slot = take_slot(&gradients, map->output_values);
    }
    for (size_t s = plan->stage_count; s-- > 0;) {
        mfi_stage *stage = &plan->stages[s];
        size_t added = 0;
        for (int i = 0; i < stage->input_count; i++) {
            mfi_stage *giver = stage->inputs[i] > 0 ? &plan->stages[stage->inputs[i] - 1] : NULL;
            bool twice = i == 1 && stage->inputs[0] == stage->inputs[1];
            stage->starts_gradient[i] = giver && giver != last && giver->last_reader == (int32_t)s && !twice;
            if (stage->starts_gradient[i])
                giver->gradient_slot = take_slot(&gradients, giver->output_values);
            else if (giver)
                added += giver->output_values;
        }
        plan->spare = plan->spare > added ? plan->spare : added;
        if (stage->gradient_slot >= 0)
            give_back(&gradients, stage->gradient_slot);
    }
}

/* ---- all of it ---- */

static mf_status fit_map(const mfi_plan *plan)
{
    const mfi_unit *map = &plan->units[plan->unit_count - 1];
    if (map->spec.kind != MF_UNIT_DENSE && map->spec.kind != MF_UNIT_CONV2D)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "similarity %g: the last unit is the map for it and must be dense or a convolution, "
                        "got %s",
                        (double)plan->head.similarity, mfi_unit_names[map->spec.kind]);
    if (map->output.rank == 2)
        return mfi_unit_refuses("similarity compares rows or maps", &map->output);
    /* Two numbers less their mean have two directions, which nothing turns. */
    if (mfi_plan_compared(plan) < 3)
        return mfi_fail(MF_STATUS_SHAPE,
                        "similarity %g: its map must give 3 values or maps, or more, got %zu",
                        (double)plan->head.similarity, mfi_plan_compared(plan));
    return MF_STATUS_OK;
}

static mf_status fit_shared(const mfi_plan *plan)
{
    if (mfi_plan_shared(plan) > plan->features)
        return mfi_fail(MF_STATUS_SHAPE, "the shared matrix has %zu columns, M reads %zu values",
                        mfi_plan_shared(plan), plan->features);
    return MF_STATUS_OK;
}

static mf_status fit_auxiliary(const mfi_plan *plan, size_t number)
{
    const mfi_unit *unit = &plan->units[number - 1];
    const mf_shape *scores = &unit->output;
    size_t positions = scores->rank == 2 ? scores->dims[0] : 1;
    if (!mfi_unit_scores(&unit->spec) ||
        (unit->spec.outputs == plan->head.classes && positions == plan->scored))
        return MF_STATUS_OK;
    return mfi_fail(
        MF_STATUS_SHAPE,
        "unit %zu, an auxiliary head, gives %zu scores at %zu positions of a row, the layer's head "
        "%zu at %zu",
        number, unit->spec.outputs, positions, plan->head.classes, plan->scored);
}

static mf_status fit_head(mfi_plan *plan)
{
    const mf_shape *input = mfi_plan_head_input(plan);
    size_t s = plan->head.pool_size;
    plan->features = mfi_shape_values(input);
    plan->scored = 1;
    if (mfi_plan_compares(plan))
        MFI_TRY(fit_map(plan));
    if (plan->head.kind == MF_HEAD_POSITIONS) {
        if (input->rank != 2)
            return mfi_unit_refuses("a head for positions reads a sequence", input);
        plan->features = input->dims[1];
        plan->scored = input->dims[0];
    }
    for (size_t number = 1; number <= plan->unit_count; number++)
        MFI_TRY(fit_auxiliary(plan, number));
    if (s == 0)
        return fit_shared(plan);
    if (input->rank != 3)
        return mfi_fail(MF_STATUS_SHAPE, "pool_size %zu: a head that pools reads maps, not a %s of values", s,
                        input->rank == 1 ? "row" : "sequence");
    MFI_TRY(mfi_check_cells(s, input->dims + 1));
    plan->features = input->dims[0] * s * s;
    return fit_shared(plan);
}

mf_status mfi_plan_complete(mfi_plan *plan)
{
    plan->products = mfi_products_choose((mfi_precision)plan->precision);
    plan->inputs = mfi_shape_values(&plan->input);
    MFI_TRY(find_output(plan));
    plan->outputs = mfi_shape_values(mfi_plan_output(plan));
    MFI_TRY(form_stages(plan));
    find_vocabulary(plan);
    MFI_TRY(fit_head(plan));
    MFI_TRY(list_parameters(plan));
    share_outputs(plan);
    share_gradients(plan);
    return MF_STATUS_OK;
}

mf_status mfi_plan_projection(const mfi_plan *plan, size_t classes, mfi_parameter_spec *projection)
{
    size_t others = plan->values - plan->parameters[plan->projection].count;
    *projection = plan->parameters[plan->projection];
    projection->dims[0] = classes;
    if (!count_values(projection) || projection->count > SIZE_MAX / sizeof(float) - others)
        return mfi_fail(MF_STATUS_OVERFLOW, "a %s of %zu x %zu values does not fit", projection->name,
                        classes, projection->dims[1]);
    return MF_STATUS_OK;
}

mfi_parameter_spec mfi_plan_counts_of(const mfi_plan *plan, size_t classes)
{
    mfi_parameter_spec counts = plan->parameters[plan->counts];
    describe_counts(classes, &counts);
    counts.count = classes;
    return counts;
}

void mfi_plan_set_classes(mfi_plan *plan, size_t classes)
{
    plan->head.classes = classes;
    plan->spec.classes = classes;
    (void)list_parameters(plan); /* mfi_plan_projection() has checked the sizes */
    share_gradients(plan);       /* with other classes the head may join its stage, or no longer */
}
