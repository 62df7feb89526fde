/* ONNX import: convolutions and pools with places around their maps, in every way that ONNX says so, against
 * windows that are walked here place by place. SPDX-License-Identifier: MIT */
#include <math.h>

#include "onnx_writer.h"
#include "random.h"

enum { ROWS = 2, CHANNELS = 2, HEIGHT = 6, WIDTH = 5, FILTERS = 3, VALUES = CHANNELS * HEIGHT * WIDTH };

typedef enum answer { CONVOLUTION, MAXIMUM, MEAN_OF_ALL, MEAN_INSIDE } answer;

/* What a model says, and what that means: the places before and behind the map, vertical and horizontal. */
typedef struct window_case {
    const char *type, *attributes;
    int64_t pad[4]; /* of a Pad in front of it: top, left, bottom, right */
    int kernel[2], stride[2], before[2], after[2];
    answer answer;
    int relu; /* in front of all */
} window_case;

/* ---- the answer ---- */

static double padded_at(const window_case *c, const float *map, int y, int x, int *inside)
{
    *inside = y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH;
    if (!*inside)
        return 0.0;
    float value = map[y * WIDTH + x];
    return c->relu && value < 0.0f ? 0.0 : (double)value;
}

/* A window of one map: its weighted sum, its maximum, or its mean. */
static double walk_window(const window_case *c, const float *map, const float *kernel, int top, int left)
{
    double sum = 0.0, largest = -INFINITY;
    int count = 0;

    for (int i = 0; i < c->kernel[0]; i++)
        for (int j = 0; j < c->kernel[1]; j++) {
            int inside;
            double value = padded_at(c, map, top + i, left + j, &inside);

            count += inside;
            largest = inside ? fmax(largest, value) : largest;
            sum += value * (c->answer == CONVOLUTION ? (double)kernel[i * c->kernel[1] + j] : 1.0);
        }
    return c->answer == CONVOLUTION   ? sum
           : c->answer == MAXIMUM     ? largest
           : c->answer == MEAN_INSIDE ? sum / count
                                      : sum / (c->kernel[0] * c->kernel[1]);
}

static void check_maps(const window_case *c, const float *x, const float *weight, const float *y)
{
    int map[2], area = c->kernel[0] * c->kernel[1];

    for (int d = 0; d < 2; d++)
        map[d] = ((d == 0 ? HEIGHT : WIDTH) + c->before[d] + c->after[d] - c->kernel[d]) / c->stride[d] + 1;
    for (int row = 0; row < ROWS; row++)
        for (int f = 0; f < (c->answer == CONVOLUTION ? FILTERS : CHANNELS); f++)
            for (int i = 0; i < map[0]; i++)
                for (int j = 0; j < map[1]; j++, y++) {
                    int top = i * c->stride[0] - c->before[0], left = j * c->stride[1] - c->before[1];
                    double expected = 0.0;

                    for (int k = 0; k < CHANNELS; k++)
                        if (c->answer == CONVOLUTION || k == f)
                            expected += walk_window(c, x + row * VALUES + k * HEIGHT * WIDTH,
                                                    weight + (f * CHANNELS + k) * area, top, left);
                    if (!(fabs(expected - (double)*y) <= 1e-5))
                        fail_msg("%s %s: row %d, map %d, place %d, %d is %.9g, expected %.9g", c->type,
                                 c->attributes, row, f, i, j, (double)*y, expected);
                }
}

/* ---- the model ---- */

static message window_model(const window_case *c, const float *weight)
{
    const int64_t input[] = {0, CHANNELS, HEIGHT, WIDTH},
                  dims[] = {FILTERS, CHANNELS, c->kernel[0], c->kernel[1]},
                  pads[] = {0, 0, c->pad[0], c->pad[1], 0, 0, c->pad[2], c->pad[3]};
    message graph = begin_graph(4, input);

    put_integers(&graph, "pads", 8, pads);
    put_floats(&graph, "w", 4, dims, weight);
    put_node(&graph, c->relu ? "Relu" : "Identity", "x", "r", "");
    put_node(&graph, "Pad", "r pads", "p", "");
    put_node(&graph, c->type, c->answer == CONVOLUTION ? "p w" : "p", "y", c->attributes);
    return model_of(&graph, 13);
}

static void check_window(const window_case *c)
{
    float x[ROWS * VALUES], weight[200], y[ROWS * FILTERS * 200];
    test_random random = {3};
    mf_workspace *workspace;

    random_values(&random, x, COUNT_OF(x), 1.0);
    random_values(&random, weight, COUNT_OF(weight), 1.0);
    message model = window_model(c, weight);
    mf_onnx_spec spec = spec_of(&model);
    spec.classes = 3;
    mf_network *network = import_model(&spec);
    workspace = make_network_workspace(network, ROWS);
    check_ok(mf_layer_forward(layer_at(network, 0), workspace, ROWS, x, y));
    check_maps(c, x, weight, y);
    mf_workspace_free(workspace);
    mf_network_free(network);
}

