/* Owns: the product of matrices in plain order, the only function that this library uses of BLAS. */
#ifndef MFI_MATH_GEMM_H
#define MFI_MATH_GEMM_H

#include <stddef.h>

enum { MFI_NO_TRANS = 0, MFI_TRANS = 1 };

/* C = alpha op(A) op(B) + beta C, all row-major: op(A) [m,k], op(B) [k,n], C [m,n]. With beta = 0, C is
 * not read. Every size and leading dimension fits an int; lib/model checks that. */
typedef void mfi_gemm_function(int trans_a, int trans_b, size_t m, size_t n, size_t k, float alpha,
                               const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                               size_t ldc);

/* The product of the linked BLAS library, or the one in plain C if there is none. Our own are among the kernels
 * (gemm_body.h). */
mfi_gemm_function mfi_gemm;

/* The product in plain C: for targets without BLAS, for sanitizers, and to test the other one. */
mfi_gemm_function mfi_gemm_builtin;

#endif
