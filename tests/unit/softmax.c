/* Softmax, cross-entropy and its gradient against the formulas in double, also far from zero.
 * SPDX-License-Identifier: MIT */
#include "math/kernels.h"
#include "math/softmax.h"

#include <float.h>
#include <math.h>

#include "check.h"
#include "random.h"

#define KERNELS mfi_kernels_select()

static double exact_log_sum(size_t m, const float *row)
{
    double highest = (double)row[0], sum = 0.0;

    for (size_t c = 1; c < m; c++)
        highest = fmax(highest, (double)row[c]);
    for (size_t c = 0; c < m; c++)
        sum += exp((double)row[c] - highest);
    return highest + log(sum);
}

static void check_batch(size_t rows, size_t m, double scale, double shift, float smoothing, int weighted)
{
    test_random random = {rows * 100 + m};
    float *scores = get_memory(rows * m * sizeof *scores), *to = get_memory(rows * m * sizeof *to);
    float *gradient = get_memory(rows * m * sizeof *gradient), *weights = get_memory(rows * sizeof *weights);
    int32_t *labels = get_memory(rows * sizeof *labels);
    double loss = 0.0, total = 0.0;
    uint64_t correct = 0;
    mfi_loss got, same;

    random_values(&random, scores, rows * m, scale);
    random_labels(&random, labels, rows, m);
    for (size_t i = 0; i < rows * m; i++)
        scores[i] += (float)shift;
    for (size_t r = 0; r < rows; r++) {
        weights[r] = weighted ? (float)(r % 3) : 1.0f;
        total += (double)weights[r];
    }
    memcpy(gradient, scores, rows * m * sizeof *scores);
    mfi_softmax(KERNELS, NULL, rows, m, scores, to);
    const mfi_targets targets = {labels, weighted ? weights : NULL, 1, smoothing};
    got = mfi_cross_entropy(KERNELS, NULL, rows, m, scores, &targets);
    same = mfi_cross_entropy_gradient(KERNELS, NULL, rows, m, gradient, &targets);
    for (size_t r = 0; r < rows; r++) {
        const float *row = scores + r * m;
        double log_sum = exact_log_sum(m, row), entropy = log_sum;
        size_t best = 0;

        for (size_t c = 0; c < m; c++) {
            double q =
                (double)smoothing / (double)m + ((size_t)labels[r] == c ? 1.0 - (double)smoothing : 0.0);
            double p = exp((double)row[c] - log_sum);

            entropy -= q * (double)row[c];
            check_near(p, (double)to[r * m + c], 2e-6);
            check_near((double)weights[r] / total * (p - q), (double)gradient[r * m + c],
                       2e-6 * (double)weights[r] / total + 1e-12);
            best = row[c] > row[best] ? c : best;
        }
        loss += (double)weights[r] / total * entropy;
        correct += weights[r] > 0.0f && (size_t)labels[r] == best;
    }
    check_near(loss, got.loss, 2e-6 * (1.0 + fabs(loss) + fabs(shift)));
    check_near(got.loss, same.loss, 1e-9 * (1.0 + fabs(loss)));
    assert_true(got.correct == correct && same.correct == correct);
    assert_true(got.bad_row == rows && same.bad_row == rows);
    free(scores);
    free(to);
    free(gradient);
    free(weights);
    free(labels);
}

static void test_loss_and_gradient_match_the_formulas(void **state)
{
    (void)state;
    for (size_t m = 2; m < 40; m += 1 + m / 3)
        for (size_t rows = 1; rows < 20; rows += 4)
            for (int form = 0; form < 4; form++) {
                int weighted = form & 1 && rows > 1;

                check_batch(rows, m, 1.0, 0.0, form & 2 ? 0.1f : 0.0f, weighted);
                check_batch(rows, m, 20.0, 0.0, form & 2 ? 0.1f : 0.0f, weighted);
            }
    check_batch(7, 1000, 3.0, 0.0, 0.0f, 0);
}

/* exp of these overflows or vanishes unless the highest score is taken out first. */
static void test_large_scores_do_not_overflow(void **state)
{
    (void)state;
    check_batch(5, 10, 1.0, 500.0, 0.0f, 0);
    check_batch(5, 10, 1.0, -500.0, 0.0f, 0);
    check_batch(5, 10, 300.0, 0.0, 0.0f, 0);
}

