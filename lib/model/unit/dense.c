/* Owns: a dense stage: x W^T, then normalisation, bias and activation.
 *
 * The backward pass runs over panels of neurons. For each panel dz, then dx, dW and db are computed into
 * scratch that stays in the cache, and are used at once: a full gradient is never stored. */
#include "model/unit/dense.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/gemm.h"
#include "model/checks.h"
#include "model/head.h"
#include "model/normalization.h"

static mf_status dense_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    (void)input; /* the input may have any shape */
    MFI_TRY(mfi_unit_check_product(unit));
    *output = mfi_shape_row(unit->outputs);
    return MF_STATUS_OK;
}

static void dense_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    stage->channels = unit->outputs;
    stage->area = 1;
    stage->multiplications = (double)unit->outputs * (double)mfi_shape_values(input);
}

/* So many values of W at a time: a panel of dz and of M, and with the BLAS library a panel of dW, then stay
 * in the second-level cache. Within the limits, a width that our own products and BLAS libraries like: whole
 * panels of any order. */
enum { PANEL_VALUES = 163840, PANEL_STEP = 48, PANEL_LEAST = 96, PANEL_MOST = 240 };

size_t mfi_dense_panel(size_t inputs, size_t outputs)
{
    size_t panel = PANEL_VALUES / inputs / PANEL_STEP * PANEL_STEP;
    panel = panel < PANEL_LEAST ? PANEL_LEAST : panel > PANEL_MOST ? PANEL_MOST : panel;
    return panel < outputs ? panel : outputs;
}

static const mfi_dense_products *products_of(const mfi_stage *stage)
{
    return mfi_order_is_plain(&stage->order) ? &mfi_dense_blas : &mfi_dense_own;
}

static bool keeps_preactivation(const mfi_stage *stage)
{
    return stage->phi.kind == MF_ACTIVATION_GELU; /* the derivatives of the others follow from a */
}

static bool dense_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                        mfi_shared_sizes *shared)
{
    size_t n = stage->output_values, panel = mfi_dense_panel(stage->input_values, n);
    if (stage->normalizes && !mfi_multiply(MFI_MOMENT_ROWS, n, &kept->moments))
        return false;
    if (!products_of(stage)->sizes(stage, rows, training, shared))
        return false;
    if (!training)
        return true;
    if (keeps_preactivation(stage) && !mfi_multiply(rows, n, &kept->preactivation))
        return false;
    if (stage->normalizes && !mfi_multiply(rows, n, &kept->product))
        return false;
    shared->db = panel;
    shared->dscale = stage->normalizes ? panel : 0;
    return mfi_multiply(rows, panel, &shared->dz);
}

/* ---- forward ---- */

static void normalize_rows(const mfi_run *run, size_t index, const float *u, float *to)
{
    size_t n = run->layer->plan.stages[index].output_values, rows = run->rows->count;
    mfi_moments moments = mfi_moments_of(run, index);
    if (mfi_run_uses_batch(run, index))
        run->layer->kernels->column_moments(rows, n, u, n, moments.mean, moments.variance);
    mfi_moments_complete(run, index, moments);
    run->layer->kernels->normalize(rows, n, moments.mean, moments.scale, u, n, to);
}

static void dense_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    const mfi_kept *kept = &run->scratch->kept[index];
    float *a = mfi_run_output(run, index);
    float *u = kept->product ? kept->product : a;
    products_of(stage)->forward(run, index, u);
    if (stage->normalizes)
        normalize_rows(run, index, u, a);
    run->layer->kernels->activate(stage->phi, run->rows->count, stage->output_values,
                                  mfi_run_values(run, index, MFI_BIAS), a, kept->preactivation);
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
        mfi_head_panel_gradient(pass->run, pass->stage->phi, part.start, part.width, a, z);
    }
    if (pass->stage->normalizes)
        kernels->normalization_gradient(
            pass->rows, part.width, scratch->kept[pass->index].product + part.start, pass->n,
            pass->moments.mean + part.start, pass->moments.inverse + part.start,
            pass->moments.scale + part.start, scratch->db, pass->inverse_count, scratch->dz, scratch->dscale);
}

static void walk_panels(const mfi_dense_pass *pass,
                        void (*use)(const mfi_dense_pass *pass, mfi_dense_part part))
{
    size_t most = mfi_dense_panel(pass->k, pass->n);
    for (size_t start = 0; start < pass->n; start += most) {
        mfi_dense_part part = {start, pass->n - start < most ? pass->n - start : most};
        panel_gradient(pass, part);
        use(pass, part);
    }
}

