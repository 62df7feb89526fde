/* Owns: the products of a convolution by Winograd's method. */
#include "math/winograd.h"

#include <string.h>

#include "base/memory.h"

/* Outputs of a tile in each direction, values of a transformed one, and weights of a kernel; tiles that are
 * worked on at a time, in whole rows; and, of these, those whose products stay in the cache. */
enum { TILE = 4, POINTS = 6, VALUES = POINTS * POINTS, KERNEL = 3, MOST_TILES = 128, SOME_TILES = 24 };

bool mfi_winograd_pays(const mfi_geometry *g)
{
    size_t tiles = (g->map[0] + TILE - 1) / TILE * ((g->map[1] + TILE - 1) / TILE);
    return g->kernel[0] == KERNEL && g->kernel[1] == KERNEL && g->stride[0] == 1 && g->stride[1] == 1 &&
           g->channels >= 8 && g->filters >= 8 && g->pixels / tiles >= 8;
}

/* ---- a convolution, as far as sizes go ---- */

typedef struct winograd {
    size_t images, inputs, outputs; /* maps */
    size_t from[2], size[2];        /* of an input map, and of an output map */
    size_t padding[2];
    size_t tiles[2], band;         /* tiles of a map; rows of them at a time */
    size_t depth;                  /* inputs, with those that fill up vectors */
    size_t columns, rows;          /* of the input that a band reads */
    size_t step_x, step_w, step_u; /* from a value of the transforms to the next */
} winograd;

/* Matrices that lie an odd number of cache lines apart do not compete for the same places of the cache. */
static size_t odd_lines(size_t floats)
{
    size_t lines = (floats + 15) / 16;
    return (lines | 1) * 16;
}

static bool set_steps(winograd *p, const mfi_order *order)
{
    size_t width = mfi_order_panel(order, p->outputs, 0), of_band, inputs, outputs, weights;
    if (!mfi_multiply(p->images, p->tiles[1], &of_band))
        return false;
    p->band = mfi_least(mfi_most(MOST_TILES / of_band, 1), p->tiles[0]);
    p->depth = (p->inputs + order->lanes - 1) / order->lanes * order->lanes;
    p->columns = TILE * p->tiles[1] + 2;
    p->rows = TILE * p->band + 2;
    if (!mfi_multiply(of_band * p->band, p->depth, &inputs) ||
        !mfi_multiply(of_band * p->band, width, &outputs) || !mfi_multiply(p->inputs, width, &weights) ||
        inputs > UINT32_MAX)
        return false;
    p->step_x = odd_lines(inputs);
    p->step_w = odd_lines(weights);
    p->step_u = odd_lines(outputs);
    return true;
}

static bool forward_problem(const mfi_geometry *g, const mfi_order *order, size_t images, winograd *p)
{
    *p = (winograd){
        .images = images, .inputs = g->channels, .outputs = g->filters, .from = {g->height, g->width}};
    for (int d = 0; d < 2; d++) {
        p->size[d] = g->map[d];
        p->padding[d] = g->padding[d];
        p->tiles[d] = (p->size[d] + TILE - 1) / TILE;
    }
    return set_steps(p, order);
}

static bool gradient_problem(const mfi_geometry *g, const mfi_order *order, size_t images, winograd *p)
{
    *p = (winograd){
        .images = images, .inputs = g->filters, .outputs = g->channels, .size = {g->height, g->width}};
    for (int d = 0; d < 2; d++) {
        p->from[d] = g->map[d];
        p->padding[d] = KERNEL - 1 - g->padding[d];
        p->tiles[d] = (p->size[d] + TILE - 1) / TILE;
    }
    return set_steps(p, order);
}

/* ---- room ---- */

/* Areas of the room: offsets of tiles and of inputs; the input with all channels of a pixel side by side; its
 * transform, that of a panel of W, and that of a panel of u; a panel of u or du, and of W turned round. */
enum { TILE_AT, INPUT_AT, MAPS, INPUTS, WEIGHTS, OUTPUTS, PIXELS_OF_PANEL, TURNED, WINOGRAD_AREAS };

