/* Owns: the beginning of every opaque handle: its kind, its reference count, its allocator. */
#include "base/handle.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"

static const char *kind_name(uint32_t kind)
{
    switch (kind) {
    case MFI_KIND_FREED:
        return "a freed handle";
    case MFI_KIND_OPTIMIZER:
        return "an optimizer";
    case MFI_KIND_LAYER:
        return "a layer";
    case MFI_KIND_NETWORK:
        return "a network";
    case MFI_KIND_WORKSPACE:
        return "a workspace";
    case MFI_KIND_PIPELINE:
        return "a pipeline";
    case MFI_KIND_BUILDER:
        return "a builder";
    case MFI_KIND_POOL:
        return "a pool";
    case MFI_KIND_MATRIX:
        return "a matrix";
    default:
        return "what is not a handle";
    }
}

void *mfi_handle_create(mfi_kind kind, const mf_allocator *allocator, size_t bytes)
{
    mf_allocator source = mfi_allocator_or_default(allocator);
    mfi_handle *handle = mfi_allocate(&source, bytes);
    if (!handle) {
        mfi_fail(MF_STATUS_MEMORY, "no memory for %s of %zu bytes", kind_name(kind), bytes);
        return NULL;
    }
    memset(handle, 0, bytes);
    handle->kind = kind;
    atomic_init(&handle->references, 1);
    handle->allocator = source;
    handle->bytes = bytes;
    return handle;
}

void mfi_handle_retain(mfi_handle *handle)
{
    atomic_fetch_add_explicit(&handle->references, 1, memory_order_relaxed);
}

bool mfi_handle_is_shared(const mfi_handle *handle)
{
    return atomic_load_explicit(&handle->references, memory_order_relaxed) > 1;
}

bool mfi_handle_drop(mfi_handle *handle)
{
    /* The thread that drops the last reference must see what the others wrote. */
    return atomic_fetch_sub_explicit(&handle->references, 1, memory_order_acq_rel) == 1;
}

void mfi_handle_destroy(mfi_handle *handle)
{
    mf_allocator allocator = handle->allocator;
    handle->kind = MFI_KIND_FREED;
    mfi_release(&allocator, handle, handle->bytes);
}

mf_status mfi_handle_check(const void *handle, mfi_kind kind)
{
    if (!handle)
        return mfi_fail(MF_STATUS_HANDLE, "expected %s, got NULL", kind_name(kind));
    uint32_t found = ((const mfi_handle *)handle)->kind;
    if (found != (uint32_t)kind)
        return mfi_fail(MF_STATUS_HANDLE, "expected %s, got %s", kind_name(kind), kind_name(found));
    return MF_STATUS_OK;
}
