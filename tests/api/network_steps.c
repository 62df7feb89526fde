/* Joint and greedy steps are compositions of mf_layer_step(); reports and counters.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "random.h"

enum { ROWS = 10, CLASSES = 4, LAYERS = 3 };

static const size_t widths[LAYERS + 1] = {6, 13, 9, 5};

/* The same network twice: one stepped as a whole, one layer by layer. */
typedef struct fixture {
    mf_optimizer *optimizer;
    mf_network *whole, *parts;
    mf_workspace *workspace, *others;
    test_random random;
    float x[ROWS * 6], weights[ROWS], a[ROWS * 16], b[ROWS * 16];
    int32_t y[ROWS];
} fixture;

static int setup(void **state)
{
    fixture *s = get_zeroed(1, sizeof *s);

    s->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.02);
    s->whole = make_stack(widths, LAYERS, CLASSES, 50, s->optimizer);
    s->parts = make_stack(widths, LAYERS, CLASSES, 50, s->optimizer);
    s->workspace = make_network_workspace(s->whole, ROWS);
    s->others = make_network_workspace(s->parts, ROWS);
    s->random.state = 8;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    fixture *s = *state;

    mf_workspace_free(s->workspace);
    mf_workspace_free(s->others);
    mf_network_free(s->whole);
    mf_network_free(s->parts);
    mf_optimizer_free(s->optimizer);
    free(s);
    return 0;
}

static size_t draw(fixture *s)
{
    random_values(&s->random, s->x, COUNT_OF(s->x), 1.0);
    random_labels(&s->random, s->y, ROWS, CLASSES);
    for (size_t r = 0; r < ROWS; r++)
        s->weights[r] = (float)random_index(&s->random, 3) + (r == 0 ? 1.0f : 0.0f);
    return 1 + random_index(&s->random, ROWS);
}

static void check_same(fixture *s)
{
    saved_values whole = save_network_values(s->whole);

    check_network_unchanged(&whole, s->parts);
    free_saved_values(&whole);
}

static void set_dropout(fixture *s, double share)
{
    for (size_t i = 0; i < LAYERS; i++) {
        check_ok(mf_layer_set(layer_at(s->whole, i), MF_LAYER_DROPOUT, share));
        check_ok(mf_layer_set(layer_at(s->parts, i), MF_LAYER_DROPOUT, share));
    }
}

static void step_parts(fixture *s, const mf_batch *batch)
{
    mf_batch inner = *batch;
    float *from = s->a, *to = s->b;

    check_ok(mf_layer_step_batch(layer_at(s->parts, 0), s->others, batch, from));
    for (size_t i = 1; i < LAYERS; i++) {
        float *swap = from;

        inner.inputs = from;
        inner.input_stride = 0;
        check_ok(mf_layer_step_batch(layer_at(s->parts, i), s->others, &inner, to));
        from = to;
        to = swap;
    }
}

static void compare_joint(fixture *s, int steps)
{
    for (int step = 0; step < steps; step++) {
        mf_batch batch;

        batch = make_batch(draw(s), s->x, s->y);
        batch.sample_weights = step % 3 == 2 ? s->weights : NULL;
        check_ok(mf_network_step_batch(s->whole, s->workspace, &batch));
        step_parts(s, &batch);
        for (size_t i = 0; i < LAYERS; i++) {
            mf_report one = read_report(s->workspace, i), other = read_report(s->others, i);

            assert_memory_equal(&one, &other, sizeof one);
            assert_int_equal(one.rows, batch.rows);
        }
    }
    check_same(s);
}

static void test_a_joint_step_equals_its_layers_steps(void **state)
{
    compare_joint(*state, 12);
}

static void test_a_joint_step_with_dropout_equals_its_layers_steps(void **state)
{
    set_dropout(*state, 0.4);
    compare_joint(*state, 12);
}

static void test_a_joint_step_with_clipping_equals_its_layers_steps(void **state)
{
    fixture *s = *state;

    check_ok(mf_optimizer_set(s->optimizer, MF_OPTIMIZER_CLIP_NORM, 0.1));
    compare_joint(s, 12);
    assert_true(read_report(s->workspace, 1).gradient_norm > 0.0);
    check_ok(mf_optimizer_set(s->optimizer, MF_OPTIMIZER_CLIP_NORM, 0.0));
    compare_joint(s, 1);
    assert_true(read_report(s->workspace, 1).gradient_norm == -1.0);
}

