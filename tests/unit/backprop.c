/* The baseline of the benchmarks must be what it says: checkpoints change nothing but memory, and it
 * learns through all of its layers. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"
#include "check.h"
#include "memory.h"

enum { ROWS = 24, STEPS = 12, SMALL_LAYERS = 4 };

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

/* ---- against central differences ---- */

static backprop *small(mf_optimizer *optimizer, bool checkpoints, size_t accumulate)
{
    static const size_t widths[SMALL_LAYERS + 1] = {5, 7, 6, 8, 7};
    const struct backprop_spec spec = {.widths = widths,
                                       .layers = SMALL_LAYERS,
                                       .classes = CLASSES,
                                       .seed = 3,
                                       .gain = 2.45f,
                                       .optimizer = optimizer,
                                       .max_batch = ROWS,
                                       .checkpoints = checkpoints,
                                       .accumulate = accumulate};
    backprop *net = backprop_create(&spec);
    assert_non_null(net);
    return net;
}

/* The loss with the value at `at` of a saved state moved by `by`. */
static double moved(backprop *net, unsigned char *state, size_t at, float by, const float *x,
                    const int32_t *y)
{
    float value, other;
    memcpy(&value, state + at, sizeof value);
    other = value + by;
    memcpy(state + at, &other, sizeof other);
    backprop_state_load(net, state);
    double loss = backprop_evaluate(net, ROWS, x, y, NULL);
    memcpy(state + at, &value, sizeof value);
    return loss;
}

/* The state of plain gradient descent is a count of steps and then the values, parameter by parameter: what a
 * step with the learning rate 1 takes away from a value is its gradient. */
static void check_gradients(bool checkpoints, size_t accumulate)
{
    static const size_t counts[] = {35, 7, 42, 6, 48, 8, 56, 7, 7 * CLASSES, CLASSES};
    mf_optimizer *optimizer = make_optimizer("sgd", NULL);
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 1.0));
    backprop *net = small(optimizer, checkpoints, accumulate);
    float *x = make_inputs(ROWS * 5);
    int32_t *y = make_labels(ROWS);
    size_t bytes = backprop_state_size(net), at = 0, far = 0;
    unsigned char *before = malloc(bytes), *after = malloc(bytes);
    backprop_state_save(net, before);
    backprop_step(net, ROWS, x, y);
    backprop_state_save(net, after);
    for (size_t p = 0; p < COUNT_OF(counts); p++) {
        double largest = 0.0;
        at += sizeof(uint64_t);
        for (size_t i = 0; i < counts[p]; i++, at += sizeof(float)) {
            const float h = 1.0f / 512;
            float old, new;
            memcpy(&old, before + at, sizeof old);
            memcpy(&new, after + at, sizeof new);
            double got = (double)(old - new);
            double expected =
                (moved(net, before, at, h, x, y) - moved(net, before, at, -h, x, y)) / (2.0 * (double)h);
            /* A kink of the rectifier may lie between the two. */
            far += fabs(got - expected) > 2e-4 + 0.01 * fabs(expected);
            largest = fmax(largest, fabs(got));
        }
        assert_true(largest > 1e-4);
    }
    assert_int_equal(at, bytes);
    assert_true(far <= 3);
    backprop_free(net);
    mf_optimizer_free(optimizer);
    free(before);
    free(after);
    free(x);
    free(y);
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    check_gradients(false, 0);
    check_gradients(true, 0);
    check_gradients(false, 7);
}

/* ---- memory ---- */

static size_t bytes_held(const char *text, size_t rows, int checkpoints)
{
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    shape layers = parse_dense_shape(text);
    mf_optimizer *optimizer = make_optimizer("sgd", NULL);
    backprop *net = make_backprop(&layers, optimizer, rows, checkpoints, &allocator);
    size_t bytes = memory.bytes_out;
    backprop_free(net);
    assert_int_equal(memory.bytes_out, 0);
    mf_optimizer_free(optimizer);
    return bytes;
}

/* What grows with the batch is one activation for each layer and one more, or those of the checkpoints and of
 * one segment, and the scores. */
static void it_holds_no_more_than_it_must(void **state)
{
    enum { DEPTH = 9, WIDTH = 50, FEW = 1000, MANY = 1500 };
    static const char text[] = "20-50-50-50-50-50-50-50-50-50";
    const size_t activation = (MANY - FEW) * WIDTH * sizeof(float),
                 scores = (MANY - FEW) * CLASSES * sizeof(float);
    (void)state;
    assert_int_equal(bytes_held(text, MANY, 0) - bytes_held(text, FEW, 0), (DEPTH + 1) * activation + scores);
    assert_int_equal(bytes_held(text, MANY, 1) - bytes_held(text, FEW, 1), (3 + 2 + 1) * activation + scores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_change_no_bit),
        cmocka_unit_test(it_learns_a_batch_by_heart),
        cmocka_unit_test(accumulated_gradients_are_those_of_the_batch),
        cmocka_unit_test(it_goes_back_to_a_state),
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(it_holds_no_more_than_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
