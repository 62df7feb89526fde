/* Writes the seeds of the corpus into a folder: small models of each kind, with and without training, and
 * snapshots. They have the same bytes on every machine and in every release, so that a test can compare them:
 * values, which arithmetic makes, are replaced, and so is the version of the library. Arguments: the folder.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_common.h"
#include "fuzz_snapshot.h"
#include "units.h"

/* ---- files ---- */

static void write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[1000];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static uint64_t get_length(const unsigned char *file)
{
    uint64_t length = 0;

    for (size_t i = 0; i < 8; i++)
        length |= (uint64_t)file[i] << 8 * i;
    return length;
}

/* The library's version becomes 0.0.0, and the header has spaces behind it to a multiple of 8 bytes. Returns
 * the file's size. */
static size_t set_version(unsigned char *file, size_t bytes)
{
    static const char key[] = "\"library_version\":\"";
    size_t length = (size_t)get_length(file), text = length, end = 8 + length, changed;
    unsigned char *at = file + 8, *behind;

    while (file[8 + text - 1] == ' ')
        text--;
    while (at < file + end && memcmp(at, key, sizeof key - 1) != 0)
        at++;
    assert_true(at < file + end);
    at += sizeof key - 1;
    behind = memchr(at, '"', (size_t)(file + end - at));
    assert_true(behind != NULL && behind - at >= 5);
    memmove(at + 5, behind, (size_t)(file + 8 + text - behind));
    memcpy(at, "0.0.0", 5);
    text -= (size_t)(behind - at) - 5;
    changed = (text + 7) / 8 * 8;
    memset(file + 8 + text, ' ', changed - text);
    memmove(file + 8 + changed, file + end, bytes - end);
    for (size_t i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)changed >> 8 * i);
    return bytes - length + changed;
}

static void save(const char *folder, const char *name, const mf_network *network, int32_t contents)
{
    size_t bytes = 0, data;
    unsigned char *buffer;

    check_ok(mf_network_save_size(network, contents, &bytes));
    buffer = get_memory(bytes);
    check_ok(mf_network_save_buffer(network, contents, buffer, bytes, NULL));
    bytes = set_version(buffer, bytes);
    data = 8 + (size_t)get_length(buffer);
    fuzz_exact_values(buffer + data, (bytes - data) / 4);
    write_file(folder, name, buffer, bytes);
    free(buffer);
}

/* A step, so that there are counts and states of optimizers. */
static void save_trained(const char *folder, const char *name, mf_network *network)
{
    assert_true(fuzz_use(network, 1));
    save(folder, name, network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
}

static void write_snapshot(const char *folder, const char *name, int optimizer)
{
    uint8_t snapshot[4096];

    write_file(folder, name, snapshot, fuzz_snapshot(snapshot, sizeof snapshot, optimizer));
}

/* ---- layers from specs ---- */

static mf_layer_spec dense(size_t inputs, size_t outputs)
{
    return layer_spec(inputs, outputs, 3);
}

static mf_layer_spec conv(void)
{
    mf_layer_spec spec = layer_spec(0, 0, 3);

    spec.kind = MF_LAYER_CONV2D;
    spec.channels = 1;
    spec.height = spec.width = 5;
    spec.filters = 2;
    spec.pool = MF_POOL_MAX;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.dropout = 0.25f;
    spec.dropout_maps = 1;
    spec.head_size = 1;
    spec.padding[0] = spec.padding[1] = 1;
    return spec;
}

static mf_network *stack(const mf_layer_spec *specs, size_t count, int32_t kind, float momentum)
{
    mf_network *network = make_network();

    for (size_t i = 0; i < count; i++) {
        mf_layer *layer = make_layer(&specs[i]);

        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    if (kind >= 0) {
        mf_optimizer_spec how = optimizer_spec(kind, 0.01);
        mf_optimizer *optimizer = NULL;

        how.momentum = momentum;
        check_ok(mf_optimizer_create(&how, &optimizer));
        check_ok(mf_network_set_optimizer(network, optimizer));
        mf_optimizer_free(optimizer);
    }
    return network;
}

/* ---- layers of units ---- */

/* Every kind of unit on maps, a node that two read, a pooled head, dropout on the way out. */
static units_plan block(void)
{
    units_plan plan = plan_residual(2, 3, 3, 3);

    plan.units[0].inputs[0] = 0;
    plan.dropout = 0.25f;
    plan.dropout_maps = 1;
    plan.head.pool_size = 1;
    plan.head.label_smoothing = 0.1f;
    return plan;
}

static units_plan behind_block(void)
{
    units_plan plan = plan_maps(2, 3, 3, 3);

    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_pool(MF_POOL_MAX, 2));
    plan_add(&plan, unit_dropout(0.5f, 1));
    plan_add(&plan, unit_dense(3));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, unit_conv(2, 1, 0));
    return plan;
}

