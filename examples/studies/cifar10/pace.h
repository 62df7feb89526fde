/* pace: how far a run has come, by its steps or by the clock, and the learning rate that goes with it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_PACE_H
#define CIFAR10_PACE_H

#include "checkpoint.h"
#include "settings.h"

#include <stdbool.h>
#include <stdint.h>

struct pace {
    const struct settings *settings;
    double started;  /* the clock when the program began, */
    double learning; /* and when it began to learn */
    double judging;  /* seconds that the last evaluation will take, as far as is known */
    uint64_t steps;  /* that have been taken, */
    uint64_t most;   /* and that --epochs allow */
    double share;    /* of the run that is over, 0 to 1; never falls */
};

/* Call it when learning begins. `images` are learned from in an epoch. */
void pace_begin(struct pace *pace, const struct settings *settings, double started, size_t images);

/* Writes down how far the run has come, and takes it up from there in another process. */
void pace_save(const struct pace *pace, struct run_state *state);
void pace_restore(struct pace *pace, const struct run_state *state);

/* A step has been taken. */
void pace_step(struct pace *pace);

/* The learning rate of the next step. */
double pace_learning_rate(const struct pace *pace);

/* Is there no more time to learn for, or no more to learn? `seconds` will be spent otherwise before that. */
bool pace_is_over(const struct pace *pace, double seconds);

/* Minutes since the program began. */
double pace_minutes(const struct pace *pace);

#endif
