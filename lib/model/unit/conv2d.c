/* Owns: a convolution stage: the convolution, then normalisation, bias, activation and pooling.
 *
 * Work goes over blocks of some images, so that what a product reads is still in the cache. A block of u and
 * of its gradient is a matrix [filters; pixels of all images], so that a filter's values lie in one row. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/unit/conv2d.h"
#include "model/unit/window.h"

static mf_status conv2d_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    size_t weights, *kernel = unit->kernel, *stride = unit->stride;
    if (input->rank == 2)
        return mfi_unit_refuses("a convolution reads maps or a row of values", input);
    for (int d = 0; d < 2; d++) {
        kernel[d] = kernel[d] ? kernel[d] : 3;
        stride[d] = stride[d] ? stride[d] : 1;
    }
    MFI_TRY(mfi_unit_check_product(unit));
    if (unit->groups == 1)
        unit->groups = 0;
    if (unit->groups > 0 && (input->dims[0] % unit->groups || unit->outputs % unit->groups))
        return mfi_fail(MF_STATUS_SHAPE, "%zu groups do not divide %zu maps and %zu filters", unit->groups,
                        input->dims[0], unit->outputs);
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
    stage->groups = unit->groups;
    if (unit->groups > 0)
        stage->geometry.patch_size /= unit->groups;
    stage->multiplications =
        (double)unit->outputs * (double)stage->geometry.pixels * (double)stage->geometry.patch_size;
}

static const mfi_conv2d_products *conv2d_products_of(const mfi_stage *stage)
{
    if (stage->group_lanes > 0)
        return &mfi_conv2d_grouped;
    if (mfi_order_is_plain(&stage->order))
        return &mfi_conv2d_blas;
    return stage->winograd ? &mfi_conv2d_winograd : &mfi_conv2d_own;
}

/* Images of a block, but for the last: as many as have so many pixels, but fewer where a kernel is so large that
 * their maps, with the zeros around them, would take more of each thread's memory than `most_values`. */
static size_t images_of_block(const mfi_stage *stage, size_t rows)
{
    const double most_values = 1 << 23;
    const mfi_geometry *g = &stage->geometry;
    double values = (double)mfi_most(g->channels, g->filters) * (double)(g->height + g->kernel[0]) *
                    (double)(g->width + g->kernel[1]);
    size_t images = conv2d_products_of(stage)->block_pixels / g->pixels;
    if ((double)images * values > most_values)
        images = (size_t)(most_values / values);
    return images < 1 ? 1 : images > rows ? rows : images;
}

static size_t blocks_of(size_t rows, size_t images)
{
    return (rows + images - 1) / images;
}

/* Values of W and of dW, with those that fill up panels. */
static bool weight_values(const mfi_stage *stage, size_t *count)
{
    const mfi_geometry *g = &stage->geometry;
    return mfi_multiply(mfi_order_rows(&stage->order, g->filters), g->patch_size, count);
}

static bool conv2d_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                         mfi_shared_sizes *shared)
{
    const mfi_geometry *g = &stage->geometry;
    size_t images = images_of_block(stage, rows), weights;
    if ((stage->normalizes && !mfi_multiply(MFI_MOMENT_ROWS, g->filters, &kept->moments)) ||
        !mfi_multiply(images, g->filters * g->pixels, &shared->dz) || /* in inference u of a block */
        !conv2d_products_of(stage)->sizes(stage, images, training, &shared->patches))
        return false;
    shared->map = g->pixels;
    if (!training)
        return true;
    shared->db = shared->dscale = g->filters;
    shared->map = 2 * g->pixels;
    return weight_values(stage, &weights) &&
           mfi_sums_room(blocks_of(rows, images), weights + 2 * g->filters, &shared->sums) &&
           mfi_multiply(rows, g->filters * g->pixels, &kept->product);
}

/* ---- forward ---- */

static mfi_conv2d_pass conv2d_begin(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    return (mfi_conv2d_pass){
        .run = run,
        .stage = stage,
        .scratch = run->scratch,
        .kernels = run->layer->kernels,
        .index = index,
        .rows = run->rows->count,
        .input = mfi_run_input(run, index, 0),
        .g = &stage->geometry,
        .images = images_of_block(stage, run->rows->count),
        .product = run->scratch->kept[index].product,
        .moments = mfi_moments_of(run, index),
        .batch = mfi_run_uses_batch(run, index),
    };
}

