/* SPDX-License-Identifier: MIT */
#include "heads.h"

#include "complain.h"
#include "updates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIDDEN = 128, RANK = 8, CANDIDATES = 500, CELLS = 2 };
enum { RANK_OF_MANY = 32, GIVEN = 64, OWN = 4 }; /* of many classes: the columns of M */

const char *const head_names[] = {"linear",     "pooled",    "conv",    "conv-twice",       "mlp",
                                  "mlp-twice",  "low-rank",  "sampled", "low-rank-sampled", "shared-sampled",
                                  "similarity", "auxiliary", NULL};

static bool has_many_classes(const struct layer_shape *shape)
{
    return shape->classes > CANDIDATES;
}

static bool samples(enum head_kind kind)
{
    return kind == HEAD_SAMPLED || kind == HEAD_LOW_RANK_SAMPLED || kind == HEAD_SHARED_SAMPLED;
}

bool head_fits(enum head_kind kind, const struct layer_shape *shape)
{
    if (samples(kind) || kind == HEAD_AUXILIARY)
        return has_many_classes(shape) == samples(kind);
    if (kind == HEAD_POOLED || kind == HEAD_CONV || kind == HEAD_CONV_TWICE)
        return shape->rank == 3;
    return kind != HEAD_MLP_TWICE || shape->rank == 1;
}

/* ---- making layers; a builder remembers its first failure, which head_builder() looks at ---- */

static void add(mf_builder *builder, int32_t kind, size_t outputs)
{
    mf_unit_spec unit;
    mf_unit_spec_init(&unit, sizeof unit);
    unit.kind = kind;
    unit.outputs = outputs;
    unit.bias = kind != MF_UNIT_CONV2D;
    if (kind == MF_UNIT_CONV2D)
        unit.padding[0] = unit.padding[1] = 1;
    mf_builder_unit(builder, &unit, NULL);
}

static void add_convolution(mf_builder *builder, size_t filters)
{
    add(builder, MF_UNIT_CONV2D, filters);
    add(builder, MF_UNIT_BATCH_NORM, 0);
    add(builder, MF_UNIT_ACTIVATION, 0);
}

static void add_dense(mf_builder *builder, size_t neurons)
{
    add(builder, MF_UNIT_DENSE, neurons);
    add(builder, MF_UNIT_ACTIVATION, 0);
}

static void add_auxiliary(mf_builder *builder, size_t classes)
{
    mf_unit_spec unit;
    mf_unit_spec_init(&unit, sizeof unit);
    unit.outputs = classes;
    unit.loss_weight = 0.3f;
    mf_builder_unit(builder, &unit, NULL);
}

/* Outputs without bias, so that M and it are a matrix of that rank. */
static void add_columns(mf_builder *builder, size_t columns)
{
    mf_unit_spec unit;
    mf_unit_spec_init(&unit, sizeof unit);
    unit.outputs = columns;
    unit.bias = 0;
    mf_builder_unit(builder, &unit, NULL);
}

static void add_units_of_head(mf_builder *builder, enum head_kind kind, const struct layer_shape *shape)
{
    for (int i = 0; i < (kind == HEAD_CONV_TWICE ? 2 : kind == HEAD_CONV); i++)
        add_convolution(builder, shape->outputs);
    if ((kind == HEAD_MLP || kind == HEAD_AUXILIARY) && shape->rank == 3)
        add(builder, MF_UNIT_GLOBAL_POOL, 0);
    for (int i = 0; i < (kind == HEAD_MLP_TWICE ? 2 : kind == HEAD_MLP || kind == HEAD_AUXILIARY); i++)
        add_dense(builder, HIDDEN);
    if (kind == HEAD_AUXILIARY)
        add_auxiliary(builder, shape->classes);
    if (kind == HEAD_LOW_RANK || kind == HEAD_LOW_RANK_SAMPLED)
        add_columns(builder, has_many_classes(shape) ? RANK_OF_MANY : RANK);
    if (kind == HEAD_SHARED_SAMPLED)
        add_columns(builder, GIVEN + OWN);
    if (kind == HEAD_SIMILARITY)
        add(builder, shape->rank == 3 ? MF_UNIT_CONV2D : MF_UNIT_DENSE, shape->outputs);
}

static void fill_head(enum head_kind kind, size_t classes, int32_t output, mf_head_spec *head)
{
    mf_head_spec_init(head, sizeof *head);
    head->classes = classes;
    head->output_node = output;
    if (kind == HEAD_POOLED || kind == HEAD_CONV || kind == HEAD_CONV_TWICE)
        head->pool_size = CELLS;
    if (samples(kind)) {
        head->sampling = MF_SAMPLING_LOG_UNIFORM;
        head->candidates = CANDIDATES;
    }
    if (kind == HEAD_SIMILARITY)
        head->similarity = 0.99f;
    if (kind == HEAD_AUXILIARY)
        head->input_node = output;
}

/* Of zeros: what is in it costs nothing. */
static bool give_matrix(size_t classes, mf_matrix **matrix)
{
    mf_matrix_spec spec;
    float *zeros = calloc(classes * GIVEN, sizeof *zeros);
    if (zeros == NULL)
        return complain("no memory for a matrix of %zu classes", classes);
    bool good = library_ok(mf_matrix_spec_init(&spec, sizeof spec));
    spec.rows = classes;
    spec.columns = GIVEN;
    spec.values = zeros;
    good = good && library_ok(mf_matrix_create(&spec, matrix));
    free(zeros);
    return good;
}

