/* Owns: copying the input of a convolution into patches (im2col) and back (col2im), and adaptive pooling. */
#include "math/maps.h"

#include <stdbool.h>
#include <string.h>

#include <monoforward.h>

/* ---- im2col ---- */

/* Outputs `first` to `end` - 1 along one direction: those whose input, at this offset in the kernel, lies
 * inside the map. */
typedef struct span {
    size_t first, end;
} span;

static span inside(size_t size, size_t outputs, size_t stride, size_t padding, size_t offset)
{
    span on = {0, 0};
    if (padding > offset)
        on.first = (padding - offset + stride - 1) / stride;
    if (size + padding > offset)
        on.end = (size + padding - offset - 1) / stride + 1;
    on.end = on.end < outputs ? on.end : outputs;
    on.first = on.first < on.end ? on.first : on.end;
    return on;
}

/* Fills one output row from the input row `row`. */
static void fill_row(const mfi_geometry *g, span across, size_t offset, const float *row, float *to)
{
    if (across.first == across.end) {
        memset(to, 0, g->map[1] * sizeof *to);
        return;
    }
    memset(to, 0, across.first * sizeof *to);
    size_t step = g->stride[1], at = across.first * step + offset - g->padding[1];
    if (step == 1)
        memcpy(to + across.first, row + at, (across.end - across.first) * sizeof *to);
    else
        for (size_t x = across.first; x < across.end; x++, at += step)
            to[x] = row[at];
    memset(to + across.end, 0, (g->map[1] - across.end) * sizeof *to);
}

/* Fills the output rows of one image for one position in the kernel. */
static void fill_rows(const mfi_geometry *g, const float *map, size_t i, size_t j, size_t top, size_t rows,
                      float *to)
{
    span down = inside(g->height, g->map[0], g->stride[0], g->padding[0], i);
    span across = inside(g->width, g->map[1], g->stride[1], g->padding[1], j);
    for (size_t y = top; y < top + rows; y++, to += g->map[1])
        if (y < down.first || y >= down.end)
            memset(to, 0, g->map[1] * sizeof *to);
        else
            fill_row(g, across, j, map + (y * g->stride[0] + i - g->padding[0]) * g->width, to);
}

/* If output and input maps have the same size and the stride is 1, all output rows are one range of the
 * input, shifted by the position in the kernel. Values that come from a neighbouring row are set to 0
 * afterwards. */
static void shift_rows(const mfi_geometry *g, const float *map, size_t i, size_t j, float *to)
{
    ptrdiff_t width = (ptrdiff_t)g->width, count = (ptrdiff_t)(g->height * g->width);
    ptrdiff_t across = (ptrdiff_t)j - (ptrdiff_t)g->padding[1];
    ptrdiff_t shift = ((ptrdiff_t)i - (ptrdiff_t)g->padding[0]) * width + across;
    ptrdiff_t first = shift < 0 ? -shift : 0, end = shift > 0 ? count - shift : count;
    if (first >= end) {
        memset(to, 0, (size_t)count * sizeof *to);
        return;
    }
    memset(to, 0, (size_t)first * sizeof *to);
    memcpy(to + first, map + first + shift, (size_t)(end - first) * sizeof *to);
    memset(to + end, 0, (size_t)(count - end) * sizeof *to);
    for (ptrdiff_t x = 0; x < -across && x < width; x++)
        for (ptrdiff_t at = x; at < count; at += width)
            to[at] = 0.0f;
    for (ptrdiff_t x = across < width ? width - across : 0; x < width; x++)
        for (ptrdiff_t at = x; at < count; at += width)
            to[at] = 0.0f;
}

void mfi_im2col(const mfi_geometry *g, size_t images, const float *x, size_t stride, size_t top, size_t rows,
                float *patches)
{
    size_t part = rows * g->map[1];
    bool shifts = g->stride[0] == 1 && g->stride[1] == 1 && g->map[0] == g->height && g->map[1] == g->width &&
                  rows == g->map[0];
    for (size_t c = 0; c < g->channels; c++)
        for (size_t i = 0; i < g->kernel[0]; i++)
            for (size_t j = 0; j < g->kernel[1]; j++)
                for (size_t image = 0; image < images; image++, patches += part) {
                    const float *map = x + image * stride + c * g->height * g->width;
                    if (shifts)
                        shift_rows(g, map, i, j, patches);
                    else
                        fill_rows(g, map, i, j, top, rows, patches);
                }
}

/* ---- col2im ---- */

/* Adds one output row to the input row that it reads. */
static void add_row_of_places(const mfi_geometry *g, span across, size_t offset, const float *restrict from,
                              float *restrict row)
{
    size_t step = g->stride[1], at = across.first * step + offset - g->padding[1];
    for (size_t x = across.first; x < across.end; x++, at += step)
        row[at] += from[x];
}

