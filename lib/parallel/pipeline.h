/* Owns: a pipeline: its slots for batches, its reports, its workers, and what the host's thread does with
 * them.
 *
 * Layers are cut into groups. Group g works on batch t when group g - 1 has finished batch t and g itself has
 * finished batch t - 1: that is the order of a sequential run for every layer, whoever does the work. A
 * worker takes any such item, so a core that another process holds slows the others down but stops none. */
#ifndef MFI_PARALLEL_PIPELINE_H
#define MFI_PARALLEL_PIPELINE_H

#include <pthread.h>
#include <sys/types.h>

#include "model/network.h"
#include "model/step.h"

/* What a worker takes at a time: the layers `first` to `end` - 1. */
typedef struct mfi_group {
    size_t first, end;
    size_t learning; /* layers from here to `end` have failed, or sit behind one that has */
    uint64_t done;   /* batches finished; the next one has this number */
    bool busy;
} mfi_group;

/* A layer that the pipeline trains. */
typedef struct mfi_member {
    mf_layer *layer;
    uint64_t revision;
    size_t group;
    size_t first_flag; /* where its flags begin among those of a lane */
} mfi_member;

/* A batch on its way. At any time one group works on it, so layers write to two activations in turn. */
typedef struct mfi_lane {
    mfi_rows rows;
    float *x;
    int32_t *labels;
    float *weights;
    float *activations[2];
    mfi_settings *settings; /* of each layer, when the batch was submitted, and */
    unsigned char *trains;  /* which of the parameters of all layers learned then */
    bool broken;            /* a layer has left it out, so there is no input for those behind */
} mfi_lane;

typedef struct mfi_worker {
    struct mf_pipeline *pipeline;
    pthread_t thread;
    void *scratch;
} mfi_worker;

/* The first failure in the order of a sequential run. */
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
    mfi_lane *lanes;             /* [depth] batch t is in lane t % depth */
    size_t kept;                 /* batches whose reports are there */
    mf_pipeline_report *reports; /* [kept][count] those of batch t from t % kept on */
    mfi_worker *workers;         /* one at least: its scratch is the host's if there is no thread */
    size_t threads;              /* started */
    pid_t process;               /* that has them: a fork leaves them behind */

    pthread_mutex_t lock; /* guards what follows, the groups' progress and the failure */
    pthread_cond_t work;  /* an item may be ready, or the workers shall end */
    pthread_cond_t rest;  /* a batch has left, or nothing runs any more */
    mfi_group *groups;
    size_t group_count;
    uint64_t submitted;
    size_t running, asleep; /* items in work; workers that wait for one */
    bool stopped, ending;
    mfi_failure failure;

    /* The host's thread alone. */
    uint64_t next_batch, missed;
    size_t next_position;
    int32_t (*on_report)(void *user, const mf_pipeline_report *report);
    void *user;
    bool calling_back;
    bool to_free; /* the callback has freed it: the call that called it lets it go */
};

mf_status mfi_pipeline_create(const mf_pipeline_spec *spec, mf_pipeline **pipeline);
void mfi_pipeline_release(mf_pipeline *pipeline);

/* STATE in a process that was forked from the one with the workers. Nothing but the release may follow: a
 * worker that is not there may have the lock, and what waits for one waits for ever. */
mf_status mfi_pipeline_check_process(const mf_pipeline *pipeline);

/* OK if a batch may be submitted to the network as it is now. */
mf_status mfi_pipeline_check_network(const mf_pipeline *pipeline);

/* Takes checked rows; BUSY if the queue is full and the host does not want to `wait`. */
mf_status mfi_pipeline_submit(mf_pipeline *pipeline, const mfi_rows *rows, bool wait);

/* Until every batch has been through all layers. */
void mfi_pipeline_wait(mf_pipeline *pipeline);

/* Leaves out what no worker has begun, and waits for what one has. */
void mfi_pipeline_stop(mf_pipeline *pipeline);

/* The first failure so far, with its message. */
mf_status mfi_pipeline_failure(mf_pipeline *pipeline);

mf_pipeline_progress_info mfi_pipeline_progress(mf_pipeline *pipeline);

/* OK and the next report, which stays the next until it is taken, or BUSY, or NOT_FOUND; neither comes with a
 * message. */
mf_status mfi_pipeline_next_report(mf_pipeline *pipeline, const mf_pipeline_report **report);
void mfi_pipeline_take_report(mf_pipeline *pipeline);

/* Hands all reports there are to the callback, if there is one; STATE if it has stopped or freed the
 * pipeline, or if it returns in another process. */
mf_status mfi_pipeline_call_back(mf_pipeline *pipeline);

#endif
