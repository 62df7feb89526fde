/* Owns: writing a network as an ONNX model. */
#ifndef MFI_IO_ONNX_H
#define MFI_IO_ONNX_H

#include "io/sink.h"
#include "model/network.h"

/* The size of the model in bytes. STATE without layers, SHAPE if their numbers of classes differ, OVERFLOW if
 * the model is larger than the format allows. */
mf_status mfi_onnx_size(const mf_network *network, size_t *bytes);

/* Writes the model. mfi_onnx_size() must have succeeded before. */
mf_status mfi_onnx_write(const mf_network *network, mfi_sink *sink);

#endif
