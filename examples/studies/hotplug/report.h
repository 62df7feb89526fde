/* report: tables on the way, and the lines for programs, which come all together at the end.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_REPORT_H
#define HOTPLUG_REPORT_H

#include "stack.h"

#include <stdbool.h>
#include <stddef.h>

struct report {
    char *lines;
    size_t used;
    size_t room;
};

void report_free(struct report *report);

/* Adds "result example=hotplug ..." to the lines of the end. On failure prints one line and returns false. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool report_result(struct report *report, const char *format, ...);

/* Prints all of them, if there are any. */
void report_end(const struct report *report);

/* The head of a table of verdicts on networks of up to `depth` layers. */
void report_head(const char *title, size_t depth);

/* One line of it; and a result line of the part, change and stage, which are words. */
bool report_row(struct report *report, size_t depth, const char *label, const struct verdict *verdict,
                const char *part, const char *change, const char *stage);

#endif
