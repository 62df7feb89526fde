/* A whole network against the oracle: joint steps, evaluation, and the three kinds of answers.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "oracle.h"
#include "random.h"
#include "oracle_case.h"

enum { LAYERS = 3, CLASSES = 5, MAX_ROWS = 24 };

static const size_t widths[LAYERS + 1] = {9, 16, 7, 12};
static const int activations[LAYERS] = {MF_ACTIVATION_TANH, MF_ACTIVATION_GELU, MF_ACTIVATION_IDENTITY};

typedef struct fixture {
    mf_network *network;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    oracle_layer *oracle[LAYERS];
    saved_values start[LAYERS];
    oracle_optimizer hyper;
    test_random random;
    float x[MAX_ROWS * 9], weights[MAX_ROWS];
    double exact_weights[MAX_ROWS];
    int32_t y[MAX_ROWS];
} fixture;

static int setup(void **state)
{
    fixture *f = get_zeroed(1, sizeof *f);

    f->hyper = (oracle_optimizer){
        .kind = MF_OPTIMIZER_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-4};
    f->optimizer = make_optimizer_of(&f->hyper);
    f->network = make_network();
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer_spec spec = layer_spec(widths[i], widths[i + 1], CLASSES);
        mf_layer *layer;

        spec.activation = activations[i];
        spec.bias = i != 1;
        spec.label_smoothing = i == 2 ? 0.1f : 0.0f;
        spec.seed = 100 + i;
        layer = make_layer(&spec);
        check_ok(mf_network_append(f->network, layer, NULL));
        f->oracle[i] = oracle_create(&spec, layer);
        f->start[i] = save_layer_values(layer);
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(f->network, f->optimizer));
    f->workspace = make_network_workspace(f->network, MAX_ROWS);
    f->random.state = 5;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    for (size_t i = 0; i < LAYERS; i++) {
        oracle_free(f->oracle[i]);
        free_saved_values(&f->start[i]);
    }
    mf_workspace_free(f->workspace);
    mf_network_free(f->network);
    mf_optimizer_free(f->optimizer);
    free(f);
    return 0;
}

static double *draw(fixture *f, size_t rows)
{
    random_values(&f->random, f->x, rows * widths[0], 1.0);
    random_labels(&f->random, f->y, rows, CLASSES);
    for (size_t r = 0; r < rows; r++) {
        f->x[r * widths[0] + (size_t)f->y[r]] += 2.0f;
        f->weights[r] = r % 4 == 3 ? 0.0f : (float)random_uniform(&f->random, 0.5, 2.0);
        f->exact_weights[r] = (double)f->weights[r];
    }
    return oracle_rows(f->x, rows, widths[0], widths[0]);
}

static void check_report(const mf_report *report, const oracle_result *expected, size_t rows)
{
    size_t correct = (size_t)report->correct;

    assert_int_equal(report->rows, rows);
    check_near(expected->loss, report->loss, 1e-4 * (1.0 + expected->loss));
    assert_true(correct <= expected->correct + expected->close_calls);
    assert_true(correct + expected->close_calls >= expected->correct);
}

/* Trains both; the oracle's layers hand on what they computed before their update. */
static void train(fixture *f, int steps, int weighted)
{
    for (int step = 0; step < steps; step++) {
        size_t rows = 1 + random_index(&f->random, MAX_ROWS);
        double *input = draw(f, rows);
        mf_batch batch = make_batch(rows, f->x, f->y);

        batch.sample_weights = weighted ? f->weights : NULL;
        if (weighted)
            check_ok(mf_network_step_batch(f->network, f->workspace, &batch));
        else
            check_ok(mf_network_step(f->network, f->workspace, rows, f->x, f->y));
        for (size_t i = 0; i < LAYERS; i++) {
            double *a = get_memory(rows * widths[i + 1] * sizeof *a);
            oracle_result expected = oracle_step(f->oracle[i], &f->hyper, rows, input, f->y,
                                                 weighted ? f->exact_weights : NULL, a);
            mf_report report = read_report(f->workspace, i);

            check_report(&report, &expected, rows);
            free(input);
            input = a;
        }
        free(input);
    }
}

static void test_joint_steps_match_the_oracle(void **state)
{
    fixture *f = *state;

    train(f, 40, 0);
    train(f, 20, 1);
    for (size_t i = 0; i < LAYERS; i++)
        compare_with_oracle("joint", layer_at(f->network, i), f->oracle[i], &f->start[i], 2e-3);
}

