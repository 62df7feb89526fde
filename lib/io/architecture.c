/* Owns: what the metadata of a model file says of its network, read and checked. */
#include "io/architecture.h"

#include <stdio.h>
#include <string.h>

#include "base/counts.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/utf8.h"
#include "io/model_file.h"
#include "io/numbers.h"
#include "model/spec.h"

mf_status mfi_as_format(mf_status status, size_t layer)
{
    if (status == MF_STATUS_OK || status == MF_STATUS_MEMORY)
        return status;
    return mfi_fail_at(MF_STATUS_FORMAT, "layer", layer);
}

const mfi_plan *mfi_architecture_plan(const mfi_architecture *architecture, size_t position,
                                      mfi_list_room *room)
{
    const mfi_layer_architecture *layer = &architecture->layers[position];
    const mfi_plan *plan = &room->plan;
    if (layer->builder)
        (void)mfi_builder_plan(layer->builder, &plan);
    else
        (void)mfi_plan_from_spec(&layer->record.spec, &room->arrays, &room->plan);
    return plan;
}

mf_status mfi_take_zeroed(const mf_allocator *allocator, size_t count, size_t size, const char *what,
                          void *pointer)
{
    void *block = NULL;
    size_t bytes;
    if (count > 0) {
        block = mfi_multiply(count, size, &bytes) ? mfi_allocate(allocator, bytes) : NULL;
        if (!block)
            return mfi_fail(MF_STATUS_MEMORY, "no memory to load %zu %s", count, what);
        memset(block, 0, bytes);
    }
    memcpy(pointer, &block, sizeof block);
    return MF_STATUS_OK;
}

static mf_status check_version(const mfi_tensors *tensors, uint64_t *found)
{
    uint64_t version;
    const char *format = mfi_tensors_metadata(tensors, MFI_KEY_FORMAT);
    const char *number = mfi_tensors_metadata(tensors, MFI_KEY_VERSION);
    if (!format || strcmp(format, MFI_FORMAT_NAME) != 0)
        return mfi_fail(MF_STATUS_FORMAT, "the metadata does not say that this is a model of monoforward");
    if (!number || !mfi_parse_u64(number, &version) || version == 0)
        return mfi_fail(MF_STATUS_FORMAT, "the metadata has no format_version");
    if (version > MFI_FORMAT_VERSION)
        return mfi_fail(MF_STATUS_VERSION,
                        "the model has format version %llu, this library reads versions 1 to %d",
                        (unsigned long long)version, (int)MFI_FORMAT_VERSION);
    *found = version;
    return MF_STATUS_OK;
}

/* ---- the layers ---- */

/* Reads the two members of an object, which must have exactly these two keys, each once. */
static mf_status two_members(const mfi_json *tree, const char *what, const char *first, const char *second,
                             const mfi_json *found[2])
{
    found[0] = found[1] = NULL;
    for (const mfi_json *item = mfi_json_first(tree); item; item = mfi_json_next(item)) {
        int which = strcmp(mfi_json_key(item), first) == 0    ? 0
                    : strcmp(mfi_json_key(item), second) == 0 ? 1
                                                              : -1;
        if (which < 0 || found[which])
            return mfi_fail(MF_STATUS_FORMAT, "%s: \"%.*s\" is not known, or appears twice", what,
                            mfi_utf8_shown(mfi_json_key(item), 40), mfi_json_key(item));
        found[which] = item;
    }
    if (!found[0] || !found[1])
        return mfi_fail(MF_STATUS_FORMAT, "%s: \"%s\" or \"%s\" is missing", what, first, second);
    return MF_STATUS_OK;
}

/* ---- a layer of units ---- */

static mf_status read_input(const mfi_json *item, mf_shape *input)
{
    uint64_t dims[4];
    size_t rank = 0;
    *input = mfi_shape_row(1);
    for (const mfi_json *dim = mfi_json_is_array(item) ? mfi_json_first(item) : NULL; dim;
         dim = mfi_json_next(dim)) {
        if (rank == 3 || !mfi_json_size(dim, &dims[rank]) || dims[rank] > SIZE_MAX)
            return mfi_fail(MF_STATUS_FORMAT, "\"" MFI_KEY_INPUT "\" is not an array of 1 to 3 numbers");
        input->dims[rank] = (size_t)dims[rank];
        rank++;
    }
    input->rank = (int32_t)rank; /* the builder refuses a rank of 0 */
    return MF_STATUS_OK;
}

