/* curve: what every pass of a run has achieved.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_CURVE_H
#define EXPERIMENTS_CURVE_H

#include "options.h"

#include <stdbool.h>
#include <stddef.h>

/* By layer; of backpropagation there is one, the classifier. NaN where there is nothing to tell. */
struct pass {
    size_t depth, first; /* layers there were, and the first that learned */
    double rate;         /* the learning rate it began with */
    double seconds;      /* of learning, since the run began */
    double train_loss[SIZE_LIST_CAPACITY];
    double loss[SIZE_LIST_CAPACITY + 1]; /* on the validation rows; the last but one of `depth` is LAST, */
    double accuracy[SIZE_LIST_CAPACITY + 1]; /* and behind the layers is SUM, in percent */
};

struct curve {
    struct pass *passes;
    size_t count, capacity;
};

/* On failure prints one line and returns false. */
bool curve_add(struct curve *curve, const struct pass *pass);
void curve_free(struct curve *curve);

#endif
