/* Owns: the matrix product by a CBLAS library. The only file that names one. */
#include "math/gemm.h"

#include <cblas.h>

#include "math/blas.h"

void mfi_gemm(int trans_a, int trans_b, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
              const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans,
                (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

/* Any function of the library will do to find the library by. */
void *mfi_gemm_library_address(void)
{
    return __extension__(void *) cblas_sgemm;
}
