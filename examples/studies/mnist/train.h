/* train: the loop over batches, for training and for evaluation.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_TRAIN_H
#define MNIST_TRAIN_H

#include "checkpoint.h"
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
    size_t shares; /* that a batch is cut into, among replicas; 1 in one process */
    struct run_state *state;
    struct checkpoint *checkpoint;
};

/* On failure prints one line and returns false; call trainer_close() in any case. */
bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct data *data,
                  struct model *model, struct run_state *state, struct checkpoint *checkpoint);

void trainer_close(struct trainer *trainer);

/* Images of an epoch. */
size_t trainer_epoch_rows(const struct trainer *trainer);

/* The images of an epoch in their next order: the first thing that an epoch does. */
void trainer_shuffle(struct trainer *trainer);

/* Images `first` to `first + rows - 1` of the epoch as a batch, which lies in the trainer until the next one;
 * `batch` may be NULL where it is not wanted. Sets the learning rate that it is to be learned with. */
bool trainer_next_batch(struct trainer *trainer, size_t first, size_t rows, mf_batch *batch);

/* Moves the random streams to where the state is: behind the epochs that are over, and behind its position.
 */
void trainer_catch_up(struct trainer *trainer);

/* Saves the state, if a checkpoint is wanted. */
bool trainer_save_state(struct trainer *trainer);

/* One pass over the training set, or what is left of it: in a joint run every layer learns, in a greedy one
 * the last. Sets the losses, the seconds and the samples per second of `epoch`. If the run is interrupted,
 * the state's position stays below trainer_epoch_rows(). */
bool trainer_run_epoch(struct trainer *trainer, const char *name, struct epoch *epoch);

/* Sets the accuracies of `epoch`. */
bool trainer_evaluate(struct trainer *trainer, const struct subset *subset, struct epoch *epoch);

#endif
