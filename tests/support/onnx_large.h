/* Writes ONNX models that no `message` has room for. SPDX-License-Identifier: MIT */
#ifndef TEST_ONNX_LARGE_H
#define TEST_ONNX_LARGE_H

#include "onnx_writer.h"

/** A graph in the making; start it with zeros and end it with large_free(). */
typedef struct large_graph {
    unsigned char *bytes;
    size_t count, room;
} large_graph;

/** Its input "x" and its output "y". */
void large_begin(large_graph *graph, size_t rank, const int64_t *dims);

/** As put_node() and put_floats(). */
void large_node(large_graph *graph, const char *type, const char *inputs, const char *outputs,
                const char *attributes);
void large_floats(large_graph *graph, const char *name, size_t rank, const int64_t *dims,
                  const float *values);

/** A node that reads one value `times` times, without attributes but for an axis. */
void large_repeated(large_graph *graph, const char *type, const char *input, size_t times, const char *output,
                    int64_t axis);

/** The graph as a model to import, which is valid as long as the graph. `producer` may be NULL. */
mf_onnx_spec large_spec(large_graph *graph, int64_t opset, const char *producer);

void large_free(large_graph *graph);

#endif
