/* hotplug: plugs layers into trained networks, takes them out, moves them between data sets. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "complain.h"
#include "picture.h"
#include "run.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>

static bool wanted(const struct run *run, int32_t part)
{
    return run->settings.part == PART_ALL || run->settings.part == part;
}

static bool run_all(struct run *run)
{
    const struct settings *settings = &run->settings;
    /* The first picture is empty: a path that cannot be written shows before the training, not after it. */
    bool good = (settings->plot == NULL || picture_write(settings->plot, "", NULL, 0, 0)) &&
                threads_set(settings->threads);
    good = good && data_open(&run->data, settings) &&
           choice_open(&run->large, &run->data.large, 0, DIGIT_CLASSES, settings->seed) &&
           (!wanted(run, PART_TRANSFER) || transfer_fits(run));
    if (good && run->data.drawn)
        printf("There is no data: all digits are drawn. Figures say little about real ones.\n");
    return good && (!wanted(run, PART_DEPTH) || show_depth(run)) &&
           (!wanted(run, PART_REMOVE) || show_removal(run)) &&
           (!wanted(run, PART_TRANSFER) || show_transfer(run));
}

int main(int argc, char **argv)
{
    static struct run run;
    enum options_outcome outcome = settings_read(&run.settings, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run);
    report_end(&run.report); /* of a run that has failed, what there is */
    good = good && output_arrived();
    stack_close(&run.full);
    choice_free(&run.large);
    data_free(&run.data);
    report_free(&run.report);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
