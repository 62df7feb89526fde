/* SPDX-License-Identifier: MIT */
#include "formats.h"

#include "complain.h"
#include "optdigits.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = OPTDIGITS_SIDE, INK = OPTDIGITS_INK, WHITE = 255, THRESHOLD = 128, BLOCK = 4 };

static bool open_set(const struct image_set *from, struct image_set *to)
{
    *to = (struct image_set){.count = from->count, .rows = SIDE, .columns = SIDE};
    to->pixels = malloc(from->count * SIDE * SIDE);
    to->labels = malloc(from->count);
    if (to->pixels == NULL || to->labels == NULL) {
        image_set_free(to);
        return complain("no memory for %zu small images", from->count);
    }
    memcpy(to->labels, from->labels, from->count);
    return true;
}

/* The sum of a block whose corner is at (row, column), which may be outside of the image: black there. */
static unsigned block_sum(const struct image_set *set, const uint8_t *pixels, long row, long column,
                          long cell)
{
    unsigned sum = 0;
    for (long y = row; y < row + cell; y++)
        for (long x = column; x < column + cell; x++)
            if (y >= 0 && x >= 0 && y < (long)set->rows && x < (long)set->columns)
                sum += pixels[(size_t)y * set->columns + (size_t)x];
    return sum;
}

bool format_average(const struct image_set *from, size_t cell, struct image_set *to)
{
    long size = (long)cell, full = WHITE * size * size;
    long top = ((long)from->rows - SIDE * size) / 2, left = ((long)from->columns - SIDE * size) / 2;
    if (!open_set(from, to))
        return false;
    for (size_t i = 0; i < from->count; i++) {
        uint8_t *pixel = to->pixels + i * SIDE * SIDE;
        for (long y = 0; y < SIDE; y++)
            for (long x = 0; x < SIDE; x++) {
                long sum =
                    (long)block_sum(from, image_pixels(from, i), top + y * size, left + x * size, size);
                *pixel++ = (uint8_t)((2 * INK * sum + full) / (2 * full));
            }
    }
    return true;
}

struct box {
    size_t top, left, height, width;
};

static struct box ink_box(const struct image_set *set, const uint8_t *pixels)
{
    size_t top = set->rows, bottom = 0, left = set->columns, right = 0;
    for (size_t y = 0; y < set->rows; y++)
        for (size_t x = 0; x < set->columns; x++)
            if (pixels[y * set->columns + x] >= THRESHOLD) {
                top = y < top ? y : top;
                bottom = y > bottom ? y : bottom;
                left = x < left ? x : left;
                right = x > right ? x : right;
            }
    if (top > bottom)
        return (struct box){0, 0, set->rows, set->columns};
    return (struct box){top, left, bottom - top + 1, right - left + 1};
}

bool format_stretch(const struct image_set *from, struct image_set *to)
{
    size_t large = SIDE * BLOCK;
    if (!open_set(from, to))
        return false;
    memset(to->pixels, 0, to->count * SIDE * SIDE);
    for (size_t i = 0; i < from->count; i++) {
        const uint8_t *pixels = image_pixels(from, i);
        uint8_t *small = to->pixels + i * SIDE * SIDE;
        struct box box = ink_box(from, pixels);
        for (size_t y = 0; y < large; y++)
            for (size_t x = 0; x < large; x++) {
                size_t row = box.top + y * box.height / large, column = box.left + x * box.width / large;
                small[y / BLOCK * SIDE + x / BLOCK] += pixels[row * from->columns + column] >= THRESHOLD;
            }
    }
    return true;
}
