/* Pairs of bf16 values, for the products of products_body.h: 32 bits hold the values of two neighbouring
 * inner indices, the even one in the low half. The sum of a product takes the odd one first, then the even
 * one, each rounded to the nearest float32, as the instruction of AVX512-BF16 does; without it, the same bits
 * come from two multiply-adds, since the product of two bf16 values is exact in float32. */
#ifndef MFI_MATH_PAIRS_H
#define MFI_MATH_PAIRS_H

#include "math/lanes.h"

typedef uint32_t pairs __attribute__((vector_size(MFI_LANES * sizeof(uint32_t)), aligned(4), may_alias));

INLINE pairs load_pairs(const void *from)
{
    return *(const pairs *)from;
}

INLINE void store_pairs(void *to, pairs value)
{
    *(pairs *)to = value;
}

/* Rounds to the nearest bf16, ties to even: its bits are the upper half. A NaN stays one. */
INLINE pairs round_to_bf16(vector value)
{
    pairs bits = (pairs)value;
    pairs rounded = bits + 0x7FFFu + ((bits >> 16) & 1u);
    pairs is_number = (pairs)(value == value);
    return (is_number & rounded) | (~is_number & (bits | 0x00400000u));
}

INLINE pairs make_pairs(vector even, vector odd)
{
    return (round_to_bf16(even) >> 16) | (round_to_bf16(odd) & 0xFFFF0000u);
}

/* The same for single values. */
INLINE uint32_t round_one_to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return value == value ? bits + 0x7FFFu + ((bits >> 16) & 1u) : bits | 0x00400000u;
}

INLINE uint32_t make_pair(float even, float odd)
{
    return (round_one_to_bf16(even) >> 16) | (round_one_to_bf16(odd) & 0xFFFF0000u);
}

/* The float32 values of the even or the odd halves. */
INLINE pairs half_of(int even, pairs value)
{
    if (even)
        return value << 16;
    return value & 0xFFFF0000u;
}

/* sum + odd halves + even halves */
INLINE vector add_pairs(vector sum, uint32_t one, pairs others)
{
    pairs all = (pairs){0} + one;
#ifdef MFI_USES_AVX512_BF16
    return (vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)all, (__m512bh)others);
#else
    sum += (vector)half_of(0, all) * (vector)half_of(0, others);
    return sum + (vector)half_of(1, all) * (vector)half_of(1, others);
#endif
}

#endif
