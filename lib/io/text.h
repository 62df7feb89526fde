/* Owns: writing JSON: commas, quotes and escapes, and JSON inside a JSON string. What is inside is only the
 * library's own text, which needs no escapes but for its quotes. */
#ifndef MFI_IO_TEXT_H
#define MFI_IO_TEXT_H

#include <stdbool.h>

#include "io/sink.h"

typedef struct mfi_text {
    mfi_sink *sink;
    bool comma;  /* whether the next value or key must be preceded by a comma */
    bool quoted; /* whether the JSON is written inside a string */
} mfi_text;

/* Open with '{' or '[', close with '}' or ']'. */
void mfi_text_open(mfi_text *text, char bracket);
void mfi_text_close(mfi_text *text, char bracket);

/* Keys and strings are valid UTF-8. */
void mfi_text_key(mfi_text *text, const char *key);
void mfi_text_string(mfi_text *text, const char *value);
void mfi_text_size(mfi_text *text, uint64_t value);
void mfi_text_flag(mfi_text *text, bool value);

/* Numbers are written as strings, since many JSON parsers convert numbers to double, or depend on the locale.
 */
void mfi_text_u64(mfi_text *text, uint64_t value);
void mfi_text_float(mfi_text *text, float value);

/* Everything that is written between these two calls becomes one string. */
void mfi_text_begin_string(mfi_text *text);
void mfi_text_end_string(mfi_text *text);

#endif
