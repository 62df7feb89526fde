/* run: all that a run of a study holds, and its parts: learning, judging, reporting.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_RUN_H
#define CUTS_RUN_H

#include "checkpoint.h"
#include "history.h"
#include "model.h"
#include "random.h"
#include "source.h"
#include "study.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed, it can be freed at any point. In the history, `accuracy`, `last` and `sum` are scores: of images
 * the percentage that is right, of texts the perplexity of the next byte. The state's `elapsed` is the
 * processors' time that learning has taken: other work on the machine takes away from the seconds, but hardly
 * from these. */
struct run {
    const struct study *study;
    struct settings settings;
    struct source source;
    struct model model;
    struct run_state state;
    struct checkpoint checkpoint;
    struct random_stream shuffling, augmenting;
    mf_workspace *judge;
    float *inputs; /* one batch */
    int32_t *labels;
};

/* Makes room for batches. On failure prints one line and returns false; so do the others. */
bool run_open(struct run *run);
void run_close(struct run *run);

/* Moves the random streams to where the state is. */
void run_catch_up(struct run *run);

bool run_save_state(struct run *run);

/* One pass over what is learned from, or what is left of it, until it is interrupted; sets losses, seconds
 * and rows per second. Afterwards the layers are at rest. */
bool run_learn(struct run *run, struct epoch *epoch);

/* Sets the scores of `epoch`. */
bool run_judge(struct run *run, enum source_part part, struct epoch *epoch);

/* The part that is watched during the run. */
enum source_part run_watched(const struct run *run);

/* The layer with the best score. */
size_t run_best(const struct run *run, const struct epoch *epoch);

/* Seconds that learning has taken so far. */
double run_seconds(const struct run *run);

/* ---- report.c ---- */

void report_header(const struct run *run);
void report_epoch(const struct run *run, size_t number, const struct epoch *epoch);
bool report_plot(const struct run *run);

/* What decides about the bits of the run, as "key=value key=value ...". */
void report_options(const struct run *run, char text[OPTIONS_TEXT]);

/* The last line; `test` is NULL where nothing was learned, and `validation` also without rows to validate by.
 */
void report_result(const struct run *run, const struct epoch *test, const struct epoch *validation,
                   uint64_t params_hash);

#endif
