/* augment: shows the network every image a little differently each time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_AUGMENT_H
#define STUDIES_AUGMENT_H

#include "random.h"

#include <stddef.h>
#include <stdint.h>

enum augment_kind {
    AUGMENT_NONE,
    AUGMENT_JITTER, /* a shift by whole pixels, up to 2 */
    AUGMENT_AFFINE, /* rotation to 8 degrees, scale to 8%, shear to 0.1, shift to 1.5 pixels */
    AUGMENT_ELASTIC /* affine, and a coarse grid of random displacements of 0.56 pixels */
};

/* Writes a randomly changed copy of `image` [rows, columns] to `changed`, in the same units: 0 to 255. */
void augment_image(enum augment_kind kind, struct random_stream *stream, const uint8_t *image, size_t rows,
                   size_t columns, float *changed);

#endif
