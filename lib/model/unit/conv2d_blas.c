/* Owns: the products of a convolution stage by the BLAS library, with W in plain order. They need the patches
 * of a block as a matrix (im2col):
 *
 *     u = W patches        dW += du patches^T        dpatches = W^T du
 *
 * An image too large for that is worked on in bands of output rows. */
#include <string.h>

#include "base/memory.h"
#include "math/gemm.h"
#include "model/unit/conv2d.h"

/* Pixels of an image that are worked on at a time. */
enum { PATCH_PIXELS = 4096 };

/* Output rows at a time; several images have few enough pixels for all of them. */
static size_t rows_of_band(const mfi_geometry *g)
{
    size_t rows = PATCH_PIXELS / g->map[1];
    return rows < 1 ? 1 : rows > g->map[0] ? g->map[0] : rows;
}

static bool blas_block_sizes(const mfi_stage *stage, size_t images, bool training, size_t *patches)
{
    const mfi_geometry *g = &stage->geometry;
    size_t pixels;
    (void)training;
    return mfi_multiply(images * rows_of_band(g), g->map[1], &pixels) &&
           mfi_multiply(pixels, g->patch_size, patches);
}

/* A band of the block that begins at image `first`. */
typedef struct patch_band {
    size_t first, images, top, rows, width; /* width: pixels of all its images */
} patch_band;

/* Begins with a `top` of 0; false after the last. */
static bool next_band(const mfi_conv2d_pass *p, patch_band *b)
{
    size_t band = rows_of_band(p->g);
    b->top += b->rows;
    if (b->top >= p->g->map[0])
        return false;
    b->images = mfi_conv2d_images(p, b->first);
    b->rows = p->g->map[0] - b->top < band ? p->g->map[0] - b->top : band;
    b->width = b->images * b->rows * p->g->map[1];
    return true;
}

static void make_patches(const mfi_conv2d_pass *p, const patch_band *b)
{
    mfi_im2col(p->g, b->images, p->input.x + b->first * p->input.stride, p->input.stride, b->top, b->rows,
               p->scratch->patches);
}

static void blas_convolve(const mfi_conv2d_pass *p, size_t first, float *u)
{
    size_t k = p->g->patch_size;
    for (patch_band b = {.first = first}; next_band(p, &b);) {
        make_patches(p, &b);
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, p->g->filters, b.width, k, 1.0f,
                 mfi_run_values(p->run, p->index, MFI_WEIGHT), k, p->scratch->patches, b.width, 0.0f,
                 u + b.top * p->g->map[1], b.images * p->g->pixels);
    }
}

static void blas_add_weights(const mfi_conv2d_pass *p, size_t first)
{
    size_t k = p->g->patch_size;
    for (patch_band b = {.first = first}; next_band(p, &b);) {
        make_patches(p, &b);
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, p->g->filters, k, b.width, 1.0f,
                 p->scratch->dz + b.top * p->g->map[1], b.images * p->g->pixels, p->scratch->patches, b.width,
                 1.0f, p->dw, k);
    }
}

/* The gradient of each patch is added to the values that were copied into it. */
static void blas_put_input(const mfi_conv2d_pass *p, size_t first, float *dx)
{
    size_t k = p->g->patch_size, inputs = p->stage->input_values;
    memset(dx, 0, mfi_conv2d_images(p, first) * inputs * sizeof *dx);
    for (patch_band b = {.first = first}; next_band(p, &b);) {
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, k, b.width, p->g->filters, 1.0f,
                 mfi_run_values(p->run, p->index, MFI_WEIGHT), k, p->scratch->dz + b.top * p->g->map[1],
                 b.images * p->g->pixels, 0.0f, p->scratch->patches, b.width);
        mfi_col2im(p->g, b.images, p->scratch->patches, b.top, b.rows, dx, inputs);
    }
}

const mfi_conv2d_products mfi_conv2d_blas = {
    .block_pixels = 512,
    .sizes = blas_block_sizes,
    .forward = blas_convolve,
    .add_weights = blas_add_weights,
    .input = blas_put_input,
};
