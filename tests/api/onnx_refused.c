/* ONNX models that are damaged, or have what no unit computes, are refused, with a message that names the
 * node and what is wrong with it. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "onnx_text.h"

typedef struct refusal {
    const char *text, *part;
    int64_t opset;
} refusal;

static void check_refusals(const refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const refusal *r = &refusals[i];
        message model = text_model(r->text, r->opset);
        mf_onnx_spec spec = spec_of(&model);

        spec.classes = 3;
        check_refused(&spec, MF_STATUS_UNSUPPORTED, r->part);
    }
}

/* ---- operators ---- */

static void test_operators(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; Gelu x > y : approximate=tanh", "\"y\" (Gelu): only the exact form", 20},
        {"x:0x6; Clip x > y : min=0. max=6.", "\"y\" (Clip): only from 0 to infinity", 13},
        {"x:0x6; MatMul x w:5x3 > y", "\"y\" (MatMul): its weight does not fit its input", 13},
        {"x:0x6; Gemm x w:6x3 > y : alpha=2.", "\"y\" (Gemm): alpha and beta other than 1", 13},
        {"x:0x6; Gemm x w:6x3 > y : beta=2.", "alpha and beta other than 1", 13},
        {"x:0x6; Gemm x w:6x3 > y : transA=1", "transA, are not known", 13},
        {"x:0x6; Relu x > r; Gemm r w:6x3 r > y", "its weight and bias are no constants of floats", 13},
        {"x:0x6; Gemm x [6,3] > y", "its weight and bias are no constants of floats", 13},
        {"x:0x6; Gemm x w:6x3 b:4 > y", "its bias does not have a value for each output", 13},
        {"x:0x6; Concat x > y : axis=1", "\"y\" (Concat): only outputs of units, two or more", 13},
        {"x:0x6; Concat w:1x6 x > y : axis=1", "only outputs of units, two or more", 13},
        {"x:0x2x4x4; Relu x > r; Concat r r > y : axis=2", "only values of rows and positions, and maps", 13},
        {"x:0x6; Concat x w:1x6 > y : axis=1", "it reads a value that no unit computes", 13},
        {"x:0x6; Constant > c : value_int=3; Gemm x c > y", "\"c\" (Constant): it has no tensor", 13},
        {"x:0x6; Relu x > ; Tanh x > y", "(Relu): it has fewer outputs than it should", 13},
        {"x:0x6; Relu x > r; Cast r > w : to=7; Cast w > y : to=1", "\"w\" (Cast): it takes fractions", 13},
        {"x:0x6; Relu x > r; Cast r > w : to=9; Cast w > y : to=1", "\"w\" (Cast): it takes fractions", 13},
        {"x:0x6; Cast w:6x3 > v : to=6; Gemm x v > y", "\"v\" (Cast): it takes fractions", 13},
        {"x:0x6; Relu x > y; Tanh x > y", "\"y\" (Tanh): another node has an output of the same name", 13},
        {"x:0x6; Relu x > r; Tanh r > x", "\"x\" (Tanh): another node has an output of the same name", 13},
        {"x:0x2x4x4; BatchNormalization x s:2 b:2 m:2 v:2 > y : training_mode=1",
         "\"y\" (BatchNormalization): it normalises by the batch, as in training", 15},
        {"x:0x2x4x4; BatchNormalization x s:2 b:2 m:2 v:2 > y mean var saved other",
         "\"y mean var saved other\" (BatchNormalization): it normalises by the batch, as in training", 9},
        {"x:0x6; MatMul x w:6x3 > u; Shape x > s; Gather s #0 > n; Cast n > f : to=1; Div u f > y",
         "\"f\" (Cast): it makes a number of how many rows there are", 13},
        {"x:0x6; Dropout x 0.5 ?1 > d; Relu d > y", "\"d\" (Dropout): it drops values as in training", 13},
        {"x:0x6; Dropout x 0.5 #0 > d; Relu d > y", "it drops values as in training", 13},
        {"x:0x6; Dropout x 0.5 x > d; Relu d > y", "it drops values as in training", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* Inputs that a node could do without are read if they are named: nothing is as if it were not there. */
static void test_inputs_that_may_be_left_out(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; LayerNormalization x c:6 d:6 > l m; Gemm l w:6x3 m > y",
         "\"y\" (Gemm): its input \"m\" is no constant, and no known output of a node", 17},
        {"x:0x2x4x4; Conv x k:3x2x3x3 m > y", "\"y\" (Conv): its input \"m\" is no constant", 13},
        {"x:0x6; LayerNormalization x c:6 m > y", "\"y\" (LayerNormalization): its input \"m\"", 17},
        {"x:0x6; Clip x 0.0 m > y", "\"y\" (Clip): its input \"m\"", 13},
        {"x:0x6; Dropout x m > d; Relu d > y", "\"d\" (Dropout): its input \"m\"", 13},
        {"x:0x6; Flatten absent > y", "\"y\" (Flatten): its input \"absent\"", 13},
        {"x:0x6; Relu absent > y", "\"y\" (Relu): its input \"absent\"", 13},
        {"x:0x6; Cast [1,2,3,4,5,6] > b : to=1; LayerNormalization x c:6 b > y",
         "\"y\" (LayerNormalization): scale and bias are no constants of the last dim", 17},
        {"x:0x6; Relu x > r; Gemm r w:6x3 [1,2,3] > y", "its weight and bias are no constants of floats", 13},
        {"x:0x2x4x4; Conv x k:3x2x3x3 [1,2,3] > y",
         "its weight is no constant of four dims, or its bias none", 13},
        {"x:0x6; Clip x 0.0 [6] > y", "\"y\" (Clip): only from 0 to infinity", 13},
        {"x:0x2x4x4; Pad x [0,0,1,1,0,0,1,1] [2] > p; Conv p k:3x2x3x3 > y", "\"p\" (Pad): only zeros around",
         13},
        {"x:0x4x6; Slice x [0] [9] x > y", "\"y\" (Slice): its axes and steps are no constants", 13},
        {"x:0x4x6; Slice x [0] [9] [1] x > y", "its axes and steps are no constants", 13},
        {"x:0x4x6; Split x x > a y : axis=2", "\"a y\" (Split): the sizes of its parts are not known", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* A constant that has few values and is none of those that are read. */
static void test_sparse_constants(void **state)
{
    message graph = text_graph("x:0x6; Gemm x w:6x3 b > y"), values = {0}, sparse = {0};

    (void)state;
    put_text(&values, 8, "b");
    put_message(&sparse, 1, &values);
    put_message(&graph, 15, &sparse);
    message model = model_of(&graph, 13);
    mf_onnx_spec spec = spec_of(&model);
    check_refused(&spec, MF_STATUS_UNSUPPORTED, "\"y\" (Gemm): its input \"b\" is no constant");
}

/* Rows are moved to another dim, where a mean or attention would be that of rows. */
static void test_rows_in_another_dim(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; Unsqueeze x [0] > u; Relu u > r; ReduceMean r > y : axes=1, keepdims=0",
         "\"r\" (Relu): it reads a value whose rows do not lie in its first dim", 13},
        {"x:0x6; Unsqueeze x [0] > u; MatMul u a:6x18 > z; Split z > q k v : axis=2; Transpose k > t : "
         "perm=0,2,1; MatMul q t > s; Mul s 0.40824829 > c; Softmax c > p : axis=-1; MatMul p v > y",
         "\"z\" (MatMul): it reads a value whose rows do not lie in its first dim", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* From what is no row of tokens. */
static void test_fractions_that_are_taken(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; Cast x > i : to=7; Cast i > v : to=1; Gemm v w:6x3 > y",
         "\"y\" (Gemm): fractions were taken from what it reads", 13},
        {"x:0x6; Cast x > i : to=6; Cast i > v : to=1; Identity v > z; Relu z > y",
         "\"y\" (Relu): fractions were taken from what it reads", 13},
        {"x:0x6; Cast x > i : to=7; Cast i > v : to=1; Relu x > r; Add r v > y",
         "\"y\" (Add): fractions were taken", 13},
        {"x:0x6; Cast x > i : to=7; Cast i > v : to=1; Sigmoid v > s; Mul x s > y",
         "\"y\" (Mul): of two values, the product is known inside GELU and SiLU alone", 13},
        {"x:0x4x4; Cast x > i : to=7; Cast i > v : to=1; Split v > q k : axis=2; Transpose k > t : "
         "perm=0,2,1; "
         "MatMul q t > y",
         "\"y\" (MatMul): of two values, the product is known inside self-attention alone", 13},
        {"x:0x6; Cast x > i : to=9; Cast i > v : to=1; Gemm v w:6x3 > y", "\"i\" (Cast): it takes fractions",
         13},
        {"x:0x6 int64; Cast x > i : to=9; Cast i > v : to=1; Gemm v w:6x3 > y",
         "\"i\" (Cast): it takes fractions from values, or is to another type than int32 and int64", 13},
        {"x:0x6 int64; Cast x > f : to=1; Mul f 0.5 > h; Cast h > i : to=7; Cast i > g : to=1; Mul g 2.0 > "
         "d; "
         "MatMul d w:6x3 > y",
         "\"i\" (Cast): it takes fractions", 13},
        {"x:0x6 int64; Cast x > i : to=2; Cast i > v : to=1; Gemm v w:6x3 > y", "\"i\" (Cast)", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* Maps of one place are a row in the library, and have other dims in the model. */
static void test_maps_of_one_place(void **state)
{
    static const refusal refusals[] = {
        {"x:0x2x4x4; GlobalAveragePool x > g; Mul g c:2 > m; Conv m k:3x2x1x1 > v; GlobalAveragePool v > y",
         "\"m\" (Mul): it is known inside", 13},
        {"x:0x2x4x4; GlobalAveragePool x > g; Mul g c:2x1x1 > m; Add m b:2 > a; Flatten a > y",
         "\"a\" (Add): a constant is known as a bias", 13},
        {"x:0x2x4x4; GlobalAveragePool x > g; Softmax g > y",
         "\"y\" (Softmax): its last dim has one value alone", 13},
        {"x:0x6; Gemm x w:6x6 > u; Reshape u [-1,6,1] > r; Softmax r > y : axis=-1",
         "its last dim has one value alone", 13},
        {"x:0x2x4x4; GlobalAveragePool x > g; LayerNormalization g c:2 > y",
         "\"y\" (LayerNormalization): the last dim is not that of a row or a sequence", 17},
        {"x:0x2x4x4; GlobalAveragePool x > g; ReduceMean g > m : axes=-1,; Sub g m > o; Mul o o > q; "
         "ReduceMean q > v : axes=-1,; Add v 0.001 > e; Sqrt e > d; Div o d > y",
         "\"y\" (Div): the last dim is not that of a row or a sequence", 13},
        {"x:0x2x4x4; GlobalAveragePool x > g; Flatten g > f; Add g f > y",
         "\"y\" (Add): of two values, the sum is known where they have the same dims", 13},
        {"x:0x2x4x4; GlobalAveragePool x > g; Flatten g > f; Concat g f > y : axis=1",
         "\"y\" (Concat): its inputs differ in a dim along which they are not put", 13},
        {"x:0x1; Transpose x > t; LayerNormalization t c:1 > y",
         "it reads a value whose rows do not lie in its first dim", 17},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* Constants that ONNX broadcasts otherwise than along channels, values of a row, or positions. */
static void test_constants_of_other_dims(void **state)
{
    static const refusal refusals[] = {
        {"x:0x4x6; MatMul x a:6x6 > p; Add p c:4x1x6 > y",
         "\"y\" (Add): a constant is known as a bias, and as positions of a sequence, alone", 13},
        {"x:0x4x6; MatMul x a:6x6 > p; Add p c:2x2x6 > y", "as positions of a sequence, alone", 13},
        {"x:0x4x6; MatMul x a:6x6 > p; Add p c:1x1x4x6 > y",
         "\"y\" (Add): its constant has more dims than the value that it goes to", 13},
        {"x:0x6; MatMul x w:6x3 > u; Add u b:1x1x3 > y", "its constant has more dims than the value", 13},
        {"x:0x6; Mul x c:1x1x6 > m; Relu m > y", "its constant has more dims than the value", 13},
        {"x:0x6; Add c:1x1x1 x > m; Relu m > y", "its constant has more dims than the value", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* What is added to what was multiplied by 0 cannot be added before. */
static void test_scalings_by_0(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; Mul x 0.0 > m; Add m 1.0 > a; Relu a > y", "\"a\" (Add): a constant is known as a bias", 13},
        {"x:0x6; Div x 0.0 > m; Relu m > y", "\"m\" (Div): it is known inside", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* What is known as a part of something alone. */
static void test_parts_of_units(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; Relu x > r; Mul r 2.0 > m; Sigmoid m > y", "\"y\" (Sigmoid): it is known inside SiLU alone",
         13},
        {"x:0x6; Relu x > r; Mul r 2.0 > m; Tanh m > y",
         "\"y\" (Tanh): it reads a value that a constant was multiplied", 13},
        {"x:0x6; Relu x > r; Mul r 2.0 > m; ReduceMean m > s : axes=-1,; Sub r s > o; Mul o o > q; "
         "ReduceMean q > v : axes=-1,; Add v 0.001 > e; Sqrt e > d; Div o d > y",
         "\"o\" (Sub): it is known inside a layer normalisation alone", 13},
        {"x:0x6; Relu x > r; Sub r 1.0 > y", "\"y\" (Sub): it is known inside a layer normalisation alone",
         13},
        {"x:0x6; Relu x > r; Pow r 2.0 > y", "\"y\" (Pow): it is known inside a layer normalisation alone",
         13},
        {"x:0x6; Sigmoid x > s; Add s 1.0 > y", "\"y\" (Add): this constant is not known to be added to that",
         13},
        {"x:0x6; Sigmoid x > s; Tanh s > y", "\"y\" (Tanh): it reads a value that no unit computes", 13},
        {"x:0x6; LayerNormalization x c:6 > y : axis=0", "\"y\" (LayerNormalization): only the last dim", 17},
        {"x:0x6; Shape x > s; LayerNormalization s c:6 > y", "only the last dim of a unit's output", 17},
        {"x:0x6; LayerNormalization x c:5 > y", "scale and bias are no constants of the last dim", 17},
        {"x:0x6; LayerNormalization x c:6 b:5 > y", "scale and bias are no constants of the last dim", 17},
        {"x:0x6; ReduceMean c:6 > y : axes=1,", "\"y\" (ReduceMean): its input or its axes are not what", 13},
        {"x:0x6; ReduceMean x x > y", "its input or its axes are not what a unit has", 18},
        {"x:0x6; ReduceMean x > y : axes=1, keepdims=0", "only means over maps, over positions", 13},
        {"x:0x6; GlobalAveragePool x > y", "\"y\" (GlobalAveragePool): it does not read maps", 13},
        {"x:0x6; MaxPool x > y : kernel_shape=2,2", "\"y\" (MaxPool): it does not read maps", 13},
        {"x:0x2x4x4; Relu x > r; Pad r r > y", "\"y\" (Pad): its pads are no constants", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* Queries and keys, their shares, and what these have in common with values. */
static void test_attention(void **state)
{
    static const refusal refusals[] = {
        {"x:0x4x6; MatMul x a:6x18 > z; Split z > q k v : axis=2; Transpose k > t : perm=0,2,1; MatMul v t > "
         "y",
         "\"y\" (MatMul): queries, keys and values are not in this order", 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Split z > q k v : axis=2; Transpose q > t : perm=0,2,1; MatMul k t > "
         "y",
         "\"y\" (MatMul): queries, keys and values are not in this order", 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Split z > q k v : axis=2; Transpose k > t : perm=0,2,1; MatMul q t > "
         "s; "
         "Softmax s > y : axis=-1",
         "\"y\" (Softmax): the scores are not those of attention", 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Split z > q k v : axis=2; Transpose k > t : perm=0,2,1; MatMul q t > "
         "s; "
         "Mul s 0.40824829 > c; Softmax c > p : axis=-1; MatMul x b:6x6 > w; MatMul p w > y",
         "come neither from one unit nor from three", 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Split z > q k v : axis=2; Transpose k > t : perm=0,2,1; MatMul q t > "
         "s; "
         "Mul s 0.40824829 > c; Softmax c > p : axis=-1; MatMul p q > y",
         "come neither from one unit nor from three", 13},
        {"x:0x4x6; MatMul x a:6x6 > q; MatMul x b:6x6 > k; Transpose k > t : perm=0,2,1; MatMul q t > s; "
         "Mul s 0.40824829 > c; Softmax c > p : axis=-1; MatMul x d:6x5 > w; MatMul p w > y",
         "\"y\" (MatMul): the values do not fit queries and keys", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* ---- what only moves values ---- */

static void test_moves(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; Reshape x [-1,-2] > y", "\"y\" (Reshape): the shape does not have the values of its input",
         13},
        {"x:0x6; Reshape x [1,7] > y", "the shape does not have the values of its input", 13},
        {"x:0x6; Reshape x [-1,7] > y", "the shape does not have the values of its input", 13},
        {"x:0x6; Reshape x [1,0] > y : allowzero=1", "the shape does not have the values of its input", 13},
        {"x:0x6; Reshape x [2,3] > y", "\"y\" (Reshape): the batch does not stay the first dim", 13},
        {"x:0x6; Reshape x x > y", "its shape is no constant of at most 8 integers", 13},
        {"x:0x6; Reshape x [1,1,1,1,1,1,1,1,6] > y", "its shape is no constant of at most 8 integers", 13},
        {"x:0x2x4x4; Transpose x > t : perm=0,1,3,2; Reshape t [0,-1] > y",
         "\"y\" (Reshape): it reads values in an order that no unit has", 13},
        {"x:0x6; Squeeze x > y", "\"y\" (Squeeze): it has no constant axes", 13},
        {"x:0x1x6; Squeeze x [2] > y", "\"y\" (Squeeze): an axis is not one of a single value", 13},
        {"x:0x1x6; Squeeze x [0] > y", "an axis is not one of a single value", 13},
        {"x:0x1x6; Squeeze x [3] > y", "an axis is not one of a single value", 13},
        {"x:0x6; Unsqueeze x > y", "\"y\" (Unsqueeze): it has no constant axes, or too many", 13},
        {"x:0x6; Unsqueeze x [1,2,3,4,5,6,7] > y", "it has no constant axes, or too many", 13},
        {"x:0x6; Unsqueeze x [1,1] > y", "\"y\" (Unsqueeze): an axis is out of range, or there twice", 13},
        {"x:0x6; Unsqueeze x [3] > y", "an axis is out of range, or there twice", 13},
        {"x:0x4x6; Transpose x > y : perm=0,1", "\"y\" (Transpose): its permutation has another rank", 13},
        {"x:0x6; Transpose k:3x2x3 > t; Relu t > y", "\"t\" (Transpose): of constants, only matrices", 13},
        {"x:0x6; Transpose k:3x2 > t : perm=0,1; Relu t > y", "of constants, only matrices are turned around",
         13},
        {"x:0x4x6; Relu x > r; Transpose r > t : perm=1,0,2; Tanh t > y",
         "\"y\" (Tanh): it reads a value whose rows do not lie in its first dim", 13},
        {"x:0x4x6; Gather x [0,1] > y : axis=1", "\"y\" (Gather): only one constant index is read", 13},
        {"x:0x4x6; Gather x x > y : axis=1", "only one constant index is read", 13},
        {"x:0x4x6; Gather x [0] > y : axis=0", "and not of the batch", 13},
        {"x:0x4x6; Gather x [4] > y : axis=1", "\"y\" (Gather): its index is out of range", 13},
        {"x:0x6; Slice x x x > y", "\"y\" (Slice): its starts and ends are no constants", 13},
        {"x:0x6; Slice x [0,1] [2] > y", "its starts and ends are no constants", 13},
        {"x:0x6; Slice x [2] [1] [1] > y", "\"y\" (Slice): it is empty, out of range, cuts the batch", 13},
        {"x:0x6; Slice x [0] [4] [1] [2] > y", "or has steps other than 1", 13},
        {"x:0x6; Slice x [1] [9] [0] > y", "cuts the batch", 13},
        {"x:0x6; Slice x [0] [4] [2] > y", "out of range", 13},
        {"x:0x4x6; Split x > y b : axis=0", "\"y b\" (Split): its axis is out of range or the batch", 13},
        {"x:0x4x6; Split x > a b c d e f g h y : axis=2", "or it has too many parts", 13},
        {"x:0x4x6; Split x [1,1] > a b y : axis=2", "the sizes of its parts are not known", 13},
        {"x:0x4x6; Split x > a b c y : axis=2", "the sizes of its parts are not known", 13},
        {"x:0x4x6; Split x [5,5] > a y : axis=2", "its parts are larger than its input", 13},
        {"x:0x4x6; Split x [0,6] > a y : axis=2", "its parts are larger than its input", 13},
        {"x:0x6; Reshape w:2x3 [1,6] > y", "\"y\" (Reshape): its input is neither a unit's output", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* Arithmetic on shapes that is not done: what is left is a list that no operator reads. */
static void test_shapes(void **state)
{
    static const refusal refusals[] = {
        {"x:0x6; Shape x > s : start=1; Reshape x s > y", "\"s\" (Shape): start and end are not known", 15},
        {"x:0x6; Shape x > s : end=1; Reshape x s > y", "start and end are not known", 15},
        {"x:0x6; Shape x > s; Gather s [2] > g; Reshape x g > y",
         "\"g\" (Gather): its input is neither a unit's", 13},
        {"x:0x6; Shape x > s; Gather s [0,1] > g; Reshape x g > y", "\"g\" (Gather): its input is neither",
         13},
        {"x:0x6; Shape x > s; Slice s [2] [1] > g; Reshape x g > y",
         "\"g\" (Slice): its input is neither a unit's", 13},
        {"x:0x6; Shape x > s; Slice s [0] [2] [0] [1] > g; Reshape x g > y",
         "\"g\" (Slice): its input is neither", 13},
        {"x:0x6; Shape x > s; Slice s > g : starts=0,; Reshape x g > y",
         "\"g\" (Slice): its input is neither", 13},
        {"x:0x6; Shape x > s; Concat s s s s s > g : axis=0; Reshape x g > y",
         "\"g\" (Concat): only outputs of units", 13},
        {"x:0x6; Shape x > s; Concat s w:1 > g : axis=0; Reshape x g > y",
         "\"g\" (Concat): only outputs of units", 13},
        {"x:0x6; Shape x > s; Squeeze s > g; Reshape x g > y",
         "\"g\" (Squeeze): its input is neither a unit's", 13},
        {"x:0x6; Shape x > s; Relu s > y", "\"y\" (Relu): it reads a value that no unit computes", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* ---- graphs ---- */

static void test_graphs(void **state)
{
    static const refusal refusals[] = {
        {"x:6; Relu x > y", "the input has 1 dims; 2 to 4 are read", 13},
        {"x:0x1x2x3x4; Relu x > y", "the input has 5 dims; 2 to 4 are read", 13},
        {"x:0x1x1x1x1x1x1x1x6; Relu x > y", "2 to 4 are read", 13},
        {"x:0x0x4; Relu x > y", "dim 1 of the input is free, or too large", 13},
        {"x:0x65536x65536; Relu x > y", "dim 2 of the input is free, or too large", 13},
        {"x:0x1073741824; Concat x x > y : axis=1",
         "2147483648x1x1 values of its output are more than 2147483647", 13},
        {"x:0x2x4x4; Relu x > r; Transpose r > y : perm=0,1,3,2",
         "the output of the graph is not that of a unit", 13},
        {"x:0x6; Relu x > r; Shape r > y", "the output of the graph is not that of a unit", 13},
        {"x:0x6; Identity x > y", "there is no unit to make a layer of", 13},
        {"x:0x2x4x4; Relu x > r; Reshape r [0,2,16] > s; MatMul s w:16x3 > y",
         "\"y\" (MatMul): maps or a sequence change their shape in front of it", 13},
        {"x:0x4x6; Relu x > r; Reshape r [0,6,4] > s; MatMul s w:4x3 > y",
         "\"y\" (MatMul): maps or a sequence change their shape in front of it", 13},
        {"x:0x4x6; Mul x c:6 > m; Flatten m > f; Gemm f w:24x3 > y",
         "\"y\" (Gemm): the input of the graph changes its shape behind a scaling by several numbers", 13},
        {"x:0x2x4x4; Mul x c:2x1x1 > m; Reshape m [0,16,2] > r; MatMul r w:2x3 > y",
         "\"y\" (MatMul): the input of the graph changes its shape behind a scaling by several numbers", 13},
        {"x:0x6; Relu x > a; Reshape a [0,2,3] > b; MatMul b w:3x3 > c; Reshape c [0,6] > d; Add d a > y",
         "\"y\" (Add): it reads a value from before a reshape", 13},
    };

    (void)state;
    check_refusals(refusals, COUNT_OF(refusals));
}

/* Names that the caller gives, and an end that leaves nothing. */
static void test_wishes(void **state)
{
    const char *cut = "s";
    message model = text_model("x:0x6; Identity x > s; Relu s > r; Tanh r > y", 13);
    mf_onnx_spec spec = spec_of(&model);

    (void)state;
    spec.cuts = &cut;
    spec.cut_count = 1;
    check_refused(&spec, MF_STATUS_ARGUMENT, "the cut \"s\": there is no unit up to there");
    cut = NULL;
    check_refused(&spec, MF_STATUS_ARGUMENT, "cut 0 is NULL");
    spec = spec_of(&model);
    spec.last = "s";
    check_refused(&spec, MF_STATUS_ARGUMENT, "the last node \"s\": there is no unit up to there");
    spec = spec_of(&model);
    spec.features = 1;
    spec.classes = 3;
    check_refused(&spec, MF_STATUS_UNSUPPORTED, "there is no dense unit, so no classifier");
    model = text_model("x:0x6; Reshape x [0,2,3] > r; MatMul r w:3x3 > y", 13);
    spec = spec_of(&model);
    spec.features = 1;
    spec.classes = 3;
    check_refused(&spec, MF_STATUS_UNSUPPORTED, "there is no unit to make a layer of");
}

/* Scores of positions would become classes, or classes positions; what only has other dims of 1 stays. */
static void test_scores_in_another_shape(void **state)
{
    static const char *const refused[] = {
        "x:0x6; Gemm x w:6x6 > u; Reshape u [-1,2,3] > y",
        "x:0x6; Gemm x w:6x6 > u; Reshape u [-1,2,3] > r; Softmax r > y : axis=-1"};
    static const struct {
        const char *text;
        size_t classes;
    } taken[] = {{"x:0x6; Gemm x w:6x6 > u; Reshape u [-1,6,1] > y", 6},
                 {"x:0x4x6; MatMul x w:6x3 > u; Reshape u [0,12] > y", 12}};
    message model;
    mf_onnx_spec spec;
    mf_shape scores = {.struct_size = sizeof scores};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        model = text_model(refused[i], 13);
        spec = spec_of(&model);
        check_refused(&spec, MF_STATUS_UNSUPPORTED, "in another shape");
        spec.classes = 3;
        mf_network_free(import_model(&spec));
        spec.classes = 0;
        spec.last = "u";
        mf_network_free(import_model(&spec));
    }
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        model = text_model(taken[i].text, 13);
        spec = spec_of(&model);
        mf_network *network = import_model(&spec);
        check_ok(mf_layer_goodness_shape(layer_at(network, 0), &scores));
        assert_int_equal(scores.rank, 1);
        assert_int_equal(scores.dims[0], taken[i].classes);
        mf_network_free(network);
    }
}

/* Each unit is known; a head or the network refuses. */
static void test_layers_that_do_not_fit(void **state)
{
    static const struct {
        const char *text, *cut, *part;
    } cases[] = {
        {"x:0x6; Mul x c:6 > m; Reshape m [0,2,3] > r; MatMul r w:3x3 > y", NULL,
         "layer 0: 6 numbers scale the network's inputs, its first layer expects 2x3 = 6 inputs"},
        {"x:0x4x6; MatMul x a:6x6 > p; Transpose p > q : perm=0,2,1; MatMul q b:4x3 > y", "p",
         "layer 1: the layer has goodness for 6 positions, the network for 4 positions"},
        {"x:0x2x4x4; Relu x > r; Reshape r [0,2,16] > s; Transpose s > t : perm=0,2,1; MatMul t w:2x3 > y",
         "r", "layer 0: a head for positions reads a sequence"}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        message model = text_model(cases[i].text, 13);
        mf_onnx_spec spec = spec_of(&model);

        spec.cuts = &cases[i].cut;
        spec.cut_count = cases[i].cut != NULL;
        check_refused(&spec, MF_STATUS_SHAPE, cases[i].part);
    }
}

/* ---- files ---- */

static message model_with(const message *graph, const char *producer)
{
    message model = model_of(graph, 13);

    put_text(&model, 2, producer);
    return model;
}

static void check_graph_refused(const message *graph, const char *producer, mf_status status,
                                const char *part)
{
    message model = model_with(graph, producer);
    mf_onnx_spec spec = spec_of(&model);

    check_refused(&spec, status, part);
}

/* A tensor "w" of 2 x 3 that is wrong in some way. */
static void check_tensor_refused(const message *tensor, mf_status status, const char *part)
{
    message graph = text_graph("x:0x2; MatMul x w > y"), named = *tensor;

    put_text(&named, 8, "w");
    put_message(&graph, 5, &named);
    check_graph_refused(&graph, "another", status, part);
}

static message begin_tensor(int64_t type, int64_t rows)
{
    message tensor = {0};

    put_int(&tensor, 1, rows);
    put_int(&tensor, 1, 3);
    put_int(&tensor, 2, type);
    return tensor;
}

static void test_tensors(void **state)
{
    static const float values[6];
    message tensor = begin_tensor(1, 2), start = tensor;

    (void)state;
    put_int(&tensor, 14, 1);
    check_tensor_refused(&tensor, MF_STATUS_UNSUPPORTED, "tensor \"w\" is in another file");
    tensor = start;
    put_bytes(&tensor, 9, values, sizeof values - 1);
    check_tensor_refused(&tensor, MF_STATUS_FORMAT,
                         "tensor \"w\" is damaged, or its values do not fit its dims");
    tensor = start;
    put_bytes(&tensor, 9, values, 4);
    put_bytes(&tensor, 9, values, sizeof values - 4);
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
    tensor = start;
    put_bytes(&tensor, 7, "\1\1\1\1\1\1", 6); /* floats as integers */
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
    tensor = begin_tensor(7, 2);
    put_bytes(&tensor, 7, "\1\1\1", 3);
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
    tensor = start;
    put_int(&tensor, 4, 1); /* a float that is not packed */
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
    tensor = begin_tensor(1, (int64_t)INT32_MAX + 1);
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
    tensor = start;
    put_bytes(&tensor, 1, "\1\1\1\1\1\1\1", 7); /* nine dims */
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
    tensor = start;
    put_bytes(&tensor, 1, "\x80", 1); /* dims that end in the middle of a number */
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
    tensor = begin_tensor(1, INT32_MAX);
    put_int(&tensor, 1, INT32_MAX);
    put_int(&tensor, 1, INT32_MAX);
    check_tensor_refused(&tensor, MF_STATUS_FORMAT, "tensor \"w\" is damaged");
}

/* A shape whose integers end in the middle of a number. */
static void test_shapes_that_are_damaged(void **state)
{
    message graph = text_graph("x:0x6; Reshape x s > y"), tensor = {0};

    (void)state;
    put_int(&tensor, 1, 2);
    put_int(&tensor, 2, 7);
    put_bytes(&tensor, 7, "\1\x80", 2);
    put_text(&tensor, 8, "s");
    put_message(&graph, 5, &tensor);
    check_graph_refused(&graph, "another", MF_STATUS_UNSUPPORTED,
                        "\"y\" (Reshape): its shape is no constant");
}

static void test_ends_and_domains(void **state)
{
    const int64_t dims[] = {0, 6};
    message graph = text_graph("x:0x6; Relu x > y"), node = {0}, model, none = {0}, empty = {0};
    mf_onnx_spec spec;

    (void)state;
    put_value(&graph, 11, "other", 2, dims);
    check_graph_refused(&graph, "another", MF_STATUS_UNSUPPORTED, "the graph has 2 inputs; one input");
    put_value(&none, 11, "x", 2, dims);
    check_graph_refused(&none, "another", MF_STATUS_UNSUPPORTED, "the graph has 1 inputs and no output");
    graph = text_graph("x:0x6; Relu x > r");
    put_text(&node, 1, "r");
    put_text(&node, 2, "y");
    put_text(&node, 3, "apart");
    put_text(&node, 4, "Relu");
    put_text(&node, 7, "com.microsoft");
    put_message(&graph, 1, &node);
    check_graph_refused(&graph, "another", MF_STATUS_UNSUPPORTED,
                        "node \"apart\": operators of other domains are not known");
    model = model_of(&empty, 13);
    spec = spec_of(&model);
    check_refused(&spec, MF_STATUS_FORMAT, "this is no ONNX model: there is no graph");
}

/* Many small nodes are no long file. */
static void test_graphs_of_too_many_nodes(void **state)
{
    enum { NODES = 8193 };
    static unsigned char bytes[2 * NODES + 8] = {0x3A, 0x82, 0x80, 0x01};
    mf_onnx_spec spec;
    size_t at = 4;

    (void)state;
    for (size_t i = 0; i < NODES; i++) {
        bytes[at++] = 0x0A;
        bytes[at++] = 0;
    }
    memcpy(bytes + at, "\x42\x02\x10\x0D", 4);
    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.buffer = bytes;
    spec.bytes = sizeof bytes;
    check_refused(&spec, MF_STATUS_FORMAT, "8193 nodes with 0 values: at most 8192");
}

static size_t put_length(unsigned char *bytes, size_t at, size_t length)
{
    for (; length >= 0x80; length >>= 7)
        bytes[at++] = (unsigned char)(length | 0x80);
    bytes[at++] = (unsigned char)length;
    return at;
}

/* Each of the inputs of a node may become a unit, and be one behind the others by another one. */
static void test_graphs_of_too_many_units(void **state)
{
    enum { INPUTS = 33000 };
    static unsigned char bytes[3 * INPUTS + 2000];
    const message graph = text_graph("x:0x4x6; Transpose x > t : perm=0,2,1");
    message rest = {0}, axis = {0};
    mf_onnx_spec spec;
    size_t at = 0, node;

    (void)state;
    put_text(&axis, 1, "axis");
    put_int(&axis, 3, 2);
    put_text(&rest, 2, "y");
    put_text(&rest, 4, "Concat");
    put_message(&rest, 5, &axis);
    node = 3 * INPUTS + rest.count;
    bytes[at++] = 7 << 3 | 2;
    at = put_length(bytes, at, graph.count + 4 + node);
    memcpy(bytes + at, graph.bytes, graph.count);
    at += graph.count;
    bytes[at++] = 1 << 3 | 2;
    at = put_length(bytes, at, node);
    for (size_t i = 0; i < INPUTS; i++, at += 3)
        memcpy(bytes + at, "\x0A\1t", 3);
    memcpy(bytes + at, rest.bytes, rest.count);
    at += rest.count;
    memcpy(bytes + at, "\x42\x02\x10\x0D", 4);
    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.buffer = bytes;
    spec.bytes = at + 4;
    check_refused(&spec, MF_STATUS_UNSUPPORTED, "the graph makes more than 16384 units");
}

/* ---- files that say that this library has written them ---- */

static void test_own_files_that_are_wrong(void **state)
{
    static const struct {
        const char *text, *part, *projection;
        mf_status status;
        int layers;
    } cases[] = {
        {"x:0x6; Relu x > layers.0.a", "layer 0 has no projection", "layers.9.projection", MF_STATUS_FORMAT,
         1},
        {"x:0x6; Relu x > layers.0.a", "projection has 18 values, the model has 12", "layers.0.projection",
         MF_STATUS_FORMAT, 1},
        {"x:0x6; Relu x > layers.0.a; Tanh layers.0.a > layers.0.b; Add layers.0.a layers.0.b > layers.1.c",
         "layer 1 reads several values of the layers before it", NULL, MF_STATUS_FORMAT, 2},
        {"x:0x6; Relu x > layers.0.a; Tanh layers.0.a > layers.1.b; Tanh layers.0.a > layers.2.c",
         "layer 2 does not read the layer before it", NULL, MF_STATUS_FORMAT, 3},
        {"x:0x6; Relu x > layers.0.a; Reshape layers.0.a [0,2,3] > layers.1.s; MatMul layers.1.s w:3x3 > "
         "layers.1.b; "
         "Reshape layers.0.a [0,3,2] > layers.2.s; MatMul layers.2.s v:2x3 > layers.2.c",
         "(MatMul): its input changes its shape, which is possible where gradients may stop", NULL,
         MF_STATUS_UNSUPPORTED, 3},
        {"x:0x6; Relu x > layers.0.a.turned", "(Relu): the name is one of a turn", NULL,
         MF_STATUS_UNSUPPORTED, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        message graph = text_graph(cases[i].text), model;
        mf_onnx_spec spec;
        mf_network *network = NULL;
        char name[40];

        for (int layer = 0; layer < cases[i].layers; layer++) {
            const int64_t dims[] = {3, cases[i].projection ? 4 : 6};

            snprintf(name, sizeof name, "layers.%d.projection", layer);
            put_constant(&graph, cases[i].projection ? cases[i].projection : name, 2, dims);
        }
        model = model_with(&graph, "libmonoforward");
        spec = spec_of(&model);
        check_status(cases[i].status, mf_network_import_onnx(&spec, &network));
        check_message(cases[i].part);
        assert_null(network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_inputs_that_may_be_left_out),
        cmocka_unit_test(test_sparse_constants),
        cmocka_unit_test(test_rows_in_another_dim),
        cmocka_unit_test(test_fractions_that_are_taken),
        cmocka_unit_test(test_maps_of_one_place),
        cmocka_unit_test(test_constants_of_other_dims),
        cmocka_unit_test(test_scalings_by_0),
        cmocka_unit_test(test_parts_of_units),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_shapes_that_are_damaged),
        cmocka_unit_test(test_ends_and_domains),
        cmocka_unit_test(test_graphs_of_too_many_nodes),
        cmocka_unit_test(test_graphs_of_too_many_units),
        cmocka_unit_test(test_scores_in_another_shape),
        cmocka_unit_test(test_layers_that_do_not_fit),
        cmocka_unit_test(test_own_files_that_are_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
