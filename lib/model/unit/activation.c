/* Owns: an activation on its own, not behind a product. */
#include <string.h>

#include "base/status.h"
#include "model/checks.h"
#include "model/unit.h"

static mf_status activation_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_check_constant("activation", unit->activation, MF_ACTIVATION_SILU));
    MFI_TRY(mfi_check_unit_interval("leak", unit->leak));
    *output = *input;
    return MF_STATUS_OK;
}

static void activation_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    (void)input;
    stage->phi = (mfi_activation){unit->activation, unit->leak};
}

static bool activation_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                             mfi_shared_sizes *shared)
{
    (void)rows, (void)kept;
    shared->db = training ? stage->output_values : 0;
    return true;
}

static void activation_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    float *y = mfi_run_copy_input(run, index);
    run->layer->kernels->activate(stage->phi, run->rows->count, stage->output_values, NULL, y, NULL);
}

static void activation_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_input input = mfi_run_input(run, index, 0);
    const float *y = mfi_run_output(run, index);
    size_t n = stage->output_values;
    if (!dx[0])
        return;
    memcpy(dx[0], dy, run->rows->count * n * sizeof *dy);
    for (size_t b = 0; b < run->rows->count; b++) /* the sums of columns that the kernel makes are not used */
        run->layer->kernels->derivative(stage->phi, 1, n, y + b * n, input.x + b * input.stride, n,
                                        dx[0] + b * n, run->scratch->db);
}

const mfi_unit_kind mfi_unit_activation = {
    .resolve = activation_resolve,
    .describe = activation_describe,
    .sizes = activation_sizes,
    .forward = activation_forward,
    .backward = activation_backward,
};
