/* Owns: what a model file says about layers and optimizers, and the tensors that follow from it. */
#include "io/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAMES(list) (list), sizeof(list) / sizeof *(list)

/* ---- layers: names in the order of the constants ---- */

static const char *const kinds[] = {"dense", "conv2d"};
static const char *const activations[] = {"identity", "relu", "leaky_relu", "tanh", "gelu"};
static const char *const inits[] = {"kaiming_uniform", "zero", "orthogonal", "normal"};
static const char *const normalizations[] = {"none", "batch"};
static const char *const pools[] = {"none", "average", "max"};
static const char *const parameters[MFI_PARAMETERS] = {"weight", "bias", "projection",
                                                       "scale",  "mean", "variance"};

enum { DENSE = 1 << MF_LAYER_DENSE, CONV = 1 << MF_LAYER_CONV2D };

#define SPEC(type, field) MFI_FIELD_##type, offsetof(mfi_layer_record, spec.field)

static const mfi_field layer_fields[] = {
    {"kind", SPEC(NAME, kind), NAMES(kinds), 0},
    {"id", MFI_FIELD_U64, offsetof(mfi_layer_record, id), NULL, 0, 0},
    {"inputs", SPEC(SIZE, inputs), NULL, 0, DENSE},
    {"outputs", SPEC(SIZE, outputs), NULL, 0, DENSE},
    {"channels", SPEC(SIZE, channels), NULL, 0, CONV},
    {"height", SPEC(SIZE, height), NULL, 0, CONV},
    {"width", SPEC(SIZE, width), NULL, 0, CONV},
    {"filters", SPEC(SIZE, filters), NULL, 0, CONV},
    {"kernel", SPEC(PAIR, kernel), NULL, 0, CONV},
    {"stride", SPEC(PAIR, stride), NULL, 0, CONV},
    {"padding", SPEC(PAIR, padding), NULL, 0, CONV},
    {"pool", SPEC(NAME, pool), NAMES(pools), CONV},
    {"pool_size", SPEC(PAIR, pool_size), NULL, 0, CONV},
    {"pool_stride", SPEC(PAIR, pool_stride), NULL, 0, CONV},
    {"head_size", SPEC(SIZE, head_size), NULL, 0, CONV},
    {"dropout_maps", SPEC(FLAG, dropout_maps), NULL, 0, CONV},
    {"classes", SPEC(SIZE, classes), NULL, 0, 0},
    {"activation", SPEC(NAME, activation), NAMES(activations), 0},
    {"leak", SPEC(FLOAT, leak), NULL, 0, 0},
    {"bias", SPEC(FLAG, bias), NULL, 0, 0},
    {"normalization", SPEC(NAME, normalization), NAMES(normalizations), 0},
    {"normalization_rate", SPEC(FLOAT, normalization_rate), NULL, 0, 0},
    {"normalization_epsilon", SPEC(FLOAT, normalization_epsilon), NULL, 0, 0},
    {"dropout", SPEC(FLOAT, dropout), NULL, 0, 0},
    {"label_smoothing", SPEC(FLOAT, label_smoothing), NULL, 0, 0},
    {"weight_init", SPEC(NAME, weight_init), NAMES(inits), 0},
    {"projection_init", SPEC(NAME, projection_init), NAMES(inits), 0},
    {"weight_gain", SPEC(FLOAT, weight_gain), NULL, 0, 0},
    {"projection_gain", SPEC(FLOAT, projection_gain), NULL, 0, 0},
    {"seed", SPEC(U64, seed), NULL, 0, 0},
    {"frozen", MFI_FIELD_SET, offsetof(mfi_layer_record, frozen), NAMES(parameters), 0},
};
const mfi_field_table mfi_layer_fields = {NAMES(layer_fields), "layer"};

/* ---- training ---- */

static const mfi_field training_fields[] = {
    {"optimizer", MFI_FIELD_LINK, offsetof(mfi_training_record, optimizer), NULL, 0, 0},
    {"applied", MFI_FIELD_U64, offsetof(mfi_training_record, applied), NULL, 0, 0},
    {"dropped", MFI_FIELD_U64, offsetof(mfi_training_record, dropped), NULL, 0, 0},
    {"renewed", MFI_FIELD_U64, offsetof(mfi_training_record, renewed), NULL, 0, 0},
    {"steps", MFI_FIELD_COUNTS, offsetof(mfi_training_record, steps), NAMES(parameters), 0},
};
const mfi_field_table mfi_training_fields = {NAMES(training_fields), "training of layer"};

/* ---- optimizers ---- */

static const char *const optimizers[] = {"sgd", "adam", "adamw", "rmsprop"};

#undef SPEC
#define SPEC(type, field) MFI_FIELD_##type, offsetof(mfi_optimizer_record, spec.field)

