/* SPDX-License-Identifier: MIT */
#include "curve.h"

#include "complain.h"

#include <stdlib.h>

bool curve_add(struct curve *curve, const struct pass *pass)
{
    if (curve->count == curve->capacity) {
        size_t capacity = curve->capacity ? 2 * curve->capacity : 16;
        struct pass *more = realloc(curve->passes, capacity * sizeof *more);
        if (!more)
            return complain("no memory for %zu passes", capacity);
        curve->passes = more;
        curve->capacity = capacity;
    }
    curve->passes[curve->count++] = *pass;
    return true;
}

void curve_free(struct curve *curve)
{
    free(curve->passes);
    *curve = (struct curve){0};
}
