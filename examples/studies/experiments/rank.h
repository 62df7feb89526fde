/* rank: projections of a limited rank.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_RANK_H
#define EXPERIMENTS_RANK_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>

/* Replaces the projection of a layer by the nearest matrix of that rank: after every step, projected gradient
 * descent. On failure prints one line and returns false. */
bool rank_limit(mf_layer *layer, size_t rank);

/* The nearest matrix of rank `rank` to m [classes, columns], in its place; false without memory. */
bool rank_nearest(float *m, size_t classes, size_t columns, size_t rank);

#endif
