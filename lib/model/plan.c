/* Owns: what a layer is made of: the list of units, and the arrays that hold what follows from it. */
#include "model/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/unit.h"

/* ---- shapes ---- */

mf_shape mfi_shape_row(size_t count)
{
    return (mf_shape){.struct_size = sizeof(mf_shape), .rank = 1, .dims = {count, 1, 1, 1}};
}

mf_shape mfi_shape_sequence(size_t positions, size_t values)
{
    return (mf_shape){.struct_size = sizeof(mf_shape), .rank = 2, .dims = {positions, values, 1, 1}};
}

mf_shape mfi_shape_maps(size_t count, size_t height, size_t width)
{
    return (mf_shape){.struct_size = sizeof(mf_shape), .rank = 3, .dims = {count, height, width, 1}};
}

size_t mfi_shape_values(const mf_shape *shape)
{
    return shape->dims[0] * shape->dims[1] * shape->dims[2];
}

size_t mfi_shape_channels(const mf_shape *shape)
{
    return shape->dims[shape->rank == 2];
}

const mf_shape *mfi_plan_shape(const mfi_plan *plan, int32_t node)
{
    return node == 0 ? &plan->input : &plan->units[node - 1].output;
}

const mf_shape *mfi_plan_output(const mfi_plan *plan)
{
    return mfi_plan_shape(plan, plan->output);
}

const mf_shape *mfi_plan_head_input(const mfi_plan *plan)
{
    return mfi_plan_shape(plan, plan->read);
}

size_t mfi_plan_auxiliaries(const mfi_plan *plan)
{
    size_t count = 0;
    for (size_t s = plan->scoring; s < plan->stage_count; s++)
        count += plan->stages[s].scores;
    return count;
}

bool mfi_plan_compares(const mfi_plan *plan)
{
    return plan->head.similarity > 0.0f;
}

size_t mfi_plan_compared(const mfi_plan *plan)
{
    const mf_shape *map = mfi_plan_shape(plan, (int32_t)plan->unit_count);
    return map->dims[1] * map->dims[2] > 1 ? map->dims[0] : mfi_shape_values(map);
}

size_t mfi_plan_scores(const mfi_plan *plan)
{
    return plan->scored * plan->head.classes;
}

size_t mfi_plan_shared(const mfi_plan *plan)
{
    return plan->head.shared ? plan->head.shared->columns : 0;
}

size_t mfi_plan_learned(const mfi_plan *plan)
{
    return plan->features - mfi_plan_shared(plan);
}

bool mfi_plan_same_scores(const mfi_plan *one, const mfi_plan *other)
{
    return one->head.kind == other->head.kind && one->scored == other->scored;
}

const char *mfi_plan_scored_name(const mfi_plan *plan, char text[MFI_SCORED_NAME])
{
    if (plan->head.kind == MF_HEAD_POSITIONS)
        snprintf(text, MFI_SCORED_NAME, "%zu position%s", plan->scored, plan->scored == 1 ? "" : "s");
    else
        snprintf(text, MFI_SCORED_NAME, "whole rows");
    return text;
}

size_t mfi_plan_columns(const mfi_plan *plan, size_t rows)
{
    size_t classes = plan->head.classes, candidates = plan->head.candidates;
    if (plan->head.sampling == MF_SAMPLING_NONE || rows > (classes - candidates) / plan->scored)
        return classes;
    return candidates + rows * plan->scored;
}

bool mfi_plan_counts(const mfi_plan *plan)
{
    return plan->head.sampling == MF_SAMPLING_COUNTS;
}

bool mfi_plan_pools_head(const mfi_plan *plan)
{
    return plan->head.pool_size > 0;
}

bool mfi_plan_drops(const mfi_plan *plan)
{
    for (size_t s = 0; s < plan->stage_count; s++)
        if (plan->stages[s].dropout > 0.0f)
            return true;
    return false;
}

/* For W, two products, each with a multiplication for every value of W and pixel, and a third one if the
 * input needs a gradient; for M, three products, and two for the columns that are shared. */
