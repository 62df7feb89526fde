/* Owns: changes of a layer that need memory, in two phases, so that several layers change together or
 * not at all. */
#ifndef MFI_MODEL_CHANGE_H
#define MFI_MODEL_CHANGE_H

#include "model/layer.h"

/* What the layer is to become. Until commit, it is untouched. */
typedef struct mfi_change {
    mfi_parameter parameters[MFI_PARAMETERS]; /* blocks that differ from the layer's are new */
    mf_optimizer *optimizer;
    size_t classes;
} mfi_change;

/* Another optimizer, or NULL for none: all state starts anew. */
mf_status mfi_change_optimizer(const mf_layer *layer, mf_optimizer *optimizer, mfi_change *change);

/* Another number of classes: M and its state start anew. */
mf_status mfi_change_classes(const mf_layer *layer, size_t classes, mfi_change *change);

/* Exactly one of the two follows a change that succeeded. */
void mfi_change_commit(mf_layer *layer, mfi_change *change);
void mfi_change_abandon(const mf_layer *layer, mfi_change *change);

/* Draws a layer's parameters: the first time, when the layer holds none yet. */
mf_status mfi_change_create(const mf_layer *layer, mfi_change *change);

/* Where the slabs of state of a parameter of `count` values lie in their block; false if that does not fit.
 */
bool mfi_state_layout(size_t count, size_t slabs, size_t offsets[MFI_STATE_SLABS], size_t *bytes);

#endif
