/* SPDX-License-Identifier: MIT */
#include "mpi_settings.h"

#include "complain.h"

#include "monoforward_mpi.h"

#include <string.h>

enum { MOST_WORDS = 256 };

const char *const mode_names[] = {
    [MODE_PIPELINE] = "pipeline", [MODE_DATA] = "data", [MODE_HYBRID] = "hybrid", NULL};
const char *const wire_names[] = {[MF_MPI_WIRE_FLOAT32] = "float32", [MF_MPI_WIRE_BF16] = "bf16", NULL};

static const char summary[] =
    "Trains the networks of mnist on the ranks that mpirun has started. Besides the options of mnist, which\n"
    "`mnist --help` tells (all but --plot, --export, --validation and --cut), it takes these. One of these "
    "words\n"
    "comes with its value behind it: --mode pipeline, not --mode=pipeline.";

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

static bool make_sense(const struct settings *settings)
{
    if (settings->plot != NULL || settings->onnx != NULL || settings->validation > 0 ||
        settings->cut == CUT_NONE)
        return complain("--plot, --export, --validation and --cut are for mnist");
    return true;
}

/* One thread a rank, unless the command line says otherwise. */
enum options_outcome mpi_settings_read(struct settings *settings, struct mpi_settings *mpi, int argc,
                                       char **argv)
{
    static char workers[] = "--workers", none[] = "0";
    char *own[MOST_WORDS] = {argv[0]}, *others[MOST_WORDS] = {argv[0], workers, none};
    int own_count = 1, other_count = 3;
    for (int i = 1; i < argc && other_count + 2 < MOST_WORDS; i++) {
        bool mine = is_own(argv[i]) || strcmp(argv[i], "--help") == 0;
        if (mine)
            own[own_count++] = argv[i];
        else
            others[other_count++] = argv[i];
        if (mine && is_own(argv[i]) && i + 1 < argc)
            own[own_count++] = argv[++i];
    }
    *mpi = (struct mpi_settings){.replicas = 2};
    enum options_outcome outcome = read_own(mpi, own_count, own);
    if (outcome == OPTIONS_READ)
        outcome = settings_read(settings, other_count, others);
    return outcome == OPTIONS_READ && !make_sense(settings) ? OPTIONS_WRONG : outcome;
}
