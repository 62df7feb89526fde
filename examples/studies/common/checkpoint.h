/* checkpoint: a run that is interrupted, by Ctrl-C or by anything else, and goes on to the same bits.
 *
 * A checkpoint is a model file: the network with the state of its training, and in its metadata the place of
 * the run and its options. It is replaced in one piece, so whatever ends the program, it holds one moment of
 * the run whole, and all that came after is computed again.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_CHECKPOINT_H
#define STUDIES_CHECKPOINT_H

#include "history.h"
#include "keep.h"

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_TEXT = 4096 };

struct checkpoint {
    const char *path;           /* NULL: none */
    double every;               /* seconds from one to the next */
    bool resume;                /* go on from the file, if it is there */
    char options[OPTIONS_TEXT]; /* what decides about the bits of the run: another one cannot go on from it */
    int word_count;             /* the command line */
    char *const *words;
    double written; /* the clock, when the last one was */
};

/* Where a run is. What only some programs know is 0 in others. */
struct run_state {
    struct history history; /* epochs that are over */
    struct keep keep;
    uint64_t position;                 /* rows of the present epoch that have been learned from */
    uint64_t step;                     /* of the learning rate's schedule */
    uint64_t augmenting;               /* the state of that random stream */
    double losses[SIZE_LIST_CAPACITY]; /* sums over the rows of the present epoch */
    double seconds;                    /* that the present epoch has taken */
    double elapsed;                    /* seconds that the whole run has taken, where a clock decides, */
    double learning, judging, share;   /* and the rest of what it decides by */
    double epochs;                     /* that have been learned, also a part of one */
};

/* Options of the command line. */
#define CHECKPOINT_HELP                                                                                  \
    "save the state of the run here from time to time, at Ctrl-C, and at its end; another run's is not " \
    "replaced"
#define CHECKPOINT_EVERY_HELP "seconds from one checkpoint to the next, 0: after every batch (30)"
#define CHECKPOINT_RESUME_HELP \
    "go on from the checkpoint, or begin if there is none; the options must be the same"

/* Refuses a file that is there already, unless `resume` is set. On failure prints one line and returns false;
 * so do the others. */
bool checkpoint_open(struct checkpoint *checkpoint, int word_count, char *const *words);

/* For runs that ask checkpoint_signal() between their batches: with a checkpoint, Ctrl-C and SIGTERM from now
 * on interrupt the run there; a second one ends it. */
bool checkpoint_watch(const struct checkpoint *checkpoint);

/* Complains if a run of so many epochs and layers will not fit into a checkpoint. */
bool checkpoint_fits(const struct checkpoint *checkpoint, size_t epochs, size_t depth);

/* Goes on from the checkpoint where that is wanted and there is one: fills `state`, but for the files to
 * keep, and has `take` check it and give the run what the loaded network has, whose layers are `depth`. */
bool checkpoint_go_on(const struct checkpoint *checkpoint, struct run_state *state,
                      bool (*take)(void *run, const mf_network *from, size_t depth), void *run);

/* A run in which all layers learn in every epoch. */
struct whole_run {
    size_t epochs, layers, rows, batch; /* rows of an epoch, and of a batch */
};

/* Nothing in a file is believed: whether the state and the number of loaded layers can be those of such a
 * run. */
bool checkpoint_is_sound(const struct checkpoint *checkpoint, const struct run_state *state, size_t depth,
                         const struct whole_run *whole);

/* The complaint about a state that cannot be. */
bool checkpoint_unsound(const struct checkpoint *checkpoint);

/* Gives `to`, which has the same layers and optimizers, everything that training has changed in `from`. */
bool checkpoint_take(const mf_network *from, mf_network *to);

/* Is it time for another one? */
bool checkpoint_is_due(const struct checkpoint *checkpoint);

/* The layers must be at rest. */
bool checkpoint_write(struct checkpoint *checkpoint, mf_network *network, const struct run_state *state);

/* The signal that has interrupted the run; 0: none. */
int checkpoint_signal(void);

/* Tells where the run was interrupted, and how to go on. */
void checkpoint_explain(const struct checkpoint *checkpoint, const char *program,
                        const struct run_state *state);

#endif
