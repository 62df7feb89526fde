/* Owns: what a layer is in ONNX: its nodes and its constant tensors. */
#ifndef MFI_IO_ONNX_LAYER_H
#define MFI_IO_ONNX_LAYER_H

#include <stdbool.h>

#include "io/onnx_message.h"
#include "model/layer.h"

/* "layers.<position>.<what>" */
typedef struct mfi_onnx_name {
    char text[80];
} mfi_onnx_name;

mfi_onnx_name mfi_onnx_name_of(size_t position, const char *what);

/* Where a walk from layer to layer is. */
typedef struct mfi_onnx_walk {
    mfi_onnx_graph graph;
    size_t position;
    mfi_onnx_name value; /* what the next node reads */
    bool maps;           /* [N, C, H, W], not [N, k] */
} mfi_onnx_walk;

/* Puts all of the layer at walk->position. The value is then its activation; its goodness is
 * "layers.<position>.goodness". */
void mfi_onnx_put_layer(mfi_onnx_walk *walk, const mf_layer *layer);

#endif
