/* Owns: a dense stage: x W^T, then normalisation, bias and activation.
 *
 * All of it runs over panels of neurons, which threads share. In the backward pass dz, db and dW of a panel
 * are computed into scratch that stays in the cache, and are used at once: a full gradient is never stored.
 * Where the stage before needs dx, which is a sum over all neurons, dz is kept until dx is there. */
#include "model/unit/dense.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/head.h"
#include "model/normalization.h"

static mf_status dense_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_unit_check_product(unit));
    MFI_TRY(mfi_check_gain("loss_weight", unit->loss_weight));
    MFI_TRY(mfi_check_narrows("loss_weight", (double)unit->loss_weight));
    *output =
        input->rank == 2 ? mfi_shape_sequence(input->dims[0], unit->outputs) : mfi_shape_row(unit->outputs);
    return MF_STATUS_OK;
}

static void dense_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    stage->channels = unit->outputs;
    stage->area = 1;
    stage->multiplications = (double)unit->outputs * (double)mfi_shape_values(input);
}

/* Neurons at a time. With our own products as few as make a piece of work worth taking: the more pieces, the
 * less the last ones make threads wait. With the BLAS library a panel of dW stays in the second-level cache,
 * and its products want a certain width. Both are whole panels of any order. */
enum { PANEL_STEP = 48, PANEL_MOST = 240, OWN_VALUES = 49152, BLAS_VALUES = 163840, BLAS_LEAST = 96 };

size_t mfi_dense_panel(const mfi_stage *stage)
{
    bool plain = mfi_order_is_plain(&stage->order);
    size_t least = plain ? BLAS_LEAST : PANEL_STEP;
    size_t panel = (plain ? BLAS_VALUES : OWN_VALUES) / mfi_dense_inputs(stage) / PANEL_STEP * PANEL_STEP;
    panel = panel < least ? least : panel > PANEL_MOST ? PANEL_MOST : panel;
    return panel < stage->channels ? panel : stage->channels;
}

static const mfi_dense_products *dense_products_of(const mfi_stage *stage)
{
    return mfi_order_is_plain(&stage->order) ? &mfi_dense_blas : &mfi_dense_own;
}

/* The parts that `count` neurons or inputs are cut into, and the one of that index. */
static size_t parts_of(size_t count, size_t width)
{
    return (count + width - 1) / width;
}

static mfi_dense_part part_at(size_t count, size_t width, size_t index)
{
    size_t start = index * width;
    return (mfi_dense_part){start, count - start < width ? count - start : width};
}

static bool keeps_preactivation(const mfi_stage *stage)
{
    /* The derivatives of the others follow from a. */
    return stage->phi.kind == MF_ACTIVATION_GELU || stage->phi.kind == MF_ACTIVATION_SILU;
}

/* The rows of the host may lie apart; then so do its sequences, and products want positions at equal
 * distances. */
static bool copies_input(const mfi_stage *stage)
{
    return stage->positions > 1 && stage->inputs[0] == 0;
}

static bool dense_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                        mfi_shared_sizes *shared)
{
    size_t n = stage->channels, panel = mfi_dense_panel(stage);
    if (copies_input(stage) && !mfi_multiply(rows, stage->input_values, &shared->input))
        return false;
    if (!mfi_multiply(rows, stage->positions, &rows) || rows > INT32_MAX)
        return false;
    if (stage->normalizes && !mfi_multiply(MFI_MOMENT_ROWS, n, &kept->moments))
        return false;
    if (!dense_products_of(stage)->sizes(stage, rows, training, shared))
        return false;
    if (!training)
        return true;
    if (keeps_preactivation(stage) && !mfi_multiply(rows, n, &kept->preactivation))
        return false;
    if (stage->normalizes && !mfi_multiply(rows, n, &kept->product))
        return false;
    shared->pieces = parts_of(n, panel);
    shared->db = panel;
    shared->dscale = stage->normalizes ? panel : 0;
    return mfi_multiply(rows, panel, &shared->dz);
}

/* ---- inputs ---- */

/* Whatever the stage reads next is mfi_dense_input(). */
static void gather_input(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_input input = mfi_run_input(run, index, 0);
    size_t values = stage->input_values;
    for (size_t b = 0; stage->positions > 1 && input.stride != values && b < run->rows->count; b++)
        memcpy(run->scratch->input + b * values, input.x + b * input.stride, values * sizeof(float));
}

