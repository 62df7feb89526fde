/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "complain.h"
#include "dataset.h"
#include "updates.h"

#include "monoforward.h"

#include <stdio.h>
#include <string.h>

const char *const method_names[] = {[METHOD_MF] = "mf",
                                    [METHOD_GREEDY] = "mf-greedy",
                                    [METHOD_PIPELINED] = "mf-pipelined",
                                    [METHOD_BP] = "bp",
                                    [METHOD_BP_ACCUMULATE] = "bp-accumulate",
                                    [METHOD_LINEAR] = "linear",
                                    NULL};

const char *const measure_names[] = {
    [MEASURE_ACCURACY] = "accuracy", [MEASURE_MEMORY] = "memory", [MEASURE_ANSWERS] = "answers", NULL};

static const char *const init_names[] = {"kaiming", "zero", "orthogonal", "normal", NULL};
static const char *const freeze_names[] = {
    [FREEZE_NOTHING] = "nothing", [FREEZE_PROJECTION] = "projection", NULL};
/* All but the mirror, which only a judge can use: images that are all mirrored are another task. */
static const char *const change_names[] = {
    [CHANGE_NONE] = "none",     [CHANGE_CROPS] = "crops",     [CHANGE_JITTER] = "jitter",
    [CHANGE_AFFINE] = "affine", [CHANGE_ELASTIC] = "elastic", NULL};

static const char summary[] =
    "One training run of the experiments: Mono-Forward or the baseline, backpropagation, by the same rules.\n"
    "Everything is chosen by a validation split of the training set; the test set is looked at once, at the\n"
    "end. run.sh goes through whole experiments.";

static enum options_outcome read_words(struct settings *s, int argc, char **argv)
{
    const struct option_rule rules[] = {
        option_text("run", "NAME", "name of the run in the tables (run)", &s->run),
        option_text("group", "NAME", "what the run is one of (the run)", &s->group),
        option_text("out", "PREFIX", "write to PREFIX.csv and PREFIX-curves.csv", &s->out),
        option_text("data", "SET", "data set: a name or a folder (mnist)", &s->data),
        option_text("folder", "DIR", "where names are looked for first", &s->folder),
        option_flag("drawn", "draw images where the data set is not found", &s->drawn),
        option_choice("method", "how the network learns (mf)", &s->method, method_names),
        option_choice("measure", "what the run is for (accuracy)", &s->measure, measure_names),
        option_sizes("conv", "filters of 3 x 3 convolutions, each averaged over 2 x 2 (none)", &s->conv, 1,
                     4096),
        option_count("head", "projections of convolutions read maps averaged to N x N; 0: as they are (0)",
                     &s->head, 0, 64),
        option_sizes("hidden", "neurons of each dense layer (1000,1000)", &s->hidden, 1, 65536),
        option_count("epochs", "passes over the training rows, of a greedy run for each layer (10)",
                     &s->epochs, 1, 1e6),
        option_count("patience",
                     "passes without a better validation accuracy until the learning rate is cut by 4; 0: it "
                     "falls as a cosine (0)",
                     &s->patience, 0, 1e6),
        option_count("cuts", "with patience: cuts before the run ends (2)", &s->cuts, 0, 20),
        option_count("batch", "rows of a step (128)", &s->batch, 1, 1e6),
        option_count("validation", "rows held out of the training set (5000)", &s->validation, 0, 1e9),
        option_count("limit", "use so many training and test rows; 0: all (0)", &s->limit, 0, 1e9),
        option_count("columns", "of texts, a power of two (4096)", &s->columns, 0, 1 << 20),
        option_choice("optimizer", "update rule (adam)", &s->optimizer, update_names),
        option_number("learning-rate", "step size (0.001)", &s->learning_rate, 1e-12, 1e6),
        option_number("weight-decay", "decay of weights and projections (0)", &s->weight_decay, 0, 1e6),
        option_number("weight-gain", "scale of the weights at the start (1)", &s->weight_gain, 1e-9, 1e6),
        option_choice("init-projection", "how projections start (kaiming)", &s->init_projection, init_names),
        option_number("projection-gain", "scale of the projections at the start (1)", &s->projection_gain,
                      1e-9, 1e6),
        option_choice("freeze", "what does not learn (nothing)", &s->freeze, freeze_names),
        option_count("rank", "largest rank of the projections; 0: any (0)", &s->rank, 0, 1e6),
        option_choice("augment", "random changes to training images (none)", &s->change, change_names),
        option_count("accumulate", "bp-accumulate: rows that go through at a time (1000)", &s->accumulate, 1,
                     1e6),
        option_flag("choice", "chooses settings: the test set is not looked at", &s->choice),
        option_seed("seed", "equal seeds repeat a run (1)", &s->seed),
        option_count("threads", "of the BLAS library (1)", &s->threads, 1, 1024),
        option_count("workers", "of mf-pipelined (2)", &s->workers, 1, 64),
    };
    return options_read(argc, argv, summary, rules, sizeof rules / sizeof rules[0]);
}

