/* Writes the seeds of the corpus into a folder: small models of each kind, with and without training, and a
 * snapshot. Arguments: the folder. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "fuzz_model.h"

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
    network = make_network();
    save(folder, "empty.safetensors", network, MF_CONTENTS_TRAINING);
    mf_network_free(network);
    write_file(folder, "snapshot.mfstate", snapshot, fuzz_snapshot(snapshot, sizeof snapshot));
    return 0;
}
