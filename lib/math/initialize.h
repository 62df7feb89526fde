/* Owns: the initialisation of parameters. Matrices are [rows, columns]. */
#ifndef MFI_MATH_INITIALIZE_H
#define MFI_MATH_INITIALIZE_H

#include <stddef.h>

#include "base/rng.h"

/* Uniform in (-bound, bound). */
void mfi_init_uniform(const mfi_stream *stream, float bound, size_t count, float *values);

/* Normal with mean 0. */
void mfi_init_normal(const mfi_stream *stream, float deviation, size_t count, float *values);

/* Number of floats of scratch that mfi_init_orthogonal() needs; false if it does not fit a size_t. */
_Bool mfi_init_orthogonal_scratch(size_t rows, size_t columns, size_t *count);

/* A matrix whose rows, or columns if there are fewer of them, are orthogonal to each other and have length
 * `gain`. */
void mfi_init_orthogonal(const mfi_stream *stream, float gain, size_t rows, size_t columns, float *values,
                         float *scratch);

#endif
