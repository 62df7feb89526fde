/* Random layers of several units, and networks of them. SPDX-License-Identifier: MIT */
#ifndef TEST_RANDOM_UNITS_H
#define TEST_RANDOM_UNITS_H

#include "oracle_units.h"
#include "random.h"

enum { RANDOM_UNITS = 8, RANDOM_LAYERS = 8 };

/** 1 to RANDOM_UNITS units on a row of up to 12 values, a sequence, or up to 4 maps of up to 9 x 9: products
 * followed by what a library would compute in one pass, and any other order; nodes that several units read,
 * sums; a head. Dropout has rate 0. */
units_plan random_plan(test_random *random);

/** The same with a sequence as output, and a head for its positions. */
units_plan random_plan_of_positions(test_random *random);

/** The head has units of its own; with `positions` it is one for positions where what they give is a
 * sequence. Some compare similarities, and their map may be all that they have. */
units_plan random_plan_with_head_units(test_random *random, int positions);

/** With one or two auxiliary heads, which read the output, units of the head or each other's units; the head
 *  is one for positions, may have units of its own, or compare similarities. */
units_plan random_plan_with_auxiliary_heads(test_random *random, int positions);

/** A sequence or maps become a row on the way. */
units_plan random_plan_with_flatten(test_random *random);

/** A network to be, its optimizer, and what its workspace is for. */
typedef struct network_plan {
    size_t layers, inputs; /* inputs: values in a row */
    units_plan plans[RANDOM_LAYERS];
    mf_optimizer_spec optimizer;
    int32_t purpose;
} network_plan;

/** 1 to RANDOM_LAYERS layers behind each other: a random one of the above, or one that embeds tokens, and
 * products of the shape that comes out of it, with normalisations, sums and dropout. */
network_plan random_network_plan(test_random *random, size_t classes);

#endif
