/* An mf_allocator that counts, fails on demand, hands out NaN, and can keep freed blocks.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "monoforward.h"

struct test_block;

/** What the allocator has seen. Zero it, then call memory_allocator(). One thread at a time. */
typedef struct test_memory {
    size_t bytes_out;  /**< Bytes handed out and not yet taken back. */
    size_t blocks_out; /**< Blocks handed out and not yet taken back. */
    size_t calls;      /**< Calls of alloc so far, failed ones too. */
    size_t frees;      /**< Calls of free with a block. */
    size_t largest;    /**< Largest request so far, in bytes. */
    size_t fail_at;    /**< Number of the call that fails, counted from 1; 0: none. */
    size_t limit;      /**< Requests above this many bytes fail; 0: no limit. */
    size_t faults;     /**< Blocks returned twice, with another size, or never handed out; written behind their end. */
    int quarantine;    /**< Not 0: freed blocks stay readable until memory_release(). */
    struct test_block *blocks;
} test_memory;

/** The allocator that works on `memory`. */
mf_allocator memory_allocator(test_memory *memory);

/** From now on, the `k`-th allocation fails (once); 0: none. */
void memory_fail_at(test_memory *memory, size_t k);

/** Gives quarantined blocks back to the system. */
void memory_release(test_memory *memory);

#endif
