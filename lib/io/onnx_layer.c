/* Owns: writing a layer as ONNX nodes. The result of a node is named "layers.<position>.<what it is>";
 * parameters have the names of the model file. Pairs are vertical, horizontal, both in ONNX and in this
 * library. */
#include "io/onnx_layer.h"

#include <math.h>
#include <stdio.h>

#include "math/maps.h"
#include "model/unit.h"

typedef mfi_onnx_attribute attribute;

mfi_onnx_name mfi_onnx_name_of(size_t position, const char *what)
{
    mfi_onnx_name name;
    snprintf(name.text, sizeof name.text, "layers.%zu.%s", position, what);
    return name;
}

/* The unit that is being written. */
typedef struct unit {
    mfi_onnx_walk *walk;
    const mf_layer *layer;
    const mfi_stage *stage;
    int32_t node;
} unit;

/* The name of a unit's result contains the node's number, except in a layer that has a spec: such a layer has
 * at most one unit of each kind. */
static mfi_onnx_name name_in(const mfi_onnx_walk *walk, const mf_layer *layer, int32_t node, const char *what)
{
    char full[64];
    if (layer->plan.has_spec || node == 0)
        return mfi_onnx_name_of(walk->position, what);
    snprintf(full, sizeof full, "units.%d.%s", (int)node, what);
    return mfi_onnx_name_of(walk->position, full);
}

static mfi_onnx_name name_of(const unit *u, const char *what)
{
    return name_in(u->walk, u->layer, u->node, what);
}

/* Puts a node that reads the current value; its result becomes the current value. */
static void advance_to(mfi_onnx_walk *walk, mfi_onnx_node node, mfi_onnx_name output)
{
    node.inputs[0] = walk->value.text;
    node.output = output.text;
    mfi_onnx_put_node(&walk->graph, &node);
    walk->value = output;
}

static void advance(const unit *u, mfi_onnx_node node, const char *result)
{
    advance_to(u->walk, node, name_of(u, result));
}

static mfi_onnx_name put_parameter(const mfi_onnx_walk *walk, const mf_layer *layer, size_t number)
{
    const mfi_parameter_spec *parameter = &layer->plan.parameters[number];
    mfi_onnx_name name = mfi_onnx_name_of(walk->position, parameter->name);
    mfi_onnx_tensor tensor = {
        .name = name.text, .rank = (size_t)parameter->rank, .layer = layer, .number = number};
    for (size_t i = 0; i < tensor.rank; i++)
        tensor.dims[i] = parameter->dims[i];
    mfi_onnx_put_tensor(&walk->graph, &tensor);
    return name;
}

static mfi_onnx_name put_role(const unit *u, mfi_role role)
{
    return put_parameter(u->walk, u->layer, (size_t)u->stage->parameters[role]);
}

/* Whether the bias of the stage belongs to this unit: it belongs to the normalisation if the stage has one.
 */
static bool has_bias(const unit *u)
{
    return u->stage->parameters[MFI_BIAS] >= 0 && u->layer->plan.units[u->node - 1].spec.bias;
}

static attribute one(const char *name, int64_t value)
{
    return (attribute){.name = name, .type = MFI_ONNX_AN_INT, .values = {value}};
}

static attribute number(const char *name, float value)
{
    return (attribute){.name = name, .type = MFI_ONNX_A_FLOAT, .number = value};
}

static attribute two(const char *name, const size_t values[2])
{
    return (attribute){.name = name,
                       .type = MFI_ONNX_SOME_INTS,
                       .count = 2,
                       .values = {(int64_t)values[0], (int64_t)values[1]}};
}

/* Equal padding on both sides. */
static attribute pads(const size_t values[2])
{
    attribute four = two("pads", values);
    four.count = 4;
    four.values[2] = four.values[0];
    four.values[3] = four.values[1];
    return four;
}

static attribute last_axis(void)
{
    return (attribute){.name = "axes", .type = MFI_ONNX_SOME_INTS, .count = 1, .values = {-1}};
}

/* ---- rows of values, sequences, maps ---- */

