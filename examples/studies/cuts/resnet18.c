/* resnet18: a residual network learns CIFAR-10 or CIFAR-100, cut into layers at every convolution, block or
 * stage, in the middle, or nowhere. See --help.
 *
 * A stem of 3 x 3 and four stages of two blocks with 1, 2, 4 and 8 times the stem's maps; each block has two
 * convolutions of 3 x 3 and a shortcut, and all but the first stage halve the maps. So a layer has 1, 2, 4, 8
 * or 16 of the blocks' convolutions, beside those of 1 x 1 in the shortcuts.
 *
 * A cut between the two convolutions of a block has to hand on the block's input beside the first one's
 * output. The two are concatenated, so that a local loss sees the shortcut as well; behind the cut,
 * convolutions of 1 x 1 that do not learn take them apart again. All cuts compute the same function.
 *
 * SPDX-License-Identifier: MIT
 */
#include "study.h"

enum { CUT_CONV, CUT_BLOCK, CUT_STAGE, CUT_HALF, CUT_NONE };

enum { STAGES = 4, BLOCKS_OF_STAGE = 2 };

static const char *const cuts[] = {[CUT_CONV] = "conv", [CUT_BLOCK] = "block", [CUT_STAGE] = "stage",
                                   [CUT_HALF] = "half", [CUT_NONE] = "none",   NULL};

/* A convolution that keeps the size of the maps but for its stride, and its normalisation. */
static int32_t convolve(struct chain *chain, int32_t from, size_t filters, size_t kernel, size_t stride)
{
    mf_unit_spec conv = chain_unit(MF_UNIT_CONV2D), norm = chain_unit(MF_UNIT_BATCH_NORM);
    conv.inputs[0] = from;
    conv.outputs = filters;
    conv.bias = 0;
    conv.kernel[0] = conv.kernel[1] = kernel;
    conv.stride[0] = conv.stride[1] = stride;
    conv.padding[0] = conv.padding[1] = kernel / 2;
    chain_add(chain, &conv);
    return chain_add(chain, &norm);
}

static int32_t relu(struct chain *chain)
{
    mf_unit_spec unit = chain_unit(MF_UNIT_ACTIVATION);
    return chain_add(chain, &unit);
}

static int32_t join(struct chain *chain, int32_t kind, int32_t first, int32_t second)
{
    mf_unit_spec unit = chain_unit(kind);
    unit.inputs[0] = first;
    unit.inputs[1] = second;
    return chain_add(chain, &unit);
}

/* A cut; the last head, which every network has, is linear. */
static void cut(struct chain *chain, const struct settings *settings)
{
    const int32_t output = chain->node;
    if (chain->open && settings->head_conv) {
        convolve(chain, output, chain->shape.dims[0], 3, 1);
        relu(chain);
    }
    chain_cut(chain, output, settings->head);
}

static void add_block(struct chain *chain, size_t filters, size_t stride, const struct settings *settings)
{
    const bool changes = stride != 1 || chain->shape.dims[0] != filters;
    int32_t shortcut = chain->node;
    convolve(chain, shortcut, filters, 3, stride);
    int32_t node = relu(chain);
    if (changes)
        shortcut = convolve(chain, shortcut, filters, 1, stride);
    if (settings->cut == CUT_CONV) {
        join(chain, MF_UNIT_CONCAT, node, shortcut);
        cut(chain, settings);
        shortcut = chain_pick(chain, filters, filters);
        node = chain_pick(chain, 0, filters);
    }
    node = convolve(chain, node, filters, 3, 1);
    join(chain, MF_UNIT_ADD, node, shortcut);
    relu(chain);
}

static size_t blocks_of_layer(int32_t where)
{
    static const size_t blocks[] = {[CUT_CONV] = 1,
                                    [CUT_BLOCK] = 1,
                                    [CUT_STAGE] = BLOCKS_OF_STAGE,
                                    [CUT_HALF] = STAGES / 2 * BLOCKS_OF_STAGE,
                                    [CUT_NONE] = STAGES * BLOCKS_OF_STAGE};
    return blocks[where];
}

static void describe(struct chain *chain, const struct settings *settings)
{
    convolve(chain, 0, settings->width, 3, 1);
    relu(chain);
    if (settings->cut <= CUT_BLOCK)
        cut(chain, settings);
    for (size_t stage = 0; stage < STAGES; stage++) {
        for (size_t block = 0; block < BLOCKS_OF_STAGE; block++) {
            const size_t left = (STAGES - stage) * BLOCKS_OF_STAGE - block - 1;
            add_block(chain, settings->width << stage, stage > 0 && block == 0 ? 2 : 1, settings);
            if (left > 0 && left % blocks_of_layer(settings->cut) == 0)
                cut(chain, settings);
        }
    }
    chain_cut(chain, MF_NODE_PREVIOUS, settings->head);
}

int main(int argc, char **argv)
{
    static const struct study study = {
        .name = "resnet18",
        .summary = "Trains a ResNet-18 on CIFAR-10 or CIFAR-100: every part "
                   "between two cuts learns from its own loss.\n"
                   "Without data it draws shapes to learn from.",
        .cuts = cuts,
        .head_help = "heads read the means of N x N parts of each map, 0: the maps as they are",
        .maps = true,
        .describe = describe,
        .usual = {.cut = CUT_BLOCK,
                  .width = 64,
                  .head = 4,
                  .epochs = 30,
                  .batch = 128,
                  .learning_rate = 0.002,
                  .weight_decay = 0.01,
                  .augment = true}};
    return study_main(&study, argc, argv);
}
