/* Owns: units that turn the values of a row around: a sequence, and maps into tokens. Both are the transpose
 * of a matrix. */
#include "base/status.h"
#include "model/unit.h"

static mf_status transpose_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    (void)unit;
    if (input->rank != 2)
        return mfi_unit_refuses("a transpose reads a sequence", input);
    *output = mfi_shape_sequence(input->dims[1], input->dims[0]);
    return MF_STATUS_OK;
}

static mf_status tokens_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    (void)unit;
    if (input->rank != 3)
        return mfi_unit_refuses("tokens are made of maps", input);
    *output = mfi_shape_sequence(input->dims[1] * input->dims[2], input->dims[0]);
    return MF_STATUS_OK;
}

static bool transpose_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                            mfi_shared_sizes *shared)
{
    (void)stage, (void)rows, (void)training, (void)kept, (void)shared;
    return true;
}

/* to [columns, rows] = from [rows, columns], in squares, so that both stay in the cache. */
static void transpose_matrix(size_t rows, size_t columns, const float *restrict from, float *restrict to)
{
    enum { SQUARE = 16 };
    for (size_t top = 0; top < rows; top += SQUARE)
        for (size_t left = 0; left < columns; left += SQUARE)
            for (size_t i = top; i < rows && i < top + SQUARE; i++)
                for (size_t j = left; j < columns && j < left + SQUARE; j++)
                    to[j * rows + i] = from[i * columns + j];
}

static void transpose_forward(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    mfi_input input = mfi_run_input(run, index, 0);
    float *y = mfi_run_output(run, index);
    for (size_t b = 0; b < run->rows->count; b++)
        transpose_matrix(stage->channels, stage->area, input.x + b * input.stride,
                         y + b * stage->output_values);
}

static void transpose_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    for (size_t b = 0; dx[0] && b < run->rows->count; b++)
        transpose_matrix(stage->area, stage->channels, dy + b * stage->output_values,
                         dx[0] + b * stage->input_values);
}

const mfi_unit_kind mfi_unit_transpose = {
    .resolve = transpose_resolve,
    .sizes = transpose_sizes,
    .forward = transpose_forward,
    .backward = transpose_backward,
};

const mfi_unit_kind mfi_unit_tokens = {
    .resolve = tokens_resolve,
    .sizes = transpose_sizes,
    .forward = transpose_forward,
    .backward = transpose_backward,
};
