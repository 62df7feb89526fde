/* Owns: writing a network as an ONNX model: the parts around the layers, and the outputs computed from
 * theirs. */
#include "io/onnx.h"

#include <string.h>

#include "base/status.h"
#include "base/version.h"
#include "io/host_metadata.h"
#include "io/onnx_layer.h"
#include "io/protobuf.h"
#include "io/record.h"
#include "model/workspace.h"

/* Since IR version 4, constant tensors need not also be inputs; opset 13 belongs to IR version 7. */
enum { IR_VERSION = 7, OPSET = 13 };
enum {
    MODEL_IR = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_DOC = 6,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14
};
enum { GRAPH_NAME = 2, GRAPH_DOC = 10, OPSET_DOMAIN = 1, OPSET_VERSION = 2 };

static const char model_doc[] = "A network trained with the Mono-Forward algorithm: every layer has a "
                                "projection of its own that turns its "
                                "activation into one score per class, its goodness.";
static const char graph_doc[] =
    "goodness_last, probabilities_last and label_last answer from the last layer, goodness_sum, "
    "probabilities_sum and label_sum from the sum of the goodness of all layers.";

/* ---- the graph ---- */

/* Puts "goodness_last" and the outputs computed from it, or the same for the sum. */
static void put_answers(const mfi_onnx_graph *graph, const mfi_plan *plan, const char *from,
                        const char *const names[3])
{
    const mfi_onnx_attribute axis = {
        .name = "axis", .type = MFI_ONNX_AN_INT, .values = {plan->head.kind == MF_HEAD_POSITIONS ? 2 : 1}};
    const mfi_onnx_attribute keep = {.name = "keepdims", .type = MFI_ONNX_AN_INT, .values = {0}};
    const mfi_onnx_node nodes[3] = {
        {.type = "Identity", .inputs = {from}, .output = names[0]},
        {.type = "Softmax", .inputs = {names[0]}, .output = names[1], .attributes = {axis}},
        {.type = "ArgMax", .inputs = {names[0]}, .output = names[2], .attributes = {axis, keep}},
    };
    for (size_t i = 0; i < 3; i++)
        mfi_onnx_put_node(graph, &nodes[i]);
}

/* Scores of a row, or of its positions, and the labels. */
static void put_outputs(const mfi_onnx_graph *graph, const mfi_plan *plan, const char *const names[3])
{
    size_t positions = plan->head.kind == MF_HEAD_POSITIONS ? 1 : 0;
    for (size_t i = 0; i < 3; i++) {
        mfi_onnx_value value = {.name = names[i], .type = MFI_ONNX_FLOAT, .rank = positions + 1};
        value.dims[0] = plan->scored;
        value.dims[positions] = plan->head.classes;
        if (i == 2) {
            value.type = MFI_ONNX_INT64;
            value.rank = positions;
        }
        mfi_onnx_put_value(graph, MFI_ONNX_OUTPUTS, &value);
    }
}

/* Puts the sum of the goodness of all layers up to walk->position, added in the library's order. */
static mfi_onnx_name put_sum(const mfi_onnx_walk *walk, const mfi_onnx_name *before)
{
    mfi_onnx_name goodness = mfi_onnx_name_of(walk->position, "goodness");
    mfi_onnx_name sum = mfi_onnx_name_of(walk->position, "goodness_sum");
    if (walk->position == 0)
        return goodness;
    mfi_onnx_put_node(
        &walk->graph,
        &(mfi_onnx_node){.type = "Add", .inputs = {before->text, goodness.text}, .output = sum.text});
    return sum;
}

