/* SPDX-License-Identifier: MIT */
#include "train.h"

#include "clock.h"
#include "complain.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PURPOSE_SHUFFLING = 100, PURPOSE_CHANGING };

/* Every seed has the same validation rows: seeds vary the start and the order, not the task. */
enum { SPLIT_SEED = 1 };

static const double cut = 0.25;

bool trainer_open(struct trainer *trainer, const struct settings *settings, const struct dataset *set)
{
    *trainer = (struct trainer){
        .settings = settings,
        .set = set,
        .shuffling = {random_derive(settings->seed, PURPOSE_SHUFFLING)},
        .changing = {random_derive(settings->seed, PURPOSE_CHANGING)},
        .inputs = calloc(settings->batch, set->features * sizeof(float)),
        .labels = calloc(settings->batch, sizeof(int32_t)),
    };
    if (!trainer->inputs || !trainer->labels)
        return complain("no memory for a batch of %zu rows", settings->batch);
    if (settings->validation >= set->train.count)
        return complain("--validation %zu leaves nothing of %zu rows to learn from", settings->validation,
                        set->train.count);
    if (!dataset_allows(set, (enum dataset_change)settings->change))
        return complain("%s cannot be changed by --augment like that", set->name);
    return dataset_split_open(&trainer->split, set, settings->validation, SPLIT_SEED) &&
           learner_open(&trainer->learner, settings, set);
}

void trainer_close(struct trainer *trainer)
{
    learner_close(&trainer->learner);
    curve_free(&trainer->curve);
    dataset_split_free(&trainer->split);
    free(trainer->inputs);
    free(trainer->labels);
    free(trainer->best);
    *trainer = (struct trainer){0};
}

bool trainer_judge(struct trainer *trainer, const struct dataset_part *part, const uint32_t *order,
                   size_t count, struct answers *answers)
{
    size_t batch = trainer->settings->batch;
    *answers = (struct answers){.rows = 0};
    for (size_t first = 0; first < count; first += batch) {
        size_t rows = count - first < batch ? count - first : batch;
        dataset_gather(trainer->set, part, order, first, rows, CHANGE_NONE, NULL, trainer->inputs,
                       trainer->labels);
        if (!learner_evaluate(&trainer->learner, rows, trainer->inputs, trainer->labels, answers))
            return false;
    }
    return true;
}

/* ---- one pass ---- */

/* `total` steps of a cosine, or 0 for a rate that stays. */
static enum learned learn_batch(struct trainer *trainer, size_t first, size_t rows, double rate,
                                uint64_t step, uint64_t total, double *losses)
{
    if (total > 0)
        rate *= mf_schedule_cosine(step, total, 0);
    dataset_gather(trainer->set, &trainer->set->train, trainer->split.train, first, rows,
                   (enum dataset_change)trainer->settings->change, &trainer->changing, trainer->inputs,
                   trainer->labels);
    if (!learner_set_rate(&trainer->learner, rate))
        return LEARNED_NOTHING;
    return learner_step(&trainer->learner, rows, trainer->inputs, trainer->labels, losses);
}

static enum learned learn_pass(struct trainer *trainer, size_t number, double rate, bool cosine,
                               struct pass *pass)
{
    const struct settings *s = trainer->settings;
    size_t count = trainer->split.train_count, done = 0;
    uint64_t steps = (count + s->batch - 1) / s->batch, step = number * steps;
    uint64_t total = cosine ? steps * s->epochs : 0;
    double losses[SIZE_LIST_CAPACITY] = {0}, started = clock_seconds();
    enum learned outcome = LEARNED;
    struct progress progress;
    char name[64];
    snprintf(name, sizeof name, "pass %zu", trainer->curve.count + 1);
    progress_start(&progress, name, count, 0);
    random_shuffle(&trainer->shuffling, trainer->split.train, trainer->split.train_count);
    while (outcome == LEARNED && done < count) {
        size_t rows = count - done < s->batch ? count - done : s->batch;
        progress_show(&progress, done);
        outcome = learn_batch(trainer, done, rows, rate, step++, total, losses);
        done += rows;
    }
    if (outcome == LEARNED)
        outcome = learner_rest(&trainer->learner, losses);
    progress_end(&progress);
    trainer->learned += clock_seconds() - started;
    trainer->rows += count;
    pass->seconds = trainer->learned;
    pass->rate = rate;
    for (size_t i = pass->first; i < pass->depth; i++)
        pass->train_loss[i] = losses[i] / (double)count;
    return outcome;
}