/* What it takes to see a layer with other units: no parameters but those of the head. */
static units_plan bare(void)
{
    units_plan plan = plan_row(2, 2);

    plan_add(&plan, unit_activation(MF_ACTIVATION_LEAKY_RELU));
    plan_add(&plan, unit_add(1, 0));
    return plan;
}

/* An auxiliary head behind a unit of its own. */
static units_plan auxiliary(void)
{
    units_plan plan = plan_row(2, 2);
    mf_unit_spec scores = unit_dense(2);

    scores.loss_weight = 0.5f;
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_dense(2));
    plan_add(&plan, scores);
    plan.head.input_node = 1;
    return plan;
}

static void save_built(const char *folder)
{
    units_plan plans[2] = {block(), behind_block()}, small = bare(), several = auxiliary();
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = make_units_network(&small, 1, NULL);
    mf_layer_spec last = dense(2, 3);
    mf_layer *layer = make_layer(&last);

    save(folder, "units-bare.safetensors", network, MF_CONTENTS_MODEL);
    mf_network_free(network);
    network = make_units_network(&several, 1, NULL);
    save(folder, "auxiliary.safetensors", network, MF_CONTENTS_MODEL);
    mf_network_free(network);
    network = make_units_network(plans, 2, NULL);
    save(folder, "units.safetensors", network, MF_CONTENTS_MODEL);
    check_ok(mf_network_append(network, layer, NULL));
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "units.1.weight", 0));
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "units.5.variance", 0));
    check_ok(mf_network_set_optimizer(network, optimizer));
    save_trained(folder, "units-adam.safetensors", network);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* Groups, and what maps become a sequence by. */
static units_plan tokens_of_maps(void)
{
    units_plan plan = plan_maps(2, 3, 2, 3);
    mf_unit_spec grouped = unit_conv(4, 3, 1);

    grouped.groups = 2;
    plan_add(&plan, grouped);
    plan_add(&plan, unit_of(MF_UNIT_TOKENS));
    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_dense(12));
    plan_add(&plan, unit_attention(2, 1));
    plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 2));
    return plan;
}

/* What turns, joins and ends a sequence, and a head with units of its own. */
static units_plan end_of_sequence(void)
{
    units_plan plan = plan_sequence(6, 4, 3);

    plan_add(&plan, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plan, unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&plan, unit_reading(unit_of(MF_UNIT_GLOBAL_POOL), 0));
    plan_add(&plan, unit_concat(4, 5));
    plan_add(&plan, unit_dense(3)); /* the head's */
    plan.head.output_node = 6;
    return plan;
}

/* A head for each position, behind tokens that the network makes of its inputs. */
static units_plan positions(void)
{
    units_plan plan = plan_row(3, 5);

    plan_add(&plan, unit_embedding(5, 4));
    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    plan_add(&plan, unit_dense(12));
    plan_add(&plan, unit_attention(1, 1));
    plan.head.kind = MF_HEAD_POSITIONS;
    return plan;
}

static void save_sequences(const char *folder)
{
    const float shift = 1.0f, scale = 2.0f; /* 0 and 1 become tokens */
    units_plan plans[2] = {tokens_of_maps(), end_of_sequence()}, tokens = positions(),
               flat = plan_sequence(2, 3, 2);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAMW, 0.01);
    mf_network *network = make_units_network(plans, 2, optimizer);

    save_trained(folder, "sequence-adamw.safetensors", network);
    network = make_units_network(&tokens, 1, optimizer);
    check_ok(mf_network_set_input_scaling(network, &shift, &scale, 1));
    save_trained(folder, "tokens-adamw.safetensors", network);
    plan_add(&flat, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&flat, unit_of(MF_UNIT_FLATTEN));
    network = make_units_network(&flat, 1, NULL);
    save(folder, "flatten.safetensors", network, MF_CONTENTS_MODEL);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* ---- heads ---- */

