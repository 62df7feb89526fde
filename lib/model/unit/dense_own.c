/* Owns: the products of a dense stage by our own kernels. W and its optimizer's state lie in panels, so
 * nothing of them is copied; x is packed once for all panels. Products of bf16 read rounded operands: x and
 * dz are rounded on the way, and the update rounds W while it has it in registers. */
#include "base/memory.h"
#include "model/unit/dense.h"

static const mfi_panel_products *own(const mfi_run *run)
{
    return run->layer->plan.products.own;
}

/* Elements of rows that are rounded for a product over `inner` values; 0 if they are read in place. */
static bool rounded_rows(const mfi_stage *stage, size_t rows, size_t inner, size_t *count)
{
    *count = 0;
    return stage->precision == MFI_FLOAT32 || mfi_multiply(rows, mfi_depth(stage->precision, inner), count);
}

/* `whole` takes x, rounded for the forward pass, then dz, rounded for dx, then x packed; `panel` takes dz and
 * dW of one panel, or, before them, a panel of the transpose of W. */
static bool own_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_shared_sizes *shared)
{
    size_t n = stage->inputs[0] > 0 ? stage->channels : 0, width = stage->order.width;
    size_t both, turned, dz, packed, depth = mfi_depth(stage->precision, rows);
    if (!rounded_rows(stage, rows, mfi_dense_inputs(stage), &shared->whole))
        return false;
    if (!training)
        return true;
    if (!mfi_multiply(depth, mfi_packed_columns(mfi_dense_inputs(stage)), &packed) ||
        !mfi_multiply(depth + mfi_dense_inputs(stage), width, &both) ||
        !mfi_multiply(mfi_order_rows(&stage->order, n), width, &turned) || !rounded_rows(stage, rows, n, &dz))
        return false;
    shared->whole = shared->whole > packed ? shared->whole : packed;
    shared->whole = shared->whole > dz ? shared->whole : dz;
    shared->panel = both > turned ? both : turned;
    return true;
}

static size_t own_forward_part(const mfi_stage *stage, size_t rows)
{
    (void)rows;
    return mfi_dense_panel(stage);
}

/* What is rounded, or packed, as a whole: rows of x or of dz. */
typedef struct operand {
    const float *from;
    size_t stride, rows, columns;
    mfi_precision precision;
    float *to;
} operand;

static void round_operand_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const operand *o = context;
    own(mine)->round_rows(end - first, o->columns, o->from + first * o->stride, o->stride,
                          o->to + first * mfi_depth(MFI_BF16, o->columns));
}

/* Items are MFI_PACK_STEP columns each. */
static void pack_operand_columns(mfi_run *mine, void *context, size_t first, size_t end)
{
    const operand *o = context;
    size_t start = first * MFI_PACK_STEP, stop = end * MFI_PACK_STEP;
    own(mine)->pack(o->rows, (stop < o->columns ? stop : o->columns) - start, o->from + start, o->stride,
                    o->to + start * mfi_depth(o->precision, o->rows));
}

static void round_operand(const mfi_run *run, operand o)
{
    if (o.precision != MFI_FLOAT32)
        mfi_run_share_items(run, o.rows, o.columns, round_operand_rows, &o);
}

static void own_begin_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_input input = mfi_dense_input(run, index);
    round_operand(run, (operand){input.x, input.stride, mfi_dense_rows(run, stage), mfi_dense_inputs(stage),
                                 stage->precision, run->scratch->whole});
}

static uint32_t *rounded_at(const mfi_storage *storage, size_t inputs, size_t neuron)
{
    return storage->rounded ? storage->rounded + neuron * mfi_depth(MFI_BF16, inputs) : NULL;
}

static void own_forward(const mfi_run *run, size_t index, mfi_dense_part part, float *to)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    const mfi_storage *weight = &run->layer->parameters[stage->parameters[MFI_WEIGHT]].now;
    size_t n = stage->channels, k = mfi_dense_inputs(stage), rows = mfi_dense_rows(run, stage);
    size_t depth = mfi_depth(stage->precision, k);
    mfi_input input = mfi_dense_input(run, index);
    if (stage->precision == MFI_FLOAT32)
        own(run)->multiply(rows, k, input.x, input.stride, part.width, weight->values + part.start * k, false,
                           to + part.start, n);
    else
        own(run)->multiply(rows, depth, run->scratch->whole, depth, part.width,
                           rounded_at(weight, k, part.start), false, to + part.start, n);
}

