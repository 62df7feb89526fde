/* ONNX import: what models may say in several ways answers alike, and as it is computed here in double
 * precision. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "onnx_text.h"
#include "random.h"

enum { ROWS = 3, MOST = 64, POSITIONS = 4, WIDTH = 6, FILTERS = 3, SIDE = 4 };

/* What a row x becomes. */
typedef void answer(const float *x, double *y);

typedef struct form {
    const char *text;
    answer *answer;
    size_t inputs, outputs;
    int64_t opset;
} form;

/* ---- answers ---- */

/* y = x W + b of `rows` rows, W [n, m] with values of its letter; without b if `bias` is 0. */
static void product(const double *x, size_t rows, size_t n, char weight, char bias, size_t m, double *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < m; k++) {
            y[r * m + k] = bias ? (double)text_value(bias, k) : 0.0;
            for (size_t i = 0; i < n; i++)
                y[r * m + k] += x[r * n + i] * (double)text_value(weight, i * m + k);
        }
}

static void widen(const float *x, size_t count, double *wide)
{
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)x[i];
}

static void relu_of(const float *x, size_t count, double *y)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] > 0.0f ? (double)x[i] : 0.0;
}

static void relu(const float *x, double *y)
{
    relu_of(x, WIDTH, y);
}

static void tanh_of(const float *x, double *y)
{
    for (size_t i = 0; i < WIDTH; i++)
        y[i] = tanh((double)x[i]);
}

/* Of 4 positions, each with numbers of its own. */
static void placed(const float *x, double *y)
{
    for (size_t i = 0; i < POSITIONS * WIDTH; i++)
        y[i] = (double)x[i] + (double)text_value('c', i);
}

static void gelu(const float *x, double *y)
{
    for (size_t i = 0; i < WIDTH; i++)
        y[i] = 0.5 * (double)x[i] * (1.0 + erf((double)x[i] * sqrt(0.5)));
}

/* Six values to three. */
static void dense(const float *x, double *y)
{
    double wide[WIDTH];

    widen(x, WIDTH, wide);
    product(wide, 1, WIDTH, 'w', 0, 3, y);
}

static void dense_with_bias(const float *x, double *y)
{
    double wide[WIDTH];

    widen(x, WIDTH, wide);
    product(wide, 1, WIDTH, 'w', 'b', 3, y);
}

/* Maps, 2 x 4 x 4, as a row behind ReLU. */
static void dense_of_maps(const float *x, double *y)
{
    double wide[32];

    relu_of(x, 32, wide);
    product(wide, 1, 32, 'w', 0, 3, y);
}

/* The means of 2 maps of 4 x 4. */
static void means(const float *x, double *y)
{
    for (size_t map = 0; map < 2; map++) {
        y[map] = 0.0;
        for (size_t i = 0; i < 16; i++)
            y[map] += (double)x[map * 16 + i] / 16;
    }
}

/* Each mean times a factor, and a bias. */
static void means_with_factors(const float *x, double *y)
{
    means(x, y);
    for (size_t map = 0; map < 2; map++)
        y[map] = y[map] * (double)text_value('c', map) + (double)text_value('b', map);
}

/* The means twice, behind each other, times factors. */
static void means_beside_each_other(const float *x, double *y)
{
    means(x, y);
    for (size_t i = 4; i-- > 0;)
        y[i] = y[i % 2] * (double)text_value('c', i);
}

static void normalized(const float *x, double *y)
{
    double mean = 0.0, variance = 0.0;

    for (size_t i = 0; i < WIDTH; i++)
        mean += (double)x[i] / WIDTH;
    for (size_t i = 0; i < WIDTH; i++)
        variance += ((double)x[i] - mean) * ((double)x[i] - mean) / WIDTH;
    for (size_t i = 0; i < WIDTH; i++)
        y[i] = ((double)x[i] - mean) / sqrt(variance + 0.001) * (double)text_value('s', i);
}

static void normalized_with_bias(const float *x, double *y)
{
    normalized(x, y);
    for (size_t i = 0; i < WIDTH; i++)
        y[i] += (double)text_value('b', i);
}

