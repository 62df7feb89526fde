/* Owns: a convolution stage: the convolution, then normalisation, bias, activation and pooling.
 *
 * Work goes over blocks of some images, so that what a product reads is still in the cache (math/convolve.h). A
 * block of u and of its gradient is a matrix [filters; pixels of all images], so that a filter's values lie in one
 * row.
 */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/convolve.h"
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

/* Pixels of a block: enough for a product to run well, few enough for its maps to stay in cache. */
enum { BLOCK_PIXELS = 512 };

/* Images of a block, but for the last. */
static size_t images_of_block(const mfi_geometry *g, size_t rows)
{
    size_t images = BLOCK_PIXELS / g->pixels;
    return images < 1 ? 1 : images > rows ? rows : images;
}

static bool conv2d_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                         mfi_shared_sizes *shared)
{
    const mfi_geometry *g = &stage->geometry;
    size_t images = images_of_block(g, rows), panel = g->filters;
    if ((stage->normalizes && !mfi_multiply(MFI_MOMENT_ROWS, g->filters, &kept->moments)) ||
        !mfi_multiply(images, g->filters * g->pixels, &kept->product) ||
        !mfi_convolve_room(g, images, training && stage->inputs[0] > 0, &shared->room))
        return false;
    shared->map = g->pixels;
    if (!training)
        return true;
    shared->dz = kept->product;
    shared->db = shared->dscale = g->filters;
    shared->map = 2 * g->pixels;
    panel = panel < MFI_PANEL_MOST ? panel : MFI_PANEL_MOST;
    return mfi_multiply(panel, g->patch_size, &shared->dw) && mfi_convolve_sums(g, &shared->sums) &&
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
    const mfi_geometry *g;
    size_t images; /* of a block */
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
        .g = &stage->geometry,
        .images = images_of_block(&stage->geometry, run->rows->count),
        .product = run->scratch->kept[index].product,
        .moments = mfi_moments_of(run, index),
        .batch = mfi_run_uses_batch(run, index),
    };
}

static size_t images_at(const pass *p, size_t first)
{
    return p->rows - first < p->images ? p->rows - first : p->images;
}

static mfi_convolve block_at(const pass *p, size_t first, size_t stride)
{
    return (mfi_convolve){p->kernels, p->g, images_at(p, first), stride, p->scratch->room};
}

/* u [filters, images x pixels] of one block. */
static void convolve(const pass *p, size_t first, float *u)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_convolve_forward(&block, p->input.x + first * p->input.stride,
                         mfi_run_values(p->run, p->index, MFI_WEIGHT), u);
}

/* The output of one block. */
static void activate_maps(const pass *p, size_t first, const float *u)
{
    const mfi_geometry *g = p->g;
    size_t images = images_at(p, first), n = p->stage->output_values;
    float *a = mfi_run_output(p->run, p->index) + first * n;
    for (size_t f = 0; f < g->filters; f++)
        p->kernels->map_forward(p->stage->phi, &g->pool, mfi_moments_shift(p->run, p->index, &p->moments, f),
                                images, u + f * images * g->pixels, a + f * g->pooled, n, p->scratch->map);
}

