/* Owns: a dense stage: x W^T, then normalisation, bias and activation.
 *
 * The backward pass runs over panels of neurons. For each panel dz, then dx, dW and db are computed into
 * scratch that stays in the cache, and are used at once: a full gradient is never stored. */
#include "model/unit/dense.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/blas.h"
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

/* A panel of dW takes about half a megabyte, so that it stays in the second-level cache while the
 * optimizer reads it; within the limits, a width that our own products and BLAS libraries like. */
enum { PANEL_VALUES = 163840, PANEL_STEP = 48, PANEL_LEAST = 96, PANEL_MOST = 240 };

size_t mfi_dense_panel(size_t inputs, size_t outputs)
{
    size_t panel = PANEL_VALUES / inputs / PANEL_STEP * PANEL_STEP;
    panel = panel < PANEL_LEAST ? PANEL_LEAST : panel > PANEL_MOST ? PANEL_MOST : panel;
    return panel < outputs ? panel : outputs;
}

/* With at most this many rows, as in learning from a stream, the time of a product is that of reading W once.
 * The stage computes it without the BLAS library, which would first copy W into another layout. */
enum { FEW_ROWS = 4, FUSED_ROWS = 256 };

/* What all panels use: x packed, or two Gram matrices, which are computed only if they are smaller than a
 * panel of dW. */
static bool count_whole(size_t inputs, size_t panel, size_t rows, size_t *count)
{
    size_t packed, most = panel * inputs, grams = rows <= most / 2 / rows ? 2 * rows * rows : most;
    if (!mfi_multiply(rows < FUSED_ROWS ? rows : FUSED_ROWS, mfi_packed_columns(inputs), &packed))
        return false;
    *count = packed > grams ? packed : grams;
    return true;
}

static size_t panels_of(const mfi_stage *stage)
{
    size_t panel = mfi_dense_panel(stage->input_values, stage->output_values);
    return (stage->output_values + panel - 1) / panel;
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
    if (!training)
        return true;
    if (keeps_preactivation(stage) && !mfi_multiply(rows, n, &kept->preactivation))
        return false;
    if (stage->normalizes && !mfi_multiply(rows, n, &kept->product))
        return false;
    shared->db = panel;
    shared->dscale = stage->normalizes ? panel : 0;
    shared->pieces = panels_of(stage);
    return mfi_multiply(rows, panel, &shared->dz) && mfi_multiply(panel, stage->input_values, &shared->dw) &&
           count_whole(stage->input_values, panel, rows, &shared->whole);
}

/* ---- forward ---- */

typedef struct product {
    const mfi_stage *stage;
    mfi_input input;
    const float *w;
    float *to;
} product;

/* Neurons of the product that one thread computes at a time. */
enum { FORWARD_NEURONS = 240 };

static void multiply_neurons(mfi_run *mine, void *context, size_t index)
{
    const product *p = context;
    size_t n = p->stage->output_values, k = p->stage->input_values, start = index * FORWARD_NEURONS;
    size_t width = n - start < FORWARD_NEURONS ? n - start : FORWARD_NEURONS;
    mfi_gemm(MFI_NO_TRANS, MFI_TRANS, mine->rows->count, width, k, 1.0f, p->input.x, p->input.stride,
             p->w + start * k, k, 0.0f, p->to + start, n);
}

/* to = x W^T */
static void dense_multiply(const mfi_run *run, size_t index, float *to)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    size_t n = stage->output_values, rows = run->rows->count;
    product p = {.stage = stage,
                 .input = mfi_run_input(run, index, 0),
                 .w = mfi_run_values(run, index, MFI_WEIGHT),
                 .to = to};
    if (rows <= FEW_ROWS)
        run->layer->kernels->skinny_product(rows, n, stage->input_values, p.input.x, p.input.stride, p.w, to);
    else
        mfi_run_share(run, (n + FORWARD_NEURONS - 1) / FORWARD_NEURONS, multiply_neurons, &p);
}

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
    dense_multiply(run, index, u);
    if (stage->normalizes)
        normalize_rows(run, index, u, a);
    run->layer->kernels->activate(stage->phi, run->rows->count, stage->output_values,
                                  mfi_run_values(run, index, MFI_BIAS), a, kept->preactivation);
}

