/* Owns: layer normalisation: of a row of values, or of every position of a sequence. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/unit.h"

static mf_status layer_norm_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_check_constant("bias", unit->bias, 1));
    MFI_TRY(mfi_check_epsilon("normalization_epsilon", unit->normalization_epsilon));
    if (input->rank == 3)
        return mfi_unit_refuses("a layer normalisation reads a row of values or a sequence", input);
    *output = *input;
    return MF_STATUS_OK;
}

static void layer_norm_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    stage->channels = mfi_shape_channels(input);
    stage->normalization_epsilon = unit->normalization_epsilon;
}

/* What the backward pass needs of a piece of the input: the values that are normalised together. */
enum { PIECE_MEAN, PIECE_INVERSE, PIECE_NUMBERS };

static bool layer_norm_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                             mfi_shared_sizes *shared)
{
    return !training || (mfi_sums_room(rows, 2 * stage->channels, &shared->sums) &&
                         mfi_multiply(rows, PIECE_NUMBERS * stage->positions, &kept->moments));
}

/* The mean, and 1 / sqrt(variance + epsilon). */
static void measure_piece(const mfi_run *run, const mfi_stage *stage, const float *x,
                          float numbers[PIECE_NUMBERS])
{
    double mean, deviations;
    run->layer->kernels->moments(stage->channels, x, &mean, &deviations);
    double spread = deviations / (double)stage->channels + (double)stage->normalization_epsilon;
    numbers[PIECE_MEAN] = (float)mean;
    numbers[PIECE_INVERSE] = (float)(1.0 / sqrt(spread));
}

static void normalize_piece(size_t n, const float numbers[PIECE_NUMBERS], const float *restrict scale,
                            const float *restrict bias, const float *restrict x, float *restrict y)
{
    float mean = numbers[PIECE_MEAN], inverse = numbers[PIECE_INVERSE];
    for (size_t j = 0; j < n; j++)
        y[j] = (x[j] - mean) * inverse * scale[j];
    for (size_t j = 0; bias && j < n; j++)
        y[j] += bias[j];
}

/* What the rows of a pass share. */
typedef struct layer_norm_pass {
    const mfi_stage *stage;
    mfi_input input;
    const float *scale, *bias;
    float *numbers; /* of all pieces; NULL: they are not kept */
    float *y;
    const float *dy;
    float *dx;
} layer_norm_pass;

static layer_norm_pass begin_layer_norm(const mfi_run *run, size_t index)
{
    return (layer_norm_pass){.stage = &run->layer->plan.stages[index],
                             .input = mfi_run_input(run, index, 0),
                             .scale = mfi_run_values(run, index, MFI_SCALE),
                             .bias = mfi_run_values(run, index, MFI_BIAS),
                             .numbers = run->scratch->kept[index].moments,
                             .y = mfi_run_output(run, index)};
}

static const float *piece_at(const layer_norm_pass *p, size_t piece)
{
    size_t positions = p->stage->positions;
    return p->input.x + piece / positions * p->input.stride + piece % positions * p->stage->channels;
}

static void normalize_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const layer_norm_pass *p = context;
    size_t n = p->stage->channels, positions = p->stage->positions;
    for (size_t piece = first * positions; piece < end * positions; piece++) {
        float measured[PIECE_NUMBERS], *numbers = p->numbers ? p->numbers + piece * PIECE_NUMBERS : measured;
        measure_piece(mine, p->stage, piece_at(p, piece), numbers);
        normalize_piece(n, numbers, p->scale, p->bias, piece_at(p, piece), p->y + piece * n);
    }
}

static void layer_norm_forward(const mfi_run *run, size_t index)
{
    layer_norm_pass p = begin_layer_norm(run, index);
    mfi_run_share_items(run, run->rows->count, p.stage->output_values, normalize_rows, &p);
}

/* With n = (x - mean) inverse: dscale += dy n and dbias += dy. */
static void add_parameter_gradients(size_t n, const float numbers[PIECE_NUMBERS], const float *restrict x,
                                    const float *restrict dy, float *restrict dbias, float *restrict dscale)
{
    float mean = numbers[PIECE_MEAN], inverse = numbers[PIECE_INVERSE];
    for (size_t j = 0; j < n; j++) {
        dbias[j] += dy[j];
        dscale[j] += dy[j] * ((x[j] - mean) * inverse);
    }
}

/* With g = dy scale: dx = inverse (g - mean of g - n mean of (g n)). */
static void piece_input_gradient(const mfi_run *run, size_t n, const float numbers[PIECE_NUMBERS],
                                 const float *restrict scale, const float *x, const float *restrict dy,
                                 float *restrict dx)
{
    double sum = 0.0, product = 0.0, inverse = (double)numbers[PIECE_INVERSE];
    for (size_t j = 0; j < n; j++)
        dx[j] = dy[j] * scale[j];
    run->layer->kernels->centered_sums(n, dx, x, numbers[PIECE_MEAN], &sum, &product);
    run->layer->kernels->center_gradient(n, x, numbers[PIECE_MEAN], numbers[PIECE_INVERSE],
                                         (float)(sum / (double)n),
                                         (float)(product * inverse * inverse / (double)n), dx);
}

/* `sums` are dbias and, behind it, dscale. */
static void rows_gradient(mfi_run *mine, void *context, size_t first, size_t end, float *sums)
{
    const layer_norm_pass *p = context;
    size_t n = p->stage->channels, positions = p->stage->positions;
    for (size_t piece = first * positions; piece < end * positions; piece++) {
        const float *x = piece_at(p, piece), *dy = p->dy + piece * n;
        const float *numbers = p->numbers + piece * PIECE_NUMBERS;
        add_parameter_gradients(n, numbers, x, dy, sums, sums + n);
        if (p->dx)
            piece_input_gradient(mine, n, numbers, p->scale, x, dy, p->dx + piece * n);
    }
}

static void layer_norm_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    layer_norm_pass p = begin_layer_norm(run, index);
    mfi_target bias = mfi_run_target(run, p.stage->parameters[MFI_BIAS]);
    mfi_target scale = mfi_run_target(run, p.stage->parameters[MFI_SCALE]);
    size_t n = p.stage->channels;
    p.dy = dy;
    p.dx = dx[0];
    mfi_run_share_sums(run, run->rows->count, 2 * n, rows_gradient, &p);
    mfi_run_take(run, &bias, 0, 1, n, n, run->scratch->sums);
    mfi_run_take(run, &scale, 0, 1, n, n, run->scratch->sums + n);
}

const mfi_unit_kind mfi_unit_layer_norm = {
    .resolve = layer_norm_resolve,
    .describe = layer_norm_describe,
    .sizes = layer_norm_sizes,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
};
