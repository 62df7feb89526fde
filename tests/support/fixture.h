/* A small fixture for the tests of refusals: a network that works, with everything that belongs to it, and
 * a way to see that a refused call has left no trace. SPDX-License-Identifier: MIT */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "build.h"

enum {
    FIXTURE_INPUTS = 6,
    FIXTURE_MIDDLE = 9,
    FIXTURE_OUTPUTS = 5,
    FIXTURE_CLASSES = 4,
    FIXTURE_ROWS = 8 /* max_batch of all workspaces */
};

typedef struct fixture {
    mf_optimizer *optimizer;
    mf_network *network;    /* two layers: 6-9-5, 4 classes */
    mf_layer *first, *last; /* borrowed from the network */
    mf_layer *spare;        /* 6-9, 4 classes, in no network */
    mf_workspace *training, *inference, *of_spare;
    saved_values network_before, spare_before;
    float x[FIXTURE_ROWS * FIXTURE_INPUTS];
    int32_t y[FIXTURE_ROWS];
    float a[FIXTURE_ROWS * FIXTURE_MIDDLE];
    float scores[FIXTURE_ROWS * FIXTURE_CLASSES];
    int32_t labels[FIXTURE_ROWS];
} fixture;

/** For cmocka_unit_test_setup_teardown(). The fixture has trained for a few steps. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/** Takes a new saved_values to compare with; `_unchanged` fails the test if a parameter or a counter of
 *  learned batches has changed since. */
void remember_fixture(fixture *f);
#define check_fixture_unchanged(f) check_fixture_unchanged_at((f), __FILE__, __LINE__)
void check_fixture_unchanged_at(fixture *f, const char *file, int line);

/** The call must be refused with `expected` and leave no trace. */
#define refused(f, expected, call)        \
    do {                                  \
        check_status((expected), (call)); \
        check_fixture_unchanged(f);       \
    } while (0)

#endif
