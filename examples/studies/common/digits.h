/* digits: draws digits with a shaky pen, for when there is no data set at hand.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_DIGITS_H
#define STUDIES_DIGITS_H

#include "images.h"

#include <stdbool.h>

/* Draws `count` images of 28 x 28 pixels in the manner of MNIST: light strokes on black, digits 0 to 9 in
 * random order. Equal seeds draw equal images. On failure prints one line and returns false. */
bool digits_draw(struct image_set *set, size_t count, uint64_t seed);

#endif
