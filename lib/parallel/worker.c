/* Owns: a worker, which runs work items one after the other. */
#define _POSIX_C_SOURCE 200809L
#include "parallel/worker.h"

#include <signal.h>
#include <stdio.h>

#include "base/status.h"
#include "parallel/schedule.h"

static mf_pipeline_report *report_of(const mf_pipeline *pipeline, uint64_t batch, size_t position)
{
    return &pipeline->reports[batch % pipeline->kept * pipeline->count + position];
}

void mfi_worker_leave_out(mf_pipeline *pipeline, uint64_t batch, size_t position)
{
    *report_of(pipeline, batch, position) = (mf_pipeline_report){
        .struct_size = sizeof(mf_pipeline_report),
        .status = MF_STATUS_STATE,
        .batch = batch,
        .position = position,
        .gradient_norm = -1.0,
        .applied = pipeline->members[position].layer->progress.applied,
    };
}

/* Stores the failure if a sequential run would have met it before the stored one: another group may have
 * failed already, in a later batch. */
static void note_failure(mf_pipeline *pipeline, mf_status status, uint64_t batch, size_t position)
{
    mfi_failure *failure = &pipeline->failure;
    pthread_mutex_lock(&pipeline->lock);
    if (failure->status == MF_STATUS_OK || batch < failure->batch) {
        failure->status = status;
        failure->batch = batch;
        failure->position = position;
        snprintf(failure->message, sizeof failure->message, "%s", mf_last_message());
    }
    pthread_mutex_unlock(&pipeline->lock);
}

static mf_status step_layer(mfi_worker *worker, const mfi_batch_slot *slot, uint64_t batch, size_t position)
{
    mf_pipeline *pipeline = worker->pipeline;
    mf_layer *layer = pipeline->members[position].layer;
    mf_pipeline_report *report = report_of(pipeline, batch, position);
    mf_report done = {.struct_size = sizeof done};
    mfi_rows rows = slot->rows;
    if (position > 0) {
        rows.x = slot->activations[(position - 1) % 2];
        rows.stride = layer->plan.inputs;
    }
    mf_status status = mfi_layer_step(layer, &slot->settings[position], worker->scratch, &rows,
                                      slot->activations[position % 2], position, &done);
    mfi_worker_leave_out(pipeline, batch, position);
    report->status = status;
    if (status == MF_STATUS_OK) {
        report->rows = done.rows;
        report->correct = done.correct;
        report->loss = done.loss;
        report->gradient_norm = done.gradient_norm;
    }
    return status;
}

/* Runs the group's layers in order, until one fails or the rest does not learn any more. */
static void run_item(mfi_worker *worker, mfi_group *group)
{
    mf_pipeline *pipeline = worker->pipeline;
    uint64_t batch = group->done;
    mfi_batch_slot *slot = &pipeline->slots[batch % pipeline->depth];
    size_t position = group->first;
    if (slot->broken)
        group->learning = group->first;
    for (; position < group->learning; position++) {
        mf_status status = step_layer(worker, slot, batch, position);
        if (status == MF_STATUS_OK)
            continue;
        note_failure(pipeline, status, batch, position);
        group->learning = position++;
        break;
    }
    slot->broken = group->learning < group->end;
    for (; position < group->end; position++)
        mfi_worker_leave_out(pipeline, batch, position);
}

void mfi_worker_run_ready(mfi_worker *worker)
{
    mf_pipeline *pipeline = worker->pipeline;
    for (mfi_group *group; (group = mfi_schedule_take(pipeline));) {
        pthread_mutex_unlock(&pipeline->lock);
        run_item(worker, group);
        pthread_mutex_lock(&pipeline->lock);
        mfi_schedule_finish(pipeline, group);
    }
}

static void *work(void *argument)
{
    mfi_worker *worker = argument;
    mf_pipeline *pipeline = worker->pipeline;
    pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->ending) {
        mfi_worker_run_ready(worker);
        if (pipeline->ending)
            break;
        pipeline->asleep++;
        pthread_cond_wait(&pipeline->work, &pipeline->lock);
        pipeline->asleep--;
    }
    pthread_mutex_unlock(&pipeline->lock);
    return NULL;
}

bool mfi_worker_start(mfi_worker *worker)
{
    /* Workers block all signals, so that the host's signal handlers run on the host's threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&worker->thread, NULL, work, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}
