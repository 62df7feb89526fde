/* Owns: the products of a convolution stage by our own kernels: with W in panels, straight from the maps
 * (math/convolve.h) or by Winograd's method (math/winograd.h); in groups, with W in plain order
 * (math/grouped.h). */
#include "math/grouped.h"
#include "math/winograd.h"
#include "model/unit/conv2d.h"

static mfi_convolve block_at(const mfi_conv2d_pass *p, size_t first, size_t stride)
{
    return (mfi_convolve){.kernels = p->kernels,
                          .precision = p->stage->precision,
                          .products = p->run->layer->plan.products.own,
                          .geometry = p->g,
                          .images = mfi_conv2d_images(p, first),
                          .stride = stride,
                          .room = p->scratch->patches};
}

static const float *input_at(const mfi_conv2d_pass *p, size_t first)
{
    return p->input.x + first * p->input.stride;
}

static const float *weights_of(const mfi_conv2d_pass *p)
{
    return mfi_run_values(p->run, p->index, MFI_WEIGHT);
}

/* As the forward product reads them. */
static const void *operand_of(const mfi_conv2d_pass *p)
{
    const uint32_t *rounded = p->run->layer->parameters[p->stage->parameters[MFI_WEIGHT]].now.rounded;
    return rounded ? (const void *)rounded : weights_of(p);
}

/* ---- direct ---- */

static bool direct_sizes(const mfi_stage *stage, size_t images, bool training, size_t *patches)
{
    return mfi_convolve_room(&stage->geometry, &stage->order, stage->precision, images,
                             training && stage->inputs[0] > 0, patches);
}

static void direct_forward(const mfi_conv2d_pass *p, size_t first, float *u)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_convolve_forward(&block, input_at(p, first), operand_of(p), u);
}

static void direct_add_weights(const mfi_conv2d_pass *p, size_t first)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_convolve_add_weights(&block, input_at(p, first), p->scratch->dz, p->dw);
}

static void direct_input(const mfi_conv2d_pass *p, size_t first, float *dx)
{
    mfi_convolve block = block_at(p, first, p->stage->input_values);
    mfi_convolve_input(&block, weights_of(p), p->scratch->dz, dx);
}

const mfi_conv2d_products mfi_conv2d_own = {
    .block_pixels = 512,
    .sizes = direct_sizes,
    .forward = direct_forward,
    .add_weights = direct_add_weights,
    .input = direct_input,
};

/* ---- Winograd ---- */

static bool winograd_sizes(const mfi_stage *stage, size_t images, bool training, size_t *patches)
{
    return mfi_winograd_room(&stage->geometry, &stage->order, images, training && stage->inputs[0] > 0,
                             patches);
}

static void winograd_forward(const mfi_conv2d_pass *p, size_t first, float *u)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_winograd_forward(&block, input_at(p, first), weights_of(p), u);
}

static void winograd_add_weights(const mfi_conv2d_pass *p, size_t first)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_winograd_add_weights(&block, input_at(p, first), p->scratch->dz, p->dw);
}

static void winograd_input(const mfi_conv2d_pass *p, size_t first, float *dx)
{
    mfi_convolve block = block_at(p, first, p->stage->input_values);
    mfi_winograd_input(&block, weights_of(p), p->scratch->dz, dx);
}

const mfi_conv2d_products mfi_conv2d_winograd = {
    .block_pixels = 1024,
    .sizes = winograd_sizes,
    .forward = winograd_forward,
    .add_weights = winograd_add_weights,
    .input = winograd_input,
};

/* ---- groups of few maps ---- */

static mfi_grouped group_block(const mfi_conv2d_pass *p, size_t first, size_t stride)
{
    return (mfi_grouped){.kernels = p->kernels,
                         .geometry = p->g,
                         .groups = p->stage->groups,
                         .images = mfi_conv2d_images(p, first),
                         .stride = stride,
                         .room = p->scratch->patches};
}

static bool grouped_sizes(const mfi_stage *stage, size_t images, bool training, size_t *patches)
{
    (void)images;
    return mfi_grouped_room(&stage->geometry, stage->groups, stage->group_lanes, training,
                            training && stage->inputs[0] > 0, patches);
}

static void grouped_forward(const mfi_conv2d_pass *p, size_t first, float *u)
{
    mfi_grouped block = group_block(p, first, p->input.stride);
    mfi_grouped_forward(&block, input_at(p, first), weights_of(p), u);
}

static void grouped_add_weights(const mfi_conv2d_pass *p, size_t first)
{
    mfi_grouped block = group_block(p, first, p->input.stride);
    mfi_grouped_add_weights(&block, input_at(p, first), p->scratch->dz, p->dw);
}

static void grouped_input(const mfi_conv2d_pass *p, size_t first, float *dx)
{
    mfi_grouped block = group_block(p, first, p->stage->input_values);
    mfi_grouped_input(&block, weights_of(p), p->scratch->dz, dx);
}

const mfi_conv2d_products mfi_conv2d_grouped = {
    .block_pixels = 512,
    .sizes = grouped_sizes,
    .forward = grouped_forward,
    .add_weights = grouped_add_weights,
    .input = grouped_input,
};
