/* Owns: a convolution stage: the convolution, then normalisation, bias, activation and pooling.
 *
 * Work goes over blocks of images whose patches (im2col, see math/maps.h) stay in cache. A block of u, of its
 * gradient and of patches is a matrix [filters, or values of a kernel; pixels of all images], so that each
 * pass is one product
 *
 *     u = W patches        dW += du patches^T        dpatches = W^T du
 *
 * and a filter's values lie in one row. The patches are made twice: storing all of them would multiply the
 * input's memory by the kernel's area. An image too large for a block is worked on in bands of output rows.
 */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/gemm.h"
#include "model/checks.h"
#include "model/normalization.h"
#include "model/unit.h"
#include "model/unit/window.h"

static mf_status conv2d_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    size_t weights, *kernel = unit->kernel, *stride = unit->stride;
    for (int d = 0; d < 2; d++) {
        kernel[d] = kernel[d] ? kernel[d] : 3;
        stride[d] = stride[d] ? stride[d] : 1;
    }
    MFI_TRY(mfi_unit_check_product(unit));
    MFI_TRY(mfi_check_kernel(input->dims + 1, kernel, stride, unit->padding));
    MFI_TRY(mfi_check_product("weights of a filter", input->dims[0], kernel[0], kernel[1], &weights));
    mfi_geometry g = mfi_convolution(input, unit->outputs, kernel, stride, unit->padding);
    *output = mfi_shape_maps(g.filters, g.map[0], g.map[1]);
    return MF_STATUS_OK;
}

static void conv2d_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    stage->geometry = mfi_convolution(input, unit->outputs, unit->kernel, unit->stride, unit->padding);
    stage->channels = unit->outputs;
    stage->area = stage->geometry.pixels;
    stage->multiplications =
        (double)unit->outputs * (double)stage->geometry.pixels * (double)stage->geometry.patch_size;
}

/* Pixels of a block: enough for a product to run well, few enough for its patches to stay in cache. */
enum { BLOCK_PIXELS = 512, BAND_PIXELS = 4096 };

typedef struct blocks {
    const mfi_geometry *g;
    size_t images; /* of a block, but for the last */
    size_t band;   /* output rows at a time; all of them if there are several images */
} blocks;

static blocks cut(const mfi_geometry *g, size_t rows)
{
    blocks b = {.g = g};
    b.images = BLOCK_PIXELS / g->pixels;
    b.images = b.images < 1 ? 1 : b.images > rows ? rows : b.images;
    b.band = b.images == 1 ? BAND_PIXELS / g->map[1] : g->map[0];
    b.band = b.band < 1 ? 1 : b.band > g->map[0] ? g->map[0] : b.band;
    return b;
}

static bool conv2d_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                         mfi_shared_sizes *shared)
{
    const mfi_geometry *g = &stage->geometry;
    blocks b = cut(g, rows);
    size_t pixels;
    if ((stage->normalizes && !mfi_multiply(MFI_MOMENT_ROWS, g->filters, &kept->moments)) ||
        !mfi_multiply(b.images, g->filters * g->pixels, &kept->product) ||
        !mfi_multiply(b.images * b.band, g->map[1], &pixels) ||
        !mfi_multiply(pixels, g->patch_size, &shared->patches))
        return false;
    shared->map = g->pixels;
    if (!training)
        return true;
    shared->dz = kept->product;
    shared->db = shared->dscale = g->filters;
    shared->map = 2 * g->pixels;
    return mfi_multiply(g->filters, g->patch_size, &shared->whole) &&
           mfi_multiply(rows, g->filters * g->pixels, &kept->product);
}

/* ---- forward ---- */

/* What the blocks of one run share. */
typedef struct pass {
    const mfi_run *run;
    const mfi_stage *stage;
    const mfi_scratch *scratch;
    const mfi_kernels *kernels;
    size_t index, rows;
    mfi_input input;
    blocks b;
    float *product;
    mfi_moments moments;
    bool batch;
} pass;

static pass conv2d_begin(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    return (pass){
        .run = run,
        .stage = stage,
        .scratch = run->scratch,
        .kernels = run->layer->kernels,
        .index = index,
        .rows = run->rows->count,
        .input = mfi_run_input(run, index, 0),
        .b = cut(&stage->geometry, run->rows->count),
        .product = run->scratch->kept[index].product,
        .moments = mfi_moments_of(run, index),
        .batch = mfi_run_uses_batch(run, index),
    };
}

static size_t images_at(const pass *p, size_t first)
{
    return p->rows - first < p->b.images ? p->rows - first : p->b.images;
}

static size_t band_at(const blocks *b, size_t top)
{
    return b->g->map[0] - top < b->band ? b->g->map[0] - top : b->band;
}

