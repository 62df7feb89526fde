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

static bool create_layers(struct model *model, const struct settings *settings, const mf_allocator *allocator)
{
    mf_layer_spec specs[MOST_LAYERS];
    for (size_t i = 0; i < settings->layer_count; i++) {
        if (!plan_spec(settings, i, i > 0 ? &specs[i - 1] : NULL, &specs[i]))
            return false;
        specs[i].allocator = allocator;
        if (!library_ok(mf_layer_create(&specs[i], &model->layers[i])))
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
        if (strcmp(info.name, "projection") == 0) {
            *features = info.dims[1];
            return true;
        }
    }
    return false;
}

bool model_layer_facts(const struct model *model, size_t layer, struct layer_facts *facts)
{
    mf_shape input = {.struct_size = sizeof input}, output = {.struct_size = sizeof output};
    mf_layer_spec spec;
    if (!library_ok(mf_layer_spec_init(&spec, sizeof spec)) ||
        !library_ok(mf_layer_describe(model->layers[layer], &spec)) ||
        !library_ok(mf_layer_shape(model->layers[layer], &input, &output)))
        return false;
    *facts = (struct layer_facts){.maps = output.dims[0], .height = output.dims[1], .width = output.dims[2]};
    /* Padding keeps the size of a map, so every input pixel meets every kernel once. */
    facts->products = (double)(input.dims[0] * input.dims[1] * input.dims[2]) * (double)spec.filters *
                      (double)(spec.kernel[0] * spec.kernel[1]);
    return find_features(model->layers[layer], &facts->features);
}
