/* Owns: batch normalisation: where mean and variance come from, and how the running ones follow. */
#ifndef MFI_MODEL_NORMALIZATION_H
#define MFI_MODEL_NORMALIZATION_H

#include "model/layer.h"

/* What a layer's scratch->moments holds, [channels] each; all NULL without a normalisation. */
typedef struct mfi_moments {
    float *mean;
    float *variance; /* of the batch, biased; not set where the running ones are used */
    float *inverse;  /* 1 / sqrt(variance + epsilon) */
    float *scale;    /* the layer's scale times that */
} mfi_moments;

enum { MFI_MOMENT_ROWS = 4 };

mfi_moments mfi_moments_in(const mf_layer *layer, const mfi_scratch *scratch);

/* Whether a step under `settings` (NULL: no step) takes mean and variance from the batch. */
bool mfi_uses_batch(const mf_layer *layer, const mfi_settings *settings);

/* inverse and scale from the mean and variance of the batch, or, without `batch`, all from the running ones.
 */
void mfi_moments_complete(const mf_layer *layer, bool batch, mfi_moments moments);

/* After a step that used those of a batch of `rows` rows. */
void mfi_moments_follow(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                        size_t rows);

#endif