static void flatten(mfi_onnx_walk *walk, mfi_onnx_name result)
{
    advance_to(walk, (mfi_onnx_node){.type = "Flatten", .attributes = {one("axis", 1)}}, result);
}

/* Puts a reshape of a row of values to maps or a sequence. The 0 keeps the dimension of the batch. */
static void put_reshape(mfi_onnx_walk *walk, const mf_shape *to, mfi_onnx_name shape_name,
                        mfi_onnx_name result)
{
    const int64_t shape[4] = {0, (int64_t)to->dims[0], (int64_t)to->dims[1], (int64_t)to->dims[2]};
    mfi_onnx_put_tensor(&walk->graph, &(mfi_onnx_tensor){.name = shape_name.text,
                                                         .rank = 1,
                                                         .dims = {1 + (size_t)to->rank},
                                                         .integers = shape});
    advance_to(walk, (mfi_onnx_node){.type = "Reshape", .inputs = {NULL, shape_name.text}}, result);
}

/* Reshapes the current value to the shape that its reader expects: it is that, or a row of values, or a row
 * is wanted. */
static void take_form(mfi_onnx_walk *walk, const mf_shape *wanted, int32_t rank, mfi_onnx_name shape_name,
                      mfi_onnx_name result)
{
    if (walk->rank > 1 && rank == 1)
        flatten(walk, result);
    else if (walk->rank == 1 && rank > 1)
        put_reshape(walk, wanted, shape_name, result);
    walk->rank = rank;
}

static const mf_shape *unit_input(const unit *u)
{
    const mfi_plan *plan = &u->layer->plan;
    return mfi_plan_shape(plan, plan->units[u->node - 1].spec.inputs[0]);
}

/* A convolution takes a row of n values as n maps of one. */
static void take_input(const unit *u, int32_t rank)
{
    mf_shape wanted = *unit_input(u);
    wanted.rank = rank;
    take_form(u->walk, &wanted, rank, name_of(u, "input_shape"), name_of(u, "input"));
}

/* ---- units ---- */

/* Of a sequence, every position times W^T, which is made here: Gemm knows matrices alone. */
static void put_dense_positions(const unit *u)
{
    mfi_onnx_name weight = put_role(u, MFI_WEIGHT), turned = name_of(u, "weight_turned"), bias;
    mfi_onnx_put_node(&u->walk->graph,
                      &(mfi_onnx_node){.type = "Transpose", .inputs = {weight.text}, .output = turned.text});
    advance(u, (mfi_onnx_node){.type = "MatMul", .inputs = {NULL, turned.text}},
            has_bias(u) ? "unbiased" : "product");
    if (!has_bias(u))
        return;
    bias = put_role(u, MFI_BIAS);
    advance(u, (mfi_onnx_node){.type = "Add", .inputs = {NULL, bias.text}}, "product");
}

/* x W^T, and + b unless the normalisation adds it. */
static void put_dense(const unit *u)
{
    if (unit_input(u)->rank == 2) {
        put_dense_positions(u);
        return;
    }
    take_input(u, 1);
    mfi_onnx_name weight = put_role(u, MFI_WEIGHT), bias;
    mfi_onnx_node node = {.type = "Gemm", .inputs = {NULL, weight.text}, .attributes = {one("transB", 1)}};
    if (has_bias(u)) {
        bias = put_role(u, MFI_BIAS);
        node.inputs[2] = bias.text;
    }
    advance(u, node, "product");
}

static void put_convolution(const unit *u)
{
    const mf_unit_spec *spec = &u->layer->plan.units[u->node - 1].spec;
    take_input(u, 3);
    mfi_onnx_name weight = put_role(u, MFI_WEIGHT), bias;
    mfi_onnx_node node = {
        .type = "Conv",
        .inputs = {NULL, weight.text},
        .attributes = {two("kernel_shape", spec->kernel), two("strides", spec->stride), pads(spec->padding)}};
    if (spec->groups > 0)
        node.attributes[3] = one("group", (int64_t)spec->groups);
    if (has_bias(u)) {
        bias = put_role(u, MFI_BIAS);
        node.inputs[2] = bias.text;
    }
    advance(u, node, "product");
}