double mfi_plan_work(const mfi_plan *plan)
{
    double columns = 4.0 * (double)mfi_plan_shared(plan) + 6.0 * (double)mfi_plan_learned(plan),
           work = columns * (double)plan->scored * (double)mfi_plan_columns(plan, 1);
    for (size_t s = 0; s < plan->stage_count; s++) {
        const mfi_stage *stage = &plan->stages[s];
        work += (stage->inputs[0] > 0 ? 6.0 : 4.0) * stage->multiplications;
    }
    return work;
}

/* ---- arrays ---- */

bool mfi_unit_scores(const mf_unit_spec *unit)
{
    return unit->kind == MF_UNIT_DENSE && unit->loss_weight > 0.0f;
}

bool mfi_unit_has(const mf_unit_spec *unit, mfi_role role)
{
    bool product = unit->kind == MF_UNIT_DENSE || unit->kind == MF_UNIT_CONV2D;
    bool normalization = unit->kind == MF_UNIT_BATCH_NORM || unit->kind == MF_UNIT_LAYER_NORM;
    if (role == MFI_WEIGHT)
        return product || unit->kind == MF_UNIT_POSITIONS || unit->kind == MF_UNIT_EMBEDDING;
    if (role == MFI_BIAS)
        return (product || normalization) && unit->bias;
    return role == MFI_SCALE ? normalization : unit->kind == MF_UNIT_BATCH_NORM;
}

int32_t mfi_unit_inputs(const mf_unit_spec *unit)
{
    return mfi_unit_kind_of(unit->kind)->join ? 2 : 1;
}

mfi_plan_sizes mfi_plan_most(const mfi_plan *plan)
{
    size_t units = plan->unit_count, parameters = 1 + mfi_plan_counts(plan);
    for (size_t u = 0; u < units; u++)
        for (mfi_role role = 0; role < MFI_UNIT_ROLES; role++)
            parameters += mfi_unit_has(&plan->units[u].spec, role);
    return (mfi_plan_sizes){units, units, parameters, units + 1, units + 1};
}

mfi_plan_sizes mfi_plan_exact(const mfi_plan *plan)
{
    /* Another number of classes may part the head from a stage that it joins, which then needs a slot. */
    size_t gradient_slots = plan->gradient_slot_count > 0 ? plan->gradient_slot_count : 1;
    return (mfi_plan_sizes){plan->unit_count, plan->stage_count, plan->parameter_count,
                            plan->output_slot_count, gradient_slots};
}

/* Where each array begins. */
typedef struct plan_offsets {
    size_t units, stages, parameters, output_slots, gradient_slots, bytes;
} plan_offsets;

static bool lay_out_plan(const mfi_plan_sizes *sizes, plan_offsets *to)
{
    *to = (plan_offsets){0};
    return mfi_reserve(&to->bytes, sizes->units, sizeof(mfi_unit), &to->units) &&
           mfi_reserve(&to->bytes, sizes->stages, sizeof(mfi_stage), &to->stages) &&
           mfi_reserve(&to->bytes, sizes->parameters, sizeof(mfi_parameter_spec), &to->parameters) &&
           mfi_reserve(&to->bytes, sizes->output_slots, sizeof(mfi_slot), &to->output_slots) &&
           mfi_reserve(&to->bytes, sizes->gradient_slots, sizeof(mfi_slot), &to->gradient_slots);
}

bool mfi_plan_bytes(const mfi_plan_sizes *sizes, size_t *bytes)
{
    plan_offsets at;
    bool fits = lay_out_plan(sizes, &at);
    *bytes = at.bytes;
    return fits;
}

void mfi_plan_carve(mfi_plan *plan, const mfi_plan_sizes *sizes, void *block)
{
    plan_offsets at;
    char *begin = block;
    lay_out_plan(sizes, &at);
    plan->units = (mfi_unit *)(begin + at.units);
    plan->stages = (mfi_stage *)(begin + at.stages);
    plan->parameters = (mfi_parameter_spec *)(begin + at.parameters);
    plan->output_slots = (mfi_slot *)(begin + at.output_slots);
    plan->gradient_slots = (mfi_slot *)(begin + at.gradient_slots);
}

