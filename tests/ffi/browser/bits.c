/* Trains a small network, as bits.mjs does, and prints a number that depends on every bit of the model file.
 * SPDX-License-Identifier: MIT */
#include <monoforward.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUTS = 37, WIDTH = 50, CLASSES = 5, ROWS = 24, STEPS = 60 };

static uint32_t state = 1;

static uint32_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state >> 8;
}

static void require(mf_status status)
{
    if (status == MF_STATUS_OK)
        return;
    fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
    exit(1);
}

static mf_network *make_network(mf_optimizer *optimizer)
{
    const int32_t activations[] = {MF_ACTIVATION_RELU, MF_ACTIVATION_TANH};
    mf_network *network;
    require(mf_network_create(NULL, &network));
    for (int i = 0; i < 2; i++) {
        mf_layer_spec spec;
        mf_layer *layer;
        require(mf_layer_spec_init(&spec, sizeof spec));
        spec.inputs = i == 0 ? INPUTS : WIDTH;
        spec.outputs = WIDTH;
        spec.classes = CLASSES;
        spec.activation = activations[i];
        spec.seed = (uint64_t)i + 1;
        require(mf_layer_create(&spec, &layer));
        require(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    require(mf_network_set_optimizer(network, optimizer));
    return network;
}

static void train(mf_network *network)
{
    static float x[ROWS * INPUTS];
    static int32_t y[ROWS];
    mf_workspace_spec spec;
    mf_workspace *workspace;
    require(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    require(mf_workspace_create(&spec, &workspace));
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < ROWS * INPUTS; i++)
            x[i] = (float)draw() / 16777216.0f;
        for (int i = 0; i < ROWS; i++)
            y[i] = (int32_t)(draw() % CLASSES);
        require(mf_network_step(network, workspace, ROWS, x, y));
    }
    mf_workspace_free(workspace);
}

int main(void)
{
    mf_optimizer_spec spec;
    mf_optimizer *optimizer;
    size_t bytes;
    uint32_t hash = 2166136261u; /* FNV-1a */
    require(mf_optimizer_spec_init(&spec, sizeof spec));
    require(mf_optimizer_create(&spec, &optimizer));
    mf_network *network = make_network(optimizer);
    train(network);
    require(mf_network_save_size(network, MF_CONTENTS_MODEL, &bytes));
    unsigned char *model = malloc(bytes);
    if (!model)
        return 1;
    require(mf_network_save_buffer(network, MF_CONTENTS_MODEL, model, bytes, NULL));
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ model[i]) * 16777619u;
    printf("%zu bytes, %08x\n", bytes, (unsigned)hash);
    free(model);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return 0;
}
