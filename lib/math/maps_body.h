/* The part of kernels_body.h with normalisation, and with the steps from the maps of a convolution to
 * activations and back. It is compiled with kernels_body.h for each instruction set and uses its activations.
 */
#include "math/kernels.h"
#include "math/lanes.h"

/* ---- normalisation: short pieces are summed in float, the sums of pieces in double ---- */

enum { PIECE = 1024, STRIP = 64 };

INLINE float sum_piece(size_t count, const float *x)
{
    vector sum = {0};
    FOR_LANES(i, lanes, count)
    sum += load_lanes(x + i, lanes);
    return sum_lanes(sum);
}

/* Adds (x - center) to *sum, and its square to *squares. */
INLINE void add_piece(size_t count, const float *x, float center, double *sum, double *squares)
{
    vector offs = {0}, products = {0};
    size_t i = 0;
    for (; i + MFI_LANES <= count; i += MFI_LANES) {
        vector off = load(x + i) - center;
        offs += off;
        products += off * off;
    }
    float rest = sum_lanes(offs), rest_squares = sum_lanes(products);
    for (; i < count; i++) {
        rest += x[i] - center;
        rest_squares += (x[i] - center) * (x[i] - center);
    }
    *sum += (double)rest;
    *squares += (double)rest_squares;
}

/* The mean of float sums is off by what rounding has left. Of numbers that are all the same that would be all
 * the deviation there is, so the mean is corrected by how far they are from it, and the deviations by the
 * same. */
static void moments(size_t count, const float *x, double *mean, double *deviations)
{
    double sum = 0.0, off = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i += PIECE)
        sum += (double)sum_piece(count - i < PIECE ? count - i : PIECE, x + i);
    float center = (float)(sum / (double)count);
    for (size_t i = 0; i < count; i += PIECE)
        add_piece(count - i < PIECE ? count - i : PIECE, x + i, center, &off, &squares);
    off /= (double)count;
    squares -= (double)count * off * off;
    *mean = (double)center + off;
    *deviations = squares < 0.0 ? 0.0 : squares;
}

/* Works on strips of columns, so that a strip of x is still in the cache when it is read again. */
static void column_moments(size_t rows, size_t columns, const float *x, size_t ldx, float *mean,
                           float *variance)
{
    for (size_t start = 0; start < columns; start += STRIP) {
        size_t width = columns - start < STRIP ? columns - start : STRIP;
        double sum[STRIP] = {0}, squares[STRIP] = {0};
        for (size_t b = 0; b < rows; b++)
            for (size_t j = 0; j < width; j++)
                sum[j] += (double)x[b * ldx + start + j];
        for (size_t j = 0; j < width; j++)
            sum[j] /= (double)rows;
        for (size_t b = 0; b < rows; b++)
            for (size_t j = 0; j < width; j++) {
                double off = (double)x[b * ldx + start + j] - sum[j];
                squares[j] += off * off;
            }
        for (size_t j = 0; j < width; j++) {
            mean[start + j] = (float)sum[j];
            variance[start + j] = (float)(squares[j] / (double)rows);
        }
    }
}

static void normalize(size_t rows, size_t columns, const float *mean, const float *scale, const float *from,
                      size_t ldfrom, float *to)
{
    for (size_t b = 0; b < rows; b++)
        for (size_t j = 0; j < columns; j++)
            to[b * columns + j] = (from[b * ldfrom + j] - mean[j]) * scale[j];
}

static void normalization_gradient(size_t rows, size_t width, const float *u, size_t ldu, const float *mean,
                                   const float *inverse, const float *scale, const float *db,
                                   float inverse_count, float *dz, float *dscale)
{
    memset(dscale, 0, width * sizeof *dscale);
    for (size_t b = 0; b < rows; b++)
        for (size_t j = 0; j < width; j++)
            dscale[j] += dz[b * width + j] * ((u[b * ldu + j] - mean[j]) * inverse[j]);
    for (size_t b = 0; b < rows; b++)
        for (size_t j = 0; j < width; j++) {
            float normal = (u[b * ldu + j] - mean[j]) * inverse[j];
            dz[b * width + j] = scale[j] * (dz[b * width + j] - inverse_count * (db[j] + normal * dscale[j]));
        }
}

static void centered_sums(size_t count, const float *g, const float *u, float mean, double *sum,
                          double *product)
{
    for (size_t start = 0; start < count; start += PIECE) {
        size_t n = count - start < PIECE ? count - start : PIECE, i = start;
        vector plain = {0}, weighted = {0};
        for (; i + MFI_LANES <= start + n; i += MFI_LANES) {
            vector gradient = load(g + i);
            plain += gradient;
            weighted += gradient * (load(u + i) - mean);
        }
        float plain_sum = sum_lanes(plain), weighted_sum = sum_lanes(weighted);
        for (; i < start + n; i++) {
            plain_sum += g[i];
            weighted_sum += g[i] * (u[i] - mean);
        }
        *sum += (double)plain_sum;
        *product += (double)weighted_sum;
    }
}

