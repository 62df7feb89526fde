/* Owns: a matrix of numbers that heads read and none learns. */
#include "model/matrix.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"

/* Where the values are in the block of the handle. */
static bool lay_out_matrix(size_t rows, size_t columns, size_t *values, size_t *bytes)
{
    size_t count, head;
    *bytes = 0;
    return mfi_multiply(rows, columns, &count) && mfi_reserve(bytes, 1, sizeof(mf_matrix), &head) &&
           mfi_reserve(bytes, count, sizeof(float), values);
}

bool mfi_matrix_bytes(size_t rows, size_t columns, size_t *bytes)
{
    size_t values;
    return lay_out_matrix(rows, columns, &values, bytes);
}

mf_status mfi_matrix_create(size_t rows, size_t columns, const mf_allocator *allocator, mf_matrix **matrix)
{
    size_t bytes, values;
    MFI_TRY(mfi_check_size("the number of rows", rows, 1));
    MFI_TRY(mfi_check_size("the number of columns", columns, 1));
    if (!lay_out_matrix(rows, columns, &values, &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW, "a matrix of %zu x %zu values does not fit", rows, columns);
    mf_matrix *created = mfi_handle_create(MFI_KIND_MATRIX, allocator, bytes);
    if (!created)
        return MF_STATUS_MEMORY;
    created->values = (float *)((char *)created + values);
    created->rows = rows;
    created->columns = columns;
    created->fingerprint = UINT64_C(0xCBF29CE484222325);
    *matrix = created;
    return MF_STATUS_OK;
}

/* FNV-1a of whole words. */
mf_status mfi_matrix_set(mf_matrix *matrix, size_t first, size_t count, const float *values)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return mfi_fail(MF_STATUS_NUMERIC, "row %zu, column %zu of the matrix is %g, it must be finite",
                            (first + i) / matrix->columns, (first + i) % matrix->columns, (double)values[i]);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        matrix->fingerprint = (matrix->fingerprint ^ bits) * UINT64_C(0x100000001B3);
    }
    memcpy(matrix->values + first, values, count * sizeof *values);
    return MF_STATUS_OK;
}

/* What is counted is not what is read: a matrix that nobody may change can be retained by all who read it. */
static mf_matrix *counted(const mf_matrix *matrix)
{
    return (mf_matrix *)(uintptr_t)matrix;
}

mf_matrix *mfi_matrix_retain(const mf_matrix *matrix)
{
    if (matrix)
        mfi_handle_retain(&counted(matrix)->handle);
    return counted(matrix);
}

void mfi_matrix_release(const mf_matrix *matrix)
{
    if (matrix && mfi_handle_drop(&counted(matrix)->handle))
        mfi_handle_destroy(&counted(matrix)->handle);
}

bool mfi_matrix_equals(const mf_matrix *one, const mf_matrix *other)
{
    if (one == other || !one || !other)
        return one == other;
    return one->rows == other->rows && one->columns == other->columns &&
           one->fingerprint == other->fingerprint &&
           memcmp(one->values, other->values, one->rows * one->columns * sizeof *one->values) == 0;
}
