/* The part of kernels_body.h with the matrix products of our own, compiled with it for each instruction set.
 *
 * All of them are one tile: MFI_TILE_ROWS x MFI_TILE_VECTORS vectors of sums that stay in registers, while a
 * second operand in panels (order.h) is read as vectors, and the first one value by value. Each sum runs over
 * the inner index in order, from the first to the last, so a value's bits depend neither on the tile it lies
 * in nor on the number of rows or threads. */
#include "math/kernels.h"
#include "math/lanes.h"

enum { PANEL = MFI_TILE_VECTORS * MFI_LANES };

/* What a panel takes for so many inner indices stays in the first-level cache, beside the rows it meets. */
enum { BLOCK_DEPTH = 4096 / PANEL < 128 ? 128 : 4096 / PANEL };

/* Columns with those that fill up the last vector. */
static size_t filled_columns(size_t columns)
{
    return (columns + MFI_LANES - 1) / MFI_LANES * MFI_LANES;
}

/* C [rows, vectors of lanes] = A B, or += with `add`: A's value (r, p) is a[r row + p step]; B [inner,
 * vectors of lanes] is dense. `rows` and `vectors` are constants when this is inlined. */
INLINE void multiply_tile(int rows, int vectors, size_t inner, const float *a, size_t row, size_t step,
                          const float *b, bool add, float *c, size_t ldc)
{
    vector sum[MFI_TILE_ROWS][MFI_TILE_VECTORS] = {{{0}}};
    if (add)
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] = load(c + (size_t)r * ldc + v * MFI_LANES);
    for (size_t p = 0; p < inner; p++) {
        vector x[MFI_TILE_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            x[v] = load(b + (p * (size_t)vectors + (size_t)v) * MFI_LANES);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            float factor = a[(size_t)r * row + p * step];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] += factor * x[v];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            store(c + (size_t)r * ldc + v * MFI_LANES, sum[r][v]);
}

/* All rows of A with one panel. */
INLINE void multiply_rows(int vectors, size_t rows, size_t inner, const float *a, size_t lda, const float *b,
                          bool add, float *c, size_t ldc)
{
    size_t i = 0;
    for (; i + MFI_TILE_ROWS <= rows; i += MFI_TILE_ROWS)
        multiply_tile(MFI_TILE_ROWS, vectors, inner, a + i * lda, lda, 1, b, add, c + i * ldc, ldc);
    for (; i + 4 <= rows; i += 4)
        multiply_tile(4, vectors, inner, a + i * lda, lda, 1, b, add, c + i * ldc, ldc);
    for (; i + 2 <= rows; i += 2)
        multiply_tile(2, vectors, inner, a + i * lda, lda, 1, b, add, c + i * ldc, ldc);
    if (i < rows)
        multiply_tile(1, vectors, inner, a + i * lda, lda, 1, b, add, c + i * ldc, ldc);
}

/* All rows of A with one panel of `width` columns, which are whole vectors. */
static void multiply_whole(size_t rows, size_t inner, const float *a, size_t lda, size_t width,
                           const float *b, bool add, float *c, size_t ldc)
{
    switch (width / MFI_LANES) {
    case 1:
        multiply_rows(1, rows, inner, a, lda, b, add, c, ldc);
        break;
#if MFI_TILE_VECTORS > 2
    case 2:
        multiply_rows(2, rows, inner, a, lda, b, add, c, ldc);
        break;
#endif
#if MFI_TILE_VECTORS > 3
    case 3:
        multiply_rows(3, rows, inner, a, lda, b, add, c, ldc);
        break;
#endif
    default:
        multiply_rows(MFI_TILE_VECTORS, rows, inner, a, lda, b, add, c, ldc);
        break;
    }
}

/* The same for any number of columns: those of the last panel may not be whole vectors. Then C is computed in
 * a place of its own. */
