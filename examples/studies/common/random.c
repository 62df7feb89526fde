/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <math.h>

static const uint64_t golden_ratio = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t random_derive(uint64_t seed, uint64_t purpose)
{
    uint64_t derived = mix(mix(seed + golden_ratio) + (purpose + 1) * golden_ratio);
    return derived != 0 ? derived : 1;
}

uint64_t random_next(struct random_stream *stream)
{
    stream->state += golden_ratio;
    return mix(stream->state);
}

uint32_t random_below(struct random_stream *stream, uint32_t count)
{
    return (uint32_t)(((random_next(stream) >> 32) * count) >> 32);
}

float random_uniform(struct random_stream *stream, float low, float high)
{
    float unit = (float)(random_next(stream) >> 40) * 0x1p-24f;
    return low + (high - low) * unit;
}

float random_normal(struct random_stream *stream)
{
    const float full_turn = 6.28318531f;
    float radius = sqrtf(-2.0f * logf(1.0f - random_uniform(stream, 0.0f, 1.0f)));
    return radius * cosf(random_uniform(stream, 0.0f, full_turn));
}

void random_shuffle(struct random_stream *stream, uint32_t *values, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(stream, (uint32_t)i);
        uint32_t value = values[i - 1];
        values[i - 1] = values[j];
        values[j] = value;
    }
}
