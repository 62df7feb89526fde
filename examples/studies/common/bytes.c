/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <math.h>

void bytes_count(struct byte_counts *counts, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        counts->of[bytes[i]]++;
}

void bytes_moments(const struct byte_counts *counts, double *mean, double *deviation)
{
    double total = 0, sum = 0, squares = 0;
    for (size_t value = 0; value < BYTE_VALUES; value++) {
        total += (double)counts->of[value];
        sum += (double)value * (double)counts->of[value];
        squares += (double)(value * value) * (double)counts->of[value];
    }
    *mean = sum / total;
    double variance = squares / total - *mean * *mean;
    *deviation = variance > 0 ? sqrt(variance) : 1;
}

uint64_t bytes_hash(uint64_t hash, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}
