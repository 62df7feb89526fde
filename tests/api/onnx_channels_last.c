/* ONNX import: models whose maps have their channels last, as Keras exports them: turned behind the input and
 * in front of what reads them as a row, against sums that are written out here. SPDX-License-Identifier: MIT
 */
#include <math.h>
#include <stdio.h>

#include "onnx_writer.h"
#include "random.h"

enum { ROWS = 2, HEIGHT = 4, WIDTH = 3, AREA = HEIGHT * WIDTH, FILTERS = 2, CLASSES = 3, MOST = 2 };

typedef enum ending { AS_A_ROW, BY_GEMM, MEAN, MEAN_KEPT } ending;

typedef struct last_case {
    int channels, scaled;
    float factors[FILTERS], offsets[FILTERS];
    ending ending;
    float x[ROWS * MOST * AREA], shift[MOST]; /* x with channels first, as the network has it */
    float kernel[FILTERS * MOST * 9], weight[FILTERS * AREA * CLASSES], bias[CLASSES];
} last_case;

/* ---- the answer ---- */

/* A filter's value at a place: 3 x 3, with a place around the map, and ReLU. */
static double filtered(const last_case *c, int row, int filter, int y, int x)
{
    double sum = 0.0;

    for (int k = 0; k < c->channels; k++)
        for (int i = -1; i <= 1; i++)
            for (int j = -1; j <= 1; j++) {
                if (y + i < 0 || y + i >= HEIGHT || x + j < 0 || x + j >= WIDTH)
                    continue;
                float value = c->x[(row * c->channels + k) * AREA + (y + i) * WIDTH + x + j];
                sum += ((double)value - (c->scaled ? (double)c->shift[k] : 0.0)) *
                       (double)c->kernel[((filter * c->channels + k) * 3 + i + 1) * 3 + j + 1];
            }
    return fmax(sum * (double)c->factors[filter] + (double)c->offsets[filter], 0.0);
}

/* Rows of the weight are places, and filters inside a place; or filters alone. */
static double class_score(const last_case *c, int row, int class)
{
    double sum = (double)c->bias[class];

    for (int p = 0; p < AREA; p++)
        for (int f = 0; f < FILTERS; f++) {
            int from = c->ending == AS_A_ROW || c->ending == BY_GEMM ? p * FILTERS + f : f;
            double part = c->ending == AS_A_ROW || c->ending == BY_GEMM ? 1.0 : 1.0 / AREA;

            sum +=
                part * filtered(c, row, f, p / WIDTH, p % WIDTH) * (double)c->weight[from * CLASSES + class];
        }
    return sum;
}

/* ---- the model ---- */

static void put_ending(message *graph, const last_case *c)
{
    const int64_t rows = c->ending == AS_A_ROW || c->ending == BY_GEMM ? FILTERS * AREA : FILTERS;
    const int64_t weight[] = {rows, CLASSES}, turned[] = {CLASSES, rows}, row[] = {-1, rows},
                  classes = CLASSES;
    float other[FILTERS * AREA * CLASSES];

    for (int i = 0; i < (int)rows; i++)
        for (int k = 0; k < CLASSES; k++)
            other[k * (int)rows + i] = c->weight[i * CLASSES + k];
    put_floats(graph, "w", 2, c->ending == BY_GEMM ? turned : weight,
               c->ending == BY_GEMM ? other : c->weight);
    put_floats(graph, "b", 1, &classes, c->bias);
    put_integers(graph, "row", 2, row);
    put_node(graph, "Transpose", "relu", "last", "perm=0,2,3,1");
    if (c->ending == MEAN)
        put_node(graph, "ReduceMean", "last", "flat", "axes=1,2 keepdims=0");
    else if (c->ending == MEAN_KEPT)
        put_node(graph, "ReduceMean", "last", "mean", "axes=1,2");
    if (c->ending != MEAN)
        put_node(graph, "Reshape", c->ending == MEAN_KEPT ? "mean row" : "last row", "flat", "");
    put_node(graph, "Dropout", "flat", "kept", "");
    if (c->ending == BY_GEMM)
        put_node(graph, "Gemm", "kept w b", "scores", "transB=1");
    else {
        put_node(graph, "MatMul", "kept w", "product", "");
        put_node(graph, "Add", "product b", "scores", "");
    }
    put_node(graph, "Softmax", "scores", "y", "axis=-1");
}

