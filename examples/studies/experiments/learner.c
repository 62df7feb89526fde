/* SPDX-License-Identifier: MIT */
#include "learner.h"

#include "baseline.h"
#include "complain.h"
#include "parameters.h"
#include "random.h"
#include "rank.h"
#include "updates.h"

#include <stddef.h>

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

/* ---- the network, of several layers or of one ---- */

static bool create_network(struct learner *learner)
{
    mf_allocator allocator = meter_allocator(&learner->meter);
    mf_network_spec spec;
    if (!library_ok(mf_network_spec_init(&spec, sizeof spec)))
        return false;
    spec.allocator = &allocator;
    return library_ok(mf_network_create(&spec, &learner->network));
}

/* Rows that go through the network at a time when it learns. */
static size_t rows_at_a_time(const struct settings *s)
{
    return s->method == METHOD_BP_ACCUMULATE && s->accumulate < s->batch ? s->accumulate : s->batch;
}

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
    return training_open(&learner->training, learner->network, workers, NULL, rows_at_a_time(learner->settings),
                         &allocator);
}

static bool add_layer(struct learner *learner)
{
    mf_layer *layer = learner->stack[learner->depth];
    if (!library_ok(mf_network_append(learner->network, layer, NULL)))
        return false;
    learner->depth++;
    return true;
}

/* ---- Mono-Forward ---- */

static bool prepare_projection(const struct learner *learner, mf_layer *layer)
{
    const struct settings *s = learner->settings;
    if (s->freeze == FREEZE_PROJECTION && !library_ok(mf_layer_set_trainable(layer, "projection", 0)))
        return false;
    return s->rank == 0 || rank_limit(layer, s->rank);
}

static bool open_forward(struct learner *learner, const mf_layer_spec *specs)
{
    mf_allocator allocator = meter_allocator(&learner->meter);
    struct parameter_counts counts;
    if (!create_network(learner))
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

/* ---- backpropagation: a network of one layer ---- */

/* Parts of a batch go through on their own and their gradients are added up: one part's, and the sum. */
static bool open_accumulation(struct learner *learner)
{
    mf_allocator allocator = meter_allocator(&learner->meter);
    size_t *count = &learner->gradient_values, parameters = 0;
    if (!library_ok(mf_layer_parameter_count(learner->stack[0], &parameters)))
        return false;
    for (size_t p = 0; p < parameters; p++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        if (!library_ok(mf_layer_parameter_info(learner->stack[0], p, &info)))
            return false;
        *count += info.count;
    }
    for (int i = 0; i < 2; i++) {
        learner->gradients[i] = allocator.alloc(allocator.user, *count * sizeof(float), _Alignof(max_align_t));
        if (!learner->gradients[i])
            return complain("no memory for the gradients of %zu parameters", *count);
    }
    return true;
}

static void close_accumulation(struct learner *learner)
{
    mf_allocator allocator = meter_allocator(&learner->meter);
    for (int i = 0; i < 2; i++)
        if (learner->gradients[i])
            allocator.free(allocator.user, learner->gradients[i], learner->gradient_values * sizeof(float));
}

/* Parameters that can learn. */
static bool count_trainable(struct learner *learner)
{
    size_t parameters = 0;
    if (!library_ok(mf_layer_parameter_count(learner->stack[0], &parameters)))
        return false;
    for (size_t p = 0; p < parameters; p++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        if (!library_ok(mf_layer_parameter_info(learner->stack[0], p, &info)))
            return false;
        learner->parameters += info.trainable ? info.count : 0;
    }
    return true;
}

static bool open_baseline(struct learner *learner, const mf_layer_spec *specs, const struct dataset *set)
{
    const struct settings *s = learner->settings;
    mf_allocator allocator = meter_allocator(&learner->meter);
    const struct baseline_spec spec = {
        .layers = specs,
        .count = s->conv.count + s->hidden.count,
        .features = set->features,
        .classes = set->classes,
        .seed = random_derive(s->seed, PURPOSE_BASELINE),
        .allocator = &allocator,
    };
    return library_ok(baseline_create(&spec, &learner->stack[0])) && create_network(learner) &&
           library_ok(mf_layer_set_optimizer(learner->stack[0], learner->optimizer)) &&
           count_trainable(learner) && add_layer(learner) &&
           (s->method != METHOD_BP_ACCUMULATE || open_accumulation(learner)) && open_workspaces(learner);
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
    return open_baseline(learner, specs, set);
}

void learner_close(struct learner *learner)
{
    training_close(&learner->training);
    mf_workspace_free(learner->evaluation);
    mf_network_free(learner->network);
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        mf_layer_free(learner->stack[i]);
    close_accumulation(learner);
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

static enum learned step_whole(struct learner *learner, size_t rows, const float *x, const int32_t *y,
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

/* The gradient of the batch is the mean of its parts' by their rows. */
static void add_part(const struct learner *learner, float share, bool first)
{
    float *sum = learner->gradients[0];
    const float *part = learner->gradients[1];
    for (size_t i = 0; i < learner->gradient_values; i++)
        sum[i] = (first ? 0.0f : sum[i]) + share * part[i];
}

static enum learned step_in_parts(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                                  double *losses)
{
    mf_layer *layer = learner->stack[0];
    mf_shape input = {.struct_size = sizeof input};
    size_t most = rows_at_a_time(learner->settings);
    if (!library_ok(mf_layer_shape(layer, &input, NULL)))
        return LEARNED_NOTHING;
    size_t values = input.dims[0] * input.dims[1] * input.dims[2];
    for (size_t first = 0; first < rows; first += most) {
        size_t part = rows - first < most ? rows - first : most;
        mf_batch batch;
        mf_report report = {.struct_size = sizeof report};
        if (!library_ok(mf_batch_init(&batch, sizeof batch)))
            return LEARNED_NOTHING;
        batch.rows = part;
        batch.inputs = x + first * values;
        batch.targets = y + first;
        enum learned outcome = outcome_of(mf_layer_gradients(
            layer, learner->training.workspace, &batch, NULL, learner->gradients[1], learner->gradient_values));
        if (outcome != LEARNED)
            return outcome;
        add_part(learner, (float)part / (float)rows, first == 0);
        if (!library_ok(mf_workspace_report(learner->training.workspace, 0, &report)))
            return LEARNED_NOTHING;
        losses[0] += report.loss * (double)part;
    }
    return outcome_of(mf_layer_apply(layer, learner->gradients[0], learner->gradient_values));
}

enum learned learner_step(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                          double *losses)
{
    return learner->gradients[0] ? step_in_parts(learner, rows, x, y, losses)
                                 : step_whole(learner, rows, x, y, losses);
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

bool learner_evaluate(struct learner *learner, size_t rows, const float *x, const int32_t *y,
                      struct answers *answers)
{
    answers->rows += rows;
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

bool learner_answer(struct learner *learner, bool sum, const float *x, int32_t *label)
{
    return library_ok(mf_network_predict(learner->network, learner->evaluation,
                                         sum ? MF_PREDICT_SUM : MF_PREDICT_LAST, 1, x, label));
}

/* ---- going back ---- */

bool learner_state_size(const struct learner *learner, size_t *bytes)
{
    return library_ok(mf_network_snapshot_size(learner->network, bytes));
}

bool learner_state_save(const struct learner *learner, void *buffer, size_t bytes)
{
    return library_ok(mf_network_snapshot_save(learner->network, buffer, bytes));
}

bool learner_state_load(struct learner *learner, const void *buffer, size_t bytes)
{
    return library_ok(mf_network_snapshot_load(learner->network, buffer, bytes));
}
