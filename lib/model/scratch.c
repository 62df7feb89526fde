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

/* Both parts of a scratch, while they are laid out. */
typedef struct parts {
    mfi_room common, own;
} parts;

/* A matrix [rows, columns]. */
static float *take_matrix(mfi_room *room, size_t rows, size_t columns)
{
    size_t count = 0;
    room->fits = room->fits && mfi_multiply(rows, columns, &count);
    return mfi_room_take(room, count, sizeof(float));
}

/* G, or dG. */
static float *take_scores(const mfi_plan *plan, size_t rows, mfi_room *room)
{
    size_t count = 0;
    room->fits = room->fits && mfi_multiply(rows, plan->scored, &count);
    return take_matrix(room, count, mfi_plan_columns(plan, rows));
}

static size_t larger_size(size_t one, size_t other)
{
    return one > other ? one : other;
}

/* Each area as large as the stage that needs most of it: stages take turns. */
static void take_shared(const mfi_shared_sizes *most, parts *rooms, mfi_scratch *scratch)
{
    mfi_room *own = &rooms->own;
    scratch->dz = mfi_room_take(own, most->dz, sizeof(float));
    scratch->dw = mfi_room_take(own, most->dw, sizeof(float));
    scratch->panel = mfi_room_take(own, most->panel, sizeof(float));
    scratch->db = mfi_room_take(own, most->db, sizeof(float));
    scratch->dscale = mfi_room_take(own, most->dscale, sizeof(float));
    scratch->patches = mfi_room_take(own, most->patches, sizeof(float));
    scratch->map = mfi_room_take(own, most->map, sizeof(float));
    scratch->dm = mfi_room_take(own, most->dm, sizeof(float));
    scratch->scores = mfi_room_take(own, most->scores, sizeof(float));
    scratch->input = mfi_room_take(&rooms->common, most->input, sizeof(float));
    scratch->whole = mfi_room_take(&rooms->common, most->whole, sizeof(float));
    scratch->sums = mfi_room_take(&rooms->common, most->sums, sizeof(float));
    scratch->squares = mfi_room_take(&rooms->common, most->pieces, sizeof(double));
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
    most->dm = larger_size(most->dm, one->dm);
    most->whole = larger_size(most->whole, one->whole);
    most->sums = larger_size(most->sums, one->sums);
    most->pieces = larger_size(most->pieces, one->pieces);
    most->scores = larger_size(most->scores, one->scores);
    most->input = larger_size(most->input, one->input);
}

static void take_stages(const mfi_plan *plan, size_t rows, bool training, parts *rooms, mfi_scratch *scratch)
{
    mfi_room *room = &rooms->common;
    mfi_shared_sizes most = {0};
    if (training)
        room->fits = room->fits && mfi_head_sizes(plan, rows, &most) &&
                     mfi_head_take_candidates(plan, rows, room, &scratch->candidates) &&
                     mfi_similarity_take(plan, rows, room, &scratch->similarity, &most);
    for (size_t s = 0; s < (training ? plan->stage_count : plan->scoring); s++) {
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
        if (training && s + 1 != plan->body)
            output = take_matrix(room, rows, stage->output_values);
        if (scratch->kept)
            scratch->kept[s] =
                (mfi_kept){output, stage->scores ? output : NULL, product, preactivation, moments};
    }
    take_shared(&most, rooms, scratch);
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

static void take_all(const mfi_plan *plan, size_t rows, bool training, parts *rooms, mfi_scratch *scratch)
{
    mfi_room *room = &rooms->common;
    *scratch = (mfi_scratch){.kept = mfi_room_take(room, plan->stage_count, sizeof(mfi_kept))};
    if (mfi_plan_pools_head(plan))
        scratch->features = take_matrix(room, rows, plan->features);
    take_stages(plan, rows, training, rooms, scratch);
    take_slots(plan, rows, training, room, scratch);
    if (!training)
        return;
    scratch->goodness = take_scores(plan, rows, room);
    if (mfi_plan_pools_head(plan))
        scratch->dfeatures = take_matrix(room, rows, plan->features);
    scratch->spare = take_matrix(room, rows, plan->spare);
}

mfi_scratch mfi_scratch_at(const mfi_plan *plan, size_t rows, bool training, const mfi_workplace *place)
{
    parts rooms = {.common = {.block = place->common, .fits = true},
                   .own = {.block = place->own, .fits = true}};
    mfi_scratch scratch;
    take_all(plan, rows, training, &rooms, &scratch);
    scratch.own_bytes = place->own_bytes;
    return place->team ? mfi_scratch_of(&scratch, place->team->slot) : scratch;
}

static float *move_area(float *area, ptrdiff_t bytes)
{
    return area ? (float *)((char *)area + bytes) : NULL;
}

mfi_scratch mfi_scratch_of(const mfi_scratch *other, size_t slot)
{
    mfi_scratch scratch = *other;
    ptrdiff_t bytes = ((ptrdiff_t)slot - (ptrdiff_t)other->slot) * (ptrdiff_t)other->own_bytes;
    scratch.slot = slot;
    scratch.dz = move_area(other->dz, bytes);
    scratch.dw = move_area(other->dw, bytes);
    scratch.panel = move_area(other->panel, bytes);
    scratch.db = move_area(other->db, bytes);
    scratch.dscale = move_area(other->dscale, bytes);
    scratch.patches = move_area(other->patches, bytes);
    scratch.map = move_area(other->map, bytes);
    scratch.dm = move_area(other->dm, bytes);
    scratch.scores = move_area(other->scores, bytes);
    return scratch;
}

bool mfi_scratch_bytes(const mfi_plan *plan, size_t rows, bool training, mfi_scratch_size *size)
{
    parts rooms = {.common = {.fits = true}, .own = {.fits = true}};
    mfi_scratch scratch;
    take_all(plan, rows, training, &rooms, &scratch);
    *size = (mfi_scratch_size){rooms.common.bytes, rooms.own.bytes};
    return rooms.common.fits && rooms.own.fits;
}
