/* Owns: writing the wire format of protocol buffers.
 *
 * A message is a sequence of fields in any order. A field is its number and a wire type, followed by a
 * varint, by four bytes, or by a length and that many bytes, which are text, raw values or a message. */
#ifndef MFI_IO_PROTOBUF_H
#define MFI_IO_PROTOBUF_H

#include <stdbool.h>

#include "io/sink.h"

/* int32, int64 and enum fields; negative numbers take ten bytes, as the format demands. */
void mfi_pb_int(mfi_sink *sink, unsigned field, int64_t value);
void mfi_pb_float(mfi_sink *sink, unsigned field, float value);
void mfi_pb_text(mfi_sink *sink, unsigned field, const char *text);

/* `count` float32 values as raw little-endian bytes. */
void mfi_pb_floats(mfi_sink *sink, unsigned field, const float *values, uint64_t count);

/* The head of a field of `bytes` bytes; the caller puts the bytes afterwards. */
void mfi_pb_begin(mfi_sink *sink, unsigned field, uint64_t bytes);

/* A message whose fields `put` writes from `what`. Its length comes first, so `put` runs twice: to count,
 * then to write. It must write the same both times. */
void mfi_pb_message(mfi_sink *sink, unsigned field, void (*put)(mfi_sink *sink, const void *what),
                    const void *what);

/* If the sink only counts, adds `bytes` to its total and returns true; otherwise false. */
bool mfi_pb_counts(mfi_sink *sink, uint64_t bytes);

#endif
