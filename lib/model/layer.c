/* Owns: creating and freeing layers, their options and their parameters. */
#include "model/layer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/counts.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/utf8.h"
#include "model/change.h"
#include "model/checks.h"

/* ---- creation ---- */

/* The n-th automatic seed of the process: a run can be repeated, and no two layers of a process start with
 * the same values. */
static uint64_t automatic_seed(void)
{
    static atomic_size_t counter; /* as wide as any processor with atomics has them */
    uint64_t number = (uint64_t)atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed) + 1;
    uint64_t bits = number * 0x9E3779B97F4A7C15u;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
    return bits ^ (bits >> 31);
}

/* The block of a layer: its handle, the arrays of its plan, its parameters, and which of them learn. */
typedef struct layer_layout {
    mfi_plan_sizes sizes;
    size_t plan, parameters, trains, bytes;
} layer_layout;

static bool lay_out_layer(const mfi_plan *plan, layer_layout *to)
{
    size_t plan_bytes, head;
    *to = (layer_layout){.sizes = mfi_plan_exact(plan)};
    return mfi_plan_bytes(&to->sizes, &plan_bytes) && mfi_reserve(&to->bytes, 1, sizeof(mf_layer), &head) &&
           mfi_reserve(&to->bytes, 1, plan_bytes, &to->plan) &&
           mfi_reserve(&to->bytes, plan->parameter_count, sizeof(mfi_parameter), &to->parameters) &&
           mfi_reserve(&to->bytes, plan->parameter_count, 1, &to->trains);
}

size_t mfi_layer_bytes(const mfi_plan *plan)
{
    layer_layout at;
    return lay_out_layer(plan, &at) ? at.bytes : SIZE_MAX;
}

mf_status mfi_layer_create(const mfi_plan *plan, const mf_allocator *allocator, bool draw, mf_layer **layer)
{
    layer_layout at;
    if (!lay_out_layer(plan, &at))
        return mfi_fail(MF_STATUS_OVERFLOW, "a layer of %zu units does not fit in memory", plan->unit_count);
    mf_layer *created = mfi_handle_create(MFI_KIND_LAYER, allocator, at.bytes);
    if (!created)
        return MF_STATUS_MEMORY;
    char *block = (char *)created;
    mfi_plan_carve(&created->plan, &at.sizes, block + at.plan);
    mfi_plan_copy(plan, &created->plan);
    mfi_matrix_retain(created->plan.head.shared);
    created->parameters = (mfi_parameter *)(block + at.parameters);
    created->trains = (unsigned char *)(block + at.trains);
    memset(created->trains, 1, plan->parameter_count);
    if (plan->seed == MF_SEED_AUTO)
        created->plan.seed = automatic_seed();
    created->kernels = plan->products.kernels;
    mf_status status = mfi_change_create(created, draw);
    if (status != MF_STATUS_OK) {
        mfi_layer_release(created);
        return status;
    }
    mfi_change_commit(created);
    *layer = created;
    return MF_STATUS_OK;
}

void mfi_layer_release(mf_layer *layer)
{
    const mfi_storage nothing = {0};
    if (!layer || !mfi_handle_drop(&layer->handle))
        return;
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        mfi_storage_release(&layer->handle.allocator, &layer->parameters[p].now, &nothing);
    mfi_optimizer_release(layer->optimizer);
    mfi_matrix_release(layer->plan.head.shared);
    mfi_handle_destroy(&layer->handle);
}

/* ---- options and parameters ---- */

static float *option_of(mfi_plan *plan, int32_t key)
{
    return key == MF_LAYER_DROPOUT ? &plan->dropout : &plan->head.label_smoothing;
}

mf_status mfi_layer_set(mf_layer *layer, int32_t key, double value)
{
    MFI_TRY(mfi_check_constant("layer key", key, MF_LAYER_LABEL_SMOOTHING));
    MFI_TRY(mfi_check_rate(key == MF_LAYER_DROPOUT ? "dropout" : "label_smoothing", value));
    if (key == MF_LAYER_LABEL_SMOOTHING && value > 0.0 && layer->plan.head.sampling != MF_SAMPLING_NONE)
        return mfi_fail(MF_STATUS_ARGUMENT, "label_smoothing must be 0 with sampling, got %g", value);
    *option_of(&layer->plan, key) = (float)value;
    return MF_STATUS_OK;
}

mf_status mfi_layer_get(const mf_layer *layer, int32_t key, double *value)
{
    MFI_TRY(mfi_check_constant("layer key", key, MF_LAYER_LABEL_SMOOTHING));
    *value = (double)(key == MF_LAYER_DROPOUT ? layer->plan.dropout : layer->plan.head.label_smoothing);
    return MF_STATUS_OK;
}

