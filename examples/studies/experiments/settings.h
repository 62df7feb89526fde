/* settings: what the command line asks of one run.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_SETTINGS_H
#define EXPERIMENTS_SETTINGS_H

#include "options.h"

enum method {
    METHOD_MF,        /* every layer steps on every batch */
    METHOD_GREEDY,    /* layer after layer */
    METHOD_PIPELINED, /* as mf, the layers on threads of their own */
    METHOD_BP, /* all of it in one layer */
    METHOD_BP_ACCUMULATE,
    METHOD_LINEAR /* softmax regression on the inputs */
};

enum measure {
    MEASURE_ACCURACY, /* train, and look at the test set once, at the end */
    MEASURE_MEMORY,   /* one step on drawn rows: peak bytes and seconds */
    MEASURE_ANSWERS   /* untrained: seconds for the class of one row */
};

enum freeze { FREEZE_NOTHING, FREEZE_PROJECTION };

struct settings {
    const char *run;   /* the name of the run in the tables */
    const char *out;   /* PREFIX.csv and PREFIX-curves.csv; NULL: the result line is all */
    const char *group; /* runs that a choice is made among, or a mean taken over */
    const char *data;
    const char *folder;
    struct size_list conv;
    struct size_list hidden;
    size_t head;
    size_t epochs; /* passes, in a greedy run for every layer; with patience the most there may be */
    size_t patience;
    size_t cuts;
    size_t batch;
    size_t validation;
    size_t limit;
    size_t columns;
    size_t threads;
    size_t workers;
    size_t rank; /* of the projections; 0: any */
    size_t accumulate;
    int32_t method;
    int32_t measure;
    int32_t optimizer;
    int32_t change; /* enum dataset_change */
    int32_t init_projection;
    int32_t freeze;
    bool choice; /* the run chooses settings: it never sees the test set */
    bool drawn;  /* drawn digits or shapes where the data set is not found */
    double learning_rate;
    double weight_decay;
    double weight_gain;
    double projection_gain;
    uint64_t seed;
};

extern const char *const method_names[];
extern const char *const measure_names[];

enum options_outcome settings_read(struct settings *settings, int argc, char **argv);

/* Is it one of Mono-Forward's methods? */
bool settings_is_forward(const struct settings *settings);

/* The layers as a word, "784-1000-1000". */
void settings_network(const struct settings *settings, char *text, size_t capacity);

#endif