static mf_status read_units(const mfi_json *list, mfi_architecture *architecture, mf_builder *builder)
{
    size_t number = 1;
    if (!mfi_json_is_array(list))
        return mfi_fail(MF_STATUS_FORMAT, "\"" MFI_KEY_UNITS "\" is missing, or no array");
    architecture->units += mfi_json_count(list);
    if (architecture->units > MFI_MOST_UNITS)
        return mfi_fail(MF_STATUS_FORMAT, "the layers have more than %d units together", (int)MFI_MOST_UNITS);
    for (const mfi_json *item = mfi_json_first(list); item; item = mfi_json_next(item), number++) {
        mf_unit_spec unit = mfi_unit_defaults();
        MFI_TRY(mfi_read_fields(item, &mfi_unit_fields, number, &unit));
        MFI_TRY(mfi_builder_unit(builder, &unit, NULL));
    }
    return MF_STATUS_OK;
}

/* The matrix that a head reads: that of a layer before, or one of its own, which the file has a tensor for.
 * So a file cannot demand more memory than it has bytes. */
static mf_status read_shared(const mfi_json *item, size_t position, const mfi_tensors *tensors,
                             const mf_allocator *allocator, mfi_architecture *architecture,
                             const mf_matrix **shared)
{
    uint64_t first = position;
    char name[64];
    if (!item)
        return MF_STATUS_OK;
    if (!mfi_json_size(item, &first) || first > position ||
        (first < position && !architecture->layers[first].matrix))
        return mfi_fail(MF_STATUS_FORMAT, "\"" MFI_KEY_SHARED
                                          "\" is not the number of a layer with a shared matrix of its own");
    if (first == position) {
        snprintf(name, sizeof name, "layers.%zu.head." MFI_KEY_SHARED, position);
        const mfi_tensor *tensor = mfi_tensors_find(tensors, name);
        if (!tensor || tensor->rank != 2 || tensor->dims[0] > INT32_MAX || tensor->dims[1] > INT32_MAX)
            return mfi_fail(MF_STATUS_FORMAT, "the model has no tensor \"%s\", or it is no matrix", name);
        MFI_TRY(mfi_matrix_create((size_t)tensor->dims[0], (size_t)tensor->dims[1], allocator,
                                  &architecture->layers[position].matrix));
    }
    *shared = architecture->layers[first].matrix;
    return MF_STATUS_OK;
}

static mf_status build(const mfi_json *item, size_t position, const mfi_tensors *tensors,
                       const mf_allocator *allocator, mfi_architecture *architecture)
{
    mfi_layer_architecture *layer = &architecture->layers[position];
    mf_shape input;
    mf_head_spec head = mfi_head_defaults();
    mf_builder_spec spec = mfi_builder_defaults();
    const mfi_plan *plan;
    spec.input = &input;
    spec.dropout = layer->record.spec.dropout;
    spec.dropout_maps = layer->record.spec.dropout_maps;
    spec.precision = layer->record.spec.precision;
    spec.seed = layer->record.spec.seed;
    spec.allocator = allocator;
    if (architecture->version == MFI_FORMAT_FLAT)
        return mfi_fail(MF_STATUS_FORMAT,
                        "a layer of units needs format version %d, the model has version %d",
                        (int)MFI_FORMAT_UNITS, (int)MFI_FORMAT_FLAT);
    MFI_TRY(read_input(mfi_json_member(item, MFI_KEY_INPUT), &input));
    MFI_TRY(mfi_builder_create(&spec, &layer->builder));
    MFI_TRY(read_units(mfi_json_member(item, MFI_KEY_UNITS), architecture, layer->builder));
    MFI_TRY(mfi_read_fields(mfi_json_member(item, MFI_KEY_HEAD), &mfi_head_fields, position, &head));
    MFI_TRY(read_shared(mfi_json_member(mfi_json_member(item, MFI_KEY_HEAD), MFI_KEY_SHARED), position,
                        tensors, allocator, architecture, &head.shared));
    MFI_TRY(mfi_builder_head(layer->builder, &head));
    return mfi_builder_plan(layer->builder, &plan);
}

/* ---- every layer ---- */

/* Finds the parameter of that name, from number *number on. Files name parameters in their order, so one pass
 * over them finds all. */
static bool find_parameter(const mfi_plan *plan, const char *name, size_t *number)
{
    for (; name && *number < plan->parameter_count; ++*number)
        if (strcmp(name, plan->parameters[*number].name) == 0)
            return true;
    return false;
}

