/* Normalisation, pooling and columns, for every instruction set that this machine has, against naive double
 * loops. SPDX-License-Identifier: MIT */
#include <math.h>

#include "random.h"
#include "variants.h"

static float *random_array(test_random *random, size_t count)
{
    float *values = get_memory(count * sizeof *values);

    random_values(random, values, count, 1.0);
    return values;
}

/* ---- sums ---- */

static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 1023, 1024, 1025, 3001};

/* Far from 0, where a difference of squares would have lost all digits. */
static void check_moments(const mfi_kernels *kernels, test_random *random)
{
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        size_t n = sizes[s];
        float *x = random_array(random, n);
        double mean = 0.0, deviations = 0.0, got_mean, got_deviations;

        for (size_t i = 0; i < n; i++)
            mean += (double)(x[i] += 100.0f) / (double)n;
        for (size_t i = 0; i < n; i++)
            deviations += ((double)x[i] - mean) * ((double)x[i] - mean);
        kernels->moments(n, x, &got_mean, &got_deviations);
        check_near(mean, got_mean, 1e-4);
        check_near(deviations, got_deviations, 1e-4 * (deviations + 1e-3));
        free(x);
    }
}

/* Values that are all the same have no deviation, however many there are. */
static void check_moments_of_one_value(const mfi_kernels *kernels)
{
    const float values[] = {0.0f, 0.1f, 1.1f, 12345.678f, 100000.3f, -3.3f, 1e-20f, 1e15f};

    for (size_t v = 0; v < COUNT_OF(values); v++)
        for (size_t s = 0; s < COUNT_OF(sizes); s++) {
            float *x = get_memory(sizes[s] * sizeof *x);
            double mean, deviations;

            for (size_t i = 0; i < sizes[s]; i++)
                x[i] = values[v];
            kernels->moments(sizes[s], x, &mean, &deviations);
            check_near((double)values[v], mean, 1e-10 * fabs((double)values[v]));
            check_near(0.0, deviations / (double)sizes[s], 1e-16 * (double)values[v] * (double)values[v]);
            free(x);
        }
}

/* Means of many values that are all the same. */
static void check_large_windows(const mfi_kernels *kernels)
{
    const size_t size[] = {300, 1100};
    const float value = 1.1f;
    float *map = get_memory(2 * size[0] * size[1] * sizeof *map), mean;

    for (size_t i = 0; i < size[0] * size[1]; i++)
        map[i] = value;
    const mfi_pool pool = {.kind = MF_POOL_AVERAGE,
                           .map = {size[0], size[1]},
                           .size = {size[0], size[1]},
                           .stride = {1, 1},
                           .pooled = {1, 1}};

    kernels->map_forward((mfi_activation){.kind = MF_ACTIVATION_IDENTITY}, &pool, (mfi_shift){.scale = 1.0f},
                         1, map, &mean, 1, map + size[0] * size[1]);
    check_near((double)value, (double)mean, 1e-5);
    for (size_t cells = 1; cells <= 2; cells++) {
        float pooled[4];

        mfi_adaptive_pool(size, cells, 1, map, pooled);
        for (size_t i = 0; i < cells * cells; i++)
            check_near((double)value, (double)pooled[i], 1e-5);
    }
    free(map);
}

static void check_column_moments(const mfi_kernels *kernels, test_random *random)
{
    for (size_t s = 0; s < 14; s++) {
        size_t rows = 1 + random_index(random, 20), n = sizes[s], stride = n + random_index(random, 3);
        float *x = random_array(random, rows * stride), *got = get_memory(2 * n * sizeof *got);

        kernels->column_moments(rows, n, x, stride, got, got + n);
        for (size_t j = 0; j < n; j++) {
            double mean = 0.0, variance = 0.0;

            for (size_t b = 0; b < rows; b++)
                mean += (double)x[b * stride + j] / (double)rows;
            for (size_t b = 0; b < rows; b++)
                variance += pow((double)x[b * stride + j] - mean, 2.0) / (double)rows;
            check_near(mean, (double)got[j], 1e-6);
            check_near(variance, (double)got[n + j], 1e-6 * (1.0 + variance));
        }
        free(x);
        free(got);
    }
}

