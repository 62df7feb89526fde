/* 09_pipeline: three layers learn at the same time, on two threads; the bits are those of a run on one.
 *
 * While a layer learns from one batch, the layer before it learns from the next: nothing flows backward. The
 * data are drawn: one of 16 inputs is lit in noise, and its number decides the class.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 16, CLASSES = 4, NEURONS = 64, LAYERS = 3, ROWS = 32, BATCHES = 600, TEST = 512 };

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static float uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)(*state >> 40) / (1 << 24);
}

static void draw(uint64_t *state, int rows, float x[][INPUTS], int32_t *y)
{
    for (int i = 0; i < rows; i++) {
        int lit = (int)(uniform(state) * INPUTS);
        for (int j = 0; j < INPUTS; j++)
            x[i][j] = uniform(state) - 0.5f;
        x[i][lit] += 1;
        y[i] = lit % CLASSES;
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
        spec.seed = i + 1;
        check(mf_layer_create(&spec, &layer));
        check(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.003f;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_set_optimizer(network, optimizer));
    mf_optimizer_free(optimizer); /* the layers keep it */
    return network;
}

static mf_workspace *create_workspace(mf_network *network)
{
    mf_workspace_spec spec;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = TEST;
    check(mf_workspace_create(&spec, &workspace));
    return workspace;
}

static void train_on_threads(mf_network *network)
{
    mf_pipeline_spec spec;
    mf_pipeline *pipeline;
    check(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.workers = 2;
    spec.max_batch = ROWS;
    check(mf_pipeline_create(&spec, &pipeline));

    uint64_t state = 1;
    float x[ROWS][INPUTS];
    int32_t y[ROWS];
    for (int batch = 0; batch < BATCHES; batch++) {
        draw(&state, ROWS, x, y);
        check(mf_pipeline_submit(pipeline, ROWS, x[0], y)); /* the rows are copied: x can be filled again */
        mf_pipeline_report report = {.struct_size = sizeof report};
        while (mf_pipeline_poll(pipeline, &report) == MF_STATUS_OK)
            if (report.position == LAYERS - 1 && report.batch % 150 == 0)
                printf("batch %3d: loss of the last layer %.4f\n", (int)report.batch, report.loss);
    }
    check(mf_pipeline_flush(pipeline)); /* from here on the layers are at rest */
    mf_pipeline_free(pipeline);
}

static void train_on_one_thread(mf_network *network, mf_workspace *workspace)
{
    uint64_t state = 1;
    float x[ROWS][INPUTS];
    int32_t y[ROWS];
    for (int batch = 0; batch < BATCHES; batch++) {
        draw(&state, ROWS, x, y);
        check(mf_network_step(network, workspace, ROWS, x[0], y));
    }
}

int main(void)
{
    static float x[TEST][INPUTS], scores[2][TEST][CLASSES];
    static int32_t y[TEST];
    mf_network *networks[2] = {create_network(), create_network()};
    mf_workspace *workspaces[2] = {create_workspace(networks[0]), create_workspace(networks[1])};

    /* One thread for each product is enough where layers have threads; some BLAS libraries have no such
     * setting. */
    mf_status status = mf_blas_set_threads(1);
    if (status != MF_STATUS_UNSUPPORTED)
        check(status);
    train_on_threads(networks[0]);
    train_on_one_thread(networks[1], workspaces[1]);

    uint64_t state = 2;
    int right = 0;
    draw(&state, TEST, x, y);
    for (int i = 0; i < 2; i++)
        check(mf_network_goodness(networks[i], workspaces[i], MF_PREDICT_LAST, TEST, x[0], scores[i][0]));
    for (int i = 0; i < TEST; i++) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            if (scores[0][i][k] > scores[0][i][best])
                best = k;
        right += best == y[i];
    }
    int same = memcmp(scores[0], scores[1], sizeof scores[0]) == 0;
    printf("result example=09_pipeline workers=2 same_bits=%s accuracy=%.2f\n", same ? "yes" : "no",
           100.0 * right / TEST);

    for (int i = 0; i < 2; i++) {
        mf_workspace_free(workspaces[i]);
        mf_network_free(networks[i]);
    }
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
