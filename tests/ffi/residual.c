/* Layers built in C: a residual block, and four with a sampled head, with similarities, with an auxiliary head and with
 * a matrix of the host's. A line each, the FNV-1a of parameters: of the first as drawn, and of all after 30 steps. The bindings build and
 * train the same, and compare. SPDX-License-Identifier: MIT */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>

enum { MAPS = 4, SIDE = 6, VALUES = MAPS * SIDE * SIDE, ROWS = 12, CLASSES = 3, STEPS = 30 };
enum { WIDTH = 16, OUTPUT = 2, MANY_CLASSES = 50 }; /* of the layers with other heads */

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static mf_builder *begin(mf_shape input)
{
    mf_builder_spec spec;
    mf_builder *builder;
    check(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = &input;
    spec.seed = 7;
    check(mf_builder_create(&spec, &builder));
    return builder;
}

static mf_layer *finish(mf_builder *builder, const mf_head_spec *head)
{
    mf_layer *layer;
    check(mf_builder_head(builder, head));
    check(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return layer;
}

static mf_layer *build_residual(void)
{
    mf_shape input;
    mf_unit_spec conv, norm, add, relu;
    mf_head_spec head;
    check(mf_shape_init(&input, sizeof input));
    input.rank = 3;
    input.dims[0] = MAPS;
    input.dims[1] = input.dims[2] = SIDE;
    check(mf_unit_spec_init(&conv, sizeof conv));
    norm = add = relu = conv;
    conv.kind = MF_UNIT_CONV2D;
    conv.outputs = MAPS;
    conv.padding[0] = conv.padding[1] = 1;
    norm.kind = MF_UNIT_BATCH_NORM;
    add.kind = MF_UNIT_ADD;
    relu.kind = MF_UNIT_ACTIVATION;
    const mf_unit_spec *units[] = {&conv, &norm, &relu, &conv, &norm, &add, &relu};
    mf_builder *builder = begin(input);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        check(mf_builder_unit(builder, units[i], NULL));
    check(mf_head_spec_init(&head, sizeof head));
    head.classes = CLASSES;
    return finish(builder, &head);
}

static void add_dense(mf_builder *builder, size_t outputs, int32_t bias, float loss_weight)
{
    mf_unit_spec unit;
    check(mf_unit_spec_init(&unit, sizeof unit));
    unit.outputs = outputs;
    unit.bias = bias;
    unit.loss_weight = loss_weight;
    check(mf_builder_unit(builder, &unit, NULL));
}

static void add_relu(mf_builder *builder)
{
    mf_unit_spec unit;
    check(mf_unit_spec_init(&unit, sizeof unit));
    unit.kind = MF_UNIT_ACTIVATION;
    check(mf_builder_unit(builder, &unit, NULL));
}

/* What the layers with other heads have in common; the node of its output is OUTPUT. */
static mf_builder *begin_dense(mf_head_spec *head)
{
    mf_shape input;
    check(mf_shape_init(&input, sizeof input));
    input.rank = 1;
    input.dims[0] = VALUES;
    mf_builder *builder = begin(input);
    add_dense(builder, WIDTH, 1, 0);
    add_relu(builder);
    check(mf_head_spec_init(head, sizeof *head));
    head->classes = CLASSES;
    return builder;
}

static mf_layer *build_sampled(void)
{
    mf_head_spec head;
    mf_builder *builder = begin_dense(&head);
    add_dense(builder, 4, 0, 0);
    head.classes = MANY_CLASSES;
    head.output_node = OUTPUT;
    head.sampling = MF_SAMPLING_LOG_UNIFORM;
    head.candidates = 10;
    return finish(builder, &head);
}

static mf_layer *build_similar(void)
{
    mf_head_spec head;
    mf_builder *builder = begin_dense(&head);
    add_dense(builder, WIDTH, 1, 0);
    head.similarity = 0.75f;
    return finish(builder, &head);
}

static mf_layer *build_auxiliary(void)
{
    mf_head_spec head;
    mf_builder *builder = begin_dense(&head);
    add_dense(builder, 8, 1, 0);
    add_relu(builder);
    add_dense(builder, CLASSES, 1, 0.5f);
    head.input_node = OUTPUT;
    return finish(builder, &head);
}

/* M is three columns of the host's, and one that the layer learns. */
static mf_layer *build_shared(void)
{
    enum { COLUMNS = 3 };
    float values[MANY_CLASSES * COLUMNS];
    mf_matrix_spec spec;
    mf_matrix *matrix;
    mf_head_spec head;
    for (int i = 0; i < MANY_CLASSES * COLUMNS; i++)
        values[i] = (float)(i * 37 % 64) / 32 - 1;
    check(mf_matrix_spec_init(&spec, sizeof spec));
    spec.rows = MANY_CLASSES;
    spec.columns = COLUMNS;
    spec.values = values;
    check(mf_matrix_create(&spec, &matrix));
    mf_builder *builder = begin_dense(&head);
    add_dense(builder, COLUMNS + 1, 0, 0);
    head.classes = MANY_CLASSES;
    head.output_node = OUTPUT;
    head.shared = matrix;
    mf_layer *layer = finish(builder, &head);
    mf_matrix_free(matrix);
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

static void train(mf_layer *layer)
{
    static float x[ROWS * VALUES];
    static int32_t y[ROWS];
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
    for (int step = 0; step < STEPS; step++)
        check(mf_layer_step(layer, workspace, ROWS, x, y, NULL));
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    mf_layer *layers[] = {build_residual(), build_sampled(), build_similar(), build_auxiliary(),
                          build_shared()};
    print_hash(layers[0]);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        train(layers[i]);
        print_hash(layers[i]);
        mf_layer_free(layers[i]);
    }
    return 0;
}