static bool widen_room(const winograd *p, const mfi_order *order, size_t areas[WINOGRAD_AREAS])
{
    size_t tiles = p->images * p->band * p->tiles[1], width = mfi_order_panel(order, p->outputs, 0), pixels;
    size_t sizes[WINOGRAD_AREAS] = {
        [TILE_AT] = tiles, [INPUT_AT] = p->depth, [TURNED] = KERNEL * KERNEL * order->lanes * width};
    if (!mfi_multiply(p->images * p->rows, p->columns, &pixels) ||
        !mfi_multiply(pixels, p->depth, &sizes[MAPS]) || !mfi_multiply(p->step_x, VALUES, &sizes[INPUTS]) ||
        !mfi_multiply(p->step_w, VALUES, &sizes[WEIGHTS]) ||
        !mfi_multiply(p->step_u, VALUES, &sizes[OUTPUTS]) ||
        !mfi_multiply(tiles * width, TILE * TILE, &sizes[PIXELS_OF_PANEL]))
        return false;
    for (int i = 0; i < WINOGRAD_AREAS; i++)
        areas[i] = mfi_most(areas[i], sizes[i]);
    return true;
}

static bool measure_room(const mfi_geometry *g, const mfi_order *order, size_t images, bool input_gradient,
                         size_t areas[WINOGRAD_AREAS])
{
    winograd p;
    memset(areas, 0, WINOGRAD_AREAS * sizeof *areas);
    if (!forward_problem(g, order, images, &p) || !widen_room(&p, order, areas))
        return false;
    return !input_gradient || (gradient_problem(g, order, images, &p) && widen_room(&p, order, areas));
}

static bool room_for_images(const mfi_geometry *g, const mfi_order *order, size_t images, bool input_gradient,
                            size_t *floats)
{
    size_t areas[WINOGRAD_AREAS], bytes = 0, offset;
    if (!measure_room(g, order, images, input_gradient, areas))
        return false;
    for (int i = 0; i < WINOGRAD_AREAS; i++)
        if (!mfi_reserve(&bytes, areas[i], sizeof(float), &offset))
            return false;
    *floats = bytes / sizeof(float);
    return true;
}

/* Fewer images may need more: then a band has more rows of tiles, and may have more tiles in all. */
bool mfi_winograd_room(const mfi_geometry *g, const mfi_order *order, size_t images, bool input_gradient,
                       size_t *floats)
{
    *floats = 0;
    for (size_t count = 1; count <= images; count++) {
        size_t needed;
        if (!room_for_images(g, order, count, input_gradient, &needed))
            return false;
        *floats = mfi_most(*floats, needed);
    }
    return true;
}

typedef struct transformed {
    const mfi_kernels *kernels;
    const mfi_panel_products *products;
    uint32_t *tile_at, *input_at;
    float *maps, *inputs, *weights, *outputs, *pixels, *turned;
} transformed;

static float *area_at(const mfi_convolve *c, size_t offset)
{
    return (float *)(void *)((char *)c->room + offset);
}

static transformed carve_room(const mfi_convolve *c, const winograd *p, bool input_gradient)
{
    size_t areas[WINOGRAD_AREAS], bytes = 0, at[WINOGRAD_AREAS];
    measure_room(c->geometry, &c->kernels->order, c->images, input_gradient, areas);
    for (int i = 0; i < WINOGRAD_AREAS; i++)
        mfi_reserve(&bytes, areas[i], sizeof(float), &at[i]);
    transformed t = {
        .kernels = c->kernels,
        .products = &c->kernels->products[MFI_FLOAT32],
        .tile_at = (uint32_t *)(void *)area_at(c, at[TILE_AT]),
        .input_at = (uint32_t *)(void *)area_at(c, at[INPUT_AT]),
        .maps = area_at(c, at[MAPS]),
        .inputs = area_at(c, at[INPUTS]),
        .weights = area_at(c, at[WEIGHTS]),
        .outputs = area_at(c, at[OUTPUTS]),
        .pixels = area_at(c, at[PIXELS_OF_PANEL]),
        .turned = area_at(c, at[TURNED]),
    };
    for (size_t i = 0; i < p->images * p->band * p->tiles[1]; i++)
        t.tile_at[i] = (uint32_t)(i * p->depth);
    for (size_t i = 0; i < p->inputs; i++)
        t.input_at[i] = (uint32_t)i;
    return t;
}

