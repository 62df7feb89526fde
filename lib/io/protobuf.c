/* Owns: writing the wire format of protocol buffers. */
#include "io/protobuf.h"

#include <string.h>

#include "io/bytes.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Seven bits in each byte, the lowest first; all bytes but the last have the eighth bit set. */
static void put_varint(mfi_sink *sink, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[count++] = (unsigned char)(value | 0x80);
    bytes[count++] = (unsigned char)value;
    mfi_sink_put(sink, bytes, count);
}

static void put_tag(mfi_sink *sink, unsigned field, unsigned wire)
{
    put_varint(sink, (uint64_t)field << 3 | wire);
}

void mfi_pb_int(mfi_sink *sink, unsigned field, int64_t value)
{
    put_tag(sink, field, WIRE_VARINT);
    put_varint(sink, (uint64_t)value);
}

void mfi_pb_float(mfi_sink *sink, unsigned field, float value)
{
    unsigned char bytes[4];
    mfi_put_float(bytes, value);
    put_tag(sink, field, WIRE_FIXED32);
    mfi_sink_put(sink, bytes, sizeof bytes);
}

void mfi_pb_begin(mfi_sink *sink, unsigned field, uint64_t bytes)
{
    put_tag(sink, field, WIRE_BYTES);
    put_varint(sink, bytes);
}

void mfi_pb_text(mfi_sink *sink, unsigned field, const char *text)
{
    size_t count = strlen(text);
    mfi_pb_begin(sink, field, count);
    mfi_sink_put(sink, text, count);
}

bool mfi_pb_counts(mfi_sink *sink, uint64_t bytes)
{
    if (sink->take)
        return false;
    sink->total += bytes;
    return true;
}

void mfi_pb_floats(mfi_sink *sink, unsigned field, const float *values, uint64_t count)
{
    mfi_pb_begin(sink, field, 4 * count);
    if (!mfi_pb_counts(sink, 4 * count))
        mfi_sink_floats(sink, values, (size_t)count);
}

/* Counts the bytes of a message. A sink that only counts does not need the length of an inner message before
 * its fields, so it writes each message once. Otherwise the work would double with every depth of nesting. */
static uint64_t length_of(mfi_sink *sink, void (*put)(mfi_sink *, const void *), const void *what)
{
    uint64_t before = sink->total;
    mf_status (*take)(mfi_sink *, const unsigned char *, size_t) = sink->take;
    sink->take = NULL;
    put(sink, what);
    uint64_t length = sink->total - before;
    sink->total = before;
    sink->take = take;
    return length;
}

void mfi_pb_message(mfi_sink *sink, unsigned field, void (*put)(mfi_sink *sink, const void *what),
                    const void *what)
{
    uint64_t length = length_of(sink, put, what);
    mfi_pb_begin(sink, field, length);
    if (!mfi_pb_counts(sink, length))
        put(sink, what);
}
