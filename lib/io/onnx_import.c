/* Owns: making a network of an ONNX model. The file is not trusted: it is read as tables, units are found for
 * its nodes, these are cut into layers, and only then memory is taken for parameters, of which all but heads
 * have their values in the file. */
#include "io/onnx_import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/bytes.h"
#include "io/host_metadata.h"
#include "io/model_file.h"
#include "io/onnx_layers.h"
#include "io/values.h"
#include "model/summary.h"
#include "model/unit.h"

/* What must be freed when the import has ended. */
typedef struct importing {
    const mf_onnx_spec *spec;
    mfi_bytes bytes;
    mfi_onnx_file file;
    mfi_onnx_units units;
    mfi_onnx_layers layers;
    mf_network *network;
} importing;

/* Parameters may take this many values more than the file has: heads, what it leaves to its defaults, and what fills up
 * panels. */
enum { FREE_VALUES_OF_PARAMETERS = 16 * 1024 * 1024 };

/* ---- values ---- */

/* A parameter that is filled from the file, or by a rule. */
typedef struct filling {
    mf_layer *layer;
    size_t number;
    const mfi_onnx_constant *from;
    const mfi_onnx_unit *unit; /* that has the parameter; NULL for those of heads */
    float (*at)(const struct filling *f, const mfi_parameter_spec *parameter, size_t index);
} filling;

static float value_in_file(const filling *f, const mfi_parameter_spec *parameter, size_t index)
{
    if (!f->unit || parameter->role != MFI_WEIGHT || parameter->rank != 2)
        return mfi_onnx_float_at(f->from, index);
    size_t rows = parameter->dims[0], columns = parameter->dims[1], channels = f->unit->last_channels;
    size_t row = index / columns, column = index % columns, area = channels ? columns / channels : 1;
    if (channels)
        column = column % area * channels + column / area;
    return mfi_onnx_float_at(f->from, f->unit->turned ? column * rows + row : row * columns + column);
}

static float value_of_identity(const filling *f, const mfi_parameter_spec *parameter, size_t index)
{
    (void)f;
    return index / parameter->dims[1] == index % parameter->dims[1] ? 1.0f : 0.0f;
}

/* The kernel of the file, inside a larger one of zeros. */
static float value_of_wide_kernel(const filling *f, const mfi_parameter_spec *parameter, size_t index)
{
    const size_t *wide = parameter->dims, *lead = f->unit->lead;
    size_t height = (size_t)f->from->dims[2], width = (size_t)f->from->dims[3];
    size_t y = index / wide[3] % wide[2], x = index % wide[3], pair = index / wide[3] / wide[2];
    if (y < lead[0] || y - lead[0] >= height || x < lead[1] || x - lead[1] >= width)
        return 0.0f;
    return mfi_onnx_float_at(f->from, (pair * height + y - lead[0]) * width + x - lead[1]);
}

static mf_status fill_from_model(const filling *f)
{
    const mfi_parameter_spec *parameter = &f->layer->plan.parameters[f->number];
    float values[MFI_VALUES_PIECE];
    if (f->at == value_in_file && f->from->count != parameter->count)
        return mfi_fail(MF_STATUS_FORMAT, "%s has %zu values, the model has %zu", parameter->name,
                        parameter->count, f->from->count);
    for (size_t first = 0; first < parameter->count; first += MFI_VALUES_PIECE) {
        size_t count = mfi_values_piece(parameter->count, first);
        for (size_t i = 0; i < count; i++) {
            values[i] = f->at(f, parameter, first + i);
            if (!isfinite(values[i]) || (parameter->role == MFI_VARIANCE && values[i] < 0.0f))
                return mfi_fail(MF_STATUS_FORMAT, "value %zu of %s is %g, it must be finite%s", first + i,
                                parameter->name, (double)values[i],
                                parameter->role == MFI_VARIANCE ? " and not negative" : "");
        }
        mfi_layer_set_values(f->layer, f->number, -1, first, count, values);
    }
    return MF_STATUS_OK;
}

static mf_status fill_parameter(const importing *im, const mfi_onnx_layer *from, mf_layer *layer,
                                size_t number)
{
    const mfi_parameter_spec *parameter = &layer->plan.parameters[number];
    filling f = {.layer = layer, .number = number, .at = value_in_file};
    if (parameter->node == 0) {
        if (from->projection == MFI_DRAWN)
            return MF_STATUS_OK;
        f.from = from->values;
        f.at = from->projection == MFI_IDENTITY ? value_of_identity : value_in_file;
        return fill_from_model(&f);
    }
    const mfi_onnx_unit *unit = &im->units.list[from->first + parameter->node - 2];
    f.unit = unit;
    if (unit->fixed)
        mfi_layer_set_trainable(layer, number, false);
    f.from = unit->constants[parameter->role];
    if (f.from && parameter->role == MFI_WEIGHT && unit->unit.kind == MF_UNIT_CONV2D &&
        f.from->count < parameter->count)
        f.at = value_of_wide_kernel;
    return f.from ? fill_from_model(&f) : MF_STATUS_OK;
}

