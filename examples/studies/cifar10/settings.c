/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "checkpoint.h"
#include "data.h"
#include "places.h"
#include "records.h"
#include "threads.h"
#include "unpack.h"
#include "updates.h"

#include "monoforward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const schedule_names[] = {
    [SCHEDULE_COSINE] = "cosine", [SCHEDULE_STEPS] = "steps", [SCHEDULE_CONSTANT] = "constant", NULL};

const char *const augment_names[] = {
    [AUGMENT_NONE] = "none", [AUGMENT_CROPS] = "crops", [AUGMENT_ALTERNATING] = "alternating", NULL};

const char *const pool_names[] = {
    [MF_POOL_NONE] = "none", [MF_POOL_AVERAGE] = "average", [MF_POOL_MAX] = "max", NULL};

const char *const init_names[] = {[MF_INIT_KAIMING_UNIFORM] = "kaiming",
                                  [MF_INIT_ZERO] = "zero",
                                  [MF_INIT_ORTHOGONAL] = "orthogonal",
                                  [MF_INIT_NORMAL] = "normal",
                                  NULL};

const char *const precision_names[] = {
    [MF_PRECISION_FLOAT32] = "float32", [MF_PRECISION_BF16] = "bf16", NULL};

/* Where the preset's own rate does not apply, as another optimizer was chosen. */
static const double usual_learning_rates[] = {
    [UPDATE_SGD] = 0.1,    [UPDATE_MOMENTUM] = 0.02, [UPDATE_NESTEROV] = 0.1,
    [UPDATE_ADAM] = 0.001, [UPDATE_ADAMW] = 0.001,   [UPDATE_RMSPROP] = 0.0003};

static const char summary[] = "Trains a network of convolutions on CIFAR-10 or CIFAR-100 with Mono-Forward: "
                              "every layer learns from its own loss.\n"
                              "Without data it draws shapes of ten kinds to learn from.";

/* Tells that an option was not given; none of them can have this value. */
static const size_t count_unset = SIZE_MAX;
static const double number_unset = -1;
static const int32_t choice_unset = -1;

static struct settings unset_settings(void)
{
    return (struct settings){
        .batch = 128,
        .epochs = count_unset,
        .evaluate_every = 1,
        .workers = count_unset,
        .optimizer = choice_unset,
        .schedule = choice_unset,
        .augment = choice_unset,
        .border = count_unset,
        .cutout = count_unset,
        .init_projection = choice_unset,
        .width = 1,
        .checkpoint_every = 30,
        .learning_rate = number_unset,
        .warmup = number_unset,
        .dropout = number_unset,
        .label_smoothing = number_unset,
        .weight_decay = number_unset,
        .seed = 1,
    };
}

static enum options_outcome read_options(struct settings *s, int argc, char **argv)
{
    const char *folder =
        unpack_knows_xz()
            ? "folder of the set's binary files, plain or with .xz (cifar-10 or cifar-100 in " PLACES_NAMED
              ")"
            : "folder of the set's binary files, not packed (cifar-10 or cifar-100 in " PLACES_NAMED ")";
    const struct option_rule rules[] = {
        option_choice("set", "what to learn (cifar10)", &s->set, set_names),
        option_text("data", "DIR", folder, &s->data),
        option_choice(
            "preset",
            "architecture and its settings, which all other options change; paper: the paper's four "
            "convolutions, each a layer; strong: six in two layers, for an hour; long: the same with more "
            "filters, for some hours; vgg8b: the six of VGG8b, each a layer (paper)",
            &s->preset, preset_names),
        option_flag(
            "whole",
            "all convolutions as one layer, without dropout between them: backpropagation, to compare with",
            &s->whole),
        option_number("width", "filters of every layer, times X (1)", &s->width, 1.0 / 64, 16),
        option_count("epochs", "passes over the training set (the preset's)", &s->epochs, 1, 1e6),
        option_number(
            "time-budget",
            "minutes that the whole run may take: the schedule then follows the clock, and --epochs "
            "is only an upper bound (none)",
            &s->time_budget, 0.001, 1e6),
        option_count("batch", "images of a step (128)", &s->batch, 1, 1e5),
        option_choice("optimizer", "update rule (the preset's)", &s->optimizer, update_names),
        option_number("learning-rate",
                      "step size (the preset's; with another optimizer: adam, adamw 0.001; rmsprop 0.0003; "
                      "sgd, nesterov 0.1; momentum 0.02)",
                      &s->learning_rate, 1e-12, 1e6),
        option_choice(
            "schedule",
            "course of the learning rate; steps: a quarter after 50, 75, 89, 94% of the run (the preset's)",
            &s->schedule, schedule_names),
        option_number("warmup", "share of the run in which the learning rate rises (the preset's)",
                      &s->warmup, 0, 1),
        option_choice(
            "augment",
            "crops: random 32 x 32 windows of the images in a border of zeros that is added after "
            "standardising, mirrored left to right at random; alternating: crops, mirrored in every "
            "second pass, half of the images in the odd ones (the preset's)",
            &s->augment, augment_names),
        option_count("border", "zeros around an image, into which crops go (the preset's)", &s->border, 0,
                     SIDE),
        option_count(
            "cutout",
            "hide a square of N x N pixels at a random place of each image that is learned from, 0: none "
            "(the preset's)",
            &s->cutout, 0, 2 * SIDE),
        option_number("dropout", "share of each layer's maps hidden from the next layer (the preset's)",
                      &s->dropout, 0, 0.99),
        option_choice("init-projection", "how the projections start (the preset's)", &s->init_projection,
                      init_names),
        option_number("label-smoothing", "share of the target spread over all classes (the preset's)",
                      &s->label_smoothing, 0, 0.99),
        option_number(
            "similarity",
            "share of each layer's loss that asks how alike images are, by a convolution of its own; "
            "the report's losses are then of both (0)",
            &s->similarity, 0, 0.999),
        option_number("weight-decay", "decay of weights and projections (the preset's)", &s->weight_decay, 0,
                      1e6),
        option_choice("precision", "what products with the weights round their operands to (float32)",
                      &s->precision, precision_names),
        option_count("evaluate-every", "look at the test set after every N epochs, and at the end (1)",
                     &s->evaluate_every, 1, 1e6),
        option_flag("flip-test",
                    "at the end, also judge by the goodness of each test image and its mirror image together",
                    &s->flip_test),
        option_count("limit", "learn from the first N training images only, 0: all (0)", &s->limit, 0, 1e9),
        option_count(
            "validation",
            "hold out N of these and watch them, not the test set, which judges at the end alone (0)",
            &s->validation, 0, 1e9),
        option_seed("seed", "equal seeds repeat a run without time budget, bit for bit (1)", &s->seed),
        option_count("workers", "threads that share the work, 0: none but one (one per processor)",
                     &s->workers, 0, 1024),
        option_count("threads", "threads of the BLAS library (1 with workers, else its own choice)",
                     &s->threads, 1, 1024),
        option_text("plot", "FILE", "draw the training curves into this SVG file", &s->plot),
        option_text("log", "FILE", "add a line for every epoch to this CSV file", &s->log),
        option_text("save", "FILE", KEEP_SAVE_HELP, &s->save),
        option_text("export", "FILE", KEEP_EXPORT_HELP, &s->onnx),
        option_text("checkpoint", "FILE", CHECKPOINT_HELP, &s->checkpoint),
        option_number("checkpoint-every", CHECKPOINT_EVERY_HELP, &s->checkpoint_every, 0, 1e9),
        option_flag("resume", CHECKPOINT_RESUME_HELP, &s->resume),
    };
    return options_read(argc, argv, summary, rules, sizeof rules / sizeof rules[0]);
}

