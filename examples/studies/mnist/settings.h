/* settings: what the command line asks for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_SETTINGS_H
#define MNIST_SETTINGS_H

#include "options.h"
#include "updates.h"

enum preset_choice { PRESET_PLAIN, PRESET_BEST, PRESET_CNN };
enum schedule_choice { SCHEDULE_COSINE, SCHEDULE_STEP, SCHEDULE_CONSTANT };
enum freeze_choice { FREEZE_NOTHING, FREEZE_PROJECTION, FREEZE_WEIGHT };
enum cut_choice { CUT_LAYER, CUT_NONE };

struct settings {
    const char *data;       /* NULL: no folder is known */
    const char *plot;       /* NULL: no picture */
    const char *save;       /* NULL: no model file */
    const char *onnx;       /* NULL: no ONNX model */
    const char *checkpoint; /* NULL: none */
    double checkpoint_every;
    bool resume;
    struct size_list conv; /* maps of the convolutions, */
    struct size_list pool; /* the windows behind them, the last for all that follow, */
    size_t head;           /* and the size of the maps that their projections read, 0: as they are */
    struct size_list hidden;
    size_t epochs;
    size_t batch;
    size_t validation;
    size_t warmup;
    size_t threads; /* 0: leave the BLAS library alone */
    size_t workers; /* threads that share the work; 0: one does all */
    int32_t preset;
    int32_t optimizer;
    int32_t schedule;
    int32_t activation;      /* MF_ACTIVATION_... */
    int32_t normalization;   /* MF_NORMALIZATION_... */
    int32_t init_weight;     /* MF_INIT_... */
    int32_t init_projection; /* MF_INIT_... */
    int32_t precision;       /* MF_PRECISION_... */
    int32_t freeze;
    int32_t cut;     /* where gradients stop: before every layer, or nowhere, which is backpropagation */
    int32_t augment; /* enum augment_kind */
    bool greedy;
    double learning_rate;
    double dropout;
    double label_smoothing;
    double weight_decay;
    double clip;
    uint64_t seed;
};

/* Names of the choices, in the order of their constants; each list ends with NULL. */
extern const char *const schedule_names[];
extern const char *const activation_names[];
extern const char *const normalization_names[];
extern const char *const init_names[];
extern const char *const precision_names[];
extern const char *const freeze_names[];
extern const char *const augment_names[];
extern const char *const cut_names[];

enum options_outcome settings_read(struct settings *settings, int argc, char **argv);

/* Convolutions and dense layers, 1 to SIZE_LIST_CAPACITY. */
size_t settings_depth(const struct settings *settings);

/* Layers of the network: without cuts there is one. */
size_t settings_layer_count(const struct settings *settings);

/* Do layers have projections that say what they learn? A network in one layer has some behind a convolution;
 * behind a dense layer its classifier does. */
bool settings_has_projections(const struct settings *settings);

/* The side of the windows that pool the maps of a convolution; 1: they are not pooled. */
size_t settings_pool(const struct settings *settings, size_t convolution);

/* A list as the command line has it, "1000,1000". */
void settings_list_text(const struct size_list *list, char *text, size_t capacity);

#endif