static float zero(const size_t dims[2], size_t row, size_t column)
{
    (void)dims, (void)row, (void)column;
    return 0.0f;
}

/* ONNX requires a bias, so it gets zeros. */
static mfi_onnx_name put_zeros(const unit *u, size_t count)
{
    mfi_onnx_name name = name_of(u, "no_bias");
    mfi_onnx_put_tensor(&u->walk->graph,
                        &(mfi_onnx_tensor){.name = name.text, .rank = 1, .dims = {count}, .at = zero});
    return name;
}

static void put_normalization(const unit *u)
{
    mfi_onnx_name scale = put_role(u, MFI_SCALE);
    mfi_onnx_name bias = has_bias(u) ? put_role(u, MFI_BIAS) : put_zeros(u, u->stage->channels);
    mfi_onnx_name mean = put_role(u, MFI_MEAN);
    mfi_onnx_name variance = put_role(u, MFI_VARIANCE);
    advance(u,
            (mfi_onnx_node){.type = "BatchNormalization",
                            .inputs = {NULL, scale.text, bias.text, mean.text, variance.text},
                            .attributes = {number("epsilon", u->stage->normalization_epsilon)}},
            "normalized");
}

static mfi_onnx_name put_scalar(const unit *u, const char *what, float value)
{
    mfi_onnx_name name = name_of(u, what);
    mfi_onnx_put_tensor(&u->walk->graph, &(mfi_onnx_tensor){.name = name.text, .floats = &value});
    return name;
}

/* ((1 + erf(z / sqrt 2)) z) / 2, since opset 13 has no operator for GELU. Runtimes recognise these nodes in
 * this order and fuse them. */
static void put_gelu(const unit *u)
{
    mfi_onnx_name z = u->walk->value, root = put_scalar(u, "gelu_root", 1.41421356f);
    mfi_onnx_name unit_value = put_scalar(u, "gelu_one", 1.0f), half = put_scalar(u, "gelu_half", 0.5f);
    advance(u, (mfi_onnx_node){.type = "Div", .inputs = {NULL, root.text}}, "gelu_scaled");
    advance(u, (mfi_onnx_node){.type = "Erf"}, "gelu_erf");
    advance(u, (mfi_onnx_node){.type = "Add", .inputs = {NULL, unit_value.text}}, "gelu_sum");
    advance(u, (mfi_onnx_node){.type = "Mul", .inputs = {NULL, z.text}}, "gelu_twice");
    advance(u, (mfi_onnx_node){.type = "Mul", .inputs = {NULL, half.text}}, "activation");
}

/* z sigmoid(z), since opset 13 has no operator for SiLU. */
static void put_silu(const unit *u)
{
    mfi_onnx_name z = u->walk->value;
    advance(u, (mfi_onnx_node){.type = "Sigmoid"}, "silu_share");
    advance(u, (mfi_onnx_node){.type = "Mul", .inputs = {NULL, z.text}}, "activation");
}

static void put_activation(const unit *u)
{
    static const char *const types[] = {
        [MF_ACTIVATION_IDENTITY] = "Identity",
        [MF_ACTIVATION_RELU] = "Relu",
        [MF_ACTIVATION_LEAKY_RELU] = "LeakyRelu",
        [MF_ACTIVATION_TANH] = "Tanh",
        [MF_ACTIVATION_GELU] = NULL,
        [MF_ACTIVATION_SILU] = NULL,
    };
    mfi_activation phi = u->stage->phi;
    if (phi.kind == MF_ACTIVATION_GELU) {
        put_gelu(u);
        return;
    }
    if (phi.kind == MF_ACTIVATION_SILU) {
        put_silu(u);
        return;
    }
    mfi_onnx_node node = {.type = types[phi.kind]};
    if (phi.kind == MF_ACTIVATION_LEAKY_RELU)
        node.attributes[0] = number("alpha", phi.leak);
    advance(u, node, "activation");
}

