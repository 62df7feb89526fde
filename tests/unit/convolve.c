/* The products of a convolution, for every instruction set that this machine has, against naive double loops
 * over the definition. SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "math/winograd.h"
#include "random.h"
#include "variants.h"

static float *random_array(test_random *random, size_t count)
{
    float *values = get_memory(count * sizeof *values);

    random_values(random, values, count, 1.0);
    return values;
}

/* ---- the parts ---- */

static void check_transposing(const mfi_kernels *kernels, test_random *random)
{
    for (int trial = 0; trial < 100; trial++) {
        size_t rows = 1 + random_index(random, 35), columns = 1 + random_index(random, 35);
        size_t ldfrom = columns + random_index(random, 5), ldto = rows + random_index(random, 5);
        float *from = random_array(random, rows * ldfrom), *to = random_array(random, columns * ldto);
        float *before = get_memory(columns * ldto * sizeof *before);

        memcpy(before, to, columns * ldto * sizeof *to);
        kernels->transpose(rows, columns, from, ldfrom, to, ldto);
        for (size_t j = 0; j < columns; j++)
            for (size_t i = 0; i < ldto; i++)
                check_near(i < rows ? (double)from[i * ldfrom + j] : (double)before[j * ldto + i],
                           (double)to[j * ldto + i], 0.0);
        free(from);
        free(to);
        free(before);
    }
}

static uint32_t *random_offsets(test_random *random, size_t count, size_t below)
{
    uint32_t *at = get_memory(count * sizeof *at);

    for (size_t i = 0; i < count; i++)
        at[i] = (uint32_t)random_index(random, below);
    return at;
}

static void check_gathering(const mfi_kernels *kernels, test_random *random)
{
    enum { VALUES = 1000 };

    for (int trial = 0; trial < 200; trial++) {
        size_t rows = 1 + random_index(random, 30), inner = 1 + random_index(random, 70);
        size_t width =
            kernels->order.lanes * (1 + random_index(random, kernels->order.width / kernels->order.lanes));
        uint32_t *row_at = random_offsets(random, rows, VALUES / 2);
        uint32_t *inner_at = random_offsets(random, inner, VALUES / 2);
        float *a = random_array(random, VALUES), *b = random_array(random, inner * width);
        float *c = random_array(random, rows * width), *before = get_memory(rows * width * sizeof *before);
        bool add = trial % 2;

        memcpy(before, c, rows * width * sizeof *c);
        kernels->products[MFI_FLOAT32].gather_product(rows, inner, a, row_at, inner_at, width, b, add, c);
        for (size_t r = 0; r < rows; r++)
            for (size_t j = 0; j < width; j++) {
                double sum = add ? (double)before[r * width + j] : 0.0;

                for (size_t k = 0; k < inner; k++)
                    sum += (double)a[row_at[r] + inner_at[k]] * (double)b[k * width + j];
                check_near(sum, (double)c[r * width + j], 3e-5);
            }
        free(row_at);
        free(inner_at);
        free(a);
        free(b);
        free(c);
        free(before);
    }
}

/* 8 significant bits, nearest even. */
static double round_bf16(double value)
{
    int exponent;
    double part = frexp(value, &exponent);

    return ldexp(nearbyint(256.0 * part) / 256.0, exponent);
}

static uint32_t *random_pairs(const mfi_panel_products *products, test_random *random, size_t count)
{
    float *even = random_array(random, count), *odd = random_array(random, count);
    uint32_t *pairs = get_memory(count * sizeof *pairs);

    products->pair_up(count, even, odd, pairs);
    free(even);
    free(odd);
    return pairs;
}