/* ---- the input of a band ---- */

/* Maps of a block: `image` and `map` are the values from one to the next. */
typedef struct block_maps {
    size_t image, map;
} block_maps;

/* Rows of tiles of each image: those of the band that begins at `top`. */
static size_t rows_at(const winograd *p, size_t top)
{
    return mfi_least(p->band, p->tiles[0] - top);
}

/* A line of an image, from the maps' row y, with zeros around it and in the channels that fill up vectors. */
static void spread_line(const winograd *p, const transformed *t, size_t y, const float *x, size_t map,
                        float *line)
{
    size_t start = p->padding[1] * p->depth, end = start + p->from[1] * p->depth;
    if (y >= p->from[0] || p->inputs < p->depth) {
        memset(line, 0, p->columns * p->depth * sizeof *line);
    } else {
        memset(line, 0, start * sizeof *line);
        memset(line + end, 0, (p->columns * p->depth - end) * sizeof *line);
    }
    if (y < p->from[0])
        t->kernels->transpose(p->inputs, p->from[1], x + y * p->from[1], map, line + start, p->depth);
}

static void spread_maps(const winograd *p, const transformed *t, size_t top, size_t rows, const float *x,
                        block_maps layout)
{
    size_t height = TILE * rows + 2;
    float *line = t->maps;
    for (size_t image = 0; image < p->images; image++, x += layout.image)
        for (size_t r = 0; r < height; r++, line += p->columns * p->depth) /* above the map y wraps round */
            spread_line(p, t, TILE * top + r - p->padding[0], x, layout.map, line);
}

static void transform_inputs(const winograd *p, const transformed *t, size_t rows)
{
    size_t line = p->columns * p->depth, height = TILE * rows + 2;
    float *to = t->inputs;
    for (size_t image = 0; image < p->images; image++)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < p->tiles[1]; j++, to += p->depth)
                t->kernels->transform(MFI_TRANSFORM_INPUT, p->depth,
                                      t->maps + (image * height + TILE * i) * line + TILE * j * p->depth,
                                      (ptrdiff_t)line, (ptrdiff_t)p->depth, to,
                                      (ptrdiff_t)(POINTS * p->step_x), (ptrdiff_t)p->step_x);
}

/* ---- panels ---- */

/* A panel of the outputs: those from `first` on, `count` of them, `width` with those that fill it up. */
typedef struct outputs_part {
    size_t first, count, width;
} outputs_part;

static outputs_part outputs_at(const winograd *p, const transformed *t, size_t first)
{
    return (outputs_part){first, mfi_least(p->outputs - first, t->kernels->order.width),
                          mfi_order_panel(&t->kernels->order, p->outputs, first)};
}

static void transform_panel(const winograd *p, const transformed *t, outputs_part part, const float *w)
{
    const size_t kernel = KERNEL * KERNEL;
    for (size_t input = 0; input < p->inputs; input++)
        t->kernels->transform(
            MFI_TRANSFORM_WEIGHTS, part.width, w + (part.first * p->inputs + input * part.width) * kernel,
            (ptrdiff_t)(KERNEL * part.width), (ptrdiff_t)part.width, t->weights + input * part.width,
            (ptrdiff_t)(POINTS * p->step_w), (ptrdiff_t)p->step_w);
}

