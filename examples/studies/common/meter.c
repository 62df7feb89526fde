/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include <stdlib.h>

static void *metered_alloc(void *user, size_t bytes, size_t alignment)
{
    struct meter *meter = user;
    if (bytes > SIZE_MAX - alignment)
        return NULL;
    /* aligned_alloc wants a multiple of the alignment. */
    void *pointer = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (pointer != NULL)
        meter->bytes += bytes;
    if (meter->bytes > meter->peak)
        meter->peak = meter->bytes;
    return pointer;
}

static void metered_free(void *user, void *pointer, size_t bytes)
{
    struct meter *meter = user;
    if (pointer != NULL)
        meter->bytes -= bytes;
    free(pointer);
}

mf_allocator meter_allocator(struct meter *meter)
{
    return (mf_allocator){metered_alloc, metered_free, meter};
}
