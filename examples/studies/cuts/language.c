/* language: transformer blocks learn to tell the next byte of WikiText-2, every block from its own loss or
 * all from one. See --help.
 *
 * The first layer also has the embedding of bytes and positions, the last one the last normalisation.
 *
 * SPDX-License-Identifier: MIT
 */
#include "bytes.h"
#include "study.h"

#include <math.h>

enum { CUT_BLOCK, CUT_NONE };

enum { VALUES_OF_HEAD = 32 };

static const char *const cuts[] = {[CUT_BLOCK] = "block", [CUT_NONE] = "none", NULL};

/* Bytes are tokens, whose values start between -1 and 1. */
static void embed(struct chain *chain, size_t width)
{
    mf_unit_spec bytes = chain_unit(MF_UNIT_EMBEDDING), positions = chain_unit(MF_UNIT_POSITIONS);
    bytes.vocabulary = BYTE_VALUES;
    bytes.outputs = width;
    bytes.weight_gain = sqrtf((float)width);
    chain_add(chain, &bytes);
    chain_add(chain, &positions);
}

static void describe(struct chain *chain, const struct settings *settings)
{
    mf_unit_spec norm = chain_unit(MF_UNIT_LAYER_NORM);
    mf_block_spec transformer = chain_block(MF_BLOCK_TRANSFORMER);
    transformer.heads = settings->width % VALUES_OF_HEAD == 0 ? settings->width / VALUES_OF_HEAD : 1;
    transformer.causal = 1;
    embed(chain, settings->width);
    for (size_t block = 0; block < settings->blocks; block++) {
        chain_add_block(chain, &transformer);
        if (settings->cut == CUT_BLOCK && block + 1 < settings->blocks)
            chain_cut(chain, MF_NODE_PREVIOUS, 0);
    }
    chain_add(chain, &norm);
    chain_cut(chain, MF_NODE_PREVIOUS, 0);
}

int main(int argc, char **argv)
{
    static const struct study study = {
        .name = "language",
        .summary =
            "Trains transformer blocks on the bytes of WikiText-2: every block learns from its own loss, or "
            "all from "
            "one.\nScores are perplexities of the next byte. Without data it draws a text to learn from.",
        .cuts = cuts,
        .text = true,
        .describe = describe,
        .usual = {.cut = CUT_BLOCK,
                  .width = 128,
                  .blocks = 2,
                  .length = 128,
                  .epochs = 1,
                  .batch = 32,
                  .learning_rate = 0.002,
                  .weight_decay = 0.01}};
    return study_main(&study, argc, argv);
}
