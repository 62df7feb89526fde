/* Writes the model files of a version of the format into a folder: once for each, never again. Arguments: the
 * folder, the version. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "golden.h"
#include "units.h"

static void save(const char *folder, const char *name, mf_network *network, int32_t contents)
{
    char path[1000];

    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    check_ok(mf_network_save(network, contents, path));
    mf_network_free(network);
}

static void append(mf_network *network, const mf_layer_spec *spec)
{
    mf_layer *layer = make_layer(spec);

    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static mf_network *dense(void)
{
    const int32_t activations[] = {MF_ACTIVATION_LEAKY_RELU, MF_ACTIVATION_TANH, MF_ACTIVATION_GELU,
                                   MF_ACTIVATION_IDENTITY};
    mf_network *network = make_network();

    for (size_t i = 0; i < COUNT_OF(activations); i++) {
        mf_layer_spec spec = layer_spec(i == 0 ? GOLDEN_INPUTS : 4 + i - 1, 4 + i, GOLDEN_CLASSES);

        spec.activation = activations[i];
        spec.bias = i != 2;
        spec.seed = 100 + i;
        spec.leak = 0.2f;
        append(network, &spec);
    }
    return network;
}

static mf_network *maps(void)
{
    mf_network *network = make_network();
    mf_layer_spec one = layer_spec(0, 0, GOLDEN_CLASSES), other = one,
                  last = layer_spec(1, 5, GOLDEN_CLASSES);

    one.kind = other.kind = MF_LAYER_CONV2D;
    one.channels = 2;
    one.height = 6;
    one.width = 5;
    one.filters = 3;
    one.padding[0] = 1;
    one.stride[1] = 1;
    one.pool = MF_POOL_MAX;
    one.pool_size[1] = 1;
    one.normalization = MF_NORMALIZATION_BATCH;
    one.seed = 200;
    check_ok(mf_layer_spec_follow(&other, &one));
    other.filters = 4;
    other.kernel[0] = other.kernel[1] = 2;
    other.pool = MF_POOL_AVERAGE;
    other.pool_size[0] = other.pool_size[1] = 1;
    other.head_size = 1;
    other.activation = MF_ACTIVATION_TANH;
    other.seed = 201;
    check_ok(mf_layer_spec_follow(&last, &other));
    last.normalization = MF_NORMALIZATION_BATCH;
    last.seed = 202;
    append(network, &one);
    append(network, &other);
    append(network, &last);
    return network;
}

static void write_flat(const char *folder, mf_optimizer *optimizer)
{
    const size_t widths[] = {GOLDEN_INPUTS, 5, 4};
    mf_network *network;

    save(folder, "dense", dense(), MF_CONTENTS_MODEL);

    network = maps();
    check_ok(mf_network_set_optimizer(network, optimizer));
    golden_train(network, GOLDEN_MAPS, 4);
    save(folder, "maps", network, MF_CONTENTS_MODEL);

    network = make_stack(widths, 2, GOLDEN_CLASSES, 300, optimizer);
    golden_train(network, GOLDEN_INPUTS, 3);
    save(folder, "training", network, MF_CONTENTS_TRAINING);
}

/* Every kind of unit, heads of both kinds, rows as maps and maps as rows, and a layer from a spec between. */
static mf_network *units(mf_optimizer *optimizer)
{
    units_plan plans[3] = {plan_maps(2, 6, 5, GOLDEN_CLASSES), plan_maps(3, 3, 4, GOLDEN_CLASSES),
                           plan_row(4, GOLDEN_CLASSES)};
    mf_unit_spec conv = unit_conv(3, 3, 1), pool = unit_pool(MF_POOL_MAX, 2);
    mf_layer_spec spec = layer_spec(5, 4, GOLDEN_CLASSES);
    mf_network *network;
    mf_layer *layer;

    conv.bias = 0;
    pool.stride[1] = 1;
    plan_add(&plans[0], conv);
    plan_add(&plans[0], unit_norm());
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_LEAKY_RELU));
    plan_add(&plans[0], conv);
    plan_add(&plans[0], unit_norm());
    plan_add(&plans[0], unit_reading(unit_conv(3, 1, 0), 0));
    plan_add(&plans[0], unit_add(5, 6));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plans[0], pool);
    plans[0].head.pool_size = 2;
    plans[0].dropout = 0.25f;
    plan_add(&plans[1], unit_norm());
    plan_add(&plans[1], unit_dropout(0.5f, 1));
    plan_add(&plans[1], unit_pool(MF_POOL_AVERAGE, 2));
    plan_add(&plans[1], unit_dense(5));
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plans[1], unit_conv(5, 1, 0));
    plan_add(&plans[1], unit_dense(5));
    plan_add(&plans[1], unit_add(5, 7));
    plan_add(&plans[2], unit_add(0, 0));
    plan_add(&plans[2], unit_norm());
    network = make_units_network(plans, 2, NULL);
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.activation = MF_ACTIVATION_TANH;
    append(network, &spec);
    layer = make_units(&plans[2]);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "units.2.mean", 0));
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

