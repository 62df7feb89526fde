/* The part of report.h that draws.
 *
 * SPDX-License-Identifier: MIT
 */
#include "report.h"

#include "curves.h"

#include <stdio.h>

enum { HIDDEN_TEXT = 16 * SIZE_LIST_CAPACITY };

bool report_plot(const struct settings *settings, const struct history *history)
{
    if (settings->plot == NULL)
        return true;
    char hidden[HIDDEN_TEXT], title[HIDDEN_TEXT + 64];
    settings_hidden_text(settings, hidden, sizeof hidden);
    snprintf(title, sizeof title, "Mono-Forward, layers of %s, %s, %s", hidden,
             settings->greedy ? "greedy" : "joint", optimizer_names[settings->optimizer]);
    return curves_draw(settings->plot, title,
                       settings->validation > 0 ? "accuracy on images held out, %" : "test accuracy, %",
                       history, settings->hidden.count);
}
