/* Snapshots as bytes. SPDX-License-Identifier: MIT */
#include "snapshots.h"

unsigned char *take_snapshot(const mf_network *network, size_t *bytes)
{
    unsigned char *snapshot;

    check_ok(mf_network_snapshot_size(network, bytes));
    snapshot = get_memory(*bytes);
    check_ok(mf_network_snapshot_save(network, snapshot, *bytes));
    return snapshot;
}

uint64_t snapshot_u64(const unsigned char *at)
{
    uint64_t value = 0;

    for (int b = 7; b >= 0; b--)
        value = value << 8 | at[b];
    return value;
}

void set_snapshot_u64(unsigned char *at, uint64_t value)
{
    for (int b = 0; b < 8; b++)
        at[b] = (unsigned char)(value >> 8 * b);
}

void set_snapshot_bits(unsigned char *at, uint32_t bits)
{
    for (int b = 0; b < 4; b++)
        at[b] = (unsigned char)(bits >> 8 * b);
}

/* FNV-1a of words of 32 bits, with a shift behind each. */
static uint64_t sum_of_words(const unsigned char *at, size_t bytes)
{
    uint64_t sum = UINT64_C(14695981039346656037);

    for (; bytes >= 4; bytes -= 4, at += 4) {
        sum ^= (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
        sum *= UINT64_C(1099511628211);
        sum ^= sum >> 29;
    }
    return sum;
}

void seal_snapshot(unsigned char *snapshot, size_t bytes)
{
    set_snapshot_u64(snapshot + SNAPSHOT_SIZE_AT, bytes);
    set_snapshot_u64(snapshot + SNAPSHOT_SUM_AT,
                     sum_of_words(snapshot + SNAPSHOT_COUNTS_AT, bytes - SNAPSHOT_COUNTS_AT));
}
