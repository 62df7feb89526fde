/* Owns: a sink, which takes the bytes of a file. */
#include "io/sink.h"

#include "io/bytes.h"

void mfi_sink_begin(mfi_sink *sink, mf_status (*take)(mfi_sink *, const unsigned char *, size_t), void *user)
{
    sink->take = take;
    sink->user = user;
    sink->total = 0;
    sink->taken = 0;
    sink->status = MF_STATUS_OK;
    sink->pending = 0;
}

static void hand_on(mfi_sink *sink)
{
    if (sink->take && sink->pending > 0 && sink->status == MF_STATUS_OK)
        sink->status = sink->take(sink, sink->buffer, sink->pending);
    sink->pending = 0;
}

void mfi_sink_put(mfi_sink *sink, const void *bytes, size_t count)
{
    const unsigned char *from = bytes;
    sink->total += count;
    while (sink->take && count > 0) {
        size_t room = sizeof sink->buffer - sink->pending, part = count < room ? count : room;
        memcpy(sink->buffer + sink->pending, from, part);
        sink->pending += part;
        from += part;
        count -= part;
        if (sink->pending == sizeof sink->buffer)
            hand_on(sink);
    }
}

void mfi_sink_floats(mfi_sink *sink, const float *values, size_t count)
{
    enum { PIECE = 256 };
    unsigned char bytes[4 * PIECE];
    for (size_t first = 0; first < count; first += PIECE) {
        size_t part = count - first < PIECE ? count - first : PIECE;
        for (size_t i = 0; i < part; i++)
            mfi_put_float(bytes + 4 * i, values[first + i]);
        mfi_sink_put(sink, bytes, 4 * part);
    }
}

mf_status mfi_sink_end(mfi_sink *sink)
{
    hand_on(sink);
    return sink->status;
}

mf_status mfi_take_to_memory(mfi_sink *sink, const unsigned char *bytes, size_t count)
{
    unsigned char *next = sink->user;
    memcpy(next, bytes, count);
    sink->user = next + count;
    return MF_STATUS_OK;
}
