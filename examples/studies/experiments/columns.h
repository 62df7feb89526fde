/* columns: the way back from the columns of a convolution to its input, which the library has no need of.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_COLUMNS_H
#define EXPERIMENTS_COLUMNS_H

#include "math/kernels.h"

/* The transpose of mfi_fill_columns(): adds every value of `columns` [depth, (image, y, x)], those of the
 * output rows [top, top + rows) of `images` images, to the place of dx that it was read from; images lie
 * `stride` values apart. What lies beside the map is lost; `columns` is changed. */
void add_columns(const mfi_kernels *kernels, const mfi_geometry *geometry, size_t images, float *columns,
                 size_t top, size_t rows, float *dx, size_t stride);

#endif
