/* What the golden files were made with. SPDX-License-Identifier: MIT */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "build.h"

enum { GOLDEN_ROWS = 3, GOLDEN_INPUTS = 6, GOLDEN_CLASSES = 3, GOLDEN_MAPS = 2 * 6 * 5 };

/** Of the tokens that golden_batch() gives when scaled, the last two never occur. */
enum { GOLDEN_VOCABULARY = 13 };

/** Rows whose values are exact in every format: ((7 b + 3 i + i / 11) mod 11 - 5) / 4. */
static inline void golden_batch(float *x, size_t inputs, int32_t *y)
{
    for (size_t b = 0; b < GOLDEN_ROWS; b++) {
        for (size_t i = 0; i < inputs; i++)
            x[b * inputs + i] = ((float)((7 * b + 3 * i + i / 11) % 11) - 5.0f) / 4.0f;
        y[b] = (int32_t)(b % GOLDEN_CLASSES);
    }
}

static inline void golden_train(mf_network *network, size_t inputs, int steps)
{
    mf_workspace *workspace = make_network_workspace(network, GOLDEN_ROWS);
    float x[GOLDEN_ROWS * GOLDEN_MAPS];
    int32_t y[GOLDEN_ROWS];

    golden_batch(x, inputs, y);
    for (int i = 0; i < steps; i++)
        check_ok(mf_network_step(network, workspace, GOLDEN_ROWS, x, y));
    mf_workspace_free(workspace);
}

#endif
