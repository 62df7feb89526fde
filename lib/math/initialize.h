/* Owns: the initialisation of parameters. The same stream gives the same matrix in any order. */
#ifndef MFI_MATH_INITIALIZE_H
#define MFI_MATH_INITIALIZE_H

#include <stddef.h>

#include "base/rng.h"
#include "math/order.h"

/* Uniform in (-bound, bound). */
void mfi_init_uniform(const mfi_stream *stream, float bound, const mfi_matrix_order *of, float *matrix);

/* Normal with mean 0. */
void mfi_init_normal(const mfi_stream *stream, float deviation, const mfi_matrix_order *of, float *matrix);

/* Number of floats of scratch that mfi_init_orthogonal() needs; false if it does not fit a size_t. */
_Bool mfi_init_orthogonal_scratch(size_t rows, size_t columns, size_t *count);

/* A matrix whose rows, or columns if there are fewer of them, are orthogonal to each other and have length
 * `gain`. */
void mfi_init_orthogonal(const mfi_stream *stream, float gain, const mfi_matrix_order *of, float *matrix,
                         float *scratch);

#endif