static float half_of(uint32_t pair, int odd)
{
    uint32_t bits = odd ? pair & 0xFFFF0000u : pair << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To the bit: the odd halves of a pair are added first, then the even ones. */
static void check_gathering_pairs(const mfi_kernels *kernels, const mfi_panel_products *products,
                                  test_random *random)
{
    enum { VALUES = 1000 };

    for (int trial = 0; trial < 100; trial++) {
        size_t rows = 1 + random_index(random, 30), depth = 1 + random_index(random, 70);
        size_t width =
            kernels->order.lanes * (1 + random_index(random, kernels->order.width / kernels->order.lanes));
        uint32_t *row_at = random_offsets(random, rows, VALUES / 2);
        uint32_t *inner_at = random_offsets(random, depth, VALUES / 2);
        uint32_t *a = random_pairs(products, random, VALUES),
                 *b = random_pairs(products, random, depth * width);
        float *c = random_array(random, rows * width);

        products->gather_product(rows, depth, a, row_at, inner_at, width, b, false, c);
        for (size_t r = 0; r < rows; r++)
            for (size_t j = 0; j < width; j++) {
                volatile float sum = 0.0f;

                for (size_t k = 0; k < depth; k++)
                    for (int odd = 1; odd >= 0; odd--) {
                        volatile float product = half_of(a[row_at[r] + inner_at[k]], odd) *
                                                 half_of(b[k * width + j], odd); /* exact */

                        sum = sum + product;
                    }
                assert_true(c[r * width + j] == sum);
            }
        free(row_at);
        free(inner_at);
        free(a);
        free(b);
        free(c);
    }
}

/* In place too, and with other halves that are not there. */
static void check_pairing(const mfi_panel_products *products, test_random *random)
{
    enum { MOST = 100 };

    for (size_t count = 1; count < MOST; count++) {
        float *values = random_array(random, 2 * MOST);
        size_t apart = 1 + random_index(random, 40);
        uint32_t pairs[MOST], alone[MOST];

        products->pair_up(count, values, values + apart, pairs);
        products->pair_up(count, values, NULL, alone);
        for (size_t i = 0; i < count; i++) {
            check_near(round_bf16((double)values[i]), (double)half_of(pairs[i], 0), 0.0);
            check_near(round_bf16((double)values[i + apart]), (double)half_of(pairs[i], 1), 0.0);
            assert_int_equal(alone[i], pairs[i] & 0xFFFF);
        }
        products->pair_up(count, values, values + apart, values);
        assert_memory_equal(values, pairs, count * sizeof *pairs);
        free(values);
    }
}

/* ---- the products ---- */

/* One way to compute the products, and how much larger its errors are. */
typedef struct method {
    mfi_precision precision;
    bool winograd;
    double error;
} method;

static const method direct = {MFI_FLOAT32, false, 1.0}, in_bf16 = {MFI_BF16, false, 1.0},
                    winograd = {MFI_FLOAT32, true, 10.0};

/* A convolution of some images. Its place k of the kernel, at (c, i, j), meets for pixel (y, x) of the output
 * the input value of channel c at (y stride + i - padding, x stride + j - padding), if there is one. */
typedef struct example {
    mfi_geometry g;
    mfi_precision precision;
    size_t images, stride, floats; /* floats: of x */
    float *x, *w, *du;
    double *u, *dw, *dx;
} example;

typedef void visitor(example *e, size_t image, size_t filter, size_t pixel, size_t k, size_t at);

static void visit(example *e, visitor *see)
{
    const mfi_geometry *g = &e->g;

    for (size_t image = 0; image < e->images; image++)
        for (size_t pixel = 0; pixel < g->pixels; pixel++)
            for (size_t k = 0; k < g->patch_size; k++) {
                size_t c = k / g->kernel[1] / g->kernel[0], i = k / g->kernel[1] % g->kernel[0];
                size_t y = pixel / g->map[1] * g->stride[0] + i;
                size_t x = pixel % g->map[1] * g->stride[1] + k % g->kernel[1];

                if (y < g->padding[0] || y >= g->height + g->padding[0] || x < g->padding[1] ||
                    x >= g->width + g->padding[1])
                    continue;
                for (size_t f = 0; f < g->filters; f++)
                    see(e, image, f, pixel, k,
                        image * e->stride + (c * g->height + y - g->padding[0]) * g->width + x -
                            g->padding[1]);
            }
}

static double operand(const example *e, float value)
{
    return e->precision == MFI_BF16 ? round_bf16((double)value) : (double)value;
}

static void add_products(example *e, size_t image, size_t filter, size_t pixel, size_t k, size_t at)
{
    size_t out = filter * e->images * e->g.pixels + image * e->g.pixels + pixel;
    size_t weight = filter * e->g.patch_size + k;
    double x = operand(e, e->x[at]), w = operand(e, e->w[weight]), du = operand(e, e->du[out]);

    e->u[out] += w * x;
    e->dw[weight] += du * x;
    e->dx[at] += du * w;
}

static example make_example(const method *m, test_random *random, const mfi_geometry *g, size_t images)
{
    example e = {.g = *g,
                 .precision = m->precision,
                 .images = images,
                 .stride = g->channels * g->height * g->width + 3};
    size_t outputs = g->filters * images * g->pixels, weights = g->filters * g->patch_size;

    e.floats = images * e.stride;
    e.x = random_array(random, e.floats);
    e.w = random_array(random, weights);
    e.du = random_array(random, outputs);
    e.u = get_zeroed(outputs, sizeof *e.u);
    e.dw = get_zeroed(weights, sizeof *e.dw);
    e.dx = get_zeroed(e.floats, sizeof *e.dx);
    visit(&e, add_products);
    return e;
}

static void free_example(example *e)
{
    free(e->x);
    free(e->w);
    free(e->du);
    free(e->u);
    free(e->dw);
    free(e->dx);
}

static void check_all_near(const double *want, const float *got, size_t count, size_t terms, double error)
{
    for (size_t i = 0; i < count; i++)
        check_near(want[i], (double)got[i], error * 1e-6 * (1.0 + (double)terms));
}

/* As much room as the function says, and not a float more: a sanitizer would notice. It holds NaNs: whatever
 * is read has been written. */
static mfi_convolve begin(const method *m, const mfi_kernels *kernels, const example *e, bool input_gradient)
{
    size_t floats = 0;
    float *room;

    if (m->winograd)
        assert_true(mfi_winograd_room(&e->g, &kernels->order, e->images, input_gradient, &floats));
    else
        assert_true(
            mfi_convolve_room(&e->g, &kernels->order, m->precision, e->images, input_gradient, &floats));
    room = get_memory(floats * sizeof *room);
    for (size_t i = 0; i < floats; i++)
        room[i] = NAN;
    return (mfi_convolve){.kernels = kernels,
                          .precision = m->precision,
                          .products = m->precision == MFI_BF16 ? mfi_kernels_bf16(kernels)
                                                               : &kernels->products[MFI_FLOAT32],
                          .geometry = &e->g,
                          .images = e->images,
                          .stride = e->stride,
                          .room = room};
}

/* A matrix in plain order, in that of the kernels. */
static float *in_panels(const mfi_kernels *kernels, const example *e, const float *plain)
{
    const mfi_matrix_order order = {kernels->order, e->g.filters, e->g.patch_size};
    float *w = get_zeroed(mfi_order_rows(&order.order, order.rows) * order.columns, sizeof *w);

    mfi_order_set(&order, w, 0, order.rows * order.columns, plain);
    return w;
}

/* W as the forward product reads it. */
static void *as_operand(const mfi_convolve *c, const float *panels)
{
    const mfi_order *order = &c->kernels->order;
    size_t apart = c->geometry->kernel[0] * c->geometry->kernel[1], columns = c->geometry->patch_size, width;
    size_t rows = mfi_order_rows(order, c->geometry->filters);
    size_t depth = mfi_depth(c->precision, c->geometry->channels) * apart;
    uint32_t *to = get_memory(rows * depth * sizeof *to);

    if (c->precision == MFI_FLOAT32)
        memcpy(to, panels, rows * columns * sizeof *to);
    for (size_t start = 0; c->precision == MFI_BF16 && start < rows; start += width) {
        width = mfi_order_panel(order, rows, start);
        c->products->round_panel(columns, apart, width, panels + start * columns, to + start * depth);
    }
    return to;
}

static void forward_by(const method *m, const mfi_convolve *c, const float *x, const float *w,
                       const void *read, float *u)
{
    if (m->winograd)
        mfi_winograd_forward(c, x, w, u);
    else
        mfi_convolve_forward(c, x, read, u);
}

static void check_forward(const method *m, const mfi_kernels *kernels, const example *e)
{
    size_t count = e->g.filters * e->images * e->g.pixels;
    mfi_convolve c = begin(m, kernels, e, false);
    float *u = get_memory(count * sizeof *u), *w = in_panels(kernels, e, e->w);
    void *read = as_operand(&c, w);

    forward_by(m, &c, e->x, w, read, u);
    check_all_near(e->u, u, count, e->g.patch_size, m->error);
    free(u);
    free(w);
    free(read);
    free(c.room);
}

/* What is there already is kept. */
static void check_weights(const method *m, const mfi_kernels *kernels, const example *e)
{
    const mfi_matrix_order order = {kernels->order, e->g.filters, e->g.patch_size};
    size_t count = order.rows * order.columns;
    mfi_convolve c = begin(m, kernels, e, false);
    float *panels = in_panels(kernels, e, e->w), *dw = get_memory(count * sizeof *dw);

    (m->winograd ? mfi_winograd_add_weights : mfi_convolve_add_weights)(&c, e->x, e->du, panels);
    mfi_order_get(&order, panels, 0, count, dw);
    for (size_t i = 0; i < count; i++)
        check_near((double)e->w[i] + e->dw[i], (double)dw[i],
                   m->error * 1e-6 * (1.0 + (double)(e->images * e->g.pixels)));
    free(panels);
    free(dw);
    free(c.room);
}

/* Whatever dx holds before is overwritten, but for what lies between two images. */
static void check_input(const method *m, const mfi_kernels *kernels, const example *e)
{
    size_t image = e->g.channels * e->g.height * e->g.width;
    mfi_convolve c = begin(m, kernels, e, true);
    float *dx = get_memory(e->floats * sizeof *dx), *w = in_panels(kernels, e, e->w);

    for (size_t i = 0; i < e->floats; i++)
        dx[i] = 7.0f;
    (m->winograd ? mfi_winograd_input : mfi_convolve_input)(&c, w, e->du, dx);
    for (size_t i = 0; i < e->floats; i++)
        check_near(i % e->stride < image ? e->dx[i] : 7.0, (double)dx[i],
                   m->error * 1e-6 * (1.0 + (double)(e->g.filters * e->g.kernel[0] * e->g.kernel[1])));
    free(dx);
    free(w);
    free(c.room);
}

static void check_example(const method *m, const mfi_kernels *kernels, test_random *random, mfi_geometry g,
                          size_t images)
{
    const size_t size[2] = {g.height, g.width};

    for (int d = 0; d < 2; d++) {
        assert_in_range(g.kernel[d], 1, size[d] + 2 * g.padding[d]);
        g.map[d] = (size[d] + 2 * g.padding[d] - g.kernel[d]) / g.stride[d] + 1;
    }
    g.patch_size = g.channels * g.kernel[0] * g.kernel[1];
    g.pixels = g.map[0] * g.map[1];
    example e = make_example(m, random, &g, images);
    check_forward(m, kernels, &e);
    check_weights(m, kernels, &e);
    check_input(m, kernels, &e);
    free_example(&e);
}

enum { FAR = 1000000007 }; /* a stride beyond any map, which must take no longer */

/* Kernels of 1 to 7, also larger than the map, strides of 1 to 3, also larger than the kernel, and far
 * larger. */
static void check_random_examples(const method *m, const mfi_kernels *kernels, test_random *random)
{
    for (int trial = 0; trial < 300; trial++) {
        mfi_geometry g = {.channels = 1 + random_index(random, trial % 5 ? 4 : 40),
                          .height = 1 + random_index(random, 9),
                          .width = 1 + random_index(random, 12),
                          .filters = 1 + random_index(random, trial % 3 ? 8 : 60)};
        const size_t size[2] = {g.height, g.width};

        for (int d = 0; d < 2; d++) {
            g.kernel[d] = 1 + random_index(random, 7);
            g.padding[d] = random_index(random, g.kernel[d]);
            g.stride[d] = random_index(random, 12) == 0 ? FAR : 1 + random_index(random, 3);
            while (g.kernel[d] > size[d] + 2 * g.padding[d])
                g.padding[d]++;
        }
        check_example(m, kernels, random, g, 1 + random_index(random, 4));
    }
}

/* A map that is worked on in bands; one of a single wide row; one whose field needs another size, since its
 * planes would lie a power of two apart; many channels, so that a sum is longer than one call takes. */
static void check_special_examples(const method *m, const mfi_kernels *kernels, test_random *random)
{
    const mfi_geometry bands = {.channels = 2,
                                .height = 97,
                                .width = 95,
                                .filters = 3,
                                .kernel = {3, 5},
                                .padding = {1, 3},
                                .stride = {1, 1}};
    const mfi_geometry sparse = {.channels = 2,
                                 .height = 211,
                                 .width = 190,
                                 .filters = 2,
                                 .kernel = {3, 2},
                                 .padding = {2, 0},
                                 .stride = {2, 3}};
    const mfi_geometry row = {.channels = 1,
                              .height = 1,
                              .width = 9001,
                              .filters = 2,
                              .kernel = {1, 3},
                              .padding = {0, 1},
                              .stride = {1, 2}};
    const mfi_geometry even = {
        .channels = 3, .height = 32, .width = 32, .filters = 5, .kernel = {1, 1}, .stride = {1, 1}};
    const mfi_geometry deep = {.channels = 67,
                               .height = 5,
                               .width = 5,
                               .filters = 70,
                               .kernel = {3, 3},
                               .padding = {1, 1},
                               .stride = {1, 1}};

    check_example(m, kernels, random, bands, 1);
    check_example(m, kernels, random, sparse, 1);
    check_example(m, kernels, random, row, 1);
    check_example(m, kernels, random, even, 2);
    check_example(m, kernels, random, deep, 20);
}

static void check_winograd(const mfi_kernels *kernels, test_random *random)
{
    const mfi_geometry bands = {.channels = 3,
                                .height = 50,
                                .width = 97,
                                .filters = 2,
                                .kernel = {3, 3},
                                .padding = {1, 2},
                                .stride = {1, 1}};
    const mfi_geometry deep = {.channels = 270,
                               .height = 5,
                               .width = 8,
                               .filters = 70,
                               .kernel = {3, 3},
                               .padding = {1, 1},
                               .stride = {1, 1}};

    for (int trial = 0; trial < 200; trial++) {
        mfi_geometry g = {.channels = 1 + random_index(random, trial % 5 ? 4 : 40),
                          .height = 3 + random_index(random, 12),
                          .width = 3 + random_index(random, 12),
                          .filters = 1 + random_index(random, trial % 3 ? 8 : 60),
                          .kernel = {3, 3},
                          .padding = {random_index(random, 3), random_index(random, 3)},
                          .stride = {1, 1}};
        check_example(&winograd, kernels, random, g, 1 + random_index(random, 4));
    }
    check_example(&winograd, kernels, random, bands, 1);
    check_example(&winograd, kernels, random, deep, 17);
}

/* What docs/algorithm.md promises: the root mean square error, as a share of that of the values, for inputs
 * like those of a trained network. No single error is more than ten times as large. */
static void check_share(const double *want, const float *got, size_t count, double share)
{
    double squares = 0.0, errors = 0.0, largest = 0.0;

    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)got[i] - want[i]);

        squares += want[i] * want[i];
        errors += error * error;
        largest = error > largest ? error : largest;
    }
    assert_true(sqrt(errors / squares) < share);
    assert_true(largest < 10.0 * share * sqrt(squares / (double)count));
}

