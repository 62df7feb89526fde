/* Owns: changes of a layer that need memory, in two phases, so that several layers change together or not at
 * all.
 *
 * What a layer is to become is kept in it, in the `next` of its parameters, until it is committed or
 * abandoned; nothing reads it before. */
#ifndef MFI_MODEL_CHANGE_H
#define MFI_MODEL_CHANGE_H

#include "model/layer.h"

/* Values for a new layer, drawn or 0. */
mf_status mfi_change_create(mf_layer *layer, bool draw);

/* Another optimizer, or NULL for none: all state starts anew. */
mf_status mfi_change_optimizer(mf_layer *layer, mf_optimizer *optimizer);

/* Another number of classes: M and its state start anew. */
mf_status mfi_change_classes(mf_layer *layer, size_t classes);

/* Exactly one of the two follows a change that succeeded; one that failed has abandoned itself. Committing
 * cannot fail. */
void mfi_change_commit(mf_layer *layer);
void mfi_change_abandon(mf_layer *layer);

#endif
