/* judges: threads that compare the network's answers with the test set. A network that nobody changes may be
 * asked from many threads, each with a workspace of its own. The verdict does not depend on how many there
 * are.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_JUDGES_H
#define CIFAR10_JUDGES_H

#include "data.h"
#include "model.h"

#include <stdbool.h>
#include <stddef.h>

enum { MIRRORED_COST = 4 }; /* evaluations that the one with mirror images takes */

struct judge;

struct judges {
    const struct data *data;
    const struct model *model;
    bool on_validation; /* they look at the images that are held out, not at the test set */
    size_t count;
    struct judge *each;
};

/* Shares of right answers, in percent. */
struct verdict {
    double layers[MOST_LAYERS]; /* of each layer's own prediction */
    double last;
    double sum;
};

/* `count` is 1 or more; the caller's thread is one of them. On failure prints one line and returns false;
 * call judges_close() in any case. */
bool judges_open(struct judges *judges, const struct data *data, const struct model *model, size_t count);

void judges_close(struct judges *judges);

/* Asks for all images that they look at. The layers must be at rest. */
bool judges_evaluate(struct judges *judges, struct verdict *verdict);

/* The same for the sum of an image's goodness and that of its mirror image; sets `last` and `sum` alone.
 * Takes MIRRORED_COST times as long. */
bool judges_evaluate_mirrored(struct judges *judges, struct verdict *verdict);

/* About how many seconds judges_evaluate() takes, from a small share of them. */
bool judges_estimate(struct judges *judges, double *seconds);

#endif