static void check_error(const method *m, const mfi_kernels *kernels, test_random *random, double share)
{
    mfi_geometry g = {.channels = 256,
                      .height = 8,
                      .width = 8,
                      .filters = 24,
                      .kernel = {3, 3},
                      .padding = {1, 1},
                      .stride = {1, 1},
                      .map = {8, 8},
                      .patch_size = 9 * 256,
                      .pixels = 64};
    example e = make_example(&direct, random, &g, 6); /* with operands as they are */
    const mfi_matrix_order order = {kernels->order, g.filters, g.patch_size};
    size_t outputs = g.filters * e.images * g.pixels, weights = g.filters * g.patch_size;
    float *u = get_memory(outputs * sizeof *u), *w = in_panels(kernels, &e, e.w);
    float *panels = get_zeroed(mfi_order_rows(&order.order, g.filters) * g.patch_size, sizeof *panels);
    float *dw = get_memory(weights * sizeof *dw), *dx = get_zeroed(e.floats, sizeof *dx);
    mfi_convolve c = begin(m, kernels, &e, true);

    void *read = as_operand(&c, w);

    forward_by(m, &c, e.x, w, read, u);
    (m->winograd ? mfi_winograd_add_weights : mfi_convolve_add_weights)(&c, e.x, e.du, panels);
    (m->winograd ? mfi_winograd_input : mfi_convolve_input)(&c, w, e.du, dx);
    mfi_order_get(&order, panels, 0, weights, dw);
    check_share(e.u, u, outputs, share);
    check_share(e.dw, dw, weights, share);
    check_share(e.dx, dx, e.floats, share);
    free(u);
    free(w);
    free(read);
    free(panels);
    free(dw);
    free(dx);
    free(c.room);
    free_example(&e);
}

