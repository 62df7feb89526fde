/* Owns: the sum of two nodes, as in a residual block. */
#include <string.h>

#include "base/status.h"
#include "model/unit.h"

static mf_status add_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    (void)unit;
    *output = *input;
    return MF_STATUS_OK;
}

static mf_status add_join(const mf_unit_spec *unit, const mf_shape *other, mf_shape *output)
{
    if (output->rank != other->rank || memcmp(output->dims, other->dims, sizeof output->dims) != 0)
        return mfi_unit_misfit("adds", unit, output, other);
    return MF_STATUS_OK;
}

static bool add_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                      mfi_shared_sizes *shared)
{
    (void)stage, (void)rows, (void)training, (void)kept, (void)shared;
    return true;
}

static void add_forward(const mfi_run *run, size_t index)
{
    mfi_input one = mfi_run_input(run, index, 0), other = mfi_run_input(run, index, 1);
    float *y = mfi_run_output(run, index);
    size_t n = run->layer->plan.stages[index].output_values;
    for (size_t b = 0; b < run->rows->count; b++)
        for (size_t j = 0; j < n; j++)
            y[b * n + j] = one.x[b * one.stride + j] + other.x[b * other.stride + j];
}

static void add_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    size_t count = run->rows->count * run->layer->plan.stages[index].output_values;
    for (int i = 0; i < MFI_STAGE_INPUTS; i++)
        if (dx[i])
            memcpy(dx[i], dy, count * sizeof *dy);
}

const mfi_unit_kind mfi_unit_add = {
    .resolve = add_resolve,
    .join = add_join,
    .sizes = add_sizes,
    .forward = add_forward,
    .backward = add_backward,
};
