/* Owns: the check of JSON text before it is parsed. */
#include "io/scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "base/utf8.h"

enum { DEEPEST = 6, BYTES_PER_VALUE = 4, FREE_VALUES = 16 };

typedef struct scan {
    const unsigned char *at, *end;
    size_t values; /* how many more values are allowed: each takes memory in the tree */
    int depth;
} scan;

static bool scan_value(scan *s);

static void skip_space(scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool next_is(scan *s, unsigned char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool scan_word(scan *s, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
        return false;
    s->at += length;
    return true;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads four hexadecimal digits; 0 if there are none. The character 0 is not accepted either, since it would
 * end the JSON library's strings early. */
static int scan_code(scan *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = s->at < s->end ? hex_digit(*s->at++) : -1;
        if (digit < 0)
            return 0;
        value = value * 16 + digit;
    }
    return value;
}

/* Reads what follows a backslash. */
static bool scan_escape(scan *s)
{
    if (s->at == s->end)
        return false;
    unsigned char c = *s->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    int code = scan_code(s);
    if (code < 0xD800 || code > 0xDFFF)
        return code != 0;
    /* The first half of a surrogate pair: the second must follow. */
    int other = scan_word(s, "\\u") ? scan_code(s) : 0;
    return code < 0xDC00 && other >= 0xDC00 && other <= 0xDFFF;
}

/* Reads a character beyond ASCII, whose first byte has been read. */
static bool scan_utf8(scan *s)
{
    uint32_t code;
    size_t bytes = mfi_utf8_character(s->at - 1, (size_t)(s->end - s->at) + 1, &code);
    s->at += bytes ? bytes - 1 : 0;
    return bytes > 0;
}

static bool scan_string(scan *s)
{
    if (!next_is(s, '"'))
        return false;
    while (s->at < s->end) {
        unsigned char c = *s->at++;
        if (c == '"')
            return true;
        if (c < ' ' || (c == '\\' && !scan_escape(s)) || (c >= 0x80 && !scan_utf8(s)))
            return false;
    }
    return false;
}

static bool scan_number(scan *s)
{
    const uint64_t largest = UINT64_C(1) << 53;
    const unsigned char *first = s->at;
    uint64_t value = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - first < 17; s->at++)
        value = value * 10 + (uint64_t)(*s->at - '0');
    if (s->at == first || (*first == '0' && s->at - first > 1) || value > largest)
        return false;
    return s->at == s->end || !strchr("0123456789.eE+-", *s->at) || *s->at == '\0';
}

/* Reads the members after the opening bracket. */
static bool scan_members(scan *s, bool object)
{
    unsigned char close = object ? '}' : ']';
    if (next_is(s, close))
        return true;
    do {
        if (object && (!scan_string(s) || !next_is(s, ':')))
            return false;
        if (!scan_value(s))
            return false;
    } while (next_is(s, ','));
    return next_is(s, close);
}

static bool scan_value(scan *s)
{
    skip_space(s);
    if (s->at == s->end || s->values-- == 0)
        return false;
    unsigned char c = *s->at;
    if (c == '"')
        return scan_string(s);
    if (c == 't')
        return scan_word(s, "true");
    if (c == 'f')
        return scan_word(s, "false");
    if (c != '{' && c != '[')
        return scan_number(s);
    if (s->depth == DEEPEST)
        return false;
    s->at++;
    s->depth++;
    bool good = scan_members(s, c == '{');
    s->depth--;
    return good;
}

mf_status mfi_scan_json(const char *text, size_t bytes, const char *what)
{
    const unsigned char *first = (const unsigned char *)text;
    scan s = {.at = first, .end = first + bytes, .values = bytes / BYTES_PER_VALUE + FREE_VALUES};
    bool good = bytes > 0 && *first == '{' && scan_value(&s);
    while (good && s.at < s.end && *s.at == ' ')
        s.at++;
    if (!good || s.at < s.end)
        return mfi_fail(MF_STATUS_FORMAT, "%s is not valid JSON of a model, at byte %zu", what,
                        (size_t)(s.at - first));
    return MF_STATUS_OK;
}