static const mfi_field optimizer_fields[] = {
    {"kind", SPEC(NAME, kind), NAMES(optimizers), 0},
    {"learning_rate", SPEC(FLOAT, learning_rate), NULL, 0, 0},
    {"momentum", SPEC(FLOAT, momentum), NULL, 0, 0},
    {"nesterov", SPEC(FLAG, nesterov), NULL, 0, 0},
    {"beta1", SPEC(FLOAT, beta1), NULL, 0, 0},
    {"beta2", SPEC(FLOAT, beta2), NULL, 0, 0},
    {"epsilon", SPEC(FLOAT, epsilon), NULL, 0, 0},
    {"weight_decay", SPEC(FLOAT, weight_decay), NULL, 0, 0},
    {"clip_norm", SPEC(FLOAT, clip_norm), NULL, 0, 0},
    {"keeps_momentum", MFI_FIELD_FLAG, offsetof(mfi_optimizer_record, keeps_momentum), NULL, 0, 0},
};
const mfi_field_table mfi_optimizer_fields = {NAMES(optimizer_fields), "optimizer"};

/* What the slabs of state are called. */
static const char *slab_name(int32_t kind, int32_t slab)
{
    if (kind == MF_OPTIMIZER_SGD)
        return "momentum";
    if (kind == MF_OPTIMIZER_RMSPROP)
        return slab == 0 ? "second_moment" : "momentum";
    return slab == 0 ? "first_moment" : "second_moment";
}

/* ---- from handles ---- */

mfi_layer_record mfi_record_layer(const mf_network *network, size_t position)
{
    const mf_layer *layer = network->places[position].layer;
    mfi_layer_record record = {.spec = layer->spec, .id = network->places[position].id};
    for (size_t p = 0; p < MFI_PARAMETERS; p++)
        if (layer->parameters[p].count > 0 && !layer->parameters[p].trainable)
            record.frozen |= UINT32_C(1) << p;
    return record;
}

mfi_training_record mfi_record_training(const mf_network *network, size_t position)
{
    const mf_layer *layer = network->places[position].layer;
    mfi_training_record record = {
        .optimizer = mfi_optimizer_number(network, position),
        .applied = layer->applied,
        .dropped = layer->dropped,
        .renewed = layer->renewed,
    };
    for (size_t p = 0; p < MFI_PARAMETERS; p++)
        record.steps[p] = layer->parameters[p].steps;
    return record;
}

mfi_optimizer_record mfi_record_optimizer(const mf_optimizer *optimizer)
{
    return (mfi_optimizer_record){.spec = optimizer->spec, .keeps_momentum = optimizer->has_momentum};
}

bool mfi_optimizer_is_first(const mf_network *network, size_t position)
{
    const mf_optimizer *optimizer = network->places[position].layer->optimizer;
    for (size_t i = 0; i < position; i++)
        if (network->places[i].layer->optimizer == optimizer)
            return false;
    return optimizer != NULL;
}

int32_t mfi_optimizer_number(const mf_network *network, size_t position)
{
    const mf_optimizer *optimizer = network->places[position].layer->optimizer;
    int32_t number = 0;
    if (!optimizer)
        return -1;
    for (size_t i = 0; network->places[i].layer->optimizer != optimizer; i++)
        number += mfi_optimizer_is_first(network, i);
    return number;
}

/* ---- tensors ---- */

int mfi_plan_tensor(size_t position, const mf_layer_spec *spec, const mfi_optimizer_record *optimizer,
                    size_t number, mfi_tensor_plan *plan)
{
    plan->parameter = number % MFI_PARAMETERS;
    plan->slab = (int32_t)(number / MFI_PARAMETERS) - 1;
    plan->no_negative = plan->slab < 0 && plan->parameter == MFI_VARIANCE;
    plan->rank = mfi_spec_parameter(spec, plan->parameter, plan->dims);
    const char *name = parameters[plan->parameter];
    if (plan->rank == 0)
        return 0;
    if (plan->slab < 0) {
        snprintf(plan->name, sizeof plan->name, "layers.%zu.%s", position, name);
    } else {
        if (!optimizer || plan->parameter >= MFI_LEARNED ||
            (size_t)plan->slab >= mfi_optimizer_slabs(optimizer->spec.kind, optimizer->keeps_momentum != 0))
            return 0;
        const char *slab = slab_name(optimizer->spec.kind, plan->slab);
        snprintf(plan->name, sizeof plan->name, "training.layers.%zu.%s.%s", position, name, slab);
        plan->no_negative = strcmp(slab, "second_moment") == 0;
    }
    bool fits =
        mfi_spec_count(spec, plan->parameter, &plan->count) && plan->count <= SIZE_MAX / sizeof(float);
    return fits ? 1 : -1;
}

bool mfi_values_are_sound(const mfi_tensor_plan *plan, const float *values)
{
    int unsound = 0; /* without an early end, so that compilers vectorise it */
    for (size_t i = 0; i < plan->count; i++)
        unsound |= !isfinite(values[i]);
    for (size_t i = 0; plan->no_negative && i < plan->count; i++)
        unsound |= values[i] < 0.0f;
    return !unsound;
}

float *mfi_tensor_values(const mf_layer *layer, const mfi_tensor_plan *plan)
{
    const mfi_parameter *parameter = &layer->parameters[plan->parameter];
    return plan->slab < 0 ? parameter->values : parameter->state[plan->slab];
}
