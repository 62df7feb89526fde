/* SPDX-License-Identifier: MIT */
#include "large.h"

#include "random.h"

#include <stdio.h>

static const double learning_rate = 0.001;

size_t large_depth(const struct run *run)
{
    return FIRST_DEPTH + run->settings.added;
}

bool large_learn(struct run *run, struct stack *stack, const char *name, size_t passes, uint64_t order)
{
    const struct settings *settings = &run->settings;
    struct course course = {
        .steps = course_steps(passes, run->large.count, settings->batch),
        .batch = settings->batch,
        .workers = settings->workers,
        .rate = learning_rate,
        .seed = random_derive(settings->seed, LARGE_GOING_ON + order),
    };
    struct job job = {0};
    progress_start(&job.bar, name, passes * run->large.count, 0);
    bool good = stack_learn(stack, &run->large, &course, &job);
    progress_end(&job.bar);
    return good;
}

bool large_row(struct run *run, struct stack *stack, const char *label, const char *part, const char *change,
               const char *stage)
{
    struct verdict verdict;
    return stack_judge(stack, &run->data.large, &verdict) &&
           report_row(&run->report, large_depth(run), label, &verdict, part, change, stage);
}

bool large_full(struct run *run, struct stack **full)
{
    const struct settings *settings = &run->settings;
    *full = &run->full;
    return run->full.network != NULL ||
           (stack_build(&run->full, domain_inputs(&run->data.large), settings->width, large_depth(run),
                        random_derive(settings->seed, LARGE_FULL)) &&
            large_learn(run, &run->full, "all layers from the start", settings->epochs, LARGE_FULL));
}

const char *large_passes(size_t passes, char *text, size_t capacity)
{
    snprintf(text, capacity, "%zu pass%s", passes, passes == 1 ? "" : "es");
    return text;
}