/* 3 x 3 over 2 maps of 4 x 4 without a border, with a bias. */
static void convolution(const float *x, double *y)
{
    for (size_t f = 0; f < FILTERS; f++)
        for (size_t at = 0; at < 4; at++) {
            y[f * 4 + at] = (double)text_value('b', f);
            for (size_t i = 0; i < 2 * 9; i++) {
                size_t map = i / 9, row = at / 2 + i / 3 % 3, column = at % 2 + i % 3;

                y[f * 4 + at] +=
                    (double)x[map * SIDE * SIDE + row * SIDE + column] * (double)text_value('k', f * 18 + i);
            }
        }
}

/* One head; queries, keys and values [4, 6]. */
static void attend(const double *q, const double *k, const double *v, double *y)
{
    for (size_t p = 0; p < POSITIONS; p++) {
        double shares[POSITIONS], sum = 0.0;

        for (size_t o = 0; o < POSITIONS; o++) {
            double score = 0.0;

            for (size_t i = 0; i < WIDTH; i++)
                score += q[p * WIDTH + i] * k[o * WIDTH + i];
            sum += shares[o] = exp(score / sqrt(WIDTH));
        }
        for (size_t i = 0; i < WIDTH; i++) {
            y[p * WIDTH + i] = 0.0;
            for (size_t o = 0; o < POSITIONS; o++)
                y[p * WIDTH + i] += shares[o] / sum * v[o * WIDTH + i];
        }
    }
}

static void attention_of_three(const float *x, double *y)
{
    double wide[24], q[24], k[24], v[24];

    widen(x, 24, wide);
    product(wide, POSITIONS, WIDTH, 'q', 0, WIDTH, q);
    product(wide, POSITIONS, WIDTH, 'k', 0, WIDTH, k);
    product(wide, POSITIONS, WIDTH, 'v', 0, WIDTH, v);
    attend(q, k, v, y);
}

static void attention_of_one(const float *x, double *y)
{
    double wide[24], all[72], parts[3][24];

    widen(x, 24, wide);
    product(wide, POSITIONS, WIDTH, 'a', 0, 3 * WIDTH, all);
    for (size_t i = 0; i < 72; i++)
        parts[i / WIDTH % 3][i / 18 * WIDTH + i % WIDTH] = all[i];
    attend(parts[0], parts[1], parts[2], y);
}

/* ---- the forms ---- */

static void check_answers(mf_network *network, const form *f, const char *what)
{
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    float x[ROWS * MOST], y[ROWS * MOST];
    double expected[MOST];
    test_random random = {23};

    random_values(&random, x, ROWS * f->inputs, 1.0);
    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_LAST, ROWS, x, y));
    for (size_t row = 0; row < ROWS; row++) {
        f->answer(x + row * f->inputs, expected);
        for (size_t i = 0; i < f->outputs; i++)
            if (!(fabs(expected[i] - (double)y[row * f->outputs + i]) <= 1e-5))
                fail_msg("%s: row %zu, value %zu is %.9g, expected %.9g", what, row, i,
                         (double)y[row * f->outputs + i], expected[i]);
    }
    mf_workspace_free(workspace);
}

static void check_forms(const form *forms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        message model = text_model(forms[i].text, forms[i].opset);
        mf_onnx_spec spec = spec_of(&model);
        mf_network *network = NULL;

        check_status_at(MF_STATUS_OK, mf_network_import_onnx(&spec, &network), forms[i].text, __FILE__,
                        __LINE__);
        check_answers(network, &forms[i], forms[i].text);
        mf_network_free(network);
    }
}

