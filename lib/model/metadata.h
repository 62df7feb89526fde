/* Owns: the host's metadata of a network: texts with names, which go with it into files. */
#ifndef MFI_MODEL_METADATA_H
#define MFI_MODEL_METADATA_H

#include <monoforward.h>

/* One block of memory: the name, a 0, the value, a 0. */
typedef struct mfi_metadata_entry {
    char *name;
    const char *value;
    size_t bytes; /* of the block */
} mfi_metadata_entry;

/* All zero: empty. */
typedef struct mfi_metadata {
    mfi_metadata_entry *entries; /* [capacity], sorted by the bytes of their names */
    size_t count, capacity;
    size_t bytes; /* of all names and values, without the zeros */
} mfi_metadata;

/* Adds an entry, or replaces the one of that name; both texts are copied. ARGUMENT (no valid name, or no
 * valid UTF-8), CAPACITY (beyond one of the limits), MEMORY. After a failure nothing has changed. */
mf_status mfi_metadata_set(mfi_metadata *metadata, const mf_allocator *allocator, const char *name,
                           const char *value);

/* NOT_FOUND if there is no entry of that name. */
mf_status mfi_metadata_find(const mfi_metadata *metadata, const char *name, size_t *index);
mf_status mfi_metadata_remove(mfi_metadata *metadata, const mf_allocator *allocator, const char *name);

void mfi_metadata_clear(mfi_metadata *metadata, const mf_allocator *allocator);

#endif
