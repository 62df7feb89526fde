/* Owns: learned positions: y = x + W, with a value of W for every value of a sequence. */
#include <string.h>

#include "base/status.h"
#include "model/unit.h"

static mf_status positions_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_unit_check_weight(unit));
    if (input->rank != 2)
        return mfi_unit_refuses("positions are added to a sequence", input);
    *output = *input;
    return MF_STATUS_OK;
}

static bool positions_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                            mfi_shared_sizes *shared)
{
    (void)rows, (void)kept;
    shared->dw = training ? stage->output_values : 0;
    return true;
}

static void positions_forward(const mfi_run *run, size_t index)
{
    size_t n = run->layer->plan.stages[index].output_values;
    const float *w = mfi_run_values(run, index, MFI_WEIGHT);
    float *y = mfi_run_copy_input(run, index);
    for (size_t b = 0; b < run->rows->count; b++)
        run->layer->kernels->scale_add(n, 1.0f, y + b * n, 1.0f, w);
}

static void positions_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_target weight = mfi_run_target(run, stage->parameters[MFI_WEIGHT]);
    size_t n = stage->output_values, rows = run->rows->count;
    if (dx[0])
        memcpy(dx[0], dy, rows * n * sizeof *dy);
    if (!weight.wanted)
        return;
    for (size_t b = 0; b < rows; b++)
        run->layer->kernels->scale_add(n, b == 0 ? 0.0f : 1.0f, run->scratch->dw, 1.0f, dy + b * n);
    mfi_run_take(run, &weight, 0, 1, n, n, run->scratch->dw);
}

const mfi_unit_kind mfi_unit_positions = {
    .resolve = positions_resolve,
    .sizes = positions_sizes,
    .forward = positions_forward,
    .backward = positions_backward,
};
