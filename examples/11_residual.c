/* 11_residual: residual blocks, each one layer of two convolutions and a skip, learn CIFAR-10.
 *
 *     11_residual [--data FOLDER] [--epochs 1] [--images 0] [--summary]
 *
 * Gradients flow through the units of a block and stop at its input: a block learns as a whole, from its own
 * loss, and the blocks learn one by one. The pictures come from FOLDER, or from the folder
 * cifar-10 in $MONOFORWARD_DATA, where the binary version of CIFAR-10 lies, packed by xz or not; without them,
 * shapes are drawn. `images` limits how many of them are learned from; 0: all. What is not about the library,
 * reading pictures and options, is left to studies/cifar10 and studies/common.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include "data.h"
#include "options.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, LAYERS = 4 };

struct settings {
    const char *folder;
    size_t epochs, images;
    bool summary;
};

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "error: %s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static mf_builder *start(const mf_shape *input, uint64_t seed)
{
    mf_builder_spec spec;
    mf_builder *builder;
    check(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = input;
    spec.seed = seed;
    check(mf_builder_create(&spec, &builder));
    return builder;
}

static mf_layer *finish(mf_builder *builder)
{
    mf_head_spec head;
    mf_layer *layer;
    check(mf_head_spec_init(&head, sizeof head));
    head.classes = CLASSES;
    head.pool_size = 4; /* the projection reads 4 x 4 means of each map */
    check(mf_builder_head(builder, &head));
    check(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return layer;
}

/* relu(convolutions of the input + the input). Where the block changes the shape, a 1 x 1 convolution takes
 * the input along. */
static mf_layer *create_block(const mf_shape *input, size_t filters, size_t stride, uint64_t seed)
{
    mf_builder *builder = start(input, seed);
    mf_block_spec block;
    check(mf_block_spec_init(&block, sizeof block));
    block.kind = MF_BLOCK_RESIDUAL;
    block.outputs = filters;
    block.stride[0] = block.stride[1] = stride;
    check(mf_builder_block(builder, &block, NULL));
    return finish(builder);
}

/* A convolution that keeps the size of the maps, and a pooling: behind it, maps have half the size, and
 * blocks cost a quarter. */
static mf_layer *create_stem(const mf_shape *input, size_t filters, uint64_t seed)
{
    mf_builder *builder = start(input, seed);
    mf_unit_spec conv, norm, relu, pool;
    check(mf_unit_spec_init(&conv, sizeof conv));
    norm = relu = pool = conv;
    conv.kind = MF_UNIT_CONV2D; /* 3 x 3 */
    conv.outputs = filters;
    conv.bias = 0; /* that of the normalisation behind it is enough */
    conv.padding[0] = conv.padding[1] = 1;
    norm.kind = MF_UNIT_BATCH_NORM;
    relu.kind = MF_UNIT_ACTIVATION;
    pool.kind = MF_UNIT_POOL;
    pool.pool = MF_POOL_MAX;
    const mf_unit_spec *units[] = {&conv, &norm, &relu, &pool};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        check(mf_builder_unit(builder, units[i], NULL));
    return finish(builder);
}

