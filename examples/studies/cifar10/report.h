/* report: what a run prints and draws.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_REPORT_H
#define CIFAR10_REPORT_H

#include "checkpoint.h"
#include "data.h"
#include "history.h"
#include "model.h"
#include "settings.h"

/* At the end of the run. */
struct outcome {
    const struct epoch *last_epoch; /* with the final accuracies */
    double epochs;                  /* also a part of one */
    double minutes;
    double samples_per_second;
    double last_flip, sum_flip; /* NaN unless asked for */
    const struct keep *keep;
    uint64_t params_hash;
};

/* The options that decide what the network becomes, as "key=value key=value ...". */
void report_options(const struct settings *settings, const struct data *data, char text[OPTIONS_TEXT]);

/* What the run is about to do. On failure prints one line and returns false. */
bool report_header(const struct settings *settings, const struct data *data, const struct model *model);

/* The head of the table, then one row per epoch. */
void report_columns(const struct settings *settings);
void report_epoch(const struct settings *settings, size_t number, const struct epoch *epoch, double minutes);

/* The table of the layers, then the line that ends the run. */
bool report_layers(const struct settings *settings, const struct model *model, const struct epoch *epoch);
void report_result(const struct settings *settings, const struct data *data, const struct outcome *outcome);

/* Draws the history so far into settings->plot, if there is one. Prints one line and returns false on
 * failure. */
bool report_plot(const struct settings *settings, const struct history *history);

#endif
