/* The part of report.h that draws.
 *
 * SPDX-License-Identifier: MIT
 */
#include "report.h"

#include "curves.h"

#include <stdio.h>

enum { LIST_TEXT = 16 * SIZE_LIST_CAPACITY };

static void write_title(const struct settings *settings, char *title, size_t capacity)
{
    char conv[LIST_TEXT], hidden[LIST_TEXT];
    settings_list_text(&settings->conv, conv, sizeof conv);
    settings_list_text(&settings->hidden, hidden, sizeof hidden);
    snprintf(title, capacity, "Mono-Forward, %s%s%s%s%s, %s", settings->conv.count > 0 ? conv : "",
             settings->conv.count > 0 ? " maps, " : "", settings->hidden.count > 0 ? hidden : "",
             settings->hidden.count > 0 ? " neurons, " : "", settings->greedy ? "greedy" : "joint",
             update_names[settings->optimizer]);
}

bool report_plot(const struct settings *settings, const struct history *history)
{
    char title[2 * LIST_TEXT + 64];
    if (settings->plot == NULL)
        return true;
    write_title(settings, title, sizeof title);
    return curves_draw(settings->plot, title,
                       settings->validation > 0 ? "accuracy on images held out, %" : "test accuracy, %",
                       history, settings_layer_count(settings));
}