static void put_pooling(const unit *u)
{
    const mfi_pool *pool = &u->stage->geometry.pool;
    mfi_onnx_node node = {.type = pool->kind == MF_POOL_MAX ? "MaxPool" : "AveragePool",
                          .attributes = {two("kernel_shape", pool->size), two("strides", pool->stride)}};
    bool padded = pool->padding[0] + pool->padding[1] > 0;
    if (padded)
        node.attributes[2] = pads(pool->padding);
    if (padded && pool->kind == MF_POOL_AVERAGE)
        node.attributes[3] = one("count_include_pad", 1);
    advance(u, node, "pooled");
}

/* ((x - mean) / sqrt(variance + epsilon)) scale + b, since opset 13 has no operator for it. Runtimes
 * recognise these nodes in this order and fuse them. */
static void put_layer_norm(const unit *u)
{
    const attribute axis = last_axis();
    mfi_onnx_name two_value = put_scalar(u, "norm_two", 2.0f), scale = put_role(u, MFI_SCALE), bias, off,
                  root;
    mfi_onnx_name epsilon = put_scalar(u, "norm_epsilon", u->stage->normalization_epsilon),
                  x = u->walk->value;
    advance(u, (mfi_onnx_node){.type = "ReduceMean", .attributes = {axis}}, "norm_mean");
    off = u->walk->value;
    u->walk->value = x;
    advance(u, (mfi_onnx_node){.type = "Sub", .inputs = {NULL, off.text}}, "norm_off");
    off = u->walk->value;
    advance(u, (mfi_onnx_node){.type = "Pow", .inputs = {NULL, two_value.text}}, "norm_square");
    advance(u, (mfi_onnx_node){.type = "ReduceMean", .attributes = {axis}}, "norm_variance");
    advance(u, (mfi_onnx_node){.type = "Add", .inputs = {NULL, epsilon.text}}, "norm_spread");
    advance(u, (mfi_onnx_node){.type = "Sqrt"}, "norm_root");
    root = u->walk->value;
    u->walk->value = off;
    advance(u, (mfi_onnx_node){.type = "Div", .inputs = {NULL, root.text}}, "norm_plain");
    advance(u, (mfi_onnx_node){.type = "Mul", .inputs = {NULL, scale.text}},
            has_bias(u) ? "norm_scaled" : "normalized");
    if (!has_bias(u))
        return;
    bias = put_role(u, MFI_BIAS);
    advance(u, (mfi_onnx_node){.type = "Add", .inputs = {NULL, bias.text}}, "normalized");
}

static void put_global_pool(const unit *u)
{
    const attribute positions = {.name = "axes", .type = MFI_ONNX_SOME_INTS, .count = 1, .values = {1}};
    if (unit_input(u)->rank == 2) {
        advance(u, (mfi_onnx_node){.type = "ReduceMean", .attributes = {positions, one("keepdims", 0)}},
                "mean");
        return;
    }
    advance(u, (mfi_onnx_node){.type = "GlobalAveragePool"}, "mean_maps");
    flatten(u->walk, name_of(u, "mean"));
}

/* ---- sequences ---- */

/* A permutation of 3 or 4 dimensions, the batch first. */
static attribute permutation(size_t count, int64_t one_axis, int64_t other, int64_t last)
{
    return (attribute){
        .name = "perm", .type = MFI_ONNX_SOME_INTS, .count = count, .values = {0, one_axis, other, last}};
}

static mfi_onnx_name put_integer_tensor(const unit *u, const char *what, size_t count, const int64_t *values)
{
    mfi_onnx_name name = name_of(u, what);
    mfi_onnx_put_tensor(
        &u->walk->graph,
        &(mfi_onnx_tensor){.name = name.text, .rank = 1, .dims = {count}, .integers = values});
    return name;
}

static void put_transpose(const unit *u)
{
    advance(u, (mfi_onnx_node){.type = "Transpose", .attributes = {permutation(3, 2, 1, 0)}}, "turned");
}

