/* Owns: what the metadata of a model file says of its network, read and checked. */
#include "io/architecture.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/model_file.h"
#include "io/numbers.h"

mf_status mfi_as_format(mf_status status, size_t layer)
{
    char reason[200];
    if (status == MF_STATUS_OK || status == MF_STATUS_MEMORY)
        return status;
    snprintf(reason, sizeof reason, "%s", mf_last_message());
    return mfi_fail(MF_STATUS_FORMAT, "layer %zu: %s", layer, reason);
}

mf_status mfi_take_zeroed(const mf_allocator *allocator, size_t count, size_t size, void *place)
{
    void *block = NULL;
    if (count > 0) {
        block = mfi_allocate(allocator, count * size);
        if (!block)
            return mfi_fail(MF_STATUS_MEMORY, "no memory to load %zu layers or optimizers", count);
        memset(block, 0, count * size);
    }
    memcpy(place, &block, sizeof block);
    return MF_STATUS_OK;
}

static mf_status check_version(const mfi_tensors *tensors)
{
    uint64_t version;
    const char *format = mfi_tensors_metadata(tensors, MFI_KEY_FORMAT);
    const char *number = mfi_tensors_metadata(tensors, MFI_KEY_VERSION);
    if (!format || strcmp(format, MFI_FORMAT_NAME) != 0)
        return mfi_fail(MF_STATUS_FORMAT, "the metadata does not say that this is a model of monoforward");
    if (!number || !mfi_parse_u64(number, &version) || version == 0)
        return mfi_fail(MF_STATUS_FORMAT, "the metadata has no format_version");
    if (version > MFI_FORMAT_VERSION)
        return mfi_fail(MF_STATUS_VERSION, "format version %llu; this library reads up to %d",
                        (unsigned long long)version, (int)MFI_FORMAT_VERSION);
    return MF_STATUS_OK;
}

/* ---- the layers ---- */

/* A member of an object that has no other keys than these two, each once. */
static mf_status two_members(const mfi_json *tree, const char *what, const char *first, const char *second,
                             const mfi_json *found[2])
{
    found[0] = found[1] = NULL;
    for (const mfi_json *item = mfi_json_first(tree); item; item = mfi_json_next(item)) {
        int which = strcmp(mfi_json_key(item), first) == 0    ? 0
                    : strcmp(mfi_json_key(item), second) == 0 ? 1
                                                              : -1;
        if (which < 0 || found[which])
            return mfi_fail(MF_STATUS_FORMAT, "%s: \"%.40s\" is not known, or appears twice", what,
                            mfi_json_key(item));
        found[which] = item;
    }
    if (!found[0] || !found[1])
        return mfi_fail(MF_STATUS_FORMAT, "%s: \"%s\" or \"%s\" is missing", what, first, second);
    return MF_STATUS_OK;
}

static mf_status check_layer(mfi_layer_record *record, size_t position)
{
    if (record->spec.seed == MF_SEED_AUTO)
        return mfi_fail(MF_STATUS_FORMAT, "layer %zu: the seed is 0 or missing", position);
    MFI_TRY(mfi_as_format(mfi_spec_resolve(&record->spec), position));
    for (size_t p = 0; p < MFI_PARAMETERS; p++) {
        size_t dims[4];
        if ((record->frozen >> p & 1) && mfi_spec_parameter(&record->spec, p, dims) == 0)
            return mfi_fail(MF_STATUS_FORMAT, "layer %zu: it has no %s that could be frozen", position,
                            mfi_parameter_name(p));
    }
    if ((record->frozen >> MFI_MEAN & 1) != (record->frozen >> MFI_VARIANCE & 1))
        return mfi_fail(MF_STATUS_FORMAT, "layer %zu: mean and variance are frozen together", position);
    return MF_STATUS_OK;
}

/* Counts that go on from here never come round to 0. */
static const uint64_t most_count = UINT64_MAX / 2;

/* Ids count places, so those of a network differ and are below the next one. */
static mf_status check_ids(const mfi_architecture *architecture)
{
    for (size_t i = 0; i < architecture->layers; i++) {
        uint64_t id = architecture->layer_records[i].id;
        if (id == 0 || id >= architecture->next_id)
            return mfi_fail(MF_STATUS_FORMAT, "layer %zu: an id of %llu is not possible", i,
                            (unsigned long long)id);
        for (size_t j = 0; j < i; j++)
            if (architecture->layer_records[j].id == id)
                return mfi_fail(MF_STATUS_FORMAT, "layers %zu and %zu have the same id", j, i);
    }
    return MF_STATUS_OK;
}

