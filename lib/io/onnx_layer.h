/* Owns: writing a layer as ONNX nodes and constant tensors. */
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

/* The state of a walk from layer to layer. */
typedef struct mfi_onnx_walk {
    mfi_onnx_graph graph;
    size_t position;
    size_t first_reader; /* the first layer whose head reads the shared matrix of this one's */
    mfi_onnx_name value; /* the current value, which the next node reads */
    int32_t rank;        /* of a row of it: [N, k], [N, positions, k] or [N, C, H, W] */
} mfi_onnx_walk;

/* Puts the layer at walk->position. Its activation becomes the current value; its goodness is named
 * "layers.<position>.goodness". */
void mfi_onnx_put_layer(mfi_onnx_walk *walk, const mf_layer *layer);

#endif