static void center_gradient(size_t count, const float *restrict u, float mean, float scale,
                            float mean_gradient, float coefficient, float *restrict g)
{
    for (size_t i = 0; i < count; i++)
        g[i] = scale * (g[i] - mean_gradient - coefficient * (u[i] - mean));
}

/* ---- pooling one map ---- */

/* 2 x 2 windows without gaps, overlap or padding, the most common pooling. The general code would take longer
 * than everything else for a small map. */
static bool is_halving(const mfi_pool *pool)
{
    return pool->kind != MF_POOL_NONE && pool->size[0] == 2 && pool->size[1] == 2 && pool->stride[0] == 2 &&
           pool->stride[1] == 2 && pool->padding[0] + pool->padding[1] == 0;
}

static void average_halves(const mfi_pool *pool, const float *restrict map, float *restrict to)
{
    size_t width = pool->map[1], half = pool->pooled[1];
    for (size_t y = 0; y < pool->pooled[0]; y++, map += 2 * width, to += half)
        for (size_t x = 0; x < half; x++)
            to[x] = 0.25f * (map[2 * x] + map[2 * x + 1] + map[width + 2 * x] + map[width + 2 * x + 1]);
}

static void spread_halves(const mfi_pool *pool, const float *restrict from, float *restrict map)
{
    size_t width = pool->map[1], half = pool->pooled[1];
    for (size_t y = 0; y < pool->pooled[0]; y++, map += 2 * width, from += half) {
        for (size_t x = 0; x < half; x++)
            map[2 * x] = map[2 * x + 1] = 0.25f * from[x];
        if (2 * half < width)
            map[width - 1] = 0.0f;
        memcpy(map + width, map, width * sizeof *map);
    }
    if (2 * pool->pooled[0] < pool->map[0])
        memset(map, 0, width * sizeof *map);
}

/* The larger one; a NaN counts as larger than every number. Written as two choices, since compilers do not
 * vectorise a choice that depends on two comparisons. */
INLINE float larger_value(float first, float second)
{
    float larger = second > first ? second : first;
    return second != second ? second : larger;
}

static void largest_of_halves(const mfi_pool *pool, const float *restrict map, float *restrict to)
{
    size_t width = pool->map[1], half = pool->pooled[1];
    for (size_t y = 0; y < pool->pooled[0]; y++, map += 2 * width, to += half)
        for (size_t x = 0; x < half; x++)
            to[x] = larger_value(larger_value(map[2 * x], map[2 * x + 1]),
                                 larger_value(map[width + 2 * x], map[width + 2 * x + 1]));
}

#if defined(MFI_USES_AVX512) || defined(MFI_USES_AVX2)

/* Both lanes of each pair with the value of the left one, or of the right one. */
INLINE vector left_of_pairs(vector value)
{
#if defined(MFI_USES_AVX512)
    return (vector)_mm512_moveldup_ps((__m512)value);
#else
    return (vector)_mm256_moveldup_ps((__m256)value);
#endif
}

INLINE vector right_of_pairs(vector value)
{
#if defined(MFI_USES_AVX512)
    return (vector)_mm512_movehdup_ps((__m512)value);
#else
    return (vector)_mm256_movehdup_ps((__m256)value);
#endif
}

/* The right lane of each pair. */
INLINE mask right_lanes(void)
{
    mask lanes = {0};
    for (int lane = 1; lane < MFI_LANES; lane += 2)
        lanes[lane] = -1;
    return lanes;
}

/* Loads `count` values, one for both lanes of a pair. */
INLINE vector load_for_pairs(const float *from, size_t count)
{
#if defined(MFI_USES_AVX512)
    const __m512i pair = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return (vector)_mm512_permutexvar_ps(pair, (__m512)load_some(from, count));
#else
    const __m256i pair = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    return (vector)_mm256_permutevar8x32_ps((__m256)load_some(from, count), pair);
#endif
}

