/* The tables to turn when an architecture is tuned; options of the command line go before them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "presets.h"

#include "data.h"
#include "updates.h"

#include "monoforward.h"

const char *const preset_names[] = {
    [PRESET_PAPER] = "paper", [PRESET_STRONG] = "strong", [PRESET_VGG8B] = "vgg8b", NULL};

const struct preset presets[] = {
    /* The shapes of the paper's network; how the paper trained it is not known. 58 million multiply-adds an
     * image. */
    [PRESET_PAPER] =
        {
            .layer_count = 4,
            .layers =
                {
                    /* filters, pooling, head size, dropout */
                    {64, MF_POOL_AVERAGE, 0, 0.1},
                    {128, MF_POOL_AVERAGE, 0, 0.1},
                    {256, MF_POOL_AVERAGE, 0, 0.1},
                    {512, MF_POOL_AVERAGE, 0, 0},
                },
            .epochs = 30,
            .optimizer = UPDATE_ADAM,
            .schedule = SCHEDULE_COSINE,
            .augment = AUGMENT_CROPS,
            .init_projection = MF_INIT_ZERO,
            .learning_rate = 0.001,
        },
    /* One layer more than the paper's and the same widths, 96 million multiply-adds an image. Heads on the
     * whole map: over two passes, heads on averaged maps of 8 x 8 and 4 x 4 left the second layer five points
     * and the last four points behind. */
    [PRESET_STRONG] =
        {
            .layer_count = 5,
            .layers =
                {
                    {64, MF_POOL_AVERAGE, 0, 0.05},
                    {128, MF_POOL_AVERAGE, 0, 0.05},
                    {256, MF_POOL_NONE, 0, 0.05},
                    {256, MF_POOL_AVERAGE, 0, 0.05},
                    {512, MF_POOL_AVERAGE, 0, 0},
                },
            .epochs = 30,
            .optimizer = UPDATE_ADAM,
            .schedule = SCHEDULE_COSINE,
            .augment = AUGMENT_CROPS,
            .init_projection = MF_INIT_ZERO,
            .learning_rate = 0.0015,
            .warmup = 0.02,
        },
    /* The convolutions of VGG8b of Nokland and Eidnes, with their schedule and at most as many features of a
     * head as theirs; without the dense layer behind them. 949 million multiply-adds an image. With
     * --similarity 0.99 it is their predsim. */
    [PRESET_VGG8B] =
        {
            .layer_count = 6,
            .layers =
                {
                    {128, MF_POOL_NONE, 4, 0.1},
                    {256, MF_POOL_MAX, 4, 0.1},
                    {256, MF_POOL_NONE, 4, 0.1},
                    {512, MF_POOL_MAX, 2, 0.1},
                    {512, MF_POOL_MAX, 2, 0.1},
                    {512, MF_POOL_MAX, 0, 0},
                },
            .epochs = 30,
            .optimizer = UPDATE_ADAM,
            .schedule = SCHEDULE_STEPS,
            .augment = AUGMENT_CROPS,
            .init_projection = MF_INIT_ZERO,
            .learning_rate = 0.0005,
        },
};
