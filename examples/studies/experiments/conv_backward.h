/* conv_backward: the gradients of one convolution from that of its activation, for backpropagation.
 *
 * It goes over blocks of images as the library does (lib/model/layer_conv.c), which keeps its own for itself;
 * what is more here is dx.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef EXPERIMENTS_CONV_BACKWARD_H
#define EXPERIMENTS_CONV_BACKWARD_H

#include "model/layer.h"

/* The gradients of all parameters but the projection into `out`, which is laid out as mfi_gradient_offset()
 * says and all 0 but for the projection's, and that of the input into dx [rows, inputs] unless it is NULL,
 * from da [rows, outputs]. `scratch` is what the layer's forward pass of the same rows under `settings` has
 * left. */
void conv_backward(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                   const mfi_rows *rows, const float *da, float *out, float *dx);

#endif
