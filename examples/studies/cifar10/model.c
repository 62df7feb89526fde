/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "complain.h"
#include "random.h"
#include "records.h"
#include "updates.h"

#include <string.h>

enum { PURPOSE_FIRST_LAYER = 1000 };

/* What the layer at `index` is made from; `before` is the one before it, NULL for the first. */
static bool plan_spec(const struct settings *settings, size_t index, const mf_layer_spec *before,
                      mf_layer_spec *spec)
{
    const struct layer_plan *plan = &settings->layers[index];
    if (!library_ok(mf_layer_spec_init(spec, sizeof *spec)))
        return false;
    spec->kind = MF_LAYER_CONV2D;
    spec->channels = CHANNELS;
    spec->height = spec->width = SIDE;
    if (before != NULL && !library_ok(mf_layer_spec_follow(spec, before)))
        return false;
    spec->filters = plan->filters;
    spec->padding[0] = spec->padding[1] = 1;
    spec->pool = plan->pool;
    spec->head_size = plan->head_size;
    spec->classes = CLASSES;
    spec->normalization = MF_NORMALIZATION_BATCH;
    spec->projection_init = settings->init_projection;
    spec->precision = settings->precision;
    spec->dropout = (float)plan->dropout;
    spec->dropout_maps = 1;
    spec->label_smoothing = (float)settings->label_smoothing;
    spec->seed = random_derive(settings->seed, PURPOSE_FIRST_LAYER + index);
    return true;
}

static bool add_unit(mf_builder *builder, int32_t kind, const mf_layer_spec *spec)
{
    mf_unit_spec unit;
    if (!library_ok(mf_unit_spec_init(&unit, sizeof unit)))
        return false;
    unit.kind = kind;
    unit.outputs = spec->filters;
    unit.bias = kind == MF_UNIT_BATCH_NORM;
    unit.pool = spec->pool;
    if (kind == MF_UNIT_CONV2D)
        unit.padding[0] = unit.padding[1] = 1;
    return library_ok(mf_builder_unit(builder, &unit, NULL));
}

/* The units of the spec, and behind them a convolution by which images are compared. */
static bool add_units(mf_builder *builder, const mf_layer_spec *spec, float similarity)
{
    mf_head_spec head;
    if (!add_unit(builder, MF_UNIT_CONV2D, spec) || !add_unit(builder, MF_UNIT_BATCH_NORM, spec) ||
        !add_unit(builder, MF_UNIT_ACTIVATION, spec) ||
        (spec->pool != MF_POOL_NONE && !add_unit(builder, MF_UNIT_POOL, spec)) ||
        !add_unit(builder, MF_UNIT_CONV2D, spec) || !library_ok(mf_head_spec_init(&head, sizeof head)))
        return false;
    head.classes = spec->classes;
    head.pool_size = spec->head_size;
    head.projection_init = spec->projection_init;
    head.label_smoothing = spec->label_smoothing;
    head.similarity = similarity;
    return library_ok(mf_builder_head(builder, &head));
}

static bool build_layer(const mf_layer_spec *spec, float similarity, mf_layer **layer)
{
    mf_builder *builder = NULL;
    mf_builder_spec whole;
    mf_shape input = {.struct_size = sizeof input, .rank = 3};
    if (similarity == 0)
        return library_ok(mf_layer_create(spec, layer));
    if (!library_ok(mf_builder_spec_init(&whole, sizeof whole)))
        return false;
    input.dims[0] = spec->channels;
    input.dims[1] = spec->height;
    input.dims[2] = spec->width;
    whole.input = &input;
    whole.dropout = spec->dropout;
    whole.dropout_maps = spec->dropout_maps;
    whole.precision = spec->precision;
    whole.seed = spec->seed;
    whole.allocator = spec->allocator;
    bool built = library_ok(mf_builder_create(&whole, &builder)) && add_units(builder, spec, similarity) &&
                 library_ok(mf_layer_build(builder, layer));
    mf_builder_free(builder);
    return built;
}

static bool create_layers(struct model *model, const struct settings *settings, const mf_allocator *allocator)
{
    mf_layer_spec specs[MOST_LAYERS];
    for (size_t i = 0; i < settings->layer_count; i++) {
        if (!plan_spec(settings, i, i > 0 ? &specs[i - 1] : NULL, &specs[i]))
            return false;
        specs[i].allocator = allocator;
        if (!build_layer(&specs[i], (float)settings->similarity, &model->layers[i]))
            return false;
        model->layer_count++;
        if (!library_ok(mf_network_append(model->network, model->layers[i], NULL)))
            return false;
    }
    return library_ok(mf_network_set_optimizer(model->network, model->optimizer));
}

bool model_create(struct model *model, const struct settings *settings)
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
           create_layers(model, settings, &allocator) &&
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
        if (strstr(info.name, "projection") != NULL) { /* of units: head.projection */
            *features = info.dims[1];
            return true;
        }
    }
    return false;
}

bool model_layer_facts(const struct model *model, size_t layer, struct layer_facts *facts)
{
    mf_shape input = {.struct_size = sizeof input}, output = {.struct_size = sizeof output};
    mf_unit_spec unit = {.struct_size = sizeof unit};
    if (!library_ok(mf_layer_unit(model->layers[layer], 1, &unit, NULL)) ||
        !library_ok(mf_layer_shape(model->layers[layer], &input, &output)))
        return false;
    *facts = (struct layer_facts){.maps = output.dims[0], .height = output.dims[1], .width = output.dims[2]};
    /* Padding keeps the size of a map, so every input pixel meets every kernel once. */
    facts->products = (double)(input.dims[0] * input.dims[1] * input.dims[2]) * (double)unit.outputs *
                      (double)(unit.kernel[0] * unit.kernel[1]);
    return find_features(model->layers[layer], &facts->features);
}