static void check_centered(const mfi_kernels *kernels, test_random *random)
{
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        size_t n = sizes[s];
        float *g = random_array(random, n), *u = random_array(random, n), *to = get_memory(n * sizeof *to);
        double sum = 3.0, product = 5.0, got_sum = 3.0, got_product = 5.0;

        for (size_t i = 0; i < n; i++) {
            sum += (double)g[i];
            product += (double)g[i] * ((double)u[i] - 0.5);
        }
        kernels->centered_sums(n, g, u, 0.5f, &got_sum, &got_product);
        check_near(sum, got_sum, 1e-3);
        check_near(product, got_product, 1e-3);
        memcpy(to, g, n * sizeof *to);
        kernels->center_gradient(n, u, 0.5f, 2.0f, 0.25f, 0.125f, to);
        for (size_t i = 0; i < n; i++)
            check_near(2.0 * ((double)g[i] - 0.25 - 0.125 * ((double)u[i] - 0.5)), (double)to[i], 1e-5);
        free(g);
        free(u);
        free(to);
    }
}

/* ---- the gradient of a normalisation: rows that lie apart, with and without the batch's share ---- */

static void check_normalization(const mfi_kernels *kernels, test_random *random)
{
    const size_t rows = 6, ldu = 40;

    for (size_t width = 1; width <= 37; width += 6)
        for (int batch = 0; batch <= 1; batch++) {
            float *u = random_array(random, rows * ldu), *dz = random_array(random, rows * width);
            float *mean = random_array(random, width), *inverse = random_array(random, width);
            float *scale = random_array(random, width), *db = random_array(random, width);
            float *got = get_memory(rows * width * sizeof *got), *dscale = get_memory(width * sizeof *dscale);
            float share = batch ? 1.0f / (float)rows : 0.0f;

            memcpy(got, dz, rows * width * sizeof *got);
            kernels->normalization_gradient(rows, width, u, ldu, mean, inverse, scale, db, share, got,
                                            dscale);
            for (size_t j = 0; j < width; j++) {
                double sum = 0.0;

                for (size_t b = 0; b < rows; b++)
                    sum += (double)dz[b * width + j] * ((double)u[b * ldu + j] - (double)mean[j]) *
                           (double)inverse[j];
                check_near(sum, (double)dscale[j], 1e-4);
                for (size_t b = 0; b < rows; b++) {
                    double normal = ((double)u[b * ldu + j] - (double)mean[j]) * (double)inverse[j];
                    double level = (double)share * ((double)db[j] + normal * sum);

                    check_near((double)scale[j] * ((double)dz[b * width + j] - level),
                               (double)got[b * width + j], 1e-4);
                }
            }
            kernels->normalize(rows, width, mean, scale, dz, width, got);
            for (size_t i = 0; i < rows * width; i++)
                check_near(((double)dz[i] - (double)mean[i % width]) * (double)scale[i % width],
                           (double)got[i], 1e-5);
            free(u);
            free(dz);
            free(mean);
            free(inverse);
            free(scale);
            free(db);
            free(got);
            free(dscale);
        }
}

/* ---- maps ---- */

typedef struct shape {
    int32_t kind;
    size_t map[2], size[2], stride[2];
} shape;

