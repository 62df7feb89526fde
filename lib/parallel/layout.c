/* Owns: the layout of the one block of memory of a pipeline. */
#include "parallel/layout.h"

#include "base/memory.h"
#include "base/status.h"
#include "model/workspace.h"

/* With more than a few groups for each item that can be worked on, the load is no better balanced, and taking
 * them costs more time. */
enum { GROUPS_PER_ITEM = 4, DEPTH_BEYOND_ITEMS = 2, KEPT_PER_DEPTH = 2 };

/* Sizes of the two activations, one behind the other, and of the scratch of an item and of a thread. All are
 * as for a sequential run, since every thread may run every layer. */
static mf_status count_parts(const mf_network *network, size_t rows, mfi_pipeline_layout *plan)
{
    const mfi_layer_list layers = mfi_list_network(network);
    size_t *counts = plan->slot_counts;
    counts[MFI_BATCH_WEIGHTS] = rows;
    for (size_t i = 0; i < network->count; i++)
        plan->flags += network->entries[i].layer->plan.parameter_count;
    MFI_TRY(mfi_count_shared(&layers, rows, true, &counts[MFI_BATCH_EVEN], &plan->scratch));
    const mfi_plan *first = &network->entries[0].layer->plan;
    if (!mfi_multiply(rows, first->inputs, &counts[MFI_BATCH_X]) ||
        !mfi_multiply(rows, first->scored, &counts[MFI_BATCH_LABELS]))
        return mfi_fail(MF_STATUS_OVERFLOW, "a batch of %zu rows does not fit in memory", rows);
    return MF_STATUS_OK;
}

static bool reserve_parts(const size_t *counts, size_t parts, size_t *offsets, size_t *bytes)
{
    for (size_t part = 0; part < parts; part++)
        if (!mfi_reserve(bytes, counts[part], sizeof(float), &offsets[part]))
            return false;
    return true;
}

static bool reserve_all(mfi_pipeline_layout *plan, size_t count)
{
    size_t head, settings, flags, reports, *bytes = &plan->bytes;
    return mfi_multiply(plan->kept, count, &reports) && mfi_multiply(plan->depth, count, &settings) &&
           mfi_multiply(plan->depth, plan->flags, &flags) &&
           reserve_parts(plan->slot_counts, MFI_BATCH_PARTS, plan->slot_offsets, &plan->slot_bytes) &&
           mfi_reserve(bytes, 1, sizeof(mf_pipeline), &head) &&
           mfi_reserve(bytes, count, sizeof(mfi_member), &plan->members) &&
           mfi_reserve(bytes, plan->depth, sizeof(mfi_batch_slot), &plan->slots) &&
           mfi_reserve(bytes, settings, sizeof(mfi_settings), &plan->settings) &&
           mfi_reserve(bytes, flags, 1, &plan->trains) &&
           mfi_reserve(bytes, reports, sizeof(mf_pipeline_report), &plan->reports) &&
           mfi_reserve(bytes, plan->groups, sizeof(mfi_group), &plan->group_list) &&
           mfi_reserve(bytes, plan->items, sizeof(size_t), &plan->free_rooms) &&
           mfi_reserve(bytes, plan->depth, plan->slot_bytes, &plan->slot_rooms) &&
           mfi_reserve(bytes, plan->items, plan->scratch.common, &plan->rooms) &&
           mfi_reserve(bytes, plan->threads, plan->scratch.own, &plan->own);
}

/* How many items can be worked on at the same time: no more than there are threads, no more than layers, and
 * no more than unfinished batches, since a batch is in one layer at a time. */
static size_t items_at_a_time(const mf_pipeline_spec *spec, size_t threads)
{
    size_t items = threads < spec->network->count ? threads : spec->network->count;
    return spec->depth && items > spec->depth ? spec->depth : items;
}

mf_status mfi_pipeline_lay_out(const mf_pipeline_spec *spec, size_t threads, mfi_pipeline_layout *plan)
{
    size_t count = spec->network->count;
    *plan = (mfi_pipeline_layout){.threads = threads, .items = items_at_a_time(spec, threads)};
    plan->groups = count < GROUPS_PER_ITEM * plan->items ? count : GROUPS_PER_ITEM * plan->items;
    plan->depth = spec->depth ? spec->depth : plan->items + DEPTH_BEYOND_ITEMS;
    MFI_TRY(count_parts(spec->network, spec->max_batch, plan));
    if (!mfi_multiply(plan->depth, KEPT_PER_DEPTH, &plan->kept) || !reserve_all(plan, count))
        return mfi_fail(MF_STATUS_OVERFLOW, "a pipeline for %zu batches of %zu rows does not fit in memory",
                        plan->depth, spec->max_batch);
    return MF_STATUS_OK;
}

static void *at(mf_pipeline *pipeline, size_t offset)
{
    return (char *)pipeline + offset;
}

static void carve_slot(mf_pipeline *pipeline, const mfi_pipeline_layout *plan, size_t index)
{
    mfi_batch_slot *slot = &pipeline->slots[index];
    size_t room = plan->slot_rooms + index * plan->slot_bytes;
    slot->x = at(pipeline, room + plan->slot_offsets[MFI_BATCH_X]);
    slot->labels = at(pipeline, room + plan->slot_offsets[MFI_BATCH_LABELS]);
    slot->weights = at(pipeline, room + plan->slot_offsets[MFI_BATCH_WEIGHTS]);
    slot->activations[0] = at(pipeline, room + plan->slot_offsets[MFI_BATCH_EVEN]);
    slot->activations[1] = at(pipeline, room + plan->slot_offsets[MFI_BATCH_ODD]);
    slot->settings = (mfi_settings *)at(pipeline, plan->settings) + index * pipeline->count;
    slot->trains = (unsigned char *)at(pipeline, plan->trains) + index * plan->flags;
}

void mfi_pipeline_set_pointers(mf_pipeline *pipeline, const mfi_pipeline_layout *plan)
{
    pipeline->members = at(pipeline, plan->members);
    pipeline->slots = at(pipeline, plan->slots);
    pipeline->reports = at(pipeline, plan->reports);
    pipeline->groups = at(pipeline, plan->group_list);
    pipeline->free_rooms = at(pipeline, plan->free_rooms);
    pipeline->rooms = at(pipeline, plan->rooms);
    pipeline->own = at(pipeline, plan->own);
    pipeline->scratch = plan->scratch;
    for (size_t i = 0; i < plan->depth; i++)
        carve_slot(pipeline, plan, i);
    for (size_t i = 0; i < plan->items; i++)
        pipeline->free_rooms[pipeline->free_count++] = i;
}
