/* Owns: a pipeline: its slots for batches, its reports, and what the host's thread does with them.
 *
 * Layers are split into groups. Group g may work on batch t when group g - 1 has finished batch t and group g
 * has finished batch t - 1. So every layer sees the batches in the order of a sequential run, whichever
 * thread runs it. The threads are those of a pool, and one of the pipeline's own. A thread takes any group
 * that may work, and if there is none, it helps with the panels of those that others are at; if another
 * process occupies a core, the other threads become slower, but none of them has to wait for it. */
#ifndef MFI_PARALLEL_PIPELINE_H
#define MFI_PARALLEL_PIPELINE_H

#include "math/inputs.h"
#include "model/network.h"
#include "model/step.h"
#include "parallel/pool.h"

/* The layers `first` to `end` - 1. A work item is a group with its next batch. */
typedef struct mfi_group {
    size_t first, end;
    size_t learning; /* the layers from here to `end` do not learn: one has failed, the others follow it */
    uint64_t done;   /* number of finished batches, and number of the next one */
    bool busy;
} mfi_group;

/* A layer that the pipeline trains. */
typedef struct mfi_member {
    mf_layer *layer;
    uint64_t revision;
    size_t group;
    size_t first_flag; /* index of its first flag among those of a slot */
} mfi_member;

/* A slot for a submitted batch. Only one group works on a batch at a time, so two activations are enough:
 * layers write to them in turn. */
typedef struct mfi_batch_slot {
    mfi_rows rows;
    float *x;
    int32_t *labels;
    float *weights;
    float *activations[2];
    mfi_settings *settings; /* of each layer, as they were when the batch was submitted */
    unsigned char *trains;  /* for each parameter of all layers, whether it was trainable then */
    bool broken;            /* a layer has skipped the batch, so the layers that follow have no input */
} mfi_batch_slot;

/* The failure that a sequential run would have met first. */
typedef struct mfi_failure {
    mf_status status;
    uint64_t batch;
    size_t position;
    char message[200];
} mfi_failure;

struct mf_pipeline {
    mfi_handle handle;
    mf_network *network;
    uint64_t revision; /* of the network */
    size_t count, max_batch, depth;
    mfi_member *members;
    mfi_batch_slot *slots;       /* [depth] batch t is in slot t % depth */
    size_t kept;                 /* number of batches whose reports are kept */
    mf_pipeline_report *reports; /* [kept][count] reports of batch t are at index t % kept */
    mfi_scratch_size scratch;
    char *rooms, *own; /* common scratch of the items that are worked on, own scratch of each thread */
    mf_pool *pool;
    bool threaded;     /* false: the host works on the items itself, when it submits a batch */
    mfi_source source; /* of items, for the pool's threads, and */
    mfi_hand hand;     /* for the pipeline's own */

    pthread_mutex_t
        *lock;           /* the pool's: protects what follows, the progress of the groups, and the failure */
    pthread_cond_t rest; /* signals that a batch is finished, or that nothing runs any more */
    mfi_group *groups;
    size_t group_count;
    size_t *free_rooms; /* [free_count] numbers of rooms that no item uses */
    size_t free_count;
    uint64_t submitted;
    size_t running; /* number of items that are being worked on */
    bool stopped;
    mfi_failure failure;

    /* Used by the host's thread only. */
    uint64_t next_batch, missed;
    size_t next_position;
    int32_t (*on_report)(void *user, const mf_pipeline_report *report);
    void *user;
    atomic_int entered; /* 1: a thread of the host's is in a call; to exchange bytes RISC-V needs libatomic */
    atomic_bool calling_back;
    bool to_free; /* freed in its callback: the call that called the callback frees it at its end */
};

mf_status mfi_pipeline_create(const mf_pipeline_spec *spec, mf_pipeline **pipeline);
void mfi_pipeline_release(mf_pipeline *pipeline);

/* STATE in a process that was forked from the one with the threads. Only the release may follow. The threads
 * do not exist in the new process, but one of them may have held the lock at the fork: waiting for it would
 * never end. */
mf_status mfi_pipeline_check_process(const mf_pipeline *pipeline);

/* STALE if layers have come, gone or changed their number of classes since the pipeline was made. */
mf_status mfi_pipeline_check_layers(const mf_pipeline *pipeline);

/* OK if a batch may be submitted to the network as it is now. */
mf_status mfi_pipeline_check_network(const mf_pipeline *pipeline);

/* Submits checked rows with these inputs: their x is not read. If the queue is full: waits for room if
 * `wait`, otherwise BUSY. */
mf_status mfi_pipeline_submit(mf_pipeline *pipeline, const mfi_inputs *inputs, const mfi_rows *rows,
                              bool wait);

/* Waits until every batch has gone through all layers. */
void mfi_pipeline_wait(mf_pipeline *pipeline);

/* Drops the items that no worker has begun, and waits for the others. */
void mfi_pipeline_stop(mf_pipeline *pipeline);

/* The first failure so far, with its message. */
mf_status mfi_pipeline_failure(mf_pipeline *pipeline);

mf_pipeline_progress_info mfi_pipeline_progress(mf_pipeline *pipeline);

/* OK and the next report, which remains the next one until it is taken; BUSY if it is not there yet;
 * NOT_FOUND if there will be none. BUSY and NOT_FOUND set no message. */
mf_status mfi_pipeline_next_report(mf_pipeline *pipeline, const mf_pipeline_report **report);
void mfi_pipeline_take_report(mf_pipeline *pipeline);

/* Gives all new reports to the callback, if there is one. STATE if the callback has stopped or freed the
 * pipeline, or has returned in another process. */
mf_status mfi_pipeline_call_back(mf_pipeline *pipeline);

#endif
