/* Handles in one line each, and copies of parameters to compare bit for bit.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_BUILD_H
#define TEST_BUILD_H

#include "check.h"

/** A layer's spec with the library's defaults and seed 7. */
mf_layer_spec layer_spec(size_t inputs, size_t outputs, size_t classes);
/** A convolution's, 3 x 3 without padding, no pooling, seed 7. */
mf_layer_spec conv_spec(size_t channels, size_t height, size_t width, size_t filters, size_t classes);
mf_layer *make_layer(const mf_layer_spec *spec);
mf_layer *make_plain_layer(size_t inputs, size_t outputs, size_t classes, uint64_t seed);

mf_optimizer_spec optimizer_spec(int32_t kind, double learning_rate);
mf_optimizer *make_optimizer(int32_t kind, double learning_rate);

mf_network *make_network(void);
/** A network of dense layers: widths[0] inputs, then `layers` widths; the caller's references to the
 *  layers are given up. Seeds are seed, seed + 1, ... `optimizer` may be NULL. */
mf_network *make_stack(const size_t *widths, size_t layers, size_t classes, uint64_t seed,
                       mf_optimizer *optimizer);
mf_layer *layer_at(const mf_network *network, size_t position);

mf_workspace *make_layer_workspace(mf_layer *layer, size_t max_batch);
mf_workspace *make_network_workspace(mf_network *network, size_t max_batch);
mf_workspace *make_workspace(mf_network *network, mf_layer *layer, int32_t purpose, size_t max_batch);

/** Fails the test unless so many threads share the work. */
mf_pool *make_pool(uint32_t threads);

mf_pipeline *make_network_pipeline(mf_network *network, size_t max_batch, uint32_t workers);

mf_report read_report(const mf_workspace *workspace, size_t position);
mf_batch make_batch(size_t rows, const float *x, const int32_t *y);

/** Number of values of a parameter; fails the test if there is no such parameter. */
size_t parameter_count(const mf_layer *layer, const char *name);
/** A parameter's values; free() them. */
float *read_parameter(const mf_layer *layer, const char *name, size_t *count);
int has_parameter(const mf_layer *layer, const char *name);

/** All parameters of a layer, or of all layers of a network, as they are now. */
typedef struct saved_values {
    size_t count;
    float *values;
} saved_values;

saved_values save_layer_values(const mf_layer *layer);
saved_values save_network_values(const mf_network *network);
/** 1 if both hold the same bits. */
int same_values(const saved_values *one, const saved_values *other);
void free_saved_values(saved_values *one);

/** Fails the test unless the layer's (network's) parameters still have the bits of `before`. */
#define check_layer_unchanged(before, layer) check_layer_unchanged_at((before), (layer), __FILE__, __LINE__)
#define check_network_unchanged(before, network) \
    check_network_unchanged_at((before), (network), __FILE__, __LINE__)
void check_layer_unchanged_at(const saved_values *before, const mf_layer *layer, const char *file, int line);
void check_network_unchanged_at(const saved_values *before, const mf_network *network, const char *file,
                                int line);

#endif
