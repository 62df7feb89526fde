/* Owns: the mean of each map, or of the positions of a sequence. */
#include "base/status.h"
#include "model/unit.h"

static mf_status global_pool_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    (void)unit;
    if (input->rank == 1)
        return mfi_unit_refuses("a global pool reads maps or a sequence", input);
    *output = mfi_shape_row(mfi_shape_channels(input));
    return MF_STATUS_OK;
}

static bool global_pool_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                              mfi_shared_sizes *shared)
{
    (void)stage, (void)rows, (void)training, (void)kept, (void)shared;
    return true;
}

static void mean_of_positions(size_t positions, size_t n, const float *restrict x, float *restrict y)
{
    enum { STRIP = 64 }; /* of columns, whose sums are kept at hand */
    for (size_t start = 0; start < n; start += STRIP) {
        size_t width = n - start < STRIP ? n - start : STRIP;
        double sum[STRIP] = {0};
        for (size_t t = 0; t < positions; t++)
            for (size_t j = 0; j < width; j++)
                sum[j] += (double)x[t * n + start + j];
        for (size_t j = 0; j < width; j++)
            y[start + j] = (float)(sum[j] / (double)positions);
    }
}

static void spread_over_positions(size_t positions, size_t n, const float *restrict dy, float *restrict dx)
{
    for (size_t t = 0; t < positions; t++)
        for (size_t j = 0; j < n; j++)
            dx[t * n + j] = dy[j] * (1.0f / (float)positions);
}

static bool averages_positions(const mfi_run *run, const mfi_stage *stage)
{
    const mfi_plan *plan = &run->layer->plan;
    return mfi_plan_shape(plan, plan->units[stage->first - 1].spec.inputs[0])->rank == 2;
}

static void global_pool_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_input input = mfi_run_input(run, index, 0);
    float *y = mfi_run_output(run, index);
    bool positions = averages_positions(run, stage);
    for (size_t b = 0; b < run->rows->count; b++, y += stage->output_values) {
        const float *x = input.x + b * input.stride;
        if (positions)
            mean_of_positions(stage->positions, stage->output_values, x, y);
        else
            mfi_adaptive_pool(stage->geometry.pool.map, 1, stage->channels, x, y);
    }
}

static void global_pool_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    bool positions = averages_positions(run, stage);
    for (size_t b = 0; dx[0] && b < run->rows->count; b++, dy += stage->output_values) {
        float *to = dx[0] + b * stage->input_values;
        if (positions)
            spread_over_positions(stage->positions, stage->output_values, dy, to);
        else
            mfi_adaptive_unpool(stage->geometry.pool.map, 1, stage->channels, dy, to);
    }
}

const mfi_unit_kind mfi_unit_global_pool = {
    .resolve = global_pool_resolve,
    .sizes = global_pool_sizes,
    .forward = global_pool_forward,
    .backward = global_pool_backward,
};
