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
    (void)stage, (void)rows, (void)training, (void)kept, (void)shared;
    return true;
}

/* What the rows of a pass share. */
typedef struct activation_pass {
    const mfi_stage *stage;
    mfi_input input;
    float *y;
    const float *dy;
    float *dx;
} activation_pass;

static activation_pass begin_activation(const mfi_run *run, size_t index)
{
    return (activation_pass){.stage = &run->layer->plan.stages[index],
                             .input = mfi_run_input(run, index, 0),
                             .y = mfi_run_output(run, index)};
}

static void activate_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const activation_pass *p = context;
    size_t n = p->stage->output_values;
    for (size_t b = first; b < end; b++)
        memcpy(p->y + b * n, p->input.x + b * p->input.stride, n * sizeof *p->y);
    mine->layer->kernels->activate(p->stage->phi, end - first, n, NULL, p->y + first * n, NULL);
}

static void activation_forward(const mfi_run *run, size_t index)
{
    activation_pass p = begin_activation(run, index);
    mfi_run_share_items(run, run->rows->count, p.stage->output_values, activate_rows, &p);
}

static void derive_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const activation_pass *p = context;
    size_t n = p->stage->output_values;
    memcpy(p->dx + first * n, p->dy + first * n, (end - first) * n * sizeof *p->dx);
    for (size_t b = first; b < end; b++)
        mine->layer->kernels->derivative(p->stage->phi, 1, n, p->y + b * n, p->input.x + b * p->input.stride,
                                         n, p->dx + b * n, NULL);
}

static void activation_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    activation_pass p = begin_activation(run, index);
    p.dy = dy;
    p.dx = dx[0];
    if (dx[0])
        mfi_run_share_items(run, run->rows->count, p.stage->output_values, derive_rows, &p);
}

const mfi_unit_kind mfi_unit_activation = {
    .resolve = activation_resolve,
    .describe = activation_describe,
    .sizes = activation_sizes,
    .forward = activation_forward,
    .backward = activation_backward,
};