/* The one that has a way of its own, even and odd; others; overlapping ones. */
static const shape shapes[] = {
    {MF_POOL_AVERAGE, {8, 32}, {2, 2}, {2, 2}}, {MF_POOL_AVERAGE, {5, 7}, {2, 2}, {2, 2}},
    {MF_POOL_AVERAGE, {2, 2}, {2, 2}, {2, 2}},  {MF_POOL_AVERAGE, {7, 6}, {3, 2}, {2, 1}},
    {MF_POOL_MAX, {8, 32}, {2, 2}, {2, 2}},     {MF_POOL_MAX, {5, 7}, {2, 2}, {2, 2}},
    {MF_POOL_MAX, {4, 31}, {2, 2}, {2, 2}},     {MF_POOL_MAX, {2, 37}, {2, 2}, {2, 2}},
    {MF_POOL_MAX, {3, 3}, {2, 2}, {2, 2}},      {MF_POOL_MAX, {7, 16}, {2, 2}, {2, 2}},
    {MF_POOL_MAX, {7, 6}, {3, 2}, {2, 1}},      {MF_POOL_NONE, {3, 11}, {0, 0}, {0, 0}},
};

static mfi_pool pool_of(const shape *s)
{
    mfi_pool pool = {.kind = s->kind};

    for (int d = 0; d < 2; d++) {
        pool.map[d] = pool.pooled[d] = s->map[d];
        pool.size[d] = s->size[d];
        pool.stride[d] = s->stride[d];
        if (s->kind != MF_POOL_NONE)
            pool.pooled[d] = (s->map[d] - s->size[d]) / s->stride[d] + 1;
    }
    return pool;
}

static double phi(mfi_activation activation, double z)
{
    if (activation.kind == MF_ACTIVATION_RELU)
        return z > 0.0 ? z : 0.0;
    if (activation.kind == MF_ACTIVATION_LEAKY_RELU)
        return z > 0.0 ? z : (double)activation.leak * z;
    return activation.kind == MF_ACTIVATION_TANH ? tanh(z) : z;
}

/* Weight of place (i, j) of the map in the pooled value (y, x), given the activated map. */
static double weight_of(const mfi_pool *pool, const double *a, size_t y, size_t x, size_t i, size_t j)
{
    size_t top = y * pool->stride[0], left = x * pool->stride[1];

    if (pool->kind == MF_POOL_NONE)
        return y == i && x == j ? 1.0 : 0.0;
    if (i < top || i >= top + pool->size[0] || j < left || j >= left + pool->size[1])
        return 0.0;
    if (pool->kind == MF_POOL_AVERAGE)
        return 1.0 / (double)(pool->size[0] * pool->size[1]);
    for (size_t p = top; p < top + pool->size[0]; p++)
        for (size_t q = left; q < left + pool->size[1]; q++) {
            double other = a[p * pool->map[1] + q], own = a[i * pool->map[1] + j];

            if (other > own || (other == own && (p < i || (p == i && q < j))))
                return 0.0;
        }
    return 1.0;
}

/* One image of a map, forward and backward, from the definitions. */
static void check_image(const mfi_pool *pool, mfi_activation activation, mfi_shift shift, const float *u,
                        const float *got, const float *da, const float *dz)
{
    size_t pixels = pool->map[0] * pool->map[1];
    double *a = get_memory(pixels * sizeof *a);

    for (size_t i = 0; i < pixels; i++)
        a[i] =
            phi(activation, ((double)u[i] - (double)shift.mean) * (double)shift.scale + (double)shift.bias);
    for (size_t y = 0; y < pool->pooled[0]; y++)
        for (size_t x = 0; x < pool->pooled[1]; x++) {
            double sum = 0.0;

            for (size_t i = 0; i < pixels; i++)
                sum += a[i] * weight_of(pool, a, y, x, i / pool->map[1], i % pool->map[1]);
            check_near(sum, (double)got[y * pool->pooled[1] + x], 1e-5);
        }
    for (size_t i = 0; i < pixels; i++) {
        double sum = 0.0, z = ((double)u[i] - (double)shift.mean) * (double)shift.scale + (double)shift.bias;
        double slope = (phi(activation, z + 1e-6) - phi(activation, z - 1e-6)) / 2e-6;

        for (size_t y = 0; y < pool->pooled[0]; y++)
            for (size_t x = 0; x < pool->pooled[1]; x++)
                sum += (double)da[y * pool->pooled[1] + x] *
                       weight_of(pool, a, y, x, i / pool->map[1], i % pool->map[1]);
        check_near(sum * slope, (double)dz[i], 1e-5);
    }
    free(a);
}

