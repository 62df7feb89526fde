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
    fixture *f = get_zeroed(1, sizeof *f);

    f->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.02);
    f->whole = make_stack(widths, LAYERS, CLASSES, 50, f->optimizer);
    f->parts = make_stack(widths, LAYERS, CLASSES, 50, f->optimizer);
    f->workspace = make_network_workspace(f->whole, ROWS);
    f->others = make_network_workspace(f->parts, ROWS);
    f->random.state = 8;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    mf_workspace_free(f->workspace);
    mf_workspace_free(f->others);
    mf_network_free(f->whole);
    mf_network_free(f->parts);
    mf_optimizer_free(f->optimizer);
    free(f);
    return 0;
}

static size_t draw(fixture *f)
{
    random_values(&f->random, f->x, COUNT_OF(f->x), 1.0);
    random_labels(&f->random, f->y, ROWS, CLASSES);
    for (size_t r = 0; r < ROWS; r++)
        f->weights[r] = (float)random_index(&f->random, 3) + (r == 0 ? 1.0f : 0.0f);
    return 1 + random_index(&f->random, ROWS);
}

static void check_same(fixture *f)
{
    saved_values whole = save_network_values(f->whole);

    check_network_unchanged(&whole, f->parts);
    free_saved_values(&whole);
}

static void set_dropout(fixture *f, double rate)
{
    for (size_t i = 0; i < LAYERS; i++) {
        check_ok(mf_layer_set(layer_at(f->whole, i), MF_LAYER_DROPOUT, rate));
        check_ok(mf_layer_set(layer_at(f->parts, i), MF_LAYER_DROPOUT, rate));
    }
}

static void step_parts(fixture *f, const mf_batch *batch)
{
    mf_batch inner = *batch;
    float *from = f->a, *to = f->b;

    check_ok(mf_layer_step_batch(layer_at(f->parts, 0), f->others, batch, from));
    for (size_t i = 1; i < LAYERS; i++) {
        float *swap = from;

        inner.inputs = from;
        inner.input_stride = 0;
        check_ok(mf_layer_step_batch(layer_at(f->parts, i), f->others, &inner, to));
        from = to;
        to = swap;
    }
}

static void compare_joint(fixture *f, int steps)
{
    for (int step = 0; step < steps; step++) {
        mf_batch batch;

        batch = make_batch(draw(f), f->x, f->y);
        batch.sample_weights = step % 3 == 2 ? f->weights : NULL;
        check_ok(mf_network_step_batch(f->whole, f->workspace, &batch));
        step_parts(f, &batch);
        for (size_t i = 0; i < LAYERS; i++) {
            mf_report one = read_report(f->workspace, i), other = read_report(f->others, i);

            assert_memory_equal(&one, &other, sizeof one);
            assert_int_equal(one.rows, batch.rows);
        }
    }
    check_same(f);
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
    fixture *f = *state;

    check_ok(mf_optimizer_set(f->optimizer, MF_OPTIMIZER_CLIP_NORM, 0.1));
    compare_joint(f, 12);
    assert_true(read_report(f->workspace, 1).gradient_norm > 0.0);
    check_ok(mf_optimizer_set(f->optimizer, MF_OPTIMIZER_CLIP_NORM, 0.0));
    compare_joint(f, 1);
    assert_true(read_report(f->workspace, 1).gradient_norm == -1.0);
}

/* The prefix passes the batch on, the layer steps, those behind do nothing. */
static void test_greedy_steps_one_layer(void **state)
{
    fixture *f = *state;

    for (size_t position = 0; position < LAYERS; position++)
        for (int step = 0; step < 4; step++) {
            size_t rows = draw(f);
            const float *input = f->x;
            float *to = f->a;
            saved_values before[LAYERS];

            for (size_t i = 0; i < LAYERS; i++)
                before[i] = save_layer_values(layer_at(f->whole, i));
            check_ok(mf_network_step_layer(f->whole, f->workspace, position, rows, f->x, f->y));
            for (size_t i = 0; i < LAYERS; i++) {
                if (i != position)
                    check_layer_unchanged(&before[i], layer_at(f->whole, i));
                free_saved_values(&before[i]);
            }
            for (size_t i = 0; i < position; i++) {
                check_ok(mf_layer_forward(layer_at(f->parts, i), f->others, rows, input, to));
                input = to;
                to = to == f->a ? f->b : f->a;
            }
            check_ok(mf_layer_step(layer_at(f->parts, position), f->others, rows, input, f->y, NULL));
            check_same(f);
            assert_int_equal(read_report(f->workspace, position).applied, step + 1);
            assert_int_equal(read_report(f->workspace, position).rows, rows);
        }
    for (size_t i = 0; i < LAYERS; i++)
        assert_int_equal(read_report(f->workspace, i).applied, 4);
}

