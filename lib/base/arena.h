/* Owns: an allocator inside a buffer of the caller's. */
#ifndef MFI_BASE_ARENA_H
#define MFI_BASE_ARENA_H

#include <monoforward.h>

/* What a block costs beside its own bytes, rounded up to the alignment. */
size_t mfi_arena_block_cost(size_t bytes);

/* What the arena itself costs: its books, and what aligning the buffer may lose. */
size_t mfi_arena_base_cost(void);

mf_status mfi_arena_init(void *buffer, size_t bytes, mf_allocator *allocator);

#endif
