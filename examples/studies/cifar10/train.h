/* train: the loop over batches.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_TRAIN_H
#define CIFAR10_TRAIN_H

#include "checkpoint.h"
#include "data.h"
#include "history.h"
#include "model.h"
#include "pace.h"
#include "settings.h"

struct trainer {
    const struct settings *settings;
    const struct data *data;
    struct model *model;
    struct pace *pace;
    struct random_stream shuffling;
    struct augmentation augmentation;
    float *inputs; /* one batch */
    int32_t *classes;
    struct run_state *state;
    struct checkpoint *checkpoint;
};

/* On failure prints one line and returns false; call trainer_close() in any case. */
bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model, struct pace *pace, struct run_state *state,
                  struct checkpoint *checkpoint);

void trainer_close(struct trainer *trainer);

/* Moves the random streams to where the state is: behind the epochs that are over, and behind its position.
 */
void trainer_catch_up(struct trainer *trainer);

/* Saves the state, if a checkpoint is wanted. */
bool trainer_save_state(struct trainer *trainer);

/* One pass over the training set, or what is left of it, or as much as there is time for: the state's
 * position is how many images that were, at least one batch unless the run is interrupted. Sets the losses,
 * the seconds and the samples per second of `epoch`. Afterwards the layers are at rest. */
bool trainer_run_epoch(struct trainer *trainer, const char *name, struct epoch *epoch);

#endif
