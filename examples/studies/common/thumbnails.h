/* thumbnails: grey images as text, several in a row, each with a line below it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_THUMBNAILS_H
#define STUDIES_THUMBNAILS_H

#include "images.h"

#include <stdio.h>

enum { THUMBNAILS_IN_A_ROW = 4, CAPTION = 20 };

/* Prints the images from `first` on, `count` of them, at most THUMBNAILS_IN_A_ROW. */
void thumbnails_print(FILE *stream, const struct image_set *images, size_t first, size_t count,
                      const char captions[][CAPTION]);

#endif