/* As many names of parameters as fit, for a message. */
static void list_names(const mf_layer *layer, char *text, size_t room)
{
    size_t used = 0;
    (void)snprintf(text, room, "none");
    for (size_t p = 0; p < layer->plan.parameter_count; p++) {
        const char *name = layer->plan.parameters[p].name;
        bool fits = used + strlen(name) + sizeof ", , ..." <= room;
        used += (size_t)snprintf(text + used, room - used, "%s%s", p > 0 ? ", " : "", fits ? name : "...");
        if (!fits)
            return;
    }
}

mf_status mfi_layer_find(const mf_layer *layer, const char *name, size_t *number)
{
    char names[160];
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        if (strcmp(name, layer->plan.parameters[p].name) == 0) {
            *number = p;
            return MF_STATUS_OK;
        }
    list_names(layer, names, sizeof names);
    return mfi_fail(MF_STATUS_NOT_FOUND, "the layer has no parameter \"%.*s\": it has %s",
                    mfi_utf8_shown(name, 40), name, names);
}

void mfi_layer_set_trainable(mf_layer *layer, size_t number, bool trainable)
{
    mfi_role role = layer->plan.parameters[number].role;
    layer->trains[number] = trainable;
    if (role == MFI_MEAN) /* the variance is the next one */
        layer->trains[number + 1] = trainable;
    else if (role == MFI_VARIANCE)
        layer->trains[number - 1] = trainable;
}

bool mfi_layer_trains(const mf_layer *layer, size_t number)
{
    return layer->trains[number] != 0;
}

mf_status mfi_layer_claim(mf_layer *layer, size_t position, const void *user)
{
    const void *before = NULL;
    if (atomic_compare_exchange_strong(&layer->user, &before, user) || before == user)
        return MF_STATUS_OK;
    if (position == MFI_NO_POSITION)
        return mfi_fail(MF_STATUS_BUSY, "the layer is being trained by a pipeline, or in another thread");
    return mfi_fail(MF_STATUS_BUSY, "layer %zu is being trained by another pipeline, or in another thread",
                    position);
}

void mfi_layer_disclaim(mf_layer *layer, const void *user)
{
    const void *before = user;
    atomic_compare_exchange_strong(&layer->user, &before, NULL);
}

bool mfi_layer_claimed_by(const mf_layer *layer, const void *user)
{
    return atomic_load(&layer->user) == user;
}

mfi_settings mfi_layer_settings(const mf_layer *layer)
{
    mfi_settings settings = {.trains = layer->trains,
                             .dropout = layer->plan.dropout,
                             .label_smoothing = layer->plan.head.label_smoothing};
    if (layer->optimizer) {
        settings.optimizer = layer->optimizer->spec;
        settings.has_momentum = layer->optimizer->has_momentum;
        settings.checked = layer->optimizer->checked;
    }
    return settings;
}

mf_status mfi_layer_check_rows(const mf_layer *layer, size_t position, size_t rows)
{
    for (size_t s = 0; s < layer->plan.stage_count; s++) {
        const mfi_stage *stage = &layer->plan.stages[s];
        if (stage->normalizes && layer->trains[stage->parameters[MFI_MEAN]] && rows * stage->area < 2)
            return mfi_fail(MF_STATUS_CAPACITY,
                            "layer %zu: batch normalisation needs 2 values of a channel or more, got 1",
                            position);
    }
    return MF_STATUS_OK;
}

static mf_status check_tokens(const mf_layer *layer, const mfi_rows *rows)
{
    size_t vocabulary = layer->plan.vocabulary;
    for (size_t b = 0; vocabulary > 0 && b < rows->count; b++)
        for (size_t t = 0; t < layer->plan.inputs; t++) {
            float token = rows->x[b * rows->stride + t];
            if (!(token >= 0.0f && token < (float)vocabulary) || token != truncf(token))
                return mfi_fail(MF_STATUS_ARGUMENT,
                                "token %zu of row %zu is %.9g, it must be a whole number from 0 to %zu", t, b,
                                (double)token, vocabulary - 1);
        }
    return MF_STATUS_OK;
}

mf_status mfi_layer_check_taken(const mf_layer *layer, bool scaled, const mfi_rows *rows)
{
    size_t k = layer->plan.inputs, count = rows->count * k,
           wrong = scaled ? mfi_first_not_finite(layer->kernels, count, rows->x) : count;
    if (wrong < count)
        return mfi_fail(MF_STATUS_NUMERIC, "input %zu of row %zu is %g when the network has scaled it",
                        wrong % k, wrong / k, (double)rows->x[wrong]);
    return check_tokens(layer, rows);
}

