/* Owns: the floating-point mode of a thread, and keeping subnormal numbers out of training.
 *
 * Moments decay, and gradients of samples that are learned well shrink, until they are subnormal. Many
 * processors are a hundred times slower with such numbers. During a step the thread treats them as 0;
 * afterwards it has its former mode again. */
#ifndef MFI_BASE_SUBNORMAL_H
#define MFI_BASE_SUBNORMAL_H

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Returns the former mode, for mfi_subnormals_restore(). */
static inline uint64_t mfi_subnormals_to_zero(void)
{
#if defined(__SSE2__)
    const unsigned results_to_zero = 0x8000, inputs_to_zero = 0x0040;
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | results_to_zero | inputs_to_zero);
    return mode;
#elif defined(__aarch64__)
    const uint64_t to_zero = UINT64_C(1) << 24;
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | to_zero));
    return mode;
#else
    return 0;
#endif
}

/* The thread's mode as it is: a thread that helps another one takes over that one's, also if it is the
 * host's.
 */
static inline uint64_t mfi_float_mode(void)
{
#if defined(__SSE2__)
    return _mm_getcsr();
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
#else
    return 0;
#endif
}

static inline void mfi_subnormals_restore(uint64_t mode)
{
#if defined(__SSE2__)
    _mm_setcsr((unsigned)mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

#endif
