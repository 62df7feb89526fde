/* The kernels of every instruction set that this machine has, against naive double loops.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "random.h"
#include "variants.h"

/* Sizes around the lanes of 4, 8 and 16 floats, and beyond the blocks of 1024. */
static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 1023, 1025, 3001};

static const float leak = 0.2f;

static float *random_array(test_random *random, size_t count)
{
    float *values = get_memory((count + 1) * sizeof *values);

    random_values(random, values, count + 1, 1.0);
    return values;
}

static double phi(int kind, double z)
{
    switch (kind) {
    case MF_ACTIVATION_RELU:
        return z > 0.0 ? z : 0.0;
    case MF_ACTIVATION_LEAKY_RELU:
        return z > 0.0 ? z : (double)leak * z;
    case MF_ACTIVATION_TANH:
        return tanh(z);
    case MF_ACTIVATION_GELU:
        return 0.5 * z * (1.0 + erf(z / sqrt(2.0)));
    case MF_ACTIVATION_SILU:
        return z / (1.0 + exp(-z));
    default:
        return z;
    }
}

/* The derivative by differences of phi itself. */
static double phi_slope(int kind, double z)
{
    const double h = 1e-5;

    if (kind == MF_ACTIVATION_RELU || kind == MF_ACTIVATION_LEAKY_RELU)
        return z > 0.0 ? 1.0 : phi(kind, -1.0) / -1.0;
    return (phi(kind, z + h) - phi(kind, z - h)) / (2.0 * h);
}

static void check_activations(const mfi_kernels *kernels, test_random *random)
{
    for (int kind = MF_ACTIVATION_IDENTITY; kind <= MF_ACTIVATION_SILU; kind++)
        for (size_t s = 0; s < 14; s++)
            for (int form = 0; form < 4; form++) {
                size_t rows = 3, n = sizes[s];
                const mfi_activation activation = {.kind = kind, .leak = leak};
                float *x = random_array(random, rows * n), *bias = random_array(random, n);
                float *a = get_memory(rows * n * sizeof *a), *z = get_memory(rows * n * sizeof *z);

                memcpy(a, x, rows * n * sizeof *a);
                kernels->activate(activation, rows, n, form & 1 ? bias : NULL, a, form & 2 ? z : NULL);
                for (size_t i = 0; i < rows * n; i++) {
                    double sum = (double)x[i] + (form & 1 ? (double)bias[i % n] : 0.0);

                    check_near(phi(kind, sum), (double)a[i], 1e-6);
                    if (form & 2)
                        check_near(sum, (double)z[i], 1e-6);
                }
                free(x);
                free(bias);
                free(a);
                free(z);
            }
}

/* A NaN must survive every activation, so that the loss shows it. */
static void check_nan_survives(const mfi_kernels *kernels)
{
    for (int kind = MF_ACTIVATION_IDENTITY; kind <= MF_ACTIVATION_SILU; kind++)
        for (size_t place = 0; place < 35; place++) {
            const mfi_activation activation = {.kind = kind, .leak = leak};
            float a[35] = {0};

            a[place] = NAN;
            kernels->activate(activation, 1, 35, NULL, a, NULL);
            assert_true(isnan(a[place]));
        }
}

/* Softmax from tiny to huge arguments; again from its shift, to the bit; its gradient by the full matrix. */
static void check_softmax(const mfi_kernels *kernels, test_random *random)
{
    for (size_t s = 0; s < 15; s++)
        for (int step = 0; step < 3; step++) {
            size_t n = sizes[s];
            double spread = step == 0   ? 1e-3
                            : step == 1 ? 3.0
                                        : 1e4,
                   sum = 0.0, largest = -INFINITY, mean = 0.0;
            float *x = random_array(random, n), *p = get_memory(n * sizeof *p),
                  *again = get_memory(n * sizeof *p);
            float *dp = random_array(random, n), *ds = get_memory(n * sizeof *ds);
            mfi_softmax_shift shift;

            for (size_t i = 0; i < n; i++) {
                x[i] = (float)(spread * (double)x[i]);
                largest = (double)x[i] > largest ? (double)x[i] : largest;
            }
            for (size_t i = 0; i < n; i++)
                sum += exp((double)x[i] - largest);
            memcpy(p, x, n * sizeof *p);
            memcpy(again, x, n * sizeof *p);
            memcpy(ds, dp, n * sizeof *ds);
            assert_true((double)kernels->highest(n, x) == largest);
            check_near(sum, kernels->exponentials(n, x, (float)largest, NULL), 2e-7 * sum);
            check_near(sum, kernels->exponentials(n, x, (float)largest, p), 2e-7 * sum);
            kernels->scale_shift(n, 2.0f, 0.5f, p);
            for (size_t i = 0; i < n; i++)
                check_near(2.0 * exp((double)x[i] - largest) + 0.5, (double)p[i], 1e-6);
            memcpy(p, x, n * sizeof *p);
            kernels->softmax(n, p, &shift);
            kernels->softmax_again(n, again, shift);
            assert_memory_equal(p, again, n * sizeof *p);
            for (size_t i = 0; i < n; i++) {
                check_near(exp((double)x[i] - largest) / sum, (double)p[i], 1e-6);
                mean += (double)p[i] * (double)dp[i];
            }
            kernels->softmax_gradient(n, 0.25f, p, ds);
            for (size_t i = 0; i < n; i++)
                check_near(0.25 * (double)p[i] * ((double)dp[i] - mean), (double)ds[i], 1e-6);
            x[n / 2] = NAN;
            assert_true(isnan(kernels->exponentials(n, x, (float)largest, NULL)));
            kernels->softmax(n, x, &shift);
            assert_true(isnan(x[0]) && isnan(x[n - 1]));
            free(x);
            free(p);
            free(again);
            free(dp);
            free(ds);
        }
}

