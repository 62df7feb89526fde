/* Owns: the products of a convolution stage by our own kernels, with W in panels: math/convolve.h. */
#include "math/convolve.h"
#include "model/unit/conv2d.h"

static bool own_block_sizes(const mfi_stage *stage, size_t images, bool training, size_t *patches)
{
    return mfi_convolve_room(&stage->geometry, &stage->order, images, training && stage->inputs[0] > 0,
                             patches);
}

static mfi_convolve block_at(const mfi_conv2d_pass *p, size_t first, size_t stride)
{
    return (mfi_convolve){p->kernels, p->g, mfi_conv2d_images(p, first), stride, p->scratch->patches};
}

static void own_convolve(const mfi_conv2d_pass *p, size_t first, float *u)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_convolve_forward(&block, p->input.x + first * p->input.stride,
                         mfi_run_values(p->run, p->index, MFI_WEIGHT), u);
}

static void own_add_weights(const mfi_conv2d_pass *p, size_t first)
{
    mfi_convolve block = block_at(p, first, p->input.stride);
    mfi_convolve_add_weights(&block, p->input.x + first * p->input.stride, p->scratch->dz, p->scratch->dw);
}

static void own_put_input(const mfi_conv2d_pass *p, size_t first, float *dx)
{
    mfi_convolve block = block_at(p, first, p->stage->input_values);
    mfi_convolve_input(&block, mfi_run_values(p->run, p->index, MFI_WEIGHT), p->scratch->dz, dx);
}

const mfi_conv2d_products mfi_conv2d_own = {
    .sizes = own_block_sizes,
    .forward = own_convolve,
    .add_weights = own_add_weights,
    .input = own_put_input,
};