/* The oracle's goodness of every layer and, last, their sum: [LAYERS + 1][rows * CLASSES]. */
static void answers(fixture *f, size_t rows, const double *x, double *goodness[LAYERS + 1])
{
    const double *input = x;
    double *owned = NULL;

    goodness[LAYERS] = get_zeroed(rows * CLASSES, sizeof(double));
    for (size_t i = 0; i < LAYERS; i++) {
        double *a = get_memory(rows * widths[i + 1] * sizeof *a);

        oracle_forward(f->oracle[i], rows, input, a);
        goodness[i] = get_memory(rows * CLASSES * sizeof(double));
        oracle_goodness(f->oracle[i], rows, a, goodness[i]);
        for (size_t v = 0; v < rows * CLASSES; v++)
            goodness[LAYERS][v] += goodness[i][v];
        free(owned);
        input = owned = a;
    }
    free(owned);
}

static void test_evaluation_matches_the_oracle(void **state)
{
    fixture *f = *state;

    train(f, 30, 0);
    for (size_t i = 0; i < LAYERS; i++)
        oracle_read(f->oracle[i], layer_at(f->network, i), 0);
    for (int weighted = 0; weighted <= 1; weighted++) {
        size_t rows = (size_t)(MAX_ROWS - weighted);
        double *x = draw(f, rows);
        mf_report sum = {.struct_size = sizeof sum};
        double *goodness[LAYERS + 1];
        mf_batch batch = make_batch(rows, f->x, f->y);

        batch.sample_weights = weighted ? f->weights : NULL;
        if (weighted)
            check_ok(mf_network_evaluate_batch(f->network, f->workspace, &batch));
        else
            check_ok(mf_network_evaluate(f->network, f->workspace, rows, f->x, f->y));
        answers(f, rows, x, goodness);
        check_ok(mf_workspace_report_sum(f->workspace, &sum));
        for (size_t i = 0; i <= LAYERS; i++) {
            /* Label smoothing belongs to training: the third layer's does not count here. */
            oracle_result expected =
                oracle_loss(rows, CLASSES, goodness[i], f->y, weighted ? f->exact_weights : NULL, 0.0);
            mf_report report = i < LAYERS ? read_report(f->workspace, i) : sum;

            check_report(&report, &expected, rows);
            free(goodness[i]);
        }
        free(x);
    }
}

static int32_t best_of(const float *row)
{
    int32_t best = 0;

    for (int32_t c = 1; c < CLASSES; c++)
        if (row[c] > row[best])
            best = c;
    return best;
}

static void test_predictions_match_the_oracle(void **state)
{
    fixture *f = *state;
    float goodness[MAX_ROWS * CLASSES], probabilities[MAX_ROWS * CLASSES];
    float again[MAX_ROWS * CLASSES], likely[MAX_ROWS * CLASSES];
    int32_t labels[MAX_ROWS], found[MAX_ROWS];
    size_t rows = MAX_ROWS;
    double *exact[LAYERS + 1];
    double *x;

    train(f, 30, 0);
    for (size_t i = 0; i < LAYERS; i++)
        oracle_read(f->oracle[i], layer_at(f->network, i), 0);
    x = draw(f, rows);
    answers(f, rows, x, exact);
    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        double *expected = exact[mode == MF_PREDICT_LAST ? LAYERS - 1 : LAYERS];
        mf_batch batch = make_batch(rows, f->x, NULL);

        check_ok(mf_network_goodness(f->network, f->workspace, mode, rows, f->x, goodness));
        check_ok(mf_network_probabilities(f->network, f->workspace, mode, rows, f->x, probabilities));
        check_ok(mf_network_predict(f->network, f->workspace, mode, rows, f->x, labels));
        check_ok(mf_network_infer(f->network, f->workspace, mode, &batch, found, again, likely));
        assert_memory_equal(found, labels, sizeof labels);
        assert_memory_equal(again, goodness, sizeof goodness);
        assert_memory_equal(likely, probabilities, sizeof probabilities);
        for (size_t i = 0; i < rows * CLASSES; i++)
            check_near(expected[i], (double)goodness[i], 2e-5 * (1.0 + fabs(expected[i])));
        oracle_softmax(rows, CLASSES, expected);
        for (size_t i = 0; i < rows * CLASSES; i++)
            check_near(expected[i], (double)probabilities[i], 2e-5);
        for (size_t r = 0; r < rows; r++) {
            double total = 0.0;

            for (size_t c = 0; c < CLASSES; c++)
                total += (double)probabilities[r * CLASSES + c];
            check_near(1.0, total, 1e-6);
            assert_int_equal(labels[r], best_of(goodness + r * CLASSES));
        }
    }
    for (size_t i = 0; i <= LAYERS; i++)
        free(exact[i]);
    free(x);
}

