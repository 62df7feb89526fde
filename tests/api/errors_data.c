/* Wrong data: labels, batch sizes, NaN and infinity, sample weights, strides, types, losses that
 * overflow. The right status, a message that names the value, no parameter changed.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "fixture.h"

static const float poisons[] = {NAN, INFINITY, -INFINITY};

static void all_training_refused(fixture *f, mf_status expected, size_t rows)
{
    mf_batch batch = make_batch(rows, f->x, f->y);

    refused(f, expected, mf_layer_step(f->spare, f->of_spare, rows, f->x, f->y, f->a));
    refused(f, expected, mf_layer_step(f->spare, f->of_spare, rows, f->x, f->y, NULL));
    refused(f, expected, mf_layer_step_batch(f->spare, f->of_spare, &batch, f->a));
    refused(f, expected, mf_network_step(f->network, f->training, rows, f->x, f->y));
    refused(f, expected, mf_network_step_batch(f->network, f->training, &batch));
    for (size_t position = 0; position < 2; position++) {
        refused(f, expected, mf_network_step_layer(f->network, f->training, position, rows, f->x, f->y));
        refused(f, expected, mf_network_step_layer_batch(f->network, f->training, position, &batch));
    }
    refused(f, expected, mf_network_evaluate(f->network, f->training, rows, f->x, f->y));
    refused(f, expected, mf_network_evaluate_batch(f->network, f->inference, &batch));
}

static void all_inference_refused(fixture *f, mf_status expected, size_t rows)
{
    mf_batch batch = make_batch(rows, f->x, NULL);
    mf_workspace *workspaces[] = {f->training, f->inference};

    refused(f, expected, mf_layer_forward(f->spare, f->of_spare, rows, f->x, f->a));
    refused(f, expected, mf_layer_forward_batch(f->spare, f->of_spare, &batch, f->a));
    refused(f, expected, mf_layer_pass_batch(f->spare, f->of_spare, &batch, f->a));
    for (size_t i = 0; i < 2; i++)
        for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
            mf_workspace *workspace = workspaces[i];

            refused(f, expected, mf_network_predict(f->network, workspace, mode, rows, f->x, f->labels));
            refused(f, expected, mf_network_goodness(f->network, workspace, mode, rows, f->x, f->scores));
            refused(f, expected,
                    mf_network_probabilities(f->network, workspace, mode, rows, f->x, f->scores));
            refused(f, expected,
                    mf_network_infer(f->network, workspace, mode, &batch, f->labels, NULL, NULL));
        }
}

/* Nothing that was refused has counted as learned, and the next step is as if it had never been. */
static void check_works_again(fixture *f)
{
    check_ok(mf_network_step(f->network, f->training, FIXTURE_ROWS, f->x, f->y));
    assert_int_equal(read_report(f->training, 0).applied, 4);
    assert_int_equal(read_report(f->training, 1).applied, 4);
    check_ok(mf_layer_step(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->y, NULL));
    assert_int_equal(read_report(f->of_spare, 0).applied, 4);
}

static void test_wrong_labels_are_refused(void **state)
{
    fixture *f = *state;
    const int32_t wrong[] = {-1, FIXTURE_CLASSES, 1000, INT32_MIN, INT32_MAX};
    const size_t places[] = {0, 3, FIXTURE_ROWS - 1};

    for (size_t p = 0; p < COUNT_OF(places); p++)
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
            int32_t kept = f->y[places[p]];
            char text[80];

            f->y[places[p]] = wrong[i];
            all_training_refused(f, MF_STATUS_LABEL, FIXTURE_ROWS);
            snprintf(text, sizeof text, "the label of row %zu is %d; with 4 classes", places[p],
                     (int)wrong[i]);
            check_message(text);
            f->y[places[p]] = kept;
        }
    /* Behind the batch it does not count. */
    f->y[FIXTURE_ROWS - 1] = -1;
    check_ok(mf_layer_step(f->spare, f->of_spare, FIXTURE_ROWS - 1, f->x, f->y, NULL));
    f->y[FIXTURE_ROWS - 1] = 0;
    check_ok(mf_network_step(f->network, f->training, FIXTURE_ROWS, f->x, f->y));
}

