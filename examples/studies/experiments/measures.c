/* SPDX-License-Identifier: MIT */
#include "measures.h"

#include "clock.h"
#include "complain.h"
#include "learner.h"

#include <math.h>
#include <stdlib.h>

enum { ANSWERS = 2001, WARM_UP = 100 };

static float *draw_inputs(size_t count)
{
    struct random_stream stream = {random_derive(1, 1)};
    float *x = malloc(count * sizeof *x);
    for (size_t i = 0; x && i < count; i++)
        x[i] = random_normal(&stream);
    return x;
}

bool measure_memory(const struct settings *settings, const struct dataset *set, struct costs *costs)
{
    struct learner learner = {0};
    double losses[SIZE_LIST_CAPACITY] = {0};
    float *x = draw_inputs(settings->batch * set->features);
    int32_t *y = calloc(settings->batch, sizeof *y);
    bool good = (x && y) || complain("no memory for a batch of %zu rows", settings->batch);
    for (size_t i = 0; good && i < settings->batch; i++)
        y[i] = (int32_t)(i % set->classes);
    good = good && learner_open(&learner, settings, set);
    double started = clock_seconds();
    good = good && learner_step(&learner, settings->batch, x, y, losses) == LEARNED &&
           learner_rest(&learner, losses) == LEARNED;
    costs->step_seconds = clock_seconds() - started;
    costs->peak = learner.meter.peak;
    costs->parameters = learner.parameters;
    learner_close(&learner);
    free(x);
    free(y);
    return good;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool time_answers(struct learner *learner, bool sum, const float *x, size_t features, double *seconds)
{
    static double times[ANSWERS];
    int32_t label;
    for (size_t i = 0; i < WARM_UP + ANSWERS; i++) {
        double started = clock_seconds();
        if (!learner_answer(learner, sum, x + i % 64 * features, &label))
            return false;
        if (i >= WARM_UP)
            times[i - WARM_UP] = clock_seconds() - started;
    }
    qsort(times, ANSWERS, sizeof times[0], by_size);
    *seconds = times[ANSWERS / 2];
    return true;
}

bool measure_answers(const struct settings *settings, const struct dataset *set, struct costs *costs)
{
    struct learner learner = {0};
    float *x = draw_inputs(64 * set->features);
    bool good = (x || complain("no memory for 64 rows")) && learner_open(&learner, settings, set) &&
                time_answers(&learner, false, x, set->features, &costs->last_seconds) &&
                time_answers(&learner, true, x, set->features, &costs->sum_seconds);
    costs->parameters = learner.parameters;
    learner_close(&learner);
    free(x);
    return good;
}
