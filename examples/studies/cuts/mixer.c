/* mixer: an MLP-Mixer learns CIFAR-10 or CIFAR-100 from patches of 4 x 4 pixels, every block a layer or all
 * of them one. See --help.
 *
 * The first layer also has the embedding of the patches, the last one a normalisation. Heads read all values
 * of all patches; the last one can read the mean over the patches instead, as in a Mixer it usually does.
 *
 * SPDX-License-Identifier: MIT
 */
#include "study.h"

enum { CUT_BLOCK, CUT_NONE };

enum { PATCH = 4, PATCH_HIDDEN = 64 };

static const char *const cuts[] = {[CUT_BLOCK] = "block", [CUT_NONE] = "none", NULL};

static void embed(struct chain *chain, size_t width)
{
    mf_unit_spec patches = chain_unit(MF_UNIT_CONV2D), tokens = chain_unit(MF_UNIT_TOKENS);
    patches.outputs = width;
    patches.kernel[0] = patches.kernel[1] = patches.stride[0] = patches.stride[1] = PATCH;
    chain_add(chain, &patches);
    chain_add(chain, &tokens);
}

static void describe(struct chain *chain, const struct settings *settings)
{
    mf_unit_spec norm = chain_unit(MF_UNIT_LAYER_NORM), mean = chain_unit(MF_UNIT_GLOBAL_POOL);
    mf_block_spec mixer = chain_block(MF_BLOCK_MIXER);
    mixer.token_hidden = PATCH_HIDDEN;
    embed(chain, settings->width);
    for (size_t block = 0; block < settings->blocks; block++) {
        chain_add_block(chain, &mixer);
        if (settings->cut == CUT_BLOCK && block + 1 < settings->blocks)
            chain_cut(chain, MF_NODE_PREVIOUS, 0);
    }
    chain_add(chain, &norm);
    if (settings->head > 0)
        chain_add(chain, &mean);
    chain_cut(chain, MF_NODE_PREVIOUS, 0);
}

int main(int argc, char **argv)
{
    static const struct study study = {
        .name = "mixer",
        .summary = "Trains an MLP-Mixer on CIFAR-10 or CIFAR-100: every block "
                   "learns from its own loss, or all from one.\n"
                   "Without data it draws shapes to learn from.",
        .cuts = cuts,
        .head_help =
            "what the last head reads: 0: all values of all patches, as the others do, else their mean",
        .describe = describe,
        .usual = {.cut = CUT_BLOCK,
                  .width = 128,
                  .blocks = 4,
                  .epochs = 30,
                  .batch = 128,
                  .learning_rate = 0.002,
                  .weight_decay = 0.05,
                  .augment = true}};
    return study_main(&study, argc, argv);
}
