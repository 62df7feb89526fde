/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABEL_WIDTH = 52, LONGEST_LINE = 600 };

void report_free(struct report *report)
{
    free(report->lines);
    *report = (struct report){0};
}

static bool make_room(struct report *report)
{
    if (report->room - report->used >= LONGEST_LINE)
        return true;
    size_t room = 2 * report->room + LONGEST_LINE;
    char *lines = realloc(report->lines, room);
    if (lines == NULL)
        return complain("no memory for the results");
    report->lines = lines;
    report->room = room;
    return true;
}

bool report_result(struct report *report, const char *format, ...)
{
    va_list values;
    if (!make_room(report))
        return false;
    char *line = report->lines + report->used;
    int length = snprintf(line, LONGEST_LINE, "result example=hotplug ");
    va_start(values, format);
    int more = vsnprintf(line + length, (size_t)(LONGEST_LINE - length), format, values);
    va_end(values);
    if (more < 0 || length + more >= LONGEST_LINE - 1)
        return complain("a result is too long for its line");
    line[length + more] = '\n';
    report->used += (size_t)(length + more) + 1;
    return true;
}

void report_end(const struct report *report)
{
    if (report->used == 0)
        return;
    printf("\n");
    fwrite(report->lines, 1, report->used, stdout);
}

void report_head(const char *title, size_t depth)
{
    char name[32];
    printf("\n%-*s", LABEL_WIDTH, title);
    for (size_t i = 0; i < depth; i++) {
        snprintf(name, sizeof name, "layer %zu", i + 1);
        printf(" %8s", name);
    }
    printf(" %8s %8s\n", "LAST", "SUM");
}

bool report_row(struct report *report, size_t depth, const char *label, const struct verdict *verdict,
                const char *part, const char *change, const char *stage)
{
    char layers[300] = "";
    size_t used = 0;
    printf("%-*s", LABEL_WIDTH, label);
    for (size_t i = 0; i < verdict->depth; i++) {
        printf(" %8.2f", verdict->layers[i]);
        used += (size_t)snprintf(layers + used, sizeof layers - used, " layer%zu=%.2f", i + 1,
                                 verdict->layers[i]);
    }
    for (size_t i = verdict->depth; i < depth; i++)
        printf(" %8s", "");
    printf(" %8.2f %8.2f\n", verdict->last, verdict->sum);
    fflush(stdout);
    return report_result(report, "part=%s change=%s stage=%s depth=%zu%s last=%.2f sum=%.2f", part, change,
                         stage, verdict->depth, layers, verdict->last, verdict->sum);
}
