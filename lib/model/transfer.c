/* Owns: what goes from one network to another. */
#include "model/transfer.h"

#include <string.h>

#include "base/status.h"
#include "model/change.h"
#include "model/checks.h"

/* ---- values, piece by piece: nothing else here looks into parameters ---- */

enum { COPIED_PIECE = 256 };

static size_t piece_of(const mfi_parameter_spec *spec, size_t first)
{
    return spec->count - first < COPIED_PIECE ? spec->count - first : COPIED_PIECE;
}

/* Copies a parameter, or a slot of its state, between layers with the same ones. */
static void copy_values(mf_layer *to, const mf_layer *from, size_t number, int32_t slot)
{
    const mfi_parameter_spec *spec = &from->plan.parameters[number];
    float values[COPIED_PIECE];
    for (size_t first = 0; to != from && first < spec->count; first += COPIED_PIECE) {
        size_t count = piece_of(spec, first);
        mfi_layer_get_values(from, number, slot, first, count, values);
        mfi_layer_set_values(to, number, slot, first, count, values);
    }
}

/* In double: nothing overflows, and equal values stay as they are. */
static void blend_values(mf_layer *to, const mf_layer *from, size_t number, double share)
{
    const mfi_parameter_spec *spec = &from->plan.parameters[number];
    float mixed[COPIED_PIECE], values[COPIED_PIECE];
    for (size_t first = 0; first < spec->count; first += COPIED_PIECE) {
        size_t count = piece_of(spec, first);
        mfi_layer_get_values(to, number, -1, first, count, mixed);
        mfi_layer_get_values(from, number, -1, first, count, values);
        for (size_t i = 0; i < count; i++)
            mixed[i] = (float)((double)mixed[i] + share * ((double)values[i] - (double)mixed[i]));
        mfi_layer_set_values(to, number, -1, first, count, mixed);
    }
}

static size_t slots_of(const mf_layer *layer, size_t number)
{
    if (!layer->optimizer || !mfi_role_learns(layer->plan.parameters[number].role))
        return 0;
    return mfi_optimizer_slots(layer->optimizer->spec.kind, layer->optimizer->has_momentum);
}

/* The values of a parameter and, if they are to be copied, of its state. */
static mf_status check_values(const mf_layer *layer, size_t number, bool state, size_t position)
{
    const mfi_parameter_spec *spec = &layer->plan.parameters[number];
    int32_t slots = state ? (int32_t)slots_of(layer, number) : 0;
    float values[COPIED_PIECE];
    for (int32_t slot = -1; slot < slots; slot++)
        for (size_t first = 0; first < spec->count; first += COPIED_PIECE) {
            size_t count = piece_of(spec, first);
            mfi_layer_get_values(layer, number, slot, first, count, values);
            size_t wrong = mfi_first_not_finite(layer->kernels, count, values);
            if (wrong < count)
                return mfi_fail(MF_STATUS_NUMERIC,
                                "layer %zu: value %zu of %s\"%s\" is %g, it must be finite", position,
                                first + wrong, slot < 0 ? "" : "the optimizer's state for ", spec->name,
                                (double)values[wrong]);
        }
    return MF_STATUS_OK;
}

/* ---- parameters ---- */

static bool same_shape(const mfi_parameter_spec *one, const mfi_parameter_spec *other)
{
    return strcmp(one->name, other->name) == 0 && one->rank == other->rank &&
           memcmp(one->dims, other->dims, (size_t)one->rank * sizeof *one->dims) == 0;
}

static mf_status check_parameters(const mf_layer *to, const mf_layer *from, bool blends, size_t position)
{
    if (to->plan.parameter_count != from->plan.parameter_count)
        return mfi_fail(MF_STATUS_SHAPE, "layer %zu has %zu parameters in one network, %zu in the other",
                        position, to->plan.parameter_count, from->plan.parameter_count);
    if (!mfi_matrix_equals(to->plan.head.shared, from->plan.head.shared))
        return mfi_fail(MF_STATUS_SHAPE,
                        "layer %zu: the heads read another shared matrix in one network than in "
                        "the other",
                        position);
    for (size_t p = 0; p < to->plan.parameter_count; p++) {
        const mfi_parameter_spec *one = &to->plan.parameters[p], *other = &from->plan.parameters[p];
        if (!same_shape(one, other))
            return mfi_fail(
                MF_STATUS_SHAPE,
                "layer %zu: \"%s\" with %zu values in one network is \"%s\" with %zu in the other, or "
                "of another shape",
                position, one->name, one->count, other->name, other->count);
        MFI_TRY(check_values(from, p, false, position));
        if (blends)
            MFI_TRY(check_values(to, p, false, position));
    }
    return MF_STATUS_OK;
}

/* `user` has claimed the layers that change: one that is read elsewhere would be read when it has changed. */
static mf_status check_places(const mf_network *to, const mf_network *from, const void *user)
{
    for (size_t i = 0; i < from->count; i++)
        if (from->entries[i].layer != to->entries[i].layer &&
            mfi_layer_claimed_by(from->entries[i].layer, user))
            return mfi_fail(
                MF_STATUS_ARGUMENT,
                "layer %zu of the network that is read is at another place in the one that changes", i);
    return MF_STATUS_OK;
}

static mf_status check_networks(const mf_network *to, const mf_network *from, bool blends, const void *user)
{
    if (to->count != from->count)
        return mfi_fail(MF_STATUS_SHAPE, "one network has %zu layers, the other %zu", to->count, from->count);
    if (to->scaled != from->scaled)
        return mfi_fail(MF_STATUS_SHAPE,
                        "%zu numbers scale the inputs of one network, %zu those of the other", to->scaled,
                        from->scaled);
    MFI_TRY(check_places(to, from, user));
    for (size_t i = 0; i < to->count; i++)
        MFI_TRY(check_parameters(to->entries[i].layer, from->entries[i].layer, blends, i));
    return MF_STATUS_OK;
}