static void test_wrong_batch_sizes_are_refused(void **state)
{
    fixture *f = *state;
    const size_t wrong[] = {0, FIXTURE_ROWS + 1, SIZE_MAX, SIZE_MAX / 4 + 2};

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char text[80];

        snprintf(text, sizeof text, "the batch has %zu rows, 1 to 8 are taken", wrong[i]);
        all_training_refused(f, MF_STATUS_CAPACITY, wrong[i]);
        check_message(text);
        all_inference_refused(f, MF_STATUS_CAPACITY, wrong[i]);
        check_message(text);
        refused(f, MF_STATUS_CAPACITY, mf_layer_goodness(f->spare, f->of_spare, wrong[i], f->a, f->scores));
    }
    refused(f, MF_STATUS_CAPACITY, mf_layer_step(f->spare, f->of_spare, 9, f->x, f->y, NULL));
    check_message("the batch has 9 rows, 1 to 8 are taken");
    check_works_again(f);
}

static void test_inputs_that_are_not_finite_are_refused(void **state)
{
    fixture *f = *state;
    const size_t last = FIXTURE_ROWS * FIXTURE_INPUTS - 1;
    const size_t places[] = {0, 1, FIXTURE_INPUTS, last / 2, last - 3, last};

    for (size_t p = 0; p < COUNT_OF(places); p++)
        for (size_t i = 0; i < COUNT_OF(poisons); i++) {
            float kept = f->x[places[p]];

            f->x[places[p]] = poisons[i];
            all_training_refused(f, MF_STATUS_NUMERIC, FIXTURE_ROWS);
            assert_true(strlen(mf_last_message()) > 10);
            all_inference_refused(f, MF_STATUS_NUMERIC, FIXTURE_ROWS);
            f->x[places[p]] = kept;
        }
    check_works_again(f);
}

