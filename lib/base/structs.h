/* Owns: reading and writing the caller's structs, which may be older or newer than this library.
 * All of them begin with uint32_t struct_size. */
#ifndef MFI_BASE_STRUCTS_H
#define MFI_BASE_STRUCTS_H

#include <monoforward.h>

/* The size a struct had when `last` was its last field: what it was introduced with, which never changes. */
#define MFI_SIZE_UP_TO(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/* Copies the caller's struct over `defaults`, as far as both know it. `first` is the size the struct had
 * when it was introduced, `known` the size it has now. ARGUMENT if it is NULL, smaller than it ever was,
 * or has a tail that is not zero and that this version does not know. */
mf_status mfi_struct_read(void *defaults, size_t known, const void *source, size_t first, const char *name);

/* Writes `values` to the caller's struct, as far as both know it, and zeros what it has beyond. */
mf_status mfi_struct_write(void *target, const void *values, size_t known, size_t first, const char *name);

/* The same with the size from an argument: what the public _init functions do. */
mf_status mfi_struct_init(void *target, size_t size, const void *defaults, size_t known, size_t first,
                          const char *name);

#endif
