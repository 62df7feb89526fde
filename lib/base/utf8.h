/* Owns: the rules of UTF-8. */
#ifndef MFI_BASE_UTF8_H
#define MFI_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Number of bytes of the character at `at`, where `left` bytes are left, and the character in *code; 0 if the
 * bytes are no character: a wrong sequence, a form that is longer than needed, half of a surrogate pair, or
 * beyond U+10FFFF. */
static inline size_t mfi_utf8_character(const unsigned char *at, size_t left, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* by the number of bytes */
    unsigned char first = left > 0 ? *at : 0xFF;
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    size_t bytes = first >= 0xF5 ? 0 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
    if (bytes == 0 || left < bytes)
        return 0;
    uint32_t value = first & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3Fu);
    }
    if (value < smallest[bytes] || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF)
        return 0;
    *code = value;
    return bytes;
}

#endif
