/* The part of kernels_body.h with the matrix products of our own, compiled with it for each instruction set.
 *
 * products_tile.h has them once for both kinds of operands: float32 values, and pairs of bf16 values
 * (pairs.h). Here is what differs: how operands are made. */
#include "math/kernels.h"
#include "math/pairs.h"

enum { PANEL = MFI_TILE_VECTORS * MFI_LANES };

/* What a panel takes for so many inner indices stays in the first-level cache, beside the rows it meets. */
enum { BLOCK_DEPTH = 4096 / PANEL < 128 ? 128 : 4096 / PANEL };

/* Columns with those that fill up the last vector. */
static size_t filled_columns(size_t columns)
{
    return (columns + MFI_LANES - 1) / MFI_LANES * MFI_LANES;
}

/* A product uses little memory bandwidth, an optimizer uses little else: what the update of a block needs is
 * fetched while its product is computed. */
INLINE void prefetch(const void *values, size_t count)
{
    const char *from = values;
    for (size_t i = 0; from && i < 4 * count; i += 64)
        __builtin_prefetch(from + i, 1);
}

/* With so few rows, as in learning from a stream, a tile would be little more than its beginning and its end.
 */
enum { FEW_ROWS = 4 };

/* ---- float32 ---- */

#ifndef MFI_ONLY_PAIRS

INLINE size_t depth_of_values(size_t inner)
{
    return inner;
}

INLINE void copy_block_of_values(size_t columns, size_t width, const float *p, void *copy, size_t at)
{
    (void)columns, (void)width, (void)p, (void)copy, (void)at; /* products read p itself */
}

INLINE vector add_values(vector sum, float one, vector others)
{
    return sum + one * others;
}

/* One inner index of a tile. */
INLINE void add_step_of_values(int rows, int vectors, const float *const row[], size_t at, const float *b,
                               vector sum[MFI_TILE_ROWS][MFI_TILE_VECTORS])
{
    vector x[MFI_TILE_VECTORS];
    UNROLL(4)
    for (int v = 0; v < vectors; v++)
        x[v] = load(b + v * MFI_LANES);
    UNROLL(16)
    for (int r = 0; r < rows; r++) {
        float factor = row[r][at];
        UNROLL(4)
        for (int v = 0; v < vectors; v++)
            sum[r][v] = add_values(sum[r][v], factor, x[v]);
    }
}

static void pack_values(size_t batch, size_t columns, const float *x, size_t ldx, void *packed)
{
    float *to = packed;
    for (size_t j = 0; j < columns; j += MFI_TILE_ROWS)
        for (size_t b = 0; b < batch; b++, to += MFI_TILE_ROWS)
            if (columns - j >= MFI_TILE_ROWS)
                memcpy(to, x + b * ldx + j, MFI_TILE_ROWS * sizeof *x);
            else
                for (size_t r = 0; r < MFI_TILE_ROWS; r++)
                    to[r] = j + r < columns ? x[b * ldx + j + r] : 0.0f;
}

static void pack_panel_of_values(size_t rows, size_t columns, size_t width, const float *x, size_t ldx,
                                 void *panel)
{
    float *to = panel;
    for (size_t b = 0; b < rows; b++, to += width) {
        memcpy(to, x + b * ldx, columns * sizeof *x);
        if (columns < width)
            memset(to + columns, 0, (width - columns) * sizeof *to);
    }
}

/* to [rows of W, columns start to start + width] = W in panels, turned into one panel of its transpose. */
static void transpose_of_values(size_t rows, size_t columns, const float *panels, size_t start, size_t width,
                                void *to)
{
    size_t filled = filled_columns(width);
    for (size_t i = 0; i < rows; i += PANEL) {
        size_t here = rows - i < PANEL ? rows - i : PANEL, step = filled_columns(here);
        const float *from = panels + i * columns + start * step;
        for (size_t r = 0; r < here; r++) {
            float *row = (float *)to + (i + r) * filled;
            for (size_t j = 0; j < filled; j++)
                row[j] = j < width ? from[j * step + r] : 0.0f;
        }
    }
}

#define ELEMENT float
#define ELEMENTS vector
#define LOAD_ELEMENTS load
#define ADD_ELEMENTS add_values
#define OF(name) name##_of_values
#include "math/products_tile.h"

#endif

/* ---- pairs of bf16 ---- */

INLINE size_t depth_of_pairs(size_t inner)
{
    return mfi_depth(MFI_BF16, inner);
}

/* Two inner indices of a tile. Without the instruction, all odd ones come first, then all even ones: there
 * are not registers enough for both halves of B at once. */
