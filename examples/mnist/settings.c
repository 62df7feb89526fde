/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "augment.h"
#include "complain.h"

#include "monoforward.h"

#include <stdio.h>
#include <stdlib.h>

const char *const optimizer_names[] = {
    [OPTIMIZE_SGD] = "sgd",     [OPTIMIZE_MOMENTUM] = "momentum", [OPTIMIZE_ADAM] = "adam",
    [OPTIMIZE_ADAMW] = "adamw", [OPTIMIZE_RMSPROP] = "rmsprop",   NULL};

const char *const schedule_names[] = {
    [SCHEDULE_COSINE] = "cosine", [SCHEDULE_STEP] = "step", [SCHEDULE_CONSTANT] = "constant", NULL};

const char *const activation_names[] = {[MF_ACTIVATION_IDENTITY] = "identity",
                                        [MF_ACTIVATION_RELU] = "relu",
                                        [MF_ACTIVATION_LEAKY_RELU] = "leaky-relu",
                                        [MF_ACTIVATION_TANH] = "tanh",
                                        [MF_ACTIVATION_GELU] = "gelu",
                                        NULL};

const char *const init_names[] = {[MF_INIT_KAIMING_UNIFORM] = "kaiming",
                                  [MF_INIT_ZERO] = "zero",
                                  [MF_INIT_ORTHOGONAL] = "orthogonal",
                                  [MF_INIT_NORMAL] = "normal",
                                  NULL};

const char *const freeze_names[] = {
    [FREEZE_NOTHING] = "nothing", [FREEZE_PROJECTION] = "projection", [FREEZE_WEIGHT] = "weight", NULL};

const char *const augment_names[] = {[AUGMENT_NONE] = "none",
                                     [AUGMENT_JITTER] = "jitter",
                                     [AUGMENT_AFFINE] = "affine",
                                     [AUGMENT_ELASTIC] = "elastic",
                                     NULL};

static const double usual_learning_rates[] = {[OPTIMIZE_SGD] = 0.3,
                                              [OPTIMIZE_MOMENTUM] = 0.05,
                                              [OPTIMIZE_ADAM] = 0.001,
                                              [OPTIMIZE_ADAMW] = 0.001,
                                              [OPTIMIZE_RMSPROP] = 0.0005};

static const char summary[] =
    "Trains a network of dense layers on MNIST (or another set of 10 classes in its format) with "
    "Mono-Forward:\n"
    "every layer learns from its own loss. Without data it draws digits to learn from.";

static struct settings default_settings(void)
{
    return (struct settings){
        .hidden = {2, {1000, 1000}},
        .epochs = 10,
        .batch = 128,
        .optimizer = OPTIMIZE_ADAM,
        .schedule = SCHEDULE_COSINE,
        .activation = MF_ACTIVATION_RELU,
        .init_weight = MF_INIT_KAIMING_UNIFORM,
        .init_projection = MF_INIT_KAIMING_UNIFORM,
        .augment = AUGMENT_NONE,
        .seed = 1,
    };
}

enum options_outcome settings_read(struct settings *s, int argc, char **argv)
{
    *s = default_settings();
    const struct option_rule rules[] = {
        option_text("data", "DIR", "folder of the IDX files, gzipped or not ($MONOFORWARD_DATA)", &s->data),
        option_sizes("hidden", "neurons of each layer (1000,1000)", &s->hidden, 1, 65536),
        option_count("epochs", "passes over the training set (10)", &s->epochs, 1, 1e6),
        option_count("batch", "samples of a step (128)", &s->batch, 1, 1e6),
        option_choice("optimizer", "update rule (adam)", &s->optimizer, optimizer_names),
        option_number("learning-rate",
                      "step size (adam, adamw 0.001; rmsprop 0.0005; sgd 0.3; momentum 0.05)",
                      &s->learning_rate, 1e-12, 1e6),
        option_choice("schedule", "course of the learning rate; step: a quarter after each quarter (cosine)",
                      &s->schedule, schedule_names),
        option_count("warmup", "steps during which the learning rate rises (0)", &s->warmup, 0, 1e9),
        option_flag("greedy", "train layer after layer, --epochs each, instead of all on every batch",
                    &s->greedy),
        option_choice("activation", "activation of every layer (relu)", &s->activation, activation_names),
        option_number("dropout", "share of each activation hidden from the next layer (0)", &s->dropout, 0,
                      0.99),
        option_number("label-smoothing", "share of the target spread over all classes (0)",
                      &s->label_smoothing, 0, 0.99),
        option_number("weight-decay", "decay of weights and projections (0)", &s->weight_decay, 0, 1e6),
        option_number("clip", "largest norm of a layer's gradient, 0: any (0)", &s->clip, 0, 1e9),
        option_choice("augment", "random changes to the images; elastic includes affine (none)", &s->augment,
                      augment_names),
        option_choice("freeze", "parameters that do not learn (nothing)", &s->freeze, freeze_names),
        option_choice("init-weight", "how the weights start (kaiming)", &s->init_weight, init_names),
        option_choice("init-projection", "how the projections start (kaiming)", &s->init_projection,
                      init_names),
        option_count("validation", "hold out N training images and watch these, not the test set (0)",
                     &s->validation, 0, 1e9),
        option_seed("seed", "equal seeds repeat a run, bit for bit (1)", &s->seed),
        option_count("threads", "threads of the BLAS library (its own choice)", &s->threads, 1, 1024),
        option_count("workers", "layers learn at the same time, on N threads; best with --threads 1 (0)",
                     &s->workers, 0, 1024),
        option_text("plot", "FILE", "draw the training curves into this SVG file", &s->plot),
    };
    enum options_outcome outcome = options_read(argc, argv, summary, rules, sizeof rules / sizeof rules[0]);
    if (s->data == NULL)
        s->data = getenv("MONOFORWARD_DATA");
    if (s->data != NULL && s->data[0] == '\0')
        s->data = NULL;
    /* A greedy run trains one layer at a time, so there is nothing for workers to do. */
    if (outcome == OPTIONS_READ && s->greedy && s->workers > 0) {
        complain("--workers is for joint training, not for --greedy");
        return OPTIONS_WRONG;
    }
    if (s->learning_rate <= 0)
        s->learning_rate = usual_learning_rates[s->optimizer];
    return outcome;
}

void settings_hidden_text(const struct settings *settings, char *text, size_t capacity)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < settings->hidden.count && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%zu", i > 0 ? "," : "",
                                 settings->hidden.values[i]);
}
