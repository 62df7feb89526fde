/* Every pixel of the changed image looks up a place in the original: an affine map of its own place, plus
 * a displacement that a coarse grid of random vectors gives by bilinear interpolation.
 *
 * SPDX-License-Identifier: MIT
 */
#include "augment.h"

#include <math.h>

enum { GRID = 6, MOST_JITTER = 2 };

static const float most_angle = 8 * 3.14159265f / 180;
static const float most_scale = 0.08f;
static const float most_shear = 0.1f;
static const float most_shift = 1.5f;
static const float elastic_deviation = 0.56f;

struct affine {
    float xx, xy, yx, yy, x, y;
};

struct displacements {
    float x[GRID][GRID];
    float y[GRID][GRID];
};

static struct affine draw_affine(struct random_stream *stream)
{
    float angle = random_uniform(stream, -most_angle, most_angle);
    float scale = 1 + random_uniform(stream, -most_scale, most_scale);
    float shear = random_uniform(stream, -most_shear, most_shear);
    float cosine = cosf(angle) / scale, sine = sinf(angle) / scale;
    return (struct affine){
        .xx = cosine,
        .xy = cosine * shear - sine,
        .yx = sine,
        .yy = sine * shear + cosine,
        .x = random_uniform(stream, -most_shift, most_shift),
        .y = random_uniform(stream, -most_shift, most_shift),
    };
}

static void draw_displacements(struct random_stream *stream, struct displacements *grid)
{
    for (size_t i = 0; i < GRID; i++) {
        for (size_t j = 0; j < GRID; j++) {
            grid->x[i][j] = elastic_deviation * random_normal(stream);
            grid->y[i][j] = elastic_deviation * random_normal(stream);
        }
    }
}

/* From places of `count` pixels to places on the grid. */
static float grid_scale(int count)
{
    return count > 1 ? (GRID - 1) / (float)(count - 1) : 0;
}

/* The node before a place on the grid, and the share of the next one. */
static int grid_node(float place, float *share)
{
    int node = (int)place < GRID - 2 ? (int)place : GRID - 2;
    *share = place - (float)node;
    return node;
}

/* What the displacements are along one row of the image, at the columns of the grid. */
static void interpolate_row(float nodes[GRID][GRID], float place, float row[GRID])
{
    float share;
    int node = grid_node(place, &share);
    for (size_t i = 0; i < GRID; i++)
        row[i] = nodes[node][i] + share * (nodes[node + 1][i] - nodes[node][i]);
}

static float pixel_or_black(const uint8_t *image, int rows, int columns, int y, int x)
{
    return y >= 0 && y < rows && x >= 0 && x < columns ? (float)image[y * columns + x] : 0;
}

/* floorf() is a call on many processors, and this is the innermost loop. */
static int round_down(float value)
{
    int whole = (int)value;
    return whole - ((float)whole > value);
}

static float sample(const uint8_t *image, int rows, int columns, float y, float x)
{
    int i = round_down(y), j = round_down(x);
    float down = y - (float)i, across = x - (float)j;
    float a, b, c, d;
    if (i >= 0 && i + 1 < rows && j >= 0 && j + 1 < columns) {
        const uint8_t *corner = image + i * columns + j;
        a = corner[0];
        b = corner[1];
        c = corner[columns];
        d = corner[columns + 1];
    } else {
        a = pixel_or_black(image, rows, columns, i, j);
        b = pixel_or_black(image, rows, columns, i, j + 1);
        c = pixel_or_black(image, rows, columns, i + 1, j);
        d = pixel_or_black(image, rows, columns, i + 1, j + 1);
    }
    float upper = a + across * (b - a), lower = c + across * (d - c);
    return upper + down * (lower - upper);
}

static void warp(const struct affine *map, struct displacements *grid, const uint8_t *image, int rows,
                 int columns, float *changed)
{
    float middle_y = (float)(rows - 1) / 2, middle_x = (float)(columns - 1) / 2;
    float scale_y = grid_scale(rows), scale_x = grid_scale(columns);
    for (int i = 0; i < rows; i++) {
        float row_x[GRID], row_y[GRID], v = (float)i - middle_y;
        interpolate_row(grid->x, (float)i * scale_y, row_x);
        interpolate_row(grid->y, (float)i * scale_y, row_y);
        for (int j = 0; j < columns; j++) {
            float share, u = (float)j - middle_x;
            int node = grid_node((float)j * scale_x, &share);
            float x = map->xx * u + map->xy * v + map->x + middle_x;
            float y = map->yx * u + map->yy * v + map->y + middle_y;
            x += row_x[node] + share * (row_x[node + 1] - row_x[node]);
            y += row_y[node] + share * (row_y[node + 1] - row_y[node]);
            changed[i * columns + j] = sample(image, rows, columns, y, x);
        }
    }
}

static void jitter(struct random_stream *stream, const uint8_t *image, int rows, int columns, float *changed)
{
    int down = (int)random_below(stream, 2 * MOST_JITTER + 1) - MOST_JITTER;
    int right = (int)random_below(stream, 2 * MOST_JITTER + 1) - MOST_JITTER;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            changed[i * columns + j] = pixel_or_black(image, rows, columns, i - down, j - right);
}

void augment_image(enum augment_kind kind, struct random_stream *stream, const uint8_t *image, size_t rows,
                   size_t columns, float *changed)
{
    if (kind == AUGMENT_NONE) {
        for (size_t i = 0; i < rows * columns; i++)
            changed[i] = image[i];
    } else if (kind == AUGMENT_JITTER) {
        jitter(stream, image, (int)rows, (int)columns, changed);
    } else {
        struct affine map = draw_affine(stream);
        struct displacements grid = {0};
        if (kind == AUGMENT_ELASTIC)
            draw_displacements(stream, &grid);
        warp(&map, &grid, image, (int)rows, (int)columns, changed);
    }
}
