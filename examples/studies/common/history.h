/* history: what every epoch of a run achieved.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_HISTORY_H
#define STUDIES_HISTORY_H

#include "options.h"

#include <stdbool.h>
#include <stddef.h>

/* Losses and accuracies are NaN where there are none: of layers that do not learn, or do not yet exist, or
 * were not evaluated. */
struct epoch {
    size_t depth;                        /* layers of the network at the time */
    double loss[SIZE_LIST_CAPACITY];     /* mean training loss of every layer */
    double accuracy[SIZE_LIST_CAPACITY]; /* of every layer's own prediction, in percent */
    double last;
    double sum;
    double seconds; /* of training, without the evaluation */
    double samples_per_second;
};

struct history {
    size_t count;
    size_t capacity;
    struct epoch *epochs;
};

/* Prints one of its numbers in a column of the table, or a dash where there is none. */
void epoch_print(int width, int decimals, double value);

/* An epoch with NaN everywhere. */
struct epoch epoch_blank(size_t depth);

/* On failure prints one line and returns false. */
bool history_add(struct history *history, const struct epoch *epoch);

void history_free(struct history *history);

#endif