static void test_operators(void **state)
{
    static const form forms[] = {
        {"x:0x6; Clip x > y : min=0.", relu, 6, 6, 10},
        {"x:0x6; Clip x > y : min=0. max=340282346638528859811704183484516925440.", relu, 6, 6, 10},
        {"x:0x6; Clip x 0.0 > y", relu, 6, 6, 13},
        {"x:0x6; Relu x > a; Cast a > b : to=1; Identity b > c; Dropout c > d; Relu d > y", relu, 6, 6, 13},
        {"x:0x6; Gelu x > y", gelu, 6, 6, 20},
        {"x:0x6; Gelu x > y : approximate=none", gelu, 6, 6, 20},
        {"x:0x6; LayerNormalization x s:6 > y : epsilon=0.001", normalized, 6, 6, 17},
        {"x:0x6; LayerNormalization x s:6 b:6 > y : epsilon=0.001 axis=1", normalized_with_bias, 6, 6, 17},
        {"x:0x6; ReduceMean x > m : axes=-1,; Sub x m > o; Mul o o > q; ReduceMean q > v : axes=-1,; "
         "Add v 0.001 > e; Sqrt e > d; Div o d > n; Mul n s:6 > p; Add p b:6 > y",
         normalized_with_bias, 6, 6, 13},
        {"x:0x6; ReduceMean x [-1] > m; Sub x m > o; Pow o 2.0 > q; ReduceMean q [-1] > v; "
         "Add 0.001 v > e; Sqrt e > d; Div o d > n; Mul s:6 n > y",
         normalized, 6, 6, 18},
        {"x:0x6; MatMul x w:6x3 > u; Add b:3 u > y", dense_with_bias, 6, 3, 13},
        {"x:0x6; MatMul x w:6x3 > u; Add u b:1x3 > y", dense_with_bias, 6, 3, 13},
        {"x:0x6; Gemm x w:6x3 b:3 > y : alpha=1. beta=1.", dense_with_bias, 6, 3, 13},
        {"x:0x2x4x4; Conv x k:3x2x3x3 b:3 > u; Flatten u > y", convolution, 32, 12, 13},
        {"x:0x2x4x4; Conv x k:3x2x3x3 > u; Add u b:3x1x1 > v; Flatten v > y", convolution, 32, 12, 13},
        {"x:0x2x4x4; Conv x k:3x2x3x3 > u; Add b:1x3x1x1 u > v; Flatten v > y", convolution, 32, 12, 13},
        {"x:0x6; Dropout x 0.5 ?0 > d; Relu d > y", relu, 6, 6, 13},
        {"x:0x6x1x1; AveragePool x > p : kernel_shape=2147483647,2147483647 auto_pad=SAME_UPPER; Flatten p > "
         "f; "
         "MatMul f w:6x3 > y",
         dense, 6, 3, 13},
        {"x:0x6 int64; Cast x > i : to=6; Cast i > v : to=1; MatMul v w:6x3 > y", dense, 6, 3, 13},
        {"x:0x4x6; Identity x > i; Add i c:1x4x6 > y", placed, 24, 24, 13},
        {"x:0x2x4x4; GlobalAveragePool x > g; Mul g c:2x1x1 > m; Add m b:1x2x1x1 > a; Flatten a > y",
         means_with_factors, 32, 2, 13},
        {"x:0x2x4x4; GlobalAveragePool x > g; Concat g g > t : axis=1; Mul t c:4x1x1 > m; Flatten m > y",
         means_beside_each_other, 32, 4, 13},
    };

    (void)state;
    check_forms(forms, COUNT_OF(forms));
}

static void test_moves(void **state)
{
    static const form forms[] = {
        {"x:0x6; Unsqueeze x [1] > u; Squeeze u [1] > q; MatMul q w:6x3 > y", dense, 6, 3, 13},
        {"x:0x6; Unsqueeze x > u : axes=1,-1; Squeeze u > q : axes=3,1; MatMul q w:6x3 > y", dense, 6, 3, 11},
        {"x:0x6; Unsqueeze x [0] > u; Squeeze u [0] > q; Relu q > y", relu, 6, 6, 13},
        {"x:0x6; Relu x > r; Unsqueeze r [0] > y", relu, 6, 6, 13},
        {"x:0x6; Reshape x [0,1,-1] > u; Transpose u > t : perm=0,2,1; Reshape t [-1,6] > q; MatMul q w:6x3 "
         "> y",
         dense, 6, 3, 13},
        {"x:0x6; Transpose x > t; Transpose t > u : perm=1,0; MatMul u w:6x3 > y", dense, 6, 3, 13},
        {"x:0x6; Slice x [0] [9223372036854775807] [0] > a; Slice a [-6] [6] [1] [1] > b; MatMul b w:6x3 > y",
         dense, 6, 3, 13},
        {"x:0x6; Slice x > a : starts=0,0 ends=1,6; MatMul a w:6x3 > y", dense, 6, 3, 9},
        {"x:0x6; Split x > a : axis=1; MatMul a w:6x3 > y", dense, 6, 3, 13},
    };

    (void)state;
    check_forms(forms, COUNT_OF(forms));
}

