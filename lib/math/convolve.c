/* Owns: the products of a convolution: maps with zeros around them, offsets, panels, and the loops over them.
 */
#include "math/convolve.h"

#include <string.h>

#include "base/memory.h"

/* Rows of a result that are collected before they are put where they belong, and pixels that are worked on at
 * a time, in whole rows of a map. */
enum { COLLECTED_ROWS = 96, BAND_PIXELS = 4096 };

size_t mfi_convolve_depth(const mfi_order *order)
{
    return order->width > 32 ? 128 : 4096 / order->width;
}

/* ---- the field: maps of a block of images, with the zeros that a kernel meets at their edges ---- */

typedef struct field {
    size_t maps, rows, columns; /* rows: those for a band of the result */
    size_t plane, image;        /* values from a map, and from an image, to the next */
    size_t band;                /* rows of the result at a time */
    size_t values;              /* of all images; 0: too many */
} field;

/* The field for results of [rows, columns], where `reach` rows and columns of the field belong to a result
 * and `step` lie between one and the next. */
static field make_field(size_t images, size_t maps, const size_t results[2], const size_t reach[2],
                        const size_t step[2])
{
    field f = {.maps = maps};
    f.band = mfi_least(mfi_most(BAND_PIXELS / results[1], 1), results[0]);
    f.columns = (results[1] - 1) * step[1] + reach[1];
    if (!mfi_multiply(f.band - 1, step[0], &f.rows) || !mfi_multiply(f.rows + reach[0], f.columns, &f.plane))
        return f;
    f.rows += reach[0];
    if (f.plane % 256 == 0) /* maps at such distances would compete for few places of the cache */
        f.plane += 16;
    if (mfi_multiply(f.plane, maps, &f.image) && mfi_multiply(f.image, images, &f.values) &&
        f.values > UINT32_MAX)
        f.values = 0;
    return f;
}

static field input_field(const mfi_geometry *g, size_t images)
{
    return make_field(images, g->channels, g->map, g->kernel, g->stride);
}

/* Where maps are copied from. */
typedef struct source {
    const float *values;
    size_t height, width, image, map; /* image, map: values from one to the next */
} source;

/* Copies the part of the maps that begins at row `top` and column `left`, with zeros outside. */
static void fill(const field *f, const source *from, size_t images, ptrdiff_t top, ptrdiff_t left, float *to)
{
    size_t begin = (size_t)(left < 0 ? -left : 0);
    size_t end = mfi_least(f->columns, (size_t)((ptrdiff_t)from->width - left));
    for (size_t image = 0; image < images; image++)
        for (size_t map = 0; map < f->maps; map++) {
            const float *values = from->values + image * from->image + map * from->map;
            float *row = to + image * f->image + map * f->plane;
            for (size_t r = 0; r < f->rows; r++, row += f->columns) {
                ptrdiff_t y = top + (ptrdiff_t)r;
                if (y < 0 || y >= (ptrdiff_t)from->height) {
                    memset(row, 0, f->columns * sizeof *row);
                    continue;
                }
                memset(row, 0, begin * sizeof *row);
                memcpy(row + begin, values + y * (ptrdiff_t)from->width + left + (ptrdiff_t)begin,
                       (end - begin) * sizeof *row);
                memset(row + end, 0, (f->columns - end) * sizeof *row);
            }
            memset(row, 0, (f->plane - f->rows * f->columns) * sizeof *row);
        }
}

/* Pairs of values of two neighbouring maps, or of two neighbouring pixels of the result, take the place of
 * the values of the field, if the precision has pairs. */
static void pair_maps(const mfi_convolve *c, const field *f, float *values)
{
    for (size_t image = 0; c->precision == MFI_BF16 && image < c->images; image++, values += f->image)
        for (size_t map = 0; map < f->maps; map += 2)
            c->products->pair_up(f->plane, values + map * f->plane,
                                 map + 1 < f->maps ? values + (map + 1) * f->plane : NULL,
                                 values + map / 2 * f->plane);
}

