/* SPDX-License-Identifier: MIT */
#include "corpus.h"

#include "complain.h"
#include "lines.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 64, LONGEST_WORD = 6, FOLLOWERS = 3, SENTENCE = 12, PURPOSE_WORDS = 1, PURPOSE_TEXT = 2 };

static bool append(struct corpus *corpus, const char *text, size_t length)
{
    if (corpus->count + length > corpus->room) {
        size_t room = 2 * (corpus->count + length);
        uint8_t *grown = realloc(corpus->bytes, room);
        if (grown == NULL)
            return complain("no memory for a text of %zu bytes", room);
        corpus->bytes = grown;
        corpus->room = room;
    }
    memcpy(corpus->bytes + corpus->count, text, length);
    corpus->count += length;
    return true;
}

bool corpus_read(struct corpus *corpus, const char *folder, const char *name)
{
    struct lines lines;
    bool good = lines_open(&lines, folder, name);
    while (good && lines_next(&lines))
        good = append(corpus, lines.text, strlen(lines.text)) && append(corpus, "\n", 1);
    return lines_close(&lines, good);
}

bool corpus_draw(struct corpus *corpus, size_t count, uint64_t seed, uint64_t part)
{
    char words[WORDS][LONGEST_WORD + 2];
    struct random_stream language = {random_derive(seed, PURPOSE_WORDS)};
    struct random_stream stream = {random_derive(seed, PURPOSE_TEXT + part)};
    for (size_t i = 0; i < WORDS; i++) {
        size_t length = 2 + random_below(&language, LONGEST_WORD - 1);
        for (size_t j = 0; j < length; j++)
            words[i][j] = (char)('a' + random_below(&language, 26));
        words[i][length] = ' ';
        words[i][length + 1] = '\0';
    }
    bool good = true;
    size_t word = 0;
    for (size_t i = 0; good && corpus->count < count; i++) {
        good = append(corpus, words[word], strlen(words[word])) &&
               (i % SENTENCE != SENTENCE - 1 || append(corpus, ".\n", 2));
        word = (7 * word + 5 * random_below(&stream, FOLLOWERS) + 1) % WORDS;
    }
    return good;
}

void corpus_free(struct corpus *corpus)
{
    free(corpus->bytes);
    *corpus = (struct corpus){0};
}
