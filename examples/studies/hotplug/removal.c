/* What a layer less, or another one in its place, does to a trained network.
 *
 * SPDX-License-Identifier: MIT
 */
#include "large.h"
#include "random.h"
#include "run.h"

#include <stdio.h>

enum { LABEL = 80 };

/* The row of a changed network, and the one after a pass in which all its layers learn. */
static bool show_change(struct run *run, struct stack *stack, const char *label, const char *change)
{
    return large_row(run, stack, label, "remove", change, "before") &&
           large_learn(run, stack, "going on after the change", 1, 60) &&
           large_row(run, stack, "  after 1 pass of all layers", "remove", change, "after");
}

static bool untouched(struct run *run, const struct stack *full)
{
    struct stack stack;
    bool good = stack_copy(&stack, full) && show_change(run, &stack, "nothing is changed", "none");
    stack_close(&stack);
    return good;
}

static bool remove_layer(struct run *run, const struct stack *full, size_t position)
{
    struct stack stack;
    char label[LABEL], change[LABEL];
    bool last = position + 1 == full->depth;
    snprintf(label, sizeof label, "layer %zu%s is taken out", position + 1, last ? ", the last," : "");
    snprintf(change, sizeof change, "remove%zu", position + 1);
    bool good =
        stack_copy(&stack, full) && stack_remove(&stack, position) && show_change(run, &stack, label, change);
    stack_close(&stack);
    return good;
}

static bool swap_layer(struct run *run, const struct stack *full, const struct stack *other, size_t position)
{
    struct stack stack;
    char label[LABEL], change[LABEL];
    snprintf(label, sizeof label, "layer %zu comes from another trained network", position + 1);
    snprintf(change, sizeof change, "swap%zu", position + 1);
    bool good = stack_copy(&stack, full) && stack_replace(&stack, position, other->layers[position]) &&
                show_change(run, &stack, label, change);
    stack_close(&stack);
    return good;
}

bool show_removal(struct run *run)
{
    struct stack *full, other = {0};
    const struct settings *settings = &run->settings;
    char passes[LABEL];
    bool good = large_full(run, &full) &&
                stack_build(&other, domain_inputs(&run->data.large), settings->width, full->depth,
                            random_derive(settings->seed, LARGE_OTHER)) &&
                large_learn(run, &other, "another network", settings->epochs, LARGE_OTHER);
    printf("\nLayers removed and swapped: %s, %zu layers of %zu neurons that have learned for %s\n",
           run->data.large_story, large_depth(run), settings->width,
           large_passes(settings->epochs, passes, sizeof passes));
    report_head("test accuracy, percent", large_depth(run));
    good = good && untouched(run, full);
    for (size_t i = 1; good && i < full->depth; i++)
        good = remove_layer(run, full, i);
    for (size_t i = 0; good && i < full->depth; i++)
        good = swap_layer(run, full, &other, i);
    stack_close(&other);
    return good;
}
