/* The kernels of kernels.h, written once. A file that includes this defines MFI_TABLE, the name of the
 * table; MFI_LANES, how many floats a vector register holds; MFI_TILE_ROWS and MFI_TILE_VECTORS, the block of
 * sums that the registers hold. Its compiler flags choose the instruction set; MFI_USES_... (lanes.h) chooses
 * the functions that have no C operator. Loops are plain C where compilers vectorise them well. Sums of
 * products use the vector types of GCC and Clang, since a compiler may not reorder a sum. */
#include <math.h>
#include <string.h>

#include <monoforward.h>

#include "base/version.h"
#include "math/kernels.h"
#include "math/lanes.h"
#include "math/transpose_body.h"
#include "math/taps_body.h"
#include "math/winograd_body.h"
#include "math/updates_body.h"
#include "math/products_body.h"

/* ---- activations ---- */

static const float inv_sqrt_2_pi = 0.39894228040143268f;

/* Every activation of a NaN is a NaN, so that it reaches the loss, where it is noticed. */
static void apply_activation(mfi_activation phi, size_t n, float *restrict a)
{
    switch (phi.kind) {
    case MF_ACTIVATION_RELU:
        for (size_t j = 0; j < n; j++)
            a[j] = a[j] < 0.0f ? 0.0f : a[j];
        break;
    case MF_ACTIVATION_LEAKY_RELU:
        for (size_t j = 0; j < n; j++)
            a[j] = a[j] < 0.0f ? phi.leak * a[j] : a[j];
        break;
    case MF_ACTIVATION_TANH:
        FOR_LANES(j, lanes, n)
        store_lanes(a + j, hyperbolic_tangent(load_lanes(a + j, lanes)), lanes);
        break;
    case MF_ACTIVATION_GELU:
        FOR_LANES(j, lanes, n)
        {
            vector density, value = load_lanes(a + j, lanes);
            store_lanes(a + j, value * normal_cdf(value, &density), lanes);
        }
        break;
    case MF_ACTIVATION_SILU:
        FOR_LANES(j, lanes, n)
        {
            vector rest, value = load_lanes(a + j, lanes);
            store_lanes(a + j, value * logistic(value, &rest), lanes);
        }
        break;
    default:
        break;
    }
}

static void activate(mfi_activation phi, size_t rows, size_t n, const float *bias, float *a, float *z)
{
    for (size_t b = 0; b < rows; b++) {
        float *restrict row = a + b * n;
        if (bias)
            for (size_t j = 0; j < n; j++)
                row[j] += bias[j];
        if (z)
            memcpy(z + b * n, row, n * sizeof *row);
        apply_activation(phi, n, row);
    }
}

/* dz *= phi'(z) for one row. For ReLU, leaky ReLU and tanh, phi' is computed from a alone. */
static void apply_derivative(mfi_activation phi, size_t n, const float *restrict a, const float *restrict z,
                             float *restrict dz)
{
    switch (phi.kind) {
    case MF_ACTIVATION_RELU:
        for (size_t j = 0; j < n; j++)
            dz[j] = a[j] > 0.0f ? dz[j] : 0.0f;
        break;
    case MF_ACTIVATION_LEAKY_RELU:
        for (size_t j = 0; j < n; j++)
            dz[j] = a[j] > 0.0f ? dz[j] : phi.leak * dz[j];
        break;
    case MF_ACTIVATION_TANH:
        for (size_t j = 0; j < n; j++)
            dz[j] *= 1.0f - a[j] * a[j];
        break;
    case MF_ACTIVATION_GELU:
        FOR_LANES(j, lanes, n)
        {
            vector density, value = load_lanes(z + j, lanes);
            vector slope = normal_cdf(value, &density);
            slope += value * density * inv_sqrt_2_pi;
            store_lanes(dz + j, load_lanes(dz + j, lanes) * slope, lanes);
        }
        break;
    case MF_ACTIVATION_SILU:
        FOR_LANES(j, lanes, n)
        {
            vector rest, value = load_lanes(z + j, lanes), share = logistic(value, &rest);
            vector slope = share + value * share * rest;
            store_lanes(dz + j, load_lanes(dz + j, lanes) * slope, lanes);
        }
        break;
    default:
        break;
    }
}

static void derivative(mfi_activation phi, size_t rows, size_t width, const float *a, const float *z,
                       size_t n, float *dz, float *db)
{
    if (db)
        memset(db, 0, width * sizeof *db);
    for (size_t b = 0; b < rows; b++) {
        float *restrict row = dz + b * width;
        apply_derivative(phi, width, a + b * n, z ? z + b * n : NULL, row);
        for (size_t j = 0; db && j < width; j++)
            db[j] += row[j];
    }
}