static void check_some_images(const mfi_kernels *kernels, const mfi_pool *pool, mfi_activation activation,
                              int equal_values, test_random *random)
{
    enum { IMAGES = 3, APART = 7 };
    const mfi_shift shift = {.mean = 0.3f, .scale = 1.5f, .bias = -0.2f};
    size_t pixels = pool->map[0] * pool->map[1], lda = pool->pooled[0] * pool->pooled[1] + APART;
    float *u = random_array(random, IMAGES * pixels), *da = random_array(random, IMAGES * lda);
    float *a = random_array(random, IMAGES * lda), *dz = random_array(random, IMAGES * pixels);
    float *map = random_array(random, 2 * pixels);

    for (size_t i = 0; equal_values && i < IMAGES * pixels; i++)
        u[i] = 0.5f * roundf(2.0f * u[i]);
    kernels->map_forward(activation, pool, shift, IMAGES, u, a, lda, map);
    kernels->map_gradient(activation, pool, shift, IMAGES, u, da, lda, dz, map);
    for (size_t image = 0; image < IMAGES; image++)
        check_image(pool, activation, shift, u + image * pixels, a + image * lda, da + image * lda,
                    dz + image * pixels);
    free(u);
    free(a);
    free(da);
    free(dz);
    free(map);
}

/* Also with maps of few different values, so that windows have several largest ones. */
static void check_maps(const mfi_kernels *kernels, test_random *random)
{
    for (size_t s = 0; s < COUNT_OF(shapes); s++)
        for (int kind = MF_ACTIVATION_IDENTITY; kind <= MF_ACTIVATION_TANH; kind++) {
            mfi_pool pool = pool_of(&shapes[s]);
            mfi_activation activation = {.kind = kind, .leak = 0.2f};

            check_some_images(kernels, &pool, activation, 0, random);
            check_some_images(kernels, &pool, activation, 1, random);
        }
}

/* A NaN must come through pooling and activation, so that the loss shows it. */
static void check_nan_survives(const mfi_kernels *kernels)
{
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        mfi_pool pool = pool_of(&shapes[s]);
        size_t pixels = pool.map[0] * pool.map[1];
        float *u = get_zeroed(pixels, sizeof *u), *a = get_zeroed(pixels, sizeof *a);
        float *map = get_zeroed(2 * pixels, sizeof *map);
        int found = 0;

        u[0] = NAN;
        kernels->map_forward((mfi_activation){.kind = MF_ACTIVATION_RELU}, &pool,
                             (mfi_shift){.scale = 1.0f, .bias = 1.0f}, 1, u, a, pixels, map);
        for (size_t i = 0; i < pool.pooled[0] * pool.pooled[1]; i++)
            found |= isnan(a[i]) != 0;
        assert_true(found);
        free(u);
        free(a);
        free(map);
    }
}

static void check_head(const mfi_kernels *kernels, test_random *random)
{
    const size_t rows = 7, m = 3;

    for (size_t n = 1; n <= 40; n += 13) {
        float *dg = random_array(random, rows * m), *projection = random_array(random, m * n);
        float *features = random_array(random, rows * n), *dm = random_array(random, m * n);
        float *got = random_array(random, rows * n), *before = get_memory(rows * n * sizeof *before);
        size_t start = n / 4, width = n - n / 3 - start;

        memcpy(before, got, rows * n * sizeof *got);
        kernels->head_gradient(rows, width, m, dg, projection + start, features + start, n, got + start, dm);
        for (size_t j = 0; j < n; j++) {
            bool computed = j >= start && j < start + width;

            for (size_t b = 0; b < rows; b++) {
                double sum = computed ? 0.0 : (double)before[b * n + j];

                for (size_t c = 0; computed && c < m; c++)
                    sum += (double)dg[b * m + c] * (double)projection[c * n + j];
                check_near(sum, (double)got[b * n + j], 1e-5);
            }
            for (size_t c = 0; computed && c < m; c++) {
                double sum = 0.0;

                for (size_t b = 0; b < rows; b++)
                    sum += (double)dg[b * m + c] * (double)features[b * n + j];
                check_near(sum, (double)dm[c * width + j - start], 1e-5);
            }
        }
        free(dg);
        free(projection);
        free(features);
        free(dm);
        free(got);
        free(before);
    }
}

