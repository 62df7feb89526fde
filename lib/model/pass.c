/* Owns: passes of a batch through a network. */
#include "model/pass.h"

#include <string.h>

#include "base/status.h"
#include "model/head.h"

/* What the layer at `position` reads: the caller's rows, or what the layer before has written. */
static mfi_rows input_of(const mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    mfi_rows input = *rows;
    if (position > 0) {
        input.x = workspace->activations[(position - 1) % 2];
        input.stride = workspace->served[position].layer->plan.inputs;
    }
    return input;
}

static float *output_of(const mf_workspace *workspace, size_t position)
{
    return workspace->activations[position % 2];
}

static void forward(const mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    mfi_rows input = input_of(workspace, position, rows);
    mfi_layer_forward(workspace->served[position].layer, workspace->scratch, &input,
                      output_of(workspace, position));
}

static mf_status step(mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    mfi_rows input = input_of(workspace, position, rows);
    mfi_served *served = &workspace->served[position];
    mfi_settings settings = mfi_layer_settings(served->layer);
    return mfi_layer_step(served->layer, &settings, workspace->scratch, &input,
                          output_of(workspace, position), position, &served->report);
}

mf_status mfi_pass_step(mf_workspace *workspace, const mfi_rows *rows)
{
    for (size_t position = 0; position < workspace->count; position++)
        MFI_TRY(step(workspace, position, rows));
    return MF_STATUS_OK;
}

mf_status mfi_pass_step_layer(mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    for (size_t before = 0; before < position; before++) {
        mfi_settings settings = mfi_layer_settings(workspace->served[before].layer);
        forward(workspace, before, rows);
        mfi_layer_drop(workspace->served[before].layer, &settings, rows->count, output_of(workspace, before));
    }
    MFI_TRY(step(workspace, position, rows));
    for (size_t before = 0; before < position; before++) {
        mfi_settings settings = mfi_layer_settings(workspace->served[before].layer);
        mfi_layer_count_mask(workspace->served[before].layer, &settings);
    }
    return MF_STATUS_OK;
}

/* Scores of the layer at `position`, whose activation is there. */
static void score(const mf_workspace *workspace, size_t position, size_t rows, float *scores)
{
    mfi_layer_goodness(workspace->served[position].layer, workspace->scratch, rows,
                       output_of(workspace, position), scores);
}

static void add(size_t count, float *to, const float *from)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

mf_status mfi_pass_evaluate(mf_workspace *workspace, const mfi_rows *rows)
{
    size_t classes = workspace->served[0].layer->plan.head.classes, count = rows->count * classes;
    float *goodness = workspace->goodness;
    memset(workspace->total, 0, count * sizeof(float));
    for (size_t position = 0; position < workspace->count; position++) {
        mfi_served *served = &workspace->served[position];
        forward(workspace, position, rows);
        score(workspace, position, rows->count, goodness);
        add(count, workspace->total, goodness);
        MFI_TRY(mfi_cross_entropy_report(rows, classes, goodness, 0.0f, false, "layer", position,
                                         &served->report));
        served->report.applied = served->layer->progress.applied;
    }
    return mfi_cross_entropy_report(rows, classes, workspace->total, 0.0f, false, "sum of layers 0 to",
                                    workspace->count - 1, &workspace->sum);
}

void mfi_pass_scores(mf_workspace *workspace, int32_t mode, const mfi_rows *rows)
{
    size_t last = workspace->count - 1, count = rows->count * workspace->served[0].layer->plan.head.classes;
    bool sum = mode == MF_PREDICT_SUM;
    if (sum)
        memset(workspace->total, 0, count * sizeof(float));
    for (size_t position = 0; position <= last; position++) {
        forward(workspace, position, rows);
        if (sum) {
            score(workspace, position, rows->count, workspace->goodness);
            add(count, workspace->total, workspace->goodness);
        }
    }
    if (!sum)
        score(workspace, last, rows->count, workspace->total);
}