static void pair_pixels(const mfi_convolve *c, const field *f, float *values)
{
    size_t step = mfi_least(c->geometry->stride[1], f->values), count = f->values - step;
    if (c->precision != MFI_BF16)
        return;
    c->products->pair_up(count, values, values + step, values);
    c->products->pair_up(step, values + count, NULL, values + count);
}

/* The offsets of a grid: `steps` lie between neighbours in each direction, backwards if it has wrapped round.
 */
static void set_offsets(const size_t counts[3], const size_t steps[3], size_t first, uint32_t *at)
{
    for (size_t i = 0; i < counts[0]; i++)
        for (size_t j = 0; j < counts[1]; j++)
            for (size_t k = 0; k < counts[2]; k++)
                *at++ = (uint32_t)(first + i * steps[0] + j * steps[1] + k * steps[2]);
}

/* ---- room ---- */

/* Windows of an input value in du: `reach` of them at most, in a direction, lie `stride` apart in the kernel.
 * The input values that have the same place in them have their number `first` to `end` - 1 in common. */
typedef struct turned {
    size_t reach[2], first[2], count[2];
} turned;

static turned turn(const mfi_geometry *g)
{
    const size_t size[2] = {g->height, g->width};
    turned t;
    for (int d = 0; d < 2; d++) {
        t.reach[d] = (g->kernel[d] - 1) / g->stride[d] + 1;
        t.first[d] = g->padding[d] / g->stride[d];
        t.count[d] = (size[d] - 1 + g->padding[d]) / g->stride[d] + 1 - t.first[d];
    }
    return t;
}

static field gradient_field(const mfi_geometry *g, size_t images)
{
    const size_t step[2] = {1, 1};
    turned t = turn(g);
    return make_field(images, g->filters, t.count, t.reach, step);
}

/* Floats of the areas of the room, in this order: offsets of pixels and of places in the kernel, the field, a
 * panel, values of which pairs become a panel, and the rows of a result that are collected. */
enum { PIXELS, PLACES, FIELD, PANEL_ROOM, TURNED_ROOM, COLLECTED, CONVOLVE_AREAS };

/* Widens the areas for a product of [images x results of a band, inner] and [inner, columns]. */
static bool widen_areas(const field *f, const mfi_order *order, mfi_precision precision, size_t images,
                        size_t results, size_t inner, size_t columns, size_t areas[CONVOLVE_AREAS])
{
    size_t width = mfi_order_panel(order, columns, 0), depth = mfi_convolve_depth(order), panel;
    if (f->values == 0 || !mfi_multiply(mfi_most(inner, depth), width, &panel))
        return false;
    if (precision == MFI_BF16)
        areas[TURNED_ROOM] = mfi_most(areas[TURNED_ROOM], 2 * depth * width);
    areas[PIXELS] = mfi_most(areas[PIXELS], images * f->band * results);
    areas[PLACES] = mfi_most(areas[PLACES], inner);
    areas[FIELD] = mfi_most(areas[FIELD], f->values);
    areas[PANEL_ROOM] = mfi_most(areas[PANEL_ROOM], panel);
    areas[COLLECTED] = mfi_most(areas[COLLECTED], COLLECTED_ROWS * width);
    return true;
}

static bool find_areas(const mfi_geometry *g, const mfi_order *order, mfi_precision precision, size_t images,
                       bool input_gradient, size_t areas[CONVOLVE_AREAS])
{
    field f = input_field(g, images);
    memset(areas, 0, CONVOLVE_AREAS * sizeof *areas);
    if (!widen_areas(&f, order, precision, images, g->map[1], g->patch_size, g->filters, areas))
        return false;
    if (!input_gradient)
        return true;
    turned t = turn(g);
    f = gradient_field(g, images);
    return widen_areas(&f, order, precision, images, t.count[1], g->filters * t.reach[0] * t.reach[1],
                       g->channels, areas);
}

