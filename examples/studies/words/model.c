/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "complain.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PURPOSE_LAYERS = 12, PURPOSE_VECTORS = PURPOSE_LAYERS + LAYERS, VALUES_OF_HEAD = 32 };

size_t model_words_of_row(const struct settings *settings)
{
    return settings->model == MODEL_TRANSFORMER ? settings->window : 1;
}

size_t model_rows(const struct settings *settings)
{
    size_t rows = settings->batch / model_words_of_row(settings);
    return rows > 0 ? rows : 1;
}

static bool add(mf_builder *builder, int32_t kind, size_t outputs, int32_t bias)
{
    mf_unit_spec unit;
    if (!library_ok(mf_unit_spec_init(&unit, sizeof unit)))
        return false;
    unit.kind = kind;
    unit.outputs = outputs;
    unit.bias = bias;
    return library_ok(mf_builder_unit(builder, &unit, NULL));
}

static size_t values_of_word(const struct settings *s)
{
    return s->model == MODEL_TRANSFORMER ? s->width : s->embedding;
}

/* The values of words start between -1 and 1. */
static bool add_words(const struct settings *s, size_t vocabulary, mf_builder *builder)
{
    size_t width = values_of_word(s);
    mf_unit_spec unit;
    if (!library_ok(mf_unit_spec_init(&unit, sizeof unit)))
        return false;
    unit.kind = MF_UNIT_EMBEDDING;
    unit.vocabulary = vocabulary;
    unit.outputs = width;
    unit.weight_gain = sqrtf((float)width);
    return library_ok(mf_builder_unit(builder, &unit, NULL)) &&
           add(builder, s->model == MODEL_TRANSFORMER ? MF_UNIT_POSITIONS : MF_UNIT_FLATTEN, 0, 0);
}

static bool add_block(const struct settings *s, mf_builder *builder)
{
    mf_block_spec block;
    if (s->model == MODEL_FEED_FORWARD)
        return add(builder, MF_UNIT_DENSE, s->width, 1) && add(builder, MF_UNIT_ACTIVATION, 0, 0);
    if (!library_ok(mf_block_spec_init(&block, sizeof block)))
        return false;
    block.kind = MF_BLOCK_TRANSFORMER;
    block.heads = s->width % VALUES_OF_HEAD == 0 ? s->width / VALUES_OF_HEAD : 1;
    block.causal = 1;
    return library_ok(mf_builder_block(builder, &block, NULL));
}

/* The units of a layer: all of them, or those of one block. */
static bool add_units(const struct settings *s, size_t vocabulary, size_t position, mf_builder *builder)
{
    bool last = s->train == TRAIN_BP || position == LAYERS - 1, good = true;
    if (position == 0)
        good = add_words(s, vocabulary, builder);
    good = good && add_block(s, builder);
    if (s->train == TRAIN_BP)
        good = good && add_block(s, builder);
    if (last && s->model == MODEL_TRANSFORMER)
        good = good && add(builder, MF_UNIT_LAYER_NORM, 0, 1);
    return good;
}

/* Of low rank M reads `rank` values; of shared heads the matrix reads as many as a word has, and M the
 * others. */
static bool add_head(const struct settings *s, size_t vocabulary, const mf_matrix *vectors,
                     mf_builder *builder)
{
    mf_head_spec head;
    mf_unit_spec unit;
    if (!library_ok(mf_head_spec_init(&head, sizeof head)) ||
        !library_ok(mf_unit_spec_init(&unit, sizeof unit)))
        return false;
    head.kind = s->model == MODEL_TRANSFORMER ? MF_HEAD_POSITIONS : MF_HEAD_LINEAR;
    head.classes = vocabulary;
    head.projection_init = MF_INIT_KAIMING_UNIFORM;
    head.sampling = s->law;
    head.candidates = s->law == MF_SAMPLING_NONE ? 0 : s->candidates;
    head.shared = vectors;
    if (s->head != HEAD_FULL) {
        unit.outputs = s->rank + (vectors != NULL ? values_of_word(s) : 0);
        unit.bias = 0;
        if (!library_ok(mf_builder_unit(builder, &unit, &head.output_node)))
            return false;
        head.output_node--; /* the unit is the head's */
    }
    return library_ok(mf_builder_head(builder, &head));
}

