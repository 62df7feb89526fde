/* The optimizers of every instruction set that this machine has, against naive double loops. Those behind a
 * product: unit/products.c. SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "random.h"
#include "variants.h"

/* Sizes around the lanes of 4, 8 and 16 floats, and beyond the blocks of 1024. */
static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 1023, 1025, 3001};

static float *random_array(test_random *random, size_t count)
{
    float *values = get_memory((count + 1) * sizeof *values);

    random_values(random, values, count + 1, 1.0);
    return values;
}

static void naive_update(const mfi_rule *rule, double g, double *p, double *s0, double *s1)
{
    double mu = (double)rule->momentum, b1 = (double)rule->beta1, b2 = (double)rule->beta2;
    double slope = g + (double)rule->decay * *p, rate = (double)rule->rate, e = (double)rule->epsilon;

    switch (rule->kind) {
    case MFI_RULE_SGD:
        *p -= rate * slope;
        break;
    case MFI_RULE_MOMENTUM:
        *s0 = mu * *s0 + slope;
        *p -= rate * *s0;
        break;
    case MFI_RULE_NESTEROV:
        *s0 = mu * *s0 + slope;
        *p -= rate * (slope + mu * *s0);
        break;
    case MFI_RULE_ADAM:
        *s0 = b1 * *s0 + (1.0 - b1) * slope;
        *s1 = b2 * *s1 + (1.0 - b2) * slope * slope;
        *p = (double)rule->keep * *p - rate * *s0 / (sqrt(*s1) * (double)rule->root + e);
        break;
    case MFI_RULE_RMSPROP:
        *s0 = b2 * *s0 + (1.0 - b2) * slope * slope;
        *p -= rate * slope / (sqrt(*s0) + e);
        break;
    default:
        *s0 = b2 * *s0 + (1.0 - b2) * slope * slope;
        *s1 = mu * *s1 + slope / (sqrt(*s0) + e);
        *p -= rate * *s1;
        break;
    }
}

static const mfi_rule some_rule = {.rate = 0.05f,
                                   .decay = 0.1f,
                                   .keep = 0.97f,
                                   .momentum = 0.8f,
                                   .beta1 = 0.75f,
                                   .beta2 = 0.9f,
                                   .epsilon = 0.01f,
                                   .root = 1.7f};

static void check_updates(const mfi_kernels *kernels, test_random *random)
{
    for (int kind = MFI_RULE_SGD; kind <= MFI_RULE_RMSPROP_MOMENTUM; kind++)
        for (size_t s = 0; s < COUNT_OF(sizes); s++) {
            size_t n = sizes[s];
            mfi_rule rule = some_rule;
            rule.kind = (mfi_rule_kind)kind;
            float *g = random_array(random, n), *p = random_array(random, n);
            float *s0 = random_array(random, n), *s1 = random_array(random, n);
            float end[3];

            for (size_t i = 0; i < n; i++) {
                s0[i] = fabsf(s0[i]); /* second moments are not negative */
                s1[i] = fabsf(s1[i]);
            }
            end[0] = p[n];
            end[1] = s0[n];
            end[2] = s1[n];
            {
                double *exact = get_memory(3 * n * sizeof *exact);

                for (size_t i = 0; i < n; i++) {
                    exact[3 * i] = (double)p[i];
                    exact[3 * i + 1] = (double)s0[i];
                    exact[3 * i + 2] = (double)s1[i];
                    naive_update(&rule, (double)g[i], &exact[3 * i], &exact[3 * i + 1], &exact[3 * i + 2]);
                }
                assert_true(kernels->update(&rule, 1, n, p, n, g, n, s0, s1));
                for (size_t i = 0; i < n; i++) {
                    check_near(exact[3 * i], (double)p[i], 2e-6 * (1.0 + fabs(exact[3 * i])));
                    check_near(exact[3 * i + 1], (double)s0[i], 2e-6 * (1.0 + fabs(exact[3 * i + 1])));
                    check_near(exact[3 * i + 2], (double)s1[i], 2e-6 * (1.0 + fabs(exact[3 * i + 2])));
                }
                free(exact);
            }
            assert_true(p[n] == end[0] && s0[n] == end[1] && s1[n] == end[2]);
            free(g);
            free(p);
            free(s0);
            free(s1);
        }
}

