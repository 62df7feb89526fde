/* records: images of 32 x 32 pixels in three colours with the class each of them shows, as CIFAR-10 and
 * CIFAR-100 keep them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_RECORDS_H
#define STUDIES_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLASSES = 10,
    FINE_CLASSES = 100, /* of CIFAR-100 */
    CHANNELS = 3,
    SIDE = 32,
    PLANE = SIDE * SIDE,
    PIXELS = CHANNELS * PLANE,
    RECORD = 1 + PIXELS
};

enum { TRAIN_FILES = 5, FILE_RECORDS = 10000 }; /* of the whole CIFAR-10 */

/* Each record is its label or labels, of a byte each, then its pixels [channel, row, column]. */
struct records {
    size_t count;
    size_t labels;  /* 1, or 2 in CIFAR-100: coarse, fine */
    uint8_t *bytes; /* [count, labels + PIXELS] */
};

/* The class, the finer one if there are two. */
static inline int record_class(const struct records *records, size_t index)
{
    return records->bytes[index * (records->labels + PIXELS) + records->labels - 1];
}

static inline const uint8_t *record_pixels(const struct records *records, size_t index)
{
    return records->bytes + index * (records->labels + PIXELS) + records->labels;
}

/* Room for `count` records with one label. On failure prints one line and returns false. */
bool records_create(struct records *records, size_t count);

void records_free(struct records *records);

enum records_part { CIFAR10_TRAIN, CIFAR10_TEST, CIFAR100_TRAIN, CIFAR100_TEST };

/* Reads data_batch_1.bin to data_batch_5.bin, or test_batch.bin, or CIFAR-100's train.bin or test.bin, each
 * of them plain or with .xz, and trusts nothing in them. A file may hold fewer records than those of CIFAR.
 * On failure prints one line, leaves `records` empty and returns false. */
bool records_load(struct records *records, const char *folder, enum records_part part);

/* Does the first file of that part seem to be in this folder? */
bool records_in(const char *folder, enum records_part part);

#endif
