/* Owns: the choice of the products that run: our own of an instruction set, or the BLAS library's. */
#ifndef MFI_MATH_PRODUCTS_H
#define MFI_MATH_PRODUCTS_H

#include "math/kernels.h"

/* A layer keeps its choice as long as it lives, since its weights lie in that order. */
typedef struct mfi_products {
    const mfi_kernels *kernels;
    const mfi_panel_products *own; /* those of the precision */
    mfi_order order;               /* of weights; plain order for the BLAS library */
    mfi_gemm_function *gemm;       /* for matrices that are in plain order: heads, attention, similarities */
    bool winograd;                 /* whether convolutions may use that method (winograd.h) */
} mfi_products;

/* The fastest products for this processor, or those that the environment variable MF_PRODUCTS names: "blas",
 * or an instruction set. A name that is unknown, or that this processor cannot run, is left out of account. A
 * BLAS library has no products of bf16. MF_WINOGRAD=0 refuses Winograd's method, and so does bf16: its
 * transforms would have to be rounded, which are not the operands any more. */
mfi_products mfi_products_choose(mfi_precision precision);

/* "blas", or the instruction set: "generic", "avx2", "avx512". */
const char *mfi_products_name(const mfi_products *products);

#endif
