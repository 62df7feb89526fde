/* Central differences: the library's own loss, moved along every single parameter, must change as the
 * gradient says that the library's own step applies. No oracle is involved. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "build.h"
#include "random.h"

enum { INPUTS = 5, NEURONS = 6, CLASSES = 3, ROWS = 4 };

/* Float32 losses carry errors of about 1e-7; with four points the differences may be wide apart. */
#define STEP 0.015625
#define TOLERANCE 1e-4

typedef struct fixture {
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    mf_batch batch;
    float x[ROWS * INPUTS], weights[ROWS];
    int32_t y[ROWS];
} fixture;

/* The difference formulas hold only where no z crosses the kink of ReLU. */
static int far_from_kinks(const fixture *f)
{
    float *w = read_parameter(f->layer, "weight", NULL);
    float *b = has_parameter(f->layer, "bias") ? read_parameter(f->layer, "bias", NULL) : NULL;
    int far = 1;

    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < NEURONS; j++) {
            double z = b ? (double)b[j] : 0.0, reach = 1.0;

            for (size_t i = 0; i < INPUTS; i++) {
                z += (double)(w[j * INPUTS + i] * f->x[r * INPUTS + i]);
                reach = fmax(reach, fabs((double)f->x[r * INPUTS + i]));
            }
            far &= fabs(z) > 2.5 * STEP * reach;
        }
    free(w);
    free(b);
    return far;
}

static void start_fixture(fixture *f, int activation, int bias, float smoothing, int weighted)
{
    mf_layer_spec spec = layer_spec(INPUTS, NEURONS, CLASSES);
    test_random random = {(uint64_t)(activation * 2 + bias)};

    spec.activation = activation;
    spec.bias = bias;
    spec.label_smoothing = smoothing;
    spec.leak = 0.2f;
    f->layer = make_layer(&spec);
    f->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    check_ok(mf_layer_set_optimizer(f->layer, f->optimizer));
    f->workspace = make_layer_workspace(f->layer, ROWS);
    f->batch = make_batch(ROWS, f->x, f->y);
    for (int tries = 0;; tries++) {
        assert_true(tries < 100000);
        random_values(&random, f->x, ROWS * INPUTS, 1.0);
        if (far_from_kinks(f))
            break;
    }
    random_labels(&random, f->y, ROWS, CLASSES);
    for (size_t r = 0; r < ROWS; r++)
        f->weights[r] = (float)random_uniform(&random, 0.0, 2.0);
    f->batch.sample_weights = weighted ? f->weights : NULL;
}

static void free_fixture(fixture *f)
{
    mf_workspace_free(f->workspace);
    mf_layer_free(f->layer);
    mf_optimizer_free(f->optimizer);
}

/* A step at learning rate 0 tells the loss and changes nothing. */
static double loss_at(fixture *f, const char *name, float *values, size_t count, size_t i, double shift)
{
    float kept = values[i];
    double loss;

    values[i] = (float)((double)kept + shift);
    check_ok(mf_layer_set_parameter(f->layer, name, values, count));
    check_ok(mf_layer_step_batch(f->layer, f->workspace, &f->batch, NULL));
    loss = read_report(f->workspace, 0).loss;
    values[i] = kept;
    check_ok(mf_layer_set_parameter(f->layer, name, values, count));
    return loss;
}

static double difference(fixture *f, const char *name, float *values, size_t count, size_t i)
{
    double near = loss_at(f, name, values, count, i, STEP) - loss_at(f, name, values, count, i, -STEP);
    double far = loss_at(f, name, values, count, i, 2 * STEP) - loss_at(f, name, values, count, i, -2 * STEP);

    return (8.0 * near - far) / (12.0 * STEP);
}

static void check_parameter(fixture *f, const char *name, const float *before, const float *after,
                            size_t count, int activation)
{
    float *values = get_memory(count * sizeof *values);
    double largest = 0.0;

    memcpy(values, before, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        /* With lr = 1 the step is the gradient. */
        double gradient = (double)before[i] - (double)after[i];
        double expected = difference(f, name, values, count, i);

        largest = fmax(largest, fabs(expected));
        if (!(fabs(gradient - expected) <= TOLERANCE))
            fail_msg("activation %d: gradient of %s[%u] is %.7g, the differences say %.7g", activation, name,
                     (unsigned)i, gradient, expected);
    }
    /* Otherwise a gradient of nothing but zeros would pass. */
    assert_true(largest > 0.01);
    free(values);
}

static void check_gradients_of(int activation, int bias, float smoothing, int weighted)
{
    const char *names[] = {"weight", "bias", "projection"};
    float *before[3] = {NULL}, *after[3] = {NULL};
    size_t counts[3] = {0};
    fixture f;

    start_fixture(&f, activation, bias, smoothing, weighted);
    for (int i = 0; i < 3; i++)
        if (has_parameter(f.layer, names[i]))
            before[i] = read_parameter(f.layer, names[i], &counts[i]);
    check_ok(mf_optimizer_set(f.optimizer, MF_OPTIMIZER_LEARNING_RATE, 1.0));
    check_ok(mf_layer_step_batch(f.layer, f.workspace, &f.batch, NULL));
    check_ok(mf_optimizer_set(f.optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.0));
    for (int i = 0; i < 3; i++)
        if (before[i] != NULL) {
            after[i] = read_parameter(f.layer, names[i], NULL);
            check_ok(mf_layer_set_parameter(f.layer, names[i], before[i], counts[i]));
        }
    for (int i = 0; i < 3; i++)
        if (before[i] != NULL)
            check_parameter(&f, names[i], before[i], after[i], counts[i], activation);
    for (int i = 0; i < 3; i++) {
        free(before[i]);
        free(after[i]);
    }
    free_fixture(&f);
}

static void test_gradients_match_differences(void **state)
{
    (void)state;
    for (int activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        for (int bias = 0; bias <= 1; bias++)
            check_gradients_of(activation, bias, 0.0f, 0);
}

static void test_gradients_with_label_smoothing_match_differences(void **state)
{
    (void)state;
    for (int activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        check_gradients_of(activation, 1, 0.2f, 0);
}

static void test_gradients_with_sample_weights_match_differences(void **state)
{
    (void)state;
    for (int activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        check_gradients_of(activation, 1, 0.1f, 1);
}

/* A rate of 0 is what the differences stand on. */
static void test_a_learning_rate_of_0_changes_nothing(void **state)
{
    fixture f;
    saved_values before;

    (void)state;
    start_fixture(&f, MF_ACTIVATION_RELU, 1, 0.0f, 0);
    before = save_layer_values(f.layer);
    check_ok(mf_layer_step_batch(f.layer, f.workspace, &f.batch, NULL));
    check_layer_unchanged(&before, f.layer);
    free_saved_values(&before);
    free_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_match_differences),
        cmocka_unit_test(test_gradients_with_label_smoothing_match_differences),
        cmocka_unit_test(test_gradients_with_sample_weights_match_differences),
        cmocka_unit_test(test_a_learning_rate_of_0_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
