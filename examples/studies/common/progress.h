/* progress: how far a long job has come, on stderr: a bar on a terminal, now and then a line elsewhere.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_PROGRESS_H
#define STUDIES_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    const char *name;
    size_t total;
    double started;
    double shown;
    bool terminal;
};

/* `name` must stay valid; `total` is the number of samples of the job, which may have taken `seconds`
 * already. */
void progress_start(struct progress *progress, const char *name, size_t total, double seconds);

void progress_show(struct progress *progress, size_t done);

/* Takes the bar away, so that the next line of output starts clean. */
void progress_end(struct progress *progress);

#endif
