/* vocabulary: WikiText-2 as numbers of words, or a text that is drawn where it is not at hand.
 *
 * Words are numbered by how often they occur in the training part, the most frequent first; every line ends
 * with a word of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef WORDS_VOCABULARY_H
#define WORDS_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum part { PART_TRAIN, PART_VALID, PART_TEST, PARTS };

struct text {
    int32_t *words[PARTS];
    size_t count[PARTS], room[PARTS];
    size_t vocabulary; /* words there are */
    float *counts;     /* [vocabulary] in the training part */
    bool drawn;        /* made up here: no text */
};

/* On failure both print one line and return false. */
bool text_read(struct text *text, const char *folder);
bool text_draw(struct text *text, size_t vocabulary, size_t count, uint64_t seed);

/* Vectors [vocabulary, columns] of words, counted in the first `count` of the training part. The first column
 * is in proportion to log(1 + n) of a word that occurs n times, so that a weight can make the frequencies of
 * all words of it. In the others words with like neighbours have like values: sums of random signs that
 * belong to the words before and, of others, to those behind, at length 1. Adds to `vectors`, which are 0. On
 * failure prints one line and returns false. */
bool text_vectors(const struct text *text, size_t count, size_t columns, uint64_t seed, float *vectors);

void text_free(struct text *text);

#endif