static void put_tokens(const unit *u)
{
    const mf_shape *input = unit_input(u);
    const int64_t shape[3] = {0, (int64_t)input->dims[0], (int64_t)(input->dims[1] * input->dims[2])};
    mfi_onnx_name name = put_integer_tensor(u, "tokens_shape", 3, shape);
    advance(u, (mfi_onnx_node){.type = "Reshape", .inputs = {NULL, name.text}}, "places");
    put_transpose(u);
}

/* The input of the graph has floats, as that of all networks. */
static void put_embedding(const unit *u)
{
    mfi_onnx_name weight = put_role(u, MFI_WEIGHT), tokens = name_of(u, "whole"),
                  result = name_of(u, "embedded");
    advance(u, (mfi_onnx_node){.type = "Cast", .attributes = {one("to", MFI_ONNX_INT64)}}, "whole");
    mfi_onnx_put_node(&u->walk->graph, &(mfi_onnx_node){.type = "Gather",
                                                        .inputs = {weight.text, tokens.text},
                                                        .output = result.text,
                                                        .attributes = {one("axis", 0)}});
    u->walk->value = result;
}

static void put_positions(const unit *u)
{
    mfi_onnx_name weight = put_role(u, MFI_WEIGHT);
    advance(u, (mfi_onnx_node){.type = "Add", .inputs = {NULL, weight.text}}, "placed");
}

/* The names of the constants and nodes of queries, keys and values. */
typedef struct part_names {
    const char *start, *end, *slice, *heads, *turned;
} part_names;

/* Part `index` of x, [N, heads, T, width], or with keys [N, heads, width, T]. */
static mfi_onnx_name put_attention_part(const unit *u, mfi_onnx_name x, int64_t index, mfi_onnx_name axis,
                                        mfi_onnx_name split)
{
    static const part_names all[3] = {
        {"query_start", "query_end", "query_slice", "query_heads", "query"},
        {"key_start", "key_end", "key_slice", "key_heads", "key"},
        {"value_start", "value_end", "value_slice", "value_heads", "value"},
    };
    const part_names *names = &all[index];
    const int64_t d = (int64_t)u->stage->channels, start = index * d, end = start + d;
    mfi_onnx_name from = put_integer_tensor(u, names->start, 1, &start),
                  to = put_integer_tensor(u, names->end, 1, &end);
    u->walk->value = x;
    advance(u, (mfi_onnx_node){.type = "Slice", .inputs = {NULL, from.text, to.text, axis.text}},
            names->slice);
    advance(u, (mfi_onnx_node){.type = "Reshape", .inputs = {NULL, split.text}}, names->heads);
    advance(u,
            (mfi_onnx_node){.type = "Transpose",
                            .attributes = {index == 1 ? permutation(4, 2, 3, 1) : permutation(4, 2, 1, 3)}},
            names->turned);
    return u->walk->value;
}

/* What a position must not see gets a score whose exponential is 0. */
static float mask_at(const size_t dims[2], size_t row, size_t column)
{
    (void)dims;
    return column > row ? -1e30f : 0.0f;
}

static void put_mask(const unit *u)
{
    size_t positions = u->stage->positions;
    mfi_onnx_name name = name_of(u, "mask");
    mfi_onnx_put_tensor(
        &u->walk->graph,
        &(mfi_onnx_tensor){.name = name.text, .rank = 2, .dims = {positions, positions}, .at = mask_at});
    advance(u, (mfi_onnx_node){.type = "Add", .inputs = {NULL, name.text}}, "masked");
}

