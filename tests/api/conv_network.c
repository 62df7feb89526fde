/* Networks of convolutions and dense layers against a chain of oracles: joint and greedy steps, evaluation
 * and prediction by the last layer and by the sum. SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "oracle_maps.h"
#include "random.h"

enum { LAYERS = 5, ROWS = 14, INPUTS = 2 * 7 * 9, CLASSES = 5, STRIDE = INPUTS + 3, WIDEST = 6 * 7 * 9 };

/* A convolution behind a dense layer as well, which it sees as maps of one value. */
static void fill_specs(mf_layer_spec specs[LAYERS])
{
    specs[0] = conv_spec(2, 7, 9, 6, CLASSES);
    specs[0].padding[0] = specs[0].padding[1] = 1;
    specs[0].normalization = MF_NORMALIZATION_BATCH;
    specs[0].activation = MF_ACTIVATION_TANH;
    specs[1] = conv_spec(1, 1, 1, 5, CLASSES);
    specs[1].kernel[0] = 2;
    specs[1].stride[1] = 2;
    specs[1].pool = MF_POOL_AVERAGE;
    specs[1].head_size = 2;
    specs[1].activation = MF_ACTIVATION_GELU;
    specs[2] = layer_spec(0, 18, CLASSES);
    specs[2].normalization = MF_NORMALIZATION_BATCH;
    specs[2].activation = MF_ACTIVATION_TANH;
    specs[3] = conv_spec(1, 1, 1, 4, CLASSES);
    specs[3].kernel[0] = specs[3].kernel[1] = 1;
    specs[3].activation = MF_ACTIVATION_TANH;
    specs[4] = layer_spec(0, 6, CLASSES);
    specs[4].activation = MF_ACTIVATION_TANH;
    for (size_t i = 0; i < LAYERS; i++) {
        specs[i].seed = 30 + i;
        if (i > 0)
            check_ok(mf_layer_spec_follow(&specs[i], &specs[i - 1]));
    }
}

typedef struct fixture {
    mf_network *network;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    maps_oracle *oracles[LAYERS];
    oracle_optimizer hyper;
    test_random random;
    float x[ROWS * STRIDE], weights[ROWS];
    int32_t y[ROWS];
    double exact_x[ROWS * INPUTS], exact_weights[ROWS], a[2][ROWS * WIDEST];
    mf_batch batch;
} fixture;

static fixture *make_fixture(void)
{
    fixture *f = get_zeroed(1, sizeof *f);
    mf_layer_spec specs[LAYERS];

    fill_specs(specs);
    f->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.125);
    f->hyper = (oracle_optimizer){.kind = MF_OPTIMIZER_SGD, .rate = 0.125};
    f->network = make_network();
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer = make_layer(&specs[i]);

        check_ok(mf_network_append(f->network, layer, NULL));
        f->oracles[i] = maps_create(&specs[i], layer);
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(f->network, f->optimizer));
    f->workspace = make_network_workspace(f->network, ROWS);
    f->random.state = 12;
    return f;
}

static void free_fixture(fixture *f)
{
    for (size_t i = 0; i < LAYERS; i++)
        maps_free(f->oracles[i]);
    mf_workspace_free(f->workspace);
    mf_network_free(f->network);
    mf_optimizer_free(f->optimizer);
    free(f);
}

/* With strides always, with weights in every second batch. */
static void draw(fixture *f, size_t rows, int weighted)
{
    for (size_t i = 0; i < COUNT_OF(f->x); i++)
        f->x[i] = NAN;
    for (size_t r = 0; r < rows; r++) {
        random_values(&f->random, f->x + r * STRIDE, INPUTS, 1.0);
        for (size_t i = 0; i < INPUTS; i++)
            f->exact_x[r * INPUTS + i] = (double)f->x[r * STRIDE + i];
        f->exact_weights[r] = (double)(f->weights[r] = (float)random_uniform(&f->random, 0.5, 2.0));
    }
    random_labels(&f->random, f->y, rows, CLASSES);
    f->batch = make_batch(rows, f->x, f->y);
    f->batch.input_stride = STRIDE;
    f->batch.sample_weights = weighted ? f->weights : NULL;
}

static const double *weights_of(const fixture *f)
{
    return f->batch.sample_weights ? f->exact_weights : NULL;
}

static void check_report(const mf_report *report, const oracle_result *expected, size_t rows)
{
    assert_int_equal(report->rows, rows);
    check_near(expected->loss, report->loss, 5e-5);
    check_near((double)expected->correct, (double)report->correct, (double)expected->close_calls);
}