static const float *make_patches(const pass *p, size_t first, size_t top, size_t band)
{
    mfi_im2col(p->b.g, images_at(p, first), p->input.x + first * p->input.stride, p->input.stride, top, band,
               p->scratch->patches);
    return p->scratch->patches;
}

/* u [filters, images x pixels] of one block. */
static void convolve(const pass *p, size_t first, float *u)
{
    const mfi_geometry *g = p->b.g;
    size_t images = images_at(p, first), k = g->patch_size;
    for (size_t top = 0; top < g->map[0]; top += p->b.band) {
        size_t band = band_at(&p->b, top), width = images * band * g->map[1];
        const float *patches = make_patches(p, first, top, band);
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, g->filters, width, k, 1.0f,
                 mfi_run_values(p->run, p->index, MFI_WEIGHT), k, patches, width, 0.0f, u + top * g->map[1],
                 images * g->pixels);
    }
}

/* The output of one block. */
static void activate_maps(const pass *p, size_t first, const float *u)
{
    const mfi_geometry *g = p->b.g;
    size_t images = images_at(p, first), n = p->stage->output_values;
    float *a = mfi_run_output(p->run, p->index) + first * n;
    for (size_t f = 0; f < g->filters; f++)
        p->kernels->map_forward(p->stage->phi, &g->pool, mfi_moments_shift(p->run, p->index, &p->moments, f),
                                images, u + f * images * g->pixels, a + f * g->pooled, n, p->scratch->map);
}

/* Mean and variance of every filter, from those of each block (Chan, Golub and LeVeque). */
static void take_moments(const pass *p)
{
    size_t pixels = p->b.g->pixels, map_values = p->b.g->filters * pixels;
    for (size_t f = 0; f < p->b.g->filters; f++) {
        double count = 0.0, mean = 0.0, deviations = 0.0;
        for (size_t first = 0; first < p->rows; first += p->b.images) {
            size_t more = images_at(p, first) * pixels;
            double block_mean, block_deviations;
            p->kernels->moments(more, p->product + first * map_values + f * more, &block_mean,
                                &block_deviations);
            double off = block_mean - mean, fraction = (double)more / (count + (double)more);
            deviations += block_deviations + off * off * count * fraction;
            mean += off * fraction;
            count += (double)more;
        }
        p->moments.mean[f] = (float)mean;
        p->moments.variance[f] = (float)(deviations / count);
    }
}

static void conv2d_forward(const mfi_run *run, size_t index)
{
    pass p = conv2d_begin(run, index);
    size_t map_values = p.b.g->filters * p.b.g->pixels;
    if (p.stage->normalizes && !p.batch)
        mfi_moments_complete(run, index, p.moments);
    for (size_t first = 0; first < p.rows; first += p.b.images) {
        float *u = p.product + (run->settings ? first * map_values : 0);
        convolve(&p, first, u);
        if (p.batch)
            continue;
        if (run->settings)
            mfi_clear_uncovered(&p.b.g->pool, images_at(&p, first) * p.b.g->filters, u);
        activate_maps(&p, first, u);
    }
    if (!p.batch)
        return;
    take_moments(&p);
    mfi_moments_complete(run, index, p.moments);
    for (size_t first = 0; first < p.rows; first += p.b.images)
        activate_maps(&p, first, p.product + first * map_values);
}

/* ---- backward ---- */

/* dz [images x pixels] of one filter in the block that begins at image `first`. */
static void filter_gradient(const pass *p, const float *dy, size_t first, size_t filter, const float *u,
                            float *dz)
{
    const mfi_geometry *g = p->b.g;
    size_t n = p->stage->output_values;
    p->kernels->map_gradient(p->stage->phi, &g->pool,
                             mfi_moments_shift(p->run, p->index, &p->moments, filter), images_at(p, first), u,
                             dy + first * n + filter * g->pooled, n, dz, p->scratch->map);
}

static const float *row_of_product(const pass *p, size_t first, size_t filter)
{
    size_t row = images_at(p, first) * p->b.g->pixels;
    return p->product + first * p->b.g->filters * p->b.g->pixels + filter * row;
}

/* db and dscale of every filter. If mean and variance are those of the batch, du depends on them. */
static void sum_over_batch(const pass *p, const float *dy)
{
    for (size_t f = 0; f < p->b.g->filters; f++) {
        double sum = 0.0, product = 0.0;
        for (size_t first = 0; first < p->rows; first += p->b.images) {
            const float *u = row_of_product(p, first, f);
            filter_gradient(p, dy, first, f, u, p->scratch->dz);
            p->kernels->centered_sums(images_at(p, first) * p->b.g->pixels, p->scratch->dz, u,
                                      p->moments.mean[f], &sum, &product);
        }
        p->scratch->db[f] = (float)sum;
        p->scratch->dscale[f] = (float)(product * (double)p->moments.inverse[f]);
    }
}

