/* dataset: rows to learn from and rows to be judged by, of whatever kind, as batches of a network's inputs.
 *
 * Images stay the bytes that they are in files, and bags of words stay sparse: a batch is made from them when
 * it is wanted. So CIFAR-10 takes 180 MB rather than 740, and 10,000 reviews in 16,384 columns 30 MB rather
 * than 655. What a batch holds is standardised, with figures of the training part alone:
 *
 *     images  (byte - mean) / deviation, both of all pixels of a channel
 *     tables  the same for every column of numbers; categories are 0 or 1 as they are, since a category of
 *             one row among thousands would become a number in the hundreds
 *     texts   tf-idf, each row scaled to a mean square of 1 over its columns: the size that the others have
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_DATASET_H
#define STUDIES_DATASET_H

#include "bytes.h"
#include "random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_CHANNELS = 3, LONGEST_NAME = 48, LONGEST_STORY = 256 };

/* Columns that are not 0, row after row: those of row i are starts[i] to starts[i + 1] - 1. */
struct sparse_rows {
    size_t *starts;    /* [count + 1] */
    uint32_t *columns; /* [starts[count]] */
    float *values;
};

/* Rows and what they are. One of bytes, values and sparse.starts is there, the others are NULL. */
struct dataset_part {
    size_t count;
    uint8_t *bytes; /* [count, channels, height, width] */
    float *values;  /* [count, features], standardised */
    struct sparse_rows sparse;
    int32_t *labels; /* [count], from 0 to classes - 1 */
};

struct dataset {
    char name[LONGEST_NAME];        /* a word for tables and files: "mnist", "adult" */
    char story[LONGEST_STORY];      /* a line for people: what it is, and how it was split if by us */
    bool drawn;                     /* made up here: no data set */
    size_t channels, height, width; /* of images; all 0 otherwise */
    size_t features;                /* values in a row of a batch; in images channels x height x width */
    size_t classes;
    struct dataset_part train;
    struct dataset_part test;
    double mean[MOST_CHANNELS]; /* of images */
    double deviation[MOST_CHANNELS];
    float inputs[MOST_CHANNELS][BYTE_VALUES]; /* what a pixel is to the network */
};

/* Also takes a set of which only a part is there. */
void dataset_free(struct dataset *set);

/* ---- a validation split ---- */

/* Numbers of training rows. */
struct dataset_split {
    uint32_t *order;      /* [train rows of the set], a permutation: the two below are its halves */
    uint32_t *train;      /* [train_count] to learn from, in any order: shuffle it for every epoch */
    uint32_t *validation; /* [validation_count] to choose by; never to learn from */
    size_t train_count;
    size_t validation_count;
};

/* Holds out the last `validation` of a random permutation of the training rows, which the seed alone decides;
 * with 0 the order stays that of the set. (Means and idf are those of the whole training part, which tells
 * nothing about labels.) On failure prints one line and returns false. */
bool dataset_split_open(struct dataset_split *split, const struct dataset *set, size_t validation,
                        uint64_t seed);
void dataset_split_free(struct dataset_split *split);

/* ---- batches ---- */

/* What happens to images on their way into a batch; rows that are no images take CHANGE_NONE only. */
enum dataset_change {
    CHANGE_NONE,
    CHANGE_CROPS,  /* the window of an image moved by up to 4 pixels each way, over a border of the mean; half
                      of them mirrored: for CIFAR and Fashion-MNIST, not for digits */
    CHANGE_JITTER, /* these three as in augment.h, for images of one channel */
    CHANGE_AFFINE,
    CHANGE_ELASTIC,
    CHANGE_MIRROR /* all of them mirrored: for judging by both sides */
};

/* Can the set be changed like that? */
bool dataset_allows(const struct dataset *set, enum dataset_change change);

/* Writes the rows order[first] to order[first + rows - 1] of a part of the set as inputs [rows, features],
 * and their labels unless that is NULL. `order` NULL: the rows from `first` on. `stream` is only read, and
 * only moves on, where a change draws numbers (all but none and mirror); it may be NULL otherwise.
 * Equal streams give equal batches. The set must allow the change. Batches may be gathered on several
 * threads, with a stream each. */
void dataset_gather(const struct dataset *set, const struct dataset_part *part, const uint32_t *order,
                    size_t first, size_t rows, enum dataset_change change, struct random_stream *stream,
                    float *inputs, int32_t *labels);

#endif
