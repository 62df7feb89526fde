/* SPDX-License-Identifier: MIT */
#include "losses.h"

#include "complain.h"

bool losses_add_step(const mf_workspace *workspace, size_t first, size_t end, double *losses)
{
    for (size_t i = first; i < end; i++) {
        mf_report report = {.struct_size = sizeof report};
        if (!library_ok(mf_workspace_report(workspace, i, &report)))
            return false;
        losses[i] += report.loss * (double)report.rows;
    }
    return true;
}

bool losses_add_finished(mf_pipeline *pipeline, double *losses)
{
    for (;;) {
        mf_pipeline_report report = {.struct_size = sizeof report};
        mf_status status = mf_pipeline_poll(pipeline, &report);
        if (status == MF_STATUS_BUSY || status == MF_STATUS_NOT_FOUND)
            return true;
        if (!library_ok(status))
            return false;
        losses[report.position] += report.loss * (double)report.rows;
    }
}
