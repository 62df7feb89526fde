/* Owns: arithmetic of sizes that reports overflow, and memory from the allocator of a handle. */
#include "base/memory.h"

#include <stdlib.h>

bool mfi_multiply(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *product = a * b;
    return true;
}

bool mfi_reserve(size_t *total, size_t count, size_t size, size_t *offset)
{
    size_t bytes;
    if (!mfi_multiply(count, size, &bytes) || bytes > SIZE_MAX - (MFI_ALIGNMENT - 1))
        return false;
    bytes = (bytes + MFI_ALIGNMENT - 1) / MFI_ALIGNMENT * MFI_ALIGNMENT;
    if (bytes > SIZE_MAX - *total)
        return false;
    *offset = *total;
    *total += bytes;
    return true;
}

#ifdef MF_NO_MALLOC

static void *default_alloc(void *user, size_t bytes, size_t alignment)
{
    (void)user, (void)bytes, (void)alignment;
    return NULL;
}

static void default_free(void *user, void *pointer, size_t bytes)
{
    (void)user, (void)pointer, (void)bytes;
}

#else

static void *default_alloc(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    /* aligned_alloc() accepts multiples of the alignment only. */
    if (bytes > SIZE_MAX - alignment)
        return NULL;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void default_free(void *user, void *pointer, size_t bytes)
{
    (void)user;
    (void)bytes;
    free(pointer);
}

#endif

mf_allocator mfi_allocator_or_default(const mf_allocator *allocator)
{
    if (allocator)
        return *allocator;
    return (mf_allocator){.alloc = default_alloc, .free = default_free, .user = NULL};
}

void *mfi_allocate(const mf_allocator *allocator, size_t bytes)
{
    return allocator->alloc(allocator->user, bytes, MFI_ALIGNMENT);
}

void mfi_release(const mf_allocator *allocator, void *pointer, size_t bytes)
{
    if (pointer)
        allocator->free(allocator->user, pointer, bytes);
}
