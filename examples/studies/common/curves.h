/* curves: the history of a run as a picture: accuracies on the left, losses on the right.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_CURVES_H
#define STUDIES_CURVES_H

#include "history.h"

#include <stdbool.h>
#include <stddef.h>

/* Draws `history`, of a network of `layers` layers, into the SVG file at `path`. `accuracy` is the title of
 * the left panel. An empty history gives empty panels. On failure prints one line and returns false. */
bool curves_draw(const char *path, const char *title, const char *accuracy, const struct history *history,
                 size_t layers);

#endif