/* Wide rows: whatever checks the input in blocks must see every place of every block. */
static void test_a_bad_value_is_found_at_every_index(void **state)
{
    enum { WIDTH = 131 };
    mf_layer *layer = make_plain_layer(WIDTH, 3, 2, 1);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    mf_workspace *workspace = make_layer_workspace(layer, 2);
    float x[2 * WIDTH] = {0}, a[2 * 3];
    const int32_t y[2] = {0, 1};
    saved_values before = save_layer_values(layer);

    (void)state;
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    for (size_t i = 0; i < COUNT_OF(x); i++) {
        x[i] = poisons[i % 3];
        check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 2, x, y, NULL));
        check_status(MF_STATUS_NUMERIC, mf_layer_forward(layer, workspace, 2, x, a));
        x[i] = FLT_MAX; /* large, but a number */
        check_ok(mf_layer_forward(layer, workspace, 2, x, a));
        x[i] = 0.0f;
    }
    check_layer_unchanged(&before, layer);
    check_ok(mf_layer_step(layer, workspace, 2, x, y, NULL));
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* A sum or a difference of values may overflow where each of them is finite. */
static void test_the_largest_finite_inputs_are_accepted(void **state)
{
    mf_layer *layer = make_plain_layer(40, 2, 2, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 1);
    float x[40], a[2], zeros[80] = {0};

    (void)state;
    check_ok(mf_layer_set_parameter(layer, "weight", zeros, 80));
    for (size_t i = 0; i < 40; i++)
        x[i] = FLT_MAX;
    check_ok(mf_layer_forward(layer, workspace, 1, x, a));
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

static void test_goodness_refuses_activations_that_are_not_finite(void **state)
{
    fixture *f = *state;
    mf_shape shape = {.struct_size = sizeof shape};
    char text[80];

    check_ok(mf_layer_shape(f->spare, NULL, &shape));
    const size_t outputs = shape.dims[0];
    check_ok(mf_layer_forward(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->a));
    for (size_t i = 0; i < COUNT_OF(poisons); i++) {
        float kept = f->a[i * 30];

        f->a[i * 30] = poisons[i];
        refused(f, MF_STATUS_NUMERIC,
                mf_layer_goodness(f->spare, f->of_spare, FIXTURE_ROWS, f->a, f->scores));
        snprintf(text, sizeof text, "value %zu of row %zu of the activation is ", i * 30 % outputs,
                 i * 30 / outputs);
        check_message(text);
        f->a[i * 30] = kept;
    }
    check_ok(mf_layer_goodness(f->spare, f->of_spare, FIXTURE_ROWS, f->a, f->scores));
}

/* A layer would read rows that it has overwritten, or labels that are none any more. */
static void test_outputs_over_inputs_are_refused(void **state)
{
    fixture *f = *state;
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);
    float weights[FIXTURE_ROWS];
    saved_values values = save_layer_values(f->spare);
    const size_t count = values.count;
    float *gradients = values.values; /* as many, and none of them is written */
    float *over_x[] = {f->x, f->x + 1, f->x + FIXTURE_ROWS * FIXTURE_INPUTS - 1};

    for (size_t i = 0; i < FIXTURE_ROWS; i++)
        weights[i] = 1.0f;
    batch.sample_weights = weights;
    for (size_t i = 0; i < COUNT_OF(over_x); i++) {
        refused(f, MF_STATUS_ARGUMENT,
                mf_layer_step(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->y, over_x[i]));
        check_message("the activation would be written over the inputs");
        refused(f, MF_STATUS_ARGUMENT,
                mf_layer_forward(f->spare, f->of_spare, FIXTURE_ROWS, f->x, over_x[i]));
        refused(f, MF_STATUS_ARGUMENT, mf_layer_pass_batch(f->spare, f->of_spare, &batch, over_x[i]));
        refused(f, MF_STATUS_ARGUMENT,
                mf_layer_gradients(f->spare, f->of_spare, &batch, over_x[i], gradients, count));
    }
    refused(f, MF_STATUS_ARGUMENT,
            mf_layer_step(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->y, (float *)(void *)f->y));
    check_message("the activation would be written over the labels");
    refused(f, MF_STATUS_ARGUMENT, mf_layer_step_batch(f->spare, f->of_spare, &batch, weights));
    check_message("the activation would be written over the sample weights");
    refused(f, MF_STATUS_ARGUMENT, mf_layer_gradients(f->spare, f->of_spare, &batch, NULL, f->x, count));
    check_message("the gradients would be written over the inputs");
    check_ok(mf_layer_forward(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->a));
    refused(f, MF_STATUS_ARGUMENT, mf_layer_goodness(f->spare, f->of_spare, FIXTURE_ROWS, f->a, f->a));
    check_message("the goodness would be written over the activation");
    check_works_again(f);
    free_saved_values(&values);
}

