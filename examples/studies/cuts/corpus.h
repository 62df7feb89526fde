/* corpus: WikiText-2 as bytes, or a text that is drawn where it is not at hand.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_CORPUS_H
#define CUTS_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct corpus {
    size_t count, room;
    uint8_t *bytes;
};

/* Reads a text file, gzipped or not, without its empty lines. On failure prints one line and returns false;
 * so does the other. */
bool corpus_read(struct corpus *corpus, const char *folder, const char *name);

/* Draws about `count` bytes of sentences: made-up words, each followed by few others. Texts of different
 * `part` are of the same language. */
bool corpus_draw(struct corpus *corpus, size_t count, uint64_t seed, uint64_t part);

void corpus_free(struct corpus *corpus);

#endif