INLINE void add_step_of_pairs(int rows, int vectors, const uint32_t *const row[], size_t at,
                              const uint32_t *b, vector sum[MFI_TILE_ROWS][MFI_TILE_VECTORS])
{
    pairs x[MFI_TILE_VECTORS];
#ifdef MFI_USES_AVX512_BF16
    UNROLL(4)
    for (int v = 0; v < vectors; v++)
        x[v] = load_pairs(b + v * MFI_LANES);
    UNROLL(16)
    for (int r = 0; r < rows; r++) {
        UNROLL(4)
        for (int v = 0; v < vectors; v++)
            sum[r][v] = add_pairs(sum[r][v], row[r][at], x[v]);
    }
#else
    UNROLL(2)
    for (int even = 0; even < 2; even++) {
        UNROLL(4)
        for (int v = 0; v < vectors; v++)
            x[v] = half_of(even, load_pairs(b + v * MFI_LANES));
        UNROLL(16)
        for (int r = 0; r < rows; r++) {
            vector factor = (vector)half_of(even, (pairs){0} + row[r][at]);
            UNROLL(4)
            for (int v = 0; v < vectors; v++)
                sum[r][v] += factor * (vector)x[v];
        }
    }
#endif
}

static void round_rows(size_t rows, size_t inner, const float *x, size_t ldx, void *to)
{
    uint32_t *row = to;
    size_t depth = depth_of_pairs(inner);
    for (size_t b = 0; b < rows; b++, x += ldx, row += depth) {
        for (size_t p = 0; p < inner / 2; p++)
            row[p] = make_pair(x[2 * p], x[2 * p + 1]);
        if (inner % 2)
            row[depth - 1] = make_pair(x[inner - 1], 0.0f);
    }
}

/* Pairs of neighbouring rows; behind an odd last row, with 0. */
static void pack_pairs(size_t batch, size_t columns, const float *x, size_t ldx, void *packed)
{
    uint32_t *to = packed;
    for (size_t j = 0; j < columns; j += MFI_TILE_ROWS)
        for (size_t b = 0; b < batch; b += 2, to += MFI_TILE_ROWS) {
            const float *even = x + b * ldx + j, *odd = even + ldx;
            for (size_t r = 0; r < MFI_TILE_ROWS; r++)
                to[r] = j + r < columns ? make_pair(even[r], b + 1 < batch ? odd[r] : 0.0f) : 0;
        }
}

static void pack_panel_of_pairs(size_t rows, size_t columns, size_t width, const float *x, size_t ldx,
                                void *panel)
{
    uint32_t *to = panel;
    for (size_t b = 0; b < rows; b += 2, to += width) {
        const float *even = x + b * ldx, *odd = even + ldx;
        for (size_t j = 0; j < width; j++)
            to[j] = j < columns ? make_pair(even[j], b + 1 < rows ? odd[j] : 0.0f) : 0;
    }
}

static void transpose_of_pairs(size_t rows, size_t columns, const float *panels, size_t start, size_t width,
                               void *to)
{
    size_t filled = filled_columns(width);
    for (size_t i = 0; i < rows; i += PANEL) {
        size_t here = rows - i < PANEL ? rows - i : PANEL, step = filled_columns(here);
        const float *from = panels + i * columns + start * step;
        for (size_t r = 0; r < here; r += 2) {
            uint32_t *row = (uint32_t *)to + (i + r) / 2 * filled;
            for (size_t j = 0; j < filled; j++) {
                const float *pair = from + j * step + r;
                row[j] = j < width ? make_pair(pair[0], r + 1 < here ? pair[1] : 0.0f) : 0;
            }
        }
    }
}

static void pair_up(size_t count, const float *even, const float *odd, void *copy)
{
    uint32_t *to = copy;
    size_t i = 0;
    for (; i + MFI_LANES <= count; i += MFI_LANES)
        store_pairs(to + i, make_pairs(load(even + i), odd ? load(odd + i) : splat(0.0f)));
    for (; i < count; i++)
        to[i] = make_pair(even[i], odd ? odd[i] : 0.0f);
}

static void round_panel(size_t columns, size_t apart, size_t width, const float *p, void *copy)
{
    uint32_t *to = copy;
    size_t group = apart * width;
    for (size_t j = 0; j < columns; j += 2 * apart, to += group)
        pair_up(group, p + j * width, j + apart < columns ? p + j * width + group : NULL, to);
}

INLINE void copy_block_of_pairs(size_t columns, size_t width, const float *p, void *copy, size_t at)
{
    round_panel(columns, 1, width, p, (uint32_t *)copy + at);
}

#define ELEMENT uint32_t
#define ELEMENTS pairs
#define LOAD_ELEMENTS load_pairs
#define ADD_ELEMENTS add_pairs
#define OF(name) name##_of_pairs
#include "math/products_tile.h"

#define PRODUCTS_OF_VALUES                                                                  \
    {                                                                                       \
        .round_rows = NULL, .multiply = multiply_of_values, .pack = pack_values,            \
        .pack_panel = pack_panel_of_values, .gradient_panel = gradient_panel_of_values,     \
        .update_panel = update_panel_of_values, .input_gradient = input_gradient_of_values, \
        .round_panel = NULL, .gather_product = gather_product_of_values, .pair_up = NULL    \
    }

#define PRODUCTS_OF_PAIRS                                                                         \
    {                                                                                             \
        .round_rows = round_rows, .multiply = multiply_of_pairs, .pack = pack_pairs,              \
        .pack_panel = pack_panel_of_pairs, .gradient_panel = gradient_panel_of_pairs,             \
        .update_panel = update_panel_of_pairs, .input_gradient = input_gradient_of_pairs,         \
        .round_panel = round_panel, .gather_product = gather_product_of_pairs, .pair_up = pair_up \
    }
