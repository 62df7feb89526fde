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
    fixture *s = get_zeroed(1, sizeof *s);
    mf_layer_spec specs[LAYERS];

    fill_specs(specs);
    s->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.125);
    s->hyper = (oracle_optimizer){.kind = MF_OPTIMIZER_SGD, .rate = 0.125};
    s->network = make_network();
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer = make_layer(&specs[i]);

        check_ok(mf_network_append(s->network, layer, NULL));
        s->oracles[i] = maps_create(&specs[i], layer);
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(s->network, s->optimizer));
    s->workspace = make_network_workspace(s->network, ROWS);
    s->random.state = 12;
    return s;
}

static void free_fixture(fixture *s)
{
    for (size_t i = 0; i < LAYERS; i++)
        maps_free(s->oracles[i]);
    mf_workspace_free(s->workspace);
    mf_network_free(s->network);
    mf_optimizer_free(s->optimizer);
    free(s);
}

/* With strides always, with weights in every second batch. */
static void draw(fixture *s, size_t rows, int weighted)
{
    for (size_t i = 0; i < COUNT_OF(s->x); i++)
        s->x[i] = NAN;
    for (size_t r = 0; r < rows; r++) {
        random_values(&s->random, s->x + r * STRIDE, INPUTS, 1.0);
        for (size_t i = 0; i < INPUTS; i++)
            s->exact_x[r * INPUTS + i] = (double)s->x[r * STRIDE + i];
        s->exact_weights[r] = (double)(s->weights[r] = (float)random_uniform(&s->random, 0.5, 2.0));
    }
    random_labels(&s->random, s->y, rows, CLASSES);
    s->batch = make_batch(rows, s->x, s->y);
    s->batch.input_stride = STRIDE;
    s->batch.sample_weights = weighted ? s->weights : NULL;
}

static const double *weights_of(const fixture *s)
{
    return s->batch.sample_weights ? s->exact_weights : NULL;
}

static void check_report(const mf_report *report, const oracle_result *expected, size_t rows)
{
    assert_int_equal(report->rows, rows);
    check_near(expected->loss, report->loss, 5e-5);
    check_near((double)expected->correct, (double)report->correct, (double)expected->close_calls);
}

static void train(fixture *s, int steps)
{
    for (int step = 0; step < steps; step++) {
        draw(s, 2 + random_index(&s->random, ROWS - 1), step % 2);
        check_ok(mf_network_step_batch(s->network, s->workspace, &s->batch));
        for (size_t i = 0; i < LAYERS; i++) {
            const double *x = i ? s->a[(i - 1) % 2] : s->exact_x;
            oracle_result expected =
                maps_step(s->oracles[i], &s->hyper, s->batch.rows, x, s->y, weights_of(s), s->a[i % 2]);
            mf_report report = read_report(s->workspace, i);

            check_report(&report, &expected, s->batch.rows);
        }
    }
}

/* The library's parameters as they are now, so that errors of training do not add up. */
static void read_all(fixture *s)
{
    for (size_t i = 0; i < LAYERS; i++)
        maps_read(s->oracles[i], layer_at(s->network, i), 0);
}

static void compare_all(fixture *s)
{
    for (size_t i = 0; i < LAYERS; i++)
        for (size_t p = 0; p < MAPS_PARAMETERS; p++) {
            oracle_parameter *parameter = maps_parameter(s->oracles[i], p);
            float *values;

            if (parameter->count == 0)
                continue;
            values = read_parameter(layer_at(s->network, i), maps_names[p], NULL);
            for (size_t v = 0; v < parameter->count; v++)
                check_near(parameter->value[v], (double)values[v], 5e-5 * (1.0 + fabs(parameter->value[v])));
            free(values);
        }
}

static void test_joint_steps_match_the_oracle(void **state)
{
    fixture *s = make_fixture();

    (void)state;
    train(s, 8);
    compare_all(s);
    free_fixture(s);
}

/* Layers before the one that trains pass on what inference gives. */
static void test_greedy_steps_match_the_oracle(void **state)
{
    fixture *s = make_fixture();

    (void)state;
    train(s, 2);
    for (size_t position = 0; position < LAYERS; position++) {
        read_all(s);
        for (int step = 0; step < 3; step++) {
            oracle_result expected;
            mf_report report;

            draw(s, 2 + random_index(&s->random, ROWS - 1), step % 2);
            check_ok(mf_network_step_layer_batch(s->network, s->workspace, position, &s->batch));
            for (size_t i = 0; i < position; i++)
                maps_infer(s->oracles[i], s->batch.rows, i ? s->a[(i - 1) % 2] : s->exact_x, s->a[i % 2],
                           NULL);
            expected = maps_step(s->oracles[position], &s->hyper, s->batch.rows,
                                 position ? s->a[(position - 1) % 2] : s->exact_x, s->y, weights_of(s), NULL);
            report = read_report(s->workspace, position);
            check_report(&report, &expected, s->batch.rows);
        }
        compare_all(s);
    }
    free_fixture(s);
}

static void test_evaluation_and_scores_match_the_oracle(void **state)
{
    fixture *s = make_fixture();
    double goodness[LAYERS][ROWS * CLASSES], sum[ROWS * CLASSES] = {0};
    float scores[ROWS * CLASSES];
    mf_report report = {.struct_size = sizeof report};
    oracle_result expected;

    (void)state;
    train(s, 4);
    read_all(s);
    draw(s, ROWS, 1);
    for (size_t i = 0; i < LAYERS; i++) {
        maps_infer(s->oracles[i], ROWS, i ? s->a[(i - 1) % 2] : s->exact_x, s->a[i % 2], goodness[i]);
        for (size_t j = 0; j < ROWS * CLASSES; j++)
            sum[j] += goodness[i][j];
    }
    check_ok(mf_network_evaluate_batch(s->network, s->workspace, &s->batch));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_report one = read_report(s->workspace, i);

        expected = oracle_loss(ROWS, CLASSES, goodness[i], s->y, s->exact_weights, 0.0);
        check_report(&one, &expected, ROWS);
    }
    check_ok(mf_workspace_report_sum(s->workspace, &report));
    expected = oracle_loss(ROWS, CLASSES, sum, s->y, s->exact_weights, 0.0);
    check_report(&report, &expected, ROWS);
    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        const double *exact = mode == MF_PREDICT_SUM ? sum : goodness[LAYERS - 1];

        check_ok(mf_network_infer(s->network, s->workspace, mode, &s->batch, NULL, scores, NULL));
        for (size_t j = 0; j < ROWS * CLASSES; j++)
            check_near(exact[j], (double)scores[j], 5e-5 * (1.0 + fabs(exact[j])));
    }
    free_fixture(s);
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
