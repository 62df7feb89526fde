/* A counting, failing, quarantining allocator. SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* A block's record stays in the list until memory_release(), so that a second free is recognised. */
struct test_block {
    struct test_block *next;
    void *pointer;
    size_t bytes;
    int in_use;
};

static void *counted_alloc(void *user, size_t bytes, size_t alignment)
{
    test_memory *memory = user;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    struct test_block *block;

    memory->calls++;
    if (bytes > memory->largest)
        memory->largest = bytes;
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > 64)
        memory->faults++;
    if (memory->calls == memory->fail_at || (memory->limit != 0 && bytes > memory->limit))
        return NULL;
    if (rounded < bytes)
        return NULL;
    block = malloc(sizeof *block);
    if (block == NULL)
        return NULL;
    block->pointer =
        aligned_alloc(alignment < sizeof(void *) ? sizeof(void *) : alignment, rounded < 64 ? 64 : rounded);
    if (block->pointer == NULL) {
        free(block);
        return NULL;
    }
    /* Not zero: a library that forgets to initialise must not be lucky. */
    memset(block->pointer, 0xa5, bytes);
    block->bytes = bytes;
    block->in_use = 1;
    block->next = memory->blocks;
    memory->blocks = block;
    memory->bytes_out += bytes;
    memory->blocks_out++;
    return block->pointer;
}

static void counted_free(void *user, void *pointer, size_t bytes)
{
    test_memory *memory = user;
    struct test_block **link = &memory->blocks;

    if (pointer == NULL)
        return;
    while (*link != NULL && !((*link)->pointer == pointer && (*link)->in_use))
        link = &(*link)->next;
    if (*link == NULL || (*link)->bytes != bytes) {
        memory->faults++;
        return;
    }
    memory->frees++;
    memory->bytes_out -= bytes;
    memory->blocks_out--;
    if (memory->quarantine) {
        (*link)->in_use = 0;
    } else {
        struct test_block *block = *link;

        *link = block->next;
        free(block->pointer);
        free(block);
    }
}

mf_allocator memory_allocator(test_memory *memory)
{
    return (mf_allocator){.alloc = counted_alloc, .free = counted_free, .user = memory};
}

void memory_fail_at(test_memory *memory, size_t k)
{
    memory->fail_at = k ? memory->calls + k : 0;
}

void memory_release(test_memory *memory)
{
    struct test_block **link = &memory->blocks;

    while (*link != NULL) {
        struct test_block *block = *link;

        if (block->in_use) {
            link = &block->next;
            continue;
        }
        *link = block->next;
        free(block->pointer);
        free(block);
    }
}
