/* Convolutions in groups against loops over every window in double precision, by the kernels of every
 * instruction set: odd sizes, kernels, strides and paddings, several maps and filters a group, and values
 * that no window covers. SPDX-License-Identifier: MIT */
#include "math/grouped.h"

#include <math.h>

#include "random.h"
#include "variants.h"

enum { IMAGES = 3, GAP = 5 };
enum { FAR = 1000000007 }; /* a stride beyond any map, which must take no longer */

/* One convolution: x with gaps between images, dx, u and du [filters, images x pixels], W and dW. */
typedef struct fixture {
    mfi_geometry g;
    size_t groups, stride;
    float *x, *w, *u, *dx, *dw;
    double *exact_u, *exact_dx, *exact_dw;
    unsigned char *covered; /* values of x of an image */
} fixture;

static size_t draw(test_random *random, size_t least, size_t most)
{
    return least + random_index(random, most - least + 1);
}

static void draw_geometry(test_random *random, fixture *f)
{
    mfi_geometry g = {0};
    size_t size[2];

    f->groups = draw(random, 1, 4);
    g.channels = f->groups * (random_index(random, 2) ? 1 : draw(random, 1, 3));
    g.filters = f->groups * (random_index(random, 2) ? 1 : draw(random, 1, 3));
    for (int d = 0; d < 2; d++) {
        g.kernel[d] = random_index(random, 2) ? 3 : draw(random, 1, 6);
        g.stride[d] = draw(random, 1, 12) == 1 ? FAR : draw(random, 1, 3);
        g.padding[d] = random_index(random, g.kernel[d]);
        size[d] = draw(random, 1, 40);
        if (size[d] + 2 * g.padding[d] < g.kernel[d])
            size[d] = g.kernel[d];
        g.map[d] = (size[d] + 2 * g.padding[d] - g.kernel[d]) / g.stride[d] + 1;
    }
    g.height = size[0];
    g.width = size[1];
    g.pixels = g.map[0] * g.map[1];
    g.patch_size = g.channels / f->groups * g.kernel[0] * g.kernel[1];
    f->g = g;
    f->stride = g.channels * g.height * g.width + GAP;
}

/* All of it, window by window. */
static void find_exact(fixture *f)
{
    const mfi_geometry *g = &f->g;
    size_t maps = g->channels / f->groups, filters = g->filters / f->groups;

    for (size_t image = 0; image < IMAGES; image++)
        for (size_t filter = 0; filter < g->filters; filter++)
            for (size_t pixel = 0; pixel < g->pixels; pixel++)
                for (size_t tap = 0; tap < g->patch_size; tap++) {
                    size_t place = tap % (g->kernel[0] * g->kernel[1]);
                    size_t map = filter / filters * maps + tap / (g->kernel[0] * g->kernel[1]);
                    size_t y = pixel / g->map[1] * g->stride[0] + place / g->kernel[1] - g->padding[0];
                    size_t x = pixel % g->map[1] * g->stride[1] + place % g->kernel[1] - g->padding[1];
                    size_t at = (filter * IMAGES + image) * g->pixels + pixel;

                    if (y >= g->height || x >= g->width) /* also below 0 */
                        continue;
                    size_t in = (map * g->height + y) * g->width + x, value = image * f->stride + in;
                    f->covered[in] = 1;
                    f->exact_u[at] += (double)f->w[filter * g->patch_size + tap] * (double)f->x[value];
                    f->exact_dx[value] += (double)f->w[filter * g->patch_size + tap] * (double)f->u[at];
                    f->exact_dw[filter * g->patch_size + tap] += (double)f->u[at] * (double)f->x[value];
                }
}

static void setup(fixture *f, test_random *random)
{
    draw_geometry(random, f);
    size_t inputs = IMAGES * f->stride, weights = f->g.filters * f->g.patch_size,
           outputs = IMAGES * f->g.filters * f->g.pixels;

    f->x = get_memory(inputs * sizeof(float));
    f->dx = get_memory(inputs * sizeof(float));
    f->w = get_memory(weights * sizeof(float));
    f->dw = get_memory(weights * sizeof(float));
    f->u = get_memory(outputs * sizeof(float));
    f->exact_u = get_zeroed(outputs, sizeof(double));
    f->exact_dx = get_zeroed(inputs, sizeof(double));
    f->exact_dw = get_zeroed(weights, sizeof(double));
    f->covered = get_zeroed(f->stride, 1);
    random_values(random, f->x, inputs, 1.0);
    random_values(random, f->w, weights, 1.0);
    random_values(random, f->u, outputs, 1.0); /* du, until u is computed */
    find_exact(f);
    for (size_t i = 0; i < inputs; i++)
        if (i % f->stride >= f->stride - GAP || !f->covered[i % f->stride])
            f->x[i] = NAN;
}

static void release(fixture *f)
{
    free(f->x);
    free(f->dx);
    free(f->w);
    free(f->dw);
    free(f->u);
    free(f->exact_u);
    free(f->exact_dx);
    free(f->exact_dw);
    free(f->covered);
}

static void check_all(size_t count, const double *exact, const float *got, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        check_near(exact[i], got[i], tolerance);
}

static mfi_grouped with_room(const fixture *f, const mfi_kernels *kernels, bool training, bool input)
{
    size_t floats;

    assert_true(mfi_grouped_room(&f->g, f->groups, kernels->order.lanes, training, input, &floats));
    mfi_grouped c = {.kernels = kernels,
                     .geometry = &f->g,
                     .groups = f->groups,
                     .images = IMAGES,
                     .stride = f->stride,
                     .room = get_memory(floats * sizeof(float))};
    memset(c.room, 0xFF, floats * sizeof(float)); /* NaN */
    return c;
}

static void check_variant(const mfi_kernels *kernels, int index)
{
    test_random random = {77 + (uint64_t)index};
    /* Without vectors one sum has the terms of four, and may be off by as much more. */
    double tolerance = kernels->order.lanes == 1 ? 8e-4 : 2e-4;

    for (int round = 0; round < 150; round++) {
        fixture f;
        bool input = round % 3 != 0;

        setup(&f, &random);
        size_t weights = f.g.filters * f.g.patch_size;
        mfi_grouped c = with_room(&f, kernels, true, input);
        for (size_t i = 0; i < weights; i++)
            f.dw[i] = 1.0f; /* it is added to */
        mfi_grouped_add_weights(&c, f.x, f.u, f.dw);
        for (size_t i = 0; i < weights; i++)
            check_near(f.exact_dw[i] + 1.0, f.dw[i], tolerance);
        if (input) {
            mfi_grouped_input(&c, f.w, f.u, f.dx);
            for (size_t i = 0; i < IMAGES; i++)
                check_all(f.stride - GAP, f.exact_dx + i * f.stride, f.dx + i * f.stride, 1e-4);
        }
        mfi_grouped_forward(&c, f.x, f.w, f.u);
        check_all(IMAGES * f.g.filters * f.g.pixels, f.exact_u, f.u, 1e-4);
        free(c.room);
        c = with_room(&f, kernels, false, false);
        mfi_grouped_forward(&c, f.x, f.w, f.u);
        check_all(IMAGES * f.g.filters * f.g.pixels, f.exact_u, f.u, 1e-4);
        free(c.room);
        release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {VARIANT_TESTS};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
