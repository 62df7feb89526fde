/* Owns: numbers as little-endian bytes, on any machine. */
#ifndef MFI_IO_BYTES_H
#define MFI_IO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void mfi_put_u32(unsigned char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

static inline uint32_t mfi_get_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline void mfi_put_u64(unsigned char *bytes, uint64_t value)
{
    mfi_put_u32(bytes, (uint32_t)value);
    mfi_put_u32(bytes + 4, (uint32_t)(value >> 32));
}

static inline uint64_t mfi_get_u64(const unsigned char *bytes)
{
    return (uint64_t)mfi_get_u32(bytes) | (uint64_t)mfi_get_u32(bytes + 4) << 32;
}

static inline void mfi_put_float(unsigned char *bytes, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    mfi_put_u32(bytes, bits);
}

static inline float mfi_get_float(const unsigned char *bytes)
{
    uint32_t bits = mfi_get_u32(bytes);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void mfi_get_floats(const unsigned char *bytes, size_t count, float *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = mfi_get_float(bytes + 4 * i);
}

#endif