static void put_attention(const unit *u)
{
    const int64_t two_value = 2, heads = (int64_t)u->stage->heads,
                  width = (int64_t)u->stage->channels / heads;
    const int64_t apart[4] = {0, (int64_t)u->stage->positions, heads, width};
    const int64_t joined[3] = {0, (int64_t)u->stage->positions, (int64_t)u->stage->channels};
    mfi_onnx_name axis = put_integer_tensor(u, "attention_axis", 1, &two_value);
    mfi_onnx_name split = put_integer_tensor(u, "heads_shape", 4, apart),
                  join = put_integer_tensor(u, "joined_shape", 3, joined);
    mfi_onnx_name scale = put_scalar(u, "attention_scale", 1.0f / sqrtf((float)width)), x = u->walk->value;
    mfi_onnx_name value = put_attention_part(u, x, 2, axis, split),
                  key = put_attention_part(u, x, 1, axis, split);
    put_attention_part(u, x, 0, axis, split);
    advance(u, (mfi_onnx_node){.type = "MatMul", .inputs = {NULL, key.text}}, "products");
    advance(u, (mfi_onnx_node){.type = "Mul", .inputs = {NULL, scale.text}}, "scores");
    if (u->stage->causal)
        put_mask(u);
    advance(u, (mfi_onnx_node){.type = "Softmax", .attributes = {one("axis", -1)}}, "shares");
    advance(u, (mfi_onnx_node){.type = "MatMul", .inputs = {NULL, value.text}}, "answers");
    advance(u, (mfi_onnx_node){.type = "Transpose", .attributes = {permutation(4, 2, 1, 3)}},
            "answers_turned");
    advance(u, (mfi_onnx_node){.type = "Reshape", .inputs = {NULL, join.text}}, "attended");
}

/* Dropout does nothing in inference, so its node is an Identity. */
static void put_dropout(const unit *u)
{
    advance(u, (mfi_onnx_node){.type = "Identity"}, "kept");
}

static const char *const results[MFI_UNIT_KINDS] = {
    [MF_UNIT_DENSE] = "product",
    [MF_UNIT_CONV2D] = "product",
    [MF_UNIT_BATCH_NORM] = "normalized",
    [MF_UNIT_ACTIVATION] = "activation",
    [MF_UNIT_POOL] = "pooled",
    [MF_UNIT_DROPOUT] = "kept",
    [MF_UNIT_ADD] = "sum",
    [MF_UNIT_LAYER_NORM] = "normalized",
    [MF_UNIT_GLOBAL_POOL] = "mean",
    [MF_UNIT_CONCAT] = "joined",
    [MF_UNIT_TRANSPOSE] = "turned",
    [MF_UNIT_TOKENS] = "turned",
    [MF_UNIT_POSITIONS] = "placed",
    [MF_UNIT_ATTENTION] = "attended",
    [MF_UNIT_EMBEDDING] = "embedded",
    [MF_UNIT_FLATTEN] = "flattened",
};

/* The name of a node's value; node 0 is the input of the layer. */
static mfi_onnx_name value_of(const mfi_onnx_walk *walk, const mf_layer *layer, int32_t node,
                              mfi_onnx_name input)
{
    return node == 0 ? input : name_in(walk, layer, node, results[layer->plan.units[node - 1].spec.kind]);
}

static void put_add(const unit *u, mfi_onnx_name input)
{
    const mf_unit_spec *spec = &u->layer->plan.units[u->node - 1].spec;
    mfi_onnx_name other = value_of(u->walk, u->layer, spec->inputs[1], input);
    advance(u, (mfi_onnx_node){.type = "Add", .inputs = {NULL, other.text}}, "sum");
}

static void put_concat(const unit *u, mfi_onnx_name input)
{
    const mf_unit_spec *spec = &u->layer->plan.units[u->node - 1].spec;
    mfi_onnx_name other = value_of(u->walk, u->layer, spec->inputs[1], input);
    const attribute axis = one("axis", unit_input(u)->rank == 2 ? 2 : 1);
    advance(u, (mfi_onnx_node){.type = "Concat", .inputs = {NULL, other.text}, .attributes = {axis}},
            "joined");
}

