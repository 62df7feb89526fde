/* Owns: the choice of the kernels for the processor. */
#include "math/kernels.h"

extern const mfi_kernels mfi_kernels_generic;

#ifdef MFI_KERNELS_X86
extern const mfi_kernels mfi_kernels_avx2;
extern const mfi_kernels mfi_kernels_avx512;
#endif
#ifdef MFI_KERNELS_AVX512BF16
extern const mfi_panel_products mfi_products_avx512bf16;
#endif

const mfi_kernels *mfi_kernels_variant(int index)
{
    if (index == 0)
        return &mfi_kernels_generic;
#ifdef MFI_KERNELS_X86
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (index == 1 && avx2)
        return &mfi_kernels_avx2;
    if (index == 2 && avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        return &mfi_kernels_avx512;
#endif
    return NULL;
}

const mfi_kernels *mfi_kernels_select(void)
{
    const mfi_kernels *best = &mfi_kernels_generic;
    for (int index = 1;; index++) {
        const mfi_kernels *next = mfi_kernels_variant(index);
        if (!next)
            return best;
        best = next;
    }
}

const mfi_panel_products *mfi_kernels_bf16(const mfi_kernels *kernels)
{
#ifdef MFI_KERNELS_AVX512BF16
    if (kernels == &mfi_kernels_avx512 && __builtin_cpu_supports("avx512bf16"))
        return &mfi_products_avx512bf16;
#endif
    return &kernels->products[MFI_BF16];
}