/* The network and `shape` take the layer over: shape becomes that of its output. */
static void append(mf_network *network, mf_layer *layer, mf_shape *shape)
{
    check(mf_layer_shape(layer, NULL, shape));
    check(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static mf_network *create_network(void)
{
    mf_network *network;
    mf_shape shape;
    check(mf_network_create(NULL, &network));
    check(mf_shape_init(&shape, sizeof shape));
    shape.rank = 3;
    shape.dims[0] = CHANNELS;
    shape.dims[1] = shape.dims[2] = SIDE;
    append(network, create_stem(&shape, 16, 1), &shape);
    append(network, create_block(&shape, 16, 1, 2), &shape);
    append(network, create_block(&shape, 32, 2, 3), &shape);
    append(network, create_block(&shape, 32, 1, 4), &shape);
    return network;
}

static void print_summary(const mf_network *network)
{
    size_t needed = 0;
    mf_network_summary(network, BATCH, NULL, 0, &needed); /* CAPACITY: it tells how much */
    char *text = malloc(needed);
    if (text != NULL) {
        check(mf_network_summary(network, BATCH, text, needed, NULL));
        fputs(text, stdout);
    }
    free(text);
}

static void train(mf_network *network, mf_workspace *workspace, struct data *data, size_t epochs)
{
    static float x[BATCH * PIXELS];
    static int32_t y[BATCH];
    struct random_stream stream = {1};
    for (size_t epoch = 0; epoch < epochs; epoch++) {
        random_shuffle(&stream, data->order, data->train.count);
        for (size_t first = 0; first < data->train.count; first += BATCH) {
            const size_t left = data->train.count - first, rows = left < BATCH ? left : BATCH;
            data_train_batch(data, first, rows, NULL, x, y);
            check(mf_network_step(network, workspace, rows, x, y));
        }
    }
}

/* Percent of the test pictures that each layer gets right, and the loss of the last. */
static double evaluate(const mf_network *network, mf_workspace *workspace, const struct data *data,
                       double right[LAYERS])
{
    static float x[BATCH * PIXELS];
    static int32_t y[BATCH];
    const size_t count = data->test.count;
    double loss = 0;
    memset(right, 0, LAYERS * sizeof *right);
    for (size_t first = 0; first < count; first += BATCH) {
        mf_report report;
        const size_t rows = count - first < BATCH ? count - first : BATCH;
        data_test_batch(data, first, rows, false, x, y);
        check(mf_network_evaluate(network, workspace, rows, x, y));
        check(mf_report_init(&report, sizeof report));
        for (size_t i = 0; i < LAYERS; i++) {
            check(mf_workspace_report(workspace, i, &report));
            right[i] += 100.0 * (double)report.correct / (double)count;
        }
        loss += report.loss * (double)rows / (double)count;
    }
    return loss;
}

static bool read_options(int argc, char **argv, struct settings *settings)
{
    const struct option_rule rules[] = {
        option_text("data", "DIR", "folder of CIFAR-10's binary files", &settings->folder),
        option_count("epochs", "times to go through the pictures (1)", &settings->epochs, 1, 1000),
        option_count("images", "pictures to learn from; 0: all (0)", &settings->images, 0, 1e6),
        option_flag("summary", "print the units of the network", &settings->summary),
    };
    switch (
        options_read(argc, argv, "Residual blocks, each one layer.", rules, sizeof rules / sizeof *rules)) {
    case OPTIONS_READ:
        return true;
    case OPTIONS_HELP:
        exit(EXIT_SUCCESS);
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    struct settings settings = {.epochs = 1};
    struct data data;
    if (!read_options(argc, argv, &settings))
        return EXIT_FAILURE;
    if (!data_open(&data, SET_CIFAR10, data_find(SET_CIFAR10, settings.folder), settings.images, 1)) {
        data_free(&data);
        return EXIT_FAILURE;
    }
    if (data.folder == NULL)
        puts("no CIFAR-10 was found: SHAPES ARE DRAWN instead");
    mf_network *network = create_network();
    if (settings.summary)
        print_summary(network);

    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.002f;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_set_optimizer(network, optimizer));
    mf_workspace_spec room;
    mf_workspace *workspace;
    check(mf_workspace_spec_init(&room, sizeof room));
    room.network = network;
    room.max_batch = BATCH;
    check(mf_workspace_create(&room, &workspace));

    double right[LAYERS];
    train(network, workspace, &data, settings.epochs);
    double loss = evaluate(network, workspace, &data, right);
    for (int i = 0; i < LAYERS; i++)
        printf("layer %d: %.2f%% right\n", i + 1, right[i]);
    printf("result example=11_residual data=%s images=%zu epochs=%zu accuracy=%.2f loss=%.4f\n",
           data.folder == NULL ? "drawn" : "cifar10", data.train.count, settings.epochs, right[LAYERS - 1],
           loss);

    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
    mf_network_free(network);
    data_free(&data);
    return EXIT_SUCCESS;
}
