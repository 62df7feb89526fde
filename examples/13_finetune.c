/* 13_finetune: a backbone from an ONNX model, classes that come later, and a replay buffer against
 * forgetting.
 *
 *     13_finetune                             a backbone made here, on drawn data
 *     13_finetune MODEL.onnx TRAIN TEST       a model for 3x32x32 inputs, and unpacked files of CIFAR-10
 *                                             (data_batch_1.bin, test_batch.bin), of which the first
 *                                             4,000 images are read
 *
 * The classifier of the model is left out, and two layers that learn by themselves come behind the backbone,
 * which is frozen. Batches of 1 to 16 rows come in as a stream: first the lower half of the classes, then the
 * upper half. Without a buffer, what was learned first is lost. With one, half of each batch are rows that
 * were kept. In the end the backbone learns, too.
 *
 * SPDX-License-Identifier: MIT
 */
#include <monoforward.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, ROWS = 16, KEPT = 400, WIDTH = 64, RECORD = 3073, MOST_RECORDS = 4000 };

typedef struct samples {
    size_t count, inputs;
    float *x; /* [count, inputs] */
    int32_t *y;
} samples;

typedef struct learner {
    mf_network *network;
    mf_workspace *workspace;
} learner;

static void check(mf_status status)
{
    if (status != MF_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
        exit(EXIT_FAILURE);
    }
}

static void *memory(size_t count, size_t size)
{
    void *block = calloc(count, size);
    if (block == NULL)
        exit(EXIT_FAILURE);
    return block;
}

static float uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)(*state >> 40) / (1 << 24);
}

/* ---- data ---- */

static samples make_samples(size_t count, size_t inputs)
{
    samples s = {count, inputs, memory(count * inputs, sizeof(float)), memory(count, sizeof(int32_t))};
    return s;
}

/* A class is a place; `task` has places of its own. */
static samples draw(uint64_t task, size_t count)
{
    enum { INPUTS = 24 };
    samples s = make_samples(count, INPUTS);
    float places[CLASSES][INPUTS];
    uint64_t random = task;
    for (int c = 0; c < CLASSES; c++)
        for (int i = 0; i < INPUTS; i++)
            places[c][i] = 2 * uniform(&random) - 1;
    random += count;
    for (size_t row = 0; row < count; row++) {
        s.y[row] = (int32_t)(row % CLASSES);
        for (size_t i = 0; i < INPUTS; i++)
            s.x[row * INPUTS + i] = places[s.y[row]][i] + 2 * uniform(&random) - 1;
    }
    return s;
}

