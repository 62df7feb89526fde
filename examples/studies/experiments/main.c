/* experiment: one training run, or one measurement, into the tables of an experiment. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "complain.h"
#include "datasets.h"
#include "measures.h"
#include "outcome.h"
#include "settings.h"
#include "threads.h"
#include "train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SKIPPED = 77 };

static struct dataset_options options_of(const struct settings *settings)
{
    return (struct dataset_options){
        .folder = settings->folder,
        .seed = 1,
        .train_limit = settings->limit,
        .test_limit = settings->limit,
        .columns = settings->columns,
        .stand_in = settings->drawn,
    };
}

/* A data set of the table that this machine does not have is no mistake. */
static bool is_missing(const struct settings *settings)
{
    const struct dataset_options options = options_of(settings);
    bool named = false;
    for (size_t i = 0; dataset_name(i) != NULL; i++)
        named = named || strcmp(dataset_name(i), settings->data) == 0;
    if (!named || settings->drawn || dataset_found(settings->data, &options))
        return false;
    fprintf(stderr, "skip: runs on %s: the data set was not found (see --folder)\n", settings->data);
    return true;
}

static bool run(const struct settings *settings, const struct dataset *set)
{
    struct outcome outcome = {.settings = settings, .set = set};
    if (!outcome_fits(settings))
        return false;
    if (settings->measure == MEASURE_MEMORY)
        return measure_memory(settings, set, &outcome.costs) && outcome_write(&outcome);
    if (settings->measure == MEASURE_ANSWERS)
        return measure_answers(settings, set, &outcome.costs) && outcome_write(&outcome);
    struct trainer trainer;
    bool good = trainer_open(&trainer, settings, set) && trainer_run(&trainer) &&
                (trainer.diverged || trainer_judge(&trainer, &set->train, trainer.split.validation,
                                                   trainer.split.validation_count, &outcome.validation)) &&
                (settings->choice || trainer.diverged ||
                 trainer_judge(&trainer, &set->test, NULL, set->test.count, &outcome.test));
    outcome.trainer = &trainer;
    good = good && outcome_write(&outcome);
    trainer_close(&trainer);
    return good;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct dataset set = {.name = ""};
    enum options_outcome outcome = settings_read(&settings, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    if (is_missing(&settings))
        return EXIT_SKIPPED;
    const struct dataset_options options = options_of(&settings);
    bool good = threads_set(settings.threads) && dataset_load(settings.data, &options, &set) &&
                run(&settings, &set) && output_arrived();
    dataset_free(&set);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
