/* Owns: the floating-point mode of a thread, keeping subnormal numbers out of training.
 *
 * Moments decay, and gradients of samples that are learned well shrink, until they are subnormal. Many
 * processors are a hundred times slower with such numbers. During a step the thread treats them as 0;
 * afterwards it has its former mode again, and the flags of before. */
#ifndef MFI_BASE_SUBNORMAL_H
#define MFI_BASE_SUBNORMAL_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif !defined(__aarch64__)
#include <fenv.h>
#if defined(FE_INVALID) && defined(FE_DIVBYZERO) && defined(FE_OVERFLOW)
#define MFI_FENV /* what the C library knows of the processor */
#endif
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

/* A thread's mode and flags. */
#if defined(__SSE2__)
typedef uint64_t mfi_mode;
#elif defined(__aarch64__)
typedef struct mfi_mode {
    uint64_t control, flags;
} mfi_mode;
#elif defined(MFI_FENV)
typedef fenv_t mfi_mode;
#else
typedef int mfi_mode;
#endif

enum {
    MFI_SSE_MASKS = 0x1F80,
    MFI_SSE_TO_ZERO = 0x8040, /* results and operands */
    MFI_ARM_TRAPS = 0x9F00,
    MFI_ARM_TO_ZERO = 1 << 24
};

/* The thread's mode as it is: a thread that helps another one takes over that one's, also if it is the
 * host's. */
static inline mfi_mode mfi_float_mode(void)
{
#if defined(__SSE2__)
    return _mm_getcsr() | mfi_x87_mode();
#elif defined(__aarch64__)
    mfi_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(mode.flags));
    return mode;
#elif defined(MFI_FENV)
    mfi_mode mode = {0};
    fegetenv(&mode);
    return mode;
#else
    return 0;
#endif
}

static inline void mfi_float_restore(const mfi_mode *mode)
{
#if defined(__SSE2__)
    _mm_setcsr((unsigned)*mode);
    mfi_x87_set(*mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode->control));
    __asm__ volatile("msr fpsr, %0" : : "r"(mode->flags));
#elif defined(MFI_FENV)
    fesetenv(mode);
#else
    (void)mode;
#endif
}

/* Returns the former mode, for mfi_float_restore(). Exceptions that the host has unmasked are masked. Without
 * instructions for it subnormal numbers stay as they are. */
static inline mfi_mode mfi_subnormals_to_zero(void)
{
    mfi_mode mode = mfi_float_mode();
#if defined(__SSE2__)
    _mm_setcsr((unsigned)mode | MFI_SSE_TO_ZERO | MFI_SSE_MASKS);
    mfi_x87_calm(mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((mode.control | MFI_ARM_TO_ZERO) & ~(uint64_t)MFI_ARM_TRAPS));
#elif defined(MFI_FENV)
    feholdexcept(&mode);
#endif
    return mode;
}

/* Masks exceptions until the block ends: a host may have unmasked them, so that its own mistakes end it with
 * SIGFPE, but a NaN that it passes must give a status. Nearly always there is nothing to do. */
static inline mfi_mode mfi_float_calm(void)
{
    mfi_mode mode = mfi_float_mode();
#if defined(__SSE2__)
    if ((mode & MFI_SSE_MASKS) != MFI_SSE_MASKS)
        _mm_setcsr((unsigned)mode | MFI_SSE_MASKS);
    mfi_x87_calm(mode);
#elif defined(__aarch64__)
    if ((mode.control & MFI_ARM_TRAPS) != 0)
        __asm__ volatile("msr fpcr, %0" : : "r"(mode.control & ~(uint64_t)MFI_ARM_TRAPS));
#elif defined(MFI_FENV)
    feholdexcept(&mode);
#endif
    return mode;
}

static inline void mfi_float_uncalm(const mfi_mode *mode)
{
#if defined(__SSE2__)
    if ((*mode & MFI_SSE_MASKS) != MFI_SSE_MASKS || mfi_x87_traps(*mode))
        mfi_float_restore(mode);
#elif defined(__aarch64__)
    if ((mode->control & MFI_ARM_TRAPS) != 0)
        mfi_float_restore(mode);
#else
    mfi_float_restore(mode);
#endif
}

#define MFI_CALM mfi_mode mfi_mode_ __attribute__((cleanup(mfi_float_uncalm), unused)) = mfi_float_calm()

#endif