static void put_unit_node(const unit *u, mfi_onnx_name input)
{
    const mfi_plan *plan = &u->layer->plan;
    const mf_unit_spec *spec = &plan->units[u->node - 1].spec;
    u->walk->value = value_of(u->walk, u->layer, spec->inputs[0], input);
    u->walk->rank = unit_input(u)->rank;
    switch (spec->kind) {
    case MF_UNIT_DENSE:
        put_dense(u);
        return;
    case MF_UNIT_CONV2D:
        put_convolution(u);
        return;
    case MF_UNIT_BATCH_NORM:
        put_normalization(u);
        return;
    case MF_UNIT_ACTIVATION:
        put_activation(u);
        return;
    case MF_UNIT_POOL:
        put_pooling(u);
        return;
    case MF_UNIT_DROPOUT:
        put_dropout(u);
        return;
    case MF_UNIT_LAYER_NORM:
        put_layer_norm(u);
        return;
    case MF_UNIT_GLOBAL_POOL:
        put_global_pool(u);
        return;
    case MF_UNIT_CONCAT:
        put_concat(u, input);
        return;
    case MF_UNIT_TRANSPOSE:
        put_transpose(u);
        return;
    case MF_UNIT_TOKENS:
        put_tokens(u);
        return;
    case MF_UNIT_POSITIONS:
        put_positions(u);
        return;
    case MF_UNIT_ATTENTION:
        put_attention(u);
        return;
    case MF_UNIT_EMBEDDING:
        put_embedding(u);
        return;
    case MF_UNIT_FLATTEN:
        flatten(u->walk, name_of(u, "flattened"));
        return;
    default:
        put_add(u, input);
    }
}

/* ---- the head ---- */

/* The weight of value `at` in the mean of cell `index`. */
static float weight_in_cell(size_t size, size_t cells, size_t index, size_t at)
{
    size_t first, end;
    mfi_adaptive_cell(size, cells, index, &first, &end);
    return at >= first && at < end ? 1.0f / (float)(end - first) : 0.0f;
}

static float weight_down(const size_t dims[2], size_t row, size_t column)
{
    return weight_in_cell(dims[1], dims[0], row, column);
}

static float weight_across(const size_t dims[2], size_t row, size_t column)
{
    return weight_in_cell(dims[0], dims[1], column, row);
}

static mfi_onnx_name put_weights(const mfi_onnx_walk *walk, const char *what, size_t rows, size_t columns,
                                 float (*at)(const size_t dims[2], size_t row, size_t column))
{
    mfi_onnx_name name = mfi_onnx_name_of(walk->position, what);
    mfi_onnx_put_tensor(&walk->graph,
                        &(mfi_onnx_tensor){.name = name.text, .rank = 2, .dims = {rows, columns}, .at = at});
    return name;
}

/* Pooling with windows of different sizes. The means over rows and over columns are products of every map
 * with two small matrices, D [s, H] from the left and A [W, s] from the right. */
static void put_uneven_pooling(mfi_onnx_walk *walk, const size_t map[2], size_t cells)
{
    mfi_onnx_name across = put_weights(walk, "head_across", map[1], cells, weight_across);
    mfi_onnx_name down = put_weights(walk, "head_down", cells, map[0], weight_down);
    advance_to(walk, (mfi_onnx_node){.type = "MatMul", .inputs = {NULL, across.text}},
               mfi_onnx_name_of(walk->position, "head_rows"));
    mfi_onnx_name rows = walk->value, result = mfi_onnx_name_of(walk->position, "head_pooled");
    mfi_onnx_put_node(
        &walk->graph,
        &(mfi_onnx_node){.type = "MatMul", .inputs = {down.text, rows.text}, .output = result.text});
    walk->value = result;
}

static void put_head_pooling(mfi_onnx_walk *walk, const size_t map[2], size_t cells)
{
    const size_t window[2] = {map[0] / cells, map[1] / cells};
    if (map[0] == cells && map[1] == cells)
        return;
    if (map[0] % cells || map[1] % cells)
        put_uneven_pooling(walk, map, cells);
    else
        advance_to(walk,
                   (mfi_onnx_node){.type = "AveragePool",
                                   .attributes = {two("kernel_shape", window), two("strides", window)}},
                   mfi_onnx_name_of(walk->position, "head_pooled"));
}

