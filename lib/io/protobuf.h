/* Owns: the wire format of protocol buffers, as far as writing needs it.
 *
 * A message is a row of fields, in any order. A field is its number and a wire type, then a varint, four
 * bytes, or a length and that many bytes: text, raw values or a message. */
#ifndef MFI_IO_PROTOBUF_H
#define MFI_IO_PROTOBUF_H

#include <stdbool.h>

#include "io/sink.h"

/* int32, int64 and enum fields; the negative ones take ten bytes, as the format has it. */
void mfi_pb_int(mfi_sink *sink, unsigned field, int64_t value);
void mfi_pb_float(mfi_sink *sink, unsigned field, float value);
void mfi_pb_text(mfi_sink *sink, unsigned field, const char *text);

/* `count` float32 as raw bytes, little-endian. */
void mfi_pb_floats(mfi_sink *sink, unsigned field, const float *values, uint64_t count);

/* The head of a field of `bytes` bytes, which the caller puts after it. */
void mfi_pb_begin(mfi_sink *sink, unsigned field, uint64_t bytes);

/* A message whose fields `put` writes from `what`. Its length comes first, so `put` runs twice: to count,
 * then to write. It must write the same both times. */
void mfi_pb_message(mfi_sink *sink, unsigned field, void (*put)(mfi_sink *sink, const void *what),
                    const void *what);

/* Adds bytes that are not looked at to the total of a sink that only counts; false for other sinks. */
bool mfi_pb_counts(mfi_sink *sink, uint64_t bytes);

#endif
