/* model: the layers that a study describes, the network over them, and what they need for training.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_MODEL_H
#define CUTS_MODEL_H

#include "meter.h"
#include "source.h"
#include "study.h"
#include "training.h"

struct model {
    struct meter meter; /* counts everything that training holds */
    mf_allocator allocator;
    mf_pool *pool;
    mf_optimizer *optimizer;
    size_t layer_count;
    mf_layer *layers[MOST_LAYERS];
    mf_network *network;
    struct training training;
    size_t held;         /* bytes before the first step: checkpoints add what the network says of its run */
    size_t memory;       /* those that the library foresees for training in a workspace, */
    size_t memory_large; /* and for batches of LARGE_BATCH */
};

enum { LARGE_BATCH = 512 };

/* Creates all of it, and complains if a workspace and all else together hold other than what was foreseen.
 * `model` must not move from then on, as its handles point to its meter. On failure prints one line and
 * returns false; call model_free() in any case. */
bool model_create(struct model *model, const struct study *study, const struct settings *settings,
                  const struct source *source);

void model_free(struct model *model);

#endif
