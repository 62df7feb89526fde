/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "augment.h"
#include "checkpoint.h"
#include "complain.h"
#include "lines.h"
#include "places.h"
#include "threads.h"

#include "monoforward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_CAPACITY = 400, LINE_WORDS = 64 };

/* Tells that the option was not given. */
static const size_t workers_unset = SIZE_MAX;

static const char *const preset_names[] = {
    [PRESET_PLAIN] = "plain", [PRESET_BEST] = "best", [PRESET_CNN] = "cnn", NULL};

/* A preset is a line of options. Those of the command line are read after it, and so override it. */
static const char *const preset_lines[] = {
    [PRESET_PLAIN] = "",
    [PRESET_BEST] = "--normalization batch --dropout 0.1 --init-projection zero\n"
                    "        --augment elastic --schedule step --epochs 50",
    [PRESET_CNN] = "--conv 32,64,128,256 --pool 2,2,2,1 --hidden 512 --normalization batch --dropout 0.1\n"
                   "        --init-projection zero --augment elastic --schedule step --epochs 24",
};

const char *const schedule_names[] = {
    [SCHEDULE_COSINE] = "cosine", [SCHEDULE_STEP] = "step", [SCHEDULE_CONSTANT] = "constant", NULL};

const char *const activation_names[] = {[MF_ACTIVATION_IDENTITY] = "identity",
                                        [MF_ACTIVATION_RELU] = "relu",
                                        [MF_ACTIVATION_LEAKY_RELU] = "leaky-relu",
                                        [MF_ACTIVATION_TANH] = "tanh",
                                        [MF_ACTIVATION_GELU] = "gelu",
                                        NULL};

const char *const normalization_names[] = {
    [MF_NORMALIZATION_NONE] = "none", [MF_NORMALIZATION_BATCH] = "batch", NULL};

const char *const init_names[] = {[MF_INIT_KAIMING_UNIFORM] = "kaiming",
                                  [MF_INIT_ZERO] = "zero",
                                  [MF_INIT_ORTHOGONAL] = "orthogonal",
                                  [MF_INIT_NORMAL] = "normal",
                                  NULL};

const char *const precision_names[] = {
    [MF_PRECISION_FLOAT32] = "float32", [MF_PRECISION_BF16] = "bf16", NULL};

const char *const freeze_names[] = {
    [FREEZE_NOTHING] = "nothing", [FREEZE_PROJECTION] = "projection", [FREEZE_WEIGHT] = "weight", NULL};

const char *const augment_names[] = {[AUGMENT_NONE] = "none",
                                     [AUGMENT_JITTER] = "jitter",
                                     [AUGMENT_AFFINE] = "affine",
                                     [AUGMENT_ELASTIC] = "elastic",
                                     NULL};

const char *const cut_names[] = {[CUT_LAYER] = "layer", [CUT_NONE] = "none", NULL};

static const double usual_learning_rates[] = {
    [UPDATE_SGD] = 0.3,    [UPDATE_MOMENTUM] = 0.05, [UPDATE_NESTEROV] = 0.05,
    [UPDATE_ADAM] = 0.001, [UPDATE_ADAMW] = 0.001,   [UPDATE_RMSPROP] = 0.0005};

static const char summary[] =
    "Trains a network of convolutions and dense layers on MNIST (or another set of 10 classes in its "
    "format)\n"
    "with Mono-Forward: every layer learns from its own loss. Without data it draws digits to learn from.\n"
    "\n"
    "presets, lines of options that all others override:\n"
    "  best  %s\n"
    "  cnn   %s";

static struct settings default_settings(void)
{
    return (struct settings){
        .pool = {1, {2}},
        .hidden = {2, {1000, 1000}},
        .epochs = 10,
        .batch = 128,
        .workers = workers_unset,
        .optimizer = UPDATE_ADAM,
        .schedule = SCHEDULE_COSINE,
        .activation = MF_ACTIVATION_RELU,
        .normalization = MF_NORMALIZATION_NONE,
        .init_weight = MF_INIT_KAIMING_UNIFORM,
        .init_projection = MF_INIT_KAIMING_UNIFORM,
        .precision = MF_PRECISION_FLOAT32,
        .augment = AUGMENT_NONE,
        .checkpoint_every = 30,
        .seed = 1,
    };
}