/* Values between strided rows and after the batch are not read. */
static void test_values_outside_the_rows_are_ignored(void **state)
{
    fixture *f = *state;
    float spread[3 * 10] = {0};
    mf_batch batch = make_batch(3, spread, f->y);

    for (size_t i = 0; i < COUNT_OF(spread); i++)
        spread[i] = i % 10 < FIXTURE_INPUTS ? 0.5f : NAN;
    batch.input_stride = 10;
    check_ok(mf_network_step_batch(f->network, f->training, &batch));
    check_ok(mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
    remember_fixture(f);
    spread[2 * 10 + FIXTURE_INPUTS - 1] = NAN;
    refused(f, MF_STATUS_NUMERIC, mf_network_step_batch(f->network, f->training, &batch));
    refused(f, MF_STATUS_NUMERIC, mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
    spread[2 * 10 + FIXTURE_INPUTS - 1] = 0.0f;
    batch.input_stride = FIXTURE_INPUTS - 1;
    refused(f, MF_STATUS_ARGUMENT, mf_network_step_batch(f->network, f->training, &batch));
    check_message("a stride of 5 is less than the 6 inputs of a row");
    refused(f, MF_STATUS_ARGUMENT, mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
    refused(f, MF_STATUS_ARGUMENT, mf_layer_forward_batch(f->spare, f->of_spare, &batch, f->a));
    refused(f, MF_STATUS_ARGUMENT, mf_layer_pass_batch(f->spare, f->of_spare, &batch, f->a));
}

typedef struct answers {
    float a[FIXTURE_ROWS * FIXTURE_MIDDLE], passed[FIXTURE_ROWS * FIXTURE_MIDDLE];
    float scores[FIXTURE_ROWS * FIXTURE_CLASSES], likely[FIXTURE_ROWS * FIXTURE_CLASSES];
    float best_scores[FIXTURE_ROWS * 2], best_likely[FIXTURE_ROWS * 2];
    int32_t labels[FIXTURE_ROWS], best[FIXTURE_ROWS * 2];
} answers;

static answers answers_to(fixture *f, const mf_batch *batch)
{
    answers got;

    check_ok(mf_layer_forward_batch(f->spare, f->of_spare, batch, got.a));
    check_ok(mf_layer_pass_batch(f->spare, f->of_spare, batch, got.passed));
    check_ok(mf_network_infer(f->network, f->inference, MF_PREDICT_SUM, batch, got.labels, got.scores,
                              got.likely));
    check_ok(mf_network_top(f->network, f->inference, MF_PREDICT_SUM, batch, 2, got.best, got.best_scores,
                            got.best_likely));
    return got;
}

/* What else a host has in a batch is nothing to calls that need no loss. */
static void test_answers_do_not_read_targets_and_weights(void **state)
{
    fixture *f = *state;
    float weights[FIXTURE_ROWS];
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, NULL);
    answers without = answers_to(f, &batch), with;

    for (size_t r = 0; r < FIXTURE_ROWS; r++) {
        weights[r] = NAN;
        f->y[r] = 1000;
    }
    batch.targets = f->y;
    batch.target_type = 99;
    batch.sample_weights = weights;
    with = answers_to(f, &batch);
    assert_memory_equal(&without, &with, sizeof with);
    check_fixture_unchanged(f);
}

static void test_wrong_sample_weights_are_refused(void **state)
{
    fixture *f = *state;
    const float wrong[] = {-1.0f, -1e-30f, NAN, INFINITY, -INFINITY};
    float weights[FIXTURE_ROWS];
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);

    batch.sample_weights = weights;
    for (size_t i = 0; i < FIXTURE_ROWS; i++)
        weights[i] = 0.0f;
    for (size_t i = 0; i <= COUNT_OF(wrong); i++) {
        refused(f, MF_STATUS_ARGUMENT, mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
        refused(f, MF_STATUS_ARGUMENT, mf_network_step_batch(f->network, f->training, &batch));
        refused(f, MF_STATUS_ARGUMENT, mf_network_step_layer_batch(f->network, f->training, 1, &batch));
        refused(f, MF_STATUS_ARGUMENT, mf_network_evaluate_batch(f->network, f->inference, &batch));
        for (size_t r = 0; r < FIXTURE_ROWS; r++)
            weights[r] = 1.0f;
        if (i < COUNT_OF(wrong))
            weights[FIXTURE_ROWS - 1 - i] = wrong[i];
    }
    for (size_t r = 0; r < FIXTURE_ROWS; r++)
        weights[r] = r == 5 ? 0.25f : 0.0f;
    check_ok(mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
}

/* A row of weight 0 teaches nothing, but what is not a number must not spread from it. */
static void test_a_bad_row_of_weight_0_is_refused(void **state)
{
    fixture *f = *state;
    float weights[FIXTURE_ROWS] = {1, 1, 1, 0, 1, 1, 1, 1};
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);

    batch.sample_weights = weights;
    f->x[3 * FIXTURE_INPUTS] = NAN;
    refused(f, MF_STATUS_NUMERIC, mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
    refused(f, MF_STATUS_NUMERIC, mf_network_step_batch(f->network, f->training, &batch));
    f->x[3 * FIXTURE_INPUTS] = 0.0f;
    f->x[4 * FIXTURE_INPUTS] = NAN;
    refused(f, MF_STATUS_NUMERIC, mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
}

static void test_unsupported_types_are_refused(void **state)
{
    fixture *f = *state;
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);

    batch.input_type = MF_TYPE_BF16 + 1;
    refused(f, MF_STATUS_UNSUPPORTED, mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
    refused(f, MF_STATUS_UNSUPPORTED, mf_network_step_batch(f->network, f->training, &batch));
    refused(f, MF_STATUS_UNSUPPORTED, mf_layer_forward_batch(f->spare, f->of_spare, &batch, f->a));
    refused(f, MF_STATUS_UNSUPPORTED, mf_layer_pass_batch(f->spare, f->of_spare, &batch, f->a));
    refused(f, MF_STATUS_UNSUPPORTED,
            mf_network_infer(f->network, f->training, 0, &batch, f->labels, NULL, NULL));
    batch.input_type = MF_TYPE_FLOAT32;
    batch.target_type = MF_TYPE_FLOAT32;
    refused(f, MF_STATUS_UNSUPPORTED, mf_layer_step_batch(f->spare, f->of_spare, &batch, NULL));
    refused(f, MF_STATUS_UNSUPPORTED, mf_network_step_batch(f->network, f->training, &batch));
    refused(f, MF_STATUS_UNSUPPORTED, mf_network_evaluate_batch(f->network, f->training, &batch));
}

static void test_unknown_modes_are_refused(void **state)
{
    fixture *f = *state;
    const int32_t wrong[] = {-1, 2, 99};
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, NULL);

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        refused(f, MF_STATUS_ARGUMENT,
                mf_network_predict(f->network, f->training, wrong[i], 8, f->x, f->labels));
        refused(f, MF_STATUS_ARGUMENT,
                mf_network_goodness(f->network, f->training, wrong[i], 8, f->x, f->scores));
        refused(f, MF_STATUS_ARGUMENT,
                mf_network_probabilities(f->network, f->training, wrong[i], 8, f->x, f->scores));
        refused(f, MF_STATUS_ARGUMENT,
                mf_network_infer(f->network, f->training, wrong[i], &batch, f->labels, NULL, NULL));
    }
}

/* Weights of one, with which inputs near the largest float add up to infinity. */
static void make_loss_overflow(fixture *f)
{
    float ones[FIXTURE_MIDDLE * FIXTURE_INPUTS];

    for (size_t i = 0; i < COUNT_OF(ones); i++)
        ones[i] = 1.0f;
    check_ok(mf_layer_set_parameter(f->spare, "weight", ones, COUNT_OF(ones)));
    check_ok(mf_layer_set_parameter(f->first, "weight", ones, COUNT_OF(ones)));
    remember_fixture(f);
}

/* Finite inputs so large that z, and with it the loss, is not finite any more. */
static void test_a_loss_that_overflows_changes_nothing(void **state)
{
    fixture *f = *state;

    make_loss_overflow(f);
    for (size_t i = 0; i < COUNT_OF(f->x); i++)
        f->x[i] = 3e38f;
    refused(f, MF_STATUS_NUMERIC, mf_layer_step(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->y, f->a));
    refused(f, MF_STATUS_NUMERIC, mf_network_step(f->network, f->training, FIXTURE_ROWS, f->x, f->y));
    refused(f, MF_STATUS_NUMERIC,
            mf_network_step_layer(f->network, f->training, 1, FIXTURE_ROWS, f->x, f->y));
    refused(f, MF_STATUS_NUMERIC, mf_network_evaluate(f->network, f->training, FIXTURE_ROWS, f->x, f->y));
    for (size_t i = 0; i < COUNT_OF(f->x); i++)
        f->x[i] = 1.0f;
    check_works_again(f);
}

/* One bad row is enough, wherever it is, also if its weight is 0; and the layer learns as before when it
 * has gone. */
static void test_a_loss_that_overflows_in_one_row_changes_nothing(void **state)
{
    fixture *f = *state;
    float kept[FIXTURE_INPUTS];

    make_loss_overflow(f);
    for (size_t row = 0; row < FIXTURE_ROWS; row++) {
        memcpy(kept, f->x + row * FIXTURE_INPUTS, sizeof kept);
        for (size_t i = 0; i < FIXTURE_INPUTS; i++)
            f->x[row * FIXTURE_INPUTS + i] = 3e38f;
        refused(f, MF_STATUS_NUMERIC, mf_layer_step(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->y, NULL));
        memcpy(f->x + row * FIXTURE_INPUTS, kept, sizeof kept);
    }
    check_works_again(f);
}

/* Inputs so large that the loss is finite, but the gradient or its square is not: the parameters must be
 * numbers afterwards, whatever the status. */
static void test_gradients_that_overflow_leave_finite_parameters(void **state)
{
    const float sizes[] = {1e18f, 1e20f, 1e25f, 1e30f, 1e36f, 1e38f, 3e38f};

    (void)state;
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++)
        for (int clip = 0; clip <= 1; clip++)
            for (size_t s = 0; s < COUNT_OF(sizes); s++) {
                mf_optimizer_spec values = optimizer_spec(kind, 0.1);
                mf_layer *layer = make_plain_layer(FIXTURE_INPUTS, FIXTURE_MIDDLE, FIXTURE_CLASSES, 3);
                mf_workspace *workspace = make_layer_workspace(layer, 2);
                mf_optimizer *optimizer;
                float x[2 * FIXTURE_INPUTS];
                const int32_t y[2] = {0, 1};
                saved_values before = save_layer_values(layer), after;
                mf_status status;

                values.clip_norm = clip ? 1.0f : 0.0f;
                check_ok(mf_optimizer_create(&values, &optimizer));
                check_ok(mf_layer_set_optimizer(layer, optimizer));
                for (size_t i = 0; i < COUNT_OF(x); i++)
                    x[i] = i % 2 ? sizes[s] : -sizes[s] / 2.0f;
                status = mf_layer_step(layer, workspace, 2, x, y, NULL);
                after = save_layer_values(layer);
                if (status == MF_STATUS_NUMERIC)
                    assert_true(same_values(&before, &after));
                else
                    check_status(MF_STATUS_OK, status);
                for (size_t i = 0; i < after.count; i++)
                    if (!isfinite(after.values[i]))
                        fail_msg(
                            "optimizer %d, clip %d, inputs of %g: a step that returned %s left %g in the "
                            "parameters",
                            (int)kind, clip, (double)sizes[s], mf_status_name(status),
                            (double)after.values[i]);
                free_saved_values(&before);
                free_saved_values(&after);
                mf_workspace_free(workspace);
                mf_layer_free(layer);
                mf_optimizer_free(optimizer);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wrong_labels_are_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_batch_sizes_are_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_inputs_that_are_not_finite_are_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(test_a_bad_value_is_found_at_every_index),
        cmocka_unit_test(test_the_largest_finite_inputs_are_accepted),
        cmocka_unit_test_setup_teardown(test_goodness_refuses_activations_that_are_not_finite, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_outputs_over_inputs_are_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_values_outside_the_rows_are_ignored, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_answers_do_not_read_targets_and_weights, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_sample_weights_are_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_row_of_weight_0_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unsupported_types_are_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unknown_modes_are_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_loss_that_overflows_changes_nothing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_loss_that_overflows_in_one_row_changes_nothing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(test_gradients_that_overflow_leave_finite_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