/* A block of rows, whose units expected.py knows the gradients of. */
static mf_network *block(mf_optimizer *optimizer)
{
    units_plan plans[2] = {plan_row(GOLDEN_INPUTS, GOLDEN_CLASSES), plan_row(GOLDEN_INPUTS, GOLDEN_CLASSES)};

    plan_add(&plans[0], unit_dense(5));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plans[0], unit_dense(GOLDEN_INPUTS));
    plan_add(&plans[0], unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plans[1], unit_dense(4));
    plan_add(&plans[1], unit_reading(unit_dense(4), 0));
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plans[1], unit_add(1, 3));
    plans[1].seed = 11;
    return make_units_network(plans, 2, optimizer);
}

static void write_units(const char *folder, mf_optimizer *optimizer)
{
    mf_network *network = units(optimizer);

    golden_train(network, GOLDEN_MAPS, 4);
    save(folder, "units", network, MF_CONTENTS_MODEL);

    network = block(optimizer);
    golden_train(network, GOLDEN_INPUTS, 3);
    save(folder, "units_training", network, MF_CONTENTS_TRAINING);
}

static mf_unit_spec grouped(size_t filters, size_t groups)
{
    mf_unit_spec conv = unit_conv(filters, 3, 1);

    conv.groups = groups;
    return conv;
}

/* Groups, sequences, attention of both kinds, what joins and turns, and a head with units of its own. */
static mf_network *sequences(mf_optimizer *optimizer)
{
    units_plan plans[2] = {plan_maps(2, 6, 5, GOLDEN_CLASSES), plan_sequence(15, 4, GOLDEN_CLASSES)};
    mf_unit_spec strided = grouped(4, 2);

    strided.stride[0] = 2;
    plan_add(&plans[0], strided);
    plan_add(&plans[0], grouped(4, 4));
    plan_add(&plans[0], unit_of(MF_UNIT_TOKENS));
    plan_add(&plans[0], unit_of(MF_UNIT_POSITIONS));
    plan_add(&plans[0], unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plans[0], unit_dense(12));
    plan_add(&plans[0], unit_attention(2, 1));
    plan_add(&plans[0], unit_add(MF_NODE_PREVIOUS, 4));
    plan_add(&plans[1], unit_dense(6));
    plan_add(&plans[1], unit_attention(1, 0));
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_SILU));
    plan_add(&plans[1], unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plans[1], unit_dense(7));
    plan_add(&plans[1], unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plans[1], unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&plans[1], unit_reading(unit_of(MF_UNIT_GLOBAL_POOL), 0));
    plan_add(&plans[1], unit_concat(7, 8));
    plan_add(&plans[1], unit_dense(5)); /* the head's */
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_GELU));
    plans[1].head.output_node = 9;
    return make_units_network(plans, 2, optimizer);
}

static mf_network *positions(void)
{
    units_plan plans[2] = {plan_maps(2, 6, 5, GOLDEN_CLASSES), plan_sequence(30, 2, GOLDEN_CLASSES)};

    plans[0].head.kind = plans[1].head.kind = MF_HEAD_POSITIONS;
    plan_add(&plans[0], unit_of(MF_UNIT_TOKENS));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plans[1], unit_dense(9));
    plan_add(&plans[1], unit_attention(1, 1));
    return make_units_network(plans, 2, NULL);
}

/* Scaled by the network, the values of golden_batch() are tokens up to 10. */
static mf_network *tokens(mf_optimizer *optimizer)
{
    const float shift = 1.25f, scale = 4.0f;
    units_plan plans[2] = {plan_row(GOLDEN_INPUTS, GOLDEN_CLASSES), plan_row(18, GOLDEN_CLASSES)};
    mf_network *network;

    plan_add(&plans[0], unit_embedding(GOLDEN_VOCABULARY, 3));
    plan_add(&plans[0], unit_of(MF_UNIT_POSITIONS));
    plan_add(&plans[1], unit_dense(5));
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_RELU));
    network = make_units_network(plans, 2, optimizer);
    check_ok(mf_network_set_input_scaling(network, &shift, &scale, 1));
    return network;
}

