/* Owns: reading and writing the caller's structs, which may be older or newer than this library.
 * All of them begin with uint32_t struct_size. */
#ifndef MFI_BASE_STRUCTS_H
#define MFI_BASE_STRUCTS_H

#include <monoforward.h>

/* The size of a struct when `last` was its last field, in the version that introduced it. It never changes.
 */
#define MFI_SIZE_UP_TO(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/* Copies the fields that the caller's struct and this version both have over `defaults`. `first` is the size
 * of the struct when it was introduced, `known` its size now. ARGUMENT if the caller's struct is NULL, is
 * smaller than `first`, or has bytes beyond `known` that are not 0. */
mf_status mfi_struct_read(void *defaults, size_t known, const void *source, size_t first, const char *name);

/* Writes the fields of `values` that the caller's struct has too, and sets the rest of the caller's struct to
 * 0. */
mf_status mfi_struct_write(void *target, const void *values, size_t known, size_t first, const char *name);

/* The same with the size as an argument, for the public _init functions. */
mf_status mfi_struct_init(void *target, size_t size, const void *defaults, size_t known, size_t first,
                          const char *name);

#endif