/* The prefix passes the batch on, the layer steps, those behind do nothing. */
static void test_greedy_steps_one_layer(void **state)
{
    fixture *s = *state;

    for (size_t position = 0; position < LAYERS; position++)
        for (int step = 0; step < 4; step++) {
            size_t rows = draw(s);
            const float *input = s->x;
            float *to = s->a;
            saved_values before[LAYERS];

            for (size_t i = 0; i < LAYERS; i++)
                before[i] = save_layer_values(layer_at(s->whole, i));
            check_ok(mf_network_step_layer(s->whole, s->workspace, position, rows, s->x, s->y));
            for (size_t i = 0; i < LAYERS; i++) {
                if (i != position)
                    check_layer_unchanged(&before[i], layer_at(s->whole, i));
                free_saved_values(&before[i]);
            }
            for (size_t i = 0; i < position; i++) {
                check_ok(mf_layer_forward(layer_at(s->parts, i), s->others, rows, input, to));
                input = to;
                to = to == s->a ? s->b : s->a;
            }
            check_ok(mf_layer_step(layer_at(s->parts, position), s->others, rows, input, s->y, NULL));
            check_same(s);
            assert_int_equal(read_report(s->workspace, position).applied, step + 1);
            assert_int_equal(read_report(s->workspace, position).rows, rows);
        }
    for (size_t i = 0; i < LAYERS; i++)
        assert_int_equal(read_report(s->workspace, i).applied, 4);
}

static void test_a_greedy_step_takes_sample_weights(void **state)
{
    fixture *s = *state;
    mf_batch batch, inner;

    for (int step = 0; step < 3; step++) {
        draw(s);
        batch = make_batch(ROWS, s->x, s->y);
        batch.sample_weights = s->weights;
        check_ok(mf_network_step_layer_batch(s->whole, s->workspace, 1, &batch));
        check_ok(mf_layer_forward_batch(layer_at(s->parts, 0), s->others, &batch, s->a));
        inner = batch;
        inner.inputs = s->a;
        check_ok(mf_layer_step_batch(layer_at(s->parts, 1), s->others, &inner, NULL));
    }
    check_same(s);
}

/* Dropout of the prefix reaches the layer that learns; without it the outcome is another. */
static void test_a_greedy_step_applies_the_dropout_of_earlier_layers(void **state)
{
    fixture *s = *state;
    saved_values plain;

    draw(s);
    check_ok(mf_layer_set(layer_at(s->whole, 0), MF_LAYER_DROPOUT, 0.5));
    check_ok(mf_network_step_layer(s->whole, s->workspace, 1, ROWS, s->x, s->y));
    check_ok(mf_network_step_layer(s->parts, s->others, 1, ROWS, s->x, s->y));
    plain = save_layer_values(layer_at(s->parts, 1));
    {
        saved_values dropped = save_layer_values(layer_at(s->whole, 1));

        assert_false(same_values(&plain, &dropped));
        free_saved_values(&dropped);
    }
    free_saved_values(&plain);
}

static void test_reports_start_at_0_and_hold_the_last_step(void **state)
{
    fixture *s = *state;
    mf_report report = read_report(s->workspace, 2);
    mf_report sum = {.struct_size = sizeof sum};

    assert_int_equal(report.rows, 0);
    assert_int_equal(report.applied, 0);
    assert_int_equal(report.struct_size, sizeof report);
    check_ok(mf_workspace_report_sum(s->workspace, &sum));
    assert_int_equal(sum.rows, 0);
    check_status(MF_STATUS_NOT_FOUND, mf_workspace_report(s->workspace, LAYERS, &report));
    draw(s);
    check_ok(mf_network_step(s->whole, s->workspace, ROWS, s->x, s->y));
    assert_int_equal(read_report(s->workspace, 2).rows, ROWS);
    assert_int_equal(read_report(s->workspace, 2).applied, 1);
    /* An evaluation reports without learning. */
    check_ok(mf_network_evaluate(s->whole, s->workspace, 4, s->x, s->y));
    assert_int_equal(read_report(s->workspace, 2).rows, 4);
    assert_int_equal(read_report(s->workspace, 2).applied, 1);
    check_ok(mf_workspace_report_sum(s->workspace, &sum));
    assert_int_equal(sum.rows, 4);
}

static void test_evaluation_and_prediction_change_nothing(void **state)
{
    fixture *s = *state;
    saved_values before = save_network_values(s->whole);
    float scores[ROWS * CLASSES];
    int32_t labels[ROWS];

    draw(s);
    set_dropout(s, 0.5);
    check_ok(mf_network_evaluate(s->whole, s->workspace, ROWS, s->x, s->y));
    check_ok(mf_network_predict(s->whole, s->workspace, MF_PREDICT_SUM, ROWS, s->x, labels));
    check_ok(mf_network_goodness(s->whole, s->workspace, MF_PREDICT_LAST, ROWS, s->x, scores));
    check_network_unchanged(&before, s->whole);
    free_saved_values(&before);
    /* Nor do they use up random numbers: the steps after them are the same. */
    compare_joint(s, 2);
}

