/* train: the loop over batches, for training and for evaluation.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_TRAIN_H
#define MNIST_TRAIN_H

#include "data.h"
#include "history.h"
#include "model.h"
#include "settings.h"

struct trainer {
    const struct settings *settings;
    const struct data *data;
    struct model *model;
    struct random_stream shuffling;
    struct random_stream augmenting;
    void *inputs; /* one batch: floats, or bytes if the model is fed those */
    int32_t *labels;
    uint64_t step; /* since the learning rate's schedule began */
};

/* On failure prints one line and returns false; call trainer_close() in any case. */
bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model);

void trainer_close(struct trainer *trainer);

/* Lets the network grow to `depth` layers and starts the schedule of the learning rate anew. */
bool trainer_begin(struct trainer *trainer, size_t depth);

/* One pass over the training set: in a joint run every layer learns, in a greedy one the last. Sets the
 * losses, the seconds and the samples per second of `epoch`. */
bool trainer_run_epoch(struct trainer *trainer, const char *name, struct epoch *epoch);

/* Sets the accuracies of `epoch`. */
bool trainer_evaluate(struct trainer *trainer, const struct subset *subset, struct epoch *epoch);

#endif
