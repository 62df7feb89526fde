/* Owns: the description of layers and optimizers in a model file, and the tensors that it implies. */
#include "io/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/counts.h"
#include "base/status.h"
#include "io/model_file.h"
#include "model/unit.h"

#define NAMES(list) (list), sizeof(list) / sizeof *(list)

/* ---- layers: names in the order of the constants ---- */

static const char *const kinds[] = {"dense", "conv2d", "units"};
static const char *const heads[] = {"linear", "positions"};
static const char *const activations[] = {"identity", "relu", "leaky_relu", "tanh", "gelu", "silu"};
static const char *const inits[] = {"kaiming_uniform", "zero", "orthogonal", "normal"};
static const char *const normalizations[] = {"none", "batch"};
static const char *const precisions[] = {"float32", "bf16"};
static const char *const pools[] = {"none", "average", "max", "average_inside"};

enum {
    DENSE = 1 << MF_LAYER_DENSE,
    CONV = 1 << MF_LAYER_CONV2D,
    UNITS = 1 << MF_LAYER_UNITS,
    FLAT = DENSE | CONV,
};

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
    {"dropout_maps", SPEC(FLAG, dropout_maps), NULL, 0, CONV | UNITS},
    {"classes", SPEC(SIZE, classes), NULL, 0, FLAT},
    {"activation", SPEC(NAME, activation), NAMES(activations), FLAT},
    {"leak", SPEC(FLOAT, leak), NULL, 0, FLAT},
    {"bias", SPEC(FLAG, bias), NULL, 0, FLAT},
    {"normalization", SPEC(NAME, normalization), NAMES(normalizations), FLAT},
    {"normalization_rate", SPEC(FLOAT, normalization_rate), NULL, 0, FLAT},
    {"normalization_epsilon", SPEC(FLOAT, normalization_epsilon), NULL, 0, FLAT},
    {"dropout", SPEC(FLOAT, dropout), NULL, 0, 0},
    {"label_smoothing", SPEC(FLOAT, label_smoothing), NULL, 0, FLAT},
    {"weight_init", SPEC(NAME, weight_init), NAMES(inits), FLAT},
    {"projection_init", SPEC(NAME, projection_init), NAMES(inits), FLAT},
    {"weight_gain", SPEC(FLOAT, weight_gain), NULL, 0, FLAT},
    {"projection_gain", SPEC(FLOAT, projection_gain), NULL, 0, FLAT},
    {"precision", SPEC(OPTION, precision), NAMES(precisions), 0},
    {"seed", SPEC(U64, seed), NULL, 0, 0},
    {MFI_KEY_INPUT, MFI_FIELD_OTHER, 0, NULL, 0, UNITS},
    {MFI_KEY_UNITS, MFI_FIELD_OTHER, 0, NULL, 0, UNITS},
    {MFI_KEY_HEAD, MFI_FIELD_OTHER, 0, NULL, 0, UNITS},
    {MFI_KEY_FROZEN, MFI_FIELD_OTHER, 0, NULL, 0, 0},
};
const mfi_field_table mfi_layer_fields = {NAMES(layer_fields), "layer"};

/* ---- units and heads ---- */

#define BIT(kind) (UINT32_C(1) << MF_UNIT_##kind)
#undef SPEC
#define SPEC(type, field) MFI_FIELD_##type, offsetof(mf_unit_spec, field)

/* What has a W that is drawn. */
#define HAS_WEIGHT (BIT(DENSE) | BIT(CONV2D) | BIT(POSITIONS) | BIT(EMBEDDING))

