/* Owns: how a model file is read. Nothing in it is believed: first the header is checked as JSON, as a table
 * of tensors and as an architecture; only if the tensors are exactly those that the architecture demands, and
 * the data has exactly their size, a network is created, and the values are read to where they belong. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/bytes.h"
#include "io/model_file.h"
#include "io/numbers.h"
#include "io/record.h"
#include "io/scan.h"
#include "io/tensors.h"
#include "model/change.h"

/* All that is held while a file is being loaded. */
typedef struct loading {
    const mfi_source *source;
    mf_allocator allocator;
    uint64_t data; /* where the data begins */
    mfi_json *header, *network_tree, *training_tree;
    mfi_tensors tensors;
    size_t layers, optimizers;
    uint64_t next_id;
    mfi_layer_record *layer_records;
    mfi_training_record *training_records; /* NULL without */
    mfi_optimizer_record *optimizer_records;
    mf_optimizer **made; /* [optimizers] */
    mf_network *network;
} loading;

static mf_status read_memory(const mfi_source *source, uint64_t offset, void *bytes, size_t count)
{
    memcpy(bytes, source->memory + offset, count);
    return MF_STATUS_OK;
}

mfi_source mfi_source_of_memory(const void *buffer, size_t bytes)
{
    return (mfi_source){.read = read_memory, .bytes = bytes, .memory = buffer};
}

/* What a check of the library found wrong, as a fault of the file. */
static mf_status as_format(mf_status status, size_t layer)
{
    char reason[200];
    if (status == MF_STATUS_OK || status == MF_STATUS_MEMORY)
        return status;
    snprintf(reason, sizeof reason, "%s", mf_last_message());
    return mfi_fail(MF_STATUS_FORMAT, "layer %zu: %s", layer, reason);
}

static mf_status take(loading *l, size_t count, size_t size, void *place)
{
    void *block = NULL;
    if (count > 0) {
        block = mfi_allocate(&l->allocator, count * size);
        if (!block)
            return mfi_fail(MF_STATUS_MEMORY, "no memory to load %zu layers", l->layers);
        memset(block, 0, count * size);
    }
    memcpy(place, &block, sizeof block);
    return MF_STATUS_OK;
}

/* ---- the header ---- */

static mf_status parse_text(const char *text, size_t bytes, const char *what, mfi_json **tree)
{
    MFI_TRY(mfi_scan_json(text, bytes, what));
    return mfi_json_parse(text, bytes, what, tree);
}