static void check_variant(const mfi_kernels *kernels, int index)
{
    test_random random = {.state = 17};

    (void)index;
    check_moments(kernels, &random);
    check_moments_of_one_value(kernels);
    check_large_windows(kernels);
    check_column_moments(kernels, &random);
    check_centered(kernels, &random);
    check_normalization(kernels, &random);
    check_maps(kernels, &random);
    check_nan_survives(kernels);
    check_head(kernels, &random);
}

/* ---- columns and heads: plain C, once ---- */

/* Value of the input at a place of the padded map. */
static double padded(const mfi_geometry *g, const float *image, size_t c, size_t y, size_t x)
{
    if (y < g->padding[0] || y >= g->height + g->padding[0] || x < g->padding[1] ||
        x >= g->width + g->padding[1])
        return 0.0;
    return (double)image[(c * g->height + y - g->padding[0]) * g->width + x - g->padding[1]];
}

static void check_columns(const mfi_geometry *g, size_t images, size_t top, size_t rows, test_random *random)
{
    size_t stride = g->channels * g->height * g->width + 3, width = images * rows * g->map[1];
    float *x = random_array(random, images * stride), *got = random_array(random, g->patch_size * width);
    const float *value = got;

    mfi_im2col(g, images, x, stride, top, rows, got);
    for (size_t c = 0; c < g->channels; c++)
        for (size_t i = 0; i < g->kernel[0]; i++)
            for (size_t j = 0; j < g->kernel[1]; j++)
                for (size_t image = 0; image < images; image++)
                    for (size_t v = top; v < top + rows; v++)
                        for (size_t h = 0; h < g->map[1]; h++, value++)
                            check_near(
                                padded(g, x + image * stride, c, v * g->stride[0] + i, h * g->stride[1] + j),
                                (double)*value, 0.0);
    free(x);
    free(got);
}

/* col2im is the transpose: each value of the patches is added to the input that it would be read from. */
static void check_transpose(const mfi_geometry *g, size_t images, size_t top, size_t rows,
                            test_random *random)
{
    size_t values = g->channels * g->height * g->width, stride = values + 2,
           width = images * rows * g->map[1];
    float *patches = random_array(random, g->patch_size * width),
          *got = random_array(random, images * stride);
    double *want = malloc(images * stride * sizeof *want);
    const float *value = patches;

    for (size_t i = 0; i < images * stride; i++)
        want[i] = (double)got[i];
    mfi_col2im(g, images, patches, top, rows, got, stride);
    for (size_t c = 0; c < g->channels; c++)
        for (size_t i = 0; i < g->kernel[0]; i++)
            for (size_t j = 0; j < g->kernel[1]; j++)
                for (size_t image = 0; image < images; image++)
                    for (size_t v = top; v < top + rows; v++)
                        for (size_t h = 0; h < g->map[1]; h++, value++) {
                            size_t y = v * g->stride[0] + i, x = h * g->stride[1] + j;
                            if (y >= g->padding[0] && y < g->height + g->padding[0] && x >= g->padding[1] &&
                                x < g->width + g->padding[1])
                                want[image * stride + (c * g->height + y - g->padding[0]) * g->width + x -
                                     g->padding[1]] += (double)*value;
                        }
    for (size_t i = 0; i < images * stride; i++)
        check_near(want[i], (double)got[i], 1e-5);
    free(patches);
    free(got);
    free(want);
}

