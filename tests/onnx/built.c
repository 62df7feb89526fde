/* Networks of layers of several units to export: blocks in both orders, units on their own, sums, heads of
 * every kind, rows as maps and maps as rows, and layers of units beside others. SPDX-License-Identifier: MIT
 */
#include "built.h"

#include "random_units.h"

/* ---- layers behind each other ---- */

static void append(mf_network *network, mf_layer *layer)
{
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static void append_plan(mf_network *network, const units_plan *plan)
{
    append(network, make_units(plan));
}

static units_plan behind(const mf_network *network)
{
    size_t count = 0;
    units_plan plan;

    check_ok(mf_network_size(network, &count));
    plan = plan_behind(layer_at(network, count - 1), IMAGE_CLASSES);
    plan.seed = 100 + count;
    return plan;
}

static units_plan maps_of(const images *set)
{
    return plan_maps(set->channels, set->height, set->width, IMAGE_CLASSES);
}

/* A convolution of 6 filters and a pooling, from a spec. */
static void append_stem(mf_network *network, const images *set)
{
    mf_layer_spec spec = conv_spec(set->channels, set->height, set->width, 6, IMAGE_CLASSES);

    spec.padding[0] = spec.padding[1] = 1;
    spec.pool = MF_POOL_MAX;
    spec.head_size = 4;
    append(network, make_layer(&spec));
}

static void append_dense(mf_network *network, size_t outputs)
{
    mf_shape shape = {.struct_size = sizeof shape};
    mf_layer_spec spec;
    size_t count = 0;

    check_ok(mf_network_size(network, &count));
    check_ok(mf_layer_shape(layer_at(network, count - 1), NULL, &shape));
    spec = layer_spec(shape.dims[0] * shape.dims[1] * shape.dims[2], outputs, IMAGE_CLASSES);
    append(network, make_layer(&spec));
}

/* ---- networks ---- */

/* Two blocks with the sum before the last activation, and heads that pool in windows of equal sizes and of
 * different ones. */
static mf_network *residual(const images *set)
{
    mf_network *network = make_network();
    units_plan plan;

    append_stem(network, set);
    for (size_t head = 2; head <= 3; head++) {
        plan = behind(network);
        plan = plan_residual(plan.input.dims[0], plan.input.dims[1], plan.input.dims[2], IMAGE_CLASSES);
        plan.seed = 50 + head;
        plan.head.pool_size = head;
        append_plan(network, &plan);
    }
    append_dense(network, 20);
    return network;
}

/* Normalisation and activation first; the input is added last, from a convolution where the maps change. */
static mf_network *preactivation(const images *set)
{
    mf_network *network = make_network();

    append_stem(network, set);
    for (size_t filters = 6; filters <= 8; filters += 2) {
        units_plan plan = behind(network);
        mf_unit_spec conv = unit_conv(filters, 3, 1);
        int32_t straight = 0, last;

        conv.bias = 0;
        plan_add(&plan, unit_norm());
        plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
        plan_add(&plan, conv);
        plan_add(&plan, unit_norm());
        plan_add(&plan, unit_activation(MF_ACTIVATION_LEAKY_RELU));
        last = plan_add(&plan, unit_conv(filters, 3, 1));
        if (filters > 6)
            straight = plan_add(&plan, unit_reading(unit_conv(filters, 1, 0), 2));
        plan_add(&plan, unit_add(straight, last));
        plan.head.pool_size = 1;
        append_plan(network, &plan);
    }
    return network;
}

/* Units that no product takes along: of maps, then of rows. */
static mf_network *alone(const images *set)
{
    mf_network *network = make_network();
    units_plan plan = maps_of(set);
    mf_unit_spec pool = unit_pool(MF_POOL_AVERAGE, 3), largest = unit_pool(MF_POOL_MAX, 3),
                 plain = unit_norm(), inside = unit_pool(MF_POOL_AVERAGE_INSIDE, 2);

    pool.stride[0] = 2;
    pool.kernel[1] = 2;
    pool.padding[0] = pool.padding[1] = 1;
    largest.stride[0] = largest.stride[1] = 2;
    largest.padding[0] = largest.padding[1] = 1;
    inside.padding[0] = 1;
    inside.stride[0] = inside.stride[1] = 1;
    plain.bias = 0;
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_dropout(0.25f, 1));
    plan_add(&plan, pool);
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, largest);
    plan_add(&plan, inside);
    plan_add(&plan, plain);
    plan.head.pool_size = 5;
    append_plan(network, &plan);
    append_dense(network, 30);
    plan = behind(network);
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_dropout(0.5f, 0));
    plan_add(&plan, plain);
    plan_add(&plan, unit_activation(MF_ACTIVATION_IDENTITY));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    append_plan(network, &plan);
    return network;
}