static void test_a_greedy_step_takes_sample_weights(void **state)
{
    fixture *f = *state;
    mf_batch batch, inner;

    for (int step = 0; step < 3; step++) {
        draw(f);
        batch = make_batch(ROWS, f->x, f->y);
        batch.sample_weights = f->weights;
        check_ok(mf_network_step_layer_batch(f->whole, f->workspace, 1, &batch));
        check_ok(mf_layer_forward_batch(layer_at(f->parts, 0), f->others, &batch, f->a));
        inner = batch;
        inner.inputs = f->a;
        check_ok(mf_layer_step_batch(layer_at(f->parts, 1), f->others, &inner, NULL));
    }
    check_same(f);
}

/* By hand: the layers before pass the batch on, each with the next mask of its own. */
static void test_a_greedy_step_with_dropout_equals_its_layers_calls(void **state)
{
    fixture *f = *state;
    mf_batch batch, inner;

    set_dropout(f, 0.4);
    for (int step = 0; step < 4; step++) {
        batch = make_batch(draw(f), f->x, f->y);
        check_ok(mf_network_step_layer_batch(f->whole, f->workspace, 2, &batch));
        check_ok(mf_layer_pass_batch(layer_at(f->parts, 0), f->others, &batch, f->a));
        inner = batch;
        inner.inputs = f->a;
        check_ok(mf_layer_pass_batch(layer_at(f->parts, 1), f->others, &inner, f->b));
        inner.inputs = f->b;
        check_ok(mf_layer_step_batch(layer_at(f->parts, 2), f->others, &inner, NULL));
        compare_joint(f, 1);
    }
}

/* Dropout of the prefix reaches the layer that learns; without it the outcome is another. */
static void test_a_greedy_step_applies_the_dropout_of_earlier_layers(void **state)
{
    fixture *f = *state;
    saved_values plain;

    draw(f);
    check_ok(mf_layer_set(layer_at(f->whole, 0), MF_LAYER_DROPOUT, 0.5));
    check_ok(mf_network_step_layer(f->whole, f->workspace, 1, ROWS, f->x, f->y));
    check_ok(mf_network_step_layer(f->parts, f->others, 1, ROWS, f->x, f->y));
    plain = save_layer_values(layer_at(f->parts, 1));
    {
        saved_values dropped = save_layer_values(layer_at(f->whole, 1));

        assert_false(same_values(&plain, &dropped));
        free_saved_values(&dropped);
    }
    free_saved_values(&plain);
}

static void test_reports_start_at_0_and_hold_the_last_step(void **state)
{
    fixture *f = *state;
    mf_report report = read_report(f->workspace, 2);
    mf_report sum = {.struct_size = sizeof sum};

    assert_int_equal(report.rows, 0);
    assert_int_equal(report.applied, 0);
    assert_int_equal(report.struct_size, sizeof report);
    check_ok(mf_workspace_report_sum(f->workspace, &sum));
    assert_int_equal(sum.rows, 0);
    check_status(MF_STATUS_NOT_FOUND, mf_workspace_report(f->workspace, LAYERS, &report));
    draw(f);
    check_ok(mf_network_step(f->whole, f->workspace, ROWS, f->x, f->y));
    assert_int_equal(read_report(f->workspace, 2).rows, ROWS);
    assert_int_equal(read_report(f->workspace, 2).applied, 1);
    /* An evaluation reports without learning. */
    check_ok(mf_network_evaluate(f->whole, f->workspace, 4, f->x, f->y));
    assert_int_equal(read_report(f->workspace, 2).rows, 4);
    assert_int_equal(read_report(f->workspace, 2).applied, 1);
    check_ok(mf_workspace_report_sum(f->workspace, &sum));
    assert_int_equal(sum.rows, 4);
}

static void test_evaluation_and_prediction_change_nothing(void **state)
{
    fixture *f = *state;
    saved_values before = save_network_values(f->whole);
    float scores[ROWS * CLASSES];
    int32_t labels[ROWS];

    draw(f);
    set_dropout(f, 0.5);
    check_ok(mf_network_evaluate(f->whole, f->workspace, ROWS, f->x, f->y));
    check_ok(mf_network_predict(f->whole, f->workspace, MF_PREDICT_SUM, ROWS, f->x, labels));
    check_ok(mf_network_goodness(f->whole, f->workspace, MF_PREDICT_LAST, ROWS, f->x, scores));
    check_network_unchanged(&before, f->whole);
    free_saved_values(&before);
    /* Nor do they use up random numbers: the steps after them are the same. */
    compare_joint(f, 2);
}

