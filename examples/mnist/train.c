/* SPDX-License-Identifier: MIT */
#include "train.h"

#include "clock.h"
#include "complain.h"
#include "progress.h"

#include <stdlib.h>

enum { PURPOSE_SHUFFLING = 100, PURPOSE_AUGMENTING };

enum { STEP_SCHEDULE_PARTS = 4 };
static const double step_schedule_factor = 0.25;

bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model)
{
    size_t rows = settings->batch > EVALUATION_BATCH ? settings->batch : EVALUATION_BATCH;
    *trainer = (struct trainer){
        .settings = settings,
        .data = data,
        .model = model,
        .shuffling = {random_derive(settings->seed, PURPOSE_SHUFFLING)},
        .augmenting = {random_derive(settings->seed, PURPOSE_AUGMENTING)},
        .inputs = calloc(rows, data->inputs * sizeof(float)),
        .labels = calloc(rows, sizeof(int32_t)),
    };
    if (trainer->inputs == NULL || trainer->labels == NULL)
        return complain("no memory for a batch of %zu images", rows);
    return true;
}

void trainer_close(struct trainer *trainer)
{
    free(trainer->inputs);
    free(trainer->labels);
    *trainer = (struct trainer){0};
}

bool trainer_begin(struct trainer *trainer, size_t depth)
{
    trainer->step = 0;
    return model_set_depth(trainer->model, depth, trainer->settings->batch);
}

static size_t first_learner(const struct trainer *trainer)
{
    return trainer->settings->greedy ? trainer->model->depth - 1 : 0;
}

static double learning_rate(const struct trainer *trainer)
{
    const struct settings *settings = trainer->settings;
    uint64_t steps = (trainer->data->train.count + settings->batch - 1) / settings->batch;
    uint64_t total = steps * settings->epochs;
    double rate = settings->learning_rate * mf_schedule_warmup(trainer->step, settings->warmup);
    if (settings->schedule == SCHEDULE_COSINE)
        rate *= mf_schedule_cosine(trainer->step, total, 0);
    else if (settings->schedule == SCHEDULE_STEP)
        rate *= mf_schedule_step(trainer->step, (total + STEP_SCHEDULE_PARTS - 1) / STEP_SCHEDULE_PARTS,
                                 step_schedule_factor);
    return rate;
}

/* Adds the losses of the rows of the last step to `losses`. */
static bool add_losses(const struct model *model, size_t learner, size_t rows, double *losses)
{
    for (size_t i = learner; i < model->depth; i++) {
        mf_report report = {.struct_size = sizeof report};
        if (!library_ok(mf_workspace_report(model->training, i, &report)))
            return false;
        losses[i] += report.loss * (double)rows;
    }
    return true;
}

/* The same for all layers and batches that the workers have finished meanwhile. */
static bool add_finished_losses(const struct model *model, double *losses)
{
    for (;;) {
        mf_pipeline_report report = {.struct_size = sizeof report};
        mf_status status = mf_pipeline_poll(model->pipeline, &report);
        if (status == MF_STATUS_BUSY || status == MF_STATUS_NOT_FOUND)
            return true;
        if (!library_ok(status))
            return false;
        losses[report.position] += report.loss * (double)report.rows;
    }
}

/* Learns from the batch at `first` and adds the losses of its rows to `losses`; with workers, they learn from
 * it while the next one is being read, and the losses come later. */
static bool learn_batch(struct trainer *trainer, size_t first, size_t rows, double *losses)
{
    struct model *model = trainer->model;
    size_t learner = first_learner(trainer);
    data_batch(trainer->data, &trainer->data->train, first, rows,
               (enum augment_kind)trainer->settings->augment, &trainer->augmenting, trainer->inputs,
               trainer->labels);
    if (!library_ok(mf_optimizer_set(model->optimizer, MF_OPTIMIZER_LEARNING_RATE, learning_rate(trainer))))
        return false;
    trainer->step++;
    if (model->pipeline != NULL)
        return library_ok(mf_pipeline_submit(model->pipeline, rows, trainer->inputs, trainer->labels)) &&
               add_finished_losses(model, losses);
    mf_status status =
        trainer->settings->greedy
            ? mf_network_step_layer(model->network, model->training, learner, rows, trainer->inputs,
                                    trainer->labels)
            : mf_network_step(model->network, model->training, rows, trainer->inputs, trainer->labels);
    return library_ok(status) && add_losses(model, learner, rows, losses);
}

bool trainer_run_epoch(struct trainer *trainer, const char *name, struct epoch *epoch)
{
    const struct subset *train = &trainer->data->train;
    size_t batch = trainer->settings->batch;
    double losses[SIZE_LIST_CAPACITY] = {0};
    double started = clock_seconds();
    struct progress progress;
    bool good = true;

    progress_start(&progress, name, train->count);
    random_shuffle(&trainer->shuffling, train->order, train->count);
    for (size_t first = 0; good && first < train->count; first += batch) {
        size_t rows = train->count - first < batch ? train->count - first : batch;
        progress_show(&progress, first);
        good = learn_batch(trainer, first, rows, losses);
    }
    if (good && trainer->model->pipeline != NULL)
        good = library_ok(mf_pipeline_flush(trainer->model->pipeline)) &&
               add_finished_losses(trainer->model, losses);
    progress_end(&progress);

    epoch->seconds = clock_seconds() - started;
    epoch->samples_per_second = (double)train->count / epoch->seconds;
    for (size_t i = first_learner(trainer); i < trainer->model->depth; i++)
        epoch->loss[i] = losses[i] / (double)train->count;
    return good;
}

/* Adds the correct rows of the last evaluation: of every layer, and of the sum behind them. */
static bool add_correct(const struct model *model, uint64_t *correct)
{
    mf_report report = {.struct_size = sizeof report};
    for (size_t i = 0; i < model->depth; i++) {
        if (!library_ok(mf_workspace_report(model->evaluation, i, &report)))
            return false;
        correct[i] += report.correct;
    }
    if (!library_ok(mf_workspace_report_sum(model->evaluation, &report)))
        return false;
    correct[model->depth] += report.correct;
    return true;
}

bool trainer_evaluate(struct trainer *trainer, const struct subset *subset, struct epoch *epoch)
{
    struct model *model = trainer->model;
    uint64_t correct[SIZE_LIST_CAPACITY + 1] = {0};
    for (size_t first = 0; first < subset->count; first += EVALUATION_BATCH) {
        size_t left = subset->count - first, rows = left < EVALUATION_BATCH ? left : EVALUATION_BATCH;
        data_batch(trainer->data, subset, first, rows, AUGMENT_NONE, NULL, trainer->inputs, trainer->labels);
        if (!library_ok(mf_network_evaluate(model->network, model->evaluation, rows, trainer->inputs,
                                            trainer->labels)) ||
            !add_correct(model, correct))
            return false;
    }
    double percent = 100 / (double)subset->count;
    for (size_t i = 0; i < model->depth; i++)
        epoch->accuracy[i] = percent * (double)correct[i];
    epoch->last = epoch->accuracy[model->depth - 1];
    epoch->sum = percent * (double)correct[model->depth];
    return true;
}
