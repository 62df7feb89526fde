/* Owns: convolutions in groups of few maps, straight from the maps: of one map, which are depthwise, and of
 * some more.
 *
 *     u[f][y][x] = sum over taps t of w[f][t] in[at[t] + y row + x]
 *
 * `in` are the maps of a group with zeros around them. A tap is a place in the kernel of one of these maps;
 * at tells where its values begin. So sums run along vectors of neighbouring places of the output, for
 * kernels and paddings of any size. With a horizontal stride s, columns that lie s apart are put side by side
 * first. The gradient by the input is the same sum over taps of du, for each set of input values that have
 * the same place in the windows. */
#ifndef MFI_MATH_GROUPED_H
#define MFI_MATH_GROUPED_H

#include "math/kernels.h"
#include "math/maps.h"

/* A block of images in one call: x and dx with the stride `stride` from image to image; u and du [filters,
 * images x pixels]; W and dW [filters, patch size] with the patch size of a group. `room` has
 * mfi_grouped_room() floats. All of it is float32. */
typedef struct mfi_grouped {
    const mfi_kernels *kernels;
    const mfi_geometry *geometry; /* of all groups */
    size_t groups, images, stride;
    float *room;
} mfi_grouped;

/* Whether that is faster than products of patches: not where groups have many maps. */
bool mfi_grouped_pays(const mfi_geometry *geometry, size_t groups);

/* Floats that the functions below need in turn, for any number of images and kernels with
 * that many lanes; false if they do not fit. */
bool mfi_grouped_room(const mfi_geometry *geometry, size_t groups, size_t lanes, bool training,
                      bool input_gradient, size_t *floats);

void mfi_grouped_forward(const mfi_grouped *c, const float *x, const float *w, float *u);

/* dW += what the block contributes. */
void mfi_grouped_add_weights(const mfi_grouped *c, const float *x, const float *du, float *dw);

/* dx, the gradient by x. */
void mfi_grouped_input(const mfi_grouped *c, const float *w, const float *du, float *dx);

#endif
