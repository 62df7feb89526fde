/* A counting, failing, quarantining allocator. SPDX-License-Identifier: MIT */
#include "memory.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* A block's record stays in the list until memory_release(), so that a second free is recognised. */
struct test_block {
    struct test_block *next;
    void *pointer;
    size_t bytes;
    int in_use;
};

/* Behind each block, unless a sanitizer looks there: what is written is seen when the block comes back. */
static const size_t guard = SANITIZED ? 0 : 64;

enum { FILL = 0xFF };

/* A block's bytes are not zero, so that a library that forgets to initialise is not lucky: as floats they are
 * NaN. */
static void *filled_block(size_t bytes, size_t alignment)
{
    size_t least = alignment < 64 ? 64 : alignment, room = (bytes + guard + least - 1) / least * least;
    void *block = room < bytes ? NULL : aligned_alloc(least, room);

    if (block != NULL)
        memset(block, FILL, bytes + guard);
    return block;
}

static int guard_is_whole(const struct test_block *block)
{
    const unsigned char *behind = (const unsigned char *)block->pointer + block->bytes;

    for (size_t i = 0; i < guard; i++)
        if (behind[i] != FILL)
            return 0;
    return 1;
}

static void *counted_alloc(void *user, size_t bytes, size_t alignment)
{
    test_memory *memory = user;
    struct test_block *block;

    memory->calls++;
    if (bytes > memory->largest)
        memory->largest = bytes;
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > 64)
        memory->faults++;
    if (memory->calls == memory->fail_at || (memory->limit != 0 && bytes > memory->limit))
        return NULL;
    block = malloc(sizeof *block);
    if (block == NULL)
        return NULL;
    block->pointer = filled_block(bytes, alignment);
    if (block->pointer == NULL) {
        free(block);
        return NULL;
    }
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
    memory->faults += !guard_is_whole(*link);
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
