/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "complain.h"
#include "threads.h"
#include "updates.h"

static bool foresee(const struct model *model, const struct chain *chain, const struct settings *settings,
                    size_t batch, size_t *bytes)
{
    mf_memory_spec spec;
    mf_memory memory = {.struct_size = sizeof memory};
    mf_optimizer_spec optimizer;
    uint32_t threads = 1;
    if (!library_ok(mf_memory_spec_init(&spec, sizeof spec)) ||
        !update_spec(UPDATE_ADAMW, settings->learning_rate, settings->weight_decay, 0, &optimizer) ||
        (model->pool != NULL && !library_ok(mf_pool_threads(model->pool, &threads))))
        return false;
    spec.builders = chain->builders;
    spec.count = chain->count;
    spec.optimizer = &optimizer;
    spec.purpose = MF_WORKSPACE_TRAINING;
    spec.max_batch = batch;
    spec.threads = threads;
    if (!library_ok(mf_memory_query(&spec, &memory)))
        return false;
    *bytes = memory.total;
    return true;
}

static bool make_layers(struct model *model, const struct chain *chain)
{
    if (!chain_build(chain, model->layers, &model->layer_count))
        return false;
    for (size_t i = 0; i < model->layer_count; i++)
        if (!library_ok(mf_network_append(model->network, model->layers[i], NULL)))
            return false;
    return library_ok(mf_network_set_optimizer(model->network, model->optimizer));
}

/* From the description of the network to its layers; the description goes. */
static bool realise(struct model *model, const struct study *study, const struct settings *settings,
                    const struct source *source)
{
    struct chain chain = {.allocator = &model->allocator,
                          .classes = source->classes,
                          .positions = source->text,
                          .seed = settings->seed,
                          .shape = source->shape};
    study->describe(&chain, settings);
    bool good = !chain.failed && foresee(model, &chain, settings, settings->batch, &model->memory) &&
                foresee(model, &chain, settings, LARGE_BATCH, &model->memory_large) &&
                make_layers(model, &chain);
    chain_free(&chain);
    return good;
}

bool model_create(struct model *model, const struct study *study, const struct settings *settings,
                  const struct source *source)
{
    *model = (struct model){0};
    model->allocator = meter_allocator(&model->meter);
    mf_network_spec spec;
    if (!threads_open(settings->threads, &model->pool) ||
        !update_create(UPDATE_ADAMW, settings->learning_rate, settings->weight_decay, 0, &model->allocator,
                       &model->optimizer) ||
        !library_ok(mf_network_spec_init(&spec, sizeof spec)))
        return false;
    spec.allocator = &model->allocator;
    if (!library_ok(mf_network_create(&spec, &model->network)) || !realise(model, study, settings, source) ||
        !training_open(&model->training, model->network, settings->workers, model->pool, settings->batch,
                       &model->allocator))
        return false;
    model->held = model->meter.bytes;
    return settings->workers > 0 || model->held == model->memory ||
           complain("training holds %zu bytes, the library has foreseen %zu", model->held, model->memory);
}

void model_free(struct model *model)
{
    training_close(&model->training);
    mf_network_free(model->network);
    for (size_t i = 0; i < model->layer_count; i++)
        mf_layer_free(model->layers[i]);
    mf_optimizer_free(model->optimizer);
    mf_pool_free(model->pool);
    *model = (struct model){0};
}
