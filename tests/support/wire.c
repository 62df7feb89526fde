/* A reader of protocol buffers. SPDX-License-Identifier: MIT */
#include "wire.h"

static uint64_t take_varint(wire_view *message)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char byte;

        assert_true(message->count > 0);
        byte = *message->bytes++;
        message->count--;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            assert_true(byte != 0 || shift == 0); /* no longer than it must be */
            return value;
        }
    }
    fail_msg("a varint of more than ten bytes");
    return 0;
}

static wire_view take_bytes(wire_view *message, uint64_t count)
{
    wire_view taken = {message->bytes, (size_t)count};

    assert_true(count <= message->count);
    message->bytes += count;
    message->count -= (size_t)count;
    return taken;
}

int wire_next(wire_view *message, wire_field *field)
{
    uint64_t tag;
    wire_view bits;

    if (message->count == 0)
        return 0;
    tag = take_varint(message);
    memset(field, 0, sizeof *field);
    field->number = (unsigned)(tag >> 3);
    assert_true(field->number > 0 && field->number < 1000);
    switch (tag & 7) {
    case 0:
        field->value = take_varint(message);
        break;
    case 2:
        field->value = take_varint(message);
        field->view = take_bytes(message, field->value);
        break;
    case 5:
        bits = take_bytes(message, 4);
        for (unsigned i = 0; i < 4; i++)
            field->value |= (uint64_t)bits.bytes[i] << 8 * i;
        break;
    default:
        fail_msg("wire type %d in field %u", (int)(tag & 7), field->number);
    }
    return 1;
}

int wire_find(wire_view message, unsigned number, size_t n, wire_field *field)
{
    while (wire_next(&message, field))
        if (field->number == number && n-- == 0)
            return 1;
    return 0;
}

size_t wire_count(wire_view message, unsigned number)
{
    wire_field field;
    size_t count = 0;

    while (wire_next(&message, &field))
        count += field.number == number;
    return count;
}

wire_field wire_only(wire_view message, unsigned number)
{
    wire_field field;

    assert_int_equal(wire_count(message, number), 1);
    wire_find(message, number, 0, &field);
    return field;
}

int wire_is(wire_view view, const char *text)
{
    return view.count == strlen(text) && memcmp(view.bytes, text, view.count) == 0;
}