static const mfi_field unit_fields[] = {
    {"kind", SPEC(NAME, kind), mfi_unit_names, MFI_UNIT_KINDS, 0},
    {"input", SPEC(LINK, inputs[0]), NULL, 0, 0},
    {"other", SPEC(LINK, inputs[1]), NULL, 0, BIT(ADD) | BIT(CONCAT)},
    {"outputs", SPEC(SIZE, outputs), NULL, 0, BIT(DENSE) | BIT(CONV2D) | BIT(EMBEDDING)},
    {"bias", SPEC(FLAG, bias), NULL, 0, BIT(DENSE) | BIT(CONV2D) | BIT(BATCH_NORM) | BIT(LAYER_NORM)},
    {"weight_init", SPEC(NAME, weight_init), NAMES(inits), HAS_WEIGHT},
    {"weight_gain", SPEC(FLOAT, weight_gain), NULL, 0, HAS_WEIGHT},
    {"activation", SPEC(NAME, activation), NAMES(activations), BIT(ACTIVATION)},
    {"leak", SPEC(FLOAT, leak), NULL, 0, BIT(ACTIVATION)},
    {"pool", SPEC(NAME, pool), NAMES(pools), BIT(POOL)},
    {"kernel", SPEC(PAIR, kernel), NULL, 0, BIT(CONV2D) | BIT(POOL)},
    {"stride", SPEC(PAIR, stride), NULL, 0, BIT(CONV2D) | BIT(POOL)},
    {"padding", SPEC(PAIR, padding), NULL, 0, BIT(CONV2D)},
    {"pool_padding", SPEC(COUNTS, padding), NULL, 0, BIT(POOL)},
    {"dropout", SPEC(FLOAT, dropout), NULL, 0, BIT(DROPOUT)},
    {"dropout_maps", SPEC(FLAG, dropout_maps), NULL, 0, BIT(DROPOUT)},
    {"normalization_rate", SPEC(FLOAT, normalization_rate), NULL, 0, BIT(BATCH_NORM)},
    {"normalization_epsilon", SPEC(FLOAT, normalization_epsilon), NULL, 0, BIT(BATCH_NORM) | BIT(LAYER_NORM)},
    {"heads", SPEC(SIZE, heads), NULL, 0, BIT(ATTENTION)},
    {"causal", SPEC(FLAG, causal), NULL, 0, BIT(ATTENTION)},
    {"groups", SPEC(COUNT, groups), NULL, 0, BIT(CONV2D)},
    {"vocabulary", SPEC(SIZE, vocabulary), NULL, 0, BIT(EMBEDDING)},
    {"loss_weight", SPEC(SHARE, loss_weight), NULL, 0, BIT(DENSE)},
};
const mfi_field_table mfi_unit_fields = {NAMES(unit_fields), "unit"};

#undef SPEC
#define SPEC(type, field) MFI_FIELD_##type, offsetof(mf_head_spec, field)

static const mfi_field head_fields[] = {
    {"kind", SPEC(NAME, kind), NAMES(heads), 0},
    {"classes", SPEC(SIZE, classes), NULL, 0, 0},
    {"pool_size", SPEC(SIZE, pool_size), NULL, 0, 1 << MF_HEAD_LINEAR},
    {"projection_init", SPEC(NAME, projection_init), NAMES(inits), 0},
    {"projection_gain", SPEC(FLOAT, projection_gain), NULL, 0, 0},
    {"label_smoothing", SPEC(FLOAT, label_smoothing), NULL, 0, 0},
    {"output", SPEC(LINK, output_node), NULL, 0, 0},
    {"input", SPEC(LINK, input_node), NULL, 0, 0},
    {"sampling", SPEC(OPTION, sampling), mfi_sampling_names, MFI_SAMPLINGS, 0},
    {"candidates", SPEC(COUNT, candidates), NULL, 0, 0},
    {"similarity", SPEC(SHARE, similarity), NULL, 0, 0},
    {MFI_KEY_SHARED, MFI_FIELD_OTHER, 0, NULL, 0, 0},
};
const mfi_field_table mfi_head_fields = {NAMES(head_fields), "head of layer"};

/* ---- training ---- */