static enum options_outcome read_words(struct settings *s, int count, char **words)
{
    const struct option_rule rules[] = {
        option_text("data", "DIR",
                    "folder of the IDX files, gzipped or not (mnist in " PLACES_NAMED
                    ", else digits are drawn)",
                    &s->data),
        option_choice("preset", "options to start from, see above (plain: those below)", &s->preset,
                      preset_names),
        option_sizes("conv", "maps of each convolution, 3 x 3, before the dense layers (none)", &s->conv, 1,
                     4096),
        option_sizes("pool", "side of the pooling windows behind each convolution, 1: none (2)", &s->pool, 1,
                     64),
        option_count("head", "projections read maps averaged to N x N at most, 0: any size (0)", &s->head, 0,
                     64),
        option_sizes("hidden", "neurons of each dense layer (1000,1000)", &s->hidden, 1, 65536),
        option_count("epochs", "passes over the training set (10)", &s->epochs, 1, 1e6),
        option_count("batch", "samples of a step (128)", &s->batch, 1, 1e6),
        option_choice("optimizer", "update rule (adam)", &s->optimizer, update_names),
        option_number("learning-rate",
                      "step size (adam, adamw 0.001; rmsprop 0.0005; sgd 0.3; momentum, nesterov 0.05)",
                      &s->learning_rate, 1e-12, 1e6),
        option_choice("schedule",
                      "course of the learning rate; step: a quarter at 50, 75, 89 and 94% (cosine)",
                      &s->schedule, schedule_names),
        option_count("warmup", "steps during which the learning rate rises (0)", &s->warmup, 0, 1e9),
        option_flag("greedy", "train layer after layer, --epochs each, instead of all on every batch",
                    &s->greedy),
        option_choice("activation", "activation of every layer (relu)", &s->activation, activation_names),
        option_choice("normalization", "what stands before the activation (none)", &s->normalization,
                      normalization_names),
        option_number("dropout", "share of neurons or maps hidden from the next layer (0)", &s->dropout, 0,
                      0.99),
        option_number("label-smoothing", "share of the target spread over all classes (0)",
                      &s->label_smoothing, 0, 0.99),
        option_number("weight-decay", "decay of weights and projections (0)", &s->weight_decay, 0, 1e6),
        option_number("clip", "largest norm of a layer's gradient, 0: any (0)", &s->clip, 0, 1e9),
        option_choice("augment", "random changes to the images; elastic includes affine (none)", &s->augment,
                      augment_names),
        option_choice("freeze", "parameters that do not learn (nothing)", &s->freeze, freeze_names),
        option_choice("cut", "where gradients stop: before each layer, or nowhere: backpropagation (layer)",
                      &s->cut, cut_names),
        option_choice("init-weight", "how the weights start (kaiming)", &s->init_weight, init_names),
        option_choice("init-projection", "how the projections start (kaiming)", &s->init_projection,
                      init_names),
        option_choice("precision", "what products with the weights round their operands to (float32)",
                      &s->precision, precision_names),
        option_count("validation", "hold out N training images and watch these, not the test set (0)",
                     &s->validation, 0, 1e9),
        option_seed("seed", "equal seeds repeat a run, bit for bit (1)", &s->seed),
        option_count("workers", "threads that share the work, 0: none but one (one per processor)",
                     &s->workers, 0, 1024),
        option_count("threads", "threads of the BLAS library (1 with workers, else its own choice)",
                     &s->threads, 1, 1024),
        option_text("plot", "FILE", "draw the training curves into this SVG file", &s->plot),
        option_text("save", "FILE", KEEP_SAVE_HELP, &s->save),
        option_text("export", "FILE", KEEP_EXPORT_HELP, &s->onnx),
        option_text("checkpoint", "FILE", CHECKPOINT_HELP, &s->checkpoint),
        option_number("checkpoint-every", CHECKPOINT_EVERY_HELP, &s->checkpoint_every, 0, 1e9),
        option_flag("resume", CHECKPOINT_RESUME_HELP, &s->resume),
    };
    char text[2 * LINE_CAPACITY + sizeof summary];
    snprintf(text, sizeof text, summary, preset_lines[PRESET_BEST], preset_lines[PRESET_CNN]);
    return options_read(count, words, text, rules, sizeof rules / sizeof rules[0]);
}

