/* data: the images that the network learns from and those that it is judged by, as batches of its inputs.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_DATA_H
#define CIFAR10_DATA_H

#include "notes.h"
#include "bytes.h"
#include "crops.h"
#include "random.h"
#include "records.h"

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum augment_kind {
    AUGMENT_NONE,
    AUGMENT_CROPS, /* a random 32 x 32 window of the image inside a border of zeros, half of them mirrored */
    AUGMENT_ALTERNATING /* the same, but mirrored in every second pass: in the odd ones half of the images */
};

/* What is done to images that are learned from. */
struct augmentation {
    enum augment_kind kind;
    size_t border; /* of crops; it is 0 after standardising: the mean */
    size_t
        cutout;  /* side of a square that is 0 as well, in part perhaps outside the image; 0: there is none */
    size_t pass; /* over the training set, counted from 0 */
    struct random_stream stream;
};

enum data_set { SET_CIFAR10, SET_CIFAR100 };

/* In the order of their constants; ends with NULL. */
extern const char *const set_names[];

struct data {
    const char *folder; /* NULL: shapes drawn here, no data set */
    enum data_set set;
    size_t classes;
    struct records train;
    struct records test;
    uint32_t *order;       /* of the training images: first those to learn from, */
    size_t validation;     /* and behind them so many that are held out */
    double mean[CHANNELS]; /* of the pixels of the images to learn from */
    double deviation[CHANNELS];
    float inputs[CHANNELS][BYTE_VALUES]; /* what a pixel is to the network: standardised by the two */
};

/* `given`, or the folder with the set in the places of places.h; NULL if there is none. What was given counts,
 * whatever it holds: a mistake should not end in other data than was meant. */
const char *data_find(enum data_set set, const char *given);

/* Reads the set from `folder`, or draws shapes of 10 kinds if it is NULL. With a `limit`, the first `limit`
 * training images are all there are. On failure prints one line and returns false; call data_free() in any
 * case. */
bool data_open(struct data *data, enum data_set set, const char *folder, size_t limit, uint64_t seed);

/* Holds `validation` random training images out. On failure prints one line and returns false. */
bool data_hold_out(struct data *data, size_t validation, uint64_t seed);

/* Training images to learn from. */
size_t data_learned(const struct data *data);

/* FNV-1a of the training images and their classes: another set has, but for chance, another one. */
uint64_t data_hash(const struct data *data);

/* Writes the names of the classes into the metadata, where they are known. On failure prints one line and returns
 * false. */
bool data_describe(const struct data *data, mf_network *network);

/* How pixels become the inputs that batches have. */
struct scaling data_scaling(const struct data *data);

void data_free(struct data *data);

/* The images at order[first] to order[first + rows - 1] as inputs [rows, PIXELS], and their classes; as they
 * are if `augmentation` is NULL. */
void data_train_batch(const struct data *data, size_t first, size_t rows, struct augmentation *augmentation,
                      float *inputs, int32_t *classes);

/* The test images from `first` on, as they are or mirrored. */
void data_test_batch(const struct data *data, size_t first, size_t rows, bool mirrored, float *inputs,
                     int32_t *classes);

/* The same of the images that are held out. */
void data_validation_batch(const struct data *data, size_t first, size_t rows, bool mirrored, float *inputs,
                           int32_t *classes);

#endif
