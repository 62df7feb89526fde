/* Owns: the baseline: the same network trained by backpropagation, with the library's own products,
 * kernels and optimizer rules, so that the algorithms are compared and nothing else.
 *
 * The network has the shape's layers and a linear classifier on top of the last one. Weights are updated
 * panel by panel as in the library, as soon as the error has passed through them: there is never a full
 * gradient here either. What backpropagation cannot do without is the activation of every layer, or,
 * with checkpointing, of every s-th layer, the others being computed once more. */
#ifndef BENCH_BACKPROP_H
#define BENCH_BACKPROP_H

#include "support.h"

typedef struct backprop backprop;

/* With `checkpoints`, activations are kept at every ceil(sqrt(layers))-th layer. */
backprop *backprop_create(const shape *layers, mf_optimizer *optimizer, size_t max_batch, int checkpoints,
                          const mf_allocator *allocator);

/* One step; returns the mean cross-entropy. */
double backprop_step(backprop *net, size_t rows, const float *x, const int32_t *y);

void backprop_free(backprop *net);

#endif
