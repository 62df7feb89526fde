/* Owns: reading a model file. The file is not trusted. First the header is checked: as JSON, as a table of
 * tensors, and as an architecture. The tensors must be exactly those that the architecture requires, and the
 * data must have exactly their size. Only then the network is created, and the values are read into its
 * parameters. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/architecture.h"
#include "io/bytes.h"
#include "io/host_metadata.h"
#include "io/model_file.h"
#include "model/change.h"
#include "io/values.h"

/* What must be freed when loading has ended. */
typedef struct loading {
    const mfi_model_source *source;
    mf_allocator allocator;
    uint64_t data; /* offset of the data in the file */
    mfi_json *header;
    mfi_tensors tensors;
    mfi_architecture plan;
    mf_optimizer **made; /* [optimizers] */
    mf_network *network;
} loading;

static mf_status read_memory(const mfi_model_source *source, uint64_t offset, void *bytes, size_t count)
{
    memcpy(bytes, source->memory + offset, count);
    return MF_STATUS_OK;
}

mfi_model_source mfi_source_of_memory(const void *buffer, size_t bytes)
{
    return (mfi_model_source){.read = read_memory, .bytes = bytes, .memory = buffer};
}

/* ---- the header ---- */

/* The first bytes are no length of a header that the file could have. */
static mf_status refuse_length(const unsigned char first[8], uint64_t bytes, uint64_t file)
{
    if (memcmp(first, "PK\3\4", 4) == 0)
        return mfi_fail(MF_STATUS_FORMAT, "it is a zip archive, not a safetensors file");
    if (bytes > MFI_MOST_HEADER_BYTES && first[0] == 8 && first[1] < 32) /* its ir_version */
        return mfi_fail(MF_STATUS_FORMAT,
                        "it looks like an ONNX model, which mf_network_import_onnx() reads");
    if (bytes > MFI_MOST_HEADER_BYTES)
        return mfi_fail(MF_STATUS_FORMAT, "it is no safetensors file: its header would have %llu bytes",
                        (unsigned long long)bytes);
    return mfi_fail(MF_STATUS_FORMAT,
                    "a header of %llu bytes is too long in a file of %llu bytes: is it cut off?",
                    (unsigned long long)bytes, (unsigned long long)file);
}

static mf_status read_header(loading *l)
{
    unsigned char length[8];
    const mfi_model_source *source = l->source;
    if (source->bytes < sizeof length)
        return mfi_fail(MF_STATUS_FORMAT, "a model has at least %d bytes, this one has %llu",
                        (int)sizeof length, (unsigned long long)source->bytes);
    MFI_TRY(source->read(source, 0, length, sizeof length));
    uint64_t bytes = mfi_get_u64(length);
    if (bytes > MFI_MOST_HEADER_BYTES || bytes > source->bytes - sizeof length)
        return refuse_length(length, bytes, source->bytes);
    l->data = sizeof length + bytes;
    if (bytes == 0)
        return mfi_fail(MF_STATUS_FORMAT, "the header is empty");
    char *text = mfi_allocate(&l->allocator, (size_t)bytes);
    if (!text)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for a header of %llu bytes", (unsigned long long)bytes);
    mf_status status = source->read(source, sizeof length, text, (size_t)bytes);
    if (status == MF_STATUS_OK)
        status = mfi_json_parse(text, (size_t)bytes, "the header", &l->allocator, &l->header);
    mfi_release(&l->allocator, text, (size_t)bytes);
    return status;
}

/* ---- tensors ---- */

static mf_status check_tensor(const mfi_tensors *tensors, const mfi_tensor_plan *plan)
{
    const mfi_tensor *tensor = mfi_tensors_find(tensors, plan->name);
    if (!tensor)
        return mfi_fail(MF_STATUS_FORMAT, "the model has no tensor \"%s\", which its layers require",
                        plan->name);
    bool same = tensor->rank == (size_t)plan->rank;
    for (int32_t d = 0; same && d < plan->rank; d++)
        same = tensor->dims[d] == plan->dims[d];
    if (!same)
        return mfi_fail(MF_STATUS_FORMAT, "tensor \"%s\" has another shape than its layer requires",
                        plan->name);
    return MF_STATUS_OK;
}

/* The tensor of the numbers that scale inputs; NULL if there is none, or may be none in files of that
 * version. */
static const mfi_tensor *scaling_of(const loading *l)
{
    const mfi_tensor *tensor = mfi_tensors_find(&l->tensors, MFI_TENSOR_SCALING);
    return l->plan.version < MFI_FORMAT_SCALED ? NULL : tensor;
}

/* Checks that the file has every tensor that the layers require, and no other. Names are unique, so it is
 * enough to count them. */