mfi_input mfi_dense_input(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_input input = mfi_run_input(run, index, 0);
    if (stage->positions == 1)
        return input;
    return (mfi_input){input.stride == stage->input_values ? input.x : run->scratch->input,
                       mfi_dense_inputs(stage)};
}

/* ---- forward ---- */

/* What all parts of a forward pass have in common. */
typedef struct forward_pass {
    size_t index;
    const mfi_stage *stage;
    const float *bias;
    float *u, *a, *z; /* product, activation, and preactivation where it is kept */
    mfi_moments moments;
    size_t part;
    bool batch; /* mean and variance are those of the batch */
} forward_pass;

/* a of some neurons, row by row. */
static void activate_part(const mfi_run *run, const forward_pass *pass, mfi_dense_part part)
{
    const mfi_kernels *kernels = run->layer->kernels;
    size_t n = pass->stage->channels;
    const float *bias = pass->bias ? pass->bias + part.start : NULL;
    for (size_t b = 0; b < mfi_dense_rows(run, pass->stage); b++) {
        size_t at = b * n + part.start;
        if (pass->stage->normalizes)
            kernels->normalize(1, part.width, pass->moments.mean + part.start,
                               pass->moments.scale + part.start, pass->u + at, n, pass->a + at);
        kernels->activate(pass->stage->phi, 1, part.width, bias, pass->a + at, pass->z ? pass->z + at : NULL);
    }
}

static void multiply_piece(mfi_run *mine, void *context, size_t index)
{
    const forward_pass *pass = context;
    size_t n = pass->stage->channels;
    mfi_dense_part part = part_at(n, pass->part, index);
    dense_products_of(pass->stage)->forward(mine, pass->index, part, pass->u);
    if (pass->batch)
        mine->layer->kernels->column_moments(mfi_dense_rows(mine, pass->stage), part.width,
                                             pass->u + part.start, n, pass->moments.mean + part.start,
                                             pass->moments.variance + part.start);
    if (!pass->stage->normalizes)
        activate_part(mine, pass, part);
}

static void normalize_share(mfi_run *mine, void *context, size_t index)
{
    const forward_pass *pass = context;
    activate_part(mine, pass, part_at(pass->stage->channels, pass->part, index));
}

static void dense_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    const mfi_kept *kept = &run->scratch->kept[index];
    float *a = mfi_run_output(run, index);
    forward_pass pass = {
        .index = index,
        .stage = stage,
        .bias = mfi_run_values(run, index, MFI_BIAS),
        .u = kept->product ? kept->product : a,
        .a = a,
        .z = kept->preactivation,
        .moments = mfi_moments_of(run, index),
        .part = dense_products_of(stage)->forward_part(stage, mfi_dense_rows(run, stage)),
        .batch = mfi_run_uses_batch(run, index),
    };
    size_t parts = parts_of(stage->channels, pass.part);
    gather_input(run, index);
    dense_products_of(stage)->begin_forward(run, index);
    mfi_run_share(run, parts, multiply_piece, &pass);
    if (!stage->normalizes)
        return;
    mfi_moments_complete(run, index, pass.moments);
    mfi_run_share(run, parts, normalize_share, &pass);
}

/* ---- backward ---- */

/* dz, db, and behind a normalisation du and dscale, into scratch. A panel has all rows of its neurons, so
 * nothing else is needed. With the head also dM. */
static void panel_gradient(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const mfi_scratch *scratch = pass->run->scratch;
    const mfi_kernels *kernels = pass->run->layer->kernels;
    const float *a = pass->a + part.start, *z = pass->z ? pass->z + part.start : NULL;
    if (pass->dy) {
        for (size_t b = 0; b < pass->rows; b++)
            memcpy(scratch->dz + b * part.width, pass->dy + b * pass->n + part.start,
                   part.width * sizeof *scratch->dz);
        kernels->derivative(pass->stage->phi, pass->rows, part.width, a, z, pass->n, scratch->dz,
                            scratch->db);
    } else {
        mfi_head_panel_gradient(pass->run, pass->stage->phi, pass->projection.wanted, part.start, part.width,
                                a, z);
    }
    if (pass->stage->normalizes)
        kernels->normalization_gradient(
            pass->rows, part.width, scratch->kept[pass->index].product + part.start, pass->n,
            pass->moments.mean + part.start, pass->moments.inverse + part.start,
            pass->moments.scale + part.start, scratch->db, pass->inverse_count, scratch->dz, scratch->dscale);
}

