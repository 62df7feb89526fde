/* Owns: the matrix product in plain C.
 *
 * op(B) is copied into tiles that fit the first-level cache. A micro-kernel computes ROWS x COLUMNS sums at a
 * time from a tile; the compiler keeps them in vector registers. */
#include "math/gemm.h"

enum { ROWS = 4, COLUMNS = 16, DEPTH = 128 };

/* tile[p][j] = op(B)[p0 + p][j0 + j], and 0 beyond the last column. */
static void pack_tile(int trans, const float *b, size_t ldb, size_t p0, size_t depth, size_t j0,
                      size_t columns, float tile[DEPTH][COLUMNS])
{
    for (size_t p = 0; p < depth; p++)
        for (size_t j = 0; j < COLUMNS; j++) {
            size_t row = p0 + p, column = j0 + j;
            tile[p][j] = j >= columns ? 0.0f : trans ? b[column * ldb + row] : b[row * ldb + column];
        }
}

/* sum[i][j] = sum over p of op(A)[i][p] tile[p][j]; `step_row` and `step_depth` are the steps to the next row
 * and the next p in op(A). */
static void multiply(const float *a, size_t step_row, size_t step_depth, size_t rows, size_t depth,
                     float tile[DEPTH][COLUMNS], float sum[ROWS][COLUMNS])
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            sum[i][j] = 0.0f;
    for (size_t p = 0; p < depth; p++)
        for (size_t i = 0; i < rows; i++) {
            float value = a[i * step_row + p * step_depth];
            for (size_t j = 0; j < COLUMNS; j++)
                sum[i][j] += value * tile[p][j];
        }
}

static void scale(size_t m, size_t n, float beta, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * ldc + j] = beta == 0.0f ? 0.0f : beta * c[i * ldc + j];
}

void mfi_gemm_builtin(int trans_a, int trans_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                      size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    float tile[DEPTH][COLUMNS];
    float sum[ROWS][COLUMNS];
    size_t step_row = trans_a ? 1 : lda, step_depth = trans_a ? lda : 1;

    if (beta != 1.0f)
        scale(m, n, beta, c, ldc);
    for (size_t p0 = 0; p0 < k; p0 += DEPTH)
        for (size_t j0 = 0; j0 < n; j0 += COLUMNS) {
            size_t depth = k - p0 < DEPTH ? k - p0 : DEPTH;
            size_t columns = n - j0 < COLUMNS ? n - j0 : COLUMNS;
            pack_tile(trans_b, b, ldb, p0, depth, j0, columns, tile);
            for (size_t i0 = 0; i0 < m; i0 += ROWS) {
                size_t rows = m - i0 < ROWS ? m - i0 : ROWS;
                multiply(a + i0 * step_row + p0 * step_depth, step_row, step_depth, rows, depth, tile, sum);
                for (size_t i = 0; i < rows; i++)
                    for (size_t j = 0; j < columns; j++)
                        c[(i0 + i) * ldc + j0 + j] += alpha * sum[i][j];
            }
        }
}

#ifdef MFI_GEMM_IS_BUILTIN
void mfi_gemm(int trans_a, int trans_b, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
              const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    mfi_gemm_builtin(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
#endif
