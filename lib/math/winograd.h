/* Owns: the products of a convolution with a 3 x 3 kernel and a stride of 1, by Winograd's method F(4 x 4, 3
 * x 3).
 *
 * The output maps are cut into tiles of 4 x 4, each of which depends on 6 x 6 input values d. With the
 * matrices A, B and G (winograd_body.h), and a sum over channels,
 *
 *     tile of u = A^T [ sum (G w G^T) * (B^T d B) ] A          (* value by value)
 *
 * takes 36 multiplications for 16 outputs instead of 144, and those of all tiles, channels and filters are 36
 * matrix products. The gradient by W comes from the transposed of the same transforms, and that by the input
 * is a convolution with W turned round. The price is precision: docs/algorithm.md has the error.
 *
 * Arguments are those of convolve.h. */
#ifndef MFI_MATH_WINOGRAD_H
#define MFI_MATH_WINOGRAD_H

#include "math/convolve.h"

/* Whether the method fits, and is faster. */
bool mfi_winograd_pays(const mfi_geometry *geometry);

bool mfi_winograd_room(const mfi_geometry *geometry, const mfi_order *order, size_t images, bool training,
                       size_t *floats);
void mfi_winograd_forward(const mfi_convolve *c, const float *x, const float *w, float *u);
void mfi_winograd_add_weights(const mfi_convolve *c, const float *x, const float *du, float *dw);
void mfi_winograd_input(const mfi_convolve *c, const float *w, const float *du, float *dx);

#endif
