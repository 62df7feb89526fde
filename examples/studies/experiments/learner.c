/* SPDX-License-Identifier: MIT */
#include "learner.h"

#include "backprop.h"
#include "backprop_conv.h"
#include "complain.h"
#include "parameters.h"
#include "random.h"
#include "rank.h"
#include "updates.h"

#include <math.h>
#include <stdlib.h>

enum { PURPOSE_LAYER = 1000, PURPOSE_BASELINE = 2000 };

/* ---- layers ---- */

static bool fill_spec(const struct learner *learner, const struct dataset *set, size_t i, mf_layer_spec *spec)
{
    const struct settings *s = learner->settings;
    if (!library_ok(mf_layer_spec_init(spec, sizeof *spec)))
        return false;
    spec->classes = set->classes;
    spec->seed = random_derive(s->seed, PURPOSE_LAYER + i);
    spec->weight_gain = (float)s->weight_gain;
    spec->projection_init = s->init_projection;
    spec->projection_gain = (float)s->projection_gain;
    if (i >= s->conv.count) {
        spec->inputs = set->features;
        spec->outputs = s->hidden.values[i - s->conv.count];
        return true;
    }
    spec->kind = MF_LAYER_CONV2D;
    spec->channels = set->channels;
    spec->height = set->height;
    spec->width = set->width;
    spec->filters = s->conv.values[i];
    spec->padding[0] = spec->padding[1] = 1;
    spec->pool = MF_POOL_AVERAGE;
    spec->head_size = s->head;
    return true;
}

static bool fill_specs(const struct learner *learner, const struct dataset *set, mf_layer_spec *specs)
{
    const struct settings *s = learner->settings;
    if (s->conv.count > 0 && set->channels == 0)
        return complain("--conv needs images, and %s are none", set->name);
    for (size_t i = 0; i < s->conv.count + s->hidden.count; i++) {
        if (!fill_spec(learner, set, i, &specs[i]) ||
            (i > 0 && !library_ok(mf_layer_spec_follow(&specs[i], &specs[i - 1]))))
            return false;
        /* A head that is larger than the map reads the map as it is. */
        size_t side = set->height >> (i + 1);
        if (i < s->conv.count && specs[i].head_size >= side)
            specs[i].head_size = 0;
    }
    return true;
}

/* ---- Mono-Forward ---- */

static bool open_workspaces(struct learner *learner)
{
    mf_allocator allocator = meter_allocator(&learner->meter);
    mf_workspace_spec spec;
    training_close(&learner->training);
    mf_workspace_free(learner->evaluation);
    learner->evaluation = NULL;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.network = learner->network;
    spec.max_batch = learner->settings->batch;
    if (learner->settings->measure != MEASURE_MEMORY) {
        spec.purpose = MF_WORKSPACE_INFERENCE;
        if (!library_ok(mf_workspace_create(&spec, &learner->evaluation)))
            return false;
    }
    size_t workers = learner->settings->method == METHOD_PIPELINED ? learner->settings->workers : 0;
    return training_open(&learner->training, learner->network, workers, learner->settings->batch, &allocator);
}

static bool prepare_projection(const struct learner *learner, mf_layer *layer)
{
    const struct settings *s = learner->settings;
    if (s->freeze == FREEZE_PROJECTION && !library_ok(mf_layer_set_trainable(layer, "projection", 0)))
        return false;
    return s->rank == 0 || rank_limit(layer, s->rank);
}

static bool add_layer(struct learner *learner)
{
    mf_layer *layer = learner->stack[learner->depth];
    if (!library_ok(mf_network_append(learner->network, layer, NULL)))
        return false;
    learner->depth++;
    return true;
}

static bool open_forward(struct learner *learner, const mf_layer_spec *specs)
{
    mf_allocator allocator = meter_allocator(&learner->meter);
    mf_network_spec network_spec;
    struct parameter_counts counts;
    if (!library_ok(mf_network_spec_init(&network_spec, sizeof network_spec)))
        return false;
    network_spec.allocator = &allocator;
    if (!library_ok(mf_network_create(&network_spec, &learner->network)))
        return false;
    for (size_t i = 0; i < learner->layers; i++) {
        mf_layer_spec spec = specs[i];
        spec.allocator = &allocator;
        if (!library_ok(mf_layer_create(&spec, &learner->stack[i])) ||
            !library_ok(mf_layer_set_optimizer(learner->stack[i], learner->optimizer)) ||
            !prepare_projection(learner, learner->stack[i]))
            return false;
    }
    if (!parameters_count(learner->stack, learner->layers, &counts))
        return false;
    learner->parameters = counts.all;
    if (learner->settings->method == METHOD_GREEDY)
        return true;
    while (learner->depth < learner->layers)
        if (!add_layer(learner))
            return false;
    return open_workspaces(learner);
}

