/* backprop_conv: the convolutional network of Mono-Forward, trained by backpropagation: the baseline.
 *
 * The layers are the library's own convolutions, made from the same specs: the same draws for the same seeds,
 * the same products, kernels and optimizer rules, normalisation, dropout and running statistics. On top
 * stands a linear classifier that reads the last map flattened, or pooled to head_size x head_size if the
 * last spec says so; it is drawn like the projection of a Mono-Forward layer there (the last spec's seed,
 * projection_init and projection_gain), and has a bias that begins at 0. What the library does not have, the
 * gradient of a convolution's input, is in columns.h.
 *
 * Memory is what backpropagation cannot do without: of every layer the product u and the activation, since
 * the step comes back to them; scratch is shared. The layers' own projections are not there in earnest: they
 * have the smallest size that the library allows (2 classes on maps pooled to one value), are never computed
 * and never learn.
 *
 * It uses internals of the library: link the static one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_BACKPROP_CONV_H
#define EXPERIMENTS_BACKPROP_CONV_H

#include "monoforward.h"

typedef struct backprop_conv backprop_conv;

/* Convolutions only, each spec as for mf_layer_create(); those behind the first may leave channels, height
 * and width 0 (mf_layer_spec_follow()). `classes`, `label_smoothing`, `head_size` and the projection's
 * initialisation are read from the last spec. The optimizer must outlive the network, which takes a
 * reference; its learning rate may change between steps; clipping is not known here and is refused.
 * `allocator` NULL: the C library's; all memory comes from it. On failure returns NULL; mf_last_message()
 * tells why. */
backprop_conv *backprop_conv_create(const mf_layer_spec *layers, size_t count, mf_optimizer *optimizer,
                                    size_t max_batch, const mf_allocator *allocator);

/* Takes NULL. */
void backprop_conv_free(backprop_conv *net);

/* One step on rows x [rows, channels x height x width] with labels y; returns the mean cross-entropy before
 * the update, or NaN with nothing changed if it is not finite. `correct`, if not NULL, receives how many rows
 * were classified rightly. */
double backprop_conv_step(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                          uint64_t *correct);

/* The mean cross-entropy (without smoothing) and the correct rows as in prediction: running statistics, no
 * dropout, nothing learned. */
double backprop_conv_evaluate(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                              uint64_t *correct);

/* The scores [rows, classes] as in prediction. */
void backprop_conv_scores(backprop_conv *net, size_t rows, const float *x, float *scores);

/* The loss of a step and the gradients of all that learns, without an update and without moving the running
 * statistics; those of a layer after those of the one before, each in the order weight, bias, scale, then the
 * classifier's weight [classes, features] and bias. `gradients` [backprop_conv_parameters(net)]. */
double backprop_conv_gradients(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                               float *gradients);

/* How many values learn, and all of them copied out or in, in that order. */
size_t backprop_conv_parameters(const backprop_conv *net);
void backprop_conv_get(const backprop_conv *net, float *values);
void backprop_conv_set(backprop_conv *net, const float *values);

#endif
