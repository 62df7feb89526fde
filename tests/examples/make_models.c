/* Writes models for the tests of programs that take one from outside:
 *
 *     make_models FOLDER
 *
 * positions.safetensors   reads images of 10 x 10 pixels, and answers for each of their places
 * drawings.safetensors    the same of 28 x 28
 * small.onnx, large.onnx  backbones for rows of 3072 inputs, as CIFAR-10 has them, and of 30000
 * SPDX-License-Identifier: MIT */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 10, WIDTH = 32 };

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(2);
    }
}

static void append(mf_network *network, mf_layer *layer)
{
    check(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static mf_layer *positions(size_t side)
{
    mf_shape input;
    mf_builder_spec spec;
    mf_unit_spec tokens, dense;
    mf_head_spec head;
    mf_builder *builder;
    mf_layer *layer;
    check(mf_shape_init(&input, sizeof input));
    check(mf_builder_spec_init(&spec, sizeof spec));
    check(mf_unit_spec_init(&tokens, sizeof tokens));
    check(mf_head_spec_init(&head, sizeof head));
    input.rank = 3;
    input.dims[1] = input.dims[2] = side;
    spec.input = &input;
    spec.seed = 1;
    dense = tokens;
    tokens.kind = MF_UNIT_TOKENS;
    dense.kind = MF_UNIT_DENSE;
    dense.outputs = 4;
    head.kind = MF_HEAD_POSITIONS;
    head.classes = CLASSES;
    check(mf_builder_create(&spec, &builder));
    check(mf_builder_unit(builder, &tokens, NULL));
    check(mf_builder_unit(builder, &dense, NULL));
    check(mf_builder_head(builder, &head));
    check(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return layer;
}

static mf_layer *dense(size_t inputs)
{
    mf_layer_spec spec;
    mf_layer *layer;
    check(mf_layer_spec_init(&spec, sizeof spec));
    spec.inputs = inputs;
    spec.outputs = WIDTH;
    spec.classes = CLASSES;
    spec.seed = 1;
    check(mf_layer_create(&spec, &layer));
    return layer;
}

static void save(const char *folder, const char *name, size_t side)
{
    char path[4096];
    mf_network *network;
    check(mf_network_create(NULL, &network));
    append(network, positions(side));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check(mf_network_save(network, MF_CONTENTS_MODEL, path));
    mf_network_free(network);
}

static void export(const char *folder, const char *name, size_t inputs)
{
    char path[4096];
    mf_network *network;
    check(mf_network_create(NULL, &network));
    append(network, dense(inputs));
    append(network, dense(WIDTH)); /* which goes with the classifier, where that is left out */
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check(mf_network_export_onnx(network, path));
    mf_network_free(network);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    save(argv[1], "positions.safetensors", 10);
    save(argv[1], "drawings.safetensors", 28);
    export(argv[1], "small.onnx", 3072);
    export(argv[1], "large.onnx", 30000);
    return 0;
}
