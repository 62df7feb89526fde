/* Owns: the second half of a step: clipping, and an update from gradients that the host passes in. */
#include <math.h>

#include "base/status.h"
#include "base/subnormal.h"
#include "model/run.h"
#include "model/step.h"

mf_status mfi_clip_factor(double squares, double largest, double *norm, float *factor)
{
    *factor = 1.0f;
    /* If the gradient is 0, rounding can make the sum slightly negative. */
    *norm = squares < 0.0 ? 0.0 : sqrt(squares);
    if (!isfinite(*norm))
        return MF_STATUS_NUMERIC;
    if (*norm > largest)
        *factor = (float)(largest / *norm);
    return MF_STATUS_OK;
}

/* The caller's gradients are in plain order, and must not be changed: they are copied piece by piece into the
 * order of the parameter, and scaled there. */
static void apply_gradient(mfi_run *run, const mfi_target *target, float factor, const float *gradient)
{
    enum { PIECE = 1024 };
    float piece[PIECE];
    const mfi_matrix_order matrix = mfi_parameter_matrix(&run->layer->plan.parameters[target->number]);
    size_t room = run->learner->parameters[target->number].now.count;
    for (size_t first = 0; first < room; first += PIECE) {
        size_t count = room - first < PIECE ? room - first : PIECE;
        mfi_order_gather(&matrix, gradient, first, count, piece);
        for (size_t i = 0; factor != 1.0f && i < count; i++)
            piece[i] *= factor;
        mfi_run_take(run, target, first, 1, count, count, piece);
    }
}

static void apply_gradients(mfi_run *run, mfi_use use, float factor, const float *gradients)
{
    const mfi_plan *plan = &run->layer->plan;
    run->use = use;
    for (size_t p = 0; p < plan->parameter_count; p++) {
        if (!mfi_role_learns(plan->parameters[p].role))
            continue;
        mfi_target target = mfi_run_target(run, (int32_t)p);
        if (target.wanted)
            apply_gradient(run, &target, factor, gradients + plan->parameters[p].offset);
    }
}

static mf_status run_apply(mfi_run *run, const float *gradients)
{
    const mfi_plan *plan = &run->layer->plan;
    double squares = 0.0, norm;
    float factor = 1.0f;
    mfi_run_begin_update(run);
    for (size_t p = 0; run->settings->optimizer.clip_norm > 0.0f && p < plan->parameter_count; p++)
        if (mfi_role_learns(plan->parameters[p].role) && run->settings->trains[p])
            squares += run->layer->kernels->sum_of_squares(plan->parameters[p].count,
                                                           gradients + plan->parameters[p].offset);
    if (run->settings->optimizer.clip_norm > 0.0f &&
        mfi_clip_factor(squares, (double)run->settings->optimizer.clip_norm, &norm, &factor) != MF_STATUS_OK)
        return mfi_fail(MF_STATUS_NUMERIC, "the norm of the gradients is not finite");
    if (run->settings->checked) {
        apply_gradients(run, MFI_TRIAL, factor, gradients);
        MFI_TRY(mfi_run_end_trial(run));
    }
    apply_gradients(run, MFI_UPDATE, factor, gradients);
    for (size_t p = 0; p < plan->parameter_count; p++)
        mfi_layer_round(run->learner, p);
    MFI_TRY(mfi_run_end_update(run));
    run->learner->progress.applied++;
    return MF_STATUS_OK;
}

mf_status mfi_layer_apply(mf_layer *layer, const float *gradients)
{
    mfi_settings settings = mfi_layer_settings(layer);
    mfi_run run = {.layer = layer, .settings = &settings, .learner = layer};
    uint64_t mode = mfi_subnormals_to_zero();
    mf_status status = run_apply(&run, gradients);
    mfi_subnormals_restore(mode);
    return status;
}
