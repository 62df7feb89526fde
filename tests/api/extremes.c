/* Values at the edge of what float32 holds, where a step that reports success must not have ruined a layer.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "build.h"
#include "random.h"
#include "units.h"

static void check_parameter(const mf_layer *layer, const char *name, double expected, double tolerance)
{
    size_t count = 0;
    float *values = read_parameter(layer, name, &count);

    for (size_t i = 0; i < count; i++)
        check_near(expected, (double)values[i], tolerance);
    free(values);
}

/* One input, one neuron that hands it on, batch normalisation whose statistics are those of the last batch.
 */
static mf_layer *make_follower(mf_optimizer *optimizer)
{
    mf_layer_spec spec = layer_spec(1, 1, 2);
    mf_layer *layer;
    const float one = 1.0f;

    spec.activation = MF_ACTIVATION_TANH;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.normalization_rate = 1.0f;
    layer = make_layer(&spec);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_parameter(layer, "weight", &one, 1));
    check_ok(mf_layer_set_trainable(layer, "weight", 0));
    return layer;
}

static void test_statistics_forget_old_batches(void **state)
{
    const float huge[4] = {3e8f, 3.0002e8f, 3e8f, 3.0002e8f}, small[4] = {1.0f, 2.0f, 1.0f, 2.0f};
    const int32_t y[4] = {0, 1, 0, 1};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.01);
    mf_layer *layer = make_follower(optimizer);
    mf_workspace *workspace = make_layer_workspace(layer, 4);

    (void)state;
    check_ok(mf_layer_step(layer, workspace, 4, huge, y, NULL));
    check_ok(mf_layer_step(layer, workspace, 4, small, y, NULL));
    check_parameter(layer, "mean", 1.5, 1e-6);
    check_parameter(layer, "variance", 1.0 / 3.0, 1e-6);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_statistics_stay_finite(void **state)
{
    const float up[2] = {3.0e38f, 3.1e38f}, down[2] = {-3.0e38f, -3.1e38f};
    const int32_t y[2] = {0, 1};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.01);
    mf_layer *layer = make_follower(optimizer);
    mf_workspace *workspace = make_layer_workspace(layer, 2);

    (void)state;
    check_ok(mf_layer_step(layer, workspace, 2, up, y, NULL));
    check_ok(mf_layer_step(layer, workspace, 2, down, y, NULL));
    check_parameter(layer, "mean", -3.05e38, 1e33);
    check_parameter(layer, "variance", (double)FLT_MAX, 1e33);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* What no window of the pool covers has no part in the loss, so nothing in it may reach the gradient. */
static void test_pixels_without_a_window_do_not_reach_the_gradient(void **state)
{
    const float x[5] = {0.1f, 0.2f, 0.3f, 0.4f, 3e38f}, weights[2] = {2.0f, 2.0f};
    const int32_t y = 1;

    (void)state;
    for (int32_t pool = MF_POOL_AVERAGE; pool <= MF_POOL_MAX; pool++)
        for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
            for (int frozen = 0; frozen <= 1; frozen++) {
                mf_layer_spec spec;
                mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.01);
                mf_layer *layer;
                mf_workspace *workspace;
                size_t count = 0;
                float *learned;

                check_ok(mf_layer_spec_init(&spec, sizeof spec));
                spec.kind = MF_LAYER_CONV2D;
                spec.classes = 3;
                spec.channels = spec.height = spec.filters = 1;
                spec.width = 5;
                spec.kernel[0] = 1;
                spec.kernel[1] = 2;
                spec.pool = pool;
                spec.pool_size[0] = 1;
                spec.pool_size[1] = 3;
                spec.activation = activation;
                spec.normalization = frozen ? MF_NORMALIZATION_BATCH : MF_NORMALIZATION_NONE;
                spec.seed = 5;
                layer = make_layer(&spec);
                workspace = make_layer_workspace(layer, 1);
                check_ok(mf_layer_set_optimizer(layer, optimizer));
                check_ok(mf_layer_set_parameter(layer, "weight", weights, 2));
                if (frozen)
                    check_ok(mf_layer_set_trainable(layer, "mean", 0));
                check_ok(mf_layer_step(layer, workspace, 1, x, &y, NULL));
                learned = read_parameter(layer, "weight", &count);
                for (size_t i = 0; i < count; i++)
                    check_near(2.0, (double)learned[i], 0.5);
                free(learned);
                if (frozen) {
                    learned = read_parameter(layer, "scale", &count);
                    check_near(1.0, (double)learned[0], 0.5);
                    free(learned);
                }
                mf_workspace_free(workspace);
                mf_layer_free(layer);
                mf_optimizer_free(optimizer);
            }
}