/* The output of one block. */
static void activate_maps(const mfi_conv2d_pass *p, size_t first, const float *u)
{
    const mfi_geometry *g = p->g;
    size_t images = mfi_conv2d_images(p, first), n = p->stage->output_values;
    float *a = mfi_run_output(p->run, p->index) + first * n;
    for (size_t f = 0; f < g->filters; f++)
        p->kernels->map_forward(p->stage->phi, &g->pool, mfi_moments_shift(p->run, p->index, &p->moments, f),
                                images, u + f * images * g->pixels, a + f * g->pooled, n, p->scratch->map);
}

/* The pass as one thread sees it. */
static mfi_conv2d_pass pass_of(const mfi_run *mine, const void *context)
{
    mfi_conv2d_pass p = *(const mfi_conv2d_pass *)context;
    p.run = mine;
    p.scratch = mine->scratch;
    return p;
}

/* Mean and variance of one filter, from those of each block (Chan, Golub and LeVeque). */
static void filter_moments(mfi_run *mine, void *context, size_t f)
{
    const mfi_conv2d_pass p = pass_of(mine, context);
    size_t pixels = p.g->pixels, map_values = p.g->filters * pixels;
    double count = 0.0, mean = 0.0, deviations = 0.0;
    for (size_t first = 0; first < p.rows; first += p.images) {
        size_t more = mfi_conv2d_images(&p, first) * pixels;
        double block_mean, block_deviations;
        p.kernels->moments(more, p.product + first * map_values + f * more, &block_mean, &block_deviations);
        double off = block_mean - mean, fraction = (double)more / (count + (double)more);
        deviations += block_deviations + off * off * count * fraction;
        mean += off * fraction;
        count += (double)more;
    }
    p.moments.mean[f] = (float)mean;
    p.moments.variance[f] = (float)(deviations / count);
}

static void forward_block(mfi_run *mine, void *context, size_t index)
{
    const mfi_conv2d_pass p = pass_of(mine, context);
    size_t first = index * p.images;
    float *u = mine->settings ? p.product + first * p.g->filters * p.g->pixels : mine->scratch->dz;
    conv2d_products_of(p.stage)->forward(&p, first, u);
    if (p.batch)
        return;
    if (mine->settings)
        mfi_clear_uncovered(&p.g->pool, mfi_conv2d_images(&p, first) * p.g->filters, u);
    activate_maps(&p, first, u);
}

static void activate_block(mfi_run *mine, void *context, size_t index)
{
    const mfi_conv2d_pass p = pass_of(mine, context);
    size_t first = index * p.images;
    activate_maps(&p, first, p.product + first * p.g->filters * p.g->pixels);
}

static void conv2d_forward(const mfi_run *run, size_t index)
{
    mfi_conv2d_pass p = conv2d_begin(run, index);
    size_t blocks = blocks_of(p.rows, p.images);
    if (p.stage->normalizes && !p.batch)
        mfi_moments_complete(run, index, p.moments);
    mfi_run_share(run, blocks, forward_block, &p);
    if (!p.batch)
        return;
    mfi_run_share(run, p.g->filters, filter_moments, &p);
    mfi_moments_complete(run, index, p.moments);
    mfi_run_share(run, blocks, activate_block, &p);
}

/* ---- backward ---- */

/* dz [images x pixels] of one filter in the block that begins at image `first`. */
static void filter_gradient(const mfi_conv2d_pass *p, size_t first, size_t filter, const float *u, float *dz)
{
    const mfi_geometry *g = p->g;
    size_t n = p->stage->output_values;
    p->kernels->map_gradient(
        p->stage->phi, &g->pool, mfi_moments_shift(p->run, p->index, &p->moments, filter),
        mfi_conv2d_images(p, first), u, p->dy + first * n + filter * g->pooled, n, dz, p->scratch->map);
}

static const float *row_of_product(const mfi_conv2d_pass *p, size_t first, size_t filter)
{
    size_t row = mfi_conv2d_images(p, first) * p->g->pixels;
    return p->product + first * p->g->filters * p->g->pixels + filter * row;
}

/* db and dscale of one filter over the batch: if mean and variance are those of the batch, du depends on
 * them. */
static void sum_filter(mfi_run *mine, void *context, size_t f)
{
    const mfi_conv2d_pass p = pass_of(mine, context);
    double sum = 0.0, product = 0.0;
    for (size_t first = 0; first < p.rows; first += p.images) {
        const float *u = row_of_product(&p, first, f);
        filter_gradient(&p, first, f, u, p.scratch->dz);
        p.kernels->centered_sums(mfi_conv2d_images(&p, first) * p.g->pixels, p.scratch->dz, u,
                                 p.moments.mean[f], &sum, &product);
    }
    p.db[f] = (float)sum;
    p.dscale[f] = (float)(product * (double)p.moments.inverse[f]);
}