static mf_status read_frozen(const mfi_json *list, const mfi_plan *plan, mfi_parameter_record *parameters)
{
    size_t number = 0;
    if (list && !mfi_json_is_array(list))
        return mfi_fail(MF_STATUS_FORMAT, "\"" MFI_KEY_FROZEN "\" is no array");
    for (const mfi_json *item = mfi_json_first(list); item; item = mfi_json_next(item)) {
        const char *name = mfi_json_text(item);
        if (!find_parameter(plan, name, &number))
            return mfi_fail(MF_STATUS_FORMAT,
                            "frozen parameter \"%.*s\" does not exist, or is not in the order of the layer",
                            name ? mfi_utf8_shown(name, 40) : 0, name ? name : "");
        parameters[number++].frozen = true;
    }
    for (size_t p = 0; p + 1 < plan->parameter_count; p++)
        if (plan->parameters[p].role == MFI_MEAN && parameters[p].frozen != parameters[p + 1].frozen)
            return mfi_fail(MF_STATUS_FORMAT, "mean and variance must be frozen together");
    return MF_STATUS_OK;
}

static mf_status read_layer_record(const mfi_json *item, size_t position, const mfi_tensors *tensors,
                                   const mf_allocator *allocator, mfi_architecture *architecture)
{
    mfi_layer_architecture *layer = &architecture->layers[position];
    mfi_layer_record *record = &layer->record;
    mfi_list_room room;
    if (record->spec.seed == MF_SEED_AUTO)
        return mfi_fail(MF_STATUS_FORMAT, "the seed is missing or 0, it must be at least 1");
    if (record->spec.kind == MF_LAYER_UNITS) {
        MFI_TRY(build(item, position, tensors, allocator, architecture));
    } else {
        MFI_TRY(mfi_spec_resolve(&record->spec));
        MFI_TRY(mfi_plan_from_spec(&record->spec, &room.arrays, &room.plan));
    }
    const mfi_plan *plan = mfi_architecture_plan(architecture, position, &room);
    if (mfi_plan_format(plan) > architecture->version)
        return mfi_fail(MF_STATUS_FORMAT, "the layer needs format version %d, the model has version %d",
                        (int)mfi_plan_format(plan), (int)architecture->version);
    layer->parameter_count = plan->parameter_count;
    MFI_TRY(mfi_take_zeroed(allocator, plan->parameter_count, sizeof *layer->parameters, "parameters",
                            &layer->parameters));
    return read_frozen(mfi_json_member(item, MFI_KEY_FROZEN), plan, layer->parameters);
}

/* The ids of layers are assigned by counting, so they must differ and be below the next id. */
static mf_status check_ids(const mfi_architecture *architecture)
{
    for (size_t i = 0; i < architecture->layer_count; i++) {
        uint64_t id = architecture->layers[i].record.id;
        if (id == 0 || id >= architecture->next_id)
            return mfi_fail(MF_STATUS_FORMAT,
                            "layer %zu: the id %llu must be at least 1 and below next_id %llu", i,
                            (unsigned long long)id, (unsigned long long)architecture->next_id);
        for (size_t j = 0; j < i; j++)
            if (architecture->layers[j].record.id == id)
                return mfi_fail(MF_STATUS_FORMAT, "layers %zu and %zu have the same id", j, i);
    }
    return MF_STATUS_OK;
}

static mf_status read_layers(const mfi_json *list, const mfi_tensors *tensors, const mf_allocator *allocator,
                             mfi_architecture *architecture)
{
    size_t position = 0, count = mfi_json_count(list);
    /* Every layer has at least one tensor, its projection or what is learned before it. */
    if (count > MFI_MOST_LAYERS || count > tensors->count)
        return mfi_fail(MF_STATUS_FORMAT,
                        "%zu layers with %zu tensors: at most %d layers are allowed, each with a tensor",
                        count, tensors->count, (int)MFI_MOST_LAYERS);
    MFI_TRY(mfi_take_zeroed(allocator, count, sizeof *architecture->layers, "layers", &architecture->layers));
    architecture->layer_count = count;
    for (const mfi_json *item = mfi_json_first(list); item; item = mfi_json_next(item), position++) {
        mfi_layer_record *record = &architecture->layers[position].record;
        record->spec = mfi_layer_defaults();
        MFI_TRY(mfi_read_fields(item, &mfi_layer_fields, position, record));
        MFI_TRY(mfi_as_format(read_layer_record(item, position, tensors, allocator, architecture), position));
    }
    return check_ids(architecture);
}

