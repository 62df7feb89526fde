/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "augment.h"
#include "baseline.h"
#include "complain.h"
#include "images.h"
#include "random.h"
#include "threads.h"

#include <stdio.h>
#include <string.h>

enum { PURPOSE_FIRST_LAYER = 1000 };

static bool freeze(mf_layer *layer, int32_t choice)
{
    return choice == FREEZE_NOTHING || library_ok(mf_layer_set_trainable(layer, freeze_names[choice], 0));
}

/* The layer at `index`: the convolutions come first, then the dense layers. Its input is still missing. */
static bool fill_spec(const struct settings *settings, size_t index, mf_layer_spec *spec)
{
    bool convolution = index < settings->conv.count;
    if (!library_ok(mf_layer_spec_init(spec, sizeof *spec)))
        return false;
    spec->kind = convolution ? MF_LAYER_CONV2D : MF_LAYER_DENSE;
    if (convolution) {
        spec->filters = settings->conv.values[index];
        spec->padding[0] = spec->padding[1] = 1; /* so that a 3 x 3 kernel leaves the size as it is */
        spec->pool_size[0] = spec->pool_size[1] = settings_pool(settings, index);
        spec->pool = spec->pool_size[0] > 1 ? MF_POOL_MAX : MF_POOL_NONE;
        spec->dropout_maps = 1;
    } else {
        spec->outputs = settings->hidden.values[index - settings->conv.count];
    }
    spec->classes = DIGIT_CLASSES;
    spec->activation = settings->activation;
    spec->normalization = settings->normalization;
    spec->weight_init = settings->init_weight;
    spec->projection_init = settings->init_projection;
    spec->precision = settings->precision;
    spec->dropout = (float)settings->dropout;
    spec->label_smoothing = (float)settings->label_smoothing;
    spec->seed = random_derive(settings->seed, PURPOSE_FIRST_LAYER + index);
    return true;
}

/* What the layer reads: the images, or what the layer `before` passes on. */
static bool fill_input(mf_layer_spec *spec, const mf_layer_spec *before, size_t rows, size_t columns)
{
    if (before != NULL)
        return library_ok(mf_layer_spec_follow(spec, before));
    if (spec->kind == MF_LAYER_CONV2D) {
        spec->channels = 1;
        spec->height = rows;
        spec->width = columns;
    } else {
        spec->inputs = rows * columns;
    }
    return true;
}

/* A head averages maps, it does not enlarge them: smaller ones are read as they are. */
static void choose_head(mf_layer_spec *spec, size_t size)
{
    size_t side = spec->height < spec->width ? spec->height : spec->width;
    if (spec->kind == MF_LAYER_CONV2D && size < side / spec->pool_size[0])
        spec->head_size = size;
}

static bool fill_specs(const struct settings *settings, size_t rows, size_t columns, mf_layer_spec *specs)
{
    for (size_t i = 0; i < settings_depth(settings); i++) {
        if (!fill_spec(settings, i, &specs[i]) ||
            !fill_input(&specs[i], i > 0 ? &specs[i - 1] : NULL, rows, columns))
            return false;
        choose_head(&specs[i], settings->head);
    }
    return true;
}

static bool take_layer(struct model *model)
{
    mf_layer *layer = model->layers[model->layer_count++];
    return library_ok(mf_layer_set_optimizer(layer, model->optimizer));
}

static bool foresee(struct model *model, const struct settings *settings, const struct baseline_spec *spec)
{
    mf_builder *builder = NULL;
    mf_optimizer_spec optimizer;
    mf_memory_spec query;
    mf_memory memory = {.struct_size = sizeof memory};
    if (!library_ok(mf_memory_spec_init(&query, sizeof query)))
        return false;
    query.builders = &builder;
    query.count = 1;
    query.optimizer = &optimizer;
    query.max_batch = settings->batch;
    query.threads = settings->workers;
    bool good = update_spec((enum update_rule)settings->optimizer, settings->learning_rate,
                            settings->weight_decay, settings->clip, &optimizer) &&
                library_ok(baseline_describe(spec, &builder)) && library_ok(mf_memory_query(&query, &memory));
    mf_builder_free(builder);
    model->foreseen = memory.total;
    return good;
}

/* All units in one layer: gradients flow through the whole network. */
static bool create_whole(struct model *model, const struct settings *settings, const mf_layer_spec *specs,
                         size_t features, const mf_allocator *allocator)
{
    const struct baseline_spec spec = {.layers = specs,
                                       .count = settings_depth(settings),
                                       .features = features,
                                       .classes = DIGIT_CLASSES,
                                       .seed = random_derive(settings->seed, PURPOSE_FIRST_LAYER),
                                       .allocator = allocator};
    return library_ok(baseline_create(&spec, &model->layers[0])) && take_layer(model) &&
           foresee(model, settings, &spec);
}

static bool create_layers(struct model *model, const struct settings *settings, size_t rows, size_t columns,
                          const mf_allocator *allocator)
{
    mf_layer_spec specs[SIZE_LIST_CAPACITY];
    if (!fill_specs(settings, rows, columns, specs))
        return false;
    if (settings->cut == CUT_NONE)
        return create_whole(model, settings, specs, rows * columns, allocator);
    for (size_t i = 0; i < settings_depth(settings); i++) {
        specs[i].allocator = allocator;
        if (!library_ok(mf_layer_create(&specs[i], &model->layers[i])) || !take_layer(model) ||
            !freeze(model->layers[i], settings->freeze))
            return false;
    }
    return true;
}

