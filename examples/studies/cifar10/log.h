/* log: a CSV file that gains a line per epoch, so that a run that is killed leaves behind what it found out.
 * Runs with different presets can share a file: lists of layers are in one field, with spaces between them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_LOG_H
#define CIFAR10_LOG_H

#include "history.h"
#include "settings.h"

#include <stdio.h>

struct log {
    const struct settings *settings;
    FILE *file;   /* NULL: none is wanted, or it has failed */
    char run[24]; /* when the run began */
};

/* Appends to settings->log, if there is one. On failure prints one line and returns false. */
bool log_open(struct log *log, const struct settings *settings);

/* A disk that is full ends the log with a line on stderr, not the run. `epochs` counts parts of one as well.
 */
void log_epoch(struct log *log, double epochs, const struct epoch *epoch, double minutes,
               double learning_rate);

void log_close(struct log *log);

#endif
