/* Owns: the choice of the products that run. */
#include "math/products.h"

#include <stdlib.h>
#include <string.h>

static const mfi_order plain = {1, 1};

static mfi_products own_products(const mfi_kernels *kernels, mfi_precision precision)
{
    const char *wanted = getenv("MF_WINOGRAD");
    return (mfi_products){
        .kernels = kernels,
        .own = precision == MFI_BF16 ? mfi_kernels_bf16(kernels) : &kernels->products[precision],
        .order = kernels->order,
        .gemm = kernels->gemm,
        .winograd = precision == MFI_FLOAT32 && (!wanted || strcmp(wanted, "0") != 0),
    };
}

static mfi_products blas_products(mfi_precision precision)
{
    const mfi_kernels *kernels = mfi_kernels_select();
    if (precision != MFI_FLOAT32)
        return own_products(kernels, precision);
    return (mfi_products){.kernels = kernels, .order = plain, .gemm = mfi_gemm};
}

/* Without an instruction set that we know, a BLAS library for this processor is faster than plain C. */
static mfi_products best_products(mfi_precision precision)
{
    const mfi_kernels *kernels = mfi_kernels_select();
#if defined(MFI_GEMM_IS_BUILTIN) || defined(__aarch64__)
    return own_products(kernels, precision);
#else
    return kernels == mfi_kernels_variant(0) ? blas_products(precision) : own_products(kernels, precision);
#endif
}

mfi_products mfi_products_choose(mfi_precision precision)
{
    const char *wanted = getenv("MF_PRODUCTS");
    const mfi_kernels *kernels;
    if (wanted && strcmp(wanted, "blas") == 0)
        return blas_products(precision);
    for (int index = 0; wanted && (kernels = mfi_kernels_variant(index)); index++)
        if (strcmp(wanted, kernels->name) == 0)
            return own_products(kernels, precision);
    return best_products(precision);
}

const char *mfi_products_name(const mfi_products *products)
{
    return mfi_order_is_plain(&products->order) ? "blas" : products->kernels->name;
}
