/* Owns: the table of tensors in the header of a safetensors file. The names remain part of the JSON tree. */
#ifndef MFI_IO_TENSORS_H
#define MFI_IO_TENSORS_H

#include "io/json.h"

enum { MFI_TENSOR_RANK = 4 };

typedef struct mfi_tensor {
    const char *name;
    size_t rank;
    uint64_t dims[MFI_TENSOR_RANK];
    uint64_t begin, end; /* bytes from the start of the data */
} mfi_tensor;

typedef struct mfi_tensors {
    mfi_tensor *list; /* sorted by name */
    size_t count;
    const mfi_json *metadata; /* an object of strings, or NULL */
    mf_allocator allocator;
    size_t bytes; /* size of the list */
} mfi_tensors;

/* Reads the header's tree and checks it by the rules of the format against `data_bytes`, the size of the
 * data: names are unique, sizes agree with shapes, and the ranges of bytes cover the data from 0 to its end
 * without gaps. Errors: FORMAT, MEMORY. Free the table with mfi_tensors_free(), also after a failure. */
mf_status mfi_tensors_read(const mfi_json *header, uint64_t data_bytes, const mf_allocator *allocator,
                           mfi_tensors *tensors);
void mfi_tensors_free(mfi_tensors *tensors);

/* The tensor of that name; NULL if there is none. */
const mfi_tensor *mfi_tensors_find(const mfi_tensors *tensors, const char *name);

/* The string of the metadata with that key; NULL if there is none. */
const char *mfi_tensors_metadata(const mfi_tensors *tensors, const char *key);

#endif