/* One class far above many: each of these is lost beside a 1 in float, all together are not. */
static void test_many_small_terms_count(void **state)
{
    enum { MANY = 100000 };
    float *scores = get_memory(MANY * sizeof *scores), *again = get_memory(MANY * sizeof *again);
    const int32_t label = 0;
    const mfi_targets targets = {&label, NULL, 1, 0.0f};
    const double exact = log1p((MANY - 1) * exp(-17.0));
    mfi_running running = {0};

    (void)state;
    for (size_t c = 0; c < MANY; c++)
        again[c] = scores[c] = c == 0 ? 0.0f : -17.0f;
    assert_true(fabs(mfi_cross_entropy(KERNELS, NULL, 1, MANY, scores, &targets).loss - exact) <
                1e-5 * exact);
    mfi_running_take(&running, KERNELS, 0, MANY / 2, again, label);
    mfi_running_take(&running, KERNELS, MANY / 2, MANY / 2, again + MANY / 2, label);
    assert_true(fabs(mfi_running_cross_entropy(1, &running, &targets).loss - exact) < 1e-5 * exact);
    mfi_cross_entropy_gradient(KERNELS, NULL, 1, MANY, scores, &targets);
    assert_true(fabs((double)scores[0] + 1.0 - exp(-exact)) < 1e-4 * exact);
    free(scores);
    free(again);
}

enum { FEW = 5 };

/* Two classes, two, and one. */
static mfi_running take_by_blocks(const float *scores)
{
    mfi_running running = {0};
    for (size_t first = 0; first < FEW; first += 2)
        mfi_running_take(&running, KERNELS, first, FEW - first < 2 ? FEW - first : 2, scores + first, 0);
    return running;
}

/* A score of -inf adds nothing, also where it is all that a block has; NaN is none. */
static void test_infinite_scores_of_a_block(void **state)
{
    const struct {
        float scores[FEW];
        int32_t best;
    } cases[] = {{{-1, 3, -INFINITY, -INFINITY, -INFINITY}, 1},
                 {{-INFINITY, -INFINITY, 2, -4, 2}, 2},
                 {{-INFINITY, -INFINITY, -INFINITY, -INFINITY, 7}, 4},
                 {{-INFINITY, 1, -INFINITY, 1, -INFINITY}, 1},
                 {{-INFINITY, -INFINITY, -FLT_MAX, -INFINITY, -INFINITY}, 2}};
    const float bad[][FEW] = {{1, 2, NAN, NAN, NAN},
                              {NAN, NAN, 1, 2, 3},
                              {1, 2, -INFINITY, NAN, -INFINITY},
                              {1, 2, INFINITY, 0, 0},
                              {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mfi_running running = take_by_blocks(cases[i].scores);
        double exact = exact_log_sum(FEW, cases[i].scores);
        check_near(exact, mfi_running_log_sum(&running), 1e-6 * fabs(exact));
        assert_int_equal(running.best, cases[i].best);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mfi_running running = take_by_blocks(bad[i]);
        assert_false(isfinite(mfi_running_log_sum(&running)));
    }
}

/* Two rows of two positions: what is ignored is no part of the mean, even if its scores are not finite. */
static void test_ignored_labels_count_for_nothing(void **state)
{
    float scores[4 * 2] = {1, 0, 3e38f, -3e38f, 0, 2, 0, 0};
    const float bad[4 * 2] = {1, 0, 1, INFINITY, 0, 2, 0, 0};
    const int32_t labels[4] = {0, MF_LABEL_IGNORED, 0, 1};
    const float weights[2] = {3, 1};
    const mfi_targets targets = {labels, weights, 2, 0.0f};
    double losses[3] = {log(1.0 + exp(-1.0)), log(1.0 + exp(2.0)), log(2.0)};
    mfi_loss got = mfi_cross_entropy(KERNELS, NULL, 4, 2, bad, &targets);

    (void)state;
    assert_int_equal(got.bad_row, 4);
    check_near((3.0 * losses[0] + losses[1] + losses[2]) / 5.0, got.loss, 1e-6);
    got = mfi_cross_entropy_gradient(KERNELS, NULL, 4, 2, scores, &targets);
    assert_int_equal(got.bad_row, 4);
    assert_int_equal(got.counted, 3);
    assert_int_equal(got.correct, 1);
    check_near((3.0 * losses[0] + losses[1] + losses[2]) / 5.0, got.loss, 1e-6);
    check_near(3.0 / 5.0 * (1.0 / (1.0 + exp(-1.0)) - 1.0), (double)scores[0], 1e-6);
    assert_true(scores[2] == 0.0f && scores[3] == 0.0f);
    check_near(-0.5 / 5.0, (double)scores[7], 1e-6);
}

/* A gradient of 0 times features that are not finite would not be 0. */
static void test_an_ignored_row_may_spoil_the_gradient(void **state)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const int32_t labels[3] = {0, 1, MF_LABEL_IGNORED};
    const mfi_targets targets = {labels, NULL, 1, 0.0f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        float scores[3 * 2] = {1, 2, 1, 2, 1, bad[i]};

        assert_int_equal(mfi_cross_entropy_gradient(KERNELS, NULL, 3, 2, scores, &targets).bad_row, 2);
    }
}

