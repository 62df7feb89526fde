/* Owns: making a network of an ONNX model: which units are a layer, their heads, and their parameters. */
#ifndef MFI_IO_ONNX_IMPORT_H
#define MFI_IO_ONNX_IMPORT_H

#include "io/wire.h"
#include "model/network.h"

/* Reads the model that a checked spec names and makes a network of it. */
mf_status mfi_onnx_import(const mf_onnx_spec *spec, mf_network **network);

/* Writes which layers it would have as lines for people, as mfi_network_summary() does. */
mf_status mfi_onnx_plan(const mf_onnx_spec *spec, char *text, size_t size, size_t *needed);

#endif
