/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "complain.h"
#include "lines.h"
#include "places.h"

#include <stdio.h>

static const char *const part_names[] = {
    [PART_ALL] = "all", [PART_DEPTH] = "depth", [PART_REMOVE] = "remove", [PART_TRANSFER] = "transfer", NULL};

static const char *const format_names[] = {[FORMAT_CROP] = "crop", [FORMAT_PAD] = "pad", NULL};

static const char summary[] =
    "Plugs layers into networks that are trained already, takes them out, and moves them from MNIST to the\n"
    "optdigits of UCI and back. Without data it draws digits, of two styles.";

static struct settings full_settings(void)
{
    return (struct settings){.seed = 1,
                             .threads = 1,
                             .workers = 2,
                             .width = 500,
                             .epochs = 3,
                             .added = 2,
                             .batch = 128,
                             .small_width = 128,
                             .small_epochs = 3,
                             .least_steps = 1000,
                             .small_rate = 0.005,
                             .small_batch = 32,
                             .seeds = 5,
                             .sizes = {4, {50, 100, 200, 500}}};
}

static struct settings quick_settings(void)
{
    struct settings quick = full_settings();
    quick.limit = 3000;
    quick.width = 64;
    quick.epochs = 5;
    quick.batch = 16;
    quick.small_width = 32;
    quick.least_steps = 300;
    quick.seeds = 2;
    quick.sizes = (struct size_list){2, {50, 200}};
    return quick;
}

static enum options_outcome read_words(struct settings *s, int argc, char **argv)
{
    const struct option_rule rules[] = {
        option_text("data", "DIR",
                    "folder with mnist/ and tabular/ (" PLACES_NAMED ", else digits are drawn)", &s->data),
        option_flag("drawn", "draw digits, even if there is data", &s->drawn),
        option_flag("quick", "small networks and few images: seconds", &s->quick),
        option_choice("part", "what to show (all)", &s->part, part_names),
        option_seed("seed", "equal seeds repeat a run, bit for bit (1)", &s->seed),
        option_count("width", "neurons of a layer in depth and remove (500; quick 64)", &s->width, 1, 65536),
        option_count("epochs", "passes that a layer learns for there (3; quick 5)", &s->epochs, 1, 1e6),
        option_count("added", "layers that come behind the first two there (2)", &s->added, 1, MOST_ADDED),
        option_count("limit", "most training images, 0: all (0; quick 3000)", &s->limit, 0, 1e9),
        option_choice("format", "how 28 x 28 pixels become 8 x 8 in transfer (crop)", &s->format,
                      format_names),
        option_count("small-width", "neurons of a layer in transfer (128; quick 32)", &s->small_width, 1,
                     65536),
        option_number("small-rate", "learning rate in transfer (0.005)", &s->small_rate, 1e-6, 1),
        option_count("small-steps", "least steps of a run in transfer (1000; quick 300)", &s->least_steps, 1,
                     1e9),
        option_sizes("sizes", "training sets in transfer, before all images (50,100,200,500; quick 50,200)",
                     &s->sizes, 10, 1e9),
        option_count("seeds", "runs of each kind in transfer (5; quick 2)", &s->seeds, 2, 1000),
        option_count("threads", "threads of the BLAS library (1)", &s->threads, 1, 1024),
        option_count("workers", "layers of the large networks learn at the same time, on N threads (2)",
                     &s->workers, 0, 1024),
        option_text("plot", "FILE", "draw the accuracies of transfer into this SVG file", &s->plot),
    };
    return options_read(argc, argv, summary, rules, sizeof rules / sizeof rules[0]);
}

static bool makes_sense(const struct settings *s)
{
    return s->plot == NULL || s->part == PART_ALL || s->part == PART_TRANSFER ||
           complain("--plot draws the part transfer: --part %s has no picture", part_names[s->part]);
}

static bool holds_tables(const char *folder, const void *name)
{
    char below[LONGEST_FOLDER];
    int length = snprintf(below, sizeof below, "%s/tabular", folder);
    return length > 0 && length < LONGEST_FOLDER && lines_in(below, name);
}

static const char *find_data(void)
{
    static const char *const itself[] = {"", NULL};
    return places_find(itself, holds_tables, "optdigits.tra");
}

enum options_outcome settings_read(struct settings *s, int argc, char **argv)
{
    /* The command line is read twice: --quick changes what the others start from. */
    *s = full_settings();
    enum options_outcome outcome = read_words(s, argc, argv);
    if (outcome == OPTIONS_READ && s->quick) {
        *s = quick_settings();
        outcome = read_words(s, argc, argv);
    }
    if (outcome == OPTIONS_READ && !makes_sense(s))
        outcome = OPTIONS_WRONG;
    if (s->drawn)
        s->data = NULL;
    else if (s->data == NULL)
        s->data = find_data();
    return outcome;
}
