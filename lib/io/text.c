/* Owns: writing JSON. */
#include "io/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/numbers.h"

static void put_text(mfi_text *text, const char *characters)
{
    mfi_sink_put(text->sink, characters, strlen(characters));
}

static void separate(mfi_text *text)
{
    if (text->comma)
        put_text(text, ",");
    text->comma = false;
}

static void quote(mfi_text *text)
{
    put_text(text, text->quoted ? "\\\"" : "\"");
}

void mfi_text_open(mfi_text *text, char bracket)
{
    separate(text);
    mfi_sink_put(text->sink, &bracket, 1);
}

void mfi_text_close(mfi_text *text, char bracket)
{
    mfi_sink_put(text->sink, &bracket, 1);
    text->comma = true;
}

static bool needs_escape(unsigned char character)
{
    return character < ' ' || character == '"' || character == '\\';
}

/* Stretches that need no escapes are put at once. */
static void put_escaped(mfi_text *text, const char *value)
{
    while (*value) {
        char escape[8];
        size_t plain = 0;
        while (value[plain] && !needs_escape((unsigned char)value[plain]))
            plain++;
        mfi_sink_put(text->sink, value, plain);
        value += plain;
        if (!*value)
            return;
        unsigned char character = (unsigned char)*value++;
        snprintf(escape, sizeof escape, character < ' ' ? "\\u%04x" : "\\%c", character);
        put_text(text, escape);
    }
}

void mfi_text_string(mfi_text *text, const char *value)
{
    separate(text);
    quote(text);
    put_escaped(text, value);
    quote(text);
    text->comma = true;
}

void mfi_text_key(mfi_text *text, const char *key)
{
    mfi_text_string(text, key);
    put_text(text, ":");
    text->comma = false;
}

void mfi_text_size(mfi_text *text, uint64_t value)
{
    char digits[MFI_NUMBER_ROOM];
    separate(text);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_text(text, digits);
    text->comma = true;
}

void mfi_text_flag(mfi_text *text, bool value)
{
    separate(text);
    put_text(text, value ? "true" : "false");
    text->comma = true;
}

void mfi_text_u64(mfi_text *text, uint64_t value)
{
    char digits[MFI_NUMBER_ROOM];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    mfi_text_string(text, digits);
}

void mfi_text_float(mfi_text *text, float value)
{
    char digits[MFI_NUMBER_ROOM];
    mfi_print_float(value, digits);
    mfi_text_string(text, digits);
}

void mfi_text_begin_string(mfi_text *text)
{
    separate(text);
    put_text(text, "\"");
    text->quoted = true;
}

void mfi_text_end_string(mfi_text *text)
{
    text->quoted = false;
    put_text(text, "\"");
    text->comma = true;
}
