/* report: what a run prints and draws.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_REPORT_H
#define MNIST_REPORT_H

#include "checkpoint.h"
#include "data.h"
#include "history.h"
#include "memory.h"
#include "model.h"
#include "parameters.h"
#include "settings.h"

/* Returns false if the library fails to say what the network is. */
bool report_header(const struct settings *settings, const struct data *data, const struct model *model,
                   const struct parameter_counts *size, const struct memory *memory);

/* The options that decide what the network becomes, as "key=value key=value ...". */
void report_options(const struct settings *settings, const struct data *data, char text[OPTIONS_TEXT]);

/* The same with all else that makes the run what it is, for its checkpoint. */
void report_run(const struct settings *settings, const struct data *data, char text[OPTIONS_TEXT]);

/* The head of the table, then one row per epoch. */
void report_columns(const struct settings *settings);
void report_epoch(const struct settings *settings, size_t number, const struct epoch *epoch);

/* The line that ends the run. `final` has the accuracies on the test set, which differ from those of the
 * history if images were held out. */
void report_result(const struct settings *settings, const struct data *data, const struct run_state *state,
                   const struct epoch *final, uint64_t params_hash);

/* Draws the history so far into settings->plot, if there is one. Prints one line and returns false on
 * failure. */
bool report_plot(const struct settings *settings, const struct history *history);

#endif
