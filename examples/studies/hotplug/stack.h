/* stack: a network whose layers come and go, with what it takes to let it learn and to judge it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_STACK_H
#define HOTPLUG_STACK_H

#include "data.h"
#include "progress.h"

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_LAYERS = 2 + MOST_ADDED + 1 };

/* Zeroed, it can be closed at any point. */
struct stack {
    mf_network *network;
    mf_layer *layers[MOST_LAYERS]; /* borrowed from the network */
    size_t depth;
};

/* How a stack learns: Adam, its rate falling from `rate` to 0 as a cosine. Optimizer state starts anew. */
struct course {
    size_t steps;
    size_t batch;
    size_t workers;
    double rate;
    uint64_t seed; /* of the order of the images */
};

/* Test accuracies in percent. */
struct verdict {
    size_t depth;
    double layers[MOST_LAYERS];
    double last;
    double sum;
};

/* Progress of a job of several courses. */
struct job {
    struct progress bar;
    size_t done; /* samples */
};

/* All functions print one line and return false on failure. */

bool stack_open(struct stack *stack);
void stack_close(struct stack *stack);

/* The stack takes a reference of its own. */
bool stack_insert(struct stack *stack, size_t position, mf_layer *layer);
bool stack_remove(struct stack *stack, size_t position);
bool stack_replace(struct stack *stack, size_t position, mf_layer *layer);

/* Makes a layer that reads what stands before `position`, and inserts it there. */
bool stack_grow(struct stack *stack, size_t position, size_t inputs, size_t outputs, size_t classes,
                uint64_t seed);

/* A stack of `depth` new layers of one width. */
bool stack_build(struct stack *stack, size_t inputs, size_t width, size_t depth, uint64_t seed);

/* A stack of copies of the layers: what they learn, the others do not. */
bool stack_copy(struct stack *stack, const struct stack *from);

/* Freezes all layers but the one at `free_layer`; MOST_LAYERS: all. Frozen ones keep every bit. */
bool stack_freeze_but(struct stack *stack, size_t free_layer);
bool stack_unfreeze(struct stack *stack);

bool stack_learn(struct stack *stack, const struct choice *choice, const struct course *course,
                 struct job *job);

/* Judges by the test images of `domain`. */
bool stack_judge(struct stack *stack, const struct domain *domain, struct verdict *verdict);

/* Steps of `passes` over `count` images, and the images they read. */
size_t course_steps(size_t passes, size_t count, size_t batch);
size_t course_samples(size_t steps, size_t count, size_t batch);

#endif
