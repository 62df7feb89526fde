/* Owns: what a layer is in ONNX. Every node's result is "layers.<position>.<what it is>", the parameters are
 * called as in a model file, and pairs are vertical, horizontal in both worlds. */
#include "io/onnx_layer.h"

#include <stdio.h>

#include "math/maps.h"

typedef mfi_onnx_attribute attribute;

mfi_onnx_name mfi_onnx_name_of(size_t position, const char *what)
{
    mfi_onnx_name name;
    snprintf(name.text, sizeof name.text, "layers.%zu.%s", position, what);
    return name;
}

/* A node that reads the value, and whose result is the value from then on. */
static void advance(mfi_onnx_walk *walk, mfi_onnx_node node, const char *result)
{
    mfi_onnx_name output = mfi_onnx_name_of(walk->position, result);
    node.inputs[0] = walk->value.text;
    node.output = output.text;
    mfi_onnx_put_node(&walk->graph, &node);
    walk->value = output;
}

static mfi_onnx_name put_parameter(const mfi_onnx_walk *walk, const mf_layer *layer, size_t index)
{
    const mfi_parameter *parameter = &layer->parameters[index];
    mfi_onnx_name name = mfi_onnx_name_of(walk->position, mfi_parameter_name(index));
    mfi_onnx_tensor tensor = {
        .name = name.text, .rank = (size_t)parameter->rank, .floats = parameter->values};
    for (size_t i = 0; i < tensor.rank; i++)
        tensor.dims[i] = parameter->dims[i];
    mfi_onnx_put_tensor(&walk->graph, &tensor);
    return name;
}

static bool has(const mf_layer *layer, size_t parameter)
{
    return layer->parameters[parameter].count > 0;
}

