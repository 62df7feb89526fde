/* Owns: an ordered list of references to layers. */
#include "model/network.h"

#include <stdio.h>
#include <string.h>

#include "base/counts.h"
#include "base/memory.h"
#include "base/status.h"
#include "model/change.h"

mf_status mfi_network_create(const mf_network_spec *spec, mf_network **network)
{
    mf_network *created = mfi_handle_create(MFI_KIND_NETWORK, spec->allocator, sizeof *created);
    if (!created)
        return MF_STATUS_MEMORY;
    created->next_id = 1;
    *network = created;
    return MF_STATUS_OK;
}

static void free_scaling(const mf_network *network)
{
    mfi_release(&network->handle.allocator, network->shift_scale,
                2 * network->scaled * sizeof *network->shift_scale);
}

void mfi_network_release(mf_network *network)
{
    if (!network || !mfi_handle_drop(&network->handle))
        return;
    for (size_t i = 0; i < network->count; i++)
        mfi_layer_release(network->entries[i].layer);
    mfi_metadata_clear(&network->metadata, &network->handle.allocator);
    free_scaling(network);
    mfi_release(&network->handle.allocator, network->entries, network->capacity * sizeof *network->entries);
    mfi_handle_destroy(&network->handle);
}

/* ---- structure ---- */

/* "1000" or "64x16x16 = 16384". */
static const char *describe(const mf_shape *shape, char text[96])
{
    size_t count = shape->dims[0] * shape->dims[1] * shape->dims[2];
    if (shape->rank == 1)
        snprintf(text, 96, "%zu", count);
    else if (shape->rank == 2)
        snprintf(text, 96, "%zux%zu = %zu", shape->dims[0], shape->dims[1], count);
    else
        snprintf(text, 96, "%zux%zux%zu = %zu", shape->dims[0], shape->dims[1], shape->dims[2], count);
    return text;
}

/* Maps and sequences fit those of the same shape; a row of values fits any shape with the same number of
 * values. */
static bool fits(const mf_shape *output, const mf_shape *input)
{
    bool same = true;
    size_t given = 1, taken = 1;
    for (int32_t d = 0; d < 3; d++) {
        same = same && output->dims[d] == input->dims[d];
        given *= output->dims[d];
        taken *= input->dims[d];
    }
    return output->rank > 1 && input->rank > 1 ? same && output->rank == input->rank : given == taken;
}

mf_status mfi_network_check_fit(const mfi_plan *plan, const mfi_plan *before, const mfi_plan *after)
{
    char one[96], other[96];
    const mf_shape *input = &plan->input, *output = mfi_plan_output(plan);
    if ((before && plan->vocabulary > 0) || (after && after->vocabulary > 0))
        return mfi_fail(MF_STATUS_SHAPE, "a layer with an embedding reads tokens: it must be the first, "
                                         "without a layer before it");
    if (before) {
        const mf_shape *given = mfi_plan_output(before);
        if (!fits(given, input))
            return mfi_fail(MF_STATUS_SHAPE, "the layer expects %s inputs, the one before has %s outputs",
                            describe(input, one), describe(given, other));
    }
    if (after) {
        const mf_shape *taken = &after->input;
        if (!fits(output, taken))
            return mfi_fail(MF_STATUS_SHAPE, "the layer has %s outputs, the next one expects %s inputs",
                            describe(output, one), describe(taken, other));
    }
    const mfi_plan *neighbour = before ? before : after;
    if (neighbour && !mfi_plan_same_scores(neighbour, plan))
        return mfi_fail(MF_STATUS_SHAPE, "the layer has goodness for %s, the network for %s",
                        mfi_plan_scored_name(plan, one), mfi_plan_scored_name(neighbour, other));
    if (neighbour && neighbour->head.classes != plan->head.classes)
        return mfi_fail(MF_STATUS_SHAPE, "the layer has %zu classes, the network has %zu", plan->head.classes,
                        neighbour->head.classes);
    return MF_STATUS_OK;
}

