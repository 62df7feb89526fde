/* 10_where_to_cut: one network, 784-1000-1000-10, cut into one, two or three layers.
 *
 *     10_where_to_cut [CUT]     CUT is the number of layers; without it, all three are tried
 *
 * Gradients flow through the units of a layer and stop at its input. In one layer the whole network learns by
 * backpropagation; in three, every dense unit has a layer and a loss of its own, which is Mono-Forward. What
 * the network computes, up to the heads, is the same; what differs is what it learns from, how much memory
 * that takes, and how long.
 *
 * The data are drawn: digits of seven segments, 28 x 28 pixels, shifted at random, some segments faint, under
 * noise. Seconds are those of the processor in the training steps.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, UNITS = 3 };
enum { BATCH = 100, STEPS = 100, TEST = 1000, HIGH = 7, THICK = 2, SHIFTS = 3 };

static const size_t widths[UNITS] = {1000, 1000, CLASSES};

/* Which of the three dense units begin a layer, by the number of layers. */
static const int begins[UNITS][UNITS] = {{1, 0, 0}, {1, 1, 0}, {1, 1, 1}};

static float x[TEST][PIXELS];
static int32_t y[TEST];

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

/* ---- the data ---- */

static uint64_t state;

static float uniform(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)(state >> 40) / (1 << 24);
}

static void bar(float *image, int top, int left, int high, int wide)
{
    float light = 0.4f + 0.6f * uniform();
    for (int row = top; row < top + high; row++)
        for (int column = left; column < left + wide; column++)
            image[row * SIDE + column] += light;
}

static int32_t draw(float *image)
{
    /* The segments that are lit: top, middle, bottom, upper left, upper right, lower left, lower right. */
    static const int lit[CLASSES] = {0x7d, 0x50, 0x37, 0x57, 0x5a, 0x4f, 0x6f, 0x51, 0x7f, 0x5f};
    int32_t label = (int32_t)(uniform() * CLASSES);
    int top = 4 + (int)(uniform() * SHIFTS), left = 8 + (int)(uniform() * SHIFTS);
    for (int i = 0; i < PIXELS; i++)
        image[i] = uniform() - 0.5f;
    for (int i = 0; i < 3; i++)
        if (lit[label] >> i & 1)
            bar(image, top + i * HIGH, left, THICK, HIGH + THICK);
    for (int i = 0; i < 4; i++)
        if (lit[label] >> (3 + i) & 1)
            bar(image, top + i / 2 * HIGH, left + i % 2 * HIGH, HIGH + THICK, THICK);
    return label;
}

static void draw_rows(size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        y[i] = draw(x[i]);
}

/* ---- the network ---- */

static mf_builder *begin_layer(size_t inputs, uint64_t seed)
{
    mf_shape input;
    mf_builder_spec spec;
    mf_builder *builder;
    check(mf_shape_init(&input, sizeof input));
    input.rank = 1;
    input.dims[0] = inputs;
    check(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = &input;
    spec.seed = seed;
    check(mf_builder_create(&spec, &builder));
    return builder;
}

static void add_dense(mf_builder *builder, size_t outputs, int activated)
{
    mf_unit_spec unit;
    check(mf_unit_spec_init(&unit, sizeof unit));
    unit.outputs = outputs;
    check(mf_builder_unit(builder, &unit, NULL));
    unit.kind = MF_UNIT_ACTIVATION; /* ReLU, unless told otherwise; reads the unit before */
    if (activated)
        check(mf_builder_unit(builder, &unit, NULL));
}

static void end_layer(mf_builder *builder)
{
    mf_head_spec head;
    check(mf_head_spec_init(&head, sizeof head));
    head.classes = CLASSES;
    check(mf_builder_head(builder, &head));
}

/* Fills builders[layers], one for each layer. */
static void describe(int layers, mf_builder **builders)
{
    int layer = -1;
    for (int i = 0; i < UNITS; i++) {
        if (begins[layers - 1][i]) {
            if (layer >= 0)
                end_layer(builders[layer]);
            layer++;
            builders[layer] = begin_layer(i == 0 ? PIXELS : widths[i - 1], (uint64_t)layer + 1);
        }
        add_dense(builders[layer], widths[i], i + 1 < UNITS);
    }
    end_layer(builders[layer]);
}

static mf_network *build(int layers, mf_builder *const *builders)
{
    mf_network *network;
    check(mf_network_create(NULL, &network));
    for (int i = 0; i < layers; i++) {
        mf_layer *layer;
        check(mf_layer_build(builders[i], &layer));
        check(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    return network;
}

/* ---- training, the same for every cut ---- */

static double train(mf_network *network, mf_workspace *workspace)
{
    clock_t spent = 0;
    for (int step = 0; step < STEPS; step++) {
        draw_rows(BATCH);
        clock_t start = clock();
        check(mf_network_step(network, workspace, BATCH, x[0], y));
        spent += clock() - start;
    }
    return (double)spent / CLOCKS_PER_SEC;
}

/* Percent of fresh digits that the last layer names rightly. */
static double test(const mf_network *network, mf_workspace *workspace)
{
    static int32_t answers[BATCH];
    int right = 0;
    draw_rows(TEST);
    for (size_t first = 0; first < TEST; first += BATCH) {
        check(mf_network_predict(network, workspace, MF_PREDICT_LAST, BATCH, x[first], answers));
        for (size_t i = 0; i < BATCH; i++)
            right += answers[i] == y[first + i];
    }
    return 100.0 * right / TEST;
}

static void try_cut(int layers)
{
    mf_builder *builders[UNITS];
    describe(layers, builders);

    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how));
    check(mf_optimizer_create(&how, &optimizer));

    /* Known before anything is there: */
    mf_memory memory = {.struct_size = sizeof memory};
    check(mf_network_memory_built(builders, (size_t)layers, &how, MF_WORKSPACE_TRAINING, BATCH, &memory));

    mf_network *network = build(layers, builders);
    check(mf_network_set_optimizer(network, optimizer));

    mf_workspace_spec room;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = BATCH;
    check(mf_workspace_create(&room, &workspace));

    state = 1; /* the same digits for every cut */
    double seconds = train(network, workspace), accuracy = test(network, workspace);
    printf("result example=10_where_to_cut cut=%d steps=%d accuracy=%.2f bytes=%zu workspace_bytes=%zu "
           "seconds=%.2f\n",
           layers, STEPS, accuracy, memory.total, memory.workspace, seconds);

    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    for (int i = 0; i < layers; i++)
        mf_builder_free(builders[i]);
}

int main(int count, char **words)
{
    char *end = NULL;
    long cut = count > 1 ? strtol(words[1], &end, 10) : 0;
    if (count > 2 || (count == 2 && (*end != '\0' || cut < 1 || cut > UNITS))) {
        fprintf(stderr, "usage: 10_where_to_cut [1|2|3]\n");
        return EXIT_FAILURE;
    }
    for (int layers = 1; layers <= UNITS; layers++)
        if (cut == 0 || cut == layers)
            try_cut(layers);
    return EXIT_SUCCESS;
}
