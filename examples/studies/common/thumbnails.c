/* SPDX-License-Identifier: MIT */
#include "thumbnails.h"

/* A letter is about twice as high as wide. */
enum { COLUMNS = 18, LINES = 9, GAP = 2 };

static const char shades[] = " .:-=+*#%@";

/* The mean of the pixels between first and end, both in units of 1 / LINES or 1 / COLUMNS of a side. */
static double mean_of(const uint8_t *pixels, const struct image_set *images, size_t line, size_t column)
{
    size_t top = line * images->rows / LINES, bottom = (line + 1) * images->rows / LINES;
    size_t left = column * images->columns / COLUMNS, right = (column + 1) * images->columns / COLUMNS;
    double sum = 0;
    bottom += bottom == top;
    right += right == left;
    for (size_t y = top; y < bottom; y++)
        for (size_t x = left; x < right; x++)
            sum += pixels[y * images->columns + x];
    return sum / (double)((bottom - top) * (right - left));
}

static char shade_of(double mean)
{
    size_t count = sizeof shades - 1;
    size_t shade = (size_t)(mean * (double)count / 256);
    return shades[shade < count ? shade : count - 1];
}

void thumbnails_print(FILE *stream, const struct image_set *images, size_t first, size_t count,
                      const char captions[][CAPTION])
{
    for (size_t line = 0; line < LINES; line++) {
        for (size_t i = 0; i < count; i++) {
            for (size_t column = 0; column < COLUMNS; column++)
                fputc(shade_of(mean_of(image_pixels(images, first + i), images, line, column)), stream);
            fprintf(stream, "%*s", i + 1 < count ? GAP : 0, "");
        }
        fputc('\n', stream);
    }
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "%-*s", i + 1 < count ? COLUMNS + GAP : 0, captions[i]);
    fputs("\n\n", stream);
}