mf_status mfi_network_check_scaling(size_t count, const mfi_plan *first)
{
    char text[96];
    const mf_shape *input = first ? &first->input : NULL;
    size_t channels = first ? mfi_shape_channels(input) : 0;
    if (!first || count <= 1 || count == channels || (input->rank == 1 && channels % count == 0))
        return MF_STATUS_OK;
    return mfi_fail(
        MF_STATUS_SHAPE,
        "%zu numbers scale the network's inputs, its first layer expects %s inputs: 1 number, %zu, "
        "or of a row of values so many that they divide them",
        count, describe(input, text), channels);
}

static const mfi_plan *plan_or_null(const mf_network *network, size_t position)
{
    return position < network->count ? &network->entries[position].layer->plan : NULL;
}

static const mfi_plan *plan_before(const mf_network *network, size_t position)
{
    return position > 0 ? plan_or_null(network, position - 1) : NULL;
}

mf_status mfi_network_check_new(const mf_network *network, const mf_layer *layer)
{
    for (size_t i = 0; i < network->count; i++)
        if (network->entries[i].layer == layer)
            return mfi_fail(MF_STATUS_ARGUMENT, "the layer is in the network already, at position %zu", i);
    return MF_STATUS_OK;
}

enum { FIRST_CAPACITY = 8 };

size_t mfi_network_capacity(size_t count)
{
    size_t capacity = count ? FIRST_CAPACITY : 0;
    while (capacity < count)
        capacity *= 2;
    return capacity;
}

size_t mfi_network_capacity_before(size_t capacity)
{
    return capacity <= FIRST_CAPACITY ? 0 : capacity / 2;
}

static mf_status grow(mf_network *network)
{
    size_t capacity = mfi_network_capacity(network->count + 1), size = sizeof(mfi_entry);
    mfi_entry *entries = mfi_allocate(&network->handle.allocator, capacity * size);
    if (!entries)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for a network of %zu layers", network->count + 1);
    if (network->entries)
        memcpy(entries, network->entries, network->count * size);
    mfi_release(&network->handle.allocator, network->entries, network->capacity * size);
    network->entries = entries;
    network->capacity = capacity;
    return MF_STATUS_OK;
}

mf_status mfi_network_insert(mf_network *network, size_t position, mf_layer *layer, uint64_t *id)
{
    if (position > network->count)
        return mfi_fail(MF_STATUS_NOT_FOUND, "there is no position %zu in a network of %zu layers", position,
                        network->count);
    MFI_TRY(
        mfi_network_check_fit(&layer->plan, plan_before(network, position), plan_or_null(network, position)));
    if (position == 0)
        MFI_TRY(mfi_network_check_scaling(network->scaled, &layer->plan));
    if (network->next_id == MFI_LARGEST_COUNT)
        return mfi_fail(MF_STATUS_OVERFLOW, "the network has no id left for a layer, the next is %llu",
                        (unsigned long long)network->next_id);
    if (network->count == network->capacity)
        MFI_TRY(grow(network));
    mfi_entry *entry = network->entries + position;
    memmove(entry + 1, entry, (network->count - position) * sizeof *entry);
    mfi_handle_retain(&layer->handle);
    *entry = (mfi_entry){.layer = layer, .id = network->next_id++};
    network->count++;
    network->revision++;
    if (id)
        *id = entry->id;
    return MF_STATUS_OK;
}

mf_status mfi_network_find(const mf_network *network, uint64_t id, size_t *position)
{
    for (size_t i = 0; i < network->count; i++)
        if (network->entries[i].id == id) {
            *position = i;
            return MF_STATUS_OK;
        }
    return mfi_fail(MF_STATUS_NOT_FOUND, "the network has no layer with the id %llu", (unsigned long long)id);
}

mf_status mfi_network_remove(mf_network *network, uint64_t id)
{
    size_t position = 0;
    MFI_TRY(mfi_network_find(network, id, &position));
    const mfi_plan *before = plan_before(network, position), *after = plan_or_null(network, position + 1);
    if (before && after)
        MFI_TRY(mfi_network_check_fit(after, before, NULL));
    if (!before)
        MFI_TRY(mfi_network_check_scaling(network->scaled, after));
    mfi_entry *entry = network->entries + position;
    mf_layer *removed = entry->layer;
    memmove(entry, entry + 1, (network->count - position - 1) * sizeof *entry);
    network->count--;
    network->revision++;
    mfi_layer_release(removed);
    return MF_STATUS_OK;
}

