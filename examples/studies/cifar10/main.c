/* cifar10: trains a network of convolutions on CIFAR-10 with Mono-Forward. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "checkpoint.h"
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
#include <string.h>

/* All that a run holds; zeroed, it can be freed at any point. */
struct run {
    double started;
    struct settings settings;
    struct data data;
    struct model model;
    struct judges judges;
    struct pace pace;
    struct trainer trainer;
    struct run_state state;
    struct checkpoint checkpoint;
    struct log log;
};

static void note_verdict(const struct verdict *verdict, struct epoch *epoch)
{
    for (size_t i = 0; i < epoch->depth; i++)
        epoch->accuracy[i] = verdict->layers[i];
    epoch->last = verdict->last;
    epoch->sum = verdict->sum;
}

/* What the last evaluation takes, in evaluations during the run. */
static double last_judging(const struct run *run)
{
    double mirrored = run->settings.flip_test ? MIRRORED_COST : 0;
    if (run->data.validation == 0)
        return 1 + mirrored;
    return 1 + (1 + mirrored) * (double)run->data.test.count / (double)run->data.validation;
}

/* How long an evaluation takes is known once there was one. */
static bool evaluate(struct run *run, struct epoch *epoch)
{
    struct verdict verdict;
    double started = clock_seconds();
    if (!judges_evaluate(&run->judges, &verdict))
        return false;
    run->pace.judging = (clock_seconds() - started) * last_judging(run);
    note_verdict(&verdict, epoch);
    return true;
}

/* Reserves time for the last evaluation, if time is short. */
static bool begin(struct run *run)
{
    double judging = 0;
    if (run->settings.time_budget > 0 && !judges_estimate(&run->judges, &judging))
        return false;
    pace_begin(&run->pace, &run->settings, run->started, data_learned(&run->data));
    run->pace.judging = judging * last_judging(run);
    return true;
}

static void name_epoch(const struct run *run, char *name, size_t capacity)
{
    if (run->settings.time_budget > 0)
        snprintf(name, capacity, "epoch %zu, from minute %.1f of %g", run->state.history.count + 1,
                 pace_minutes(&run->pace), run->settings.time_budget);
    else
        snprintf(name, capacity, "epoch %zu of %zu", run->state.history.count + 1, run->settings.epochs);
}

/* An epoch has been learned: the next one begins with a clean slate. */
static bool end_epoch(struct run *run, const struct epoch *epoch, double rate)
{
    struct run_state *state = &run->state;
    if (!history_add(&state->history, epoch))
        return false;
    state->position = 0;
    state->seconds = 0;
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        state->losses[i] = 0;
    report_epoch(&run->settings, state->history.count, epoch, pace_minutes(&run->pace));
    log_epoch(&run->log, state->epochs, epoch, pace_minutes(&run->pace), rate);
    report_plot(&run->settings, &state->history); /* a picture that fails is no reason to stop */
    return (isnan(epoch->last) ||
            keep_epoch(&state->keep, run->model.network, epoch->last, state->history.count)) &&
           (!checkpoint_is_due(&run->checkpoint) || trainer_save_state(&run->trainer));
}

/* An epoch that leaves no time for another evaluation is the last one. */
static bool run_epoch(struct run *run, bool *over)
{
    char name[80];
    struct run_state *state = &run->state;
    struct epoch epoch = epoch_blank(run->model.layer_count);
    double rate = pace_learning_rate(&run->pace);
    name_epoch(run, name, sizeof name);
    if (!trainer_run_epoch(&run->trainer, name, &epoch))
        return false;
    if (state->position < data_learned(&run->data) && checkpoint_signal() != 0)
        return true;
    state->epochs += (double)state->position / (double)data_learned(&run->data);
    *over = pace_is_over(&run->pace, run->pace.judging);
    if ((*over || (state->history.count + 1) % run->settings.evaluate_every == 0) && !evaluate(run, &epoch))
        return false;
    return end_epoch(run, &epoch, rate);
}

/* Until the run is over, or interrupted. */
static bool train(struct run *run, bool *over)
{
    *over = run->state.history.count > 0 && run->state.position == 0 &&
            pace_is_over(&run->pace, run->pace.judging);
    while (!*over && checkpoint_signal() == 0)
        if (!run_epoch(run, over))
            return false;
    return trainer_save_state(&run->trainer);
}

/* The test set has the last word; images that were held out have had theirs. */
static bool judge_end(struct run *run, struct epoch *final, struct outcome *outcome)
{
    struct verdict verdict;
    if (run->judges.on_validation) {
        run->judges.on_validation = false;
        if (!judges_evaluate(&run->judges, &verdict))
            return false;
        note_verdict(&verdict, final);
    }
    if (!run->settings.flip_test)
        return true;
    if (!judges_evaluate_mirrored(&run->judges, &verdict))
        return false;
    outcome->last_flip = verdict.last;
    outcome->sum_flip = verdict.sum;
    return true;
}

