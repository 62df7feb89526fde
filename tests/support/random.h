/* Random test data from a generator of its own, so that no test depends on the one under test.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** A stream of random numbers (SplitMix64); start it with any seed. */
typedef struct test_random {
    uint64_t state;
} test_random;

uint64_t random_next(test_random *random);

/** Uniform from `low` to below `high`. */
double random_uniform(test_random *random, double low, double high);

/** Standard normal. */
double random_normal(test_random *random);

/** Uniform from 0 to count - 1. */
size_t random_index(test_random *random, size_t count);

/** `count` normal values of deviation `scale`. */
void random_values(test_random *random, float *values, size_t count, double scale);

/** `count` labels from 0 to classes - 1. */
void random_labels(test_random *random, int32_t *labels, size_t count, size_t classes);

#endif
