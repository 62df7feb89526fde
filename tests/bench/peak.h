/* Owns: what one core can do at most, measured: multiply-adds that wait for nothing but the processor. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

/* FLOP/s of the calling thread in float32, a multiply-add being two: sums that do not depend on each other,
 * in registers, with the widest instructions that this processor has and this file knows. Takes 10 ms. */
double peak_float32(void);

/* The same for products of bf16 that are summed in float32; 0 where the processor has no instruction for
 * them, or the compiler does not know it. */
double peak_bf16(void);

/* The peak that a rate in bf16 or float32 is measured against: that of its precision, or, where the processor
 * has no instruction for products of bf16, that of float32. */
double peak_for(int bf16);

/* Which one that is: "bf16" or "float32". */
const char *peak_name_for(int bf16);

/* The instructions behind peak_float32(): "avx512", "avx2", "neon" or "generic". */
const char *peak_instructions(void);

#endif
