/* sequences: what the networks on sequences are made of.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CUTS_SEQUENCES_H
#define CUTS_SEQUENCES_H

#include "chain.h"

void add_dense(struct chain *chain, size_t outputs);
void add_norm(struct chain *chain);

/* x + f(norm(x)), with f two dense units of `hidden` and as many values as there were, GELU between them,
 * along the values of each position or, `along_positions`, along the positions of each value. */
void add_perceptron(struct chain *chain, size_t hidden, bool along_positions);

/* x + the attention of norm(x) to its positions so far. */
void add_causal_attention(struct chain *chain, size_t heads);

#endif