static void add_rows(const mfi_geometry *g, const float *from, size_t i, size_t j, size_t top, size_t rows,
                     float *map)
{
    span down = inside(g->height, g->map[0], g->stride[0], g->padding[0], i);
    span across = inside(g->width, g->map[1], g->stride[1], g->padding[1], j);
    for (size_t y = top; y < top + rows; y++, from += g->map[1])
        if (y >= down.first && y < down.end && across.first < across.end)
            add_row_of_places(g, across, j, from, map + (y * g->stride[0] + i - g->padding[0]) * g->width);
}

void mfi_col2im(const mfi_geometry *g, size_t images, const float *patches, size_t top, size_t rows, float *x,
                size_t stride)
{
    size_t part = rows * g->map[1];
    for (size_t c = 0; c < g->channels; c++)
        for (size_t i = 0; i < g->kernel[0]; i++)
            for (size_t j = 0; j < g->kernel[1]; j++)
                for (size_t image = 0; image < images; image++, patches += part)
                    add_rows(g, patches, i, j, top, rows, x + image * stride + c * g->height * g->width);
}

/* ---- pooling ---- */

void mfi_clear_uncovered(const mfi_pool *pool, size_t maps, float *u)
{
    size_t end[2];
    bool covered = true;
    for (int d = 0; d < 2 && pool->kind != MF_POOL_NONE; d++) {
        end[d] = (pool->pooled[d] - 1) * pool->stride[d] + pool->size[d];
        covered = covered && end[d] >= pool->map[d] + pool->padding[d] && pool->stride[d] <= pool->size[d];
    }
    for (; !covered && maps > 0; maps--)
        for (size_t y = pool->padding[0]; y < pool->map[0] + pool->padding[0]; y++)
            for (size_t x = pool->padding[1]; x < pool->map[1] + pool->padding[1]; x++, u++)
                if (y >= end[0] || x >= end[1] || y % pool->stride[0] >= pool->size[0] ||
                    x % pool->stride[1] >= pool->size[1])
                    *u = 0.0f;
}

/* ---- adaptive pooling ---- */

static span cell(size_t size, size_t cells, size_t index)
{
    return (span){index * size / cells, ((index + 1) * size + cells - 1) / cells};
}

void mfi_adaptive_cell(size_t size, size_t cells, size_t index, size_t *first, size_t *end)
{
    span one = cell(size, cells, index);
    *first = one.first;
    *end = one.end;
}

/* In parts, which compilers may compute at once. */
static float sum_of_piece(size_t count, const float *a)
{
    enum { PARTS = 8 };
    float parts[PARTS] = {0}, sum = 0.0f;
    for (; count >= PARTS; count -= PARTS, a += PARTS)
        for (int i = 0; i < PARTS; i++)
            parts[i] += a[i];
    for (size_t i = 0; i < count; i++)
        sum += a[i];
    for (int i = 0; i < PARTS; i++)
        sum += parts[i];
    return sum;
}

static double sum_of_values(size_t count, const float *a)
{
    enum { PIECE = 512 };
    double sum = 0.0;
    for (size_t i = 0; i < count; i += PIECE)
        sum += (double)sum_of_piece(count - i < PIECE ? count - i : PIECE, a + i);
    return sum;
}

void mfi_adaptive_pool(const size_t map[2], size_t cells, size_t count, const float *a, float *pooled)
{
    size_t height = map[0], width = map[1];
    for (; count > 0; count--, a += height * width)
        for (size_t i = 0; i < cells; i++)
            for (size_t j = 0; j < cells; j++) {
                span down = cell(height, cells, i), across = cell(width, cells, j);
                double sum = 0.0;
                if (cells == 1)
                    sum = sum_of_values(height * width, a);
                for (size_t y = down.first; cells > 1 && y < down.end; y++)
                    sum += sum_of_values(across.end - across.first, a + y * width + across.first);
                *pooled++ = (float)(sum / (double)((down.end - down.first) * (across.end - across.first)));
            }
}

void mfi_adaptive_unpool(const size_t map[2], size_t cells, size_t count, const float *dpooled, float *da)
{
    size_t height = map[0], width = map[1];
    for (; count > 0; count--, da += height * width) {
        memset(da, 0, height * width * sizeof *da);
        for (size_t i = 0; i < cells; i++)
            for (size_t j = 0; j < cells; j++) {
                span down = cell(height, cells, i), across = cell(width, cells, j);
                float part = *dpooled++ / (float)((down.end - down.first) * (across.end - across.first));
                for (size_t y = down.first; y < down.end; y++)
                    for (size_t x = across.first; x < across.end; x++)
                        da[y * width + x] += part;
            }
    }
}
