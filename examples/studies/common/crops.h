/* crops: an image seen through a window that may have moved, and in a mirror.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_CROPS_H
#define STUDIES_CROPS_H

#include "random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CROP_BORDER = 4 }; /* the usual one, for images of 32 x 32 */

struct crop {
    int down, right; /* where the window's corner is: at most the border away */
    bool mirrored;   /* left to right */
};

/* Anywhere within a border of so many pixels around the image. */
struct crop crop_draw(struct random_stream *stream, uint32_t border);

/* Writes what is seen of one channel [height, width]: `inputs` of every pixel, and 0 beside the image. */
void crop_plane(const struct crop *crop, const uint8_t *pixels, size_t height, size_t width,
                const float *inputs, float *plane);

#endif
