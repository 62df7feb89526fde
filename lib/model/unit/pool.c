/* Owns: a pooling on its own, not behind a convolution. */
#include "base/status.h"
#include "model/checks.h"
#include "model/unit.h"
#include "model/unit/window.h"

static mf_status pool_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    if (input->rank != 3)
        return mfi_unit_refuses("a pool reads maps", input);
    if (unit->pool < MF_POOL_AVERAGE || unit->pool > MF_POOL_AVERAGE_INSIDE)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown pool %d of a unit", (int)unit->pool);
    for (int d = 0; d < 2; d++) {
        unit->kernel[d] = unit->kernel[d] ? unit->kernel[d] : 2;
        unit->stride[d] = unit->stride[d] ? unit->stride[d] : unit->kernel[d];
    }
    MFI_TRY(mfi_check_pool(input->dims + 1, unit->kernel, unit->stride, unit->padding));
    mfi_pool pool = mfi_pooling(input->dims + 1, unit->pool, unit->kernel, unit->stride, unit->padding);
    *output = mfi_shape_maps(input->dims[0], pool.pooled[0], pool.pooled[1]);
    return MF_STATUS_OK;
}

static void pool_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    mfi_convolution_pool(&stage->geometry,
                         mfi_pooling(input->dims + 1, unit->pool, unit->kernel, unit->stride, unit->padding));
}

static bool pool_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                       mfi_shared_sizes *shared)
{
    (void)rows, (void)kept;
    shared->map = (training ? 2 : 1) * stage->area;
    return true;
}

/* The kernels of convolutions, with a shift that changes nothing. */
static const mfi_shift no_shift = {0.0f, 1.0f, 0.0f};
static const mfi_activation pool_identity = {MF_ACTIVATION_IDENTITY, 0.0f};

/* What the rows of a pass share. */
typedef struct pool_pass {
    const mfi_stage *stage;
    mfi_input input;
    float *y;
    const float *dy;
    float *dx;
} pool_pass;

static void pool_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const pool_pass *p = context;
    const mfi_geometry *g = &p->stage->geometry;
    float *y = p->y + first * p->stage->output_values;
    for (size_t b = first; b < end; b++)
        for (size_t c = 0; c < p->stage->channels; c++, y += g->pooled)
            mine->layer->kernels->map_forward(pool_identity, &g->pool, no_shift, 1,
                                              p->input.x + b * p->input.stride + c * p->stage->area, y,
                                              g->pooled, mine->scratch->map);
}

static void pool_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    pool_pass p = {.stage = stage, .input = mfi_run_input(run, index, 0), .y = mfi_run_output(run, index)};
    mfi_run_share_items(run, run->rows->count, stage->input_values, pool_rows, &p);
}

static void unpool_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const pool_pass *p = context;
    const mfi_geometry *g = &p->stage->geometry;
    size_t map = first * p->stage->channels;
    for (size_t b = first; b < end; b++)
        for (size_t c = 0; c < p->stage->channels; c++, map++)
            mine->layer->kernels->map_gradient(
                pool_identity, &g->pool, no_shift, 1, p->input.x + b * p->input.stride + c * p->stage->area,
                p->dy + map * g->pooled, g->pooled, p->dx + map * p->stage->area, mine->scratch->map);
}

static void pool_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    pool_pass p = {.stage = stage, .input = mfi_run_input(run, index, 0), .dy = dy, .dx = dx[0]};
    if (dx[0])
        mfi_run_share_items(run, run->rows->count, stage->input_values, unpool_rows, &p);
}

const mfi_unit_kind mfi_unit_pool = {
    .resolve = pool_resolve,
    .describe = pool_describe,
    .sizes = pool_sizes,
    .forward = pool_forward,
    .backward = pool_backward,
};