static mf_status check_tensors(const loading *l)
{
    size_t demanded = 0;
    for (size_t position = 0; position < l->plan.layer_count; position++) {
        mfi_list_room room;
        const mfi_plan *plan = mfi_architecture_plan(&l->plan, position, &room);
        for (size_t number = 0; number < mfi_tensor_numbers(plan); number++) {
            mfi_tensor_plan tensor;
            if (!mfi_plan_tensor(position, plan, mfi_architecture_optimizer(&l->plan, position), number,
                                 &tensor))
                continue;
            MFI_TRY(check_tensor(&l->tensors, &tensor));
            demanded++;
        }
        demanded += l->plan.layers[position].matrix != NULL;
    }
    const mfi_tensor *scaling = scaling_of(l);
    demanded += scaling != NULL;
    if (scaling && (scaling->rank != 2 || scaling->dims[0] != 2 || scaling->dims[1] == 0 ||
                    scaling->dims[1] > INT32_MAX))
        return mfi_fail(MF_STATUS_FORMAT, "tensor \"" MFI_TENSOR_SCALING "\" is not [2, count]");
    if (demanded != l->tensors.count)
        return mfi_fail(MF_STATUS_FORMAT, "the model has %zu tensors, of which its layers use %zu",
                        l->tensors.count, demanded);
    return MF_STATUS_OK;
}

/* Sets values of a tensor, which are checked, from number `first` on. */
typedef void value_setter(const mfi_tensor_plan *plan, void *to, size_t first, size_t count,
                          const float *values);

static void set_layer(const mfi_tensor_plan *plan, void *to, size_t first, size_t count, const float *values)
{
    mfi_layer_set_values(to, plan->parameter, plan->state_slot, first, count, values);
}

static void set_matrix(const mfi_tensor_plan *plan, void *to, size_t first, size_t count, const float *values)
{
    (void)plan;
    (void)mfi_matrix_set(to, first, count, values);
}

static void set_numbers(const mfi_tensor_plan *plan, void *to, size_t first, size_t count,
                        const float *values)
{
    (void)plan;
    memcpy((float *)to + first, values, count * sizeof *values);
}

static mf_status read_values(const loading *l, const mfi_tensor_plan *plan, value_setter *set, void *to)
{
    const mfi_tensor *tensor = mfi_tensors_find(&l->tensors, plan->name);
    unsigned char bytes[4 * MFI_VALUES_PIECE];
    float values[MFI_VALUES_PIECE];
    for (size_t first = 0, count; first < plan->count; first += count) {
        count = mfi_values_piece(plan->count, first);
        MFI_TRY(l->source->read(l->source, l->data + tensor->begin + 4 * (uint64_t)first, bytes, 4 * count));
        mfi_get_floats(bytes, count, values);
        MFI_TRY(mfi_values_check(plan, first, values, count, MF_STATUS_FORMAT));
        set(plan, to, first, count, values);
    }
    return MF_STATUS_OK;
}

/* Before any layer reads it. */
static mf_status fill_matrix(const loading *l, size_t position)
{
    mf_matrix *matrix = l->plan.layers[position].matrix;
    if (!matrix)
        return MF_STATUS_OK;
    const mfi_tensor_plan tensor = mfi_matrix_tensor(position, matrix);
    return read_values(l, &tensor, set_matrix, matrix);
}

/* ---- handles ---- */

/* Values are not initialised, since they are overwritten at once. */
static mf_status create_layer(const loading *l, size_t position, mf_layer **layer)
{
    mfi_list_room room;
    const mfi_layer_architecture *from = &l->plan.layers[position];
    MFI_TRY(mfi_layer_create(mfi_architecture_plan(&l->plan, position, &room), &l->allocator, false, layer));
    for (size_t p = 0; p < from->parameter_count; p++)
        if (from->parameters[p].frozen)
            mfi_layer_set_trainable(*layer, p, false);
    return MF_STATUS_OK;
}

static mf_status attach_optimizer(const loading *l, size_t position, mf_layer *layer)
{
    const mfi_training_record *record = &l->plan.training_records[position];
    const mfi_layer_architecture *from = &l->plan.layers[position];
    if (record->optimizer >= 0) {
        MFI_TRY(mfi_change_optimizer(layer, l->made[record->optimizer]));
        mfi_change_commit(layer);
    }
    mfi_layer_restore(layer, &record->progress);
    for (size_t p = 0; p < from->parameter_count; p++)
        mfi_layer_restore_steps(layer, p, from->parameters[p].steps);
    return MF_STATUS_OK;
}

static mf_status fill_layer(const loading *l, size_t position, bool training, mf_layer *layer)
{
    if (training)
        MFI_TRY(attach_optimizer(l, position, layer));
    for (size_t number = 0; number < mfi_tensor_numbers(&layer->plan); number++) {
        mfi_tensor_plan tensor;
        const mfi_optimizer_record *optimizer =
            training ? mfi_architecture_optimizer(&l->plan, position) : NULL;
        if (mfi_plan_tensor(position, &layer->plan, optimizer, number, &tensor))
            MFI_TRY(read_values(l, &tensor, set_layer, layer));
    }
    return MF_STATUS_OK;
}

