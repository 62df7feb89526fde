/* 06_grow: a trained network gets another layer, and then another class.
 *
 * The data are drawn: points on rings of two kinds; later the right halves of one kind are a class of their
 * own.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 16, ROWS = SIDE * SIDE, INPUTS = 2, NEURONS = 32, STEPS = 1000 };

static float x[ROWS][INPUTS];
static int32_t y[ROWS];

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static void append(mf_network *network, size_t inputs, mf_optimizer *optimizer, uint64_t seed)
{
    mf_layer_spec spec;
    mf_layer *layer;
    check(mf_layer_spec_init(&spec, sizeof spec));
    spec.inputs = inputs;
    spec.outputs = NEURONS;
    spec.classes = 2;
    spec.seed = seed;
    check(mf_layer_create(&spec, &layer));
    check(mf_layer_set_optimizer(layer, optimizer));
    check(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

/* Trains the layers from `first` on and returns the accuracy of the last one, in percent. */
static double train(mf_network *network, size_t first)
{
    mf_workspace_spec room;
    mf_workspace *workspace; /* a new one: the one from before the network changed is stale */
    size_t layers;
    check(mf_network_size(network, &layers));
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = ROWS;
    check(mf_workspace_create(&room, &workspace));
    for (int step = 0; step < STEPS; step++) {
        if (first == 0)
            check(mf_network_step(network, workspace, ROWS, x[0], y));
        else
            check(mf_network_step_layer(network, workspace, first, ROWS, x[0], y));
    }
    mf_report report = {.struct_size = sizeof report};
    check(mf_network_evaluate(network, workspace, ROWS, x[0], y));
    check(mf_workspace_report(workspace, layers - 1, &report));
    mf_workspace_free(workspace);
    printf("%d layer%s: loss %.4f, right %3d of %d\n", (int)layers, layers == 1 ? "" : "s", report.loss,
           (int)report.correct, ROWS);
    return 100.0 * (double)report.correct / ROWS;
}

int main(void)
{
    for (int i = 0; i < ROWS; i++) {
        x[i][0] = 2.0f * (float)(i % SIDE) / (SIDE - 1) - 1;
        x[i][1] = 2.0f * (float)(i / SIDE) / (SIDE - 1) - 1;
        y[i] = (int32_t)(3 * (x[i][0] * x[i][0] + x[i][1] * x[i][1])) % 2;
    }
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.01f;
    check(mf_optimizer_create(&how, &optimizer));

    mf_network *network;
    check(mf_network_create(NULL, &network));
    append(network, INPUTS, optimizer, 1);
    double one = train(network, 0);

    append(network, NEURONS, optimizer, 2); /* the layer before it stays as it is */
    double two = train(network, 1);

    for (int i = 0; i < ROWS; i++)
        if (y[i] == 0 && x[i][0] > 0)
            y[i] = 2;
    check(mf_network_set_classes(network, 3)); /* projections start anew, weights stay */
    double classes = train(network, 0);
    printf("result example=06_grow one_layer=%.2f two_layers=%.2f accuracy=%.2f\n", one, two, classes);

    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return EXIT_SUCCESS;
}