static mf_status read_layers(const mfi_json *list, const mfi_tensors *tensors, const mf_allocator *allocator,
                             mfi_architecture *architecture)
{
    size_t position = 0;
    architecture->layers = mfi_json_count(list);
    /* Every layer has a weight and a projection at least. */
    if (architecture->layers > MFI_MOST_LAYERS || architecture->layers > tensors->count / 2)
        return mfi_fail(MF_STATUS_FORMAT, "%zu layers with %zu tensors", architecture->layers,
                        tensors->count);
    MFI_TRY(mfi_take_zeroed(allocator, architecture->layers, sizeof *architecture->layer_records,
                            &architecture->layer_records));
    for (const mfi_json *item = mfi_json_first(list); item; item = mfi_json_next(item), position++) {
        mfi_layer_record *record = &architecture->layer_records[position];
        *record = (mfi_layer_record){.spec = mfi_layer_defaults()};
        MFI_TRY(mfi_read_fields(item, &mfi_layer_fields, position, record));
        MFI_TRY(check_layer(record, position));
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
        return mfi_fail(MF_STATUS_FORMAT, "the network: \"next_id\" or \"layers\" is of the wrong kind");
    if (architecture->next_id == 0 || architecture->next_id >= most_count)
        return mfi_fail(MF_STATUS_FORMAT, "the network: a next_id of %llu is not possible",
                        (unsigned long long)architecture->next_id);
    return read_layers(found[1], tensors, allocator, architecture);
}

/* ---- the training ---- */

static mf_status check_training(const mfi_architecture *architecture, size_t position)
{
    const mfi_training_record *record = &architecture->training_records[position];
    if (record->optimizer >= 0 && (size_t)record->optimizer >= architecture->optimizers)
        return mfi_fail(MF_STATUS_FORMAT, "layer %zu: optimizer %d of %zu", position, (int)record->optimizer,
                        architecture->optimizers);
    const uint64_t most = most_count;
    bool sound =
        record->renewed > 0 && record->renewed < most && record->applied < most && record->dropped < most;
    for (size_t p = 0; p < MFI_PARAMETERS; p++) {
        size_t dims[4];
        bool counts = record->optimizer >= 0 && p < MFI_LEARNED &&
                      mfi_spec_parameter(&architecture->layer_records[position].spec, p, dims) > 0;
        sound = sound && record->steps[p] < (counts ? most : 1);
    }
    if (!sound)
        return mfi_fail(MF_STATUS_FORMAT, "layer %zu: one of its counts is not possible", position);
    return MF_STATUS_OK;
}

static mf_status read_optimizers(const mfi_json *list, const mf_allocator *allocator,
                                 mfi_architecture *architecture)
{
    size_t number = 0;
    architecture->optimizers = mfi_json_count(list);
    if (architecture->optimizers > architecture->layers)
        return mfi_fail(MF_STATUS_FORMAT, "%zu optimizers for %zu layers", architecture->optimizers,
                        architecture->layers);
    MFI_TRY(mfi_take_zeroed(allocator, architecture->optimizers, sizeof *architecture->optimizer_records,
                            &architecture->optimizer_records));
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
        mfi_json_count(found[1]) != architecture->layers)
        return mfi_fail(MF_STATUS_FORMAT,
                        "the training: \"optimizers\" or \"layers\" is of the wrong kind or length");
    MFI_TRY(read_optimizers(found[0], allocator, architecture));
    MFI_TRY(mfi_take_zeroed(allocator, architecture->layers, sizeof *architecture->training_records,
                            &architecture->training_records));
    for (const mfi_json *item = mfi_json_first(found[1]); item; item = mfi_json_next(item), position++) {
        mfi_training_record *record = &architecture->training_records[position];
        record->optimizer = -1;
        MFI_TRY(mfi_read_fields(item, &mfi_training_fields, position, record));
        MFI_TRY(check_training(architecture, position));
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
    MFI_TRY(check_version(tensors));
    if (!network)
        return mfi_fail(MF_STATUS_FORMAT, "the metadata has no network");
    MFI_TRY(mfi_json_parse(network, strlen(network), "the network", &tree));
    mf_status status = read_network(tree, tensors, allocator, architecture);
    mfi_json_free(tree);
    if (status != MF_STATUS_OK || !training)
        return status;
    architecture->has_training = true;
    MFI_TRY(mfi_json_parse(training, strlen(training), "the training", &tree));
    status = read_training(tree, allocator, architecture);
    mfi_json_free(tree);
    return status;
}

void mfi_architecture_free(mfi_architecture *architecture, const mf_allocator *allocator)
{
    size_t layers = architecture->layers, optimizers = architecture->optimizers;
    mfi_release(allocator, architecture->optimizer_records,
                optimizers * sizeof *architecture->optimizer_records);
    mfi_release(allocator, architecture->training_records, layers * sizeof *architecture->training_records);
    mfi_release(allocator, architecture->layer_records, layers * sizeof *architecture->layer_records);
}

const mfi_optimizer_record *mfi_architecture_optimizer(const mfi_architecture *architecture, size_t position)
{
    int32_t number = architecture->training_records ? architecture->training_records[position].optimizer : -1;
    return number < 0 ? NULL : &architecture->optimizer_records[number];
}
