/* With a time budget the last evaluation has to be over in time as well, so learning ends before the budget
 * does by as much as that will take.
 *
 * SPDX-License-Identifier: MIT
 */
#include "pace.h"

#include "clock.h"

#include "monoforward.h"

/* Evaluations take longer when the machine is busy. */
static const double judging_margin = 1.2;

void pace_begin(struct pace *pace, const struct settings *settings, double started, size_t images)
{
    uint64_t steps = (images + settings->batch - 1) / settings->batch;
    *pace = (struct pace){
        .settings = settings,
        .started = started,
        .learning = clock_seconds(),
        .most = settings->epochs < UINT64_MAX / steps ? steps * settings->epochs : UINT64_MAX,
    };
}

/* When learning has to end. The steps that are in the works then are still to be finished. */
static double learning_ends(const struct pace *pace, double now)
{
    double step = pace->steps > 0 ? (now - pace->learning) / (double)pace->steps : 0;
    return pace->started + 60 * pace->settings->time_budget - judging_margin * pace->judging -
           step * (double)(pace->settings->workers + 2);
}

void pace_save(const struct pace *pace, struct run_state *state)
{
    state->step = pace->steps;
    state->share = pace->share;
    state->judging = pace->judging;
    state->elapsed = clock_seconds() - pace->started;
    state->learning = pace->learning - pace->started;
}

void pace_restore(struct pace *pace, const struct run_state *state)
{
    pace->steps = state->step;
    pace->share = state->share;
    pace->judging = state->judging;
    pace->started = clock_seconds() - state->elapsed;
    pace->learning = pace->started + state->learning;
}

void pace_step(struct pace *pace)
{
    pace->steps++;
    double share = (double)pace->steps / (double)pace->most;
    if (pace->settings->time_budget > 0) {
        double now = clock_seconds(), end = learning_ends(pace, now);
        double of_time = now < end ? (now - pace->learning) / (end - pace->learning) : 1;
        share = of_time > share ? of_time : share; /* the run ends with whichever is first */
    }
    if (share > pace->share)
        pace->share = share;
}

static double schedule(int32_t choice, double share)
{
    static const double steps[] = {0.5, 0.75, 0.89, 0.94};
    static const uint64_t parts = 1000000; /* that the library's schedule counts in */
    if (choice == SCHEDULE_COSINE)
        return mf_schedule_cosine((uint64_t)(share * (double)parts), parts, 0);
    double factor = 1;
    for (size_t i = 0; choice == SCHEDULE_STEPS && i < sizeof steps / sizeof steps[0]; i++)
        if (share >= steps[i])
            factor /= 4;
    return factor;
}

double pace_learning_rate(const struct pace *pace)
{
    const struct settings *settings = pace->settings;
    double rate = settings->learning_rate * schedule(settings->schedule, pace->share);
    return pace->share < settings->warmup ? rate * pace->share / settings->warmup : rate;
}

bool pace_is_over(const struct pace *pace, double seconds)
{
    double now = clock_seconds();
    return pace->steps >= pace->most ||
           (pace->settings->time_budget > 0 && now + seconds >= learning_ends(pace, now));
}

double pace_minutes(const struct pace *pace)
{
    return (clock_seconds() - pace->started) / 60;
}
