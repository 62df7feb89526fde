/* Parameters as a list: names, shapes, copies in and out; a layer's options; the forward pass alone.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "random.h"
#include "units.h"

static mf_parameter_info info_at(const mf_layer *layer, size_t index)
{
    mf_parameter_info info = {.struct_size = sizeof info};

    check_ok(mf_layer_parameter_info(layer, index, &info));
    return info;
}

static void check_info(const mf_parameter_info *info, const char *name, int32_t rank, size_t first,
                       size_t second)
{
    assert_string_equal(info->name, name);
    assert_int_equal(info->struct_size, sizeof *info);
    assert_int_equal(info->type, MF_TYPE_FLOAT32);
    assert_int_equal(info->trainable, 1);
    assert_int_equal(info->rank, rank);
    assert_int_equal(info->dims[0], first);
    assert_int_equal(info->dims[1], second);
    assert_int_equal(info->dims[2], 1);
    assert_int_equal(info->dims[3], 1);
    assert_int_equal(info->count, first * second);
}

static void test_parameters_are_listed_with_shapes(void **state)
{
    mf_layer_spec spec = layer_spec(5, 4, 3);
    mf_layer *layer = make_layer(&spec);
    mf_parameter_info info;
    size_t count = 0;

    (void)state;
    check_ok(mf_layer_parameter_count(layer, &count));
    assert_int_equal(count, 3);
    info = info_at(layer, 0);
    check_info(&info, "weight", 2, 4, 5);
    info = info_at(layer, 1);
    check_info(&info, "bias", 1, 4, 1);
    info = info_at(layer, 2);
    check_info(&info, "projection", 2, 3, 4);
    check_status(MF_STATUS_NOT_FOUND, mf_layer_parameter_info(layer, 3, &info));
    mf_layer_free(layer);

    spec.bias = 0;
    layer = make_layer(&spec);
    check_ok(mf_layer_parameter_count(layer, &count));
    assert_int_equal(count, 2);
    info = info_at(layer, 1);
    check_info(&info, "projection", 2, 3, 4);
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, "bias", 0));
    mf_layer_free(layer);
}

static void test_parameters_are_set_and_read(void **state)
{
    mf_layer *layer = make_plain_layer(5, 4, 3, 1);
    float in[20], out[20], odd[20];
    saved_values before;

    (void)state;
    for (size_t i = 0; i < 20; i++)
        in[i] = odd[i] = (float)i * 0.5f - 3.0f;
    check_ok(mf_layer_set_parameter(layer, "weight", in, 20));
    check_ok(mf_layer_get_parameter(layer, "weight", out, 20));
    assert_memory_equal(in, out, sizeof in);
    before = save_layer_values(layer);
    check_status(MF_STATUS_SHAPE, mf_layer_set_parameter(layer, "weight", in, 19));
    check_message("19");
    check_message("20");
    check_status(MF_STATUS_SHAPE, mf_layer_set_parameter(layer, "bias", in, 20));
    check_status(MF_STATUS_SHAPE, mf_layer_get_parameter(layer, "projection", out, 20));
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_parameter(layer, "weights", in, 20));
    check_message("no parameter \"weights\": it has weight, bias, projection");
    check_status(MF_STATUS_NOT_FOUND, mf_layer_get_parameter(layer, "", out, 20));
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, "Weight", 0));
    check_status(MF_STATUS_ARGUMENT, mf_layer_set_trainable(layer, "weight", 2));
    for (size_t at = 0; at < 20; at += 19) {
        odd[at] = NAN;
        check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(layer, "weight", odd, 20));
        odd[at] = -INFINITY;
        check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(layer, "weight", odd, 20));
        odd[at] = in[at];
    }
    check_layer_unchanged(&before, layer);
    free_saved_values(&before);
    mf_layer_free(layer);
}

static void test_a_message_names_as_many_parameters_as_fit(void **state)
{
    units_plan plan = plan_row(2, 2);
    mf_layer *layer;
    float one;

    (void)state;
    for (size_t i = 0; i < 20; i++)
        plan_add(&plan, unit_dense(1));
    layer = make_units(&plan);
    check_status(MF_STATUS_NOT_FOUND, mf_layer_get_parameter(layer, "weight", &one, 1));
    check_message("it has units.1.weight, units.1.bias, units.2.weight, ");
    check_message(", ...");
    mf_layer_free(layer);
}

static void test_trainable_is_reported(void **state)
{
    mf_layer *layer = make_plain_layer(5, 4, 3, 1);

    (void)state;
    check_ok(mf_layer_set_trainable(layer, "bias", 0));
    assert_int_equal(info_at(layer, 0).trainable, 1);
    assert_int_equal(info_at(layer, 1).trainable, 0);
    check_ok(mf_layer_set_trainable(layer, "bias", 1));
    assert_int_equal(info_at(layer, 1).trainable, 1);
    mf_layer_free(layer);
}

static void test_describe_returns_the_spec(void **state)
{
    mf_layer_spec spec = layer_spec(5, 4, 3), now = {.struct_size = sizeof now};
    mf_layer *layer;

    (void)state;
    spec.activation = MF_ACTIVATION_GELU;
    spec.bias = 0;
    spec.weight_init = MF_INIT_NORMAL;
    spec.projection_init = MF_INIT_ORTHOGONAL;
    spec.weight_gain = 2.0f;
    spec.projection_gain = 0.5f;
    spec.leak = 0.25f;
    spec.dropout = 0.125f;
    spec.label_smoothing = 0.0625f;
    spec.seed = UINT64_C(0xfedcba9876543210);
    layer = make_layer(&spec);
    check_ok(mf_layer_set(layer, MF_LAYER_DROPOUT, 0.5));
    check_ok(mf_layer_describe(layer, &now));
    assert_int_equal(now.struct_size, sizeof now);
    assert_int_equal(now.kind, MF_LAYER_DENSE);
    assert_int_equal(now.inputs, 5);
    assert_int_equal(now.outputs, 4);
    assert_int_equal(now.classes, 3);
    assert_int_equal(now.activation, MF_ACTIVATION_GELU);
    assert_int_equal(now.bias, 0);
    assert_int_equal(now.weight_init, MF_INIT_NORMAL);
    assert_int_equal(now.projection_init, MF_INIT_ORTHOGONAL);
    assert_true(now.weight_gain == 2.0f && now.projection_gain == 0.5f && now.leak == 0.25f);
    assert_true(now.dropout == 0.5f && now.label_smoothing == 0.0625f);
    assert_true(now.seed == spec.seed);
    assert_null(now.allocator);
    mf_layer_free(layer);
}

static void test_options_are_set_and_read(void **state)
{
    const int32_t keys[] = {MF_LAYER_DROPOUT, MF_LAYER_LABEL_SMOOTHING};
    mf_layer_spec spec = layer_spec(5, 4, 3);
    mf_layer *layer;
    double value = -1.0;

    (void)state;
    spec.dropout = 0.25f;
    spec.label_smoothing = 0.5f;
    layer = make_layer(&spec);
    check_ok(mf_layer_get(layer, MF_LAYER_DROPOUT, &value));
    assert_true(value == 0.25);
    check_ok(mf_layer_get(layer, MF_LAYER_LABEL_SMOOTHING, &value));
    assert_true(value == 0.5);
    for (size_t k = 0; k < COUNT_OF(keys); k++) {
        const double wrong[] = {-0.001, 1.0, 0.9999999999, 2.0, (double)NAN, (double)INFINITY};

        check_ok(mf_layer_set(layer, keys[k], 0.75));
        for (size_t i = 0; i < COUNT_OF(wrong); i++)
            check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, keys[k], wrong[i]));
        check_ok(mf_layer_get(layer, keys[k], &value));
        assert_true(value == 0.75);
        check_ok(mf_layer_set(layer, keys[k], 0.0));
    }
    check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, 2, 0.5));
    check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, -1, 0.5));
    check_status(MF_STATUS_ARGUMENT, mf_layer_get(layer, 2, &value));
    mf_layer_free(layer);
}

/* Smoothing that is set later counts in the loss of the next step: ln m for M = 0 whatever it is, so
 * a trained layer is asked. Loss = (1 - s) CE(label) + s mean over classes of CE(class). */