/* Strided rows, and outputs that are left out one by one. */
static void test_outputs_can_be_left_out_and_rows_strided(void **state)
{
    fixture *f = *state;
    float goodness[4 * CLASSES], strided[4 * CLASSES], probabilities[4 * CLASSES];
    float spread[4 * 12];
    int32_t labels[4], plain[4];
    double likely[4 * CLASSES];
    mf_batch batch;

    free(draw(f, 4));
    for (size_t i = 0; i < COUNT_OF(spread); i++)
        spread[i] = i % 12 < 9 ? f->x[i / 12 * 9 + i % 12] : NAN;
    check_ok(mf_network_goodness(f->network, f->workspace, MF_PREDICT_SUM, 4, f->x, goodness));
    check_ok(mf_network_predict(f->network, f->workspace, MF_PREDICT_SUM, 4, f->x, plain));
    batch = make_batch(4, spread, NULL);
    batch.input_stride = 12;
    check_ok(mf_network_infer(f->network, f->workspace, MF_PREDICT_SUM, &batch, NULL, strided, NULL));
    for (size_t i = 0; i < COUNT_OF(strided); i++)
        check_near((double)goodness[i], (double)strided[i], 1e-5);
    check_ok(mf_network_infer(f->network, f->workspace, MF_PREDICT_SUM, &batch, labels, NULL, NULL));
    assert_memory_equal(labels, plain, sizeof labels);
    check_ok(mf_network_infer(f->network, f->workspace, MF_PREDICT_SUM, &batch, NULL, NULL, probabilities));
    for (size_t i = 0; i < COUNT_OF(likely); i++)
        likely[i] = (double)goodness[i];
    oracle_softmax(4, CLASSES, likely);
    for (size_t i = 0; i < COUNT_OF(likely); i++)
        check_near(likely[i], (double)probabilities[i], 1e-5);
    check_ok(mf_network_infer(f->network, f->workspace, MF_PREDICT_SUM, &batch, NULL, NULL, NULL));
}

/* Several highest scores: the lowest class wins, in answers and in reports. */
static void test_ties_go_to_the_lowest_class(void **state)
{
    fixture *f = *state;
    float zeros[CLASSES * 12] = {0}, ones[CLASSES * 12] = {0}, raised[12 * 7] = {0}, bias[12];
    int32_t labels[3], y[3] = {0, 1, 2};
    mf_layer *last = layer_at(f->network, 2);

    free(draw(f, 3));
    check_ok(mf_layer_set_parameter(last, "projection", zeros, COUNT_OF(zeros)));
    check_ok(mf_network_predict(f->network, f->workspace, MF_PREDICT_LAST, 3, f->x, labels));
    for (int i = 0; i < 3; i++)
        assert_int_equal(labels[i], 0);
    check_ok(mf_network_evaluate(f->network, f->workspace, 3, f->x, y));
    assert_int_equal(read_report(f->workspace, 2).correct, 1);
    check_near(log(CLASSES), read_report(f->workspace, 2).loss, 1e-6);

    /* Classes 2 and 4 alike and above the others. */
    for (size_t j = 0; j < 12; j++) {
        bias[j] = 1.0f;
        ones[2 * 12 + j] = ones[4 * 12 + j] = 0.5f;
    }
    check_ok(mf_layer_set_parameter(last, "weight", raised, COUNT_OF(raised)));
    check_ok(mf_layer_set_parameter(last, "bias", bias, COUNT_OF(bias)));
    check_ok(mf_layer_set_parameter(last, "projection", ones, COUNT_OF(ones)));
    check_ok(mf_network_predict(f->network, f->workspace, MF_PREDICT_LAST, 3, f->x, labels));
    for (int i = 0; i < 3; i++)
        assert_int_equal(labels[i], 2);
    check_ok(mf_network_evaluate(f->network, f->workspace, 3, f->x, y));
    assert_int_equal(read_report(f->workspace, 2).correct, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_joint_steps_match_the_oracle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_evaluation_matches_the_oracle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_predictions_match_the_oracle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outputs_can_be_left_out_and_rows_strided, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ties_go_to_the_lowest_class, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
