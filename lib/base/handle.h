/* Owns: the beginning of every opaque handle: its kind, its reference count, its allocator. */
#ifndef MFI_BASE_HANDLE_H
#define MFI_BASE_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <monoforward.h>

/* The values are unlike small numbers, text and pointers, so that a wrong pointer is noticed. */
typedef enum mfi_kind {
    MFI_KIND_FREED = 0x0DEAD0F1,
    MFI_KIND_OPTIMIZER = 0x4D460A71,
    MFI_KIND_LAYER = 0x4D460B82,
    MFI_KIND_NETWORK = 0x4D460C93,
    MFI_KIND_WORKSPACE = 0x4D460DA4,
    MFI_KIND_PIPELINE = 0x4D460EB5,
    MFI_KIND_BUILDER = 0x4D460FC6,
    MFI_KIND_POOL = 0x4D4610D7,
    MFI_KIND_MATRIX = 0x4D4611E8
} mfi_kind;

typedef struct mfi_handle {
    uint32_t kind;
    atomic_uint references; /* atomic: several threads may create and free workspaces for one network */
    mf_allocator allocator;
    size_t bytes;
} mfi_handle;

/* Allocates `bytes` zeroed bytes that begin with a handle with one reference. NULL, with a message, if there
 * is no memory. */
void *mfi_handle_create(mfi_kind kind, const mf_allocator *allocator, size_t bytes);

void mfi_handle_retain(mfi_handle *handle);

/* Whether there is more than one reference. */
bool mfi_handle_is_shared(const mfi_handle *handle);

/* Drops a reference; true if it was the last one. */
bool mfi_handle_drop(mfi_handle *handle);

/* Marks the handle as freed and frees its memory. */
void mfi_handle_destroy(mfi_handle *handle);

/* OK, or HANDLE with a message if `handle` is NULL or of another kind. */
mf_status mfi_handle_check(const void *handle, mfi_kind kind);

#endif