/* Computes du of one block into scratch and adds to db and dscale, unless sum_over_batch() has computed them.
 */
static void block_gradient(const pass *p, const float *dy, size_t first)
{
    size_t count = images_at(p, first) * p->b.g->pixels;
    double part = 1.0 / ((double)p->rows * (double)p->b.g->pixels);
    float *db = p->scratch->db, *dscale = p->scratch->dscale;
    for (size_t f = 0; f < p->b.g->filters; f++) {
        const float *u = row_of_product(p, first, f);
        float *dz = p->scratch->dz + f * count;
        double sum = 0.0, product = 0.0, mean_gradient = 0.0, coefficient = 0.0;
        filter_gradient(p, dy, first, f, u, dz);
        if (p->batch) {
            mean_gradient = part * (double)db[f];
            coefficient = part * (double)dscale[f] * (double)p->moments.inverse[f];
        } else {
            p->kernels->centered_sums(count, dz, u, p->stage->normalizes ? p->moments.mean[f] : 0.0f, &sum,
                                      &product);
            db[f] += (float)sum;
        }
        if (p->stage->normalizes && !p->batch)
            dscale[f] += (float)(product * (double)p->moments.inverse[f]);
        if (p->stage->normalizes)
            p->kernels->center_gradient(count, u, p->moments.mean[f], p->moments.scale[f],
                                        (float)mean_gradient, (float)coefficient, dz);
    }
}

/* dW += du patches^T of one block. */
static void add_weight_gradient(const pass *p, size_t first)
{
    const mfi_geometry *g = p->b.g;
    size_t images = images_at(p, first), k = g->patch_size;
    for (size_t top = 0; top < g->map[0]; top += p->b.band) {
        size_t band = band_at(&p->b, top), width = images * band * g->map[1];
        const float *patches = make_patches(p, first, top, band);
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, g->filters, k, width, 1.0f, p->scratch->dz + top * g->map[1],
                 images * g->pixels, patches, width, 1.0f, p->scratch->whole, k);
    }
}

/* The gradient with respect to the input of one block: the gradient of each patch is added to the values that
 * were copied into it. */
static void put_input_gradient(const pass *p, size_t first, float *dx)
{
    const mfi_geometry *g = p->b.g;
    size_t images = images_at(p, first), k = g->patch_size, inputs = p->stage->input_values;
    memset(dx + first * inputs, 0, images * inputs * sizeof *dx);
    for (size_t top = 0; top < g->map[0]; top += p->b.band) {
        size_t band = band_at(&p->b, top), width = images * band * g->map[1];
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, k, width, g->filters, 1.0f,
                 mfi_run_values(p->run, p->index, MFI_WEIGHT), k, p->scratch->dz + top * g->map[1],
                 images * g->pixels, 0.0f, p->scratch->patches, width);
        mfi_col2im(g, images, p->scratch->patches, top, band, dx + first * inputs, inputs);
    }
}

static void conv2d_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    pass p = conv2d_begin(run, index);
    const mfi_geometry *g = p.b.g;
    const mfi_scratch *scratch = run->scratch;
    mfi_target weight = mfi_run_target(run, p.stage->parameters[MFI_WEIGHT]);
    mfi_target bias = mfi_run_target(run, p.stage->parameters[MFI_BIAS]);
    mfi_target scale = mfi_run_target(run, p.stage->parameters[MFI_SCALE]);
    memset(scratch->whole, 0, g->filters * g->patch_size * sizeof(float));
    memset(scratch->db, 0, g->filters * sizeof(float));
    memset(scratch->dscale, 0, g->filters * sizeof(float));
    if (p.batch)
        sum_over_batch(&p, dy);
    for (size_t first = 0; first < p.rows; first += p.b.images) {
        block_gradient(&p, dy, first);
        if (weight.wanted)
            add_weight_gradient(&p, first);
        if (dx[0])
            put_input_gradient(&p, first, dx[0]);
    }
    mfi_run_take(run, &weight, 0, 1, g->filters * g->patch_size, g->filters * g->patch_size, scratch->whole);
    mfi_run_take(run, &bias, 0, 1, g->filters, g->filters, scratch->db);
    mfi_run_take(run, &scale, 0, 1, g->filters, g->filters, scratch->dscale);
}

const mfi_unit_kind mfi_unit_conv2d = {
    .resolve = conv2d_resolve,
    .describe = conv2d_describe,
    .sizes = conv2d_sizes,
    .forward = conv2d_forward,
    .backward = conv2d_backward,
};
