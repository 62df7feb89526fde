/* Owns: writing a model file, without allocating memory: the header is generated twice, the first time only
 * to measure it. */
#include <string.h>

#include "base/status.h"
#include "base/version.h"
#include "io/bytes.h"
#include "io/host_metadata.h"
#include "io/model_file.h"
#include "io/numbering.h"
#include "io/record.h"
#include "io/values.h"
#include "model/workspace.h"

static const mf_layer *layer_at(const mf_network *network, size_t position)
{
    return network->entries[position].layer;
}

/* ---- tensors ---- */

typedef void tensor_visitor(void *user, const mf_layer *layer, const mfi_tensor_plan *plan);

/* Visits the tensors layer by layer: its parameters, then its optimizer's state. */
static void visit_tensors(const mf_network *network, bool training, tensor_visitor *visit, void *user)
{
    for (size_t position = 0; position < network->count; position++) {
        const mf_layer *layer = layer_at(network, position);
        mfi_optimizer_record optimizer;
        bool with = training && layer->optimizer;
        if (with)
            optimizer = mfi_record_optimizer(layer->optimizer);
        for (size_t number = 0; number < mfi_tensor_numbers(&layer->plan); number++) {
            mfi_tensor_plan plan;
            if (mfi_plan_tensor(position, &layer->plan, with ? &optimizer : NULL, number, &plan))
                visit(user, layer, &plan);
        }
    }
}

/* Visits the matrices that heads share, each once; they come behind all layers. */
static void visit_matrices(const mf_network *network, tensor_visitor *visit, void *user)
{
    for (size_t position = 0; position < network->count; position++) {
        const mf_layer *layer = layer_at(network, position);
        if (!layer->plan.head.shared || mfi_first_reader(network, position) < position)
            continue;
        const mfi_tensor_plan plan = mfi_matrix_tensor(position, layer->plan.head.shared);
        visit(user, layer, &plan);
    }
}

static void add_bytes(void *user, const mf_layer *layer, const mfi_tensor_plan *plan)
{
    (void)layer;
    *(uint64_t *)user += (uint64_t)plan->count * sizeof(float);
}

static void put_tensor_values(void *user, const mf_layer *layer, const mfi_tensor_plan *plan)
{
    mfi_sink_tensor(user, layer, plan->parameter, plan->state_slot, plan->count);
}

static void put_matrix_values(void *user, const mf_layer *layer, const mfi_tensor_plan *plan)
{
    mfi_sink_floats(user, layer->plan.head.shared->values, plan->count);
}

static void check_tensor_values(void *user, const mf_layer *layer, const mfi_tensor_plan *plan)
{
    mf_status *status = user;
    if (*status == MF_STATUS_OK)
        *status = mfi_tensor_check(plan, layer);
}

mf_status mfi_model_check(const mf_network *network, bool training)
{
    const mfi_layer_list layers = mfi_list_network(network);
    mf_status status = MF_STATUS_OK;
    if (network->count > 0) /* what does not fit together could not be loaded again */
        MFI_TRY(mfi_check_layers(&layers, 1));
    visit_tensors(network, training, check_tensor_values, &status);
    return status;
}

/* ---- the header ---- */

static void put_input(mfi_text *text, const mf_shape *input)
{
    mfi_text_key(text, MFI_KEY_INPUT);
    mfi_text_open(text, '[');
    for (int32_t d = 0; d < input->rank; d++)
        mfi_text_size(text, input->dims[d]);
    mfi_text_close(text, ']');
}

static void put_units(mfi_text *text, const mf_network *network, size_t position)
{
    const mfi_plan *plan = &layer_at(network, position)->plan;
    put_input(text, &plan->input);
    mfi_text_key(text, MFI_KEY_UNITS);
    mfi_text_open(text, '[');
    for (size_t u = 0; u < plan->unit_count; u++)
        mfi_write_fields(text, &mfi_unit_fields, plan->units[u].spec.kind, &plan->units[u].spec);
    mfi_text_close(text, ']');
    mfi_text_key(text, MFI_KEY_HEAD);
    mfi_text_open(text, '{');
    mfi_write_members(text, &mfi_head_fields, plan->head.kind, &plan->head);
    if (plan->head.shared) {
        mfi_text_key(text, MFI_KEY_SHARED);
        mfi_text_size(text, mfi_first_reader(network, position));
    }
    mfi_text_close(text, '}');
}

static void put_frozen(mfi_text *text, const mf_layer *layer)
{
    mfi_text_key(text, MFI_KEY_FROZEN);
    mfi_text_open(text, '[');
    for (size_t p = 0; p < layer->plan.parameter_count; p++)
        if (!mfi_layer_trains(layer, p))
            mfi_text_string(text, layer->plan.parameters[p].name);
    mfi_text_close(text, ']');
}

