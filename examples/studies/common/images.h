/* images: a set of grey images of one size, and the digit that each of them shows.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_IMAGES_H
#define STUDIES_IMAGES_H

#include <stddef.h>
#include <stdint.h>

enum { DIGIT_CLASSES = 10 };

struct image_set {
    size_t count;
    size_t rows;
    size_t columns;
    uint8_t *pixels; /* [count, rows, columns] */
    uint8_t *labels; /* [count] */
};

static inline const uint8_t *image_pixels(const struct image_set *set, size_t index)
{
    return set->pixels + index * set->rows * set->columns;
}

/* Also takes a set of which only a part could be allocated. */
void image_set_free(struct image_set *set);

#endif
