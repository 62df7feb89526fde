/* Owns: passes of a batch through a network. */
#include "model/pass.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "model/checks.h"
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

/* ---- scores of few classes: all at once ---- */

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

static mf_status evaluate_whole(mf_workspace *workspace, const mfi_rows *rows)
{
    const mfi_kernels *kernels = workspace->served[0].layer->kernels;
    const mfi_plan *plan = &workspace->served[0].layer->plan;
    size_t classes = plan->head.classes, count = rows->count * mfi_plan_scores(plan);
    float *goodness = workspace->goodness;
    memset(workspace->total, 0, count * sizeof(float));
    for (size_t position = 0; position < workspace->count; position++) {
        mfi_served *served = &workspace->served[position];
        pass_forward(workspace, position, rows);
        score(workspace, position, rows->count, goodness);
        add_scores(workspace, count);
        MFI_TRY(mfi_cross_entropy_report(kernels, &workspace->team, rows, classes, goodness, 0.0f, false,
                                         "layer", position, &served->report));
        served->report.applied = served->layer->progress.applied;
    }
    return mfi_cross_entropy_report(kernels, &workspace->team, rows, classes, workspace->total, 0.0f, false,
                                    "sum of layers 0 to", workspace->count - 1, &workspace->sum);
}

static void score_whole(const mf_workspace *workspace, int32_t mode, const mfi_rows *rows)
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

/* ---- scores of many classes: block by block, and in each block some rows at a time ---- */

/* Scores [rows, count] of rows from `row` on and of classes from `first` on. */
typedef struct score_block {
    size_t row, rows, first, count;
} score_block;

/* What becomes of the scores of a block. */
typedef struct scan {
    const mf_workspace *workspace;
    size_t from, end; /* layers whose scores are wanted, and added up */
    size_t rows;
    const int32_t *labels; /* NULL: losses of single layers are not wanted */
    void (*take)(void *context, const score_block *block, float *scores);
    void *context;
    size_t first, count; /* classes of the block */
} scan;

static mfi_running *running_at(const mf_workspace *workspace, size_t run, size_t row)
{
    size_t rows = workspace->max_batch * workspace->served[0].layer->plan.scored;
    return workspace->running + run * rows + row;
}

static void take_losses(const scan *all, size_t run, const score_block *at, float *scores)
{
    for (size_t b = 0; b < at->rows; b++)
        mfi_running_take(running_at(all->workspace, run, at->row + b),
                         all->workspace->served[0].layer->kernels, at->first, at->count,
                         scores + b * at->count, all->labels[at->row + b]);
}

/* The scores that a layer gives a block, some of its classes at a time. */
typedef struct layer_scores {
    const mfi_served *served;
    const score_block *at;
    float *goodness;
} layer_scores;

enum { CLASSES_OF_PART = 512 };

static void score_part(void *context, size_t index, size_t slot)
{
    const layer_scores *all = context;
    const score_block *at = all->at;
    const mf_layer *layer = all->served->layer;
    size_t first = index * CLASSES_OF_PART, left = at->count - first;
    (void)slot;
    mfi_head_scores(layer, at->rows, all->served->features + at->row * layer->plan.features,
                    at->first + first, left < CLASSES_OF_PART ? left : CLASSES_OF_PART, all->goodness + first,
                    at->count);
}

/* Threads that have no rows take parts of the classes: of a single row, too. */
static void scan_rows(void *context, size_t index, size_t slot)
{
    const scan *all = context;
    mfi_team team = all->workspace->team;
    size_t row = index * MFI_SCORE_ROWS, left = all->rows - row;
    const score_block at = {row, left < MFI_SCORE_ROWS ? left : MFI_SCORE_ROWS, all->first, all->count};
    size_t values = at.rows * at.count;
    float *goodness = all->workspace->goodness + row * at.count,
          *total = all->workspace->total + row * at.count;
    team.slot = slot;
    for (size_t position = all->from; position < all->end; position++) {
        const mfi_served *served = &all->workspace->served[position];
        layer_scores scores = {served, &at, goodness};
        mfi_team_run(&team, (at.count + CLASSES_OF_PART - 1) / CLASSES_OF_PART, score_part, &scores);
        served->layer->kernels->scale_add(values, position == all->from ? 0.0f : 1.0f, total, 1.0f, goodness);
        if (all->labels)
            take_losses(all, 1 + position, &at, goodness);
    }
    all->take(all->context, &at, total);
}

/* Forward through all layers, and over all blocks. */
static void scan_blocks(scan *all, const mfi_rows *rows)
{
    const mf_workspace *workspace = all->workspace;
    size_t classes = workspace->served[0].layer->plan.head.classes;
    for (size_t position = 0; position < workspace->count; position++) {
        pass_forward(workspace, position, rows);
        if (position >= all->from)
            mfi_layer_features(workspace->served[position].layer, &workspace->place, rows->count,
                               pass_output(workspace, position), workspace->served[position].features);
    }
    for (all->first = 0; all->first < classes; all->first += all->count) {
        all->count = classes - all->first < MFI_CLASS_BLOCK ? classes - all->first : MFI_CLASS_BLOCK;
        mfi_team_run(&workspace->team, (all->rows + MFI_SCORE_ROWS - 1) / MFI_SCORE_ROWS, scan_rows, all);
    }
}

