/* Owns: the layout of the scratch memory of a call on one layer. */
#include "model/scratch.h"

#include "base/memory.h"
#include "model/head.h"
#include "model/unit.h"

void *mfi_room_take(mfi_room *room, size_t count, size_t size)
{
    size_t offset;
    if (count == 0 || !room->fits)
        return NULL;
    room->fits = mfi_reserve(&room->bytes, count, size, &offset);
    return room->fits && room->block ? room->block + offset : NULL;
}

/* A matrix [rows, columns]. */
static float *take_matrix(mfi_room *room, size_t rows, size_t columns)
{
    size_t count = 0;
    room->fits = room->fits && mfi_multiply(rows, columns, &count);
    return mfi_room_take(room, count, sizeof(float));
}

static size_t larger_size(size_t one, size_t other)
{
    return one > other ? one : other;
}

/* Each area as large as the stage that needs most of it: stages take turns. */
static void take_shared(const mfi_shared_sizes *most, mfi_room *room, mfi_scratch *scratch)
{
    scratch->dz = mfi_room_take(room, most->dz, sizeof(float));
    scratch->dw = mfi_room_take(room, most->dw, sizeof(float));
    scratch->panel = mfi_room_take(room, most->panel, sizeof(float));
    scratch->db = mfi_room_take(room, most->db, sizeof(float));
    scratch->dscale = mfi_room_take(room, most->dscale, sizeof(float));
    scratch->patches = mfi_room_take(room, most->patches, sizeof(float));
    scratch->map = mfi_room_take(room, most->map, sizeof(float));
}

static void widen(mfi_shared_sizes *most, const mfi_shared_sizes *one)
{
    most->dz = larger_size(most->dz, one->dz);
    most->dw = larger_size(most->dw, one->dw);
    most->panel = larger_size(most->panel, one->panel);
    most->db = larger_size(most->db, one->db);
    most->dscale = larger_size(most->dscale, one->dscale);
    most->patches = larger_size(most->patches, one->patches);
    most->map = larger_size(most->map, one->map);
}

static void take_stages(const mfi_plan *plan, size_t rows, bool training, mfi_room *room,
                        mfi_scratch *scratch)
{
    mfi_shared_sizes most = {0};
    for (size_t s = 0; s < plan->stage_count; s++) {
        const mfi_stage *stage = &plan->stages[s];
        mfi_kept_sizes kept = {0};
        mfi_shared_sizes shared = {0};
        room->fits =
            room->fits && mfi_unit_kind_of(stage->kind)->sizes(stage, rows, training, &kept, &shared);
        widen(&most, &shared);
        float *product = mfi_room_take(room, kept.product, sizeof(float));
        float *preactivation = mfi_room_take(room, kept.preactivation, sizeof(float));
        float *moments = mfi_room_take(room, kept.moments, sizeof(float));
        float *output = NULL;
        if (training && s + 1 < plan->stage_count)
            output = take_matrix(room, rows, stage->output_values);
        if (scratch->kept)
            scratch->kept[s] = (mfi_kept){output, NULL, product, preactivation, moments};
    }
    take_shared(&most, room, scratch);
}

/* The buffers for outputs in inference, and for gradients in training. Stages use them in turn. */
static void take_slots(const mfi_plan *plan, size_t rows, bool training, mfi_room *room, mfi_scratch *scratch)
{
    const mfi_slot *slots = training ? plan->gradient_slots : plan->output_slots;
    size_t count = training ? plan->gradient_slot_count : plan->output_slot_count;
    float **buffers = mfi_room_take(room, count, sizeof *buffers);
    for (size_t slot = 0; slot < count; slot++) {
        float *buffer = take_matrix(room, rows, slots[slot].width);
        if (buffers)
            buffers[slot] = buffer;
    }
    for (size_t s = 0; buffers && s < plan->stage_count; s++) {
        const mfi_stage *stage = &plan->stages[s];
        if (training && stage->gradient_slot >= 0)
            scratch->kept[s].gradient = buffers[stage->gradient_slot];
        if (!training && stage->output_slot >= 0)
            scratch->kept[s].output = buffers[stage->output_slot];
    }
}

void mfi_scratch_take(const mfi_plan *plan, size_t rows, bool training, mfi_room *room, mfi_scratch *scratch)
{
    *scratch = (mfi_scratch){.kept = mfi_room_take(room, plan->stage_count, sizeof(mfi_kept))};
    if (mfi_plan_pools_head(plan))
        scratch->features = take_matrix(room, rows, plan->features);
    take_stages(plan, rows, training, room, scratch);
    take_slots(plan, rows, training, room, scratch);
    if (!training)
        return;
    scratch->goodness = take_matrix(room, rows, plan->head.classes);
    if (mfi_plan_pools_head(plan))
        scratch->dfeatures = take_matrix(room, rows, plan->features);
    scratch->dm = take_matrix(room, plan->head.classes, mfi_head_panel(plan));
    scratch->spare = take_matrix(room, rows, plan->spare);
}

bool mfi_scratch_bytes(const mfi_plan *plan, size_t rows, bool training, size_t *bytes)
{
    mfi_room room = {.fits = true};
    mfi_scratch scratch;
    mfi_scratch_take(plan, rows, training, &room, &scratch);
    *bytes = room.bytes;
    return room.fits;
}
