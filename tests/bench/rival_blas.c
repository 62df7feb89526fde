/* Owns: products by the BLAS library. */
#include "math/gemm.h"
#include "rivals.h"

static void *blas_prepare(const product *p)
{
    return (void *)p;
}

static void blas_run(void *job)
{
    const product *p = job;
    mfi_gemm(p->trans_a, p->trans_b, p->m, p->n, p->k, 1.0f, p->a, p->trans_a ? p->m : p->k, p->b,
             p->trans_b ? p->k : p->n, 0.0f, p->c, p->n);
}

static void blas_finish(void *job)
{
    (void)job;
}

const competitor rival_blas = {"blas", 0, blas_prepare, blas_run, blas_finish, NULL};
