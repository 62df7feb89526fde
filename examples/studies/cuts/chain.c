/* A builder remembers its first failure, so that units can be added without looking: chain_build() tells.
 *
 * SPDX-License-Identifier: MIT
 */
#include "chain.h"

#include "complain.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

enum { PURPOSE_FIRST_LAYER = 1000 };

static mf_builder *open_layer(struct chain *chain)
{
    mf_builder_spec spec;
    if (chain->open || chain->failed)
        return chain->failed ? NULL : chain->builders[chain->count - 1];
    chain->failed = true;
    if (chain->count == MOST_LAYERS) {
        complain("there are more than %d layers", MOST_LAYERS);
        return NULL;
    }
    if (!library_ok(mf_builder_spec_init(&spec, sizeof spec)))
        return NULL;
    spec.input = &chain->shape;
    spec.seed = random_derive(chain->seed, PURPOSE_FIRST_LAYER + chain->count);
    spec.allocator = chain->allocator;
    if (!library_ok(mf_builder_create(&spec, &chain->builders[chain->count])))
        return NULL;
    chain->failed = false;
    chain->open = true;
    return chain->builders[chain->count++];
}

/* The next layer, or head, reads what the node gives that was added last. */
static int32_t take_shape(struct chain *chain, mf_builder *builder)
{
    (void)mf_builder_shape(builder, chain->node, &chain->shape);
    return chain->node;
}

mf_unit_spec chain_unit(int32_t kind)
{
    mf_unit_spec unit;
    (void)mf_unit_spec_init(&unit, sizeof unit);
    unit.kind = kind;
    return unit;
}

int32_t chain_add(struct chain *chain, const mf_unit_spec *unit)
{
    mf_builder *builder = open_layer(chain);
    if (builder == NULL)
        return 0;
    (void)mf_builder_unit(builder, unit, &chain->node);
    return take_shape(chain, builder);
}

mf_block_spec chain_block(int32_t kind)
{
    mf_block_spec block;
    (void)mf_block_spec_init(&block, sizeof block);
    block.kind = kind;
    return block;
}

int32_t chain_add_block(struct chain *chain, const mf_block_spec *block)
{
    mf_builder *builder = open_layer(chain);
    if (builder == NULL)
        return 0;
    (void)mf_builder_block(builder, block, &chain->node);
    return take_shape(chain, builder);
}

int32_t chain_pick(struct chain *chain, size_t first, size_t maps)
{
    mf_builder *builder = open_layer(chain);
    mf_shape input = {.struct_size = sizeof input};
    mf_unit_spec unit = chain_unit(MF_UNIT_CONV2D);
    if (builder == NULL || chain->pick_count == MOST_PICKS)
        return 0;
    (void)mf_builder_shape(builder, 0, &input);
    unit.inputs[0] = 0;
    unit.outputs = maps;
    unit.kernel[0] = unit.kernel[1] = 1;
    unit.bias = 0;
    unit.weight_init = MF_INIT_ZERO;
    const int32_t node = chain_add(chain, &unit);
    chain->picks[chain->pick_count++] = (struct pick){chain->count - 1, node, first, maps, input.dims[0]};
    return node;
}

void chain_cut(struct chain *chain, int32_t output, size_t pool)
{
    mf_head_spec head;
    if (!chain->open || chain->failed)
        return;
    (void)mf_head_spec_init(&head, sizeof head);
    head.kind = chain->positions ? MF_HEAD_POSITIONS : MF_HEAD_LINEAR;
    head.classes = chain->classes;
    head.projection_init = MF_INIT_ZERO;
    if (chain->shape.rank == 3) /* small maps are read as they are */
        head.pool_size = pool < chain->shape.dims[1] ? pool : 0;
    head.output_node = output;
    (void)mf_builder_head(chain->builders[chain->count - 1], &head);
    (void)mf_builder_shape(chain->builders[chain->count - 1], output, &chain->shape);
    chain->open = false;
    chain->node = 0;
}

static bool set_pick(mf_layer *layer, const struct pick *pick)
{
    char name[40];
    float *values = calloc(pick->maps * pick->from, sizeof *values);
    if (values == NULL)
        return complain("no memory for %zu maps of %zu", pick->maps, pick->from);
    for (size_t i = 0; i < pick->maps; i++)
        values[i * pick->from + pick->first + i] = 1;
    snprintf(name, sizeof name, "units.%d.weight", (int)pick->node);
    bool good = library_ok(mf_layer_set_parameter(layer, name, values, pick->maps * pick->from)) &&
                library_ok(mf_layer_set_trainable(layer, name, 0));
    free(values);
    return good;
}

bool chain_build(const struct chain *chain, mf_layer **layers, size_t *count)
{
    *count = 0;
    if (chain->failed)
        return false;
    while (*count < chain->count) {
        if (!library_ok(mf_layer_build(chain->builders[*count], &layers[*count])))
            return false;
        ++*count;
    }
    for (size_t i = 0; i < chain->pick_count; i++)
        if (!set_pick(layers[chain->picks[i].layer], &chain->picks[i]))
            return false;
    return true;
}

void chain_free(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        mf_builder_free(chain->builders[i]);
    *chain = (struct chain){0};
}