bool learner_grow(struct learner *learner)
{
    return add_layer(learner) && open_workspaces(learner);
}

/* ---- backpropagation ---- */

static bool open_dense(struct learner *learner, const struct dataset *set)
{
    const struct settings *s = learner->settings;
    mf_allocator allocator = meter_allocator(&learner->meter);
    size_t widths[SIZE_LIST_CAPACITY + 1] = {set->features};
    for (size_t i = 0; i < s->hidden.count; i++)
        widths[i + 1] = s->hidden.values[i];
    const struct backprop_spec spec = {
        .widths = widths,
        .layers = s->hidden.count,
        .classes = set->classes,
        .optimizer = learner->optimizer,
        .max_batch = s->batch,
        .checkpoints = s->method == METHOD_BP_CHECKPOINT,
        .accumulate = s->method == METHOD_BP_ACCUMULATE ? s->accumulate : 0,
        .gain = (float)s->weight_gain,
        .seed = random_derive(s->seed, PURPOSE_BASELINE),
        .allocator = &allocator,
    };
    learner->dense = backprop_create(&spec);
    if (!learner->dense)
        return complain("no memory for the baseline");
    learner->parameters = backprop_parameters(learner->dense);
    return true;
}

static bool open_conv(struct learner *learner, const mf_layer_spec *specs)
{
    const struct settings *s = learner->settings;
    mf_allocator allocator = meter_allocator(&learner->meter);
    learner->conv = backprop_conv_create(specs, s->conv.count, learner->optimizer, s->batch, &allocator);
    if (!learner->conv)
        return complain("the baseline: %s", mf_last_message());
    learner->parameters = backprop_conv_values(learner->conv);
    return true;
}

/* ---- both ---- */

bool learner_open(struct learner *learner, const struct settings *settings, const struct dataset *set)
{
    mf_layer_spec specs[SIZE_LIST_CAPACITY];
    bool forward = settings_is_forward(settings);
    *learner = (struct learner){.settings = settings};
    mf_allocator allocator = meter_allocator(&learner->meter);
    learner->layers = forward ? settings->conv.count + settings->hidden.count : 1;
    if (!fill_specs(learner, set, specs) ||
        !update_create((enum update_rule)settings->optimizer, settings->learning_rate, settings->weight_decay,
                       0, &allocator, &learner->optimizer))
        return false;
    if (forward)
        return open_forward(learner, specs);
    learner->depth = 1;
    return settings->conv.count > 0 ? open_conv(learner, specs) : open_dense(learner, set);
}

void learner_close(struct learner *learner)
{
    training_close(&learner->training);
    mf_workspace_free(learner->evaluation);
    mf_network_free(learner->network);
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        mf_layer_free(learner->stack[i]);
    if (learner->dense)
        backprop_free(learner->dense);
    if (learner->conv)
        backprop_conv_free(learner->conv);
    mf_optimizer_free(learner->optimizer);
    *learner = (struct learner){0};
}

size_t learner_first(const struct learner *learner)
{
    return learner->settings->method == METHOD_GREEDY ? learner->depth - 1 : 0;
}

bool learner_set_rate(struct learner *learner, double rate)
{
    return library_ok(mf_optimizer_set(learner->optimizer, MF_OPTIMIZER_LEARNING_RATE, rate));
}

static enum learned outcome_of(mf_status status)
{
    if (status == MF_STATUS_NUMERIC)
        return LEARNED_NOT_FINITE;
    return library_ok(status) ? LEARNED : LEARNED_NOTHING;
}

static enum learned step_forward(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                                 double *losses)
{
    size_t first = learner_first(learner);
    struct training *training = &learner->training;
    enum learned outcome =
        outcome_of(learner->settings->method == METHOD_GREEDY
                       ? mf_network_step_layer(learner->network, training->workspace, first, rows, x, y)
                       : training_step(training, rows, x, y));
    if (outcome != LEARNED)
        return outcome;
    bool limited = learner->settings->rank > 0 && training->pipeline == NULL;
    for (size_t i = first; limited && i < learner->depth; i++)
        if (!rank_limit(learner->stack[i], learner->settings->rank))
            return LEARNED_NOTHING;
    return training_add_losses(training, first, losses) ? LEARNED : LEARNED_NOTHING;
}

