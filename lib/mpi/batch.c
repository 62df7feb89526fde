/* Owns: what a rank of the first stage is given for a step: what is wrong with it, and what it weighs. */
#include "batch.h"

#include <float.h>
#include <math.h>

double mfm_batch_weight(const mf_batch *batch, size_t labels)
{
    const int32_t *label = batch->targets;
    double sum = 0;
    for (size_t row = 0; label && row < batch->rows; row++) {
        double weight = batch->sample_weights ? (double)batch->sample_weights[row] : 1.0;
        size_t counted = labels;
        for (size_t t = 0; t < labels; t++)
            counted -= label[row * labels + t] == MF_LABEL_IGNORED;
        sum += weight < (double)FLT_MIN ? 0 : weight * (double)counted;
    }
    return sum;
}

static mf_status check_labels(const mf_mpi_trainer *trainer, const mf_batch *batch)
{
    const int32_t *label = batch->targets;
    if (batch->target_type != MF_TYPE_INT32)
        return mfm_fail(MF_STATUS_UNSUPPORTED, "targets have type %d; int32 labels are supported",
                        (int)batch->target_type);
    if (!label)
        return mfm_fail(MF_STATUS_ARGUMENT, "the labels are NULL");
    for (size_t i = 0; i < batch->rows * trainer->labels; i++)
        if ((label[i] < 0 || (size_t)label[i] >= trainer->classes) &&
            !(trainer->ignores && label[i] == MF_LABEL_IGNORED))
            return mfm_fail(MF_STATUS_LABEL,
                            "label %zu of row %zu is %d; with %zu classes it must be from 0 to %zu",
                            i % trainer->labels, i / trainer->labels, (int)label[i], trainer->classes,
                            trainer->classes - 1);
    return MF_STATUS_OK;
}

static mf_status check_weights(const mf_batch *batch)
{
    const float *weight = batch->sample_weights;
    for (size_t row = 0; weight && row < batch->rows; row++)
        if (!(weight[row] >= 0) || !isfinite(weight[row]))
            return mfm_fail(MF_STATUS_ARGUMENT,
                            "the weight of row %zu is %g, it must be finite and at least 0", row,
                            (double)weight[row]);
    return MF_STATUS_OK;
}

static mf_status check_batch(const mf_mpi_trainer *trainer, mf_batch *batch)
{
    bool alone = trainer->average.replicas == 1;
    if (batch->rows > trainer->spec.max_batch || (batch->rows == 0 && alone))
        return mfm_fail(MF_STATUS_CAPACITY, "the batch has %zu rows, the trainer takes 1 to %zu", batch->rows,
                        trainer->spec.max_batch);
    if (batch->rows == 0)
        return MF_STATUS_OK;
    MFM_TRY(check_labels(trainer, batch));
    MFM_TRY(check_weights(batch));
    if (mfm_batch_weight(batch, trainer->labels) > 0)
        return MF_STATUS_OK;
    if (alone)
        return mfm_fail(batch->sample_weights ? MF_STATUS_ARGUMENT : MF_STATUS_LABEL,
                        "none of the %zu rows has a weight and a label", batch->rows);
    batch->rows = 0;
    return MF_STATUS_OK;
}

mf_status mfm_batch_read(const mf_mpi_trainer *trainer, const mf_batch *source, mf_batch *batch)
{
    if (!source && trainer->average.replicas > 1)
        return MF_STATUS_OK;
    MFM_TRY(mfm_struct_read(batch, sizeof *batch, source, "the batch"));
    batch->struct_size = sizeof *batch;
    mf_status status = check_batch(trainer, batch);
    if (status != MF_STATUS_OK)
        batch->rows = 0;
    return status;
}
