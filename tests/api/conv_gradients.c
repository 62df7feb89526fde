/* Central differences for convolutions and normalised layers: of the oracle's loss in double precision, which
 * proves the oracle, and of the library's own loss, in which no oracle has a part.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "build.h"
#include "oracle_maps.h"
#include "random.h"

enum { ROWS = 4, CLASSES = 3, MOST = 200, LEARNED = 4 };

typedef struct fixture {
    mf_layer *layer;
    mf_network *network;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    maps_oracle *oracle;
    mf_batch batch;
    float x[ROWS * MOST], weights[ROWS];
    double exact_x[ROWS * MOST], exact_weights[ROWS];
    int32_t y[ROWS];
} fixture;

/* The difference formulas hold only where no z crosses a kink and no window gets another largest value. */
static void draw_data(fixture *f, uint64_t seed, double margin)
{
    test_random random = {seed};
    size_t count = ROWS * f->oracle->inputs;

    assert_true(count <= COUNT_OF(f->x));
    random_labels(&random, f->y, ROWS, CLASSES);
    for (size_t r = 0; r < ROWS; r++)
        f->exact_weights[r] = (double)(f->weights[r] = (float)random_uniform(&random, 0.1, 2.0));
    for (int tries = 0;; tries++) {
        assert_true(tries < 100000);
        random_values(&random, f->x, count, 1.0);
        for (size_t i = 0; i < count; i++)
            f->exact_x[i] = (double)f->x[i];
        f->oracle->kink_margin = f->oracle->tie_margin = INFINITY;
        maps_loss(f->oracle, ROWS, f->exact_x, f->y, NULL);
        if (f->oracle->kink_margin > margin && f->oracle->tie_margin > margin)
            return;
    }
}

/* `fixed`: the running mean and variance, which are not 0 and 1, hold. */
static fixture *make_fixture(const mf_layer_spec *spec, uint64_t seed, int fixed, double margin)
{
    fixture *f = get_zeroed(1, sizeof *f);
    const char *const running[] = {"scale", "mean", "variance"};
    const float values[3][2] = {{1.25f, -0.75f}, {0.25f, -0.5f}, {2.0f, 0.75f}};

    f->layer = make_layer(spec);
    for (size_t i = 0; spec->normalization && i < COUNT_OF(running); i++)
        check_ok(mf_layer_set_parameter(f->layer, running[i], values[i], 2));
    if (spec->normalization && fixed)
        check_ok(mf_layer_set_trainable(f->layer, "mean", 0));
    f->oracle = maps_create(spec, f->layer);
    f->oracle->mean.frozen = f->oracle->variance.frozen = fixed;
    f->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    f->network = make_network();
    check_ok(mf_network_append(f->network, f->layer, NULL));
    check_ok(mf_network_set_optimizer(f->network, f->optimizer));
    f->workspace = make_network_workspace(f->network, ROWS);
    draw_data(f, seed, margin);
    f->batch = make_batch(ROWS, f->x, f->y);
    return f;
}

static void free_fixture(fixture *f)
{
    mf_workspace_free(f->workspace);
    mf_network_free(f->network);
    mf_layer_free(f->layer);
    mf_optimizer_free(f->optimizer);
    maps_free(f->oracle);
    free(f);
}

/* Runs `check` on small layers of every make; two filters or neurons each. */
typedef void check_spec(const char *name, const mf_layer_spec *spec, uint64_t seed);

static void each_convolution(check_spec *check, int32_t normalization)
{
    uint64_t seed = 0;

    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        for (int32_t pool = MF_POOL_NONE; pool <= MF_POOL_MAX; pool++)
            for (size_t head = 0; head <= 2; head++) {
                mf_layer_spec spec = conv_spec(2, 3, 4, 2, CLASSES);
                char name[80];

                snprintf(name, sizeof name, "activation %d, pool %d, head %u, normalization %d",
                         (int)activation, (int)pool, (unsigned)head, (int)normalization);
                spec.activation = activation;
                spec.leak = 0.25f;
                spec.pool = pool;
                spec.pool_stride[1] = 1; /* windows overlap */
                spec.kernel[0] = spec.kernel[1] = 2;
                spec.padding[0] = head == 1 && pool == MF_POOL_NONE && activation >= MF_ACTIVATION_TANH;
                spec.head_size = pool == MF_POOL_NONE || head < 2 ? head : 1;
                spec.label_smoothing = head == 1 ? 0.2f : 0.0f;
                spec.normalization = normalization;
                spec.bias = head != 2;
                spec.weight_gain = 2.0f;
                spec.projection_gain = 4.0f;
                check(name, &spec, seed++);
            }
}

static void each_dense(check_spec *check)
{
    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        for (int32_t bias = 0; bias <= 1; bias++) {
            mf_layer_spec spec = layer_spec(5, 2, CLASSES);
            char name[80];

            snprintf(name, sizeof name, "dense, activation %d, bias %d", (int)activation, (int)bias);
            spec.activation = activation;
            spec.bias = bias;
            spec.normalization = MF_NORMALIZATION_BATCH;
            spec.weight_gain = 2.0f;
            spec.projection_gain = 4.0f;
            check(name, &spec, 100 + (uint64_t)(activation * 2 + bias));
        }
}

/* ---- the oracle ---- */

static double exact_difference(fixture *f, double *value, const double *weights)
{
    const double step = 1e-4;
    double kept = *value, loss[2];

    for (int side = 0; side < 2; side++) {
        *value = kept + (side ? step : -step);
        loss[side] = maps_loss(f->oracle, ROWS, f->exact_x, f->y, weights).loss;
    }
    *value = kept;
    return (loss[1] - loss[0]) / (2.0 * step);
}

