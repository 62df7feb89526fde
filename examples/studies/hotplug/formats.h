/* formats: brings images of other sizes into the 8 x 8 pixels of 0 to 16 that optdigits has.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_FORMATS_H
#define HOTPLUG_FORMATS_H

#include "images.h"

#include <stdbool.h>

/* Takes the middle 8 cell x 8 cell pixels, with black around images that are smaller, and averages blocks of
 * cell x cell: 255 becomes 16, rounded to whole numbers. On failure prints one line and returns false. */
bool format_average(const struct image_set *from, size_t cell, struct image_set *to);

/* Makes every image black and white, stretches the smallest box around its ink to 32 x 32 and counts the
 * white pixels of blocks of 4 x 4: the way the images of optdigits were made. On failure as above. */
bool format_stretch(const struct image_set *from, struct image_set *to);

#endif
