/* The exported functions of pipelines. */
#include "api/check.h"
#include "api/structs.h"
#include "base/cancel.h"
#include "parallel/pipeline.h"

static mf_pipeline_spec pipeline_defaults(void)
{
    return (mf_pipeline_spec){.struct_size = sizeof(mf_pipeline_spec), .workers = 2};
}

mf_status mf_pipeline_spec_init(mf_pipeline_spec *spec, size_t size)
{
    mf_pipeline_spec defaults = pipeline_defaults();
    return MFI_INIT(mf_pipeline_spec, spec, size, &defaults);
}

mf_status mf_pipeline_create(const mf_pipeline_spec *spec, mf_pipeline **pipeline)
{
    MFI_CALM; /* layers are shared out by their costs */
    mf_pipeline_spec known = pipeline_defaults();
    MFI_TRY(mfi_check_pointer(pipeline, "the out-pointer of the pipeline"));
    *pipeline = NULL;
    MFI_TRY(MFI_READ(mf_pipeline_spec, &known, spec));
    MFI_TRY(mfi_handle_check(known.network, MFI_KIND_NETWORK));
    if (known.pool)
        MFI_TRY(mfi_handle_check(known.pool, MFI_KIND_POOL));
    MFI_TRY(mfi_check_allocator(known.allocator));
    int cancel = mfi_cancel_hold();
    mf_status status = mfi_pipeline_create(&known, pipeline);
    mfi_cancel_restore(cancel);
    return status;
}

/* ---- begin and end of every call ---- */

static void release(mf_pipeline *pipeline)
{
    int cancel = mfi_cancel_hold();
    mfi_pipeline_release(pipeline);
    mfi_cancel_restore(cancel);
}

void mf_pipeline_free(mf_pipeline *pipeline)
{
    if (!pipeline || mfi_handle_check(pipeline, MFI_KIND_PIPELINE) != MF_STATUS_OK)
        return;
    if (pipeline->calling_back)
        pipeline->to_free = true;
    else
        release(pipeline);
}

/* Switches cancellation off in calls that wait or call the callback. A thread that was cancelled there would
 * leave the lock locked, or the pipeline in the middle of a callback. */
static mf_status enter(mf_pipeline *pipeline, int *cancel)
{
    MFI_TRY(mfi_handle_check(pipeline, MFI_KIND_PIPELINE));
    if (pipeline->calling_back)
        return mfi_fail(MF_STATUS_STATE, "a pipeline's own callback must not make this call");
    MFI_TRY(mfi_pipeline_check_process(pipeline));
    if (atomic_exchange(&pipeline->entered, 1))
        return mfi_fail(MF_STATUS_BUSY, "another thread is in a call of this pipeline");
    *cancel = mfi_cancel_hold();
    return MF_STATUS_OK;
}

static mf_status leave(mf_pipeline *pipeline, int cancel, mf_status status)
{
    if (pipeline->to_free)
        release(pipeline);
    else
        atomic_store(&pipeline->entered, 0);
    mfi_cancel_restore(cancel);
    return status;
}

/* ---- batches ---- */

/* The numbers that scale inputs may make infinities of them. Callbacks have the host's mode, so this ends
 * before they come. */
static mf_status submit_calmly(mf_pipeline *pipeline, const mfi_inputs *inputs, const mfi_rows *rows,
                               bool wait)
{
    MFI_CALM;
    return mfi_pipeline_submit(pipeline, inputs, rows, wait);
}

static mf_status submit_here(mf_pipeline *pipeline, const mf_batch *batch, bool wait)
{
    mfi_inputs inputs;
    mfi_rows rows;
    /* The callback is called before, so that a host that tries until there is room gets its reports, and
     * after, for the new ones. It may write to the batch's arrays and edit the network, so both are checked
     * behind it. */
    MFI_TRY(mfi_pipeline_call_back(pipeline));
    MFI_TRY(mfi_pipeline_check_network(pipeline));
    MFI_TRY(mfi_check_batch(batch, pipeline->members[0].layer, pipeline->max_batch, true, &inputs, &rows));
    inputs.scaling = mfi_network_scaling(pipeline->network);
    for (size_t i = 0; i < pipeline->count; i++)
        MFI_TRY(mfi_layer_check_rows(pipeline->members[i].layer, i, rows.count));
    MFI_TRY(submit_calmly(pipeline, &inputs, &rows, wait));
    return mfi_pipeline_call_back(pipeline);
}

static mf_status submit_batch(mf_pipeline *pipeline, const mf_batch *batch, bool wait)
{
    int cancel = 0;
    MFI_TRY(enter(pipeline, &cancel));
    return leave(pipeline, cancel, submit_here(pipeline, batch, wait));
}

mf_status mf_pipeline_submit_batch(mf_pipeline *pipeline, const mf_batch *batch)
{
    return submit_batch(pipeline, batch, true);
}

mf_status mf_pipeline_submit(mf_pipeline *pipeline, size_t rows, const float *x, const int32_t *y)
{
    mf_batch batch = mfi_flat_batch(rows, x, y);
    return submit_batch(pipeline, &batch, true);
}

