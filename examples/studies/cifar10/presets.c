/* The tables to turn when an architecture is tuned; options of the command line go before them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "presets.h"

#include "data.h"
#include "updates.h"

#include "monoforward.h"

const char *const preset_names[] = {[PRESET_PAPER] = "paper",
                                    [PRESET_STRONG] = "strong",
                                    [PRESET_LONG] = "long",
                                    [PRESET_VGG8B] = "vgg8b",
                                    NULL};

const struct preset presets[] = {
    /* The shapes of the paper's network; how the paper trained it is not known. 58 million multiply-adds
     * an image. */
    [PRESET_PAPER] =
        {
            .layer_count = 4,
            .layers =
                {
                    {.convolutions = {{64, MF_POOL_AVERAGE}}, .dropout = 0.1},
                    {.convolutions = {{128, MF_POOL_AVERAGE}}, .dropout = 0.1},
                    {.convolutions = {{256, MF_POOL_AVERAGE}}, .dropout = 0.1},
                    {.convolutions = {{512, MF_POOL_AVERAGE}}},
                },
            .epochs = 30,
            .optimizer = UPDATE_ADAM,
            .schedule = SCHEDULE_COSINE,
            .augment = AUGMENT_CROPS,
            .border = CROP_BORDER,
            .init_projection = MF_INIT_ZERO,
            .learning_rate = 0.001,
        },
    /* After Keller Jordan's airbench: whitened patches and three blocks of two convolutions, of which the
     * first two are a layer and the third is: a cut between the first two blocks costs three times as much
     * accuracy. 118 million multiply-adds an image. */
    [PRESET_STRONG] =
        {
            .layer_count = 2,
            .layers =
                {
                    {.convolutions =
                         {{64, MF_POOL_MAX}, {64, MF_POOL_NONE}, {256, MF_POOL_MAX}, {256, MF_POOL_NONE}},
                     .head_size = 4},
                    {.convolutions = {{256, MF_POOL_MAX}, {256, MF_POOL_NONE}}},
                },
            .epochs = 20,
            .optimizer = UPDATE_NESTEROV,
            .schedule = SCHEDULE_COSINE,
            .augment = AUGMENT_ALTERNATING,
            .border = 2,
            .cutout = 8,
            .init_projection = MF_INIT_ZERO,
            .learning_rate = 0.19,
            .warmup = 0.1,
            .label_smoothing = 0.1,
            .weight_decay = 0.00133,
            .whitened = true,
            .dirac = true,
        },
    /* Strong with twice the filters in the first block and half as many again in the others, on images that
     * are changed more, as so many passes ask for. 301 million multiply-adds an image. */
    [PRESET_LONG] =
        {
            .layer_count = 2,
            .layers =
                {
                    {.convolutions =
                         {{128, MF_POOL_MAX}, {128, MF_POOL_NONE}, {384, MF_POOL_MAX}, {384, MF_POOL_NONE}},
                     .head_size = 4},
                    {.convolutions = {{384, MF_POOL_MAX}, {384, MF_POOL_NONE}}},
                },
            .epochs = 60,
            .optimizer = UPDATE_NESTEROV,
            .schedule = SCHEDULE_COSINE,
            .augment = AUGMENT_ALTERNATING,
            .border = CROP_BORDER,
            .cutout = 8,
            .init_projection = MF_INIT_ZERO,
            .learning_rate = 0.19,
            .warmup = 0.1,
            .label_smoothing = 0.1,
            .weight_decay = 0.00133,
            .whitened = true,
            .dirac = true,
        },
    /* The convolutions of VGG8b of Nokland and Eidnes, with their schedule and at most as many features
     * of a head as theirs; without the dense layer behind them. 949 million multiply-adds an image. With
     * --similarity 0.99 it is their predsim. */
    [PRESET_VGG8B] =
        {
            .layer_count = 6,
            .layers =
                {
                    {.convolutions = {{128, MF_POOL_NONE}}, .head_size = 4, .dropout = 0.1},
                    {.convolutions = {{256, MF_POOL_MAX}}, .head_size = 4, .dropout = 0.1},
                    {.convolutions = {{256, MF_POOL_NONE}}, .head_size = 4, .dropout = 0.1},
                    {.convolutions = {{512, MF_POOL_MAX}}, .head_size = 2, .dropout = 0.1},
                    {.convolutions = {{512, MF_POOL_MAX}}, .head_size = 2, .dropout = 0.1},
                    {.convolutions = {{512, MF_POOL_MAX}}},
                },
            .epochs = 30,
            .optimizer = UPDATE_ADAM,
            .schedule = SCHEDULE_STEPS,
            .augment = AUGMENT_CROPS,
            .border = CROP_BORDER,
            .init_projection = MF_INIT_ZERO,
            .learning_rate = 0.0005,
        },
};

size_t layer_depth(const struct layer_plan *plan)
{
    size_t depth = 0;
    while (depth < MOST_CONVOLUTIONS && plan->convolutions[depth].filters > 0)
        depth++;
    return depth;
}
