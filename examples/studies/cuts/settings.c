/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "checkpoint.h"
#include "places.h"

#include <stdio.h>
#include <string.h>

enum { MOST_RULES = 32 };

/* The usual value stands in the help. */
struct helps {
    char cut[80], width[80], blocks[80], head[200], epochs[120], batch[80], rate[80], decay[80], length[80];
};

static void write_helps(const struct study *study, struct helps *helps)
{
    const struct settings *usual = &study->usual;
    snprintf(helps->cut, sizeof helps->cut, "what is a layer; none: the whole network (%s)",
             study->cuts[usual->cut]);
    if (study->head_help != NULL)
        snprintf(helps->head, sizeof helps->head, "%s (%zu)", study->head_help, usual->head);
    snprintf(helps->width, sizeof helps->width, "maps of the first stage, or values of a position (%zu)",
             usual->width);
    snprintf(helps->blocks, sizeof helps->blocks, "how many there are (%zu)", usual->blocks);
    snprintf(helps->epochs, sizeof helps->epochs,
             "passes over what is learned from; 0: only the memory is counted (%zu)", usual->epochs);
    snprintf(helps->batch, sizeof helps->batch, "rows of a step (%zu)", usual->batch);
    snprintf(helps->rate, sizeof helps->rate, "of AdamW, falling as a cosine (%g)", usual->learning_rate);
    snprintf(helps->decay, sizeof helps->decay, "decay of weights and projections (%g)", usual->weight_decay);
    snprintf(helps->length, sizeof helps->length, "bytes of a row (%zu)", usual->length);
}

/* What only some studies have. */
static size_t add_own_rules(const struct study *study, struct settings *s, const struct helps *helps,
                            struct option_rule *rules)
{
    size_t count = 0;
    if (study->usual.blocks > 0)
        rules[count++] = option_count("blocks", helps->blocks, &s->blocks, 1, MOST_LAYERS);
    if (study->head_help != NULL)
        rules[count++] = option_count("head", helps->head, &s->head, 0, 64);
    if (study->maps)
        rules[count++] = option_flag(
            "head-conv", "heads at the cuts have a convolution, normalisation and ReLU of their own",
            &s->head_conv);
    if (study->text) {
        rules[count++] = option_text("data", "DIR",
                                     "folder of WikiText-2 (text/wikitext-2 in " PLACES_NAMED ")", &s->data);
        rules[count++] = option_count("length", helps->length, &s->length, 2, 4096);
        return count;
    }
    rules[count++] = option_text("data", "DIR",
                                 "folder of CIFAR-10 or CIFAR-100, or one of the names (cifar10)", &s->data);
    rules[count++] = option_count("validation", "images held out and watched, not the test set (0)",
                                  &s->validation, 0, 1e9);
    return count;
}

static size_t add_rules(const struct study *study, struct settings *s, const struct helps *helps,
                        struct option_rule *rules)
{
    const struct option_rule common[] = {
        option_choice("cut", helps->cut, &s->cut, study->cuts),
        option_count("width", helps->width, &s->width, 1, 4096),
        option_count("epochs", helps->epochs, &s->epochs, 0, 1e6),
        option_count("batch", helps->batch, &s->batch, 1, 1e5),
        option_number("learning-rate", helps->rate, &s->learning_rate, 1e-12, 1e6),
        option_number("warmup", "share of the run in which the learning rate rises (0.05)", &s->warmup, 0, 1),
        option_number("weight-decay", helps->decay, &s->weight_decay, 0, 1e6),
        option_count("limit", "learn from the first N rows only, 0: all (0)", &s->limit, 0, 1e9),
        option_count("test-limit", "judge by the first N rows only, 0: all (0)", &s->test_limit, 0, 1e9),
        option_seed("seed", "equal seeds repeat a run, bit for bit (1)", &s->seed),
        option_count("workers", "threads of a pipeline, 0: one layer after the other (0)", &s->workers, 0,
                     1024),
        option_count("threads", "threads that share the work of a step, 0: one (0)", &s->threads, 0, 1024),
        option_text("plot", "FILE", "draw the training curves into this SVG file", &s->plot),
        option_text("checkpoint", "FILE", CHECKPOINT_HELP, &s->checkpoint),
        option_number("checkpoint-every", CHECKPOINT_EVERY_HELP, &s->checkpoint_every, 0, 1e9),
        option_flag("resume", CHECKPOINT_RESUME_HELP, &s->resume),
    };
    const size_t count = sizeof common / sizeof common[0];
    memcpy(rules, common, sizeof common);
    return count + add_own_rules(study, s, helps, rules + count);
}

enum options_outcome settings_read(const struct study *study, struct settings *settings, int argc,
                                   char **argv)
{
    struct option_rule rules[MOST_RULES];
    struct helps helps;
    *settings = study->usual;
    settings->checkpoint_every = 30;
    settings->warmup = 0.05;
    settings->seed = 1;
    write_helps(study, &helps);
    size_t count = add_rules(study, settings, &helps, rules);
    return options_read(argc, argv, study->summary, rules, count);
}

bool settings_whole(const struct study *study, const struct settings *settings)
{
    return study->cuts[settings->cut + 1] == NULL;
}