/* Arithmetic on shapes, as exporters write it where the batch is free. */
static void test_shapes(void **state)
{
    static const form forms[] = {
        {"x:0x2x4x4; Relu x > r; Shape r > s; Gather s #0 > n; Unsqueeze n [0] > u; Concat u [-1] > d : "
         "axis=0; "
         "Reshape r d > f; MatMul f w:32x3 > y",
         dense_of_maps, 32, 3, 13},
        {"x:0x2x4x4; Relu x > r; Shape r > s; Gather s [-4] > n; Concat n [32] > d : axis=0; Reshape r d > "
         "f; "
         "MatMul f w:32x3 > y",
         dense_of_maps, 32, 3, 13},
        {"x:0x2x4x4; Relu x > r; Shape r > s; Slice s [0] [1] [0] > n; Squeeze n [0] > q; Unsqueeze q [0] > "
         "u; "
         "Concat u [-1] > d : axis=0; Reshape r d > f; MatMul f w:32x3 > y",
         dense_of_maps, 32, 3, 13},
        {"x:0x2x4x4; Relu x > r; Shape r > s; Slice s > n : starts=-4, ends=-3,; Concat n [-1] > d : axis=0; "
         "Reshape r d > f; MatMul f w:32x3 > y",
         dense_of_maps, 32, 3, 9},
        {"x:0x2x4x4; Relu x > r; Shape r > s; Slice s [1] [99] > n; Concat [1] n > d : axis=0; Reshape r d > "
         "f; "
         "Flatten f > g; MatMul g w:32x3 > y",
         dense_of_maps, 32, 3, 13},
    };

    (void)state;
    check_forms(forms, COUNT_OF(forms));
}

#define SCORES "Transpose k > t : perm=0,2,1; MatMul q t > s; "
#define SHARES "Softmax c > p : axis=-1; MatMul p v > y"

static void test_attention(void **state)
{
    static const form forms[] = {
        {"x:0x4x6; MatMul x q:6x6 > q; MatMul x k:6x6 > k; MatMul x v:6x6 > v; " SCORES
         "Mul s 0.40824829 > c; " SHARES,
         attention_of_three, 24, 24, 13},
        {"x:0x4x6; MatMul x q:6x6 > q; MatMul x k:6x6 > k; MatMul x v:6x6 > v; " SCORES
         "Shape q > h; Gather h #2 > i; Cast i > j : to=1; Sqrt j > l; Div s l > c; " SHARES,
         attention_of_three, 24, 24, 13},
        {"x:0x4x6; MatMul x q:6x6 > q; MatMul x k:6x6 > k; MatMul x v:6x6 > v; " SCORES
         "Pow 6.0 0.5 > i; Div 1.0 i > j; Mul j 1.0 > l; Mul s l > c; " SHARES,
         attention_of_three, 24, 24, 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Split z > q k v : axis=2; " SCORES "Mul 0.40824829 s > c; " SHARES,
         attention_of_one, 24, 24, 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Split z [6,6,6] > q k v : axis=-1; " SCORES
         "Mul 0.40824829 s > c; " SHARES,
         attention_of_one, 24, 24, 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Slice z [0] [6] [2] > q; Slice z [6] [12] [2] > k; Slice z [12] [99] "
         "[2] > v; " SCORES "Mul 0.40824829 s > c; " SHARES,
         attention_of_one, 24, 24, 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Reshape z [0,4,3,6] > p3; Gather p3 #0 > q : axis=2; Gather p3 #-2 > "
         "k : axis=2; "
         "Gather p3 [2] > v1 : axis=2; Squeeze v1 [2] > v; " SCORES "Mul 0.40824829 s > c; " SHARES,
         attention_of_one, 24, 24, 13},
        {"x:0x4x6; MatMul x a:6x18 > z; Reshape z [0,4,3,1,6] > p5; Transpose p5 > p6 : perm=2,0,3,1,4; "
         "Gather p6 #0 > q; Gather p6 #1 > k; Gather p6 #2 > v; Transpose k > t : perm=0,1,3,2; MatMul q t > "
         "s; "
         "Mul 0.40824829 s > c; Softmax c > p : axis=-1; MatMul p v > o; Transpose o > o2 : perm=0,2,1,3; "
         "Reshape o2 [0,4,6] > y",
         attention_of_one, 24, 24, 13},
    };

    (void)state;
    check_forms(forms, COUNT_OF(forms));
}