static message last_model(const last_case *c)
{
    const int64_t input[] = {0, HEIGHT, WIDTH, c->channels}, kernel[] = {FILTERS, c->channels, 3, 3},
                  shift[] = {1, 1, 1, c->channels}, first[] = {-1, 1, HEIGHT, WIDTH},
                  filters[] = {1, FILTERS, 1, 1};
    message graph = begin_graph(4, input);
    const char *read = c->scaled ? "shifted" : "x";
    char words[40];

    put_floats(&graph, "s", 4, shift, c->shift);
    put_floats(&graph, "k", 4, kernel, c->kernel);
    put_integers(&graph, "first_shape", 4, first);
    if (c->scaled)
        put_node(&graph, "Sub", "x s", "shifted", "");
    snprintf(words, sizeof words, "%s%s", read, c->channels == 1 ? " first_shape" : "");
    put_node(&graph, c->channels == 1 ? "Reshape" : "Transpose", words, "first",
             c->channels == 1 ? "" : "perm=0,3,1,2");
    put_node(&graph, "Conv", "first k", "conv", "auto_pad=SAME_UPPER");
    put_floats(&graph, "f", 4, filters, c->factors);
    put_floats(&graph, "o", 4, filters, c->offsets);
    put_node(&graph, "Mul", "conv f", "factored", "");
    put_node(&graph, "Add", "factored o", "normalized", "");
    put_node(&graph, "Relu", "normalized", "relu", "");
    put_ending(&graph, c);
    return model_of(&graph, 13);
}

/* The factors and offsets, unit 2, never learn; all else does. */
static void check_fixed(const mf_layer *layer)
{
    size_t count = 0, fixed = 0;

    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        fixed += !info.trainable;
        assert_int_equal(!info.trainable, strncmp(info.name, "units.2.", 8) == 0);
    }
    assert_int_equal(fixed, 4);
}

static void check_model(last_case *c)
{
    test_random random = {17};
    float scores[ROWS * CLASSES];
    char text[3000];

    random_values(&random, c->x, COUNT_OF(c->x), 1.0);
    random_values(&random, c->shift, COUNT_OF(c->shift), 1.0);
    random_values(&random, c->kernel, COUNT_OF(c->kernel), 1.0);
    random_values(&random, c->weight, COUNT_OF(c->weight), 1.0);
    random_values(&random, c->factors, COUNT_OF(c->factors), 1.0);
    random_values(&random, c->offsets, COUNT_OF(c->offsets), 1.0);
    random_values(&random, c->bias, COUNT_OF(c->bias), 1.0);
    message model = last_model(c);
    mf_onnx_spec spec = spec_of(&model);
    mf_network *network = import_model(&spec);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    size_t layers = 0;
    check_ok(mf_network_size(network, &layers));
    assert_int_equal(layers, 1);
    check_fixed(layer_at(network, 0));
    check_ok(mf_onnx_plan(&spec, text, sizeof text, NULL));
    assert_non_null(strstr(text, "channels first here"));
    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_LAST, ROWS, c->x, scores));
    for (int i = 0; i < ROWS * CLASSES; i++)
        check_near(class_score(c, i / CLASSES, i % CLASSES), scores[i], 1e-4);
    mf_workspace_free(workspace);
    mf_network_free(network);
}

static void test_models_with_channels_last_answer_as_they_do(void **state)
{
    (void)state;
    for (int channels = 1; channels <= MOST; channels++)
        for (int ends = AS_A_ROW; ends <= MEAN_KEPT; ends++)
            for (int scaled = 0; scaled <= 1; scaled++) {
                last_case one = {.channels = channels, .scaled = scaled, .ending = (ending)ends};

                check_model(&one);
            }
}

/* Rows of maps with channels last are known in front of a product alone. */
static void test_other_readers_of_such_rows_are_refused(void **state)
{
    const int64_t input[] = {0, HEIGHT, WIDTH, 2}, row[] = {-1, 2 * AREA};
    message graph = begin_graph(4, input);

    (void)state;
    put_integers(&graph, "row", 2, row);
    put_node(&graph, "Transpose", "x", "first", "perm=0,3,1,2");
    put_node(&graph, "Relu", "first", "relu", "");
    put_node(&graph, "Transpose", "relu", "last", "perm=0,2,3,1");
    put_node(&graph, "Reshape", "last row", "flat", "");
    put_node(&graph, "Tanh", "flat", "y", "");
    message model = model_of(&graph, 13);
    mf_onnx_spec spec = spec_of(&model);
    check_refused(&spec, MF_STATUS_UNSUPPORTED, "\"y\" (Tanh): maps as rows with channels last");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models_with_channels_last_answer_as_they_do),
        cmocka_unit_test(test_other_readers_of_such_rows_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
