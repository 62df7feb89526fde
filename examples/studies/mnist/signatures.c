/* SPDX-License-Identifier: MIT */
#include "signatures.h"

#include "images.h"

#include <math.h>
#include <stdio.h>

static const double stuck_share = 0.95; /* of ln m */
static const double widest_gap = 2;     /* points between LAST and SUM */
static const double plateau_rise = 0.1; /* points within the window: less is a plateau */
static const double deeper_rise = 0.5;  /* points within the window: more is an improvement */
enum { PLATEAU_WINDOW = 3 };

void signatures_check_memory(const struct memory *memory, const struct parameter_counts *size)
{
    if (memory->held < memory->backpropagation)
        return;
    printf("warning: training holds %.2f MB, backpropagation would hold %.2f MB: this shape and batch save "
           "no memory (%.1f%% of the parameters are in the projections M)\n",
           memory->held / 1e6, memory->backpropagation / 1e6,
           100 * (double)size->projections / (double)size->all);
}

static void check_stuck(struct signatures *signatures, const struct epoch *epoch)
{
    double chance = log(DIGIT_CLASSES);
    for (size_t i = 0; i < epoch->depth; i++) {
        if (signatures->stuck[i] || isnan(epoch->loss[i]) || epoch->loss[i] < stuck_share * chance)
            continue;
        signatures->stuck[i] = true;
        printf("warning: the loss of layer %zu is %.4f, near ln %d = %.4f, where guessing is: look at the "
               "start of its projection and at the learning rate\n",
               i + 1, epoch->loss[i], DIGIT_CLASSES, chance);
    }
}

static void check_plateau(struct signatures *signatures, const struct history *history)
{
    if (signatures->plateau || history->count <= PLATEAU_WINDOW)
        return;
    const struct epoch *now = &history->epochs[history->count - 1], *before = now - PLATEAU_WINDOW;
    for (const struct epoch *epoch = before + 1; epoch <= now; epoch++)
        if (epoch->accuracy[0] - before->accuracy[0] >= plateau_rise)
            return;
    for (size_t i = 1; i < now->depth; i++) {
        double rise = now->accuracy[i] - before->accuracy[i];
        if (rise <= deeper_rise)
            continue;
        signatures->plateau = true;
        printf("warning: layer 1 has not improved for %d epochs (%.2f%%), while layer %zu gained %.2f "
               "points: the layers may not build on each other\n",
               PLATEAU_WINDOW, now->accuracy[0], i + 1, rise);
        return;
    }
}

void signatures_check_epoch(struct signatures *signatures, const struct history *history, bool greedy)
{
    check_stuck(signatures, &history->epochs[history->count - 1]);
    /* In a greedy run the first layer rests while the others learn. */
    if (!greedy)
        check_plateau(signatures, history);
}

void signatures_check_end(const struct history *history)
{
    const struct epoch *end = &history->epochs[history->count - 1];
    if (fabs(end->last - end->sum) > widest_gap)
        printf("warning: LAST (%.2f%%) and SUM (%.2f%%) are %.2f points apart: some layers may be "
               "undertrained; try more epochs\n",
               end->last, end->sum, fabs(end->last - end->sum));
}
