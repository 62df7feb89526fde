/* Parameters of convolutions and normalised layers: the list, copies in and out, how they start, and what
 * another number of classes changes. SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "oracle_maps.h"
#include "random.h"

typedef struct expected_parameter {
    const char *name;
    int32_t rank;
    size_t dims[4];
} expected_parameter;

static void check_list(const mf_layer *layer, const expected_parameter *expected, size_t count)
{
    mf_parameter_info info = {.struct_size = sizeof info};
    size_t got = 0;

    check_ok(mf_layer_parameter_count(layer, &got));
    assert_int_equal(got, count);
    for (size_t i = 0; i < count; i++) {
        size_t values = 1;

        memset(&info, 0x5a, sizeof info);
        info.struct_size = sizeof info;
        check_ok(mf_layer_parameter_info(layer, i, &info));
        assert_string_equal(info.name, expected[i].name);
        assert_int_equal(info.type, MF_TYPE_FLOAT32);
        assert_int_equal(info.trainable, 1);
        assert_int_equal(info.rank, expected[i].rank);
        for (int d = 0; d < 4; d++) {
            assert_int_equal(info.dims[d], d < info.rank ? expected[i].dims[d] : 1);
            values *= info.dims[d];
        }
        assert_int_equal(info.count, values);
    }
    check_status(MF_STATUS_NOT_FOUND, mf_layer_parameter_info(layer, count, &info));
}

/* Two channels of 8 x 10; 5 x 4 after a kernel of 4 x 3 and a pool. */
static mf_layer_spec maps_spec(void)
{
    mf_layer_spec spec = conv_spec(2, 8, 10, 6, 7);

    spec.kernel[0] = 4;
    spec.pool = MF_POOL_AVERAGE;
    spec.pool_size[0] = 1;
    return spec;
}

static void test_parameters_are_listed_with_shapes(void **state)
{
    const expected_parameter plain[] = {
        {"weight", 4, {6, 2, 4, 3}}, {"bias", 1, {6}}, {"projection", 2, {7, 6 * 5 * 4}}};
    const expected_parameter normal[] = {{"weight", 4, {6, 2, 4, 3}},
                                         {"projection", 2, {7, 6 * 3 * 3}},
                                         {"scale", 1, {6}},
                                         {"mean", 1, {6}},
                                         {"variance", 1, {6}}};
    const expected_parameter dense[] = {{"weight", 2, {4, 5}}, {"bias", 1, {4}}, {"projection", 2, {3, 4}},
                                        {"scale", 1, {4}},     {"mean", 1, {4}}, {"variance", 1, {4}}};
    mf_layer_spec spec = maps_spec();
    mf_layer *layer = make_layer(&spec);

    (void)state;
    check_list(layer, plain, COUNT_OF(plain));
    mf_layer_free(layer);
    spec.bias = 0;
    spec.head_size = 3;
    spec.normalization = MF_NORMALIZATION_BATCH;
    layer = make_layer(&spec);
    check_list(layer, normal, COUNT_OF(normal));
    mf_layer_free(layer);
    spec = layer_spec(5, 4, 3);
    spec.normalization = MF_NORMALIZATION_BATCH;
    layer = make_layer(&spec);
    check_list(layer, dense, COUNT_OF(dense));
    mf_layer_free(layer);
}

static void test_parameters_are_set_and_read(void **state)
{
    mf_layer_spec spec = maps_spec();
    mf_layer *layer;

    (void)state;
    spec.normalization = MF_NORMALIZATION_BATCH;
    layer = make_layer(&spec);
    for (size_t p = 0; p < MAPS_PARAMETERS; p++) {
        size_t count = parameter_count(layer, maps_names[p]);
        float *in = get_memory((count + 1) * sizeof *in), *out = get_memory(count * sizeof *out);

        for (size_t i = 0; i <= count; i++)
            in[i] = (float)(i + 100 * p) * 0.5f;
        check_ok(mf_layer_set_parameter(layer, maps_names[p], in, count));
        saved_values before = save_layer_values(layer);

        check_status(MF_STATUS_SHAPE, mf_layer_set_parameter(layer, maps_names[p], in, count + 1));
        check_status(MF_STATUS_SHAPE, mf_layer_get_parameter(layer, maps_names[p], out, count - 1));
        in[count - 1] = NAN;
        check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(layer, maps_names[p], in, count));
        check_layer_unchanged(&before, layer);
        free_saved_values(&before);
        free(in);
        free(out);
    }
    for (size_t p = 0; p < MAPS_PARAMETERS; p++) {
        size_t count = 0;
        float *out = read_parameter(layer, maps_names[p], &count);

        for (size_t i = 0; i < count; i++)
            assert_true(out[i] == (float)(i + 100 * p) * 0.5f);
        free(out);
    }
    mf_layer_free(layer);
}

