/* random: a small random generator (SplitMix64), so that equal seeds repeat a run on every system.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_RANDOM_H
#define STUDIES_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random_stream {
    uint64_t state;
};

/* A seed for one purpose of a run. Neighbouring seeds and purposes have nothing in common; never 0, which
 * the library takes for "choose one yourself". */
uint64_t random_derive(uint64_t seed, uint64_t purpose);

uint64_t random_next(struct random_stream *stream);

/* A whole number from 0 to count - 1. */
uint32_t random_below(struct random_stream *stream, uint32_t count);

float random_uniform(struct random_stream *stream, float low, float high);

/* Normal with mean 0 and deviation 1. */
float random_normal(struct random_stream *stream);

void random_shuffle(struct random_stream *stream, uint32_t *values, size_t count);

#endif
