/* Owns: the products of a convolution, computed from a block of images without a matrix of patches in memory.
 *
 * With X [pixels, patch size], the part of the input that the kernel covers for each pixel of the output
 * maps,
 *
 *     u^T = X W^T        dW^T = X^T du^T        dx^T = X' W'^T
 *
 * where X' are the patches of du, and W' is W turned round. X is never made. Its values are read from a copy
 * of the maps with zeros around them, where the value for a pixel and a place in the kernel lies at the sum
 * of two offsets (gather_product() in kernels.h). The other operand lies in panels (order.h): W as its layer
 * keeps it, of du and of W turned round one panel at a time. That works for kernels, strides and paddings of
 * any size alike. */
#ifndef MFI_MATH_CONVOLVE_H
#define MFI_MATH_CONVOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "math/kernels.h"
#include "math/maps.h"

/* A block of images in one call: x and dx with the stride `stride` from image to image; u and du [filters,
 * images x pixels]; W and dW [filters, patch size] in panels of the kernels. `products` are those of the
 * precision. `room` has mfi_convolve_room() floats. A block of several images has few enough pixels that the
 * rows of all of them are at hand at once (mfi_conv2d_images()).
 *
 * In bf16 the pairs of a sum are the values of two neighbouring maps; of dW those of two neighbouring pixels
 * in a row of a map, the last of which may stand alone. */
typedef struct mfi_convolve {
    const mfi_kernels *kernels;
    mfi_precision precision;
    const mfi_panel_products *products;
    const mfi_geometry *geometry;
    size_t images;
    size_t stride;
    float *room;
} mfi_convolve;

/* Floats that the functions below need in turn for that many images; false if they do not fit. */
bool mfi_convolve_room(const mfi_geometry *geometry, const mfi_order *order, mfi_precision precision,
                       size_t images, bool input_gradient, size_t *floats);

/* Values of a sum that one call of gather_product() should take, so that its part of a panel stays in the
 * first-level cache. */
size_t mfi_convolve_depth(const mfi_order *order);

/* u = W X^T; in bf16 W is a copy of round_panel(), whose columns are as far apart as the values of a kernel.
 */
void mfi_convolve_forward(const mfi_convolve *c, const float *x, const void *w, float *u);

/* dW += du X */
void mfi_convolve_add_weights(const mfi_convolve *c, const float *x, const float *du, float *dw);

/* dx, the gradient by x; with the W that is not rounded. */
void mfi_convolve_input(const mfi_convolve *c, const float *w, const float *du, float *dx);

#endif
