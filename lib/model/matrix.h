/* Owns: a matrix of numbers that heads read and none learns, once in memory for all of them. */
#ifndef MFI_MODEL_MATRIX_H
#define MFI_MODEL_MATRIX_H

#include <stdbool.h>

#include "base/handle.h"

struct mf_matrix {
    mfi_handle handle;
    size_t rows, columns;
    uint64_t fingerprint; /* of its values */
    float *values;        /* [rows, columns] */
};

/* Bytes of the handle with its values; false if they do not fit. */
bool mfi_matrix_bytes(size_t rows, size_t columns, size_t *bytes);

/* A matrix whose values are 0 until they are set, from the first to the last, before anyone reads it. Values
 * that are not finite are refused: NUMERIC, with nothing set. */
mf_status mfi_matrix_create(size_t rows, size_t columns, const mf_allocator *allocator, mf_matrix **matrix);
mf_status mfi_matrix_set(mf_matrix *matrix, size_t first, size_t count, const float *values);

/* Another reference; NULL stays NULL. */
mf_matrix *mfi_matrix_retain(const mf_matrix *matrix);
void mfi_matrix_release(const mf_matrix *matrix);

/* Whether they have the same values; NULL is only like NULL. */
bool mfi_matrix_equals(const mf_matrix *one, const mf_matrix *other);

#endif