/* Records of a label and 3 x 32 x 32 bytes. */
static samples read_cifar(const char *path)
{
    unsigned char *bytes = memory(MOST_RECORDS, RECORD);
    FILE *file = fopen(path, "rb");
    size_t count = file ? fread(bytes, RECORD, MOST_RECORDS, file) : 0;
    if (count == 0) {
        fprintf(stderr, "no records in %s\n", path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    samples s = make_samples(count, RECORD - 1);
    for (size_t row = 0; row < count; row++) {
        s.y[row] = bytes[row * RECORD];
        if (s.y[row] >= CLASSES) {
            fprintf(stderr, "%s: record %zu has class %d: these are not the unpacked files of CIFAR-10\n",
                    path, row, (int)s.y[row]);
            exit(EXIT_FAILURE);
        }
        for (size_t i = 0; i < s.inputs; i++)
            s.x[row * s.inputs + i] = (float)bytes[row * RECORD + 1 + i] / 127.5f - 1;
    }
    free(bytes);
    return s;
}

/* ---- networks ---- */

static void add_layer(mf_network *network, size_t inputs, size_t outputs, uint64_t seed)
{
    mf_layer_spec spec;
    mf_layer *layer;
    check(mf_layer_spec_init(&spec, sizeof spec));
    spec.inputs = inputs;
    spec.outputs = outputs;
    spec.classes = CLASSES;
    spec.seed = seed;
    check(mf_layer_create(&spec, &layer));
    check(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

static mf_workspace *prepare(mf_network *network)
{
    mf_optimizer_spec how;
    mf_optimizer *optimizer;
    mf_workspace_spec spec;
    mf_workspace *workspace;
    check(mf_optimizer_spec_init(&how, sizeof how));
    check(mf_optimizer_create(&how, &optimizer));
    check(mf_network_set_optimizer(network, optimizer));
    mf_optimizer_free(optimizer);
    check(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    check(mf_workspace_create(&spec, &workspace));
    return workspace;
}

/* What comes from elsewhere in earnest: a network that has learned another task, as an ONNX model. */
static void *make_model(size_t inputs, size_t *bytes)
{
    mf_network *network;
    samples other = draw(99, 4000);
    void *model;
    check(mf_network_create(NULL, &network));
    add_layer(network, inputs, 96, 1);
    add_layer(network, 96, 96, 2);
    mf_workspace *workspace = prepare(network);
    for (size_t row = 0; row + ROWS <= other.count; row += ROWS)
        check(mf_network_step(network, workspace, ROWS, other.x + row * inputs, other.y + row));
    check(mf_network_export_onnx_size(network, bytes));
    model = memory(*bytes, 1);
    check(mf_network_export_onnx_buffer(network, model, *bytes, NULL));
    mf_workspace_free(workspace);
    mf_network_free(network);
    free(other.x);
    free(other.y);
    return model;
}

/* In a row of this shape. */
static size_t values_of(const mf_shape *shape)
{
    return shape->dims[0] * shape->dims[1] * shape->dims[2] * shape->dims[3];
}

/* How long its rows are is for the model to say: with shorter ones, calls would read beyond their end. */
static void expect_inputs(const mf_network *network, size_t inputs)
{
    mf_layer *first;
    mf_shape shape = {.struct_size = sizeof shape};
    check(mf_network_layer(network, 0, &first, NULL));
    check(mf_layer_shape(first, &shape, NULL));
    if (values_of(&shape) != inputs) {
        fprintf(stderr, "the model reads rows of %zu inputs, the data have %zu\n", values_of(&shape), inputs);
        exit(EXIT_FAILURE);
    }
}

/* The backbone, frozen, and two layers behind it. */
static learner adapt(const mf_onnx_spec *model, size_t inputs)
{
    learner made;
    mf_onnx_spec spec = *model;
    mf_layer *last;
    mf_shape output = {.struct_size = sizeof output};
    size_t layers;
    spec.classes = CLASSES;
    spec.frozen = SIZE_MAX;
    spec.seed = 3;
    check(mf_network_import_onnx(&spec, &made.network));
    expect_inputs(made.network, inputs);
    check(mf_network_size(made.network, &layers));
    check(mf_network_layer(made.network, layers - 1, &last, NULL));
    check(mf_layer_shape(last, NULL, &output));
    add_layer(made.network, values_of(&output), WIDTH, 11);
    add_layer(made.network, WIDTH, WIDTH, 12);
    made.workspace = prepare(made.network);
    return made;
}

static void end(learner *one)
{
    mf_workspace_free(one->workspace);
    mf_network_free(one->network);
}

/* ---- learning ---- */

/* The share of the rows of classes from `first` to before `behind` that are answered well. */
static double accuracy(const learner *one, const samples *test, int32_t first, int32_t behind)
{
    size_t right = 0, all = 0;
    for (size_t row = 0; row < test->count; row += ROWS) {
        int32_t answers[ROWS];
        const size_t left = test->count - row, rows = left < ROWS ? left : ROWS;
        check(mf_network_predict(one->network, one->workspace, MF_PREDICT_LAST, rows,
                                 test->x + row * test->inputs, answers));
        for (size_t i = 0; i < rows; i++)
            if (test->y[row + i] >= first && test->y[row + i] < behind) {
                right += answers[i] == test->y[row + i];
                all++;
            }
    }
    return all ? 100.0 * (double)right / (double)all : 0.0;
}

/* Rows that were met, each with the same chance to be among those that are kept. */
typedef struct buffer {
    samples kept;
    size_t met;
    uint64_t random;
} buffer;

static void keep(buffer *b, const float *x, int32_t y)
{
    size_t place = b->met < KEPT ? b->met : (size_t)(uniform(&b->random) * (float)(b->met + 1));
    b->met++;
    if (place >= KEPT)
        return;
    memcpy(b->kept.x + place * b->kept.inputs, x, b->kept.inputs * sizeof *x);
    b->kept.y[place] = y;
}

/* Learns from the rows of classes from `first` to before `behind` as they come, 1 to 16 at a time. With a
 * buffer, as many rows of it come along, up to half a batch. */
static void learn(learner *one, const samples *train, int32_t first, int32_t behind, buffer *b)
{
    size_t inputs = train->inputs, now = 0, wanted = 1;
    float *x = memory(ROWS * inputs, sizeof *x);
    int32_t y[ROWS];
    for (size_t row = 0; row < train->count; row++) {
        if (train->y[row] < first || train->y[row] >= behind)
            continue;
        memcpy(x + now * inputs, train->x + row * inputs, inputs * sizeof *x);
        y[now++] = train->y[row];
        if (now < wanted)
            continue;
        size_t fresh = now, old = b == NULL ? 0 : b->met < KEPT ? b->met : KEPT;
        for (; old > 0 && now < 2 * fresh && now < ROWS; now++) {
            size_t from = (size_t)(uniform(&b->random) * (float)old) % old;
            memcpy(x + now * inputs, b->kept.x + from * inputs, inputs * sizeof *x);
            y[now] = b->kept.y[from];
        }
        check(mf_network_step(one->network, one->workspace, now, x, y));
        for (size_t i = 0; b != NULL && i < fresh; i++)
            keep(b, x + i * inputs, y[i]);
        wanted = wanted % (b ? ROWS / 2 : ROWS) + 1;
        now = 0;
    }
    free(x);
}

static void unfreeze(learner *one)
{
    size_t layers, count;
    check(mf_network_size(one->network, &layers));
    for (size_t l = 0; l < layers; l++) {
        mf_layer *layer;
        mf_parameter_info info = {.struct_size = sizeof info};
        check(mf_network_layer(one->network, l, &layer, NULL));
        check(mf_layer_parameter_count(layer, &count));
        for (size_t p = 0; p < count; p++) {
            check(mf_layer_parameter_info(layer, p, &info));
            check(mf_layer_set_trainable(layer, info.name, 1));
        }
    }
}

/* All classes, in whole batches. */
static void learn_all(learner *one, const samples *train)
{
    for (size_t row = 0; row + ROWS <= train->count; row += ROWS)
        check(mf_network_step(one->network, one->workspace, ROWS, train->x + row * train->inputs,
                              train->y + row));
}

int main(int count, char **arguments)
{
    int real = count == 4;
    if (count > 1 && !real) {
        fprintf(stderr, "usage: 13_finetune [MODEL.onnx TRAIN TEST]\n");
        return EXIT_FAILURE;
    }
    samples train = real ? read_cifar(arguments[2]) : draw(5, 6000);
    samples test = real ? read_cifar(arguments[3]) : draw(5, 2000);
    mf_onnx_spec spec;
    size_t bytes = 0;
    void *model = real ? NULL : make_model(train.inputs, &bytes);
    check(mf_onnx_spec_init(&spec, sizeof spec));
    spec.path = real ? arguments[1] : NULL;
    spec.buffer = model;
    spec.bytes = bytes;
    spec.features = real; /* without its classifier; here it has none */

    learner plain = adapt(&spec, train.inputs), replaying = adapt(&spec, train.inputs);
    buffer b = {make_samples(KEPT, train.inputs), 0, 1};
    learn(&plain, &train, 0, CLASSES / 2, NULL);
    learn(&replaying, &train, 0, CLASSES / 2, &b);
    double before = accuracy(&replaying, &test, 0, CLASSES / 2);
    learn(&plain, &train, CLASSES / 2, CLASSES, NULL);
    learn(&replaying, &train, CLASSES / 2, CLASSES, &b);
    double lost = accuracy(&plain, &test, 0, CLASSES / 2), kept = accuracy(&replaying, &test, 0, CLASSES / 2),
           fresh = accuracy(&replaying, &test, CLASSES / 2, CLASSES);
    printf("first classes: %.1f%%; when others have come, %.1f%% without a buffer, %.1f%% with one\n", before,
           lost, kept);
    learn_all(&replaying, &train);
    double frozen = accuracy(&replaying, &test, 0, CLASSES);
    unfreeze(&replaying);
    learn_all(&replaying, &train);
    double learning = accuracy(&replaying, &test, 0, CLASSES);
    printf("all classes: %.1f%% with the backbone frozen, %.1f%% when it has learned, too\n", frozen,
           learning);
    printf("result example=13_finetune data=%s before=%.2f without_buffer=%.2f with_buffer=%.2f new=%.2f "
           "frozen=%.2f "
           "accuracy=%.2f\n",
           real ? "cifar10" : "drawn", before, lost, kept, fresh, frozen, learning);
    end(&plain);
    end(&replaying);
    free(b.kept.x);
    free(b.kept.y);
    free(train.x);
    free(train.y);
    free(test.x);
    free(test.y);
    free(model);
    return kept > lost ? EXIT_SUCCESS : EXIT_FAILURE;
}
