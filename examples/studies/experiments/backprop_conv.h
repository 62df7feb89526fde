/* backprop_conv: the convolutional network of Mono-Forward, trained by backpropagation: the baseline.
 *
 * The layers are the library's own convolutions, made from the same specs: the same draws for the same seeds,
 * the same products, kernels and optimizer rules, normalisation, dropout and running statistics. The linear
 * classifier on top is the projection of the last layer, which reads the last maps flattened, or pooled if
 * its spec has a head_size, and has no bias: the same head that Mono-Forward has there. So a network of one
 * layer learns the same both ways. What the library does not have, the gradient of a convolution's input, is
 * in columns.h.
 *
 * The memory is what backpropagation cannot do without: of every layer its product u and its activation,
 * since the step comes back to them, and the gradients of two neighbouring activations; other scratch is
 * shared. The projections of the layers below the last have the least size that the library allows (2 classes
 * on maps pooled to one value), are frozen and never computed.
 *
 * It uses internals of the library: link the static one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_BACKPROP_CONV_H
#define EXPERIMENTS_BACKPROP_CONV_H

#include "monoforward.h"

typedef struct backprop_conv backprop_conv;

/* Convolutions only, each spec as for mf_layer_create(); the maps that one behind the first reads follow from
 * the one before (mf_layer_spec_follow()) and need not be set. `classes`, `label_smoothing`, `head_size` and
 * the projection's initialisation count in the last spec, `dropout` in all others. The layers take references
 * to the optimizer, whose learning rate may change between steps; one that clips is refused. `allocator`
 * NULL: the C library's; all memory of any size comes from it. On failure returns NULL, and mf_last_message()
 * tells why. */
backprop_conv *backprop_conv_create(const mf_layer_spec *layers, size_t count, mf_optimizer *optimizer,
                                    size_t max_batch, const mf_allocator *allocator);

/* Takes NULL. */
void backprop_conv_free(backprop_conv *net);

/* One step on x [rows, channels x height x width] and its labels; returns the mean cross-entropy before the
 * update, or NaN with nothing changed if that is not finite. `correct`, if not NULL, receives how many rows
 * were classified rightly. Rows are 1 to max_batch, labels below the classes: the caller sees to that. */
double backprop_conv_step(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                          uint64_t *correct);

/* Mean cross-entropy (without smoothing) and correct rows as in prediction: by the running statistics,
 * without dropout, nothing learned. */
double backprop_conv_evaluate(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                              uint64_t *correct);

/* The scores [rows, classes] as in prediction. */
void backprop_conv_scores(backprop_conv *net, size_t rows, const float *x, float *scores);

/* The loss of a step and its gradients, without an update: those of a layer behind those of the one before,
 * each laid out as mf_layer_gradients() does it. The running statistics stay. `gradients` has
 * backprop_conv_values() values. */
double backprop_conv_gradients(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                               float *gradients);

/* Values of all parameters of all layers together. */
size_t backprop_conv_values(const backprop_conv *net);

/* The layer at a position, borrowed: for reading, writing, saving its parameters. */
mf_layer *backprop_conv_layer(const backprop_conv *net, size_t position);

#endif