static void test_winograd_pays_where_it_is_faster(void **state)
{
    mfi_geometry g = {.channels = 8,
                      .height = 4,
                      .width = 4,
                      .filters = 8,
                      .kernel = {3, 3},
                      .padding = {1, 1},
                      .stride = {1, 1},
                      .map = {4, 4},
                      .patch_size = 72,
                      .pixels = 16};

    (void)state;
    assert_true(mfi_winograd_pays(&g));
    g.stride[0] = 2;
    assert_false(mfi_winograd_pays(&g));
    g.stride[0] = 1;
    g.kernel[1] = 1;
    assert_false(mfi_winograd_pays(&g));
    g.kernel[1] = 3;
    g.channels = 3;
    assert_false(mfi_winograd_pays(&g));
    g.channels = 8;
    g.map[0] = 1;
    g.pixels = 4;
    assert_false(mfi_winograd_pays(&g));
}

static size_t room_for(const mfi_geometry *g, const mfi_order *order, int way, size_t images)
{
    size_t floats = 0;

    if (way == 2)
        assert_true(mfi_winograd_room(g, order, images, true, &floats));
    else
        assert_true(mfi_convolve_room(g, order, way ? MFI_BF16 : MFI_FLOAT32, images, true, &floats));
    return floats;
}

/* What is reserved for the blocks of a batch is used for a last one of fewer images, and for smaller batches.
 */
