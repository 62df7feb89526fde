/* The baseline of the benchmarks must be what it says: checkpoints change nothing but memory, and it
 * learns through all of its layers. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"
#include "check.h"

enum { ROWS = 24, STEPS = 12 };

static double train(const char *text, const char *optimizer_name, int checkpoints, int steps)
{
    shape layers = parse_dense_shape(text);
    mf_optimizer *optimizer = make_optimizer(optimizer_name, NULL);
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.01));
    backprop *net = make_backprop(&layers, optimizer, ROWS, checkpoints, NULL);
    float *x = make_inputs(ROWS * layers.widths[0]);
    int32_t *y = make_labels(ROWS);
    double loss = 0.0;
    for (int step = 0; step < steps; step++)
        loss = backprop_step(net, ROWS, x, y);
    backprop_free(net);
    mf_optimizer_free(optimizer);
    free(x);
    free(y);
    return loss;
}

static void checkpoints_change_no_bit(void **state)
{
    static const char *const optimizers[] = {"sgd", "momentum", "adam"};
    char text[128] = "13";
    (void)state;
    for (int depth = 1; depth <= 11; depth++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "-%d", 10 + 7 * depth % 5);
        for (size_t i = 0; i < COUNT_OF(optimizers); i++) {
            double plain = train(text, optimizers[i], 0, STEPS),
                   sparing = train(text, optimizers[i], 1, STEPS);
            assert_memory_equal(&plain, &sparing, sizeof plain);
        }
    }
}

static void it_learns_a_batch_by_heart(void **state)
{
    (void)state;
    assert_true(train("40-60-60-60", "adam", 0, 200) < 0.01);
    assert_true(train("40-60-60-60", "adam", 1, 200) < 0.01);
}

/* A net of the seed 5, after `steps` on a fixed batch of 2 * ROWS rows. */
static backprop *trained(mf_optimizer *optimizer, size_t accumulate, int steps)
{
    static const size_t widths[] = {20, 30, 25};
    const struct backprop_spec spec = {.widths = widths,
                                       .layers = 2,
                                       .classes = CLASSES,
                                       .seed = 5,
                                       .optimizer = optimizer,
                                       .max_batch = 2 * ROWS,
                                       .accumulate = accumulate};
    backprop *net = backprop_create(&spec);
    assert_non_null(net);
    float *x = make_inputs(2 * ROWS * 20);
    int32_t *y = make_labels(2 * ROWS);
    for (int step = 0; step < steps; step++)
        backprop_step(net, 2 * ROWS, x, y);
    free(x);
    free(y);
    return net;
}

/* 7 does not divide the batch: the parts differ in size and must count by it. */
static void accumulated_gradients_are_those_of_the_batch(void **state)
{
    enum { COUNT = 2 * ROWS * CLASSES };
    static const size_t parts[] = {1, 7, ROWS, 100};
    float whole[COUNT], added[COUNT];
    float *x = make_inputs(2 * ROWS * 20);
    mf_optimizer *optimizer = make_optimizer("sgd", NULL);
    (void)state;
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.1));
    backprop *net = trained(optimizer, 0, 6);
    backprop_scores(net, 2 * ROWS, x, whole);
    backprop_free(net);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        net = trained(optimizer, parts[i], 6);
        backprop_scores(net, 2 * ROWS, x, added);
        backprop_free(net);
        for (size_t j = 0; j < COUNT; j++)
            assert_true(fabsf(whole[j] - added[j]) < 1e-4f);
    }
    free(x);
    mf_optimizer_free(optimizer);
}

static void it_goes_back_to_a_state(void **state)
{
    float *x = make_inputs(2 * ROWS * 20);
    int32_t *y = make_labels(2 * ROWS);
    mf_optimizer *optimizer = make_optimizer("adam", NULL);
    backprop *net = trained(optimizer, 0, 3);
    void *saved = malloc(backprop_state_size(net));
    uint64_t right = 0, count = 0;
    (void)state;
    backprop_state_save(net, saved);
    double first = backprop_step(net, ROWS, x, y), second = backprop_step(net, ROWS, x, y);
    backprop_state_load(net, saved);
    double again = backprop_step(net, ROWS, x, y);
    assert_memory_equal(&first, &again, sizeof first);
    again = backprop_evaluate(net, ROWS, x, y, &right);
    assert_true(fabs(again - second) < 1e-6);
    float scores[ROWS * CLASSES];
    backprop_scores(net, ROWS, x, scores);
    for (size_t row = 0; row < ROWS; row++) {
        size_t best = 0;
        for (size_t i = 1; i < CLASSES; i++)
            best = scores[row * CLASSES + i] > scores[row * CLASSES + best] ? i : best;
        count += (int32_t)best == y[row];
    }
    assert_int_equal(right, count);
    backprop_free(net);
    mf_optimizer_free(optimizer);
    free(saved);
    free(x);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_change_no_bit),
        cmocka_unit_test(it_learns_a_batch_by_heart),
        cmocka_unit_test(accumulated_gradients_are_those_of_the_batch),
        cmocka_unit_test(it_goes_back_to_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
