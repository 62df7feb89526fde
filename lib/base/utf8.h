/* Owns: the rules of UTF-8, and where texts may be cut. */
#ifndef MFI_BASE_UTF8_H
#define MFI_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* The length of a text whose first `length` bytes are there, without the character at its end of which bytes
 * are missing. */
static inline size_t mfi_utf8_whole(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t first = length;
    uint32_t code;
    while (first > 0 && length - first < 3 && (at[first - 1] & 0xC0) == 0x80)
        first--;
    if (first == 0 || mfi_utf8_character(at + first - 1, length - first + 1, &code) > 0)
        return length;
    return first - 1;
}

/* How many bytes of a text are shown where at most `most` are: for "%.*s". */
static inline int mfi_utf8_shown(const char *text, size_t most)
{
    size_t length = strlen(text);
    return (int)(length <= most ? length : mfi_utf8_whole(text, most));
}

/* What is shown of a text of a stranger's, which may be none. */
enum { MFI_EXCERPT = 120 };
typedef struct mfi_excerpt {
    char text[MFI_EXCERPT + 1];
} mfi_excerpt;

/* At most `most` bytes, which are MFI_EXCERPT or fewer, up to the first that is no character, or a 0. */
static inline mfi_excerpt mfi_excerpt_of(const unsigned char *bytes, size_t count, size_t most)
{
    mfi_excerpt excerpt = {{0}};
    size_t end = 0;
    while (end < count) {
        uint32_t code;
        size_t step = mfi_utf8_character(bytes + end, count - end, &code);
        if (step == 0 || code == 0 || end + step > most)
            break;
        memcpy(excerpt.text + end, bytes + end, step);
        end += step;
    }
    return excerpt;
}

/* A path in at most `most` bytes, 3 to MFI_EXCERPT: of a long one its end, where the file's name is. */
static inline mfi_excerpt mfi_path_shown(const char *path, size_t most)
{
    mfi_excerpt shown = {{0}};
    const char *from = *path ? path : "an empty path";
    char *to = shown.text;
    size_t length = strlen(from);
    if (length > most) {
        to = (char *)memcpy(to, "...", 3) + 3;
        for (from += length - (most - 3); ((unsigned char)*from & 0xC0) == 0x80;) /* inside a character */
            from++;
    }
    memcpy(to, from, strlen(from));
    return shown;
}

#endif