mf_status mf_pipeline_try_submit_batch(mf_pipeline *pipeline, const mf_batch *batch)
{
    return submit_batch(pipeline, batch, false);
}

mf_status mf_pipeline_try_submit(mf_pipeline *pipeline, size_t rows, const float *x, const int32_t *y)
{
    mf_batch batch = mfi_flat_batch(rows, x, y);
    return submit_batch(pipeline, &batch, false);
}

mf_status mf_pipeline_flush(mf_pipeline *pipeline)
{
    int cancel = 0;
    MFI_TRY(enter(pipeline, &cancel));
    mfi_pipeline_wait(pipeline);
    mf_status status = mfi_pipeline_call_back(pipeline);
    if (status == MF_STATUS_OK)
        status = mfi_pipeline_failure(pipeline);
    return leave(pipeline, cancel, status);
}

mf_status mf_pipeline_stop(mf_pipeline *pipeline)
{
    int cancel = 0;
    MFI_TRY(enter(pipeline, &cancel));
    mfi_pipeline_stop(pipeline);
    const mfi_message kept = mfi_message_keep();
    mf_status status = mfi_pipeline_call_back(pipeline);
    /* The pipeline has stopped already, so it does not matter whether the callback asks to stop it. */
    if (status != MF_STATUS_OK && !pipeline->to_free &&
        mfi_pipeline_check_process(pipeline) == MF_STATUS_OK) {
        mfi_message_put_back(&kept);
        status = MF_STATUS_OK;
    }
    return leave(pipeline, cancel, status);
}

/* ---- reports ---- */

mf_status mf_pipeline_report_init(mf_pipeline_report *report, size_t size)
{
    mf_pipeline_report defaults = {.struct_size = sizeof defaults};
    return MFI_INIT(mf_pipeline_report, report, size, &defaults);
}

mf_status mf_pipeline_progress_info_init(mf_pipeline_progress_info *progress, size_t size)
{
    mf_pipeline_progress_info defaults = {.struct_size = sizeof defaults};
    return MFI_INIT(mf_pipeline_progress_info, progress, size, &defaults);
}

static mf_status poll_here(mf_pipeline *pipeline, mf_pipeline_report *report)
{
    const mf_pipeline_report *found;
    MFI_TRY(mfi_pipeline_call_back(pipeline));
    if (!pipeline->on_report)
        MFI_TRY(mfi_check_pointer(report, "the report"));
    mf_status status = mfi_pipeline_next_report(pipeline, &found);
    /* If there is a callback, a report that has come since then is left for its next call. */
    if (status == MF_STATUS_BUSY || (status == MF_STATUS_OK && pipeline->on_report))
        return mfi_fail(MF_STATUS_BUSY, "the next report is not there yet");
    if (status != MF_STATUS_OK)
        return mfi_fail(status, "all reports have been read");
    MFI_TRY(MFI_WRITE(mf_pipeline_report, report, found));
    mfi_pipeline_take_report(pipeline);
    return MF_STATUS_OK;
}

mf_status mf_pipeline_poll(mf_pipeline *pipeline, mf_pipeline_report *report)
{
    int cancel = 0;
    MFI_TRY(enter(pipeline, &cancel));
    return leave(pipeline, cancel, poll_here(pipeline, report));
}

mf_status mf_pipeline_progress(mf_pipeline *pipeline, mf_pipeline_progress_info *progress)
{
    MFI_TRY(mfi_handle_check(pipeline, MFI_KIND_PIPELINE));
    MFI_TRY(mfi_pipeline_check_process(pipeline));
    mf_pipeline_progress_info found = mfi_pipeline_progress(pipeline);
    return MFI_WRITE(mf_pipeline_progress_info, progress, &found);
}

/* ---- evaluation and prediction ---- */

/* What answers is the network that the pipeline was made for: its callers know the sizes of that. */
static mf_status rest(mf_pipeline *pipeline)
{
    MFI_TRY(mf_pipeline_flush(pipeline));
    return mfi_pipeline_check_layers(pipeline);
}

mf_status mf_pipeline_evaluate_batch(mf_pipeline *pipeline, mf_workspace *workspace, const mf_batch *batch)
{
    MFI_TRY(rest(pipeline));
    return mf_network_evaluate_batch(pipeline->network, workspace, batch);
}

mf_status mf_pipeline_evaluate(mf_pipeline *pipeline, mf_workspace *workspace, size_t rows, const float *x,
                               const int32_t *y)
{
    MFI_TRY(rest(pipeline));
    return mf_network_evaluate(pipeline->network, workspace, rows, x, y);
}

mf_status mf_pipeline_predict(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode, size_t rows,
                              const float *x, int32_t *labels)
{
    MFI_TRY(rest(pipeline));
    return mf_network_predict(pipeline->network, workspace, mode, rows, x, labels);
}

mf_status mf_pipeline_infer(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode,
                            const mf_batch *batch, int32_t *labels, float *goodness, float *probabilities)
{
    MFI_TRY(rest(pipeline));
    return mf_network_infer(pipeline->network, workspace, mode, batch, labels, goodness, probabilities);
}
