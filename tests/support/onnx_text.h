/* Writes small ONNX models from a line of text. SPDX-License-Identifier: MIT */
#ifndef TEST_ONNX_TEXT_H
#define TEST_ONNX_TEXT_H

#include "onnx_writer.h"

/** A model of the input "x", the nodes and the output "y". The line is "x:0x6; Gemm x w:6x3 b:3 > u; Softmax
 * u > y : axis=1": the dims of the input, 0 where they are free, and "int64" if it is of integers; then each
 * node with its type, inputs, outputs and attributes, these as in put_node(). Inputs that look so are
 * constants:
 *
 *     w:6x3     floats of these dims, text_value() of the name's first letter
 *     0.5       a float, without dims
 *     [1,-1]    integers, of one dim
 *     #2        an integer, without dims
 *     ?1        a truth, without dims
 */
message text_graph(const char *text);
message text_model(const char *text, int64_t opset);

/** Value number `index` of a constant with this letter, from -0.5 to 0.5. */
float text_value(char letter, size_t index);

#endif