/* Whether there is room for the floats of bytes: a pipeline copies each batch, and a workspace puts them
 * where a second, fourth, ... layer writes later. */
static bool has_room_for_floats(const struct model *model, size_t pixels)
{
    bool room = model->pipelined;
    for (size_t i = 1; !room && i < model->layer_count; i += 2) {
        mf_layer_spec spec = {.struct_size = sizeof spec};
        room = library_ok(mf_layer_describe(model->layers[i], &spec)) && spec.outputs >= pixels;
    }
    return room;
}

bool model_create(struct model *model, const struct settings *settings, size_t rows, size_t columns)
{
    *model =
        (struct model){.pipelined = settings->workers > 0 && !settings->greedy && settings->cut != CUT_NONE};
    mf_allocator allocator = meter_allocator(&model->meter);
    mf_network_spec spec;
    if (!threads_open(settings->workers, &model->pool) ||
        !update_create((enum update_rule)settings->optimizer, settings->learning_rate, settings->weight_decay,
                       settings->clip, &allocator, &model->optimizer) ||
        !library_ok(mf_network_spec_init(&spec, sizeof spec)))
        return false;
    spec.allocator = &allocator;
    if (!library_ok(mf_network_create(&spec, &model->network)) ||
        !create_layers(model, settings, rows, columns, &allocator))
        return false;
    model->bytes =
        settings->augment == AUGMENT_NONE && !settings->greedy && has_room_for_floats(model, rows * columns);
    return true;
}

static void free_workspaces(struct model *model)
{
    training_close(&model->training);
    mf_workspace_free(model->evaluation);
    model->evaluation = NULL;
}

void model_free(struct model *model)
{
    free_workspaces(model);
    mf_network_free(model->network);
    for (size_t i = 0; i < model->layer_count; i++)
        mf_layer_free(model->layers[i]);
    mf_optimizer_free(model->optimizer);
    mf_pool_free(model->pool);
    *model = (struct model){0};
}

static bool create_evaluation(struct model *model)
{
    mf_workspace_spec spec;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.purpose = MF_WORKSPACE_INFERENCE + (model->bytes ? MF_WORKSPACE_CONVERT : 0);
    spec.network = model->network;
    spec.max_batch = EVALUATION_BATCH;
    spec.pool = model->pool;
    return library_ok(mf_workspace_create(&spec, &model->evaluation));
}

bool model_set_depth(struct model *model, size_t depth, size_t batch)
{
    mf_allocator allocator = meter_allocator(&model->meter);
    free_workspaces(model);
    while (model->depth > depth) {
        if (!library_ok(mf_network_remove(model->network, model->ids[model->depth - 1])))
            return false;
        model->depth--;
    }
    while (model->depth < depth) {
        mf_layer *layer = model->layers[model->depth];
        if (!library_ok(mf_network_append(model->network, layer, &model->ids[model->depth])))
            return false;
        model->depth++;
    }
    bool opened = model->bytes ? training_open_bytes(&model->training, model->network, model->pipelined,
                                                     model->pool, batch, &allocator)
                               : training_open(&model->training, model->network, model->pipelined, model->pool,
                                               batch, &allocator);
    return opened && create_evaluation(model);
}

static size_t add_shape(const mf_shape *shape, char *text, size_t capacity)
{
    size_t used = 0;
    for (int32_t i = 0; i < shape->rank && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%zu", i > 0 ? "x" : "", shape->dims[i]);
    return used;
}

/* The rows behind the units that change their shape. */
static bool add_units(const mf_layer *layer, char *text, size_t capacity, size_t *used)
{
    char last[64] = "";
    size_t count = 0;
    if (!library_ok(mf_layer_unit_count(layer, &count)))
        return false;
    for (size_t node = 1; node <= count && *used + 1 < capacity; node++) {
        mf_shape output = {.struct_size = sizeof output};
        char shape[64];
        if (!library_ok(mf_layer_unit(layer, (int32_t)node, NULL, &output)))
            return false;
        add_shape(&output, shape, sizeof shape);
        if (strcmp(shape, last) != 0)
            *used += (size_t)snprintf(text + *used, capacity - *used, "%s%s", *last ? "-" : "", shape);
        snprintf(last, sizeof last, "%s", shape);
    }
    return true;
}

bool model_shapes(const struct model *model, char *text, size_t capacity)
{
    mf_shape input = {.struct_size = sizeof input}, output = {.struct_size = sizeof output};
    mf_layer_spec spec = {.struct_size = sizeof spec};
    size_t used = 0;
    for (size_t i = 0; i < model->layer_count && used + 1 < capacity; i++) {
        if (!library_ok(mf_layer_shape(model->layers[i], &input, &output)) ||
            !library_ok(mf_layer_describe(model->layers[i], &spec)))
            return false;
        if (i == 0)
            used += add_shape(&input, text, capacity);
        used += (size_t)snprintf(text + used, capacity - used, "-");
        if (spec.kind != MF_LAYER_UNITS)
            used += add_shape(&output, text + used, capacity - used);
        else if (!add_units(model->layers[i], text, capacity, &used))
            return false;
    }
    return true;
}
