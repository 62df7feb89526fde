/* A residual block built in C: two lines, the FNV-1a of its parameters as drawn, and after 30 steps. The
 * bindings build and train the same, and compare. SPDX-License-Identifier: MIT */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

enum { MAPS = 4, SIDE = 6, VALUES = MAPS * SIDE * SIDE, ROWS = 12, CLASSES = 3, STEPS = 30 };

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static mf_layer *build(void)
{
    mf_shape input;
    mf_builder_spec spec;
    mf_builder *builder;
    mf_unit_spec conv, norm, add, relu;
    mf_head_spec head;
    mf_layer *layer;
    check(mf_shape_init(&input, sizeof input));
    input.rank = 3;
    input.dims[0] = MAPS;
    input.dims[1] = input.dims[2] = SIDE;
    check(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = &input;
    spec.seed = 7;
    check(mf_unit_spec_init(&conv, sizeof conv));
    norm = add = relu = conv;
    conv.kind = MF_UNIT_CONV2D;
    conv.outputs = MAPS;
    conv.padding[0] = conv.padding[1] = 1;
    norm.kind = MF_UNIT_BATCH_NORM;
    add.kind = MF_UNIT_ADD;
    relu.kind = MF_UNIT_ACTIVATION;
    const mf_unit_spec *units[] = {&conv, &norm, &relu, &conv, &norm, &add, &relu};
    check(mf_builder_create(&spec, &builder));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        check(mf_builder_unit(builder, units[i], NULL));
    check(mf_head_spec_init(&head, sizeof head));
    head.classes = CLASSES;
    check(mf_builder_head(builder, &head));
    check(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return layer;
}

static void print_hash(const mf_layer *layer)
{
    static float values[4096];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t count;
    check(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info;
        check(mf_parameter_info_init(&info, sizeof info));
        check(mf_layer_parameter_info(layer, i, &info));
        check(mf_layer_get_parameter(layer, info.name, values, info.count));
        const unsigned char *bytes = (const unsigned char *)values;
        for (size_t k = 0; k < info.count * sizeof *values; k++)
            hash = (hash ^ bytes[k]) * UINT64_C(0x100000001b3);
    }
    printf("%016llx\n", (unsigned long long)hash);
}

int main(void)
{
    static float x[ROWS * VALUES];
    static int32_t y[ROWS];
    mf_layer *layer = build();
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    mf_workspace_spec room;
    mf_workspace *workspace;
    for (int i = 0; i < ROWS * VALUES; i++)
        x[i] = (float)((uint32_t)i * 7919 % 1009) / 1009;
    for (int i = 0; i < ROWS; i++)
        y[i] = i % CLASSES;
    check(mf_optimizer_spec_init(&how, sizeof how));
    how.learning_rate = 0.01f;
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_layer_set_optimizer(layer, optimizer));
    check(mf_workspace_spec_init(&room, sizeof room));
    room.layer = layer;
    room.max_batch = ROWS;
    check(mf_workspace_create(&room, &workspace));
    print_hash(layer);
    for (int step = 0; step < STEPS; step++)
        check(mf_layer_step(layer, workspace, ROWS, x, y, NULL));
    print_hash(layer);
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
    mf_layer_free(layer);
    return 0;
}