/* ---- backward ---- */

/* How W is updated from dz and x: chosen once for all panels. */
typedef enum strategy {
    NO_WEIGHT,     /* W is frozen */
    BY_NEURON,     /* few rows: dW_i = sum_b dz[b,i] x_b, in the first-level cache */
    BY_TILE,       /* product and update in one function of our own; x is packed first */
    INTO_WEIGHT,   /* plain SGD: the product adds to W */
    INTO_MOMENTUM, /* SGD with momentum: the product adds to the momentum */
    BY_PANEL,      /* a panel of dW is computed, then used */
    BY_GRAM        /* its norm alone: sum_ij (dz dz^T)_ij (x x^T)_ij */
} strategy;

/* What all panels of a backward pass have in common. */
typedef struct way {
    mfi_run *run;
    size_t index;
    const mfi_stage *stage;
    mfi_input input;
    size_t rows, n, k;
    const float *a, *z, *dy;
    mfi_moments moments;
    float inverse_count; /* 1 / rows if mean and variance depend on the rows, else 0 */
    float *dx;
    mfi_target weight, bias, scale, projection;
    strategy strategy;
} way;

/* Neurons [start, start + width). */
typedef struct panel {
    size_t start, width;
} panel;

/* dz, db, and behind a normalisation du and dscale, into scratch. A panel has all rows of its neurons, so
 * nothing else is needed. With the head also dM. */
static void panel_gradient(const way *w, panel p)
{
    const mfi_scratch *scratch = w->run->scratch;
    const mfi_kernels *kernels = w->run->layer->kernels;
    const float *a = w->a + p.start, *z = w->z ? w->z + p.start : NULL;
    if (w->dy) {
        for (size_t b = 0; b < w->rows; b++)
            memcpy(scratch->dz + b * p.width, w->dy + b * w->n + p.start, p.width * sizeof *scratch->dz);
        kernels->derivative(w->stage->phi, w->rows, p.width, a, z, w->n, scratch->dz, scratch->db);
    } else {
        mfi_head_panel_gradient(w->run, w->stage->phi, p.start, p.width, a, z);
    }
    if (w->stage->normalizes)
        kernels->normalization_gradient(w->rows, p.width, w->run->scratch->kept[w->index].product + p.start,
                                        w->n, w->moments.mean + p.start, w->moments.inverse + p.start,
                                        w->moments.scale + p.start, scratch->db, w->inverse_count,
                                        scratch->dz, scratch->dscale);
}

/* dx = dz W, with the W of before the update. */
static void input_gradient(const way *w, panel p)
{
    const mfi_kernels *kernels = w->run->layer->kernels;
    const float *weight = mfi_run_values(w->run, w->index, MFI_WEIGHT) + p.start * w->k,
                *dz = w->run->scratch->dz;
    float beta = p.start == 0 ? 0.0f : 1.0f;
    if (w->rows > FEW_ROWS) {
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, w->rows, w->k, p.width, 1.0f, dz, p.width, weight, w->k, beta,
                 w->dx, w->k);
        return;
    }
    for (size_t b = 0; b < w->rows; b++)
        for (size_t i = 0; i < p.width; i++)
            kernels->scale_add(w->k, i == 0 ? beta : 1.0f, w->dx + b * w->k, dz[b * p.width + i],
                               weight + i * w->k);
}

/* dW = dz^T x for one panel, scaled and added to `to`. */
static void weight_product(const way *w, panel p, float alpha, float beta, float *to)
{
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, p.width, w->k, w->rows, alpha, w->run->scratch->dz, p.width, w->input.x,
             w->input.stride, beta, to, w->k);
}

/* One panel of W for few rows, neuron by neuron. Plain SGD leaves out neurons whose dz is 0, such as those
 * that ReLU has cut off. */
