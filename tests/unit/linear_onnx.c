/* How the work of importing an ONNX model grows with the model, also where one is written to make it grow
 * faster: counted in stretches of code without a branch of those files of lib/io, which are compiled with a
 * hook in front of each; not in seconds, which depend on what else the machine does. SPDX-License-Identifier:
 * MIT */
#include <stdio.h>

#include "onnx_large.h"
#include "stretches.h"

/* Where names are sorted, work grows somewhat faster than the model: MOST is for 8 times the nodes. */
enum { FEW = 256, TIMES = 8, MOST = 12 };

/* ---- models ---- */

/* Names that few places of a hash table by FNV-1a are for. */
static void choose_names(char (*names)[12], size_t count)
{
    size_t found = 0;

    for (unsigned number = 0; found < count; number++) {
        uint64_t hash = 1469598103934665603u;

        snprintf(names[found], sizeof names[found], "%u", number);
        for (const char *at = names[found]; *at; at++)
            hash = (hash ^ (unsigned char)*at) * 1099511628211u;
        found += ((hash ^ hash >> 32) & 0x1fff) == 0;
    }
}

static void put_chosen_names(large_graph *graph, size_t nodes)
{
    static char names[FEW * TIMES][12];
    const int64_t dims[] = {0, 4};

    if (names[FEW * TIMES - 1][0] == 0)
        choose_names(names, FEW * TIMES);
    large_begin(graph, 2, dims);
    for (size_t i = 0; i < nodes; i++)
        large_node(graph, "Identity", i == 0 ? "x" : names[i - 1], names[i], "");
    large_node(graph, "Relu", names[nodes - 1], "y", "");
}

/* One causal mask, of as many numbers as there are nodes times 16, is added to the scores of each of them. */
static void put_masks(large_graph *graph, size_t nodes)
{
    static float mask[16 * FEW * TIMES];
    int64_t positions = 1, dims[] = {0, 0, 2};
    char scores[24], sum[24], inputs[40];

    while ((positions + 1) * (positions + 1) <= (int64_t)(16 * nodes))
        positions++;
    for (int64_t i = 0; i < positions * positions; i++)
        mask[i] = i % positions > i / positions ? -1e9f : 0.0f;
    dims[1] = positions;
    large_begin(graph, 3, dims);
    large_floats(graph, "mask", 2, (const int64_t[]){positions, positions}, mask);
    large_node(graph, "Split", "x", "q k", "axis=2");
    large_node(graph, "Transpose", "k", "t", "perm=0,2,1");
    for (size_t i = 0; i < nodes / 2; i++) {
        snprintf(scores, sizeof scores, "s%zu", i);
        snprintf(sum, sizeof sum, "a%zu", i);
        snprintf(inputs, sizeof inputs, "%s mask", scores);
        large_node(graph, "MatMul", "q t", scores, "");
        large_node(graph, "Add", inputs, sum, "");
    }
    large_node(graph, "Relu", "x", "y", "");
}

static void put_chain(large_graph *graph, size_t nodes, const char *type, const char *constant)
{
    char inputs[40], output[24] = "x";

    for (size_t i = 0; i < nodes; i++) {
        snprintf(inputs, sizeof inputs, "%s%s", output, constant);
        snprintf(output, sizeof output, "n%zu", i);
        large_node(graph, type, inputs, output, "");
    }
    large_node(graph, "Relu", output, "y", "");
}

/* The plan says of each unit whether gradients may stop behind it. */
static void put_units(large_graph *graph, size_t nodes)
{
    const int64_t dims[] = {0, 4};

    large_begin(graph, 2, dims);
    put_chain(graph, nodes, "Tanh", "");
}

/* As many numbers as nodes scale the input, and each node multiplies all of them. */
static void put_scalings(large_graph *graph, size_t nodes)
{
    static float factors[FEW * TIMES];
    const int64_t dims[] = {0, (int64_t)nodes};

    for (size_t i = 0; i < nodes; i++)
        factors[i] = 1.0f;
    large_begin(graph, 2, dims);
    large_floats(graph, "c", 1, dims + 1, factors);
    put_chain(graph, nodes, "Mul", " c");
}

/* ---- what is counted ---- */

static size_t count_stretches(void (*put)(large_graph *graph, size_t nodes), size_t nodes)
{
    large_graph graph = {0};
    size_t from, needed;

    put(&graph, nodes);
    const mf_onnx_spec spec = large_spec(&graph, 13, NULL);
    from = stretches;
    mf_status status = mf_onnx_plan(&spec, NULL, 0, &needed);
    assert_true(status == MF_STATUS_CAPACITY ||
                status == MF_STATUS_UNSUPPORTED); /* no room, or refused at once */
    large_free(&graph);
    return stretches - from;
}

static void test_work_grows_with_the_model(void **state)
{
    static const struct {
        const char *what;
        void (*put)(large_graph *graph, size_t nodes);
    } jobs[] = {{"names that were chosen", put_chosen_names},
                {"a mask with many readers", put_masks},
                {"a long chain of units", put_units},
                {"numbers that scale the input", put_scalings}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        size_t few = count_stretches(jobs[i].put, FEW), many = count_stretches(jobs[i].put, TIMES * FEW);

        print_message("%s: %zu stretches for %d nodes, %.2f times as many for %d times the nodes\n",
                      jobs[i].what, few, FEW, (double)many / (double)few, TIMES);
        assert_true(few > FEW);
        assert_true(many <= MOST * few);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_grows_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
