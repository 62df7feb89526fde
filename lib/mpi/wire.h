/* Owns: messages from a stage to the next one: their buffers, their bytes, and the notice of a failure that
 * goes the other way. A message is a header, labels, weights if the batch has any, and activations. Sends are
 * synchronous, so that no more messages are under way than both ends have buffers. */
#ifndef MFM_WIRE_H
#define MFM_WIRE_H

#include "common.h"

enum { MFM_HEADER = 64 };

/* The beginning of a message. */
typedef struct mfm_header {
    uint64_t batch;
    uint64_t rows;
    uint64_t position; /* of the layer that has failed */
    int32_t weighted;
    int32_t status; /* not OK: the batch is to be left out; instead of the rest a text follows */
    int32_t fatal;
    int32_t unused[7]; /* 0 */
} mfm_header;

/* Sizes that both ends agree on. */
typedef struct mfm_format {
    size_t labels;  /* of a row */
    size_t outputs; /* values of a row of activations */
    size_t max_rows;
    int32_t wire; /* MF_MPI_WIRE_... */
} mfm_format;

typedef struct mfm_wire {
    MPI_Comm line; /* the stages of this replica */
    int stage, stages;
    size_t depth;
    mfm_format to_next, from_previous;
    size_t out_bytes, in_bytes; /* of a buffer */
    unsigned char *out, *in;    /* [depth] buffers each; NULL where there is no neighbour */
    MPI_Request *sending, *receiving;
    uint64_t sent, received, bytes;
    mfm_outcome notice; /* of the next stage: it has failed */
    MPI_Request notified;
    mfm_outcome passed_on; /* what this stage tells the previous one */
    MPI_Request notifying;
    uint64_t promised; /* messages that the previous stage has sent in all, which it tells when it rests */
    MPI_Request hearing;
} mfm_wire;

/* Whether more may be in need of this thread while it waits: called over and over. */
typedef mf_status (*mfm_progress)(void *user);

/* Bytes in front of the activations, and of a whole message. */
size_t mfm_wire_offset(const mfm_format *format, size_t rows, bool weighted);
size_t mfm_wire_bytes(const mfm_format *format, size_t rows, bool weighted);

/* OVERFLOW if a message has 2 GiB or more; MEMORY; IO. `line`, `stage`, `stages`, `depth` and both formats
 * are set. */
mf_status mfm_wire_open(mfm_wire *wire);

/* Frees everything. Nothing of its own is under way any more: mfm_wire_drain() has been called, or MPI fails.
 */
void mfm_wire_close(mfm_wire *wire);

bool mfm_wire_has_next(const mfm_wire *wire);
bool mfm_wire_has_previous(const mfm_wire *wire);

/* OK, or the notice that the next stage has given. */
mf_status mfm_wire_look(mfm_wire *wire);

/* Has it come? */
bool mfm_wire_is_noticed(const mfm_wire *wire);

/* The buffer of the next message, as soon as it is free; NULL and the status of a notice if one comes first.
 */
mf_status mfm_wire_buffer(mfm_wire *wire, mfm_progress progress, void *user, unsigned char **buffer);

/* Sends the buffer that was given last. */
mf_status mfm_wire_send(mfm_wire *wire, size_t bytes);

/* The next message, as soon as it is there; it stays until mfm_wire_release(). STATE if the previous stage
 * rests and has sent all of its own. */
mf_status mfm_wire_receive(mfm_wire *wire, mfm_progress progress, void *user, const unsigned char **message);
mf_status mfm_wire_release(mfm_wire *wire);

/* Tells the previous stage that this one has failed; once. */
mf_status mfm_wire_notify(mfm_wire *wire, const mfm_outcome *outcome);

/* Collective over the line: takes what the previous stage has sent and nobody has read, and waits until all
 * of one's own has been taken. */
mf_status mfm_wire_drain(mfm_wire *wire);

#endif
