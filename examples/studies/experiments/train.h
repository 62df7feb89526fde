/* train: the loop of a run: passes over the training rows, judged by the validation rows.
 *
 * Without patience the learning rate falls as a cosine over the passes, and the end is what counts. With
 * patience it is cut by 4 when the validation accuracy has not become better for so many passes; the
 * network goes back to its best state then, and at the end: its own convergence. A greedy network does
 * this once for every layer.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_TRAIN_H
#define EXPERIMENTS_TRAIN_H

#include "curve.h"
#include "dataset.h"
#include "learner.h"
#include "settings.h"

struct trainer {
    const struct settings *settings;
    const struct dataset *set;
    struct dataset_split split;
    struct learner learner;
    struct curve curve;
    struct random_stream shuffling, changing;
    float *inputs; /* one batch */
    int32_t *labels;
    void *best; /* a state to go back to, of `best_bytes` */
    size_t best_bytes;
    size_t best_pass; /* of all passes, from 1; 0: none yet */
    double learned;   /* seconds of learning so far */
    uint64_t rows;    /* learned from so far */
    bool diverged;    /* a loss was not finite: that ended the run */
};

/* On failure prints one line and returns false, and so do the others; call trainer_close() in any case. */
bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct dataset *set);
void trainer_close(struct trainer *trainer);

/* The whole run. */
bool trainer_run(struct trainer *trainer);

/* Answers for a part of the set. */
bool trainer_judge(struct trainer *trainer, const struct dataset_part *part, const uint32_t *order,
                   size_t count, struct answers *answers);

#endif
