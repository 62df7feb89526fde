/* model: the layers, the network over them, and what they need for training.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_MODEL_H
#define MNIST_MODEL_H

#include "meter.h"
#include "settings.h"
#include "training.h"

#include "monoforward.h"

enum { EVALUATION_BATCH = 100 };

struct model {
    struct meter meter; /* counts everything but the workspace for evaluation */
    mf_optimizer *optimizer;
    size_t foreseen; /* bytes that training was said to take, of a network in one layer */
    size_t layer_count;
    mf_layer *layers[SIZE_LIST_CAPACITY];
    mf_network *network; /* the first `depth` layers */
    size_t depth;
    uint64_t ids[SIZE_LIST_CAPACITY];
    mf_pool *pool; /* NULL: one thread does all */
    bool pipelined;
    bool bytes; /* the images are fed as bytes: without changes, and where that takes no memory of its own */
    struct training training;
    mf_workspace *evaluation;
};

/* Creates all layers, for images of this size; the network is still empty. `model` must not move from then
 * on, as its handles point to its meter. On failure prints one line and returns false; call model_free() in
 * any case. */
bool model_create(struct model *model, const struct settings *settings, size_t rows, size_t columns);

void model_free(struct model *model);

/* Lets the network consist of the first `depth` layers, and makes workspaces and a pipeline for it. */
bool model_set_depth(struct model *model, size_t depth, size_t batch);

/* The rows of input and activations, "784-1000-1000" or "1x28x28-32x14x14-500". */
bool model_shapes(const struct model *model, char *text, size_t capacity);

#endif
