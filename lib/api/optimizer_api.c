/* The exported functions of optimizers and schedules. */
#include "api/check.h"
#include "api/structs.h"
#include "model/optimizer.h"

mf_status mf_optimizer_spec_init(mf_optimizer_spec *spec, size_t size)
{
    mf_optimizer_spec defaults = mfi_optimizer_defaults();
    return MFI_INIT(mf_optimizer_spec, spec, size, &defaults);
}

mf_status mf_optimizer_create(const mf_optimizer_spec *spec, mf_optimizer **optimizer)
{
    MFI_CALM;
    mf_optimizer_spec known = mfi_optimizer_defaults();
    MFI_TRY(mfi_check_pointer(optimizer, "the out-pointer of the optimizer"));
    *optimizer = NULL;
    MFI_TRY(MFI_READ(mf_optimizer_spec, &known, spec));
    MFI_TRY(mfi_check_allocator(known.allocator));
    MFI_TRY(mfi_optimizer_check_momentum(known.kind, (double)known.momentum, known.nesterov != 0));
    return mfi_optimizer_create(&known, optimizer);
}

void mf_optimizer_free(mf_optimizer *optimizer)
{
    if (optimizer && mfi_handle_check(optimizer, MFI_KIND_OPTIMIZER) == MF_STATUS_OK)
        mfi_optimizer_release(optimizer);
}

mf_status mf_optimizer_set(mf_optimizer *optimizer, int32_t key, double value)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(optimizer, MFI_KIND_OPTIMIZER));
    return mfi_optimizer_set(optimizer, key, value);
}

mf_status mf_optimizer_get(const mf_optimizer *optimizer, int32_t key, double *value)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(optimizer, MFI_KIND_OPTIMIZER));
    MFI_TRY(mfi_check_pointer(value, "the out-pointer of the value"));
    return mfi_optimizer_get(optimizer, key, value);
}

mf_status mf_optimizer_range(int32_t key, double *lowest, double *highest)
{
    MFI_TRY(mfi_check_pointer(lowest, "the out-pointer of the lowest value"));
    MFI_TRY(mfi_check_pointer(highest, "the out-pointer of the highest value"));
    return mfi_optimizer_range(key, lowest, highest);
}

double mf_schedule_cosine(uint64_t step, uint64_t total, double floor)
{
    MFI_CALM;
    return mfi_schedule_cosine(step, total, floor);
}

double mf_schedule_step(uint64_t step, uint64_t interval, double factor)
{
    MFI_CALM;
    return mfi_schedule_step(step, interval, factor);
}

double mf_schedule_warmup(uint64_t step, uint64_t steps)
{
    MFI_CALM;
    return mfi_schedule_warmup(step, steps);
}
