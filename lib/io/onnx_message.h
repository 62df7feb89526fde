/* Owns: writing the protobuf messages of an ONNX graph: nodes, constant tensors, inputs and outputs. */
#ifndef MFI_IO_ONNX_MESSAGE_H
#define MFI_IO_ONNX_MESSAGE_H

#include "io/sink.h"

/* Type numbers of the format, for values and for attributes. */
enum { MFI_ONNX_FLOAT = 1, MFI_ONNX_INT64 = 7 };
enum { MFI_ONNX_A_FLOAT = 1, MFI_ONNX_AN_INT = 2, MFI_ONNX_SOME_INTS = 7 };

/* Parts of a graph, with the numbers of their fields. The graph is walked once for each part, so that a file
 * has the parts in this order, in which other programs write them. */
typedef enum mfi_onnx_part {
    MFI_ONNX_NODES = 1,
    MFI_ONNX_TENSORS = 5,
    MFI_ONNX_INPUTS = 11,
    MFI_ONNX_OUTPUTS = 12
} mfi_onnx_part;

typedef struct mfi_onnx_graph {
    mfi_sink *sink;
    mfi_onnx_part part; /* the part that this walk writes; others are skipped */
} mfi_onnx_graph;

enum { MFI_ONNX_OPERANDS = 5, MFI_ONNX_ATTRIBUTES = 4 };

typedef struct mfi_onnx_attribute {
    const char *name; /* NULL if there is none */
    int32_t type;
    float number;
    size_t count;
    int64_t values[4];
} mfi_onnx_attribute;

/* A node. Its name is that of its result. */
typedef struct mfi_onnx_node {
    const char *type;
    const char *inputs[MFI_ONNX_OPERANDS]; /* up to the first NULL */
    const char *output;
    mfi_onnx_attribute attributes[MFI_ONNX_ATTRIBUTES];
} mfi_onnx_node;

/* A constant tensor. One of the pointers after the dims is set. */
typedef struct mfi_onnx_tensor {
    const char *name;
    size_t rank;
    size_t dims[4];
    const mf_layer *layer; /* its parameter of that number */
    size_t number;
    const float *floats;
    size_t run; /* each of the floats stands for so many values; 0: for one */
    const int64_t *integers;
    float (*at)(const size_t dims[2], size_t row, size_t column);
} mfi_onnx_tensor;

/* An input or output of the graph. The batch is its first dimension and of any size. */
typedef struct mfi_onnx_value {
    const char *name;
    int32_t type;
    size_t rank; /* without the batch */
    size_t dims[3];
} mfi_onnx_value;

void mfi_onnx_put_node(const mfi_onnx_graph *graph, const mfi_onnx_node *node);
void mfi_onnx_put_tensor(const mfi_onnx_graph *graph, const mfi_onnx_tensor *tensor);
void mfi_onnx_put_value(const mfi_onnx_graph *graph, mfi_onnx_part part, const mfi_onnx_value *value);

#endif