enum { SIDE = 16, CHANNELS = 18 };

/* A filter of one value for each group of maps, whose places are what the head reads. */
static mf_layer *filters_of_places(size_t groups)
{
    units_plan plan = plan_maps(CHANNELS, SIDE, SIDE, 2);
    mf_unit_spec conv = unit_conv(groups, 1, 0);
    mf_layer *layer;
    size_t count = 0;

    conv.groups = groups;
    plan_add(&plan, conv);
    layer = make_units(&plan);
    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        float *values;

        check_ok(mf_layer_parameter_info(layer, i, &info));
        values = get_zeroed(info.count, sizeof *values);
        for (size_t k = 0; k < info.count; k++) {
            if (strstr(info.name, "weight") != NULL)
                values[k] = 1e-38f;
            else if (strstr(info.name, "projection") != NULL) /* the first class has all */
                values[k] = k < info.count / 2 ? 1.0f : 0.0f;
        }
        check_ok(mf_layer_set_parameter(layer, info.name, values, info.count));
        free(values);
    }
    return layer;
}

/* The sum over the places of a map is too large for a float, though each of them and the loss are not.
 * Whatever computes the product, an update that is looked at is not made. */
static void test_gradients_of_filters_overflow(void **state)
{
    float x[CHANNELS * SIDE * SIDE];
    const int32_t y = 1;

    (void)state;
    for (size_t groups = 1; groups <= 2; groups++) {
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e-10);
        mf_layer *layer = filters_of_places(groups);
        mf_workspace *workspace = make_layer_workspace(layer, 1);
        saved_values before = save_layer_values(layer);

        for (size_t i = 0; i < COUNT_OF(x); i++)
            x[i] = 1e37f;
        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 1.0));
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 1, x, &y, NULL));
        check_message("the update would leave a parameter that is not finite");
        check_layer_unchanged(&before, layer);
        for (size_t i = 0; i < COUNT_OF(x); i++)
            x[i] = 1e30f;
        check_ok(mf_layer_step(layer, workspace, 1, x, &y, NULL));
        free_saved_values(&before);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

/* The rate times dz is too large for a float, the rate times dW = dz x is not: an update that is looked at is
 * made. */
static void test_a_large_rate_meets_a_small_input(void **state)
{
    const float x = 1e-20f, projection[2] = {0.0f, 1e10f};
    const int32_t y = 1;
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e30);
    mf_layer_spec spec;
    mf_layer *layer;
    mf_workspace *workspace;

    (void)state;
    check_ok(mf_layer_spec_init(&spec, sizeof spec));
    spec.classes = 2;
    spec.inputs = spec.outputs = 1;
    spec.activation = MF_ACTIVATION_IDENTITY;
    spec.bias = 0;
    spec.weight_init = MF_INIT_ZERO;
    layer = make_layer(&spec);
    workspace = make_layer_workspace(layer, 1);
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 1.0));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_parameter(layer, "projection", projection, 2));
    check_ok(mf_layer_step(layer, workspace, 1, &x, &y, NULL));
    check_parameter(layer, "weight", 5e19, 1e14); /* 1e30 x 1/2 x 1e10 x 1e-20 */
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* The sums of a gradient over the rows come so near to the largest float that their rounding decides: the trial
 * must round as the update does, so that nothing has changed whenever a step is refused. A BLAS library that rounds
 * each product before it adds it, such as the reference BLAS, has shown that it did not. */
