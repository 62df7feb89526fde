/* The exported functions of matrices that heads share. */
#include "model/matrix.h"

#include <string.h>

#include "api/check.h"
#include "api/structs.h"

static mf_matrix_spec matrix_defaults(void)
{
    return (mf_matrix_spec){.struct_size = sizeof(mf_matrix_spec)};
}

mf_status mf_matrix_spec_init(mf_matrix_spec *spec, size_t size)
{
    mf_matrix_spec defaults = matrix_defaults();
    return MFI_INIT(mf_matrix_spec, spec, size, &defaults);
}

/* Publishes the matrix if its values could be set. */
static mf_status publish_or_release(mf_matrix *created, mf_status status, mf_matrix **matrix)
{
    if (status == MF_STATUS_OK)
        *matrix = created;
    else
        mfi_matrix_release(created);
    return status;
}

mf_status mf_matrix_create(const mf_matrix_spec *spec, mf_matrix **matrix)
{
    MFI_CALM;
    mf_matrix_spec known = matrix_defaults();
    mf_matrix *created = NULL;
    MFI_TRY(mfi_check_pointer(matrix, "the out-pointer of the matrix"));
    *matrix = NULL;
    MFI_TRY(MFI_READ(mf_matrix_spec, &known, spec));
    MFI_TRY(mfi_check_allocator(known.allocator));
    MFI_TRY(mfi_check_pointer(known.values, "the values of the matrix"));
    MFI_TRY(mfi_matrix_create(known.rows, known.columns, known.allocator, &created));
    return publish_or_release(created, mfi_matrix_set(created, 0, known.rows * known.columns, known.values),
                              matrix);
}

/* A parameter may lie in memory in another order, so it comes piece by piece. */
static mf_status copy_parameter(const mf_layer *layer, size_t number, mf_matrix *to)
{
    enum { PIECE = 256 };
    float values[PIECE];
    size_t count = to->rows * to->columns;
    for (size_t first = 0; first < count; first += PIECE) {
        size_t piece = count - first < PIECE ? count - first : PIECE;
        mfi_layer_get_values(layer, number, -1, first, piece, values);
        MFI_TRY(mfi_matrix_set(to, first, piece, values));
    }
    return MF_STATUS_OK;
}

mf_status mf_matrix_from_parameter(const mf_layer *layer, const char *name, const mf_allocator *allocator,
                                   mf_matrix **matrix)
{
    MFI_CALM;
    size_t number = 0;
    mf_matrix *created = NULL;
    MFI_TRY(mfi_check_pointer(matrix, "the out-pointer of the matrix"));
    *matrix = NULL;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(name, "the name of the parameter"));
    MFI_TRY(mfi_check_allocator(allocator));
    MFI_TRY(mfi_layer_find(layer, name, &number));
    const mfi_parameter_spec *parameter = &layer->plan.parameters[number];
    if (parameter->rank != 2)
        return mfi_fail(MF_STATUS_SHAPE, "the %s has rank %d, a matrix has 2", name, (int)parameter->rank);
    MFI_TRY(mfi_matrix_create(parameter->dims[0], parameter->dims[1], allocator, &created));
    return publish_or_release(created, copy_parameter(layer, number, created), matrix);
}

void mf_matrix_free(mf_matrix *matrix)
{
    if (matrix && mfi_handle_check(matrix, MFI_KIND_MATRIX) == MF_STATUS_OK)
        mfi_matrix_release(matrix);
}

mf_status mf_matrix_size(const mf_matrix *matrix, size_t *rows, size_t *columns)
{
    MFI_TRY(mfi_handle_check(matrix, MFI_KIND_MATRIX));
    if (rows)
        *rows = matrix->rows;
    if (columns)
        *columns = matrix->columns;
    return MF_STATUS_OK;
}

mf_status mf_matrix_values(const mf_matrix *matrix, float *values, size_t count)
{
    MFI_TRY(mfi_handle_check(matrix, MFI_KIND_MATRIX));
    MFI_TRY(mfi_check_pointer(values, "the values of the matrix"));
    if (count != matrix->rows * matrix->columns)
        return mfi_fail(MF_STATUS_SHAPE, "the matrix has %zu x %zu values, got a count of %zu", matrix->rows,
                        matrix->columns, count);
    memcpy(values, matrix->values, count * sizeof *values);
    return MF_STATUS_OK;
}
