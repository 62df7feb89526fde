/* Owns: reading the wire format of protocol buffers. */
#include "io/wire.h"

#include <string.h>

#include "base/status.h"
#include "io/bytes.h"

bool mfi_wire_varint(mfi_bytes *packed, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; packed->count > 0 && shift < 64; shift += 7) {
        unsigned char byte = *packed->at++;
        packed->count--;
        if (shift == 63 && byte > 1)
            return false;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool take_bytes(mfi_bytes *message, uint64_t count, mfi_bytes *taken)
{
    if (count > message->count)
        return false;
    *taken = (mfi_bytes){message->at, (size_t)count};
    message->at += count;
    message->count -= (size_t)count;
    return true;
}

/* Groups, which the format has given up, are damage. */
static bool take_value(mfi_bytes *message, mfi_wire_field *field)
{
    mfi_bytes fixed;
    uint64_t count;
    switch (field->wire) {
    case MFI_WIRE_VARINT:
        return mfi_wire_varint(message, &field->value);
    case MFI_WIRE_BYTES:
        return mfi_wire_varint(message, &count) && take_bytes(message, count, &field->bytes);
    case MFI_WIRE_FIXED32:
        if (!take_bytes(message, 4, &fixed))
            return false;
        field->value = mfi_get_u32(fixed.at);
        return true;
    case MFI_WIRE_FIXED64:
        if (!take_bytes(message, 8, &fixed))
            return false;
        field->value = mfi_get_u64(fixed.at);
        return true;
    default:
        return false;
    }
}

bool mfi_wire_next(mfi_bytes *message, mfi_wire_field *field)
{
    mfi_bytes rest = *message;
    uint64_t tag;
    *field = (mfi_wire_field){0};
    if (!mfi_wire_varint(&rest, &tag) || tag >> 3 == 0)
        return false;
    field->number = tag >> 3;
    field->wire = (unsigned)(tag & 7);
    if (!take_value(&rest, field))
        return false;
    *message = rest;
    return true;
}

mf_status mfi_wire_check(mfi_bytes message, const char *what)
{
    mfi_wire_field field;
    while (mfi_wire_next(&message, &field))
        continue;
    if (message.count > 0)
        return mfi_fail(MF_STATUS_FORMAT, "%s is damaged %zu bytes before its end", what, message.count);
    return MF_STATUS_OK;
}

bool mfi_bytes_are(mfi_bytes bytes, const char *text)
{
    size_t count = strlen(text);
    return bytes.count == count && (count == 0 || memcmp(bytes.at, text, count) == 0);
}

bool mfi_bytes_end_in(mfi_bytes bytes, const char *text)
{
    size_t count = strlen(text);
    return bytes.count >= count && memcmp(bytes.at + bytes.count - count, text, count) == 0;
}

bool mfi_bytes_are_text(mfi_bytes bytes)
{
    uint32_t code = 1;
    for (size_t at = 0, step; at < bytes.count && code != 0; at += step) {
        step = mfi_utf8_character(bytes.at + at, bytes.count - at, &code);
        if (step == 0)
            return false;
    }
    return code != 0;
}

mfi_excerpt mfi_bytes_shown(mfi_bytes bytes, size_t most)
{
    return mfi_excerpt_of(bytes.at, bytes.count, most);
}