static void keep_dz(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const float *dz = pass->run->scratch->dz;
    for (size_t b = 0; b < pass->rows; b++)
        memcpy(pass->dz + b * pass->n + part.start, dz + b * part.width, part.width * sizeof *dz);
}

/* Parts with what is done with each of them. */
typedef struct part_walk {
    const mfi_dense_pass *pass;
    void (*use)(const mfi_dense_pass *pass, mfi_dense_part part);
    size_t count, width;
} part_walk;

static void walk_part(mfi_run *mine, void *context, size_t index)
{
    const part_walk *walk = context;
    mfi_dense_pass pass = *walk->pass;
    pass.run = mine;
    walk->use(&pass, part_at(walk->count, walk->width, index));
}

/* Threads share the parts, unless those add to the same sum: then their order matters. */
static void walk_parts(const mfi_dense_pass *pass, bool alone,
                       void (*use)(const mfi_dense_pass *pass, mfi_dense_part part))
{
    part_walk walk = {pass, use, pass->n, mfi_dense_panel(pass->stage)};
    const mfi_team *team = pass->run->team, caller = {.slot = pass->run->scratch->slot, .threads = 1};
    if (alone)
        pass->run->team = &caller;
    mfi_run_share_gradients(pass->run, parts_of(walk.count, walk.width), walk_part, &walk);
    pass->run->team = team;
}

/* Inputs of a part of dx: as many as of neurons, but whole panels of the transpose of W. */
static void find_input_gradient(const mfi_dense_pass *pass)
{
    enum { INPUTS = 96 };
    part_walk walk = {pass, dense_products_of(pass->stage)->input_gradient, pass->k, INPUTS};
    dense_products_of(pass->stage)->begin_input(pass);
    mfi_run_share(pass->run, parts_of(walk.count, walk.width), walk_part, &walk);
}

/* ---- the norm of dW from Gram matrices: sum over i, j of (dz dz^T)_ij (x x^T)_ij ---- */

/* Gram matrices [B, B] of dz, which grows with the panels, and of x. */
static float *gram_of_dz(const mfi_dense_pass *pass)
{
    return pass->run->scratch->whole;
}

static float *gram_of_x(const mfi_dense_pass *pass)
{
    return pass->run->scratch->whole + pass->rows * pass->rows;
}

/* For batches much smaller than the stage the two matrices cost far less than dW itself. They are not made of
 * rounded operands, as the dW of bf16 is. */
static bool gram_pays(const mfi_dense_pass *pass)
{
    mfi_shared_sizes shared = {0};
    (void)dense_products_of(pass->stage)
        ->sizes(pass->stage, pass->rows, true, &shared); /* it has fit before */
    return pass->stage->precision == MFI_FLOAT32 && pass->rows <= shared.whole / 2 / pass->rows &&
           (double)pass->rows * (double)(pass->n + pass->k) < (double)pass->n * (double)pass->k;
}

static void add_gram(const mfi_dense_pass *pass, mfi_dense_part part)
{
    size_t stride;
    const float *dz = mfi_dense_dz(pass, part, &stride);
    pass->run->layer->plan.products.gemm(MFI_NO_TRANS, MFI_TRANS, pass->rows, pass->rows, part.width, 1.0f,
                                         dz, stride, dz, stride, part.start == 0 ? 0.0f : 1.0f,
                                         gram_of_dz(pass), pass->rows);
}

static void measure_part(const mfi_dense_pass *pass, mfi_dense_part part)
{
    panel_gradient(pass, part);
    dense_products_of(pass->stage)->weight_gradient(pass, part);
}

/* If rows are nearly equal and their dz cancel, the terms cancel too, and the result would be mostly rounding
 * errors: then dW itself is computed. */
