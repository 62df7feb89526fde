/* Owns: an ordered list of references to layers. */
#ifndef MFI_MODEL_NETWORK_H
#define MFI_MODEL_NETWORK_H

#include "math/inputs.h"
#include "model/layer.h"
#include "model/metadata.h"

/* A layer of the network, with its id, which never changes. */
typedef struct mfi_entry {
    mf_layer *layer;
    uint64_t id;
} mfi_entry;

struct mf_network {
    mfi_handle handle;
    mfi_entry *entries;
    size_t count, capacity;
    uint64_t next_id;
    uint64_t revision; /* changes whenever the list changes */
    mfi_metadata metadata;
    size_t scaled;      /* by how many numbers the inputs of the first layer are scaled; 0: as they are */
    float *shift_scale; /* [2, scaled] */
};

/* The number of entries that a network of `count` layers has room for, and the number before it grew to that;
 * 0 if none. */
size_t mfi_network_capacity(size_t count);
size_t mfi_network_capacity_before(size_t capacity);

mf_status mfi_network_create(const mf_network_spec *spec, mf_network **network);
void mfi_network_release(mf_network *network);

/* ARGUMENT if the layer is in the network, which is looked for at all its positions. */
mf_status mfi_network_check_new(const mf_network *network, const mf_layer *layer);

/* The layer is not in the network. */
mf_status mfi_network_insert(mf_network *network, size_t position, mf_layer *layer, uint64_t *id);
mf_status mfi_network_remove(mf_network *network, uint64_t id);
mf_status mfi_network_replace(mf_network *network, uint64_t id, mf_layer *layer);
mf_status mfi_network_find(const mf_network *network, uint64_t id, size_t *position);

/* SHAPE if a layer does not fit between those before and after it, either of which may be NULL. */
mf_status mfi_network_check_fit(const mfi_plan *plan, const mfi_plan *before, const mfi_plan *after);

/* SHAPE if the inputs of what is, or becomes, the first layer cannot be scaled by so many numbers. */
mf_status mfi_network_check_scaling(size_t count, const mfi_plan *first);

/* For a network that is being loaded: sets the id of a position, and the next id. */
void mfi_network_restore_id(mf_network *network, size_t position, uint64_t id);
void mfi_network_restore_next_id(mf_network *network, uint64_t next_id);

/* What the first layer's inputs go through; of a network without layers it has no parts. */
mfi_scaling mfi_network_scaling(const mf_network *network);

/* SHAPE if these do not fit the first layer, MEMORY. */
mf_status mfi_network_set_scaling(mf_network *network, const float *shift, const float *scale, size_t count);

/* Marks all layers as in mfi_layer_claim(), or, if one is being trained through another handle, none. */
mf_status mfi_network_claim(const mf_network *network, const void *user);
void mfi_network_disclaim(const mf_network *network, const void *user);

/* Change all layers, or none if one of them fails. */
mf_status mfi_network_set_optimizer(mf_network *network, mf_optimizer *optimizer);
mf_status mfi_network_set_classes(mf_network *network, size_t classes);

#endif