/* ---- how they start ---- */

typedef struct moments {
    double lowest, highest, square, fourth;
} moments;

static moments measure(const mf_layer *layer, const char *name)
{
    size_t count = 0;
    float *values = read_parameter(layer, name, &count);
    moments m = {.lowest = INFINITY, .highest = -INFINITY};

    for (size_t i = 0; i < count; i++) {
        double v = (double)values[i];

        m.lowest = fmin(m.lowest, v);
        m.highest = fmax(m.highest, v);
        m.square += v * v / (double)count;
        m.fourth += v * v * v * v / (double)count;
    }
    free(values);
    return m;
}

static void check_uniform(const mf_layer *layer, const char *name, double bound)
{
    moments m = measure(layer, name);

    assert_true(m.lowest >= -bound * (1.0 + 1e-6) && m.highest <= bound * (1.0 + 1e-6));
    assert_true(m.lowest < -0.97 * bound && m.highest > 0.97 * bound);
    check_near(bound / sqrt(3.0), sqrt(m.square), 0.04 * bound);
}

static void check_normal(const mf_layer *layer, const char *name, double deviation)
{
    moments m = measure(layer, name);

    check_near(deviation, sqrt(m.square), 0.05 * deviation);
    check_near(3.0, m.fourth / (m.square * m.square), 0.4);
}

static void check_zero(const mf_layer *layer, const char *name)
{
    assert_true(measure(layer, name).square == 0.0);
}

/* Of a [rows, columns] matrix, the fewer of rows and columns are orthogonal and of length gain. */
static void check_orthogonal(const mf_layer *layer, const char *name, size_t rows, double gain)
{
    size_t count = 0;
    float *values = read_parameter(layer, name, &count);
    size_t columns = count / rows, few = rows < columns ? rows : columns,
           many = rows < columns ? columns : rows;
    size_t across = rows < columns ? columns : 1, along = rows < columns ? 1 : columns;

    for (size_t i = 0; i < few; i++)
        for (size_t j = 0; j <= i; j++) {
            double dot = 0.0;

            for (size_t v = 0; v < many; v++)
                dot += (double)values[i * across + v * along] * (double)values[j * across + v * along];
            check_near(i == j ? gain * gain : 0.0, dot, 2e-5 * gain * gain);
        }
    free(values);
}

/* W has 200 filters that read 5 channels through a 3 x 4 kernel: 60 values each. M reads 200 maps of 6 x 5,
 * or of 2 x 2. */
static mf_layer *started(int32_t init, size_t head, int32_t normalization)
{
    mf_layer_spec spec = conv_spec(5, 8, 8, 200, 9);

    spec.kernel[1] = 4;
    spec.head_size = head;
    spec.weight_init = spec.projection_init = init;
    spec.weight_gain = 1.5f;
    spec.projection_gain = 0.5f;
    spec.normalization = normalization;
    return make_layer(&spec);
}

static void test_parameters_are_initialised_as_specified(void **state)
{
    (void)state;
    for (size_t head = 0; head <= 2; head += 2)
        for (int32_t normalization = 0; normalization <= 1; normalization++) {
            double fan = head ? 200.0 * 4.0 : 200.0 * 30.0;
            mf_layer *layer = started(MF_INIT_KAIMING_UNIFORM, head, normalization);

            check_uniform(layer, "weight", 1.5 / sqrt(60.0));
            check_uniform(layer, "projection", 0.5 / sqrt(fan));
            if (normalization)
                check_zero(layer, "bias");
            else
                check_uniform(layer, "bias", 1.5 / sqrt(60.0));
            mf_layer_free(layer);
            layer = started(MF_INIT_NORMAL, head, normalization);
            check_normal(layer, "weight", 1.5 / sqrt(60.0));
            check_normal(layer, "projection", 0.5 / sqrt(fan));
            check_zero(layer, "bias");
            mf_layer_free(layer);
            layer = started(MF_INIT_ZERO, head, normalization);
            check_zero(layer, "weight");
            check_zero(layer, "projection");
            check_zero(layer, "bias");
            mf_layer_free(layer);
            layer = started(MF_INIT_ORTHOGONAL, head, normalization);
            check_orthogonal(layer, "weight", 200, 1.5);
            check_orthogonal(layer, "projection", 9, 0.5);
            check_zero(layer, "bias");
            mf_layer_free(layer);
        }
}

