/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "complain.h"
#include "parameters.h"
#include "random.h"
#include "records.h"
#include "updates.h"
#include "whiten.h"

#include <stdlib.h>

enum { PURPOSE_FIRST_LAYER = 1000 };

/* A layer that grows by calls to a builder, which remembers its first failure: mf_layer_build() tells. */
struct next {
    const struct settings *settings;
    size_t classes;
    mf_builder *builder;
    int32_t node; /* that was added last */
};

static mf_unit_spec blank_unit(void)
{
    mf_unit_spec unit;
    (void)mf_unit_spec_init(&unit, sizeof unit);
    return unit;
}

static void add_unit(struct next *next, int32_t kind, mf_unit_spec unit)
{
    unit.kind = kind;
    (void)mf_builder_unit(next->builder, &unit, &next->node);
}

static void add_relu(struct next *next)
{
    mf_unit_spec unit = blank_unit();
    unit.activation = MF_ACTIVATION_RELU;
    add_unit(next, MF_UNIT_ACTIVATION, unit);
}

static void add_convolution(struct next *next, size_t filters)
{
    mf_unit_spec unit = blank_unit();
    unit.outputs = filters;
    unit.bias = 0;
    unit.padding[0] = unit.padding[1] = 1;
    add_unit(next, MF_UNIT_CONV2D, unit);
}

static void add_normalized(struct next *next, size_t filters)
{
    add_convolution(next, filters);
    add_unit(next, MF_UNIT_BATCH_NORM, blank_unit());
    add_relu(next);
}

static void add_whitening(struct next *next)
{
    mf_unit_spec unit = blank_unit();
    unit.outputs = WHITEN_MAPS;
    unit.bias = 0;
    unit.kernel[0] = unit.kernel[1] = WHITEN_SIDE;
    add_unit(next, MF_UNIT_CONV2D, unit);
    add_relu(next);
}

static void add_pool(struct next *next, int32_t pool)
{
    mf_unit_spec unit = blank_unit();
    unit.pool = pool;
    if (pool != MF_POOL_NONE)
        add_unit(next, MF_UNIT_POOL, unit);
}

/* The units of the layer, and behind them those of the head: a convolution of its own, and one by which
 * images are compared. */
static void add_all(struct next *next, const struct layer_plan *plan, bool whitened)
{
    mf_head_spec head;
    (void)mf_head_spec_init(&head, sizeof head);
    if (whitened)
        add_whitening(next);
    for (size_t i = 0; i < layer_depth(plan); i++) {
        add_normalized(next, plan->convolutions[i].filters);
        add_pool(next, plan->convolutions[i].pool);
    }
    head.output_node = next->node;
    if (next->settings->similarity > 0)
        add_convolution(next, plan->convolutions[layer_depth(plan) - 1].filters);
    head.classes = next->classes;
    head.pool_size = plan->head_size;
    head.projection_init = next->settings->init_projection;
    head.label_smoothing = (float)next->settings->label_smoothing;
    head.similarity = (float)next->settings->similarity;
    (void)mf_builder_head(next->builder, &head);
}

static bool build_layer(const struct settings *settings, size_t index, const mf_shape *input, size_t classes,
                        const mf_allocator *allocator, mf_layer **layer)
{
    const struct layer_plan *plan = &settings->layers[index];
    struct next next = {.settings = settings, .classes = classes};
    mf_builder_spec spec;
    if (!library_ok(mf_builder_spec_init(&spec, sizeof spec)))
        return false;
    spec.input = input;
    spec.dropout = (float)plan->dropout;
    spec.dropout_maps = 1;
    spec.precision = settings->precision;
    spec.seed = random_derive(settings->seed, PURPOSE_FIRST_LAYER + index);
    spec.allocator = allocator;
    if (!library_ok(mf_builder_create(&spec, &next.builder)))
        return false;
    add_all(&next, plan, index == 0 && presets[settings->preset].whitened);
    bool built = library_ok(mf_layer_build(next.builder, layer));
    mf_builder_free(next.builder);
    return built;
}

/* The first unit of the first layer is drawn from the data, and stays. */
static bool set_whitening(mf_layer *first, const struct data *data)
{
    static const char name[] = "units.1.weight";
    float weight[WHITEN_MAPS * WHITEN_PATCH];
    whiten_find(data, weight);
    return library_ok(mf_layer_set_parameter(first, name, weight, WHITEN_MAPS * WHITEN_PATCH)) &&
           library_ok(mf_layer_set_trainable(first, name, 0));
}