/* ---- layers ---- */

static mf_status build_plan(const importing *im, const mfi_onnx_layer *from, uint64_t seed,
                            mf_builder **builder)
{
    mf_builder_spec spec = mfi_builder_defaults();
    const mfi_plan *plan;
    spec.input = mfi_onnx_shape(&im->units, from->input);
    spec.seed = seed;
    spec.allocator = &im->file.allocator;
    MFI_TRY(mfi_builder_create(&spec, builder));
    for (int32_t node = from->first; node <= from->last; node++) {
        mf_unit_spec unit = im->units.list[node - 1].unit;
        for (int32_t i = 0; i < mfi_unit_inputs(&unit); i++)
            unit.inputs[i] = unit.inputs[i] == from->input ? 0 : unit.inputs[i] - from->first + 1;
        MFI_TRY(mfi_builder_unit(*builder, &unit, NULL));
    }
    MFI_TRY(mfi_builder_head(*builder, &from->head));
    return mfi_builder_plan(*builder, &plan);
}

static mf_status fill_layer_from(const importing *im, const mfi_onnx_layer *from, mf_layer *layer)
{
    for (size_t p = 0; p < layer->plan.parameter_count; p++) {
        int32_t node = layer->plan.parameters[p].node;
        if (from->frozen && node > 0 && node <= layer->plan.output)
            mfi_layer_set_trainable(layer, p, false);
        MFI_TRY(fill_parameter(im, from, layer, p));
    }
    return mfi_network_insert(im->network, im->network->count, layer, NULL);
}

/* Adds the values that a parameter has in memory, where the last rows of a unit's matrix may fill up a panel: as
 * if panels were the widest that there are, so that processors do not differ in what they refuse. */
static bool add_as_in_memory(const mfi_plan *plan, const mfi_parameter_spec *parameter, size_t *values)
{
    enum { WIDEST = 16 };
    size_t count = parameter->count;
    if (parameter->role == MFI_WEIGHT && mfi_unit_has_panels(&plan->units[parameter->node - 1].spec)) {
        const mfi_matrix_order matrix = mfi_parameter_matrix(parameter);
        if (!mfi_multiply((matrix.rows + WIDEST - 1) / WIDEST * WIDEST, matrix.columns, &count))
            return false;
    }
    if (count > SIZE_MAX - *values)
        return false;
    *values += count;
    return true;
}

/* Adds the values of the layer's parameters to those of the layers before it. */
static mf_status add_to_values(const importing *im, const mfi_plan *plan, size_t position, size_t *values)
{
    bool fits = true;
    for (size_t p = 0; p < plan->parameter_count; p++)
        fits = fits && add_as_in_memory(plan, &plan->parameters[p], values);
    if (!fits || *values > im->bytes.count / sizeof(float) + FREE_VALUES_OF_PARAMETERS)
        return mfi_fail(
            MF_STATUS_CAPACITY,
            "the layers up to number %zu need %zu values, but the model has %zu bytes: are the heads "
            "too large?",
            position, *values, im->bytes.count);
    return MF_STATUS_OK;
}

/* Of the layer at a position; a sum that wraps leaves out 0, which is MF_SEED_AUTO. */
static uint64_t seed_at(uint64_t seed, size_t position)
{
    uint64_t sum = seed + position;
    return seed == MF_SEED_AUTO ? MF_SEED_AUTO : sum + (sum < seed);
}

/* Whether the network takes a layer behind the one of `before`, or as its first. Asked of plans, since what
 * is only planned is refused as what is imported. */
static mf_status check_place(const importing *im, const mfi_plan *plan, const mf_builder *before)
{
    return before ? mfi_network_check_fit(plan, &before->plan, NULL)
                  : mfi_network_check_scaling(im->units.scaled, plan);
}

/* Without a network to put it into, finds out only whether the layer can be made. `before` has built the
 * layer before it, or is NULL, and is replaced. */
