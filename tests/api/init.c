/* How parameters start: bounds, spread, deviation, orthogonality, zero, gains.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"

enum { INPUTS = 120, NEURONS = 90, CLASSES = 70 };

typedef struct moments {
    double mean, deviation, kurtosis, lowest, highest;
} moments;

static moments measure(const float *values, size_t count)
{
    moments m = {.lowest = INFINITY, .highest = -INFINITY};
    double second = 0.0, fourth = 0.0;

    for (size_t i = 0; i < count; i++) {
        m.mean += (double)values[i] / (double)count;
        m.lowest = fmin(m.lowest, (double)values[i]);
        m.highest = fmax(m.highest, (double)values[i]);
    }
    for (size_t i = 0; i < count; i++) {
        double off = (double)values[i] - m.mean;

        second += off * off / (double)count;
        fourth += off * off * off * off / (double)count;
    }
    m.deviation = sqrt(second);
    m.kurtosis = fourth / (second * second);
    return m;
}

/* A layer with one way to start W and M and one gain each. */
static mf_layer *initialised(size_t inputs, size_t neurons, size_t classes, int32_t init, float weight_gain,
                             float projection_gain)
{
    mf_layer_spec spec = layer_spec(inputs, neurons, classes);

    spec.weight_init = spec.projection_init = init;
    spec.weight_gain = weight_gain;
    spec.projection_gain = projection_gain;
    return make_layer(&spec);
}

static void check_uniform(const mf_layer *layer, const char *name, double bound)
{
    size_t count;
    float *values = read_parameter(layer, name, &count);
    moments m = measure(values, count);

    assert_true(m.lowest >= -bound * (1.0 + 1e-6) && m.highest <= bound * (1.0 + 1e-6));
    assert_true(m.lowest < -0.99 * bound && m.highest > 0.99 * bound);
    check_near(0.0, m.mean, 5.0 * bound / sqrt(3.0 * (double)count));
    check_near(bound / sqrt(3.0), m.deviation, 0.03 * bound);
    check_near(1.8, m.kurtosis, 0.1); /* of a uniform distribution */
    free(values);
}

static void test_kaiming_weights_are_uniform_within_the_bound(void **state)
{
    const float gains[] = {1.0f, 2.5f, 0.1f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(gains); i++) {
        mf_layer *layer =
            initialised(INPUTS, NEURONS, CLASSES, MF_INIT_KAIMING_UNIFORM, gains[i], 3.0f * gains[i]);

        check_uniform(layer, "weight", (double)gains[i] / sqrt(INPUTS));
        check_uniform(layer, "projection", 3.0 * (double)gains[i] / sqrt(NEURONS));
        mf_layer_free(layer);
    }
}

static void test_defaults_are_those_of_the_header(void **state)
{
    mf_layer_spec spec = layer_spec(INPUTS, NEURONS, CLASSES);
    mf_layer *layer = make_layer(&spec);
    size_t count;
    float *bias = read_parameter(layer, "bias", &count);
    moments m = measure(bias, count);

    (void)state;
    assert_int_equal(spec.kind, MF_LAYER_DENSE);
    assert_int_equal(spec.activation, MF_ACTIVATION_RELU);
    assert_int_equal(spec.bias, 1);
    assert_int_equal(spec.weight_init, MF_INIT_KAIMING_UNIFORM);
    assert_int_equal(spec.projection_init, MF_INIT_KAIMING_UNIFORM);
    assert_true(spec.weight_gain == 1.0f && spec.projection_gain == 1.0f);
    assert_true(spec.leak == 0.01f && spec.dropout == 0.0f && spec.label_smoothing == 0.0f);
    assert_null(spec.allocator);
    check_uniform(layer, "weight", 1.0 / sqrt(INPUTS));
    check_uniform(layer, "projection", 1.0 / sqrt(NEURONS));
    assert_int_equal(count, NEURONS);
    assert_true(m.lowest >= -1.0001 / sqrt(INPUTS) && m.highest <= 1.0001 / sqrt(INPUTS));
    free(bias);
    mf_layer_free(layer);
}

static void check_normal(const mf_layer *layer, const char *name, double deviation)
{
    size_t count;
    float *values = read_parameter(layer, name, &count);
    moments m = measure(values, count);

    check_near(0.0, m.mean, 5.0 * deviation / sqrt((double)count));
    check_near(deviation, m.deviation, 0.04 * deviation);
    check_near(3.0, m.kurtosis, 0.3);
    assert_true(m.highest > 3.0 * deviation && m.lowest < -3.0 * deviation);
    for (size_t i = 0; i < count; i++)
        assert_true(isfinite(values[i]));
    free(values);
}

static void test_normal_weights_have_the_right_deviation(void **state)
{
    mf_layer *layer = initialised(INPUTS, NEURONS, CLASSES, MF_INIT_NORMAL, 1.5f, 0.5f);

    (void)state;
    check_normal(layer, "weight", 1.5 / sqrt(INPUTS));
    check_normal(layer, "projection", 0.5 / sqrt(NEURONS));
    mf_layer_free(layer);
}

