/* Owns: a sink, which takes the bytes of a file: it counts them, copies them to memory, or writes them to a
 * file. */
#ifndef MFI_IO_SINK_H
#define MFI_IO_SINK_H

#include <monoforward.h>

typedef struct mfi_sink {
    /* Takes the next bytes. NULL: the sink only counts. */
    mf_status (*take)(struct mfi_sink *sink, const unsigned char *bytes, size_t count);
    void *user;
    uint64_t total;   /* number of bytes so far, */
    uint64_t taken;   /* and of those that an output of the caller's has taken */
    mf_status status; /* the first failure; after it nothing more is taken */
    size_t pending;
    unsigned char buffer[8192];
} mfi_sink;

void mfi_sink_begin(mfi_sink *sink, mf_status (*take)(mfi_sink *, const unsigned char *, size_t), void *user);
void mfi_sink_put(mfi_sink *sink, const void *bytes, size_t count);

/* As little-endian float32. */
void mfi_sink_floats(mfi_sink *sink, const float *values, size_t count);

/* Takes the bytes that are still in the buffer, and returns the first failure or OK. */
mf_status mfi_sink_end(mfi_sink *sink);

/* A take function. Its `user` is an unsigned char *, the address of the next byte. */
mf_status mfi_take_to_memory(mfi_sink *sink, const unsigned char *bytes, size_t count);

#endif
