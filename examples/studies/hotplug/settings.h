/* settings: what the command line asks for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_SETTINGS_H
#define HOTPLUG_SETTINGS_H

#include "options.h"

enum { PART_ALL, PART_DEPTH, PART_REMOVE, PART_TRANSFER };
enum { FORMAT_CROP, FORMAT_PAD };

enum { FIRST_DEPTH = 2, MOST_ADDED = 8 };

struct settings {
    const char *data; /* NULL: draw digits */
    const char *plot; /* NULL: no picture */
    int32_t part;
    int32_t format;
    bool quick;
    bool drawn;
    uint64_t seed;
    size_t threads;
    size_t workers; /* of the large networks; 0: one layer after the other */
    size_t limit;   /* most training images of a set; 0: all */

    /* The large networks, of the parts depth and remove. */
    size_t width;
    size_t epochs;
    size_t added;
    size_t batch;

    /* The small ones, of the part transfer. */
    size_t small_width;
    size_t small_epochs;
    size_t least_steps;
    double small_rate;
    size_t small_batch;
    size_t seeds;
    struct size_list sizes; /* of training sets; that of all images comes behind them */
};

enum options_outcome settings_read(struct settings *settings, int argc, char **argv);

#endif
