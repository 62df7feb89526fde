/* Writes model files into a folder: once for each version of the format, never again. Arguments: the
 * folder. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "golden.h"

static void save(const char *folder, const char *name, mf_network *network, int32_t contents)
{
    char path[1000];

    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    check_ok(mf_network_save(network, contents, path));
    mf_network_free(network);
}

static void append(mf_network *network, const mf_layer_spec *spec)
{
    mf_layer *layer = make_layer(spec);

    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static mf_network *dense(void)
{
    const int32_t activations[] = {MF_ACTIVATION_LEAKY_RELU, MF_ACTIVATION_TANH, MF_ACTIVATION_GELU,
                                   MF_ACTIVATION_IDENTITY};
    mf_network *network = make_network();

    for (size_t i = 0; i < COUNT_OF(activations); i++) {
        mf_layer_spec spec = layer_spec(i == 0 ? GOLDEN_INPUTS : 4 + i - 1, 4 + i, GOLDEN_CLASSES);

        spec.activation = activations[i];
        spec.bias = i != 2;
        spec.seed = 100 + i;
        spec.leak = 0.2f;
        append(network, &spec);
    }
    return network;
}

static mf_network *maps(void)
{
    mf_network *network = make_network();
    mf_layer_spec one = layer_spec(0, 0, GOLDEN_CLASSES), other = one,
                  last = layer_spec(1, 5, GOLDEN_CLASSES);

    one.kind = other.kind = MF_LAYER_CONV2D;
    one.channels = 2;
    one.height = 6;
    one.width = 5;
    one.filters = 3;
    one.padding[0] = 1;
    one.stride[1] = 1;
    one.pool = MF_POOL_MAX;
    one.pool_size[1] = 1;
    one.normalization = MF_NORMALIZATION_BATCH;
    one.seed = 200;
    check_ok(mf_layer_spec_follow(&other, &one));
    other.filters = 4;
    other.kernel[0] = other.kernel[1] = 2;
    other.pool = MF_POOL_AVERAGE;
    other.pool_size[0] = other.pool_size[1] = 1;
    other.head_size = 1;
    other.activation = MF_ACTIVATION_TANH;
    other.seed = 201;
    check_ok(mf_layer_spec_follow(&last, &other));
    last.normalization = MF_NORMALIZATION_BATCH;
    last.seed = 202;
    append(network, &one);
    append(network, &other);
    append(network, &last);
    return network;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    const size_t widths[] = {GOLDEN_INPUTS, 5, 4};
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_ADAMW, 0.02);
    mf_optimizer *optimizer = NULL;
    mf_network *network;

    save(folder, "dense", dense(), MF_CONTENTS_MODEL);

    how.weight_decay = 0.1f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    network = maps();
    check_ok(mf_network_set_optimizer(network, optimizer));
    golden_train(network, GOLDEN_MAPS, 4);
    save(folder, "maps", network, MF_CONTENTS_MODEL);

    network = make_stack(widths, 2, GOLDEN_CLASSES, 300, optimizer);
    golden_train(network, GOLDEN_INPUTS, 3);
    save(folder, "training", network, MF_CONTENTS_TRAINING);
    mf_optimizer_free(optimizer);
    return 0;
}