static mf_status add_built(const importing *im, size_t position, mf_builder **before, size_t *values)
{
    const mfi_onnx_layer *from = &im->layers.list[position];
    mf_builder *builder = NULL;
    mf_layer *layer = NULL;
    mf_status status = build_plan(im, from, seed_at(im->spec->seed, position), &builder);
    if (status == MF_STATUS_OK)
        status = check_place(im, &builder->plan, *before);
    if (status == MF_STATUS_OK)
        status = add_to_values(im, &builder->plan, position, values);
    if (status == MF_STATUS_OK && im->network)
        status = mfi_layer_create(&builder->plan, &im->file.allocator, true, &layer);
    if (status == MF_STATUS_OK && im->network)
        status = fill_layer_from(im, from, layer);
    mfi_layer_release(layer); /* the network holds a reference of its own */
    mfi_builder_release(*before);
    *before = builder;
    return status == MF_STATUS_OK || status == MF_STATUS_MEMORY ? status
                                                                : mfi_fail_at(status, "layer", position);
}

static mf_status add_layers(const importing *im)
{
    size_t values = 0;
    mf_builder *before = NULL;
    mf_status status = MF_STATUS_OK;
    for (size_t position = 0; position < im->layers.count && status == MF_STATUS_OK; position++)
        status = add_built(im, position, &before, &values);
    mfi_builder_release(before);
    return status;
}

/* ---- metadata ---- */

/* What a host could not have set is left out: the network is whole without it. */
static mf_status set_pair(importing *im, const char *name, const char *value)
{
    const mfi_message kept = mfi_message_keep();
    if (mfi_host_metadata_is_own(name))
        return MF_STATUS_OK;
    mf_status status = mfi_metadata_set(&im->network->metadata, &im->file.allocator, name, value);
    if (status == MF_STATUS_OK || status == MF_STATUS_MEMORY)
        return status;
    mfi_message_put_back(&kept);
    return MF_STATUS_OK;
}

static mf_status add_pair(importing *im, mfi_bytes name, mfi_bytes value)
{
    const mf_allocator *allocator = &im->file.allocator;
    if (!mfi_bytes_are_text(name) || !mfi_bytes_are_text(value))
        return mfi_fail(MF_STATUS_FORMAT, "the metadata \"%s\" are not valid UTF-8, or have a character 0",
                        mfi_bytes_shown(name, 80).text);
    if (name.count > MF_METADATA_NAME_BYTES || value.count > MF_METADATA_VALUE_BYTES)
        return MF_STATUS_OK; /* left out as in set_pair(), but without a copy */
    size_t bytes = name.count + value.count + 2;
    char *texts = mfi_allocate(allocator, bytes);
    if (!texts)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for metadata of %zu bytes", bytes);
    memset(texts, 0, bytes);
    if (name.count > 0)
        memcpy(texts, name.at, name.count);
    if (value.count > 0)
        memcpy(texts + name.count + 1, value.at, value.count);
    mf_status status = set_pair(im, texts, texts + name.count + 1);
    mfi_release(allocator, texts, bytes);
    return status;
}

static mf_status add_metadata(importing *im)
{
    mfi_bytes model = im->bytes, name, value;
    while (mfi_onnx_next_pair(&model, &name, &value))
        MFI_TRY(add_pair(im, name, value));
    return MF_STATUS_OK;
}

/* ---- all of it ---- */

static mf_status add_scaling(importing *im)
{
    const float *numbers = im->units.scaling;
    size_t count = im->units.scaled;
    if (count == 0)
        return MF_STATUS_OK;
    return mfi_network_set_scaling(im->network, numbers, numbers + count, count);
}

static mf_status build_network(importing *im)
{
    mf_network_spec spec = {.struct_size = sizeof spec, .allocator = &im->file.allocator};
    MFI_TRY(mfi_network_create(&spec, &im->network));
    MFI_TRY(add_layers(im));
    MFI_TRY(add_scaling(im));
    return add_metadata(im);
}

static mf_status read_model(importing *im)
{
    const mf_allocator allocator = mfi_allocator_or_default(im->spec->allocator);
    MFI_TRY(mfi_onnx_file_read(im->bytes, &allocator, &im->file));
    MFI_TRY(mfi_onnx_find_units(&im->file, &im->units));
    return mfi_onnx_cut(im->spec, &im->units, &im->layers);
}

static void end_import(importing *im)
{
    mfi_network_release(im->network);
    mfi_onnx_layers_free(&im->units, &im->layers);
    mfi_onnx_units_free(&im->units);
    mfi_onnx_file_free(&im->file);
}

/* What is done with a model. */
typedef struct wish {
    const mf_onnx_spec *spec;
    mf_network **network;
    mfi_page *page; /* NULL: make the network */
} wish;

static mf_status put_plan(const importing *im, mfi_page *page);

static bool looks_like_safetensors(mfi_bytes bytes)
{
    return bytes.count > 8 && bytes.at[8] == '{' && mfi_get_u64(bytes.at) <= bytes.count - 8;
}

