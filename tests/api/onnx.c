/* ONNX export: what is in the model, read by a reader of its own; sizes, buffers and files; refusals. Whether
 * runtimes predict the same from it is tested by tests/onnx. SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "models.h"
#include "random_units.h"
#include "wire.h"
#include "fixture.h"

/* Numbers of fields in onnx.proto. */
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { GRAPH_NODE = 1, GRAPH_TENSOR = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_TYPE = 4 };
enum { TENSOR_DIM = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };

static wire_view export_network(const mf_network *network)
{
    size_t bytes = 0, written = 0;
    unsigned char *buffer;

    check_ok(mf_network_export_onnx_size(network, &bytes));
    buffer = get_memory(bytes);
    check_ok(mf_network_export_onnx_buffer(network, buffer, bytes, &written));
    assert_int_equal(bytes, written);
    return (wire_view){buffer, bytes};
}

static void drop(wire_view model)
{
    free((void *)(uintptr_t)model.bytes);
}

static int same(wire_view one, wire_view other)
{
    return one.count == other.count && memcmp(one.bytes, other.bytes, one.count) == 0;
}

/* ---- what is in it ---- */

static void test_model(void **state)
{
    mf_network *network = model_network(NULL);
    wire_view model = export_network(network), opset;

    (void)state;
    assert_int_equal(wire_only(model, MODEL_IR).value, 7);
    assert_true(wire_is(wire_only(model, MODEL_PRODUCER).view, "libmonoforward"));
    assert_true(wire_is(wire_only(model, MODEL_PRODUCER_VERSION).view, mf_version()));
    opset = wire_only(model, MODEL_OPSET).view;
    assert_true(wire_is(wire_only(opset, 1).view, ""));
    assert_int_equal(wire_only(opset, 2).value, 13);
    drop(model);
    mf_network_free(network);
}

/* name, type, and the batch followed by the dims. */
static void check_value(wire_view value, const char *name, int type, size_t rank, const size_t *dims)
{
    wire_view tensor = wire_only(wire_only(value, 2).view, 1).view, shape = wire_only(tensor, 2).view;
    wire_field dim;

    assert_true(wire_is(wire_only(value, 1).view, name));
    assert_int_equal(wire_only(tensor, 1).value, type);
    assert_int_equal(wire_count(shape, 1), rank + 1);
    wire_find(shape, 1, 0, &dim);
    assert_true(wire_is(wire_only(dim.view, 2).view, "N"));
    for (size_t i = 0; i < rank; i++) {
        wire_find(shape, 1, i + 1, &dim);
        assert_int_equal(wire_only(dim.view, 1).value, dims[i]);
    }
}

static void test_inputs_and_outputs(void **state)
{
    static const char *const names[] = {"goodness_last", "probabilities_last", "label_last",
                                        "goodness_sum",  "probabilities_sum",  "label_sum"};
    const size_t classes = MODEL_CLASSES, maps[3] = {2, 6, 6}, values = 12;
    const size_t widths[] = {12, 3};
    mf_network *network = model_network(NULL), *dense = make_stack(widths, 1, 4, 1, NULL);
    wire_view model = export_network(network), graph = wire_only(model, MODEL_GRAPH).view;
    wire_field output;

    (void)state;
    check_value(wire_only(graph, GRAPH_INPUT).view, "input", 1, 3, maps);
    assert_int_equal(wire_count(graph, GRAPH_OUTPUT), COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        wire_find(graph, GRAPH_OUTPUT, i, &output);
        check_value(output.view, names[i], i % 3 == 2 ? 7 : 1, i % 3 == 2 ? 0 : 1, &classes);
    }
    drop(model);
    model = export_network(dense);
    check_value(wire_only(wire_only(model, MODEL_GRAPH).view, GRAPH_INPUT).view, "input", 1, 1, &values);
    drop(model);
    mf_network_free(dense);
    mf_network_free(network);
}

static int find_tensor(wire_view graph, const char *name, wire_field *tensor)
{
    for (size_t i = 0; wire_find(graph, GRAPH_TENSOR, i, tensor); i++)
        if (wire_is(wire_only(tensor->view, TENSOR_NAME).view, name))
            return 1;
    return 0;
}

/* Units behind the node that M reads, auxiliary heads and a map for similarities, are not needed for answers.
 */
static int is_for_training(const mf_layer *layer, const char *name)
{
    mf_head_spec head = {.struct_size = sizeof head};
    size_t units;
    unsigned node;

    check_ok(mf_layer_head(layer, &head));
    check_ok(mf_layer_unit_count(layer, &units));
    if (head.input_node == MF_NODE_PREVIOUS)
        head.input_node = (int32_t)units - (head.similarity > 0.0f);
    return strcmp(name, "head.counts") == 0 ||
           (sscanf(name, "units.%u.", &node) == 1 && (int32_t)node > head.input_node);
}

