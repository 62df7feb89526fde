/* The k-th allocation fails, for every k of a call: what tests of that share. SPDX-License-Identifier: MIT */
#ifndef TEST_SWEEP_H
#define TEST_SWEEP_H

#include "check.h"
#include "memory.h"

static test_memory memory;
static mf_allocator allocator;

/** For with_memory(): all that was taken must have been given back. */
static inline int open_memory(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    allocator = memory_allocator(&memory);
    return 0;
}

static inline int close_memory(void **state)
{
    (void)state;
    memory_fail_at(&memory, 0);
    assert_int_equal(memory.blocks_out, 0);
    assert_int_equal(memory.bytes_out, 0);
    assert_int_equal(memory.faults, 0);
    memory_release(&memory);
    return 0;
}

#define with_memory(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

/** Runs `call` with the 1st, 2nd, ... allocation failing until it succeeds, and `check_failed` after each
 * failure. At least `least` allocations must have been there to fail. */
#define sweep(least, call, check_failed)                                 \
    do {                                                                 \
        size_t failed = 0;                                               \
        for (size_t nth = 1;; nth++) {                                   \
            size_t blocks = memory.blocks_out, bytes = memory.bytes_out; \
            mf_status status;                                            \
            memory_fail_at(&memory, nth);                                \
            status = (call);                                             \
            memory_fail_at(&memory, 0);                                  \
            if (status == MF_STATUS_OK)                                  \
                break;                                                   \
            check_status(MF_STATUS_MEMORY, status);                      \
            assert_true(mf_last_message()[0] != '\0');                   \
            assert_int_equal(memory.blocks_out, blocks);                 \
            assert_int_equal(memory.bytes_out, bytes);                   \
            check_failed;                                                \
            failed++;                                                    \
            assert_true(failed < 1000);                                  \
        }                                                                \
        assert_true((int)failed >= (least));                             \
    } while (0)

static inline void check_null(const void *pointer)
{
    if (pointer != NULL)
        fail_msg("a failed create left something else than NULL");
}

#endif
