/* The part of oracle_maps that pools. SPDX-License-Identifier: MIT */
#ifndef TEST_ORACLE_POOL_H
#define TEST_ORACLE_POOL_H

#include "oracle_maps.h"

/** Wider than the rounding of what the tests compute in float32. */
#define MAPS_NEAR 2e-5

/** Vertical (0) or horizontal (1). */
size_t maps_pool_stride(const mf_layer_spec *spec, int d);

/** One row: from the activation before pooling, [channels, map], to the pooled one and what M reads. With
 * `back`, from the gradient of what M reads, which is added to `a` and then to `full`, both zero before;
 * `activation` is what was pooled. */
void maps_pool_row(maps_oracle *oracle, const double *activation, double *full, double *a, double *features,
                   int back);

#endif
