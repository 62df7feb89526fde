/* Writes trained networks as ONNX models into a folder, with images and what the library makes of them:
 *
 *     <images>.f32      [rows, values] test images
 *     <network>.onnx    the model
 *     <network>.f32     goodness_last, probabilities_last, goodness_sum, probabilities_sum,
 *                       [rows, classes] each
 *     <network>.i32     label_last, label_sum, [rows] each
 *     networks.txt      a line for each: network images rows classes positions, then the shape of an image;
 *                       positions is 0 for goodness of rows, and otherwise [rows, ...] is [rows, positions, ...] above
 *
 * Usage: onnx_networks OUT [DATA], with DATA as in images.h. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "build.h"
#include "built.h"

enum { BATCH = 64, STEPS = 24 };

static const char *out_folder;
static FILE *list;

static void write_file(const char *name, const char *ending, const void *bytes, size_t count)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.%s", out_folder, name, ending);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, count, file) != count || fclose(file) != 0)
        fail_msg("cannot write %s", path);
}

/* ---- building ---- */

static void add(mf_network *network, const mf_layer_spec *spec)
{
    mf_layer *layer = make_layer(spec);

    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static mf_layer_spec first_of(const images *set, int convolution)
{
    mf_layer_spec spec = layer_spec(0, 0, IMAGE_CLASSES);

    if (!convolution) {
        spec.inputs = set->values;
        return spec;
    }
    spec.kind = MF_LAYER_CONV2D;
    spec.channels = set->channels;
    spec.height = set->height;
    spec.width = set->width;
    return spec;
}

/* A layer with the same options behind `before`; its own sizes are for the caller to set. */
static mf_layer_spec next_of(const mf_layer_spec *before, int32_t kind)
{
    mf_layer_spec spec = *before;

    spec.kind = kind;
    spec.inputs = spec.outputs = spec.head_size = 0;
    spec.pool = MF_POOL_NONE;
    spec.seed++;
    check_ok(mf_layer_spec_follow(&spec, before));
    return spec;
}

static mf_network *dense_network(const images *set, int32_t activation, int32_t normalization)
{
    const size_t widths[] = {96, 64, 48};
    mf_network *network = make_network();
    mf_layer_spec spec = first_of(set, 0);

    spec.activation = activation;
    spec.normalization = normalization;
    spec.leak = 0.2f;
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        if (i > 0)
            spec = next_of(&spec, MF_LAYER_DENSE);
        spec.outputs = widths[i];
        add(network, &spec);
    }
    return network;
}

/* Two convolutions and a dense layer. The heads read, in turn, maps as they are, or pooled in windows of
 * equal sizes or of different ones, as `heads` tells. */
static mf_network *conv_network(const images *set, int32_t activation, int32_t normalization, int32_t pool,
                                const size_t heads[2])
{
    mf_network *network = make_network();
    mf_layer_spec spec = first_of(set, 1);

    spec.activation = activation;
    spec.normalization = normalization;
    spec.leak = 0.2f;
    spec.filters = 8;
    spec.padding[0] = spec.padding[1] = 1;
    spec.pool = pool;
    spec.head_size = heads[0];
    spec.stride[0] = spec.stride[1] = pool == MF_POOL_NONE ? 2 : 1;
    add(network, &spec);
    spec = next_of(&spec, MF_LAYER_CONV2D);
    spec.filters = 12;
    spec.pool = pool;
    spec.head_size = heads[1];
    add(network, &spec);
    spec = next_of(&spec, MF_LAYER_DENSE);
    spec.outputs = 40;
    add(network, &spec);
    return network;
}

/* Everything with two sizes has two different ones; layers without bias, with and without normalisation;
 * pools that overlap and pools with gaps; a convolution behind a dense layer. */
