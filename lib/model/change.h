/* Owns: changes of a layer that need memory, in two phases, so that several layers change together or not at
 * all.
 *
 * A prepared change is stored in the layer, in the `next` of its parameters, until it is committed or
 * abandoned. Until then nothing else reads it. */
#ifndef MFI_MODEL_CHANGE_H
#define MFI_MODEL_CHANGE_H

#include "model/layer.h"

/* Values for a new layer, random or 0. */
mf_status mfi_change_create(mf_layer *layer, bool draw);

/* Another optimizer, or NULL for none: all state is reset. */
mf_status mfi_change_optimizer(mf_layer *layer, mf_optimizer *optimizer);

/* Another number of classes: M and counts are initialised again, and the state of M is reset. ARGUMENT if
 * there are more candidates than classes. */
mf_status mfi_change_classes(mf_layer *layer, size_t classes);

/* After a change that succeeded, exactly one of these two must be called. A change that failed has already
 * been abandoned. Committing cannot fail. */
void mfi_change_commit(mf_layer *layer);
void mfi_change_abandon(mf_layer *layer);

#endif