bool head_builder(enum head_kind kind, const struct layer_shape *shape, uint64_t seed, mf_builder **builder)
{
    mf_builder_spec spec;
    mf_shape input = {.struct_size = sizeof input, .rank = shape->rank};
    mf_head_spec head;
    for (int32_t d = 0; d < shape->rank; d++)
        input.dims[d] = shape->dims[d];
    if (!library_ok(mf_builder_spec_init(&spec, sizeof spec)))
        return false;
    spec.input = &input;
    spec.seed = seed;
    if (!library_ok(mf_builder_create(&spec, builder)))
        return false;
    int32_t output = 2;
    if (shape->rank == 1) {
        add_dense(*builder, shape->outputs);
    } else {
        add_convolution(*builder, shape->outputs);
        output = shape->pool ? 4 : 3;
        if (shape->pool)
            add(*builder, MF_UNIT_POOL, 0);
    }
    add_units_of_head(*builder, kind, shape);
    fill_head(kind, shape->classes, output, &head);
    mf_matrix *given = NULL;
    if (kind == HEAD_SHARED_SAMPLED && !give_matrix(shape->classes, &given))
        return false;
    head.shared = given;
    bool good = library_ok(mf_builder_head(*builder, &head));
    mf_matrix_free(given);
    return good;
}

/* ---- what they cost ---- */

static size_t values_of(const mf_shape *shape)
{
    size_t values = 1;
    for (int32_t d = 0; d < shape->rank; d++)
        values *= shape->dims[d];
    return values;
}

static size_t values_of_parameter(const mf_parameter_info *info)
{
    size_t values = 1;
    for (int32_t d = 0; d < info->rank; d++)
        values *= info->dims[d];
    return values;
}

/* Of a parameter: how often a row of the batch meets each of its values in a step. Forward and by W always,
 * and back to what it reads unless that is the layer's input. */
static bool count_parameter(const mf_layer *layer, const mf_parameter_info *info, size_t scored,
                            double *products)
{
    mf_unit_spec unit = {.struct_size = sizeof unit};
    mf_shape output = {.struct_size = sizeof output};
    int node = 0;
    *products = 0;
    if (strcmp(info->name, "head.projection") == 0) {
        *products = 3.0 * (double)scored * (double)info->dims[1];
        return true;
    }
    if (sscanf(info->name, "units.%d.", &node) != 1 || strstr(info->name, "weight") == NULL)
        return true;
    if (!library_ok(mf_layer_unit(layer, node, &unit, &output)))
        return false;
    double places = unit.kind == MF_UNIT_CONV2D ? (double)(output.dims[1] * output.dims[2]) : 1.0;
    *products = (node == 1 ? 2.0 : 3.0) * places * (double)values_of_parameter(info);
    return true;
}

static bool add_costs(const mf_layer *layer, size_t batch, struct head_cost *cost)
{
    mf_head_spec head = {.struct_size = sizeof head};
    size_t count = 0;
    double values[2] = {0}, products[2] = {0}; /* of the body, of the head */
    if (!library_ok(mf_layer_head(layer, &head)) || !library_ok(mf_layer_parameter_count(layer, &count)))
        return false;
    size_t scored = head.candidates > 0 ? head.candidates + batch : head.classes;
    scored = scored < head.classes ? scored : head.classes;
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        int node = 0;
        double one = 0;
        if (!library_ok(mf_layer_parameter_info(layer, i, &info)) ||
            !count_parameter(layer, &info, scored, &one))
            return false;
        bool of_head = sscanf(info.name, "units.%d.", &node) != 1 || node > head.output_node;
        values[of_head] += (double)values_of_parameter(&info);
        products[of_head] += one;
    }
    if (head.shared != NULL) { /* is a parameter, forward and back, but learns nothing */
        size_t columns = 0;
        if (!library_ok(mf_matrix_size(head.shared, NULL, &columns)))
            return false;
        values[1] += (double)head.classes * (double)columns;
        products[1] += 2.0 * (double)scored * (double)columns;
    }
    if (head.similarity > 0) {
        mf_shape map = {.struct_size = sizeof map};
        size_t units = 0;
        if (!library_ok(mf_layer_unit_count(layer, &units)) ||
            !library_ok(mf_layer_unit(layer, (int32_t)units, NULL, &map)))
            return false;
        products[1] += 2.0 * (double)batch * (double)(map.rank == 3 ? map.dims[0] : values_of(&map));
    }
    cost->arithmetic = products[1] / (products[0] + products[1]);
    cost->parameters = values[1] / (values[0] + values[1]);
    return true;
}

bool head_cost(enum head_kind kind, const struct layer_shape *shape, size_t batch, struct head_cost *cost)
{
    mf_builder *builder = NULL;
    mf_layer *layer = NULL;
    mf_optimizer_spec adam;
    mf_memory memory = {.struct_size = sizeof memory};
    bool good =
        head_builder(kind, shape, 1, &builder) && library_ok(mf_layer_build(builder, &layer)) &&
        add_costs(layer, batch, cost) && update_spec(UPDATE_ADAM, 0.001, 0, 0, &adam) &&
        library_ok(mf_network_memory_built(&builder, 1, &adam, MF_WORKSPACE_TRAINING, batch, &memory));
    cost->training = (double)memory.total;
    mf_layer_free(layer);
    mf_builder_free(builder);
    return good;
}
