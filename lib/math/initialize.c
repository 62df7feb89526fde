/* Owns: the initialisation of parameters. */
#include "math/initialize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/gemm.h"

/* The numbers of a matrix are drawn piece by piece in plain order; a piece begins with a block of the stream.
 */
enum { DRAWN_PIECE = 1024 };

void mfi_init_uniform(const mfi_stream *stream, float bound, const mfi_matrix_order *of, float *matrix)
{
    float values[DRAWN_PIECE];
    uint32_t bits[4];
    for (size_t first = 0, count = of->rows * of->columns; first < count; first += DRAWN_PIECE) {
        size_t piece = count - first < DRAWN_PIECE ? count - first : DRAWN_PIECE;
        for (size_t i = 0; i < piece; i++) {
            if (i % 4 == 0)
                mfi_stream_block(stream, (uint32_t)((first + i) / 4), bits);
            values[i] = (2.0f * mfi_unit_float(bits[i % 4]) - 1.0f) * bound;
        }
        mfi_order_set(of, matrix, first, piece, values);
    }
}

/* Box-Muller: two uniform numbers make two normal ones. */
static void draw_normal(const mfi_stream *stream, float deviation, size_t first, size_t count, float *values)
{
    const float two_pi = 6.28318530717958648f;
    uint32_t bits[4];
    for (size_t i = 0; i < count; i++) {
        if (i % 4 == 0)
            mfi_stream_block(stream, (uint32_t)((first + i) / 4), bits);
        size_t pair = i % 4 / 2 * 2;
        float radius = sqrtf(-2.0f * logf(mfi_unit_float(bits[pair])));
        float angle = two_pi * mfi_unit_float(bits[pair + 1]);
        values[i] = deviation * radius * (i % 2 == 0 ? cosf(angle) : sinf(angle));
    }
}

void mfi_init_normal(const mfi_stream *stream, float deviation, const mfi_matrix_order *of, float *matrix)
{
    float values[DRAWN_PIECE];
    for (size_t first = 0, count = of->rows * of->columns; first < count; first += DRAWN_PIECE) {
        size_t piece = count - first < DRAWN_PIECE ? count - first : DRAWN_PIECE;
        draw_normal(stream, deviation, first, piece, values);
        mfi_order_set(of, matrix, first, piece, values);
    }
}

/* Vectors are made orthogonal block by block: first to all earlier blocks, by two matrix products, then to
 * each other within the block. */
enum { BLOCK = 32 };

_Bool mfi_init_orthogonal_scratch(size_t rows, size_t columns, size_t *count)
{
    size_t few = rows < columns ? rows : columns, matrix, coefficients;
    if (!mfi_multiply(rows, columns, &matrix) || !mfi_multiply(BLOCK, few, &coefficients) ||
        matrix > SIZE_MAX - coefficients)
        return 0;
    *count = matrix + coefficients;
    return 1;
}

static double row_product(size_t n, const float *x, const float *y)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

/* q[count, n]: subtracts from each row its projections on the rows before it, and scales it to length 1. */
static void gram_schmidt(size_t count, size_t n, float *q)
{
    for (size_t i = 0; i < count; i++) {
        float *row = q + i * n;
        for (size_t j = 0; j < i; j++) {
            float coefficient = (float)row_product(n, row, q + j * n);
            for (size_t p = 0; p < n; p++)
                row[p] -= coefficient * q[j * n + p];
        }
        float scale = (float)(1.0 / sqrt(row_product(n, row, row)));
        for (size_t p = 0; p < n; p++)
            row[p] *= scale;
    }
}

/* Runs twice: the second time removes the rounding errors of the first. */
static void orthogonalize(size_t few, size_t many, float *q, float *coefficients)
{
    for (size_t start = 0; start < few; start += BLOCK) {
        size_t count = few - start < BLOCK ? few - start : BLOCK;
        float *block = q + start * many;
        for (int pass = 0; pass < 2; pass++) {
            if (start > 0) {
                mfi_gemm(MFI_NO_TRANS, MFI_TRANS, count, start, many, 1.0f, block, many, q, many, 0.0f,
                         coefficients, start);
                mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, count, many, start, -1.0f, coefficients, start, q, many,
                         1.0f, block, many);
            }
            gram_schmidt(count, many, block);
        }
    }
}

void mfi_init_orthogonal(const mfi_stream *stream, float gain, const mfi_matrix_order *of, float *matrix,
                         float *scratch)
{
    size_t rows = of->rows, columns = of->columns;
    size_t few = rows < columns ? rows : columns, many = rows < columns ? columns : rows;
    float *q = scratch, *coefficients = scratch + rows * columns;
    draw_normal(stream, 1.0f, 0, rows * columns, q);
    orthogonalize(few, many, q, coefficients);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            float value = gain * (rows <= columns ? q[i * columns + j] : q[j * rows + i]);
            mfi_order_set(of, matrix, i * columns + j, 1, &value);
        }
}
