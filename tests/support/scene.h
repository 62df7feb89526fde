/* What the tests of pipelines share: a network with dropout, its optimizer, its batches, and a sequential run
 * to compare with. SPDX-License-Identifier: MIT */
#ifndef TEST_SCENE_H
#define TEST_SCENE_H

#include <pthread.h>

#include "build.h"

enum { LAYERS = 4, INPUTS = 21, CLASSES = 5, ROWS = 9, BATCHES = 14, BEHIND = 3, REPORTS = BATCHES * LAYERS };

extern const size_t scene_widths[LAYERS + 1];

/** An optimizer for each rule of update. */
typedef struct rule {
    int32_t kind, nesterov;
    float momentum, decay, clip;
} rule;

enum { RULES = 7 };
extern const rule rules[RULES];

/** A network with dropout in two layers, its optimizer, and batches, the last one uneven. */
typedef struct scene {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    const char *projection; /**< Name of the last layer's. */
    float x[BATCHES + BEHIND][ROWS * INPUTS], weights[ROWS];
    int32_t y[BATCHES + BEHIND][ROWS];
    mf_pipeline_report reports[REPORTS];
    size_t seen;
    pthread_t caller;
} scene;

scene *make_scene(const rule *how);
/** The same with two convolutions and a dense layer that normalise, poolings, a pooled head and dropout of
 * maps. */
scene *make_maps_scene(const rule *how);
/** The same with three layers of several units, among them a residual block and units that drop values and
 * maps, and a layer of a spec. */
scene *make_units_scene(const rule *how);
void drop_scene(scene *s);

/** Batch t, with strides or weights in some. */
mf_batch batch_of(const scene *s, size_t t);

/** What a host may change while batches are in the works, before batch t. */
void change_settings(scene *s, size_t t);

/** All batches but those behind, with their reports. */
void run_sequential(scene *s);

mf_pipeline_spec pipeline_spec(mf_network *network, uint32_t workers, size_t depth);
mf_pipeline *make_pipeline(mf_network *network, uint32_t workers, size_t depth);
mf_pipeline_progress_info progress_of(mf_pipeline *pipeline);

/** All reports there are, into the scene's. */
void poll_all(scene *s, mf_pipeline *pipeline);

/** Both have the same reports and parameters, also after some steps more, which compares the optimizers'
 * states and the dropout counters. */
void check_same_run(scene *one, scene *other);

#endif
