/* Owns: changes of a layer that need memory, in two phases. */
#include "model/change.h"

#include <string.h>

#include "base/counts.h"
#include "base/status.h"

static void begin_change(mf_layer *layer)
{
    layer->next_optimizer = layer->optimizer;
    layer->next_classes = layer->plan.head.classes;
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        layer->parameters[p].next = layer->parameters[p].now;
}

static mf_status renew_state(mf_layer *layer, size_t number, const mfi_parameter_spec *spec)
{
    const mf_optimizer *optimizer = layer->next_optimizer;
    size_t slots = optimizer ? mfi_optimizer_slots(optimizer->spec.kind, optimizer->has_momentum) : 0;
    return mfi_parameter_allocate_state(spec, slots, &layer->handle.allocator,
                                        &layer->parameters[number].next);
}

/* Prepares new values, random or 0, and new state. */
static mf_status renew(mf_layer *layer, size_t number, const mfi_parameter_spec *spec, bool draw)
{
    mfi_storage *next = &layer->parameters[number].next;
    uint64_t draw_number = spec->role == MFI_PROJECTION ? layer->progress.renewed : 0;
    *next = (mfi_storage){0};
    MFI_TRY(mfi_parameter_allocate(spec, &layer->handle.allocator, next));
    if (draw)
        MFI_TRY(
            mfi_parameter_draw(spec, layer->plan.seed, draw_number, &layer->handle.allocator, next->values));
    mfi_parameter_round(spec, layer->plan.products.own, next);
    return renew_state(layer, number, spec);
}

static mf_status or_abandon(mf_layer *layer, mf_status status)
{
    if (status != MF_STATUS_OK)
        mfi_change_abandon(layer);
    return status;
}

mf_status mfi_change_create(mf_layer *layer, bool draw)
{
    mf_status status = MF_STATUS_OK;
    begin_change(layer);
    for (size_t p = 0; p < layer->plan.parameter_count && status == MF_STATUS_OK; p++)
        status = renew(layer, p, &layer->plan.parameters[p], draw);
    return or_abandon(layer, status);
}

mf_status mfi_change_optimizer(mf_layer *layer, mf_optimizer *optimizer)
{
    mf_status status = MF_STATUS_OK;
    begin_change(layer);
    layer->next_optimizer = optimizer;
    if (optimizer == layer->optimizer)
        return MF_STATUS_OK;
    for (size_t p = 0; p < layer->plan.parameter_count && status == MF_STATUS_OK; p++)
        status = renew_state(layer, p, &layer->plan.parameters[p]);
    return or_abandon(layer, status);
}

mf_status mfi_change_classes(mf_layer *layer, size_t classes)
{
    mfi_parameter_spec projection;
    if (layer->plan.head.shared)
        return mfi_fail(MF_STATUS_STATE,
                        "the head reads a shared matrix of %zu rows: it cannot have %zu classes",
                        layer->plan.head.shared->rows, classes);
    if (mfi_plan_auxiliaries(&layer->plan) > 0)
        return mfi_fail(MF_STATUS_STATE, "the layer has %zu auxiliary heads: it cannot have %zu classes",
                        mfi_plan_auxiliaries(&layer->plan), classes);
    begin_change(layer);
    layer->next_classes = classes;
    MFI_TRY(mfi_plan_check_candidates(&layer->plan.head, classes));
    MFI_TRY(mfi_plan_projection(&layer->plan, classes, &projection));
    mf_status status = renew(layer, layer->plan.projection, &projection, true);
    if (status == MF_STATUS_OK && mfi_plan_counts(&layer->plan)) {
        const mfi_parameter_spec counts = mfi_plan_counts_of(&layer->plan, classes);
        status = renew(layer, layer->plan.counts, &counts, true);
    }
    return or_abandon(layer, status);
}

static void commit_parameter(mf_layer *layer, size_t number)
{
    mfi_parameter *parameter = &layer->parameters[number];
    bool starts_anew =
        parameter->next.values != parameter->now.values || layer->next_optimizer != layer->optimizer;
    mfi_storage_release(&layer->handle.allocator, &parameter->now, &parameter->next);
    parameter->now = parameter->next;
    if (starts_anew)
        parameter->steps = 0;
}

void mfi_change_commit(mf_layer *layer)
{
    const mfi_parameter *projection = &layer->parameters[layer->plan.projection];
    if (projection->next.values != projection->now.values) {
        layer->revision++;
        layer->progress.renewed = mfi_count_on(layer->progress.renewed);
    }
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        commit_parameter(layer, p);
    if (layer->next_classes != layer->plan.head.classes)
        mfi_plan_set_classes(&layer->plan, layer->next_classes);
    if (layer->next_optimizer != layer->optimizer) {
        mfi_optimizer_release(layer->optimizer);
        if (layer->next_optimizer)
            mfi_handle_retain(&layer->next_optimizer->handle);
        layer->optimizer = layer->next_optimizer;
    }
}

void mfi_change_abandon(mf_layer *layer)
{
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        mfi_storage_release(&layer->handle.allocator, &layer->parameters[p].next, &layer->parameters[p].now);
}
