/* ONNX import: what the largest graphs take of memory beyond the file and the network's parameters.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "onnx_large.h"
#include "onnx_text.h"

enum { NODES = 8192, MOST_BYTES = 64 << 20 };

/* ---- memory ---- */

typedef struct account {
    size_t used, most;
} account;

static void *alloc_counted(void *user, size_t bytes, size_t alignment)
{
    account *a = user;
    size_t least = alignment < 64 ? 64 : alignment;

    a->used += bytes;
    a->most = a->used > a->most ? a->used : a->most;
    return aligned_alloc(least, (bytes + least - 1) / least * least);
}

static void free_counted(void *user, void *block, size_t bytes)
{
    account *a = user;

    a->used -= block != NULL ? bytes : 0;
    free(block);
}

static size_t parameter_bytes(const mf_network *network)
{
    size_t layers = 0, parameters = 0, bytes = 0;

    check_ok(mf_network_size(network, &layers));
    for (size_t l = 0; l < layers; l++) {
        const mf_layer *layer = layer_at(network, l);

        check_ok(mf_layer_parameter_count(layer, &parameters));
        for (size_t p = 0; p < parameters; p++) {
            mf_parameter_info info = {.struct_size = sizeof info};

            check_ok(mf_layer_parameter_info(layer, p, &info));
            bytes += info.count * sizeof(float);
        }
    }
    return bytes;
}

static void check_memory(large_graph *graph, const char *producer, const char *what)
{
    account used = {0};
    const mf_allocator allocator = {.alloc = alloc_counted, .free = free_counted, .user = &used};
    mf_onnx_spec spec = large_spec(graph, 13, producer);
    mf_network *network;

    spec.allocator = &allocator;
    spec.classes = producer != NULL ? 0 : 3;
    network = import_model(&spec);
    print_message("%s: %zu bytes, %zu of parameters, of a file of %zu\n", what, used.most,
                  parameter_bytes(network), spec.bytes);
    assert_true(used.most <= MOST_BYTES + parameter_bytes(network));
    mf_network_free(network);
    assert_int_equal(used.used, 0);
    large_free(graph);
}

/* ---- graphs ---- */

/* Each input of a Concat is a unit that turns a sequence around, and another one that puts it behind the
 * others. */
static void test_units_of_one_node(void **state)
{
    const int64_t dims[] = {0, 2, 1};
    large_graph graph = {0};

    (void)state;
    large_begin(&graph, 3, dims);
    large_node(&graph, "Transpose", "x", "t", "perm=0,2,1");
    large_repeated(&graph, "Concat", "t", NODES, "y", 2);
    check_memory(&graph, NULL, "one node of many units");
}

static void test_chains(void **state)
{
    const int64_t dims[] = {0, 4};
    large_graph graph = {0};
    char input[20] = "x", output[20];

    (void)state;
    large_begin(&graph, 2, dims);
    for (int i = 0; i < NODES; i++) {
        snprintf(output, sizeof output, "n%d", i);
        large_node(&graph, "Tanh", input, i + 1 < NODES ? output : "y", "");
        memcpy(input, output, sizeof input);
    }
    check_memory(&graph, NULL, "a chain of units");
}

/* In a file of this library each unit may be a layer. */
static void test_layers(void **state)
{
    const int64_t dims[] = {0, 4}, matrix[] = {2, 4};
    const float values[8] = {1.0f};
    large_graph graph = {0};
    char input[40] = "x", output[40], name[40];

    (void)state;
    large_begin(&graph, 2, dims);
    for (int i = 0; i < NODES; i++) {
        snprintf(output, sizeof output, "layers.%d.activation", i);
        snprintf(name, sizeof name, "layers.%d.projection", i);
        large_node(&graph, "Tanh", input, output, "");
        large_floats(&graph, name, 2, matrix, values);
        memcpy(input, output, sizeof input);
    }
    check_memory(&graph, "libmonoforward", "a chain of layers");
}

/* A kernel of zeros that the file does not have: one row of a matrix, which may fill up a panel of 16. */
static void test_panels(void **state)
{
    static const char small[] = "x:0x1x1x1; Conv x w:1x1x1x1 > y : pads=0,0,255,255",
                      large[] = "x:0x1x1x1; Conv x w:1x1x1x1 > y : pads=0,0,1024,1024";
    message model = text_model(small, 13);
    mf_onnx_spec spec = spec_of(&model);

    (void)state;
    spec.classes = 3;
    mf_network_free(import_model(&spec));
    model = text_model(large, 13);
    spec = spec_of(&model);
    spec.classes = 3;
    check_refused(&spec, MF_STATUS_CAPACITY, "the layers up to number 0 need ");
}

/* M has no panels: 2 classes of so many features are 3 million values. */
static void test_few_classes(void **state)
{
    message model = text_model("x:0x1500000; Tanh x > y", 13);
    mf_onnx_spec spec = spec_of(&model);

    (void)state;
    spec.classes = 2;
    mf_network_free(import_model(&spec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_of_one_node),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_panels),
        cmocka_unit_test(test_few_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
