/* Owns: reading the wire format of protocol buffers. Nothing is believed: a message is a range of bytes that
 * lies in the file, and what it holds is a range of it. protobuf.h tells what the format is. */
#ifndef MFI_IO_WIRE_H
#define MFI_IO_WIRE_H

#include <stdbool.h>
#include <monoforward.h>

#include "base/utf8.h"

/* A range of the file: a message, a text or raw values. */
typedef struct mfi_bytes {
    const unsigned char *at;
    size_t count;
} mfi_bytes;

enum { MFI_WIRE_VARINT = 0, MFI_WIRE_FIXED64 = 1, MFI_WIRE_BYTES = 2, MFI_WIRE_FIXED32 = 5 };

typedef struct mfi_wire_field {
    uint64_t number;
    unsigned wire;
    uint64_t value;  /* of the kinds that are numbers */
    mfi_bytes bytes; /* of MFI_WIRE_BYTES */
} mfi_wire_field;

/* Takes the next field from the front of a message. False at its end, and where it is damaged: then not all
 * of it is taken. */
bool mfi_wire_next(mfi_bytes *message, mfi_wire_field *field);

/* Takes a varint from the front of packed values; false where there is none. */
bool mfi_wire_varint(mfi_bytes *packed, uint64_t *value);

/* FORMAT, unless all of a message, called `what`, is made of fields. */
mf_status mfi_wire_check(mfi_bytes message, const char *what);

/* Whether a range holds exactly this text, or ends in it. */
bool mfi_bytes_are(mfi_bytes bytes, const char *text);
bool mfi_bytes_end_in(mfi_bytes bytes, const char *text);

/* Whether a range is a text as C has it: valid UTF-8 without a 0. */
bool mfi_bytes_are_text(mfi_bytes bytes);

/* What messages show of it: at most `most` bytes, as in mfi_excerpt_of(). */
mfi_excerpt mfi_bytes_shown(mfi_bytes bytes, size_t most);

#endif
