/* Owns: convolutions in groups of few maps: maps with zeros around them, taps, and the loops over them. */
#include "math/grouped.h"

#include <string.h>

#include "base/memory.h"

static size_t whole_lanes(size_t count, size_t lanes)
{
    return (count + lanes - 1) / lanes * lanes;
}

/* ---- framed maps ---- */

/* Maps with zeros around them. Columns that lie `step` apart are neighbours: those with the same remainder
 * are a plane. Behind a row there are as many values as a whole vector reads. */
typedef struct frame {
    size_t step, planes, rows, row; /* row: values from one to the next */
    size_t top, left;               /* zeros before the map; left: columns before they were parted */
    size_t plane, map;              /* values of each */
    size_t height, width;           /* of the map */
    size_t reach;                   /* columns that windows cover; others may be anything but finite */
} frame;

static bool measure_frame(frame *f)
{
    return mfi_multiply(f->rows, f->row, &f->plane) && mfi_multiply(f->plane, f->planes, &f->map);
}

/* Of x: rows and columns that windows cover. */
static bool frame_input(const mfi_geometry *g, size_t lanes, frame *f)
{
    *f = (frame){.step = g->stride[1],
                 .planes = mfi_least(g->stride[1], g->kernel[1]),
                 .rows = (g->map[0] - 1) * g->stride[0] + g->kernel[0],
                 .row = whole_lanes(g->map[1], lanes) + (g->kernel[1] - 1) / g->stride[1],
                 .top = g->padding[0],
                 .left = g->padding[1],
                 .height = g->height,
                 .width = g->width,
                 .reach = (g->map[1] - 1) * g->stride[1] + g->kernel[1]};
    return measure_frame(f);
}

/* Of du, as windows of dx see it: those of an input value lie before its place, strides apart. */
static bool frame_gradient(const mfi_geometry *g, size_t lanes, frame *f)
{
    size_t reach[2], places[2];
    for (int d = 0; d < 2; d++) {
        size_t size = d == 0 ? g->height : g->width;
        reach[d] = (g->kernel[d] - 1) / g->stride[d];
        places[d] = mfi_most(g->map[d], (size - 1 + g->padding[d]) / g->stride[d] + 1);
    }
    *f = (frame){.step = 1,
                 .planes = 1,
                 .rows = reach[0] + places[0],
                 .row = reach[1] + whole_lanes(places[1], lanes) + lanes,
                 .top = reach[0],
                 .left = reach[1],
                 .height = g->map[0],
                 .width = g->map[1],
                 .reach = reach[1] + g->map[1]};
    return measure_frame(f);
}

/* Copies a map; what is not of the map has been set to 0. */
static void fill_frame(const frame *f, const mfi_kernels *kernels, const float *from, float *to)
{
    size_t rows = mfi_least(f->height, f->rows - f->top), end = mfi_least(f->width, f->reach - f->left);
    for (size_t q = 0; q < f->planes; q++) {
        size_t first = q < f->left ? (f->left - q + f->step - 1) / f->step : 0;
        size_t column = first * f->step + q - f->left;
        if (column < end)
            kernels->copy_rows(rows, (end - column + f->step - 1) / f->step, from + column, f->width, f->step,
                               to + q * f->plane + f->top * f->row + first, f->row);
    }
}

/* ---- room ---- */

/* What the three products need, and where it lies in the room. */
typedef struct grouped_room {
    size_t maps, filters, places; /* of a group; places of a kernel */
    frame input, gradient;
    size_t taps;          /* the most of a sum */
    size_t frames;        /* values of all maps of a group, with their frames */
    size_t rows, columns; /* of du with whole vectors */
    size_t sums;          /* dW of a group, each value in lanes */
    size_t collected;     /* values of a map of dx whose windows lie alike */
} grouped_room;

static bool measure_group_room(const mfi_geometry *g, size_t groups, size_t lanes, bool training,
                               bool input_gradient, grouped_room *r)
{
    size_t weights, gradients = 0;
    *r = (grouped_room){.maps = g->channels / groups, .filters = g->filters / groups};
    r->places = g->kernel[0] * g->kernel[1];
    r->rows = g->map[0];
    r->columns = whole_lanes(g->map[1], lanes);
    if (!frame_input(g, lanes, &r->input) || !mfi_multiply(r->maps, r->places, &r->taps) ||
        !mfi_multiply(r->maps, r->input.map, &r->frames) ||
        !mfi_multiply(r->taps, r->filters * lanes, &weights))
        return false;
    r->sums = training ? weights : 0;
    if (!input_gradient)
        return true;
    if (!frame_gradient(g, lanes, &r->gradient) || !mfi_multiply(r->filters, r->gradient.map, &gradients))
        return false;
    r->taps = mfi_most(r->taps, r->filters * r->places);
    r->frames = mfi_most(r->frames, gradients);
    if (g->stride[0] > 1 || g->stride[1] > 1)
        r->collected = ((g->height - 1) / g->stride[0] + 1) * ((g->width - 1) / g->stride[1] + 1);
    return true;
}

