/* Owns: batch normalisation: the mean and variance that a stage uses, and the update of the running ones. */
#ifndef MFI_MODEL_NORMALIZATION_H
#define MFI_MODEL_NORMALIZATION_H

#include "model/run.h"

/* The moments of a stage, [channels] each; all NULL without a normalisation. */
typedef struct mfi_moments {
    float *mean;
    float *variance; /* of the batch, biased; not set if the running ones are used */
    float *inverse;  /* 1 / sqrt(variance + epsilon) */
    float *scale;    /* the layer's scale times that */
} mfi_moments;

enum { MFI_MOMENT_ROWS = 4 };

mfi_moments mfi_moments_of(const mfi_run *run, size_t stage);

/* Computes inverse and scale from the mean and variance of the batch. If the stage does not use those,
 * computes all four from the running ones. */
void mfi_moments_complete(const mfi_run *run, size_t stage, mfi_moments moments);

/* Updates the running mean and variance after a step that used those of the batch. */
void mfi_moments_follow(mfi_run *run, size_t stage);

/* The shift from u to z for one channel. */
mfi_shift mfi_moments_shift(const mfi_run *run, size_t stage, const mfi_moments *moments, size_t channel);

#endif
