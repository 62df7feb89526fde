/* The part of kernels_body.h with the sums of convolutions in groups (grouped.h), compiled with it for each
 * instruction set. */
#include "math/kernels.h"
#include "math/lanes.h"

/* Copies every `step`-th value of rows. */
INLINE void copy_steps(size_t rows, size_t columns, const float *restrict from, size_t ldfrom, size_t step,
                       float *restrict to, size_t ldto)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < columns; j++)
            to[r * ldto + j] = from[r * ldfrom + j * step];
}

static void copy_rows(size_t rows, size_t columns, const float *from, size_t ldfrom, size_t step, float *to,
                      size_t ldto)
{
    if (step == 2) {
        copy_steps(rows, columns, from, ldfrom, 2, to, ldto);
    } else if (step > 1 || columns < MFI_LANES) {
        copy_steps(rows, columns, from, ldfrom, step, to, ldto);
    } else {
        for (size_t r = 0; r < rows; r++, from += ldfrom, to += ldto) {
            for (size_t j = 0; j + MFI_LANES <= columns; j += MFI_LANES)
                store(to + j, load(from + j));
            store(to + columns - MFI_LANES, load(from + columns - MFI_LANES));
        }
    }
}

enum { TAP_ROWS = 4 };

/* A vector of `rows` rows, at most TAP_ROWS, a constant when this is inlined. What is stored behind the end
 * of a row lies where the next ones begin, and they are stored later: so their last vectors come first.
 * Nothing is stored behind `end`. */
INLINE void tap_block(size_t rows, size_t columns, size_t taps, const size_t *at, const float *w,
                      const float *in, size_t row, float *out, const float *end)
{
    vector sum[TAP_ROWS] = {{0}};
    for (size_t t = 0; t < taps; t++) {
        const float *from = in + at[t];
        UNROLL(4) for (size_t r = 0; r < rows; r++) sum[r] += w[t] * load(from + r * row);
    }
    UNROLL(4)
    for (size_t r = 0; r < rows; r++, out += columns)
        store_lanes(out, sum[r], (size_t)(end - out) < MFI_LANES ? (size_t)(end - out) : MFI_LANES);
}

INLINE void tap_rows(size_t rows, size_t columns, size_t taps, const size_t *at, const float *w,
                     const float *in, size_t row, float *out, const float *end)
{
    for (size_t x = (columns - 1) / MFI_LANES * MFI_LANES + MFI_LANES; x > 0; x -= MFI_LANES)
        tap_block(rows, columns, taps, at, w, in + x - MFI_LANES, row, out + x - MFI_LANES, end);
}

static void tap_sums(size_t rows, size_t columns, size_t taps, const size_t *at, const float *w,
                     const float *in, size_t row, float *out)
{
    const float *end = out + rows * columns;
    size_t y = 0;
    for (; y + TAP_ROWS <= rows; y += TAP_ROWS)
        tap_rows(TAP_ROWS, columns, taps, at, w, in + y * row, row, out + y * columns, end);
    for (; y < rows; y++)
        tap_rows(1, columns, taps, at, w, in + y * row, row, out + y * columns, end);
}

enum { TAP_SUMS = 9 };

/* `taps` is a constant, at most TAP_SUMS, when this is inlined. */
INLINE void add_taps(size_t rows, size_t columns, size_t taps, const size_t *at, const float *in, size_t row,
                     const float *du, float *sums)
{
    vector sum[TAP_SUMS];
    UNROLL(9)
    for (size_t t = 0; t < taps; t++)
        sum[t] = load(sums + t * MFI_LANES);
    for (size_t y = 0; y < rows; y++, du += columns, in += row)
        for (size_t x = 0; x < columns; x += MFI_LANES) {
            vector gradient = load(du + x);
            UNROLL(9)
            for (size_t t = 0; t < taps; t++)
                sum[t] += gradient * load(in + at[t] + x);
        }
    UNROLL(9)
    for (size_t t = 0; t < taps; t++)
        store(sums + t * MFI_LANES, sum[t]);
}

static void tap_products(size_t rows, size_t columns, size_t taps, const size_t *at, const float *in,
                         size_t row, const float *du, float *sums)
{
    size_t t = 0;
    for (; t + TAP_SUMS <= taps; t += TAP_SUMS)
        add_taps(rows, columns, TAP_SUMS, at + t, in, row, du, sums + t * MFI_LANES);
    for (; t + 3 <= taps; t += 3)
        add_taps(rows, columns, 3, at + t, in, row, du, sums + t * MFI_LANES);
    for (; t < taps; t++)
        add_taps(rows, columns, 1, at + t, in, row, du, sums + t * MFI_LANES);
}
