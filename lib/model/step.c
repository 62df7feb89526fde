/* Owns: the Mono-Forward step of one layer (arXiv 2501.09238, equations 5 to 8).
 *
 *     (5)  a  = units(x)                          the layer's output
 *     (6)  G  = F M^T                             the goodness, with F the output or a pooling of it
 *     (7)  L  = mean CE(softmax(G), y)            the loss, and dG = (softmax(G) - onehot(y)) / rows
 *     (8)  M -= rate dG^T F,  W -= rate dL/dW     the update of M and of every unit, by the layer's optimizer
 *
 * Gradients flow from M back through the units of this layer and end at its input. All of (8) is linear in
 * dG. So a gradient is used as soon as it is there, and clipping means to go back twice: first to measure the
 * norm, then, with dG scaled, to update. */
#include "model/step.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/subnormal.h"
#include "model/head.h"
#include "model/normalization.h"
#include "model/unit.h"

/* ---- equation 5: the units, first to last ---- */

static void run_forward(const mfi_run *run)
{
    const mfi_plan *plan = &run->layer->plan;
    for (size_t s = 0; s < plan->stage_count; s++)
        mfi_unit_kind_of(plan->stages[s].kind)->forward(run, s);
}

/* ---- equations 6 and 7: goodness, loss, dG ---- */

static mf_status goodness_and_loss(const mfi_run *run, size_t position, mf_report *report)
{
    float *goodness = run->scratch->goodness;
    mfi_head_goodness(run->layer, run->scratch, run->rows->count, run->a, goodness);
    return mfi_cross_entropy_report(run->rows, run->layer->plan.head.classes, goodness,
                                    run->settings->label_smoothing, true, "layer", position, report);
}

/* ---- equation 8: back from dG, the head first, then the units, last to first ---- */

/* A node that several stages read gets the sum of their gradients: the first one on the way back is written,
 * others are added. */
static void stage_backward(mfi_run *run, size_t s)
{
    const mfi_stage *stage = &run->layer->plan.stages[s];
    const mfi_scratch *scratch = run->scratch;
    float *dx[MFI_STAGE_INPUTS] = {NULL, NULL};
    for (int i = 0; i < stage->input_count; i++)
        if (stage->inputs[i] > 0)
            dx[i] = stage->starts_gradient[i] ? scratch->kept[stage->inputs[i] - 1].gradient : scratch->spare;
    mfi_unit_kind_of(stage->kind)->backward(run, s, scratch->kept[s].gradient, dx);
    for (int i = 0; i < stage->input_count; i++)
        if (stage->inputs[i] > 0 && !stage->starts_gradient[i])
            run->layer->kernels->scale_add(run->rows->count * stage->input_values, 1.0f,
                                           scratch->kept[stage->inputs[i] - 1].gradient, 1.0f, dx[i]);
}

static void run_backward(mfi_run *run, mfi_use use)
{
    const mfi_plan *plan = &run->layer->plan;
    run->use = use;
    if (!mfi_head_joins(plan))
        mfi_head_backward(run, run->scratch->kept[plan->stage_count - 1].gradient);
    for (size_t s = plan->stage_count; s-- > 0;)
        stage_backward(run, s);
}

/* ---- the step ---- */

/* What is left of a gradient of that squared norm, whose norm goes to *norm. */
static mf_status clip_factor(double squares, double largest, double *norm, float *factor)
{
    *factor = 1.0f;
    /* Rounding can leave the products of a gradient that is 0 slightly below it. */
    *norm = squares < 0.0 ? 0.0 : sqrt(squares);
    if (!isfinite(*norm))
        return MF_STATUS_NUMERIC;
    if (*norm > largest)
        *factor = (float)(largest / *norm);
    return MF_STATUS_OK;
}

static mf_status clip(mfi_run *run, size_t position, double *norm)
{
    float factor, *dg = run->scratch->goodness;
    if (run->settings->optimizer.clip_norm == 0.0f)
        return MF_STATUS_OK;
    run_backward(run, MFI_MEASURE);
    if (clip_factor(run->squares, (double)run->settings->optimizer.clip_norm, norm, &factor) != MF_STATUS_OK)
        return mfi_fail(MF_STATUS_NUMERIC, "layer %zu: the norm of the gradient is not finite", position);
    for (size_t i = 0; factor != 1.0f && i < run->rows->count * run->layer->plan.head.classes; i++)
        dg[i] *= factor;
    return MF_STATUS_OK;
}

/* Running statistics follow, and the output is made ready for the next layer. */
static void finish(mfi_run *run)
{
    for (size_t s = 0; s < run->layer->plan.stage_count; s++)
        mfi_moments_follow(run, s);
    mfi_layer_drop(run->layer, run->settings, run->rows->count, run->a);
    mfi_layer_count_mask(run->learner, run->settings);
}

static mf_status run_step(mfi_run *run, size_t position, mf_report *report)
{
    mf_report done = *report;
    run_forward(run);
    MFI_TRY(goodness_and_loss(run, position, &done));
    MFI_TRY(clip(run, position, &done.gradient_norm));
    run_backward(run, MFI_UPDATE);
    finish(run);
    done.applied = ++run->learner->progress.applied;
    *report = done;
    return MF_STATUS_OK;
}

