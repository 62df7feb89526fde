/* SPDX-License-Identifier: MIT */
#include "vocabulary.h"

#include "complain.h"
#include "lines.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 17, MOST_WORDS = SLOTS / 2 };

/* Words of the training part while it is read, in a table with open addresses. */
struct dictionary {
    char **names;    /* [SLOTS] */
    int32_t *number; /* [SLOTS] */
    size_t count;
};

static bool append(struct text *text, enum part part, int32_t word)
{
    if (text->count[part] == text->room[part]) {
        size_t room = text->room[part] > 0 ? 2 * text->room[part] : 1 << 16;
        int32_t *grown = realloc(text->words[part], room * sizeof *grown);
        if (grown == NULL)
            return complain("no memory for a text of %zu words", room);
        text->words[part] = grown;
        text->room[part] = room;
    }
    text->words[part][text->count[part]++] = word;
    return true;
}

/* The word's slot, or the free one where it belongs (FNV-1a). */
static size_t slot_of(const struct dictionary *all, const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    size_t slot = (size_t)(hash ^ hash >> 32) % SLOTS;
    while (all->names[slot] != NULL && strcmp(all->names[slot], name) != 0)
        slot = (slot + 1) % SLOTS;
    return slot;
}

static bool add_word(struct text *text, struct dictionary *all, enum part part, const char *name)
{
    size_t slot = slot_of(all, name);
    if (all->names[slot] == NULL) {
        if (part != PART_TRAIN)
            return complain("the word \"%.40s\" is not in the training part", name);
        if (all->count == MOST_WORDS)
            return complain("the text has more than %d words", (int)MOST_WORDS);
        all->names[slot] = malloc(strlen(name) + 1);
        if (all->names[slot] == NULL)
            return complain("no memory for the words");
        strcpy(all->names[slot], name);
        all->number[slot] = (int32_t)all->count++;
    }
    return append(text, part, all->number[slot]);
}

static bool read_part(struct text *text, struct dictionary *all, enum part part, const char *folder)
{
    static const char *const names[PARTS] = {"wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"};
    struct lines lines;
    bool good = lines_open(&lines, folder, names[part]);
    while (good && lines_next(&lines)) {
        for (char *word = strtok(lines.text, " "); good && word != NULL; word = strtok(NULL, " "))
            good = add_word(text, all, part, word);
        good = good && add_word(text, all, part, "<eos>");
    }
    return lines_close(&lines, good);
}

struct ranked {
    int32_t number;
    float count;
};

static int more_frequent(const void *a, const void *b)
{
    const struct ranked *one = a, *other = b;
    if (one->count != other->count)
        return one->count < other->count ? 1 : -1;
    return (one->number > other->number) - (one->number < other->number);
}

/* Gives all words the numbers of their ranks. */
static bool rank_words(struct text *text)
{
    struct ranked *ranked = calloc(text->vocabulary, sizeof *ranked);
    int32_t *rank = calloc(text->vocabulary, sizeof *rank);
    text->counts = calloc(text->vocabulary, sizeof *text->counts);
    bool good = ranked != NULL && rank != NULL && text->counts != NULL;
    for (size_t w = 0; good && w < text->vocabulary; w++)
        ranked[w].number = (int32_t)w;
    for (size_t t = 0; good && t < text->count[PART_TRAIN]; t++)
        ranked[text->words[PART_TRAIN][t]].count++;
    if (good)
        qsort(ranked, text->vocabulary, sizeof *ranked, more_frequent);
    for (size_t w = 0; good && w < text->vocabulary; w++) {
        rank[ranked[w].number] = (int32_t)w;
        text->counts[w] = ranked[w].count;
    }
    for (size_t p = 0; good && p < PARTS; p++)
        for (size_t t = 0; t < text->count[p]; t++)
            text->words[p][t] = rank[text->words[p][t]];
    free(ranked);
    free(rank);
    return good ? good : complain("no memory for %zu words", text->vocabulary);
}

bool text_read(struct text *text, const char *folder)
{
    struct dictionary all = {.names = calloc(SLOTS, sizeof *all.names),
                             .number = calloc(SLOTS, sizeof *all.number)};
    bool good = all.names != NULL && all.number != NULL;
    if (!good)
        complain("no memory for the words");
    for (size_t p = 0; good && p < PARTS; p++)
        good = read_part(text, &all, (enum part)p, folder);
    text->vocabulary = all.count;
    for (size_t slot = 0; all.names != NULL && slot < SLOTS; slot++)
        free(all.names[slot]);
    free(all.names);
    free(all.number);
    return good && rank_words(text);
}

/* Frequencies as in a text, and each word followed by few others. */
bool text_draw(struct text *text, size_t vocabulary, size_t count, uint64_t seed)
{
    struct random_stream stream = {random_derive(seed, 1)};
    int32_t word = 0;
    bool good = true;
    text->vocabulary = vocabulary;
    text->drawn = true;
    for (size_t p = 0; p < PARTS; p++)
        for (size_t t = 0; good && t < (p == PART_TRAIN ? count : count / 10); t++) {
            double point = exp((double)random_uniform(&stream, 0.0f, 1.0f) * log((double)vocabulary));
            word = random_below(&stream, 4) > 0 ? (int32_t)((7 * (size_t)word + 3) % vocabulary)
                                                : (int32_t)((size_t)point % vocabulary);
            good = append(text, (enum part)p, word);
        }
    return good && rank_words(text);
}

/* Adds random signs that belong to a neighbour. Frequent ones, which tell less, count for less. */
static void add_signs(float *vector, size_t columns, uint64_t seed, float neighbours)
{
    struct random_stream stream = {seed};
    uint64_t signs = 0;
    float share = 1.0f / sqrtf(neighbours);
    for (size_t k = 0; k < columns; k++) {
        signs = k % 64 == 0 ? random_next(&stream) : signs >> 1;
        vector[k] += signs & 1 ? share : -share;
    }
}

static void finish_vector(float *vector, size_t columns, float count)
{
    float squares = 0.0f;
    for (size_t k = 0; k < columns; k++)
        squares += vector[k] * vector[k];
    for (size_t k = 0; k < columns && squares > 0.0f; k++)
        vector[k] /= sqrtf(squares);
    vector[0] = logf(1.0f + count) / sqrtf((float)columns);
}

bool text_vectors(const struct text *text, size_t count, size_t columns, uint64_t seed, float *vectors)
{
    const int32_t *words = text->words[PART_TRAIN];
    float *counts = calloc(text->vocabulary, sizeof *counts);
    if (counts == NULL)
        return complain("no memory for %zu words", text->vocabulary);
    for (size_t t = 0; t < count; t++)
        counts[words[t]]++;
    for (size_t t = 1; t < count; t++) {
        size_t before = (size_t)words[t - 1], behind = (size_t)words[t];
        add_signs(vectors + behind * columns, columns, random_derive(seed, 2 * before), counts[before]);
        add_signs(vectors + before * columns, columns, random_derive(seed, 2 * behind + 1), counts[behind]);
    }
    for (size_t w = 0; w < text->vocabulary; w++)
        finish_vector(vectors + w * columns, columns, counts[w]);
    free(counts);
    return true;
}

void text_free(struct text *text)
{
    for (size_t p = 0; p < PARTS; p++)
        free(text->words[p]);
    free(text->counts);
}