/* ---- dropout ---- */

/* One number of the stream for each map. */
static void drop_maps(const mfi_stream *stream, float rate, size_t area, size_t count, float *a)
{
    const float scale = 1.0f / (1.0f - rate);
    uint32_t bits[4];
    for (size_t map = 0; map < count / area; map++, a += area) {
        if (map % 4 == 0)
            mfi_stream_block(stream, (uint32_t)(map / 4), bits);
        float factor = mfi_unit_float(bits[map % 4]) < rate ? 0.0f : scale;
        for (size_t i = 0; i < area; i++)
            a[i] = factor == 0.0f ? 0.0f : a[i] * factor;
    }
}

/* A mask of single values, which threads share. */
typedef struct value_mask {
    const mf_layer *layer;
    mfi_stream stream;
    float rate;
    size_t count;
    float *a;
} value_mask;

/* Random numbers of a piece, which take some twenty microseconds. */
enum { DROPPED_AT_ONCE = 16384 };

static void drop_piece(void *context, size_t index, size_t slot)
{
    const value_mask *mask = context;
    size_t first = index * DROPPED_AT_ONCE, left = mask->count - first;
    (void)slot;
    mask->layer->kernels->dropout(&mask->stream, mask->rate, first,
                                  first + (left < DROPPED_AT_ONCE ? left : DROPPED_AT_ONCE), mask->a);
}

void mfi_dropout(const mf_layer *layer, const mfi_team *team, uint32_t purpose, float rate, bool maps,
                 size_t area, size_t count, float *a)
{
    value_mask mask = {layer, mfi_stream_of(layer->plan.seed, purpose, layer->progress.dropped), rate, count,
                       a};
    if (maps)
        drop_maps(&mask.stream, rate, area, count, a);
    else
        mfi_team_run(team, (count + DROPPED_AT_ONCE - 1) / DROPPED_AT_ONCE, drop_piece, &mask);
}

void mfi_layer_drop(const mf_layer *layer, const mfi_team *team, const mfi_settings *settings, size_t rows,
                    float *a)
{
    const mf_shape *output = mfi_plan_output(&layer->plan);
    if (settings->dropout > 0.0f)
        mfi_dropout(layer, team, MFI_PURPOSE_DROPOUT, settings->dropout, layer->plan.dropout_maps != 0,
                    output->dims[1] * output->dims[2], rows * layer->plan.outputs, a);
}

void mfi_layer_count_mask(mf_layer *layer, const mfi_settings *settings)
{
    if (settings->dropout > 0.0f || mfi_plan_drops(&layer->plan))
        layer->progress.dropped = mfi_count_on(layer->progress.dropped);
}

/* ---- for model files and snapshots ---- */

void mfi_layer_round(mf_layer *layer, size_t number)
{
    mfi_parameter_round(&layer->plan.parameters[number], layer->plan.products.own,
                        &layer->parameters[number].now);
}

static float *tensor_of(const mf_layer *layer, size_t number, int32_t slot)
{
    const mfi_storage *storage = &layer->parameters[number].now;
    return slot < 0 ? storage->values : storage->state[slot];
}

void mfi_layer_get_values(const mf_layer *layer, size_t number, int32_t slot, size_t first, size_t count,
                          float *values)
{
    mfi_matrix_order matrix = mfi_parameter_matrix(&layer->plan.parameters[number]);
    mfi_order_get(&matrix, tensor_of(layer, number, slot), first, count, values);
}

void mfi_layer_set_values(mf_layer *layer, size_t number, int32_t slot, size_t first, size_t count,
                          const float *values)
{
    mfi_matrix_order matrix = mfi_parameter_matrix(&layer->plan.parameters[number]);
    mfi_order_set(&matrix, tensor_of(layer, number, slot), first, count, values);
    if (slot < 0 && first + count == layer->plan.parameters[number].count)
        mfi_layer_round(layer, number);
}

const mfi_progress *mfi_layer_progress(const mf_layer *layer)
{
    return &layer->progress;
}

uint64_t mfi_layer_steps(const mf_layer *layer, size_t number)
{
    return layer->parameters[number].steps;
}

void mfi_layer_restore(mf_layer *layer, const mfi_progress *progress)
{
    layer->progress = *progress;
}

void mfi_layer_restore_steps(mf_layer *layer, size_t number, uint64_t steps)
{
    layer->parameters[number].steps = steps;
}
