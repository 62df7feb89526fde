/* A step in two halves: mf_layer_gradients() against the oracle, and with mf_layer_apply() against
 * mf_layer_step(). SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "oracle_case.h"

/* Inputs that take more than one piece of a panel, outputs that do not fill the last panel. */
enum { INPUTS = 203, OUTPUTS = 150, CLASSES = 6, ROWS = 20, STEPS = 30 };

typedef struct data {
    float x[ROWS * INPUTS], a[ROWS * OUTPUTS], b[ROWS * OUTPUTS];
    int32_t y[ROWS];
} data;

static data *make_data(void)
{
    test_random random = {11};
    data *d = get_zeroed(1, sizeof *d);
    random_values(&random, d->x, ROWS * INPUTS, 1.0);
    random_labels(&random, d->y, ROWS, CLASSES);
    return d;
}

static size_t count_values(const mf_layer *layer)
{
    saved_values all = save_layer_values(layer);
    size_t count = all.count;
    free_saved_values(&all);
    return count;
}

static void test_gradients_match_the_oracle(void **state)
{
    (void)state;
    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++) {
        data *d = make_data();
        mf_layer_spec spec = layer_spec(INPUTS, OUTPUTS, CLASSES);
        spec.activation = activation;
        mf_layer *layer = make_layer(&spec);
        mf_workspace *workspace = make_layer_workspace(layer, ROWS);
        oracle_layer *oracle = oracle_create(&spec, layer);
        mf_batch batch = make_batch(ROWS, d->x, d->y);
        size_t count = count_values(layer);
        float *got = get_memory(count * sizeof *got);
        double *x = oracle_rows(d->x, ROWS, INPUTS, INPUTS), *a = get_memory(ROWS * OUTPUTS * sizeof *a);
        saved_values before = save_layer_values(layer);

        check_ok(mf_layer_gradients(layer, workspace, &batch, d->a, got, count));
        check_layer_unchanged(&before, layer);
        oracle_result expected = oracle_gradients(oracle, ROWS, x, d->y, NULL, a);
        mf_report report = read_report(workspace, 0);
        check_near(expected.loss, report.loss, 1e-5);
        assert_int_equal(report.applied, 0);
        const oracle_parameter *parameters[] = {&oracle->weight, &oracle->bias, &oracle->projection};
        const float *at = got;
        for (size_t p = 0; p < COUNT_OF(parameters); p++)
            for (size_t i = 0; i < parameters[p]->count; i++, at++)
                check_near(parameters[p]->gradient[i], *at, 1e-6);
        for (size_t i = 0; i < ROWS * OUTPUTS; i++)
            check_near(a[i], d->a[i], 1e-5);

        free_saved_values(&before);
        free(got);
        free(x);
        free(a);
        free(d);
        oracle_free(oracle);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

/* Largest difference of two layers' parameters. */
static double distance(const mf_layer *one, const mf_layer *other)
{
    saved_values a = save_layer_values(one), b = save_layer_values(other);
    double largest = 0.0;
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++)
        largest = fmax(largest, fabs((double)a.values[i] - (double)b.values[i]));
    free_saved_values(&a);
    free_saved_values(&b);
    return largest;
}

typedef struct rule {
    int32_t kind, nesterov;
    float momentum, decay, clip;
} rule;

static void compare_with_step(const rule *r, float dropout, int freeze_projection)
{
    data *d = make_data();
    mf_optimizer_spec how = optimizer_spec(r->kind, 0.01);
    mf_optimizer *optimizer;
    how.nesterov = r->nesterov;
    how.momentum = r->momentum;
    how.weight_decay = r->decay;
    how.clip_norm = r->clip;
    /* Next to a gradient of 0 a small epsilon would make steps of what is rounding. */
    how.epsilon = 1e-2f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    mf_layer_spec spec = layer_spec(INPUTS, OUTPUTS, CLASSES);
    spec.activation =
        MF_ACTIVATION_TANH; /* at a kink rounding would decide whether a neuron learns from a row */
    spec.dropout = dropout;
    mf_layer *whole = make_layer(&spec), *halves = make_layer(&spec);
    mf_workspace *of_whole = make_layer_workspace(whole, ROWS),
                 *of_halves = make_layer_workspace(halves, ROWS);
    check_ok(mf_layer_set_optimizer(whole, optimizer));
    check_ok(mf_layer_set_optimizer(halves, optimizer));
    if (freeze_projection) {
        check_ok(mf_layer_set_trainable(whole, "projection", 0));
        check_ok(mf_layer_set_trainable(halves, "projection", 0));
    }
    size_t count = count_values(whole);
    float *gradients = get_memory(count * sizeof *gradients);
    for (int step = 0; step < STEPS; step++) {
        mf_batch batch = make_batch(ROWS, d->x, d->y);
        check_ok(mf_layer_step_batch(whole, of_whole, &batch, d->a));
        check_ok(mf_layer_gradients(halves, of_halves, &batch, d->b, gradients, count));
        check_ok(mf_layer_apply(halves, gradients, count));
        /* Up to rounding; a dropout mask of another step would be seen at once. */
        for (size_t i = 0; i < COUNT_OF(d->a); i++)
            check_near((double)d->a[i], (double)d->b[i], 1e-4);
    }
    double apart = distance(whole, halves);
    if (!(apart <= 2e-5))
        fail_msg("optimizer %d: %g apart", (int)r->kind, apart);
    check_ok(mf_layer_step(halves, of_halves, ROWS, d->x, d->y, NULL));
    assert_int_equal(read_report(of_halves, 0).applied, STEPS + 1);
    free(gradients);
    free(d);
    mf_workspace_free(of_whole);
    mf_workspace_free(of_halves);
    mf_layer_free(whole);
    mf_layer_free(halves);
    mf_optimizer_free(optimizer);
}

