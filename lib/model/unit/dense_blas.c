/* Owns: the products of a dense stage by the BLAS library, with W in plain order. */
#include "base/memory.h"
#include "math/gemm.h"
#include "model/unit/dense.h"

/* With at most this many rows, as in learning from a stream, the time of a product is that of reading W once.
 * The stage computes it without the BLAS library, which would first copy W into another layout. */
enum { FEW_BATCH_ROWS = 4 };

/* `dw` takes dW of one panel, `whole` the two Gram matrices of a norm, which are computed only if they are
 * smaller than that. */
static bool blas_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_shared_sizes *shared)
{
    if (!training)
        return true;
    if (!mfi_multiply(mfi_dense_panel(stage), mfi_dense_inputs(stage), &shared->dw))
        return false;
    shared->whole = rows <= shared->dw / 2 / rows ? 2 * rows * rows : shared->dw;
    return true;
}

static size_t blas_forward_part(const mfi_stage *stage, size_t rows)
{
    return rows <= FEW_BATCH_ROWS ? stage->channels : mfi_dense_panel(stage);
}

static void blas_forward(const mfi_run *run, size_t index, mfi_dense_part part, float *to)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    size_t n = stage->channels, k = mfi_dense_inputs(stage), rows = mfi_dense_rows(run, stage);
    mfi_input input = mfi_dense_input(run, index);
    const float *w = mfi_run_values(run, index, MFI_WEIGHT) + part.start * k;
    if (rows <= FEW_BATCH_ROWS)
        run->layer->kernels->skinny_product(rows, n, k, input.x, input.stride, w, to); /* all of it */
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, part.width, k, 1.0f, input.x, input.stride, w, k, 0.0f,
                 to + part.start, n);
}

static void blas_begin_forward(const mfi_run *run, size_t index)
{
    (void)run, (void)index;
}

static void blas_begin(const mfi_dense_pass *pass)
{
    (void)pass;
}

static void blas_input_gradient(const mfi_dense_pass *pass, mfi_dense_part inputs)
{
    const mfi_kernels *kernels = pass->run->layer->kernels;
    const float *weight = mfi_run_values(pass->run, pass->index, MFI_WEIGHT) + inputs.start;
    float *dx = pass->dx + inputs.start;
    if (pass->rows > FEW_BATCH_ROWS) {
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, pass->rows, inputs.width, pass->n, 1.0f, pass->dz, pass->n,
                 weight, pass->k, 0.0f, dx, pass->k);
        return;
    }
    for (size_t b = 0; b < pass->rows; b++)
        for (size_t i = 0; i < pass->n; i++)
            kernels->scale_add(inputs.width, i == 0 ? 0.0f : 1.0f, dx + b * pass->k,
                               pass->dz[b * pass->n + i], weight + i * pass->k);
}

/* dW = dz^T x for one panel, scaled and added to `to`. */
static void weight_product(const mfi_dense_pass *pass, mfi_dense_part part, float alpha, float beta,
                           float *to)
{
    size_t stride;
    const float *dz = mfi_dense_dz(pass, part, &stride);
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, part.width, pass->k, pass->rows, alpha, dz, stride, pass->input.x,
             pass->input.stride, beta, to, pass->k);
}

/* Whether the product may add to W, or to its momentum, what a rule of this kind makes of it. What a trial
 * looks at is the rule's own arithmetic: here rate dz may overflow where rate dW does not, so checked updates
 * are by the rule. */
static bool adds_product(const mfi_dense_pass *pass, mfi_rule_kind kind)
{
    return pass->weight.rule.kind == kind && !pass->run->settings->checked;
}

/* One panel of W for few rows, neuron by neuron. Plain SGD leaves out neurons whose dz is 0, such as those
 * that ReLU has cut off. */