/* What nothing reads on the way to the output is left out, and all else has other numbers. */
static void test_branches_that_end_elsewhere(void **state)
{
    static const form forms[] = {
        {"x:0x6; Relu x > r; Tanh x > y", tanh_of, 6, 6, 13},
        {"x:0x6; Relu x > r; MatMul r a:6x6 > s; Identity x > i; MatMul x w:6x3 > u; Tanh r > t; Add u b:3 > "
         "y",
         dense_with_bias, 6, 3, 13},
        {"x:0x6; Relu x > y; Reshape y [0,2,3] > r; MatMul r a:3x3 > q", relu, 6, 6, 13},
    };
    const char *cut = "r";
    message model = text_model(forms[0].text, 13);
    mf_onnx_spec spec = spec_of(&model);
    char text[2000];

    (void)state;
    check_forms(forms, COUNT_OF(forms));
    check_ok(mf_onnx_plan(&spec, text, sizeof text, NULL));
    assert_non_null(strstr(text, "     1* activation"));
    assert_null(strstr(text, "     2"));
    spec.cuts = &cut;
    spec.cut_count = 1;
    check_refused(&spec, MF_STATUS_ARGUMENT, "the cut \"r\": the network does not read it");
}

/* More units than the first list has room for. */
static void test_long_chains(void **state)
{
    static const form f = {NULL, relu, WIDTH, WIDTH, 13};
    char text[1500] = "x:0x6; Relu x > n0";
    message model;
    mf_onnx_spec spec;
    mf_network *network;

    (void)state;
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "; Relu n%d > n%d", i, i + 1);
    strcat(text, "; Relu n40 > y");
    model = text_model(text, 13);
    spec = spec_of(&model);
    network = import_model(&spec);
    check_answers(network, &f, text);
    mf_network_free(network);
}

/* ---- the same model in other bytes ---- */

static const form dense_row = {NULL, dense, WIDTH, 3, 13};

static void check_model(const message *model, const char *what)
{
    mf_onnx_spec spec = spec_of(model);
    mf_network *network = NULL;

    check_status_at(MF_STATUS_OK, mf_network_import_onnx(&spec, &network), what, __FILE__, __LINE__);
    check_answers(network, &dense_row, what);
    mf_network_free(network);
}

/* The weight, without or with a name, its dims packed or not. */
static message weight_tensor(const char *name, int packed)
{
    message tensor = {0};
    float values[WIDTH * 3];

    for (size_t i = 0; i < COUNT_OF(values); i++)
        values[i] = text_value('w', i);
    if (packed)
        put_bytes(&tensor, 1, "\6\3", 2);
    put_int(&tensor, 2, 1);
    put_numbers(&tensor, packed ? 4 : 9, values, sizeof *values,
                COUNT_OF(values)); /* float_data or raw_data */
    if (!packed) {
        put_int(&tensor, 1, 6);
        put_int(&tensor, 1, 3);
    }
    if (name != NULL)
        put_text(&tensor, 8, name);
    return tensor;
}

