/* The exported functions of pools. */
#include "parallel/pool.h"

#include "api/check.h"
#include "api/structs.h"
#include "base/cancel.h"

static mf_pool_spec pool_defaults(void)
{
    return (mf_pool_spec){.struct_size = sizeof(mf_pool_spec)};
}

mf_status mf_pool_spec_init(mf_pool_spec *spec, size_t size)
{
    mf_pool_spec defaults = pool_defaults();
    return MFI_INIT(mf_pool_spec, spec, size, &defaults);
}

mf_status mf_pool_create(const mf_pool_spec *spec, mf_pool **pool)
{
    mf_pool_spec known = pool_defaults();
    MFI_TRY(mfi_check_pointer(pool, "the out-pointer of the pool"));
    *pool = NULL;
    if (spec)
        MFI_TRY(MFI_READ(mf_pool_spec, &known, spec));
    MFI_TRY(mfi_check_allocator(known.allocator));
    if (known.threads > MFI_MOST_THREADS)
        return mfi_fail(MF_STATUS_ARGUMENT, "threads must be at most %d, got %u", (int)MFI_MOST_THREADS,
                        (unsigned)known.threads);
    if (known.threads == 0)
        known.threads = mfi_pool_processors();
    if (known.threads > MFI_MOST_THREADS)
        known.threads = MFI_MOST_THREADS;
    int cancel = mfi_cancel_hold();
    mf_status status = mfi_pool_create(&known, pool);
    mfi_cancel_restore(cancel);
    return status;
}

void mf_pool_free(mf_pool *pool)
{
    if (!pool || mfi_handle_check(pool, MFI_KIND_POOL) != MF_STATUS_OK)
        return;
    int cancel = mfi_cancel_hold();
    mfi_pool_release(pool);
    mfi_cancel_restore(cancel);
}

mf_status mf_pool_threads(const mf_pool *pool, uint32_t *threads)
{
    MFI_TRY(mfi_handle_check(pool, MFI_KIND_POOL));
    MFI_TRY(mfi_check_pointer(threads, "the out-pointer of the threads"));
    *threads = (uint32_t)pool->threads;
    return MF_STATUS_OK;
}