static void measure_by_gram(const mfi_dense_pass *pass)
{
    const mfi_kernels *kernels = pass->run->layer->kernels;
    const double least = 1e-3; /* of the terms: rounding is then below 1e-3 of the sum */
    size_t count = pass->rows * pass->rows;
    float *terms = gram_of_dz(pass), *x_gram = gram_of_x(pass);
    pass->run->layer->plan.products.gemm(MFI_NO_TRANS, MFI_TRANS, pass->rows, pass->rows, pass->k, 1.0f,
                                         pass->input.x, pass->input.stride, pass->input.x, pass->input.stride,
                                         0.0f, x_gram, pass->rows);
    double sum = kernels->dot(count, terms, x_gram), size = 0.0, of_dz = 0.0, of_x = 0.0;
    for (size_t i = 0; i < count; i++) {
        size += fabs((double)terms[i] * (double)x_gram[i]);
        of_dz += fabs((double)terms[i]);
        of_x += fabs((double)x_gram[i]);
    }
    /* What was below FLT_MIN is 0; x x^T may overflow where dW does not. */
    size += FLT_MIN / least * ((double)pass->n * of_x + (double)pass->k * of_dz);
    if (isfinite(sum) && isfinite(size) && sum >= least * size) {
        pass->run->squares += sum;
        return;
    }
    dense_products_of(pass->stage)->begin(pass);
    walk_parts(pass, false, pass->dz ? dense_products_of(pass->stage)->weight_gradient : measure_part);
}

/* ---- all of it ---- */

static void use_weight_gradient(const mfi_dense_pass *pass, mfi_dense_part part)
{
    if (pass->by_gram)
        add_gram(pass, part);
    else if (pass->weight.wanted)
        dense_products_of(pass->stage)->weight_gradient(pass, part);
}

static void use_part(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const mfi_scratch *scratch = pass->run->scratch;
    panel_gradient(pass, part);
    if (pass->joins)
        mfi_run_take(pass->run, &pass->projection, part.start, pass->run->layer->plan.head.classes,
                     part.width, pass->n, scratch->dm);
    mfi_run_take(pass->run, &pass->bias, part.start, 1, part.width, part.width, scratch->db);
    mfi_run_take(pass->run, &pass->scale, part.start, 1, part.width, part.width, scratch->dscale);
    if (pass->dz)
        keep_dz(pass, part);
    else
        use_weight_gradient(pass, part);
}

static mfi_dense_pass begin_backward(mfi_run *run, size_t index, float *dy, float *dx)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    bool joins = mfi_head_joins(&run->layer->plan) && index + 1 == run->layer->plan.stage_count;
    return (mfi_dense_pass){
        .run = run,
        .index = index,
        .stage = stage,
        .input = mfi_dense_input(run, index),
        .rows = mfi_dense_rows(run, stage),
        .n = stage->channels,
        .k = mfi_dense_inputs(stage),
        .joins = joins,
        .a = mfi_run_output(run, index),
        .z = run->scratch->kept[index].preactivation,
        .dy = joins ? NULL : dy,
        .moments = mfi_moments_of(run, index),
        .inverse_count = mfi_run_uses_batch(run, index) ? 1.0f / (float)mfi_dense_rows(run, stage) : 0.0f,
        .dx = dx,
        .dz = dx ? dy : NULL,
        .weight = mfi_run_target(run, stage->parameters[MFI_WEIGHT]),
        .bias = mfi_run_target(run, stage->parameters[MFI_BIAS]),
        .scale = mfi_run_target(run, stage->parameters[MFI_SCALE]),
        .projection = mfi_run_target(run, joins ? (int32_t)run->layer->plan.projection : -1),
    };
}

static void dense_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    gather_input(run, index);
    mfi_dense_pass pass = begin_backward(run, index, dy, dx[0]);
    pass.by_gram = pass.weight.wanted && run->use == MFI_MEASURE && gram_pays(&pass);
    bool whole_gradient = pass.weight.wanted && !pass.by_gram;
    if (whole_gradient && !pass.dz)
        dense_products_of(pass.stage)->begin(&pass);
    walk_parts(&pass, pass.by_gram && !pass.dz, use_part);
    if (pass.dz) {
        find_input_gradient(&pass);
        if (whole_gradient)
            dense_products_of(pass.stage)->begin(&pass);
        walk_parts(&pass, pass.by_gram, use_weight_gradient);
    }
    if (pass.by_gram)
        measure_by_gram(&pass);
}

const mfi_unit_kind mfi_unit_dense = {
    .resolve = dense_resolve,
    .describe = dense_describe,
    .sizes = dense_sizes,
    .forward = dense_forward,
    .backward = dense_backward,
};
