/* The part of kernels_body.h with the optimizers, compiled with it for each instruction set: updates from a
 * gradient, and updates from a product that is never stored. */
#include "math/kernels.h"
#include "math/lanes.h"

INLINE vector decayed_gradient(const mfi_rule *rule, vector g, vector p)
{
    return g + rule->decay * p;
}

/* Limits the second moment: once infinite, it would stay infinite. */
INLINE vector moving_square(float beta, vector old, vector gradient)
{
    return at_most(beta * old + (1.0f - beta) * gradient * gradient, FLT_MAX);
}

/* x / (sqrt(square) root + epsilon) */
INLINE vector over_root(vector x, vector square, float root, float epsilon)
{
    vector square_root = square * reciprocal_root(at_least(square, FLT_MIN));
    return x * reciprocal(square_root * root + epsilon);
}

/* Updates one vector and returns the new p. `kind` is a constant when this is inlined. */
INLINE vector apply_rule(mfi_rule_kind kind, const mfi_rule *r, vector p, vector g, vector *s0, vector *s1)
{
    vector gradient = decayed_gradient(r, g, p);
    switch (kind) {
    case MFI_RULE_SGD:
        return p - r->rate * gradient;
    case MFI_RULE_MOMENTUM:
        *s0 = r->momentum * *s0 + gradient;
        return p - r->rate * *s0;
    case MFI_RULE_NESTEROV:
        *s0 = r->momentum * *s0 + gradient;
        return p - r->rate * (gradient + r->momentum * *s0);
    case MFI_RULE_ADAM:
        *s0 = r->beta1 * *s0 + (1.0f - r->beta1) * gradient;
        *s1 = moving_square(r->beta2, *s1, gradient);
        return r->keep * p - r->rate * over_root(*s0, *s1, r->root, r->epsilon);
    case MFI_RULE_RMSPROP:
        *s0 = moving_square(r->beta2, *s0, gradient);
        return p - r->rate * over_root(gradient, *s0, 1.0f, r->epsilon);
    default: /* MFI_RULE_RMSPROP_MOMENTUM */
        *s0 = moving_square(r->beta2, *s0, gradient);
        *s1 = r->momentum * *s1 + over_root(gradient, *s0, 1.0f, r->epsilon);
        return p - r->rate * *s1;
    }
}

INLINE void update_rows(mfi_rule_kind kind, int slots, const mfi_rule *rule, size_t rows, size_t columns,
                        float *p, size_t ldp, const float *g, size_t ldg, float *s0, float *s1)
{
    const mfi_rule r = *rule;
    for (size_t i = 0; i < rows; i++)
        FOR_LANES(j, lanes, columns)
        {
            size_t at = i * ldp + j;
            vector first = {0}, second = {0};
            if (slots > 0)
                first = load_lanes(s0 + at, lanes);
            if (slots > 1)
                second = load_lanes(s1 + at, lanes);
            vector value = apply_rule(kind, &r, load_lanes(p + at, lanes), load_lanes(g + i * ldg + j, lanes),
                                      &first, &second);
            if (slots > 0)
                store_lanes(s0 + at, first, lanes);
            if (slots > 1)
                store_lanes(s1 + at, second, lanes);
            store_lanes(p + at, value, lanes);
        }
}

static void update(const mfi_rule *rule, size_t rows, size_t columns, float *p, size_t ldp, const float *g,
                   size_t ldg, float *s0, float *s1)
{
    switch (rule->kind) {
    case MFI_RULE_SGD:
        update_rows(MFI_RULE_SGD, 0, rule, rows, columns, p, ldp, g, ldg, s0, s1);
        break;
    case MFI_RULE_MOMENTUM:
        update_rows(MFI_RULE_MOMENTUM, 1, rule, rows, columns, p, ldp, g, ldg, s0, s1);
        break;
    case MFI_RULE_NESTEROV:
        update_rows(MFI_RULE_NESTEROV, 1, rule, rows, columns, p, ldp, g, ldg, s0, s1);
        break;
    case MFI_RULE_ADAM:
        update_rows(MFI_RULE_ADAM, 2, rule, rows, columns, p, ldp, g, ldg, s0, s1);
        break;
    case MFI_RULE_RMSPROP:
        update_rows(MFI_RULE_RMSPROP, 1, rule, rows, columns, p, ldp, g, ldg, s0, s1);
        break;
    default:
        update_rows(MFI_RULE_RMSPROP_MOMENTUM, 2, rule, rows, columns, p, ldp, g, ldg, s0, s1);
        break;
    }
}