/* Two that read one matrix, the first with a column of its own. */
static mf_network *shared(mf_optimizer *optimizer)
{
    static const float values[] = {0.25f, 0.5f, 0.75f, 1.0f, 1.25f, 1.5f};
    units_plan plans[2] = {plan_row(2, 3), plan_row(2, 3)};
    mf_matrix_spec spec;
    mf_matrix *matrix = NULL;
    mf_network *network;

    check_ok(mf_matrix_spec_init(&spec, sizeof spec));
    spec.rows = 3;
    spec.columns = 2;
    spec.values = values;
    check_ok(mf_matrix_create(&spec, &matrix));
    for (size_t i = 0; i < 2; i++) {
        plan_add(&plans[i], unit_dense(2));
        plan_shared(&plans[i], matrix, i == 0 ? 1 : 0);
    }
    network = make_units_network(plans, 2, optimizer);
    mf_matrix_free(matrix);
    return network;
}

/* Inputs are scaled one by one. */
static mf_network *similarity(mf_optimizer *optimizer)
{
    const float shift[] = {-1.0f, 0.0f, 1.0f}, scale[] = {0.5f, 1.0f, 2.0f};
    units_plan plan = plan_row(3, 2);
    mf_network *network;

    plan_add(&plan, unit_dense(3));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_dense(4));
    plan.head.similarity = 0.5f;
    network = make_units_network(&plan, 1, optimizer);
    check_ok(mf_network_set_input_scaling(network, shift, scale, 3));
    return network;
}

/* Candidates by the counts of classes, parameters of bfloat16. */
static mf_network *sampled(mf_optimizer *optimizer)
{
    units_plan plan = plan_row(2, 5);

    plan_add(&plan, unit_dense(2));
    plan.precision = MF_PRECISION_BF16;
    plan.head.sampling = MF_SAMPLING_COUNTS;
    plan.head.candidates = 2;
    return make_units_network(&plan, 1, optimizer);
}

static void save_heads(const char *folder)
{
    units_plan several = auxiliary();
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);

    save_trained(folder, "shared-adam.safetensors", shared(optimizer));
    save_trained(folder, "similarity-adam.safetensors", similarity(optimizer));
    save_trained(folder, "sampled-adam.safetensors", sampled(optimizer));
    save_trained(folder, "auxiliary-adam.safetensors", make_units_network(&several, 1, optimizer));
    mf_optimizer_free(optimizer);
}

/* ---- all of it ---- */

static void save_flat(const char *folder)
{
    mf_layer_spec specs[2] = {dense(3, 2), dense(2, 4)}, maps[2] = {conv(), dense(8, 2)};
    mf_network *network = stack(specs, 2, -1, 0.0f);

    save(folder, "dense.safetensors", network, MF_CONTENTS_MODEL);
    save(folder, "no-optimizer.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
    network = stack(maps, 2, -1, 0.0f);
    save(folder, "conv.safetensors", network, MF_CONTENTS_MODEL);
    mf_network_free(network);
    save_trained(folder, "conv-adam.safetensors", stack(maps, 2, MF_OPTIMIZER_ADAM, 0.0f));
    save_trained(folder, "dense-momentum.safetensors", stack(specs, 1, MF_OPTIMIZER_SGD, 0.9f));
    save_trained(folder, "dense-rmsprop.safetensors", stack(specs, 1, MF_OPTIMIZER_RMSPROP, 0.5f));
}

static void save_texts(const char *folder)
{
    mf_layer_spec spec = dense(3, 2);
    mf_network *network = stack(&spec, 1, -1, 0.0f);

    check_ok(mf_network_metadata_set(network, "class_names", "one\ntwo"));
    check_ok(mf_network_metadata_set(network, "\xC3\xA4 \"\\", "\x01\x7F\xF0\x9F\x99\x82"));
    save(folder, "metadata.safetensors", network, MF_CONTENTS_MODEL);
    mf_network_free(network);
    network = make_network();
    save(folder, "empty.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";

    save_flat(folder);
    save_texts(folder);
    save_built(folder);
    save_sequences(folder);
    save_heads(folder);
    write_snapshot(folder, "snapshot.mfstate", 1);
    write_snapshot(folder, "snapshot-bare.mfstate", 0);
    return 0;
}