static void own_begin(const mfi_dense_pass *pass)
{
    operand x = {pass->input.x, pass->input.stride,     pass->rows,
                 pass->k,       pass->stage->precision, pass->run->scratch->whole};
    mfi_run_share_items(pass->run, mfi_packed_columns(x.columns) / MFI_PACK_STEP, x.rows * MFI_PACK_STEP,
                        pack_operand_columns, &x);
}

static void own_begin_input(const mfi_dense_pass *pass)
{
    round_operand(pass->run, (operand){pass->dz, pass->n, pass->rows, pass->n, pass->stage->precision,
                                       pass->run->scratch->whole});
}

static void own_input_gradient(const mfi_dense_pass *pass, mfi_dense_part inputs)
{
    bool rounded = pass->stage->precision != MFI_FLOAT32;
    const mfi_scratch *scratch = pass->run->scratch;
    own(pass->run)->input_gradient(pass->rows, pass->n, rounded ? scratch->whole : pass->dz,
                                   mfi_depth(pass->stage->precision, pass->n), pass->k,
                                   mfi_run_values(pass->run, pass->index, MFI_WEIGHT), inputs.start,
                                   inputs.start + inputs.width, pass->dx, scratch->panel);
}

static void update_weight(const mfi_dense_pass *pass, size_t start, size_t width)
{
    const mfi_scratch *scratch = pass->run->scratch;
    mfi_storage *storage = &pass->run->learner->parameters[pass->weight.number].now;
    bool finite = own(pass->run)->update_panel(
        &pass->weight.rule, pass->rows, pass->k, width, scratch->panel, scratch->whole,
        mfi_dense_at(pass, storage->values, start), mfi_dense_at(pass, storage->state[0], start),
        mfi_dense_at(pass, storage->state[1], start), rounded_at(storage, pass->k, start));
    mfi_run_updated(pass->run, finite);
}

/* The gradient of a panel, for the norm or, in plain order, for the host. */
static void take_gradient(const mfi_dense_pass *pass, size_t start, size_t width)
{
    mfi_run *run = pass->run;
    const mfi_kernels *kernels = run->layer->kernels;
    size_t left = pass->n - start, real = left < width ? left : width;
    float *g = run->scratch->panel + mfi_depth(pass->stage->precision, pass->rows) * width;
    own(run)->gradient_panel(pass->rows, pass->k, width, run->scratch->panel, run->scratch->whole, g);
    if (run->use == MFI_TRIAL)
        mfi_run_take(run, &pass->weight, start * pass->k, 1, width * pass->k, width * pass->k, g);
    else if (run->use == MFI_MEASURE)
        run->squares += kernels->sum_of_squares(width * pass->k, g);
    else
        kernels->transpose(
            pass->k, real, g, width,
            run->out + run->layer->plan.parameters[pass->weight.number].offset + start * pass->k, pass->k);
}

static void own_weight_gradient(const mfi_dense_pass *pass, mfi_dense_part part)
{
    size_t end = part.start + part.width, width, stride;
    const float *dz = mfi_dense_dz(pass, part, &stride);
    for (size_t start = part.start; start < end; start += width) {
        width = mfi_order_panel(&pass->stage->order, end, start);
        size_t real = end - start < width ? end - start : width;
        own(pass->run)->pack_panel(pass->rows, real, width, dz + (start - part.start), stride,
                                   pass->run->scratch->panel);
        if (pass->run->use == MFI_UPDATE)
            update_weight(pass, start, width);
        else
            take_gradient(pass, start, width);
    }
}

const mfi_dense_products mfi_dense_own = {
    .sizes = own_sizes,
    .forward_part = own_forward_part,
    .begin_forward = own_begin_forward,
    .forward = own_forward,
    .begin = own_begin,
    .begin_input = own_begin_input,
    .input_gradient = own_input_gradient,
    .weight_gradient = own_weight_gradient,
};
