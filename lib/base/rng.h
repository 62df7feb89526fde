/* Owns: counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011).
 *
 * A number depends only on the key and on its index in the stream. So layers have no common state, any part
 * of a stream can be drawn at any time, and a counter is all that must be saved to continue. */
#ifndef MFI_BASE_RNG_H
#define MFI_BASE_RNG_H

#include <stdint.h>

/* What a stream of a layer is used for. Where several units of a layer have a stream of the same purpose,
 * mfi_purpose_of() gives each of them a number of its own. */
enum {
    MFI_PURPOSE_WEIGHT = 0,
    MFI_PURPOSE_BIAS = 1,
    MFI_PURPOSE_PROJECTION = 2,
    MFI_PURPOSE_DROPOUT = 3, /* of the activation that the next layer reads */
    MFI_PURPOSE_UNIT_DROPOUT = 4,
    MFI_PURPOSE_CANDIDATES = 5,
    MFI_PURPOSES = 8
};

/* The number of a purpose for the unit that makes `node`; the first unit makes node 1. */
static inline uint32_t mfi_purpose_of(uint32_t purpose, int32_t node)
{
    return purpose + MFI_PURPOSES * (uint32_t)(node - 1);
}

typedef struct mfi_stream {
    uint32_t key[2];
    uint32_t draw[2]; /* counts the draws for this purpose: steps, or how often M was initialised */
    uint32_t purpose;
} mfi_stream;

void mfi_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

mfi_stream mfi_stream_of(uint64_t seed, uint32_t purpose, uint64_t draw);

/* Block number `block` of the stream: four 32-bit numbers. */
void mfi_stream_block(const mfi_stream *stream, uint32_t block, uint32_t out[4]);

/* 23 random bits as a float in (0, 1): never 0, so that its logarithm is finite, and never 1. */
static inline float mfi_unit_float(uint32_t bits)
{
    return ((float)(bits >> 9) + 0.5f) * (1.0f / 8388608.0f);
}

#endif
