/* SPDX-License-Identifier: MIT */
#include "train.h"

#include "clock.h"
#include "complain.h"
#include "progress.h"

#include <stdlib.h>

enum { PURPOSE_SHUFFLING = 100, PURPOSE_AUGMENTING };

bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model, struct pace *pace)
{
    *trainer = (struct trainer){
        .settings = settings,
        .data = data,
        .model = model,
        .pace = pace,
        .shuffling = {random_derive(settings->seed, PURPOSE_SHUFFLING)},
        .augmenting = {random_derive(settings->seed, PURPOSE_AUGMENTING)},
        .inputs = calloc(settings->batch, PIXELS * sizeof(float)),
        .classes = calloc(settings->batch, sizeof(int32_t)),
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
    data_train_batch(trainer->data, first, rows, (enum augment_kind)trainer->settings->augment,
                     &trainer->augmenting, trainer->inputs, trainer->classes);
    if (!library_ok(mf_optimizer_set(model->optimizer, MF_OPTIMIZER_LEARNING_RATE,
                                     pace_learning_rate(trainer->pace))))
        return false;
    bool good = library_ok(training_step(&model->training, rows, trainer->inputs, trainer->classes)) &&
                training_add_losses(&model->training, 0, losses);
    pace_step(trainer->pace);
    return good;
}

bool trainer_run_epoch(struct trainer *trainer, const char *name, struct epoch *epoch, size_t *images)
{
    size_t count = trainer->data->train.count, batch = trainer->settings->batch, first = 0;
    double losses[MOST_LAYERS] = {0};
    double started = clock_seconds();
    struct progress progress;
    bool good = true;

    progress_start(&progress, name, count);
    random_shuffle(&trainer->shuffling, trainer->data->order, count);
    while (good && first < count && (first == 0 || !pace_is_over(trainer->pace, 0))) {
        size_t rows = count - first < batch ? count - first : batch;
        progress_show(&progress, first);
        good = learn_batch(trainer, first, rows, losses);
        first += rows;
    }
    good = good && library_ok(training_finish(&trainer->model->training, losses));
    progress_end(&progress);

    *images = first;
    epoch->seconds = clock_seconds() - started;
    epoch->samples_per_second = (double)first / epoch->seconds;
    for (size_t i = 0; i < trainer->model->layer_count; i++)
        epoch->loss[i] = losses[i] / (double)first;
    return good;
}