/* ---- the norm of dW from Gram matrices: sum over i, j of (dz dz^T)_ij (x x^T)_ij ---- */

/* Gram matrices [B, B] of dz, which grows with the panels, and of x. */
static float *gram_of_dz(const mfi_dense_pass *pass)
{
    return pass->run->scratch->dw;
}

static float *gram_of_x(const mfi_dense_pass *pass)
{
    return pass->run->scratch->dw + pass->rows * pass->rows;
}

/* For batches much smaller than the stage the two matrices cost far less than dW itself. They are not made of
 * rounded operands, as the dW of bf16 is. */
static bool gram_pays(const mfi_dense_pass *pass)
{
    mfi_shared_sizes shared = {0};
    (void)products_of(pass->stage)->sizes(pass->stage, pass->rows, true, &shared); /* it has fit before */
    return pass->stage->precision == MFI_FLOAT32 && pass->rows <= shared.dw / 2 / pass->rows &&
           (double)pass->rows * (double)(pass->n + pass->k) < (double)pass->n * (double)pass->k;
}

static void add_gram(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const float *dz = pass->run->scratch->dz;
    mfi_gemm(MFI_NO_TRANS, MFI_TRANS, pass->rows, pass->rows, part.width, 1.0f, dz, part.width, dz,
             part.width, part.start == 0 ? 0.0f : 1.0f, gram_of_dz(pass), pass->rows);
}

/* If rows are nearly equal and their dz cancel, the terms cancel too, and the result would be mostly rounding
 * errors: then dW itself is computed. */
static void measure_by_gram(const mfi_dense_pass *pass)
{
    const mfi_kernels *kernels = pass->run->layer->kernels;
    const double least = 1e-3; /* of the terms: rounding is then below 1e-3 of the sum */
    size_t count = pass->rows * pass->rows;
    float *terms = gram_of_dz(pass), *x_gram = gram_of_x(pass);
    mfi_gemm(MFI_NO_TRANS, MFI_TRANS, pass->rows, pass->rows, pass->k, 1.0f, pass->input.x,
             pass->input.stride, pass->input.x, pass->input.stride, 0.0f, x_gram, pass->rows);
    double sum = kernels->dot(count, terms, x_gram), size = 0.0;
    for (size_t i = 0; i < count; i++)
        size += fabs((double)terms[i] * (double)x_gram[i]);
    if (sum >= least * size || !isfinite(size)) {
        pass->run->squares += sum;
        return;
    }
    products_of(pass->stage)->begin(pass);
    walk_panels(pass, products_of(pass->stage)->weight_gradient);
}

/* ---- all of it ---- */

static void use_part(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const mfi_scratch *scratch = pass->run->scratch;
    if (!pass->dy)
        mfi_run_take(pass->run, &pass->projection, part.start, pass->run->layer->plan.head.classes,
                     part.width, pass->n, scratch->dm);
    mfi_run_take(pass->run, &pass->bias, part.start, 1, part.width, part.width, scratch->db);
    mfi_run_take(pass->run, &pass->scale, part.start, 1, part.width, part.width, scratch->dscale);
    if (pass->dx)
        products_of(pass->stage)->input_gradient(pass, part);
    if (pass->by_gram)
        add_gram(pass, part);
    else if (pass->weight.wanted)
        products_of(pass->stage)->weight_gradient(pass, part);
}

static void dense_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_dense_pass pass = {
        .run = run,
        .index = index,
        .stage = stage,
        .input = mfi_run_input(run, index, 0),
        .rows = run->rows->count,
        .n = stage->output_values,
        .k = stage->input_values,
        .a = mfi_run_output(run, index),
        .z = run->scratch->kept[index].preactivation,
        .dy = dy,
        .moments = mfi_moments_of(run, index),
        .inverse_count = mfi_run_uses_batch(run, index) ? 1.0f / (float)run->rows->count : 0.0f,
        .dx = dx[0],
        .weight = mfi_run_target(run, stage->parameters[MFI_WEIGHT]),
        .bias = mfi_run_target(run, stage->parameters[MFI_BIAS]),
        .scale = mfi_run_target(run, stage->parameters[MFI_SCALE]),
        .projection = mfi_run_target(run, dy ? -1 : (int32_t)run->layer->plan.projection),
    };
    pass.by_gram = pass.weight.wanted && run->use == MFI_MEASURE && gram_pays(&pass);
    if (pass.weight.wanted && !pass.by_gram)
        products_of(stage)->begin(&pass);
    walk_panels(&pass, use_part);
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