static void multiply_panel(size_t rows, size_t inner, const float *a, size_t lda, size_t columns,
                           const float *b, bool add, float *c, size_t ldc)
{
    float t[MFI_TILE_ROWS * PANEL] __attribute__((aligned(64))) = {0};
    size_t width = filled_columns(columns);
    if (width == columns) {
        multiply_whole(rows, inner, a, lda, width, b, add, c, ldc);
        return;
    }
    for (size_t i = 0, block; i < rows; i += block) {
        block = rows - i < MFI_TILE_ROWS ? rows - i : MFI_TILE_ROWS;
        for (size_t r = 0; add && r < block; r++)
            memcpy(t + r * width, c + (i + r) * ldc, columns * sizeof *c);
        multiply_whole(block, inner, a + i * lda, lda, width, b, add, t, width);
        for (size_t r = 0; r < block; r++)
            memcpy(c + (i + r) * ldc, t + r * width, columns * sizeof *c);
    }
}

/* One or two rows have too few sums to hide the latency of multiply-adds: they meet several panels at once.
 * Each sum runs as in multiply_tile(). */
INLINE void multiply_across(int rows, int panels, size_t inner, const float *a, size_t lda, const float *b,
                            bool add, float *c, size_t ldc)
{
    vector sum[4][MFI_TILE_VECTORS] = {{{0}}};
    for (int q = 0; add && q < panels; q++)
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < MFI_TILE_VECTORS; v++)
                sum[q * rows + r][v] = load(c + (size_t)r * ldc + q * PANEL + v * MFI_LANES);
    for (size_t p = 0; p < inner; p++)
#pragma GCC unroll 4
        for (int q = 0; q < panels; q++)
#pragma GCC unroll 4
            for (int v = 0; v < MFI_TILE_VECTORS; v++) {
                vector x = load(b + ((size_t)q * inner + p) * PANEL + v * MFI_LANES);
#pragma GCC unroll 2
                for (int r = 0; r < rows; r++)
                    sum[q * rows + r][v] += a[(size_t)r * lda + p] * x;
            }
    for (int q = 0; q < panels; q++)
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < MFI_TILE_VECTORS; v++)
                store(c + (size_t)r * ldc + q * PANEL + v * MFI_LANES, sum[q * rows + r][v]);
}

static void multiply(size_t rows, size_t inner, const float *a, size_t lda, size_t columns,
                     const float *panels, bool add, float *c, size_t ldc)
{
    size_t j = 0;
    for (; rows == 1 && j + 4 * PANEL <= columns; j += 4 * PANEL)
        multiply_across(1, 4, inner, a, lda, panels + j * inner, add, c + j, ldc);
    for (; rows == 2 && j + 2 * PANEL <= columns; j += 2 * PANEL)
        multiply_across(2, 2, inner, a, lda, panels + j * inner, add, c + j, ldc);
    for (; j < columns; j += PANEL) {
        size_t width = columns - j < PANEL ? columns - j : PANEL;
        size_t filled = filled_columns(width);
        for (size_t p = 0, depth; p < inner; p += depth) {
            depth = inner - p < BLOCK_DEPTH ? inner - p : BLOCK_DEPTH;
            multiply_panel(rows, depth, a + p, lda, width, panels + j * inner + p * filled, add || p > 0,
                           c + j, ldc);
        }
    }
}

/* ---- the gradient of a panel, and the update from it ---- */

static void pack(size_t batch, size_t columns, const float *x, size_t ldx, float *packed)
{
    for (size_t j = 0; j < columns; j += MFI_TILE_ROWS)
        for (size_t b = 0; b < batch; b++, packed += MFI_TILE_ROWS)
            if (columns - j >= MFI_TILE_ROWS)
                memcpy(packed, x + b * ldx + j, MFI_TILE_ROWS * sizeof *x);
            else
                for (size_t r = 0; r < MFI_TILE_ROWS; r++)
                    packed[r] = j + r < columns ? x[b * ldx + j + r] : 0.0f;
}

