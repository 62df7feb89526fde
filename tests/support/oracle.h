/*
 * A naive Mono-Forward layer in double precision, written from the equations of the public header
 * and sharing no code with the library. Clear and slow: single loops, one sample at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TEST_ORACLE_H
#define TEST_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "monoforward.h"

/** Hyper-parameters; the names and meanings of mf_optimizer_spec. */
typedef struct oracle_optimizer {
    int kind, nesterov;
    double rate, momentum, beta1, beta2, epsilon, decay, clip;
} oracle_optimizer;

/** A parameter and what the optimizer remembers of it. */
typedef struct oracle_parameter {
    size_t count;
    double *value, *gradient, *first, *second;
    uint64_t steps;
    int frozen, decays;
} oracle_parameter;

typedef struct oracle_layer {
    size_t inputs, outputs, classes;
    int activation;
    double leak, smoothing;
    oracle_parameter weight, bias, projection; /* bias.count is 0 in a layer without bias */
    /* doubtful[j]: some z of neuron j came so near to the kink of ReLU that float32 may have
     * taken the other branch; its parameters prove nothing. */
    unsigned char *doubtful;
} oracle_layer;

/** What a step or an evaluation found. `close_calls` counts the rows whose label's goodness is so
 *  near to another that float32 may rank them otherwise. */
typedef struct oracle_result {
    double loss, gradient_norm;
    size_t correct, close_calls;
} oracle_result;

/** A layer with the shape and parameters of `layer` as they are now, and no optimizer state. The
 *  shape, activation and so on come from `spec`, which `layer` was created from. */
oracle_layer *oracle_create(const mf_layer_spec *spec, const mf_layer *layer);
void oracle_free(oracle_layer *layer);

/** Takes over the library's current parameters; forgets the optimizer's memory if `forget`. */
void oracle_read(oracle_layer *layer, const mf_layer *from, int forget);

/** a = phi(x W^T + b). x [rows, inputs], a [rows, outputs]. */
void oracle_forward(oracle_layer *layer, size_t rows, const double *x, double *a);

/** G = a M^T. goodness [rows, classes]. */
void oracle_goodness(const oracle_layer *layer, size_t rows, const double *a, double *goodness);

/** Softmax of every row, in place. */
void oracle_softmax(size_t rows, size_t classes, double *scores);

/** Cross-entropy of softmax(goodness) against smoothed labels; weights [rows] or NULL. */
oracle_result oracle_loss(size_t rows, size_t classes, const double *goodness, const int32_t *y,
                          const double *weights, double smoothing);

/** Forward pass and gradients of all three parameters, without an update. a [rows, outputs]. */
oracle_result oracle_gradients(oracle_layer *layer, size_t rows, const double *x, const int32_t *y,
                               const double *weights, double *a);

/** oracle_gradients(), clipping, and the update. */
oracle_result oracle_step(oracle_layer *layer, const oracle_optimizer *optimizer, size_t rows,
                          const double *x, const int32_t *y, const double *weights, double *a);

/* The parts, for oracles of other layers. */

oracle_parameter oracle_new_parameter(size_t count, int decays);
void oracle_free_parameter(oracle_parameter *parameter);

/** Takes over the library's values, unless the parameter has none; forgets the optimizer's memory if
 * `forget`. */
void oracle_read_parameter(oracle_parameter *parameter, const mf_layer *from, const char *name, int forget);

double oracle_phi(int activation, double leak, double z);
double oracle_slope(int activation, double leak, double z);

/** dG from G, in place. */
void oracle_loss_gradient(size_t rows, size_t classes, double *goodness, const int32_t *y,
                          const double *weights, double smoothing);

/** 0 for a frozen parameter. */
double oracle_squared_norm(const oracle_parameter *parameter);

/** One update from `scale` times the gradient, unless the parameter is frozen. */
void oracle_update(oracle_parameter *parameter, const oracle_optimizer *optimizer, double scale);

/** Dense doubles from float rows that lie `stride` values apart; free() them. */
double *oracle_rows(const float *values, size_t rows, size_t columns, size_t stride);

#endif
