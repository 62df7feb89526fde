/* picture: curves over the epochs of a training run, or over other points with names, as an SVG file.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_PICTURE_H
#define STUDIES_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

/* One curve; values that are NaN are passed over. The name must need no escaping in XML. */
struct picture_curve {
    char name[40];
    const double *values;
    const char *colour; /* NULL: one of a scale from light to dark, by position */
};

struct picture_panel {
    const char *title;
    const struct picture_curve *curves;
    size_t curve_count;
    const char *axis;          /* what the points are; NULL: epochs */
    const char *const *points; /* their names, from left to right; NULL: numbers from 1 */
};

/* Draws the panels side by side, each with its own scale and legend. `points` is the length of every curve,
 * 0 draws empty panels. On failure prints one line and returns false. */
bool picture_write(const char *path, const char *title, const struct picture_panel *panels,
                   size_t panel_count, size_t points);

#endif
