/* mnist: trains a network of convolutions and dense layers on MNIST with Mono-Forward. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "checkpoint.h"
#include "complain.h"
#include "data.h"
#include "history.h"
#include "memory.h"
#include "model.h"
#include "parameters.h"
#include "report.h"
#include "settings.h"
#include "signatures.h"
#include "threads.h"
#include "train.h"

#include <stdio.h>
#include <stdlib.h>

/* All that a run holds; zeroed, it can be freed at any point. */
struct run {
    struct settings settings;
    struct data data;
    struct model model;
    struct trainer trainer;
    struct run_state state;
    struct checkpoint checkpoint;
    struct signatures signatures;
};

static bool describe(struct run *run)
{
    struct parameter_counts size;
    if (!parameters_count(run->model.layers, run->model.layer_count, &size) ||
        !model_set_depth(&run->model, run->model.layer_count, run->settings.batch))
        return false;
    struct memory memory;
    if (!memory_compare(&run->model, &run->settings, &memory) ||
        !report_header(&run->settings, &run->data, &run->model, &size, &memory))
        return false;
    if (run->settings.cut == CUT_LAYER)
        signatures_check_memory(&memory, &size);
    report_columns(&run->settings);
    return true;
}

/* A joint run has one stage with all layers; a greedy one a stage per layer, with one more layer each. */
static size_t all_epochs(const struct run *run)
{
    return run->settings.epochs * (run->settings.greedy ? run->model.layer_count : 1);
}

/* Layers of the network in the stage that the next epoch belongs to. */
static size_t stage_depth(const struct run *run)
{
    return run->settings.greedy ? run->state.history.count / run->settings.epochs + 1
                                : run->model.layer_count;
}

static bool stage_begins(const struct run *run)
{
    return run->state.position == 0 && run->state.history.count % run->settings.epochs == 0;
}

/* The schedule of the learning rate begins anew. */
static bool begin_stage(struct run *run)
{
    run->state.step = 0;
    return model_set_depth(&run->model, stage_depth(run), run->settings.batch);
}

/* An epoch has been learned: the next one begins with a clean slate. */
static bool end_epoch(struct run *run, const struct epoch *epoch)
{
    struct run_state *state = &run->state;
    if (!history_add(&state->history, epoch))
        return false;
    state->position = 0;
    state->seconds = 0;
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        state->losses[i] = 0;
    report_epoch(&run->settings, state->history.count, epoch);
    signatures_check_epoch(&run->signatures, &state->history, run->settings.greedy);
    report_plot(&run->settings, &state->history); /* a picture that fails is no reason to stop */
    return keep_epoch(&state->keep, run->model.network, epoch->last, state->history.count) &&
           (!checkpoint_is_due(&run->checkpoint) || trainer_save_state(&run->trainer));
}

static bool run_epoch(struct run *run)
{
    char name[64];
    struct epoch epoch = epoch_blank(run->model.depth);
    const struct subset *judge = run->data.validation.count > 0 ? &run->data.validation : &run->data.test;
    snprintf(name, sizeof name, "epoch %zu of %zu", run->state.history.count + 1, all_epochs(run));
    if (!trainer_run_epoch(&run->trainer, name, &epoch))
        return false;
    if (run->state.position < trainer_epoch_rows(&run->trainer)) /* interrupted */
        return true;
    return trainer_evaluate(&run->trainer, judge, &epoch) && end_epoch(run, &epoch);
}

/* Until the run is over, or interrupted. */
static bool train(struct run *run)
{
    while (run->state.history.count < all_epochs(run)) {
        if (stage_begins(run) && !begin_stage(run))
            return false;
        if (checkpoint_signal() != 0)
            break;
        if (!run_epoch(run))
            return false;
    }
    return trainer_save_state(&run->trainer);
}

static bool conclude(struct run *run)
{
    uint64_t params_hash;
    struct epoch final = epoch_blank(run->model.depth);
    signatures_check_end(&run->state.history);
    if (!trainer_evaluate(&run->trainer, &run->data.test, &final) ||
        !parameters_hash(run->model.layers, run->model.layer_count, &params_hash) ||
        !keep_end(&run->state.keep, run->model.network))
        return false;
    report_result(&run->settings, &run->data, &run->state, &final, params_hash);
    return true;
}

