/* Owns: an allocator inside a buffer of the caller's. */
#ifndef MFI_BASE_ARENA_H
#define MFI_BASE_ARENA_H

#include <monoforward.h>

/* Bytes that a block of `bytes` bytes takes in the arena: its head, and its bytes rounded up to the
 * alignment. */
size_t mfi_arena_block_cost(size_t bytes);

/* Bytes that the arena may lose by aligning the buffer. */
size_t mfi_arena_base_cost(void);

mf_status mfi_arena_init(void *buffer, size_t bytes, mf_allocator *allocator);

#endif
