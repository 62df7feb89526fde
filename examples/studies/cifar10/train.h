/* train: the loop over batches.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_TRAIN_H
#define CIFAR10_TRAIN_H

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
    struct random_stream augmenting;
    float *inputs; /* one batch */
    int32_t *classes;
};

/* On failure prints one line and returns false; call trainer_close() in any case. */
bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model, struct pace *pace);

void trainer_close(struct trainer *trainer);

/* One pass over the training set, or as much of it as there is time for; `images` receives how many that
 * were, at least one batch. Sets the losses, the seconds and the samples per second of `epoch`. Afterwards
 * the layers are at rest. */
bool trainer_run_epoch(struct trainer *trainer, const char *name, struct epoch *epoch, size_t *images);

#endif