/* What is next to nothing beside the largest is 0, and nothing is subnormal. */
static void check_softmax_of_distant_values(const mfi_kernels *kernels)
{
    enum { COUNT = 37 };
    float p[COUNT], again[COUNT];
    mfi_softmax_shift shift;

    for (size_t i = 0; i < COUNT; i++)
        p[i] = again[i] = i % 9 ? (i % 2 ? -200.0f : -90.0f) : 0.0f;
    kernels->softmax(COUNT, p, &shift);
    kernels->softmax_again(COUNT, again, shift);
    assert_memory_equal(p, again, sizeof p);
    for (size_t i = 0; i < COUNT; i++)
        if (i % 9)
            assert_true(p[i] == 0.0f);
        else
            check_near(0.2, (double)p[i], 1e-7);
}

static void check_skinny_product(const mfi_kernels *kernels, test_random *random)
{
    const size_t columns[] = {1, 2, 3, 5, 6, 10, 13};

    for (size_t s = 0; s < 15; s++)
        for (size_t c = 0; c < COUNT_OF(columns); c++)
            for (size_t rows = 1; rows <= 9; rows += 1 + rows % 2) {
                size_t n = sizes[s], m = columns[c], lda = n + rows % 3;
                float *a = random_array(random, rows * lda), *b = random_array(random, m * n);
                float *to = random_array(random, rows * m), end = to[rows * m];

                kernels->skinny_product(rows, m, n, a, lda, b, to);
                for (size_t r = 0; r < rows; r++)
                    for (size_t k = 0; k < m; k++) {
                        double sum = 0.0, size = 1.0;

                        for (size_t j = 0; j < n; j++) {
                            sum += (double)a[r * lda + j] * (double)b[k * n + j];
                            size += fabs((double)a[r * lda + j] * (double)b[k * n + j]);
                        }
                        check_near(sum, (double)to[r * m + k], 1e-6 * size);
                    }
                assert_true(to[rows * m] == end);
                free(a);
                free(b);
                free(to);
            }
}

/* dz, dM and db of a panel of neurons that begins at `start`. */
static void check_gradient(const mfi_kernels *kernels, test_random *random, int kind, size_t rows,
                           size_t width, size_t start, size_t m)
{
    size_t n = start + width + 2;
    const mfi_activation activation = {.kind = kind, .leak = leak};
    float *z = random_array(random, rows * n), *a = random_array(random, rows * n);
    float *dg = random_array(random, rows * m), *projection = random_array(random, m * n);
    float *dz = random_array(random, rows * width), *dm = random_array(random, m * width);
    float *db = random_array(random, width), *again = get_memory(rows * width * sizeof *again);
    float *sums = get_memory(width * sizeof *sums);
    /* Only GELU's and SiLU's derivatives need z; the others are given none, as the library does. */
    const float *given = kind >= MF_ACTIVATION_GELU ? z + start : NULL;

    for (size_t i = 0; i < rows * n; i++)
        a[i] = (float)phi(kind, (double)z[i]);
    kernels->local_gradient(activation, rows, width, m, dg, projection + start, a + start, given, n, dz, dm,
                            db);
    for (size_t j = 0; j < width; j++) {
        double column = 0.0;

        for (size_t r = 0; r < rows; r++) {
            double sum = 0.0;

            for (size_t c = 0; c < m; c++)
                sum += (double)dg[r * m + c] * (double)projection[c * n + start + j];
            again[r * width + j] = (float)sum;
            sum *= phi_slope(kind, (double)z[r * n + start + j]);
            check_near(sum, (double)dz[r * width + j], 3e-6 * (double)(m + 1));
            column += sum;
        }
        check_near(column, (double)db[j], 3e-6 * (double)(m + 1) * (double)rows);
        for (size_t c = 0; c < m; c++) {
            double sum = 0.0;

            for (size_t r = 0; r < rows; r++)
                sum += (double)dg[r * m + c] * (double)a[r * n + start + j];
            check_near(sum, (double)dm[c * width + j], 3e-6 * (double)(rows + 1));
        }
    }
    /* The derivative alone, from dG M made elsewhere. */
    kernels->derivative(activation, rows, width, a + start, given, n, again, sums);
    for (size_t i = 0; i < rows * width; i++)
        check_near((double)dz[i], (double)again[i], 6e-6 * (double)(m + 1));
    for (size_t j = 0; j < width; j++)
        check_near((double)db[j], (double)sums[j], 6e-6 * (double)(m + 1) * (double)rows);
    free(z);
    free(a);
    free(dg);
    free(projection);
    free(dz);
    free(dm);
    free(db);
    free(again);
    free(sums);
}