static void check_room(const mfi_kernels *kernels)
{
    for (size_t height = 3; height <= 20; height++)
        for (size_t width = 3; width <= 20; width++)
            for (size_t padding = 0; padding <= 1; padding++)
                for (int way = 0; way < 3; way++) {
                    mfi_geometry g = {.channels = 9,
                                      .height = height,
                                      .width = width,
                                      .filters = 10,
                                      .kernel = {3, 3},
                                      .padding = {padding, 1 - padding},
                                      .stride = {1, 1},
                                      .map = {height - 2 + 2 * padding, width - 2 * padding},
                                      .patch_size = 81};
                    size_t before = 0;

                    g.pixels = g.map[0] * g.map[1];
                    for (size_t images = 1; g.pixels >= 16 && images <= 1024 / g.pixels; images++) {
                        size_t room = room_for(&g, &kernels->order, way, images);

                        if (room < before)
                            fail_msg("%u images of %u x %u need less room than one less", (unsigned)images,
                                     (unsigned)height, (unsigned)width);
                        before = room;
                    }
                }
}

static void check_variant(const mfi_kernels *kernels, int index)
{
    test_random random = {.state = 31};

    (void)index;
    check_transposing(kernels, &random);
    check_gathering(kernels, &random);
    check_gathering_pairs(kernels, &kernels->products[MFI_BF16], &random);
    check_gathering_pairs(kernels, mfi_kernels_bf16(kernels), &random);
    check_pairing(mfi_kernels_bf16(kernels), &random);
    check_room(kernels);
    check_random_examples(&direct, kernels, &random);
    check_random_examples(&in_bf16, kernels, &random);
    check_special_examples(&direct, kernels, &random);
    check_special_examples(&in_bf16, kernels, &random);
    check_winograd(kernels, &random);
    check_error(&winograd, kernels, &random, 3e-6);
    check_error(&direct, kernels, &random, 1e-6);
    check_error(&in_bf16, kernels, &random, 3e-3);
}

static void test_sizes_that_do_not_fit_are_refused(void **state)
{
    const mfi_geometry g = {.channels = 100000,
                            .height = 1000,
                            .width = 1000,
                            .filters = 1,
                            .kernel = {1, 1},
                            .stride = {1, 1},
                            .map = {1000, 1000},
                            .patch_size = 100000,
                            .pixels = 1000000};
    const mfi_order order = {16, 8};
    size_t floats = 1;

    (void)state;
    assert_true(mfi_convolve_room(&g, &order, MFI_FLOAT32, 1, false,
                                  &floats)); /* four rows of 1000 of each channel */
    assert_in_range(floats, 400000000, 500000000);
    assert_false(mfi_convolve_room(&g, &order, MFI_FLOAT32, 11, false, &floats)); /* offsets have 32 bits */
    assert_false(mfi_convolve_room(&g, &order, MFI_BF16, SIZE_MAX / 1000, false, &floats));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT_TESTS,
        cmocka_unit_test(test_sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(test_winograd_pays_where_it_is_faster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
