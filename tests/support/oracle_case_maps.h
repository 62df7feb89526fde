/* One training run of a convolution or a normalised layer, in the library and in the oracle side by side.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_ORACLE_CASE_MAPS_H
#define TEST_ORACLE_CASE_MAPS_H

#include "oracle_case.h"
#include "oracle_maps.h"

/** What is run. Fields that are left 0 mean: 4 steps of plain SGD at 0.1, equal weights, dense rows, nothing
 *  frozen, the batch size changes from step to step. */
typedef struct maps_case {
    const char *name;
    mf_layer_spec spec;
    size_t max_rows;
    int steps;
    oracle_optimizer optimizer;
    int weighted;     /**< 1: random sample weights, a third of them 0. */
    size_t gap;       /**< Values between one row and the next, filled with NaN. */
    unsigned frozen;  /**< Bit i: parameter i in the library's order; bits 4 and 5 are mean and variance. */
    int full_batches; /**< 1: every batch has max_rows rows. */
    double tolerance; /**< Of the update relative to its own length; 0: 5e-4. */
} maps_case;

/** Gradients of the first batch value by value; loss, activation, norm and the number of correct rows of
 * every step; all parameters at the end; and inference from them. The test fails where the library leaves the
 * oracle by more than rounding. */
void run_maps_case(const maps_case *oracle_case);

/** Gradients as mf_layer_gradients() wrote them against the oracle's, but for doubtful channels. */
void compare_gradients(const char *name, maps_oracle *oracle, const float *gradients, double tolerance);

/** An optimizer for each rule of update, most of them with weight decay. */
enum { MAPS_RULES = 7 };
extern const oracle_optimizer maps_rules[MAPS_RULES];

#endif
