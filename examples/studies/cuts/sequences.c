/* SPDX-License-Identifier: MIT */
#include "sequences.h"

void add_dense(struct chain *chain, size_t outputs)
{
    mf_unit_spec unit = chain_unit(MF_UNIT_DENSE);
    unit.outputs = outputs;
    chain_add(chain, &unit);
}

void add_norm(struct chain *chain)
{
    mf_unit_spec unit = chain_unit(MF_UNIT_LAYER_NORM);
    chain_add(chain, &unit);
}

static void add_transpose(struct chain *chain)
{
    mf_unit_spec unit = chain_unit(MF_UNIT_TRANSPOSE);
    chain_add(chain, &unit);
}

static void add_skip(struct chain *chain, int32_t from)
{
    mf_unit_spec unit = chain_unit(MF_UNIT_ADD);
    unit.inputs[1] = from;
    chain_add(chain, &unit);
}

void add_perceptron(struct chain *chain, size_t hidden, bool along_positions)
{
    mf_unit_spec gelu = chain_unit(MF_UNIT_ACTIVATION);
    const int32_t from = chain->node;
    gelu.activation = MF_ACTIVATION_GELU;
    add_norm(chain);
    if (along_positions)
        add_transpose(chain);
    const size_t outputs = chain->shape.dims[1];
    add_dense(chain, hidden);
    chain_add(chain, &gelu);
    add_dense(chain, outputs);
    if (along_positions)
        add_transpose(chain);
    add_skip(chain, from);
}

void add_causal_attention(struct chain *chain, size_t heads)
{
    mf_unit_spec attention = chain_unit(MF_UNIT_ATTENTION);
    const int32_t from = chain->node;
    const size_t values = chain->shape.dims[1];
    attention.heads = heads;
    attention.causal = 1;
    add_norm(chain);
    add_dense(chain, 3 * values);
    chain_add(chain, &attention);
    add_dense(chain, values);
    add_skip(chain, from);
}