static void put_layer_record(mfi_text *text, const mf_network *network, size_t position)
{
    const mf_layer *layer = layer_at(network, position);
    mfi_layer_record record = mfi_record_layer(network, position);
    mfi_text_open(text, '{');
    mfi_write_members(text, &mfi_layer_fields, record.spec.kind, &record);
    if (!layer->plan.has_spec)
        put_units(text, network, position);
    put_frozen(text, layer);
    mfi_text_close(text, '}');
}

static void put_network(mfi_text *text, const mf_network *network)
{
    mfi_text_begin_string(text);
    mfi_text_open(text, '{');
    mfi_text_key(text, "next_id");
    mfi_text_u64(text, network->next_id);
    mfi_text_key(text, "layers");
    mfi_text_open(text, '[');
    for (size_t position = 0; position < network->count; position++)
        put_layer_record(text, network, position);
    mfi_text_close(text, ']');
    mfi_text_close(text, '}');
    mfi_text_end_string(text);
}

/* For a layer with a spec all existing names are written, as the first version of the format requires. */
static void put_steps(mfi_text *text, const mf_layer *layer)
{
    static const mfi_role roles[MFI_ROLES] = {MFI_WEIGHT, MFI_BIAS, MFI_PROJECTION,
                                              MFI_SCALE,  MFI_MEAN, MFI_VARIANCE};
    size_t number = 0;
    mfi_text_key(text, MFI_KEY_STEPS);
    mfi_text_open(text, '{');
    for (size_t r = 0; layer->plan.has_spec && r < MFI_ROLES; r++) {
        bool there = number < layer->plan.parameter_count && layer->plan.parameters[number].role == roles[r];
        mfi_text_key(text, mfi_role_name(roles[r]));
        mfi_text_u64(text, there ? mfi_layer_steps(layer, number++) : 0);
    }
    for (; number < layer->plan.parameter_count; number++) {
        mfi_text_key(text, layer->plan.parameters[number].name);
        mfi_text_u64(text, mfi_layer_steps(layer, number));
    }
    mfi_text_close(text, '}');
}

static void put_training(mfi_text *text, const mf_network *network)
{
    mfi_numbering numbering;
    mfi_numbering_begin(&numbering, network);
    mfi_text_begin_string(text);
    mfi_text_open(text, '{');
    mfi_text_key(text, "optimizers");
    mfi_text_open(text, '[');
    for (size_t position = 0; position < network->count; position++)
        if (mfi_numbering_is_first(&numbering, position)) {
            mfi_optimizer_record record = mfi_record_optimizer(layer_at(network, position)->optimizer);
            mfi_write_fields(text, &mfi_optimizer_fields, record.spec.kind, &record);
        }
    mfi_text_close(text, ']');
    mfi_text_key(text, "layers");
    mfi_text_open(text, '[');
    for (size_t position = 0; position < network->count; position++) {
        mfi_training_record record = {.optimizer = mfi_numbering_of(&numbering, position),
                                      .progress = *mfi_layer_progress(layer_at(network, position))};
        mfi_text_open(text, '{');
        mfi_write_members(text, &mfi_training_fields, 0, &record);
        put_steps(text, layer_at(network, position));
        mfi_text_close(text, '}');
    }
    mfi_text_close(text, ']');
    mfi_text_close(text, '}');
    mfi_text_end_string(text);
}

/* The oldest version of the format that can describe the network. */
static uint64_t version_of(const mf_network *network)
{
    uint64_t version = network->scaled > 0 ? MFI_FORMAT_SCALED : MFI_FORMAT_FLAT;
    for (size_t position = 0; position < network->count; position++) {
        uint64_t one = mfi_plan_format(&layer_at(network, position)->plan);
        version = one > version ? one : version;
    }
    return version;
}

static void put_metadata(mfi_text *text, const mf_network *network, bool training)
{
    mfi_text_key(text, "__metadata__");
    mfi_text_open(text, '{');
    mfi_text_key(text, MFI_KEY_FORMAT);
    mfi_text_string(text, MFI_FORMAT_NAME);
    mfi_text_key(text, MFI_KEY_VERSION);
    mfi_text_u64(text, version_of(network));
    mfi_text_key(text, MFI_KEY_LIBRARY);
    mfi_text_string(text, MFI_VERSION);
    mfi_text_key(text, MFI_KEY_NETWORK);
    put_network(text, network);
    if (training) {
        mfi_text_key(text, MFI_KEY_TRAINING);
        put_training(text, network);
    }
    mfi_host_metadata_put(network, text);
    mfi_text_close(text, '}');
}

