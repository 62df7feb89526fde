/* Random test data. SPDX-License-Identifier: MIT */
#include "random.h"

#include <math.h>

uint64_t random_next(test_random *random)
{
    uint64_t bits = (random->state += UINT64_C(0x9e3779b97f4a7c15));

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

double random_uniform(test_random *random, double low, double high)
{
    return low + (high - low) * (double)(random_next(random) >> 11) * 0x1p-53;
}

double random_normal(test_random *random)
{
    double radius = sqrt(-2.0 * log(random_uniform(random, 0x1p-53, 1.0)));

    return radius * cos(6.28318530717958647692 * random_uniform(random, 0.0, 1.0));
}

size_t random_index(test_random *random, size_t count)
{
    return (size_t)(random_next(random) % count);
}

void random_values(test_random *random, float *values, size_t count, double scale)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(scale * random_normal(random));
}

void random_labels(test_random *random, int32_t *labels, size_t count, size_t classes)
{
    for (size_t i = 0; i < count; i++)
        labels[i] = (int32_t)random_index(random, classes);
}