static void update_by_neuron(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const mfi_kernels *kernels = pass->run->layer->kernels;
    const mfi_scratch *scratch = pass->run->scratch;
    const mfi_rule *rule = &pass->weight.rule;
    bool direct = adds_product(pass, MFI_RULE_SGD);
    size_t stride;
    const float *all = mfi_dense_dz(pass, part, &stride);
    float keep = direct ? 1.0f - rule->rate * rule->decay : 0.0f;
    for (size_t i = 0; i < part.width; i++) {
        size_t first = (part.start + i) * pass->k;
        float *to =
            direct ? pass->run->learner->parameters[pass->weight.number].now.values + first : scratch->dw;
        bool touched = false;
        for (size_t b = 0; b < pass->rows; b++) {
            float dz = all[b * stride + i], beta = b == 0 ? keep : 1.0f;
            if (dz == 0.0f && beta == 1.0f)
                continue;
            kernels->scale_add(pass->k, beta, to, direct ? -rule->rate * dz : dz,
                               pass->input.x + b * pass->input.stride);
            touched = true;
        }
        if (!direct)
            mfi_run_take(pass->run, &pass->weight, first, 1, pass->k, pass->k, to);
        else if (touched)
            mfi_run_updated(pass->run, kernels->all_finite(pass->k, to));
    }
}

static void update_directly(const mfi_dense_pass *pass, mfi_dense_part part, float *weight)
{
    const mfi_rule *rule = &pass->weight.rule;
    weight_product(pass, part, -rule->rate, 1.0f - rule->rate * rule->decay, weight);
    mfi_run_updated(pass->run, pass->run->layer->kernels->all_finite(part.width * pass->k, weight));
}

static void update_momentum(const mfi_dense_pass *pass, mfi_dense_part part, float *weight, float *momentum)
{
    const mfi_kernels *kernels = pass->run->layer->kernels;
    const mfi_rule *rule = &pass->weight.rule;
    size_t count = part.width * pass->k;
    bool decays = rule->decay > 0.0f;
    if (decays)
        kernels->scale_add(count, rule->momentum, momentum, rule->decay, weight);
    weight_product(pass, part, 1.0f, decays ? 1.0f : rule->momentum, momentum);
    kernels->scale_add(count, 1.0f, weight, -rule->rate, momentum);
    mfi_run_updated(pass->run, kernels->all_finite(count, weight));
}

static void take_part(const mfi_dense_pass *pass, mfi_dense_part part)
{
    size_t count = part.width * pass->k;
    weight_product(pass, part, 1.0f, 0.0f, pass->run->scratch->dw);
    mfi_run_take(pass->run, &pass->weight, part.start * pass->k, 1, count, count, pass->run->scratch->dw);
}

/* The product adds to W or to its momentum where the rule allows that. A trial sums as the update will. */
static void blas_weight_gradient(const mfi_dense_pass *pass, mfi_dense_part part)
{
    const mfi_storage *storage = &pass->run->learner->parameters[pass->weight.number].now;
    float *weight = mfi_dense_at(pass, storage->values, part.start);
    mfi_use use = pass->run->use;
    if (pass->rows <= FEW_BATCH_ROWS && (use == MFI_UPDATE || use == MFI_TRIAL))
        update_by_neuron(pass, part);
    else if (use != MFI_UPDATE)
        take_part(pass, part);
    else if (adds_product(pass, MFI_RULE_SGD))
        update_directly(pass, part, weight);
    else if (adds_product(pass, MFI_RULE_MOMENTUM))
        update_momentum(pass, part, weight, mfi_dense_at(pass, storage->state[0], part.start));
    else
        take_part(pass, part);
}

const mfi_dense_products mfi_dense_blas = {
    .sizes = blas_sizes,
    .forward_part = blas_forward_part,
    .begin_forward = blas_begin_forward,
    .forward = blas_forward,
    .begin = blas_begin,
    .begin_input = blas_begin,
    .input_gradient = blas_input_gradient,
    .weight_gradient = blas_weight_gradient,
};