bool mfi_convolve_room(const mfi_geometry *g, const mfi_order *order, mfi_precision precision, size_t images,
                       bool input_gradient, size_t *floats)
{
    size_t areas[CONVOLVE_AREAS], bytes = 0, offset;
    if (!find_areas(g, order, precision, images, input_gradient, areas))
        return false;
    for (int i = 0; i < CONVOLVE_AREAS; i++)
        if (!mfi_reserve(&bytes, areas[i], sizeof(float), &offset))
            return false;
    *floats = bytes / sizeof(float);
    return true;
}

/* ---- one product ---- */

/* The operands in the room: X, whose value for a pixel and a place in the kernel is at the sum of their
 * offsets, and a panel. */
typedef struct operands {
    const mfi_kernels *kernels;
    const mfi_panel_products *products;
    uint32_t *pixels, *places;
    float *field, *panel, *turned, *collected;
} operands;

static operands carve_operands(const mfi_convolve *c, bool input_gradient)
{
    size_t areas[CONVOLVE_AREAS], bytes = 0, offset[CONVOLVE_AREAS];
    find_areas(c->geometry, &c->kernels->order, c->precision, c->images, input_gradient, areas);
    for (int i = 0; i < CONVOLVE_AREAS; i++)
        mfi_reserve(&bytes, areas[i], sizeof(float), &offset[i]);
    char *room = (char *)c->room;
    return (operands){
        .kernels = c->kernels,
        .products = c->products,
        .pixels = (uint32_t *)(void *)(room + offset[PIXELS]),
        .places = (uint32_t *)(void *)(room + offset[PLACES]),
        .field = (float *)(void *)(room + offset[FIELD]),
        .panel = (float *)(void *)(room + offset[PANEL_ROOM]),
        .turned = (float *)(void *)(room + offset[TURNED_ROOM]),
        .collected = (float *)(void *)(room + offset[COLLECTED]),
    };
}

/* The panel of a matrix with that many rows that begins at row `first`: the rows that are there, and with
 * those that fill it up. */
typedef struct panel_part {
    size_t count, width;
} panel_part;

static panel_part panel_at(const mfi_kernels *kernels, size_t rows, size_t first)
{
    return (panel_part){mfi_least(rows - first, kernels->order.width),
                        mfi_order_panel(&kernels->order, rows, first)};
}

/* The columns of a matrix [part.count, count] become the rows of a panel: pairs of them in bf16. Returns what
 * follows in the panel. */
static float *fill_panel(const mfi_convolve *c, const operands *o, panel_part part, size_t count,
                         const float *from, size_t ldfrom, float *panel)
{
    bool pairs = c->precision == MFI_BF16;
    c->kernels->transpose(part.count, count, from, ldfrom, pairs ? o->turned : panel, part.width);
    if (pairs)
        c->products->pack_panel(count, part.count, part.width, o->turned, part.width, panel);
    return panel + mfi_depth(c->precision, count) * part.width;
}

/* Collects the rows of X from `first` on, times a panel. */
static void collect(const operands *o, size_t first, size_t rows, size_t inner, size_t width,
                    const float *panel)
{
    size_t depth = mfi_convolve_depth(&o->kernels->order);
    for (size_t k = 0; k < inner; k += depth)
        o->products->gather_product(rows, mfi_least(inner - k, depth), o->field, o->pixels + first,
                                    o->places + k, width, panel + k * width, k > 0, o->collected);
}

/* ---- forward, and the gradient by W ---- */

/* A band of the output maps of all images. */
typedef struct band {
    size_t top, rows, pixels; /* pixels: of all images */
} band;

static band band_at(const mfi_convolve *c, const field *f, size_t top)
{
    size_t rows = mfi_least(f->band, c->geometry->map[0] - top);
    return (band){top, rows, c->images * rows * c->geometry->map[1]};
}

/* `maps`: channels, or pairs of them. */
static void set_places(const mfi_geometry *g, const field *f, size_t maps, uint32_t *places)
{
    const size_t counts[3] = {maps, g->kernel[0], g->kernel[1]}, steps[3] = {f->plane, f->columns, 1};
    set_offsets(counts, steps, 0, places);
}

