/* Mean and variance of a batch normalisation: where they start, how they follow, who uses them, and that
 * nothing of them moves in a call that fails. Weights are 1 where numbers are worked out here, so that the
 * product is the input. SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "random.h"

enum { NEURONS = 3, ROWS = 5, CLASSES = 4 };

static const char *const names[] = {"scale", "mean", "variance"};

static mf_layer_spec dense_spec(void)
{
    mf_layer_spec spec = layer_spec(NEURONS, NEURONS, CLASSES);

    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.activation = MF_ACTIVATION_IDENTITY;
    return spec;
}

/* u = x. */
static mf_layer *transparent_dense(const mf_layer_spec *spec)
{
    const float unit[NEURONS * NEURONS] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    mf_layer *layer = make_layer(spec);

    check_ok(mf_layer_set_parameter(layer, "weight", unit, COUNT_OF(unit)));
    return layer;
}

/* The same of one map of 2 x 3: each filter's u is the map times 1, 2 or -1. */
static mf_layer *transparent_conv(mf_layer_spec *spec)
{
    const float factors[NEURONS] = {1, 2, -1};
    mf_layer *layer;

    *spec = conv_spec(1, 2, 3, NEURONS, CLASSES);
    spec->kernel[0] = spec->kernel[1] = 1;
    spec->normalization = MF_NORMALIZATION_BATCH;
    spec->activation = MF_ACTIVATION_IDENTITY;
    layer = make_layer(spec);
    check_ok(mf_layer_set_parameter(layer, "weight", factors, NEURONS));
    return layer;
}

static void give_still_optimizer(mf_layer *layer)
{
    mf_optimizer *still = make_optimizer(MF_OPTIMIZER_SGD, 0.0);

    check_ok(mf_layer_set_optimizer(layer, still));
    mf_optimizer_free(still);
}

static void read_three(const mf_layer *layer, const char *name, float values[NEURONS])
{
    check_ok(mf_layer_get_parameter(layer, name, values, NEURONS));
}

static void test_statistics_start_at_0_and_1(void **state)
{
    const float expected[] = {1.0f, 0.0f, 1.0f};

    (void)state;
    for (int conv = 0; conv <= 1; conv++)
        for (int32_t init = MF_INIT_KAIMING_UNIFORM; init <= MF_INIT_NORMAL; init++) {
            mf_layer_spec spec = conv ? conv_spec(2, 4, 4, NEURONS, CLASSES) : dense_spec();
            float values[NEURONS];

            spec.normalization = MF_NORMALIZATION_BATCH;
            spec.weight_init = init;
            mf_layer *layer = make_layer(&spec);

            for (size_t i = 0; i < COUNT_OF(names); i++) {
                read_three(layer, names[i], values);
                for (size_t j = 0; j < NEURONS; j++)
                    assert_true(values[j] == expected[i]);
            }
            /* Behind a normalisation the bias starts at 0 even with uniform weights. */
            read_three(layer, "bias", values);
            for (size_t j = 0; j < NEURONS; j++)
                assert_true(values[j] == 0.0f);
            mf_layer_free(layer);
        }
}

/* running = (1 - rate) running + rate batch, with the variance of the batch over count - 1, as PyTorch. */
static void follow(double rate, const double *values, size_t count, double *mean, double *variance)
{
    double sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - sum / (double)count) * (values[i] - sum / (double)count);
    *mean = (1.0 - rate) * *mean + rate * sum / (double)count;
    *variance = (1.0 - rate) * *variance + rate * squares / (double)(count - 1);
}

static void check_running(const mf_layer *layer, const double mean[NEURONS], const double variance[NEURONS])
{
    float got[NEURONS];

    read_three(layer, "mean", got);
    for (size_t j = 0; j < NEURONS; j++)
        check_near(mean[j], (double)got[j], 2e-6 * (1.0 + fabs(mean[j])));
    read_three(layer, "variance", got);
    for (size_t j = 0; j < NEURONS; j++)
        check_near(variance[j], (double)got[j], 2e-6 * (1.0 + variance[j]));
}

/* By steps and by gradients in turn, with sample weights in some: they do not count here. */
static void step_somehow(mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x, int t)
{
    const float weights[ROWS] = {0.0f, 3.0f, 0.5f, 0.0f, 1.0f};
    const int32_t y[ROWS] = {0, 1, 2, 3, 0};
    mf_batch batch = make_batch(rows, x, y);
    saved_values all = save_layer_values(layer);
    float *gradients = get_memory(all.count * sizeof *gradients);

    batch.sample_weights = t % 2 ? weights : NULL;
    if (t % 3 == 2)
        check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, all.count));
    else
        check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    free(gradients);
    free_saved_values(&all);
}

