/* Owns: the matrix product of a CBLAS library. No other file calls one. */
#include "math/gemm.h"

#include <cblas.h>

#include "math/blas.h"

void mfi_gemm(int trans_a, int trans_b, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
              const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans,
                (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

/* The address of any function of the library serves to find the library. */
void *mfi_gemm_library_address(void)
{
    return __extension__(void *) cblas_sgemm;
}