static void widen(double width, size_t *filters)
{
    double wide = round(width * (double)*filters);
    *filters = wide < 1 ? 1 : (size_t)wide;
}

/* Into one layer, whose head is that of the last. */
static void join_layers(struct settings *s)
{
    struct layer_plan whole = s->layers[s->layer_count - 1];
    size_t depth = 0;
    for (size_t i = 0; i < s->layer_count; i++)
        for (size_t c = 0; c < layer_depth(&s->layers[i]); c++)
            whole.convolutions[depth++] = s->layers[i].convolutions[c];
    s->layers[0] = whole;
    s->layer_count = 1;
}

static void plan_layers(struct settings *s, const struct preset *preset)
{
    s->layer_count = preset->layer_count;
    for (size_t i = 0; i < s->layer_count; i++) {
        struct layer_plan *plan = &s->layers[i];
        *plan = preset->layers[i];
        for (size_t c = 0; c < layer_depth(&preset->layers[i]); c++)
            widen(s->width, &plan->convolutions[c].filters);
        if (s->dropout >= 0)
            plan->dropout = s->dropout;
    }
    if (s->whole)
        join_layers(s);
}

static void choose(int32_t *choice, int32_t otherwise)
{
    if (*choice == choice_unset)
        *choice = otherwise;
}

static void set_number(double *number, double otherwise)
{
    if (*number < 0)
        *number = otherwise;
}

static void ask_preset(struct settings *s)
{
    const struct preset *preset = &presets[s->preset];
    choose(&s->optimizer, preset->optimizer);
    choose(&s->schedule, preset->schedule);
    choose(&s->augment, preset->augment);
    choose(&s->init_projection, preset->init_projection);
    set_number(&s->learning_rate, s->optimizer == preset->optimizer ? preset->learning_rate
                                                                    : usual_learning_rates[s->optimizer]);
    set_number(&s->warmup, preset->warmup);
    set_number(&s->label_smoothing, preset->label_smoothing);
    set_number(&s->weight_decay, preset->weight_decay);
    if (s->border == count_unset)
        s->border = preset->border;
    if (s->cutout == count_unset)
        s->cutout = preset->cutout;
    plan_layers(s, preset);
    if (s->epochs == count_unset)
        s->epochs = s->time_budget > 0 ? SIZE_MAX : preset->epochs;
    if (s->workers == count_unset)
        s->workers = threads_usual();
    if (s->threads == 0 && s->workers > 0)
        s->threads = 1;
}

enum options_outcome settings_read(struct settings *settings, int argc, char **argv)
{
    *settings = unset_settings();
    enum options_outcome outcome = read_options(settings, argc, argv);
    if (outcome == OPTIONS_READ) {
        settings->data = data_find((enum data_set)settings->set, settings->data);
        ask_preset(settings);
    }
    return outcome;
}
