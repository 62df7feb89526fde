/* The same inputs as bytes or bf16 and as floats, which this converts by itself.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_TYPED_INPUTS_H
#define TEST_TYPED_INPUTS_H

#include "build.h"

/** A type of inputs, with what its values mean. */
typedef struct typed_kind {
    int32_t type;
    float scale, shift;
} typed_kind;

enum { TYPED_KINDS = 6 };
extern const typed_kind typed_kinds[TYPED_KINDS];

/** Rows of inputs, `stride` apart: between them lies what must not be read, in bf16 a NaN. */
typedef struct typed_inputs {
    typed_kind kind;
    size_t rows, columns, stride;
    void *values;  /**< of the type */
    float *floats; /**< [rows, columns] */
} typed_inputs;

/** Random ones; bytes of all values, bf16 of normal distribution with some subnormal numbers, int32
 * of all sizes. */
typed_inputs make_typed_inputs(const typed_kind *kind, size_t rows, size_t columns, size_t gap,
                               uint64_t seed);
void free_typed_inputs(typed_inputs *inputs);

/** The first `rows` rows: as their type, and as floats. */
mf_batch typed_batch(const typed_inputs *inputs, size_t rows, const int32_t *y);
mf_batch float_batch(const typed_inputs *inputs, size_t rows, const int32_t *y);

#endif
