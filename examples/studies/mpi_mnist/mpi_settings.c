/* SPDX-License-Identifier: MIT */
#include "mpi_settings.h"

#include "complain.h"

#include "monoforward_mpi.h"

#include <stdlib.h>
#include <string.h>

const char *const mode_names[] = {
    [MODE_PIPELINE] = "pipeline", [MODE_DATA] = "data", [MODE_HYBRID] = "hybrid", NULL};
const char *const wire_names[] = {[MF_MPI_WIRE_FLOAT32] = "float32", [MF_MPI_WIRE_BF16] = "bf16", NULL};

static const char summary[] =
    "Trains the networks of mnist on the ranks that mpirun has started. Besides the options of mnist, which\n"
    "`mnist --help` tells (all but --plot, --export, --validation, --cut and --checkpoint-every), it takes\n"
    "these. One of these words comes with its value behind it: --mode pipeline, not --mode=pipeline.\n"
    "--checkpoint saves the run behind every epoch: Ctrl-C ends it at once, and --resume goes on from there.";

static enum options_outcome read_own(struct mpi_settings *mpi, int count, char **words)
{
    const struct option_rule rules[] = {
        option_choice("mode", "ranks hold layers, share batches, or both (pipeline)", &mpi->mode, mode_names),
        option_count("replicas", "of a hybrid run: ranks that share the layers of a stage (2)",
                     &mpi->replicas, 1, 65536),
        option_choice("wire", "how activations travel; bf16 changes the bits (float32)", &mpi->wire,
                      wire_names),
        option_count(
            "average-every",
            "steps that replicas make on their own until parameters are averaged; 0: gradients are (0)",
            &mpi->average_every, 0, 1e9),
    };
    return options_read(count, words, summary, rules, sizeof rules / sizeof rules[0]);
}

static bool is_own(const char *word)
{
    static const char *const own[] = {"--mode", "--replicas", "--wire", "--average-every"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(word, own[i]) == 0)
            return true;
    return false;
}

struct words {
    int count;
    char **list;
};

static void add(struct words *to, char *word)
{
    to->list[to->count++] = word;
}

/* Those about ranks, each with its value, and those that mnist knows. */
static bool share_out(int argc, char **argv, struct words *own, struct words *others)
{
    static const char every[] = "--checkpoint-every";
    for (int i = 1; i < argc; i++) {
        bool mine = is_own(argv[i]);
        if (strncmp(argv[i], every, strlen(every)) == 0)
            return complain("%s is for mnist: ranks save behind every epoch", every);
        add(mine || strcmp(argv[i], "--help") == 0 ? own : others, argv[i]);
        if (mine && i + 1 < argc)
            add(own, argv[++i]);
    }
    return true;
}

static bool make_sense(const struct settings *settings)
{
    if (settings->plot != NULL || settings->onnx != NULL || settings->validation > 0 ||
        settings->cut == CUT_NONE)
        return complain("--plot, --export, --validation and --cut are for mnist");
    return true;
}

static enum options_outcome read_both(struct settings *settings, struct mpi_settings *mpi,
                                      const struct words *own, const struct words *others)
{
    enum options_outcome outcome = read_own(mpi, own->count, own->list);
    if (outcome == OPTIONS_READ)
        outcome = settings_read(settings, others->count, others->list);
    return outcome == OPTIONS_READ && !make_sense(settings) ? OPTIONS_WRONG : outcome;
}

/* One thread a rank, unless the command line says otherwise. */
enum options_outcome mpi_settings_read(struct settings *settings, struct mpi_settings *mpi, int argc,
                                       char **argv)
{
    static char workers[] = "--workers", none[] = "0";
    size_t most = (size_t)argc + 2;
    char **room = calloc(2 * most, sizeof *room);
    struct words own = {0, room}, others = {0, room + most}; /* either has room for all */
    enum options_outcome outcome = OPTIONS_WRONG;
    *mpi = (struct mpi_settings){.replicas = 2};
    if (room == NULL) {
        complain("no memory for %d words", argc);
        return outcome;
    }
    add(&own, argv[0]);
    add(&others, argv[0]);
    add(&others, workers);
    add(&others, none);
    if (share_out(argc, argv, &own, &others))
        outcome = read_both(settings, mpi, &own, &others);
    free(room);
    return outcome;
}
