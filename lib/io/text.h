/* Owns: JSON as it is written: commas, quotes, and JSON inside of a JSON string. All text is the library's
 * own and needs no escapes but those. */
#ifndef MFI_IO_TEXT_H
#define MFI_IO_TEXT_H

#include <stdbool.h>

#include "io/sink.h"

typedef struct mfi_text {
    mfi_sink *sink;
    bool comma;  /* whether one is due before the next value or key */
    bool quoted; /* whether we are inside a string */
} mfi_text;

/* '{' or '['; '}' or ']'. */
void mfi_text_open(mfi_text *text, char bracket);
void mfi_text_close(mfi_text *text, char bracket);

void mfi_text_key(mfi_text *text, const char *key);
void mfi_text_string(mfi_text *text, const char *value);
void mfi_text_size(mfi_text *text, uint64_t value);
void mfi_text_flag(mfi_text *text, bool value);

/* As strings, since many readers of JSON keep numbers as doubles, or follow the locale. */
void mfi_text_u64(mfi_text *text, uint64_t value);
void mfi_text_float(mfi_text *text, float value);

/* What is written between the two is one string. */
void mfi_text_begin_string(mfi_text *text);
void mfi_text_end_string(mfi_text *text);

#endif