static bool make_sense(const struct settings *s)
{
    bool forward = settings_is_forward(s);
    if (s->hidden.count + s->conv.count == 0 && s->method != METHOD_LINEAR)
        return complain("a network needs layers: see --hidden and --conv");
    if (s->hidden.count + s->conv.count > SIZE_LIST_CAPACITY)
        return complain("%zu layers are more than %d", s->hidden.count + s->conv.count, SIZE_LIST_CAPACITY);
    if (!forward && s->conv.count > 0 && (s->method != METHOD_BP || s->hidden.count > 0))
        return complain("--method %s does not know --conv%s", method_names[s->method],
                        s->method == METHOD_BP ? " together with --hidden" : "");
    if (!forward && (s->rank > 0 || s->freeze != FREEZE_NOTHING))
        return complain("--method %s has no projections: no --rank, no --freeze", method_names[s->method]);
    if (s->method == METHOD_PIPELINED && s->rank > 0)
        return complain("--method %s has no moment to limit projections in: no --rank",
                        method_names[s->method]);
    if (!forward && s->conv.count == 0 &&
        (s->init_projection != MF_INIT_KAIMING_UNIFORM || s->projection_gain != 1))
        return complain("--method %s has no projections that start anyhow: no --init-projection, no "
                        "--projection-gain",
                        method_names[s->method]);
    if (s->method == METHOD_LINEAR && s->weight_gain != 1)
        return complain("--method %s has no layers: no --weight-gain", method_names[s->method]);
    if (s->choice && s->validation == 0)
        return complain("--choice needs a --validation split");
    if (s->patience > 0 && s->validation == 0)
        return complain("--patience needs a --validation split");
    if (s->measure == MEASURE_ANSWERS && !forward)
        return complain(
            "--measure answers is for Mono-Forward: the baseline has no path of its own for one row");
    if (s->measure != MEASURE_ACCURACY && (s->conv.count > 0 || s->method == METHOD_GREEDY))
        return complain("--measure %s is for dense networks whose layers learn together",
                        measure_names[s->measure]);
    if (strpbrk(s->run, ",\"\n ") || (s->group && strpbrk(s->group, ",\"\n ")))
        return complain("--run and --group: a word without commas, quotes and spaces is needed");
    return true;
}

enum options_outcome settings_read(struct settings *s, int argc, char **argv)
{
    *s = (struct settings){.run = "run",
                           .data = "mnist",
                           .hidden = {2, {1000, 1000}},
                           .epochs = 10,
                           .cuts = 2,
                           .batch = 128,
                           .validation = 5000,
                           .threads = 1,
                           .workers = 2,
                           .accumulate = 1000,
                           .optimizer = UPDATE_ADAM,
                           .learning_rate = 0.001,
                           .weight_gain = 1,
                           .projection_gain = 1,
                           .seed = 1};
    enum options_outcome outcome = read_words(s, argc, argv);
    if (outcome == OPTIONS_READ && !make_sense(s))
        outcome = OPTIONS_WRONG;
    if (s->method == METHOD_LINEAR)
        s->hidden.count = s->conv.count = 0;
    if (!s->group)
        s->group = s->run;
    return outcome;
}

bool settings_is_forward(const struct settings *settings)
{
    return settings->method <= METHOD_PIPELINED;
}

void settings_network(const struct settings *settings, char *text, size_t capacity)
{
    size_t used = 0;
    snprintf(text, capacity, "linear");
    for (size_t i = 0; i < settings->conv.count && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%sc%zu", used ? "-" : "",
                                 settings->conv.values[i]);
    for (size_t i = 0; i < settings->hidden.count && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%zu", used ? "-" : "",
                                 settings->hidden.values[i]);
}