static mf_status add_layer(loading *l, size_t position, bool training)
{
    mf_layer *layer = NULL;
    MFI_TRY(fill_matrix(l, position));
    MFI_TRY(create_layer(l, position, &layer));
    mf_status status = mfi_as_format(mfi_network_insert(l->network, position, layer, NULL), position);
    if (status == MF_STATUS_OK)
        status = fill_layer(l, position, training, layer);
    mfi_layer_release(layer); /* the network holds a reference of its own */
    return status;
}

static mf_status make_optimizers(loading *l)
{
    MFI_TRY(mfi_take_zeroed(&l->allocator, l->plan.optimizer_count, sizeof *l->made, "optimizers", &l->made));
    for (size_t i = 0; i < l->plan.optimizer_count; i++) {
        mf_optimizer_spec spec = l->plan.optimizer_records[i].spec;
        spec.allocator = &l->allocator;
        MFI_TRY(mfi_optimizer_create(&spec, &l->made[i]));
        mfi_optimizer_restore(l->made[i], l->plan.optimizer_records[i].keeps_momentum != 0);
    }
    return MF_STATUS_OK;
}

/* Behind the layers, which say how many numbers there may be. */
static mf_status set_scaling(const loading *l)
{
    const mfi_tensor *tensor = scaling_of(l);
    if (!tensor)
        return MF_STATUS_OK;
    size_t count = (size_t)tensor->dims[1];
    const mfi_tensor_plan plan = {.name = MFI_TENSOR_SCALING, .count = 2 * count};
    float *numbers = NULL;
    if (mfi_network_check_scaling(count, l->network->count > 0 ? &l->network->entries[0].layer->plan
                                                               : NULL) != MF_STATUS_OK)
        return MF_STATUS_FORMAT; /* the message stays */
    MFI_TRY(
        mfi_take_zeroed(&l->allocator, 2 * count, sizeof *numbers, "numbers that scale inputs", &numbers));
    mf_status status = read_values(l, &plan, set_numbers, numbers);
    if (status == MF_STATUS_OK)
        status = mfi_network_set_scaling(l->network, numbers, numbers + count, count);
    mfi_release(&l->allocator, numbers, 2 * count * sizeof *numbers);
    return status;
}

static mf_status make_network(loading *l, bool training)
{
    mf_network_spec spec = {.struct_size = sizeof spec, .allocator = &l->allocator};
    if (training)
        MFI_TRY(make_optimizers(l));
    MFI_TRY(mfi_network_create(&spec, &l->network));
    MFI_TRY(mfi_host_metadata_take(&l->tensors, l->network));
    for (size_t position = 0; position < l->plan.layer_count; position++)
        MFI_TRY(add_layer(l, position, training));
    MFI_TRY(set_scaling(l));
    for (size_t position = 0; position < l->plan.layer_count; position++)
        mfi_network_restore_id(l->network, position, l->plan.layers[position].record.id);
    mfi_network_restore_next_id(l->network, l->plan.next_id);
    return MF_STATUS_OK;
}

/* ---- all of it ---- */

static mf_status load_model(loading *l, bool training)
{
    MFI_TRY(read_header(l));
    MFI_TRY(mfi_tensors_read(l->header, l->source->bytes - l->data, &l->allocator, &l->tensors));
    MFI_TRY(mfi_architecture_read(&l->tensors, &l->allocator, &l->plan));
    MFI_TRY(check_tensors(l));
    if (training && !l->plan.has_training)
        return mfi_fail(MF_STATUS_STATE, "the model was saved without the state of its training");
    return make_network(l, training);
}

static void clean_up(loading *l)
{
    for (size_t i = 0; l->made && i < l->plan.optimizer_count; i++)
        mfi_optimizer_release(l->made[i]); /* the layers hold references of their own */
    mfi_release(&l->allocator, l->made, l->plan.optimizer_count * sizeof *l->made);
    mfi_architecture_free(&l->plan, &l->allocator);
    mfi_tensors_free(&l->tensors);
    mfi_json_free(l->header);
}

mf_status mfi_model_load(const mf_load_spec *spec, const mfi_model_source *source, mf_network **network)
{
    loading l = {.source = source, .allocator = mfi_allocator_or_default(spec->allocator)};
    if (spec->max_bytes != 0 && source->bytes > spec->max_bytes)
        return mfi_fail(MF_STATUS_CAPACITY, "the model has %llu bytes, at most %llu are allowed",
                        (unsigned long long)source->bytes, (unsigned long long)spec->max_bytes);
    mf_status status = load_model(&l, spec->contents == MF_CONTENTS_TRAINING);
    if (status == MF_STATUS_OK)
        *network = l.network;
    else
        mfi_network_release(l.network);
    clean_up(&l);
    return status;
}
