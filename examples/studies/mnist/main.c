/* mnist: trains a network of convolutions and dense layers on MNIST with Mono-Forward. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
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
    struct history history;
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

static bool run_epoch(struct run *run, size_t epochs)
{
    char name[64];
    struct epoch epoch = epoch_blank(run->model.depth);
    const struct subset *judge = run->data.validation.count > 0 ? &run->data.validation : &run->data.test;
    snprintf(name, sizeof name, "epoch %zu of %zu", run->history.count + 1, epochs);
    if (!trainer_run_epoch(&run->trainer, name, &epoch) || !trainer_evaluate(&run->trainer, judge, &epoch) ||
        !history_add(&run->history, &epoch))
        return false;
    report_epoch(&run->settings, run->history.count, &epoch);
    signatures_check_epoch(&run->signatures, &run->history, run->settings.greedy);
    return report_plot(&run->settings, &run->history);
}

/* A joint run has one stage with all layers; a greedy one a stage per layer, with one more layer each. */
static bool train(struct run *run)
{
    size_t layers = run->model.layer_count, epochs = run->settings.epochs;
    size_t stages = run->settings.greedy ? layers : 1;
    for (size_t stage = 0; stage < stages; stage++) {
        if (!trainer_begin(&run->trainer, run->settings.greedy ? stage + 1 : layers))
            return false;
        for (size_t i = 0; i < epochs; i++)
            if (!run_epoch(run, stages * epochs))
                return false;
    }
    return true;
}

static bool conclude(struct run *run)
{
    uint64_t params_hash;
    struct epoch final = epoch_blank(run->model.depth);
    signatures_check_end(&run->history);
    if (!trainer_evaluate(&run->trainer, &run->data.test, &final) ||
        !parameters_hash(run->model.layers, run->model.layer_count, &params_hash))
        return false;
    report_result(&run->settings, &run->data, &run->history, &final, params_hash);
    return true;
}

static bool run_all(struct run *run)
{
    const struct settings *settings = &run->settings;
    if (!threads_set(settings->threads))
        return false;
    /* The first picture is empty: a path that cannot be written shows before the training, not after it. */
    return data_open(&run->data, settings->data, settings->validation, settings->seed) &&
           model_create(&run->model, settings, run->data.test_images.rows, run->data.test_images.columns) &&
           trainer_open(&run->trainer, settings, &run->data, &run->model) &&
           report_plot(settings, &run->history) && describe(run) && train(run) && conclude(run);
}

int main(int argc, char **argv)
{
    static struct run run;
    enum options_outcome outcome = settings_read(&run.settings, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run);
    trainer_close(&run.trainer);
    model_free(&run.model);
    data_free(&run.data);
    history_free(&run.history);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