static mf_status read_network(const mfi_json *tree, const mfi_tensors *tensors, const mf_allocator *allocator,
                              mfi_architecture *architecture)
{
    const mfi_json *found[2];
    MFI_TRY(two_members(tree, "the network", "next_id", "layers", found));
    const char *next = mfi_json_text(found[0]);
    if (!next || !mfi_parse_u64(next, &architecture->next_id) || !mfi_json_is_array(found[1]))
        return mfi_fail(MF_STATUS_FORMAT, "the network: one of \"next_id\" (digits in a string) and "
                                          "\"layers\" (an array) is of the wrong kind");
    if (architecture->next_id == 0 || architecture->next_id > MFI_LARGEST_COUNT)
        return mfi_fail(MF_STATUS_FORMAT, "the network: next_id %llu must be from 1 to %llu",
                        (unsigned long long)architecture->next_id, (unsigned long long)MFI_LARGEST_COUNT);
    return read_layers(found[1], tensors, allocator, architecture);
}

/* ---- the training ---- */

/* The role of that name; MFI_ROLES if there is none. */
static mfi_role find_role(const char *name)
{
    mfi_role role = 0;
    while (role < MFI_ROLES && strcmp(name, mfi_role_name(role)) != 0)
        role++;
    return role;
}

static mf_status bad_steps(const char *name, const char *why)
{
    return mfi_fail(MF_STATUS_FORMAT, "the counts of steps: \"%.*s\" %s", mfi_utf8_shown(name, 40), name,
                    why);
}

/* For a layer with a spec, files name every role; roles that the layer does not have get the count 0. */
static mf_status read_role_steps(const mfi_json *object, const mfi_plan *plan,
                                 mfi_parameter_record *parameters)
{
    bool seen[MFI_ROLES] = {false};
    for (const mfi_json *item = mfi_json_first(object); item; item = mfi_json_next(item)) {
        const char *digits = mfi_json_text(item), *name = mfi_json_key(item);
        mfi_role role = find_role(name);
        uint64_t steps;
        size_t number = 0;
        if (role == MFI_ROLES || seen[role])
            return bad_steps(name, "is not known, or appears twice");
        seen[role] = true;
        bool there = find_parameter(plan, name, &number);
        if (!digits || !mfi_parse_u64(digits, &steps) || (!there && steps != 0))
            return bad_steps(name, "is not a number in a string, or not 0 without such a parameter");
        if (there)
            parameters[number].steps = steps;
    }
    return MF_STATUS_OK;
}

static mf_status read_steps(const mfi_json *object, const mfi_plan *plan, mfi_parameter_record *parameters)
{
    size_t number = 0;
    if (object && !mfi_json_is_object(object))
        return mfi_fail(MF_STATUS_FORMAT, "\"" MFI_KEY_STEPS "\" is no object");
    if (plan->has_spec)
        return read_role_steps(object, plan, parameters);
    for (const mfi_json *item = mfi_json_first(object); item; item = mfi_json_next(item), number++) {
        const char *digits = mfi_json_text(item), *name = mfi_json_key(item);
        if (!find_parameter(plan, name, &number))
            return bad_steps(name, "is not known, or not in the order of its parameters");
        if (!digits || !mfi_parse_u64(digits, &parameters[number].steps))
            return bad_steps(name, "is not a number in a string");
    }
    return MF_STATUS_OK;
}

static mf_status check_training(const mfi_architecture *architecture, size_t position, const mfi_plan *plan)
{
    const mfi_training_record *record = &architecture->training_records[position];
    if (record->optimizer >= 0 && (size_t)record->optimizer >= architecture->optimizer_count)
        return mfi_fail(MF_STATUS_FORMAT, "there is no optimizer %d, the model has %zu",
                        (int)record->optimizer, architecture->optimizer_count);
    bool sound = mfi_progress_is_sound(&record->progress);
    for (size_t p = 0; p < plan->parameter_count; p++)
        sound = sound && mfi_steps_are_sound(architecture->layers[position].parameters[p].steps,
                                             plan->parameters[p].role, record->optimizer >= 0);
    if (!sound)
        return mfi_fail(
            MF_STATUS_FORMAT,
            "a count is out of range: \"renewed\" is at least 1, and steps are 0 without an optimizer");
    return MF_STATUS_OK;
}

static mf_status read_layer_training(const mfi_json *item, size_t position, mfi_architecture *architecture)
{
    mfi_list_room room;
    const mfi_plan *plan = mfi_architecture_plan(architecture, position, &room);
    MFI_TRY(
        read_steps(mfi_json_member(item, MFI_KEY_STEPS), plan, architecture->layers[position].parameters));
    return check_training(architecture, position, plan);
}

