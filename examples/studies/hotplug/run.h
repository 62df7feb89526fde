/* run: all that a run holds, and the three things it shows.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_RUN_H
#define HOTPLUG_RUN_H

#include "data.h"
#include "report.h"
#include "settings.h"
#include "stack.h"

/* Zeroed, it can be closed at any point. */
struct run {
    struct settings settings;
    struct data data;
    struct report report;
    struct choice large; /* all images of the large set */
    struct stack full;   /* a large network of the final depth, trained from the start, once it is needed */
};

/* Complains of sizes that the sets of the part transfer do not have. */
bool transfer_fits(const struct run *run);

/* Each prints its tables and adds its results. On failure prints one line and returns false. */
bool show_depth(struct run *run);
bool show_removal(struct run *run);
bool show_transfer(struct run *run);

#endif