static mf_network *odd_network(const images *set)
{
    mf_network *network = make_network();
    mf_layer_spec spec = first_of(set, 1);

    spec.bias = 0;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.normalization_epsilon = 0.01f;
    spec.filters = 6;
    spec.kernel[0] = 5;
    spec.kernel[1] = 2;
    spec.stride[1] = 2;
    spec.padding[0] = 3;
    spec.pool = MF_POOL_MAX;
    spec.pool_size[0] = 3;
    spec.pool_stride[0] = 2;
    spec.pool_stride[1] = 3;
    spec.head_size = 2;
    add(network, &spec);
    spec = next_of(&spec, MF_LAYER_DENSE);
    spec.activation = MF_ACTIVATION_TANH;
    spec.outputs = 3 * 7 * 6;
    add(network, &spec);
    spec = next_of(&spec, MF_LAYER_CONV2D);
    spec.normalization = MF_NORMALIZATION_NONE;
    spec.activation = MF_ACTIVATION_GELU;
    spec.channels = 3;
    spec.height = 7;
    spec.width = 6;
    spec.inputs = 0;
    spec.filters = 5;
    spec.kernel[0] = spec.kernel[1] = 3;
    spec.stride[0] = spec.stride[1] = 1;
    spec.padding[0] = 0;
    spec.pool = MF_POOL_AVERAGE;
    spec.pool_size[0] = spec.pool_size[1] = 2;
    spec.pool_stride[0] = spec.pool_stride[1] = 1;
    spec.head_size = 3;
    add(network, &spec);
    return network;
}

static mf_network *deep_network(const images *set)
{
    mf_network *network = make_network();
    mf_layer_spec spec = first_of(set, 0);

    for (int i = 0; i < 30; i++) {
        if (i > 0)
            spec = next_of(&spec, MF_LAYER_DENSE);
        spec.outputs = 24;
        add(network, &spec);
    }
    return network;
}

/* ---- training, and what comes of it ---- */

/* The goodness of a row: of its positions, or 0 of itself. */
static size_t positions_of(const mf_network *network)
{
    mf_shape goodness = {.struct_size = sizeof goodness};

    check_ok(mf_layer_goodness_shape(layer_at(network, 0), &goodness));
    return goodness.rank == 2 ? goodness.dims[0] : 0;
}

/* Every position has the label of its row, but for some that have none. */
static int32_t *labels_of(const images *set, size_t first, size_t positions)
{
    size_t each = positions ? positions : 1;
    int32_t *labels = get_memory(BATCH * each * sizeof *labels);

    for (size_t i = 0; i < BATCH * each; i++)
        labels[i] = positions && i % 5 == 4 ? MF_LABEL_IGNORED : set->labels[first + i / each];
    return labels;
}

static void train(mf_network *network, const images *set)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.003);
    mf_workspace *workspace;

    check_ok(mf_network_set_optimizer(network, optimizer));
    workspace = make_network_workspace(network, BATCH);
    for (size_t step = 0; step < STEPS; step++) {
        size_t first = step * BATCH % IMAGES_TO_LEARN;

        int32_t *labels = labels_of(set, first, positions_of(network));

        check_ok(mf_network_step(network, workspace, BATCH, set->learn + first * set->values, labels));
        free(labels);
    }
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
}

static void write_answers(const mf_network *network, mf_workspace *workspace, const images *set,
                          const char *name)
{
    size_t positions = positions_of(network), rows = IMAGES_TO_TEST * (positions ? positions : 1);
    float *answers = get_memory(4 * rows * IMAGE_CLASSES * sizeof *answers);
    int32_t *labels = get_memory(2 * rows * sizeof *labels);
    mf_batch batch = make_batch(IMAGES_TO_TEST, set->test, NULL);

    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        float *goodness = answers + 2 * (size_t)mode * rows * IMAGE_CLASSES;

        check_ok(mf_network_infer(network, workspace, mode, &batch, labels + (size_t)mode * rows, goodness,
                                  goodness + rows * IMAGE_CLASSES));
    }
    write_file(name, "f32", answers, 4 * rows * IMAGE_CLASSES * sizeof *answers);
    write_file(name, "i32", labels, 2 * rows * sizeof *labels);
    free(answers);
    free(labels);
}

