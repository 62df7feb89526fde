/* Owns: the checks of single values of a spec. Comparisons are written so that a NaN fails. */
#include "model/checks.h"

#include <float.h>
#include <math.h>

#include "base/memory.h"
#include "base/status.h"

mf_status mfi_check_size(const char *name, size_t value, size_t least)
{
    if (value < least)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be at least %zu, got %zu", name, least, value);
    if (value > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "%s must be at most %d, got %zu", name, (int)INT32_MAX, value);
    return MF_STATUS_OK;
}

mf_status mfi_check_classes(size_t classes)
{
    return mfi_check_size("classes", classes, 2);
}

mf_status mfi_check_constant(const char *name, int32_t value, int32_t last)
{
    if (value < 0 || value > last)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown %s %d", name, (int)value);
    return MF_STATUS_OK;
}

mf_status mfi_check_narrows(const char *name, double value)
{
    if (value != 0.0 && fabs(value) < (double)FLT_MIN)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "%s must be 0 or at least %g, which a step can tell from 0, got %g", name,
                        (double)FLT_MIN, value);
    return MF_STATUS_OK;
}

mf_status mfi_check_rate(const char *name, double value)
{
    if (!(value >= 0.0 && value < 1.0) || (float)value >= 1.0f)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be from 0 to below 1, got %g", name, value);
    return mfi_check_narrows(name, value);
}

mf_status mfi_check_unit_interval(const char *name, float value)
{
    if (!(value >= 0.0f && value <= 1.0f))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be from 0 to 1, got %g", name, (double)value);
    return MF_STATUS_OK;
}

mf_status mfi_check_gain(const char *name, float value)
{
    const float most = 1e30f; /* with room for the largest number that a start draws */
    if (!(value >= 0.0f && value <= most))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be from 0 to %g, got %g", name, (double)most,
                        (double)value);
    return MF_STATUS_OK;
}

mf_status mfi_check_epsilon(const char *name, float value)
{
    /* A step treats smaller numbers as 0. */
    if (!(value >= FLT_MIN && isfinite(value)))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be at least %g, got %g", name, (double)FLT_MIN,
                        (double)value);
    return MF_STATUS_OK;
}

size_t mfi_first_not_finite(const mfi_kernels *kernels, size_t count, const float *values)
{
    size_t first = 0;
    if (kernels->all_finite(count, values))
        return count;
    while (first < count && isfinite(values[first]))
        first++;
    return first;
}

mf_status mfi_check_reserved(int32_t value)
{
    if (value != 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "reserved must be 0, got %d", (int)value);
    return MF_STATUS_OK;
}

mf_status mfi_check_product(const char *name, size_t a, size_t b, size_t c, size_t *values)
{
    size_t count;
    if (!mfi_multiply(a, b, &count) || !mfi_multiply(count, c, &count) || count > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "%zux%zux%zu %s are more than %d", a, b, c, name, (int)INT32_MAX);
    *values = count;
    return MF_STATUS_OK;
}