static const window_case convolutions[] = {
    {"Conv", "pads=1,2,1,2 strides=2,1", {0}, {3, 3}, {2, 1}, {1, 2}, {1, 2}, CONVOLUTION, 0},
    {"Conv", "pads=0,0,1,1 strides=2,2", {0}, {3, 3}, {2, 2}, {0, 0}, {1, 1}, CONVOLUTION, 0},
    {"Conv", "pads=2,1,0,3", {0}, {3, 2}, {1, 1}, {2, 1}, {0, 3}, CONVOLUTION, 0},
    {"Conv", "auto_pad=SAME_UPPER", {0}, {2, 4}, {1, 1}, {0, 1}, {1, 2}, CONVOLUTION, 0},
    {"Conv", "auto_pad=SAME_LOWER strides=1,2", {0}, {2, 4}, {1, 2}, {1, 2}, {0, 1}, CONVOLUTION, 0},
    {"Conv", "auto_pad=SAME_UPPER strides=3,3", {0}, {3, 3}, {3, 3}, {0, 0}, {0, 1}, CONVOLUTION, 0},
    {"Conv", "auto_pad=VALID", {0}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, CONVOLUTION, 0},
    {"Conv", "strides=2,2", {0, 0, 1, 1}, {3, 3}, {2, 2}, {0, 0}, {1, 1}, CONVOLUTION, 0},
    {"Conv", "pads=1,0,1,0", {1, 2, 1, 1}, {4, 3}, {1, 1}, {2, 2}, {2, 1}, CONVOLUTION, 1},
};

static const window_case pools[] = {
    {"MaxPool", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1", {0}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, MAXIMUM, 0},
    {"MaxPool", "kernel_shape=2,3 pads=1,2,1,2", {0}, {2, 3}, {1, 1}, {1, 2}, {1, 2}, MAXIMUM, 0},
    {"MaxPool", "kernel_shape=3,3 auto_pad=SAME_UPPER", {0}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, MAXIMUM, 0},
    {"MaxPool", "kernel_shape=3,3 strides=2,2", {1, 1, 1, 1}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, MAXIMUM, 1},
    {"AveragePool", "kernel_shape=3,2 pads=1,1,1,1", {0}, {3, 2}, {1, 1}, {1, 1}, {1, 1}, MEAN_INSIDE, 0},
    {"AveragePool",
     "kernel_shape=3,3 strides=1,2 auto_pad=SAME_LOWER",
     {0},
     {3, 3},
     {1, 2},
     {1, 1},
     {1, 1},
     MEAN_INSIDE,
     0},
    {"AveragePool",
     "kernel_shape=3,2 pads=1,1,1,1 count_include_pad=1",
     {0},
     {3, 2},
     {1, 1},
     {1, 1},
     {1, 1},
     MEAN_OF_ALL,
     0},
    {"AveragePool",
     "kernel_shape=2,2 strides=2,2",
     {1, 1, 1, 1},
     {2, 2},
     {2, 2},
     {1, 1},
     {1, 1},
     MEAN_OF_ALL,
     0},
    {"AveragePool", "kernel_shape=2,2", {0}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, MEAN_OF_ALL, 0},
};

static void test_convolutions_read_what_is_around_maps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(convolutions); i++)
        check_window(&convolutions[i]);
}

static void test_pools_read_what_is_around_maps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pools); i++)
        check_window(&pools[i]);
}

static void test_other_windows_are_refused(void **state)
{
    static const struct {
        window_case model;
        const char *part;
    } cases[] = {
        {{"MaxPool", "kernel_shape=3,3", {1, 1, 1, 1}, {3, 3}, {0}, {0}, {0}, MAXIMUM, 0},
         "behind ReLU alone"},
        {{"AveragePool",
          "kernel_shape=3,3 pads=1,1,1,1",
          {1, 1, 1, 1},
          {3, 3},
          {0},
          {0},
          {0},
          MEAN_INSIDE,
          0},
         "pads of its own do not"},
        {{"MaxPool",
          "kernel_shape=3,3 strides=2,2 auto_pad=SAME_UPPER",
          {0},
          {3, 3},
          {0},
          {0},
          {0},
          MAXIMUM,
          0},
         "pads that differ"},
        {{"Relu", "", {1, 1, 1, 1}, {3, 3}, {0}, {0}, {0}, MAXIMUM, 0}, "zeros around"},
        {{"Conv", "pads=3,0,3,0", {0}, {3, 3}, {0}, {0}, {0}, CONVOLUTION, 0}, "padding must be below"},
    };
    float weight[200] = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        message model = window_model(&cases[i].model, weight);
        mf_onnx_spec spec = spec_of(&model);

        spec.classes = 3;
        check_refused(&spec, MF_STATUS_UNSUPPORTED, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions_read_what_is_around_maps),
        cmocka_unit_test(test_pools_read_what_is_around_maps),
        cmocka_unit_test(test_other_windows_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
