/* Owns: a network as lines for people. */
#include "model/summary.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/status.h"
#include "base/utf8.h"
#include "model/footprint.h"
#include "model/unit.h"

void mfi_page_put(mfi_page *to, const char *format, ...)
{
    va_list arguments;
    size_t room = to->length < to->size ? to->size - to->length : 0;
    va_start(arguments, format);
    int length = vsnprintf(room ? to->text + to->length : NULL, room, format, arguments);
    va_end(arguments);
    to->length += length > 0 ? (size_t)length : 0;
}

mf_status mfi_page_end(const mfi_page *page, const char *what, size_t *needed)
{
    *needed = page->length + 1;
    if (page->size >= *needed)
        return MF_STATUS_OK;
    if (page->size > 0)
        page->text[mfi_utf8_whole(page->text, page->size - 1)] = 0;
    return mfi_fail(MF_STATUS_CAPACITY, "%s needs %zu bytes, the buffer has %zu", what, *needed, page->size);
}

void mfi_describe_shape(const mf_shape *shape, char text[64])
{
    if (shape->rank == 1)
        snprintf(text, 64, "%zu", shape->dims[0]);
    else if (shape->rank == 2)
        snprintf(text, 64, "%zux%zu", shape->dims[0], shape->dims[1]);
    else
        snprintf(text, 64, "%zux%zux%zu", shape->dims[0], shape->dims[1], shape->dims[2]);
}

static void describe_pool(const mf_unit_spec *unit, char text[96])
{
    static const char *const pools[] = {"none", "average", "max", "average inside"};
    int length = snprintf(text, 96, "%s, %zux%zu, stride %zux%zu", pools[unit->pool], unit->kernel[0],
                          unit->kernel[1], unit->stride[0], unit->stride[1]);
    if (unit->padding[0] + unit->padding[1] > 0)
        snprintf(text + length, 96 - (size_t)length, ", padding %zux%zu", unit->padding[0], unit->padding[1]);
}

void mfi_describe_unit(const mf_unit_spec *unit, char text[96])
{
    static const char *const activations[] = {"identity", "relu", "leaky relu", "tanh", "gelu", "silu"};
    char groups[32] = "";
    text[0] = 0;
    if (unit->groups > 0)
        snprintf(groups, sizeof groups, ", %zu groups", unit->groups);
    if (unit->kind == MF_UNIT_CONV2D)
        snprintf(text, 96, "%zux%zu kernel, stride %zux%zu, padding %zux%zu%s", unit->kernel[0],
                 unit->kernel[1], unit->stride[0], unit->stride[1], unit->padding[0], unit->padding[1],
                 groups);
    else if (mfi_unit_scores(unit))
        snprintf(text, 96, "auxiliary head, weight %g", (double)unit->loss_weight);
    else if (unit->kind == MF_UNIT_POOL)
        describe_pool(unit, text);
    else if (unit->kind == MF_UNIT_ACTIVATION)
        snprintf(text, 96, "%s", activations[unit->activation]);
    else if (unit->kind == MF_UNIT_DROPOUT)
        snprintf(text, 96, "rate %g%s", (double)unit->dropout, unit->dropout_maps ? ", maps" : "");
    else if (unit->kind == MF_UNIT_ADD)
        snprintf(text, 96, "node %d + node %d", (int)unit->inputs[0], (int)unit->inputs[1]);
    else if (unit->kind == MF_UNIT_ATTENTION)
        snprintf(text, 96, "%zu heads%s", unit->heads, unit->causal ? ", causal" : "");
    else if (unit->kind == MF_UNIT_EMBEDDING)
        snprintf(text, 96, "%zu tokens", unit->vocabulary);
    else if (unit->kind == MF_UNIT_CONCAT)
        snprintf(text, 96, "node %d, then node %d", (int)unit->inputs[0], (int)unit->inputs[1]);
}

/* Values of the parameters of a unit, or of the head for node 0. Those of a unit lie side by side from
 * `*next` on, but in a layer with a spec, which has few. */
static size_t values_of_node(const mfi_plan *plan, int32_t node, size_t *next)
{
    size_t count = 0;
    for (size_t p = plan->has_spec ? 0 : *next; p < plan->parameter_count; p++) {
        if (plan->parameters[p].node == node)
            count += plan->parameters[p].count;
        else if (!plan->has_spec)
            break;
        *next = p + 1;
    }
    return count;
}

