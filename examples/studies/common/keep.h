/* keep: the networks of a run that stay: the best one by validation, and the last one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_KEEP_H
#define STUDIES_KEEP_H

#include "notes.h"

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>

struct keep {
    const char *save;   /* a model file; NULL: none */
    const char *onnx;   /* an ONNX model; NULL: none */
    bool by_validation; /* the best of the run goes there, and the last one to "NAME-last.EXT"; otherwise the
                           last */
    struct scaling scaling; /* of the pixels that the network was given */
    double best;            /* its accuracy, in percent; meaningless while there is none */
    size_t best_epoch;      /* from 1; 0: there is none yet */
};

/* Options of the command line. */
#define KEEP_SAVE_HELP                                                                         \
    "save the network here: with --validation the one of the best epoch, and the last one as " \
    "NAME-last.EXT; "                                                                          \
    "otherwise the last one"
#define KEEP_EXPORT_HELP "write the same network as an ONNX model"

/* Complains before the training if the file could not be written after it. */
bool keep_check_path(const char *path);

/* The same for both files. */
bool keep_check(const struct keep *keep);

/* For a run that goes on: complains if the best network so far is not where it is wanted, since it may stay
 * the best. */
bool keep_goes_on(const struct keep *keep);

/* An epoch is over; `accuracy` is that of the validation images. Saves the network if it is the best so far.
 * On failure prints one line and returns false; so does the other. */
bool keep_epoch(struct keep *keep, const mf_network *network, double accuracy, size_t epoch);

/* The run is over. */
bool keep_end(const struct keep *keep, const mf_network *network);

#endif