static void test_sums_that_rounding_takes_beyond_the_largest_float(void **state)
{
    enum { INPUTS = 8, ROWS = 70, TRIES = 2000 };
    const float projection[2] = {1.0f + 3e-7f, -1.0f - 3e-7f};
    int32_t y[ROWS];
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e-3);
    mf_layer_spec spec = layer_spec(INPUTS, 1, 2);
    test_random random = {1};
    size_t refused = 0;

    (void)state;
    spec.activation = MF_ACTIVATION_IDENTITY;
    spec.bias = 0;
    spec.weight_init = MF_INIT_ZERO;
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 1.0));
    for (size_t b = 0; b < ROWS; b++)
        y[b] = 1;
    for (uint32_t i = 0; i < TRIES; i++) {
        mf_layer *layer = make_layer(&spec);
        mf_workspace *workspace = make_layer_workspace(layer, ROWS);
        float x[ROWS * INPUTS];
        size_t rows = 2 + i / 2 % (i % 2 ? 3 : ROWS - 1);

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_ok(mf_layer_set_parameter(layer, "projection", projection, 2));
        for (size_t j = 0; j < COUNT_OF(x); j++)
            x[j] = (float)(FLT_MAX * (1.0 - random_uniform(&random, 0.0, 8e-7)));
        saved_values before = save_layer_values(layer);
        mf_status status = mf_layer_step(layer, workspace, rows, x, y, NULL);
        if (status != MF_STATUS_OK) {
            refused++;
            check_status(MF_STATUS_NUMERIC, status);
            check_message("nothing has changed");
            check_layer_unchanged(&before, layer);
        }
        free_saved_values(&before);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    assert_in_range(refused, 1, TRIES - 1);
    mf_optimizer_free(optimizer);
}

/* One value of many has a momentum by which it would overflow without a gradient: who looks at the update
 * before it is made must read the state of that very value. */
static void test_the_momentum_of_one_value_overflows(void **state)
{
    enum { INPUTS = 1200, LARGE = 700 };
    static float x[INPUTS];
    const float projection[4] = {0.0f, 0.0f, 0.0f, 1.0f};
    const int32_t y = 1;
    mf_optimizer_spec rule = optimizer_spec(MF_OPTIMIZER_SGD, 1e-10);
    mf_optimizer *optimizer = NULL;
    mf_layer_spec spec = layer_spec(INPUTS, 2, 2);
    mf_layer *layer;
    mf_workspace *workspace;
    saved_values before;

    (void)state;
    spec.activation = MF_ACTIVATION_IDENTITY;
    spec.bias = 0;
    spec.weight_init = MF_INIT_ZERO;
    rule.momentum = 0.9f;
    layer = make_layer(&spec);
    workspace = make_layer_workspace(layer, 1);
    check_ok(mf_optimizer_create(&rule, &optimizer));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 1.0));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_parameter(layer, "projection", projection, 4));
    x[LARGE] = 1e30f;
    check_ok(mf_layer_step(layer, workspace, 1, x, &y, NULL));
    before = save_layer_values(layer);
    x[LARGE] = 0.0f;
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 1e10));
    check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 1, x, &y, NULL));
    check_message("the update would leave a parameter that is not finite");
    check_layer_unchanged(&before, layer);
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* A described layer's spec as the beginning of the next one, whose outputs follow from another input. */
static void test_follow_computes_the_outputs_again(void **state)
{
    mf_layer_spec first, next;
    mf_layer *layer, *behind;

    (void)state;
    check_ok(mf_layer_spec_init(&first, sizeof first));
    first.kind = MF_LAYER_CONV2D;
    first.classes = 3;
    first.channels = 2;
    first.height = first.width = 8;
    first.filters = 2;
    layer = make_layer(&first);
    check_ok(mf_layer_describe(layer, &first));
    next = first;
    check_ok(mf_layer_spec_follow(&next, &first));
    behind = make_layer(&next);
    check_ok(mf_layer_describe(behind, &next));
    assert_int_equal(next.inputs, 2 * 6 * 6);
    assert_int_equal(next.outputs, 2 * 4 * 4);
    mf_layer_free(behind);
    mf_layer_free(layer);
}

/* A step treats subnormal numbers as 0, so such an epsilon would be none. */
static void test_a_subnormal_epsilon_is_refused(void **state)
{
    mf_layer_spec spec = layer_spec(3, 4, 2);
    mf_layer *layer;

    (void)state;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.normalization_epsilon = 1e-40f;
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
    check_message("normalization_epsilon");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics_forget_old_batches),
        cmocka_unit_test(test_statistics_stay_finite),
        cmocka_unit_test(test_pixels_without_a_window_do_not_reach_the_gradient),
        cmocka_unit_test(test_gradients_of_filters_overflow),
        cmocka_unit_test(test_a_large_rate_meets_a_small_input),
        cmocka_unit_test(test_sums_that_rounding_takes_beyond_the_largest_float),
        cmocka_unit_test(test_the_momentum_of_one_value_overflows),
        cmocka_unit_test(test_follow_computes_the_outputs_again),
        cmocka_unit_test(test_a_subnormal_epsilon_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