/* ---- for callers: scratch is laid out, and subnormal numbers are kept out ---- */

static mfi_scratch take_scratch(const mf_layer *layer, size_t rows, bool training, void *block)
{
    mfi_room room = {.block = block, .fits = true};
    mfi_scratch scratch;
    mfi_scratch_take(&layer->plan, rows, training, &room, &scratch);
    return scratch;
}

mf_status mfi_layer_step(mf_layer *layer, const mfi_settings *settings, void *block, const mfi_rows *rows,
                         float *a, size_t position, mf_report *report)
{
    mfi_scratch scratch = take_scratch(layer, rows->count, true, block);
    mfi_run run = {
        .layer = layer, .settings = settings, .scratch = &scratch, .rows = rows, .a = a, .learner = layer};
    uint64_t mode = mfi_subnormals_to_zero();
    mf_status status = run_step(&run, position, report);
    mfi_subnormals_restore(mode);
    return status;
}

void mfi_layer_forward(const mf_layer *layer, void *block, const mfi_rows *rows, float *a)
{
    mfi_scratch scratch = take_scratch(layer, rows->count, false, block);
    mfi_run run = {.layer = layer, .scratch = &scratch, .rows = rows, .a = a};
    run_forward(&run);
}

void mfi_layer_goodness(const mf_layer *layer, void *block, size_t rows, const float *a, float *goodness)
{
    mfi_scratch scratch = take_scratch(layer, rows, false, block);
    mfi_head_goodness(layer, &scratch, rows, a, goodness);
}

/* ---- the step in halves ---- */

mf_status mfi_layer_gradients(mf_layer *layer, void *block, const mfi_rows *rows, float *a, size_t position,
                              float *out, mf_report *report)
{
    mfi_settings settings = mfi_layer_settings(layer);
    mfi_scratch scratch = take_scratch(layer, rows->count, true, block);
    mfi_run run = {.layer = layer,
                   .settings = &settings,
                   .scratch = &scratch,
                   .rows = rows,
                   .a = a,
                   .learner = layer,
                   .out = out};
    uint64_t mode = mfi_subnormals_to_zero();
    run_forward(&run);
    mf_status status = goodness_and_loss(&run, position, report);
    if (status == MF_STATUS_OK) {
        memset(out, 0, layer->plan.values * sizeof *out);
        run_backward(&run, MFI_STORE);
        finish(&run);
        report->applied = layer->progress.applied;
    }
    mfi_subnormals_restore(mode);
    return status;
}

/* The gradients are the caller's, so a factor acts on them piece by piece in a buffer of our own. */
static void apply_scaled(mfi_run *run, const mfi_target *target, size_t count, float factor,
                         const float *gradient)
{
    enum { PIECE = 1024 };
    float scaled[PIECE];
    for (size_t first = 0; first < count; first += PIECE) {
        size_t piece = count - first < PIECE ? count - first : PIECE;
        run->layer->kernels->scale_add(piece, 0.0f, scaled, factor, gradient + first);
        mfi_run_take(run, target, first, 1, piece, piece, scaled);
    }
}

static mf_status run_apply(mfi_run *run, const float *gradients)
{
    const mfi_plan *plan = &run->layer->plan;
    double squares = 0.0, norm;
    float factor = 1.0f;
    for (size_t p = 0; run->settings->optimizer.clip_norm > 0.0f && p < plan->parameter_count; p++)
        if (mfi_role_learns(plan->parameters[p].role) && run->settings->trains[p])
            squares += run->layer->kernels->sum_of_squares(plan->parameters[p].count,
                                                           gradients + plan->parameters[p].offset);
    if (run->settings->optimizer.clip_norm > 0.0f &&
        clip_factor(squares, (double)run->settings->optimizer.clip_norm, &norm, &factor) != MF_STATUS_OK)
        return mfi_fail(MF_STATUS_NUMERIC, "the norm of the gradients is not finite");
    for (size_t p = 0; p < plan->parameter_count; p++) {
        size_t count = plan->parameters[p].count;
        if (!mfi_role_learns(plan->parameters[p].role))
            continue;
        mfi_target target = mfi_run_target(run, (int32_t)p);
        if (factor == 1.0f)
            mfi_run_take(run, &target, 0, 1, count, count, gradients + plan->parameters[p].offset);
        else
            apply_scaled(run, &target, count, factor, gradients + plan->parameters[p].offset);
    }
    run->learner->progress.applied++;
    return MF_STATUS_OK;
}

mf_status mfi_layer_apply(mf_layer *layer, const float *gradients)
{
    mfi_settings settings = mfi_layer_settings(layer);
    mfi_run run = {.layer = layer, .settings = &settings, .use = MFI_UPDATE, .learner = layer};
    uint64_t mode = mfi_subnormals_to_zero();
    mf_status status = run_apply(&run, gradients);
    mfi_subnormals_restore(mode);
    return status;
}
