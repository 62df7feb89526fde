/* SPDX-License-Identifier: MIT */
#include "training.h"

#include "complain.h"

static bool create_pipeline(struct training *training, size_t workers, mf_pool *pool, size_t max_batch,
                            const mf_allocator *allocator)
{
    mf_pipeline_spec spec;
    if (!library_ok(mf_pipeline_spec_init(&spec, sizeof spec)))
        return false;
    spec.workers = (uint32_t)workers;
    spec.pool = pool;
    spec.network = training->network;
    spec.max_batch = max_batch;
    spec.allocator = allocator;
    return library_ok(mf_pipeline_create(&spec, &training->pipeline));
}

static bool create_workspace(struct training *training, int32_t purpose, mf_pool *pool, size_t max_batch,
                             const mf_allocator *allocator)
{
    mf_workspace_spec spec;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.purpose = purpose;
    spec.network = training->network;
    spec.max_batch = max_batch;
    spec.allocator = allocator;
    spec.pool = pool;
    return library_ok(mf_workspace_create(&spec, &training->workspace));
}

bool training_open(struct training *training, mf_network *network, size_t workers, mf_pool *pool,
                   size_t max_batch, const mf_allocator *allocator)
{
    *training = (struct training){.network = network};
    return workers > 0 ? create_pipeline(training, workers, pool, max_batch, allocator)
                       : create_workspace(training, MF_WORKSPACE_TRAINING, pool, max_batch, allocator);
}

bool training_open_bytes(struct training *training, mf_network *network, size_t workers, mf_pool *pool,
                         size_t max_batch, const mf_allocator *allocator)
{
    const int32_t purpose = MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT;
    *training = (struct training){.network = network};
    return workers > 0 ? create_pipeline(training, workers, pool, max_batch, allocator)
                       : create_workspace(training, purpose, pool, max_batch, allocator);
}

void training_close(struct training *training)
{
    mf_pipeline_free(training->pipeline);
    mf_workspace_free(training->workspace);
    *training = (struct training){0};
}

mf_status training_step(struct training *training, size_t rows, const float *x, const int32_t *y)
{
    return training->pipeline != NULL ? mf_pipeline_submit(training->pipeline, rows, x, y)
                                      : mf_network_step(training->network, training->workspace, rows, x, y);
}

mf_status training_step_batch(struct training *training, const mf_batch *batch)
{
    return training->pipeline != NULL ? mf_pipeline_submit_batch(training->pipeline, batch)
                                      : mf_network_step_batch(training->network, training->workspace, batch);
}

static bool add_step(const struct training *training, size_t first, double *losses)
{
    size_t end = 0;
    if (!library_ok(mf_network_size(training->network, &end)))
        return false;
    for (size_t i = first; i < end; i++) {
        mf_report report = {.struct_size = sizeof report};
        if (!library_ok(mf_workspace_report(training->workspace, i, &report)))
            return false;
        losses[i] += report.loss * (double)report.rows;
    }
    return true;
}

static mf_status add_finished(mf_pipeline *pipeline, double *losses)
{
    mf_pipeline_report report = {.struct_size = sizeof report};
    mf_status status;
    while ((status = mf_pipeline_poll(pipeline, &report)) == MF_STATUS_OK)
        losses[report.position] += report.loss * (double)report.rows;
    return status == MF_STATUS_BUSY || status == MF_STATUS_NOT_FOUND ? MF_STATUS_OK : status;
}

bool training_add_losses(struct training *training, size_t first, double *losses)
{
    return training->pipeline != NULL ? library_ok(add_finished(training->pipeline, losses))
                                      : add_step(training, first, losses);
}

mf_status training_finish(struct training *training, double *losses)
{
    if (training->pipeline == NULL)
        return MF_STATUS_OK;
    mf_status status = mf_pipeline_flush(training->pipeline);
    return status == MF_STATUS_OK && losses != NULL ? add_finished(training->pipeline, losses) : status;
}
