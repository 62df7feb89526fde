/* Owns: the objective of a head: the cross-entropy of its scores' softmax against the labels. */
#include "base/status.h"
#include "math/softmax.h"
#include "model/head.h"

mf_status mfi_cross_entropy_report(const mfi_rows *rows, size_t classes, float *goodness,
                                   float label_smoothing, bool gradient, const char *whose, size_t position,
                                   mf_report *report)
{
    mfi_loss loss = (gradient ? mfi_cross_entropy_gradient(rows->count, classes, goodness, rows->labels,
                                                           rows->weights, label_smoothing)
                              : mfi_cross_entropy(rows->count, classes, goodness, rows->labels, rows->weights,
                                                  label_smoothing));
    if (loss.bad_row < rows->count)
        return mfi_fail(MF_STATUS_NUMERIC, "%s %zu: the loss of row %zu is not finite", whose, position,
                        loss.bad_row);
    report->rows = rows->count;
    report->correct = loss.correct;
    report->loss = loss.loss;
    report->gradient_norm = -1.0;
    return MF_STATUS_OK;
}
