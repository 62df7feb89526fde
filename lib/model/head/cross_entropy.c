/* Owns: the objective of a head: the cross-entropy of its scores' softmax against the labels. */
#include "base/status.h"
#include "model/head.h"

static mfi_targets targets_of(const mfi_rows *rows, float smoothing)
{
    return (mfi_targets){rows->labels, rows->weights, rows->scored, smoothing};
}

static mf_status report_loss(const mfi_rows *rows, const mfi_loss *loss, const char *whose, size_t position,
                             mf_report *report)
{
    if (loss->bad_row < rows->count * rows->scored && rows->scored == 1)
        return mfi_fail(MF_STATUS_NUMERIC, "%s %zu: the loss of row %zu is not finite", whose, position,
                        loss->bad_row);
    if (loss->bad_row < rows->count * rows->scored)
        return mfi_fail(MF_STATUS_NUMERIC, "%s %zu: the loss of row %zu at position %zu is not finite", whose,
                        position, loss->bad_row / rows->scored, loss->bad_row % rows->scored);
    report->rows = loss->counted;
    report->correct = loss->correct;
    report->loss = loss->loss;
    report->gradient_norm = -1.0;
    return MF_STATUS_OK;
}

mf_status mfi_cross_entropy_report(const mfi_kernels *kernels, const mfi_team *team, const mfi_rows *rows,
                                   size_t classes, float *goodness, float label_smoothing, bool gradient,
                                   const char *whose, size_t position, mf_report *report)
{
    const mfi_targets targets = targets_of(rows, label_smoothing);
    size_t count = rows->count * rows->scored;
    mfi_loss loss = gradient ? mfi_cross_entropy_gradient(kernels, team, count, classes, goodness, &targets)
                             : mfi_cross_entropy(kernels, team, count, classes, goodness, &targets);
    return report_loss(rows, &loss, whose, position, report);
}

mf_status mfi_running_report(const mfi_rows *rows, const mfi_running *running, const char *whose,
                             size_t position, mf_report *report)
{
    const mfi_targets targets = targets_of(rows, 0.0f);
    mfi_loss loss = mfi_running_cross_entropy(rows->count * rows->scored, running, &targets);
    return report_loss(rows, &loss, whose, position, report);
}
