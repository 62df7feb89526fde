/* 07_streaming: learns from a stream, one row at a time, each seen once, while the stream drifts.
 *
 * The data are drawn: eight clouds of points stand in a circle; clouds on opposite sides belong to the same
 * of four classes. The circle turns slowly, so what was learned becomes wrong. A copy of the network that
 * stopped learning early shows what happens without learning on. Both answer every row before its label is
 * used.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUTS = 2, CLASSES = 4, CLOUDS = 2 * CLASSES, LAYERS = 2, NEURONS = 32 };
enum { ROWS = 60000, PARTS = 20, PART = ROWS / PARTS };

static const double quarter_turn = 1.5707963;

/* A network for one row at a time. */
struct model {
    mf_network *network;
    mf_workspace *workspace;
};

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static struct model create_model(mf_optimizer *optimizer)
{
    struct model model;
    check(mf_network_create(NULL, &model.network));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer_spec spec;
        mf_layer *layer;
        check(mf_layer_spec_init(&spec, sizeof spec));
        spec.inputs = i == 0 ? INPUTS : NEURONS;
        spec.outputs = NEURONS;
        spec.classes = CLASSES;
        spec.seed = i + 1;
        check(mf_layer_create(&spec, &layer));
        check(mf_network_append(model.network, layer, NULL));
        mf_layer_free(layer);
    }
    check(mf_network_set_optimizer(model.network, optimizer));

    mf_workspace_spec room;
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = model.network;
    room.max_batch = 1;
    check(mf_workspace_create(&room, &model.workspace));
    return model;
}

static void free_model(struct model *model)
{
    mf_workspace_free(model->workspace);
    mf_network_free(model->network);
}

/* Lets `to`, a network of the same shape, know what `from` knows. */
static void copy(const struct model *from, struct model *to)
{
    size_t bytes;
    check(mf_network_state_size(from->network, &bytes));
    void *state = malloc(bytes);
    if (state == NULL)
        exit(EXIT_FAILURE);
    check(mf_network_state_save(from->network, state, bytes));
    check(mf_network_state_load(to->network, state, bytes));
    free(state);
}

static double uniform(void)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 40) / (1 << 24);
}

static int32_t draw(int row, float x[INPUTS])
{
    int cloud = (int)(uniform() * CLOUDS);
    double angle = quarter_turn * (4.0 * cloud / CLOUDS + (double)row / ROWS);
    x[0] = (float)(cos(angle) + 0.5 * (uniform() - 0.5));
    x[1] = (float)(sin(angle) + 0.5 * (uniform() - 0.5));
    return cloud % CLASSES;
}

/* The report of a step tells whether the network was right before it learned: no prediction is needed. */
static int learn(struct model *model, const float *x, int32_t y)
{
    mf_report report = {.struct_size = sizeof report};
    check(mf_network_step(model->network, model->workspace, 1, x, &y));
    check(mf_workspace_report(model->workspace, LAYERS - 1, &report));
    return report.correct == 1;
}

static int answer(struct model *model, const float *x, int32_t y)
{
    int32_t label;
    check(mf_network_predict(model->network, model->workspace, MF_PREDICT_LAST, 1, x, &label));
    return label == y;
}

int main(void)
{
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.005f; /* constant: a schedule that ends near zero would freeze the network */
    check(mf_optimizer_create(&how, &optimizer));
    struct model learning = create_model(optimizer), stopped = create_model(optimizer);

    int learning_right = 0, stopped_right = 0;
    printf("right, in percent of the rows since the line before\n\n   rows  learning  stopped\n");
    for (int part = 0; part < PARTS; part++) {
        int learning_part = 0, stopped_part = 0;
        for (int row = part * PART; row < (part + 1) * PART; row++) {
            float x[INPUTS];
            int32_t y = draw(row, x);
            stopped_part += part > 0 && answer(&stopped, x, y);
            learning_part += learn(&learning, x, y);
        }
        printf("%7d  %8.2f", (part + 1) * PART, 100.0 * learning_part / PART);
        if (part > 0)
            printf("  %7.2f\n", 100.0 * stopped_part / PART);
        else
            printf("  %7s\n", "-"); /* there is no copy yet */
        learning_right += learning_part;
        stopped_right += stopped_part;
        if (part == 0)
            copy(&learning, &stopped);
    }
    printf("\nresult example=07_streaming rows=%d accuracy=%.2f stopped=%.2f\n", ROWS,
           100.0 * learning_right / ROWS, 100.0 * stopped_right / (ROWS - PART));

    free_model(&stopped);
    free_model(&learning);
    mf_optimizer_free(optimizer);
    return EXIT_SUCCESS;
}
