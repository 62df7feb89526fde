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
    if (!training)
        return true;
    shared->db = shared->dscale = stage->channels;
    return mfi_multiply(rows, PIECE_NUMBERS * stage->positions, &kept->moments);
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

static void layer_norm_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    const float *scale = mfi_run_values(run, index, MFI_SCALE), *bias = mfi_run_values(run, index, MFI_BIAS);
    mfi_input input = mfi_run_input(run, index, 0);
    float *y = mfi_run_output(run, index), *kept = run->scratch->kept[index].moments;
    size_t n = stage->channels;
    for (size_t b = 0; b < run->rows->count; b++)
        for (size_t t = 0; t < stage->positions; t++, y += n) {
            const float *x = input.x + b * input.stride + t * n;
            float numbers[PIECE_NUMBERS];
            measure_piece(run, stage, x, numbers);
            if (kept)
                memcpy(kept + (b * stage->positions + t) * PIECE_NUMBERS, numbers, sizeof numbers);
            normalize_piece(n, numbers, scale, bias, x, y);
        }
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

static void layer_norm_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_target bias = mfi_run_target(run, stage->parameters[MFI_BIAS]);
    mfi_target scale = mfi_run_target(run, stage->parameters[MFI_SCALE]);
    mfi_input input = mfi_run_input(run, index, 0);
    float *db = run->scratch->db, *dscale = run->scratch->dscale;
    size_t n = stage->channels, piece = 0;
    memset(db, 0, n * sizeof *db);
    memset(dscale, 0, n * sizeof *dscale);
    for (size_t b = 0; b < run->rows->count; b++)
        for (size_t t = 0; t < stage->positions; t++, piece++) {
            const float *x = input.x + b * input.stride + t * n;
            const float *numbers = run->scratch->kept[index].moments + piece * PIECE_NUMBERS;
            add_parameter_gradients(n, numbers, x, dy + piece * n, db, dscale);
            if (dx[0])
                piece_input_gradient(run, n, numbers, mfi_run_values(run, index, MFI_SCALE), x,
                                     dy + piece * n, dx[0] + piece * n);
        }
    mfi_run_take(run, &bias, 0, 1, n, n, db);
    mfi_run_take(run, &scale, 0, 1, n, n, dscale);
}

const mfi_unit_kind mfi_unit_layer_norm = {
    .resolve = layer_norm_resolve,
    .describe = layer_norm_describe,
    .sizes = layer_norm_sizes,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
};
