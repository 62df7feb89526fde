/* 03_convolution: two convolutions and a dense layer tell lying, standing and slanted bars apart.
 *
 * The images are drawn: 12 x 12 pixels of noise with a bar of five pixels somewhere. A row of input is
 * [channels, height, width]; to the caller it is a plain row of floats.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 12, PIXELS = SIDE * SIDE, CLASSES = 3, LENGTH = 5, LAYERS = 3 };
enum { BATCH = 32, STEPS = 300, TEST = 512 };

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static float uniform(void)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)(state >> 40) / (1 << 24);
}

static int32_t draw(float image[PIXELS])
{
    int32_t label = (int32_t)(uniform() * CLASSES);
    int down = label != 0, right = label != 1;
    int top = (int)(uniform() * (SIDE - LENGTH + 1)), left = (int)(uniform() * (SIDE - LENGTH + 1));
    for (int i = 0; i < PIXELS; i++)
        image[i] = 2 * uniform() - 1;
    for (int i = 0; i < LENGTH; i++)
        image[(top + down * i) * SIDE + left + right * i] += 1.5f;
    return label;
}

static mf_network *create_network(void)
{
    mf_layer_spec specs[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        check(mf_layer_spec_init(&specs[i], sizeof specs[i]));
        specs[i].classes = CLASSES;
        specs[i].normalization = MF_NORMALIZATION_BATCH;
        specs[i].seed = (uint64_t)i + 1;
    }
    for (int i = 0; i < 2; i++) {
        specs[i].kind = MF_LAYER_CONV2D; /* 3 x 3, unless told otherwise */
        specs[i].filters = i == 0 ? 8 : 16;
        specs[i].padding[0] = specs[i].padding[1] = 1; /* keeps the size of the maps; */
        specs[i].pool = MF_POOL_MAX;                   /* then they are halved */
    }
    specs[0].channels = 1; /* grey images */
    specs[0].height = specs[0].width = SIDE;
    specs[2].outputs = 32; /* a dense layer behind the convolutions */

    mf_network *network;
    check(mf_network_create(NULL, &network));
    for (int i = 0; i < LAYERS; i++) {
        mf_layer *layer;
        if (i > 0)
            check(mf_layer_spec_follow(&specs[i], &specs[i - 1])); /* reads what the layer before writes */
        check(mf_layer_create(&specs[i], &layer));
        check(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    return network;
}

int main(void)
{
    static float x[TEST][PIXELS];
    static int32_t y[TEST];
    mf_network *network = create_network();

    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.003f;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_set_optimizer(network, optimizer));

    mf_workspace_spec room;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = TEST;
    check(mf_workspace_create(&room, &workspace));

    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < BATCH; i++)
            y[i] = draw(x[i]);
        check(mf_network_step(network, workspace, BATCH, x[0], y));
    }

    double accuracy = 0;
    for (int i = 0; i < TEST; i++)
        y[i] = draw(x[i]);
    check(mf_network_evaluate(network, workspace, TEST, x[0], y));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_report report = {.struct_size = sizeof report};
        check(mf_workspace_report(workspace, i, &report));
        accuracy = 100.0 * (double)report.correct / TEST;
        printf("layer %d: %.1f%% right\n", (int)i + 1, accuracy);
    }
    printf("result example=03_convolution steps=%d accuracy=%.2f\n", STEPS, accuracy);

    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return EXIT_SUCCESS;
}
