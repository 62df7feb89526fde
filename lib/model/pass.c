/* Owns: passes of a batch through a network. */
#include "model/pass.h"

#include <string.h>

#include "base/status.h"
#include "model/head.h"

/* What the layer at `position` reads: the caller's rows, or what the layer before has written. */
static mfi_rows pass_input(const mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    mfi_rows input = *rows;
    if (position > 0) {
        input.x = workspace->activations[(position - 1) % 2];
        input.stride = workspace->served[position].layer->plan.inputs;
    }
    return input;
}

static float *pass_output(const mf_workspace *workspace, size_t position)
{
    return workspace->activations[position % 2];
}

static void pass_forward(const mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    mfi_rows input = pass_input(workspace, position, rows);
    mfi_layer_forward(workspace->served[position].layer, &workspace->place, &input,
                      pass_output(workspace, position));
}

static mf_status pass_step(mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    mfi_rows input = pass_input(workspace, position, rows);
    mfi_served *served = &workspace->served[position];
    mfi_settings settings = mfi_layer_settings(served->layer);
    return mfi_layer_step(served->layer, &settings, &workspace->place, &input,
                          pass_output(workspace, position), position, &served->report);
}

/* Lets go of the layers before `end`. */
static void disclaim(const mf_workspace *workspace, size_t end)
{
    for (size_t position = 0; position < end; position++)
        mfi_layer_disclaim(workspace->served[position].layer, workspace);
}

/* Marks the layers before `end`, or none. */
static mf_status claim(const mf_workspace *workspace, size_t end)
{
    mf_status status = MF_STATUS_OK;
    for (size_t position = 0; status == MF_STATUS_OK && position < end; position++)
        status = mfi_layer_claim(workspace->served[position].layer, position, workspace);
    if (status != MF_STATUS_OK)
        disclaim(workspace, end);
    return status;
}

mf_status mfi_pass_step(mf_workspace *workspace, const mfi_rows *rows)
{
    mf_status status = MF_STATUS_OK;
    MFI_TRY(claim(workspace, workspace->count));
    for (size_t position = 0; status == MF_STATUS_OK && position < workspace->count; position++)
        status = pass_step(workspace, position, rows);
    disclaim(workspace, workspace->count);
    return status;
}

static mf_status step_one(mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    for (size_t before = 0; before < position; before++) {
        mfi_settings settings = mfi_layer_settings(workspace->served[before].layer);
        pass_forward(workspace, before, rows);
        mfi_layer_drop(workspace->served[before].layer, &workspace->team, &settings, rows->count,
                       pass_output(workspace, before));
    }
    MFI_TRY(pass_step(workspace, position, rows));
    for (size_t before = 0; before < position; before++) {
        mfi_settings settings = mfi_layer_settings(workspace->served[before].layer);
        mfi_layer_count_mask(workspace->served[before].layer, &settings);
    }
    return MF_STATUS_OK;
}

mf_status mfi_pass_step_layer(mf_workspace *workspace, size_t position, const mfi_rows *rows)
{
    MFI_TRY(claim(workspace, position + 1));
    mf_status status = step_one(workspace, position, rows);
    disclaim(workspace, position + 1);
    return status;
}

/* Computes the scores of the layer at `position` from its activation. */
static void score(const mf_workspace *workspace, size_t position, size_t rows, float *scores)
{
    mfi_layer_goodness(workspace->served[position].layer, &workspace->place, rows,
                       pass_output(workspace, position), scores);
}

static void add_scores(const mf_workspace *workspace, size_t count)
{
    workspace->served[0].layer->kernels->scale_add(count, 1.0f, workspace->total, 1.0f, workspace->goodness);
}

mf_status mfi_pass_evaluate(mf_workspace *workspace, const mfi_rows *rows)
{
    const mfi_plan *plan = &workspace->served[0].layer->plan;
    size_t classes = plan->head.classes, count = rows->count * mfi_plan_scores(plan);
    float *goodness = workspace->goodness;
    memset(workspace->total, 0, count * sizeof(float));
    for (size_t position = 0; position < workspace->count; position++) {
        mfi_served *served = &workspace->served[position];
        pass_forward(workspace, position, rows);
        score(workspace, position, rows->count, goodness);
        add_scores(workspace, count);
        MFI_TRY(mfi_cross_entropy_report(rows, classes, goodness, 0.0f, false, "layer", position,
                                         &served->report));
        served->report.applied = served->layer->progress.applied;
    }
    return mfi_cross_entropy_report(rows, classes, workspace->total, 0.0f, false, "sum of layers 0 to",
                                    workspace->count - 1, &workspace->sum);
}

void mfi_pass_scores(mf_workspace *workspace, int32_t mode, const mfi_rows *rows)
{
    size_t last = workspace->count - 1,
           count = rows->count * mfi_plan_scores(&workspace->served[0].layer->plan);
    bool sum = mode == MF_PREDICT_SUM;
    if (sum)
        memset(workspace->total, 0, count * sizeof(float));
    for (size_t position = 0; position <= last; position++) {
        pass_forward(workspace, position, rows);
        if (sum) {
            score(workspace, position, rows->count, workspace->goodness);
            add_scores(workspace, count);
        }
    }
    if (!sum)
        score(workspace, last, rows->count, workspace->total);
}
