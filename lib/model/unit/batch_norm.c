/* Owns: a batch normalisation on its own, not behind a product: of rows of values, or of maps. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/normalization.h"
#include "model/unit.h"

static mf_status batch_norm_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_check_constant("bias", unit->bias, 1));
    MFI_TRY(mfi_check_unit_interval("normalization_rate", unit->normalization_rate));
    MFI_TRY(mfi_check_epsilon("normalization_epsilon", unit->normalization_epsilon));
    if (input->rank == 2)
        return mfi_unit_refuses("a batch normalisation reads a row of values or maps", input);
    *output = *input;
    return MF_STATUS_OK;
}

static void batch_norm_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    (void)input;
    stage->normalizes = true;
    stage->normalization_rate = unit->normalization_rate;
    stage->normalization_epsilon = unit->normalization_epsilon;
}

static bool batch_norm_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                             mfi_shared_sizes *shared)
{
    (void)rows;
    shared->map = stage->area;
    if (training)
        shared->db = shared->dscale = stage->channels;
    return mfi_multiply(MFI_MOMENT_ROWS, stage->channels, &kept->moments);
}

static const mfi_activation batch_norm_identity = {MF_ACTIVATION_IDENTITY, 0.0f};

/* ---- rows of values: a channel is a column ---- */

static void forward_rows(const mfi_run *run, size_t index, mfi_moments moments)
{
    const mfi_kernels *kernels = run->layer->kernels;
    size_t n = run->layer->plan.stages[index].channels, rows = run->rows->count;
    mfi_input input = mfi_run_input(run, index, 0);
    float *y = mfi_run_output(run, index);
    if (mfi_run_uses_batch(run, index))
        kernels->column_moments(rows, n, input.x, input.stride, moments.mean, moments.variance);
    mfi_moments_complete(run, index, moments);
    kernels->normalize(rows, n, moments.mean, moments.scale, input.x, input.stride, y);
    kernels->activate(batch_norm_identity, rows, n, mfi_run_values(run, index, MFI_BIAS), y, NULL);
}

/* `dy` becomes the gradient by the input. */
static void backward_rows(const mfi_run *run, size_t index, mfi_moments moments, float *dy)
{
    const mfi_kernels *kernels = run->layer->kernels;
    size_t n = run->layer->plan.stages[index].channels, rows = run->rows->count;
    mfi_input input = mfi_run_input(run, index, 0);
    float part = mfi_run_uses_batch(run, index) ? 1.0f / (float)rows : 0.0f;
    kernels->derivative(batch_norm_identity, rows, n, mfi_run_output(run, index), NULL, n, dy,
                        run->scratch->db);
    kernels->normalization_gradient(rows, n, input.x, input.stride, moments.mean, moments.inverse,
                                    moments.scale, run->scratch->db, part, dy, run->scratch->dscale);
}

/* ---- maps: a channel is the maps of all rows ---- */

static const float *map_of(mfi_input input, const mfi_stage *stage, size_t row, size_t channel)
{
    return input.x + row * input.stride + channel * stage->area;
}

/* What the channels of a pass share. */
typedef struct maps_pass {
    const mfi_stage *stage;
    size_t index, rows;
    mfi_input input;
    mfi_moments moments;
    bool batch;
    float *values;      /* the output, or its gradient, which becomes that by the input */
    float *db, *dscale; /* of the thread that began the pass */
} maps_pass;

static maps_pass begin_maps(const mfi_run *run, size_t index, mfi_moments moments, float *values)
{
    return (maps_pass){.stage = &run->layer->plan.stages[index],
                       .index = index,
                       .rows = run->rows->count,
                       .input = mfi_run_input(run, index, 0),
                       .moments = moments,
                       .batch = mfi_run_uses_batch(run, index),
                       .values = values,
                       .db = run->scratch->db,
                       .dscale = run->scratch->dscale};
}

static void share_channels(const mfi_run *run, mfi_items channels, maps_pass *p)
{
    mfi_run_share_items(run, p->stage->channels, p->rows * p->stage->area, channels, p);
}

static float *values_of(const maps_pass *p, size_t row, size_t channel)
{
    return p->values + (row * p->stage->channels + channel) * p->stage->area;
}

