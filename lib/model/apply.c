/* Owns: the second half of a step: clipping, and an update from gradients that the host passes in. */
#include <math.h>
#include <string.h>

#include "base/counts.h"
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
    /* A step scales dG: by a factor this small dG could become 0, and nothing be learned, though
     * the clipped gradient is not 0. Below a norm of 1e19 only a tiny clip_norm makes such factors. */
    bool vanishes = *norm > 1e19 && *factor < 1e-25f;
    return vanishes ? MF_STATUS_NUMERIC : MF_STATUS_OK;
}

/* Some columns of a panel of the caller's matrix, in the order of the parameter. */
static void read_panel(const mfi_kernels *kernels, const mfi_matrix_order *of, const float *plain,
                       size_t start, size_t column, size_t count, float *values)
{
    size_t panel = mfi_order_panel(&of->order, of->rows, start), left = of->rows - start;
    if (left < panel)
        memset(values, 0, panel * count * sizeof *values);
    kernels->transpose(left < panel ? left : panel, count, plain + start * of->columns + column, of->columns,
                       values, panel);
}

/* The caller's gradients are in plain order, and must not be changed: they are copied piece by piece into the
 * order of the parameter, and scaled there. */
static void apply_gradient(mfi_run *run, const mfi_target *target, float factor, const float *gradient)
{
    enum { PIECE = 2048 };
    float piece[PIECE];
    mfi_matrix_order matrix = mfi_parameter_matrix(&run->layer->plan.parameters[target->number]);
    if (mfi_order_is_plain(&matrix.order)) /* as one row it takes the fewest pieces */
        matrix = (mfi_matrix_order){matrix.order, 1, matrix.rows * matrix.columns};
    for (size_t start = 0, panel; start < matrix.rows; start += panel) {
        panel = mfi_order_panel(&matrix.order, matrix.rows, start);
        for (size_t column = 0, columns; column < matrix.columns; column += columns) {
            columns = matrix.columns - column < PIECE / panel ? matrix.columns - column : PIECE / panel;
            size_t count = panel * columns;
            read_panel(run->layer->kernels, &matrix, gradient, start, column, columns, piece);
            for (size_t i = 0; factor != 1.0f && i < count; i++)
                piece[i] *= factor;
            mfi_run_take(run, target, start * matrix.columns + column * panel, 1, count, count, piece);
        }
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
    for (size_t p = 0; run->settings->optimizer.clip_norm > 0.0f && p < plan->parameter_count; p++)
        if (mfi_role_learns(plan->parameters[p].role) && run->settings->trains[p])
            squares += run->layer->kernels->sum_of_squares(plan->parameters[p].count,
                                                           gradients + plan->parameters[p].offset);
    if (run->settings->optimizer.clip_norm > 0.0f &&
        mfi_clip_factor(squares, (double)run->settings->optimizer.clip_norm, &norm, &factor) != MF_STATUS_OK)
        return mfi_fail(MF_STATUS_NUMERIC, "the norm of the gradients is %g, which cannot be clipped", norm);
    if (run->settings->checked) {
        apply_gradients(run, MFI_TRIAL, factor, gradients);
        MFI_TRY(mfi_run_end_trial(run));
    }
    apply_gradients(run, MFI_UPDATE, factor, gradients);
    for (size_t p = 0; p < plan->parameter_count; p++)
        mfi_layer_round(run->learner, p);
    MFI_TRY(mfi_run_end_update(run));
    run->learner->progress.applied = mfi_count_on(run->learner->progress.applied);
    return MF_STATUS_OK;
}

mf_status mfi_layer_apply(mf_layer *layer, const float *gradients)
{
    mfi_settings settings = mfi_layer_settings(layer);
    mfi_run run = {.layer = layer, .settings = &settings, .learner = layer};
    mfi_mode mode = mfi_subnormals_to_zero();
    mf_status status = run_apply(&run, gradients);
    mfi_float_restore(&mode);
    return status;
}