static void check_parameter(wire_view graph, const mf_layer *layer, size_t position, size_t index)
{
    mf_parameter_info info = {.struct_size = sizeof info};
    char name[64];
    float *values;
    wire_view tensor, raw;
    wire_field dim, found;
    size_t count;

    check_ok(mf_layer_parameter_info(layer, index, &info));
    snprintf(name, sizeof name, "layers.%zu.%s", position, info.name);
    if (is_for_training(layer, info.name)) {
        assert_false(find_tensor(graph, name, &found));
        return;
    }
    if (!find_tensor(graph, name, &found))
        fail_msg("there is no tensor %s", name);
    tensor = found.view;
    assert_int_equal(wire_only(tensor, TENSOR_TYPE).value, 1);
    assert_int_equal(wire_count(tensor, TENSOR_DIM), info.rank);
    for (size_t i = 0; wire_find(tensor, TENSOR_DIM, i, &dim); i++)
        assert_int_equal(dim.value, info.dims[i]);
    raw = wire_only(tensor, TENSOR_RAW).view;
    values = read_parameter(layer, info.name, &count);
    assert_int_equal(raw.count, 4 * count);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        const unsigned char *at = raw.bytes + 4 * i;

        memcpy(&bits, &values[i], sizeof bits);
        assert_int_equal(bits, at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24);
    }
    free(values);
}

