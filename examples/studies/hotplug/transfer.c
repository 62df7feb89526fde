/* A layer that was trained on one set, in a network for the other: does it help, and when?
 *
 * SPDX-License-Identifier: MIT
 */
#include "complain.h"
#include "layers.h"
#include "outcomes.h"
#include "random.h"
#include "run.h"

#include <stdio.h>

enum { DEPTH = 2, HALF_CLASSES = 5 };

/* What the seed of a run is used for; the second of two sets takes the numbers behind. */
enum {
    PURPOSE_RUN = 1000,
    PURPOSE_FIRST = 1,
    PURPOSE_SECOND,
    PURPOSE_SHUFFLE,
    PURPOSE_COURSE,
    PURPOSE_CHOICE = 10,
    PURPOSE_WHOLE = 20,
    PURPOSE_HALF = 30
};

/* The trained networks that one seed's layers come from. */
struct sources {
    struct stack whole[2];
    struct stack half[2];
};

struct transfer {
    struct run *run;
    struct outcomes outcomes;
    struct sources sources;
    struct job job;
    uint64_t seed; /* of the runs that are on */
    size_t number; /* of this seed */
};

static size_t batch_for(const struct settings *settings, size_t count)
{
    return count < settings->small_batch ? count : settings->small_batch;
}

static size_t steps_for(const struct settings *settings, size_t count)
{
    size_t steps = course_steps(settings->small_epochs, count, batch_for(settings, count));
    return steps > settings->least_steps ? steps : settings->least_steps;
}

static bool learn(struct transfer *transfer, struct stack *stack, const struct choice *choice)
{
    const struct settings *settings = &transfer->run->settings;
    struct course course = {
        .steps = steps_for(settings, choice->count),
        .batch = batch_for(settings, choice->count),
        .rate = settings->small_rate,
        .seed = random_derive(transfer->seed, PURPOSE_COURSE),
    };
    return stack_learn(stack, choice, &course, &transfer->job);
}

/* ---- where layers come from ---- */

static bool train_source(struct transfer *transfer, struct stack *stack, size_t set, size_t classes,
                         uint64_t seed)
{
    const struct domain *domain = &transfer->run->data.small[set];
    size_t width = transfer->run->settings.small_width;
    struct choice choice = {0};
    bool good = stack_open(stack);
    for (size_t i = 0; good && i < DEPTH; i++)
        good = stack_grow(stack, i, i == 0 ? domain_inputs(domain) : width, width, classes,
                          random_derive(seed, i));
    good = good && choice_open(&choice, domain, 0, classes, seed) && learn(transfer, stack, &choice);
    choice_free(&choice);
    return good;
}

static bool train_sources(struct transfer *transfer)
{
    struct sources *sources = &transfer->sources;
    bool good = true;
    for (size_t set = 0; good && set < 2; set++)
        good = train_source(transfer, &sources->whole[set], set, DIGIT_CLASSES,
                            random_derive(transfer->seed, PURPOSE_WHOLE + set)) &&
               train_source(transfer, &sources->half[set], set, HALF_CLASSES,
                            random_derive(transfer->seed, PURPOSE_HALF + set));
    for (size_t set = 0; good && set < 2; set++) {
        struct verdict verdict;
        good = stack_judge(&sources->whole[1 - set], &transfer->run->data.small[set], &verdict);
        transfer->outcomes.as_is[set * transfer->outcomes.seeds + transfer->number] = verdict.last;
    }
    return good;
}

static void close_sources(struct sources *sources)
{
    for (size_t set = 0; set < 2; set++) {
        stack_close(&sources->whole[set]);
        stack_close(&sources->half[set]);
    }
}

/* ---- one run ---- */

static mf_layer *origin_layer(const struct sources *sources, size_t target, enum origin origin)
{
    switch (origin) {
    case ORIGIN_HALF:
        return sources->half[target].layers[0];
    case ORIGIN_OWN:
        return sources->whole[target].layers[0];
    default:
        return sources->whole[1 - target].layers[0];
    }
}

static bool random_layer(struct transfer *transfer, mf_layer **layer)
{
    return layer_new(layer, domain_inputs(&transfer->run->data.small[0]), transfer->run->settings.small_width,
                     DIGIT_CLASSES, random_derive(transfer->seed, PURPOSE_FIRST));
}

/* A frozen layer goes into the new network itself, as a reference; one that is to learn, or to be shuffled,
 * is copied, since the next run needs it as it is. Setting the classes lets M start anew, also where their
 * number stays. */
