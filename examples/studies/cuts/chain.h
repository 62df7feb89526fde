/* chain: a network described unit by unit, and cut into layers on the way. Gradients stop at a cut: in one
 * layer, all units learn by backpropagation from one loss.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_CHAIN_H
#define CUTS_CHAIN_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_LAYERS = 32, MOST_PICKS = 32 };

/* A convolution of 1 x 1 that hands on some of its input's maps as they are: it does not learn. */
struct pick {
    size_t layer;
    int32_t node;
    size_t first, maps; /* that it hands on, */
    size_t from;        /* of so many */
};

struct chain {
    const mf_allocator *allocator;
    size_t classes;
    bool positions; /* the heads judge every position of a sequence */
    uint64_t seed;
    size_t count; /* layers, the open one among them */
    mf_builder *builders[MOST_LAYERS];
    bool open;      /* the last layer has no head yet */
    int32_t node;   /* of the unit that was added last to the open layer; 0: its input, as there is none */
    mf_shape shape; /* of what it gives, or of the input of the layer that comes next */
    struct pick picks[MOST_PICKS];
    size_t pick_count;
    bool failed; /* and a line has been printed */
};

/* Adds a unit to the open layer, or to the next one, and returns its node. */
int32_t chain_add(struct chain *chain, const mf_unit_spec *unit);

/* A unit of that kind with the library's defaults, which reads the one before. */
mf_unit_spec chain_unit(int32_t kind);

/* The same for a ready-made block, and for all of its units. */
int32_t chain_add_block(struct chain *chain, const mf_block_spec *block);
mf_block_spec chain_block(int32_t kind);

/* Adds the convolution that hands on the maps `first` to `first` + `maps` - 1 of the layer's input. */
int32_t chain_pick(struct chain *chain, size_t first, size_t maps);

/* Ends the layer with a head: one that reads the means of pool x pool parts of every map, or all values if
 * `pool` is 0 or the output is a sequence. `output` is the node that the next layer reads, MF_NODE_PREVIOUS
 * the last unit's; the units behind it are the head's. Without units there is no layer to end. */
void chain_cut(struct chain *chain, int32_t output, size_t pool);

/* Makes the layers; `layers` has room for MOST_LAYERS. On failure prints one line and returns false. */
bool chain_build(const struct chain *chain, mf_layer **layers, size_t *count);

void chain_free(struct chain *chain);

#endif
