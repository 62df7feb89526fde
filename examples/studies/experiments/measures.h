/* measures: what a network costs, apart from learning well: bytes and seconds.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_MEASURES_H
#define EXPERIMENTS_MEASURES_H

#include "dataset.h"
#include "settings.h"

struct costs {
    size_t peak;         /* bytes of all that training held at a time, by a counting allocator */
    size_t parameters;   /* values */
    double step_seconds; /* of the one step */
    double last_seconds; /* median time for the class of one row, */
    double sum_seconds;  /* and by all layers */
};

/* One step on random rows of the shape of the set. On failure prints one line and returns false, as does the
 * other. */
bool measure_memory(const struct settings *settings, const struct dataset *set, struct costs *costs);

/* Answers of an untrained network to single rows; for Mono-Forward. */
bool measure_answers(const struct settings *settings, const struct dataset *set, struct costs *costs);

#endif