/* Computes du of one block into scratch and adds to db and dscale, unless sum_filter() has computed them. */
static void block_gradient(const mfi_conv2d_pass *p, size_t first)
{
    size_t count = mfi_conv2d_images(p, first) * p->g->pixels;
    double part = 1.0 / ((double)p->rows * (double)p->g->pixels);
    for (size_t f = 0; f < p->g->filters; f++) {
        const float *u = row_of_product(p, first, f);
        float *dz = p->scratch->dz + f * count;
        double sum = 0.0, product = 0.0, mean_gradient = 0.0, coefficient = 0.0;
        filter_gradient(p, first, f, u, dz);
        if (p->batch) {
            mean_gradient = part * (double)p->db[f];
            coefficient = part * (double)p->dscale[f] * (double)p->moments.inverse[f];
        } else {
            p->kernels->centered_sums(count, dz, u, p->stage->normalizes ? p->moments.mean[f] : 0.0f, &sum,
                                      &product);
            p->db[f] += (float)sum;
        }
        if (p->stage->normalizes && !p->batch)
            p->dscale[f] += (float)(product * (double)p->moments.inverse[f]);
        if (p->stage->normalizes)
            p->kernels->center_gradient(count, u, p->moments.mean[f], p->moments.scale[f],
                                        (float)mean_gradient, (float)coefficient, dz);
    }
}

/* Where dW, db and dscale are among the sums. */
static void place_sums(mfi_conv2d_pass *p, float *sums)
{
    size_t weights = 0;
    weight_values(p->stage, &weights);
    p->dw = sums;
    if (p->batch) /* sum_filter() has computed the others */
        return;
    p->db = sums + weights;
    p->dscale = p->db + p->g->filters;
}

static void backward_blocks(mfi_run *mine, void *context, size_t first_block, size_t end_block, float *sums)
{
    mfi_conv2d_pass p = pass_of(mine, context);
    const mfi_conv2d_products *products = conv2d_products_of(p.stage);
    place_sums(&p, sums);
    for (size_t block = first_block; block < end_block; block++) {
        size_t first = block * p.images;
        block_gradient(&p, first);
        if (p.learns)
            products->add_weights(&p, first);
        if (p.dx)
            products->input(&p, first, p.dx + first * p.stage->input_values);
    }
}

/* dW, which lies in the order of W: a host sees it in plain order. */
static void take_weights(const mfi_conv2d_pass *p, mfi_run *run, const mfi_target *weight, size_t count)
{
    const mfi_matrix_order order = {p->stage->order, p->g->filters, p->g->patch_size};
    if (weight->wanted && run->use == MFI_STORE)
        mfi_order_get(&order, p->dw, 0, order.rows * order.columns,
                      run->out + run->layer->plan.parameters[weight->number].offset);
    else
        mfi_run_take(run, weight, 0, 1, count, count, p->dw);
    if (weight->wanted && run->use == MFI_UPDATE)
        mfi_layer_round(run->learner, weight->number);
}

static void conv2d_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    mfi_conv2d_pass p = conv2d_begin(run, index);
    size_t filters = p.g->filters, weights = 0;
    mfi_target weight = mfi_run_target(run, p.stage->parameters[MFI_WEIGHT]);
    mfi_target bias = mfi_run_target(run, p.stage->parameters[MFI_BIAS]);
    mfi_target scale = mfi_run_target(run, p.stage->parameters[MFI_SCALE]);
    weight_values(p.stage, &weights);
    p.dy = dy;
    p.dx = dx[0];
    p.learns = weight.wanted;
    p.db = run->scratch->db;
    p.dscale = run->scratch->dscale;
    if (p.batch)
        mfi_run_share(run, filters, sum_filter, &p);
    mfi_run_share_sums(run, blocks_of(p.rows, p.images), weights + 2 * filters, backward_blocks, &p);
    place_sums(&p, run->scratch->sums);
    take_weights(&p, run, &weight, weights);
    mfi_run_take(run, &bias, 0, 1, filters, filters, p.db);
    mfi_run_take(run, &scale, 0, 1, filters, filters, p.dscale);
}

const mfi_unit_kind mfi_unit_conv2d = {
    .resolve = conv2d_resolve,
    .describe = conv2d_describe,
    .sizes = conv2d_sizes,
    .forward = conv2d_forward,
    .backward = conv2d_backward,
};