typedef struct entries {
    mfi_text *text;
    uint64_t offset;
} entries;

static void put_tensor_entry(entries *list, const char *name, int32_t rank, const size_t *dims, size_t count)
{
    mfi_text *text = list->text;
    mfi_text_key(text, name);
    mfi_text_open(text, '{');
    mfi_text_key(text, "dtype");
    mfi_text_string(text, "F32");
    mfi_text_key(text, "shape");
    mfi_text_open(text, '[');
    for (int32_t d = 0; d < rank; d++)
        mfi_text_size(text, dims[d]);
    mfi_text_close(text, ']');
    mfi_text_key(text, "data_offsets");
    mfi_text_open(text, '[');
    mfi_text_size(text, list->offset);
    list->offset += (uint64_t)count * sizeof(float);
    mfi_text_size(text, list->offset);
    mfi_text_close(text, ']');
    mfi_text_close(text, '}');
}

static void put_entry(void *user, const mf_layer *layer, const mfi_tensor_plan *plan)
{
    (void)layer;
    put_tensor_entry(user, plan->name, plan->rank, plan->dims, plan->count);
}

static void put_header(const mf_network *network, bool training, mfi_sink *sink)
{
    mfi_text text = {.sink = sink};
    entries list = {.text = &text};
    mfi_text_open(&text, '{');
    put_metadata(&text, network, training);
    visit_tensors(network, training, put_entry, &list);
    visit_matrices(network, put_entry, &list);
    if (network->scaled > 0)
        put_tensor_entry(&list, MFI_TENSOR_SCALING, 2, (const size_t[2]){2, network->scaled},
                         2 * network->scaled);
    mfi_text_close(&text, '}');
}

/* Refuses more layers and units than can be loaded. The units of a layer with a spec are not in the file. */
static mf_status check_file_counts(const mf_network *network)
{
    size_t units = 0;
    if (network->count > MFI_MOST_LAYERS)
        return mfi_fail(MF_STATUS_OVERFLOW, "a file can hold %d layers, the network has %zu",
                        (int)MFI_MOST_LAYERS, network->count);
    for (size_t position = 0; position < network->count; position++)
        if (!layer_at(network, position)->plan.has_spec)
            units += layer_at(network, position)->plan.unit_count;
    if (units > MFI_MOST_UNITS)
        return mfi_fail(MF_STATUS_OVERFLOW, "a file can hold %d units, the network has %zu",
                        (int)MFI_MOST_UNITS, units);
    return MF_STATUS_OK;
}

/* The size of the header's text, without and with the spaces that align the data to 8 bytes. */
static mf_status measure_header(const mf_network *network, bool training, uint64_t *text, uint64_t *padded)
{
    mfi_sink counter;
    MFI_TRY(check_file_counts(network));
    mfi_sink_begin(&counter, NULL, NULL);
    put_header(network, training, &counter);
    *text = counter.total;
    *padded = (counter.total + 7) / 8 * 8;
    if (*padded > MFI_MOST_HEADER_BYTES)
        return mfi_fail(MF_STATUS_OVERFLOW, "the header has %llu bytes, the format allows at most %d",
                        (unsigned long long)*padded, (int)MFI_MOST_HEADER_BYTES);
    return MF_STATUS_OK;
}

/* ---- the file ---- */

mf_status mfi_model_size(const mf_network *network, bool training, uint64_t *bytes)
{
    uint64_t text, padded, data = 0;
    MFI_TRY(measure_header(network, training, &text, &padded));
    visit_tensors(network, training, add_bytes, &data);
    visit_matrices(network, add_bytes, &data);
    data += 2 * (uint64_t)network->scaled * sizeof(float);
    *bytes = 8 + padded + data;
    return MF_STATUS_OK;
}

mf_status mfi_model_write(const mf_network *network, bool training, mfi_sink *sink)
{
    uint64_t text, padded;
    unsigned char length[8];
    MFI_TRY(measure_header(network, training, &text, &padded));
    mfi_put_u64(length, padded);
    mfi_sink_put(sink, length, sizeof length);
    put_header(network, training, sink);
    for (; text < padded; text++)
        mfi_sink_put(sink, " ", 1);
    visit_tensors(network, training, put_tensor_values, sink);
    visit_matrices(network, put_matrix_values, sink);
    mfi_sink_floats(sink, network->shift_scale, 2 * network->scaled);
    return mfi_sink_end(sink);
}
