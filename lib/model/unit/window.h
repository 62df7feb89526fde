/* Owns: the windows that a convolution or a pooling moves over maps: which fit, and how many there are. */
#ifndef MFI_MODEL_UNIT_WINDOW_H
#define MFI_MODEL_UNIT_WINDOW_H

#include <monoforward.h>

#include "math/maps.h"

/* Sizes and fit of a kernel on a map of [height, width]. */
mf_status mfi_check_kernel(const size_t map[2], const size_t kernel[2], const size_t stride[2],
                           const size_t padding[2]);

/* Whether maps can be pooled to cells x cells for a head; 0: they are not. */
mf_status mfi_check_cells(size_t cells, const size_t map[2]);

/* Sizes and fit of a pool; a stride of 0 means its size. */
mf_status mfi_check_pool(const size_t map[2], const size_t size[2], const size_t stride[2],
                         const size_t padding[2]);

/* What a convolution of [channels, height, width] makes; it has been checked. Without a pool yet. */
mfi_geometry mfi_convolution(const mf_shape *input, size_t filters, const size_t kernel[2],
                             const size_t stride[2], const size_t padding[2]);

/* A checked pool of a map. */
mfi_pool mfi_pooling(const size_t map[2], int32_t kind, const size_t size[2], const size_t stride[2],
                     const size_t padding[2]);

/* A map that is not pooled. */
mfi_pool mfi_no_pooling(const size_t map[2]);

/* Adds the pool behind a convolution. */
void mfi_convolution_pool(mfi_geometry *geometry, mfi_pool pool);

#endif
