/* Owns: where the bytes of a file go: they are counted, copied to memory, or handed on in pieces. */
#ifndef MFI_IO_SINK_H
#define MFI_IO_SINK_H

#include <monoforward.h>

typedef struct mfi_sink {
    /* Takes the next bytes. NULL: they are only counted. */
    mf_status (*take)(struct mfi_sink *sink, const unsigned char *bytes, size_t count);
    void *user;
    uint64_t total;   /* bytes put so far */
    mf_status status; /* the first failure, after which nothing is taken any more */
    size_t pending;
    unsigned char buffer[8192];
} mfi_sink;

void mfi_sink_begin(mfi_sink *sink, mf_status (*take)(mfi_sink *, const unsigned char *, size_t), void *user);
void mfi_sink_put(mfi_sink *sink, const void *bytes, size_t count);

/* As little-endian float32. */
void mfi_sink_floats(mfi_sink *sink, const float *values, size_t count);

/* Hands on what is pending, and tells whether all went well. */
mf_status mfi_sink_end(mfi_sink *sink);

/* A take function whose user is an unsigned char *: the place for the next byte. */
mf_status mfi_take_to_memory(mfi_sink *sink, const unsigned char *bytes, size_t count);

#endif
