/* Owns: the Mono-Forward step of one layer (arXiv 2501.09238, equations 5 to 8).
 *
 * Gradients flow from M back through the units of this layer and end at its input. All of equation 8 is
 * linear in dG. So a gradient is used as soon as it is computed. Clipping runs the backward pass twice: first
 * to measure the norm, then, with dG scaled, to update. */
#include "model/step.h"

#include <math.h>
#include <string.h>

#include "base/counts.h"
#include "base/status.h"
#include "base/subnormal.h"
#include "model/head.h"
#include "model/normalization.h"
#include "model/unit.h"

static void run_stages(const mfi_run *run, size_t first, size_t end);
static mf_status run_loss(const mfi_run *run, size_t position, mf_report *report);
static mf_status run_clip(mfi_run *run, size_t position, double *norm);
static void run_backward(mfi_run *run, mfi_use use);
static mf_status run_trial(mfi_run *run);
static void run_finish(mfi_run *run);

/* ---- the step ---- */

static mf_status run_step(mfi_run *run, size_t position, mf_report *report)
{
    const mfi_plan *plan = &run->layer->plan;
    mf_report done = *report;

    /* (5)  a = units(x) */
    run_stages(run, 0, plan->body);

    /* (6)  G = F M^T, with F the output a, or what units of the head or a pooling make of it, and with the
     * rows of M that are sampled */
    run_stages(run, plan->body, plan->stage_count);
    MFI_TRY(mfi_head_sample(run, position));
    mfi_head_goodness(run, run->scratch->goodness);

    /* (7)  L = mean CE(softmax(G), y), and G becomes dG = (softmax(G) - onehot(y)) / rows; with similarity
     * matching both are weighed, and the loss of the batch's similarities joins in; and those of auxiliary
     * heads do, each with its weight */
    MFI_TRY(run_loss(run, position, &done));

    /* dG *= clip_norm / |gradient of L|, if that is below 1 */
    MFI_TRY(run_clip(run, position, &done.gradient_norm));

    /* (8)  M -= rate dL/dM = rate dG^T F, and W -= rate dL/dW for every unit, last to first */
    MFI_TRY(mfi_fail_at(run_trial(run), "layer", position));
    run_backward(run, MFI_UPDATE);
    MFI_TRY(mfi_fail_at(mfi_run_end_update(run), "layer", position));

    run_finish(run);
    done.applied = run->learner->progress.applied = mfi_count_on(run->learner->progress.applied);
    *report = done;
    return MF_STATUS_OK;
}

/* ---- equation 5: units, first to last ---- */

static void run_stages(const mfi_run *run, size_t first, size_t end)
{
    for (size_t s = first; s < end; s++)
        mfi_unit_kind_of(run->layer->plan.stages[s].kind)->forward(run, s);
}

/* ---- equation 7 ---- */

static void scale_floats(float *values, size_t count, float factor)
{
    for (size_t i = 0; i < count; i++)
        values[i] *= factor;
}

static void scale_scores(const mfi_run *run, float factor)
{
    scale_floats(run->scratch->goodness, run->rows->count * run->rows->scored * mfi_head_columns(run),
                 factor);
}

static void scale_auxiliary(const mfi_run *run, size_t s, float factor)
{
    scale_floats(run->scratch->kept[s].output, run->rows->count * mfi_plan_scores(&run->layer->plan), factor);
}

/* The scores of auxiliary heads become their gradients, and are weighed as their losses. */
static mf_status add_auxiliary_losses(const mfi_run *run, size_t position, mf_report *report)
{
    const mfi_plan *plan = &run->layer->plan;
    for (size_t s = plan->scoring; s < plan->stage_count; s++) {
        mf_report one = {0};
        float weight = plan->units[plan->stages[s].first - 1].spec.loss_weight;
        if (!plan->stages[s].scores)
            continue;
        MFI_TRY(mfi_cross_entropy_report(run->layer->kernels, run->team, run->rows, plan->head.classes,
                                         run->scratch->kept[s].output, run->settings->label_smoothing, true,
                                         "an auxiliary head of layer", position, &one));
        scale_auxiliary(run, s, weight);
        report->loss += (double)weight * one.loss;
    }
    return MF_STATUS_OK;
}