#include "math/maps_body.h"

/* ---- products with the projection: m is small, and BLAS libraries are slow at them ---- */

enum { DOT_ROWS = 4, DOT_COLUMNS = 5 };

/* c[i][j] = a[i] . b[j] for vectors of `inner` values. `rows` and `columns` are constants when this is
 * inlined. */
INLINE void dot_tile(int rows, int columns, size_t inner, const float *a, size_t lda, const float *b,
                     size_t ldb, float *c, size_t ldc)
{
    vector sum[DOT_ROWS][DOT_COLUMNS] = {{{0}}};
    FOR_LANES(p, lanes, inner)
    for (int j = 0; j < columns; j++) {
        vector column = load_lanes(b + (size_t)j * ldb + p, lanes);
        for (int i = 0; i < rows; i++)
            sum[i][j] += load_lanes(a + (size_t)i * lda + p, lanes) * column;
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            c[(size_t)i * ldc + (size_t)j] = sum_lanes(sum[i][j]);
}

INLINE void dot_rows(int rows, size_t columns, size_t inner, const float *a, size_t lda, const float *b,
                     size_t ldb, float *c, size_t ldc)
{
    size_t j = 0;
    for (; j + DOT_COLUMNS <= columns; j += DOT_COLUMNS)
        dot_tile(rows, DOT_COLUMNS, inner, a, lda, b + j * ldb, ldb, c + j, ldc);
    for (; j + 2 <= columns; j += 2)
        dot_tile(rows, 2, inner, a, lda, b + j * ldb, ldb, c + j, ldc);
    if (j < columns)
        dot_tile(rows, 1, inner, a, lda, b + j * ldb, ldb, c + j, ldc);
}

static void skinny_product(size_t rows, size_t columns, size_t inner, const float *a, size_t lda,
                           const float *b, float *c)
{
    size_t i = 0;
    for (; i + DOT_ROWS <= rows; i += DOT_ROWS)
        dot_rows(DOT_ROWS, columns, inner, a + i * lda, lda, b, inner, c + i * columns, columns);
    for (; i < rows; i++)
        dot_rows(1, columns, inner, a + i * lda, lda, b, inner, c + i * columns, columns);
}

/* dz for one block of rows, and what these rows add to dM. Runs along the neurons, so that M and dM stay in
 * the first-level cache and the rows are read in order. */
INLINE void gradient_lanes(int rows, size_t lanes, size_t m, const float *dg, const float *projection,
                           const float *a, size_t n, float *dz, size_t lddz, float *dm, size_t width)
{
    vector sum[DOT_ROWS] = {{0}}, av[DOT_ROWS];
    int whole = lanes == MFI_LANES;
    for (int r = 0; r < rows; r++)
        av[r] = whole ? load(a + (size_t)r * n) : load_some(a + (size_t)r * n, lanes);
    for (size_t c = 0; c < m; c++) {
        const float *mc = projection + c * n;
        float *dmc = dm + c * width;
        vector weight = whole ? load(mc) : load_some(mc, lanes);
        vector change = whole ? load(dmc) : load_some(dmc, lanes);
        for (int r = 0; r < rows; r++) {
            float g = dg[(size_t)r * m + c];
            sum[r] += g * weight;
            change += g * av[r];
        }
        if (whole)
            store(dmc, change);
        else
            memcpy(dmc, &change, lanes * sizeof *dmc);
    }
    for (int r = 0; r < rows; r++)
        store_lanes(dz + (size_t)r * lddz, sum[r], lanes);
}

INLINE void gradient_rows(int rows, size_t width, size_t m, const float *dg, const float *projection,
                          const float *a, size_t n, float *dz, size_t lddz, float *dm)
{
    size_t j = 0;
    for (; j + MFI_LANES <= width; j += MFI_LANES)
        gradient_lanes(rows, MFI_LANES, m, dg, projection + j, a + j, n, dz + j, lddz, dm + j, width);
    if (j < width)
        gradient_lanes(rows, width - j, m, dg, projection + j, a + j, n, dz + j, lddz, dm + j, width);
}

INLINE void gradient_block(size_t rows, size_t width, size_t m, const float *dg, const float *projection,
                           const float *a, size_t n, float *dz, size_t lddz, float *dm)
{
    size_t b = 0;
    memset(dm, 0, m * width * sizeof *dm);
    for (; b + DOT_ROWS <= rows; b += DOT_ROWS)
        gradient_rows(DOT_ROWS, width, m, dg + b * m, projection, a + b * n, n, dz + b * lddz, lddz, dm);
    for (; b < rows; b++)
        gradient_rows(1, width, m, dg + b * m, projection, a + b * n, n, dz + b * lddz, lddz, dm);
}

static void local_gradient(mfi_activation phi, size_t rows, size_t width, size_t m, const float *dg,
                           const float *projection, const float *a, const float *z, size_t n, float *dz,
                           float *dm, float *db)
{
    gradient_block(rows, width, m, dg, projection, a, n, dz, width, dm);
    derivative(phi, rows, width, a, z, n, dz, db);
}

static void head_gradient(size_t rows, size_t width, size_t m, const float *dg, const float *projection,
                          const float *features, size_t n, float *dfeatures, float *dm)
{
    gradient_block(rows, width, m, dg, projection, features, n, dfeatures, n, dm);
}

/* ---- softmax ---- */

/* A NaN, but for the first, counts for nothing here: its exponential is one again. */
static float highest_of(size_t count, const float *x)
{
    size_t i = 0;
    float highest = x[0];
    vector best = splat(x[0]);
    for (; i + MFI_LANES <= count; i += MFI_LANES) {
        vector value = load(x + i);
        best = choose(value > best, value, best);
    }
    for (int lane = 0; lane < MFI_LANES; lane++)
        highest = best[lane] > highest ? best[lane] : highest;
    for (; i < count; i++)
        highest = x[i] > highest ? x[i] : highest;
    return highest;
}

/* A vector of floats as doubles: in two registers, where it has more than one lane. */
enum { DOUBLE_LANES = MFI_LANES > 1 ? MFI_LANES / 2 : 1, DOUBLE_PARTS = MFI_LANES / DOUBLE_LANES };
typedef float part_vector __attribute__((vector_size(DOUBLE_LANES * sizeof(float))));
typedef double double_vector __attribute__((vector_size(DOUBLE_LANES * sizeof(double))));

INLINE void add_as_doubles(vector term, double_vector sums[DOUBLE_PARTS])
{
    part_vector parts[DOUBLE_PARTS];
    memcpy(parts, &term, sizeof term);
    UNROLL(2)
    for (int part = 0; part < DOUBLE_PARTS; part++)
        sums[part] += __builtin_convertvector(parts[part], double_vector);
}

INLINE vector term_of(vector x, float highest)
{
    vector off = x - highest;
    return choose(off < -87.0f, splat(0.0f), exponential(off));
}

static double exponentials(size_t count, const float *x, float highest, float *to)
{
    double_vector sums[DOUBLE_PARTS] = {{0}};
    double sum = 0.0;
    size_t i = 0;
    for (; i + MFI_LANES <= count; i += MFI_LANES) {
        vector term = term_of(load(x + i), highest);
        if (to)
            store(to + i, term);
        add_as_doubles(term, sums);
    }
    if (i < count) {
        vector rest = splat(-INFINITY); /* its terms are 0 */
        for (size_t lane = 0; lane < MFI_LANES && i + lane < count; lane++)
            rest[lane] = x[i + lane];
        rest = term_of(rest, highest);
        for (size_t lane = 0; to && lane < MFI_LANES && i + lane < count; lane++)
            to[i + lane] = rest[lane];
        add_as_doubles(rest, sums);
    }
    for (int part = 1; part < DOUBLE_PARTS; part++)
        sums[0] += sums[part];
    for (int lane = 0; lane < DOUBLE_LANES; lane++)
        sum += sums[0][lane];
    return sum;
}

static void scale_shift(size_t count, float factor, float offset, float *x)
{
    for (size_t i = 0; i < count; i++)
        x[i] = factor * x[i] + offset;
}

static void softmax(size_t count, float *x, mfi_softmax_shift *shift)
{
    vector total = {0};
    shift->highest = highest_of(count, x);
    FOR_LANES(i, lanes, count)
    {
        store_lanes(x + i, term_of(load_lanes(x + i, lanes), shift->highest), lanes);
        total += load_lanes(x + i, lanes);
    }
    shift->inverse = 1.0f / sum_lanes(total);
    for (size_t i = 0; i < count; i++)
        x[i] *= shift->inverse;
}

static void softmax_again(size_t count, float *x, mfi_softmax_shift shift)
{
    FOR_LANES(i, lanes, count)
    store_lanes(x + i, term_of(load_lanes(x + i, lanes), shift.highest) * shift.inverse, lanes);
}

static void softmax_gradient(size_t count, float scale, const float *restrict p, float *restrict dp)
{
    float mean;
    dot_tile(1, 1, count, p, 0, dp, 0, &mean, 0);
    for (size_t i = 0; i < count; i++)
        dp[i] = scale * p[i] * (dp[i] - mean);
}

/* ---- other operations ---- */

static bool update(const mfi_rule *rule, size_t rows, size_t columns, float *p, size_t ldp, const float *g,
                   size_t ldg, float *s0, float *s1)
{
    return all_zeros(update_values(rule, rows, columns, p, ldp, g, ldg, s0, s1));
}

static void scale_add(size_t count, float beta, float *restrict y, float alpha, const float *restrict x)
{
    if (beta == 0.0f)
        for (size_t i = 0; i < count; i++)
            y[i] = alpha * x[i];
    else if (beta == 1.0f) /* a sum that is fused as those of products are */
        for (size_t i = 0; i < count; i++)
            y[i] += alpha * x[i];
    else
        for (size_t i = 0; i < count; i++)
            y[i] = beta * y[i] + alpha * x[i];
}

static void dropout(const mfi_stream *stream, float rate, size_t first, size_t end, float *a)
{
    const float scale = 1.0f / (1.0f - rate);
    uint32_t bits[4];
    for (size_t i = first; i < end; i++) {
        if (i % 4 == 0)
            mfi_stream_block(stream, (uint32_t)(i / 4), bits);
        a[i] = mfi_unit_float(bits[i % 4]) < rate ? 0.0f : a[i] * scale;
    }
}

static bool all_finite(size_t count, const float *x)
{
    /* Infinities and NaNs have an exponent of all ones. Read as integers without the sign, they are the
     * largest. */
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7FFFFFFFu;
        largest = bits > largest ? bits : largest;
    }
    return largest < 0x7F800000u;
}

