/* Owns: what takes part in bench_products: products, and libraries that compute them. */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include <stddef.h>

/* C = op(A) op(B), all row-major and without gaps: op(A) [m,k], op(B) [k,n], C [m,n]. */
typedef struct product {
    const char *kind; /* what a step uses it for */
    char size[48];    /* of the layer it belongs to, for people */
    size_t m, n, k;
    int trans_a, trans_b; /* A is [k,m], B is [n,k] */
    float *a, *b, *c;
} product;

/* One that computes products, on the calling thread alone. prepare() may put the operands into whatever order
 * and precision it likes, which is not timed, and returns what the others take, or NULL if it cannot compute
 * this product on this machine. run() writes C, in float32 and in plain order, unless there is a show(),
 * which does so after the clock. */
typedef struct competitor {
    const char *name;
    int bf16; /* its operands are bf16: it is measured against that peak */
    void *(*prepare)(const product *p);
    void (*run)(void *job);
    void (*finish)(void *job);
    void (*show)(void *job); /* or NULL */
} competitor;

/* The BLAS library that the library was linked with, or its product in plain C. */
extern const competitor rival_blas;

/* This library's, or NULL from prepare() where it has the BLAS library's. */
extern const competitor rival_own, rival_own_bf16;

/* Those that were there when this was built. */
extern const competitor rival_xsmm;
extern const competitor rival_onednn_sgemm, rival_onednn, rival_onednn_bf16;

#endif