mf_status mfi_network_replace(mf_network *network, uint64_t id, mf_layer *layer)
{
    size_t position = 0;
    MFI_TRY(mfi_network_find(network, id, &position));
    MFI_TRY(mfi_network_check_new(network, layer));
    MFI_TRY(mfi_network_check_fit(&layer->plan, plan_before(network, position),
                                  plan_or_null(network, position + 1)));
    if (position == 0)
        MFI_TRY(mfi_network_check_scaling(network->scaled, &layer->plan));
    mf_layer *replaced = network->entries[position].layer;
    mfi_handle_retain(&layer->handle);
    network->entries[position].layer = layer;
    network->revision++;
    mfi_layer_release(replaced);
    return MF_STATUS_OK;
}

/* ---- inputs ---- */

mfi_scaling mfi_network_scaling(const mf_network *network)
{
    const mf_shape *input = network->count > 0 ? &network->entries[0].layer->plan.input : NULL;
    return (mfi_scaling){.count = network->scaled,
                         .parts = input && input->rank == 2 ? input->dims[0]
                                  : input                   ? 1
                                                            : 0,
                         .shift = network->shift_scale,
                         .scale = network->scaled > 0 ? network->shift_scale + network->scaled : NULL};
}

mf_status mfi_network_set_scaling(mf_network *network, const float *shift, const float *scale, size_t count)
{
    const mf_allocator *allocator = &network->handle.allocator;
    float *made = NULL;
    size_t bytes;
    MFI_TRY(mfi_network_check_scaling(count, plan_or_null(network, 0)));
    if (count > 0) {
        made = mfi_multiply(count, 2 * sizeof *made, &bytes) ? mfi_allocate(allocator, bytes) : NULL;
        if (!made)
            return mfi_fail(MF_STATUS_MEMORY, "no memory to scale inputs by %zu numbers", count);
        memcpy(made, shift, count * sizeof *made);
        memcpy(made + count, scale, count * sizeof *made);
    }
    free_scaling(network);
    network->shift_scale = made;
    network->scaled = count;
    network->revision++;
    return MF_STATUS_OK;
}

/* ---- all layers or none ---- */

void mfi_network_disclaim(const mf_network *network, const void *user)
{
    for (size_t i = 0; i < network->count; i++)
        mfi_layer_disclaim(network->entries[i].layer, user);
}

mf_status mfi_network_claim(const mf_network *network, const void *user)
{
    mf_status status = MF_STATUS_OK;
    for (size_t i = 0; i < network->count && status == MF_STATUS_OK; i++)
        status = mfi_layer_claim(network->entries[i].layer, i, user);
    if (status != MF_STATUS_OK)
        mfi_network_disclaim(network, user);
    return status;
}

/* Commits the changes that layers 0 to `prepared` - 1 have prepared, or abandons them if preparing another
 * one has failed. */
static mf_status end_all(mf_network *network, size_t prepared, mf_status status)
{
    for (size_t i = 0; i < prepared; i++)
        if (status == MF_STATUS_OK)
            mfi_change_commit(network->entries[i].layer);
        else
            mfi_change_abandon(network->entries[i].layer);
    return status;
}

mf_status mfi_network_set_optimizer(mf_network *network, mf_optimizer *optimizer)
{
    size_t prepared = 0;
    mf_status status = MF_STATUS_OK;
    for (; prepared < network->count && status == MF_STATUS_OK; prepared++)
        status = mfi_change_optimizer(network->entries[prepared].layer, optimizer);
    return end_all(network, status == MF_STATUS_OK ? prepared : prepared - 1, status);
}

mf_status mfi_network_set_classes(mf_network *network, size_t classes)
{
    size_t prepared = 0;
    mf_status status = MF_STATUS_OK;
    for (; prepared < network->count && status == MF_STATUS_OK; prepared++)
        status = mfi_change_classes(network->entries[prepared].layer, classes);
    return end_all(network, status == MF_STATUS_OK ? prepared : prepared - 1, status);
}

/* ---- for model files ---- */

void mfi_network_restore_id(mf_network *network, size_t position, uint64_t id)
{
    network->entries[position].id = id;
}

void mfi_network_restore_next_id(mf_network *network, uint64_t next_id)
{
    network->next_id = next_id;
}