/* The same of W turned round: what are inputs here are rows of W, some of which are turned at a time. */
static void transform_turned(const winograd *p, const transformed *t, outputs_part part, const float *w)
{
    const size_t kernel = KERNEL * KERNEL, panel = t->kernels->order.width, lanes = t->kernels->order.lanes;
    memset(t->turned, 0, kernel * lanes * part.width * sizeof *t->turned);
    for (size_t input = 0, count; input < p->inputs; input += count) {
        size_t start = input / panel * panel, own = mfi_order_panel(&t->kernels->order, p->inputs, start);
        const float *from = w + start * p->outputs * kernel + part.first * kernel * own + input - start;
        count = mfi_least(mfi_least(start + panel - input, lanes), p->inputs - input);
        for (size_t k = 0; k < kernel; k++)
            t->kernels->transpose(part.count, count, from + (kernel - 1 - k) * own, kernel * own,
                                  t->turned + k * lanes * part.width, part.width);
        for (size_t i = 0; i < count; i++)
            t->kernels->transform(MFI_TRANSFORM_WEIGHTS, part.width, t->turned + i * part.width,
                                  (ptrdiff_t)(KERNEL * lanes * part.width), (ptrdiff_t)(lanes * part.width),
                                  t->weights + (input + i) * part.width, (ptrdiff_t)(POINTS * p->step_w),
                                  (ptrdiff_t)p->step_w);
    }
}

typedef void transform_weights_function(const winograd *p, const transformed *t, outputs_part part,
                                        const float *w);

/* ---- forward ---- */

/* One row of tiles, whose products begin at `tile`, from their transforms to the output maps. */
static void put_tiles(const winograd *p, const transformed *t, outputs_part part, size_t tile, size_t row,
                      float *to, size_t map)
{
    size_t line = TILE * p->tiles[1], rows = mfi_least(p->size[0] - TILE * row, TILE);
    for (size_t j = 0; j < p->tiles[1]; j++)
        t->kernels->transform(MFI_TRANSFORM_OUTPUT, part.width, t->outputs + (tile + j) * part.width,
                              (ptrdiff_t)(POINTS * p->step_u), (ptrdiff_t)p->step_u,
                              t->pixels + TILE * j * part.width, (ptrdiff_t)(line * part.width),
                              (ptrdiff_t)part.width);
    to += TILE * row * p->size[1];
    if (line == p->size[1])
        t->kernels->transpose(rows * line, part.count, t->pixels, part.width, to, map);
    else
        for (size_t r = 0; r < rows; r++)
            t->kernels->transpose(p->size[1], part.count, t->pixels + r * line * part.width, part.width,
                                  to + r * p->size[1], map);
}

static void multiply_tiles(const winograd *p, const transformed *t, outputs_part part, size_t first,
                           size_t tiles)
{
    size_t depth = mfi_convolve_depth(&t->kernels->order);
    for (size_t value = 0; value < VALUES; value++)
        for (size_t k = 0; k < p->inputs; k += depth)
            t->products->gather_product(
                tiles, mfi_least(p->inputs - k, depth), t->inputs + value * p->step_x + first * p->depth,
                t->tile_at, t->input_at + k, part.width, t->weights + value * p->step_w + k * part.width,
                k > 0, t->outputs + value * p->step_u);
}

static void convolve_maps(const winograd *p, const transformed *t, const float *x, block_maps from,
                          const float *w, transform_weights_function *transform_weights, float *u,
                          block_maps to)
{
    size_t some = mfi_most(SOME_TILES / p->tiles[1], 1);
    for (size_t top = 0; top < p->tiles[0]; top += p->band) {
        size_t rows = rows_at(p, top);
        spread_maps(p, t, top, rows, x, from);
        transform_inputs(p, t, rows);
        for (size_t first = 0; first < p->outputs; first += t->kernels->order.width) {
            outputs_part part = outputs_at(p, t, first);
            transform_weights(p, t, part, w);
            for (size_t row = 0; row < p->images * rows; row += some) {
                size_t count = mfi_least(p->images * rows - row, some);
                multiply_tiles(p, t, part, row * p->tiles[1], count * p->tiles[1]);
                for (size_t i = 0; i < count; i++)
                    put_tiles(p, t, part, i * p->tiles[1], top + (row + i) % rows,
                              u + (row + i) / rows * to.image + first * to.map, to.map);
            }
        }
    }
}

