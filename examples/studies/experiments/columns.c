/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include <stdbool.h>

/* Where the output rows of one image and one place of the kernel come from, row by row. */
static void add_rows(const mfi_geometry *g, size_t i, size_t j, size_t top, size_t rows, const float *from,
                     float *map)
{
    for (size_t y = top; y < top + rows; y++, from += g->map[1]) {
        size_t line = y * g->stride[0] + i; /* of the padded map */
        if (line < g->padding[0] || line >= g->padding[0] + g->height)
            continue;
        float *row = map + (line - g->padding[0]) * g->width;
        for (size_t x = 0; x < g->map[1]; x++) {
            size_t at = x * g->stride[1] + j;
            if (at >= g->padding[1] && at < g->padding[1] + g->width)
                row[at - g->padding[1]] += from[x];
        }
    }
}

/* Where output and input maps have the same size and the stride is 1, all rows are one piece that has moved
 * by the place of the kernel, once what would get into neighbouring rows is cleared. */
static void add_shifted(const mfi_kernels *kernels, const mfi_geometry *g, size_t i, size_t j, float *from,
                        float *map)
{
    ptrdiff_t width = (ptrdiff_t)g->width, count = (ptrdiff_t)(g->height * g->width);
    ptrdiff_t across = (ptrdiff_t)j - (ptrdiff_t)g->padding[1];
    ptrdiff_t shift = ((ptrdiff_t)i - (ptrdiff_t)g->padding[0]) * width + across;
    ptrdiff_t first = shift < 0 ? -shift : 0, end = shift > 0 ? count - shift : count;
    if (first >= end)
        return;
    for (ptrdiff_t x = 0; x < -across && x < width; x++)
        for (ptrdiff_t at = x; at < count; at += width)
            from[at] = 0.0f;
    for (ptrdiff_t x = across < 0 ? width : across < width ? width - across : 0; x < width; x++)
        for (ptrdiff_t at = x; at < count; at += width)
            from[at] = 0.0f;
    kernels->scale_add((size_t)(end - first), 1.0f, map + first + shift, 1.0f, from + first);
}

void add_columns(const mfi_kernels *kernels, const mfi_geometry *g, size_t images, float *columns, size_t top,
                 size_t rows, float *dx, size_t stride)
{
    size_t part = rows * g->map[1];
    bool shifts = g->stride[0] == 1 && g->stride[1] == 1 && g->map[0] == g->height && g->map[1] == g->width &&
                  rows == g->map[0];
    for (size_t c = 0; c < g->channels; c++)
        for (size_t i = 0; i < g->kernel[0]; i++)
            for (size_t j = 0; j < g->kernel[1]; j++)
                for (size_t image = 0; image < images; image++, columns += part) {
                    float *map = dx + image * stride + c * g->height * g->width;
                    if (shifts)
                        add_shifted(kernels, g, i, j, columns, map);
                    else
                        add_rows(g, i, j, top, rows, columns, map);
                }
}