static void finish(mf_network *network, const images *set, const char *name)
{
    char path[4096];
    mf_shape input = {.struct_size = sizeof input};
    mf_workspace *workspace;

    train(network, set);
    workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, IMAGES_TO_TEST);
    write_answers(network, workspace, set, name);
    check_ok(mf_network_metadata_set(network, "name", name)); /* as checker.py expects */
    check_ok(mf_network_metadata_set(network, "\xC3\xA4 \"quoted\"", "\n\\ \xF0\x9F\x99\x82"));
    snprintf(path, sizeof path, "%s/%s.onnx", out_folder, name);
    check_ok(mf_network_export_onnx(network, path));
    fprintf(list, "%s %s %d %d %zu", name, set->name, IMAGES_TO_TEST, IMAGE_CLASSES, positions_of(network));
    check_ok(mf_layer_shape(layer_at(network, 0), &input, NULL));
    for (int32_t d = 0; d < input.rank; d++)
        fprintf(list, " %zu", input.dims[d]);
    fprintf(list, "\n");
    mf_workspace_free(workspace);
    mf_network_free(network);
}

static const char *const activations[] = {"identity", "relu", "leaky", "tanh", "gelu", "silu"};
static const char *const pools[] = {"unpooled", "average", "max"};

static void dense_networks(const images *set)
{
    char name[96];

    for (int32_t activation = 0; activation < (int32_t)COUNT_OF(activations); activation++)
        for (int32_t norm = 0; norm <= 1; norm++) {
            snprintf(name, sizeof name, "%s-dense-%s%s", set->name, activations[activation],
                     norm ? "-norm" : "");
            finish(dense_network(set, activation, norm), set, name);
        }
}

static void conv_networks(const images *set)
{
    const size_t heads[3][2] = {{0, 3}, {5, 0}, {7, 4}};
    char name[96];

    for (int32_t activation = 0; activation < (int32_t)COUNT_OF(activations); activation++)
        for (int32_t pool = 0; pool < (int32_t)COUNT_OF(pools); pool++)
            for (int32_t norm = 0; norm <= 1; norm++) {
                int which = (activation + pool + norm) % 3;

                snprintf(name, sizeof name, "%s-conv-%s-%s%s-heads%zu,%zu", set->name,
                         activations[activation], pools[pool], norm ? "-norm" : "", heads[which][0],
                         heads[which][1]);
                finish(conv_network(set, activation, norm, pool, heads[which]), set, name);
            }
}

static void networks_of_units(const images *set)
{
    char name[96];
    for (int which = 0; which < BUILT_NETWORKS; which++) {
        snprintf(name, sizeof name, "%s-built-%s", set->name, built_name(which));
        finish(built_network(which, set), set, name);
    }
}

static void random_networks(void)
{
    char drawn[40], name[96];

    for (uint64_t seed = 1; seed <= RANDOM_NETWORKS; seed++) {
        images set;
        mf_network *network = random_network(seed, &set);

        snprintf(drawn, sizeof drawn, "random-%d", (int)seed);
        snprintf(name, sizeof name, "%s-built", drawn);
        set.name = drawn;
        write_file(drawn, "f32", set.test, IMAGES_TO_TEST * set.values * sizeof *set.test);
        finish(network, &set, name);
        drop_images(&set);
    }
}

int main(int count, char **arguments)
{
    char path[4096];
    images sets[2];

    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: %s OUT [DATA]\n", arguments[0]);
        return 2;
    }
    out_folder = arguments[1];
    snprintf(path, sizeof path, "%s/networks.txt", out_folder);
    list = fopen(path, "w");
    if (list == NULL)
        fail_msg("cannot write %s", path);
    sets[0] = mnist_images(arguments[2]);
    sets[1] = cifar_images(arguments[2]);
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        const images *set = &sets[i];

        printf("%s: %s images\n", set->name, set->real ? "real" : "drawn");
        write_file(set->name, "f32", set->test, IMAGES_TO_TEST * set->values * sizeof *set->test);
        if (i == 0)
            dense_networks(set);
        conv_networks(set);
        snprintf(path, sizeof path, "%s-odd", set->name);
        finish(odd_network(set), set, path);
        networks_of_units(set);
    }
    random_networks();
    finish(deep_network(&sets[0]), &sets[0], "mnist-deep");
    for (size_t i = 0; i < COUNT_OF(sets); i++)
        drop_images(&sets[i]);
    return fclose(list) != 0;
}
