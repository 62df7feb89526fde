/* What the outside programs do: learn which of three corners a point is near. Returns 0 if they could.
 * SPDX-License-Identifier: MIT */
#ifndef CONSUMER_TRAIN_H
#define CONSUMER_TRAIN_H

#include <monoforward.h>

#include <stdio.h>
#include <string.h>

#define TRY(call)                                                                   \
    do {                                                                            \
        mf_status status = (call);                                                  \
        if (status != MF_STATUS_OK) {                                               \
            fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message()); \
            return 1;                                                               \
        }                                                                           \
    } while (0)

static int add_layer(mf_network *network, size_t inputs, size_t outputs)
{
    mf_layer_spec spec;
    mf_layer *layer = NULL;

    TRY(mf_layer_spec_init(&spec, sizeof spec));
    spec.inputs = inputs;
    spec.outputs = outputs;
    spec.classes = 3;
    spec.seed = outputs;
    TRY(mf_layer_create(&spec, &layer));
    TRY(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    return 0;
}

static int train(const char *who)
{
    static const float x[6][2] = {{0, 0}, {1, 0}, {0, 1}, {0.1f, 0.1f}, {0.9f, 0.1f}, {0.1f, 0.9f}};
    static const int32_t y[6] = {0, 1, 2, 0, 1, 2};
    mf_optimizer_spec rule;
    mf_workspace_spec scratch;
    mf_optimizer *optimizer = NULL;
    mf_network *network = NULL;
    mf_workspace *workspace = NULL;
    int32_t labels[6];
    char version[40];
    int step;

    sprintf(version, "%d.%d.%d", MF_VERSION_MAJOR, MF_VERSION_MINOR, MF_VERSION_PATCH);
    if (strcmp(version, mf_version()) != 0) {
        fprintf(stderr, "header %s, library %s\n", version, mf_version());
        return 1;
    }
    TRY(mf_optimizer_spec_init(&rule, sizeof rule));
    rule.learning_rate = 0.05f;
    TRY(mf_optimizer_create(&rule, &optimizer));
    TRY(mf_network_create(NULL, &network));
    if (add_layer(network, 2, 16) != 0 || add_layer(network, 16, 8) != 0)
        return 1;
    TRY(mf_network_set_optimizer(network, optimizer));
    TRY(mf_workspace_spec_init(&scratch, sizeof scratch));
    scratch.network = network;
    scratch.max_batch = 6;
    TRY(mf_workspace_create(&scratch, &workspace));
    for (step = 0; step < 200; step++)
        TRY(mf_network_step(network, workspace, 6, x[0], y));
    TRY(mf_network_predict(network, workspace, MF_PREDICT_LAST, 6, x[0], labels));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    if (memcmp(labels, y, sizeof y) != 0) {
        fprintf(stderr, "%s: learned nothing\n", who);
        return 1;
    }
    printf("%s: learned, with monoforward %s and products by %s\n", who, mf_version(), mf_blas_name());
    return 0;
}

#endif
