/* Owns: batch normalisation: where mean and variance come from, and how the running ones follow. */
#ifndef MFI_MODEL_NORMALIZATION_H
#define MFI_MODEL_NORMALIZATION_H

#include "model/run.h"

/* What the moments of a stage hold, [channels] each; all NULL without a normalisation. */
typedef struct mfi_moments {
    float *mean;
    float *variance; /* of the batch, biased; not set where the running ones are used */
    float *inverse;  /* 1 / sqrt(variance + epsilon) */
    float *scale;    /* the layer's scale times that */
} mfi_moments;

enum { MFI_MOMENT_ROWS = 4 };

mfi_moments mfi_moments_of(const mfi_run *run, size_t stage);

/* inverse and scale from the mean and variance of the batch, or, where the stage does not use those, all from
 * the running ones. */
void mfi_moments_complete(const mfi_run *run, size_t stage, mfi_moments moments);

/* After a step that used those of the batch. */
void mfi_moments_follow(mfi_run *run, size_t stage);

/* From u to z for one channel. */
mfi_shift mfi_moments_shift(const mfi_run *run, size_t stage, const mfi_moments *moments, size_t channel);

#endif
