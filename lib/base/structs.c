/* Owns: reading and writing the caller's structs, which may be older or newer than this library. */
#include "base/structs.h"

#include <string.h>

#include "base/status.h"

/* No struct will ever be this large. A larger struct_size means that the caller has not set it. */
enum { LARGEST = 4096 };

static mf_status check_size(size_t size, size_t first, const char *name)
{
    if (size < first || size > LARGEST)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s: struct_size must be from %zu to %d, got %zu", name, first,
                        (int)LARGEST, size);
    return MF_STATUS_OK;
}

static uint32_t struct_size_of(const void *object)
{
    uint32_t size;
    memcpy(&size, object, sizeof size);
    return size;
}

mf_status mfi_struct_read(void *defaults, size_t known, const void *source, size_t first, const char *name)
{
    if (!source)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must not be NULL", name);
    size_t size = struct_size_of(source);
    MFI_TRY(check_size(size, first, name));
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)source)[i] != 0)
            return mfi_fail(MF_STATUS_ARGUMENT, "%s: byte %zu is set, but this version knows %zu bytes only",
                            name, i, known);
    memcpy(defaults, source, size < known ? size : known);
    return MF_STATUS_OK;
}

mf_status mfi_struct_write(void *target, const void *values, size_t known, size_t first, const char *name)
{
    if (!target)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must not be NULL", name);
    return mfi_struct_init(target, struct_size_of(target), values, known, first, name);
}

mf_status mfi_struct_init(void *target, size_t size, const void *defaults, size_t known, size_t first,
                          const char *name)
{
    if (!target)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must not be NULL", name);
    MFI_TRY(check_size(size, first, name));
    memset(target, 0, size);
    memcpy(target, defaults, size < known ? size : known);
    uint32_t stored = (uint32_t)size;
    memcpy(target, &stored, sizeof stored);
    return MF_STATUS_OK;
}
