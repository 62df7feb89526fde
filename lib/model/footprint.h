/* Owns: computing the memory of handles before they exist. */
#ifndef MFI_MODEL_FOOTPRINT_H
#define MFI_MODEL_FOOTPRINT_H

#include "model/workspace.h"

/* Layers whose specs are checked, under `optimizer` or NULL, with one workspace, whose calls that many
 * threads work on. */
mf_status mfi_footprint(const mfi_layer_list *layers, const mf_optimizer_spec *optimizer, int32_t purpose,
                        size_t max_batch, size_t threads, mf_memory *memory);

#endif
