/* A program as an earlier release's user wrote it: compiled against the kept header of that release, it
 * trains, predicts, saves and loads with every struct that has a size. Its structs may be older than the
 * library's, so behind each stand bytes that the library must not touch. It may use what the oldest kept
 * header has only. SPDX-License-Identifier: MIT */
#include <monoforward.h>

#include <stdio.h>
#include <string.h>

#define ROWS 6
#define STEPS 300

/* A variable of a sized struct with a fence behind it. */
#define FENCED(type, name)       \
    struct {                     \
        type its;                \
        unsigned char fence[64]; \
    } name;                      \
    memset(&(name), 0x5a, sizeof(name))

/* A result is zeroed by the caller, who sets its size. */
#define RESULT(type, name)                      \
    FENCED(type, name);                         \
    memset(&(name).its, 0, sizeof((name).its)); \
    (name).its.struct_size = sizeof((name).its)

#define TRY(call)                                                                           \
    do {                                                                                    \
        mf_status got = (call);                                                             \
        if (got != MF_STATUS_OK) {                                                          \
            fprintf(stderr, "%s: %s: %s\n", #call, mf_status_name(got), mf_last_message()); \
            return 1;                                                                       \
        }                                                                                   \
    } while (0)

#define EXPECT(condition)                                                         \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition); \
            return 1;                                                             \
        }                                                                         \
    } while (0)

#define WHOLE(name) EXPECT(fence_stands((name).fence) && (name).its.struct_size == sizeof((name).its))

static int fence_stands(const unsigned char *fence)
{
    for (int i = 0; i < 64; i++)
        if (fence[i] != 0x5a)
            return 0;
    return 1;
}

/* Three corners of a square, as maps of one value and as rows. */
static const float x[ROWS * 2] = {0, 0, 1, 0, 0, 1, 0.1f, 0.1f, 0.9f, 0.1f, 0.1f, 0.9f};
static const int32_t y[ROWS] = {0, 1, 2, 0, 1, 2};

/* A layer of several units: two dense ones around a sum. */
static int build_layer(mf_layer **layer)
{
    FENCED(mf_shape, input);
    FENCED(mf_builder_spec, spec);
    FENCED(mf_unit_spec, unit);
    FENCED(mf_head_spec, head);
    RESULT(mf_unit_spec, unit_told);
    RESULT(mf_head_spec, head_told);
    RESULT(mf_memory, memory);
    mf_builder *builder = NULL;
    int32_t node = 0;

    TRY(mf_shape_init(&input.its, sizeof input.its));
    input.its.rank = 1;
    input.its.dims[0] = 8;
    TRY(mf_builder_spec_init(&spec.its, sizeof spec.its));
    spec.its.input = &input.its;
    spec.its.seed = 5;
    TRY(mf_builder_create(&spec.its, &builder));
    TRY(mf_unit_spec_init(&unit.its, sizeof unit.its));
    unit.its.outputs = 8;
    TRY(mf_builder_unit(builder, &unit.its, &node));
    unit.its.kind = MF_UNIT_ADD;
    TRY(mf_builder_unit(builder, &unit.its, NULL));
    unit.its.kind = MF_UNIT_ACTIVATION;
    TRY(mf_builder_unit(builder, &unit.its, NULL));
    TRY(mf_head_spec_init(&head.its, sizeof head.its));
    head.its.classes = 3;
    TRY(mf_builder_head(builder, &head.its));
    TRY(mf_network_memory_built(&builder, 1, NULL, MF_WORKSPACE_TRAINING, ROWS, &memory.its));
    TRY(mf_layer_build(builder, layer));
    mf_builder_free(builder);
    TRY(mf_layer_unit(*layer, 2, &unit_told.its, NULL));
    TRY(mf_layer_head(*layer, &head_told.its));
    EXPECT(node == 1 && unit_told.its.kind == MF_UNIT_ADD && unit_told.its.inputs[0] == 1);
    EXPECT(head_told.its.classes == 3 && memory.its.layers > 0);
    WHOLE(input);
    WHOLE(spec);
    WHOLE(unit);
    WHOLE(head);
    WHOLE(unit_told);
    WHOLE(head_told);
    WHOLE(memory);
    return 0;
}