static mf_status run_loss(const mfi_run *run, size_t position, mf_report *report)
{
    mfi_rows rows = *run->rows;
    if (run->columns > 0)
        rows.labels = run->scratch->candidates.labels;
    MFI_TRY(mfi_cross_entropy_report(run->layer->kernels, run->team, &rows, mfi_head_columns(run),
                                     run->scratch->goodness, run->settings->label_smoothing, true, "layer",
                                     position, report));
    if (mfi_plan_compares(&run->layer->plan)) {
        scale_scores(run, 1.0f - run->layer->plan.head.similarity);
        MFI_TRY(mfi_similarity_report(run, position, report));
    }
    return add_auxiliary_losses(run, position, report);
}

/* ---- equation 8: back from dG, the head first, then the units, last to first ---- */

static void add_gradient(const mfi_run *run, size_t giver, const float *gradient)
{
    size_t count = run->rows->count * run->layer->plan.stages[giver].output_values;
    run->layer->kernels->scale_add(count, 1.0f, run->scratch->kept[giver].gradient, 1.0f, gradient);
}

/* A node that several stages read gets the sum of their gradients: the first one of the backward pass is
 * written, the others are added. */
static void stage_backward(mfi_run *run, size_t s)
{
    const mfi_stage *stage = &run->layer->plan.stages[s];
    const mfi_scratch *scratch = run->scratch;
    float *dx[MFI_STAGE_INPUTS] = {NULL, NULL}, *spare = scratch->spare;
    for (int i = 0; i < stage->input_count; i++) {
        if (stage->inputs[i] == 0)
            continue;
        size_t giver = (size_t)stage->inputs[i] - 1;
        dx[i] = stage->starts_gradient[i] ? scratch->kept[giver].gradient : spare;
        if (!stage->starts_gradient[i]) /* a stage may add to both of its inputs */
            spare += run->rows->count * run->layer->plan.stages[giver].output_values;
    }
    mfi_unit_kind_of(stage->kind)->backward(run, s, scratch->kept[s].gradient, dx);
    for (int i = 0; i < stage->input_count; i++)
        if (stage->inputs[i] > 0 && !stage->starts_gradient[i])
            add_gradient(run, (size_t)stage->inputs[i] - 1, dx[i]);
}

static void run_backward(mfi_run *run, mfi_use use)
{
    const mfi_plan *plan = &run->layer->plan;
    run->use = use;
    if (!mfi_head_joins(plan))
        mfi_head_backward(run, run->scratch->kept[plan->scoring - 1].gradient);
    if (mfi_plan_compares(plan))
        mfi_similarity_backward(run, run->scratch->kept[plan->stage_count - 1].gradient);
    for (size_t s = plan->stage_count; s-- > 0;)
        stage_backward(run, s);
}

/* ---- clipping ---- */

static void scale_gradients(const mfi_run *run, float factor)
{
    const mfi_plan *plan = &run->layer->plan;
    scale_scores(run, factor);
    if (mfi_plan_compares(plan))
        mfi_similarity_scale(run, factor);
    for (size_t s = plan->scoring; s < plan->stage_count; s++)
        if (plan->stages[s].scores)
            scale_auxiliary(run, s, factor);
}

static mf_status run_clip(mfi_run *run, size_t position, double *norm)
{
    float factor;
    if (run->settings->optimizer.clip_norm == 0.0f)
        return MF_STATUS_OK;
    run_backward(run, MFI_MEASURE);
    if (mfi_clip_factor(run->squares, (double)run->settings->optimizer.clip_norm, norm, &factor) !=
        MF_STATUS_OK)
        return mfi_fail(MF_STATUS_NUMERIC,
                        "layer %zu: the norm of the gradient is %g, which cannot be clipped", position,
                        *norm);
    if (factor != 1.0f)
        scale_gradients(run, factor);
    return MF_STATUS_OK;
}

/* ---- the trial of an update ---- */

static mf_status run_trial(mfi_run *run)
{
    if (!run->settings->checked)
        return MF_STATUS_OK;
    run_backward(run, MFI_TRIAL);
    return mfi_run_end_trial(run);
}

