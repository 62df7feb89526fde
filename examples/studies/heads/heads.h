/* heads: layers of a few shapes with every kind of head, and what a head costs in them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HEADS_HEADS_H
#define HEADS_HEADS_H

#include "monoforward.h"

#include <stdbool.h>

enum head_kind {
    HEAD_LINEAR,
    HEAD_POOLED,
    HEAD_CONV,
    HEAD_CONV_TWICE,
    HEAD_MLP,
    HEAD_MLP_TWICE,
    HEAD_LOW_RANK,
    HEAD_SAMPLED,
    HEAD_LOW_RANK_SAMPLED,
    HEAD_SHARED_SAMPLED, /* of a matrix that is given, and a part of low rank */
    HEAD_SIMILARITY,
    HEAD_AUXILIARY, /* a linear one, and beside it one behind a hidden layer */
    HEAD_KINDS
};

extern const char *const head_names[]; /* ends with NULL */

/* A dense layer with ReLU, or a convolution of 3 x 3 with batch normalisation and ReLU on maps. */
struct layer_shape {
    const char *name;
    int32_t rank;   /* 1 or 3, of the input */
    size_t dims[3]; /* values, or maps, height and width */
    size_t outputs; /* neurons, or filters */
    bool pool;      /* by 2 x 2, behind the convolution */
    size_t classes;
};

/* Does that head stand on layers of that shape? */
bool head_fits(enum head_kind kind, const struct layer_shape *shape);

/* A builder of such a layer, complete. On failure prints one line and returns false; so does head_cost(). */
bool head_builder(enum head_kind kind, const struct layer_shape *shape, uint64_t seed, mf_builder **builder);

struct head_cost {
    double arithmetic; /* share of the multiply-adds of a training step */
    double parameters; /* share of the layer's parameters */
    double training;   /* bytes of a network of this layer alone with Adam, in training */
};

/* For batches of so many rows. */
bool head_cost(enum head_kind kind, const struct layer_shape *shape, size_t batch, struct head_cost *cost);

#endif
