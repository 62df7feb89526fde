/* shapes: draws coloured shapes in the format of CIFAR-10, for when there is no data set at hand.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_SHAPES_H
#define STUDIES_SHAPES_H

#include "records.h"

/* Draws `count` images: noisy shapes of random colours, sizes and places, of ten kinds that a mirror does not
 * confuse. Equal seeds draw equal images. On failure prints one line and returns false. */
bool shapes_draw(struct records *records, size_t count, uint64_t seed);

#endif