static void test_parameters(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = model_network(optimizer);
    wire_view model, graph;

    (void)state;
    model_train(network, 0, 3);
    model = export_network(network);
    graph = wire_only(model, MODEL_GRAPH).view;
    for (size_t position = 0; position < MODEL_LAYERS; position++) {
        size_t count;

        check_ok(mf_layer_parameter_count(layer_at(network, position), &count));
        for (size_t index = 0; index < count; index++)
            check_parameter(graph, layer_at(network, position), position, index);
    }
    drop(model);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* A tensor, the input, or the result of one of the first `nodes` nodes. */
static int is_known(wire_view graph, size_t nodes, wire_view name)
{
    wire_field field;

    if (wire_is(name, "input"))
        return 1;
    for (size_t i = 0; wire_find(graph, GRAPH_TENSOR, i, &field); i++)
        if (same(wire_only(field.view, TENSOR_NAME).view, name))
            return 1;
    for (size_t i = 0; i < nodes && wire_find(graph, GRAPH_NODE, i, &field); i++)
        if (same(wire_only(field.view, NODE_OUTPUT).view, name))
            return 1;
    return 0;
}

/* Nodes read what is there before them, and no two results have the same name. */
static void test_nodes(void **state)
{
    mf_network *network = model_network(NULL);
    wire_view model = export_network(network), graph = wire_only(model, MODEL_GRAPH).view;
    wire_field node, input;
    size_t nodes = 0, convolutions = 0;

    (void)state;
    for (; wire_find(graph, GRAPH_NODE, nodes, &node); nodes++) {
        for (size_t i = 0; wire_find(node.view, NODE_INPUT, i, &input); i++)
            if (!is_known(graph, nodes, input.view))
                fail_msg("node %zu reads %.*s", nodes, (int)input.view.count, (const char *)input.view.bytes);
        assert_false(is_known(graph, nodes, wire_only(node.view, NODE_OUTPUT).view));
        convolutions += (size_t)wire_is(wire_only(node.view, NODE_TYPE).view, "Conv");
    }
    assert_int_equal(nodes, wire_count(graph, GRAPH_NODE));
    assert_int_equal(convolutions, 2);
    assert_true(nodes > 4 * MODEL_LAYERS);
    drop(model);
    mf_network_free(network);
}

/* ---- layers of several units ---- */

/* Nodes read what is there before them, names are unique, and no constant is there for nothing. */
static void check_graph(wire_view graph)
{
    wire_field node, input, tensor;
    size_t nodes = 0, constants = 0, used = 0;

    for (; wire_find(graph, GRAPH_NODE, nodes, &node); nodes++) {
        for (size_t i = 0; wire_find(node.view, NODE_INPUT, i, &input); i++)
            if (!is_known(graph, nodes, input.view))
                fail_msg("node %zu reads %.*s", nodes, (int)input.view.count, (const char *)input.view.bytes);
        if (is_known(graph, nodes, wire_only(node.view, NODE_OUTPUT).view))
            fail_msg("node %zu has a name that is taken", nodes);
    }
    for (; wire_find(graph, GRAPH_TENSOR, constants, &tensor); constants++) {
        wire_view name = wire_only(tensor.view, TENSOR_NAME).view;
        int reads = 0;

        for (size_t other = 0; other < constants; other++) {
            wire_find(graph, GRAPH_TENSOR, other, &node);
            assert_false(same(wire_only(node.view, TENSOR_NAME).view, name));
        }
        for (size_t n = 0; n < nodes && wire_find(graph, GRAPH_NODE, n, &node); n++)
            for (size_t i = 0; wire_find(node.view, NODE_INPUT, i, &input); i++)
                reads += same(input.view, name);
        if (reads == 0)
            fail_msg("nobody reads %.*s", (int)name.count, (const char *)name.bytes);
        used += (size_t)reads;
    }
    assert_true(used >= constants && constants > 0);
}

static size_t count_type(wire_view graph, const char *type)
{
    wire_field node;
    size_t count = 0;

    for (size_t n = 0; wire_find(graph, GRAPH_NODE, n, &node); n++)
        count += (size_t)wire_is(wire_only(node.view, NODE_TYPE).view, type);
    return count;
}

/* Two random layers, with one from a spec between them; saved and loaded they give the same bytes. */
static void test_random_units(void **state)
{
    test_random random = {71};

    (void)state;
    for (size_t round = 0; round < 40; round++) {
        units_plan plans[2] = {round % 4 == 0   ? random_plan_with_head_units(&random, 0)
                               : round % 8 == 2 ? random_plan_with_auxiliary_heads(&random, 0)
                               : round % 4 == 1 ? random_plan_with_flatten(&random)
                                                : random_plan(&random)};
        mf_network *network, *loaded;
        mf_layer *layer;
        mf_layer_spec spec = {.struct_size = sizeof spec}, middle = layer_spec(0, 6, 5);
        wire_view model, again, graph;
        size_t size = 0, bytes = 0;
        void *file;

        plan_classes(&plans[0], 5);
        if (round % 3 == 0) {
            plans[0].head.sampling = MF_SAMPLING_COUNTS;
            plans[0].head.candidates = 2;
            plans[0].head.label_smoothing = 0.0f;
        }
        network = make_units_network(plans, 1, NULL);
        check_ok(mf_layer_describe(layer_at(network, 0), &spec));
        middle.inputs = spec.outputs;
        layer = make_layer(&middle);
        check_ok(mf_network_append(network, layer, NULL));
        plans[1] = plan_behind(layer, 5);
        plan_add(&plans[1], unit_norm());
        plan_add(&plans[1], unit_add(0, 1));
        plan_add(&plans[1], unit_conv(2, 1, 0));
        plans[1].head.pool_size = 1;
        mf_layer_free(layer);
        layer = make_units(&plans[1]);
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
        model = export_network(network);
        again = export_network(network);
        assert_true(same(model, again));
        drop(again);
        graph = wire_only(model, MODEL_GRAPH).view;
        check_graph(graph);
        check_ok(mf_network_size(network, &size));
        for (size_t position = 0; position < size; position++) {
            size_t count;

            check_ok(mf_layer_parameter_count(layer_at(network, position), &count));
            for (size_t index = 0; index < count; index++)
                check_parameter(graph, layer_at(network, position), position, index);
        }
        if (mf_network_load_buffer(NULL, "", 0, &loaded) != MF_STATUS_UNSUPPORTED) {
            file = model_save(network, MF_CONTENTS_MODEL, &bytes);
            loaded = model_load(MF_CONTENTS_MODEL, file, bytes);
            again = export_network(loaded);
            assert_true(same(model, again));
            drop(again);
            free(file);
            mf_network_free(loaded);
        }
        drop(model);
        mf_network_free(network);
    }
}

/* One node for each unit, beside what it takes to bring values into form. */
static void test_nodes_of_units(void **state)
{
    units_plan plan = plan_residual(2, 4, 4, 3);
    mf_network *network;
    wire_view model, graph;

    (void)state;
    plan_add(&plan, unit_dropout(0.5f, 1));
    plan_add(&plan, unit_pool(MF_POOL_AVERAGE, 2));
    plan_add(&plan, unit_pool(MF_POOL_MAX, 2));
    network = make_units_network(&plan, 1, NULL);
    model = export_network(network);
    graph = wire_only(model, MODEL_GRAPH).view;
    check_graph(graph);
    assert_int_equal(count_type(graph, "Conv"), 2);
    assert_int_equal(count_type(graph, "BatchNormalization"), 2);
    assert_int_equal(count_type(graph, "Relu"), 2);
    assert_int_equal(count_type(graph, "Add"), 1);
    assert_int_equal(count_type(graph, "AveragePool"), 1);
    assert_int_equal(count_type(graph, "MaxPool"), 1);
    assert_int_equal(count_type(graph, "Identity"), 1 + 2); /* dropout, and what the answers are called */
    assert_int_equal(count_type(graph, "Dropout"), 0);
    assert_int_equal(count_type(graph, "Gemm"), 1);
    drop(model);
    mf_network_free(network);
}

/* ---- bytes ---- */

static void test_buffer(void **state)
{
    mf_network *network = model_network(NULL);
    wire_view model = export_network(network), again = export_network(network);
    unsigned char *room = get_memory(model.count + 9);
    size_t written = 77;

    (void)state;
    assert_true(same(model, again));
    memset(room, 0xA5, model.count + 9);
    check_status(MF_STATUS_CAPACITY, mf_network_export_onnx_buffer(network, room, model.count - 1, &written));
    assert_int_equal(written, 77);
    for (size_t i = 0; i < model.count + 9; i++)
        assert_int_equal(room[i], 0xA5);
    /* Of any alignment, larger than needed, and nobody asks how much was written. */
    check_ok(mf_network_export_onnx_buffer(network, room + 1, model.count + 8, NULL));
    assert_memory_equal(room + 1, model.bytes, model.count);
    assert_int_equal(room[0], 0xA5);
    assert_int_equal(room[model.count + 1], 0xA5);
    free(room);
    drop(again);
    drop(model);
    mf_network_free(network);
}

static void test_file(void **state)
{
    char folder[] = "/tmp/monoforward-onnx-XXXXXX", path[100];
    mf_network *network = model_network(NULL);
    wire_view model = export_network(network);
    unsigned char *found = get_memory(model.count + 1);
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/network.onnx", folder);
    for (int once_more = 0; once_more <= 1; once_more++) {
        check_ok(mf_network_export_onnx(network, path));
        file = fopen(path, "rb");
        assert_non_null(file);
        assert_int_equal(fread(found, 1, model.count + 1, file), model.count);
        fclose(file);
        assert_memory_equal(found, model.bytes, model.count);
    }
    check_status(MF_STATUS_IO, mf_network_export_onnx(network, folder));
    check_message(folder);
    check_status(MF_STATUS_IO, mf_network_export_onnx(network, "/nonexistent/folder/network.onnx"));
    check_message("/nonexistent/folder/network.onnx");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left in it */
    free(found);
    drop(model);
    mf_network_free(network);
}

/* The size tells nothing about values, so that it can be asked for once. */
static void test_size_stays(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.01);
    mf_network *network = model_network(optimizer);
    wire_view before = export_network(network), after;

    (void)state;
    model_train(network, 0, 2);
    after = export_network(network);
    assert_int_equal(before.count, after.count);
    assert_false(same(before, after));
    drop(before);
    drop(after);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
    fixture *w = *state;
    mf_network *empty = make_network(), *stranger = (mf_network *)(void *)w->spare;
    unsigned char buffer[64];
    size_t bytes = 5;

    refused(w, MF_STATUS_HANDLE, mf_network_export_onnx(NULL, "x"));
    refused(w, MF_STATUS_HANDLE, mf_network_export_onnx(stranger, "x"));
    refused(w, MF_STATUS_HANDLE, mf_network_export_onnx_size(NULL, &bytes));
    refused(w, MF_STATUS_HANDLE, mf_network_export_onnx_size(stranger, &bytes));
    refused(w, MF_STATUS_HANDLE, mf_network_export_onnx_buffer(NULL, buffer, 64, &bytes));
    refused(w, MF_STATUS_HANDLE, mf_network_export_onnx_buffer(stranger, buffer, 64, &bytes));
    refused(w, MF_STATUS_ARGUMENT, mf_network_export_onnx(w->network, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_export_onnx_size(w->network, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_export_onnx_buffer(w->network, NULL, 64, &bytes));
    refused(w, MF_STATUS_CAPACITY, mf_network_export_onnx_buffer(w->network, buffer, 64, &bytes));
    check_status(MF_STATUS_STATE, mf_network_export_onnx(empty, "/tmp/monoforward-never-written"));
    check_status(MF_STATUS_STATE, mf_network_export_onnx_size(empty, &bytes));
    check_status(MF_STATUS_STATE, mf_network_export_onnx_buffer(empty, buffer, 64, &bytes));
    check_ok(mf_layer_set_classes(w->last, FIXTURE_CLASSES + 1));
    check_status(MF_STATUS_SHAPE, mf_network_export_onnx(w->network, "/tmp/monoforward-never-written"));
    check_status(MF_STATUS_SHAPE, mf_network_export_onnx_size(w->network, &bytes));
    check_status(MF_STATUS_SHAPE, mf_network_export_onnx_buffer(w->network, buffer, 64, &bytes));
    check_message("5 classes");
    assert_int_equal(bytes, 5);
    assert_int_equal(access("/tmp/monoforward-never-written", F_OK), -1);
    mf_network_free(empty);
}

/* A run that has diverged does not replace a good model. */
static void test_not_finite(void **state)
{
    const size_t widths[] = {2, 3};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e30);
    mf_network *network = make_stack(widths, 1, 2, 1, optimizer);
    mf_workspace *workspace = make_network_workspace(network, 1);
    const float x[2] = {1e20f, 1e20f};
    const int32_t y = 0;
    unsigned char buffer[4096];
    size_t bytes = 5;

    (void)state;
    for (int i = 0; i < 5; i++)
        if (mf_network_step(network, workspace, 1, x, &y) != MF_STATUS_OK)
            break;
    check_ok(mf_network_export_onnx_size(network, &bytes));
    check_status(MF_STATUS_NUMERIC, mf_network_export_onnx(network, "/tmp/monoforward-never-written"));
    check_message("layers.0.");
    bytes = 5;
    check_status(MF_STATUS_NUMERIC, mf_network_export_onnx_buffer(network, buffer, sizeof buffer, &bytes));
    assert_int_equal(bytes, 5);
    assert_int_equal(access("/tmp/monoforward-never-written", F_OK), -1);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* No allocation can fail, since there is none. */
static void test_no_allocation(void **state)
{
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_network_spec spec;
    mf_network *network = NULL;
    mf_layer_spec shape = layer_spec(3, 4, 2);
    mf_layer *layer;
    size_t bytes, calls;

    (void)state;
    check_ok(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = shape.allocator = &allocator;
    check_ok(mf_network_create(&spec, &network));
    layer = make_layer(&shape);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    calls = memory.calls;
    memory_fail_at(&memory, 1);
    drop(export_network(network));
    check_ok(mf_network_export_onnx_size(network, &bytes));
    memory_fail_at(&memory, 0);
    assert_int_equal(memory.calls, calls);
    mf_network_free(network);
    assert_int_equal(memory.blocks_out, 0);
    memory_release(&memory);
}

/* Blocks of more than a gigabyte, all of whose megabytes are the same one: what they hold is of no interest.
 */
static void *folded_alloc(void *user, size_t bytes, size_t alignment)
{
    const size_t piece = (size_t)1 << 20;
    FILE *file = user;
    char *block;

    if (bytes < (size_t)1 << 30)
        return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    block = mmap(NULL, bytes + piece, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return NULL;
    for (size_t at = 0; at < bytes; at += piece)
        if (mmap(block + at, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fileno(file), 0) ==
            MAP_FAILED)
            return NULL;
    return block;
}

static void folded_free(void *user, void *block, size_t bytes)
{
    (void)user;
    if (bytes < (size_t)1 << 30)
        free(block);
    else if (block)
        munmap(block, bytes + ((size_t)1 << 20));
}

static void test_too_large(void **state)
{
    FILE *file = tmpfile();
    mf_allocator allocator = {folded_alloc, folded_free, file};
    mf_layer_spec spec = layer_spec(1 << 15, 1 << 14, 2);
    mf_network *network = make_network();
    mf_layer *layer = NULL;
    size_t bytes = 1;

    (void)state;
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 1 << 20), 0);
    spec.allocator = &allocator;
    spec.weight_init = spec.projection_init = MF_INIT_ZERO;
    check_ok(mf_layer_create(&spec, &layer));
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    check_status(MF_STATUS_OVERFLOW, mf_network_export_onnx_size(network, &bytes));
    check_status(MF_STATUS_OVERFLOW, mf_network_export_onnx(network, "/tmp/monoforward-never-written"));
    check_status(MF_STATUS_OVERFLOW, mf_network_export_onnx_buffer(network, &bytes, sizeof bytes, NULL));
    check_message("2147483647");
    assert_int_equal(bytes, 1);
    mf_network_free(network);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_inputs_and_outputs),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_random_units),
        cmocka_unit_test(test_nodes_of_units),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_size_stays),
        cmocka_unit_test_setup_teardown(test_refusals, fixture_setup, fixture_teardown),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
