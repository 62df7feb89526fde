/*
 * A naive layer in double precision with everything that oracle.h does not know: convolution, pooling, batch
 * normalisation (also of dense layers), pooled heads. Written from the definitions in the public header: one
 * loop for each index, every intermediate value kept. Loss, update and activations are those of oracle.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TEST_ORACLE_MAPS_H
#define TEST_ORACLE_MAPS_H

#include "oracle.h"

typedef struct maps_oracle {
    mf_layer_spec spec;
    size_t channels;          /* neurons or filters: what has a bias, a scale and doubts of its own */
    size_t map[2], pooled[2]; /* 1 x 1 in a dense layer */
    size_t pool_padding[2];   /* of units */
    size_t inputs, outputs;   /* values in a row */
    size_t features, head[2]; /* what M reads: values in a row, and of a channel */
    oracle_parameter weight, bias, projection, scale; /* count 0: the layer has none */
    oracle_parameter mean, variance;                  /* frozen: steps normalise by them */

    /* doubtful[c]: some z of channel c came so near to a kink, or two values of a window so near to each
     * other at their maximum, that float32 may have taken the other branch. The channel's parameters prove
     * nothing. */
    unsigned char *doubtful;
    /* The smallest distances that any pass has met since they were last set: |z| from a kink, the largest
     * value of a window from the next one. */
    double kink_margin, tie_margin;
} maps_oracle;

/** A layer with the shape and parameters of `layer`, which was created from `spec`. */
maps_oracle *maps_create(const mf_layer_spec *spec, const mf_layer *layer);
void maps_free(maps_oracle *oracle);

/** Takes over the library's current parameters; forgets the optimizer's memory if `forget`. */
void maps_read(maps_oracle *oracle, const mf_layer *from, int forget);

/** How many windows of `size` values, `stride` apart, lie in `room` values. */
size_t maps_count_windows(size_t room, size_t size, size_t stride);

/** All six in the library's order; some may have a count of 0. */
enum { MAPS_PARAMETERS = 6 };
extern const char *const maps_names[MAPS_PARAMETERS];
oracle_parameter *maps_parameter(maps_oracle *oracle, size_t index);

/** The channel that value i of a parameter belongs to. */
size_t maps_channel(const maps_oracle *oracle, size_t index, size_t i);

/** What inference gives, from the running mean and variance. a [rows, outputs], goodness [rows, classes] or
 * NULL. */
void maps_infer(maps_oracle *oracle, size_t rows, const double *x, double *a, double *goodness);

/** Loss of a step, with the batch's mean and variance unless they are frozen. Changes nothing. */
oracle_result maps_loss(maps_oracle *oracle, size_t rows, const double *x, const int32_t *y,
                        const double *weights);

/** Loss and all gradients; mean and variance follow. a [rows, outputs] or NULL. */
oracle_result maps_gradients(maps_oracle *oracle, size_t rows, const double *x, const int32_t *y,
                             const double *weights, double *a);

/** maps_gradients(), clipping, and the update. */
oracle_result maps_step(maps_oracle *oracle, const oracle_optimizer *optimizer, size_t rows, const double *x,
                        const int32_t *y, const double *weights, double *a);

#endif
