/* Numbers at the lower end of float32, and sums that cancel: what a step cannot tell from 0 is refused, and
 * the norm that clipping compares is right where rows are nearly equal. SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "build.h"
#include "random.h"

enum { ROWS = 64, WIDTH = 300, CLASSES = 2 };

/* Weights of 1e-40 would be 0 in a step, and their sum a divisor. */
static void test_subnormal_weights_are_refused(void **state)
{
    const float x[4] = {1, 2, 3, 4}, none[2] = {1e-40f, 0.0f}, some[2] = {1e-40f, 1.0f};
    const int32_t y[2] = {0, 1};
    mf_layer_spec spec = layer_spec(2, 3, CLASSES);
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_optimizer *optimizer = NULL;
    mf_layer *layer = make_layer(&spec);
    mf_workspace *workspace = make_layer_workspace(layer, 2);

    (void)state;
    check_ok(mf_optimizer_create(&how, &optimizer));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    saved_values before = save_layer_values(layer);
    mf_batch batch = make_batch(2, x, y);

    batch.sample_weights = none;
    check_status(MF_STATUS_ARGUMENT, mf_layer_step_batch(layer, workspace, &batch, NULL));
    check_message("weights");
    check_layer_unchanged(&before, layer);
    batch.sample_weights = some;
    check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    saved_values after = save_layer_values(layer);

    for (size_t i = 0; i < after.count; i++)
        assert_true(isfinite(after.values[i]));
    free_saved_values(&before);
    free_saved_values(&after);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* Norm of all gradients, summed in double. */
static double direct_norm(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch)
{
    saved_values values = save_layer_values(layer);
    size_t count = values.count;
    float *gradients = get_memory(count * sizeof *gradients);
    double sum = 0.0;

    check_ok(mf_layer_gradients(layer, workspace, batch, NULL, gradients, count));
    for (size_t i = 0; i < count; i++)
        sum += (double)gradients[i] * (double)gradients[i];
    free_saved_values(&values);
    free(gradients);
    return sqrt(sum);
}

/* Rows that differ by `apart`, with labels that alternate: the gradients of the rows cancel. */
static void check_norm(float apart)
{
    mf_layer_spec spec = layer_spec(WIDTH, WIDTH, CLASSES);
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 0.0);
    mf_optimizer *optimizer = NULL;
    mf_layer *layer;
    test_random random = {.state = 3};
    float *x = get_memory(ROWS * WIDTH * sizeof *x);
    int32_t y[ROWS];

    how.clip_norm = 1e-3f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    spec.projection_gain = 1e-3f; /* so that both classes are nearly as probable */
    layer = make_layer(&spec);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_trainable(layer, "projection", 0)); /* dW alone */
    check_ok(mf_layer_set_trainable(layer, "bias", 0));
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);

    for (size_t j = 0; j < WIDTH; j++)
        x[j] = (float)random_uniform(&random, -1.0, 1.0);
    for (size_t b = 0; b < ROWS; b++) {
        y[b] = (int32_t)(b % 2);
        for (size_t j = 0; j < WIDTH; j++)
            x[b * WIDTH + j] = x[j] + apart * (float)random_uniform(&random, -1.0, 1.0);
    }
    mf_batch batch = make_batch(ROWS, x, y);
    double want = direct_norm(layer, workspace, &batch);

    check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    assert_true(fabs(read_report(workspace, 0).gradient_norm - want) <= 2e-3 * want);
    free(x);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_the_norm_is_exact_if_rows_cancel(void **state)
{
    (void)state;
    check_norm(1.0f);
    check_norm(1e-2f);
    check_norm(1e-4f);
    check_norm(1e-6f);
    check_norm(0.0f);
}

/* A double that a float in a step takes for 0 means something else than 0 to the host. */
static void test_values_that_are_0_as_a_float_are_refused(void **state)
{
    const double values[] = {1e-60, 1e-40, (double)FLT_MIN / 2.0};
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_layer_spec spec = layer_spec(2, 3, CLASSES);
    mf_optimizer *optimizer = NULL;
    mf_layer *layer = make_layer(&spec);

    (void)state;
    check_ok(mf_optimizer_create(&how, &optimizer));
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, values[i]));
        check_message("clip_norm");
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, values[i]));
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, MF_OPTIMIZER_WEIGHT_DECAY, values[i]));
        check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, MF_LAYER_DROPOUT, values[i]));
        check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, MF_LAYER_LABEL_SMOOTHING, values[i]));
    }
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, (double)FLT_MIN));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, 0.0));
    mf_optimizer_free(optimizer);
    optimizer = NULL;
    how.clip_norm = 1e-40f;
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(&how, &optimizer));
    mf_layer_free(layer);
}

/* Gains near the end of the range would start with values that are not finite. */
static void test_initial_parameters_are_finite(void **state)
{
    const int32_t inits[] = {MF_INIT_KAIMING_UNIFORM, MF_INIT_ORTHOGONAL, MF_INIT_NORMAL};
    mf_layer_spec spec = layer_spec(1, 40, CLASSES);
    mf_layer *layer = NULL;

    (void)state;
    spec.weight_gain = spec.projection_gain = 1e30f;
    for (size_t i = 0; i < COUNT_OF(inits); i++) {
        spec.weight_init = spec.projection_init = inits[i];
        layer = make_layer(&spec);
        saved_values start = save_layer_values(layer);

        for (size_t v = 0; v < start.count; v++)
            assert_true(isfinite(start.values[v]));
        free_saved_values(&start);
        mf_layer_free(layer);
    }
    spec.weight_gain = FLT_MAX;
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
    check_message("weight_gain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subnormal_weights_are_refused),
        cmocka_unit_test(test_the_norm_is_exact_if_rows_cancel),
        cmocka_unit_test(test_values_that_are_0_as_a_float_are_refused),
        cmocka_unit_test(test_initial_parameters_are_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
