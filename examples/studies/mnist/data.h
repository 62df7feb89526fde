/* data: the images that the network learns from and those that it is judged by.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_DATA_H
#define MNIST_DATA_H

#include "notes.h"
#include "augment.h"
#include "images.h"

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A share of an image set: the images at `order[0 .. count - 1]`. */
struct subset {
    const struct image_set *images;
    uint32_t *order;
    size_t count;
};

struct data {
    bool drawn; /* digits drawn here, no data set */
    size_t inputs;
    struct image_set train_images;
    struct image_set test_images;
    uint32_t *train_order;
    uint32_t *test_order;
    struct subset train;
    struct subset validation; /* count 0: none was held out */
    struct subset test;
    float mean; /* of the pixels of the training subset */
    float deviation;
};

/* Loads the set in `folder`, or draws digits if it is NULL, and holds `validation` random training images
 * out. On failure prints one line and returns false; call data_free() in any case. */
bool data_open(struct data *data, const char *folder, size_t validation, uint64_t seed);

void data_free(struct data *data);

/* FNV-1a of all training images and labels: another set has, but for chance, another one. */
uint64_t data_hash(const struct data *data);

/* Writes the names of the classes into the metadata. On failure prints one line and returns false. */
bool data_describe(mf_network *network);

/* How pixels become the inputs that batches have. */
struct scaling data_scaling(const struct data *data);

/* Writes images `first` to `first + rows - 1` of a subset as standardised inputs [rows, inputs], and their
 * labels. `stream` is only used if `kind` is not AUGMENT_NONE. */
void data_batch(const struct data *data, const struct subset *subset, size_t first, size_t rows,
                enum augment_kind kind, struct random_stream *stream, float *inputs, int32_t *labels);

/* The same without changes, as the bytes that the images are: sets the type, scale and shift of `batch` to
 * what makes the same inputs of them. */
void data_byte_batch(const struct data *data, const struct subset *subset, size_t first, size_t rows,
                     uint8_t *inputs, int32_t *labels, mf_batch *batch);

#endif
