/* Owns: the products of a dense stage by our own kernels. W and its optimizer's state lie in panels, so
 * nothing of them is copied; x is packed once for all panels. */
#include <string.h>

#include "base/memory.h"
#include "model/unit/dense.h"

static size_t filled_rows(const mfi_stage *stage, size_t start, size_t width)
{
    return mfi_order_rows(&stage->order, start + width) - start;
}

/* `dw` takes x packed; `panel` takes dz and dW of one panel, or, before them, W turned round. */
static bool own_sizes(const mfi_stage *stage, size_t rows, mfi_shared_sizes *shared)
{
    size_t width = stage->order.width, both, turned,
           part = filled_rows(stage, 0, mfi_dense_panel(stage->input_values, stage->output_values));
    if (!mfi_multiply(rows + stage->input_values, width, &both) || !mfi_multiply(part, width, &turned) ||
        !mfi_multiply(rows, mfi_packed_columns(stage->input_values), &shared->dw))
        return false;
    shared->panel = both > turned ? both : turned;
    return true;
}

static void own_forward(const mfi_run *run, size_t index, float *to)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    size_t n = stage->output_values, k = stage->input_values;
    mfi_input input = mfi_run_input(run, index, 0);
    run->layer->kernels->multiply(run->rows->count, k, input.x, input.stride, n,
                                  mfi_run_values(run, index, MFI_WEIGHT), false, to, n);
}

static void own_begin(const mfi_dense_pass *pass)
{
    pass->run->layer->kernels->pack(pass->rows, pass->k, pass->input.x, pass->input.stride,
                                    pass->run->scratch->dw);
}

static void own_input_gradient(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const float *weight = mfi_run_values(pass->run, pass->index, MFI_WEIGHT) + part.start * pass->k;
    const mfi_scratch *scratch = pass->run->scratch;
    pass->run->layer->kernels->input_gradient(pass->rows, part.width, scratch->dz, part.width, pass->k,
                                              weight, part.start > 0, pass->dx, scratch->panel);
}

/* dz of the neurons from `start` on, `width` of them with those that only fill up the panel. */
static void pack_dz(const mfi_dense_pass *pass, mfi_dense_part part, size_t start, size_t width)
{
    size_t left = part.start + part.width - start, real = left < width ? left : width;
    const float *from = pass->run->scratch->dz + (start - part.start);
    float *to = pass->run->scratch->panel;
    for (size_t b = 0; b < pass->rows; b++, from += part.width, to += width) {
        memcpy(to, from, real * sizeof *to);
        if (real < width)
            memset(to + real, 0, (width - real) * sizeof *to);
    }
}

static void update_weight(const mfi_dense_pass *pass, size_t start, size_t width)
{
    const mfi_scratch *scratch = pass->run->scratch;
    mfi_storage *storage = &pass->run->learner->parameters[pass->weight.number].now;
    pass->run->layer->kernels->update_panel(&pass->weight.rule, pass->rows, pass->k, width, scratch->panel,
                                            scratch->dw, mfi_dense_at(pass, storage->values, start),
                                            mfi_dense_at(pass, storage->state[0], start),
                                            mfi_dense_at(pass, storage->state[1], start));
}

/* The gradient of a panel, for the norm or, in plain order, for the host. */
static void take_gradient(const mfi_dense_pass *pass, size_t start, size_t width)
{
    mfi_run *run = pass->run;
    const mfi_kernels *kernels = run->layer->kernels;
    size_t left = pass->n - start, real = left < width ? left : width;
    const mfi_matrix_order order = {{width, width}, real, pass->k};
    float *g = run->scratch->panel + pass->rows * width;
    kernels->gradient_panel(pass->rows, pass->k, width, run->scratch->panel, run->scratch->dw, g);
    if (run->use == MFI_MEASURE)
        run->squares += kernels->sum_of_squares(width * pass->k, g);
    else
        mfi_order_get(&order, g, 0, real * pass->k,
                      run->out + run->layer->plan.parameters[pass->weight.number].offset + start * pass->k);
}

static void own_weight_gradient(const mfi_dense_pass *pass, mfi_dense_part part)
{
    size_t end = part.start + part.width, width;
    for (size_t start = part.start; start < end; start += width) {
        width = mfi_order_panel(&pass->stage->order, end, start);
        pack_dz(pass, part, start, width);
        if (pass->run->use == MFI_UPDATE)
            update_weight(pass, start, width);
        else
            take_gradient(pass, start, width);
    }
}

const mfi_dense_products mfi_dense_own = {
    .sizes = own_sizes,
    .forward = own_forward,
    .begin = own_begin,
    .input_gradient = own_input_gradient,
    .weight_gradient = own_weight_gradient,
};
