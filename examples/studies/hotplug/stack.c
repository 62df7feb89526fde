/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include "complain.h"
#include "layers.h"
#include "random.h"
#include "training.h"

#include <stdlib.h>
#include <string.h>

enum { JUDGE_BATCH = 500 };

/* What the network holds now, by position. */
static bool look(struct stack *stack)
{
    bool good = library_ok(mf_network_size(stack->network, &stack->depth));
    for (size_t i = 0; good && i < stack->depth; i++)
        good = library_ok(mf_network_layer(stack->network, i, &stack->layers[i], NULL));
    return good;
}

bool stack_open(struct stack *stack)
{
    *stack = (struct stack){0};
    return library_ok(mf_network_create(NULL, &stack->network));
}

void stack_close(struct stack *stack)
{
    mf_network_free(stack->network);
    *stack = (struct stack){0};
}

bool stack_insert(struct stack *stack, size_t position, mf_layer *layer)
{
    if (stack->depth >= MOST_LAYERS)
        return complain("a network of more than %d layers", MOST_LAYERS);
    return library_ok(mf_network_insert(stack->network, position, layer, NULL)) && look(stack);
}

static bool place(const struct stack *stack, size_t position, uint64_t *id)
{
    return library_ok(mf_network_layer(stack->network, position, NULL, id));
}

bool stack_remove(struct stack *stack, size_t position)
{
    uint64_t id;
    return place(stack, position, &id) && library_ok(mf_network_remove(stack->network, id)) && look(stack);
}

bool stack_replace(struct stack *stack, size_t position, mf_layer *layer)
{
    uint64_t id;
    return place(stack, position, &id) && library_ok(mf_network_replace(stack->network, id, layer)) &&
           look(stack);
}

bool stack_grow(struct stack *stack, size_t position, size_t inputs, size_t outputs, size_t classes,
                uint64_t seed)
{
    mf_layer *layer = NULL;
    bool good = layer_new(&layer, inputs, outputs, classes, seed) && stack_insert(stack, position, layer);
    mf_layer_free(layer); /* the network keeps a reference of its own */
    return good;
}

bool stack_build(struct stack *stack, size_t inputs, size_t width, size_t depth, uint64_t seed)
{
    bool good = stack_open(stack);
    for (size_t i = 0; good && i < depth; i++)
        good = stack_grow(stack, i, i == 0 ? inputs : width, width, DIGIT_CLASSES, random_derive(seed, i));
    return good;
}

bool stack_copy(struct stack *stack, const struct stack *from)
{
    bool good = stack_open(stack);
    for (size_t i = 0; good && i < from->depth; i++) {
        mf_layer *copy = NULL;
        good = layer_copy(&copy, from->layers[i]) && stack_insert(stack, i, copy);
        mf_layer_free(copy);
    }
    return good;
}

bool stack_freeze_but(struct stack *stack, size_t free_layer)
{
    bool good = true;
    for (size_t i = 0; good && i < stack->depth; i++)
        good = layer_set_free(stack->layers[i], i == free_layer);
    return good;
}

bool stack_unfreeze(struct stack *stack)
{
    bool good = true;
    for (size_t i = 0; good && i < stack->depth; i++)
        good = layer_set_free(stack->layers[i], 1);
    return good;
}

size_t course_steps(size_t passes, size_t count, size_t batch)
{
    return passes * ((count + batch - 1) / batch);
}

/* The last batch of a pass takes what is left. */
size_t course_samples(size_t steps, size_t count, size_t batch)
{
    size_t of_a_pass = course_steps(1, count, batch), rest = steps % of_a_pass * batch;
    return steps / of_a_pass * count + (rest < count ? rest : count);
}

/* ---- learning ---- */

/* What a course needs while it runs. */
struct school {
    mf_optimizer *optimizer;
    struct training training;
    uint32_t *order;
    float *x;
    int32_t *y;
};

static bool school_open(struct school *school, struct stack *stack, const struct choice *choice,
                        const struct course *course)
{
    mf_optimizer_spec optimizer;
    *school = (struct school){
        .order = malloc(choice->count * sizeof *school->order),
        .x = calloc(course->batch, domain_inputs(choice->domain) * sizeof *school->x),
        .y = calloc(course->batch, sizeof *school->y),
    };
    if (school->order == NULL || school->x == NULL || school->y == NULL)
        return complain("no memory for a batch of %zu images", course->batch);
    memcpy(school->order, choice->order, choice->count * sizeof *school->order);
    if (!library_ok(mf_optimizer_spec_init(&optimizer, sizeof optimizer)) ||
        !library_ok(mf_optimizer_create(&optimizer, &school->optimizer)) ||
        !library_ok(mf_network_set_optimizer(stack->network, school->optimizer)))
        return false;
    return training_open(&school->training, stack->network, course->workers, NULL, course->batch, NULL);
}

