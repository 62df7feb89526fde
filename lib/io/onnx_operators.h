/* Owns: what the files with operators of ONNX share. An operator is a function that reads the inputs of a
 * node and gives its outputs, with units added where it computes. */
#ifndef MFI_IO_ONNX_OPERATORS_H
#define MFI_IO_ONNX_OPERATORS_H

#include "io/onnx_units.h"

typedef const mfi_onnx_call *mfi_op_call;
typedef const mfi_onnx_result *mfi_op_input;

/* ---- constants ---- */

/* The constant, if it is one of floats, or NULL. */
const mfi_onnx_constant *mfi_op_floats_of(mfi_op_input value);

/* Inputs that a node may leave out: NULL, and the number as it was, then. False if there is another value. */
bool mfi_op_floats_if_any(mfi_op_call call, size_t index, const mfi_onnx_constant **constant);
bool mfi_op_number_if_any(mfi_op_call call, size_t index, float *number);

/* Whether a value is no output of a unit. */
bool mfi_op_is_known(mfi_op_input value);

bool mfi_op_is_near(float value, float wanted);

/* Whether a constant has `count` values, which lie along the dim that is `behind` dims before the last. */
bool mfi_op_is_along(const mfi_onnx_constant *constant, size_t count, int32_t behind);

/* ---- units ---- */

/* The spec of a unit that reads a value, with the defaults for its kind. */
mf_status mfi_op_begin_unit(mfi_op_call call, mfi_op_input input, int32_t kind, bool row, mf_unit_spec *spec);

mfi_onnx_unit *mfi_op_last_unit(mfi_op_call call);

/* Adds a unit and gives its output: with the dims of its input, or as it is. */
mf_status mfi_op_give_alike(mfi_op_call call, mfi_op_input input, const mf_unit_spec *spec);
mf_status mfi_op_give_unit(mfi_op_call call, const mf_unit_spec *spec, int32_t *node);

mf_status mfi_op_put_phi(mfi_op_call call, mfi_op_input input, int32_t activation, float leak);
mf_status mfi_op_put_layer_norm_unit(mfi_op_call call, mfi_op_input input, float epsilon);
void mfi_op_set_bias(mfi_onnx_unit *made, const mfi_onnx_constant *bias);

/* The spec of a unit that moves a window over maps, and the zeros that Pad has put around these. */
mf_status mfi_op_begin_window(mfi_op_call call, int32_t kind, mf_unit_spec *spec, mfi_onnx_sides *zeros);

/* Reads kernel (if the node has one), strides and the window's own places around the maps. */
mf_status mfi_op_read_window(mfi_op_call call, mf_unit_spec *spec, const mfi_onnx_sides *zeros,
                             mfi_onnx_sides *sides);

size_t mfi_op_last_dim(const mf_shape *shape);

/* ---- forms ---- */

bool mfi_op_same_view(mfi_op_input a, mfi_op_input b);

/* Whether two views have the same dims, but for one; -1: for none. */
bool mfi_op_same_dims(mfi_op_input a, mfi_op_input b, int32_t but);
mf_status mfi_op_become(mfi_op_call call, mfi_op_input from, mfi_onnx_form form);

/* Queries times keys, and their shares times values. */
mf_status mfi_op_make_scores(mfi_op_call call, mfi_op_input queries, mfi_op_input keys);
mf_status mfi_op_make_attention(mfi_op_call call, mfi_op_input shares, mfi_op_input values);

/* ---- operators ---- */

mf_status mfi_op_pad(mfi_op_call call);
mf_status mfi_op_max_pool(mfi_op_call call);
mf_status mfi_op_average_pool(mfi_op_call call);
mf_status mfi_op_global_pool(mfi_op_call call);
mf_status mfi_op_batch_norm(mfi_op_call call);
mf_status mfi_op_layer_norm(mfi_op_call call);
mf_status mfi_op_reduce_mean(mfi_op_call call);
mf_status mfi_op_sqrt(mfi_op_call call);
mf_status mfi_op_erf(mfi_op_call call);
mf_status mfi_op_sigmoid(mfi_op_call call);
mf_status mfi_op_pow(mfi_op_call call);
mf_status mfi_op_sub(mfi_op_call call);
mf_status mfi_op_mul(mfi_op_call call);
mf_status mfi_op_div(mfi_op_call call);
mf_status mfi_op_add(mfi_op_call call);
mf_status mfi_op_softmax(mfi_op_call call);

#endif