/* Heads that read one matrix: behind a dense unit with two columns that are learned, and with none. */
static mf_network *shared(mf_optimizer *optimizer)
{
    mf_matrix *matrix = make_matrix(GOLDEN_CLASSES, 4, 90);
    units_plan plans[2] = {plan_row(GOLDEN_INPUTS, GOLDEN_CLASSES), plan_row(5, GOLDEN_CLASSES)};
    mf_network *network;

    for (size_t i = 0; i < 2; i++) {
        plan_add(&plans[i], unit_dense(5));
        plan_add(&plans[i], unit_activation(MF_ACTIVATION_RELU));
        plan_shared(&plans[i], matrix, i == 0 ? 2 : 0);
        plans[i].seed = 91 + i;
    }
    network = make_units_network(plans, 2, optimizer);
    mf_matrix_free(matrix);
    return network;
}

static void write_shared(const char *folder, mf_optimizer *optimizer)
{
    mf_network *network = shared(optimizer);

    golden_train(network, GOLDEN_INPUTS, 3);
    save(folder, "shared_training", network, MF_CONTENTS_TRAINING);
}

/* Auxiliary heads: one that reads the output, and one behind units of its own. */
static mf_network *auxiliary(mf_optimizer *optimizer)
{
    units_plan plans[2] = {plan_row(GOLDEN_INPUTS, GOLDEN_CLASSES), plan_row(5, GOLDEN_CLASSES)};
    mf_unit_spec scores = unit_dense(GOLDEN_CLASSES);

    for (size_t i = 0; i < 2; i++) {
        scores.loss_weight = i == 0 ? 0.3f : 1.5f;
        plan_add(&plans[i], unit_dense(5));
        plan_add(&plans[i], unit_activation(MF_ACTIVATION_RELU));
        plan_add(&plans[i], scores);
        if (i == 0) {
            plan_add(&plans[i], unit_reading(unit_dense(4), 2));
            plan_add(&plans[i], unit_activation(MF_ACTIVATION_RELU));
            plan_add(&plans[i], scores);
        }
        plans[i].head.input_node = 2;
        plans[i].seed = 95 + i;
    }
    return make_units_network(plans, 2, optimizer);
}

static void write_auxiliary(const char *folder, mf_optimizer *optimizer)
{
    mf_network *network = auxiliary(optimizer);

    golden_train(network, GOLDEN_INPUTS, 3);
    save(folder, "auxiliary_training", network, MF_CONTENTS_TRAINING);
}

/* All positions of a sequence as a row, and the layer's input. */
static mf_network *rows(void)
{
    units_plan plan = plan_sequence(15, 4, GOLDEN_CLASSES);

    plan_add(&plan, unit_dense(3));
    plan_add(&plan, unit_of(MF_UNIT_FLATTEN));
    plan_add(&plan, unit_dense(5));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_reading(unit_of(MF_UNIT_FLATTEN), 0));
    plan_add(&plan, unit_concat(4, 5));
    return make_units_network(&plan, 1, NULL);
}

static void write_sequences(const char *folder, mf_optimizer *optimizer)
{
    mf_network *network = sequences(optimizer);

    golden_train(network, GOLDEN_MAPS, 4);
    save(folder, "sequences", network, MF_CONTENTS_MODEL);
    save(folder, "positions", positions(), MF_CONTENTS_MODEL);
    save(folder, "rows", rows(), MF_CONTENTS_MODEL);
}

static void write_tokens(const char *folder, mf_optimizer *optimizer)
{
    mf_network *network = tokens(optimizer);

    golden_train(network, GOLDEN_INPUTS, 3);
    save(folder, "tokens_training", network, MF_CONTENTS_TRAINING);
}

int main(int argc, char **argv)
{
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_ADAMW, 0.02);
    mf_optimizer *optimizer = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: %s FOLDER 1|2|3|4|5|6\n", argv[0]);
        return 2;
    }
    how.weight_decay = 0.1f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    if (argv[2][0] == '1')
        write_flat(argv[1], optimizer);
    else if (argv[2][0] == '2')
        write_units(argv[1], optimizer);
    else if (argv[2][0] == '3')
        write_sequences(argv[1], optimizer);
    else if (argv[2][0] == '4')
        write_tokens(argv[1], optimizer);
    else if (argv[2][0] == '5')
        write_shared(argv[1], optimizer);
    else
        write_auxiliary(argv[1], optimizer);
    mf_optimizer_free(optimizer);
    return 0;
}
