/* The baseline of the benchmarks must be what it says: checkpoints change nothing but memory, and it
 * learns through all of its layers. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "backprop.h"
#include "check.h"

enum { ROWS = 24, STEPS = 12 };

static double train(const char *text, const char *optimizer_name, int checkpoints, int steps)
{
    shape layers = parse_dense_shape(text);
    mf_optimizer *optimizer = make_optimizer(optimizer_name, NULL);
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.01));
    backprop *net = backprop_create(&layers, optimizer, ROWS, checkpoints, NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_change_no_bit),
        cmocka_unit_test(it_learns_a_batch_by_heart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