/* ---- the end of a step ---- */

/* Updates the running statistics, and applies dropout to the output for the next layer. */
static void run_finish(mfi_run *run)
{
    for (size_t s = 0; s < run->layer->plan.stage_count; s++)
        mfi_moments_follow(run, s);
    mfi_layer_drop(run->layer, run->team, run->settings, run->rows->count, run->a);
    mfi_layer_count_mask(run->learner, run->settings);
}

/* ---- for callers: subnormal numbers are kept out ---- */

mf_status mfi_layer_step(mf_layer *layer, const mfi_settings *settings, const mfi_workplace *place,
                         const mfi_rows *rows, float *a, size_t position, mf_report *report)
{
    mfi_scratch scratch = mfi_scratch_at(&layer->plan, rows->count, true, place);
    mfi_run run = {.layer = layer,
                   .settings = settings,
                   .scratch = &scratch,
                   .team = place->team,
                   .rows = rows,
                   .a = a,
                   .learner = layer};
    mfi_mode mode = mfi_subnormals_to_zero();
    mf_status status = run_step(&run, position, report);
    mfi_float_restore(&mode);
    return status;
}

void mfi_layer_forward(const mf_layer *layer, const mfi_workplace *place, const mfi_rows *rows, float *a)
{
    mfi_scratch scratch = mfi_scratch_at(&layer->plan, rows->count, false, place);
    mfi_run run = {.layer = layer, .scratch = &scratch, .team = place->team, .rows = rows, .a = a};
    run_stages(&run, 0, layer->plan.body);
}

/* From the output `a` to what `use` makes of what the head's stages give. */
static void run_head(const mf_layer *layer, const mfi_workplace *place, size_t count, const float *a,
                     void (*use)(const mfi_run *run, float *to), float *to)
{
    mfi_scratch scratch = mfi_scratch_at(&layer->plan, count, false, place);
    mfi_rows rows = {.count = count};
    /* The stages of the head read `a` and do not write there. */
    mfi_run run = {
        .layer = layer, .scratch = &scratch, .team = place->team, .rows = &rows, .a = (float *)(uintptr_t)a};
    run_stages(&run, layer->plan.body, layer->plan.scoring);
    use(&run, to);
}

void mfi_layer_goodness(const mf_layer *layer, const mfi_workplace *place, size_t count, const float *a,
                        float *goodness)
{
    run_head(layer, place, count, a, mfi_head_goodness, goodness);
}

void mfi_layer_features(const mf_layer *layer, const mfi_workplace *place, size_t count, const float *a,
                        float *features)
{
    run_head(layer, place, count, a, mfi_head_features, features);
}

/* ---- the first half of a step, for hosts that use the gradients ---- */

mf_status mfi_layer_gradients(mf_layer *layer, const mfi_workplace *place, const mfi_rows *rows, float *a,
                              size_t position, float *out, mf_report *report)
{
    mfi_settings settings = mfi_layer_settings(layer);
    mfi_scratch scratch = mfi_scratch_at(&layer->plan, rows->count, true, place);
    mfi_run run = {.layer = layer,
                   .settings = &settings,
                   .scratch = &scratch,
                   .team = place->team,
                   .rows = rows,
                   .a = a,
                   .learner = layer,
                   .out = out};
    mfi_mode mode = mfi_subnormals_to_zero();
    run_stages(&run, 0, layer->plan.stage_count);
    mf_report done = *report;
    mf_status status = mfi_head_sample(&run, position);
    if (status == MF_STATUS_OK) {
        mfi_head_goodness(&run, scratch.goodness);
        status = run_loss(&run, position, &done);
    }
    if (status == MF_STATUS_OK) {
        memset(out, 0, layer->plan.values * sizeof *out);
        run_backward(&run, MFI_STORE);
        if (!layer->kernels->all_finite(layer->plan.values, out))
            status = mfi_fail(MF_STATUS_NUMERIC, "layer %zu: a gradient is not finite", position);
    }
    if (status == MF_STATUS_OK) {
        run_finish(&run);
        done.applied = layer->progress.applied;
        *report = done;
    }
    mfi_float_restore(&mode);
    return status;
}
