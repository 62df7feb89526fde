/* Vectors of MFI_LANES floats and the functions on them that no C operator has. Private to
 * kernels_body.h, which is compiled once for each instruction set. */
#ifndef MFI_MATH_LANES_H
#define MFI_MATH_LANES_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The file that defines the table says which instructions it uses. The compiler's macros cannot: with
 * -march=native they name the instructions of the machine in every file, also in the one with vectors for
 * another instruction set. */
#if defined(MFI_USES_AVX512) || defined(MFI_USES_AVX2)
#include <immintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* Before a loop of at most so many turns, whose number is constant once all is inlined: its vectors then stay
 * in registers. Clang would not unroll a loop of fewer turns than it is told. */
#ifdef __clang__
#define UNROLL(turns) _Pragma("clang loop unroll(full)")
#else
#define UNROLL(turns) PRAGMA(GCC unroll turns)
#define PRAGMA(words) _Pragma(#words)
#endif

typedef float vector __attribute__((vector_size(MFI_LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(MFI_LANES * sizeof(float)), aligned(4), may_alias));

INLINE vector load(const float *from)
{
    return *(const vector *)from;
}

#if defined(MFI_USES_AVX512)
INLINE __mmask16 first_lanes(size_t count)
{
    return (__mmask16)((1u << count) - 1);
}
#elif defined(MFI_USES_AVX2)
INLINE __m256i first_lanes(size_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/* Loads the first `count` lanes; the others are 0. */
INLINE vector load_some(const float *from, size_t count)
{
#if defined(MFI_USES_AVX512)
    return (vector)_mm512_maskz_loadu_ps(first_lanes(count), from);
#elif defined(MFI_USES_AVX2)
    return (vector)_mm256_maskload_ps(from, first_lanes(count));
#else
    vector value = {0};
    memcpy(&value, from, count * sizeof *from);
    return value;
#endif
}

INLINE void store(float *to, vector value)
{
    *(vector *)to = value;
}

INLINE void store_some(float *to, vector value, size_t count)
{
#if defined(MFI_USES_AVX512)
    _mm512_mask_storeu_ps(to, first_lanes(count), (__m512)value);
#elif defined(MFI_USES_AVX2)
    _mm256_maskstore_ps(to, first_lanes(count), (__m256)value);
#else
    memcpy(to, &value, count * sizeof *to);
#endif
}

/* Runs the statement for every vector of `count` floats; the last one may have fewer lanes. */
#define FOR_LANES(i, lanes, count)                                                     \
    for (size_t i = 0, lanes = (count) < MFI_LANES ? (count) : MFI_LANES; i < (count); \
         i += MFI_LANES, lanes = (count)-i < MFI_LANES ? (count)-i : MFI_LANES)

INLINE vector load_lanes(const float *from, size_t lanes)
{
    return lanes == MFI_LANES ? load(from) : load_some(from, lanes);
}

INLINE void store_lanes(float *to, vector value, size_t lanes)
{
    if (lanes == MFI_LANES)
        store(to, value);
    else
        store_some(to, value, lanes);
}

INLINE float sum_lanes(vector value)
{
    float sum = 0.0f;
    for (int lane = 0; lane < MFI_LANES; lane++)
        sum += value[lane];
    return sum;
}

INLINE vector splat(float value)
{
    return (vector){0} + value;
}

/* `yes` in the lanes where the mask is set, `no` in the others. */
INLINE vector choose(mask where, vector yes, vector no)
{
    return (vector)((where & (mask)yes) | (~where & (mask)no));
}

/* Both return NaN if `value` is NaN: the instructions return their second operand then. */
INLINE vector at_least(vector value, float least)
{
#if defined(MFI_USES_AVX512)
    return (vector)_mm512_max_ps(_mm512_set1_ps(least), (__m512)value);
#elif defined(MFI_USES_AVX2)
    return (vector)_mm256_max_ps(_mm256_set1_ps(least), (__m256)value);
#else
    return choose(value < least, splat(least), value);
#endif
}

INLINE vector at_most(vector value, float most)
{
#if defined(MFI_USES_AVX512)
    return (vector)_mm512_min_ps(_mm512_set1_ps(most), (__m512)value);
#elif defined(MFI_USES_AVX2)
    return (vector)_mm256_min_ps(_mm256_set1_ps(most), (__m256)value);
#else
    return choose(value > most, splat(most), value);
#endif
}

/* 0, or -0, where a value is finite, and a NaN where it is not. */
INLINE mask zero_if_finite(vector value)
{
    return (mask)(0.0f * value);
}

/* Whether all were finite whose zero_if_finite() has been joined by |. */
INLINE bool all_zeros(mask joined)
{
#if defined(MFI_USES_AVX512)
    return _mm512_test_epi32_mask((__m512i)joined, _mm512_set1_epi32(INT32_MAX)) == 0;
#elif defined(MFI_USES_AVX2)
    return _mm256_testz_si256((__m256i)joined, _mm256_set1_epi32(INT32_MAX)) != 0;
#else
    int32_t any = 0;
    for (int lane = 0; lane < MFI_LANES; lane++)
        any |= joined[lane];
    return (any & INT32_MAX) == 0;
#endif
}

INLINE vector magnitude(vector value)
{
    return (vector)((mask)value & 0x7FFFFFFF);
}

/* 1 / x and 1 / sqrt(x) for normal x > 0, exact up to the rounding of floats. A division would take longer
 * than the rest of an optimizer; an estimate with one Newton step is fast. */
INLINE vector reciprocal(vector x)
{
#if defined(MFI_USES_AVX512)
    vector y = (vector)_mm512_rcp14_ps((__m512)x);
    return y * (2.0f - x * y);
#elif defined(MFI_USES_AVX2)
    vector y = (vector)_mm256_rcp_ps((__m256)x);
    return y * (2.0f - x * y);
#else
    return 1.0f / x;
#endif
}

/* x y is the root: half of the smallest x would be subnormal, and so 0. */
INLINE vector reciprocal_root(vector x)
{
#if defined(MFI_USES_AVX512)
    vector y = (vector)_mm512_rsqrt14_ps((__m512)x);
    return y * (1.5f - 0.5f * (x * y) * y);
#elif defined(MFI_USES_AVX2)
    vector y = (vector)_mm256_rsqrt_ps((__m256)x);
    return y * (1.5f - 0.5f * (x * y) * y);
#elif defined(__wasm_simd128__)
    return 1.0f / (vector)wasm_f32x4_sqrt((v128_t)x);
#else
    vector y;
    for (int lane = 0; lane < MFI_LANES; lane++)
        y[lane] = 1.0f / sqrtf(x[lane]);
    return y;
#endif
}

/* e^x: x = n ln 2 + r, e^r by its series on |r| <= ln 2 / 2. Outside the range of floats it returns the
 * nearest end of the range; of a NaN, a NaN. */
INLINE vector exponential(vector x)
{
    const float to_integer = 12582912.0f; /* 1.5 2^23: adding it rounds, and leaves n in the low bits */
    vector in_range = at_most(at_least(x, -87.0f), 88.0f);
    vector shifted = in_range * 1.44269504f + to_integer;
    vector n = shifted - to_integer;
    vector r = in_range - n * 0.693359375f + n * 2.12194440e-4f;
    vector series = r * (1.0f / 5040) + 1.0f / 720;
    series = series * r + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    mask power = ((mask)shifted - 0x4B400000 + 127) << 23;
    return choose(x == x, series * (vector)power, x);
}

/* Near 0 an odd polynomial with a relative error of 4e-9; otherwise computed from e^2|x|. */
INLINE vector hyperbolic_tangent(vector x)
{
    vector size = magnitude(x), s = x * x;
    vector near = s * -5.71703655e-3f + 2.06505790e-2f;
    near = near * s - 5.37434953e-2f;
    near = near * s + 1.33314912e-1f;
    near = near * s - 3.33332839e-1f;
    near = x + x * s * near;
    vector far = 1.0f - 2.0f * reciprocal(exponential(at_most(2.0f * size, 40.0f)) + 1.0f);
    far = (vector)((mask)far | ((mask)x & INT32_MIN));
    vector result = choose(size < 0.625f, near, far);
    return choose(x == x, result, x);
}

/* 1 / (1 + e^-x), from e^-|x|, which never overflows. *rest receives what is missing to 1: where that is
 * small, a difference would be rounding alone. */
INLINE vector logistic(vector x, vector *rest)
{
    vector size = magnitude(x), small = choose(size < 80.0f, exponential(-at_most(size, 80.0f)), splat(0.0f));
    vector share = reciprocal(1.0f + small);
    *rest = choose(x > 0.0f, small * share, share);
    vector result = choose(x > 0.0f, share, small * share);
    return choose(x == x, result, x);
}

/* Returns the normal distribution function, the probability of a number below z: the density times a
 * polynomial in 1 / (1 + 0.29 |z|), with a relative error of 4e-8. *density receives the normal density
 * without its constant, e^(-z^2/2). */
INLINE vector normal_cdf(vector z, vector *density)
{
    vector size = magnitude(z);
    mask inside = size < 13.0f; /* for larger |z| the result as a float is 0 or 1 */
    size = at_most(size, 13.0f);
    vector t = reciprocal(1.0f + 0.29f * size);
    vector tail = t * 3.99322908e-2f - 1.96152072e-1f;
    tail = tail * t + 3.13900270e-1f;
    tail = tail * t - 1.61342249e-1f;
    tail = tail * t + 1.93732932e-1f;
    tail = tail * t + 7.28616068e-2f;
    tail = tail * t + 1.22026388e-1f;
    tail = tail * t + 1.15008926e-1f;
    tail = tail * t + 3.18905736e-5f;
    *density = choose(inside, exponential(-0.5f * size * size), splat(0.0f));
    tail *= *density;
    return choose(z > 0.0f, 1.0f - tail, tail);
}

#endif