static const mfi_field training_fields[] = {
    {"optimizer", MFI_FIELD_LINK, offsetof(mfi_training_record, optimizer), NULL, 0, 0},
    {"applied", MFI_FIELD_U64, offsetof(mfi_training_record, progress.applied), NULL, 0, 0},
    {"dropped", MFI_FIELD_U64, offsetof(mfi_training_record, progress.dropped), NULL, 0, 0},
    {"renewed", MFI_FIELD_U64, offsetof(mfi_training_record, progress.renewed), NULL, 0, 0},
    {MFI_KEY_STEPS, MFI_FIELD_OTHER, 0, NULL, 0, 0},
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

/* The names of the state slots in files. */
static const char *state_name(int32_t kind, int32_t slot)
{
    if (kind == MF_OPTIMIZER_SGD)
        return "momentum";
    if (kind == MF_OPTIMIZER_RMSPROP)
        return slot == 0 ? "second_moment" : "momentum";
    return slot == 0 ? "first_moment" : "second_moment";
}

/* ---- versions of the format ---- */

static bool is_of_version_3(const mf_unit_spec *unit)
{
    return unit->kind > MF_UNIT_ADD || (unit->kind == MF_UNIT_CONV2D && unit->groups > 0) ||
           (unit->kind == MF_UNIT_ACTIVATION && unit->activation == MF_ACTIVATION_SILU) ||
           (unit->kind == MF_UNIT_POOL &&
            (unit->pool == MF_POOL_AVERAGE_INSIDE || unit->padding[0] + unit->padding[1] > 0));
}

uint64_t mfi_plan_format(const mfi_plan *plan)
{
    bool later = plan->input.rank == 2 || plan->head.kind == MF_HEAD_POSITIONS ||
                 plan->head.output_node != MF_NODE_PREVIOUS || plan->head.sampling != MF_SAMPLING_NONE ||
                 mfi_plan_compares(plan);
    for (size_t u = 0; u < plan->unit_count; u++)
        later = later || is_of_version_3(&plan->units[u].spec);
    if (plan->head.input_node != MF_NODE_PREVIOUS)
        return MFI_FORMAT_VERSION;
    if (plan->head.shared)
        return MFI_FORMAT_SHARED;
    return later ? MFI_FORMAT_KINDS : plan->has_spec ? MFI_FORMAT_FLAT : MFI_FORMAT_UNITS;
}

/* ---- from handles ---- */

mfi_layer_record mfi_record_layer(const mf_network *network, size_t position)
{
    return (mfi_layer_record){.spec = mfi_plan_spec(&network->entries[position].layer->plan),
                              .id = network->entries[position].id};
}

mfi_optimizer_record mfi_record_optimizer(const mf_optimizer *optimizer)
{
    return (mfi_optimizer_record){.spec = optimizer->spec, .keeps_momentum = optimizer->has_momentum};
}

/* ---- tensors ---- */

size_t mfi_tensor_numbers(const mfi_plan *plan)
{
    return plan->parameter_count * (1 + MFI_STATE_SLOTS);
}

/* Numbers count the values of all parameters first, then their first state slots, then their second ones. */
bool mfi_plan_tensor(size_t position, const mfi_plan *plan, const mfi_optimizer_record *optimizer,
                     size_t number, mfi_tensor_plan *tensor)
{
    const mfi_parameter_spec *parameter = &plan->parameters[number % plan->parameter_count];
    int32_t slot = (int32_t)(number / plan->parameter_count) - 1;
    tensor->parameter = number % plan->parameter_count;
    tensor->state_slot = slot;
    tensor->rank = parameter->rank;
    tensor->count = parameter->count;
    memcpy(tensor->dims, parameter->dims, sizeof tensor->dims);
    if (slot < 0) {
        snprintf(tensor->name, sizeof tensor->name, "layers.%zu.%s", position, parameter->name);
        tensor->no_negative = parameter->role == MFI_VARIANCE || parameter->role == MFI_COUNTS;
        return true;
    }
    if (!optimizer || !mfi_role_learns(parameter->role) ||
        (size_t)slot >= mfi_optimizer_slots(optimizer->spec.kind, optimizer->keeps_momentum != 0))
        return false;
    const char *state = state_name(optimizer->spec.kind, slot);
    snprintf(tensor->name, sizeof tensor->name, "training.layers.%zu.%s.%s", position, parameter->name,
             state);
    tensor->no_negative = strcmp(state, "second_moment") == 0;
    return true;
}

size_t mfi_first_reader(const mf_network *network, size_t position)
{
    const mf_matrix *shared = network->entries[position].layer->plan.head.shared;
    size_t first = 0;
    while (first < position && !mfi_matrix_equals(network->entries[first].layer->plan.head.shared, shared))
        first++;
    return first;
}

mfi_tensor_plan mfi_matrix_tensor(size_t position, const mf_matrix *matrix)
{
    mfi_tensor_plan tensor = {.rank = 2,
                              .dims = {matrix->rows, matrix->columns, 1, 1},
                              .count = matrix->rows * matrix->columns,
                              .state_slot = -1};
    snprintf(tensor.name, sizeof tensor.name, "layers.%zu.head." MFI_KEY_SHARED, position);
    return tensor;
}

bool mfi_progress_is_sound(const mfi_progress *progress)
{
    return progress->renewed > 0 && progress->renewed <= MFI_LARGEST_COUNT &&
           progress->applied <= MFI_LARGEST_COUNT && progress->dropped <= MFI_LARGEST_COUNT;
}

bool mfi_steps_are_sound(uint64_t steps, mfi_role role, bool optimizer)
{
    return steps <= (optimizer && mfi_role_learns(role) ? MFI_LARGEST_COUNT : 0);
}

static bool may_be_in_file(const mfi_tensor_plan *tensor, const float *values, size_t count)
{
    int unsound = 0; /* the loop has no early exit, so that compilers vectorise it */
    for (size_t i = 0; i < count; i++)
        unsound |= !isfinite(values[i]);
    for (size_t i = 0; tensor->no_negative && i < count; i++)
        unsound |= values[i] < 0.0f;
    return !unsound;
}

mf_status mfi_values_check(const mfi_tensor_plan *tensor, size_t first, const float *values, size_t count,
                           mf_status refusal)
{
    size_t i = 0;
    if (may_be_in_file(tensor, values, count))
        return MF_STATUS_OK;
    while (may_be_in_file(tensor, values + i, 1))
        i++;
    return mfi_fail(refusal, "tensor \"%s\": value %zu is %g, it must be finite%s", tensor->name, first + i,
                    (double)values[i], tensor->no_negative ? " and not negative" : "");
}
