/* Owns: creating and freeing a pipeline, and everything that the host's thread does with it. */
#define _POSIX_C_SOURCE 200809L
#include "parallel/pipeline.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/workspace.h"
#include "parallel/groups.h"
#include "parallel/layout.h"
#include "parallel/schedule.h"
#include "parallel/worker.h"

/* ---- create and free ---- */

static mf_status check_request(const mf_pipeline_spec *spec)
{
    if (!spec->pool && spec->workers > MFI_MOST_THREADS)
        return mfi_fail(MF_STATUS_ARGUMENT, "workers must be at most %d, got %u", (int)MFI_MOST_THREADS,
                        (unsigned)spec->workers);
    if (spec->pool && spec->pool->process != getpid())
        return mfi_fail(MF_STATUS_STATE,
                        "the pool's threads are in process %ld, from which this one was forked",
                        (long)spec->pool->process);
    if (spec->depth > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "depth must be at most %d, got %zu", (int)INT32_MAX, spec->depth);
    const mfi_layer_list layers = mfi_list_network(spec->network);
    return mfi_check_layers(&layers, spec->max_batch);
}

static void join_network(mf_pipeline *pipeline, mf_network *network)
{
    size_t flags = 0;
    mfi_handle_retain(&network->handle);
    pipeline->network = network;
    pipeline->revision = network->revision;
    pipeline->count = network->count;
    for (size_t i = 0; i < network->count; i++) {
        mf_layer *layer = network->entries[i].layer;
        mfi_handle_retain(&layer->handle);
        pipeline->members[i] = (mfi_member){.layer = layer, .revision = layer->revision, .first_flag = flags};
        flags += layer->plan.parameter_count;
    }
}

static void form_groups(mf_pipeline *pipeline, size_t count)
{
    pipeline->group_count = count;
    mfi_cut_groups(pipeline->network, pipeline->groups, count);
    for (size_t g = 0; g < count; g++) {
        mfi_group *group = &pipeline->groups[g];
        group->learning = group->end;
        for (size_t i = group->first; i < group->end; i++)
            pipeline->members[i].group = g;
    }
}

/* The pool of the spec, or one with as many threads as workers were asked for. */
static mf_status find_pool(const mf_pipeline_spec *spec, mf_pool **pool)
{
    mf_pool_spec own = {.threads = spec->workers ? spec->workers : 1, .allocator = spec->allocator};
    *pool = spec->pool;
    if (spec->pool) {
        mfi_handle_retain(&spec->pool->handle);
        return MF_STATUS_OK;
    }
    MFI_TRY(mfi_pool_create(&own, pool));
    size_t started = (*pool)->threads;
    if (started == own.threads)
        return MF_STATUS_OK;
    mfi_pool_release(*pool);
    return mfi_fail(MF_STATUS_MEMORY, "the system could not start a thread for worker %zu", started);
}

static void leave_network(mf_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++) {
        mfi_layer_disclaim(pipeline->members[i].layer, pipeline);
        mfi_layer_release(pipeline->members[i].layer);
    }
    mfi_network_release(pipeline->network);
}

/* Lets the threads take items. */
static mf_status join_pool(mf_pipeline *pipeline)
{
    pipeline->source.work = mfi_worker_run_one;
    if (!mfi_pool_start_hand(pipeline->pool, &pipeline->source, &pipeline->hand))
        return mfi_fail(MF_STATUS_MEMORY, "the system could not start a thread for the pipeline");
    pipeline->threaded = true;
    mfi_pool_add(pipeline->pool, &pipeline->source);
    return MF_STATUS_OK;
}