static void test_statistics_follow_the_batches_of_a_dense_layer(void **state)
{
    const float rates[] = {0.1f, 0.0f, 1.0f, 0.75f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        mf_layer_spec spec = dense_spec();
        double mean[NEURONS] = {0}, variance[NEURONS] = {1, 1, 1};
        test_random random = {3};

        spec.normalization_rate = rates[i];
        mf_layer *layer = transparent_dense(&spec);
        mf_workspace *workspace = make_layer_workspace(layer, ROWS);

        give_still_optimizer(layer);
        for (int t = 0; t < 12; t++) {
            size_t rows = t == 0 ? 2 : 2 + random_index(&random, ROWS - 1);
            float x[ROWS * NEURONS];

            random_values(&random, x, COUNT_OF(x), 2.0);
            for (size_t j = 0; j < NEURONS; j++) {
                double column[ROWS];

                for (size_t r = 0; r < rows; r++)
                    column[r] = (double)(x[r * NEURONS + j] += 2.0f * (float)j);
                follow((double)rates[i], column, rows, &mean[j], &variance[j]);
            }
            step_somehow(layer, workspace, rows, x, t);
            check_running(layer, mean, variance);
        }
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

static void test_statistics_follow_the_batches_of_a_convolution(void **state)
{
    const double factors[NEURONS] = {1, 2, -1};
    double mean[NEURONS] = {0}, variance[NEURONS] = {1, 1, 1};
    test_random random = {4};
    mf_layer_spec spec;
    mf_layer *layer = transparent_conv(&spec);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);

    (void)state;
    give_still_optimizer(layer);
    for (int t = 0; t < 12; t++) {
        size_t rows = 1 + random_index(&random, ROWS), count = rows * 6; /* one row has 6 places */
        float x[ROWS * 6];

        random_values(&random, x, COUNT_OF(x), 2.0);
        for (size_t j = 0; j < NEURONS; j++) {
            double values[ROWS * 6];

            for (size_t v = 0; v < count; v++)
                values[v] = factors[j] * (double)x[v];
            follow(0.1f, values, count, &mean[j], &variance[j]);
        }
        step_somehow(layer, workspace, rows, x, t);
        check_running(layer, mean, variance);
    }
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

/* Values of which the mean is large against the deviation: [MANY, 3] in a dense layer, a map of MANY values
 * in a convolution. */
static void check_far_from_0(int conv)
{
    enum { MANY = 1500 };
    mf_layer_spec spec = conv ? conv_spec(1, MANY / 50, 50, NEURONS, CLASSES) : dense_spec();
    static float x[MANY * NEURONS];
    static int32_t y[MANY];
    double mean[NEURONS] = {0}, variance[NEURONS] = {0};
    const float ones[NEURONS] = {1, 1, 1};
    test_random random = {5};

    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.normalization_rate = 1.0f;
    spec.kernel[0] = spec.kernel[1] = 1;
    mf_layer *layer = conv ? make_layer(&spec) : transparent_dense(&spec);
    mf_workspace *workspace = make_layer_workspace(layer, MANY);

    if (conv)
        check_ok(mf_layer_set_parameter(layer, "weight", ones, NEURONS));
    give_still_optimizer(layer);
    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = (float)(3000.0 + random_normal(&random));
    for (size_t j = 0; j < NEURONS; j++) {
        double values[MANY];

        for (size_t r = 0; r < MANY; r++)
            values[r] = (double)x[conv ? r : r * NEURONS + j];
        follow(1.0, values, MANY, &mean[j], &variance[j]);
    }
    check_ok(mf_layer_step(layer, workspace, conv ? 1 : MANY, x, y, NULL));
    float got[NEURONS];

    read_three(layer, "variance", got);
    for (size_t j = 0; j < NEURONS; j++)
        check_near(variance[j], (double)got[j], 1e-4);
    read_three(layer, "mean", got);
    for (size_t j = 0; j < NEURONS; j++)
        check_near(mean[j], (double)got[j], 1e-3);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

static void test_values_far_from_0_are_normalised(void **state)
{
    (void)state;
    check_far_from_0(0);
    check_far_from_0(1);
}

static void set_all(mf_layer *layer)
{
    const float scale[] = {2.0f, -0.5f, 0.0f}, mean[] = {1.0f, -2.0f, 0.25f},
                variance[] = {4.0f, 0.0f, 0.0625f};
    const float bias[] = {0.5f, 0.0f, -1.0f};

    check_ok(mf_layer_set_parameter(layer, "scale", scale, NEURONS));
    check_ok(mf_layer_set_parameter(layer, "mean", mean, NEURONS));
    check_ok(mf_layer_set_parameter(layer, "variance", variance, NEURONS));
    check_ok(mf_layer_set_parameter(layer, "bias", bias, NEURONS));
}

/* Of one row, of several, and by a step whose mean and variance are frozen: the same activation. */
static void test_inference_uses_the_running_statistics(void **state)
{
    mf_layer_spec spec = dense_spec();
    float x[ROWS * NEURONS], a[ROWS * NEURONS];
    const int32_t y[ROWS] = {0, 1, 2, 3, 0};
    test_random random = {6};

    (void)state;
    spec.normalization_epsilon = 0.25f;
    mf_layer *layer = transparent_dense(&spec);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    mf_workspace *inference = make_workspace(NULL, layer, MF_WORKSPACE_INFERENCE, ROWS);

    set_all(layer);
    give_still_optimizer(layer);
    random_values(&random, x, COUNT_OF(x), 1.0);
    for (int way = 0; way < 4; way++) {
        size_t rows = way == 0 ? 1 : ROWS;

        if (way == 3)
            check_ok(mf_layer_set_trainable(layer, "mean", 0));
        if (way >= 2)
            check_ok(mf_layer_step(layer, workspace, rows, x, y, a));
        else
            check_ok(mf_layer_forward(layer, way ? workspace : inference, rows, x, a));
        for (size_t r = 0; r < rows; r++) {
            double expected = 2.0 * ((double)x[r * 3] - 1.0) / sqrt(4.25) + 0.5;

            if (way == 2) { /* this one takes the batch's */
                assert_true(fabs(expected - (double)a[r * 3]) > 1e-3);
                continue;
            }
            check_near(expected, (double)a[r * 3], 1e-5);
            check_near(-0.5 * ((double)x[r * 3 + 1] + 2.0) / 0.5, (double)a[r * 3 + 1], 1e-5);
            check_near(-1.0, (double)a[r * 3 + 2], 1e-6);
        }
        set_all(layer); /* the step has let them follow */
    }
    mf_workspace_free(inference);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

static void check_trainable(const mf_layer *layer, int32_t scale, int32_t running)
{
    size_t count = 0;

    check_ok(mf_layer_parameter_count(layer, &count));
    assert_int_equal(count, 6);
    for (size_t i = 3; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        assert_string_equal(info.name, names[i - 3]);
        assert_int_equal(info.trainable, i == 3 ? scale : running);
    }
}

static void test_mean_and_variance_freeze_together(void **state)
{
    mf_layer_spec spec = dense_spec();
    mf_layer *layer = transparent_dense(&spec);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    const float x[2 * NEURONS] = {1, 2, 3, -4, 5, 6};
    const int32_t y[2] = {0, 1};
    static const char *const others[] = {"weight", "bias", "projection"};
    saved_values before;

    (void)state;
    give_still_optimizer(layer);
    for (size_t i = 0; i < COUNT_OF(others); i++) /* the smallest rate moves a 0 where subnormals are kept */
        check_ok(mf_layer_set_trainable(layer, others[i], 0));
    check_trainable(layer, 1, 1);
    check_ok(mf_layer_set_trainable(layer, "variance", 0));
    check_trainable(layer, 1, 0);
    check_ok(mf_layer_set_trainable(layer, "mean", 1));
    check_trainable(layer, 1, 1);
    check_ok(mf_layer_set_trainable(layer, "mean", 0));
    check_trainable(layer, 1, 0);
    check_ok(mf_layer_set_trainable(layer, "scale", 0));
    check_trainable(layer, 0, 0);
    before = save_layer_values(layer);
    check_ok(mf_layer_step(layer, workspace, 2, x, y, NULL));
    check_ok(mf_layer_step(layer, workspace, 1, x, y, NULL)); /* a single value is fine then */
    check_layer_unchanged(&before, layer);
    check_ok(mf_layer_set_trainable(layer, "variance", 1));
    check_trainable(layer, 0, 1);
    check_ok(mf_layer_step(layer, workspace, 2, x, y, NULL));
    saved_values after = save_layer_values(layer);

    assert_false(same_values(&before, &after));
    free_saved_values(&after);
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

static void test_evaluation_keeps_the_running_statistics(void **state)
{
    mf_layer_spec spec = dense_spec();
    mf_layer *layer = transparent_dense(&spec);
    mf_network *network = make_network();
    mf_workspace *workspace;
    float x[ROWS * NEURONS], scores[ROWS * CLASSES];
    int32_t y[ROWS] = {0, 1, 2, 3, 0};
    test_random random = {7};

    (void)state;
    set_all(layer);
    check_ok(mf_network_append(network, layer, NULL));
    workspace = make_network_workspace(network, ROWS);
    random_values(&random, x, COUNT_OF(x), 1.0);
    saved_values before = save_network_values(network);

    check_ok(mf_network_evaluate(network, workspace, ROWS, x, y));
    double loss = read_report(workspace, 0).loss;

    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_LAST, ROWS, x, scores));
    check_network_unchanged(&before, network);
    /* They count in evaluation, and a batch's do not. */
    check_ok(mf_network_evaluate(network, workspace, 1, x, y));
    double single = read_report(workspace, 0).loss, sum = single;

    for (size_t r = 1; r < ROWS; r++) {
        check_ok(mf_network_evaluate(network, workspace, 1, x + r * NEURONS, y + r));
        sum += read_report(workspace, 0).loss;
    }
    check_near(sum / ROWS, loss, 1e-5);
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(layer);
}

/* Greedy: a layer before the one that trains is finished. Its running mean and variance hold, and are what
 * the next one sees. */
static void test_greedy_training_keeps_the_statistics_of_earlier_layers(void **state)
{
    mf_layer_spec spec, second = layer_spec(18, NEURONS, CLASSES);
    mf_layer *first = transparent_conv(&spec), *last;
    mf_network *network = make_network();
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    float x[ROWS * 6], a[ROWS * 18];
    int32_t y[ROWS] = {0, 1, 2, 3, 0};
    test_random random = {8};

    (void)state;
    second.normalization = MF_NORMALIZATION_BATCH;
    second.normalization_rate = 1.0f;
    last = make_layer(&second);
    set_all(first);
    check_ok(mf_network_append(network, first, NULL));
    check_ok(mf_network_append(network, last, NULL));
    check_ok(mf_network_set_optimizer(network, optimizer));
    mf_workspace *workspace = make_network_workspace(network, ROWS);

    random_values(&random, x, COUNT_OF(x), 1.0);
    saved_values before = save_layer_values(first);
    float *w = read_parameter(last, "weight", NULL);

    check_ok(mf_layer_forward(first, workspace, ROWS, x, a));
    check_ok(mf_network_step_layer(network, workspace, 1, ROWS, x, y));
    check_layer_unchanged(&before, first);
    double mean[NEURONS] = {0}, variance[NEURONS] = {0};

    for (size_t j = 0; j < NEURONS; j++) {
        double u[ROWS] = {0};

        for (size_t r = 0; r < ROWS; r++)
            for (size_t i = 0; i < 18; i++)
                u[r] += (double)a[r * 18 + i] * (double)w[j * 18 + i];
        follow(1.0, u, ROWS, &mean[j], &variance[j]);
    }
    float got[NEURONS];

    read_three(last, "mean", got);
    for (size_t j = 0; j < NEURONS; j++)
        check_near(mean[j], (double)got[j], 1e-4);
    read_three(last, "variance", got);
    for (size_t j = 0; j < NEURONS; j++)
        check_near(variance[j], (double)got[j], 1e-4 * (1.0 + variance[j]));
    free(w);
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(first);
    mf_layer_free(last);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics_start_at_0_and_1),
        cmocka_unit_test(test_statistics_follow_the_batches_of_a_dense_layer),
        cmocka_unit_test(test_statistics_follow_the_batches_of_a_convolution),
        cmocka_unit_test(test_values_far_from_0_are_normalised),
        cmocka_unit_test(test_inference_uses_the_running_statistics),
        cmocka_unit_test(test_mean_and_variance_freeze_together),
        cmocka_unit_test(test_evaluation_keeps_the_running_statistics),
        cmocka_unit_test(test_greedy_training_keeps_the_statistics_of_earlier_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
