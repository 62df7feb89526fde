/* The exported functions of workspaces and reports. */
#include "api/check.h"
#include "api/structs.h"
#include "base/cancel.h"
#include "parallel/pool.h"

static mf_workspace_spec workspace_defaults(void)
{
    return (mf_workspace_spec){.struct_size = sizeof(mf_workspace_spec), .purpose = MF_WORKSPACE_TRAINING};
}

mf_status mf_workspace_spec_init(mf_workspace_spec *spec, size_t size)
{
    mf_workspace_spec defaults = workspace_defaults();
    return MFI_INIT(mf_workspace_spec, spec, size, &defaults);
}

mf_status mf_workspace_create(const mf_workspace_spec *spec, mf_workspace **workspace)
{
    mf_workspace_spec known = workspace_defaults();
    MFI_TRY(mfi_check_pointer(workspace, "the out-pointer of the workspace"));
    *workspace = NULL;
    MFI_TRY(MFI_READ(mf_workspace_spec, &known, spec));
    if (!known.network == !known.layer)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "a workspace is for a network or for a layer: set one of the two");
    if (known.network)
        MFI_TRY(mfi_handle_check(known.network, MFI_KIND_NETWORK));
    else
        MFI_TRY(mfi_handle_check(known.layer, MFI_KIND_LAYER));
    if (known.pool)
        MFI_TRY(mfi_handle_check(known.pool, MFI_KIND_POOL));
    MFI_TRY(mfi_check_allocator(known.allocator));
    mfi_team team = mfi_pool_team(known.pool, NULL, 0);
    return mfi_workspace_create(&known, &team, workspace);
}

void mf_workspace_free(mf_workspace *workspace)
{
    if (!workspace || mfi_handle_check(workspace, MFI_KIND_WORKSPACE) != MF_STATUS_OK)
        return;
    int cancel = mfi_cancel_hold(); /* if its pool ends with it, this waits for threads */
    mfi_workspace_release(workspace);
    mfi_cancel_restore(cancel);
}

mf_status mf_report_init(mf_report *report, size_t size)
{
    mf_report defaults = {.struct_size = sizeof defaults};
    return MFI_INIT(mf_report, report, size, &defaults);
}

mf_status mf_workspace_report(const mf_workspace *workspace, size_t position, mf_report *report)
{
    MFI_TRY(mfi_handle_check(workspace, MFI_KIND_WORKSPACE));
    if (position >= workspace->count)
        return mfi_fail(MF_STATUS_NOT_FOUND, "there is no report %zu in a workspace for %zu layers", position,
                        workspace->count);
    const mf_report *found = &workspace->served[position].report;
    return MFI_WRITE(mf_report, report, found);
}

mf_status mf_workspace_report_sum(const mf_workspace *workspace, mf_report *report)
{
    MFI_TRY(mfi_handle_check(workspace, MFI_KIND_WORKSPACE));
    return MFI_WRITE(mf_report, report, &workspace->sum);
}
