/* Owns: the floating-point mode of a thread, keeping subnormal numbers out of training, and the flags that
 * tell whether arithmetic has left the finite numbers.
 *
 * Moments decay, and gradients of samples that are learned well shrink, until they are subnormal. Many
 * processors are a hundred times slower with such numbers. During a step the thread treats them as 0;
 * afterwards it has its former mode again.
 *
 * A processor remembers that a result was not finite although the operands were. So whether a step has made
 * such a number costs nothing to know. */
#ifndef MFI_BASE_SUBNORMAL_H
#define MFI_BASE_SUBNORMAL_H

#include <stdint.h>

#include <float.h>
#include <stdbool.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif !defined(__aarch64__)
#include <fenv.h>
#endif

/* 32-bit x86 hands numbers from function to function in its old unit, which has a mode of its own: in the
 * upper half of the values below. There a signalling NaN is an exception on the way. */
#if defined(__SSE2__) && defined(__i386__)
enum { MFI_X87_MASKS = 0x3F };

static inline uint64_t mfi_x87_mode(void)
{
    uint16_t mode;
    __asm__ volatile("fnstcw %0" : "=m"(mode));
    return (uint64_t)mode << 32;
}

static inline bool mfi_x87_traps(uint64_t mode)
{
    return (mode >> 32 & MFI_X87_MASKS) != MFI_X87_MASKS;
}

/* Flags of what was masked would trap once it no longer is. */
static inline void mfi_x87_set(uint64_t mode)
{
    uint16_t control = (uint16_t)(mode >> 32);
    if (mfi_x87_traps(mode))
        __asm__ volatile("fnclex");
    __asm__ volatile("fldcw %0" : : "m"(control));
}
#else
enum { MFI_X87_MASKS = 0 };

static inline uint64_t mfi_x87_mode(void)
{
    return 0;
}

static inline void mfi_x87_set(uint64_t mode)
{
    (void)mode;
}

static inline bool mfi_x87_traps(uint64_t mode)
{
    (void)mode;
    return false;
}
#endif

static inline void mfi_x87_calm(uint64_t mode)
{
    if (mfi_x87_traps(mode))
        mfi_x87_set(mode | (uint64_t)MFI_X87_MASKS << 32);
}

/* Returns the former mode, for mfi_subnormals_restore(). Exceptions that the host has unmasked are masked. */
static inline uint64_t mfi_subnormals_to_zero(void)
{
#if defined(__SSE2__)
    const unsigned results_to_zero = 0x8000, inputs_to_zero = 0x0040, masks = 0x1F80;
    unsigned mode = _mm_getcsr();
    uint64_t old = mfi_x87_mode();
    _mm_setcsr(mode | results_to_zero | inputs_to_zero | masks);
    mfi_x87_calm(old);
    return mode | old;
#elif defined(__aarch64__)
    const uint64_t to_zero = UINT64_C(1) << 24, traps = 0x9F00;
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"((mode | to_zero) & ~traps));
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
    return _mm_getcsr() | mfi_x87_mode();
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
    mfi_x87_set(mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

/* Masks exceptions until the block ends: a host may have unmasked them, so that its own mistakes end it with
 * SIGFPE, but a NaN that it passes must give a status. Nearly always there is nothing to do. */
static inline uint64_t mfi_float_calm(void)
{
#if defined(__SSE2__)
    unsigned mode = _mm_getcsr();
    uint64_t old = mfi_x87_mode();
    if ((mode & 0x1F80) != 0x1F80)
        _mm_setcsr(mode | 0x1F80);
    mfi_x87_calm(old);
    return mode | old;
#elif defined(__aarch64__)
    uint64_t mode = mfi_float_mode();
    if ((mode & 0x9F00) != 0)
        mfi_subnormals_restore(mode & ~(uint64_t)0x9F00);
    return mode;
#else
    return 0;
#endif
}

static inline void mfi_float_uncalm(const uint64_t *mode)
{
#if defined(__SSE2__)
    if ((*mode & 0x1F80) != 0x1F80 || mfi_x87_traps(*mode))
        mfi_subnormals_restore(*mode);
#elif defined(__aarch64__)
    if ((*mode & 0x9F00) != 0)
        mfi_subnormals_restore(*mode);
#else
    (void)mode;
#endif
}

#define MFI_CALM uint64_t mfi_mode_ __attribute__((cleanup(mfi_float_uncalm), unused)) = mfi_float_calm()

/* Whether a result was infinite or NaN in this thread since the flags were cleared. It may have been one that
 * nobody has kept. */
static inline bool mfi_float_left_finite(void)
{
#if defined(__SSE2__)
    return (_mm_getcsr() & 0x0D) != 0; /* invalid, division by zero, overflow */
#elif defined(__aarch64__)
    uint64_t flags;
    __asm__ volatile("mrs %0, fpsr" : "=r"(flags));
    return (flags & 0x07) != 0;
#elif defined(FE_INVALID) && defined(FE_DIVBYZERO) && defined(FE_OVERFLOW)
    return fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) != 0;
#else
    return true;
#endif
}

static inline void mfi_float_clear_flags(void)
{
#if defined(__SSE2__)
    _mm_setcsr(_mm_getcsr() & ~0x3Fu);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpsr, %0" : : "r"(UINT64_C(0)));
#elif defined(FE_ALL_EXCEPT)
    feclearexcept(FE_ALL_EXCEPT);
#endif
}

/* Clears the flags; false if there are none that work, as without a floating-point unit, or in Valgrind. */
static inline bool mfi_float_begin_flags(void)
{
    volatile float largest = FLT_MAX, overflow = largest * largest;
    (void)overflow;
    bool work = mfi_float_left_finite();
    mfi_float_clear_flags();
    return work;
}

#endif
