/* The product of matrices in plain order: the linked library's, the plain-C twin, and our own for each
 * instruction set, against double loops. SPDX-License-Identifier: MIT */
#include <math.h>

#include "check.h"
#include "math/gemm.h"
#include "math/kernels.h"
#include "random.h"

typedef struct shape {
    size_t m, n, k;
} shape;

static const shape shapes[] = {{1, 1, 1},    {1, 1, 7},    {1, 9, 1},     {5, 1, 1},     {2, 3, 4},
                               {3, 17, 5},   {4, 16, 128}, {5, 15, 129},  {7, 33, 31},   {16, 16, 16},
                               {17, 1, 300}, {1, 300, 17}, {33, 65, 127}, {64, 10, 257}, {130, 70, 3}};

static const float alphas[] = {1.0f, 0.0f, -0.75f};
static const float betas[] = {0.0f, 1.0f, 0.5f};

/* C of both kinds lies in a field with margins, so that a write beside it is seen. */
#define MARGIN 12345.0f

typedef struct product {
    int trans_a, trans_b;
    shape size;
    float alpha, beta;
    size_t gap; /* leading dimensions are larger than the rows by this */
} product;

static void check_product(mfi_gemm_function *gemm, const char *name, const product *p, test_random *random)
{
    size_t m = p->size.m, n = p->size.n, k = p->size.k;
    size_t rows_a = p->trans_a ? k : m, columns_a = p->trans_a ? m : k, lda = columns_a + p->gap;
    size_t rows_b = p->trans_b ? n : k, columns_b = p->trans_b ? k : n, ldb = columns_b + p->gap;
    size_t ldc = n + p->gap;
    float *a = get_memory(rows_a * lda * sizeof *a), *b = get_memory(rows_b * ldb * sizeof *b);
    float *c = get_memory(m * ldc * sizeof *c), *before = get_memory(m * ldc * sizeof *before);

    random_values(random, a, rows_a * lda, 1.0);
    random_values(random, b, rows_b * ldb, 1.0);
    random_values(random, c, m * ldc, 1.0);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc; j++)
            if (j >= n)
                c[i * ldc + j] = MARGIN;
            else if (p->beta == 0.0f)
                c[i * ldc + j] = NAN; /* must not be read */
    memcpy(before, c, m * ldc * sizeof *c);
    gemm(p->trans_a, p->trans_b, m, n, k, p->alpha, a, lda, b, ldb, p->beta, c, ldc);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0.0, size = 1.0, expected;

            for (size_t q = 0; q < k; q++) {
                double x = (double)a[p->trans_a ? q * lda + i : i * lda + q];
                double y = (double)b[p->trans_b ? j * ldb + q : q * ldb + j];

                sum += x * y;
                size += fabs(x * y);
            }
            expected = (double)p->alpha * sum;
            if (p->beta != 0.0f)
                expected += (double)p->beta * (double)before[i * ldc + j];
            if (!(fabs((double)c[i * ldc + j] - expected) <= 1e-6 * size))
                fail_msg("%s: %ux%ux%u, transposed %d %d, alpha %g, beta %g: C[%u,%u] is %.9g, not %.9g",
                         name, (unsigned)m, (unsigned)n, (unsigned)k, p->trans_a, p->trans_b,
                         (double)p->alpha, (double)p->beta, (unsigned)i, (unsigned)j, (double)c[i * ldc + j],
                         expected);
        }
        for (size_t j = n; j < ldc; j++)
            assert_true(c[i * ldc + j] == MARGIN);
    }
    free(a);
    free(b);
    free(c);
    free(before);
}

static void check_all(mfi_gemm_function *gemm, const char *name)
{
    test_random random = {17};

    for (size_t s = 0; s < COUNT_OF(shapes); s++)
        for (int trans = 0; trans < 4; trans++)
            for (size_t i = 0; i < COUNT_OF(alphas); i++)
                for (size_t j = 0; j < COUNT_OF(betas); j++)
                    for (size_t gap = 0; gap <= 5; gap += 5) {
                        product one = {trans & 1, trans >> 1, shapes[s], alphas[i], betas[j], gap};

                        check_product(gemm, name, &one, &random);
                    }
}

static void test_the_linked_product_matches_the_definition(void **state)
{
    (void)state;
    check_all(mfi_gemm, "the linked library");
}