static bool describe(const struct settings *s, size_t vocabulary, const mf_matrix *vectors, size_t position,
                     mf_builder **builder)
{
    mf_builder_spec spec;
    mf_shape input;
    if (!library_ok(mf_shape_init(&input, sizeof input)) ||
        !library_ok(mf_builder_spec_init(&spec, sizeof spec)))
        return false;
    input.dims[0] = position == 0 || s->model == MODEL_TRANSFORMER ? s->window : s->width;
    if (position > 0 && s->model == MODEL_TRANSFORMER) {
        input.rank = 2;
        input.dims[1] = s->width;
    }
    spec.input = &input;
    spec.seed = random_derive(s->seed, PURPOSE_LAYERS + position);
    return library_ok(mf_builder_create(&spec, builder)) && add_units(s, vocabulary, position, *builder) &&
           add_head(s, vocabulary, vectors, *builder);
}

static bool count_parameters(struct model *model, const mf_layer *layer)
{
    size_t count = 0;
    mf_parameter_info info = {.struct_size = sizeof info};
    if (!library_ok(mf_layer_parameter_count(layer, &count)))
        return false;
    for (size_t p = 0; p < count; p++) {
        if (!library_ok(mf_layer_parameter_info(layer, p, &info)))
            return false;
        if (strcmp(info.name, "head.projection") == 0)
            model->of_heads += info.count;
        else if (strcmp(info.name, "head.counts") != 0)
            model->values += info.count;
    }
    return true;
}

static bool append(struct model *model, const struct settings *s, const struct text *text,
                   mf_builder *builder)
{
    mf_layer *layer = NULL;
    bool good = library_ok(mf_layer_build(builder, &layer)) &&
                library_ok(mf_network_append(model->network, layer, NULL)) && count_parameters(model, layer);
    if (good && s->law == MF_SAMPLING_COUNTS)
        good = library_ok(mf_layer_set_parameter(layer, "head.counts", text->counts, text->vocabulary));
    mf_layer_free(layer);
    return good;
}

/* The matrix of shared heads. It follows from the text and the seed alone, so a run that goes on makes it
 * anew. */
static bool make_vectors(struct model *model, const struct settings *s, const struct text *text,
                         mf_matrix **vectors)
{
    size_t columns = values_of_word(s), count = text->vocabulary * columns;
    float *values = calloc(count, sizeof *values);
    mf_matrix_spec spec;
    bool good =
        (values != NULL || complain("no memory for vectors of words")) &&
        text_vectors(text, s->window + s->tokens, columns, random_derive(s->seed, PURPOSE_VECTORS), values) &&
        library_ok(mf_matrix_spec_init(&spec, sizeof spec));
    if (good) {
        spec.rows = text->vocabulary;
        spec.columns = columns;
        spec.values = values;
        good = library_ok(mf_matrix_create(&spec, vectors));
        model->of_heads = count;
    }
    free(values);
    return good;
}

bool model_make(struct model *model, const struct settings *s, const struct text *text)
{
    mf_builder *builders[LAYERS] = {NULL, NULL};
    mf_matrix *vectors = NULL;
    size_t layers = s->train == TRAIN_BP ? 1 : LAYERS;
    mf_optimizer_spec adam;
    bool good = library_ok(mf_network_create(NULL, &model->network)) &&
                library_ok(mf_optimizer_spec_init(&adam, sizeof adam)) &&
                (s->head != HEAD_SHARED || make_vectors(model, s, text, &vectors));
    for (size_t i = 0; good && i < layers; i++)
        good = describe(s, text->vocabulary, vectors, i, &builders[i]) && append(model, s, text, builders[i]);
    if (good) {
        adam.learning_rate = (float)s->rate;
        model->memory.struct_size = sizeof model->memory;
        good = library_ok(mf_network_memory_built(builders, layers, &adam, MODEL_PURPOSE, model_rows(s),
                                                  &model->memory)) &&
               library_ok(mf_optimizer_create(&adam, &model->optimizer)) &&
               library_ok(mf_network_set_optimizer(model->network, model->optimizer));
    }
    for (size_t i = 0; i < layers; i++)
        mf_builder_free(builders[i]);
    mf_matrix_free(vectors);
    return good;
}

void model_free(struct model *model)
{
    mf_network_free(model->network);
    mf_optimizer_free(model->optimizer);
}
