/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "progress.h"

#include "clock.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

static const double seconds_between_bars = 0.1;
static const double seconds_between_lines = 10;

void progress_start(struct progress *progress, const char *name, size_t total, double seconds)
{
    double now = clock_seconds();
    *progress = (struct progress){name, total, now - seconds, now, isatty(STDERR_FILENO) == 1};
}

static void show_bar(const struct progress *progress, size_t done, double rate, double left)
{
    char bar[BAR_WIDTH + 1] = {0};
    size_t full = done * BAR_WIDTH / progress->total;
    for (size_t i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    fprintf(stderr, "\r%s [%s] %3zu%%  %.0f samples/s  %.0f s left \033[K", progress->name, bar,
            done * 100 / progress->total, rate, left);
    fflush(stderr);
}

void progress_show(struct progress *progress, size_t done)
{
    double now = clock_seconds();
    double pause = progress->terminal ? seconds_between_bars : seconds_between_lines;
    if (done == 0 || now - progress->shown < pause)
        return;
    progress->shown = now;
    double rate = (double)done / (now - progress->started);
    double left = (double)(progress->total - done) / rate;
    if (progress->terminal)
        show_bar(progress, done, rate, left);
    else
        fprintf(stderr, "%s: %zu%%, %.0f samples/s, %.0f s left\n", progress->name,
                done * 100 / progress->total, rate, left);
}

void progress_end(struct progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", stderr);
}