static void put_unit_line(mfi_page *to, const mfi_plan *plan, int32_t node, size_t *next)
{
    const mf_unit_spec *unit = &plan->units[node - 1].spec;
    char shape[64], what[96], input[32] = "";
    mfi_describe_shape(&plan->units[node - 1].output, shape);
    mfi_describe_unit(unit, what);
    if (mfi_unit_inputs(unit) == 1 && unit->inputs[0] != node - 1)
        snprintf(input, sizeof input, "reads node %d%s", (int)unit->inputs[0], what[0] ? "; " : "");
    mfi_page_put(to, "  %4d  %-10s  %-14s %10zu", (int)node, mfi_unit_names[unit->kind], shape,
                 values_of_node(plan, node, next));
    if (input[0] || what[0])
        mfi_page_put(to, "  %s%s", input, what);
    mfi_page_put(to, "\n");
}

static void put_layer_lines(mfi_page *to, const mf_network *network, size_t position)
{
    const mfi_plan *plan = &network->entries[position].layer->plan;
    char shape[64];
    size_t next = 0; /* parameter */
    mfi_describe_shape(&plan->input, shape);
    mfi_page_put(to, "layer %zu\n  %4d  %-10s  %s\n", position, 0, "input", shape);
    for (int32_t node = 1; (size_t)node <= plan->unit_count; node++) {
        if (node == plan->output + 1)
            mfi_page_put(to, "        %-10s  units from here on are the head's\n", "output");
        put_unit_line(to, plan, node, &next);
    }
    mfi_page_put(to, "        %-10s  %-14zu %10zu  linear, reads %zu values%s", "head", plan->head.classes,
                 values_of_node(plan, 0, &next), plan->features,
                 plan->head.kind == MF_HEAD_POSITIONS ? " at each position" : "");
    if (plan->head.input_node != MF_NODE_PREVIOUS)
        mfi_page_put(to, " of node %d", (int)plan->read);
    if (plan->head.shared)
        mfi_page_put(to, ", %zu by a shared matrix", mfi_plan_shared(plan));
    if (plan->head.sampling != MF_SAMPLING_NONE)
        mfi_page_put(to, ", %zu candidates by %s", plan->head.candidates,
                     mfi_sampling_names[plan->head.sampling]);
    if (mfi_plan_compares(plan))
        mfi_page_put(to, ", similarity %g of node %zu", (double)plan->head.similarity, plan->unit_count);
    mfi_page_put(to, "\n");
    mfi_page_put(to, "----- gradients stop here -----\n");
}

static void print_scaling(mfi_page *to, const mf_network *network)
{
    const mfi_scaling scaling = mfi_network_scaling(network);
    if (scaling.count == 1)
        mfi_page_put(to, "inputs are scaled: (x + %g) %g\n", (double)scaling.shift[0],
                     (double)scaling.scale[0]);
    else if (scaling.count > 1)
        mfi_page_put(to, "inputs are scaled, each by one of %zu numbers\n", scaling.count);
}

/* What the network takes as it is; its layers may have several optimizers. */
static void put_memory(mfi_page *to, const mf_network *network, size_t max_batch, const mf_memory *memory)
{
    size_t state = 0, parameters = 0;
    for (size_t i = 0; i < network->count; i++) {
        const mf_layer *layer = network->entries[i].layer;
        parameters += layer->plan.values;
        for (size_t p = 0; p < layer->plan.parameter_count; p++)
            state += layer->parameters[p].now.state_bytes;
    }
    mfi_page_put(
        to,
        "%zu layer%s, %zu parameters; bytes: layers %zu, optimizer state %zu, workspace for %zu row%s %zu",
        network->count, network->count == 1 ? "" : "s", parameters, memory->layers, state, max_batch,
        max_batch == 1 ? "" : "s", memory->workspace);
    if (memory->shared > 0)
        mfi_page_put(to, ", shared matrices %zu", memory->shared);
    mfi_page_put(to, "\n");
}

mf_status mfi_network_summary(const mf_network *network, size_t max_batch, char *text, size_t size,
                              size_t *needed)
{
    const mfi_layer_list layers = mfi_list_network(network);
    mfi_page to = {.text = text, .size = size};
    mf_memory memory = {0};
    if (network->count > 0)
        MFI_TRY(mfi_footprint(&layers, NULL, mfi_workspace_purpose(network, MF_WORKSPACE_TRAINING), max_batch,
                              1, &memory));
    if (size > 0)
        text[0] = 0;
    print_scaling(&to, network);
    for (size_t position = 0; position < network->count; position++)
        put_layer_lines(&to, network, position);
    if (network->count == 0)
        mfi_page_put(&to, "no layers\n");
    else
        put_memory(&to, network, max_batch, &memory);
    return mfi_page_end(&to, "the summary", needed);
}
