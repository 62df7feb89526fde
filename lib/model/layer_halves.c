/* Owns: the step in two halves, for hosts that do something with the gradients in between. */
#include <math.h>

#include "base/status.h"
#include "base/subnormal.h"
#include "model/layer.h"

mf_status mfi_layer_gradients(mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows, float *a,
                              size_t position, float *out, mf_report *report)
{
    mfi_settings settings = mfi_layer_settings(layer);
    uint64_t mode = mfi_subnormals_to_zero();
    mf_status status = mfi_layer_lose(layer, &settings, scratch, rows, a, position, report);
    if (status == MF_STATUS_OK) {
        layer->kind->gradients(layer, &settings, scratch, rows, a, out);
        mfi_layer_pass_on(layer, &settings, scratch, rows->count, a);
    }
    mfi_subnormals_restore(mode);
    return status;
}

size_t mfi_gradient_offset(const mf_layer *layer, size_t parameter)
{
    size_t offset = 0;
    for (size_t index = 0; index < parameter; index++)
        offset += layer->parameters[index].count;
    return offset;
}

size_t mfi_layer_values(const mf_layer *layer)
{
    return mfi_gradient_offset(layer, MFI_PARAMETERS);
}

mf_status mfi_layer_clip_factor(const mf_layer *layer, const mfi_settings *settings, const float *gradients,
                                double *norm, float *factor)
{
    double largest = (double)settings->optimizer.clip_norm, sum = 0.0;
    *factor = 1.0f;
    if (largest == 0.0)
        return MF_STATUS_OK;
    for (size_t index = 0; index < MFI_LEARNED; index++)
        if (settings->trains[index])
            sum += layer->kernels->sum_of_squares(layer->parameters[index].count,
                                                  gradients + mfi_gradient_offset(layer, index));
    if (!isfinite(sum))
        return mfi_fail(MF_STATUS_NUMERIC, "the norm of the gradients is not finite");
    *norm = sqrt(sum);
    if (*norm > largest)
        *factor = (float)(largest / *norm);
    return MF_STATUS_OK;
}

/* The gradients are the caller's, so a factor acts on them piece by piece in a buffer of our own. */
static void apply_scaled(const mf_layer *layer, mfi_parameter *parameter, const mfi_rule *rule, float factor,
                         const float *gradient)
{
    enum { PIECE = 1024 };
    float scaled[PIECE];
    for (size_t first = 0; first < parameter->count; first += PIECE) {
        size_t count = parameter->count - first < PIECE ? parameter->count - first : PIECE;
        layer->kernels->scale_add(count, 0.0f, scaled, factor, gradient + first);
        mfi_parameter_update(layer->kernels, parameter, rule, first, 1, count, count, scaled);
    }
}

void mfi_layer_apply_scaled(mf_layer *layer, const mfi_settings *settings, const float *gradients,
                            float factor)
{
    for (size_t index = 0; index < MFI_LEARNED; index++) {
        mfi_parameter *parameter = &layer->parameters[index];
        const float *gradient = gradients + mfi_gradient_offset(layer, index);
        if (!settings->trains[index])
            continue;
        mfi_rule rule = mfi_layer_next_rule(layer, settings, index);
        if (factor == 1.0f)
            mfi_parameter_update(layer->kernels, parameter, &rule, 0, 1, parameter->count, parameter->count,
                                 gradient);
        else
            apply_scaled(layer, parameter, &rule, factor, gradient);
    }
}

mf_status mfi_layer_apply(mf_layer *layer, const float *gradients)
{
    double norm;
    float factor;
    mfi_settings settings = mfi_layer_settings(layer);
    uint64_t mode = mfi_subnormals_to_zero();
    mf_status status = mfi_layer_clip_factor(layer, &settings, gradients, &norm, &factor);
    if (status == MF_STATUS_OK) {
        mfi_layer_apply_scaled(layer, &settings, gradients, factor);
        layer->applied++;
    }
    mfi_subnormals_restore(mode);
    return status;
}
