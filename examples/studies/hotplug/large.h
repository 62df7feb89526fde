/* large: the networks of the parts depth and remove, which learn from all images of the large set.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_LARGE_H
#define HOTPLUG_LARGE_H

#include "run.h"

/* What the seed of a run is used for. */
enum large_purpose {
    LARGE_BASE = 10,
    LARGE_FULL,
    LARGE_OTHER,
    LARGE_LONG,
    LARGE_NEW_LAYER,
    LARGE_GOING_ON = 100 /* and the numbers behind it: the order of the images */
};

/* Layers of the networks at the end. */
size_t large_depth(const struct run *run);

/* All layers that are free learn for some passes; `name` is for people who wait. */
bool large_learn(struct run *run, struct stack *stack, const char *name, size_t passes, uint64_t order);

/* Judges and adds a row to the table. */
bool large_row(struct run *run, struct stack *stack, const char *label, const char *part, const char *change,
               const char *stage);

/* A network of the final depth that has learned from the start: made when it is asked for first. */
bool large_full(struct run *run, struct stack **full);

/* "1 pass", "3 passes" */
const char *large_passes(size_t passes, char *text, size_t capacity);

#endif
