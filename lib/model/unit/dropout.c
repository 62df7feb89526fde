/* Owns: dropout inside a layer: a step sets values, or whole maps, to 0. */
#include <string.h>

#include "base/status.h"
#include "model/checks.h"
#include "model/unit.h"

static mf_status dropout_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_check_rate("dropout", (double)unit->dropout));
    MFI_TRY(mfi_check_constant("dropout_maps", unit->dropout_maps, 1));
    if (unit->dropout_maps && input->rank == 1)
        return mfi_unit_refuses("dropout_maps reads maps or a sequence", input);
    *output = *input;
    return MF_STATUS_OK;
}

static void dropout_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    (void)input;
    stage->dropout = unit->dropout;
    stage->drops_maps = unit->dropout_maps != 0;
}

static bool dropout_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                          mfi_shared_sizes *shared)
{
    (void)stage, (void)rows, (void)training, (void)kept, (void)shared;
    return true;
}

/* The same mask forward and back: it follows from the seed, the node and how many masks the layer has drawn.
 */
static void drop(const mfi_run *run, const mfi_stage *stage, float *values)
{
    mfi_dropout(run->layer, run->team, mfi_purpose_of(MFI_PURPOSE_UNIT_DROPOUT, stage->first), stage->dropout,
                stage->drops_maps, stage->area, run->rows->count * stage->output_values, values);
}

static void dropout_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    float *y = mfi_run_copy_input(run, index);
    if (run->settings)
        drop(run, stage, y);
}

static void dropout_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    if (!dx[0])
        return;
    memcpy(dx[0], dy, run->rows->count * stage->output_values * sizeof *dy);
    drop(run, stage, dx[0]);
}

const mfi_unit_kind mfi_unit_dropout = {
    .resolve = dropout_resolve,
    .describe = dropout_describe,
    .sizes = dropout_sizes,
    .forward = dropout_forward,
    .backward = dropout_backward,
};