/* The bias goes with uniform weights and starts at 0 with any others. */
static void test_the_bias_is_uniform_or_0(void **state)
{
    mf_layer *uniform = initialised(100, 400, 3, MF_INIT_KAIMING_UNIFORM, 2.0f, 1.0f);

    (void)state;
    check_uniform(uniform, "bias", 0.2);
    mf_layer_free(uniform);
    for (int32_t init = MF_INIT_ZERO; init <= MF_INIT_NORMAL; init++) {
        mf_layer *layer = initialised(7, 50, 3, init, 1.0f, 1.0f);
        float *bias = read_parameter(layer, "bias", NULL);

        for (size_t i = 0; i < 50; i++)
            assert_true(bias[i] == 0.0f);
        free(bias);
        mf_layer_free(layer);
    }
}

static void test_zero_parameters_are_0(void **state)
{
    mf_layer *layer = initialised(7, 5, 3, MF_INIT_ZERO, 1.0f, 1.0f);
    const char *names[] = {"weight", "projection"};

    (void)state;
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        size_t count;
        float *values = read_parameter(layer, names[n], &count);

        for (size_t i = 0; i < count; i++)
            assert_true(values[i] == 0.0f);
        free(values);
    }
    mf_layer_free(layer);
}

/* M = 0 holds W still for one step only: a M^T = 0, but dM is not. */
static void test_a_projection_of_0_learns(void **state)
{
    mf_layer_spec spec = layer_spec(3, 8, 2);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.5);
    mf_layer *layer;
    mf_workspace *workspace;
    const float x[2 * 3] = {1, 2, 3, -1, 0, 2};
    const int32_t y[2] = {0, 1};

    (void)state;
    spec.projection_init = MF_INIT_ZERO;
    layer = make_layer(&spec);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    workspace = make_layer_workspace(layer, 2);
    check_ok(mf_layer_step(layer, workspace, 2, x, y, NULL));
    check_near(log(2.0), read_report(workspace, 0).loss, 1e-6);
    for (int i = 0; i < 30; i++)
        check_ok(mf_layer_step(layer, workspace, 2, x, y, NULL));
    assert_true(read_report(workspace, 0).loss < 0.3);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* Of a [rows, columns] matrix, the fewer of rows and columns are orthogonal and of length gain. */
static void check_orthogonal(const float *values, size_t rows, size_t columns, double gain)
{
    size_t few = rows < columns ? rows : columns, many = rows < columns ? columns : rows;
    size_t across = rows < columns ? columns : 1, along = rows < columns ? 1 : columns;

    for (size_t i = 0; i < few; i++)
        for (size_t j = 0; j <= i; j++) {
            double dot = 0.0;

            for (size_t v = 0; v < many; v++)
                dot += (double)values[i * across + v * along] * (double)values[j * across + v * along];
            check_near(i == j ? gain * gain : 0.0, dot, 2e-5 * gain * gain);
        }
}

static void test_orthogonal_weights_are_orthogonal(void **state)
{
    const size_t shapes[][3] = {{30, 10, 4}, {10, 30, 50}, {16, 16, 16},
                                {1, 9, 2},   {9, 1, 3},    {200, 130, 12}};

    (void)state;
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        size_t k = shapes[s][0], n = shapes[s][1], m = shapes[s][2];
        mf_layer *layer = initialised(k, n, m, MF_INIT_ORTHOGONAL, 1.0f, 1.75f);
        float *w = read_parameter(layer, "weight", NULL);
        float *p = read_parameter(layer, "projection", NULL);
        double mean = 0.0;

        check_orthogonal(w, n, k, 1.0);
        check_orthogonal(p, m, n, 1.75);
        /* Not the identity matrix, which would pass as well. */
        for (size_t i = 0; i < n * k; i++)
            mean += fabs((double)w[i]) / (double)(n * k);
        if (k >= 10 && n >= 10)
            assert_true(mean > 0.3 / sqrt((double)(k > n ? k : n)));
        free(w);
        free(p);
        mf_layer_free(layer);
    }
}

/* Signs must be random too: a decomposition that fixes them leaves a diagonal of one sign. */
static void test_orthogonal_weights_have_both_signs(void **state)
{
    size_t positive = 0;
    const size_t tries = 200;

    (void)state;
    for (size_t seed = 1; seed <= tries; seed++) {
        mf_layer_spec spec = layer_spec(4, 4, 2);
        mf_layer *layer;
        float *w;

        spec.weight_init = MF_INIT_ORTHOGONAL;
        spec.seed = seed;
        layer = make_layer(&spec);
        w = read_parameter(layer, "weight", NULL);
        positive += w[0] > 0.0f;
        free(w);
        mf_layer_free(layer);
    }
    assert_in_range(positive, tries / 4, 3 * tries / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kaiming_weights_are_uniform_within_the_bound),
        cmocka_unit_test(test_defaults_are_those_of_the_header),
        cmocka_unit_test(test_normal_weights_have_the_right_deviation),
        cmocka_unit_test(test_the_bias_is_uniform_or_0),
        cmocka_unit_test(test_zero_parameters_are_0),
        cmocka_unit_test(test_a_projection_of_0_learns),
        cmocka_unit_test(test_orthogonal_weights_are_orthogonal),
        cmocka_unit_test(test_orthogonal_weights_have_both_signs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
