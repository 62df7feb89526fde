/* Owns: a network as an ONNX model. */
#ifndef MFI_IO_ONNX_H
#define MFI_IO_ONNX_H

#include "io/sink.h"
#include "model/network.h"

/* How many bytes it takes. STATE without layers, SHAPE if their classes differ, OVERFLOW if the format cannot
 * hold that many. */
mf_status mfi_onnx_size(const mf_network *network, size_t *bytes);

/* Puts a network whose size was asked for. */
mf_status mfi_onnx_write(const mf_network *network, mfi_sink *sink);

#endif