/* Sets filter i of a convolution, [filters, maps, 3, 3], to the one that lets map i through. */
static void write_dirac(float *weight, size_t filters, size_t maps)
{
    for (size_t i = 0; i < filters && i < maps; i++)
        for (size_t k = 0; k < 9; k++)
            weight[(i * maps + i) * 9 + k] = k == 4 ? 1 : 0;
}

static bool set_dirac(mf_layer *layer)
{
    mf_parameter_info info = {.struct_size = sizeof info};
    size_t count;
    if (!library_ok(mf_layer_parameter_count(layer, &count)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!library_ok(mf_layer_parameter_info(layer, i, &info)))
            return false;
        if (info.rank != 4 || info.dims[2] != 3)
            continue;
        float *weight = malloc(info.count * sizeof *weight);
        bool good =
            weight != NULL && library_ok(mf_layer_get_parameter(layer, info.name, weight, info.count));
        if (good)
            write_dirac(weight, info.dims[0], info.dims[1]);
        good = good && library_ok(mf_layer_set_parameter(layer, info.name, weight, info.count));
        free(weight);
        if (!good)
            return false;
    }
    return true;
}

static bool create_layers(struct model *model, const struct settings *settings, const struct data *data,
                          const mf_allocator *allocator)
{
    mf_shape shape = {.struct_size = sizeof shape, .rank = 3, .dims = {CHANNELS, SIDE, SIDE}};
    for (size_t i = 0; i < settings->layer_count; i++) {
        if (!build_layer(settings, i, &shape, data->classes, allocator, &model->layers[i]))
            return false;
        model->layer_count++;
        if (!library_ok(mf_layer_shape(model->layers[i], NULL, &shape)) ||
            !library_ok(mf_network_append(model->network, model->layers[i], NULL)) ||
            (presets[settings->preset].dirac && !set_dirac(model->layers[i])))
            return false;
    }
    return (!presets[settings->preset].whitened || set_whitening(model->layers[0], data)) &&
           library_ok(mf_network_set_optimizer(model->network, model->optimizer));
}

bool model_create(struct model *model, const struct settings *settings, const struct data *data)
{
    *model = (struct model){0};
    mf_allocator allocator = meter_allocator(&model->meter);
    mf_network_spec spec;
    if (!update_create((enum update_rule)settings->optimizer, settings->learning_rate, settings->weight_decay,
                       0, &allocator, &model->optimizer) ||
        !library_ok(mf_network_spec_init(&spec, sizeof spec)))
        return false;
    spec.allocator = &allocator;
    return library_ok(mf_network_create(&spec, &model->network)) &&
           create_layers(model, settings, data, &allocator) &&
           training_open(&model->training, model->network, settings->workers, NULL, settings->batch,
                         &allocator);
}

void model_free(struct model *model)
{
    training_close(&model->training);
    mf_network_free(model->network);
    for (size_t i = 0; i < model->layer_count; i++)
        mf_layer_free(model->layers[i]);
    mf_optimizer_free(model->optimizer);
    *model = (struct model){0};
}

/* M is [classes, features]. */
static bool find_features(const mf_layer *layer, size_t *features)
{
    mf_parameter_info info = {.struct_size = sizeof info};
    for (size_t i = 0; library_ok(mf_layer_parameter_info(layer, i, &info)); i++) {
        if (parameter_is_projection(info.name)) {
            *features = info.dims[1];
            return true;
        }
    }
    return false;
}

/* Padding keeps the size of a map, or nearly, so every input pixel meets every kernel once. */
static double products_of(const mf_shape *input, const mf_unit_spec *unit)
{
    return (double)(input->dims[0] * input->dims[1] * input->dims[2]) * (double)unit->outputs *
           (double)(unit->kernel[0] * unit->kernel[1]);
}

bool model_layer_facts(const struct model *model, size_t layer, struct layer_facts *facts)
{
    mf_shape input = {.struct_size = sizeof input}, output = {.struct_size = sizeof output}, now;
    mf_unit_spec unit = {.struct_size = sizeof unit};
    size_t count;
    if (!library_ok(mf_layer_shape(model->layers[layer], &input, &output)) ||
        !library_ok(mf_layer_unit_count(model->layers[layer], &count)))
        return false;
    *facts = (struct layer_facts){.maps = output.dims[0], .height = output.dims[1], .width = output.dims[2]};
    now = input;
    for (size_t node = 1; node <= count; node++) {
        mf_shape after = {.struct_size = sizeof after};
        if (!library_ok(mf_layer_unit(model->layers[layer], (int32_t)node, &unit, &after)))
            return false;
        if (unit.kind == MF_UNIT_CONV2D)
            facts->products += products_of(&now, &unit);
        now = after;
    }
    return find_features(model->layers[layer], &facts->features);
}