/* g [MFI_TILE_ROWS, width] of one block of columns. */
static void gradient_tile(size_t batch, size_t width, const float *dz, const float *packed, float *g)
{
    switch (width / MFI_LANES) {
    case 1:
        multiply_tile(MFI_TILE_ROWS, 1, batch, packed, 1, MFI_TILE_ROWS, dz, false, g, width);
        break;
#if MFI_TILE_VECTORS > 2
    case 2:
        multiply_tile(MFI_TILE_ROWS, 2, batch, packed, 1, MFI_TILE_ROWS, dz, false, g, width);
        break;
#endif
#if MFI_TILE_VECTORS > 3
    case 3:
        multiply_tile(MFI_TILE_ROWS, 3, batch, packed, 1, MFI_TILE_ROWS, dz, false, g, width);
        break;
#endif
    default:
        multiply_tile(MFI_TILE_ROWS, MFI_TILE_VECTORS, batch, packed, 1, MFI_TILE_ROWS, dz, false, g, PANEL);
        break;
    }
}

/* A product uses little memory bandwidth, an optimizer uses little else: what the update of this block needs
 * is fetched while its product is computed. */
INLINE void prefetch(const float *values, size_t count)
{
    for (size_t i = 0; values && i < count; i += 64 / sizeof *values)
        __builtin_prefetch(values + i, 1);
}

static void gradient_panel(size_t batch, size_t columns, size_t width, const float *dz, const float *packed,
                           float *gradient)
{
    float g[MFI_TILE_ROWS * PANEL] __attribute__((aligned(64)));
    for (size_t j = 0; j < columns; j += MFI_TILE_ROWS) {
        size_t block = columns - j < MFI_TILE_ROWS ? columns - j : MFI_TILE_ROWS;
        gradient_tile(batch, width, dz, packed + j * batch, g);
        memcpy(gradient + j * width, g, block * width * sizeof *g);
    }
}

static void update_panel(const mfi_rule *rule, size_t batch, size_t columns, size_t width, const float *dz,
                         const float *packed, float *p, float *s0, float *s1)
{
    float g[MFI_TILE_ROWS * PANEL] __attribute__((aligned(64)));
    for (size_t j = 0; j < columns; j += MFI_TILE_ROWS) {
        size_t block = columns - j < MFI_TILE_ROWS ? columns - j : MFI_TILE_ROWS;
        size_t at = j * width, count = block * width;
        float *t0 = s0 ? s0 + at : NULL, *t1 = s1 ? s1 + at : NULL;
        prefetch(p + at, count);
        prefetch(t0, count);
        prefetch(t1, count);
        gradient_tile(batch, width, dz, packed + j * batch, g);
        update(rule, 1, count, p + at, count, g, count, t0, t1);
    }
}

/* ---- the gradient with respect to the input ---- */

/* to [rows of W, columns start to start + width] = W in panels, turned into one panel of its transpose. */
static void transpose_panel(size_t rows, size_t columns, const float *panels, size_t start, size_t width,
                            float *to)
{
    size_t filled = filled_columns(width);
    for (size_t i = 0; i < rows; i += PANEL) {
        size_t here = rows - i < PANEL ? rows - i : PANEL;
        size_t step = filled_columns(here);
        const float *from = panels + i * columns + start * step;
        for (size_t r = 0; r < here; r++) {
            float *row = to + (i + r) * filled;
            for (size_t j = 0; j < filled; j++)
                row[j] = j < width ? from[j * step + r] : 0.0f;
        }
    }
}

static void input_gradient(size_t rows, size_t n, const float *dz, size_t lddz, size_t columns,
                           const float *panels, bool add, float *dx, float *room)
{
    for (size_t j = 0; j < columns; j += PANEL) {
        size_t width = columns - j < PANEL ? columns - j : PANEL;
        transpose_panel(n, columns, panels, j, width, room);
        multiply_panel(rows, n, dz, lddz, width, room, add, dx + j, columns);
    }
}
