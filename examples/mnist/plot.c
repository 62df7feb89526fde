/* The part of report.h that draws.
 *
 * SPDX-License-Identifier: MIT
 */
#include "report.h"

#include "complain.h"
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_CURVES = SIZE_LIST_CAPACITY + 1, LIST_TEXT = 16 * SIZE_LIST_CAPACITY };

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

static void write_title(const struct settings *settings, char *title, size_t capacity)
{
    char conv[LIST_TEXT], hidden[LIST_TEXT];
    settings_list_text(&settings->conv, conv, sizeof conv);
    settings_list_text(&settings->hidden, hidden, sizeof hidden);
    snprintf(title, capacity, "Mono-Forward, %s%s%s%s%s, %s", settings->conv.count > 0 ? conv : "",
             settings->conv.count > 0 ? " maps, " : "", settings->hidden.count > 0 ? hidden : "",
             settings->hidden.count > 0 ? " neurons, " : "", settings->greedy ? "greedy" : "joint",
             optimizer_names[settings->optimizer]);
}

bool report_plot(const struct settings *settings, const struct history *history)
{
    if (settings->plot == NULL)
        return true;
    size_t layers = settings_layer_count(settings);
    char title[2 * LIST_TEXT + 64];
    struct plot plot = {.values = calloc(history->count + 1, (2 * layers + 1) * sizeof(double))};
    if (plot.values == NULL)
        return complain("no memory for the picture");
    fill_curves(&plot, history, layers);
    struct picture_panel panels[] = {
        {settings->validation > 0 ? "accuracy on images held out, %" : "test accuracy, %", plot.accuracy,
         layers + 1},
        {"training loss, nats", plot.loss, layers},
    };
    write_title(settings, title, sizeof title);
    bool good = picture_write(settings->plot, title, panels, 2, history->count);
    free(plot.values);
    return good;
}