static mf_status use_bytes(const wish *w, mfi_bytes bytes)
{
    if (looks_like_safetensors(bytes))
        return mfi_fail(MF_STATUS_FORMAT, "it looks like a safetensors file, which mf_network_load() reads");
    importing im = {.spec = w->spec, .bytes = bytes};
    mf_status status = read_model(&im);
    if (status == MF_STATUS_OK && w->page)
        status = put_plan(&im, w->page);
    else if (status == MF_STATUS_OK)
        status = build_network(&im);
    if (status == MF_STATUS_OK && w->network) {
        *w->network = im.network;
        im.network = NULL;
    }
    end_import(&im);
    return status;
}

static mf_status check_model_size(const mf_onnx_spec *spec, uint64_t bytes)
{
    uint64_t most = spec->max_bytes != 0 && spec->max_bytes < INT32_MAX ? spec->max_bytes : INT32_MAX;
    if (bytes > most)
        return mfi_fail(MF_STATUS_CAPACITY, "the model has %llu bytes, at most %llu are allowed",
                        (unsigned long long)bytes, (unsigned long long)most);
    return MF_STATUS_OK;
}

/* A file is read as a whole. */
static mf_status use_source(const mfi_model_source *source, void *user)
{
    const wish *w = user;
    const mf_allocator allocator = mfi_allocator_or_default(w->spec->allocator);
    MFI_TRY(check_model_size(w->spec, source->bytes));
    size_t count = (size_t)source->bytes;
    unsigned char *bytes = mfi_allocate(&allocator, count);
    if (!bytes)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for a file of %zu bytes", count);
    mf_status status = source->read(source, 0, bytes, count);
    if (status == MF_STATUS_OK)
        status = use_bytes(w, (mfi_bytes){bytes, count});
    mfi_release(&allocator, bytes, count);
    return status;
}

static mf_status fulfil(wish *w)
{
    const mf_onnx_spec *spec = w->spec;
    if (spec->path)
        return mfi_disk_use(spec->path, use_source, w);
    MFI_TRY(check_model_size(spec, spec->bytes));
    return use_bytes(w, (mfi_bytes){spec->buffer, spec->bytes});
}

mf_status mfi_onnx_import(const mf_onnx_spec *spec, mf_network **network)
{
    wish w = {.spec = spec, .network = network};
    return fulfil(&w);
}

/* ---- the plan ---- */

static void put_unit(const importing *im, int32_t node, mfi_page *page)
{
    const mfi_onnx_unit *unit = &im->units.list[node - 1];
    char shape[64], what[96];
    mfi_describe_shape(&unit->shape, shape);
    mfi_describe_unit(&unit->unit, what);
    mfi_page_put(page, "  %4d%c %-10s  %-14s  %s%s%s\n", (int)node,
                 mfi_onnx_may_cut(&im->layers, node) ? '*' : ' ', mfi_unit_names[unit->unit.kind], shape,
                 what, what[0] ? "; " : "", mfi_bytes_shown(im->file.ops[unit->op].name, MFI_EXCERPT).text);
}

static mf_status put_plan(const importing *im, mfi_page *page)
{
    MFI_TRY(add_layers(im));
    if (im->units.channels_last)
        mfi_page_put(page, "maps of the input have their channels first here, in the model last\n");
    if (im->units.scaled > 0)
        mfi_page_put(page, "inputs are scaled by %zu numbers\n", im->units.scaled);
    for (size_t l = 0; l < im->layers.count; l++) {
        const mfi_onnx_layer *layer = &im->layers.list[l];
        char shape[64];
        mfi_describe_shape(mfi_onnx_shape(&im->units, layer->input), shape);
        mfi_page_put(page, "layer %zu%s\n  %4d  %-10s  %s\n", l, layer->frozen ? ", frozen" : "",
                     (int)layer->input, "input", shape);
        for (int32_t node = layer->first; node <= layer->last; node++)
            put_unit(im, node, page);
        mfi_page_put(page, "        %-10s  %zu classes%s\n----- gradients stop here -----\n", "head",
                     layer->head.classes,
                     layer->projection == MFI_IDENTITY    ? ", the model's own output"
                     : layer->projection == MFI_FROM_FILE ? ", from the model"
                                                          : ", drawn");
    }
    mfi_page_put(page, "%zu layers; a layer may end behind each unit that has a *\n", im->layers.count);
    return MF_STATUS_OK;
}

mf_status mfi_onnx_plan(const mf_onnx_spec *spec, char *text, size_t size, size_t *needed)
{
    mfi_page page = {.text = text, .size = size};
    wish w = {.spec = spec, .page = &page};
    *needed = 1; /* of a model that is too large, nothing is known */
    if (size > 0)
        text[0] = 0;
    MFI_TRY(fulfil(&w));
    return mfi_page_end(&page, "the plan", needed);
}