void mfi_winograd_forward(const mfi_convolve *c, const float *x, const float *w, float *u)
{
    const mfi_geometry *g = c->geometry;
    winograd p;
    forward_problem(g, &c->kernels->order, c->images, &p);
    transformed t = carve_room(c, &p, false);
    convolve_maps(&p, &t, x, (block_maps){c->stride, g->height * g->width}, w, transform_panel, u,
                  (block_maps){g->pixels, c->images * g->pixels});
}

void mfi_winograd_input(const mfi_convolve *c, const float *w, const float *du, float *dx)
{
    const mfi_geometry *g = c->geometry;
    winograd p;
    gradient_problem(g, &c->kernels->order, c->images, &p);
    transformed t = carve_room(c, &p, true);
    convolve_maps(&p, &t, du, (block_maps){g->pixels, c->images * g->pixels}, w, transform_turned, dx,
                  (block_maps){c->stride, g->height * g->width});
}

/* ---- the gradient by W ---- */

/* The transform of a panel of du: each tile of 4 x 4, with zeros beyond the map. */
static void transform_gradient(const winograd *p, const transformed *t, outputs_part part, size_t top,
                               size_t rows, const float *du, block_maps from)
{
    size_t line = TILE * p->tiles[1], pixels = TILE * rows * line;
    size_t valid = mfi_least(TILE * rows, p->size[0] - TILE * top);
    bool whole = line == p->size[1];
    if (!whole || valid < TILE * rows || part.count < part.width)
        memset(t->pixels, 0, p->images * pixels * part.width * sizeof *t->pixels);
    for (size_t image = 0; image < p->images; image++)
        for (size_t r = 0; r < (whole ? 1 : valid); r++)
            t->kernels->transpose(part.count, whole ? valid * line : p->size[1],
                                  du + image * from.image + part.first * from.map +
                                      (TILE * top + r) * p->size[1],
                                  from.map, t->pixels + (image * pixels + r * line) * part.width, part.width);
    for (size_t row = 0, tile = 0; row < p->images * rows; row++)
        for (size_t j = 0; j < p->tiles[1]; j++, tile++)
            t->kernels->transform(
                MFI_TRANSFORM_OUTPUT_BACK, part.width, t->pixels + (row * line + j) * TILE * part.width,
                (ptrdiff_t)(line * part.width), (ptrdiff_t)part.width, t->outputs + tile * part.width,
                (ptrdiff_t)(POINTS * p->step_u), (ptrdiff_t)p->step_u);
}

static void add_panel(const winograd *p, const transformed *t, outputs_part part, size_t tiles, float *dw)
{
    const size_t kernel = KERNEL * KERNEL;
    for (size_t value = 0; value < VALUES; value++)
        t->products->gather_product(p->inputs, tiles, t->inputs + value * p->step_x, t->input_at, t->tile_at,
                                    part.width, t->outputs + value * p->step_u, false,
                                    t->weights + value * p->step_w);
    for (size_t input = 0; input < p->inputs; input++)
        t->kernels->transform(MFI_TRANSFORM_WEIGHTS_BACK, part.width, t->weights + input * part.width,
                              (ptrdiff_t)(POINTS * p->step_w), (ptrdiff_t)p->step_w,
                              dw + (part.first * p->inputs + input * part.width) * kernel,
                              (ptrdiff_t)(KERNEL * part.width), (ptrdiff_t)part.width);
}

void mfi_winograd_add_weights(const mfi_convolve *c, const float *x, const float *du, float *dw)
{
    const mfi_geometry *g = c->geometry;
    winograd p;
    forward_problem(g, &c->kernels->order, c->images, &p);
    transformed t = carve_room(c, &p, false);
    for (size_t top = 0; top < p.tiles[0]; top += p.band) {
        size_t rows = rows_at(&p, top);
        spread_maps(&p, &t, top, rows, x, (block_maps){c->stride, g->height * g->width});
        transform_inputs(&p, &t, rows);
        for (size_t first = 0; first < p.outputs; first += c->kernels->order.width) {
            outputs_part part = outputs_at(&p, &t, first);
            transform_gradient(&p, &t, part, top, rows, du, (block_maps){g->pixels, c->images * g->pixels});
            add_panel(&p, &t, part, p.images * rows * p.tiles[1], dw);
        }
    }
}