/* The nodes of units from `first` to `last`. No stage has a flatten, and that needs none. */
static void put_nodes(mfi_onnx_walk *walk, const mf_layer *layer, int32_t first, int32_t last,
                      mfi_onnx_name input)
{
    const mfi_plan *plan = &layer->plan;
    const mfi_stage *stage = plan->stages;
    for (int32_t node = first; node <= last; node++) {
        while (stage->last < node && stage + 1 < plan->stages + plan->stage_count)
            stage++;
        put_unit_node(&(unit){walk, layer, stage, node}, input);
    }
    walk->rank = mfi_plan_shape(plan, last)->rank;
}

/* The matrix that the head shares with others is a tensor of the first layer that reads it. */
static mfi_onnx_name put_shared(const mfi_onnx_walk *walk, const mf_matrix *shared)
{
    mfi_onnx_name name = mfi_onnx_name_of(walk->first_reader, "head.shared");
    const mfi_onnx_tensor tensor = {
        .name = name.text, .rank = 2, .dims = {shared->rows, shared->columns}, .floats = shared->values};
    if (walk->first_reader == walk->position)
        mfi_onnx_put_tensor(&walk->graph, &tensor);
    return name;
}

/* M: what the head learns, or shared columns and behind them what it learns, if there is any. */
static mfi_onnx_name put_projection(const mfi_onnx_walk *walk, const mf_layer *layer)
{
    const mfi_plan *plan = &layer->plan;
    mfi_onnx_name learned = {{0}};
    if (mfi_plan_learned(plan) > 0)
        learned = put_parameter(walk, layer, plan->projection);
    if (!plan->head.shared)
        return learned;
    mfi_onnx_name shared = put_shared(walk, plan->head.shared),
                  both = mfi_onnx_name_of(walk->position, "head.columns");
    mfi_onnx_put_node(&walk->graph,
                      &(mfi_onnx_node){.type = "Concat",
                                       .inputs = {shared.text, learned.text[0] ? learned.text : NULL},
                                       .output = both.text,
                                       .attributes = {one("axis", 1)}});
    return both;
}

/* The next layer reads the activation and nothing of the head, so `aside` is a copy of the walk. */
static void put_goodness(const mfi_onnx_walk *walk, const mf_layer *layer, mfi_onnx_name input)
{
    mfi_onnx_walk aside = *walk;
    const mfi_plan *plan = &layer->plan;
    put_nodes(&aside, layer, plan->output + 1, plan->read, input);
    if (aside.rank > 1 && plan->head.kind != MF_HEAD_POSITIONS) {
        if (mfi_plan_pools_head(plan))
            put_head_pooling(&aside, mfi_plan_head_input(plan)->dims + 1, plan->head.pool_size);
        flatten(&aside, mfi_onnx_name_of(aside.position, "features"));
    }
    mfi_onnx_name projection = put_projection(&aside, layer);
    if (plan->head.kind == MF_HEAD_POSITIONS) {
        mfi_onnx_name turned = mfi_onnx_name_of(aside.position, "projection_turned");
        mfi_onnx_put_node(
            &aside.graph,
            &(mfi_onnx_node){.type = "Transpose", .inputs = {projection.text}, .output = turned.text});
        advance_to(&aside, (mfi_onnx_node){.type = "MatMul", .inputs = {NULL, turned.text}},
                   mfi_onnx_name_of(aside.position, "goodness"));
        return;
    }
    advance_to(
        &aside,
        (mfi_onnx_node){.type = "Gemm", .inputs = {NULL, projection.text}, .attributes = {one("transB", 1)}},
        mfi_onnx_name_of(aside.position, "goodness"));
}

void mfi_onnx_put_layer(mfi_onnx_walk *walk, const mf_layer *layer)
{
    const mfi_plan *plan = &layer->plan;
    take_form(walk, &plan->input, plan->input.rank, mfi_onnx_name_of(walk->position, "input_shape"),
              mfi_onnx_name_of(walk->position, "input"));
    mfi_onnx_name input = walk->value;
    put_nodes(walk, layer, 1, plan->output, input);
    put_goodness(walk, layer, input);
}