/* Behind each other: where taps begin, their weights, frames, then sums and du of dW, or values of dx. */
enum { PLACE_FLOATS = sizeof(size_t) / sizeof(float) };

static size_t *taps_at(const mfi_grouped *c)
{
    return (size_t *)(void *)c->room;
}

static float *weights_at(const mfi_grouped *c, const grouped_room *r)
{
    return c->room + PLACE_FLOATS * r->taps;
}

static float *frames_at(const mfi_grouped *c, const grouped_room *r)
{
    return weights_at(c, r) + r->taps;
}

static float *sums_at(const mfi_grouped *c, const grouped_room *r)
{
    return frames_at(c, r) + r->frames;
}

bool mfi_grouped_room(const mfi_geometry *geometry, size_t groups, size_t lanes, bool training,
                      bool input_gradient, size_t *floats)
{
    grouped_room r;
    size_t taps, gradient = 0;
    if (!measure_group_room(geometry, groups, lanes, training, input_gradient, &r) ||
        !mfi_multiply(r.taps, PLACE_FLOATS + 1, &taps) ||
        (training && !mfi_multiply(r.rows, r.columns, &gradient)))
        return false;
    size_t rest = mfi_most(r.sums + gradient, r.collected);
    *floats = taps + r.frames + rest;
    return *floats >= rest && *floats >= r.frames;
}

static grouped_room room_of(const mfi_grouped *c, bool input_gradient)
{
    grouped_room r;
    (void)measure_group_room(c->geometry, c->groups, c->kernels->order.lanes, true, input_gradient,
                             &r); /* it has fit before */
    return r;
}

bool mfi_grouped_pays(const mfi_geometry *geometry, size_t groups)
{
    enum { MOST_MAPS = 8 };
    return geometry->channels / groups <= MOST_MAPS && geometry->filters / groups <= MOST_MAPS;
}

/* ---- u and dW: windows of x ---- */

/* The taps of `maps` maps. */
static void put_input_taps(const mfi_geometry *g, const frame *f, size_t maps, size_t *at)
{
    for (size_t map = 0; map < maps; map++)
        for (size_t i = 0; i < g->kernel[0]; i++)
            for (size_t j = 0; j < g->kernel[1]; j++)
                *at++ = map * f->map + j % f->step * f->plane + i * f->row + j / f->step;
}

/* The maps of a group. */
static void frame_group(const mfi_grouped *c, const grouped_room *r, size_t group, size_t image,
                        const float *x)
{
    size_t pixels = c->geometry->height * c->geometry->width;
    for (size_t map = 0; map < r->maps; map++)
        fill_frame(&r->input, c->kernels, x + image * c->stride + (group * r->maps + map) * pixels,
                   frames_at(c, r) + map * r->input.map);
}

void mfi_grouped_forward(const mfi_grouped *c, const float *x, const float *w, float *u)
{
    const mfi_geometry *g = c->geometry;
    const grouped_room r = room_of(c, false);
    size_t taps = r.maps * r.places;
    put_input_taps(g, &r.input, r.maps, taps_at(c));
    memset(frames_at(c, &r), 0, r.frames * sizeof(float));
    for (size_t group = 0; group < c->groups; group++)
        for (size_t image = 0; image < c->images; image++) {
            frame_group(c, &r, group, image, x);
            for (size_t f = group * r.filters; f < (group + 1) * r.filters; f++)
                c->kernels->tap_sums(g->map[0], g->map[1], taps, taps_at(c), w + f * taps, frames_at(c, &r),
                                     g->stride[0] * r.input.row, u + (f * c->images + image) * g->pixels);
        }
}

/* du of a filter and an image, with 0 behind its rows. */
static const float *whole_rows(const mfi_grouped *c, const grouped_room *r, const float *du)
{
    float *to = sums_at(c, r) + r->sums;
    if (r->columns == c->geometry->map[1])
        return du;
    c->kernels->copy_rows(r->rows, c->geometry->map[1], du, c->geometry->map[1], 1, to, r->columns);
    return to;
}

/* The products of a group and an image, added to the lanes of its sums. */
static void add_products(const mfi_grouped *c, const grouped_room *r, size_t group, size_t image,
                         const float *du)
{
    const mfi_geometry *g = c->geometry;
    size_t lanes = c->kernels->order.lanes;
    float *sums = sums_at(c, r);
    for (size_t f = 0; f < r->filters; f++) {
        const float *rows = whole_rows(c, r, du + ((group * r->filters + f) * c->images + image) * g->pixels);
        for (size_t map = 0; map < r->maps; map++, sums += r->places * lanes)
            c->kernels->tap_products(r->rows, r->columns, r->places, taps_at(c),
                                     frames_at(c, r) + map * r->input.map, g->stride[0] * r->input.row, rows,
                                     sums);
    }
}