static void school_close(struct school *school)
{
    training_close(&school->training);
    mf_optimizer_free(school->optimizer);
    free(school->order);
    free(school->x);
    free(school->y);
}

static bool attend(struct school *school, const struct choice *choice, const struct course *course,
                   struct job *job)
{
    const struct domain *domain = choice->domain;
    struct random_stream shuffling = {course->seed};
    size_t next = choice->count;
    for (size_t step = 0; step < course->steps; step++) {
        if (next >= choice->count) {
            random_shuffle(&shuffling, school->order, choice->count);
            next = 0;
        }
        size_t left = choice->count - next, rows = left < course->batch ? left : course->batch;
        double rate = course->rate * mf_schedule_cosine(step, course->steps, 0);
        images_to_inputs(&domain->train, domain->scale, school->order, next, rows, school->x, school->y);
        if (!library_ok(mf_optimizer_set(school->optimizer, MF_OPTIMIZER_LEARNING_RATE, rate)) ||
            !library_ok(training_step(&school->training, rows, school->x, school->y)))
            return false;
        next += rows;
        job->done += rows;
        progress_show(&job->bar, job->done < job->bar.total ? job->done : job->bar.total);
    }
    return library_ok(training_finish(&school->training, NULL));
}

bool stack_learn(struct stack *stack, const struct choice *choice, const struct course *course,
                 struct job *job)
{
    struct school school = {0};
    bool good = school_open(&school, stack, choice, course) && attend(&school, choice, course, job);
    school_close(&school);
    return good;
}

/* ---- judging ---- */

static bool add_correct(const mf_workspace *workspace, struct verdict *verdict)
{
    mf_report report = {.struct_size = sizeof report};
    for (size_t i = 0; i < verdict->depth; i++) {
        if (!library_ok(mf_workspace_report(workspace, i, &report)))
            return false;
        verdict->layers[i] += (double)report.correct;
    }
    if (!library_ok(mf_workspace_report_sum(workspace, &report)))
        return false;
    verdict->sum += (double)report.correct;
    return true;
}

static bool count_correct(struct stack *stack, mf_workspace *workspace, const struct domain *domain, float *x,
                          int32_t *y, struct verdict *verdict)
{
    const struct image_set *set = &domain->test;
    for (size_t first = 0; first < set->count; first += JUDGE_BATCH) {
        size_t left = set->count - first, rows = left < JUDGE_BATCH ? left : JUDGE_BATCH;
        images_to_inputs(set, domain->scale, NULL, first, rows, x, y);
        if (!library_ok(mf_network_evaluate(stack->network, workspace, rows, x, y)) ||
            !add_correct(workspace, verdict))
            return false;
    }
    return true;
}

bool stack_judge(struct stack *stack, const struct domain *domain, struct verdict *verdict)
{
    mf_workspace_spec spec;
    mf_workspace *workspace = NULL;
    float *x = calloc(JUDGE_BATCH, domain_inputs(domain) * sizeof *x);
    int32_t *y = calloc(JUDGE_BATCH, sizeof *y);
    *verdict = (struct verdict){.depth = stack->depth};
    bool good = x != NULL && y != NULL ? library_ok(mf_workspace_spec_init(&spec, sizeof spec))
                                       : complain("no memory for a batch of %d images", JUDGE_BATCH);
    if (good) {
        spec.purpose = MF_WORKSPACE_INFERENCE;
        spec.network = stack->network;
        spec.max_batch = JUDGE_BATCH;
        good = library_ok(mf_workspace_create(&spec, &workspace)) &&
               count_correct(stack, workspace, domain, x, y, verdict);
    }
    mf_workspace_free(workspace);
    free(x);
    free(y);
    double percent = 100 / (double)domain->test.count;
    for (size_t i = 0; i < verdict->depth; i++)
        verdict->layers[i] *= percent;
    verdict->sum *= percent;
    verdict->last = verdict->layers[verdict->depth - 1];
    return good;
}