static void test_new_smoothing_counts_from_the_next_step(void **state)
{
    mf_optimizer *still = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    mf_layer *layer = make_plain_layer(4, 6, 3, 2);
    mf_workspace *workspace = make_layer_workspace(layer, 1);
    const float x[4] = {1.0f, -2.0f, 0.5f, 3.0f};
    double plain[3], smooth;

    (void)state;
    check_ok(mf_layer_set_optimizer(layer, still));
    for (int32_t y = 0; y < 3; y++) {
        check_ok(mf_layer_step(layer, workspace, 1, x, &y, NULL));
        plain[y] = read_report(workspace, 0).loss;
    }
    check_ok(mf_layer_set(layer, MF_LAYER_LABEL_SMOOTHING, 0.3));
    for (int32_t y = 0; y < 3; y++) {
        check_ok(mf_layer_step(layer, workspace, 1, x, &y, NULL));
        smooth = 0.7 * plain[y] + 0.3 * (plain[0] + plain[1] + plain[2]) / 3.0;
        check_near(smooth, read_report(workspace, 0).loss, 2e-6);
    }
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(still);
}

static double phi(int activation, double z)
{
    switch (activation) {
    case MF_ACTIVATION_RELU:
        return z > 0.0 ? z : 0.0;
    case MF_ACTIVATION_LEAKY_RELU:
        return z > 0.0 ? z : 0.25 * z;
    case MF_ACTIVATION_TANH:
        return tanh(z);
    case MF_ACTIVATION_GELU:
        return z * erfc(-z / sqrt(2.0)) / 2.0;
    case MF_ACTIVATION_SILU:
        return z / (1.0 + exp(-z));
    default:
        return z;
    }
}

