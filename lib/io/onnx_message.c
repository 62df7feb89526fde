/* Owns: writing the protobuf messages of an ONNX graph. The field numbers are those of onnx.proto. */
#include "io/onnx_message.h"

#include "io/bytes.h"
#include "io/protobuf.h"
#include "io/values.h"

enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INT = 3, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { TENSOR_DIM = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_TYPE_ELEMENT = 1, TENSOR_TYPE_SHAPE = 2 };
enum { SHAPE_DIM = 1, DIM_VALUE = 1, DIM_NAME = 2 };

/* ---- nodes ---- */

static void put_attribute(mfi_sink *sink, const void *what)
{
    const mfi_onnx_attribute *attribute = what;
    mfi_pb_text(sink, ATTRIBUTE_NAME, attribute->name);
    if (attribute->type == MFI_ONNX_A_FLOAT)
        mfi_pb_float(sink, ATTRIBUTE_FLOAT, attribute->number);
    else if (attribute->type == MFI_ONNX_AN_INT)
        mfi_pb_int(sink, ATTRIBUTE_INT, attribute->values[0]);
    else
        for (size_t i = 0; i < attribute->count; i++)
            mfi_pb_int(sink, ATTRIBUTE_INTS, attribute->values[i]);
    mfi_pb_int(sink, ATTRIBUTE_TYPE, attribute->type);
}

static void put_node(mfi_sink *sink, const void *what)
{
    const mfi_onnx_node *node = what;
    for (size_t i = 0; i < MFI_ONNX_OPERANDS && node->inputs[i]; i++)
        mfi_pb_text(sink, NODE_INPUT, node->inputs[i]);
    mfi_pb_text(sink, NODE_OUTPUT, node->output);
    mfi_pb_text(sink, NODE_NAME, node->output);
    mfi_pb_text(sink, NODE_TYPE, node->type);
    for (size_t i = 0; i < MFI_ONNX_ATTRIBUTES && node->attributes[i].name; i++)
        mfi_pb_message(sink, NODE_ATTRIBUTE, put_attribute, &node->attributes[i]);
}

void mfi_onnx_put_node(const mfi_onnx_graph *graph, const mfi_onnx_node *node)
{
    if (graph->part == MFI_ONNX_NODES)
        mfi_pb_message(graph->sink, MFI_ONNX_NODES, put_node, node);
}

/* ---- tensors ---- */

static void put_integers(mfi_sink *sink, const int64_t *values, size_t count)
{
    unsigned char bytes[8];
    mfi_pb_begin(sink, TENSOR_RAW, 8 * (uint64_t)count);
    for (size_t i = 0; i < count; i++) {
        mfi_put_u64(bytes, (uint64_t)values[i]);
        mfi_sink_put(sink, bytes, sizeof bytes);
    }
}

static void put_formula(mfi_sink *sink, const mfi_onnx_tensor *tensor)
{
    uint64_t bytes = 4 * (uint64_t)tensor->dims[0] * (tensor->rank > 1 ? tensor->dims[1] : 1);
    mfi_pb_begin(sink, TENSOR_RAW, bytes);
    if (mfi_pb_counts(sink, bytes))
        return;
    for (size_t row = 0; row < tensor->dims[0]; row++)
        for (size_t column = 0; column < (tensor->rank > 1 ? tensor->dims[1] : 1); column++) {
            float value = tensor->at(tensor->dims, row, column);
            mfi_sink_floats(sink, &value, 1);
        }
}

static void put_runs(mfi_sink *sink, const mfi_onnx_tensor *tensor, size_t count)
{
    mfi_pb_begin(sink, TENSOR_RAW, 4 * (uint64_t)count);
    if (mfi_pb_counts(sink, 4 * (uint64_t)count))
        return;
    for (size_t i = 0; i < count; i++)
        mfi_sink_floats(sink, &tensor->floats[i / tensor->run], 1);
}

static void put_layer_values(mfi_sink *sink, const mfi_onnx_tensor *tensor, size_t count)
{
    mfi_pb_begin(sink, TENSOR_RAW, 4 * (uint64_t)count);
    if (!mfi_pb_counts(sink, 4 * (uint64_t)count))
        mfi_sink_tensor(sink, tensor->layer, tensor->number, -1, count);
}

static void put_tensor(mfi_sink *sink, const void *what)
{
    const mfi_onnx_tensor *tensor = what;
    uint64_t count = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        mfi_pb_int(sink, TENSOR_DIM, (int64_t)tensor->dims[i]);
        count *= tensor->dims[i];
    }
    mfi_pb_int(sink, TENSOR_TYPE, tensor->integers ? MFI_ONNX_INT64 : MFI_ONNX_FLOAT);
    mfi_pb_text(sink, TENSOR_NAME, tensor->name);
    if (tensor->integers)
        put_integers(sink, tensor->integers, (size_t)count);
    else if (tensor->layer)
        put_layer_values(sink, tensor, (size_t)count);
    else if (tensor->floats && tensor->run > 0)
        put_runs(sink, tensor, (size_t)count);
    else if (tensor->floats)
        mfi_pb_floats(sink, TENSOR_RAW, tensor->floats, count);
    else
        put_formula(sink, tensor);
}

void mfi_onnx_put_tensor(const mfi_onnx_graph *graph, const mfi_onnx_tensor *tensor)
{
    if (graph->part == MFI_ONNX_TENSORS)
        mfi_pb_message(graph->sink, MFI_ONNX_TENSORS, put_tensor, tensor);
}

/* ---- inputs and outputs ---- */

static void put_batch(mfi_sink *sink, const void *what)
{
    (void)what;
    mfi_pb_text(sink, DIM_NAME, "N");
}

static void put_dim(mfi_sink *sink, const void *what)
{
    mfi_pb_int(sink, DIM_VALUE, (int64_t) * (const size_t *)what);
}

static void put_shape(mfi_sink *sink, const void *what)
{
    const mfi_onnx_value *value = what;
    mfi_pb_message(sink, SHAPE_DIM, put_batch, NULL);
    for (size_t i = 0; i < value->rank; i++)
        mfi_pb_message(sink, SHAPE_DIM, put_dim, &value->dims[i]);
}

static void put_tensor_type(mfi_sink *sink, const void *what)
{
    const mfi_onnx_value *value = what;
    mfi_pb_int(sink, TENSOR_TYPE_ELEMENT, value->type);
    mfi_pb_message(sink, TENSOR_TYPE_SHAPE, put_shape, value);
}

static void put_type(mfi_sink *sink, const void *what)
{
    mfi_pb_message(sink, TYPE_TENSOR, put_tensor_type, what);
}

static void put_value(mfi_sink *sink, const void *what)
{
    const mfi_onnx_value *value = what;
    mfi_pb_text(sink, VALUE_NAME, value->name);
    mfi_pb_message(sink, VALUE_TYPE, put_type, value);
}

void mfi_onnx_put_value(const mfi_onnx_graph *graph, mfi_onnx_part part, const mfi_onnx_value *value)
{
    if (graph->part == part)
        mfi_pb_message(graph->sink, part, put_value, value);
}