/* Without jumps, which nobody could foresee. */
INLINE void pass_to_largest_of_rows(size_t half, const float *upper, const float *lower, const float *from,
                                    float *to_upper, float *to_lower)
{
    const mask right = right_lanes();
    FOR_LANES(i, lanes, 2 * half)
    {
        vector a = load_lanes(upper + i, lanes), b = load_lanes(lower + i, lanes);
        mask a_right = right_of_pairs(a) > left_of_pairs(a), b_right = right_of_pairs(b) > left_of_pairs(b);
        vector above = choose(a_right, right_of_pairs(a), left_of_pairs(a));
        vector below = choose(b_right, right_of_pairs(b), left_of_pairs(b));
        mask gradient = (mask)load_for_pairs(from + i / 2, lanes / 2), is_below = below > above;
        store_lanes(to_upper + i, (vector)(gradient & ~is_below & ~(a_right ^ right)), lanes);
        store_lanes(to_lower + i, (vector)(gradient & is_below & ~(b_right ^ right)), lanes);
    }
}

#else

INLINE void pass_to_largest_of_rows(size_t half, const float *upper, const float *lower, const float *from,
                                    float *to_upper, float *to_lower)
{
    for (size_t x = 0; x < half; x++) {
        float a0 = upper[2 * x], a1 = upper[2 * x + 1], b0 = lower[2 * x], b1 = lower[2 * x + 1];
        float above = a1 > a0 ? a1 : a0, below = b1 > b0 ? b1 : b0;
        float top = below > above ? 0.0f : from[x], bottom = below > above ? from[x] : 0.0f;
        to_upper[2 * x] = a1 > a0 ? 0.0f : top;
        to_upper[2 * x + 1] = a1 > a0 ? top : 0.0f;
        to_lower[2 * x] = b1 > b0 ? 0.0f : bottom;
        to_lower[2 * x + 1] = b1 > b0 ? bottom : 0.0f;
    }
}

#endif

/* Gives each gradient to the largest value of its window, the first of equal ones, and 0 to the other three.
 * Pixels in no window are unchanged. */
static void pass_to_largest_of_halves(const mfi_pool *pool, const float *a, const float *from, float *map)
{
    size_t width = pool->map[1], half = pool->pooled[1];
    for (size_t y = 0; y < pool->pooled[0]; y++, a += 2 * width, from += half, map += 2 * width)
        pass_to_largest_of_rows(half, a, a + width, from, map, map + width);
}

/* The part of a window that lies on the map; the ends are behind it. */
typedef struct window {
    size_t top, bottom, left, right;
} window;

static window window_at(const mfi_pool *pool, size_t y, size_t x)
{
    size_t first[2] = {y * pool->stride[0], x * pool->stride[1]}, end[2];
    for (int d = 0; d < 2; d++) {
        end[d] = first[d] + pool->size[d] - pool->padding[d];
        end[d] = end[d] < pool->map[d] ? end[d] : pool->map[d];
        first[d] = first[d] > pool->padding[d] ? first[d] - pool->padding[d] : 0;
    }
    return (window){first[0], end[0], first[1], end[1]};
}

/* By what the sum over a window is divided. */
static float window_count(const mfi_pool *pool, window w)
{
    return (float)(pool->kind == MF_POOL_AVERAGE_INSIDE ? (w.bottom - w.top) * (w.right - w.left)
                                                        : pool->size[0] * pool->size[1]);
}

/* Index of the largest value of a window, the first of equal ones; a NaN counts as larger than every number.
 */
static size_t index_of_largest(const mfi_pool *pool, const float *map, window w)
{
    size_t best = w.top * pool->map[1] + w.left;
    for (size_t y = w.top; y < w.bottom; y++)
        for (size_t x = w.left; x < w.right; x++) {
            size_t index = y * pool->map[1] + x;
            if (map[index] > map[best] || (map[index] != map[index] && map[best] == map[best]))
                best = index;
        }
    return best;
}

static float mean_of_window(const mfi_pool *pool, const float *map, window w)
{
    double sum = 0.0;
    for (size_t y = w.top; y < w.bottom; y++)
        for (size_t x = w.left, end; x < w.right; x = end) {
            float part = 0.0f;
            end = w.right - x < STRIP ? w.right : x + STRIP;
            for (size_t i = x; i < end; i++)
                part += map[y * pool->map[1] + i];
            sum += (double)part;
        }
    return (float)(sum / (double)window_count(pool, w));
}

static void pool_map(const mfi_pool *pool, const float *map, float *to)
{
    if (is_halving(pool)) {
        if (pool->kind == MF_POOL_MAX)
            largest_of_halves(pool, map, to);
        else
            average_halves(pool, map, to);
        return;
    }
    for (size_t y = 0; y < pool->pooled[0]; y++)
        for (size_t x = 0; x < pool->pooled[1]; x++) {
            window w = window_at(pool, y, x);
            *to++ = pool->kind == MF_POOL_MAX ? map[index_of_largest(pool, map, w)]
                                              : mean_of_window(pool, map, w);
        }
}

