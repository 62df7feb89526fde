/* info: what is in a model file: units, shapes, parameters, memory, metadata. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "complain.h"
#include "notes.h"
#include "options.h"
#include "parameters.h"

#include "monoforward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_NAME = 60, SHOWN_VALUE = 200 };

struct run {
    const char *model;
    size_t batch;
    mf_network *network;
    bool training; /* the file has its state */
};

/* With the state of training, if it has one. */
static bool load(struct run *run)
{
    mf_load_spec spec;
    if (!library_ok(mf_load_spec_init(&spec, sizeof spec)))
        return false;
    spec.contents = MF_CONTENTS_TRAINING;
    mf_status status = mf_network_load(&spec, run->model, &run->network);
    run->training = status == MF_STATUS_OK;
    if (status == MF_STATUS_STATE)
        status = mf_network_load(NULL, run->model, &run->network);
    return status == MF_STATUS_OK || complain("cannot load %s: %s", run->model, mf_last_message());
}

static bool print_summary(const struct run *run)
{
    size_t needed = 0;
    mf_status status = mf_network_summary(run->network, run->batch, NULL, 0, &needed);
    if (status != MF_STATUS_CAPACITY)
        return library_ok(status);
    char *text = malloc(needed);
    if (text == NULL)
        return complain("no memory for %zu bytes of text", needed);
    bool good = library_ok(mf_network_summary(run->network, run->batch, text, needed, NULL));
    if (good)
        fputs(text, stdout);
    free(text);
    return good;
}

static bool print_metadata(const struct run *run, size_t *count)
{
    if (!library_ok(mf_network_metadata_count(run->network, count)))
        return false;
    printf("\n%s\n", *count > 0 ? "metadata:" : "no metadata");
    for (size_t i = 0; i < *count; i++) {
        const char *name = NULL, *value = NULL;
        if (!library_ok(mf_network_metadata_at(run->network, i, &name, &value)))
            return false;
        fputs("  ", stdout);
        notes_print(stdout, name, strlen(name), SHOWN_NAME);
        fputs(": ", stdout);
        notes_print(stdout, value, strlen(value), SHOWN_VALUE);
        putchar('\n');
    }
    return true;
}

static bool count_parameters(const struct run *run, size_t *layers, size_t *parameters)
{
    *parameters = 0;
    if (!library_ok(mf_network_size(run->network, layers)))
        return false;
    for (size_t i = 0; i < *layers; i++) {
        struct parameter_counts counts;
        mf_layer *layer = NULL;
        if (!library_ok(mf_network_layer(run->network, i, &layer, NULL)) ||
            !parameters_count(&layer, 1, &counts))
            return false;
        *parameters += counts.all;
    }
    return true;
}

static bool run_all(struct run *run)
{
    size_t layers = 0, parameters = 0, metadata = 0, bytes = 0;
    if (!load(run) || !count_parameters(run, &layers, &parameters) ||
        !library_ok(mf_network_save_size(run->network, MF_CONTENTS_MODEL, &bytes)))
        return false;
    printf("%s: %zu layers, %zu parameters, %zu bytes without the state of training, which is %s\n\n",
           run->model, layers, parameters, bytes, run->training ? "there" : "not there");
    if (!print_summary(run) || !print_metadata(run, &metadata))
        return false;
    printf("\nresult example=info layers=%zu parameters=%zu bytes=%zu training=%s metadata=%zu\n", layers,
           parameters, bytes, run->training ? "yes" : "no", metadata);
    return true;
}

int main(int argc, char **argv)
{
    struct run run = {.batch = 128};
    const struct option_rule rules[] = {
        option_operand("MODEL", "model file, or checkpoint", &run.model),
        option_count("batch", "rows of a batch, for the memory that training takes (128)", &run.batch, 1,
                     1e9),
    };
    enum options_outcome outcome =
        options_read(argc, argv, "Tells what is in a model file.", rules, sizeof rules / sizeof rules[0]);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run) && output_arrived();
    mf_network_free(run.network);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
