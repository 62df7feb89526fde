/* learner: a network under training, whichever way it learns: what the loop of a run needs of it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_LEARNER_H
#define EXPERIMENTS_LEARNER_H

#include "dataset.h"
#include "meter.h"
#include "monoforward.h"
#include "settings.h"
#include "training.h"

enum learned { LEARNED, LEARNED_NOT_FINITE, LEARNED_NOTHING }; /* the last: an error, told on stderr */

/* Sums over the rows that were answered. By layer, and behind the layers those of the sum. */
struct answers {
    double loss[SIZE_LIST_CAPACITY + 1];
    uint64_t correct[SIZE_LIST_CAPACITY + 1];
    uint64_t rows;
};

struct learner {
    const struct settings *settings;
    size_t layers; /* of backpropagation there is one */
    size_t depth;  /* of these, there so far: a greedy network grows */
    size_t parameters; /* of backpropagation those that can learn */
    mf_optimizer *optimizer;
    struct meter meter; /* of all that training holds */
    mf_network *network;
    mf_layer *stack[SIZE_LIST_CAPACITY];
    struct training training;
    mf_workspace *evaluation;
    float *gradients[2]; /* bp-accumulate: the sum, and a part's */
    size_t gradient_values;
};

/* A network for rows of the shape of `set`. On failure prints one line and returns false; call
 * learner_close() in any case. */
bool learner_open(struct learner *learner, const struct settings *settings, const struct dataset *set);
void learner_close(struct learner *learner);

/* Greedy: one more layer learns, those before it no longer. */
bool learner_grow(struct learner *learner);

/* The first layer that learns. */
size_t learner_first(const struct learner *learner);

bool learner_set_rate(struct learner *learner, double rate);

/* One step. Adds the losses of the rows to losses[layer]; those of a pipeline come later. */
enum learned learner_step(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                          double *losses);

/* Waits for what is in the works. */
enum learned learner_rest(struct learner *learner, double *losses);

/* Adds to `answers`. Rows are at most the batch. */
bool learner_evaluate(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                      struct answers *answers);

/* The class of one row; `sum` asks all layers. */
bool learner_answer(struct learner *learner, bool sum, const float *x, int32_t *label);

/* What training changes, to go back to. */
bool learner_state_size(const struct learner *learner, size_t *bytes);
bool learner_state_save(const struct learner *learner, void *buffer, size_t bytes);
bool learner_state_load(struct learner *learner, const void *buffer, size_t bytes);

#endif
