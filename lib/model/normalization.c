/* Owns: batch normalisation: where mean and variance come from, and how the running ones follow. */
#include "model/normalization.h"

#include <float.h>
#include <math.h>
#include <string.h>

mfi_moments mfi_moments_in(const mf_layer *layer, const mfi_scratch *scratch)
{
    size_t channels = mfi_spec_channels(&layer->spec);
    float *first = scratch->moments;
    if (!first)
        return (mfi_moments){0};
    return (mfi_moments){first, first + channels, first + 2 * channels, first + 3 * channels};
}

bool mfi_uses_batch(const mf_layer *layer, const mfi_settings *settings)
{
    return layer->spec.normalization == MF_NORMALIZATION_BATCH && settings && settings->trains[MFI_MEAN];
}

void mfi_moments_complete(const mf_layer *layer, bool batch, mfi_moments moments)
{
    size_t channels = mfi_spec_channels(&layer->spec);
    const float *gamma = layer->parameters[MFI_SCALE].values;
    const float *variance = batch ? moments.variance : layer->parameters[MFI_VARIANCE].values;
    if (!batch)
        memcpy(moments.mean, layer->parameters[MFI_MEAN].values, channels * sizeof(float));
    for (size_t j = 0; j < channels; j++) {
        moments.inverse[j] = 1.0f / sqrtf(variance[j] + layer->spec.normalization_epsilon);
        moments.scale[j] = gamma[j] * moments.inverse[j];
    }
}

/* A variance that overflows would stay infinite for ever. */
static void approach(size_t count, float rate, float factor, const float *from, float *to)
{
    for (size_t j = 0; j < count; j++)
        to[j] = (1.0f - rate) * to[j] + rate * fminf(factor * from[j], FLT_MAX);
}

/* The variance of a batch divides by its count; the running one estimates that of all data. */
void mfi_moments_follow(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                        size_t rows)
{
    if (!mfi_uses_batch(layer, settings))
        return;
    mfi_moments batch = mfi_moments_in(layer, scratch);
    size_t channels = mfi_spec_channels(&layer->spec);
    double count = (double)rows * (double)mfi_spec_places(&layer->spec);
    float rate = layer->spec.normalization_rate;
    approach(channels, rate, 1.0f, batch.mean, layer->parameters[MFI_MEAN].values);
    approach(channels, rate, (float)(count / (count - 1.0)), batch.variance,
             layer->parameters[MFI_VARIANCE].values);
}
