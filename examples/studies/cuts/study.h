/* study: one architecture, trained with cuts in different places: see chain.h. What the programs of this
 * folder share, from the command line to the line of the result; each of them adds the architecture alone.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_STUDY_H
#define CUTS_STUDY_H

#include "chain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the command line asks for. */
struct settings {
    const char *data; /* a folder, or a name of datasets.h; NULL: the study's usual one */
    const char *plot; /* NULL: no picture */
    const char *checkpoint;
    double checkpoint_every;
    bool resume;
    int32_t cut; /* in study.cuts */
    size_t width;
    size_t blocks;
    size_t head;    /* what heads read, as the study's head_help says */
    bool head_conv; /* heads behind a cut have a convolution of their own */
    size_t length;  /* of a sequence of bytes */
    size_t epochs;
    size_t batch;
    size_t limit, test_limit; /* rows; 0: all */
    size_t validation;        /* images held out */
    size_t workers, threads;
    bool augment;
    double learning_rate, warmup, weight_decay;
    uint64_t seed;
};

struct study {
    const char *name;
    const char *summary;     /* for --help */
    const char *const *cuts; /* from the finest to the whole network; ends with NULL */
    const char *head_help;   /* of --head; NULL: there is nothing to choose */
    bool maps;               /* what layers give are maps */
    bool text;               /* sequences of bytes, whose next byte is to be told; otherwise images */
    struct settings usual;   /* where the command line is silent; blocks 0: not for the user to say */
    /* Adds all units and cuts. */
    void (*describe)(struct chain *chain, const struct settings *settings);
};

/* All of the program; returns its exit code. */
int study_main(const struct study *study, int argc, char **argv);

#endif
