/* Owns: two nodes behind each other: values behind values, of a sequence at every position, maps behind maps.
 */
#include <string.h>

#include "base/status.h"
#include "model/unit.h"

static mf_status concat_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    (void)unit;
    *output = *input;
    return MF_STATUS_OK;
}

/* All sizes but that of the dimension that grows must be equal. The sum is checked with the output's values.
 */
static mf_status concat_join(const mf_unit_spec *unit, const mf_shape *other, mf_shape *output)
{
    int grows = output->rank == 2;
    mf_shape joined = *output;
    joined.dims[grows] = other->dims[grows];
    if (joined.rank != other->rank || memcmp(joined.dims, other->dims, sizeof joined.dims) != 0)
        return mfi_unit_misfit("joins", unit, output, other);
    output->dims[grows] += other->dims[grows];
    return MF_STATUS_OK;
}

static bool concat_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                         mfi_shared_sizes *shared)
{
    (void)stage, (void)rows, (void)training, (void)kept, (void)shared;
    return true;
}

/* Where the values of one of the inputs lie in a piece of the output: a row, or a position of a sequence. */
typedef struct concat_part {
    size_t first, width, whole;
} concat_part;

static concat_part part_of(const mfi_stage *stage, int which)
{
    size_t whole = stage->output_values / stage->positions, width = stage->input_values / stage->positions;
    return which == 0 ? (concat_part){0, width, whole} : (concat_part){width, whole - width, whole};
}

static void concat_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    for (int i = 0; i < MFI_STAGE_INPUTS; i++) {
        concat_part p = part_of(stage, i);
        mfi_input input = mfi_run_input(run, index, i);
        float *y = mfi_run_output(run, index) + p.first;
        for (size_t b = 0; b < run->rows->count; b++)
            for (size_t t = 0; t < stage->positions; t++, y += p.whole)
                memcpy(y, input.x + b * input.stride + t * p.width, p.width * sizeof *y);
    }
}

static void concat_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    for (int i = 0; i < MFI_STAGE_INPUTS; i++) {
        concat_part p = part_of(stage, i);
        for (size_t piece = 0; dx[i] && piece < run->rows->count * stage->positions; piece++)
            memcpy(dx[i] + piece * p.width, dy + piece * p.whole + p.first, p.width * sizeof *dy);
    }
}

const mfi_unit_kind mfi_unit_concat = {
    .resolve = concat_resolve,
    .join = concat_join,
    .sizes = concat_sizes,
    .forward = concat_forward,
    .backward = concat_backward,
};
