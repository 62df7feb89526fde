/* words: texts as bags of words and of pairs of neighbouring words, hashed into a fixed number of columns.
 *
 * A word is a run of letters, digits, apostrophes and bytes above 127, in lower case; what stands between <
 * and > right behind each other, as <br />, is none. Hashing (FNV-1a) needs no dictionary, so that nothing
 * about the test part can get into the columns; different words may share one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_WORDS_H
#define STUDIES_WORDS_H

#include "dataset.h"

/* Rows that grow; their values are counts until words_weigh(). */
struct word_rows {
    struct sparse_rows rows;
    int32_t *labels;
    size_t count, room;      /* rows */
    size_t filled, capacity; /* columns of all rows */
};

/* Adds the bag of a text. `columns` is a power of two. On failure prints one line and returns false. */
bool words_add(struct word_rows *rows, const char *text, size_t columns, int32_t label);

void words_free(struct word_rows *rows);

/* Copies some rows, in that order. On failure prints one line and returns false. */
bool words_take(const struct word_rows *from, const uint32_t *order, size_t count, struct dataset_part *to);

/* Counts become (1 + log count) (1 + log((1 + rows) / (1 + rows that have the column))), where the rows are
 * those of the training part; then each row is scaled to a mean square of 1 over all columns. */
bool words_weigh(size_t columns, struct dataset_part *train, struct dataset_part *test);

#endif
