/* Writes the seeds of the corpus into a folder: small models of each kind, with and without training, and a
 * snapshot. Arguments: the folder. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_model.h"
#include "units.h"

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

static void save(const char *folder, const char *name, const mf_network *network, int32_t contents)
{
    size_t bytes = 0;
    void *buffer;

    check_ok(mf_network_save_size(network, contents, &bytes));
    buffer = get_memory(bytes);
    check_ok(mf_network_save_buffer(network, contents, buffer, bytes, NULL));
    write_file(folder, name, buffer, bytes);
    free(buffer);
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

/* Every kind of unit, a node that two read, a pooled head, dropout on the way out. */
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
    save(folder, "units-adam.safetensors", network, MF_CONTENTS_TRAINING);
    mf_layer_free(layer);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    mf_layer_spec specs[2] = {dense(3, 2), dense(2, 4)}, maps[2] = {conv(), dense(8, 2)};
    mf_network *network = stack(specs, 2, -1, 0.0f);
    uint8_t snapshot[4096];

    save(folder, "dense.safetensors", network, MF_CONTENTS_MODEL);
    save(folder, "no-optimizer.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
    network = stack(maps, 2, -1, 0.0f);
    save(folder, "conv.safetensors", network, MF_CONTENTS_MODEL);
    mf_network_free(network);
    network = stack(maps, 2, MF_OPTIMIZER_ADAM, 0.0f);
    save(folder, "conv-adam.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
    network = stack(specs, 1, MF_OPTIMIZER_SGD, 0.9f);
    save(folder, "dense-momentum.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
    network = stack(specs, 1, MF_OPTIMIZER_RMSPROP, 0.5f);
    save(folder, "dense-rmsprop.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
    save_built(folder);
    network = stack(specs, 1, -1, 0.0f);
    check_ok(mf_network_metadata_set(network, "class_names", "one\ntwo"));
    check_ok(mf_network_metadata_set(network, "\xC3\xA4 \"\\", "\x01\x7F\xF0\x9F\x99\x82"));
    save(folder, "metadata.safetensors", network, MF_CONTENTS_MODEL);
    mf_network_free(network);
    network = make_network();
    save(folder, "empty.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
    write_file(folder, "snapshot.mfstate", snapshot, fuzz_snapshot(snapshot, sizeof snapshot));
    return 0;
}
