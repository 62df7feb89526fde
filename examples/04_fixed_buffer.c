/* 04_fixed_buffer: a trained network predicts in a fixed buffer, as on a device without a heap.
 *
 * The first half trains where there is memory and takes a snapshot. The second half has nothing but the
 * snapshot and a buffer: an arena on it serves every handle. The data are drawn: points inside and outside of
 * a circle.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 16, ROWS = SIDE * SIDE, INPUTS = 2, CLASSES = 2, NEURONS = 16, LAYERS = 2, STEPS = 300 };

/* What crosses from one half to the other, such as a block of flash; and the memory of the device. */
static unsigned char model[8 * 1024];
static unsigned char device[16 * 1024];

static float x[ROWS][INPUTS];
static int32_t y[ROWS];

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static void fill_specs(mf_layer_spec specs[LAYERS], const mf_allocator *allocator)
{
    for (int i = 0; i < LAYERS; i++) {
        check(mf_layer_spec_init(&specs[i], sizeof specs[i]));
        specs[i].inputs = i == 0 ? INPUTS : NEURONS;
        specs[i].outputs = NEURONS;
        specs[i].classes = CLASSES;
        specs[i].seed = (uint64_t)i + 1;
        specs[i].allocator = allocator;
    }
}

/* `allocator` NULL: the heap. */
static mf_network *create_network(const mf_allocator *allocator)
{
    mf_layer_spec specs[LAYERS];
    mf_network_spec spec;
    mf_network *network;
    check(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = allocator;
    check(mf_network_create(&spec, &network));
    fill_specs(specs, allocator);
    for (int i = 0; i < LAYERS; i++) {
        mf_layer *layer;
        check(mf_layer_create(&specs[i], &layer));
        check(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    return network;
}

static mf_workspace *create_workspace(mf_network *network, int32_t purpose, size_t max_batch,
                                      const mf_allocator *allocator)
{
    mf_workspace_spec spec;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.purpose = purpose;
    spec.max_batch = max_batch;
    spec.allocator = allocator;
    check(mf_workspace_create(&spec, &workspace));
    return workspace;
}

/* Writes what was learned into `model` and returns its size. */
static size_t train(void)
{
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    mf_network *network = create_network(NULL);
    mf_workspace *workspace = create_workspace(network, MF_WORKSPACE_TRAINING, ROWS, NULL);
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.01f;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_set_optimizer(network, optimizer));
    for (int step = 0; step < STEPS; step++)
        check(mf_network_step(network, workspace, ROWS, x[0], y));

    size_t bytes;
    check(mf_network_set_optimizer(network, NULL)); /* a snapshot without the optimizer's state is smaller */
    check(mf_network_state_size(network, &bytes));
    check(mf_network_state_save(network, model, sizeof model));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return bytes;
}

/* What the device must have: asked before anything is created. */
static size_t bytes_needed(void)
{
    mf_layer_spec specs[LAYERS];
    mf_memory memory = {.struct_size = sizeof memory};
    fill_specs(specs, NULL);
    check(mf_network_memory((const mf_layer_spec *[]){&specs[0], &specs[1]}, LAYERS, NULL,
                            MF_WORKSPACE_INFERENCE, 1, &memory));
    return memory.arena;
}

int main(void)
{
    for (int i = 0; i < ROWS; i++) {
        x[i][0] = 2.0f * (float)(i % SIDE) / (SIDE - 1) - 1;
        x[i][1] = 2.0f * (float)(i / SIDE) / (SIDE - 1) - 1;
        y[i] = x[i][0] * x[i][0] + x[i][1] * x[i][1] < 0.5f;
    }
    size_t model_bytes = train(), device_bytes = bytes_needed();
    printf("the model takes %zu bytes, the device needs %zu of %zu\n", model_bytes, device_bytes,
           sizeof device);

    mf_allocator arena;
    check(mf_arena_init(device, sizeof device, &arena));
    mf_network *network = create_network(&arena);
    mf_workspace *workspace = create_workspace(network, MF_WORKSPACE_INFERENCE, 1, &arena);
    check(mf_network_state_load(network, model, model_bytes));

    int right = 0;
    for (int i = 0; i < ROWS; i++) {
        int32_t label;
        check(mf_network_predict(network, workspace, MF_PREDICT_LAST, 1, x[i], &label));
        right += label == y[i];
    }
    printf("result example=04_fixed_buffer model_bytes=%zu device_bytes=%zu accuracy=%.2f\n", model_bytes,
           device_bytes, 100.0 * right / ROWS);
    mf_workspace_free(workspace);
    mf_network_free(network);
    return EXIT_SUCCESS;
}
