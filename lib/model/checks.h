/* Owns: the checks of single values of a spec. All of them name the value that they refuse. */
#ifndef MFI_MODEL_CHECKS_H
#define MFI_MODEL_CHECKS_H

#include <monoforward.h>

#include "math/kernels.h"

/* ARGUMENT below `least`, OVERFLOW above INT32_MAX. */
mf_status mfi_check_size(const char *name, size_t value, size_t least);

mf_status mfi_check_classes(size_t classes);

/* A constant from 0 to `last`. */
mf_status mfi_check_constant(const char *name, int32_t value, int32_t last);

/* 0, or large enough that a step does not treat it as 0: not a subnormal float. */
mf_status mfi_check_narrows(const char *name, double value);

/* From 0 to below 1. */
mf_status mfi_check_rate(const char *name, double value);

/* From 0 to 1. */
mf_status mfi_check_unit_interval(const char *name, float value);

/* A gain: 0 to 1e30. */
mf_status mfi_check_gain(const char *name, float value);

/* A normal number above 0. */
mf_status mfi_check_epsilon(const char *name, float value);

mf_status mfi_check_reserved(int32_t value);

/* The first of `count` values that is not finite; `count` if all are. */
size_t mfi_first_not_finite(const mfi_kernels *kernels, size_t count, const float *values);

/* *values = a b c, which has to be at most INT32_MAX: OVERFLOW if not. */
mf_status mfi_check_product(const char *name, size_t a, size_t b, size_t c, size_t *values);

#endif