/* A few filters that read many values: then the rows are orthogonal. */
static void test_few_filters_have_orthogonal_rows(void **state)
{
    mf_layer_spec spec = conv_spec(5, 8, 8, 7, 9);
    mf_layer *layer;

    (void)state;
    spec.weight_init = MF_INIT_ORTHOGONAL;
    layer = make_layer(&spec);
    check_orthogonal(layer, "weight", 7, 1.0);
    mf_layer_free(layer);
}

/* ---- another number of classes ---- */

enum { ROWS = 6, INPUTS = 2 * 8 * 10 };

static void test_changing_a_layers_classes_keeps_the_rest(void **state)
{
    mf_layer_spec spec = maps_spec();
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    const oracle_optimizer hyper = {.kind = MF_OPTIMIZER_SGD, .rate = (double)0.1f};
    const size_t classes[] = {40, 3};
    test_random random = {8};
    float x[ROWS * INPUTS];
    int32_t y[ROWS];

    (void)state;
    spec.head_size = 2;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.activation = MF_ACTIVATION_TANH;
    mf_layer *layer = make_layer(&spec);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);

    check_ok(mf_layer_set_optimizer(layer, optimizer));
    random_values(&random, x, COUNT_OF(x), 1.0);
    random_labels(&random, y, ROWS, 3);
    double *exact = oracle_rows(x, ROWS, INPUTS, INPUTS);

    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        saved_values before = save_layer_values(layer), after;
        size_t head = parameter_count(layer, "weight") + parameter_count(layer, "bias");

        check_ok(mf_layer_set_classes(layer, classes[i]));
        after = save_layer_values(layer);
        assert_int_equal(parameter_count(layer, "projection"), classes[i] * 6 * 4);
        assert_memory_equal(after.values, before.values, head * sizeof(float));
        assert_memory_equal(after.values + after.count - 18, before.values + before.count - 18,
                            18 * sizeof(float));
        moments drawn = measure(layer, "projection"); /* few values, so within its bound and no more */

        assert_in_range((int)(1000.0 * sqrt(24.0) * fmax(drawn.highest, -drawn.lowest)), 850, 1000);
        check_status(MF_STATUS_STALE, mf_layer_step(layer, workspace, ROWS, x, y, NULL));
        mf_workspace_free(workspace);
        workspace = make_layer_workspace(layer, ROWS);
        spec.classes = classes[i];
        maps_oracle *oracle = maps_create(&spec, layer);

        for (int step = 0; step < 4; step++) {
            oracle_result expected = maps_step(oracle, &hyper, ROWS, exact, y, NULL, NULL);

            check_ok(mf_layer_step(layer, workspace, ROWS, x, y, NULL));
            check_near(expected.loss, read_report(workspace, 0).loss, 2e-5);
        }
        maps_free(oracle);
        free_saved_values(&before);
        free_saved_values(&after);
    }
    free(exact);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_changing_a_networks_classes_keeps_the_rest(void **state)
{
    mf_layer_spec first = maps_spec(), second = layer_spec(0, 9, 7);
    mf_network *network = make_network();

    (void)state;
    first.head_size = 2;
    check_ok(mf_layer_spec_follow(&second, &first));
    mf_layer *maps = make_layer(&first), *dense = make_layer(&second);

    check_ok(mf_network_append(network, maps, NULL));
    check_ok(mf_network_append(network, dense, NULL));
    check_ok(mf_network_set_classes(network, 11));
    assert_int_equal(parameter_count(maps, "projection"), 11 * 24);
    assert_int_equal(parameter_count(dense, "projection"), 11 * 9);
    saved_values before = save_network_values(network);

    check_status(MF_STATUS_ARGUMENT, mf_network_set_classes(network, 1));
    check_status(MF_STATUS_OVERFLOW, mf_network_set_classes(network, SIZE_MAX / 8));
    check_network_unchanged(&before, network);
    free_saved_values(&before);
    mf_layer_free(maps);
    mf_layer_free(dense);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_are_listed_with_shapes),
        cmocka_unit_test(test_parameters_are_set_and_read),
        cmocka_unit_test(test_parameters_are_initialised_as_specified),
        cmocka_unit_test(test_few_filters_have_orthogonal_rows),
        cmocka_unit_test(test_changing_a_layers_classes_keeps_the_rest),
        cmocka_unit_test(test_changing_a_networks_classes_keeps_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