static void transfer(mf_network *to, const mf_network *from, double share)
{
    if (share == 1.0 && from->scaled > 0)
        memmove(to->shift_scale, from->shift_scale, 2 * from->scaled * sizeof *to->shift_scale);
    for (size_t i = 0; i < to->count; i++)
        for (size_t p = 0; p < to->entries[i].layer->plan.parameter_count; p++)
            if (share == 1.0)
                copy_values(to->entries[i].layer, from->entries[i].layer, p, -1);
            else
                blend_values(to->entries[i].layer, from->entries[i].layer, p, share);
}

mf_status mfi_transfer_parameters(mf_network *to, const mf_network *from, double share)
{
    mf_status status = MF_STATUS_OK;
    MFI_TRY(mfi_network_claim(to, &status)); /* the call's own */
    status = check_networks(to, from, share != 1.0, &status);
    if (status == MF_STATUS_OK)
        transfer(to, from, share);
    mfi_network_disclaim(to, &status);
    return status;
}

/* ---- clones ---- */

/* What the clone has for an optimizer that a layer before `position` shares; NULL if none does. Mostly it is that
 * of the layer just before, or one that nobody shares, such as those of a network that was loaded. */
static mf_optimizer *find_copy(const mf_network *network, size_t position, const mf_network *clone)
{
    const mf_optimizer *original = network->entries[position].layer->optimizer;
    if (!mfi_handle_is_shared(&original->handle))
        return NULL;
    while (position-- > 0)
        if (network->entries[position].layer->optimizer == original)
            return clone->entries[position].layer->optimizer;
    return NULL;
}

/* The optimizer of the layer in the clone that goes with those that share it, or a new one. */
static mf_status attach_copy(const mf_network *network, size_t position, mf_network *clone, mf_layer *layer)
{
    const mf_optimizer *original = network->entries[position].layer->optimizer;
    mf_optimizer *copy = find_copy(network, position, clone), *made = NULL;
    if (!copy) {
        mf_optimizer_spec spec = original->spec;
        spec.allocator = &clone->handle.allocator;
        MFI_TRY(mfi_optimizer_create(&spec, &made));
        mfi_optimizer_restore(made, original->has_momentum);
        made->checked = original->checked;
        copy = made;
    }
    mf_status status = mfi_change_optimizer(layer, copy);
    if (status == MF_STATUS_OK)
        mfi_change_commit(layer);
    mfi_optimizer_release(made); /* the layer holds a reference of its own */
    return status;
}

static mf_status copy_training(const mf_network *network, size_t position, mf_network *clone, mf_layer *layer)
{
    const mf_layer *original = network->entries[position].layer;
    if (original->optimizer)
        MFI_TRY(attach_copy(network, position, clone, layer));
    for (size_t p = 0; p < original->plan.parameter_count; p++) {
        for (size_t slot = 0; slot < slots_of(original, p); slot++)
            copy_values(layer, original, p, (int32_t)slot);
        mfi_layer_restore_steps(layer, p, mfi_layer_steps(original, p));
    }
    mfi_layer_restore(layer, mfi_layer_progress(original));
    return MF_STATUS_OK;
}

static mf_status clone_layer(const mf_network *network, size_t position, bool training, mf_network *clone)
{
    const mf_layer *original = network->entries[position].layer;
    mf_layer *layer = NULL;
    for (size_t p = 0; p < original->plan.parameter_count; p++)
        MFI_TRY(check_values(original, p, training, position));
    MFI_TRY(mfi_layer_create(&original->plan, &clone->handle.allocator, false, &layer));
    for (size_t p = 0; p < original->plan.parameter_count; p++) {
        copy_values(layer, original, p, -1);
        mfi_layer_set_trainable(layer, p, mfi_layer_trains(original, p));
    }
    mf_status status = mfi_network_insert(clone, position, layer, NULL);
    if (status == MF_STATUS_OK && training)
        status = copy_training(network, position, clone, layer);
    mfi_layer_release(layer); /* the network holds a reference of its own */
    return status;
}

static mf_status fill_clone(const mf_network *network, bool training, mf_network *clone)
{
    for (size_t i = 0; i < network->metadata.count; i++)
        MFI_TRY(mfi_metadata_set(&clone->metadata, &clone->handle.allocator,
                                 network->metadata.entries[i].name, network->metadata.entries[i].value));
    const mfi_scaling scaling = mfi_network_scaling(network);
    MFI_TRY(mfi_network_set_scaling(clone, scaling.shift, scaling.scale, scaling.count));
    for (size_t i = 0; i < network->count; i++)
        MFI_TRY(clone_layer(network, i, training, clone));
    for (size_t i = 0; i < network->count; i++)
        mfi_network_restore_id(clone, i, network->entries[i].id);
    mfi_network_restore_next_id(clone, network->next_id);
    return MF_STATUS_OK;
}

mf_status mfi_transfer_clone(const mf_network *network, bool training, const mf_allocator *allocator,
                             mf_network **clone)
{
    const mf_network_spec spec = {.struct_size = sizeof spec, .allocator = allocator};
    mf_network *created = NULL;
    MFI_TRY(mfi_network_create(&spec, &created));
    mf_status status = fill_clone(network, training, created);
    if (status == MF_STATUS_OK)
        *clone = created;
    else
        mfi_network_release(created);
    return status;
}
