/* SPDX-License-Identifier: MIT */
#include "train.h"

#include "clock.h"
#include "complain.h"
#include "progress.h"

#include <stdlib.h>

enum { PURPOSE_SHUFFLING = 100, PURPOSE_AUGMENTING };

bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model, struct pace *pace, struct run_state *state,
                  struct checkpoint *checkpoint)
{
    *trainer = (struct trainer){
        .settings = settings,
        .data = data,
        .model = model,
        .pace = pace,
        .shuffling = {random_derive(settings->seed, PURPOSE_SHUFFLING)},
        .augmentation = {.kind = (enum augment_kind)settings->augment,
                         .border = settings->border,
                         .cutout = settings->cutout,
                         .stream = {random_derive(settings->seed, PURPOSE_AUGMENTING)}},
        .inputs = calloc(settings->batch, PIXELS * sizeof(float)),
        .classes = calloc(settings->batch, sizeof(int32_t)),
        .state = state,
        .checkpoint = checkpoint,
    };
    if (trainer->inputs == NULL || trainer->classes == NULL)
        return complain("no memory for a batch of %zu images", settings->batch);
    return true;
}

void trainer_close(struct trainer *trainer)
{
    free(trainer->inputs);
    free(trainer->classes);
    *trainer = (struct trainer){0};
}

/* Learns from the batch at `first` and adds the losses of its rows to `losses`; with workers, they learn from
 * it while the next one is being made, and the losses come later. */
static bool learn_batch(struct trainer *trainer, size_t first, size_t rows, double *losses)
{
    struct model *model = trainer->model;
    data_train_batch(trainer->data, first, rows, &trainer->augmentation, trainer->inputs, trainer->classes);
    if (!library_ok(mf_optimizer_set(model->optimizer, MF_OPTIMIZER_LEARNING_RATE,
                                     pace_learning_rate(trainer->pace))))
        return false;
    bool good = library_ok(training_step(&model->training, rows, trainer->inputs, trainer->classes)) &&
                training_add_losses(&model->training, 0, losses);
    pace_step(trainer->pace);
    return good;
}

void trainer_catch_up(struct trainer *trainer)
{
    for (size_t i = 0; i < trainer->state->history.count; i++)
        random_shuffle(&trainer->shuffling, trainer->data->order, data_learned(trainer->data));
    trainer->augmentation.stream.state = trainer->state->augmenting;
    pace_restore(trainer->pace, trainer->state);
}

bool trainer_save_state(struct trainer *trainer)
{
    struct run_state *state = trainer->state;
    state->augmenting = trainer->augmentation.stream.state;
    pace_save(trainer->pace, state);
    return library_ok(training_finish(&trainer->model->training, state->losses)) &&
           checkpoint_write(trainer->checkpoint, trainer->model->network, state);
}

static bool learn_epoch(struct trainer *trainer, struct progress *progress)
{
    struct run_state *state = trainer->state;
    size_t count = data_learned(trainer->data), batch = trainer->settings->batch;
    double started = clock_seconds() - state->seconds;
    bool good = true;
    while (good && state->position < count && checkpoint_signal() == 0 &&
           (state->position == 0 || !pace_is_over(trainer->pace, 0))) {
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
    const struct run_state *state = trainer->state;
    size_t count = data_learned(trainer->data);
    struct progress progress;

    progress_start(&progress, name, count, state->seconds);
    random_shuffle(&trainer->shuffling, trainer->data->order, count);
    trainer->augmentation.pass = state->history.count;
    bool good = learn_epoch(trainer, &progress);
    progress_end(&progress);

    epoch->seconds = state->seconds;
    epoch->samples_per_second = (double)state->position / epoch->seconds;
    for (size_t i = 0; i < trainer->model->layer_count; i++)
        epoch->loss[i] = state->losses[i] / (double)state->position;
    return good;
}
