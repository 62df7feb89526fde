/* Owns: telling the processor that a loop does nothing but wait for another thread. */
#ifndef MFI_BASE_RELAX_H
#define MFI_BASE_RELAX_H

static inline void mfi_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

#endif
