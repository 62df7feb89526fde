/* 12_serving: one thread learns, three others answer all the while, and a swap brings them what was learned.
 *
 * Two copies of the network answer in turn: while one of them is shown, the other one takes over the
 * parameters and is shown next. Nobody waits for a training step, nobody sees a network that is half new, and
 * nothing is allocated. What is shown is a moving average of the training, which swings less than the last
 * step. The data are drawn: one of 16 inputs is lit in noise, and its number decides the class.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 16, CLASSES = 4, NEURONS = 48, LAYERS = 2, ROWS = 32, TEST = 512 };
enum { READERS = 3, VERSIONS = 60, STEPS = 20 }; /* steps from one version to the next */

static const double decay = 0.95; /* of the moving average */

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
    mf_optimizer_free(optimizer);
    return network;
}

static mf_workspace *create_workspace(mf_network *network, int32_t purpose)
{
    mf_workspace_spec spec;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.purpose = purpose;
    spec.max_batch = TEST;
    check(mf_workspace_create(&spec, &workspace));
    return workspace;
}

/* ---- the counter: where readers come for answers ---- */

typedef struct counter {
    pthread_mutex_t lock;
    pthread_cond_t left;
    mf_network *copies[2];
    int readers[2]; /* that are asking a copy */
    int shown;      /* the copy that readers are given */
    bool closed;
    float expected[2][ROWS][CLASSES]; /* scores of each copy for the same rows, to see what readers see */
} counter;

/* The copy to ask, until counter_leave(); -1: there is no more. */
static int counter_enter(counter *c)
{
    pthread_mutex_lock(&c->lock);
    int copy = c->closed ? -1 : c->shown;
    if (copy >= 0)
        c->readers[copy]++;
    pthread_mutex_unlock(&c->lock);
    return copy;
}

static void counter_leave(counter *c, int copy)
{
    pthread_mutex_lock(&c->lock);
    if (--c->readers[copy] == 0)
        pthread_cond_signal(&c->left);
    pthread_mutex_unlock(&c->lock);
}

/* Waits until the other copy has been left by those who came before the last swap. Nobody comes to it any
 * more. */
