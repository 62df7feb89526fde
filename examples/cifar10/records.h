/* records: images of 32 x 32 pixels in three colours with the class each of them shows, as CIFAR-10 keeps
 * them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_RECORDS_H
#define CIFAR10_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLASSES = 10,
    CHANNELS = 3,
    SIDE = 32,
    PLANE = SIDE * SIDE,
    PIXELS = CHANNELS * PLANE,
    RECORD = 1 + PIXELS
};

enum { TRAIN_FILES = 5, FILE_RECORDS = 10000 }; /* of the whole CIFAR-10 */

/* Each record is its class, then its pixels [channel, row, column]. */
struct records {
    size_t count;
    uint8_t *bytes; /* [count, RECORD] */
};

static inline int record_class(const struct records *records, size_t index)
{
    return records->bytes[index * RECORD];
}

static inline const uint8_t *record_pixels(const struct records *records, size_t index)
{
    return records->bytes + index * RECORD + 1;
}

/* Room for `count` records. On failure prints one line and returns false. */
bool records_create(struct records *records, size_t count);

void records_free(struct records *records);

/* Reads data_batch_1.bin to data_batch_5.bin, or test_batch.bin, each of them plain or with .xz, and trusts
 * nothing in them. A file may hold fewer records than CIFAR-10's. On failure prints one line, leaves
 * `records` empty and returns false. */
bool records_load_train(struct records *records, const char *folder);
bool records_load_test(struct records *records, const char *folder);

/* Do the files of CIFAR-10 seem to be in this folder? */
bool records_in(const char *folder);

#endif
