/* Owns: what every opaque handle begins with: its kind, its references, its allocator. */
#ifndef MFI_BASE_HANDLE_H
#define MFI_BASE_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <monoforward.h>

/* Values that neither small numbers nor text nor pointers look like. */
typedef enum mfi_kind {
    MFI_KIND_FREED = 0x0DEAD0F1,
    MFI_KIND_OPTIMIZER = 0x4D460A71,
    MFI_KIND_LAYER = 0x4D460B82,
    MFI_KIND_NETWORK = 0x4D460C93,
    MFI_KIND_WORKSPACE = 0x4D460DA4,
    MFI_KIND_PIPELINE = 0x4D460EB5,
    MFI_KIND_BUILDER = 0x4D460FC6
} mfi_kind;

typedef struct mfi_handle {
    uint32_t kind;
    atomic_uint references; /* atomic: workspaces for one network may come and go in several threads */
    mf_allocator allocator;
    size_t bytes;
} mfi_handle;

/* A zeroed block of `bytes` that begins with a handle of one reference; NULL with a message if there is none.
 */
void *mfi_handle_create(mfi_kind kind, const mf_allocator *allocator, size_t bytes);

void mfi_handle_retain(mfi_handle *handle);

/* Gives up a reference; true if it was the last one. */
bool mfi_handle_drop(mfi_handle *handle);

/* Marks the block as freed and gives it back. */
void mfi_handle_destroy(mfi_handle *handle);

/* OK, or HANDLE with a message if `handle` is NULL or of another kind. */
mf_status mfi_handle_check(const void *handle, mfi_kind kind);

#endif