/* CHUNK values are summed in float, in lanes, and the chunks in double: fast, and exact enough for any size.
 */
enum { CHUNK = 1024 };

static double dot(size_t count, const float *x, const float *y)
{
    double total = 0.0;
    for (size_t start = 0; start < count; start += CHUNK) {
        size_t n = count - start < CHUNK ? count - start : CHUNK;
        float sum;
        dot_tile(1, 1, n, x + start, 0, y + start, 0, &sum, 0);
        total += (double)sum;
    }
    return total;
}

/* Squares of values below 1e-19 are 0 in float, those above 1e19 are inf: where they matter, they are summed in
 * double. */
static double sum_of_squares(size_t count, const float *x)
{
    double total = 0.0;
    for (size_t start = 0; start < count; start += CHUNK) {
        size_t n = count - start < CHUNK ? count - start : CHUNK;
        double sum = dot(n, x + start, x + start);
        if (sum < 0x1p-80 || !(sum <= (double)FLT_MAX)) {
            sum = 0.0;
            for (size_t i = start; i < start + n; i++)
                sum += (double)x[i] * (double)x[i];
        }
        total += sum;
    }
    return total;
}

#include "math/gemm_body.h"

const mfi_kernels MFI_TABLE = {
    .name = &MFI_TEXT(MFI_TABLE)[sizeof "mfi_kernels_" - 1],
    .activate = activate,
    .skinny_product = skinny_product,
    .gemm = gemm,
    .local_gradient = local_gradient,
    .derivative = derivative,
    .head_gradient = head_gradient,
    .transpose = transpose,
    .transform = transform,
    .copy_rows = copy_rows,
    .tap_sums = tap_sums,
    .tap_products = tap_products,
    .moments = moments,
    .column_moments = column_moments,
    .normalize = normalize,
    .normalization_gradient = normalization_gradient,
    .centered_sums = centered_sums,
    .center_gradient = center_gradient,
    .map_forward = map_forward,
    .map_gradient = map_gradient,
    .update = update,
    .order = {PANEL, MFI_LANES},
    .products = {PRODUCTS_OF_VALUES, PRODUCTS_OF_PAIRS},
    .highest = highest_of,
    .exponentials = exponentials,
    .scale_shift = scale_shift,
    .softmax = softmax,
    .softmax_again = softmax_again,
    .softmax_gradient = softmax_gradient,
    .scale_add = scale_add,
    .dropout = dropout,
    .all_finite = all_finite,
    .sum_of_squares = sum_of_squares,
    .dot = dot,
};
