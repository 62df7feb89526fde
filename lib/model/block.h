/* Owns: ready-made blocks: the units that each kind of block consists of. */
#ifndef MFI_MODEL_BLOCK_H
#define MFI_MODEL_BLOCK_H

#include "model/builder.h"

mf_block_spec mfi_block_defaults(void);

/* Adds the units of a block; `node` may be NULL. The builder remembers a failure, and has no unit of a block
 * that failed. */
mf_status mfi_builder_block(mf_builder *builder, const mf_block_spec *spec, int32_t *node);

#endif