static int counter_take_spare(counter *c)
{
    pthread_mutex_lock(&c->lock);
    int spare = 1 - c->shown;
    while (c->readers[spare] > 0)
        pthread_cond_wait(&c->left, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return spare;
}

static void counter_show(counter *c, int copy)
{
    pthread_mutex_lock(&c->lock);
    c->shown = copy;
    pthread_mutex_unlock(&c->lock);
}

static void counter_close(counter *c)
{
    pthread_mutex_lock(&c->lock);
    c->closed = true;
    pthread_mutex_unlock(&c->lock);
}

/* ---- readers ---- */

typedef struct reader {
    counter *c;
    float (*x)[INPUTS];
    mf_workspace *workspaces[2]; /* one for each copy */
    uint64_t torn;               /* answers that are of no version */
} reader;

static void *ask(void *argument)
{
    reader *self = argument;
    float scores[ROWS][CLASSES];
    for (int copy; (copy = counter_enter(self->c)) >= 0;) {
        check(mf_network_goodness(self->c->copies[copy], self->workspaces[copy], MF_PREDICT_LAST, ROWS,
                                  self->x[0], scores[0]));
        self->torn += memcmp(scores, self->c->expected[copy], sizeof scores) != 0;
        counter_leave(self->c, copy);
    }
    return NULL;
}

/* ---- the learner ---- */

/* Brings what was learned to the counter: the one swap. */
static void publish(counter *c, const mf_network *learned, mf_workspace *const workspaces[2],
                    float x[][INPUTS])
{
    int spare = counter_take_spare(c);
    check(mf_network_copy_parameters(c->copies[spare], learned));
    check(mf_network_goodness(c->copies[spare], workspaces[spare], MF_PREDICT_LAST, ROWS, x[0],
                              c->expected[spare][0]));
    counter_show(c, spare);
}

static void learn(mf_network *network, mf_network *average, mf_workspace *workspace, uint64_t *state)
{
    static float x[ROWS][INPUTS];
    int32_t y[ROWS];
    for (int step = 0; step < STEPS; step++) {
        draw(state, ROWS, x, y);
        check(mf_network_step(network, workspace, ROWS, x[0], y));
        check(mf_network_blend_parameters(average, network, 1 - decay));
    }
}

static double accuracy_of(mf_network *network, mf_workspace *workspace, uint64_t *state)
{
    static float x[TEST][INPUTS];
    int32_t y[TEST], found[TEST];
    int right = 0;
    draw(state, TEST, x, y);
    check(mf_network_predict(network, workspace, MF_PREDICT_LAST, TEST, x[0], found));
    for (int i = 0; i < TEST; i++)
        right += found[i] == y[i];
    return 100.0 * right / TEST;
}

static void open_reader(reader *self, counter *c, float x[][INPUTS], pthread_t *thread)
{
    *self = (reader){.c = c, .x = x};
    for (int copy = 0; copy < 2; copy++)
        self->workspaces[copy] = create_workspace(c->copies[copy], MF_WORKSPACE_INFERENCE);
    if (pthread_create(thread, NULL, ask, self) != 0)
        exit(EXIT_FAILURE);
}

static void close_reader(reader *self, pthread_t thread)
{
    pthread_join(thread, NULL);
    mf_workspace_free(self->workspaces[0]);
    mf_workspace_free(self->workspaces[1]);
}

/* Learns, and shows what it has learned, while the readers ask. Returns how many answers were of no version.
 */
static uint64_t run(counter *c, mf_network *network, mf_workspace *const workspaces[2], uint64_t *state)
{
    static float probe[ROWS][INPUTS];
    int32_t unused[ROWS];
    uint64_t torn = 0;
    pthread_t threads[READERS];
    reader readers[READERS];
    mf_network *average;
    mf_workspace *workspace = create_workspace(network, MF_WORKSPACE_TRAINING);
    check(mf_network_clone(network, MF_CONTENTS_MODEL, NULL, &average));
    draw(state, ROWS, probe, unused);
    publish(c, network, workspaces, probe);
    for (int i = 0; i < READERS; i++)
        open_reader(&readers[i], c, probe, &threads[i]);
    for (int version = 0; version < VERSIONS; version++) {
        learn(network, average, workspace, state);
        publish(c, average, workspaces, probe);
    }
    counter_close(c);
    for (int i = 0; i < READERS; i++) {
        close_reader(&readers[i], threads[i]);
        torn += readers[i].torn;
    }
    mf_workspace_free(workspace);
    mf_network_free(average);
    printf("%d threads asked while the network learned; %llu answers were of no version\n", READERS,
           (unsigned long long)torn);
    return torn;
}

int main(void)
{
    static counter c = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};
    uint64_t state = 5;
    mf_network *network = create_network();
    mf_workspace *workspaces[2];
    mf_blas_set_threads(1); /* the program has threads of its own; not every BLAS library has this setting */
    for (int i = 0; i < 2; i++) {
        check(mf_network_clone(network, MF_CONTENTS_MODEL, NULL, &c.copies[i])); /* without optimizers */
        workspaces[i] = create_workspace(c.copies[i], MF_WORKSPACE_INFERENCE);
    }
    uint64_t torn = run(&c, network, workspaces, &state);
    double accuracy = accuracy_of(c.copies[c.shown], workspaces[c.shown], &state);
    printf("result example=12_serving versions=%d torn=%llu accuracy=%.2f\n", VERSIONS,
           (unsigned long long)torn, accuracy);
    for (int i = 0; i < 2; i++) {
        mf_workspace_free(workspaces[i]);
        mf_network_free(c.copies[i]);
    }
    mf_network_free(network);
    return torn == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