enum learned learner_step(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                          double *losses)
{
    if (learner->network)
        return step_forward(learner, rows, x, y, losses);
    double loss = learner->conv ? backprop_conv_step(learner->conv, rows, x, y, NULL)
                                : backprop_step(learner->dense, rows, x, y);
    losses[0] += loss * (double)rows;
    return isfinite(loss) ? LEARNED : LEARNED_NOT_FINITE;
}

enum learned learner_rest(struct learner *learner, double *losses)
{
    return outcome_of(training_finish(&learner->training, losses));
}

static void add_report(struct answers *answers, size_t at, const mf_report *report)
{
    answers->loss[at] += report->loss * (double)report->rows;
    answers->correct[at] += report->correct;
}

static bool evaluate_forward(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                             struct answers *answers)
{
    mf_report report = {.struct_size = sizeof report};
    if (!library_ok(mf_network_evaluate(learner->network, learner->evaluation, rows, x, y)))
        return false;
    for (size_t i = 0; i < learner->depth; i++) {
        if (!library_ok(mf_workspace_report(learner->evaluation, i, &report)))
            return false;
        add_report(answers, i, &report);
    }
    if (!library_ok(mf_workspace_report_sum(learner->evaluation, &report)))
        return false;
    add_report(answers, learner->depth, &report);
    return true;
}

bool learner_evaluate(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                      struct answers *answers)
{
    answers->rows += rows;
    if (learner->network)
        return evaluate_forward(learner, rows, x, y, answers);
    uint64_t correct = 0;
    double loss = learner->conv ? backprop_conv_evaluate(learner->conv, rows, x, y, &correct)
                                : backprop_evaluate(learner->dense, rows, x, y, &correct);
    for (size_t i = 0; i < 2; i++) {
        answers->loss[i] += loss * (double)rows;
        answers->correct[i] += correct;
    }
    return true;
}

bool learner_answer(struct learner *learner, bool sum, const float *x, int32_t *label)
{
    return library_ok(mf_network_predict(learner->network, learner->evaluation,
                                         sum ? MF_PREDICT_SUM : MF_PREDICT_LAST, 1, x, label));
}

/* ---- going back ---- */

/* The layers of the convolutional baseline differ in their classes and are no network: each is one of its own
 * for as long as it is saved or loaded, one behind the other. */
enum direction { COUNT, SAVE, LOAD };

static bool pass_conv(const struct learner *learner, enum direction direction, unsigned char *buffer,
                      size_t *bytes)
{
    bool good = true;
    *bytes = 0;
    for (size_t i = 0; good && i < learner->settings->conv.count; i++) {
        mf_network *one = NULL;
        size_t size = 0;
        good = library_ok(mf_network_create(NULL, &one)) &&
               library_ok(mf_network_append(one, backprop_conv_layer(learner->conv, i), NULL)) &&
               library_ok(mf_network_state_size(one, &size));
        if (good && direction == SAVE)
            good = library_ok(mf_network_state_save(one, buffer + *bytes, size));
        if (good && direction == LOAD)
            good = library_ok(mf_network_state_load(one, buffer + *bytes, size));
        mf_network_free(one);
        *bytes += size;
    }
    return good;
}

bool learner_state_size(const struct learner *learner, size_t *bytes)
{
    if (learner->network)
        return library_ok(mf_network_state_size(learner->network, bytes));
    if (learner->conv)
        return pass_conv(learner, COUNT, NULL, bytes);
    *bytes = backprop_state_size(learner->dense);
    return true;
}

bool learner_state_save(const struct learner *learner, void *buffer, size_t bytes)
{
    if (learner->network)
        return library_ok(mf_network_state_save(learner->network, buffer, bytes));
    if (learner->conv)
        return pass_conv(learner, SAVE, buffer, &bytes);
    backprop_state_save(learner->dense, buffer);
    return true;
}

bool learner_state_load(struct learner *learner, const void *buffer, size_t bytes)
{
    if (learner->network)
        return library_ok(mf_network_state_load(learner->network, buffer, bytes));
    if (learner->conv)
        return pass_conv(learner, LOAD, (unsigned char *)buffer, &bytes);
    backprop_state_load(learner->dense, buffer);
    return true;
}