/* Maps to rows and back inside a layer; what the head reads is maps of one value. */
static mf_network *forms(const images *set)
{
    mf_network *network = make_network();
    units_plan plan = maps_of(set);

    plan_add(&plan, unit_pool(MF_POOL_AVERAGE, 2));
    plan_add(&plan, unit_dense(24));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_conv(9, 1, 0));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_conv(7, 3, 1));
    plan_add(&plan, unit_dense(12));
    plan_add(&plan, unit_reading(unit_dense(12), 1));
    plan_add(&plan, unit_add(7, 8));
    plan_add(&plan, unit_conv(5, 1, 0));
    plan.head.pool_size = 1;
    append_plan(network, &plan);
    plan = behind(network);
    plan_add(&plan, unit_dense(5));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    append_plan(network, &plan);
    plan = plan_maps(5, 1, 1, IMAGE_CLASSES); /* the row before, as maps */
    plan_add(&plan, unit_conv(5, 1, 0));
    plan_add(&plan, unit_add(0, 1));
    append_plan(network, &plan);
    return network;
}

/* Of rows: sums with the layer's input, also twice, and of a node with itself. */
static mf_network *rows(const images *set)
{
    mf_network *network = make_network();
    units_plan plan = plan_row(set->values, IMAGE_CLASSES);

    plan_add(&plan, unit_dense(set->values));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plan, unit_add(4, 4));
    plan_add(&plan, unit_add(0, 0));
    plan_add(&plan, unit_add(5, 6));
    append_plan(network, &plan);
    append_dense(network, 16);
    plan = behind(network);
    plan_add(&plan, unit_add(0, 0));
    append_plan(network, &plan);
    return network;
}

/* Layers from specs and from units, each kind behind each other one. */
static mf_network *mixed(const images *set)
{
    mf_network *network = make_network();
    mf_layer_spec spec = conv_spec(5, 8, 7, 4, IMAGE_CLASSES);
    units_plan plan;

    append_stem(network, set);
    plan = behind(network);
    plan_add(&plan, unit_conv(5, 3, 0));
    plan_add(&plan, unit_pool(MF_POOL_AVERAGE, 2));
    plan.head.pool_size = plan.input.dims[1] / 2 - 1; /* as it is */
    append_plan(network, &plan);
    append_dense(network, 30);
    plan = behind(network);
    plan_add(&plan, unit_dense(5 * 8 * 7));
    plan_add(&plan, unit_norm());
    append_plan(network, &plan);
    spec.normalization = MF_NORMALIZATION_BATCH;
    append(network, make_layer(&spec));
    plan = behind(network);
    plan_add(&plan, unit_dense(11));
    append_plan(network, &plan);
    append_dense(network, 9);
    return network;
}

/* One layer is all there is: stretches that are read far behind. */
static mf_network *single(const images *set)
{
    mf_network *network = make_network();
    units_plan plan = maps_of(set);

    plan_add(&plan, unit_conv(4, 3, 1));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_reading(unit_conv(4, 1, 0), 0));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_add(1, 2));
    plan_add(&plan, unit_add(4, 5));
    plan_add(&plan, unit_pool(MF_POOL_MAX, 2));
    plan_add(&plan, unit_conv(4, 5, 2));
    plan_add(&plan, unit_add(7, 8));
    plan_add(&plan, unit_dropout(0.1f, 0));
    append_plan(network, &plan);
    return network;
}

/* Maps joined, also with themselves; the mean of each; rows joined; layer normalisation with and without a
 * bias. */
static mf_network *joined(const images *set)
{
    mf_network *network = make_network();
    units_plan plan = maps_of(set);
    mf_unit_spec plain = unit_of(MF_UNIT_LAYER_NORM);

    plain.bias = 0;
    plain.normalization_epsilon = 0.01f;
    plan_add(&plan, unit_conv(5, 3, 1));
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&plan, unit_concat(MF_NODE_PREVIOUS, 0));
    plan_add(&plan, unit_concat(3, 3));
    plan.head.pool_size = 2;
    append_plan(network, &plan);
    plan = behind(network);
    plan_add(&plan, unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_dense(9));
    plan_add(&plan, unit_concat(1, MF_NODE_PREVIOUS));
    plan_add(&plan, plain);
    append_plan(network, &plan);
    return network;
}

/* Patches of the images as a sequence; attention, causal and not; products along the positions. */
static mf_network *sequences(const images *set)
{
    mf_network *network = make_network();
    units_plan plan = maps_of(set);
    mf_unit_spec patches = unit_conv(12, 4, 0);

    patches.stride[0] = patches.stride[1] = 4;
    plan_add(&plan, patches);
    plan_add(&plan, unit_of(MF_UNIT_TOKENS));
    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    append_plan(network, &plan);
    for (int32_t causal = 0; causal <= 1; causal++) {
        plan = behind(network);
        plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
        plan_add(&plan, unit_dense(36));
        plan_add(&plan, unit_attention(causal ? 1 : 3, causal));
        plan_add(&plan, unit_dense(12));
        plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 0));
        append_plan(network, &plan);
    }
    plan = behind(network);
    plan_add(&plan, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plan, unit_dense(10));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plan, unit_concat(MF_NODE_PREVIOUS, MF_NODE_PREVIOUS));
    plan_add(&plan, unit_of(MF_UNIT_FLATTEN));
    plan_add(&plan, unit_dense(30));
    append_plan(network, &plan);
    append_dense(network, 20);
    return network;
}