static void spread_over_window(const mfi_pool *pool, float value, window w, float *map)
{
    value /= window_count(pool, w);
    for (size_t y = w.top; y < w.bottom; y++)
        for (size_t x = w.left; x < w.right; x++)
            map[y * pool->map[1] + x] += value;
}

/* Computes the gradient of a map, whose values are `a`, from the gradient `from` of the pooled map. */
static void unpool_map(const mfi_pool *pool, const float *a, const float *from, float *map)
{
    if (is_halving(pool) && pool->kind != MF_POOL_MAX) {
        spread_halves(pool, from, map);
        return;
    }
    memset(map, 0, pool->map[0] * pool->map[1] * sizeof *map);
    if (is_halving(pool)) {
        pass_to_largest_of_halves(pool, a, from, map);
        return;
    }
    for (size_t y = 0; y < pool->pooled[0]; y++)
        for (size_t x = 0; x < pool->pooled[1]; x++) {
            window w = window_at(pool, y, x);
            if (pool->kind == MF_POOL_MAX)
                map[index_of_largest(pool, a, w)] += *from++;
            else
                spread_over_window(pool, *from++, w, map);
        }
}

/* ---- maps to activations and back ---- */

INLINE void normalize_map(size_t count, mfi_shift shift, const float *restrict u, float *restrict z)
{
    for (size_t i = 0; i < count; i++)
        z[i] = (u[i] - shift.mean) * shift.scale + shift.bias;
}

/* The most common case in one pass: ReLU, then the mean of 2 x 2 windows. */
static void halve_relu(const mfi_pool *pool, mfi_shift shift, const float *restrict u, float *restrict to)
{
    size_t width = pool->map[1], half = pool->pooled[1];
    for (size_t y = 0; y < pool->pooled[0]; y++, u += 2 * width, to += half)
        for (size_t x = 0; x < half; x++) {
            float a = (u[2 * x] - shift.mean) * shift.scale + shift.bias;
            float b = (u[2 * x + 1] - shift.mean) * shift.scale + shift.bias;
            float c = (u[width + 2 * x] - shift.mean) * shift.scale + shift.bias;
            float d = (u[width + 2 * x + 1] - shift.mean) * shift.scale + shift.bias;
            to[x] = 0.25f * ((a < 0.0f ? 0.0f : a) + (b < 0.0f ? 0.0f : b) + (c < 0.0f ? 0.0f : c) +
                             (d < 0.0f ? 0.0f : d));
        }
}

static void halve_relu_gradient(const mfi_pool *pool, mfi_shift shift, const float *restrict u,
                                const float *restrict da, float *restrict dz)
{
    spread_halves(pool, da, dz);
    for (size_t i = 0; i < pool->map[0] * pool->map[1]; i++)
        dz[i] = (u[i] - shift.mean) * shift.scale + shift.bias > 0.0f ? dz[i] : 0.0f;
}

static void map_forward(mfi_activation phi, const mfi_pool *pool, mfi_shift shift, size_t images,
                        const float *u, float *a, size_t lda, float *map)
{
    size_t pixels = pool->map[0] * pool->map[1];
    bool fast = phi.kind == MF_ACTIVATION_RELU && pool->kind == MF_POOL_AVERAGE && is_halving(pool);
    for (size_t image = 0; image < images; image++, u += pixels, a += lda) {
        if (fast) {
            halve_relu(pool, shift, u, a);
            continue;
        }
        float *z = pool->kind == MF_POOL_NONE ? a : map;
        normalize_map(pixels, shift, u, z);
        apply_activation(phi, pixels, z);
        if (pool->kind != MF_POOL_NONE)
            pool_map(pool, z, a);
    }
}

static void map_gradient(mfi_activation phi, const mfi_pool *pool, mfi_shift shift, size_t images,
                         const float *u, const float *da, size_t ldda, float *dz, float *map)
{
    size_t pixels = pool->map[0] * pool->map[1];
    /* Which value is largest, and whether it is above 0, z tells as well as its ReLU. */
    bool relu = phi.kind == MF_ACTIVATION_RELU;
    float *z = map, *a = relu ? z : map + pixels;
    bool fast = relu && pool->kind == MF_POOL_AVERAGE && is_halving(pool);
    for (size_t image = 0; image < images; image++, u += pixels, da += ldda, dz += pixels) {
        if (fast) {
            halve_relu_gradient(pool, shift, u, da, dz);
            continue;
        }
        normalize_map(pixels, shift, u, z);
        if (!relu) {
            memcpy(a, z, pixels * sizeof *a);
            apply_activation(phi, pixels, a);
        }
        if (pool->kind == MF_POOL_NONE)
            memcpy(dz, da, pixels * sizeof *dz);
        else
            unpool_map(pool, a, da, dz);
        apply_derivative(phi, pixels, a, z, dz);
    }
}
