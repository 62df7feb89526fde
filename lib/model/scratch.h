/* Owns: the list of the scratch areas of a call, and how they lie in a block. */
#ifndef MFI_MODEL_SCRATCH_H
#define MFI_MODEL_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* clang-format off */
/* B is the largest batch, "channels" the neurons of a dense layer and the filters of a convolution. An area that no
 * layer needs is NULL.
 *
 *     goodness       [B, m] G, then dG
 *     product        u: [B, n] in a dense layer with normalisation; blocks of maps in a convolution
 *     preactivation  [B, n] z, for dense layers whose activation's derivative needs it
 *     moments        [4, channels], see normalization.h
 *     features       [B, what M reads], where that is not the activation itself
 *     dfeatures      [B, what M reads] the gradient of the above, in a convolution
 *     dz             [B, panel]; a block of maps in a convolution
 *     dw             [panel, k], or x packed for the products with the update behind them; the gradients of all
 *                    parameters in a convolution
 *     dm             [m, panel]
 *     db, dscale     [panel]; [filters] in a convolution
 *     columns        [depth, places] of a block
 *     map            z and a of one map
 *     unpooled       the gradient of one filter's pooled maps in a block, where the head pools */
#define MFI_SCRATCH_AREAS(AREA) \
    AREA(goodness) AREA(product) AREA(preactivation) AREA(moments) AREA(features) AREA(dfeatures) \
    AREA(dz) AREA(dw) AREA(dm) AREA(db) AREA(dscale) AREA(columns) AREA(map) AREA(unpooled)
/* clang-format on */

#define MFI_SCRATCH_POINTER(name) float *name;
typedef struct mfi_scratch {
    MFI_SCRATCH_AREAS(MFI_SCRATCH_POINTER)
} mfi_scratch;
#undef MFI_SCRATCH_POINTER

/* How many floats each has, or how many bytes before each. */
#define MFI_SCRATCH_SIZE(name) size_t name;
typedef struct mfi_scratch_sizes {
    MFI_SCRATCH_AREAS(MFI_SCRATCH_SIZE)
} mfi_scratch_sizes;
#undef MFI_SCRATCH_SIZE

/* Each area as large as the larger of both: layers take turns. */
void mfi_scratch_widen(mfi_scratch_sizes *sizes, const mfi_scratch_sizes *needs);

/* Adds room for all areas to *bytes and writes where each begins; false if that does not fit. */
bool mfi_scratch_reserve(const mfi_scratch_sizes *sizes, size_t *bytes, mfi_scratch_sizes *offsets);

mfi_scratch mfi_scratch_carve(void *block, const mfi_scratch_sizes *sizes, const mfi_scratch_sizes *offsets);

#endif
