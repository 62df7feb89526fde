/* 05_own_loop: a loop of one's own, layer by layer, with gradients and updates apart.
 *
 * Each layer's gradients are the mean over four parts of a batch, as if four machines had computed them, and
 * each layer has an optimizer of its own. The data are drawn: the class of a point is the quadrant it is in.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

enum { INPUTS = 2, CLASSES = 4, NEURONS = 32, LAYERS = 2 };
enum { PARTS = 4, PART_ROWS = 16, ROWS = PARTS * PART_ROWS, STEPS = 200, TEST = 512 };
enum { MOST_VALUES = NEURONS * NEURONS + NEURONS + CLASSES * NEURONS }; /* W, b and M of the second layer */

static const float learning_rates[LAYERS] = {0.01f, 0.005f};

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static void draw(int rows, float x[][INPUTS], int32_t *y)
{
    static uint64_t state = 1;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < INPUTS; j++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            x[i][j] = (float)(state >> 40) / (1 << 23) - 1;
        }
        y[i] = 2 * (x[i][0] > 0) + (x[i][1] > 0);
    }
}

/* A layer needs no network. */
static mf_layer *create_layer(size_t inputs, float learning_rate, uint64_t seed)
{
    mf_layer_spec spec;
    mf_layer *layer;
    check(mf_layer_spec_init(&spec, sizeof spec));
    spec.inputs = inputs;
    spec.outputs = NEURONS;
    spec.classes = CLASSES;
    spec.seed = seed;
    check(mf_layer_create(&spec, &layer));

    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = learning_rate;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_layer_set_optimizer(layer, optimizer));
    mf_optimizer_free(optimizer); /* the layer keeps a reference of its own */
    return layer;
}

static mf_workspace *create_workspace(mf_layer *layer, size_t max_batch)
{
    mf_workspace_spec spec;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&spec, sizeof spec));
    spec.layer = layer;
    spec.max_batch = max_batch;
    check(mf_workspace_create(&spec, &workspace));
    return workspace;
}

static size_t count_values(const mf_layer *layer)
{
    size_t parameters, values = 0;
    check(mf_layer_parameter_count(layer, &parameters));
    for (size_t i = 0; i < parameters; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        check(mf_layer_parameter_info(layer, i, &info));
        values += info.count;
    }
    return values;
}

/* One step of one layer. `a` receives the activations, the input of the next layer. */
static void step(mf_layer *layer, mf_workspace *workspace, size_t inputs, const float *x, const int32_t *y,
                 float *a)
{
    float mean[MOST_VALUES] = {0}, part[MOST_VALUES];
    size_t values = count_values(layer);
    for (size_t p = 0; p < PARTS; p++) {
        mf_batch batch;
        check(mf_batch_init(&batch, sizeof batch));
        batch.rows = PART_ROWS;
        batch.inputs = x + p * PART_ROWS * inputs;
        batch.targets = y + p * PART_ROWS;
        check(mf_layer_gradients(layer, workspace, &batch, a + p * PART_ROWS * NEURONS, part, values));
        for (size_t i = 0; i < values; i++)
            mean[i] += part[i] / PARTS;
    }
    check(mf_layer_apply(layer, mean, values));
}

int main(void)
{
    static float x[TEST][INPUTS], hidden[TEST][NEURONS], a[TEST][NEURONS], scores[TEST][CLASSES];
    static int32_t y[TEST];
    mf_layer *layers[LAYERS];
    mf_workspace *workspaces[LAYERS];
    for (size_t i = 0; i < LAYERS; i++) {
        layers[i] = create_layer(i == 0 ? INPUTS : NEURONS, learning_rates[i], i + 1);
        workspaces[i] = create_workspace(layers[i], TEST);
    }

    for (int i = 0; i < STEPS; i++) {
        draw(ROWS, x, y);
        step(layers[0], workspaces[0], INPUTS, x[0], y, hidden[0]);
        step(layers[1], workspaces[1], NEURONS, hidden[0], y, a[0]);
    }

    draw(TEST, x, y);
    check(mf_layer_forward(layers[0], workspaces[0], TEST, x[0], hidden[0]));
    check(mf_layer_forward(layers[1], workspaces[1], TEST, hidden[0], a[0]));
    check(mf_layer_goodness(layers[1], workspaces[1], TEST, a[0], scores[0]));
    int right = 0;
    for (int i = 0; i < TEST; i++) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            if (scores[i][k] > scores[i][best])
                best = k;
        right += best == y[i];
    }
    printf("result example=05_own_loop steps=%d parts=%d accuracy=%.2f\n", STEPS, PARTS,
           100.0 * right / TEST);

    for (int i = 0; i < LAYERS; i++) {
        mf_workspace_free(workspaces[i]);
        mf_layer_free(layers[i]);
    }
    return EXIT_SUCCESS;
}
