/* backprop: the baseline: dense layers trained by backpropagation, with the library's own products, kernels
 * and optimizer rules, so that the algorithms are compared and nothing else.
 *
 * On top of the layers is a linear classifier; without layers the classifier is all there is (softmax
 * regression). Weights are updated panel by panel as in the library, as soon as the error has passed through
 * them: there is never a full gradient here either, unless gradients are accumulated. What backpropagation
 * cannot do without is the activation of every layer, or, with checkpoints, of every s-th layer, the others
 * being computed once more, and one more of them, where the next error is made before it takes the place of
 * an activation.
 *
 * It uses internals of the library: link the static one. The benchmarks in tests/bench use it as well.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_BACKPROP_H
#define EXPERIMENTS_BACKPROP_H

#include "monoforward.h"

#include <stdbool.h>

enum { BACKPROP_MOST_LAYERS = 64 };

typedef struct backprop backprop;

struct backprop_spec {
    const size_t *widths; /* [layers + 1] of the input, then of every layer */
    size_t layers;
    size_t classes;
    mf_optimizer *optimizer; /* outlives the network; its learning rate may change between steps */
    size_t max_batch;
    bool checkpoints;  /* keep the activation of every ceil(sqrt(layers))-th layer only */
    size_t accumulate; /* take a batch in parts of so many rows and add up their gradients; 0: whole */
    float gain;        /* of the uniform start of the layers' weights, as mf_layer_spec.weight_gain; 0: 1 */
    uint64_t seed;
    const mf_allocator *allocator;
};

/* NULL if there is no memory or the spec makes no sense. */
backprop *backprop_create(const struct backprop_spec *spec);

/* Takes NULL. */
void backprop_free(backprop *net);

/* One step; returns the mean cross-entropy, or NaN with nothing changed if that is not finite (with
 * accumulation, of a part). */
double backprop_step(backprop *net, size_t rows, const float *x, const int32_t *y);

/* The scores [rows, classes]. */
void backprop_scores(backprop *net, size_t rows, const float *x, float *scores);

/* Mean cross-entropy and, if not NULL, correct rows, without learning. */
double backprop_evaluate(backprop *net, size_t rows, const float *x, const int32_t *y, uint64_t *correct);

/* Parameters and what the optimizer remembers of them, to go back to. */
size_t backprop_state_size(const backprop *net);
void backprop_state_save(const backprop *net, void *buffer);
void backprop_state_load(backprop *net, const void *buffer);

/* Values of all parameters. */
size_t backprop_parameters(const backprop *net);

#endif
