/* Owns: computing the memory of handles before they exist. It adds up what creating and attaching them
 * allocate. */
#include "model/footprint.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/status.h"

/* The bytes that an arena must have so far, and whether a sum has overflowed. */
typedef struct tally {
    size_t arena;
    bool overflow;
} tally;

/* Adds a block. A block that is kept counts in `part`; for one that is freed at once, `part` is NULL, but an
 * arena needs room for it too. */
static void add_block(tally *sum, size_t bytes, size_t *part)
{
    if (bytes > SIZE_MAX / 4 || sum->arena > SIZE_MAX / 4) {
        sum->overflow = true;
        return;
    }
    sum->arena += mfi_arena_block_cost(bytes);
    if (part)
        *part += bytes;
}

static void add_floats(tally *sum, size_t count, size_t *part)
{
    size_t bytes = 0;
    sum->overflow |= !mfi_multiply(count, sizeof(float), &bytes);
    add_block(sum, bytes, part);
}

static void count_parameter(tally *sum, const mfi_parameter_spec *spec, size_t slots, mf_memory *memory)
{
    size_t count = 0, rounded = 0, bytes = 0, scratch = 0, offsets[MFI_STATE_SLOTS];
    slots = mfi_role_learns(spec->role) ? slots : 0;
    sum->overflow |=
        !mfi_parameter_room(spec, &count, &rounded) || !mfi_state_layout(count, slots, offsets, &bytes);
    add_floats(sum, count, &memory->layers);
    if (rounded > 0)
        add_floats(sum, rounded, &memory->layers);
    sum->overflow |= !mfi_parameter_draw_scratch(spec, &scratch);
    if (scratch > 0)
        add_floats(sum, scratch, NULL);
    if (bytes > 0)
        add_block(sum, bytes, &memory->state);
}

static void count_layer(tally *sum, const mfi_plan *plan, size_t slots, mf_memory *memory)
{
    add_block(sum, mfi_layer_bytes(plan), &memory->layers);
    for (size_t p = 0; p < plan->parameter_count; p++)
        count_parameter(sum, &plan->parameters[p], slots, memory);
}

/* A matrix counts with the first layer whose head reads it. */
static mf_status count_shared(tally *sum, const mfi_layer_list *layers, size_t position,
                              const mf_matrix *matrix, mf_memory *memory)
{
    size_t bytes = 0;
    for (size_t i = 0; i < position; i++) {
        const mfi_plan *plan = NULL;
        MFI_TRY(layers->at(layers, i, &plan));
        if (plan->head.shared == matrix)
            return MF_STATUS_OK;
    }
    sum->overflow |= !mfi_matrix_bytes(matrix->rows, matrix->columns, &bytes);
    add_block(sum, bytes, &memory->shared);
    return MF_STATUS_OK;
}

static void add_network(tally *sum, size_t count, mf_memory *memory)
{
    size_t capacity = mfi_network_capacity(count);
    add_block(sum, sizeof(mf_network), &memory->network);
    add_block(sum, capacity * sizeof(mfi_entry), &memory->network);
    while ((capacity = mfi_network_capacity_before(capacity)) > 0)
        add_block(sum, capacity * sizeof(mfi_entry), NULL);
}

mf_status mfi_footprint(const mfi_layer_list *layers, const mf_optimizer_spec *optimizer, int32_t purpose,
                        size_t max_batch, size_t threads, mf_memory *memory)
{
    tally sum = {.arena = mfi_arena_base_cost()};
    size_t slots = optimizer ? mfi_optimizer_slots(optimizer->kind, optimizer->momentum > 0.0f) : 0,
           bytes = 0;
    MFI_TRY(mfi_workspace_bytes(layers, purpose, max_batch, threads, &bytes));
    for (size_t i = 0; i < layers->count; i++) {
        const mfi_plan *plan = NULL;
        MFI_TRY(layers->at(layers, i, &plan));
        count_layer(&sum, plan, slots, memory);
        if (plan->head.shared)
            MFI_TRY(count_shared(&sum, layers, i, plan->head.shared, memory));
    }
    add_network(&sum, layers->count, memory);
    if (optimizer)
        add_block(&sum, sizeof(mf_optimizer), &memory->optimizer);
    add_block(&sum, bytes, &memory->workspace);
    if (sum.overflow)
        return mfi_fail(MF_STATUS_OVERFLOW, "a network of this size does not fit in memory");
    memory->total = memory->layers + memory->state + memory->network + memory->optimizer + memory->workspace +
                    memory->shared;
    memory->arena = sum.arena;
    return MF_STATUS_OK;
}