static int add_layers(mf_network *network, mf_optimizer *optimizer)
{
    FENCED(mf_layer_spec, conv);
    FENCED(mf_layer_spec, dense);
    RESULT(mf_layer_spec, told);
    RESULT(mf_shape, output);
    RESULT(mf_parameter_info, info);
    mf_layer *layers[3] = {NULL, NULL, NULL};

    TRY(mf_layer_spec_init(&conv.its, sizeof conv.its));
    conv.its.kind = MF_LAYER_CONV2D;
    conv.its.channels = 2;
    conv.its.height = conv.its.width = 1;
    conv.its.filters = 12;
    conv.its.kernel[0] = conv.its.kernel[1] = 1;
    conv.its.classes = 3;
    conv.its.seed = 3;
    TRY(mf_layer_spec_init(&dense.its, sizeof dense.its));
    TRY(mf_layer_spec_follow(&dense.its, &conv.its));
    dense.its.outputs = 8;
    dense.its.classes = 3;
    dense.its.seed = 4;
    TRY(mf_layer_create(&conv.its, &layers[0]));
    TRY(mf_layer_create(&dense.its, &layers[1]));
    if (build_layer(&layers[2]) != 0)
        return 1;
    for (int i = 0; i < 3; i++) {
        TRY(mf_network_append(network, layers[i], NULL));
        mf_layer_free(layers[i]);
    }
    TRY(mf_network_set_optimizer(network, optimizer));
    TRY(mf_layer_describe(layers[0], &told.its));
    EXPECT(told.its.outputs == 12 && told.its.filters == 12 && told.its.seed == 3);
    TRY(mf_layer_shape(layers[0], NULL, &output.its));
    EXPECT(output.its.rank == 3 && output.its.dims[0] == 12 && output.its.dims[3] == 1);
    TRY(mf_layer_parameter_info(layers[1], 0, &info.its));
    EXPECT(strcmp(info.its.name, "weight") == 0 && info.its.count == 8 * 12 && info.its.trainable == 1);
    WHOLE(conv);
    WHOLE(dense);
    WHOLE(told);
    WHOLE(output);
    WHOLE(info);
    return 0;
}

static int train(mf_network *network, mf_workspace *workspace)
{
    FENCED(mf_batch, batch);
    FENCED(mf_report, first);
    FENCED(mf_report, last);

    TRY(mf_report_init(&first.its, sizeof first.its));
    TRY(mf_report_init(&last.its, sizeof last.its));
    TRY(mf_batch_init(&batch.its, sizeof batch.its));
    batch.its.rows = ROWS;
    batch.its.inputs = x;
    batch.its.targets = y;
    TRY(mf_network_step_batch(network, workspace, &batch.its));
    TRY(mf_workspace_report(workspace, 2, &first.its));
    for (int step = 1; step < STEPS; step++)
        TRY(mf_network_step(network, workspace, ROWS, x, y));
    TRY(mf_workspace_report(workspace, 2, &last.its));
    EXPECT(last.its.rows == ROWS && last.its.applied == STEPS && last.its.gradient_norm == -1);
    EXPECT(last.its.loss > 0 && last.its.loss < first.its.loss / 4);
    WHOLE(batch);
    WHOLE(first);
    WHOLE(last);
    return 0;
}

static int32_t count_report(void *user, const mf_pipeline_report *report)
{
    /* Fields may come behind those this program knows. */
    *(int *)user += report->struct_size >= sizeof *report && report->rows == ROWS;
    return 0;
}

