/* SPDX-License-Identifier: MIT */
#include "memory_faults.h"

#include <errno.h>
#include <stdlib.h>

enum { MOST_BLOCKS = 4096 };

static void *blocks[MOST_BLOCKS];
static size_t block_count, failing, seen, failed;
static int failing_lasts;

void memory_fault_at(size_t nth, int lasting)
{
    failing = nth;
    failing_lasts = lasting;
    seen = 0;
    failed = nth > 0 ? 0 : failed;
}

size_t memory_faults(void)
{
    return failed;
}

size_t memory_blocks(void)
{
    return block_count;
}

static int fails(void)
{
    if (failing == 0)
        return 0;
    seen++;
    if (seen != failing && !(failing_lasts && seen > failing))
        return 0;
    failed++;
    errno = ENOMEM;
    return 1;
}

static void *taken(void *block)
{
    if (failing == 0 || block == NULL)
        return block;
    if (block_count == MOST_BLOCKS)
        abort();
    return blocks[block_count++] = block;
}

static void given_back(const void *block)
{
    size_t i = 0;

    while (i < block_count && blocks[i] != block)
        i++;
    if (i < block_count)
        blocks[i] = blocks[--block_count];
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **block, size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes);
void __real_free(void *block);
void __wrap_free(void *block);

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : taken(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : taken(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    if (fails())
        return NULL;
    given_back(old);
    return taken(__real_realloc(old, bytes));
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return fails() ? NULL : taken(__real_aligned_alloc(alignment, bytes));
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes)
{
    int error = fails() ? ENOMEM : __real_posix_memalign(block, alignment, bytes);

    if (error == 0)
        taken(*block);
    return error;
}

void __wrap_free(void *block)
{
    given_back(block);
    __real_free(block);
}