static void check_oracle(const char *name, fixture *f, const double *weights)
{
    double largest = 0.0;

    maps_gradients(f->oracle, ROWS, f->exact_x, f->y, weights, NULL);
    for (size_t p = 0; p < LEARNED; p++) {
        oracle_parameter *parameter = maps_parameter(f->oracle, p);

        for (size_t i = 0; i < parameter->count; i++) {
            double expected = exact_difference(f, &parameter->value[i], weights),
                   got = parameter->gradient[i];

            largest = fmax(largest, fabs(expected));
            if (!(fabs(got - expected) <= 1e-6))
                fail_msg("%s: the oracle's gradient of %s[%zu] is %.9g, the differences say %.9g", name,
                         maps_names[p], i, got, expected);
        }
    }
    assert_true(largest > 0.01);
}

static void check_oracle_twice(const char *name, const mf_layer_spec *spec, uint64_t seed)
{
    for (int fixed = 0; fixed <= 1; fixed++) {
        fixture *f = make_fixture(spec, seed, fixed, 1e-2);

        check_oracle(name, f, fixed ? NULL : f->exact_weights);
        free_fixture(f);
    }
}

static void test_the_oracle_matches_differences(void **state)
{
    (void)state;
    each_convolution(check_oracle_twice, MF_NORMALIZATION_NONE);
    each_convolution(check_oracle_twice, MF_NORMALIZATION_BATCH);
    each_dense(check_oracle_twice);
}

/* ---- the library ---- */

/* Float32 losses carry errors of about 1e-7; with four points the differences may be wide apart. */
#define STEP 0.015625
#define TOLERANCE 2e-4

/* The layer's loss by evaluation, or, with `by_step`, by a step at rate 0, which takes the batch's mean and
 * variance. */
static double loss_here(fixture *f, int by_step)
{
    if (by_step)
        check_ok(mf_network_step_batch(f->network, f->workspace, &f->batch));
    else
        check_ok(mf_network_evaluate_batch(f->network, f->workspace, &f->batch));
    return read_report(f->workspace, 0).loss;
}

static double loss_at(fixture *f, const char *name, float *values, size_t count, size_t i, double shift,
                      int by_step)
{
    float kept = values[i];
    double loss;

    values[i] = (float)((double)kept + shift);
    check_ok(mf_layer_set_parameter(f->layer, name, values, count));
    loss = loss_here(f, by_step);
    values[i] = kept;
    check_ok(mf_layer_set_parameter(f->layer, name, values, count));
    return loss;
}

static double difference(fixture *f, const char *name, float *values, size_t count, size_t i, int by_step)
{
    double near = loss_at(f, name, values, count, i, STEP, by_step) -
                  loss_at(f, name, values, count, i, -STEP, by_step);
    double far = loss_at(f, name, values, count, i, 2 * STEP, by_step) -
                 loss_at(f, name, values, count, i, -2 * STEP, by_step);

    return (8.0 * near - far) / (12.0 * STEP);
}

static void check_library(const char *name, fixture *f, int by_step)
{
    saved_values all = save_layer_values(f->layer);
    float *gradients = get_memory(all.count * sizeof *gradients);
    const float *at = gradients;

    check_ok(mf_layer_gradients(f->layer, f->workspace, &f->batch, NULL, gradients, all.count));
    for (size_t p = 0; p < LEARNED; p++) {
        size_t count = 0;
        float *values;
        double largest = 0.0;

        if (!has_parameter(f->layer, maps_names[p]))
            continue;
        values = read_parameter(f->layer, maps_names[p], &count);
        for (size_t i = 0; i < count; i++) {
            double expected = difference(f, maps_names[p], values, count, i, by_step);

            largest = fmax(largest, fabs(expected));
            if (!(fabs((double)at[i] - expected) <= TOLERANCE))
                fail_msg("%s: the gradient of %s[%zu] is %.7g, the differences say %.7g", name, maps_names[p],
                         i, (double)at[i], expected);
        }
        /* Otherwise a gradient of nothing but zeros would pass. */
        if (!(largest > 0.004))
            fail_msg("%s: the largest gradient of %s is %g", name, maps_names[p], largest);
        free(values);
        at += count;
    }
    free(gradients);
    free_saved_values(&all);
}

/* Evaluation knows no smoothing, so there a step at rate 0 stands in. */
static void check_by_evaluation(const char *name, const mf_layer_spec *spec, uint64_t seed)
{
    fixture *f = make_fixture(spec, seed, 1, 0.12);

    f->batch.sample_weights = seed % 2 ? f->weights : NULL;
    check_library(name, f, spec->label_smoothing > 0.0f);
    free_fixture(f);
}

static void check_by_steps(const char *name, const mf_layer_spec *spec, uint64_t seed)
{
    fixture *f = make_fixture(spec, seed, 0, 0.12);

    f->batch.sample_weights = seed % 2 ? f->weights : NULL;
    check_library(name, f, 1);
    free_fixture(f);
}

static void test_gradients_without_normalisation_match_differences(void **state)
{
    (void)state;
    each_convolution(check_by_evaluation, MF_NORMALIZATION_NONE);
}

static void test_gradients_with_frozen_statistics_match_differences(void **state)
{
    (void)state;
    each_convolution(check_by_evaluation, MF_NORMALIZATION_BATCH);
    each_dense(check_by_evaluation);
}

static void test_gradients_with_batch_statistics_match_differences(void **state)
{
    (void)state;
    each_convolution(check_by_steps, MF_NORMALIZATION_BATCH);
    each_dense(check_by_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oracle_matches_differences),
        cmocka_unit_test(test_gradients_without_normalisation_match_differences),
        cmocka_unit_test(test_gradients_with_frozen_statistics_match_differences),
        cmocka_unit_test(test_gradients_with_batch_statistics_match_differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
