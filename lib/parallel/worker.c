/* Owns: running a work item. */
#include "parallel/worker.h"

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
    pthread_mutex_lock(pipeline->lock);
    if (failure->status == MF_STATUS_OK || batch < failure->batch) {
        failure->status = status;
        failure->batch = batch;
        failure->position = position;
        snprintf(failure->message, sizeof failure->message, "%.*s", (int)sizeof failure->message - 1,
                 mf_last_message());
    }
    pthread_mutex_unlock(pipeline->lock);
}

static mf_status step_layer(mf_pipeline *pipeline, const mfi_workplace *place, const mfi_batch_slot *slot,
                            uint64_t batch, size_t position)
{
    mf_layer *layer = pipeline->members[position].layer;
    mf_pipeline_report *report = report_of(pipeline, batch, position);
    mf_report done = {.struct_size = sizeof done};
    mfi_rows rows = slot->rows;
    if (position > 0) {
        rows.x = slot->activations[(position - 1) % 2];
        rows.stride = layer->plan.inputs;
    }
    mf_status status = mfi_layer_step(layer, &slot->settings[position], place, &rows,
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
static void run_item(mf_pipeline *pipeline, const mfi_workplace *place, mfi_group *group)
{
    uint64_t batch = group->done;
    mfi_batch_slot *slot = &pipeline->slots[batch % pipeline->depth];
    size_t position = group->first;
    if (slot->broken)
        group->learning = group->first;
    for (; position < group->learning; position++) {
        mf_status status = step_layer(pipeline, place, slot, batch, position);
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

bool mfi_worker_run_one(mfi_source *source, size_t slot)
{
    mf_pipeline *pipeline = (mf_pipeline *)((char *)source - offsetof(mf_pipeline, source));
    mfi_group *group = mfi_schedule_take(pipeline);
    if (!group)
        return false;
    size_t room = pipeline->free_rooms[--pipeline->free_count];
    pthread_mutex_unlock(pipeline->lock);
    mfi_team team = mfi_pool_team(pipeline->pool, source, slot);
    mfi_workplace place = {
        .common = pipeline->rooms + room * pipeline->scratch.common,
        .own = pipeline->own,
        .own_bytes = pipeline->scratch.own,
        .team = &team,
    };
    run_item(pipeline, &place, group);
    pthread_mutex_lock(pipeline->lock);
    pipeline->free_rooms[pipeline->free_count++] = room;
    mfi_schedule_finish(pipeline, group);
    return true;
}