/* The field, and the offsets of the pixels of a band, or of every `some` of them in a row. */
static void read_band(const mfi_convolve *c, const field *f, const band *b, size_t some, const float *x,
                      const operands *o)
{
    const mfi_geometry *g = c->geometry;
    const size_t counts[3] = {c->images, b->rows, (g->map[1] + some - 1) / some};
    const size_t steps[3] = {f->image, g->stride[0] * f->columns, some * g->stride[1]};
    const source from = {x, g->height, g->width, c->stride, g->height * g->width};
    set_offsets(counts, steps, 0, o->pixels);
    fill(f, &from, c->images, (ptrdiff_t)(b->top * g->stride[0]) - (ptrdiff_t)g->padding[0],
         -(ptrdiff_t)g->padding[1], o->field);
}

void mfi_convolve_forward(const mfi_convolve *c, const float *x, const void *w, float *u)
{
    const mfi_geometry *g = c->geometry;
    size_t maps = mfi_depth(c->precision, g->channels), ldu = c->images * g->pixels;
    size_t inner = maps * g->kernel[0] * g->kernel[1];
    operands o = carve_operands(c, false);
    field f = input_field(g, c->images);
    set_places(g, &f, maps, o.places);
    for (size_t top = 0; top < g->map[0]; top += f.band) {
        band b = band_at(c, &f, top);
        read_band(c, &f, &b, 1, x, &o);
        pair_maps(c, &f, o.field);
        for (size_t first = 0; first < g->filters; first += c->kernels->order.width) {
            panel_part part = panel_at(c->kernels, g->filters, first);
            float *to = u + first * ldu + top * g->map[1];
            for (size_t p = 0; p < b.pixels; p += COLLECTED_ROWS) {
                size_t rows = mfi_least(b.pixels - p, COLLECTED_ROWS);
                collect(&o, p, rows, inner, part.width, (const float *)w + first * inner);
                c->kernels->transpose(rows, part.count, o.collected, part.width, to + p, ldu);
            }
        }
    }
}

/* Elements `first` to below `end` of a panel of du in a band. They go over runs of pixels, of which `run`
 * belong together: all of them, or, if pairs end where a row of the maps does, a row. */
static void fill_gradient(const mfi_convolve *c, const operands *o, panel_part part, size_t run, size_t first,
                          size_t end, const float *du)
{
    size_t ldu = c->images * c->geometry->pixels, each = mfi_depth(c->precision, run);
    size_t some = c->precision == MFI_BF16 ? 2 : 1, count;
    float *to = o->panel;
    if (part.width > part.count)
        memset(to, 0, (end - first) * part.width * sizeof *to);
    for (size_t at = first; at < end; at += count) {
        size_t pixel = some * (at % each);
        count = mfi_least(end - at, each - at % each);
        to = fill_panel(c, o, part, mfi_least(some * count, run - pixel), du + at / each * run + pixel, ldu,
                        to);
    }
}

void mfi_convolve_add_weights(const mfi_convolve *c, const float *x, const float *du, float *dw)
{
    const mfi_geometry *g = c->geometry;
    size_t inner = g->patch_size, ldu = c->images * g->pixels, depth = mfi_convolve_depth(&c->kernels->order);
    size_t some = c->precision == MFI_BF16 ? 2 : 1;
    operands o = carve_operands(c, false);
    field f = input_field(g, c->images);
    set_places(g, &f, g->channels, o.places);
    for (size_t top = 0; top < g->map[0]; top += f.band) {
        band b = band_at(c, &f, top);
        size_t run = g->map[1] % some ? g->map[1] : b.pixels;
        size_t elements = b.pixels / run * mfi_depth(c->precision, run);
        read_band(c, &f, &b, some, x, &o);
        pair_pixels(c, &f, o.field);
        for (size_t first = 0; first < g->filters; first += c->kernels->order.width) {
            panel_part part = panel_at(c->kernels, g->filters, first);
            for (size_t at = 0; at < elements; at += depth) {
                size_t count = mfi_least(elements - at, depth);
                fill_gradient(c, &o, part, run, at, at + count, du + first * ldu + top * g->map[1]);
                c->products->gather_product(inner, count, o.field, o.places, o.pixels + at, part.width,
                                            o.panel, true, dw + first * inner);
            }
        }
    }
}