/* phi alone, on arguments from tiny to huge: W = 1, b = 0. */
static void test_activations_are_exact_for_tiny_and_huge_values(void **state)
{
    const float x[] = {0.0f,  -0.0f,  1e-30f, -1e-30f, 1e-4f, -1e-4f, 0.3f,  -0.3f,
                       1.0f,  -1.0f,  2.5f,   -2.5f,   5.0f,  -5.0f,  9.0f,  -9.0f,
                       20.0f, -20.0f, 90.0f,  -90.0f,  1e10f, -1e10f, 1e38f, -1e38f};
    const float one = 1.0f, zero = 0.0f;

    (void)state;
    for (int activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++) {
        mf_layer_spec spec = layer_spec(1, 1, 2);
        mf_layer *layer;
        mf_workspace *workspace;
        float a[COUNT_OF(x)];

        spec.activation = activation;
        spec.leak = 0.25f;
        layer = make_layer(&spec);
        workspace = make_layer_workspace(layer, COUNT_OF(x));
        check_ok(mf_layer_set_parameter(layer, "weight", &one, 1));
        check_ok(mf_layer_set_parameter(layer, "bias", &zero, 1));
        check_ok(mf_layer_forward(layer, workspace, COUNT_OF(x), x, a));
        for (size_t i = 0; i < COUNT_OF(x); i++) {
            double expected = phi(activation, (double)x[i]);

            /* Relative, as unit/activations.c explains it; what is beyond -80 may be 0. */
            check_near(expected, (double)a[i], 3e-6 * fabs(expected) + 1e-37);
        }
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

/* A layer's own goodness is a M^T of whatever activation it is given. */
static void test_goodness_is_the_product_with_m(void **state)
{
    mf_layer *layer = make_plain_layer(4, 37, 11, 2);
    mf_workspace *workspace = make_workspace(NULL, layer, MF_WORKSPACE_INFERENCE, 9);
    test_random random = {1};
    float *m = read_parameter(layer, "projection", NULL);
    float a[9 * 37], goodness[9 * 11];

    (void)state;
    random_values(&random, a, COUNT_OF(a), 1.0);
    check_ok(mf_layer_goodness(layer, workspace, 9, a, goodness));
    for (size_t r = 0; r < 9; r++)
        for (size_t c = 0; c < 11; c++) {
            double sum = 0.0;

            for (size_t j = 0; j < 37; j++)
                sum += (double)a[r * 37 + j] * (double)m[c * 37 + j];
            check_near(sum, (double)goodness[r * 11 + c], 1e-5);
        }
    free(m);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_are_listed_with_shapes),
        cmocka_unit_test(test_parameters_are_set_and_read),
        cmocka_unit_test(test_a_message_names_as_many_parameters_as_fit),
        cmocka_unit_test(test_trainable_is_reported),
        cmocka_unit_test(test_describe_returns_the_spec),
        cmocka_unit_test(test_options_are_set_and_read),
        cmocka_unit_test(test_new_smoothing_counts_from_the_next_step),
        cmocka_unit_test(test_activations_are_exact_for_tiny_and_huge_values),
        cmocka_unit_test(test_goodness_is_the_product_with_m),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
