/* The part of kernels_body.h that transposes, compiled with it for each instruction set. */
#include "math/kernels.h"
#include "math/lanes.h"

#if defined(MFI_USES_AVX512) || defined(MFI_USES_AVX2)

enum { SQUARE = 8 };

/* The upper halves of the vectors come from four rows further down, so that the rest stays inside halves. */
INLINE __m256 two_halves(const float *low, const float *high)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
}

static void transpose_square(const float *from, size_t ldfrom, float *to, size_t ldto)
{
    UNROLL(2)
    for (size_t half = 0; half < SQUARE; half += 4, to += 4 * ldto) {
        __m256 row[4];
        UNROLL(4)
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
