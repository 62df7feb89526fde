/* One training run of a layer of several units, in the library and in the oracle side by side.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_ORACLE_CASE_UNITS_H
#define TEST_ORACLE_CASE_UNITS_H

#include "oracle_case.h"
#include "oracle_units.h"
#include "random.h"

/** Largest differences allowed, all in terms of what is compared: float32 rounds to 6e-8, and sums here have
 * up to some thousand terms. Activations: of the largest of the batch; goodness: of that or of one of its
 * terms; loss: of 1 + loss. */
#define UNITS_VALUE 8e-6
/** Gradients: of the largest of the same parameter, */
#define UNITS_GRADIENT 1e-5
/** and of the largest of the layer, from whose terms they may be left over. */
#define UNITS_CANCELED 1e-6
/** Parameters after some steps: of the way they went. */
#define UNITS_WAY 1e-4

/** Batches are drawn until no z comes so near to a kink, and no two values of a window so near to each other,
 *  that float32 may take the other branch; until no channel is nearly constant, and the labels are not nearly
 *  certain, so that their gradients are differences of rounding; and until the oracle itself, with every
 * value rounded to float32, is UNITS_SAFETY times as exact as is asked of the library. */
#define UNITS_NEAR 5e-5
#define UNITS_LEAST_VARIANCE 1e-2
#define UNITS_LEAST_LOSS 0.1
#define UNITS_SAFETY 10.0

/** What is run. Fields that are left 0 mean: 3 steps of plain SGD at 0.1, equal weights, dense rows, nothing
 *  frozen. */
typedef struct units_case {
    const char *name;
    units_plan plan;
    const mf_layer_spec *flat; /**< The library's layer is made from this spec, which says the same. */
    mf_layer *layer;           /**< Or is this one, which the case frees. */
    uint64_t seed;             /**< Of parameters and batches. */
    size_t max_rows;
    int steps;
    oracle_optimizer optimizer;
    int weighted;    /**< 1: random sample weights, a third of them 0. */
    size_t gap;      /**< Values between one row and the next, filled with NaN. */
    uint64_t frozen; /**< Bit i: parameter i of the oracle's list. */
} units_case;

/** Inference before any step; gradients of the first batch value by value; loss, activation, norm and number
 * of correct rows of every step; all parameters at the end; inference from them. The test fails where the
 *  library leaves the oracle by more than rounding. 0 if no batch was found that says anything. */
int run_units_case(const units_case *oracle_case);

/** The part without the library: draws parameters and one batch as run_units_case() does. 0 if none was
 * found; otherwise `worst` receives the error of the oracle with rounded values, in units of the tolerances.
 */
int try_units_case(const units_case *oracle_case, double *worst);

#endif
