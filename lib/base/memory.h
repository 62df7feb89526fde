/* Owns: arithmetic of sizes, which reports overflow, and memory from the allocator of a handle. */
#ifndef MFI_BASE_MEMORY_H
#define MFI_BASE_MEMORY_H

#include <stdbool.h>
#include <monoforward.h>

/* Every block is aligned for the widest vector registers and for cache lines. */
#define MFI_ALIGNMENT 64

static inline size_t mfi_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t mfi_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* *product = a b; false, with *product unchanged, if the product does not fit a size_t. */
bool mfi_multiply(size_t a, size_t b, size_t *product);

/* Reserves `count` items of `size` bytes in a block: *offset receives the old *total, where the items begin,
 * and *total grows by their bytes, rounded up to the alignment. False if that does not fit a size_t. */
bool mfi_reserve(size_t *total, size_t count, size_t size, size_t *offset);

/* The caller's allocator, or that of the C library if it is NULL. */
mf_allocator mfi_allocator_or_default(const mf_allocator *allocator);

void *mfi_allocate(const mf_allocator *allocator, size_t bytes);
void mfi_release(const mf_allocator *allocator, void *pointer, size_t bytes);

#endif
