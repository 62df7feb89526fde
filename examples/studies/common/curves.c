/* SPDX-License-Identifier: MIT */
#include "curves.h"

#include "complain.h"
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_CURVES = SIZE_LIST_CAPACITY + 1 };

static const char colour_of_sum[] = "#d9480f";

/* The curves of both panels and the columns of numbers behind them. */
struct plot {
    struct picture_curve accuracy[MOST_CURVES];
    struct picture_curve loss[SIZE_LIST_CAPACITY];
    double *values;
};

static void name_layer(struct picture_curve *curve, size_t layer, size_t layers)
{
    snprintf(curve->name, sizeof curve->name, layer + 1 == layers ? "layer %zu (last)" : "layer %zu",
             layer + 1);
}

static void fill_curves(struct plot *plot, const struct history *history, size_t layers)
{
    double *column = plot->values;
    for (size_t layer = 0; layer < layers; layer++) {
        double *losses = column, *accuracies = column + history->count;
        for (size_t i = 0; i < history->count; i++) {
            losses[i] = history->epochs[i].loss[layer];
            accuracies[i] = history->epochs[i].accuracy[layer];
        }
        plot->loss[layer].values = losses;
        plot->accuracy[layer].values = accuracies;
        name_layer(&plot->loss[layer], layer, layers);
        name_layer(&plot->accuracy[layer], layer, layers);
        column += 2 * history->count;
    }
    struct picture_curve *sum = &plot->accuracy[layers];
    for (size_t i = 0; i < history->count; i++)
        column[i] = history->epochs[i].sum;
    *sum = (struct picture_curve){.name = "sum", .values = column, .colour = colour_of_sum};
}

bool curves_draw(const char *path, const char *title, const char *accuracy, const struct history *history,
                 size_t layers)
{
    struct plot plot = {.values = calloc(history->count + 1, (2 * layers + 1) * sizeof(double))};
    if (plot.values == NULL)
        return complain("no memory for the picture");
    fill_curves(&plot, history, layers);
    struct picture_panel panels[] = {
        {.title = accuracy, .curves = plot.accuracy, .curve_count = layers + 1},
        {.title = "training loss, nats", .curves = plot.loss, .curve_count = layers},
    };
    bool good = picture_write(path, title, panels, 2, history->count);
    free(plot.values);
    return good;
}