static void test_tensors(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        message graph = text_graph("x:0x6; MatMul x w > y"), tensor = weight_tensor("w", packed), model;

        put_message(&graph, 5, &tensor);
        model = model_of(&graph, 13);
        check_model(&model, "a weight, packed or not");
    }
}

/* A node whose attribute has the weight. */
static void test_constants_that_are_nodes(void **state)
{
    message graph = begin_graph(2, (const int64_t[]){0, WIDTH}), node = {0}, attribute = {0}, model;
    const message tensor = weight_tensor(NULL, 1);

    (void)state;
    put_text(&attribute, 1, "value");
    put_message(&attribute, 5, &tensor);
    put_text(&node, 2, "w");
    put_text(&node, 4, "Constant");
    put_message(&node, 5, &attribute);
    put_message(&graph, 1, &node);
    put_node(&graph, "MatMul", "x w", "y", "");
    model = model_of(&graph, 13);
    check_model(&model, "a node with a tensor");
}

/* A shape as int32 or int64, as bytes or as varints. */
static void test_integers(void **state)
{
    static const struct {
        int type, field;
        const char *values;
        size_t bytes;
    } cases[] = {
        {6, 9, "\xff\xff\xff\xff\6\0\0", 8},
        {7, 9, "\xff\xff\xff\xff\xff\xff\xff\xff\6\0\0\0\0\0\0", 16},
        {6, 5, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\6", 11},
        {7, 7, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\6", 11},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        message graph = text_graph("x:0x6; Reshape x shape > u; MatMul u w:6x3 > y"), tensor = {0}, model;

        put_int(&tensor, 1, 2);
        put_int(&tensor, 2, cases[i].type);
        put_text(&tensor, 8, "shape");
        put_bytes(&tensor, (unsigned)cases[i].field, cases[i].values, cases[i].bytes);
        put_message(&graph, 5, &tensor);
        model = model_of(&graph, 13);
        check_model(&model, "a shape");
    }
}

/* Lists of attributes in one piece, and fields that nobody knows, of all kinds. */
static void test_fields(void **state)
{
    message graph = begin_graph(2, (const int64_t[]){0, WIDTH}), node = {0}, attribute = {0}, model,
            tensor = weight_tensor("w", 0), other = {0};

    (void)state;
    put_message(&graph, 5, &tensor);
    put_text(&attribute, 1, "perm");
    put_bytes(&attribute, 8, "\1\0", 2);
    put_text(&node, 1, "x");
    put_text(&node, 2, "t");
    put_text(&node, 4, "Transpose");
    put_message(&node, 5, &attribute);
    put_message(&graph, 1, &node);
    put_node(&graph, "Transpose", "t", "u", "perm=1,0");
    put_node(&graph, "MatMul", "u w", "y", "");
    model = model_of(&graph, 13);
    memcpy(model.bytes + model.count, "\x99\1\1\2\3\4\5\6\7\10\x9d\1\1\2\3\4",
           16); /* field 19: 8 bytes, then 4 */
    model.count += 16;
    put_text(&other, 1, "com.microsoft"); /* an opset of another domain, whose operators are not there */
    put_int(&other, 2, 99);
    put_message(&model, 8, &other);
    check_model(&model, "fields that nobody knows");
}

/* Without the classifier, and the reshape in front of it. */
static void test_features(void **state)
{
    message model = text_model("x:0x6; Relu x > r; Reshape r [0,2,3] > s; MatMul s w:3x3 > y", 13);
    mf_onnx_spec spec = spec_of(&model);
    mf_network *network;
    size_t layers = 0, units = 0;

    (void)state;
    spec.features = 1;
    spec.classes = 4;
    network = import_model(&spec);
    check_ok(mf_network_size(network, &layers));
    check_ok(mf_layer_unit_count(layer_at(network, 0), &units));
    assert_int_equal(layers, 1);
    assert_int_equal(units, 1);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_branches_that_end_elsewhere),
        cmocka_unit_test(test_long_chains),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_constants_that_are_nodes),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
