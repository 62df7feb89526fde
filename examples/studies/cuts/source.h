/* source: the rows that a network learns from and those that it is judged by, as batches of its inputs:
 * images, or pieces of a text.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_SOURCE_H
#define CUTS_SOURCE_H

#include "corpus.h"
#include "dataset.h"
#include "study.h"

#include "monoforward.h"

enum source_part { PART_TRAIN, PART_VALIDATION, PART_TEST, PARTS };

struct source {
    bool text;
    char name[LONGEST_NAME];
    mf_shape shape;   /* of a row */
    size_t features;  /* its values */
    size_t positions; /* labels of a row: 1, or those of a sequence */
    size_t classes;
    size_t rows[PARTS];
    uint32_t *order;    /* of the rows to learn from; shuffle it for every epoch */
    struct dataset set; /* images */
    struct dataset_split split;
    struct corpus corpus[PARTS]; /* texts */
};

/* On failure prints one line and returns false; call source_free() in any case. */
bool source_open(struct source *source, const struct study *study, const struct settings *settings);

void source_free(struct source *source);

/* Writes `rows` rows of a part, those of the training part in the order `order`, as inputs [rows, features]
 * and labels [rows, positions]. `stream` changes images to learn from by crops; NULL: they stay as they are.
 */
void source_batch(const struct source *source, enum source_part part, size_t first, size_t rows,
                  struct random_stream *stream, float *inputs, int32_t *labels);

/* FNV-1a of what is learned from, so that no run goes on with other data. */
uint64_t source_hash(const struct source *source);

#endif