/* ---- the gradient by x ---- */

/* Input values that have the same place in their windows, `phase` of the kernel's stride in each direction:
 * those with the numbers from[d] to below end[d], which depend on `taps` places of the kernel. */
typedef struct phase {
    size_t phase[2], from[2], end[2], taps[2];
} phase;

/* That of the values in the band of the numbers from `top` to below `bottom`. */
static phase phase_at(const mfi_geometry *g, const turned *t, const size_t number[2], size_t top,
                      size_t bottom)
{
    const size_t size[2] = {g->height, g->width}, least[2] = {top, t->first[1]};
    const size_t most[2] = {bottom, t->first[1] + t->count[1]};
    phase p;
    for (int d = 0; d < 2; d++) {
        size_t step = g->stride[d], at = number[d], last = size[d] - 1 + g->padding[d];
        p.phase[d] = at;
        p.from[d] = mfi_most(least[d], g->padding[d] > at ? (g->padding[d] - at + step - 1) / step : 0);
        p.end[d] = mfi_least(most[d], last < at ? 0 : (last - at) / step + 1);
        p.taps[d] = at < g->kernel[d] ? (g->kernel[d] - 1 - at) / step + 1 : 0;
    }
    return p;
}

/* W turned round is a matrix [channels, filters x taps]. Its columns go over some filters at a time, and of
 * these over the taps: so what belongs together in the panels of W is turned as a square. Some are two at
 * least, the filters of a pair in bf16, also where a vector has one lane. */
static size_t turned_filters(const mfi_kernels *kernels, const mfi_geometry *g, size_t filter)
{
    size_t left = kernels->order.width - filter % kernels->order.width;
    return mfi_least(mfi_least(left, mfi_most(kernels->order.lanes, 2)), g->filters - filter);
}

static void turn_panel(const mfi_convolve *c, const operands *o, const phase *p, const float *w, size_t first,
                       panel_part part)
{
    const mfi_geometry *g = c->geometry;
    size_t kernel = g->kernel[0] * g->kernel[1], count;
    float *to = o->panel;
    if (part.width > part.count)
        memset(to, 0, g->filters * p->taps[0] * p->taps[1] * part.width * sizeof *to);
    for (size_t filter = 0; filter < g->filters; filter += count) {
        size_t start = filter / o->kernels->order.width * o->kernels->order.width;
        panel_part own = panel_at(o->kernels, g->filters, start);
        count = turned_filters(o->kernels, g, filter);
        const float *from = w + start * g->patch_size + filter - start;
        for (size_t i = 0; i < p->taps[0]; i++)
            for (size_t j = 0; j < p->taps[1]; j++) {
                size_t y = i * g->stride[0] + p->phase[0], x = j * g->stride[1] + p->phase[1];
                size_t place = first * kernel + y * g->kernel[1] + x;
                to = fill_panel(c, o, part, count, from + place * own.width, kernel * own.width, to);
            }
    }
}

/* Puts the rows that were collected, from pixel `at` of the phase on, where they belong in dx. */
static void put_rows(const mfi_convolve *c, const operands *o, const phase *p, size_t at, size_t rows,
                     size_t first, panel_part part, float *dx)
{
    const mfi_geometry *g = c->geometry;
    size_t width = p->end[1] - p->from[1], pixels = (p->end[0] - p->from[0]) * width, run;
    const float *from = o->collected;
    for (size_t end = at + rows; at < end; at += run, from += run * part.width) {
        size_t image = at / pixels, i = p->from[0] + at % pixels / width, j = p->from[1] + at % width;
        size_t y = i * g->stride[0] + p->phase[0] - g->padding[0];
        size_t x = j * g->stride[1] + p->phase[1] - g->padding[1];
        float *to = dx + image * c->stride + (first * g->height + y) * g->width + x;
        run = mfi_least(end - at, p->end[1] - j);
        if (g->stride[1] == 1)
            c->kernels->transpose(run, part.count, from, part.width, to, g->height * g->width);
        else
            for (size_t channel = 0; channel < part.count; channel++)
                for (size_t r = 0; r < run; r++)
                    to[channel * g->height * g->width + r * g->stride[1]] = from[r * part.width + channel];
    }
}