static void test_a_step_equals_gradients_and_apply(void **state)
{
    static const rule rules[] = {
        {MF_OPTIMIZER_SGD, 0, 0.0f, 0.0f, 0.0f},      {MF_OPTIMIZER_SGD, 0, 0.0f, 0.1f, 0.5f},
        {MF_OPTIMIZER_SGD, 0, 0.9f, 0.0f, 0.0f},      {MF_OPTIMIZER_SGD, 0, 0.9f, 0.1f, 0.5f},
        {MF_OPTIMIZER_SGD, 1, 0.9f, 0.1f, 0.0f},      {MF_OPTIMIZER_ADAM, 0, 0.0f, 0.1f, 0.0f},
        {MF_OPTIMIZER_ADAMW, 0, 0.0f, 0.1f, 0.0f},    {MF_OPTIMIZER_RMSPROP, 0, 0.0f, 0.0f, 0.0f},
        {MF_OPTIMIZER_RMSPROP, 0, 0.5f, 0.01f, 0.0f},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        compare_with_step(&rules[i], 0.0f, 0);
        compare_with_step(&rules[i], 0.3f, 1);
    }
}

static void test_gradients_of_frozen_parameters_are_0(void **state)
{
    (void)state;
    data *d = make_data();
    mf_layer *layer = make_plain_layer(INPUTS, OUTPUTS, CLASSES, 3);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    mf_batch batch = make_batch(ROWS, d->x, d->y);
    size_t count = count_values(layer), weights = INPUTS * OUTPUTS;
    float *gradients = get_memory(count * sizeof *gradients);
    memset(gradients, 0x7F, count * sizeof *gradients);
    check_ok(mf_layer_set_trainable(layer, "weight", 0));
    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    for (size_t i = 0; i < weights; i++)
        assert_true(gradients[i] == 0.0f);
    double rest = 0.0;
    for (size_t i = weights; i < count; i++)
        rest += fabs((double)gradients[i]);
    assert_true(rest > 0.0);
    free(gradients);
    free(d);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

static void test_wrong_arguments_are_refused(void **state)
{
    (void)state;
    data *d = make_data();
    mf_layer *layer = make_plain_layer(INPUTS, OUTPUTS, CLASSES, 3);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_batch batch = make_batch(ROWS, d->x, d->y);
    size_t count = count_values(layer);
    float *gradients = get_zeroed(count, sizeof *gradients);
    saved_values before = save_layer_values(layer);
    char text[80];

    check_status(MF_STATUS_HANDLE, mf_layer_gradients(NULL, workspace, &batch, NULL, gradients, count));
    check_status(MF_STATUS_HANDLE, mf_layer_gradients(layer, NULL, &batch, NULL, gradients, count));
    check_status(MF_STATUS_ARGUMENT, mf_layer_gradients(layer, workspace, NULL, NULL, gradients, count));
    check_status(MF_STATUS_ARGUMENT, mf_layer_gradients(layer, workspace, &batch, NULL, NULL, count));
    check_status(MF_STATUS_SHAPE, mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count - 1));
    check_message("gradients");
    d->y[3] = CLASSES;
    check_status(MF_STATUS_LABEL, mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));

    check_status(MF_STATUS_HANDLE, mf_layer_apply(NULL, gradients, count));
    check_status(MF_STATUS_STATE, mf_layer_apply(layer, gradients, count));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_status(MF_STATUS_ARGUMENT, mf_layer_apply(layer, NULL, count));
    check_status(MF_STATUS_SHAPE, mf_layer_apply(layer, gradients, count + 1));
    gradients[count - 1] = NAN;
    check_status(MF_STATUS_NUMERIC, mf_layer_apply(layer, gradients, count));
    snprintf(text, sizeof text, "value %zu of the gradients is", count - 1);
    check_message(text);
    check_layer_unchanged(&before, layer);

    free_saved_values(&before);
    free(gradients);
    free(d);
    mf_optimizer_free(optimizer);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_match_the_oracle),
        cmocka_unit_test(test_a_step_equals_gradients_and_apply),
        cmocka_unit_test(test_gradients_of_frozen_parameters_are_0),
        cmocka_unit_test(test_wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
