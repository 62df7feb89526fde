/* cifar10: trains a network of convolutions on CIFAR-10 with Mono-Forward. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "clock.h"
#include "complain.h"
#include "data.h"
#include "history.h"
#include "judges.h"
#include "log.h"
#include "model.h"
#include "pace.h"
#include "parameters.h"
#include "report.h"
#include "settings.h"
#include "threads.h"
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* All that a run holds; zeroed, it can be freed at any point. */
struct run {
    double started;
    struct settings settings;
    struct data data;
    struct model model;
    struct judges judges;
    struct pace pace;
    struct trainer trainer;
    struct history history;
    struct log log;
    double epochs; /* that have been learned, also parts of one */
};

/* How long an evaluation takes is known once there was one. */
static bool evaluate(struct run *run, struct epoch *epoch)
{
    struct verdict verdict;
    double started = clock_seconds();
    if (!judges_evaluate(&run->judges, &verdict))
        return false;
    run->pace.judging = (clock_seconds() - started) * (run->settings.flip_test ? 1 + MIRRORED_COST : 1);
    for (size_t i = 0; i < epoch->depth; i++)
        epoch->accuracy[i] = verdict.layers[i];
    epoch->last = verdict.last;
    epoch->sum = verdict.sum;
    return true;
}

/* Reserves time for the last evaluation, if time is short. */
static bool begin(struct run *run)
{
    double judging = 0;
    if (run->settings.time_budget > 0 && !judges_estimate(&run->judges, &judging))
        return false;
    pace_begin(&run->pace, &run->settings, run->started, run->data.train.count);
    run->pace.judging = judging * (run->settings.flip_test ? 1 + MIRRORED_COST : 1);
    return true;
}

static void name_epoch(const struct run *run, char *name, size_t capacity)
{
    if (run->settings.time_budget > 0)
        snprintf(name, capacity, "epoch %zu, from minute %.1f of %g", run->history.count + 1,
                 pace_minutes(&run->pace), run->settings.time_budget);
    else
        snprintf(name, capacity, "epoch %zu of %zu", run->history.count + 1, run->settings.epochs);
}

/* An epoch that leaves no time for another evaluation is the last one. */
static bool run_epoch(struct run *run, bool *over)
{
    char name[80];
    size_t images;
    struct epoch epoch = epoch_blank(run->model.layer_count);
    double rate = pace_learning_rate(&run->pace);
    name_epoch(run, name, sizeof name);
    if (!trainer_run_epoch(&run->trainer, name, &epoch, &images))
        return false;
    run->epochs += (double)images / (double)run->data.train.count;
    *over = pace_is_over(&run->pace, run->pace.judging);
    if ((*over || (run->history.count + 1) % run->settings.evaluate_every == 0) && !evaluate(run, &epoch))
        return false;
    if (!history_add(&run->history, &epoch))
        return false;
    report_epoch(&run->settings, run->history.count, &epoch, pace_minutes(&run->pace));
    log_epoch(&run->log, run->epochs, &epoch, pace_minutes(&run->pace), rate);
    report_plot(&run->settings, &run->history); /* a picture that fails is no reason to stop */
    return true;
}

static bool conclude(struct run *run)
{
    struct outcome outcome = {
        .last_epoch = &run->history.epochs[run->history.count - 1],
        .epochs = run->epochs,
        .last_flip = NAN,
        .sum_flip = NAN,
    };
    double seconds = 0;
    for (size_t i = 0; i < run->history.count; i++)
        seconds += run->history.epochs[i].seconds;
    outcome.samples_per_second = run->epochs * (double)run->data.train.count / seconds;
    if (run->settings.flip_test) {
        struct verdict verdict;
        if (!judges_evaluate_mirrored(&run->judges, &verdict))
            return false;
        outcome.last_flip = verdict.last;
        outcome.sum_flip = verdict.sum;
    }
    if (!report_layers(&run->settings, &run->model, outcome.last_epoch) ||
        !parameters_hash(run->model.layers, run->model.layer_count, &outcome.params_hash))
        return false;
    outcome.minutes = pace_minutes(&run->pace);
    report_result(&run->settings, &run->data, &outcome);
    return true;
}

static bool prepare(struct run *run)
{
    const struct settings *settings = &run->settings;
    size_t judges = settings->workers > 0 ? settings->workers : 1;
    if (!threads_set(settings->threads))
        return false;
    /* The first picture is empty: a path that cannot be written shows before the training, not after it. */
    return log_open(&run->log, settings) && report_plot(settings, &run->history) &&
           data_open(&run->data, settings->data, settings->limit, settings->seed) &&
           model_create(&run->model, settings) &&
           judges_open(&run->judges, &run->data, &run->model, judges) &&
           trainer_open(&run->trainer, settings, &run->data, &run->model, &run->pace) &&
           report_header(settings, &run->data, &run->model);
}

static bool run_all(struct run *run)
{
    bool over = false;
    if (!prepare(run))
        return false;
    report_columns(&run->settings);
    if (!begin(run))
        return false;
    while (!over)
        if (!run_epoch(run, &over))
            return false;
    return conclude(run);
}

int main(int argc, char **argv)
{
    static struct run run;
    run.started = clock_seconds();
    enum options_outcome outcome = settings_read(&run.settings, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run);
    trainer_close(&run.trainer);
    judges_close(&run.judges);
    model_free(&run.model);
    data_free(&run.data);
    history_free(&run.history);
    log_close(&run.log);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