static int train_in_a_pipeline(mf_network *network)
{
    FENCED(mf_pipeline_spec, spec);
    RESULT(mf_pipeline_report, report);
    RESULT(mf_pipeline_progress_info, progress);
    mf_pipeline *pipeline = NULL;
    int reports = 0;

    TRY(mf_pipeline_spec_init(&spec.its, sizeof spec.its));
    spec.its.network = network;
    spec.its.workers = 2;
    spec.its.max_batch = ROWS;
    TRY(mf_pipeline_create(&spec.its, &pipeline));
    TRY(mf_pipeline_submit(pipeline, ROWS, x, y));
    TRY(mf_pipeline_flush(pipeline));
    TRY(mf_pipeline_poll(pipeline, &report.its));
    EXPECT(report.its.batch == 0 && report.its.position == 0 && report.its.applied == STEPS + 1);
    TRY(mf_pipeline_progress(pipeline, &progress.its));
    EXPECT(progress.its.submitted == 1 && progress.its.finished == 1 && progress.its.stopped == 0);
    mf_pipeline_free(pipeline);
    spec.its.on_report = count_report;
    spec.its.user = &reports;
    TRY(mf_pipeline_create(&spec.its, &pipeline));
    TRY(mf_pipeline_submit(pipeline, ROWS, x, y));
    TRY(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
    EXPECT(reports == 3);
    WHOLE(spec);
    WHOLE(report);
    WHOLE(progress);
    return 0;
}

/* Through a buffer, and with an allocator of a program without a heap. */
static int save_and_load(mf_network *network)
{
    static unsigned char file[65536], heap[262144];
    FENCED(mf_load_spec, spec);
    mf_allocator arena;
    mf_network *loaded = NULL;
    size_t bytes = 0, layers = 0;

    TRY(mf_network_save_buffer(network, MF_CONTENTS_TRAINING, file, sizeof file, &bytes));
    TRY(mf_arena_init(heap, sizeof heap, &arena));
    TRY(mf_load_spec_init(&spec.its, sizeof spec.its));
    spec.its.contents = MF_CONTENTS_TRAINING;
    spec.its.max_bytes = bytes;
    spec.its.allocator = &arena;
    mf_status status = mf_network_load_buffer(&spec.its, file, bytes, &loaded);
    WHOLE(spec);
    if (status == MF_STATUS_UNSUPPORTED) /* built without a JSON library */
        return 0;
    TRY(status);
    TRY(mf_network_size(loaded, &layers));
    EXPECT(layers == 3);
    mf_network_free(loaded);
    return 0;
}

static int ask_for_memory(void)
{
    FENCED(mf_layer_spec, layer);
    FENCED(mf_optimizer_spec, optimizer);
    RESULT(mf_memory, memory);
    const mf_layer_spec *layers[1] = {&layer.its};

    TRY(mf_layer_spec_init(&layer.its, sizeof layer.its));
    layer.its.inputs = layer.its.outputs = layer.its.classes = 4;
    TRY(mf_optimizer_spec_init(&optimizer.its, sizeof optimizer.its));
    TRY(mf_network_memory(layers, 1, &optimizer.its, MF_WORKSPACE_TRAINING, ROWS, &memory.its));
    EXPECT(memory.its.layers > 0 && memory.its.arena >= memory.its.total);
    WHOLE(memory);
    return 0;
}

static int use_everything(mf_network *network)
{
    FENCED(mf_optimizer_spec, rule);
    FENCED(mf_workspace_spec, room);
    mf_optimizer *optimizer = NULL;
    mf_workspace *workspace = NULL;
    int32_t labels[ROWS];

    TRY(mf_optimizer_spec_init(&rule.its, sizeof rule.its));
    rule.its.learning_rate = 0.02f;
    TRY(mf_optimizer_create(&rule.its, &optimizer));
    if (add_layers(network, optimizer) != 0)
        return 1;
    TRY(mf_workspace_spec_init(&room.its, sizeof room.its));
    room.its.network = network;
    room.its.max_batch = ROWS;
    TRY(mf_workspace_create(&room.its, &workspace));
    if (train(network, workspace) != 0)
        return 1;
    TRY(mf_network_predict(network, workspace, MF_PREDICT_LAST, ROWS, x, labels));
    EXPECT(memcmp(labels, y, sizeof y) == 0);
    WHOLE(rule);
    WHOLE(room);
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
    return train_in_a_pipeline(network) || save_and_load(network) || ask_for_memory();
}

int main(void)
{
    FENCED(mf_network_spec, spec);
    mf_network *network = NULL;

    TRY(mf_network_spec_init(&spec.its, sizeof spec.its));
    TRY(mf_network_create(&spec.its, &network));
    if (use_everything(network) != 0)
        return 1;
    WHOLE(spec);
    mf_network_free(network);
    printf("compiled for %d.%d.%d, ran with %s: learned\n", MF_VERSION_MAJOR, MF_VERSION_MINOR,
           MF_VERSION_PATCH, mf_version());
    return 0;
}