/* ---- the product dz^T x, followed by the update ---- */

#ifdef MFI_TILE_ROWS

enum { TILE_COLUMNS = MFI_TILE_VECTORS * MFI_LANES };

/* Copies x in dense blocks of TILE_COLUMNS columns, with zeros after the last column. */
static void pack(size_t batch, size_t columns, const float *x, size_t ldx, float *packed)
{
    for (size_t j = 0; j < columns; j += TILE_COLUMNS)
        for (size_t b = 0; b < batch; b++, packed += TILE_COLUMNS) {
            size_t width = columns - j < TILE_COLUMNS ? columns - j : TILE_COLUMNS;
            memcpy(packed, x + b * ldx + j, width * sizeof *x);
            if (width < TILE_COLUMNS)
                memset(packed + width, 0, (TILE_COLUMNS - width) * sizeof *x);
        }
}

INLINE void prefetch_row(const float *row)
{
    for (int v = 0; v < MFI_TILE_VECTORS; v++)
        __builtin_prefetch(row + v * MFI_LANES, 1);
}

/* g[r] = sum over b of dz[b][r] x[b], for a block of columns and `rows` neurons, which is a constant when
 * this is inlined. Meanwhile the values that the update needs are prefetched row by row: a product uses
 * little memory bandwidth, an optimizer uses little else. */
INLINE void multiply_tile(int rows, size_t batch, const float *dz, size_t lddz, const float *packed,
                          size_t columns, const float *p, const float *s0, const float *s1, float *g)
{
    vector sum[MFI_TILE_ROWS][MFI_TILE_VECTORS] = {{{0}}};
    size_t b = 0;
    for (size_t turn = 0; turn < (size_t)rows; turn++) {
        prefetch_row(p + turn * columns);
        if (s0)
            prefetch_row(s0 + turn * columns);
        if (s1)
            prefetch_row(s1 + turn * columns);
        for (size_t end = batch * (turn + 1) / (size_t)rows; b < end; b++) {
            vector x[MFI_TILE_VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < MFI_TILE_VECTORS; v++)
                x[v] = load(packed + b * TILE_COLUMNS + v * MFI_LANES);
#pragma GCC unroll 16
            for (int r = 0; r < rows; r++) {
                float factor = dz[b * lddz + (size_t)r];
#pragma GCC unroll 4
                for (int v = 0; v < MFI_TILE_VECTORS; v++)
                    sum[r][v] += factor * x[v];
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < MFI_TILE_VECTORS; v++)
            store(g + r * TILE_COLUMNS + v * MFI_LANES, sum[r][v]);
}

static void product_update(const mfi_rule *rule, size_t batch, size_t rows, size_t columns, const float *dz,
                           size_t lddz, const float *packed, float *p, float *s0, float *s1)
{
    float g[MFI_TILE_ROWS * TILE_COLUMNS] __attribute__((aligned(64)));
    size_t done;
    for (size_t i = 0; i < rows; i += done) {
        done = rows - i >= MFI_TILE_ROWS ? MFI_TILE_ROWS : 1;
        for (size_t j = 0; j < columns; j += TILE_COLUMNS) {
            size_t width = columns - j < TILE_COLUMNS ? columns - j : TILE_COLUMNS, at = i * columns + j;
            float *t0 = s0 ? s0 + at : NULL, *t1 = s1 ? s1 + at : NULL;
            if (done == MFI_TILE_ROWS)
                multiply_tile(MFI_TILE_ROWS, batch, dz + i, lddz, packed + j * batch, columns, p + at, t0, t1,
                              g);
            else
                multiply_tile(1, batch, dz + i, lddz, packed + j * batch, columns, p + at, t0, t1, g);
            update(rule, done, width, p + at, columns, g, TILE_COLUMNS, t0, t1);
        }
    }
}

#endif