static void measure_channel(const mfi_kernels *kernels, const maps_pass *p, size_t c)
{
    double mean = 0.0, deviations = 0.0, area = (double)p->stage->area;
    for (size_t b = 0; b < p->rows; b++) { /* as blocks are merged in conv2d.c */
        double map_mean, map_deviations;
        kernels->moments(p->stage->area, map_of(p->input, p->stage, b, c), &map_mean, &map_deviations);
        double off = map_mean - mean;
        deviations += map_deviations + off * off * area * (double)b / (double)(b + 1);
        mean += off / (double)(b + 1);
    }
    p->moments.mean[c] = (float)mean;
    p->moments.variance[c] = (float)(deviations / ((double)p->rows * area));
}

static void measure_channels(mfi_run *mine, void *context, size_t first, size_t end)
{
    for (size_t c = first; c < end; c++)
        measure_channel(mine->layer->kernels, context, c);
}

static void normalize_channels(mfi_run *mine, void *context, size_t first, size_t end)
{
    const maps_pass *p = context;
    for (size_t b = 0; b < p->rows; b++)
        for (size_t c = first; c < end; c++)
            mine->layer->kernels->map_forward(batch_norm_identity, &p->stage->geometry.pool,
                                              mfi_moments_shift(mine, p->index, &p->moments, c), 1,
                                              map_of(p->input, p->stage, b, c), values_of(p, b, c),
                                              p->stage->area, mine->scratch->map);
}

static void forward_maps(const mfi_run *run, size_t index, mfi_moments moments)
{
    maps_pass p = begin_maps(run, index, moments, mfi_run_output(run, index));
    if (p.batch)
        share_channels(run, measure_channels, &p);
    mfi_moments_complete(run, index, moments);
    share_channels(run, normalize_channels, &p);
}

static void channel_gradient(const mfi_kernels *kernels, const maps_pass *p, size_t c)
{
    size_t area = p->stage->area;
    double part = p->batch ? 1.0 / ((double)p->rows * (double)area) : 0.0;
    double sum = 0.0, product = 0.0, inverse = (double)p->moments.inverse[c];
    for (size_t b = 0; b < p->rows; b++)
        kernels->centered_sums(area, values_of(p, b, c), map_of(p->input, p->stage, b, c), p->moments.mean[c],
                               &sum, &product);
    p->db[c] = (float)sum;
    p->dscale[c] = (float)(product * inverse);
    for (size_t b = 0; b < p->rows; b++)
        kernels->center_gradient(area, map_of(p->input, p->stage, b, c), p->moments.mean[c],
                                 p->moments.scale[c], (float)(part * sum),
                                 (float)(part * product * inverse * inverse), values_of(p, b, c));
}

static void channel_gradients(mfi_run *mine, void *context, size_t first, size_t end)
{
    for (size_t c = first; c < end; c++)
        channel_gradient(mine->layer->kernels, context, c);
}

/* `dy` becomes the gradient by the input. */
static void backward_maps(const mfi_run *run, size_t index, mfi_moments moments, float *dy)
{
    maps_pass p = begin_maps(run, index, moments, dy);
    share_channels(run, channel_gradients, &p);
}

/* ---- both ---- */

static bool reads_maps(const mfi_stage *stage)
{
    return stage->area > 1;
}

static void batch_norm_forward(const mfi_run *run, size_t index)
{
    if (reads_maps(&run->layer->plan.stages[index]))
        forward_maps(run, index, mfi_moments_of(run, index));
    else
        forward_rows(run, index, mfi_moments_of(run, index));
}

static void batch_norm_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_target bias = mfi_run_target(run, stage->parameters[MFI_BIAS]);
    mfi_target scale = mfi_run_target(run, stage->parameters[MFI_SCALE]);
    if (reads_maps(stage))
        backward_maps(run, index, mfi_moments_of(run, index), dy);
    else
        backward_rows(run, index, mfi_moments_of(run, index), dy);
    if (dx[0])
        memcpy(dx[0], dy, run->rows->count * stage->output_values * sizeof *dy);
    mfi_run_take(run, &bias, 0, 1, stage->channels, stage->channels, run->scratch->db);
    mfi_run_take(run, &scale, 0, 1, stage->channels, stage->channels, run->scratch->dscale);
}

const mfi_unit_kind mfi_unit_batch_norm = {
    .resolve = batch_norm_resolve,
    .describe = batch_norm_describe,
    .sizes = batch_norm_sizes,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
};
