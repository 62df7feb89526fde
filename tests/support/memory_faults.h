/* Stands between the library and the C library's calls that take memory: counts what they have given, and
 * makes the k-th one fail. For programs that link the static library and wrap malloc, calloc, realloc,
 * aligned_alloc, posix_memalign and free. One thread at a time. SPDX-License-Identifier: MIT */
#ifndef TEST_MEMORY_FAULTS_H
#define TEST_MEMORY_FAULTS_H

#include <stddef.h>

/** From now on the `nth` call fails, counted from 1, and if `lasting` all behind it; 0: none does, and what
 * is taken is no longer counted. */
void memory_fault_at(size_t nth, int lasting);

/** Calls that have failed since then. */
size_t memory_faults(void);

/** Blocks that were taken while some call was to fail, and that were not given back. */
size_t memory_blocks(void);

#endif
