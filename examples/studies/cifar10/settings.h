/* settings: what the command line asks for, and the preset where it is silent.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_SETTINGS_H
#define CIFAR10_SETTINGS_H

#include "options.h"
#include "presets.h"

struct settings {
    int32_t set;            /* enum data_set */
    const char *data;       /* NULL: no folder is known */
    const char *plot;       /* NULL: no picture */
    const char *log;        /* NULL: no log */
    const char *save;       /* NULL: no model file */
    const char *onnx;       /* NULL: no ONNX model */
    const char *checkpoint; /* NULL: none */
    double checkpoint_every;
    bool resume;
    int32_t preset;
    size_t layer_count;
    struct layer_plan layers[MOST_LAYERS];
    size_t epochs;
    size_t batch;
    size_t limit;      /* 0: all training images */
    size_t validation; /* of these, held out */
    size_t evaluate_every;
    size_t threads; /* 0: leave the BLAS library alone */
    size_t workers; /* 0: one layer after the other */
    int32_t optimizer;
    int32_t schedule;
    int32_t augment;
    size_t border;
    size_t cutout; /* 0: none */
    int32_t init_projection;
    int32_t precision; /* MF_PRECISION_... */
    bool flip_test;
    double time_budget; /* minutes; 0: none */
    double width;
    bool whole; /* one layer of all */
    double learning_rate;
    double warmup;
    double dropout; /* below 0: that of the preset's layers */
    double label_smoothing;
    double similarity; /* part of every layer's loss; 0: none */
    double weight_decay;
    uint64_t seed;
};

/* Names of the choices, in the order of their constants; each list ends with NULL. */
extern const char *const schedule_names[];
extern const char *const augment_names[];
extern const char *const pool_names[];
extern const char *const init_names[];
extern const char *const precision_names[];

enum options_outcome settings_read(struct settings *settings, int argc, char **argv);

#endif
