/* Owns: the products of a convolution stage by the BLAS library, or its stand-in, with W in plain order: all
 * of them where there are no products of our own, and those of convolutions in groups, one group after the
 * other. They need the patches of a block as a matrix (im2col):
 *
 *     u = W patches        dW += du patches^T        dpatches = W^T du
 *
 * An image too large for that is worked on in bands of output rows. */
#include <string.h>

#include "base/memory.h"
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

/* The group that a product is for: maps of the input, filters, and what belongs to them. Without groups all
 * are one. */
typedef struct conv_group {
    mfi_geometry g;
    size_t maps;    /* where the input's begin in a row */
    size_t filters; /* the first of them */
} conv_group;

static size_t count_groups(const mfi_conv2d_pass *p)
{
    return p->stage->groups > 0 ? p->stage->groups : 1;
}

static conv_group group_at(const mfi_conv2d_pass *p, size_t index)
{
    conv_group group = {.g = *p->g};
    group.g.channels /= count_groups(p);
    group.g.filters /= count_groups(p);
    group.maps = index * group.g.channels * group.g.height * group.g.width;
    group.filters = index * group.g.filters;
    return group;
}

static void make_patches(const mfi_conv2d_pass *p, const conv_group *group, const patch_band *b)
{
    mfi_im2col(&group->g, b->images, p->input.x + b->first * p->input.stride + group->maps, p->input.stride,
               b->top, b->rows, p->scratch->patches);
}

/* Where a group's part of u or du begins in a band. */
static size_t band_offset(const conv_group *group, const patch_band *b)
{
    return group->filters * b->images * group->g.pixels + b->top * group->g.map[1];
}

static void convolve_group(const mfi_conv2d_pass *p, size_t first, const conv_group *group, float *u)
{
    size_t k = group->g.patch_size;
    const float *w = mfi_run_values(p->run, p->index, MFI_WEIGHT) + group->filters * k;
    for (patch_band b = {.first = first}; next_band(p, &b);) {
        make_patches(p, group, &b);
        p->run->layer->plan.products.gemm(MFI_NO_TRANS, MFI_NO_TRANS, group->g.filters, b.width, k, 1.0f, w,
                                          k, p->scratch->patches, b.width, 0.0f, u + band_offset(group, &b),
                                          b.images * group->g.pixels);
    }
}

static void add_weights_of_group(const mfi_conv2d_pass *p, size_t first, const conv_group *group)
{
    size_t k = group->g.patch_size;
    for (patch_band b = {.first = first}; next_band(p, &b);) {
        make_patches(p, group, &b);
        p->run->layer->plan.products.gemm(MFI_NO_TRANS, MFI_TRANS, group->g.filters, k, b.width, 1.0f,
                                          p->scratch->dz + band_offset(group, &b), b.images * group->g.pixels,
                                          p->scratch->patches, b.width, 1.0f, p->dw + group->filters * k, k);
    }
}

/* The gradient of each patch is added to the values that were copied into it. */
static void put_input_of_group(const mfi_conv2d_pass *p, size_t first, const conv_group *group, float *dx)
{
    size_t k = group->g.patch_size;
    const float *w = mfi_run_values(p->run, p->index, MFI_WEIGHT) + group->filters * k;
    for (patch_band b = {.first = first}; next_band(p, &b);) {
        p->run->layer->plan.products.gemm(MFI_TRANS, MFI_NO_TRANS, k, b.width, group->g.filters, 1.0f, w, k,
                                          p->scratch->dz + band_offset(group, &b), b.images * group->g.pixels,
                                          0.0f, p->scratch->patches, b.width);
        mfi_col2im(&group->g, b.images, p->scratch->patches, b.top, b.rows, dx + group->maps,
                   p->stage->input_values);
    }
}

static void blas_convolve(const mfi_conv2d_pass *p, size_t first, float *u)
{
    for (size_t index = 0; index < count_groups(p); index++) {
        const conv_group group = group_at(p, index);
        convolve_group(p, first, &group, u);
    }
}

static void blas_add_weights(const mfi_conv2d_pass *p, size_t first)
{
    for (size_t index = 0; index < count_groups(p); index++) {
        const conv_group group = group_at(p, index);
        add_weights_of_group(p, first, &group);
    }
}

static void blas_put_input(const mfi_conv2d_pass *p, size_t first, float *dx)
{
    memset(dx, 0, mfi_conv2d_images(p, first) * p->stage->input_values * sizeof *dx);
    for (size_t index = 0; index < count_groups(p); index++) {
        const conv_group group = group_at(p, index);
        put_input_of_group(p, first, &group, dx);
    }
}

const mfi_conv2d_products mfi_conv2d_blas = {
    .block_pixels = 512,
    .sizes = blas_block_sizes,
    .forward = blas_convolve,
    .add_weights = blas_add_weights,
    .input = blas_put_input,
};
