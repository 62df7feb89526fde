/* SPDX-License-Identifier: MIT */
#include "history.h"

#include "complain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct epoch epoch_blank(size_t depth)
{
    struct epoch epoch = {.depth = depth, .last = NAN, .sum = NAN};
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        epoch.loss[i] = epoch.accuracy[i] = NAN;
    return epoch;
}

void epoch_print(int width, int decimals, double value)
{
    if (isnan(value))
        printf(" %*s", width, "-");
    else
        printf(" %*.*f", width, decimals, value);
}

bool history_add(struct history *history, const struct epoch *epoch)
{
    if (history->count == history->capacity) {
        size_t capacity = history->capacity > 0 ? 2 * history->capacity : 16;
        struct epoch *grown = realloc(history->epochs, capacity * sizeof *grown);
        if (grown == NULL)
            return complain("no memory for the history of the run");
        history->epochs = grown;
        history->capacity = capacity;
    }
    history->epochs[history->count++] = *epoch;
    return true;
}

void history_free(struct history *history)
{
    free(history->epochs);
    *history = (struct history){0};
}
