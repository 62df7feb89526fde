/* Owns: an allocator inside a buffer of the caller's. It takes the first free block that is large enough,
 * from a list in the order of addresses; free neighbours are merged. There are few blocks, so the search is
 * short. */
#include "base/arena.h"

#include <stdbool.h>

#include "base/memory.h"
#include "base/status.h"

/* The head of a block, in front of its bytes. It takes MFI_ALIGNMENT bytes. */
typedef struct arena_block {
    struct arena_block *next;
    size_t bytes; /* that follow this head */
    bool used;
} arena_block;

enum { HEAD = MFI_ALIGNMENT };

static size_t round_up(size_t bytes)
{
    return (bytes + MFI_ALIGNMENT - 1) / MFI_ALIGNMENT * MFI_ALIGNMENT;
}

size_t mfi_arena_block_cost(size_t bytes)
{
    return HEAD + round_up(bytes);
}

size_t mfi_arena_base_cost(void)
{
    return MFI_ALIGNMENT - 1;
}

/* Splits a free block after `bytes` bytes, if the rest is large enough for another block. */
static void split(arena_block *at, size_t bytes)
{
    if (at->bytes < bytes + HEAD + MFI_ALIGNMENT)
        return;
    arena_block *rest = (arena_block *)((char *)at + HEAD + bytes);
    *rest = (arena_block){.next = at->next, .bytes = at->bytes - bytes - HEAD, .used = false};
    at->next = rest;
    at->bytes = bytes;
}

static void *arena_alloc(void *user, size_t bytes, size_t alignment)
{
    (void)alignment; /* every block is aligned to MFI_ALIGNMENT */
    if (bytes > SIZE_MAX - 2 * MFI_ALIGNMENT)
        return NULL;
    size_t wanted = bytes ? round_up(bytes) : MFI_ALIGNMENT;
    for (arena_block *at = user; at; at = at->next)
        if (!at->used && at->bytes >= wanted) {
            split(at, wanted);
            at->used = true;
            return (char *)at + HEAD;
        }
    return NULL;
}

static void arena_free(void *user, void *pointer, size_t bytes)
{
    (void)bytes;
    ((arena_block *)(void *)((char *)pointer - HEAD))->used = false;
    for (arena_block *at = user; at; at = at->next)
        while (!at->used && at->next && !at->next->used) {
            at->bytes += HEAD + at->next->bytes;
            at->next = at->next->next;
        }
}

mf_status mfi_arena_init(void *buffer, size_t bytes, mf_allocator *allocator)
{
    size_t lost = (MFI_ALIGNMENT - (uintptr_t)buffer % MFI_ALIGNMENT) % MFI_ALIGNMENT;
    if (bytes < lost + HEAD + MFI_ALIGNMENT)
        return mfi_fail(MF_STATUS_CAPACITY,
                        "an arena of %zu bytes is too small, at this address it must have at least %zu",
                        bytes, lost + HEAD + MFI_ALIGNMENT);
    arena_block *first = (arena_block *)(void *)((char *)buffer + lost);
    *first = (arena_block){.bytes = (bytes - lost - HEAD) / MFI_ALIGNMENT * MFI_ALIGNMENT};
    *allocator = (mf_allocator){.alloc = arena_alloc, .free = arena_free, .user = first};
    return MF_STATUS_OK;
}
