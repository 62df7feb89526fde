/* Owns: batch normalisation: the mean and variance that a stage uses, and the update of the running ones. */
#include "model/normalization.h"

#include <float.h>
#include <math.h>
#include <string.h>

mfi_moments mfi_moments_of(const mfi_run *run, size_t stage)
{
    size_t channels = run->layer->plan.stages[stage].channels;
    float *first = run->scratch->kept[stage].moments;
    if (!first)
        return (mfi_moments){0};
    return (mfi_moments){first, first + channels, first + 2 * channels, first + 3 * channels};
}

void mfi_moments_complete(const mfi_run *run, size_t stage, mfi_moments moments)
{
    const mfi_stage *s = &run->layer->plan.stages[stage];
    bool batch = mfi_run_uses_batch(run, stage);
    const float *gamma = mfi_run_values(run, stage, MFI_SCALE);
    const float *variance = batch ? moments.variance : mfi_run_values(run, stage, MFI_VARIANCE);
    if (!batch)
        memcpy(moments.mean, mfi_run_values(run, stage, MFI_MEAN), s->channels * sizeof(float));
    for (size_t j = 0; j < s->channels; j++) {
        moments.inverse[j] = 1.0f / sqrtf(variance[j] + s->normalization_epsilon);
        moments.scale[j] = gamma[j] * moments.inverse[j];
    }
}

/* Limits the variance: once infinite, it would stay infinite. */
static void approach(size_t count, float rate, float factor, const float *from, float *to)
{
    for (size_t j = 0; j < count; j++)
        to[j] = (1.0f - rate) * to[j] + rate * fminf(factor * from[j], FLT_MAX);
}

/* The variance of a batch divides by its count; the running one estimates that of all data. */
void mfi_moments_follow(mfi_run *run, size_t stage)
{
    const mfi_stage *s = &run->layer->plan.stages[stage];
    mfi_parameter *parameters = run->learner->parameters;
    if (!mfi_run_uses_batch(run, stage))
        return;
    mfi_moments batch = mfi_moments_of(run, stage);
    double count = (double)run->rows->count * (double)s->area;
    approach(s->channels, s->normalization_rate, 1.0f, batch.mean,
             parameters[s->parameters[MFI_MEAN]].now.values);
    approach(s->channels, s->normalization_rate, (float)(count / (count - 1.0)), batch.variance,
             parameters[s->parameters[MFI_VARIANCE]].now.values);
}

mfi_shift mfi_moments_shift(const mfi_run *run, size_t stage, const mfi_moments *moments, size_t channel)
{
    const float *bias = mfi_run_values(run, stage, MFI_BIAS);
    mfi_shift shift = {.scale = 1.0f, .bias = bias ? bias[channel] : 0.0f};
    if (run->layer->plan.stages[stage].normalizes) {
        shift.mean = moments->mean[channel];
        shift.scale = moments->scale[channel];
    }
    return shift;
}
