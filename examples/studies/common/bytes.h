/* bytes: mean and deviation of many bytes, from a count of their values: exact and quick; and a hash of them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_BYTES_H
#define STUDIES_BYTES_H

#include <stddef.h>
#include <stdint.h>

enum { BYTE_VALUES = 256 };

struct byte_counts {
    uint64_t of[BYTE_VALUES];
};

void bytes_count(struct byte_counts *counts, const uint8_t *bytes, size_t count);

/* A deviation of 0 becomes 1, so that one can divide by it. */
void bytes_moments(const struct byte_counts *counts, double *mean, double *deviation);

/* FNV-1a of `hash`, HASH_START for the first bytes, and more of them. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t bytes_hash(uint64_t hash, const void *bytes, size_t count);

#endif