static void test_im2col_and_col2im_match_their_definitions(void **state)
{
    test_random random = {.state = 23};

    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        mfi_geometry g = {.channels = 1 + random_index(&random, 3),
                          .height = 1 + random_index(&random, 9),
                          .width = 1 + random_index(&random, 9)};
        const size_t size[2] = {g.height, g.width};

        for (int d = 0; d < 2; d++) {
            g.kernel[d] = 1 + random_index(&random, 4);
            g.padding[d] = random_index(&random, g.kernel[d]);
            /* Often a kernel that keeps the size of the map, which has a way of its own. */
            if (trial % 3 == 0) {
                g.kernel[d] = 2 * random_index(&random, 3) + 1;
                g.padding[d] = g.kernel[d] / 2;
            }
            g.stride[d] = trial % 3 == 0 ? 1 : 1 + random_index(&random, 3);
            while (g.kernel[d] > size[d] + 2 * g.padding[d])
                g.kernel[d]--;
            g.padding[d] = g.padding[d] < g.kernel[d] ? g.padding[d] : g.kernel[d] - 1;
            if (g.kernel[d] > size[d] + 2 * g.padding[d])
                g.kernel[d] = size[d];
            g.padding[d] = g.padding[d] < g.kernel[d] ? g.padding[d] : g.kernel[d] - 1;
            g.map[d] = (size[d] + 2 * g.padding[d] - g.kernel[d]) / g.stride[d] + 1;
        }
        g.patch_size = g.channels * g.kernel[0] * g.kernel[1];
        check_columns(&g, 1 + random_index(&random, 4), 0, g.map[0], &random);
        check_transpose(&g, 1 + random_index(&random, 4), 0, g.map[0], &random);
        if (g.map[0] > 1)
            check_transpose(&g, 1, 1, g.map[0] - 1, &random);
        if (g.map[0] > 1)
            check_columns(&g, 1, 1, g.map[0] - 1, &random);
    }
}

/* Every cell is the mean of the values from floor(i n / s) to below ceil((i + 1) n / s), and the gradient is
 * the transposed of that. */
static void test_adaptive_pooling_matches_its_definition(void **state)
{
    test_random random = {.state = 29};

    (void)state;
    for (size_t height = 1; height <= 7; height++)
        for (size_t width = 1; width <= 7; width += 2)
            for (size_t s = 1; s <= height && s <= width; s++) {
                const size_t map[2] = {height, width};
                float *a = random_array(&random, 2 * height * width), *got = random_array(&random, 2 * s * s);
                float *df = random_array(&random, 2 * s * s), *da = random_array(&random, 2 * height * width);
                double forward = 0.0, backward = 0.0;

                mfi_adaptive_pool(map, s, 2, a, got);
                mfi_adaptive_unpool(map, s, 2, df, da);
                for (size_t cell = 0; cell < 2 * s * s; cell++) {
                    size_t i = cell / s % s, j = cell % s, count = 0;
                    double sum = 0.0;

                    for (size_t y = 0; y < height; y++)
                        for (size_t x = 0; x < width; x++)
                            if (y >= i * height / s && y * s < (i + 1) * height && x >= j * width / s &&
                                x * s < (j + 1) * width) {
                                sum += (double)a[cell / (s * s) * height * width + y * width + x];
                                count++;
                            }
                    check_near(sum / (double)count, (double)got[cell], 1e-5);
                    forward += (double)got[cell] * (double)df[cell];
                }
                for (size_t i = 0; i < 2 * height * width; i++)
                    backward += (double)a[i] * (double)da[i];
                check_near(forward, backward, 1e-4);
                free(a);
                free(got);
                free(df);
                free(da);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT_TESTS,
        cmocka_unit_test(test_im2col_and_col2im_match_their_definitions),
        cmocka_unit_test(test_adaptive_pooling_matches_its_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