/* ---- going on ---- */

/* Nothing in a file is believed. Behind the last epoch of a stage the network may have one layer less. */
static bool state_is_sound(const struct run *run, size_t depth)
{
    const struct run_state *state = &run->state;
    size_t rows = trainer_epoch_rows(&run->trainer), wanted = stage_depth(run);
    bool over = state->history.count == all_epochs(run);
    for (size_t i = 0; i < state->history.count; i++)
        if (state->history.epochs[i].depth == 0 || state->history.epochs[i].depth > run->model.layer_count)
            return false;
    return state->history.count <= all_epochs(run) && state->position <= rows &&
           (!over || state->position == 0) &&
           (state->position % run->settings.batch == 0 || state->position == rows) &&
           ((depth == wanted && !(over && run->settings.greedy)) ||
            (run->settings.greedy && stage_begins(run) && depth + 1 == wanted));
}

static bool take_checkpoint(void *user, const mf_network *from, size_t depth)
{
    struct run *run = user;
    if (!state_is_sound(run, depth))
        return checkpoint_unsound(&run->checkpoint);
    /* The places of layers get the ids that they have in a run without interruption, which begins with one.
     */
    if ((run->settings.greedy && !model_set_depth(&run->model, 1, run->settings.batch)) ||
        !model_set_depth(&run->model, depth, run->settings.batch) ||
        !checkpoint_take(from, run->model.network))
        return false;
    trainer_catch_up(&run->trainer);
    for (size_t i = 0; i < run->state.history.count; i++)
        report_epoch(&run->settings, i + 1, &run->state.history.epochs[i]);
    return true;
}

/* ---- all of it ---- */

/* Images only count where somebody will compare them. */
static void name_run(struct run *run)
{
    run->state.keep.scaling = data_scaling(&run->data);
    if (run->checkpoint.path != NULL)
        report_run(&run->settings, &run->data, run->checkpoint.options);
}

static bool open_files(struct run *run, int argc, char **argv)
{
    const struct settings *settings = &run->settings;
    run->state.keep = (struct keep){
        .save = settings->save, .onnx = settings->onnx, .by_validation = settings->validation > 0};
    run->checkpoint = (struct checkpoint){
        .path = settings->checkpoint, .every = settings->checkpoint_every, .resume = settings->resume};
    return keep_check(&run->state.keep) && checkpoint_open(&run->checkpoint, argc, argv) &&
           checkpoint_watch(&run->checkpoint);
}

static bool prepare(struct run *run)
{
    const struct settings *settings = &run->settings;
    if (!threads_set(settings->threads))
        return false;
    /* The first picture is empty: a path that cannot be written shows before the training, not after it. */
    return checkpoint_fits(&run->checkpoint,
                           settings->epochs * (settings->greedy ? settings_depth(settings) : 1),
                           settings_depth(settings)) &&
           data_open(&run->data, settings->data, settings->validation, settings->seed) &&
           model_create(&run->model, settings, run->data.test_images.rows, run->data.test_images.columns) &&
           trainer_open(&run->trainer, settings, &run->data, &run->model, &run->state, &run->checkpoint) &&
           report_plot(settings, &run->state.history) && describe(run) &&
           data_describe(run->model.network); /* behind the count of what training holds */
}

static bool run_all(struct run *run, int argc, char **argv)
{
    if (!open_files(run, argc, argv) || !prepare(run))
        return false;
    name_run(run);
    if (!checkpoint_go_on(&run->checkpoint, &run->state, take_checkpoint, run) || !train(run))
        return false;
    if (run->state.history.count == all_epochs(run))
        return conclude(run);
    checkpoint_explain(&run->checkpoint, "mnist", &run->state);
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    enum options_outcome outcome = settings_read(&run.settings, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run, argc, argv) && output_arrived();
    bool over = run.state.history.count == all_epochs(&run);
    trainer_close(&run.trainer);
    model_free(&run.model);
    data_free(&run.data);
    history_free(&run.state.history);
    if (good && !over)
        return 128 + checkpoint_signal(); /* as if the signal had ended the program */
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
