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

/* The caller's gradients must not be changed, so they are scaled piece by piece in another buffer. */
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
        mfi_clip_factor(squares, (double)run->settings->optimizer.clip_norm, &norm, &factor) != MF_STATUS_OK)
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