/* The overflow of one layer stops it and those behind it; the counters tell. */
static void test_a_failing_layer_stops_itself_and_later_layers(void **state)
{
    fixture *s = *state;
    mf_layer *middle = layer_at(s->whole, 1);
    size_t count = parameter_count(middle, "weight");
    float *huge = get_memory(count * sizeof *huge);
    saved_values before[LAYERS], after;

    draw(s);
    check_ok(mf_network_step(s->whole, s->workspace, ROWS, s->x, s->y));
    for (size_t i = 0; i < count; i++)
        huge[i] = 3e38f;
    check_ok(mf_layer_set_parameter(middle, "weight", huge, count));
    free(huge);
    for (size_t i = 0; i < LAYERS; i++)
        before[i] = save_layer_values(layer_at(s->whole, i));
    check_status(MF_STATUS_NUMERIC, mf_network_step(s->whole, s->workspace, ROWS, s->x, s->y));
    after = save_layer_values(layer_at(s->whole, 0));
    assert_false(same_values(&before[0], &after));
    free_saved_values(&after);
    check_layer_unchanged(&before[1], middle);
    check_layer_unchanged(&before[2], layer_at(s->whole, 2));
    assert_int_equal(read_report(s->workspace, 0).applied, 2);
    assert_int_equal(read_report(s->workspace, 1).applied, 1);
    assert_int_equal(read_report(s->workspace, 2).applied, 1);
    for (size_t i = 0; i < LAYERS; i++)
        free_saved_values(&before[i]);
}

/* A greedy step that fails has changed nothing, not even which numbers the dropout before it draws next. */
static void test_a_failed_greedy_step_changes_nothing(void **state)
{
    fixture *s = *state;
    mf_layer *last = layer_at(s->whole, 2);
    size_t count = parameter_count(last, "weight");
    float *kept = read_parameter(last, "weight", NULL), *huge = get_memory(count * sizeof *huge);
    size_t rows = draw(s);

    set_dropout(s, 0.5);
    for (size_t i = 0; i < count; i++)
        huge[i] = 3e38f;
    check_ok(mf_layer_set_parameter(last, "weight", huge, count));
    check_status(MF_STATUS_NUMERIC, mf_network_step_layer(s->whole, s->workspace, 2, rows, s->x, s->y));
    check_ok(mf_layer_set_parameter(last, "weight", kept, count));
    check_same(s);
    check_ok(mf_network_step_layer(s->whole, s->workspace, 2, rows, s->x, s->y));
    check_ok(mf_network_step_layer(s->parts, s->others, 2, rows, s->x, s->y));
    check_same(s);
    free(kept);
    free(huge);
}

static void test_every_layer_must_have_an_optimizer(void **state)
{
    fixture *s = *state;
    mf_optimizer *other = make_optimizer(MF_OPTIMIZER_SGD, 0.1);

    draw(s);
    check_ok(mf_network_set_optimizer(s->whole, other));
    mf_optimizer_free(other); /* the layers keep theirs */
    check_ok(mf_network_step(s->whole, s->workspace, ROWS, s->x, s->y));
    check_ok(mf_network_set_optimizer(s->whole, NULL));
    check_status(MF_STATUS_STATE, mf_network_step(s->whole, s->workspace, ROWS, s->x, s->y));
    /* A layer in the middle without optimizer: found before the first has stepped. */
    check_ok(mf_network_set_optimizer(s->whole, s->optimizer));
    check_ok(mf_layer_set_optimizer(layer_at(s->whole, 1), NULL));
    {
        saved_values before = save_network_values(s->whole);

        check_status(MF_STATUS_STATE, mf_network_step(s->whole, s->workspace, ROWS, s->x, s->y));
        check_network_unchanged(&before, s->whole);
        free_saved_values(&before);
    }
    check_ok(mf_network_step_layer(s->whole, s->workspace, 2, ROWS, s->x, s->y));
    check_status(MF_STATUS_STATE, mf_network_step_layer(s->whole, s->workspace, 1, ROWS, s->x, s->y));
    check_status(MF_STATUS_NOT_FOUND,
                 mf_network_step_layer(s->whole, s->workspace, LAYERS, ROWS, s->x, s->y));
}

/* A network's workspace serves its layers one by one; a layer learns on whatever way it is stepped. */
static void test_applied_counts_every_kind_of_step(void **state)
{
    fixture *s = *state;
    mf_workspace *single = make_layer_workspace(layer_at(s->whole, 0), ROWS);

    draw(s);
    check_ok(mf_layer_step(layer_at(s->whole, 0), single, ROWS, s->x, s->y, NULL));
    check_ok(mf_network_step(s->whole, s->workspace, ROWS, s->x, s->y));
    check_ok(mf_network_step_layer(s->whole, s->workspace, 0, ROWS, s->x, s->y));
    check_ok(mf_layer_step(layer_at(s->whole, 0), s->workspace, ROWS, s->x, s->y, s->a));
    assert_int_equal(read_report(s->workspace, 0).applied, 4);
    assert_int_equal(read_report(s->workspace, 1).applied, 1);
    mf_workspace_free(single);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_joint_step_equals_its_layers_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_joint_step_with_dropout_equals_its_layers_steps, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_joint_step_with_clipping_equals_its_layers_steps, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_greedy_steps_one_layer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_greedy_step_takes_sample_weights, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_greedy_step_applies_the_dropout_of_earlier_layers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_reports_start_at_0_and_hold_the_last_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_evaluation_and_prediction_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failing_layer_stops_itself_and_later_layers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_greedy_step_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_layer_must_have_an_optimizer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_applied_counts_every_kind_of_step, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