static void check_gradients(const mfi_kernels *kernels, test_random *random)
{
    const size_t widths[] = {1, 3, 4, 8, 15, 16, 17, 33};

    for (int kind = MF_ACTIVATION_IDENTITY; kind <= MF_ACTIVATION_SILU; kind++)
        for (size_t w = 0; w < COUNT_OF(widths); w++)
            for (size_t rows = 1; rows <= 11; rows += 1 + rows % 3)
                check_gradient(kernels, random, kind, rows, widths[w], w % 3, 2 + (w + rows) % 11);
}

static void check_sums(const mfi_kernels *kernels, test_random *random)
{
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        size_t n = sizes[s];
        float *x = random_array(random, n), *y = random_array(random, n),
              *kept = get_memory(n * sizeof *kept);
        double products = 0.0, squares = 0.0;

        for (size_t i = 0; i < n; i++) {
            products += (double)x[i] * (double)y[i];
            squares += (double)x[i] * (double)x[i];
        }
        check_near(products, kernels->dot(n, x, y), 2e-6 * (double)n);
        check_near(squares, kernels->sum_of_squares(n, x), 1e-6 * squares);
        memcpy(kept, y, n * sizeof *kept);
        kernels->scale_add(n, 0.25f, y, -3.0f, x);
        for (size_t i = 0; i < n; i++)
            check_near(0.25 * (double)kept[i] - 3.0 * (double)x[i], (double)y[i], 2e-6 * 4.0);
        for (size_t i = 0; i < n; i++)
            y[i] = NAN; /* must not be read */
        kernels->scale_add(n, 0.0f, y, 2.0f, x);
        for (size_t i = 0; i < n; i++)
            assert_true(y[i] == 2.0f * x[i]);
        free(x);
        free(y);
        free(kept);
    }
}

static void check_finite(const mfi_kernels *kernels)
{
    const float poisons[] = {NAN, -NAN, INFINITY, -INFINITY};

    for (size_t n = 0; n < 70; n++) {
        float x[70] = {0};

        for (size_t i = 0; i < n; i++)
            x[i] = i % 2 ? FLT_MAX : -FLT_MAX;
        assert_true(kernels->all_finite(n, x));
        for (size_t i = 0; i < n; i++) {
            float kept = x[i];

            x[i] = poisons[i % 4];
            assert_false(kernels->all_finite(n, x));
            x[i] = kept;
        }
    }
}

/* One stream, one mask: whatever the instruction set. */
static void check_dropout(const mfi_kernels *kernels)
{
    const mfi_stream stream = mfi_stream_of(77, MFI_PURPOSE_DROPOUT, 3);
    const mfi_kernels *generic = mfi_kernels_variant(0);
    float a[1001], b[1001];
    size_t zeros = 0;

    for (size_t i = 0; i < 1001; i++)
        a[i] = b[i] = (float)i + 1.0f;
    kernels->dropout(&stream, 0.25f, 0, 604, a);
    kernels->dropout(&stream, 0.25f, 604, 1001, a);
    generic->dropout(&stream, 0.25f, 0, 1001, b);
    assert_memory_equal(a, b, sizeof a);
    for (size_t i = 0; i < 1001; i++)
        if (a[i] == 0.0f)
            zeros++;
        else
            check_near(((double)i + 1.0) / 0.75, (double)a[i], 1e-3);
    assert_in_range(zeros, 180, 320);
}

static void check_variant(const mfi_kernels *kernels, int index)
{
    test_random random = {(uint64_t)index + 1};

    print_message("kernels: %s\n", kernels->name);
    check_activations(kernels, &random);
    check_nan_survives(kernels);
    check_skinny_product(kernels, &random);
    check_softmax(kernels, &random);
    check_softmax_of_distant_values(kernels);
    check_gradients(kernels, &random);
    check_sums(kernels, &random);
    check_finite(kernels);
    check_dropout(kernels);
}

static void test_the_last_variant_is_selected(void **state)
{
    const mfi_kernels *best = mfi_kernels_select();
    int last = 0;

    (void)state;
    while (mfi_kernels_variant(last + 1) != NULL)
        last++;
    assert_ptr_equal(best, mfi_kernels_variant(last));
    assert_null(mfi_kernels_variant(99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT_TESTS,
        cmocka_unit_test(test_the_last_variant_is_selected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
