/* The part of kernels_body.h that transposes, compiled with it for each instruction set. */
#include "math/kernels.h"
#include "math/lanes.h"

#if defined(MFI_USES_AVX512) || defined(MFI_USES_AVX2)

enum { SQUARE = 8 };

INLINE __m128 load_part(const float *from, size_t count)
{
    return count >= 4 ? _mm_loadu_ps(from)
                      : _mm_maskload_ps(
                            from, _mm_cmpgt_epi32(_mm_set1_epi32((int)count), _mm_setr_epi32(0, 1, 2, 3)));
}

INLINE void store_part(float *to, __m256 value, size_t count)
{
    if (count == SQUARE)
        _mm256_storeu_ps(to, value);
    else
#if defined(MFI_USES_AVX512)
        _mm256_mask_storeu_ps(to, (__mmask8)first_lanes(count), value);
#else
        _mm256_maskstore_ps(to, first_lanes(count), value);
#endif
}

/* The upper halves of the vectors come from four rows further down, so that the rest stays inside halves. */
INLINE void transpose_part(size_t rows, size_t columns, const float *from, size_t ldfrom, float *to,
                           size_t ldto)
{
    UNROLL(2)
    for (size_t half = 0; half < SQUARE; half += 4, to += 4 * ldto) {
        __m256 row[4];
        if (half >= columns)
            return;
        UNROLL(4)
        for (size_t i = 0; i < 4; i++) {
            __m128 low = _mm_setzero_ps(), high = low;
            if (i < rows)
                low = load_part(from + i * ldfrom + half, columns - half);
            if (i + 4 < rows)
                high = load_part(from + (i + 4) * ldfrom + half, columns - half);
            row[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
        }
        __m256 low01 = _mm256_unpacklo_ps(row[0], row[1]), high01 = _mm256_unpackhi_ps(row[0], row[1]);
        __m256 low23 = _mm256_unpacklo_ps(row[2], row[3]), high23 = _mm256_unpackhi_ps(row[2], row[3]);
        store_part(to, _mm256_shuffle_ps(low01, low23, 0x44), rows);
        if (half + 1 < columns)
            store_part(to + ldto, _mm256_shuffle_ps(low01, low23, 0xEE), rows);
        if (half + 2 < columns)
            store_part(to + 2 * ldto, _mm256_shuffle_ps(high01, high23, 0x44), rows);
        if (half + 3 < columns)
            store_part(to + 3 * ldto, _mm256_shuffle_ps(high01, high23, 0xEE), rows);
    }
}

#else

enum { SQUARE = 4 };

INLINE void transpose_part(size_t rows, size_t columns, const float *from, size_t ldfrom, float *to,
                           size_t ldto)
{
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < rows; i++)
            to[j * ldto + i] = from[i * ldfrom + j];
}

#endif

/* The square whose corner is row i and column j, or what is left of one at an edge. */
static void transpose_square(size_t rows, size_t columns, size_t i, size_t j, const float *from,
                             size_t ldfrom, float *to, size_t ldto)
{
    from += i * ldfrom + j;
    to += j * ldto + i;
    if (rows - i >= SQUARE && columns - j >= SQUARE)
        transpose_part(SQUARE, SQUARE, from, ldfrom, to, ldto);
    else
        transpose_part(rows - i < SQUARE ? rows - i : SQUARE, columns - j < SQUARE ? columns - j : SQUARE,
                       from, ldfrom, to, ldto);
}

/* The squares go along the longer side, so that they stay in the same few long rows, which may compete for
 * the same places of the cache. */
static void transpose(size_t rows, size_t columns, const float *from, size_t ldfrom, float *to, size_t ldto)
{
    if (rows < columns)
        for (size_t i = 0; i < rows; i += SQUARE)
            for (size_t j = 0; j < columns; j += SQUARE)
                transpose_square(rows, columns, i, j, from, ldfrom, to, ldto);
    else
        for (size_t j = 0; j < columns; j += SQUARE)
            for (size_t i = 0; i < rows; i += SQUARE)
                transpose_square(rows, columns, i, j, from, ldfrom, to, ldto);
}
