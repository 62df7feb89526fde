/* A small world for the tests of refusals: a network that works, with everything that belongs to it, and
 * a way to see that a refused call has left no trace. SPDX-License-Identifier: MIT */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "build.h"

enum {
    WORLD_INPUTS = 6,
    WORLD_MIDDLE = 9,
    WORLD_OUTPUTS = 5,
    WORLD_CLASSES = 4,
    WORLD_ROWS = 8 /* max_batch of all workspaces */
};

typedef struct world {
    mf_optimizer *optimizer;
    mf_network *network;    /* two layers: 6-9-5, 4 classes */
    mf_layer *first, *last; /* borrowed from the network */
    mf_layer *spare;        /* 6-9, 4 classes, in no network */
    mf_workspace *training, *inference, *of_spare;
    picture network_before, spare_before;
    float x[WORLD_ROWS * WORLD_INPUTS];
    int32_t y[WORLD_ROWS];
    float a[WORLD_ROWS * WORLD_MIDDLE];
    float scores[WORLD_ROWS * WORLD_CLASSES];
    int32_t labels[WORLD_ROWS];
} world;

/** For cmocka_unit_test_setup_teardown(). The world has trained for a few steps. */
int open_world(void **state);
int close_world(void **state);

/** Takes a new picture to compare with; `_unchanged` fails the test if a parameter or a counter of
 *  learned batches has changed since. */
void remember_world(world *w);
#define world_unchanged(w) world_unchanged_at((w), __FILE__, __LINE__)
void world_unchanged_at(world *w, const char *file, int line);

/** The call must be refused with `expected` and leave no trace. */
#define refused(w, expected, call)        \
    do {                                  \
        check_status((expected), (call)); \
        world_unchanged(w);               \
    } while (0)

#endif
