/* The course of a run. SPDX-License-Identifier: MIT */
#include "run.h"

#include "complain.h"
#include "parameters.h"
#include "settings.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An epoch has been learned: the next one begins with a clean slate. */
static bool end_epoch(struct run *run, const struct epoch *epoch)
{
    struct run_state *state = &run->state;
    if (!history_add(&state->history, epoch))
        return false;
    state->position = 0;
    state->seconds = 0;
    memset(state->losses, 0, sizeof state->losses);
    report_epoch(run, state->history.count, epoch);
    report_plot(run); /* a picture that fails is no reason to stop */
    return !checkpoint_is_due(&run->checkpoint) || run_save_state(run);
}

/* Until the run is over, or interrupted. */
static bool train(struct run *run)
{
    const struct run_state *state = &run->state;
    while (state->history.count < run->settings.epochs && checkpoint_signal() == 0) {
        struct epoch epoch = epoch_blank(run->model.layer_count);
        if (!run_learn(run, &epoch))
            return false;
        if (state->position < run->source.rows[PART_TRAIN])
            break;
        if (!run_judge(run, run_watched(run), &epoch) || !end_epoch(run, &epoch))
            return false;
    }
    return run_save_state(run);
}

static bool conclude(struct run *run)
{
    uint64_t hash;
    const size_t depth = run->model.layer_count;
    struct epoch test = epoch_blank(depth), validation = epoch_blank(depth);
    const bool judged = run->settings.epochs > 0;
    const bool validates = judged && run->source.rows[PART_VALIDATION] > 0;
    if (judged &&
        (!run_judge(run, PART_TEST, &test) || (validates && !run_judge(run, PART_VALIDATION, &validation))))
        return false;
    if (!parameters_hash(run->model.layers, depth, &hash))
        return false;
    report_result(run, judged ? &test : NULL, validates ? &validation : NULL, hash);
    return true;
}

static bool take_checkpoint(void *user, const mf_network *from, size_t depth)
{
    struct run *run = user;
    const struct whole_run whole = {run->settings.epochs, run->model.layer_count,
                                    run->source.rows[PART_TRAIN], run->settings.batch};
    if (!checkpoint_is_sound(&run->checkpoint, &run->state, depth, &whole) ||
        !checkpoint_take(from, run->model.network))
        return false;
    run_catch_up(run);
    for (size_t i = 0; i < run->state.history.count; i++)
        report_epoch(run, i + 1, &run->state.history.epochs[i]);
    return true;
}

/* What makes the run what it is; rows only count where somebody will compare them. */
static void name_run(struct run *run)
{
    char *options = run->checkpoint.options;
    if (run->checkpoint.path == NULL)
        return;
    report_options(run, options);
    size_t used = strlen(options);
    snprintf(options + used, OPTIONS_TEXT - used,
             " study=%s cut=%s epochs=%zu augment=%d validation=%zu test_rows=%zu data_hash=%016llx",
             run->study->name, run->study->cuts[run->settings.cut], run->settings.epochs,
             run->settings.augment, run->source.rows[PART_VALIDATION], run->source.rows[PART_TEST],
             (unsigned long long)source_hash(&run->source));
}

/* An empty picture is drawn first: a path that cannot be written shows before the training. */
static bool prepare(struct run *run, int argc, char **argv)
{
    const struct settings *settings = &run->settings;
    run->checkpoint = (struct checkpoint){
        .path = settings->checkpoint, .every = settings->checkpoint_every, .resume = settings->resume};
    if (!checkpoint_open(&run->checkpoint, argc, argv) || !checkpoint_watch(&run->checkpoint) ||
        !threads_set(1) || !source_open(&run->source, run->study, settings) ||
        !model_create(&run->model, run->study, settings, &run->source) || !run_open(run) ||
        !checkpoint_fits(&run->checkpoint, settings->epochs, run->model.layer_count) || !report_plot(run))
        return false;
    name_run(run);
    report_header(run);
    return true;
}

static bool run_all(struct run *run, int argc, char **argv)
{
    if (!prepare(run, argc, argv) || !checkpoint_go_on(&run->checkpoint, &run->state, take_checkpoint, run) ||
        !train(run))
        return false;
    if (run->state.history.count == run->settings.epochs)
        return conclude(run);
    checkpoint_explain(&run->checkpoint, run->study->name, &run->state);
    return true;
}

int study_main(const struct study *study, int argc, char **argv)
{
    static struct run run;
    run.study = study;
    enum options_outcome outcome = settings_read(study, &run.settings, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run, argc, argv) && output_arrived(),
         over = run.state.history.count == run.settings.epochs;
    run_close(&run);
    if (good && !over)
        return 128 + checkpoint_signal(); /* as if the signal had ended the program */
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
