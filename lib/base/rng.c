/* Owns: counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011). */
#include "base/rng.h"

void mfi_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

mfi_stream mfi_stream_of(uint64_t seed, uint32_t purpose, uint64_t draw)
{
    return (mfi_stream){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .draw = {(uint32_t)draw, (uint32_t)(draw >> 32)},
        .purpose = purpose,
    };
}

void mfi_stream_block(const mfi_stream *stream, uint32_t block, uint32_t out[4])
{
    const uint32_t counter[4] = {block, stream->draw[0], stream->draw[1], stream->purpose};
    mfi_philox4x32(counter, stream->key, out);
}
