/* 02_minibatches: training as it usually goes: mini-batches in a new order every epoch, a validation split,
 * and the best state kept in a snapshot.
 *
 * The data are drawn: points on three spiral arms, with noise.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUTS = 2, CLASSES = 3, NEURONS = 64, LAYERS = 2 };
enum { POINTS = 1000, TRAIN = 700, VALID = 150, TEST = POINTS - TRAIN - VALID, BATCH = 64, EPOCHS = 60 };

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

/* Any generator will do; a fixed start makes runs repeat. */
static double uniform(void)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 40) / (1 << 24);
}

static void draw(float x[POINTS][INPUTS], int32_t y[POINTS])
{
    for (int i = 0; i < POINTS; i++) {
        y[i] = (int32_t)(uniform() * CLASSES);
        double radius = uniform();
        double angle = 6.283 * (radius + y[i] / (double)CLASSES) + 2.4 * (uniform() - 0.5);
        x[i][0] = (float)(2 * radius * cos(angle));
        x[i][1] = (float)(2 * radius * sin(angle));
    }
}

static mf_network *create_network(void)
{
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
    return network;
}

/* Fisher-Yates */
static void shuffle(int order[TRAIN])
{
    for (int i = TRAIN; i > 1; i--) {
        int j = (int)(uniform() * i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

static void train_epoch(mf_network *network, mf_workspace *workspace, const int order[TRAIN],
                        float x[POINTS][INPUTS], const int32_t y[POINTS])
{
    float batch_x[BATCH][INPUTS];
    int32_t batch_y[BATCH];
    for (int first = 0; first < TRAIN; first += BATCH) {
        /* The last batch takes what is left: fewer rows are fine. (With batch normalisation, one row is not.)
         */
        int rows = TRAIN - first < BATCH ? TRAIN - first : BATCH;
        for (int i = 0; i < rows; i++) {
            int point = order[first + i];
            for (int j = 0; j < INPUTS; j++)
                batch_x[i][j] = x[point][j];
            batch_y[i] = y[point];
        }
        check(mf_network_step(network, workspace, (size_t)rows, batch_x[0], batch_y));
    }
}

/* Evaluation takes batches, too. Adds the loss of each row and counts those that the last layer gets right.
 */
static double evaluate(const mf_network *network, mf_workspace *workspace, int count, float x[][INPUTS],
                       const int32_t *y, int *right)
{
    double loss = 0;
    *right = 0;
    for (int first = 0; first < count; first += BATCH) {
        int rows = count - first < BATCH ? count - first : BATCH;
        mf_report report = {.struct_size = sizeof report};
        check(mf_network_evaluate(network, workspace, (size_t)rows, x[first], y + first));
        check(mf_workspace_report(workspace, LAYERS - 1, &report));
        loss += report.loss * rows;
        *right += (int)report.correct;
    }
    return loss / count;
}

int main(void)
{
    static float x[POINTS][INPUTS];
    static int32_t y[POINTS];
    draw(x, y);
    float(*valid_x)[INPUTS] = x + TRAIN, (*test_x)[INPUTS] = x + TRAIN + VALID;
    const int32_t *valid_y = y + TRAIN, *test_y = y + TRAIN + VALID;

    mf_network *network = create_network();
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.01f;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_set_optimizer(network, optimizer));

    mf_workspace_spec room;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = BATCH;
    check(mf_workspace_create(&room, &workspace));

    /* The snapshot's size is fixed once the optimizer is attached. */
    size_t bytes;
    check(mf_network_state_size(network, &bytes));
    void *best = malloc(bytes);
    if (best == NULL)
        return EXIT_FAILURE;

    int order[TRAIN], best_epoch = 0, right;
    double best_loss = INFINITY;
    for (int i = 0; i < TRAIN; i++)
        order[i] = i;
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        shuffle(order);
        train_epoch(network, workspace, order, x, y);
        double loss = evaluate(network, workspace, VALID, valid_x, valid_y, &right);
        if (loss < best_loss) {
            best_loss = loss;
            best_epoch = epoch;
            check(mf_network_state_save(network, best, bytes));
        }
        if (epoch % 5 == 0)
            printf("epoch %2d: validation loss %.4f, right %3d of %d\n", epoch, loss, right, VALID);
    }

    check(mf_network_state_load(network, best, bytes)); /* back to the best epoch */
    evaluate(network, workspace, TEST, test_x, test_y, &right);
    double accuracy = 100.0 * right / TEST;
    printf("result example=02_minibatches epochs=%d best_epoch=%d accuracy=%.2f\n", EPOCHS, best_epoch,
           accuracy);

    free(best);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return EXIT_SUCCESS;
}
