/* Snapshots as bytes, to forge them: where their fields are, and a checksum that fits.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_SNAPSHOTS_H
#define TEST_SNAPSHOTS_H

#include "build.h"

/** Where the fields of the header are, and where the counts begin. */
enum {
    SNAPSHOT_VERSION_AT = 8,
    SNAPSHOT_SIZE_AT = 16,
    SNAPSHOT_SHAPES_AT = 24,
    SNAPSHOT_SUM_AT = 32,
    SNAPSHOT_COUNTS_AT = 40
};

/** A snapshot of the network; free() it. */
unsigned char *take_snapshot(const mf_network *network, size_t *bytes);

/** Little-endian numbers. */
uint64_t snapshot_u64(const unsigned char *at);
void set_snapshot_u64(unsigned char *at, uint64_t value);
void set_snapshot_bits(unsigned char *at, uint32_t bits);

/** Writes the size `bytes` and the checksum of what it has then. */
void seal_snapshot(unsigned char *snapshot, size_t bytes);

#endif
