/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "clock.h"
#include "complain.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PURPOSE_SHUFFLING = 100, PURPOSE_AUGMENTING };

bool run_open(struct run *run)
{
    const struct source *source = &run->source;
    mf_workspace_spec spec;
    run->shuffling.state = random_derive(run->settings.seed, PURPOSE_SHUFFLING);
    run->augmenting.state = random_derive(run->settings.seed, PURPOSE_AUGMENTING);
    run->inputs = calloc(run->settings.batch, source->features * sizeof *run->inputs);
    run->labels = calloc(run->settings.batch, source->positions * sizeof *run->labels);
    if (run->inputs == NULL || run->labels == NULL)
        return complain("no memory for a batch of %zu rows", run->settings.batch);
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.purpose = MF_WORKSPACE_INFERENCE;
    spec.network = run->model.network;
    spec.max_batch = run->settings.batch;
    spec.pool = run->model.pool;
    return library_ok(mf_workspace_create(&spec, &run->judge));
}

void run_close(struct run *run)
{
    mf_workspace_free(run->judge);
    model_free(&run->model);
    source_free(&run->source);
    history_free(&run->state.history);
    free(run->inputs);
    free(run->labels);
}

/* ---- learning ---- */

/* The schedule is one cosine over all passes, behind a rise. */
static double learning_rate(const struct run *run)
{
    const struct settings *settings = &run->settings;
    const uint64_t steps = (run->source.rows[PART_TRAIN] + settings->batch - 1) / settings->batch;
    const uint64_t all = steps * settings->epochs;
    const double rising = settings->warmup * (double)all, next = (double)run->state.step + 1;
    double rate = settings->learning_rate * mf_schedule_cosine(run->state.step, all, 0);
    return next < rising ? rate * next / rising : rate;
}

static bool learn_batch(struct run *run, size_t rows)
{
    struct training *training = &run->model.training;
    source_batch(&run->source, PART_TRAIN, (size_t)run->state.position, rows,
                 run->settings.augment ? &run->augmenting : NULL, run->inputs, run->labels);
    if (!library_ok(mf_optimizer_set(run->model.optimizer, MF_OPTIMIZER_LEARNING_RATE, learning_rate(run))))
        return false;
    run->state.step++;
    run->state.position += rows;
    return library_ok(training_step(training, rows, run->inputs, run->labels)) &&
           training_add_losses(training, 0, run->state.losses);
}

void run_catch_up(struct run *run)
{
    for (size_t i = 0; i < run->state.history.count; i++)
        random_shuffle(&run->shuffling, run->source.order, run->source.rows[PART_TRAIN]);
    run->augmenting.state = run->state.augmenting;
}

bool run_save_state(struct run *run)
{
    run->state.augmenting = run->augmenting.state;
    return library_ok(training_finish(&run->model.training, run->state.losses)) &&
           checkpoint_write(&run->checkpoint, run->model.network, &run->state);
}

static bool learn_rows(struct run *run, struct progress *progress)
{
    struct run_state *state = &run->state;
    const size_t count = run->source.rows[PART_TRAIN], batch = run->settings.batch;
    const double started = clock_seconds() - state->seconds;
    const double worked = clock_processor_seconds() - state->elapsed;
    bool good = true;
    while (good && state->position < count && checkpoint_signal() == 0) {
        size_t left = count - (size_t)state->position;
        progress_show(progress, (size_t)state->position);
        good = learn_batch(run, left < batch ? left : batch);
        state->seconds = clock_seconds() - started;
        state->elapsed = clock_processor_seconds() - worked;
        if (good && checkpoint_is_due(&run->checkpoint))
            good = run_save_state(run);
    }
    good = good && library_ok(training_finish(&run->model.training, state->losses));
    state->seconds = clock_seconds() - started;
    state->elapsed = clock_processor_seconds() - worked;
    return good;
}

bool run_learn(struct run *run, struct epoch *epoch)
{
    const struct run_state *state = &run->state;
    struct progress progress;
    char name[64];
    snprintf(name, sizeof name, "epoch %zu of %zu", state->history.count + 1, run->settings.epochs);
    progress_start(&progress, name, run->source.rows[PART_TRAIN], state->seconds);
    random_shuffle(&run->shuffling, run->source.order, run->source.rows[PART_TRAIN]);
    bool good = learn_rows(run, &progress);
    progress_end(&progress);

    epoch->seconds = state->seconds;
    epoch->samples_per_second = (double)state->position / state->seconds;
    for (size_t i = 0; i < run->model.layer_count; i++) /* a loss counts the positions of a row once each */
        epoch->loss[i] = state->losses[i] / (double)(state->position * run->source.positions);
    return good;
}

/* ---- judging ---- */

/* Sums over rows, or positions: of the layers, and behind them of the sum of their goodness. */
struct tally {
    double loss[MOST_LAYERS + 1], correct[MOST_LAYERS + 1];
};

static void add_report(struct tally *tally, size_t at, const mf_report *report)
{
    tally->loss[at] += report->loss * (double)report->rows;
    tally->correct[at] += (double)report->correct;
}

static bool judge_batch(struct run *run, enum source_part part, size_t first, size_t rows,
                        struct tally *tally)
{
    mf_report report = {.struct_size = sizeof report};
    const size_t layers = run->model.layer_count;
    source_batch(&run->source, part, first, rows, NULL, run->inputs, run->labels);
    if (!library_ok(mf_network_evaluate(run->model.network, run->judge, rows, run->inputs, run->labels)))
        return false;
    for (size_t i = 0; i < layers; i++) {
        if (!library_ok(mf_workspace_report(run->judge, i, &report)))
            return false;
        add_report(tally, i, &report);
    }
    if (!library_ok(mf_workspace_report_sum(run->judge, &report)))
        return false;
    add_report(tally, layers, &report);
    return true;
}

bool run_judge(struct run *run, enum source_part part, struct epoch *epoch)
{
    struct tally tally = {0};
    double scores[MOST_LAYERS + 1];
    const size_t all = run->source.rows[part], layers = run->model.layer_count, batch = run->settings.batch;
    const double count = (double)(all * run->source.positions);
    for (size_t first = 0; first < all; first += batch)
        if (!judge_batch(run, part, first, all - first < batch ? all - first : batch, &tally))
            return false;
    for (size_t i = 0; i <= layers; i++)
        scores[i] = run->source.text ? exp(tally.loss[i] / count) : 100 * tally.correct[i] / count;
    for (size_t i = 0; i < layers; i++)
        epoch->accuracy[i] = scores[i];
    epoch->last = scores[layers - 1];
    epoch->sum = scores[layers];
    return true;
}

enum source_part run_watched(const struct run *run)
{
    return run->source.rows[PART_VALIDATION] > 0 ? PART_VALIDATION : PART_TEST;
}

size_t run_best(const struct run *run, const struct epoch *epoch)
{
    size_t best = 0;
    for (size_t i = 1; i < epoch->depth; i++)
        if (run->source.text ? epoch->accuracy[i] < epoch->accuracy[best]
                             : epoch->accuracy[i] > epoch->accuracy[best])
            best = i;
    return best;
}

double run_seconds(const struct run *run)
{
    double seconds = run->state.seconds;
    for (size_t i = 0; i < run->state.history.count; i++)
        seconds += run->state.history.epochs[i].seconds;
    return seconds;
}