static void train(fixture *f, int steps)
{
    for (int step = 0; step < steps; step++) {
        draw(f, 2 + random_index(&f->random, ROWS - 1), step % 2);
        check_ok(mf_network_step_batch(f->network, f->workspace, &f->batch));
        for (size_t i = 0; i < LAYERS; i++) {
            const double *x = i ? f->a[(i - 1) % 2] : f->exact_x;
            oracle_result expected =
                maps_step(f->oracles[i], &f->hyper, f->batch.rows, x, f->y, weights_of(f), f->a[i % 2]);
            mf_report report = read_report(f->workspace, i);

            check_report(&report, &expected, f->batch.rows);
        }
    }
}

/* The library's parameters as they are now, so that errors of training do not add up. */
static void read_all(fixture *f)
{
    for (size_t i = 0; i < LAYERS; i++)
        maps_read(f->oracles[i], layer_at(f->network, i), 0);
}

static void compare_all(fixture *f)
{
    for (size_t i = 0; i < LAYERS; i++)
        for (size_t p = 0; p < MAPS_PARAMETERS; p++) {
            oracle_parameter *parameter = maps_parameter(f->oracles[i], p);
            float *values;

            if (parameter->count == 0)
                continue;
            values = read_parameter(layer_at(f->network, i), maps_names[p], NULL);
            for (size_t v = 0; v < parameter->count; v++)
                check_near(parameter->value[v], (double)values[v], 5e-5 * (1.0 + fabs(parameter->value[v])));
            free(values);
        }
}

static void test_joint_steps_match_the_oracle(void **state)
{
    fixture *f = make_fixture();

    (void)state;
    train(f, 8);
    compare_all(f);
    free_fixture(f);
}

/* Layers before the one that trains pass on what inference gives. */
static void test_greedy_steps_match_the_oracle(void **state)
{
    fixture *f = make_fixture();

    (void)state;
    train(f, 2);
    for (size_t position = 0; position < LAYERS; position++) {
        read_all(f);
        for (int step = 0; step < 3; step++) {
            oracle_result expected;
            mf_report report;

            draw(f, 2 + random_index(&f->random, ROWS - 1), step % 2);
            check_ok(mf_network_step_layer_batch(f->network, f->workspace, position, &f->batch));
            for (size_t i = 0; i < position; i++)
                maps_infer(f->oracles[i], f->batch.rows, i ? f->a[(i - 1) % 2] : f->exact_x, f->a[i % 2],
                           NULL);
            expected = maps_step(f->oracles[position], &f->hyper, f->batch.rows,
                                 position ? f->a[(position - 1) % 2] : f->exact_x, f->y, weights_of(f), NULL);
            report = read_report(f->workspace, position);
            check_report(&report, &expected, f->batch.rows);
        }
        compare_all(f);
    }
    free_fixture(f);
}

static void test_evaluation_and_scores_match_the_oracle(void **state)
{
    fixture *f = make_fixture();
    double goodness[LAYERS][ROWS * CLASSES], sum[ROWS * CLASSES] = {0};
    float scores[ROWS * CLASSES];
    mf_report report = {.struct_size = sizeof report};
    oracle_result expected;

    (void)state;
    train(f, 4);
    read_all(f);
    draw(f, ROWS, 1);
    for (size_t i = 0; i < LAYERS; i++) {
        maps_infer(f->oracles[i], ROWS, i ? f->a[(i - 1) % 2] : f->exact_x, f->a[i % 2], goodness[i]);
        for (size_t j = 0; j < ROWS * CLASSES; j++)
            sum[j] += goodness[i][j];
    }
    check_ok(mf_network_evaluate_batch(f->network, f->workspace, &f->batch));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_report one = read_report(f->workspace, i);

        expected = oracle_loss(ROWS, CLASSES, goodness[i], f->y, f->exact_weights, 0.0);
        check_report(&one, &expected, ROWS);
    }
    check_ok(mf_workspace_report_sum(f->workspace, &report));
    expected = oracle_loss(ROWS, CLASSES, sum, f->y, f->exact_weights, 0.0);
    check_report(&report, &expected, ROWS);
    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        const double *exact = mode == MF_PREDICT_SUM ? sum : goodness[LAYERS - 1];

        check_ok(mf_network_infer(f->network, f->workspace, mode, &f->batch, NULL, scores, NULL));
        for (size_t j = 0; j < ROWS * CLASSES; j++)
            check_near(exact[j], (double)scores[j], 5e-5 * (1.0 + fabs(exact[j])));
    }
    free_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joint_steps_match_the_oracle),
        cmocka_unit_test(test_greedy_steps_match_the_oracle),
        cmocka_unit_test(test_evaluation_and_scores_match_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
