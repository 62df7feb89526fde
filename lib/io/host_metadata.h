/* Owns: the host's metadata in files: beside the library's own in model files, and in ONNX models. */
#ifndef MFI_IO_HOST_METADATA_H
#define MFI_IO_HOST_METADATA_H

#include "io/tensors.h"
#include "io/text.h"
#include "model/network.h"

/* ARGUMENT if a name is one of the library's own, or kept for later ones: they begin with "monoforward.". */
mf_status mfi_host_metadata_check(const char *name);

/* Whether the name is the library's, or kept for it. */
bool mfi_host_metadata_is_own(const char *name);

/* Puts all entries into the object of the metadata that is being written. */
void mfi_host_metadata_put(const mf_network *network, mfi_text *text);

/* Takes over what is not the library's own. FORMAT for what mfi_metadata_set() refuses, or MEMORY. */
mf_status mfi_host_metadata_take(const mfi_tensors *tensors, mf_network *network);

/* Puts all entries as messages of that field, each with its key and its value. */
void mfi_host_metadata_put_onnx(const mf_network *network, mfi_sink *sink, unsigned field);

#endif
