/* Owns: what other files must know of a convolution stage: what the blocks of one run share, and what the two
 * ways to compute its products have in common. */
#ifndef MFI_MODEL_UNIT_CONV2D_H
#define MFI_MODEL_UNIT_CONV2D_H

#include "model/normalization.h"
#include "model/unit.h"

/* What the blocks of one run share. */
typedef struct mfi_conv2d_pass {
    const mfi_run *run;
    const mfi_stage *stage;
    const mfi_geometry *g;
    const mfi_scratch *scratch;
    const mfi_kernels *kernels;
    size_t index, rows;
    size_t images; /* of a block, but for the last */
    mfi_input input;
    float *product;
    mfi_moments moments;
    bool batch;

    /* Of a backward pass. */
    const float *dy;
    float *dx;               /* NULL: it is not wanted */
    bool learns;             /* dW is wanted */
    float *dw, *db, *dscale; /* the sums that a thread adds to */
} mfi_conv2d_pass;

/* Images of the block that begins at image `first`. */
static inline size_t mfi_conv2d_images(const mfi_conv2d_pass *p, size_t first)
{
    return p->rows - first < p->images ? p->rows - first : p->images;
}

/* A way to compute the products of a block of images. u and du, in scratch->dz, are [filters, images x
 * pixels]; dW lies in the order of W. */
typedef struct mfi_conv2d_products {
    /* Pixels of a block: enough for a product to run well, few enough for its maps to stay in cache. */
    size_t block_pixels;

    /* Floats that they need in scratch->patches for a block; false if they do not fit. */
    bool (*sizes)(const mfi_stage *stage, size_t images, bool training, size_t *patches);

    /* u of the block that begins at image `first`. */
    void (*forward)(const mfi_conv2d_pass *p, size_t first, float *u);

    /* dW += what the block contributes. */
    void (*add_weights)(const mfi_conv2d_pass *p, size_t first);

    /* The gradient by the input; `dx` is that of the block. */
    void (*input)(const mfi_conv2d_pass *p, size_t first, float *dx);
} mfi_conv2d_products;

extern const mfi_conv2d_products mfi_conv2d_own;      /* our own, with W in panels */
extern const mfi_conv2d_products mfi_conv2d_winograd; /* the same for 3 x 3 kernels, by Winograd's method */
extern const mfi_conv2d_products mfi_conv2d_grouped;  /* in groups of few maps, with W in plain order */
extern const mfi_conv2d_products mfi_conv2d_blas; /* those of the BLAS library, with W in plain order, also
                                                     in groups */

#endif