static bool conclude(struct run *run)
{
    const struct run_state *state = &run->state;
    struct epoch final = state->history.epochs[state->history.count - 1];
    struct outcome outcome = {.last_epoch = &final,
                              .epochs = state->epochs,
                              .last_flip = NAN,
                              .sum_flip = NAN,
                              .keep = &state->keep};
    double seconds = 0;
    for (size_t i = 0; i < state->history.count; i++)
        seconds += state->history.epochs[i].seconds;
    outcome.samples_per_second = state->epochs * (double)data_learned(&run->data) / seconds;
    if (!judge_end(run, &final, &outcome) ||
        !report_layers(&run->settings, &run->model, outcome.last_epoch) ||
        !parameters_hash(run->model.layers, run->model.layer_count, &outcome.params_hash) ||
        !keep_end(&state->keep, run->model.network))
        return false;
    outcome.minutes = pace_minutes(&run->pace);
    report_result(&run->settings, &run->data, &outcome);
    return true;
}

/* ---- going on ---- */

static bool take_checkpoint(void *user, const mf_network *from, size_t depth)
{
    struct run *run = user;
    const struct whole_run whole = {run->settings.epochs, run->model.layer_count, data_learned(&run->data),
                                    run->settings.batch};
    if (!checkpoint_is_sound(&run->checkpoint, &run->state, depth, &whole) ||
        !checkpoint_take(from, run->model.network))
        return false;
    trainer_catch_up(&run->trainer);
    for (size_t i = 0; i < run->state.history.count; i++)
        report_epoch(&run->settings, i + 1, &run->state.history.epochs[i], NAN);
    return true;
}

/* ---- all of it ---- */

static bool open_files(struct run *run, int argc, char **argv)
{
    const struct settings *settings = &run->settings;
    run->state.keep = (struct keep){
        .save = settings->save, .onnx = settings->onnx, .by_validation = settings->validation > 0};
    run->checkpoint = (struct checkpoint){
        .path = settings->checkpoint, .every = settings->checkpoint_every, .resume = settings->resume};
    return keep_check(&run->state.keep) && checkpoint_open(&run->checkpoint, argc, argv) &&
           checkpoint_watch(&run->checkpoint) &&
           (settings->time_budget > 0 ||
            checkpoint_fits(&run->checkpoint, settings->epochs, settings->layer_count)) &&
           log_open(&run->log, settings);
}

static bool prepare(struct run *run)
{
    const struct settings *settings = &run->settings;
    size_t judges = settings->workers > 0 ? settings->workers : 1;
    if (!threads_set(settings->threads))
        return false;
    /* The first picture is empty: a path that cannot be written shows before the training, not after it. */
    if (!report_plot(settings, &run->state.history) ||
        !data_open(&run->data, (enum data_set)settings->set, settings->data, settings->limit,
                   settings->seed) ||
        !data_hold_out(&run->data, settings->validation, settings->seed) ||
        !model_create(&run->model, settings, &run->data) || !data_describe(&run->data, run->model.network) ||
        !judges_open(&run->judges, &run->data, &run->model, judges))
        return false;
    run->judges.on_validation = run->data.validation > 0;
    return trainer_open(&run->trainer, settings, &run->data, &run->model, &run->pace, &run->state,
                        &run->checkpoint) &&
           report_header(settings, &run->data, &run->model);
}

/* What makes the run what it is; images only count where somebody will compare them. */
static void name_run(struct run *run)
{
    struct checkpoint *checkpoint = &run->checkpoint;
    run->state.keep.scaling = data_scaling(&run->data);
    if (checkpoint->path == NULL)
        return;
    report_options(&run->settings, &run->data, checkpoint->options);
    size_t used = strlen(checkpoint->options);
    snprintf(checkpoint->options + used, sizeof checkpoint->options - used,
             " preset=%s epochs=%zu evaluate_every=%zu validation=%zu images_hash=%016llx",
             preset_names[run->settings.preset], run->settings.epochs, run->settings.evaluate_every,
             run->settings.validation, (unsigned long long)data_hash(&run->data));
}

static bool run_all(struct run *run, int argc, char **argv, bool *over)
{
    if (!open_files(run, argc, argv) || !prepare(run))
        return false;
    name_run(run);
    report_columns(&run->settings);
    if (!begin(run) || !checkpoint_go_on(&run->checkpoint, &run->state, take_checkpoint, run) ||
        !train(run, over))
        return false;
    if (*over)
        return conclude(run);
    checkpoint_explain(&run->checkpoint, "cifar10", &run->state);
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    bool over = false;
    run.started = clock_seconds();
    enum options_outcome outcome = settings_read(&run.settings, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run, argc, argv, &over) && output_arrived();
    trainer_close(&run.trainer);
    judges_close(&run.judges);
    model_free(&run.model);
    data_free(&run.data);
    history_free(&run.state.history);
    log_close(&run.log);
    if (good && !over)
        return 128 + checkpoint_signal(); /* as if the signal had ended the program */
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
