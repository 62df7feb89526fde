/* The part of kernels_body.h with the product of convolutions, compiled with it for each instruction set. */
#include "math/kernels.h"
#include "math/lanes.h"

/* Some rows of C and one panel; `rows` and `vectors` are constants when this is inlined. */
INLINE void gather_tile(int rows, int vectors, size_t inner, const float *a, const uint32_t *row_at,
                        const uint32_t *inner_at, const float *panel, bool add, float *c)
{
    const size_t width = (size_t)vectors * MFI_LANES;
    vector sum[MFI_TILE_ROWS][MFI_TILE_VECTORS] = {{{0}}};
    const float *row[MFI_TILE_ROWS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
        row[r] = a + row_at[r];
    for (size_t k = 0; k < inner; k++, panel += width) {
        size_t at = inner_at[k];
        vector b[MFI_TILE_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            b[v] = load(panel + v * MFI_LANES);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            float factor = row[r][at];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] += factor * b[v];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            float *to = c + (size_t)r * width + v * MFI_LANES;
            if (add)
                sum[r][v] += load(to);
            store(to, sum[r][v]);
        }
}

/* All rows of C and one panel. */
INLINE void gather_rows(int vectors, size_t rows, size_t inner, const float *a, const uint32_t *row_at,
                        const uint32_t *inner_at, const float *panel, bool add, float *c)
{
    const size_t width = (size_t)vectors * MFI_LANES;
    size_t r = 0;
    for (; r + MFI_TILE_ROWS <= rows; r += MFI_TILE_ROWS)
        gather_tile(MFI_TILE_ROWS, vectors, inner, a, row_at + r, inner_at, panel, add, c + r * width);
    for (; r + 4 <= rows; r += 4)
        gather_tile(4, vectors, inner, a, row_at + r, inner_at, panel, add, c + r * width);
    for (; r + 2 <= rows; r += 2)
        gather_tile(2, vectors, inner, a, row_at + r, inner_at, panel, add, c + r * width);
    if (r < rows)
        gather_tile(1, vectors, inner, a, row_at + r, inner_at, panel, add, c + r * width);
}

static void gather_product(size_t rows, size_t inner, const float *a, const uint32_t *row_at,
                           const uint32_t *inner_at, size_t width, const float *panel, bool add, float *c)
{
    switch (width / MFI_LANES) {
    case 1:
        gather_rows(1, rows, inner, a, row_at, inner_at, panel, add, c);
        break;
#if MFI_TILE_VECTORS > 2
    case 2:
        gather_rows(2, rows, inner, a, row_at, inner_at, panel, add, c);
        break;
#endif
#if MFI_TILE_VECTORS > 3
    case 3:
        gather_rows(3, rows, inner, a, row_at, inner_at, panel, add, c);
        break;
#endif
    default:
        gather_rows(MFI_TILE_VECTORS, rows, inner, a, row_at, inner_at, panel, add, c);
        break;
    }
}

/* ---- transposing ---- */

#if defined(MFI_USES_AVX512) || defined(MFI_USES_AVX2)

enum { SQUARE = 8 };

/* The upper halves of the vectors come from four rows further down, so that the rest stays inside halves. */
INLINE __m256 two_halves(const float *low, const float *high)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
}

static void transpose_square(const float *from, size_t ldfrom, float *to, size_t ldto)
{
#pragma GCC unroll 2
    for (size_t half = 0; half < SQUARE; half += 4, to += 4 * ldto) {
        __m256 row[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            row[i] = two_halves(from + i * ldfrom + half, from + (i + 4) * ldfrom + half);
        __m256 low01 = _mm256_unpacklo_ps(row[0], row[1]), high01 = _mm256_unpackhi_ps(row[0], row[1]);
        __m256 low23 = _mm256_unpacklo_ps(row[2], row[3]), high23 = _mm256_unpackhi_ps(row[2], row[3]);
        _mm256_storeu_ps(to, _mm256_shuffle_ps(low01, low23, 0x44));
        _mm256_storeu_ps(to + ldto, _mm256_shuffle_ps(low01, low23, 0xEE));
        _mm256_storeu_ps(to + 2 * ldto, _mm256_shuffle_ps(high01, high23, 0x44));
        _mm256_storeu_ps(to + 3 * ldto, _mm256_shuffle_ps(high01, high23, 0xEE));
    }
}

#else

enum { SQUARE = 4 };

static void transpose_square(const float *from, size_t ldfrom, float *to, size_t ldto)
{
    for (size_t j = 0; j < SQUARE; j++)
        for (size_t i = 0; i < SQUARE; i++)
            to[j * ldto + i] = from[i * ldfrom + j];
}

#endif

/* The squares go along the longer side, so that they stay in the same few long rows, which may compete for
 * the same places of the cache. */
static void transpose(size_t rows, size_t columns, const float *from, size_t ldfrom, float *to, size_t ldto)
{
    size_t whole_rows = rows / SQUARE * SQUARE, whole_columns = columns / SQUARE * SQUARE;
    if (rows < columns)
        for (size_t i = 0; i < whole_rows; i += SQUARE)
            for (size_t j = 0; j < whole_columns; j += SQUARE)
                transpose_square(from + i * ldfrom + j, ldfrom, to + j * ldto + i, ldto);
    else
        for (size_t j = 0; j < whole_columns; j += SQUARE)
            for (size_t i = 0; i < whole_rows; i += SQUARE)
                transpose_square(from + i * ldfrom + j, ldfrom, to + j * ldto + i, ldto);
    for (size_t j = 0; j < columns; j++)
        for (size_t i = j < whole_columns ? whole_rows : 0; i < rows; i++)
            to[j * ldto + i] = from[i * ldfrom + j];
}
