/* Accuracy of every activation and its derivative over the whole range of arguments, in the kernels of every
 * instruction set. SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "variants.h"

static const float leak = 0.2f;

/* erfc keeps its accuracy where 1 + erf has lost it. */
static double share_below(double z)
{
    return erfc(-z / sqrt(2.0)) / 2.0;
}

static double phi(int kind, double z)
{
    switch (kind) {
    case MF_ACTIVATION_RELU:
        return z > 0.0 ? z : 0.0;
    case MF_ACTIVATION_LEAKY_RELU:
        return z > 0.0 ? z : (double)leak * z;
    case MF_ACTIVATION_TANH:
        return tanh(z);
    case MF_ACTIVATION_GELU:
        return z * share_below(z);
    case MF_ACTIVATION_SILU:
        return z / (1.0 + exp(-z));
    default:
        return z;
    }
}

static double slope(int kind, double z)
{
    switch (kind) {
    case MF_ACTIVATION_RELU:
        return z > 0.0 ? 1.0 : 0.0;
    case MF_ACTIVATION_LEAKY_RELU:
        return z > 0.0 ? 1.0 : (double)leak;
    case MF_ACTIVATION_TANH:
        return 1.0 / (cosh(z) * cosh(z));
    case MF_ACTIVATION_GELU:
        return share_below(z) + z * exp(-z * z / 2.0) / sqrt(2.0 * 3.14159265358979323846);
    case MF_ACTIVATION_SILU:
        return 0.5 * (1.0 + tanh(z / 2.0)) + z / (4.0 * cosh(z / 2.0) * cosh(z / 2.0));
    default:
        return 1.0;
    }
}

/* How far a value may be off: by a part of it, down to the smallest normal float. GELU's e^(-z^2 / 2) is off
 * the more, the larger its exponent. Where less than 2e-35 of z is left, the value may be 0. */
static double tolerance(int kind, double z, double expected)
{
    double part = 1e-6, least = (double)FLT_MIN;

    if (kind == MF_ACTIVATION_GELU)
        part += 4e-8 * z * z;
    if (kind == MF_ACTIVATION_GELU && z < -12.9)
        least = 3e-37;
    if (kind == MF_ACTIVATION_SILU && z <= -80.0)
        least = 2e-33;
    return part * fabs(expected) + least;
}

static void check_at(const mfi_kernels *kernels, int kind, const float *z, size_t count)
{
    const mfi_activation activation = {.kind = kind, .leak = leak};
    float a[64], dz[64], db[64];

    memcpy(a, z, count * sizeof *a);
    kernels->activate(activation, 1, count, NULL, a, NULL);
    for (size_t i = 0; i < count; i++) {
        double expected = phi(kind, (double)z[i]);

        check_near(expected, (double)a[i], tolerance(kind, (double)z[i], expected));
        dz[i] = 1.0f;
    }
    kernels->derivative(activation, 1, count, a, kind >= MF_ACTIVATION_GELU ? z : NULL, count, dz, db);
    for (size_t i = 0; i < count; i++) {
        check_near(slope(kind, (double)z[i]), (double)dz[i], 1.5e-6);
        assert_true(db[i] == dz[i]);
    }
}

static void check_variant(const mfi_kernels *kernels, int index)
{
    const float far[] = {-12.0f, -12.8f,  -60.0f,  -79.0f, 2e-38f,  -2e-38f, 1e-30f, -1e-30f, 0.0f,
                         -0.0f,  1e-38f,  -1e-38f, 1e-20f, -1e-20f, 20.0f,   -20.0f, 40.0f,   -40.0f,
                         100.0f, -100.0f, 1e4f,    -1e4f,  1e10f,   -1e10f,  1e25f,  -1e25f,  1e30f,
                         -1e30f, 1e34f,   -1e34f,  1e37f,  -1e37f,  1e38f,   -1e38f, FLT_MAX, -FLT_MAX};

    (void)index;
    for (int kind = MF_ACTIVATION_IDENTITY; kind <= MF_ACTIVATION_SILU; kind++) {
        check_at(kernels, kind, far, COUNT_OF(far));
        for (int block = 0; block < 1000; block++) {
            float z[61];

            /* From -15 to 15 in steps of 0.0005, and a length that no vector divides. */
            for (int i = 0; i < 61; i++)
                z[i] = (float)(-15.25 + 0.0005 * (double)(block * 61 + i));
            check_at(kernels, kind, z, COUNT_OF(z));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT_TESTS,
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