/* Creates a pipeline that runs in `pool`, and takes over the reference to it if that succeeds. */
static mf_status create_in(mf_pool *pool, const mf_pipeline_spec *spec, mf_pipeline **pipeline)
{
    mfi_pipeline_layout plan;
    MFI_TRY(mfi_pipeline_lay_out(spec, pool->threads, &plan));
    mf_pipeline *created = mfi_handle_create(MFI_KIND_PIPELINE, spec->allocator, plan.bytes);
    if (!created)
        return MF_STATUS_MEMORY;
    if (pthread_cond_init(&created->rest, NULL) != 0) {
        mfi_handle_destroy(&created->handle);
        return mfi_fail(MF_STATUS_MEMORY, "the system could not create a lock for the pipeline");
    }
    created->pool = pool;
    created->lock = &pool->lock;
    created->count = spec->network->count;
    created->max_batch = spec->max_batch;
    created->depth = plan.depth;
    created->kept = plan.kept;
    created->on_report = spec->on_report;
    created->user = spec->user;
    mfi_pipeline_set_pointers(created, &plan);
    join_network(created, spec->network);
    form_groups(created, plan.groups);
    mf_status status = spec->pool || spec->workers ? join_pool(created) : MF_STATUS_OK;
    if (status == MF_STATUS_OK) {
        *pipeline = created;
        return MF_STATUS_OK;
    }
    leave_network(created);
    pthread_cond_destroy(&created->rest);
    mfi_handle_destroy(&created->handle);
    return status;
}

mf_status mfi_pipeline_create(const mf_pipeline_spec *spec, mf_pipeline **pipeline)
{
    mf_pool *pool = NULL;
    MFI_TRY(check_request(spec));
    MFI_TRY(find_pool(spec, &pool));
    mf_status status = create_in(pool, spec, pipeline);
    if (status != MF_STATUS_OK)
        mfi_pool_release(pool);
    return status;
}

mf_status mfi_pipeline_check_process(const mf_pipeline *pipeline)
{
    if (!pipeline->threaded || pipeline->pool->process == getpid())
        return MF_STATUS_OK;
    return mfi_fail(MF_STATUS_STATE,
                    "the pipeline's workers are in process %ld, from which this one was forked",
                    (long)pipeline->pool->process);
}

static void leave_pool(mf_pipeline *pipeline)
{
    pthread_mutex_lock(pipeline->lock);
    pipeline->stopped = true;
    while (pipeline->running > 0)
        pthread_cond_wait(&pipeline->rest, pipeline->lock);
    mfi_pool_remove(pipeline->pool, &pipeline->source);
    pthread_mutex_unlock(pipeline->lock);
    mfi_pool_end_hand(&pipeline->hand);
}

void mfi_pipeline_release(mf_pipeline *pipeline)
{
    /* In a forked process nothing is destroyed: even destroying a condition waits for the threads that wait
     * for it. */
    if (mfi_pipeline_check_process(pipeline) == MF_STATUS_OK) {
        if (pipeline->threaded)
            leave_pool(pipeline);
        pthread_cond_destroy(&pipeline->rest);
    }
    leave_network(pipeline);
    mfi_pool_release(pipeline->pool);
    mfi_handle_destroy(&pipeline->handle);
}

/* ---- batches ---- */

mf_status mfi_pipeline_check_layers(const mf_pipeline *pipeline)
{
    if (pipeline->revision != pipeline->network->revision)
        return mfi_fail(MF_STATUS_STALE,
                        "layers or the scaling of inputs have changed since the pipeline was made");
    for (size_t i = 0; i < pipeline->count; i++)
        if (pipeline->members[i].revision != pipeline->members[i].layer->revision)
            return mfi_fail(MF_STATUS_STALE,
                            "layer %zu has changed its number of classes since the pipeline was made", i);
    return MF_STATUS_OK;
}

mf_status mfi_pipeline_check_network(const mf_pipeline *pipeline)
{
    MFI_TRY(mfi_pipeline_check_layers(pipeline));
    for (size_t i = 0; i < pipeline->count; i++)
        if (!pipeline->members[i].layer->optimizer)
            return mfi_fail(MF_STATUS_STATE, "layer %zu has no optimizer", i);
    return MF_STATUS_OK;
}

static mf_status failure_of(const mf_pipeline *pipeline)
{
    const mfi_failure *failure = &pipeline->failure;
    if (failure->status == MF_STATUS_OK)
        return MF_STATUS_OK;
    return mfi_fail(failure->status, "batch %llu: %s", (unsigned long long)failure->batch, failure->message);
}