static void update_by_neuron(const way *w, panel p)
{
    const mfi_kernels *kernels = w->run->layer->kernels;
    const mfi_scratch *scratch = w->run->scratch;
    const mfi_rule *rule = &w->weight.rule;
    bool direct = rule->kind == MFI_RULE_SGD;
    float keep = direct ? 1.0f - rule->rate * rule->decay : 0.0f;
    for (size_t i = 0; i < p.width; i++) {
        size_t first = (p.start + i) * w->k;
        float *to = direct ? w->run->learner->parameters[w->weight.number].now.values + first : scratch->dw;
        for (size_t b = 0; b < w->rows; b++) {
            float dz = scratch->dz[b * p.width + i], beta = b == 0 ? keep : 1.0f;
            if (dz != 0.0f || beta != 1.0f)
                kernels->scale_add(w->k, beta, to, direct ? -rule->rate * dz : dz,
                                   w->input.x + b * w->input.stride);
        }
        if (!direct)
            mfi_run_take(w->run, &w->weight, first, 1, w->k, w->k, to);
    }
}

static void update_momentum(const way *w, panel p, float *weight, float *momentum)
{
    const mfi_kernels *kernels = w->run->layer->kernels;
    const mfi_rule *rule = &w->weight.rule;
    size_t count = p.width * w->k;
    bool decays = rule->decay > 0.0f;
    if (decays)
        kernels->scale_add(count, rule->momentum, momentum, rule->decay, weight);
    weight_product(w, p, 1.0f, decays ? 1.0f : rule->momentum, momentum);
    kernels->scale_add(count, 1.0f, weight, -rule->rate, momentum);
}

/* Gram matrices [B, B] of dz, which grows with the panels, and of x. */
static float *gram_of_dz(const way *w)
{
    return w->run->scratch->whole;
}

static float *gram_of_x(const way *w)
{
    return w->run->scratch->whole + w->rows * w->rows;
}

static void use_weight_gradient(const way *w, panel p)
{
    const mfi_scratch *scratch = w->run->scratch;
    const mfi_rule *rule = &w->weight.rule;
    mfi_storage *storage =
        w->run->use == MFI_UPDATE ? &w->run->learner->parameters[w->weight.number].now : NULL;
    size_t first = p.start * w->k;
    switch (w->strategy) {
    case NO_WEIGHT:
        return;
    case BY_NEURON:
        update_by_neuron(w, p);
        return;
    case BY_TILE:
        w->run->layer->kernels->product_update(rule, w->rows, p.width, w->k, scratch->dz, p.width,
                                               scratch->whole, storage->values + first,
                                               storage->state[0] ? storage->state[0] + first : NULL,
                                               storage->state[1] ? storage->state[1] + first : NULL);
        return;
    case INTO_WEIGHT:
        weight_product(w, p, -rule->rate, 1.0f - rule->rate * rule->decay, storage->values + first);
        return;
    case INTO_MOMENTUM:
        update_momentum(w, p, storage->values + first, storage->state[0] + first);
        return;
    case BY_GRAM:
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, w->rows, w->rows, p.width, 1.0f, scratch->dz, p.width, scratch->dz,
                 p.width, p.start == 0 ? 0.0f : 1.0f, gram_of_dz(w), w->rows);
        return;
    case BY_PANEL:
        weight_product(w, p, 1.0f, 0.0f, scratch->dw);
        mfi_run_take(w->run, &w->weight, first, 1, p.width * w->k, p.width * w->k, scratch->dw);
        return;
    }
}

bool mfi_dense_fuses(const mfi_kernels *kernels, const mfi_blas_counter *blas, size_t rows,
                     const mfi_rule *rule)
{
    return kernels->product_update && rule->kind != MFI_RULE_SGD && rows > FEW_ROWS && rows <= FUSED_ROWS &&
           mfi_blas_threads_now(blas) == 1;
}

/* For batches much smaller than the stage the two B x B matrices cost far less than dW itself. */
static bool gram_pays(const way *w)
{
    size_t room = mfi_dense_panel(w->k, w->n) * w->k;
    return w->rows <= room / 2 / w->rows &&
           (double)w->rows * (double)(w->n + w->k) < (double)w->n * (double)w->k;
}