static mf_status read_header(loading *l)
{
    unsigned char length[8];
    const mfi_source *source = l->source;
    if (source->bytes < sizeof length)
        return mfi_fail(MF_STATUS_FORMAT, "%llu bytes are no model", (unsigned long long)source->bytes);
    MFI_TRY(source->read(source, 0, length, sizeof length));
    uint64_t bytes = mfi_get_u64(length);
    if (bytes > MFI_MOST_HEADER_BYTES || bytes > source->bytes - sizeof length)
        return mfi_fail(MF_STATUS_FORMAT, "a header of %llu bytes in a file of %llu",
                        (unsigned long long)bytes, (unsigned long long)source->bytes);
    l->data = sizeof length + bytes;
    if (bytes == 0)
        return mfi_fail(MF_STATUS_FORMAT, "the header is empty");
    char *text = mfi_allocate(&l->allocator, (size_t)bytes);
    if (!text)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for a header of %llu bytes", (unsigned long long)bytes);
    mf_status status = source->read(source, sizeof length, text, (size_t)bytes);
    if (status == MF_STATUS_OK)
        status = parse_text(text, (size_t)bytes, "the header", &l->header);
    mfi_release(&l->allocator, text, (size_t)bytes);
    return status;
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

/* ---- records ---- */

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
    MFI_TRY(as_format(mfi_spec_resolve(&record->spec), position));
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

/* Ids count places, so those of a network differ and are below the next one. */
static mf_status check_ids(const loading *l)
{
    for (size_t i = 0; i < l->layers; i++) {
        uint64_t id = l->layer_records[i].id;
        if (id == 0 || id >= l->next_id)
            return mfi_fail(MF_STATUS_FORMAT, "layer %zu: an id of %llu is not possible", i,
                            (unsigned long long)id);
        for (size_t j = 0; j < i; j++)
            if (l->layer_records[j].id == id)
                return mfi_fail(MF_STATUS_FORMAT, "layers %zu and %zu have the same id", j, i);
    }
    return MF_STATUS_OK;
}

static mf_status read_network(loading *l)
{
    const mfi_json *found[2];
    const char *text = mfi_tensors_metadata(&l->tensors, MFI_KEY_NETWORK);
    if (!text)
        return mfi_fail(MF_STATUS_FORMAT, "the metadata has no network");
    MFI_TRY(parse_text(text, strlen(text), "the network", &l->network_tree));
    MFI_TRY(two_members(l->network_tree, "the network", "next_id", "layers", found));
    const char *next = mfi_json_text(found[0]);
    if (!next || !mfi_parse_u64(next, &l->next_id) || l->next_id == 0 || !mfi_json_is_array(found[1]))
        return mfi_fail(MF_STATUS_FORMAT, "the network: \"next_id\" or \"layers\" is of the wrong kind");
    l->layers = mfi_json_count(found[1]);
    /* Every layer has a weight and a projection at least. */
    if (l->layers > MFI_MOST_LAYERS || l->layers > l->tensors.count / 2)
        return mfi_fail(MF_STATUS_FORMAT, "%zu layers with %zu tensors", l->layers, l->tensors.count);
    MFI_TRY(take(l, l->layers, sizeof *l->layer_records, &l->layer_records));
    size_t position = 0;
    for (const mfi_json *item = mfi_json_first(found[1]); item; item = mfi_json_next(item), position++) {
        mfi_layer_record *record = &l->layer_records[position];
        *record = (mfi_layer_record){.spec = mfi_layer_defaults()};
        MFI_TRY(mfi_read_fields(item, &mfi_layer_fields, position, record));
        MFI_TRY(check_layer(record, position));
    }
    return check_ids(l);
}

static mf_status check_training(const loading *l, size_t position)
{
    const mfi_training_record *record = &l->training_records[position];
    if (record->optimizer >= 0 && (size_t)record->optimizer >= l->optimizers)
        return mfi_fail(MF_STATUS_FORMAT, "layer %zu: optimizer %d of %zu", position, (int)record->optimizer,
                        l->optimizers);
    /* Counts that go on from here never come round to 0. */
    const uint64_t most = UINT64_MAX / 2;
    bool sound =
        record->renewed > 0 && record->renewed < most && record->applied < most && record->dropped < most;
    for (size_t p = 0; p < MFI_PARAMETERS; p++) {
        size_t dims[4];
        bool counts = record->optimizer >= 0 && p < MFI_LEARNED &&
                      mfi_spec_parameter(&l->layer_records[position].spec, p, dims) > 0;
        sound = sound && record->steps[p] < (counts ? most : 1);
    }
    if (!sound)
        return mfi_fail(MF_STATUS_FORMAT, "layer %zu: one of its counts is not possible", position);
    return MF_STATUS_OK;
}

static mf_status read_optimizers(loading *l, const mfi_json *list)
{
    size_t number = 0;
    l->optimizers = mfi_json_count(list);
    if (l->optimizers > l->layers)
        return mfi_fail(MF_STATUS_FORMAT, "%zu optimizers for %zu layers", l->optimizers, l->layers);
    MFI_TRY(take(l, l->optimizers, sizeof *l->optimizer_records, &l->optimizer_records));
    for (const mfi_json *item = mfi_json_first(list); item; item = mfi_json_next(item), number++) {
        mfi_optimizer_record *record = &l->optimizer_records[number];
        *record = (mfi_optimizer_record){.spec = mfi_optimizer_defaults()};
        MFI_TRY(mfi_read_fields(item, &mfi_optimizer_fields, number, record));
        if (mfi_optimizer_check_spec(&record->spec) != MF_STATUS_OK ||
            (record->spec.momentum > 0.0f && !record->keeps_momentum))
            return mfi_fail(MF_STATUS_FORMAT, "optimizer %zu: a value is out of its range", number);
    }
    return MF_STATUS_OK;
}

static mf_status read_training(loading *l, const char *text)
{
    const mfi_json *found[2];
    size_t position = 0;
    MFI_TRY(parse_text(text, strlen(text), "the training", &l->training_tree));
    MFI_TRY(two_members(l->training_tree, "the training", "optimizers", "layers", found));
    if (!mfi_json_is_array(found[0]) || !mfi_json_is_array(found[1]) || mfi_json_count(found[1]) != l->layers)
        return mfi_fail(MF_STATUS_FORMAT,
                        "the training: \"optimizers\" or \"layers\" is of the wrong kind or length");
    MFI_TRY(read_optimizers(l, found[0]));
    MFI_TRY(take(l, l->layers, sizeof *l->training_records, &l->training_records));
    for (const mfi_json *item = mfi_json_first(found[1]); item; item = mfi_json_next(item), position++) {
        l->training_records[position].optimizer = -1;
        MFI_TRY(mfi_read_fields(item, &mfi_training_fields, position, &l->training_records[position]));
        MFI_TRY(check_training(l, position));
    }
    return MF_STATUS_OK;
}

/* ---- tensors ---- */

/* The optimizer of a layer by the file; NULL without one. */
static const mfi_optimizer_record *optimizer_of(const loading *l, size_t position)
{
    int32_t number = l->training_records ? l->training_records[position].optimizer : -1;
    return number < 0 ? NULL : &l->optimizer_records[number];
}

static mf_status check_tensor(const mfi_tensors *tensors, const mfi_tensor_plan *plan)
{
    const mfi_tensor *tensor = mfi_tensors_find(tensors, plan->name);
    if (!tensor)
        return mfi_fail(MF_STATUS_FORMAT, "there is no tensor \"%s\"", plan->name);
    bool same = tensor->rank == (size_t)plan->rank;
    for (int32_t d = 0; same && d < plan->rank; d++)
        same = tensor->dims[d] == plan->dims[d];
    if (!same)
        return mfi_fail(MF_STATUS_FORMAT, "tensor \"%s\" has another shape than its layer demands",
                        plan->name);
    return MF_STATUS_OK;
}

/* Each tensor that the layers demand is there, and no other: names are unique, so it is enough to count them.
 */
static mf_status check_tensors(const loading *l)
{
    size_t demanded = 0;
    for (size_t position = 0; position < l->layers; position++)
        for (size_t number = 0; number < MFI_LAYER_TENSORS; number++) {
            mfi_tensor_plan plan;
            int there = mfi_plan_tensor(position, &l->layer_records[position].spec, optimizer_of(l, position),
                                        number, &plan);
            if (there < 0)
                return mfi_fail(MF_STATUS_FORMAT, "layer %zu: its size does not fit", position);
            if (there == 0)
                continue;
            MFI_TRY(check_tensor(&l->tensors, &plan));
            demanded++;
        }
    if (demanded != l->tensors.count)
        return mfi_fail(MF_STATUS_FORMAT, "%zu tensors, of which the layers know %zu", l->tensors.count,
                        demanded);
    return MF_STATUS_OK;
}

static mf_status read_values(const loading *l, const mf_layer *layer, const mfi_tensor_plan *plan)
{
    const mfi_tensor *tensor = mfi_tensors_find(&l->tensors, plan->name);
    float *values = mfi_tensor_values(layer, plan);
    MFI_TRY(l->source->read(l->source, l->data + tensor->begin, values, plan->count * sizeof *values));
    for (size_t i = 0; i < plan->count; i++)
        values[i] = mfi_get_float((const unsigned char *)(values + i));
    if (!mfi_values_are_sound(plan, values))
        return mfi_fail(MF_STATUS_FORMAT, "tensor \"%s\" holds a value that is not possible", plan->name);
    return MF_STATUS_OK;
}

/* ---- handles ---- */

/* Drawing values that are overwritten at once would cost time, and orthogonal ones a lot of it. */
static mf_status create_layer(const loading *l, size_t position, mf_layer **layer)
{
    const mfi_layer_record *record = &l->layer_records[position];
    mf_layer_spec spec = record->spec;
    spec.weight_init = spec.projection_init = MF_INIT_ZERO;
    spec.allocator = &l->allocator;
    MFI_TRY(mfi_layer_create(&spec, layer));
    (*layer)->spec.weight_init = record->spec.weight_init;
    (*layer)->spec.projection_init = record->spec.projection_init;
    for (size_t p = 0; p < MFI_PARAMETERS; p++)
        (*layer)->parameters[p].trainable = !(record->frozen >> p & 1);
    return MF_STATUS_OK;
}

static mf_status attach_optimizer(const loading *l, size_t position, mf_layer *layer)
{
    const mfi_training_record *record = &l->training_records[position];
    mfi_change change;
    if (record->optimizer >= 0) {
        MFI_TRY(mfi_change_optimizer(layer, l->made[record->optimizer], &change));
        mfi_change_commit(layer, &change);
    }
    layer->applied = record->applied;
    layer->dropped = record->dropped;
    layer->renewed = record->renewed;
    for (size_t p = 0; p < MFI_PARAMETERS; p++)
        layer->parameters[p].steps = record->steps[p];
    return MF_STATUS_OK;
}

static mf_status fill_layer(const loading *l, size_t position, bool training, mf_layer *layer)
{
    if (training)
        MFI_TRY(attach_optimizer(l, position, layer));
    for (size_t number = 0; number < MFI_LAYER_TENSORS; number++) {
        mfi_tensor_plan plan;
        const mfi_optimizer_record *optimizer = training ? optimizer_of(l, position) : NULL;
        if (mfi_plan_tensor(position, &layer->spec, optimizer, number, &plan) > 0)
            MFI_TRY(read_values(l, layer, &plan));
    }
    return MF_STATUS_OK;
}

static mf_status add_layer(loading *l, size_t position, bool training)
{
    mf_layer *layer = NULL;
    MFI_TRY(create_layer(l, position, &layer));
    mf_status status = as_format(mfi_network_insert(l->network, position, layer, NULL), position);
    if (status == MF_STATUS_OK)
        status = fill_layer(l, position, training, layer);
    mfi_layer_release(layer); /* the network has its own reference */
    return status;
}

static mf_status make_optimizers(loading *l)
{
    MFI_TRY(take(l, l->optimizers, sizeof *l->made, &l->made));
    for (size_t i = 0; i < l->optimizers; i++) {
        mf_optimizer_spec spec = l->optimizer_records[i].spec;
        spec.allocator = &l->allocator;
        MFI_TRY(mfi_optimizer_create(&spec, &l->made[i]));
        l->made[i]->spec.allocator = NULL;
        l->made[i]->has_momentum = l->optimizer_records[i].keeps_momentum != 0;
    }
    return MF_STATUS_OK;
}

static mf_status make_network(loading *l, bool training)
{
    mf_network_spec spec = {.struct_size = sizeof spec, .allocator = &l->allocator};
    if (training)
        MFI_TRY(make_optimizers(l));
    MFI_TRY(mfi_network_create(&spec, &l->network));
    for (size_t position = 0; position < l->layers; position++)
        MFI_TRY(add_layer(l, position, training));
    for (size_t position = 0; position < l->layers; position++)
        l->network->places[position].id = l->layer_records[position].id;
    l->network->next_id = l->next_id;
    return MF_STATUS_OK;
}

/* ---- all of it ---- */

static mf_status load(loading *l, bool training)
{
    MFI_TRY(mfi_json_available());
    MFI_TRY(read_header(l));
    MFI_TRY(mfi_tensors_read(l->header, l->source->bytes - l->data, &l->allocator, &l->tensors));
    MFI_TRY(check_version(&l->tensors));
    MFI_TRY(read_network(l));
    const char *text = mfi_tensors_metadata(&l->tensors, MFI_KEY_TRAINING);
    if (text)
        MFI_TRY(read_training(l, text));
    MFI_TRY(check_tensors(l));
    if (training && !text)
        return mfi_fail(MF_STATUS_STATE, "the model was saved without the state of its training");
    return make_network(l, training);
}

static void clean_up(loading *l)
{
    for (size_t i = 0; l->made && i < l->optimizers; i++)
        mfi_optimizer_release(l->made[i]); /* layers have their own references */
    mfi_release(&l->allocator, l->made, l->optimizers * sizeof *l->made);
    mfi_release(&l->allocator, l->optimizer_records, l->optimizers * sizeof *l->optimizer_records);
    mfi_release(&l->allocator, l->training_records, l->layers * sizeof *l->training_records);
    mfi_release(&l->allocator, l->layer_records, l->layers * sizeof *l->layer_records);
    mfi_tensors_free(&l->tensors);
    mfi_json_free(l->training_tree);
    mfi_json_free(l->network_tree);
    mfi_json_free(l->header);
}

mf_status mfi_model_load(const mf_load_spec *spec, const mfi_source *source, mf_network **network)
{
    loading l = {.source = source, .allocator = mfi_allocator_or_default(spec->allocator)};
    if (spec->max_bytes != 0 && source->bytes > spec->max_bytes)
        return mfi_fail(MF_STATUS_CAPACITY, "the model has %llu bytes, at most %llu are wanted",
                        (unsigned long long)source->bytes, (unsigned long long)spec->max_bytes);
    mf_status status = load(&l, spec->contents == MF_CONTENTS_TRAINING);
    if (status == MF_STATUS_OK)
        *network = l.network;
    else
        mfi_network_release(l.network);
    clean_up(&l);
    return status;
}