static bool normalizes(const mf_layer *layer)
{
    return layer->spec.normalization == MF_NORMALIZATION_BATCH;
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

/* The same on both sides. */
static attribute pads(const size_t values[2])
{
    attribute four = two("pads", values);
    four.count = 4;
    four.values[2] = four.values[0];
    four.values[3] = four.values[1];
    return four;
}

/* ---- the product with the input ---- */

static void flatten(mfi_onnx_walk *walk, const char *result)
{
    advance(walk, (mfi_onnx_node){.type = "Flatten", .attributes = {one("axis", 1)}}, result);
}

/* x W^T, and + b unless the normalisation adds it. */
static void put_dense(mfi_onnx_walk *walk, const mf_layer *layer, const char *result)
{
    if (walk->maps)
        flatten(walk, "input");
    walk->maps = false;
    mfi_onnx_name weight = put_parameter(walk, layer, MFI_WEIGHT), bias;
    mfi_onnx_node node = {.type = "Gemm", .inputs = {NULL, weight.text}, .attributes = {one("transB", 1)}};
    if (has(layer, MFI_BIAS) && !normalizes(layer)) {
        bias = put_parameter(walk, layer, MFI_BIAS);
        node.inputs[2] = bias.text;
    }
    advance(walk, node, result);
}

/* A row of values as maps; the batch, which the 0 stands for, is taken over. */
static void put_reshape(mfi_onnx_walk *walk, const mf_layer_spec *spec)
{
    const int64_t shape[4] = {0, (int64_t)spec->channels, (int64_t)spec->height, (int64_t)spec->width};
    mfi_onnx_name name = mfi_onnx_name_of(walk->position, "input_shape");
    mfi_onnx_put_tensor(&walk->graph,
                        &(mfi_onnx_tensor){.name = name.text, .rank = 1, .dims = {4}, .integers = shape});
    advance(walk, (mfi_onnx_node){.type = "Reshape", .inputs = {NULL, name.text}}, "input");
}

static void put_convolution(mfi_onnx_walk *walk, const mf_layer *layer, const char *result)
{
    const mf_layer_spec *spec = &layer->spec;
    if (!walk->maps)
        put_reshape(walk, spec);
    walk->maps = true;
    mfi_onnx_name weight = put_parameter(walk, layer, MFI_WEIGHT), bias;
    mfi_onnx_node node = {
        .type = "Conv",
        .inputs = {NULL, weight.text},
        .attributes = {two("kernel_shape", spec->kernel), two("strides", spec->stride), pads(spec->padding)}};
    if (has(layer, MFI_BIAS) && !normalizes(layer)) {
        bias = put_parameter(walk, layer, MFI_BIAS);
        node.inputs[2] = bias.text;
    }
    advance(walk, node, result);
}

/* What is particular to a kind of layer. */
static void (*const products[])(mfi_onnx_walk *walk, const mf_layer *layer, const char *result) = {
    [MF_LAYER_DENSE] = put_dense,
    [MF_LAYER_CONV2D] = put_convolution,
};

/* ---- normalisation, activation, pooling ---- */

static float zero(const size_t dims[2], size_t row, size_t column)
{
    (void)dims, (void)row, (void)column;
    return 0.0f;
}

/* ONNX asks for a bias. */
static mfi_onnx_name put_zeros(const mfi_onnx_walk *walk, size_t count)
{
    mfi_onnx_name name = mfi_onnx_name_of(walk->position, "no_bias");
    mfi_onnx_put_tensor(&walk->graph,
                        &(mfi_onnx_tensor){.name = name.text, .rank = 1, .dims = {count}, .at = zero});
    return name;
}

static void put_normalization(mfi_onnx_walk *walk, const mf_layer *layer, const char *result)
{
    mfi_onnx_name scale = put_parameter(walk, layer, MFI_SCALE);
    mfi_onnx_name bias = has(layer, MFI_BIAS) ? put_parameter(walk, layer, MFI_BIAS)
                                              : put_zeros(walk, mfi_spec_channels(&layer->spec));
    mfi_onnx_name mean = put_parameter(walk, layer, MFI_MEAN);
    mfi_onnx_name variance = put_parameter(walk, layer, MFI_VARIANCE);
    advance(walk,
            (mfi_onnx_node){.type = "BatchNormalization",
                            .inputs = {NULL, scale.text, bias.text, mean.text, variance.text},
                            .attributes = {number("epsilon", layer->spec.normalization_epsilon)}},
            result);
}

static mfi_onnx_name put_scalar(const mfi_onnx_walk *walk, const char *what, float value)
{
    mfi_onnx_name name = mfi_onnx_name_of(walk->position, what);
    mfi_onnx_put_tensor(&walk->graph, &(mfi_onnx_tensor){.name = name.text, .floats = &value});
    return name;
}

/* ((1 + erf(z / sqrt 2)) z) / 2: GELU is an operator from opset 20 on only. Runtimes know these nodes in this
 * order and fuse them. */
static void put_gelu(mfi_onnx_walk *walk, const char *result)
{
    mfi_onnx_name z = walk->value, root = put_scalar(walk, "gelu_root", 1.41421356f);
    mfi_onnx_name unit = put_scalar(walk, "gelu_one", 1.0f), half = put_scalar(walk, "gelu_half", 0.5f);
    advance(walk, (mfi_onnx_node){.type = "Div", .inputs = {NULL, root.text}}, "gelu_scaled");
    advance(walk, (mfi_onnx_node){.type = "Erf"}, "gelu_erf");
    advance(walk, (mfi_onnx_node){.type = "Add", .inputs = {NULL, unit.text}}, "gelu_sum");
    advance(walk, (mfi_onnx_node){.type = "Mul", .inputs = {NULL, z.text}}, "gelu_twice");
    advance(walk, (mfi_onnx_node){.type = "Mul", .inputs = {NULL, half.text}}, result);
}

static void put_activation(mfi_onnx_walk *walk, const mf_layer_spec *spec, const char *result)
{
    static const char *const types[] = {
        [MF_ACTIVATION_IDENTITY] = "Identity",
        [MF_ACTIVATION_RELU] = "Relu",
        [MF_ACTIVATION_LEAKY_RELU] = "LeakyRelu",
        [MF_ACTIVATION_TANH] = "Tanh",
        [MF_ACTIVATION_GELU] = NULL,
    };
    if (spec->activation == MF_ACTIVATION_GELU) {
        put_gelu(walk, result);
        return;
    }
    mfi_onnx_node node = {.type = types[spec->activation]};
    if (spec->activation == MF_ACTIVATION_LEAKY_RELU)
        node.attributes[0] = number("alpha", spec->leak);
    advance(walk, node, result);
}

static void put_pooling(mfi_onnx_walk *walk, const mfi_geometry *g, const char *result)
{
    if (g->pool.kind == MF_POOL_NONE)
        return;
    advance(
        walk,
        (mfi_onnx_node){.type = g->pool.kind == MF_POOL_MAX ? "MaxPool" : "AveragePool",
                        .attributes = {two("kernel_shape", g->pool.size), two("strides", g->pool.stride)}},
        result);
}

/* ---- the head ---- */

/* The share of value `at` in cell `index`. */
static float share(size_t size, size_t cells, size_t index, size_t at)
{
    size_t first, end;
    mfi_head_cell(size, cells, index, &first, &end);
    return at >= first && at < end ? 1.0f / (float)(end - first) : 0.0f;
}

static float share_down(const size_t dims[2], size_t row, size_t column)
{
    return share(dims[1], dims[0], row, column);
}

static float share_across(const size_t dims[2], size_t row, size_t column)
{
    return share(dims[0], dims[1], column, row);
}

static mfi_onnx_name put_shares(const mfi_onnx_walk *walk, const char *what, size_t rows, size_t columns,
                                float (*at)(const size_t dims[2], size_t row, size_t column))
{
    mfi_onnx_name name = mfi_onnx_name_of(walk->position, what);
    mfi_onnx_put_tensor(&walk->graph,
                        &(mfi_onnx_tensor){.name = name.text, .rank = 2, .dims = {rows, columns}, .at = at});
    return name;
}

/* Windows of different sizes: the means of rows and of columns are products with two small matrices,
 * D [s, H] from the left and A [W, s] from the right, for every map. */
static void put_uneven_pooling(mfi_onnx_walk *walk, const mfi_geometry *g)
{
    const size_t *pooled = g->pool.pooled;
    mfi_onnx_name across = put_shares(walk, "head_across", pooled[1], g->head, share_across);
    mfi_onnx_name down = put_shares(walk, "head_down", g->head, pooled[0], share_down);
    advance(walk, (mfi_onnx_node){.type = "MatMul", .inputs = {NULL, across.text}}, "head_rows");
    mfi_onnx_name rows = walk->value, result = mfi_onnx_name_of(walk->position, "head_pooled");
    mfi_onnx_put_node(
        &walk->graph,
        &(mfi_onnx_node){.type = "MatMul", .inputs = {down.text, rows.text}, .output = result.text});
    walk->value = result;
}

static void put_head_pooling(mfi_onnx_walk *walk, const mfi_geometry *g)
{
    const size_t *pooled = g->pool.pooled, window[2] = {pooled[0] / g->head, pooled[1] / g->head};
    if (pooled[0] == g->head && pooled[1] == g->head)
        return;
    if (pooled[0] % g->head || pooled[1] % g->head)
        put_uneven_pooling(walk, g);
    else
        advance(walk,
                (mfi_onnx_node){.type = "AveragePool",
                                .attributes = {two("kernel_shape", window), two("strides", window)}},
                "head_pooled");
}

/* The walk goes on from the activation, not from what M makes of it: `aside` is a copy. */
static void put_goodness(const mfi_onnx_walk *walk, const mf_layer *layer)
{
    mfi_onnx_walk aside = *walk;
    if (aside.maps) {
        mfi_geometry g = mfi_spec_geometry(&layer->spec);
        if (g.head > 0)
            put_head_pooling(&aside, &g);
        flatten(&aside, "features");
    }
    mfi_onnx_name projection = put_parameter(&aside, layer, MFI_PROJECTION);
    advance(
        &aside,
        (mfi_onnx_node){.type = "Gemm", .inputs = {NULL, projection.text}, .attributes = {one("transB", 1)}},
        "goodness");
}

void mfi_onnx_put_layer(mfi_onnx_walk *walk, const mf_layer *layer)
{
    products[layer->spec.kind](walk, layer, "product");
    if (normalizes(layer))
        put_normalization(walk, layer, "normalized");
    put_activation(walk, &layer->spec, "activation");
    if (walk->maps) {
        mfi_geometry g = mfi_spec_geometry(&layer->spec);
        put_pooling(walk, &g, "pooled");
    }
    put_goodness(walk, layer);
}
