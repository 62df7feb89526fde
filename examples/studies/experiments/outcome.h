/* outcome: what a run has found, as lines of the tables and as the line that ends its output.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_OUTCOME_H
#define EXPERIMENTS_OUTCOME_H

#include "measures.h"
#include "train.h"

struct outcome {
    const struct settings *settings;
    const struct dataset *set;
    const struct trainer *trainer; /* NULL after a measurement */
    struct answers validation;     /* of the network as it was left */
    struct answers test;           /* no rows: it was not looked at */
    struct costs costs;
};

/* Complains of tables that the run could not be added to, before it begins. */
bool outcome_fits(const struct settings *settings);

/* First the curve, then the line that says that the run is finished. On failure prints one line and returns
 * false. */
bool outcome_write(const struct outcome *outcome);

#endif
