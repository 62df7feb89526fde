/* Owns: the objective of a head: the cross-entropy of its scores' softmax against the labels. */
#include "base/status.h"
#include "math/softmax.h"
#include "model/head.h"

mf_status mfi_cross_entropy_report(const mfi_rows *rows, size_t classes, float *goodness,
                                   float label_smoothing, bool gradient, const char *whose, size_t position,
                                   mf_report *report)
{
    const mfi_targets targets = {rows->labels, rows->weights, rows->scored, label_smoothing};
    size_t count = rows->count * rows->scored;
    mfi_loss loss = gradient ? mfi_cross_entropy_gradient(count, classes, goodness, &targets)
                             : mfi_cross_entropy(count, classes, goodness, &targets);
    if (loss.bad_row < count && rows->scored == 1)
        return mfi_fail(MF_STATUS_NUMERIC, "%s %zu: the loss of row %zu is not finite", whose, position,
                        loss.bad_row);
    if (loss.bad_row < count)
        return mfi_fail(MF_STATUS_NUMERIC, "%s %zu: the loss of row %zu at position %zu is not finite", whose,
                        position, loss.bad_row / rows->scored, loss.bad_row % rows->scored);
    report->rows = loss.counted;
    report->correct = loss.correct;
    report->loss = loss.loss;
    report->gradient_norm = -1.0;
    return MF_STATUS_OK;
}
