/* SPDX-License-Identifier: MIT */
#include "crops.h"

static int draw_offset(struct random_stream *stream, uint32_t border)
{
    return (int)random_below(stream, 2 * border + 1) - (int)border;
}

struct crop crop_draw(struct random_stream *stream, uint32_t border)
{
    struct crop crop;
    crop.down = draw_offset(stream, border);
    crop.right = draw_offset(stream, border);
    crop.mirrored = random_below(stream, 2) == 1;
    return crop;
}

static void crop_row(const struct crop *crop, const uint8_t *pixels, int width, const float *inputs,
                     float *row)
{
    for (int x = 0; x < width; x++) {
        int column = (crop->mirrored ? width - 1 - x : x) + crop->right;
        row[x] = column >= 0 && column < width ? inputs[pixels[column]] : 0;
    }
}

void crop_plane(const struct crop *crop, const uint8_t *pixels, size_t height, size_t width,
                const float *inputs, float *plane)
{
    for (size_t y = 0; y < height; y++, plane += width) {
        ptrdiff_t line = (ptrdiff_t)y + crop->down;
        if (line >= 0 && line < (ptrdiff_t)height)
            crop_row(crop, pixels + (size_t)line * width, (int)width, inputs, plane);
        else
            for (size_t x = 0; x < width; x++)
                plane[x] = 0;
    }
}