/* The overflow of one layer stops it and those behind it; the counters tell. */
static void test_a_failing_layer_stops_itself_and_later_layers(void **state)
{
    fixture *f = *state;
    mf_layer *middle = layer_at(f->whole, 1);
    size_t count = parameter_count(middle, "weight");
    float *huge = get_memory(count * sizeof *huge);
    saved_values before[LAYERS], after;

    draw(f);
    check_ok(mf_network_step(f->whole, f->workspace, ROWS, f->x, f->y));
    for (size_t i = 0; i < count; i++)
        huge[i] = 3e38f;
    check_ok(mf_layer_set_parameter(middle, "weight", huge, count));
    free(huge);
    for (size_t i = 0; i < LAYERS; i++)
        before[i] = save_layer_values(layer_at(f->whole, i));
    check_status(MF_STATUS_NUMERIC, mf_network_step(f->whole, f->workspace, ROWS, f->x, f->y));
    after = save_layer_values(layer_at(f->whole, 0));
    assert_false(same_values(&before[0], &after));
    free_saved_values(&after);
    check_layer_unchanged(&before[1], middle);
    check_layer_unchanged(&before[2], layer_at(f->whole, 2));
    assert_int_equal(read_report(f->workspace, 0).applied, 2);
    assert_int_equal(read_report(f->workspace, 1).applied, 1);
    assert_int_equal(read_report(f->workspace, 2).applied, 1);
    for (size_t i = 0; i < LAYERS; i++)
        free_saved_values(&before[i]);
}

/* A greedy step that fails has changed nothing, not even which numbers the dropout before it draws next. */
static void test_a_failed_greedy_step_changes_nothing(void **state)
{
    fixture *f = *state;
    mf_layer *last = layer_at(f->whole, 2);
    size_t count = parameter_count(last, "weight");
    float *kept = read_parameter(last, "weight", NULL), *huge = get_memory(count * sizeof *huge);
    size_t rows = draw(f);

    set_dropout(f, 0.5);
    for (size_t i = 0; i < count; i++)
        huge[i] = 3e38f;
    check_ok(mf_layer_set_parameter(last, "weight", huge, count));
    check_status(MF_STATUS_NUMERIC, mf_network_step_layer(f->whole, f->workspace, 2, rows, f->x, f->y));
    check_ok(mf_layer_set_parameter(last, "weight", kept, count));
    check_same(f);
    check_ok(mf_network_step_layer(f->whole, f->workspace, 2, rows, f->x, f->y));
    check_ok(mf_network_step_layer(f->parts, f->others, 2, rows, f->x, f->y));
    check_same(f);
    free(kept);
    free(huge);
}

static void test_every_layer_must_have_an_optimizer(void **state)
{
    fixture *f = *state;
    mf_optimizer *other = make_optimizer(MF_OPTIMIZER_SGD, 0.1);

    draw(f);
    check_ok(mf_network_set_optimizer(f->whole, other));
    mf_optimizer_free(other); /* the layers keep theirs */
    check_ok(mf_network_step(f->whole, f->workspace, ROWS, f->x, f->y));
    check_ok(mf_network_set_optimizer(f->whole, NULL));
    check_status(MF_STATUS_STATE, mf_network_step(f->whole, f->workspace, ROWS, f->x, f->y));
    /* A layer in the middle without optimizer: found before the first has stepped. */
    check_ok(mf_network_set_optimizer(f->whole, f->optimizer));
    check_ok(mf_layer_set_optimizer(layer_at(f->whole, 1), NULL));
    {
        saved_values before = save_network_values(f->whole);

        check_status(MF_STATUS_STATE, mf_network_step(f->whole, f->workspace, ROWS, f->x, f->y));
        check_network_unchanged(&before, f->whole);
        free_saved_values(&before);
    }
    check_ok(mf_network_step_layer(f->whole, f->workspace, 2, ROWS, f->x, f->y));
    check_status(MF_STATUS_STATE, mf_network_step_layer(f->whole, f->workspace, 1, ROWS, f->x, f->y));
    check_status(MF_STATUS_NOT_FOUND,
                 mf_network_step_layer(f->whole, f->workspace, LAYERS, ROWS, f->x, f->y));
}

/* A network's workspace serves its layers one by one; a layer learns on whatever way it is stepped. */
static void test_applied_counts_every_kind_of_step(void **state)
{
    fixture *f = *state;
    mf_workspace *single = make_layer_workspace(layer_at(f->whole, 0), ROWS);

    draw(f);
    check_ok(mf_layer_step(layer_at(f->whole, 0), single, ROWS, f->x, f->y, NULL));
    check_ok(mf_network_step(f->whole, f->workspace, ROWS, f->x, f->y));
    check_ok(mf_network_step_layer(f->whole, f->workspace, 0, ROWS, f->x, f->y));
    check_ok(mf_layer_step(layer_at(f->whole, 0), f->workspace, ROWS, f->x, f->y, f->a));
    assert_int_equal(read_report(f->workspace, 0).applied, 4);
    assert_int_equal(read_report(f->workspace, 1).applied, 1);
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
        cmocka_unit_test_setup_teardown(test_a_greedy_step_with_dropout_equals_its_layers_calls, setup, teardown),
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
