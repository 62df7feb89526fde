/* 01_hello: two layers learn XOR, each from its own loss; nothing flows backward between them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

int main(void)
{
    const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    const int32_t y[4] = {0, 1, 1, 0};

    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how)); /* Adam, unless told otherwise */
    how.learning_rate = 0.01f;
    check(mf_optimizer_create(&how, &optimizer));

    mf_network *network;
    check(mf_network_create(NULL, &network));
    for (size_t i = 0; i < 2; i++) {
        mf_layer_spec spec;
        mf_layer *layer;
        check(mf_layer_spec_init(&spec, sizeof spec));
        spec.inputs = i == 0 ? 2 : 16;
        spec.outputs = 16;
        spec.classes = 2;
        spec.seed = i + 1;
        check(mf_layer_create(&spec, &layer));
        check(mf_network_append(network, layer, NULL));
        mf_layer_free(layer); /* the network keeps a reference of its own */
    }
    check(mf_network_set_optimizer(network, optimizer));

    mf_workspace_spec room;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = 4;
    check(mf_workspace_create(&room, &workspace));

    for (int step = 0; step < 500; step++)
        check(mf_network_step(network, workspace, 4, x[0], y));

    int32_t answers[4];
    int right = 0;
    check(mf_network_predict(network, workspace, MF_PREDICT_LAST, 4, x[0], answers));
    for (int i = 0; i < 4; i++) {
        printf("%.0f xor %.0f is %d\n", x[i][0], x[i][1], (int)answers[i]);
        right += answers[i] == y[i];
    }
    printf("result example=01_hello steps=500 accuracy=%.2f\n", 25.0 * right);

    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return right == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
