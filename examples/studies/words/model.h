/* model: the networks of the study, described by its settings.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef WORDS_MODEL_H
#define WORDS_MODEL_H

#include "monoforward.h"
#include "vocabulary.h"

enum { LAYERS = 2 };
enum { MODEL_FEED_FORWARD, MODEL_TRANSFORMER };
enum { TRAIN_MF, TRAIN_BP };
enum { HEAD_FULL, HEAD_LOW_RANK, HEAD_SHARED };

struct settings {
    const char *data, *checkpoint;
    int32_t model, train, head, law, tests;
    size_t window, embedding, width, rank, candidates, batch, tokens, judged, epochs, threads;
    double rate, every;
    uint64_t seed;
};

struct model {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_memory memory;        /* in training, without a pool */
    size_t values, of_heads; /* parameters, and those of all M, with the matrix that they share */
};

/* Words that a row of a batch tells: the one behind its window, or the one behind each word of it. */
size_t model_words_of_row(const struct settings *settings);

/* Rows of a batch. */
size_t model_rows(const struct settings *settings);

/* What a workspace of it is for: tokens come as int32. */
#define MODEL_PURPOSE (MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT)

/* On failure prints one line and returns false. */
bool model_make(struct model *model, const struct settings *settings, const struct text *text);

void model_free(struct model *model);

#endif