static void set_phase(const mfi_convolve *c, const field *f, const turned *t, const phase *p, size_t top,
                      const operands *o)
{
    const size_t counts[3] = {c->images, p->end[0] - p->from[0], p->end[1] - p->from[1]};
    const size_t steps[3] = {f->image, f->columns, 1};
    size_t last = (t->reach[0] - 1) * f->columns + t->reach[1] - 1;
    uint32_t *places = o->places;
    set_offsets(counts, steps, (p->from[0] - top) * f->columns + p->from[1] - t->first[1], o->pixels);
    for (size_t filter = 0, count; filter < c->geometry->filters; filter += count) {
        count = turned_filters(c->kernels, c->geometry, filter);
        const size_t taps[3] = {p->taps[0], p->taps[1], mfi_depth(c->precision, count)};
        const size_t back[3] = {0 - f->columns, 0 - (size_t)1, f->plane};
        set_offsets(taps, back, mfi_depth(c->precision, filter) * f->plane + last, places);
        places += taps[0] * taps[1] * taps[2];
    }
}

static void convolve_phase(const mfi_convolve *c, const operands *o, const phase *p, const float *w,
                           float *dx)
{
    const mfi_geometry *g = c->geometry;
    size_t pixels = c->images * (p->end[0] - p->from[0]) * (p->end[1] - p->from[1]);
    size_t inner = mfi_depth(c->precision, g->filters) * p->taps[0] * p->taps[1];
    for (size_t first = 0; first < g->channels; first += c->kernels->order.width) {
        panel_part part = panel_at(c->kernels, g->channels, first);
        turn_panel(c, o, p, w, first, part);
        for (size_t at = 0; at < pixels; at += COLLECTED_ROWS) {
            size_t rows = mfi_least(pixels - at, COLLECTED_ROWS);
            collect(o, at, rows, inner, part.width, o->panel);
            put_rows(c, o, p, at, rows, first, part, dx);
        }
    }
}

/* A value of dx depends on those values of du whose windows cover it. In a direction with the stride s, these
 * are neighbours in du, and belong to every s-th place of the kernel. So input values that lie s apart are
 * the result of a convolution with the stride 1, with a part of W. */
void mfi_convolve_input(const mfi_convolve *c, const float *w, const float *du, float *dx)
{
    const mfi_geometry *g = c->geometry;
    const source from = {du, g->map[0], g->map[1], g->pixels, c->images * g->pixels};
    operands o = carve_operands(c, true);
    turned t = turn(g);
    field f = gradient_field(g, c->images);
    /* Others have no taps: a stride may be far longer than any map. */
    const size_t phases[2] = {mfi_least(g->stride[0], g->kernel[0]), mfi_least(g->stride[1], g->kernel[1])};
    for (size_t image = 0; image < c->images && (g->stride[0] > g->kernel[0] || g->stride[1] > g->kernel[1]);
         image++)
        memset(dx + image * c->stride, 0, g->channels * g->height * g->width * sizeof *dx);
    for (size_t top = t.first[0], end = top + t.count[0]; top < end; top += f.band) {
        fill(&f, &from, c->images, (ptrdiff_t)top - (ptrdiff_t)t.reach[0] + 1,
             (ptrdiff_t)t.first[1] - (ptrdiff_t)t.reach[1] + 1, o.field);
        pair_maps(c, &f, o.field);
        for (size_t number = 0; number < phases[0] * phases[1]; number++) {
            const size_t numbers[2] = {number / phases[1], number % phases[1]};
            phase p = phase_at(g, &t, numbers, top, mfi_least(top + f.band, end));
            if (p.from[0] >= p.end[0] || p.from[1] >= p.end[1] || p.taps[0] * p.taps[1] == 0)
                continue;
            set_phase(c, &f, &t, &p, top, &o);
            convolve_phase(c, &o, &p, w, dx);
        }
    }
}
