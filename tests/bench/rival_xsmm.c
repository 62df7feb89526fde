/* Owns: products by libxsmm.
 *
 * It compiles kernels for small products when they are first wanted. A large product is made of these here,
 * on operands that lie in blocks, each block without gaps. To libxsmm, which counts by columns, it is C^T
 * [n,m] = op(B)^T op(A)^T. */
#include <libxsmm.h>
#include <stdlib.h>

#include "rivals.h"
#include "support.h"

enum { TILE_M = 64, TILE_K = 256, TRIALS = 3 };

/* Which is best depends on the processor's vectors. */
static const size_t tiles_n[] = {32, 48, 64};

typedef struct xsmm_job {
    const product *p;
    float *a; /* for each TILE_K of k: [m, those of k] */
    float *b; /* for each TILE_K of k, for each tile_n of n: [those of k, those of n] */
    size_t tile_n;
} xsmm_job;

static size_t at_most(size_t rest, size_t tile)
{
    return rest < tile ? rest : tile;
}

static void pack_a(const product *p, float *to)
{
    for (size_t k = 0; k < p->k; k += TILE_K)
        for (size_t i = 0; i < p->m; i++)
            for (size_t l = k; l < k + at_most(p->k - k, TILE_K); l++)
                *to++ = p->trans_a ? p->a[l * p->m + i] : p->a[i * p->k + l];
}

static void pack_b(const product *p, size_t tile_n, float *to)
{
    for (size_t k = 0; k < p->k; k += TILE_K)
        for (size_t n = 0; n < p->n; n += tile_n)
            for (size_t l = k; l < k + at_most(p->k - k, TILE_K); l++)
                for (size_t j = n; j < n + at_most(p->n - n, tile_n); j++)
                    *to++ = p->trans_b ? p->b[j * p->k + l] : p->b[l * p->n + j];
}

/* libxsmm keeps what it has compiled. NULL on processors that it compiles nothing for. */
static libxsmm_smmfunction kernel_for(size_t m, size_t n, size_t k, size_t columns, int add)
{
    const libxsmm_blasint lda = (libxsmm_blasint)n, ldb = (libxsmm_blasint)k, ldc = (libxsmm_blasint)columns;
    const float alpha = 1.0f, beta = add ? 1.0f : 0.0f;
    return libxsmm_smmdispatch(lda, (libxsmm_blasint)m, ldb, &lda, &ldb, &ldc, &alpha, &beta, NULL, NULL);
}

static void xsmm_finish(void *job)
{
    xsmm_job *j = job;
    free(j->a);
    free(j->b);
    free(j);
}

static void xsmm_run(void *job)
{
    const xsmm_job *j = job;
    const product *p = j->p;
    for (size_t k = 0; k < p->k; k += TILE_K) {
        size_t deep = at_most(p->k - k, TILE_K);
        for (size_t n = 0; n < p->n; n += j->tile_n) {
            size_t wide = at_most(p->n - n, j->tile_n);
            for (size_t m = 0; m < p->m; m += TILE_M)
                kernel_for(at_most(p->m - m, TILE_M), wide, deep, p->n, k > 0)(
                    j->b + k * p->n + n * deep, j->a + k * p->m + m * deep, p->c + m * p->n + n);
        }
    }
}

static void use_tile(xsmm_job *j, size_t tile_n)
{
    j->tile_n = tile_n;
    pack_b(j->p, tile_n, j->b);
}

static void choose_tile(xsmm_job *j)
{
    double best_time = 0.0;
    size_t best = 0;
    for (size_t i = 0; i < sizeof tiles_n / sizeof *tiles_n; i++) {
        use_tile(j, tiles_n[i]);
        xsmm_run(j); /* compiles */
        for (int trial = 0; trial < TRIALS; trial++) {
            double start = seconds_now();
            xsmm_run(j);
            double time = seconds_now() - start;
            if (best_time == 0.0 || time < best_time) {
                best_time = time;
                best = tiles_n[i];
            }
        }
    }
    use_tile(j, best);
}

static void *xsmm_prepare(const product *p)
{
    xsmm_job *j = malloc(sizeof *j);
    if (!j)
        give_up("no memory for", "libxsmm");
    *j = (xsmm_job){p, malloc(p->m * p->k * sizeof(float)), malloc(p->k * p->n * sizeof(float)), 0};
    if (!j->a || !j->b)
        give_up("no memory for", "libxsmm");
    pack_a(p, j->a);
    if (!kernel_for(1, 1, 1, 1, 0)) {
        xsmm_finish(j);
        return NULL;
    }
    choose_tile(j);
    return j;
}

const competitor rival_xsmm = {"libxsmm", 0, xsmm_prepare, xsmm_run, xsmm_finish, NULL};