/* Waits, if `wait`, until there is a slot for the next batch. The caller holds the lock. */
static mf_status find_room(mf_pipeline *pipeline, bool wait)
{
    for (;;) {
        MFI_TRY(failure_of(pipeline));
        if (pipeline->stopped)
            return mfi_fail(MF_STATUS_STATE, "the pipeline was stopped");
        uint64_t queued = pipeline->submitted - mfi_schedule_finished(pipeline);
        if (queued < pipeline->depth)
            return MF_STATUS_OK;
        if (!wait)
            return mfi_fail(MF_STATUS_BUSY, "the queue is full: all %zu slots hold unfinished batches",
                            pipeline->depth);
        pthread_cond_wait(&pipeline->rest, pipeline->lock);
    }
}

/* Only the host uses the slot until the batch counts as submitted, so no lock is needed. */
static void fill_slot(mf_pipeline *pipeline, mfi_batch_slot *slot, const mfi_inputs *inputs,
                      const mfi_rows *rows)
{
    size_t k = pipeline->members[0].layer->plan.inputs;
    mfi_inputs_convert(inputs, rows->count, k, slot->x);
    memcpy(slot->labels, rows->labels, rows->count * rows->scored * sizeof *slot->labels);
    if (rows->weights)
        memcpy(slot->weights, rows->weights, rows->count * sizeof(float));
    slot->rows = (mfi_rows){
        .count = rows->count,
        .x = slot->x,
        .stride = k,
        .labels = slot->labels,
        .scored = rows->scored,
        .weights = rows->weights ? slot->weights : NULL,
    };
    for (size_t i = 0; i < pipeline->count; i++) {
        const mfi_member *member = &pipeline->members[i];
        unsigned char *trains = slot->trains + member->first_flag;
        slot->settings[i] = mfi_layer_settings(member->layer);
        memcpy(trains, slot->settings[i].trains, member->layer->plan.parameter_count);
        slot->settings[i].trains = trains;
    }
    slot->broken = false;
}

/* The reports of a new batch overwrite the oldest ones; those that the host has not read are skipped and
 * counted as missed. */
static void make_room_for_reports(mf_pipeline *pipeline, uint64_t batch)
{
    if (batch < pipeline->kept || pipeline->next_batch > batch - pipeline->kept)
        return;
    pipeline->missed += pipeline->count - pipeline->next_position;
    pipeline->next_batch++;
    pipeline->next_position = 0;
}

/* All layers, or, on failure, none but those of batches on their way. */
static mf_status claim_layers(mf_pipeline *pipeline)
{
    mf_status status = MF_STATUS_OK;
    for (size_t i = 0; status == MF_STATUS_OK && i < pipeline->count; i++)
        status = mfi_layer_claim(pipeline->members[i].layer, i, pipeline);
    for (size_t g = 0; status != MF_STATUS_OK && g < pipeline->group_count; g++)
        mfi_schedule_disclaim(pipeline, &pipeline->groups[g]);
    return status;
}

/* Without workers the batch goes through all layers now. If one fails, a later call tells. */
static void run_here(mf_pipeline *pipeline)
{
    const mfi_message kept = mfi_message_keep();
    while (mfi_worker_run_one(&pipeline->source, 0))
        ;
    mfi_message_put_back(&kept);
}

mf_status mfi_pipeline_submit(mf_pipeline *pipeline, const mfi_inputs *inputs, const mfi_rows *rows,
                              bool wait)
{
    pthread_mutex_lock(pipeline->lock);
    mf_status status = find_room(pipeline, wait);
    uint64_t batch = pipeline->submitted;
    pthread_mutex_unlock(pipeline->lock);
    if (status != MF_STATUS_OK)
        return status;
    mfi_batch_slot *slot = &pipeline->slots[batch % pipeline->depth];
    fill_slot(pipeline, slot, inputs, rows);
    MFI_TRY(mfi_layer_check_taken(pipeline->members[0].layer, inputs->scaling.count > 0, &slot->rows));
    pthread_mutex_lock(pipeline->lock);
    status = claim_layers(pipeline);
    if (status == MF_STATUS_OK) {
        make_room_for_reports(pipeline, batch);
        pipeline->submitted++;
    }
    if (pipeline->threaded)
        mfi_pool_call(pipeline->pool);
    else
        run_here(pipeline);
    pthread_mutex_unlock(pipeline->lock);
    return status;
}