void mfi_plan_copy(const mfi_plan *from, mfi_plan *plan)
{
    mfi_plan copy = *from;
    copy.units = plan->units;
    copy.stages = plan->stages;
    copy.parameters = plan->parameters;
    copy.output_slots = plan->output_slots;
    copy.gradient_slots = plan->gradient_slots;
    memcpy(copy.units, from->units, from->unit_count * sizeof *copy.units);
    memcpy(copy.stages, from->stages, from->stage_count * sizeof *copy.stages);
    memcpy(copy.parameters, from->parameters, from->parameter_count * sizeof *copy.parameters);
    memcpy(copy.output_slots, from->output_slots, from->output_slot_count * sizeof *copy.output_slots);
    memcpy(copy.gradient_slots, from->gradient_slots,
           from->gradient_slot_count * sizeof *copy.gradient_slots);
    *plan = copy;
}

/* ---- units ---- */

mf_status mfi_plan_find_node(const mfi_plan *plan, int32_t *node)
{
    int32_t nodes = (int32_t)plan->unit_count;
    if (*node == MF_NODE_PREVIOUS)
        *node = nodes;
    if (*node < 0 || *node > nodes)
        return mfi_fail(MF_STATUS_ARGUMENT, "reads node %d, it must be from 0 to %d", (int)*node, (int)nodes);
    return MF_STATUS_OK;
}

mf_status mfi_unit_misfit(const char *verb, const mf_unit_spec *unit, const mf_shape *one,
                          const mf_shape *other)
{
    return mfi_fail(MF_STATUS_SHAPE,
                    "%s node %d of rank %d, %zux%zux%zu, and node %d of rank %d, %zux%zux%zu", verb,
                    (int)unit->inputs[0], (int)one->rank, one->dims[0], one->dims[1], one->dims[2],
                    (int)unit->inputs[1], (int)other->rank, other->dims[0], other->dims[1], other->dims[2]);
}

static mf_status resolve_unit(const mfi_plan *plan, mfi_unit *unit)
{
    mf_unit_spec *spec = &unit->spec;
    size_t values;
    MFI_TRY(mfi_check_constant("unit kind", spec->kind, MFI_UNIT_KINDS - 1));
    MFI_TRY(mfi_check_reserved(spec->reserved));
    MFI_TRY(mfi_check_reserved(spec->reserved2));
    MFI_TRY(mfi_check_reserved(spec->reserved3));
    MFI_TRY(mfi_check_reserved(spec->reserved4));
    MFI_TRY(mfi_plan_find_node(plan, &spec->inputs[0]));
    const mfi_unit_kind *kind = mfi_unit_kind_of(spec->kind);
    if (kind->join)
        MFI_TRY(mfi_plan_find_node(plan, &spec->inputs[1]));
    else
        spec->inputs[1] = 0;
    MFI_TRY(kind->resolve(spec, mfi_plan_shape(plan, spec->inputs[0]), &unit->output));
    if (kind->join)
        MFI_TRY(kind->join(spec, mfi_plan_shape(plan, spec->inputs[1]), &unit->output));
    return mfi_check_product("values of its output", unit->output.dims[0], unit->output.dims[1],
                             unit->output.dims[2], &values);
}

/* The next unit reads this node. */
static void count_reader(mfi_plan *plan, int32_t node)
{
    if (node == 0)
        return;
    mfi_unit *unit = &plan->units[node - 1];
    if (unit->readers++ == 0)
        unit->first_reader = (int32_t)plan->unit_count + 1;
}

mf_status mfi_plan_add(mfi_plan *plan, const mf_unit_spec *spec)
{
    enum { MOST_UNITS = 1 << 20 };
    mfi_unit unit = {.spec = *spec};
    if (plan->unit_count == MOST_UNITS)
        return mfi_fail(MF_STATUS_OVERFLOW, "a layer has at most %d units", (int)MOST_UNITS);
    MFI_TRY(mfi_fail_at(resolve_unit(plan, &unit), "unit", plan->unit_count + 1));
    count_reader(plan, unit.spec.inputs[0]);
    if (mfi_unit_inputs(&unit.spec) == 2)
        count_reader(plan, unit.spec.inputs[1]);
    plan->units[plan->unit_count++] = unit;
    return MF_STATUS_OK;
}

/* ---- the head ---- */

