/* What the tests of pipelines share: a network with dropout, its optimizer, its batches, and a sequential run
 * to compare with. SPDX-License-Identifier: MIT */
#ifndef TEST_TRAINING_FIXTURE_H
#define TEST_TRAINING_FIXTURE_H

#include <pthread.h>

#include "build.h"

enum {
    LAYERS = 4,
    INPUTS = 21,
    CLASSES = 5,
    ROWS = 9,
    POSITIONS = 7,
    BATCHES = 14,
    BEHIND = 3,
    REPORTS = BATCHES * LAYERS
};

extern const size_t fixture_widths[LAYERS + 1];

/** An optimizer for each rule of update. */
typedef struct rule {
    int32_t kind, nesterov;
    float momentum, decay, clip;
} rule;

enum { RULES = 7 };
extern const rule rules[RULES];

/** A network with dropout in two layers, its optimizer, and batches, the last one uneven. */
typedef struct training_fixture {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    const char *projection; /**< Name of the last layer's. */
    float x[BATCHES + BEHIND][ROWS * INPUTS], weights[ROWS];
    int32_t y[BATCHES + BEHIND][ROWS * POSITIONS]; /**< [ROWS], but for goodness at positions. */
    mf_pipeline_report reports[REPORTS];
    size_t seen;
    pthread_t caller;
} training_fixture;

training_fixture *make_training_fixture(const rule *how);
/** The same with two convolutions and a dense layer that normalise, poolings, a pooled head and dropout of
 * maps. */
training_fixture *make_maps_fixture(const rule *how);
/** The same with three layers of several units, among them a residual block and units that drop values and
 * maps, and a layer of a spec. */
training_fixture *make_units_fixture(const rule *how);
/** The same with layers that read and write sequences, of the units for them, and a layer of a spec. */
training_fixture *make_sequence_fixture(const rule *how);
/** The same with goodness at positions, some of which have no label. */
training_fixture *make_positions_fixture(const rule *how);
/** The same with tokens as inputs, which the first layer embeds. */
training_fixture *make_tokens_fixture(const rule *how);
/** The same with heads that read one matrix. */
training_fixture *make_shared_fixture(const rule *how);
/** The same with auxiliary heads. */
training_fixture *make_auxiliary_fixture(const rule *how);
/** The same with dense layers whose products round to bf16. */
training_fixture *make_rounding_fixture(const rule *how);
void free_training_fixture(training_fixture *s);

/** Batch t, with strides or weights in some. */
mf_batch batch_of(const training_fixture *s, size_t t);

/** What a host may change while batches are in the works, before batch t. */
void change_settings(training_fixture *s, size_t t);

/** All batches but those behind, with their reports. */
void run_sequential(training_fixture *s);

mf_pipeline_spec pipeline_spec(mf_network *network, uint32_t workers, size_t depth);
mf_pipeline *make_pipeline(mf_network *network, uint32_t workers, size_t depth);
mf_pipeline_progress_info progress_of(mf_pipeline *pipeline);

/** All reports there are, into the training_fixture's. */
void poll_all(training_fixture *s, mf_pipeline *pipeline);

/** All batches but those behind through a pipeline, with their reports. */
void run_pipelined(training_fixture *s, uint32_t workers, size_t depth);

/** For every rule, and for 0 to 3 workers, a pipeline of what `make` makes gives the bits of a sequential
 * run. */
void check_pipelines_give_the_same_bits(training_fixture *(*make)(const rule *how));

/** Both have the same reports and parameters, also after some steps more, which compares the optimizers'
 * states and the dropout counters. */
void check_same_run(training_fixture *one, training_fixture *other);

#endif