static mf_status read_optimizers(const mfi_json *list, const mf_allocator *allocator,
                                 mfi_architecture *architecture)
{
    size_t number = 0;
    architecture->optimizer_count = mfi_json_count(list);
    if (architecture->optimizer_count > architecture->layer_count)
        return mfi_fail(MF_STATUS_FORMAT,
                        "%zu optimizers for %zu layers: there must be at most one for each layer",
                        architecture->optimizer_count, architecture->layer_count);
    MFI_TRY(mfi_take_zeroed(allocator, architecture->optimizer_count, sizeof *architecture->optimizer_records,
                            "optimizers", &architecture->optimizer_records));
    for (const mfi_json *item = mfi_json_first(list); item; item = mfi_json_next(item), number++) {
        mfi_optimizer_record *record = &architecture->optimizer_records[number];
        *record = (mfi_optimizer_record){.spec = mfi_optimizer_defaults()};
        MFI_TRY(mfi_read_fields(item, &mfi_optimizer_fields, number, record));
        if (mfi_optimizer_check_spec(&record->spec) != MF_STATUS_OK ||
            (record->spec.momentum > 0.0f && !record->keeps_momentum))
            return mfi_fail(MF_STATUS_FORMAT, "optimizer %zu: a value is out of its range", number);
    }
    return MF_STATUS_OK;
}

static mf_status read_training(const mfi_json *tree, const mf_allocator *allocator,
                               mfi_architecture *architecture)
{
    const mfi_json *found[2];
    size_t position = 0;
    MFI_TRY(two_members(tree, "the training", "optimizers", "layers", found));
    if (!mfi_json_is_array(found[0]) || !mfi_json_is_array(found[1]) ||
        mfi_json_count(found[1]) != architecture->layer_count)
        return mfi_fail(MF_STATUS_FORMAT,
                        "the training: \"optimizers\" is not an array, or \"layers\" not one of %zu members",
                        architecture->layer_count);
    MFI_TRY(read_optimizers(found[0], allocator, architecture));
    MFI_TRY(mfi_take_zeroed(allocator, architecture->layer_count, sizeof *architecture->training_records,
                            "layers", &architecture->training_records));
    for (const mfi_json *item = mfi_json_first(found[1]); item; item = mfi_json_next(item), position++) {
        mfi_training_record *record = &architecture->training_records[position];
        record->optimizer = -1;
        MFI_TRY(mfi_read_fields(item, &mfi_training_fields, position, record));
        MFI_TRY(mfi_as_format(read_layer_training(item, position, architecture), position));
    }
    return MF_STATUS_OK;
}

/* ---- both ---- */

mf_status mfi_architecture_read(const mfi_tensors *tensors, const mf_allocator *allocator,
                                mfi_architecture *architecture)
{
    mfi_json *tree = NULL;
    const char *network = mfi_tensors_metadata(tensors, MFI_KEY_NETWORK);
    const char *training = mfi_tensors_metadata(tensors, MFI_KEY_TRAINING);
    MFI_TRY(check_version(tensors, &architecture->version));
    if (!network)
        return mfi_fail(MF_STATUS_FORMAT, "the metadata has no network");
    MFI_TRY(mfi_json_parse(network, strlen(network), "the network", allocator, &tree));
    mf_status status = read_network(tree, tensors, allocator, architecture);
    mfi_json_free(tree);
    if (status != MF_STATUS_OK || !training)
        return status;
    architecture->has_training = true;
    MFI_TRY(mfi_json_parse(training, strlen(training), "the training", allocator, &tree));
    status = read_training(tree, allocator, architecture);
    mfi_json_free(tree);
    return status;
}

void mfi_architecture_free(mfi_architecture *architecture, const mf_allocator *allocator)
{
    size_t layers = architecture->layer_count, optimizers = architecture->optimizer_count;
    for (size_t i = 0; i < layers; i++) {
        mfi_layer_architecture *layer = &architecture->layers[i];
        mfi_builder_release(layer->builder);
        mfi_matrix_release(layer->matrix);
        mfi_release(allocator, layer->parameters, layer->parameter_count * sizeof *layer->parameters);
    }
    mfi_release(allocator, architecture->optimizer_records,
                optimizers * sizeof *architecture->optimizer_records);
    mfi_release(allocator, architecture->training_records, layers * sizeof *architecture->training_records);
    mfi_release(allocator, architecture->layers, layers * sizeof *architecture->layers);
}

const mfi_optimizer_record *mfi_architecture_optimizer(const mfi_architecture *architecture, size_t position)
{
    int32_t number = architecture->training_records ? architecture->training_records[position].optimizer : -1;
    return number < 0 ? NULL : &architecture->optimizer_records[number];
}