static void take_sum(void *context, const score_block *at, float *scores)
{
    take_losses(context, 0, at, scores);
}

static mf_status evaluate_blocks(mf_workspace *workspace, const mfi_rows *rows)
{
    scan all = {.workspace = workspace,
                .end = workspace->count,
                .rows = rows->count * rows->scored,
                .labels = rows->labels,
                .take = take_sum,
                .context = &all};
    scan_blocks(&all, rows);
    for (size_t position = 0; position < workspace->count; position++) {
        mfi_served *served = &workspace->served[position];
        MFI_TRY(mfi_running_report(rows, running_at(workspace, 1 + position, 0), "layer", position,
                                   &served->report));
        served->report.applied = served->layer->progress.applied;
    }
    return mfi_running_report(rows, workspace->running, "sum of layers 0 to", workspace->count - 1,
                              &workspace->sum);
}

mf_status mfi_pass_evaluate(mf_workspace *workspace, const mfi_rows *rows)
{
    return mfi_many_classes(&workspace->served[0].layer->plan) ? evaluate_blocks(workspace, rows)
                                                               : evaluate_whole(workspace, rows);
}

/* ---- predictions ---- */

typedef struct inference {
    const mf_workspace *workspace;
    const mfi_wanted *wanted;
    size_t classes;
    atomic_size_t broken; /* a row with a score that is not finite; SIZE_MAX: there is none */
} inference;

static void copy_block(const inference *all, const score_block *at, const float *scores, float *to)
{
    for (size_t b = 0; to && b < at->rows; b++)
        memcpy(to + (at->row + b) * all->classes + at->first, scores + b * at->count, at->count * sizeof *to);
}

/* Whether all scores of the block, and of the blocks before, are finite: without them there are no lists to go on. */
static bool is_sound(inference *all, const score_block *at, const float *scores)
{
    size_t broken = atomic_load_explicit(&all->broken, memory_order_relaxed), count = at->rows * at->count;
    if (broken < at->row + at->rows)
        return false;
    size_t first = mfi_first_not_finite(all->workspace->served[0].layer->kernels, count, scores);
    if (first == count)
        return true;
    size_t row = at->row + first / at->count;
    while (row < broken && !atomic_compare_exchange_weak_explicit(&all->broken, &broken, row,
                                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    return false;
}

static void take_block(void *context, const score_block *at, float *scores)
{
    inference *all = context;
    const mfi_wanted *wanted = all->wanted;
    const mfi_kernels *kernels = all->workspace->served[0].layer->kernels;
    if (!is_sound(all, at, scores))
        return;
    if (wanted->top == 0) {
        copy_block(all, at, scores, wanted->goodness);
        copy_block(all, at, scores, wanted->probabilities);
    }
    for (size_t b = 0; b < at->rows; b++) {
        size_t row = at->row + b, list = row * wanted->top;
        float *mine = scores + b * at->count;
        if (wanted->top > 0)
            mfi_top_take(kernels, wanted->top, at->first, at->count, mine, wanted->labels + list,
                         wanted->goodness + list);
        if (wanted->top > 0 ? wanted->probabilities != NULL : wanted->labels != NULL)
            mfi_running_take(running_at(all->workspace, 0, row), kernels, at->first, at->count, mine, -1);
    }
}

/* When all classes have been seen. */
static void finish_inference(const inference *all, size_t rows)
{
    const mfi_wanted *wanted = all->wanted;
    const mf_workspace *workspace = all->workspace;
    if (wanted->top == 0 && wanted->probabilities)
        mfi_softmax(workspace->served[0].layer->kernels, &workspace->team, rows, all->classes,
                    wanted->probabilities, wanted->probabilities);
    for (size_t b = 0; b < rows; b++) {
        const mfi_running *running = running_at(workspace, 0, b);
        if (wanted->top == 0 && wanted->labels)
            wanted->labels[b] = running->best;
        for (size_t i = b * wanted->top; wanted->probabilities && i < (b + 1) * wanted->top; i++)
            wanted->probabilities[i] = (float)exp((double)wanted->goodness[i] - mfi_running_log_sum(running));
    }
}

mf_status mfi_pass_infer(mf_workspace *workspace, int32_t mode, const mfi_rows *rows,
                         const mfi_wanted *wanted)
{
    const mfi_plan *plan = &workspace->served[0].layer->plan;
    size_t last = workspace->count - 1, count = rows->count * plan->scored;
    inference all = {workspace, wanted, plan->head.classes, SIZE_MAX};
    if (mfi_many_classes(plan)) {
        scan blocks = {.workspace = workspace,
                       .from = mode == MF_PREDICT_SUM ? 0 : last,
                       .end = last + 1,
                       .rows = count,
                       .take = take_block,
                       .context = &all};
        scan_blocks(&blocks, rows);
    } else {
        const score_block whole = {0, count, 0, all.classes};
        score_whole(workspace, mode, rows);
        take_block(&all, &whole, workspace->total);
    }
    size_t broken = atomic_load_explicit(&all.broken, memory_order_relaxed);
    if (broken != SIZE_MAX)
        return mfi_fail(MF_STATUS_NUMERIC, "the goodness of row %zu is not finite", broken / plan->scored);
    finish_inference(&all, count);
    return MF_STATUS_OK;
}