static void test_the_first_bad_row_is_reported(void **state)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        for (size_t row = 0; row < 4; row++) {
            float scores[4 * 3] = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
            const int32_t labels[4] = {1, 1, 1, 1};
            const mfi_targets targets = {labels, NULL, 1, 0.0f};

            scores[row * 3 + 1] = bad[i];
            assert_int_equal(mfi_cross_entropy(KERNELS, NULL, 4, 3, scores, &targets).bad_row, row);
            assert_int_equal(mfi_cross_entropy_gradient(KERNELS, NULL, 4, 3, scores, &targets).bad_row, row);
        }
}

/* Rows of many classes, so that there are several pieces, and stretches of rows. */
static void test_the_first_highest_score_is_the_predicted_class(void **state)
{
    enum { ROWS = 300, CLASSES = 70 };
    float scores[ROWS * CLASSES];
    int32_t labels[ROWS];

    (void)state;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t c = 0; c < CLASSES; c++)
            scores[r * CLASSES + c] = c == r % 41 + 7 || c == 69 ? -1.0f : -2.0f;
        labels[r] = (int32_t)(r % 3 == 0 ? r % 41 + 7 : r % 3 == 1 ? 69 : 0);
    }
    const mfi_targets targets = {labels, NULL, 1, 0.0f};
    assert_int_equal(mfi_cross_entropy(KERNELS, NULL, ROWS, CLASSES, scores, &targets).correct, ROWS / 3);
}

/* Scores with repetitions, that come in blocks. */
static void test_the_top_classes_are_those_of_a_sort(void **state)
{
    enum { CLASSES = 1000, BLOCK = 300 };
    test_random random = {5};
    float scores[CLASSES], top[9];
    int32_t classes[9];

    (void)state;
    for (size_t most = 1; most <= 9; most++) {
        random_values(&random, scores, CLASSES, 1.0);
        for (size_t c = 0; c < CLASSES; c++)
            scores[c] = floorf(scores[c] * 50.0f);
        for (size_t first = 0; first < CLASSES; first += BLOCK)
            mfi_top_take(KERNELS, most, first, CLASSES - first < BLOCK ? CLASSES - first : BLOCK,
                         scores + first, classes, top);
        for (size_t i = 0; i < most; i++) {
            size_t before = 0;

            for (size_t c = 0; c < CLASSES; c++)
                before += scores[c] > top[i] || (scores[c] == top[i] && c < (size_t)classes[i]);
            assert_int_equal(before, i);
            assert_true(scores[classes[i]] == top[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_and_gradient_match_the_formulas),
        cmocka_unit_test(test_large_scores_do_not_overflow),
        cmocka_unit_test(test_many_small_terms_count),
        cmocka_unit_test(test_infinite_scores_of_a_block),
        cmocka_unit_test(test_ignored_labels_count_for_nothing),
        cmocka_unit_test(test_an_ignored_row_may_spoil_the_gradient),
        cmocka_unit_test(test_the_first_bad_row_is_reported),
        cmocka_unit_test(test_the_first_highest_score_is_the_predicted_class),
        cmocka_unit_test(test_the_top_classes_are_those_of_a_sort),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
