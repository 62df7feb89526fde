/* One training run of a layer, in the library and in the oracle side by side.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_ORACLE_CASE_H
#define TEST_ORACLE_CASE_H

#include "build.h"
#include "oracle.h"
#include "random.h"

enum { CASE_FREEZE_WEIGHT = 1, CASE_FREEZE_BIAS = 2, CASE_FREEZE_PROJECTION = 4 };

/** What is run. The fields that are left 0 mean: no smoothing, equal weights, dense rows, nothing
 *  frozen, the batch size changes from step to step. */
typedef struct oracle_case {
    const char *name;
    size_t inputs, outputs, classes;
    int activation, bias;
    size_t max_rows;
    int steps;
    oracle_optimizer optimizer;
    double smoothing;
    int weighted;     /**< 1: random sample weights, a third of them 0. */
    size_t gap;       /**< Values between one row and the next, filled with NaN. */
    unsigned frozen;  /**< CASE_FREEZE_... */
    int full_batches; /**< 1: every batch has max_rows rows. */
    double tolerance; /**< Of the update relative to its own length; 0: 5e-4. */
} oracle_case;

/** Runs it; the test fails where the library leaves the oracle by more than rounding. */
void run_oracle_case(const oracle_case *one);

/** An optimizer of the library with the hyper-parameters of `o`. */
mf_optimizer *make_optimizer_of(const oracle_optimizer *o);

/** The same hyper-parameters as the library's floats hold them. */
oracle_optimizer rounded_to_float(oracle_optimizer o);

/** |lib - oracle| of one parameter against the length of the way it went since `start`. Value i belongs to
 * the neuron or filter i / divisor % modulus, which may be doubtful. */
void compare_parameter(const char *case_name, const mf_layer *layer, const char *name,
                       const oracle_parameter *oracle, const unsigned char *doubtful, size_t divisor,
                       size_t modulus, const float *start, double tolerance);

/** |lib - oracle| of every parameter against the length of the way it went since `start`, which
 *  holds the parameters before training in the order weight, bias, projection. */
void compare_with_oracle(const char *name, const mf_layer *layer, const oracle_layer *oracle,
                         const saved_values *start, double tolerance);

#endif