void mfi_grouped_add_weights(const mfi_grouped *c, const float *x, const float *du, float *dw)
{
    const grouped_room r = room_of(c, false);
    size_t lanes = c->kernels->order.lanes, weights = r.sums / lanes;
    put_input_taps(c->geometry, &r.input, 1, taps_at(c));
    memset(frames_at(c, &r), 0, (r.frames + r.sums + r.rows * r.columns) * sizeof(float));
    for (size_t group = 0; group < c->groups; group++, dw += weights) {
        float *sums = sums_at(c, &r);
        for (size_t image = 0; image < c->images; image++) {
            frame_group(c, &r, group, image, x);
            add_products(c, &r, group, image, du);
        }
        for (size_t value = 0; value < weights; value++)
            for (size_t lane = 0; lane < lanes; lane++)
                dw[value] += sums[value * lanes + lane];
        memset(sums, 0, r.sums * sizeof *sums);
    }
}

/* ---- dx: windows of du ---- */

/* Values of the input whose windows lie alike: those `first`, first + stride, ... in each direction. */
typedef struct alike {
    size_t first[2], count[2];
    size_t part[2];  /* the first place of the kernel that meets them */
    size_t start[2]; /* the window of the first of them that this place is in */
} alike;

static alike values_alike(const mfi_geometry *g, size_t down, size_t across)
{
    const size_t size[2] = {g->height, g->width}, first[2] = {down, across};
    alike a;
    for (int d = 0; d < 2; d++) {
        a.first[d] = first[d];
        a.count[d] = (size[d] - first[d] + g->stride[d] - 1) / g->stride[d];
        a.part[d] = (first[d] + g->padding[d]) % g->stride[d];
        a.start[d] = (first[d] + g->padding[d]) / g->stride[d];
    }
    return a;
}

/* The taps and weights of map `map` of a group; how many there are. */
static size_t put_gradient_taps(const mfi_grouped *c, const grouped_room *r, const alike *a, size_t map,
                                const float *w)
{
    const mfi_geometry *g = c->geometry;
    const frame *f = &r->gradient;
    size_t taps = 0;
    for (size_t filter = 0; filter < r->filters; filter++)
        for (size_t i = a->part[0]; i < g->kernel[0]; i += g->stride[0])
            for (size_t j = a->part[1]; j < g->kernel[1]; j += g->stride[1], taps++) {
                size_t row = a->start[0] + f->top - i / g->stride[0],
                       column = a->start[1] + f->left - j / g->stride[1];
                taps_at(c)[taps] = filter * f->map + row * f->row + column;
                weights_at(c, r)[taps] = w[((filter * r->maps + map) * g->kernel[0] + i) * g->kernel[1] + j];
            }
    return taps;
}

/* One map of dx, from the framed du of the group's filters. */
static void put_map(const mfi_grouped *c, const grouped_room *r, size_t map, const float *w, float *dx)
{
    const mfi_geometry *g = c->geometry;
    for (size_t down = 0; down < mfi_least(g->stride[0], g->height); down++)
        for (size_t across = 0; across < mfi_least(g->stride[1], g->width); across++) {
            const alike a = values_alike(g, down, across);
            float *to = r->collected > 0 ? sums_at(c, r) : dx;
            size_t taps = put_gradient_taps(c, r, &a, map, w);
            c->kernels->tap_sums(a.count[0], a.count[1], taps, taps_at(c), weights_at(c, r), frames_at(c, r),
                                 r->gradient.row, to);
            for (size_t y = 0; to != dx && y < a.count[0]; y++)
                for (size_t x = 0; x < a.count[1]; x++)
                    dx[(down + y * g->stride[0]) * g->width + across + x * g->stride[1]] =
                        to[y * a.count[1] + x];
        }
}

void mfi_grouped_input(const mfi_grouped *c, const float *w, const float *du, float *dx)
{
    const mfi_geometry *g = c->geometry;
    const grouped_room r = room_of(c, true);
    memset(frames_at(c, &r), 0, r.frames * sizeof(float));
    for (size_t group = 0; group < c->groups; group++)
        for (size_t image = 0; image < c->images; image++) {
            size_t filter = group * r.filters, map = group * r.maps;
            for (size_t f = 0; f < r.filters; f++)
                fill_frame(&r.gradient, c->kernels, du + ((filter + f) * c->images + image) * g->pixels,
                           frames_at(c, &r) + f * r.gradient.map);
            for (size_t m = 0; m < r.maps; m++)
                put_map(c, &r, m, w + filter * r.maps * r.places,
                        dx + image * c->stride + (map + m) * g->height * g->width);
        }
}
