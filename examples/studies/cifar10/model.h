/* model: the layers of a preset, the network over them, and what they need for training.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_MODEL_H
#define CIFAR10_MODEL_H

#include "data.h"
#include "meter.h"
#include "settings.h"
#include "training.h"

#include "monoforward.h"

struct model {
    struct meter meter; /* counts everything that training holds */
    mf_optimizer *optimizer;
    size_t layer_count;
    mf_layer *layers[MOST_LAYERS];
    mf_network *network;
    struct training training;
};

/* Creates all of it. `model` must not move from then on, as its handles point to its meter. On failure prints
 * one line and returns false; call model_free() in any case. */
bool model_create(struct model *model, const struct settings *settings, const struct data *data);

void model_free(struct model *model);

/* One of the layers in numbers. */
struct layer_facts {
    size_t maps, height, width; /* of the pooled activation */
    size_t features;            /* that M reads */
    double products;            /* multiply-adds of a forward pass, those of the head's convolutions too */
};

bool model_layer_facts(const struct model *model, size_t layer, struct layer_facts *facts);

#endif