void mfi_pipeline_wait(mf_pipeline *pipeline)
{
    pthread_mutex_lock(pipeline->lock);
    while (mfi_schedule_finished(pipeline) < pipeline->submitted)
        pthread_cond_wait(&pipeline->rest, pipeline->lock);
    pthread_mutex_unlock(pipeline->lock);
}

mf_status mfi_pipeline_failure(mf_pipeline *pipeline)
{
    pthread_mutex_lock(pipeline->lock);
    mf_status status = failure_of(pipeline);
    pthread_mutex_unlock(pipeline->lock);
    return status;
}

void mfi_pipeline_stop(mf_pipeline *pipeline)
{
    pthread_mutex_lock(pipeline->lock);
    pipeline->stopped = true;
    while (pipeline->running > 0)
        pthread_cond_wait(&pipeline->rest, pipeline->lock);
    for (size_t g = 0; g < pipeline->group_count; g++)
        for (mfi_group *group = &pipeline->groups[g]; group->done < pipeline->submitted; group->done++)
            for (size_t i = group->first; i < group->end; i++)
                mfi_worker_leave_out(pipeline, group->done, i);
    for (size_t i = 0; i < pipeline->count; i++)
        mfi_layer_disclaim(pipeline->members[i].layer, pipeline);
    pthread_mutex_unlock(pipeline->lock);
}

/* ---- reports ---- */

mf_pipeline_progress_info mfi_pipeline_progress(mf_pipeline *pipeline)
{
    pthread_mutex_lock(pipeline->lock);
    mf_pipeline_progress_info found = {
        .struct_size = sizeof found,
        .status = pipeline->failure.status,
        .submitted = pipeline->submitted,
        .finished = mfi_schedule_finished(pipeline),
        .failed_batch = pipeline->failure.batch,
        .failed_position = pipeline->failure.position,
        .missed = pipeline->missed,
        .groups = pipeline->group_count,
        .stopped = pipeline->stopped,
    };
    pthread_mutex_unlock(pipeline->lock);
    return found;
}

mf_status mfi_pipeline_next_report(mf_pipeline *pipeline, const mf_pipeline_report **report)
{
    const mfi_member *member = &pipeline->members[pipeline->next_position];
    size_t row = pipeline->next_batch % pipeline->kept;
    pthread_mutex_lock(pipeline->lock);
    bool there = pipeline->next_batch < pipeline->groups[member->group].done;
    bool to_come = pipeline->next_batch < pipeline->submitted;
    pthread_mutex_unlock(pipeline->lock);
    if (!there)
        return to_come ? MF_STATUS_BUSY : MF_STATUS_NOT_FOUND;
    *report = &pipeline->reports[row * pipeline->count + pipeline->next_position];
    return MF_STATUS_OK;
}

void mfi_pipeline_take_report(mf_pipeline *pipeline)
{
    if (++pipeline->next_position < pipeline->count)
        return;
    pipeline->next_position = 0;
    pipeline->next_batch++;
}

/* Whether the pipeline can continue after its callback has returned. */
static mf_status check_return(mf_pipeline *pipeline)
{
    mf_status status = mfi_pipeline_check_process(pipeline);
    if (status == MF_STATUS_OK && pipeline->to_free)
        status = mfi_fail(MF_STATUS_STATE, "the pipeline was freed by its own callback");
    if (status != MF_STATUS_OK)
        pipeline->calling_back = false;
    return status;
}

mf_status mfi_pipeline_call_back(mf_pipeline *pipeline)
{
    const mf_pipeline_report *report;
    int32_t answer = 0;
    if (!pipeline->on_report)
        return MF_STATUS_OK;
    pipeline->calling_back = true;
    while (answer == 0 && mfi_pipeline_next_report(pipeline, &report) == MF_STATUS_OK) {
        answer = pipeline->on_report(pipeline->user, report);
        MFI_TRY(check_return(pipeline));
        mfi_pipeline_take_report(pipeline);
    }
    pipeline->calling_back = false;
    if (answer == 0)
        return MF_STATUS_OK;
    mfi_pipeline_stop(pipeline);
    return mfi_fail(MF_STATUS_STATE, "the callback returned %d, so the pipeline was stopped", (int)answer);
}