static strategy choose_strategy(const way *w)
{
    const mf_layer *layer = w->run->layer;
    if (!w->weight.wanted)
        return NO_WEIGHT;
    if (w->run->use == MFI_MEASURE)
        return gram_pays(w) ? BY_GRAM : BY_PANEL;
    if (w->run->use == MFI_STORE)
        return BY_PANEL;
    if (w->rows <= FEW_ROWS)
        return BY_NEURON;
    if (mfi_dense_fuses(layer->kernels, &layer->blas, w->rows, &w->weight.rule))
        return BY_TILE;
    if (w->weight.rule.kind == MFI_RULE_SGD)
        return INTO_WEIGHT;
    return w->weight.rule.kind == MFI_RULE_MOMENTUM ? INTO_MOMENTUM : BY_PANEL;
}

/* Panels with what is done with each of them. */
typedef struct panel_walk {
    const way *way;
    void (*use)(const way *w, panel p);
} panel_walk;

static void walk_panel(mfi_run *mine, void *context, size_t index)
{
    const panel_walk *walk = context;
    way w = *walk->way;
    size_t most = mfi_dense_panel(w.k, w.n), start = index * most;
    panel p = {start, w.n - start < most ? w.n - start : most};
    w.run = mine;
    panel_gradient(&w, p);
    walk->use(&w, p);
}

/* Panels are independent of each other, unless they add to the same sum: then their order matters. */
static void walk_panels(const way *w, void (*use)(const way *w, panel p))
{
    panel_walk walk = {.way = w, .use = use};
    mfi_team alone = {.slot = w->run->scratch->slot, .threads = 1};
    const mfi_team *team = w->run->team;
    if (w->dx || w->strategy == BY_GRAM)
        w->run->team = &alone;
    mfi_run_share_gradients(w->run, panels_of(w->stage), walk_panel, &walk);
    w->run->team = team;
}

static void use_panel(const way *w, panel p)
{
    const mfi_scratch *scratch = w->run->scratch;
    if (!w->dy)
        mfi_run_take(w->run, &w->projection, p.start, w->run->layer->plan.head.classes, p.width, w->n,
                     scratch->dm);
    mfi_run_take(w->run, &w->bias, p.start, 1, p.width, p.width, scratch->db);
    mfi_run_take(w->run, &w->scale, p.start, 1, p.width, p.width, scratch->dscale);
    if (w->dx)
        input_gradient(w, p);
    use_weight_gradient(w, p);
}

static void measure_weight_panel(const way *w, panel p)
{
    weight_product(w, p, 1.0f, 0.0f, w->run->scratch->dw);
    mfi_run_take(w->run, &w->weight, p.start * w->k, 1, p.width * w->k, p.width * w->k, w->run->scratch->dw);
}

/* The squared norm of dW from the Gram matrices. If rows are nearly equal and their dz cancel, the terms
 * cancel too, and the result would be mostly rounding errors: then dW itself is computed. */
static void measure_by_gram(const way *w)
{
    const mfi_kernels *kernels = w->run->layer->kernels;
    const double least = 1e-3; /* of the terms: rounding is then below 1e-3 of the sum */
    size_t count = w->rows * w->rows;
    float *terms = gram_of_dz(w), *x_gram = gram_of_x(w);
    mfi_gemm(MFI_NO_TRANS, MFI_TRANS, w->rows, w->rows, w->k, 1.0f, w->input.x, w->input.stride, w->input.x,
             w->input.stride, 0.0f, x_gram, w->rows);
    double sum = kernels->dot(count, terms, x_gram), size = 0.0;
    for (size_t i = 0; i < count; i++)
        size += fabs((double)terms[i] * (double)x_gram[i]);
    if (sum >= least * size || !isfinite(size))
        w->run->squares += sum;
    else
        walk_panels(w, measure_weight_panel);
}

static void dense_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    way w = {
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
    w.strategy = choose_strategy(&w);
    if (w.strategy == BY_TILE)
        run->layer->kernels->pack(w.rows, w.k, w.input.x, w.input.stride, run->scratch->whole);
    walk_panels(&w, use_panel);
    if (w.strategy == BY_GRAM)
        measure_by_gram(&w);
}

const mfi_unit_kind mfi_unit_dense = {
    .resolve = dense_resolve,
    .describe = dense_describe,
    .sizes = dense_sizes,
    .forward = dense_forward,
    .backward = dense_backward,
};