/* Rows of g with a stride of their own. Values behind those of p must stay. */
static void check_rows(const mfi_kernels *kernels, test_random *random, int kind, size_t rows, size_t columns)
{
    size_t ldg = columns + 1, count = rows * columns;
    mfi_rule rule = some_rule;
    float *g = random_array(random, rows * ldg), *p = random_array(random, count),
          *s0 = random_array(random, count), *s1 = random_array(random, count);
    double *exact = get_memory(3 * count * sizeof *exact);
    float end = p[count];
    rule.kind = (mfi_rule_kind)kind;
    for (size_t i = 0; i < count; i++) {
        s0[i] = fabsf(s0[i]);
        s1[i] = fabsf(s1[i]);
        exact[3 * i] = (double)p[i];
        exact[3 * i + 1] = (double)s0[i];
        exact[3 * i + 2] = (double)s1[i];
        naive_update(&rule, (double)g[i / columns * ldg + i % columns], &exact[3 * i], &exact[3 * i + 1],
                     &exact[3 * i + 2]);
    }
    assert_true(kernels->update(&rule, rows, columns, p, columns, g, ldg, s0, s1));
    for (size_t i = 0; i < count; i++) {
        check_near(exact[3 * i], (double)p[i], 1e-5 * (1.0 + fabs(exact[3 * i])));
        check_near(exact[3 * i + 1], (double)s0[i], 1e-5 * (1.0 + fabs(exact[3 * i + 1])));
        check_near(exact[3 * i + 2], (double)s1[i], 1e-5 * (1.0 + fabs(exact[3 * i + 2])));
    }
    assert_true(p[count] == end);
    free(g);
    free(p);
    free(s0);
    free(s1);
    free(exact);
}

static void check_all_rows(const mfi_kernels *kernels, test_random *random)
{
    static const size_t rows[] = {1, 5, 13}, columns[] = {1, 16, 63, 65};
    for (int kind = MFI_RULE_SGD; kind <= MFI_RULE_RMSPROP_MOMENTUM; kind++)
        for (size_t r = 0; r < COUNT_OF(rows); r++)
            for (size_t c = 0; c < COUNT_OF(columns); c++)
                check_rows(kernels, random, kind, rows[r], columns[c]);
}

/* One value of g, p, s0 or s1 that makes the new p not finite, at any place. */
static void check_told(const mfi_kernels *kernels, test_random *random, int kind, size_t n)
{
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, FLT_MAX};
    mfi_rule rule = some_rule;
    rule.kind = (mfi_rule_kind)kind;
    for (size_t at = 0; at < n; at += 1 + random_index(random, 9))
        for (size_t b = 0; b < COUNT_OF(bad); b++)
            for (int array = 0; array < 4; array++) {
                float *values[4]; /* g, p, s0, s1 */
                bool finite = true;
                for (int i = 0; i < 4; i++)
                    values[i] = random_array(random, n);
                for (size_t i = 0; i < n; i++) {
                    values[2][i] = fabsf(values[2][i]);
                    values[3][i] = fabsf(values[3][i]);
                }
                values[array][at] = bad[b];
                bool told = kernels->update(&rule, 1, n, values[1], n, values[0], n, values[2], values[3]);
                for (size_t i = 0; i < n; i++)
                    finite = finite && isfinite(values[1][i]);
                assert_true(told == finite);
                assert_true(array > 1 || bad[b] == FLT_MAX || !told);
                for (int i = 0; i < 4; i++)
                    free(values[i]);
            }
}

/* The new p overflows, and all that it is computed from is finite. */
static void check_overflow(const mfi_kernels *kernels, int kind)
{
    mfi_rule rule = some_rule;
    float p = -FLT_MAX, g = 8.0f, s0 = 1.0f, s1 = 1.0f;
    rule.kind = (mfi_rule_kind)kind;
    rule.rate = FLT_MAX;
    rule.decay = 0.0f;
    assert_false(kernels->update(&rule, 1, 1, &p, 1, &g, 1, &s0, &s1));
}

static void check_all_told(const mfi_kernels *kernels, test_random *random)
{
    static const size_t counts[] = {1, 5, 16, 33, 100};
    for (int kind = MFI_RULE_SGD; kind <= MFI_RULE_RMSPROP_MOMENTUM; kind++) {
        for (size_t i = 0; i < COUNT_OF(counts); i++)
            check_told(kernels, random, kind, counts[i]);
        check_overflow(kernels, kind);
    }
}

static void check_variant(const mfi_kernels *kernels, int index)
{
    test_random random = {(uint64_t)index + 7};
    check_updates(kernels, &random);
    check_all_rows(kernels, &random);
    check_all_told(kernels, &random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT_TESTS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
