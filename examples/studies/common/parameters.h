/* parameters: what the layers of a network have learned, as numbers about all of it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_PARAMETERS_H
#define STUDIES_PARAMETERS_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* M of a layer that was made from a spec, or from units. */
bool parameter_is_projection(const char *name);

struct parameter_counts {
    size_t all;
    size_t projections; /* of these, in the projections M */
};

/* On failure prints one line and returns false; so does the other. */
bool parameters_count(mf_layer *const *layers, size_t layer_count, struct parameter_counts *counts);

/* FNV-1a of all parameters of all layers, in order: equal if and, but for chance, only if the bits are. */
bool parameters_hash(mf_layer *const *layers, size_t layer_count, uint64_t *hash);

#endif