static enum options_outcome read_preset(struct settings *settings, const char *line)
{
    char copy[LINE_CAPACITY], *words[LINE_WORDS] = {copy};
    int count = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " \n"); word != NULL && count < LINE_WORDS; word = strtok(NULL, " \n"))
        words[count++] = word;
    return read_words(settings, count, words);
}

/* Of what was typed: a preset may say more than all its networks need. */
static bool words_make_sense(const struct settings *s)
{
    return settings_has_projections(s) || s->init_projection == MF_INIT_KAIMING_UNIFORM ||
           complain("--init-projection is for layers with projections, which --cut none with dense layers "
                    "has not");
}

static bool make_sense(const struct settings *s)
{
    if (s->normalization == MF_NORMALIZATION_BATCH && s->batch == 1)
        return complain("--normalization batch needs more than one sample: see --batch");
    if (s->cut == CUT_NONE && s->freeze != FREEZE_NOTHING)
        return complain("--freeze is for layers that learn by themselves, not for --cut none");
    if (settings_depth(s) == 0)
        return complain("a network needs layers: see --conv and --hidden");
    if (settings_depth(s) > SIZE_LIST_CAPACITY)
        return complain("%zu layers are more than %d", settings_depth(s), SIZE_LIST_CAPACITY);
    return true;
}

static bool holds_mnist(const char *folder, const void *images)
{
    return lines_in(folder, images);
}

/* NULL: MNIST is in none of the usual places. */
static const char *usual_data(void)
{
    static const char *const folders[] = {"", "mnist", NULL};
    return places_find(folders, holds_mnist, "train-images-idx3-ubyte");
}

enum options_outcome settings_read(struct settings *s, int argc, char **argv)
{
    /* The command line is read twice: first only to learn the preset, which may stand anywhere. */
    *s = default_settings();
    enum options_outcome outcome = read_words(s, argc, argv);
    int32_t preset = s->preset;
    if (outcome == OPTIONS_READ && !words_make_sense(s))
        outcome = OPTIONS_WRONG;
    *s = default_settings();
    if (outcome == OPTIONS_READ)
        outcome = read_preset(s, preset_lines[preset]);
    if (outcome == OPTIONS_READ)
        outcome = read_words(s, argc, argv);
    if (outcome == OPTIONS_READ && !make_sense(s))
        outcome = OPTIONS_WRONG;
    if (s->data == NULL)
        s->data = usual_data();
    if (s->data != NULL && s->data[0] == '\0')
        s->data = NULL;
    if (s->workers == workers_unset)
        s->workers = threads_usual();
    if (s->threads == 0 && s->workers > 0)
        s->threads = 1;
    if (s->learning_rate <= 0)
        s->learning_rate = usual_learning_rates[s->optimizer];
    return outcome;
}

size_t settings_depth(const struct settings *settings)
{
    return settings->conv.count + settings->hidden.count;
}

size_t settings_layer_count(const struct settings *settings)
{
    return settings->cut == CUT_NONE ? 1 : settings_depth(settings);
}

bool settings_has_projections(const struct settings *settings)
{
    return settings->cut == CUT_LAYER || settings->hidden.count == 0;
}

size_t settings_pool(const struct settings *settings, size_t convolution)
{
    const struct size_list *pool = &settings->pool;
    if (pool->count == 0)
        return 1;
    return pool->values[convolution < pool->count ? convolution : pool->count - 1];
}

void settings_list_text(const struct size_list *list, char *text, size_t capacity)
{
    size_t used = 0;
    snprintf(text, capacity, "none");
    for (size_t i = 0; i < list->count && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%zu", i > 0 ? "," : "", list->values[i]);
}
