/* SPDX-License-Identifier: MIT */
#include "train.h"

#include "clock.h"
#include "complain.h"
#include "progress.h"

#include <stdlib.h>

enum { PURPOSE_SHUFFLING = 100, PURPOSE_AUGMENTING };

/* Where in a run the step schedule cuts the learning rate, and to what share. */
static const double cuts[] = {0.5, 0.75, 0.89, 0.94};
static const double cut_factor = 0.25;

bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model, struct run_state *state, struct checkpoint *checkpoint)
{
    size_t rows = settings->batch > EVALUATION_BATCH ? settings->batch : EVALUATION_BATCH;
    size_t value = model->bytes ? sizeof(uint8_t) : sizeof(float);
    *trainer = (struct trainer){
        .settings = settings,
        .data = data,
        .model = model,
        .shuffling = {random_derive(settings->seed, PURPOSE_SHUFFLING)},
        .augmenting = {random_derive(settings->seed, PURPOSE_AUGMENTING)},
        .inputs = calloc(rows, data->inputs * value),
        .labels = calloc(rows, sizeof(int32_t)),
        .shares = 1,
        .state = state,
        .checkpoint = checkpoint,
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

static size_t first_learner(const struct trainer *trainer)
{
    return trainer->settings->greedy ? trainer->model->depth - 1 : 0;
}

/* Images of an epoch: all but those of a last batch of which a share would be a single image, where images
 * are normalised by the mean and variance of theirs. As they are shuffled, others stay out in every epoch. */
size_t trainer_epoch_rows(const struct trainer *trainer)
{
    size_t count = trainer->data->train.count, left = count % trainer->settings->batch;
    bool normalized = trainer->settings->normalization != MF_NORMALIZATION_NONE;
    return normalized && left < count && left < 2 * trainer->shares ? count - left : count;
}

static double step_schedule(uint64_t step, uint64_t total)
{
    double factor = 1;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        if ((double)step >= cuts[i] * (double)total)
            factor *= cut_factor;
    return factor;
}

static double learning_rate(const struct trainer *trainer)
{
    const struct settings *settings = trainer->settings;
    uint64_t steps = (trainer_epoch_rows(trainer) + settings->batch - 1) / settings->batch;
    uint64_t total = steps * settings->epochs;
    double rate = settings->learning_rate * mf_schedule_warmup(trainer->state->step, settings->warmup);
    if (settings->schedule == SCHEDULE_COSINE)
        rate *= mf_schedule_cosine(trainer->state->step, total, 0);
    else if (settings->schedule == SCHEDULE_STEP)
        rate *= step_schedule(trainer->state->step, total);
    return rate;
}

/* Images `first` to `first + rows - 1` of a subset, as the library is to read them. */
static bool gather(struct trainer *trainer, const struct subset *subset, size_t first, size_t rows,
                   enum augment_kind kind, mf_batch *batch)
{
    if (!library_ok(mf_batch_init(batch, sizeof *batch)))
        return false;
    batch->rows = rows;
    batch->inputs = trainer->inputs;
    batch->targets = trainer->labels;
    if (trainer->model->bytes)
        data_byte_batch(trainer->data, subset, first, rows, trainer->inputs, trainer->labels, batch);
    else
        data_batch(trainer->data, subset, first, rows, kind, &trainer->augmenting, trainer->inputs,
                   trainer->labels);
    return true;
}

bool trainer_next_batch(struct trainer *trainer, size_t first, size_t rows, mf_batch *batch)
{
    if (batch != NULL && !gather(trainer, &trainer->data->train, first, rows,
                                 (enum augment_kind)trainer->settings->augment, batch))
        return false;
    if (!library_ok(
            mf_optimizer_set(trainer->model->optimizer, MF_OPTIMIZER_LEARNING_RATE, learning_rate(trainer))))
        return false;
    trainer->state->step++;
    return true;
}

void trainer_shuffle(struct trainer *trainer)
{
    random_shuffle(&trainer->shuffling, trainer->data->train.order, trainer->data->train.count);
}

/* Learns from the batch at `first` and adds the losses of its rows to `losses`; with workers, they learn from
 * it while the next one is being read, and the losses come later. */
static bool learn_batch(struct trainer *trainer, size_t first, size_t rows, double *losses)
{
    struct model *model = trainer->model;
    size_t learner = first_learner(trainer);
    mf_batch batch;
    if (!trainer_next_batch(trainer, first, rows, &batch))
        return false;
    mf_status status =
        trainer->settings->greedy
            ? mf_network_step_layer_batch(model->network, model->training.workspace, learner, &batch)
            : training_step_batch(&model->training, &batch);
    return library_ok(status) && training_add_losses(&model->training, learner, losses);
}

void trainer_catch_up(struct trainer *trainer)
{
    for (size_t i = 0; i < trainer->state->history.count; i++)
        trainer_shuffle(trainer);
    trainer->augmenting.state = trainer->state->augmenting;
}

bool trainer_save_state(struct trainer *trainer)
{
    struct run_state *state = trainer->state;
    state->augmenting = trainer->augmenting.state;
    return library_ok(training_finish(&trainer->model->training, state->losses)) &&
           checkpoint_write(trainer->checkpoint, trainer->model->network, state);
}

static bool learn_epoch(struct trainer *trainer, struct progress *progress)
{
    struct run_state *state = trainer->state;
    size_t batch = trainer->settings->batch, count = trainer_epoch_rows(trainer);
    double started = clock_seconds() - state->seconds;
    bool good = true;
    while (good && state->position < count && checkpoint_signal() == 0) {
        size_t first = (size_t)state->position, rows = count - first < batch ? count - first : batch;
        progress_show(progress, first);
        good = learn_batch(trainer, first, rows, state->losses);
        state->position += rows;
        state->seconds = clock_seconds() - started;
        if (good && checkpoint_is_due(trainer->checkpoint))
            good = trainer_save_state(trainer);
    }
    good = good && library_ok(training_finish(&trainer->model->training, state->losses));
    state->seconds = clock_seconds() - started;
    return good;
}

bool trainer_run_epoch(struct trainer *trainer, const char *name, struct epoch *epoch)
{
    const struct subset *train = &trainer->data->train;
    const struct run_state *state = trainer->state;
    double count = (double)trainer_epoch_rows(trainer);
    struct progress progress;

    progress_start(&progress, name, train->count, state->seconds);
    trainer_shuffle(trainer);
    bool good = learn_epoch(trainer, &progress);
    progress_end(&progress);

    epoch->seconds = state->seconds;
    epoch->samples_per_second = count / epoch->seconds;
    for (size_t i = first_learner(trainer); i < trainer->model->depth; i++)
        epoch->loss[i] = state->losses[i] / count;
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
        mf_batch batch;
        if (!gather(trainer, subset, first, rows, AUGMENT_NONE, &batch) ||
            !library_ok(mf_network_evaluate_batch(model->network, model->evaluation, &batch)) ||
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
