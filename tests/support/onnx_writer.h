/**
 * Writes small ONNX models, node by node. SPDX-License-Identifier: MIT
 */
#ifndef TEST_ONNX_WRITER_H
#define TEST_ONNX_WRITER_H

#include "fixture.h"

/** A message in the making; start it with zeros. */
typedef struct message {
    size_t count;
    unsigned char bytes[12000];
} message;

void put_int(message *to, unsigned field, int64_t value);
void put_bytes(message *to, unsigned field, const void *bytes, size_t count);

/** Numbers of `size` bytes each, as ONNX has them on every machine: the lowest byte first. */
void put_numbers(message *to, unsigned field, const void *numbers, size_t size, size_t count);
void put_text(message *to, unsigned field, const char *text);
void put_message(message *to, unsigned field, const message *from);

/** A node that is named like its outputs. `inputs` and `outputs` are names with spaces between them, and so
 * are `attributes`: "axis=1 pads=0,0,1,1 axes=2, alpha=0.5 auto_pad=VALID" are an integer, integers (a comma
 *  behind a single one), a float, a text. */
void put_node(message *graph, const char *type, const char *inputs, const char *outputs,
              const char *attributes);

/** A constant of floats, or of integers. */
void put_floats(message *graph, const char *name, size_t rank, const int64_t *dims, const float *values);
void put_integers(message *graph, const char *name, size_t count, const int64_t *values);

/** Floats 0.1, 0.2, ... 0.7, 0.1, ... */
void put_constant(message *graph, const char *name, size_t rank, const int64_t *dims);

/** An input (field 11) or output (12) of the graph; dims of 0 are free. Of floats, or of another type. */
void put_value(message *graph, unsigned field, const char *name, size_t rank, const int64_t *dims);
void put_value_of(message *graph, unsigned field, int64_t element, const char *name, size_t rank,
                  const int64_t *dims);

/** A graph with the input "x" of these dims and the output "y", and the model of a graph. */
message begin_graph(size_t rank, const int64_t *dims);
message model_of(const message *graph, int64_t opset);

/** The model as something to import, with seed 5, and the network that it becomes. */
mf_onnx_spec spec_of(const message *model);
mf_network *import_model(const mf_onnx_spec *spec);

/** It is refused with that status and a message with that part, and so is its plan. */
void check_refused(const mf_onnx_spec *spec, mf_status expected, const char *part);

#endif