const char *const mfi_sampling_names[MFI_SAMPLINGS] = {
    [MF_SAMPLING_NONE] = "none",
    [MF_SAMPLING_UNIFORM] = "uniform",
    [MF_SAMPLING_LOG_UNIFORM] = "log_uniform",
    [MF_SAMPLING_COUNTS] = "counts",
};

static mf_status check_sampling(const mf_head_spec *head)
{
    MFI_TRY(mfi_check_constant("sampling", head->sampling, MF_SAMPLING_COUNTS));
    MFI_TRY(mfi_check_reserved(head->reserved));
    if (head->sampling == MF_SAMPLING_NONE && head->candidates > 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "candidates must be 0 without sampling, got %zu",
                        head->candidates);
    if (head->sampling != MF_SAMPLING_NONE && head->label_smoothing > 0.0f)
        return mfi_fail(MF_STATUS_ARGUMENT, "label_smoothing must be 0 with sampling, got %g",
                        (double)head->label_smoothing);
    return mfi_plan_check_candidates(head, head->classes);
}

mf_status mfi_plan_check_candidates(const mf_head_spec *head, size_t classes)
{
    const size_t most = 1 << 24; /* how often a class is drawn is counted in floats */
    if (head->sampling != MF_SAMPLING_NONE && (head->candidates < 1 || head->candidates > classes))
        return mfi_fail(MF_STATUS_ARGUMENT, "candidates must be from 1 to the %zu classes, got %zu", classes,
                        head->candidates);
    if (head->candidates > most)
        return mfi_fail(MF_STATUS_ARGUMENT, "candidates must be at most %zu, got %zu", most,
                        head->candidates);
    return MF_STATUS_OK;
}

mf_status mfi_plan_check_head(const mf_head_spec *head)
{
    MFI_TRY(mfi_check_constant("head kind", head->kind, MF_HEAD_POSITIONS));
    MFI_TRY(mfi_check_classes(head->classes));
    MFI_TRY(mfi_check_size("pool_size", head->pool_size, 0));
    if (head->kind == MF_HEAD_POSITIONS && head->pool_size > 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "pool_size %zu: a head for positions does not pool",
                        head->pool_size);
    MFI_TRY(mfi_check_constant("projection_init", head->projection_init, MF_INIT_NORMAL));
    MFI_TRY(mfi_check_gain("projection_gain", head->projection_gain));
    MFI_TRY(mfi_check_rate("label_smoothing", (double)head->label_smoothing));
    MFI_TRY(mfi_check_rate("similarity", (double)head->similarity));
    MFI_TRY(mfi_check_reserved(head->reserved2));
    MFI_TRY(mfi_check_reserved(head->reserved3));
    if (head->kind == MF_HEAD_POSITIONS && head->similarity > 0.0f)
        return mfi_fail(MF_STATUS_ARGUMENT, "similarity %g: a head for positions compares no rows",
                        (double)head->similarity);
    if (head->output_node < 1 && head->output_node != MF_NODE_PREVIOUS)
        return mfi_fail(MF_STATUS_ARGUMENT, "output_node %d is no unit's; the first has node 1",
                        (int)head->output_node);
    if (head->input_node < 1 && head->input_node != MF_NODE_PREVIOUS)
        return mfi_fail(MF_STATUS_ARGUMENT, "input_node %d is no unit's; the first has node 1",
                        (int)head->input_node);
    if (head->shared && head->shared->rows != head->classes)
        return mfi_fail(MF_STATUS_SHAPE,
                        "the shared matrix has %zu rows, it must have one for each of the "
                        "%zu classes",
                        head->shared->rows, head->classes);
    return check_sampling(head);
}

/* ---- from and to the spec of a layer ---- */

static mf_unit_spec unit_of(const mf_layer_spec *spec, int32_t kind)
{
    mf_unit_spec unit = {
        .struct_size = sizeof unit,
        .kind = kind,
        .inputs = {MF_NODE_PREVIOUS, 0},
        .weight_init = spec->weight_init,
        .weight_gain = spec->weight_gain,
        .activation = spec->activation,
        .leak = spec->leak,
        .normalization_rate = spec->normalization_rate,
        .normalization_epsilon = spec->normalization_epsilon,
    };
    return unit;
}

