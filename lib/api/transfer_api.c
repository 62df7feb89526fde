/* The exported functions that copy networks and their parameters. */
#include "api/check.h"
#include "model/transfer.h"

mf_status mf_network_clone(const mf_network *network, int32_t contents, const mf_allocator *allocator,
                           mf_network **clone)
{
    MFI_CALM;
    MFI_TRY(mfi_check_pointer(clone, "the out-pointer of the clone"));
    *clone = NULL;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_allocator(allocator));
    if (contents != MF_CONTENTS_MODEL && contents != MF_CONTENTS_TRAINING)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown contents %d", (int)contents);
    return mfi_transfer_clone(network, contents == MF_CONTENTS_TRAINING, allocator, clone);
}

mf_status mf_network_copy_parameters(mf_network *to, const mf_network *from)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(to, MFI_KIND_NETWORK));
    MFI_TRY(mfi_handle_check(from, MFI_KIND_NETWORK));
    return mfi_transfer_parameters(to, from, 1.0);
}

mf_status mf_network_blend_parameters(mf_network *to, const mf_network *from, double share)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(to, MFI_KIND_NETWORK));
    MFI_TRY(mfi_handle_check(from, MFI_KIND_NETWORK));
    if (!(share >= 0.0 && share <= 1.0))
        return mfi_fail(MF_STATUS_ARGUMENT, "share must be from 0 to 1, got %g", share);
    return mfi_transfer_parameters(to, from, share);
}
