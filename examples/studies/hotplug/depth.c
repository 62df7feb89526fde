/* What depth added to a trained network does to its accuracy, while all that was there stays as it is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "complain.h"
#include "large.h"
#include "layers.h"
#include "parameters.h"
#include "random.h"
#include "run.h"

#include <stdio.h>

enum { LABEL = 80 };

static bool others_hash(const struct stack *stack, size_t learner, uint64_t *hash)
{
    mf_layer *others[MOST_LAYERS];
    size_t count = 0;
    for (size_t i = 0; i < stack->depth; i++)
        if (i != learner)
            others[count++] = stack->layers[i];
    return parameters_hash(others, count, hash);
}

/* Lets one layer learn on frozen others, and looks whether these have kept every bit. */
static bool learn_alone(struct run *run, struct stack *stack, size_t learner, const char *name)
{
    uint64_t before, after;
    if (!stack_freeze_but(stack, learner) || !others_hash(stack, learner, &before) ||
        !large_learn(run, stack, name, run->settings.epochs, LARGE_NEW_LAYER + learner) ||
        !others_hash(stack, learner, &after))
        return false;
    return before == after || complain("a frozen layer has changed");
}

static bool grow(struct run *run, struct stack *stack, size_t position, uint64_t seed)
{
    size_t width = run->settings.width;
    return stack_grow(stack, position, width, width, DIGIT_CLASSES, random_derive(seed, LARGE_NEW_LAYER));
}

/* The layers of the base itself, by reference: a network around them that grows does not touch them. */
static bool share(struct stack *stack, const struct stack *base)
{
    bool good = stack_open(stack);
    for (size_t i = 0; good && i < base->depth; i++)
        good = stack_insert(stack, i, base->layers[i]);
    return good;
}

static bool append_layers(struct run *run, const struct stack *base)
{
    struct stack stack;
    char label[LABEL], passes[LABEL];
    bool good = share(&stack, base);
    report_head("behind the last layer, all before it frozen", large_depth(run));
    for (size_t i = 0; good && i < run->settings.added; i++) {
        size_t position = stack.depth;
        good = grow(run, &stack, position, run->settings.seed + position);
        snprintf(label, sizeof label, "layer %zu is new", position + 1);
        good = good && large_row(run, &stack, label, "depth", "append", "before");
        snprintf(label, sizeof label, "layer %zu has learned for %s", position + 1,
                 large_passes(run->settings.epochs, passes, sizeof passes));
        good = good && learn_alone(run, &stack, position, "a layer behind the last") &&
               large_row(run, &stack, label, "depth", "append", "after");
    }
    stack_close(&stack);
    return good;
}

/* A layer between the first and the second, drawn at random or as the identity. */
static bool insert_layer(struct run *run, const struct stack *base, bool identity)
{
    struct stack stack;
    char label[LABEL], passes[LABEL];
    const char *change = identity ? "insert-identity" : "insert";
    bool good = stack_copy(&stack, base) && grow(run, &stack, 1, run->settings.seed);
    if (good && identity)
        good = layer_become_identity(stack.layers[1], stack.layers[0]);
    report_head(identity ? "between layers 1 and 2, started as the identity"
                         : "between layers 1 and 2, at random",
                large_depth(run));
    good = good && large_row(run, &stack, "layer 2 is new", "depth", change, "before");
    snprintf(label, sizeof label, "it has learned for %s, the others frozen",
             large_passes(run->settings.epochs, passes, sizeof passes));
    good = good && learn_alone(run, &stack, 1, "a layer in between") &&
           large_row(run, &stack, label, "depth", change, "after");
    good = good && stack_freeze_but(&stack, 2) && large_learn(run, &stack, "the layer behind it", 1, 50) &&
           large_row(run, &stack, "the layer behind it goes on for 1 pass", "depth", change, "behind");
    stack_close(&stack);
    return good;
}

static bool from_the_start(struct run *run)
{
    struct stack *full, longer = {0};
    char label[LABEL], passes[LABEL];
    const struct settings *settings = &run->settings;
    size_t depth = large_depth(run), total = settings->epochs * (1 + settings->added);
    report_head("control: all layers from the start", depth);
    snprintf(label, sizeof label, "%s, as many as each grown layer had",
             large_passes(settings->epochs, passes, sizeof passes));
    bool good = large_full(run, &full) && large_row(run, full, label, "depth", "control", "short");
    snprintf(label, sizeof label, "%s, as many as growing took", large_passes(total, passes, sizeof passes));
    good = good &&
           stack_build(&longer, domain_inputs(&run->data.large), settings->width, depth,
                       random_derive(settings->seed, LARGE_LONG)) &&
           large_learn(run, &longer, "all layers from the start, for longer", total, LARGE_LONG) &&
           large_row(run, &longer, label, "depth", "control", "long");
    stack_close(&longer);
    return good;
}

bool show_depth(struct run *run)
{
    struct stack base = {0};
    char label[LABEL], passes[LABEL];
    const struct settings *settings = &run->settings;
    printf("\nDepth added: %s, %zu images to learn from, layers of %zu neurons\n", run->data.large_story,
           run->large.count, settings->width);
    bool good = stack_build(&base, domain_inputs(&run->data.large), settings->width, FIRST_DEPTH,
                            random_derive(settings->seed, LARGE_BASE)) &&
                large_learn(run, &base, "the first two layers", settings->epochs, LARGE_BASE);
    report_head("test accuracy, percent", large_depth(run));
    snprintf(label, sizeof label, "the first two layers, %s",
             large_passes(settings->epochs, passes, sizeof passes));
    good = good && large_row(run, &base, label, "depth", "none", "base") && append_layers(run, &base) &&
           insert_layer(run, &base, false) && insert_layer(run, &base, true) && from_the_start(run);
    stack_close(&base);
    return good;
}
