/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include "complain.h"

bool threads_set(size_t threads)
{
    if (threads == 0)
        return true;
    mf_status status = mf_blas_set_threads((int32_t)threads);
    return (threads == 1 && status == MF_STATUS_UNSUPPORTED) || library_ok(status);
}
