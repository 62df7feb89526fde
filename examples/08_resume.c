/* 08_resume: saves a network in the middle of its training, loads it and goes on, to the same bits.
 *
 * Writes 08_resume.safetensors into the current folder and removes it at the end. The data are drawn: points
 * inside and outside of a circle.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 16, ROWS = SIDE * SIDE, INPUTS = 2, CLASSES = 2, NEURONS = 32, LAYERS = 2, STEPS = 150 };

static const char path[] = "08_resume.safetensors";
static float x[ROWS][INPUTS];
static int32_t y[ROWS];

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static mf_network *create_network(void)
{
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    mf_network *network;
    check(mf_network_create(NULL, &network));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer_spec spec;
        mf_layer *layer;
        check(mf_layer_spec_init(&spec, sizeof spec));
        spec.inputs = i == 0 ? INPUTS : NEURONS;
        spec.outputs = NEURONS;
        spec.classes = CLASSES;
        spec.dropout = 0.1f; /* its random stream goes on, too */
        spec.seed = i + 1;
        check(mf_layer_create(&spec, &layer));
        check(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.005f;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_set_optimizer(network, optimizer));
    mf_optimizer_free(optimizer); /* the layers keep it */
    return network;
}

/* Trains, and then writes the scores of all rows. */
static void train(mf_network *network, float scores[ROWS][CLASSES])
{
    mf_workspace_spec room;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = ROWS;
    check(mf_workspace_create(&room, &workspace));
    for (int step = 0; step < STEPS; step++)
        check(mf_network_step(network, workspace, ROWS, x[0], y));
    check(mf_network_goodness(network, workspace, MF_PREDICT_LAST, ROWS, x[0], scores[0]));
    mf_workspace_free(workspace);
}

int main(void)
{
    static float through[ROWS][CLASSES], resumed[ROWS][CLASSES];
    for (int i = 0; i < ROWS; i++) {
        x[i][0] = 2.0f * (float)(i % SIDE) / (SIDE - 1) - 1;
        x[i][1] = 2.0f * (float)(i / SIDE) / (SIDE - 1) - 1;
        y[i] = x[i][0] * x[i][0] + x[i][1] * x[i][1] < 0.5f;
    }
    mf_network *network = create_network();
    train(network, through);
    check(mf_network_save(network, MF_CONTENTS_TRAINING, path)); /* with the optimizer's state */
    train(network, through);
    mf_network_free(network);

    /* Another day, another program. */
    mf_load_spec spec;
    check(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = MF_CONTENTS_TRAINING;
    check(mf_network_load(&spec, path, &network));
    train(network, resumed);

    int right = 0;
    for (int i = 0; i < ROWS; i++)
        right += (resumed[i][1] > resumed[i][0]) == y[i];
    int same = memcmp(through, resumed, sizeof through) == 0;
    printf("the run that was interrupted has %s\n", same ? "the same bits" : "OTHER BITS");
    printf("result example=08_resume same_bits=%s accuracy=%.2f\n", same ? "yes" : "no",
           100.0 * right / ROWS);
    remove(path);
    mf_network_free(network);
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