/* Mean and variance of every filter, from those of each block (Chan, Golub and LeVeque). */
static void take_moments(const pass *p)
{
    size_t pixels = p->g->pixels, map_values = p->g->filters * pixels;
    for (size_t f = 0; f < p->g->filters; f++) {
        double count = 0.0, mean = 0.0, deviations = 0.0;
        for (size_t first = 0; first < p->rows; first += p->images) {
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
    size_t map_values = p.g->filters * p.g->pixels;
    if (p.stage->normalizes && !p.batch)
        mfi_moments_complete(run, index, p.moments);
    for (size_t first = 0; first < p.rows; first += p.images) {
        float *u = p.product + (run->settings ? first * map_values : 0);
        convolve(&p, first, u);
        if (p.batch)
            continue;
        if (run->settings)
            mfi_clear_uncovered(&p.g->pool, images_at(&p, first) * p.g->filters, u);
        activate_maps(&p, first, u);
    }
    if (!p.batch)
        return;
    take_moments(&p);
    mfi_moments_complete(run, index, p.moments);
    for (size_t first = 0; first < p.rows; first += p.images)
        activate_maps(&p, first, p.product + first * map_values);
}

/* ---- backward ---- */

/* dz [images x pixels] of one filter in the block that begins at image `first`. */
static void filter_gradient(const pass *p, const float *dy, size_t first, size_t filter, const float *u,
                            float *dz)
{
    const mfi_geometry *g = p->g;
    size_t n = p->stage->output_values;
    p->kernels->map_gradient(p->stage->phi, &g->pool,
                             mfi_moments_shift(p->run, p->index, &p->moments, filter), images_at(p, first), u,
                             dy + first * n + filter * g->pooled, n, dz, p->scratch->map);
}

static const float *row_of_product(const pass *p, size_t first, size_t filter)
{
    size_t row = images_at(p, first) * p->g->pixels;
    return p->product + first * p->g->filters * p->g->pixels + filter * row;
}

/* db and dscale of every filter. If mean and variance are those of the batch, du depends on them. */
static void sum_over_batch(const pass *p, const float *dy)
{
    for (size_t f = 0; f < p->g->filters; f++) {
        double sum = 0.0, product = 0.0;
        for (size_t first = 0; first < p->rows; first += p->images) {
            const float *u = row_of_product(p, first, f);
            filter_gradient(p, dy, first, f, u, p->scratch->dz);
            p->kernels->centered_sums(images_at(p, first) * p->g->pixels, p->scratch->dz, u,
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
    size_t count = images_at(p, first) * p->g->pixels;
    double part = 1.0 / ((double)p->rows * (double)p->g->pixels);
    float *db = p->scratch->db, *dscale = p->scratch->dscale;
    for (size_t f = 0; f < p->g->filters; f++) {
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

/* dW += du X of one block. */
static void add_weight_gradient(const pass *p, size_t first)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_convolve_add_weights(&block, p->input.x + first * p->input.stride, p->scratch->dz, p->scratch->sums);
}

/* The gradient by the input of one block. */
static void put_input_gradient(const pass *p, size_t first, float *dx)
{
    mfi_convolve block = block_at(p, first, p->stage->input_values);
    mfi_convolve_input(&block, mfi_run_values(p->run, p->index, MFI_WEIGHT), p->scratch->dz,
                       dx + first * p->stage->input_values);
}

static void take_weight_gradient(const pass *p, mfi_run *run, const mfi_target *weight)
{
    size_t k = p->g->patch_size, count;
    mfi_convolve block = block_at(p, 0, p->input.stride);
    for (size_t first = 0; first < p->g->filters && weight->wanted; first += count) {
        count = mfi_convolve_weights(&block, p->scratch->sums, first, p->scratch->dw);
        mfi_run_take(run, weight, first * k, 1, count * k, count * k, p->scratch->dw);
    }
}

static void conv2d_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    pass p = conv2d_begin(run, index);
    const mfi_geometry *g = p.g;
    const mfi_scratch *scratch = run->scratch;
    mfi_target weight = mfi_run_target(run, p.stage->parameters[MFI_WEIGHT]);
    mfi_target bias = mfi_run_target(run, p.stage->parameters[MFI_BIAS]);
    mfi_target scale = mfi_run_target(run, p.stage->parameters[MFI_SCALE]);
    memset(scratch->sums, 0, mfi_panel_columns(g->filters) * g->patch_size * sizeof(float));
    memset(scratch->db, 0, g->filters * sizeof(float));
    memset(scratch->dscale, 0, g->filters * sizeof(float));
    if (p.batch)
        sum_over_batch(&p, dy);
    for (size_t first = 0; first < p.rows; first += p.images) {
        block_gradient(&p, dy, first);
        if (weight.wanted)
            add_weight_gradient(&p, first);
        if (dx[0])
            put_input_gradient(&p, first, dx[0]);
    }
    take_weight_gradient(&p, run, &weight);
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
