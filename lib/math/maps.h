/* Owns: the sizes of a convolution and its pooling, and copying its input into patches (im2col).
 *
 * A convolution is the product of W [filters, patch size] and the patches [patch size, pixels], with patch
 * size = channels x kernel. Each column of the patches holds the part of the input that the kernel covers for
 * one pixel of the output map. */
#ifndef MFI_MATH_MAPS_H
#define MFI_MATH_MAPS_H

#include <stddef.h>
#include <stdint.h>

/* The pooling of a map. Pairs are vertical, horizontal. Windows begin `padding` before the map; each has
 * values of the map. */
typedef struct mfi_pool {
    int32_t kind; /* MF_POOL_... */
    size_t map[2], pooled[2], size[2], stride[2], padding[2];
} mfi_pool;

typedef struct mfi_geometry {
    size_t channels, height, width, filters;
    size_t kernel[2], stride[2], padding[2];
    size_t map[2]; /* size of an output map before pooling */
    mfi_pool pool;

    size_t patch_size; /* channels x kernel */
    size_t pixels;     /* values of a map before pooling */
    size_t pooled;     /* values of a map after pooling */
} mfi_geometry;

/* im2col, for the output rows [top, top + rows) of `images` images, with `stride` values from the input of
 * one image to the next:
 *
 *     patches[(c, i, j)][(image, y, x)] = input[image][c][y stride + i - padding][x stride + j - padding]
 *
 * with zeros outside the map. The pixels of an image follow those of the image before. */
void mfi_im2col(const mfi_geometry *geometry, size_t images, const float *x, size_t stride, size_t top,
                size_t rows, float *patches);

/* The transpose of im2col: adds each value of the patches to the input value that im2col would read. */
void mfi_col2im(const mfi_geometry *geometry, size_t images, const float *patches, size_t top, size_t rows,
                float *x, size_t stride);

/* Sets the pixels of `maps` maps to 0 that no pooling window covers: at the lower and right edge, or between
 * windows. Their values do not contribute to a loss, so they must not contribute to a gradient, even if they
 * are not finite. */
void mfi_clear_uncovered(const mfi_pool *pool, size_t maps, float *u);

/* Adaptive average pooling of `count` maps of [height, width] to cells x cells, and its gradient: cell i of n
 * from `size` values is the mean of those from floor(i size / n) to below ceil((i + 1) size / n). */
void mfi_adaptive_pool(const size_t map[2], size_t cells, size_t count, const float *a, float *pooled);
void mfi_adaptive_unpool(const size_t map[2], size_t cells, size_t count, const float *dpooled, float *da);

/* The range of values that cell `index` is the mean of. */
void mfi_adaptive_cell(size_t size, size_t cells, size_t index, size_t *first, size_t *end);

#endif
