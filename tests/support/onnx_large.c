/* SPDX-License-Identifier: MIT */
#include "onnx_large.h"

#include <stdlib.h>

static void append(large_graph *graph, const void *bytes, size_t count)
{
    if (graph->count + count > graph->room) {
        graph->room = 2 * (graph->count + count);
        graph->bytes = realloc(graph->bytes, graph->room);
        assert_non_null(graph->bytes);
    }
    memcpy(graph->bytes + graph->count, bytes, count);
    graph->count += count;
}

static size_t write_varint(unsigned char *bytes, uint64_t value)
{
    size_t count = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[count++] = (unsigned char)(value | 0x80);
    bytes[count++] = (unsigned char)value;
    return count;
}

/* The beginning of a field that has so many bytes. */
static void append_head(large_graph *graph, unsigned field, size_t bytes)
{
    unsigned char head[20];
    size_t count = write_varint(head, (uint64_t)field << 3 | 2);

    count += write_varint(head + count, bytes);
    append(graph, head, count);
}

void large_begin(large_graph *graph, size_t rank, const int64_t *dims)
{
    const message ends = begin_graph(rank, dims);

    append(graph, ends.bytes, ends.count);
}

void large_node(large_graph *graph, const char *type, const char *inputs, const char *outputs,
                const char *attributes)
{
    message node = {0};

    put_node(&node, type, inputs, outputs, attributes);
    append(graph, node.bytes, node.count);
}

void large_floats(large_graph *graph, const char *name, size_t rank, const int64_t *dims, const float *values)
{
    message start = {0};
    unsigned char bytes[4];
    size_t count = 1;

    for (size_t d = 0; d < rank; d++) {
        put_int(&start, 1, dims[d]);
        count *= (size_t)dims[d];
    }
    put_int(&start, 2, 1);
    put_text(&start, 8, name);
    append_head(graph, 5, start.count + 1 + write_varint((unsigned char[10]){0}, 4 * count) + 4 * count);
    append(graph, start.bytes, start.count);
    append_head(graph, 9, 4 * count);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        for (int b = 0; b < 4; b++)
            bytes[b] = (unsigned char)(bits >> 8 * b);
        append(graph, bytes, sizeof bytes);
    }
}

void large_repeated(large_graph *graph, const char *type, const char *input, size_t times, const char *output,
                    int64_t axis)
{
    message rest = {0}, named = {0}, one = {0};

    put_text(&one, 1, input);
    put_text(&rest, 2, output);
    put_text(&rest, 3, output);
    put_text(&rest, 4, type);
    put_text(&named, 1, "axis");
    put_int(&named, 3, axis);
    put_message(&rest, 5, &named);
    append_head(graph, 1, times * one.count + rest.count);
    for (size_t i = 0; i < times; i++)
        append(graph, one.bytes, one.count);
    append(graph, rest.bytes, rest.count);
}

/* The graph is moved behind the head of its field, and the opset is put behind it. */
mf_onnx_spec large_spec(large_graph *graph, int64_t opset, const char *producer)
{
    message imported = {0}, end = {0}, none = {0};
    large_graph model = {0};

    put_int(&imported, 2, opset);
    put_message(&end, 8, &imported);
    if (producer != NULL)
        put_text(&end, 2, producer);
    append_head(&model, 7, graph->count);
    append(&model, graph->bytes, graph->count);
    append(&model, end.bytes, end.count);
    large_free(graph);
    *graph = model;
    mf_onnx_spec spec = spec_of(&none);
    spec.buffer = graph->bytes;
    spec.bytes = graph->count;
    return spec;
}

void large_free(large_graph *graph)
{
    free(graph->bytes);
    *graph = (large_graph){0};
}