/* (input + shift) scale: one number, one for each channel, or, of a row of values, one for each of these. */
static void put_scaling(mfi_onnx_walk *walk, const mf_network *network, const mf_shape *input)
{
    const mfi_scaling scaling = mfi_network_scaling(network);
    mfi_onnx_tensor numbers[2] = {{.name = "input.shift", .floats = scaling.shift},
                                  {.name = "input.scale", .floats = scaling.scale}};
    if (scaling.count == 0)
        return;
    for (size_t i = 0; i < 2; i++) {
        numbers[i].rank = input->rank == 3 ? 3 : 1;
        numbers[i].dims[0] = scaling.count;
        numbers[i].dims[1] = numbers[i].dims[2] = 1;
        if (input->rank == 1 && scaling.count > 1) {
            numbers[i].dims[0] = input->dims[0];
            numbers[i].run = input->dims[0] / scaling.count;
        }
        mfi_onnx_put_tensor(&walk->graph, &numbers[i]);
    }
    mfi_onnx_put_node(&walk->graph, &(mfi_onnx_node){.type = "Add",
                                                     .inputs = {walk->value.text, "input.shift"},
                                                     .output = "input.shifted"});
    mfi_onnx_put_node(&walk->graph, &(mfi_onnx_node){.type = "Mul",
                                                     .inputs = {"input.shifted", "input.scale"},
                                                     .output = "input.scaled"});
    walk->value = (mfi_onnx_name){"input.scaled"};
}

static void put_part(mfi_sink *sink, const mf_network *network, mfi_onnx_part part)
{
    static const char *const last[3] = {"goodness_last", "probabilities_last", "label_last"};
    static const char *const sum[3] = {"goodness_sum", "probabilities_sum", "label_sum"};
    const mfi_plan *first = &network->entries[0].layer->plan;
    const mf_shape shape = first->input;
    mfi_onnx_walk walk = {.graph = {sink, part}, .value = {"input"}, .rank = shape.rank};
    mfi_onnx_value input = {.name = "input", .type = MFI_ONNX_FLOAT, .rank = (size_t)shape.rank};
    memcpy(input.dims, shape.dims, sizeof input.dims);
    mfi_onnx_put_value(&walk.graph, MFI_ONNX_INPUTS, &input);
    put_scaling(&walk, network, &shape);
    mfi_onnx_name total = {""};
    for (; walk.position < network->count; walk.position++) {
        walk.first_reader = mfi_first_reader(network, walk.position);
        mfi_onnx_put_layer(&walk, network->entries[walk.position].layer);
        total = put_sum(&walk, &total);
    }
    put_answers(&walk.graph, first, mfi_onnx_name_of(network->count - 1, "goodness").text, last);
    put_answers(&walk.graph, first, total.text, sum);
    put_outputs(&walk.graph, first, last);
    put_outputs(&walk.graph, first, sum);
}

static void put_graph(mfi_sink *sink, const void *what)
{
    put_part(sink, what, MFI_ONNX_NODES);
    mfi_pb_text(sink, GRAPH_NAME, "monoforward");
    put_part(sink, what, MFI_ONNX_TENSORS);
    mfi_pb_text(sink, GRAPH_DOC, graph_doc);
    put_part(sink, what, MFI_ONNX_INPUTS);
    put_part(sink, what, MFI_ONNX_OUTPUTS);
}

/* ---- the model ---- */

static void put_opset(mfi_sink *sink, const void *what)
{
    (void)what;
    mfi_pb_text(sink, OPSET_DOMAIN, "");
    mfi_pb_int(sink, OPSET_VERSION, OPSET);
}

static void put_model(mfi_sink *sink, const mf_network *network)
{
    mfi_pb_int(sink, MODEL_IR, IR_VERSION);
    mfi_pb_text(sink, MODEL_PRODUCER, "libmonoforward");
    mfi_pb_text(sink, MODEL_PRODUCER_VERSION, MFI_VERSION);
    mfi_pb_text(sink, MODEL_DOC, model_doc);
    mfi_pb_message(sink, MODEL_GRAPH, put_graph, network);
    mfi_pb_message(sink, MODEL_OPSET, put_opset, NULL);
    mfi_host_metadata_put_onnx(network, sink, MODEL_METADATA);
}

mf_status mfi_onnx_size(const mf_network *network, size_t *bytes)
{
    mfi_sink sink;
    const mfi_layer_list layers = mfi_list_network(network);
    MFI_TRY(mfi_check_layers(&layers, 1));
    mfi_sink_begin(&sink, NULL, NULL);
    put_model(&sink, network);
    if (sink.total > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "the ONNX model has %llu bytes, the format allows at most %d",
                        (unsigned long long)sink.total, (int)INT32_MAX);
    *bytes = (size_t)sink.total;
    return MF_STATUS_OK;
}

mf_status mfi_onnx_write(const mf_network *network, mfi_sink *sink)
{
    put_model(sink, network);
    return mfi_sink_end(sink);
}
