/* The part of oracle_maps that pools. SPDX-License-Identifier: MIT */
#include "oracle_pool.h"

#include <math.h>
#include <string.h>

size_t maps_pool_stride(const mf_layer_spec *spec, int d)
{
    return spec->pool_stride[d] ? spec->pool_stride[d] : spec->pool_size[d];
}

/* A window of a map, row by row, without the padding. */
typedef struct window {
    size_t top, left, bottom, right;
} window;

/* The places of a map that the i-th window has in one direction. */
static void places_of(const maps_oracle *o, int d, size_t i, size_t *first, size_t *end)
{
    *first = o->map[d];
    *end = 0;
    for (size_t k = 0; k < o->spec.pool_size[d]; k++) {
        long at = (long)(i * maps_pool_stride(&o->spec, d) + k) - (long)o->pool_padding[d];

        if (at < 0 || at >= (long)o->map[d])
            continue;
        *first = (size_t)at < *first ? (size_t)at : *first;
        *end = (size_t)at + 1;
    }
}

static window window_at(const maps_oracle *o, size_t i, size_t j)
{
    window w;

    places_of(o, 0, i, &w.top, &w.bottom);
    places_of(o, 1, j, &w.left, &w.right);
    return w;
}

/* The part that a value has in what becomes of its window. */
static double part_of_window(const maps_oracle *o, window w)
{
    if (o->spec.pool == MF_POOL_MAX)
        return 1.0;
    if (o->spec.pool == MF_POOL_AVERAGE_INSIDE)
        return 1.0 / (double)((w.bottom - w.top) * (w.right - w.left));
    return 1.0 / (double)(o->spec.pool_size[0] * o->spec.pool_size[1]);
}

/* The first place of the largest value in a window; notes how near the next one is. */
static size_t place_of_largest(maps_oracle *o, const double *map, size_t channel, window w)
{
    size_t best = w.top * o->map[1] + w.left;

    for (size_t y = w.top; y < w.bottom; y++)
        for (size_t x = w.left; x < w.right; x++)
            if (map[y * o->map[1] + x] > map[best])
                best = y * o->map[1] + x;
    for (size_t y = w.top; y < w.bottom; y++)
        for (size_t x = w.left; x < w.right; x++) {
            double gap = map[best] - map[y * o->map[1] + x];

            if (gap == 0.0) /* the same place, or an exact tie: the first of them, in float32 as well */
                continue;
            o->tie_margin = fmin(o->tie_margin, gap);
            if (gap < MAPS_NEAR)
                o->doubtful[channel] = 1;
        }
    return best;
}

/* One map of a channel; with `back`, the gradient `pooled` is spread over `map`. */
static void pool_map(maps_oracle *o, const double *full, size_t channel, double *map, double *pooled,
                     int back)
{
    for (size_t i = 0; i < o->pooled[0]; i++)
        for (size_t j = 0; j < o->pooled[1]; j++, pooled++) {
            window w = window_at(o, i, j);
            double fraction = part_of_window(o, w);
            size_t largest = o->spec.pool == MF_POOL_MAX ? place_of_largest(o, full, channel, w) : 0;

            for (size_t y = w.top; y < w.bottom; y++)
                for (size_t x = w.left; x < w.right; x++) {
                    size_t at = y * o->map[1] + x;

                    if (o->spec.pool == MF_POOL_MAX && at != largest)
                        continue;
                    if (back)
                        map[at] += *pooled * fraction;
                    else
                        *pooled += map[at] * fraction;
                }
        }
}

/* Cell i of n over `size` values begins at floor(i size / n) and ends before ceil((i + 1) size / n). */
static int in_cell(size_t at, size_t size, size_t n, size_t i)
{
    return (double)at >= floor((double)(i * size) / (double)n) &&
           (double)at < ceil((double)((i + 1) * size) / (double)n);
}

/* Sum and number of the values in a cell of the head, or, with `back`, *sum spread over them. */
static double use_cell(const maps_oracle *o, double *a, size_t i, size_t j, double *sum, int back)
{
    double count = 0.0;

    for (size_t y = 0; y < o->pooled[0]; y++)
        for (size_t x = 0; x < o->pooled[1]; x++) {
            if (!in_cell(y, o->pooled[0], o->head[0], i) || !in_cell(x, o->pooled[1], o->head[1], j))
                continue;
            count += 1.0;
            if (back)
                a[y * o->pooled[1] + x] += *sum;
            else
                *sum += a[y * o->pooled[1] + x];
        }
    return count;
}

static void head_map(const maps_oracle *o, double *a, double *features, int back)
{
    for (size_t i = 0; i < o->head[0]; i++)
        for (size_t j = 0; j < o->head[1]; j++, features++) {
            double sum = 0.0, count = use_cell(o, a, i, j, &sum, 0), fraction = *features / count;

            if (back)
                use_cell(o, a, i, j, &fraction, 1);
            else
                *features = sum / count;
        }
}

void maps_pool_row(maps_oracle *o, const double *activation, double *full, double *a, double *features,
                   int back)
{
    size_t places = o->map[0] * o->map[1], small = o->pooled[0] * o->pooled[1];
    size_t cells = o->head[0] * o->head[1];
    int pools = o->spec.kind == MF_LAYER_CONV2D && o->spec.pool != MF_POOL_NONE;

    for (size_t f = 0; f < o->channels;
         f++, full += places, activation += places, a += small, features += cells) {
        if (back)
            head_map(o, a, features, 1);
        if (pools)
            pool_map(o, activation, f, full, a, back);
        else
            memcpy(back ? full : a, back ? a : full, places * sizeof *a);
        if (!back)
            head_map(o, a, features, 0);
    }
}