static mf_status add_product(const mf_layer_spec *spec, mfi_plan *plan)
{
    bool conv = spec->kind == MF_LAYER_CONV2D;
    mf_unit_spec unit = unit_of(spec, conv ? MF_UNIT_CONV2D : MF_UNIT_DENSE);
    unit.outputs = conv ? spec->filters : spec->outputs;
    unit.bias = spec->normalization == MF_NORMALIZATION_NONE ? spec->bias : 0;
    if (conv) {
        memcpy(unit.kernel, spec->kernel, sizeof unit.kernel);
        memcpy(unit.stride, spec->stride, sizeof unit.stride);
        memcpy(unit.padding, spec->padding, sizeof unit.padding);
    }
    return mfi_plan_add(plan, &unit);
}

/* The units of a layer with a spec: a product, then normalisation, activation and pooling as the spec says.
 */
static mf_status add_units(const mf_layer_spec *spec, mfi_plan *plan)
{
    MFI_TRY(add_product(spec, plan));
    if (spec->normalization == MF_NORMALIZATION_BATCH) {
        mf_unit_spec unit = unit_of(spec, MF_UNIT_BATCH_NORM);
        unit.bias = spec->bias;
        MFI_TRY(mfi_plan_add(plan, &unit));
    }
    if (spec->activation != MF_ACTIVATION_IDENTITY) {
        mf_unit_spec unit = unit_of(spec, MF_UNIT_ACTIVATION);
        MFI_TRY(mfi_plan_add(plan, &unit));
    }
    if (spec->kind == MF_LAYER_CONV2D && spec->pool != MF_POOL_NONE) {
        mf_unit_spec unit = unit_of(spec, MF_UNIT_POOL);
        unit.pool = spec->pool;
        memcpy(unit.kernel, spec->pool_size, sizeof unit.kernel);
        memcpy(unit.stride, spec->pool_stride, sizeof unit.stride);
        MFI_TRY(mfi_plan_add(plan, &unit));
    }
    return MF_STATUS_OK;
}

mf_status mfi_plan_from_spec(const mf_layer_spec *spec, mfi_spec_room *room, mfi_plan *plan)
{
    bool conv = spec->kind == MF_LAYER_CONV2D;
    *plan = (mfi_plan){
        .input =
            conv ? mfi_shape_maps(spec->channels, spec->height, spec->width) : mfi_shape_row(spec->inputs),
        .head = {.struct_size = sizeof(mf_head_spec),
                 .kind = MF_HEAD_LINEAR,
                 .classes = spec->classes,
                 .pool_size = conv ? spec->head_size : 0,
                 .projection_init = spec->projection_init,
                 .projection_gain = spec->projection_gain,
                 .label_smoothing = spec->label_smoothing,
                 .output_node = MF_NODE_PREVIOUS,
                 .input_node = MF_NODE_PREVIOUS},
        .dropout = spec->dropout,
        .dropout_maps = conv ? spec->dropout_maps : 0,
        .precision = spec->precision,
        .seed = spec->seed,
        .units = room->units,
        .stages = room->stages,
        .parameters = room->parameters,
        .output_slots = room->slots[0],
        .gradient_slots = room->slots[1],
        .has_spec = true,
        .spec = *spec,
    };
    MFI_TRY(add_units(spec, plan));
    return mfi_plan_complete(plan);
}

mf_layer_spec mfi_plan_spec(const mfi_plan *plan)
{
    mf_layer_spec spec = plan->has_spec ? plan->spec
                                        : (mf_layer_spec){.struct_size = sizeof spec,
                                                          .kind = MF_LAYER_UNITS,
                                                          .inputs = plan->inputs,
                                                          .outputs = plan->outputs,
                                                          .projection_init = plan->head.projection_init,
                                                          .projection_gain = plan->head.projection_gain,
                                                          .head_size = plan->head.pool_size,
                                                          .dropout_maps = plan->dropout_maps,
                                                          .precision = plan->precision};
    spec.classes = plan->head.classes;
    spec.dropout = plan->dropout;
    spec.label_smoothing = plan->head.label_smoothing;
    spec.seed = plan->seed;
    spec.allocator = NULL;
    return spec;
}