/* Goodness for every patch, of a product and of an attention. */
static mf_network *positions(const images *set)
{
    mf_network *network = make_network();
    units_plan plan = maps_of(set);
    mf_unit_spec patches = unit_conv(12, 7, 0);

    patches.stride[0] = patches.stride[1] = 7;
    plan.head.kind = MF_HEAD_POSITIONS;
    plan_add(&plan, patches);
    plan_add(&plan, unit_of(MF_UNIT_TOKENS));
    append_plan(network, &plan);
    plan = behind(network);
    plan.head.kind = MF_HEAD_POSITIONS;
    plan_add(&plan, unit_dense(36));
    plan_add(&plan, unit_attention(4, 0));
    append_plan(network, &plan);
    plan = behind(network);
    plan.head.kind = MF_HEAD_POSITIONS;
    plan_add(&plan, unit_dense(14));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    append_plan(network, &plan);
    return network;
}

/* Heads that read one matrix, with columns of their own behind it and without; a head without it between. */
static mf_network *shared(const images *set)
{
    mf_matrix *matrix = make_matrix(IMAGE_CLASSES, 6, 44);
    mf_network *network = make_network();
    units_plan plan = maps_of(set);

    plan_add(&plan, unit_dense(16));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    for (size_t i = 0; i < 3; i++) {
        plan_shared(&plan, i == 1 ? NULL : matrix, i == 0 ? 0 : 3);
        append_plan(network, &plan);
        plan = behind(network);
        plan_add(&plan, unit_dense(12));
        plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    }
    mf_matrix_free(matrix);
    return network;
}

static mf_network *shared_at_positions(const images *set)
{
    mf_matrix *matrix = make_matrix(IMAGE_CLASSES, 9, 45);
    mf_network *network = make_network();
    units_plan plan = maps_of(set);
    mf_unit_spec patches = unit_conv(12, 7, 0);

    patches.stride[0] = patches.stride[1] = 7;
    plan.head.kind = MF_HEAD_POSITIONS;
    plan.head.shared = matrix;
    plan_add(&plan, patches);
    plan_add(&plan, unit_of(MF_UNIT_TOKENS));
    append_plan(network, &plan);
    plan = behind(network);
    plan.head.kind = MF_HEAD_POSITIONS;
    plan_add(&plan, unit_dense(14));
    plan_shared(&plan, matrix, 2);
    append_plan(network, &plan);
    mf_matrix_free(matrix);
    return network;
}

static const struct {
    const char *name;
    mf_network *(*make)(const images *set);
} networks[BUILT_NETWORKS] = {
    {"residual", residual},   {"preactivation", preactivation},
    {"alone", alone},         {"forms", forms},
    {"rows", rows},           {"mixed", mixed},
    {"single", single},       {"joined", joined},
    {"sequences", sequences}, {"positions", positions},
    {"shared", shared},       {"shared_at_positions", shared_at_positions},
};

const char *built_name(int which)
{
    return networks[which].name;
}

mf_network *built_network(int which, const images *set)
{
    return networks[which].make(set);
}

/* ---- random ones ---- */

static units_plan tokens_plan(test_random *random)
{
    units_plan plan = plan_row(1 + random_index(random, 9), IMAGE_CLASSES);

    plan_add(&plan, unit_embedding(2 + random_index(random, 50), 6));
    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    return plan;
}

mf_network *random_network(uint64_t seed, images *set)
{
    test_random random = {seed};
    mf_network *network = make_network();
    units_plan plan = seed % 10 == 1  ? tokens_plan(&random)
                      : seed % 9 == 4 ? random_plan_with_flatten(&random)
                      : seed % 3      ? random_plan(&random)
                                      : random_plan_with_head_units(&random, 0);
    size_t vocabulary;

    plan.head.classes = IMAGE_CLASSES;
    *set = (images){.name = "random",
                    .channels = plan.input.dims[0],
                    .height = plan.input.dims[1],
                    .width = plan.input.dims[2],
                    .values = plan.input.dims[0] * plan.input.dims[1] * plan.input.dims[2]};
    set->learn = get_memory(IMAGES_TO_LEARN * set->values * sizeof *set->learn);
    set->test = get_memory(IMAGES_TO_TEST * set->values * sizeof *set->test);
    set->labels = get_memory(IMAGES_TO_LEARN * sizeof *set->labels);
    append_plan(network, &plan);
    vocabulary = layer_vocabulary(layer_at(network, 0));
    draw_inputs(vocabulary, &random, set->learn, IMAGES_TO_LEARN * set->values);
    draw_inputs(vocabulary, &random, set->test, IMAGES_TO_TEST * set->values);
    random_labels(&random, set->labels, IMAGES_TO_LEARN, IMAGE_CLASSES);
    plan = behind(network);
    plan_add(&plan, plan.input.rank == 2 ? unit_of(MF_UNIT_LAYER_NORM) : unit_norm());
    plan_add(&plan, unit_dense(6));
    append_plan(network, &plan);
    return network;
}