static void test_the_builtin_product_matches_the_definition(void **state)
{
    (void)state;
    check_all(mfi_gemm_builtin, "the plain-C twin");
}

static void test_our_own_products_match_the_definition(void **state)
{
    const mfi_kernels *kernels;

    (void)state;
    for (int index = 0; (kernels = mfi_kernels_variant(index)) != NULL; index++)
        check_all(kernels->gemm, kernels->name);
}

/* But for those of a single row, which has a way of its own. */
static void test_bits_do_not_depend_on_the_sizes(void **state)
{
    enum { M = 19, N = 61, K = 300, FEW = 5 };
    float a[M * K], b[N * K], all[M * N], some[FEW];
    test_random random = {8};
    const mfi_kernels *kernels;

    (void)state;
    random_values(&random, a, M * K, 1.0);
    random_values(&random, b, N * K, 1.0);
    for (int index = 0; (kernels = mfi_kernels_variant(index)) != NULL; index++)
        for (int trans = 0; trans < 4; trans++) {
            const int turned_a = trans & 1, turned_b = trans >> 1;
            const size_t lda = turned_a ? M : K, ldb = turned_b ? K : N;

            kernels->gemm(turned_a, turned_b, M, N, K, 1.0f, a, lda, b, ldb, 0.0f, all, N);
            for (size_t i = 0; i + FEW <= M; i++)
                for (size_t j = 0; j < N; j++) {
                    kernels->gemm(turned_a, turned_b, FEW, 1, K, 1.0f, turned_a ? a + i : a + i * K, lda,
                                  turned_b ? b + j * K : b + j, ldb, 0.0f, some, 1);
                    for (size_t r = 0; r < FEW; r++)
                        assert_memory_equal(&some[r], &all[(i + r) * N + j], sizeof *some);
                }
        }
}

/* A single row of a product that goes along B takes the way that its sums would have taken beside others. */
static void test_a_single_row_has_the_bits_of_a_row_among_others(void **state)
{
    enum { N = 61, K = 300 };
    float a[2 * K], b[K * N], both[2 * N], one[N];
    test_random random = {9};
    const mfi_kernels *kernels;

    (void)state;
    random_values(&random, a, COUNT_OF(a), 1.0);
    random_values(&random, b, COUNT_OF(b), 1.0);
    for (int index = 0; (kernels = mfi_kernels_variant(index)) != NULL; index++)
        for (int adds = 0; adds <= 1; adds++) {
            for (size_t j = 0; j < N; j++)
                one[j] = both[j] = (float)j;
            kernels->gemm(0, 0, 2, N, K, 1.0f, a, K, b, N, (float)adds, both, N);
            kernels->gemm(0, 0, 1, N, K, 1.0f, a, K, b, N, (float)adds, one, N);
            assert_memory_equal(one, both, sizeof one);
        }
}

/* The shapes of a real layer, the two back ends directly against each other. */
static void test_both_products_agree(void **state)
{
    const size_t m = 128, n = 250, k = 784;
    test_random random = {5};
    float *a = get_memory(m * k * sizeof *a), *b = get_memory(n * k * sizeof *b);
    float *one = get_memory(m * n * sizeof *one), *other = get_memory(m * n * sizeof *other);

    (void)state;
    random_values(&random, a, m * k, 1.0);
    random_values(&random, b, n * k, 1.0);
    for (int trans = 0; trans < 4; trans++) {
        size_t lda = trans & 1 ? m : k, ldb = trans & 2 ? k : n;

        mfi_gemm(trans & 1, trans >> 1, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, one, n);
        mfi_gemm_builtin(trans & 1, trans >> 1, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, other, n);
        for (size_t i = 0; i < m * n; i++)
            check_near((double)one[i], (double)other[i], 3e-4);
    }
    free(a);
    free(b);
    free(one);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_linked_product_matches_the_definition),
        cmocka_unit_test(test_the_builtin_product_matches_the_definition),
        cmocka_unit_test(test_our_own_products_match_the_definition),
        cmocka_unit_test(test_bits_do_not_depend_on_the_sizes),
        cmocka_unit_test(test_a_single_row_has_the_bits_of_a_row_among_others),
        cmocka_unit_test(test_both_products_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
