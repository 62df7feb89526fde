/* Owns: reading JSON of the narrow kind that model files have. The text is read twice by the same functions:
 * first it is checked and its values are counted, then the tree is made, which cannot fail. */
#include "io/json.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/utf8.h"

enum { DEEPEST = 6, BYTES_PER_VALUE = 4, FREE_VALUES = 16 };

typedef enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_FLAG } json_kind;

struct mfi_json {
    const mfi_json *next;  /* the member behind it */
    const mfi_json *first; /* its own first member */
    const char *key;
    const char *text;
    uint64_t number; /* also of a flag */
    json_kind kind;
};

/* What mfi_json_parse() makes; behind the values lie the strings. */
typedef struct document {
    mf_allocator allocator;
    size_t bytes;
    mfi_json values[]; /* the first is the tree's root */
} document;

typedef struct reader {
    const unsigned char *at, *end;
    int depth;
    size_t values;  /* how many were found */
    size_t most;    /* how many are allowed: each takes memory in the tree */
    mfi_json *tree; /* their places; NULL while the text is only checked */
    char *strings;  /* where the next character of a string goes */
} reader;

static bool read_json(reader *r, mfi_json *item);

/* ---- characters ---- */

static void skip_space(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool next_is(reader *r, unsigned char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool read_word(reader *r, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* ---- strings ---- */

static void put_character(reader *r, unsigned char c)
{
    if (r->tree)
        *r->strings++ = (char)c;
}

/* As UTF-8, which takes no more bytes than the escape. */
static void put_code(reader *r, uint32_t code)
{
    if (code < 0x80) {
        put_character(r, (unsigned char)code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    put_character(r, (unsigned char)((0xFF00 >> (more + 1) & 0xFF) | code >> 6 * more));
    while (more-- > 0)
        put_character(r, (unsigned char)(0x80 | (code >> 6 * more & 0x3F)));
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads four hexadecimal digits; 0 if there are none. The character 0 is not accepted either, since it would
 * end a string early. */
static uint32_t read_digits(reader *r)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = r->at < r->end ? hex_digit(*r->at++) : -1;
        if (digit < 0)
            return 0;
        value = value * 16 + (uint32_t)digit;
    }
    return value;
}

/* Reads what follows \u. */
static bool read_code(reader *r)
{
    uint32_t code = read_digits(r);
    if (code >= 0xD800 && code <= 0xDFFF) {
        /* The first half of a surrogate pair: the second must follow. */
        uint32_t other = read_word(r, "\\u") ? read_digits(r) : 0;
        if (code > 0xDBFF || other < 0xDC00 || other > 0xDFFF)
            return false;
        code = 0x10000 + (code - 0xD800) * 0x400 + (other - 0xDC00);
    }
    put_code(r, code);
    return code != 0;
}

/* Reads what follows a backslash. */
static bool read_escape(reader *r)
{
    static const char escapes[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return false;
    unsigned char c = *r->at++;
    if (c == 'u')
        return read_code(r);
    const char *found = c ? strchr(escapes, c) : NULL;
    if (found)
        put_character(r, (unsigned char)characters[found - escapes]);
    return found != NULL;
}

/* Reads a character beyond ASCII, whose first byte has been read. */
static bool read_utf8(reader *r)
{
    uint32_t code;
    size_t bytes = mfi_utf8_character(r->at - 1, (size_t)(r->end - r->at) + 1, &code);
    for (size_t i = 0; i < bytes; i++)
        put_character(r, r->at[(ptrdiff_t)i - 1]);
    r->at += bytes ? bytes - 1 : 0;
    return bytes > 0;
}

static bool read_character(reader *r, unsigned char c)
{
    if (c == '\\')
        return read_escape(r);
    if (c >= 0x80)
        return read_utf8(r);
    put_character(r, c);
    return c >= ' ';
}

/* Of the tree, *text becomes the string. */
static bool read_string(reader *r, const char **text)
{
    if (!next_is(r, '"'))
        return false;
    *text = r->strings;
    while (r->at < r->end) {
        unsigned char c = *r->at++;
        if (c == '"') {
            put_character(r, '\0'); /* in the place of a quote */
            return true;
        }
        if (!read_character(r, c))
            return false;
    }
    return false;
}

/* ---- values ---- */

static bool read_number(reader *r, uint64_t *number)
{
    const uint64_t largest = UINT64_C(1) << 53;
    const unsigned char *first = r->at;
    uint64_t value = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - first < 17; r->at++)
        value = value * 10 + (uint64_t)(*r->at - '0');
    if (r->at == first || (*first == '0' && r->at - first > 1) || value > largest)
        return false;
    *number = value;
    return r->at == r->end || !strchr("0123456789.eE+-", *r->at) || *r->at == '\0';
}

/* Reads a member of `item`, behind which the next one is linked. */
static bool read_member(reader *r, mfi_json *item, const mfi_json ***link)
{
    mfi_json checked, *member = &checked;
    if (r->values == r->most)
        return false;
    if (r->tree) {
        member = &r->tree[r->values];
        **link = member;
        *link = &member->next;
    }
    r->values++;
    *member = (mfi_json){.kind = JSON_OBJECT};
    if (item->kind == JSON_OBJECT && (!read_string(r, &member->key) || !next_is(r, ':')))
        return false;
    return read_json(r, member);
}

/* Reads the members after the opening bracket. */
static bool read_members(reader *r, mfi_json *item)
{
    unsigned char close = item->kind == JSON_OBJECT ? '}' : ']';
    const mfi_json **link = &item->first;
    if (next_is(r, close))
        return true;
    do {
        if (!read_member(r, item, &link))
            return false;
    } while (next_is(r, ','));
    return next_is(r, close);
}

static bool read_flag(reader *r, mfi_json *item, const char *word, uint64_t value)
{
    item->kind = JSON_FLAG;
    item->number = value;
    return read_word(r, word);
}

static bool read_json(reader *r, mfi_json *item)
{
    skip_space(r);
    unsigned char c = r->at == r->end ? '\0' : *r->at;
    if (c == 't' || c == 'f')
        return read_flag(r, item, c == 't' ? "true" : "false", c == 't');
    item->kind = c == '"' ? JSON_STRING : c == '{' ? JSON_OBJECT : c == '[' ? JSON_ARRAY : JSON_NUMBER;
    if (item->kind == JSON_STRING)
        return read_string(r, &item->text);
    if (item->kind == JSON_NUMBER)
        return read_number(r, &item->number);
    if (r->depth == DEEPEST)
        return false;
    r->at++;
    r->depth++;
    bool good = read_members(r, item);
    r->depth--;
    return good;
}

/* ---- the tree ---- */

/* Checks the text and counts its values. */
static mf_status check_json(const char *text, size_t bytes, const char *what, size_t *values)
{
    const unsigned char *first = (const unsigned char *)text;
    mfi_json root = {.kind = JSON_OBJECT};
    reader r = {
        .at = first, .end = first + bytes, .values = 1, .most = bytes / BYTES_PER_VALUE + FREE_VALUES};
    bool good = bytes > 0 && *first == '{' && read_json(&r, &root);
    while (good && r.at < r.end && *r.at == ' ')
        r.at++;
    if (!good || r.at < r.end)
        return mfi_fail(MF_STATUS_FORMAT, "%s is not valid JSON of a model, at byte %zu", what,
                        (size_t)(r.at - first));
    *values = r.values;
    return MF_STATUS_OK;
}

mf_status mfi_json_parse(const char *text, size_t bytes, const char *what, const mf_allocator *allocator,
                         mfi_json **tree)
{
    const unsigned char *first = (const unsigned char *)text;
    size_t values = 0;
    *tree = NULL;
    MFI_TRY(check_json(text, bytes, what, &values));
    /* A string takes no more bytes than in the text, where it has two quotes. */
    size_t size = sizeof(document) + values * sizeof(mfi_json) + bytes;
    document *made = mfi_allocate(allocator, size);
    if (!made)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for the JSON of %s", what);
    made->allocator = *allocator;
    made->bytes = size;
    reader r = {.at = first,
                .end = first + bytes,
                .values = 1,
                .most = values,
                .tree = made->values,
                .strings = (char *)(made->values + values)};
    made->values[0] = (mfi_json){.kind = JSON_OBJECT};
    (void)read_json(&r, &made->values[0]);
    *tree = made->values;
    return MF_STATUS_OK;
}

void mfi_json_free(mfi_json *tree)
{
    if (!tree)
        return;
    document *made = (document *)(void *)((char *)tree - offsetof(document, values));
    const mf_allocator allocator = made->allocator;
    mfi_release(&allocator, made, made->bytes);
}

/* ---- looking at it ---- */

const mfi_json *mfi_json_first(const mfi_json *item)
{
    return item ? item->first : NULL;
}

const mfi_json *mfi_json_next(const mfi_json *item)
{
    return item->next;
}

size_t mfi_json_count(const mfi_json *item)
{
    size_t count = 0;
    for (const mfi_json *member = mfi_json_first(item); member; member = mfi_json_next(member))
        count++;
    return count;
}

const mfi_json *mfi_json_member(const mfi_json *object, const char *key)
{
    for (const mfi_json *member = mfi_json_first(object); member; member = mfi_json_next(member))
        if (strcmp(mfi_json_key(member), key) == 0)
            return member;
    return NULL;
}

const char *mfi_json_key(const mfi_json *item)
{
    return item->key;
}

bool mfi_json_is_object(const mfi_json *item)
{
    return item && item->kind == JSON_OBJECT;
}

bool mfi_json_is_array(const mfi_json *item)
{
    return item && item->kind == JSON_ARRAY;
}

const char *mfi_json_text(const mfi_json *item)
{
    return item && item->kind == JSON_STRING ? item->text : NULL;
}

bool mfi_json_size(const mfi_json *item, uint64_t *value)
{
    if (!item || item->kind != JSON_NUMBER)
        return false;
    *value = item->number;
    return true;
}

bool mfi_json_flag(const mfi_json *item, bool *value)
{
    if (!item || item->kind != JSON_FLAG)
        return false;
    *value = item->number != 0;
    return true;
}