static bool judge_pass(struct trainer *trainer, struct pass *pass)
{
    struct answers answers;
    for (size_t i = 0; i <= pass->depth; i++)
        pass->loss[i] = pass->accuracy[i] = NAN;
    if (trainer->split.validation_count == 0)
        return true;
    if (!trainer_judge(trainer, &trainer->set->train, trainer->split.validation,
                       trainer->split.validation_count, &answers))
        return false;
    for (size_t i = 0; i <= pass->depth; i++) {
        pass->loss[i] = answers.loss[i] / (double)answers.rows;
        pass->accuracy[i] = 100 * (double)answers.correct[i] / (double)answers.rows;
    }
    return true;
}

/* A pass and its verdict. `accuracy` is that of the last layer. False also when the run has diverged. */
static bool run_pass(struct trainer *trainer, size_t number, double rate, bool cosine, double *accuracy)
{
    struct pass pass = {.depth = trainer->learner.depth, .first = learner_first(&trainer->learner)};
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        pass.train_loss[i] = NAN;
    enum learned outcome = learn_pass(trainer, number, rate, cosine, &pass);
    trainer->diverged = outcome == LEARNED_NOT_FINITE;
    if (outcome != LEARNED || !judge_pass(trainer, &pass))
        return false;
    *accuracy = pass.accuracy[pass.depth - 1];
    return curve_add(&trainer->curve, &pass);
}

/* ---- the course of a run ---- */

static bool keep_best(struct trainer *trainer)
{
    trainer->best_pass = trainer->curve.count;
    return learner_state_save(&trainer->learner, trainer->best, trainer->best_bytes);
}

static bool make_room(struct trainer *trainer)
{
    free(trainer->best);
    trainer->best = NULL;
    if (!learner_state_size(&trainer->learner, &trainer->best_bytes))
        return false;
    trainer->best = malloc(trainer->best_bytes);
    return trainer->best || complain("no memory to keep the best state: %zu bytes", trainer->best_bytes);
}

/* Until the layers that learn have converged. A pass that diverges ends the run. */
static bool converge(struct trainer *trainer)
{
    const struct settings *s = trainer->settings;
    double rate = s->learning_rate, best = -1, accuracy = 0;
    size_t cuts = 0, waited = 0;
    if (!make_room(trainer))
        return false;
    for (size_t number = 0; number < s->epochs; number++) {
        if (!run_pass(trainer, number, rate, false, &accuracy))
            return false;
        waited++;
        if (accuracy > best) {
            best = accuracy;
            waited = 0;
            if (!keep_best(trainer))
                return false;
        }
        if (waited < s->patience)
            continue;
        if (cuts++ == s->cuts)
            break;
        rate *= cut;
        waited = 0;
        if (!learner_state_load(&trainer->learner, trainer->best, trainer->best_bytes))
            return false;
    }
    return learner_state_load(&trainer->learner, trainer->best, trainer->best_bytes);
}

static bool run_budget(struct trainer *trainer)
{
    double accuracy;
    for (size_t number = 0; number < trainer->settings->epochs; number++)
        if (!run_pass(trainer, number, trainer->settings->learning_rate, true, &accuracy))
            return false;
    trainer->best_pass = trainer->curve.count;
    return true;
}

bool trainer_run(struct trainer *trainer)
{
    bool greedy = trainer->settings->method == METHOD_GREEDY;
    size_t stages = greedy ? trainer->learner.layers : 1;
    for (size_t stage = 0; stage < stages; stage++) {
        if (greedy && !learner_grow(&trainer->learner))
            return false;
        if (!(trainer->settings->patience > 0 ? converge(trainer) : run_budget(trainer)))
            return trainer->diverged;
    }
    return true;
}