static bool put_first(struct transfer *transfer, struct stack *stack, size_t target,
                      const struct variant *variant)
{
    mf_layer *origin = origin_layer(&transfer->sources, target, variant->origin), *made = NULL, *layer;
    bool good = true;
    if (variant->origin == ORIGIN_RANDOM)
        good = random_layer(transfer, &made);
    else if (variant->origin == ORIGIN_SHUFFLED)
        good =
            layer_copy(&made, origin) && layer_shuffle(made, random_derive(transfer->seed, PURPOSE_SHUFFLE));
    else if (!variant->frozen)
        good = layer_copy(&made, origin);
    layer = made != NULL ? made : origin;
    good = good && library_ok(mf_layer_set_classes(layer, DIGIT_CLASSES)) &&
           library_ok(mf_layer_set_trainable(layer, "weight", !variant->frozen)) &&
           library_ok(mf_layer_set_trainable(layer, "bias", !variant->frozen)) &&
           stack_insert(stack, 0, layer);
    mf_layer_free(made);
    return good;
}

static bool run_one(struct transfer *transfer, size_t target, size_t v, size_t size,
                    const struct choice *choice)
{
    size_t width = transfer->run->settings.small_width;
    struct stack stack;
    struct verdict verdict = {0};
    bool good =
        stack_open(&stack) && put_first(transfer, &stack, target, &variants[v]) &&
        stack_grow(&stack, 1, width, width, DIGIT_CLASSES, random_derive(transfer->seed, PURPOSE_SECOND)) &&
        learn(transfer, &stack, choice) && stack_judge(&stack, &transfer->run->data.small[target], &verdict);
    const double measures[MEASURES] = {verdict.layers[0], verdict.last, verdict.sum};
    for (int m = 0; good && m < MEASURES; m++)
        outcomes_of(&transfer->outcomes, target, v, size, (enum measure)m)[transfer->number] = measures[m];
    stack_close(&stack);
    return good;
}

static bool run_target(struct transfer *transfer, size_t target)
{
    bool good = true;
    for (size_t size = 0; good && size < transfer->outcomes.sizes; size++) {
        struct choice choice;
        good = choice_open(&choice, &transfer->run->data.small[target],
                           outcomes_size(&transfer->outcomes, target, size), DIGIT_CLASSES,
                           random_derive(transfer->seed, PURPOSE_CHOICE + target));
        for (size_t v = 0; good && v < VARIANTS; v++)
            good = run_one(transfer, target, v, size, &choice);
        choice_free(&choice);
    }
    return good;
}

static bool run_seed(struct transfer *transfer)
{
    transfer->seed = random_derive(transfer->run->settings.seed, PURPOSE_RUN + transfer->number);
    bool good = train_sources(transfer) && run_target(transfer, 0) && run_target(transfer, 1);
    close_sources(&transfer->sources);
    return good;
}

/* ---- all of them ---- */

static size_t samples_for(const struct settings *settings, size_t count)
{
    return course_samples(steps_for(settings, count), count, batch_for(settings, count));
}

/* A guess at the half sets: half the images. */
static size_t all_samples(const struct transfer *transfer)
{
    const struct settings *settings = &transfer->run->settings;
    size_t samples = 0;
    for (size_t target = 0; target < 2; target++) {
        size_t all = transfer->run->data.small[target].train.count;
        samples += samples_for(settings, all) + samples_for(settings, all / 2 + 1);
        for (size_t size = 0; size < transfer->outcomes.sizes; size++)
            samples += VARIANTS * samples_for(settings, outcomes_size(&transfer->outcomes, target, size));
    }
    return samples * settings->seeds;
}

bool transfer_fits(const struct run *run)
{
    const struct size_list *sizes = &run->settings.sizes;
    for (size_t i = 0; i < sizes->count; i++)
        for (size_t set = 0; set < 2; set++)
            if (sizes->values[i] > run->data.small[set].train.count)
                return complain("--sizes %zu: %s has %zu training images", sizes->values[i],
                                run->data.small[set].name, run->data.small[set].train.count);
    return true;
}

static void print_story(const struct run *run)
{
    const struct settings *settings = &run->settings;
    printf("\nLayers moved between sets: %s\n", run->data.small_story);
    printf("28 x 28 pixels become 8 x 8 numbers from 0 to 16: %s, average blocks of %s\n",
           settings->format == FORMAT_CROP ? "cut the middle 24 x 24 out" : "put black around to 32 x 32",
           settings->format == FORMAT_CROP ? "3 x 3" : "4 x 4");
    printf("%d layers of %zu neurons; %zu passes, but at least %zu steps, with rate %g\n", DEPTH,
           settings->small_width, settings->small_epochs, settings->least_steps, settings->small_rate);
    fflush(stdout);
}

bool show_transfer(struct run *run)
{
    struct transfer transfer = {.run = run};
    print_story(run);
    bool good = outcomes_open(&transfer.outcomes, run);
    progress_start(&transfer.job.bar, "layers moved between sets", good ? all_samples(&transfer) : 1, 0);
    for (; good && transfer.number < run->settings.seeds; transfer.number++)
        good = run_seed(&transfer);
    progress_end(&transfer.job.bar);
    if (good) {
        outcomes_print(&transfer.outcomes);
        good = outcomes_report(&transfer.outcomes, &run->report) &&
               (run->settings.plot == NULL || outcomes_draw(&transfer.outcomes, run->settings.plot));
    }
    outcomes_free(&transfer.outcomes);
    return good;
}
