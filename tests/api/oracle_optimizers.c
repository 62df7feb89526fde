/* Training agrees with the oracle to float32 rounding: every optimizer, activation and shape.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "oracle_case.h"

static const oracle_optimizer optimizers[] = {
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .epsilon = 1e-8},
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .decay = 0.02, .epsilon = 1e-8},
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.05, .momentum = 0.9, .decay = 0.01, .epsilon = 1e-8},
    {.kind = MF_OPTIMIZER_SGD, .rate = 0.05, .momentum = 0.8, .nesterov = 1, .decay = 0.01, .epsilon = 1e-8},
    {.kind = MF_OPTIMIZER_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-5},
    /* An epsilon this large shows whether it stands inside the root, before or after the correction. */
    {.kind = MF_OPTIMIZER_ADAM, .rate = 0.02, .beta1 = 0.7, .beta2 = 0.95, .epsilon = 0.01, .decay = 0.05},
    {.kind = MF_OPTIMIZER_ADAMW, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-5, .decay = 0.1},
    {.kind = MF_OPTIMIZER_RMSPROP, .rate = 0.01, .beta2 = 0.9, .epsilon = 1e-4, .decay = 0.02},
    {.kind = MF_OPTIMIZER_RMSPROP, .rate = 0.005, .momentum = 0.9, .beta2 = 0.9, .epsilon = 1e-3},
};

static const char *const optimizer_names[] = {"sgd",      "sgd decay",     "momentum",
                                              "nesterov", "adam",          "adam large epsilon and decay",
                                              "adamw",    "rmsprop decay", "rmsprop momentum"};

static const char *const activation_names[] = {"identity", "relu", "leaky relu", "tanh", "gelu", "silu"};

static void every_pair(size_t inputs, size_t outputs, size_t classes, int steps)
{
    for (size_t o = 0; o < COUNT_OF(optimizers); o++)
        for (int activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++) {
            char name[120];
            oracle_case one = {.name = name,
                               .inputs = inputs,
                               .outputs = outputs,
                               .classes = classes,
                               .activation = activation,
                               .bias = (activation + (int)o) % 4 != 0,
                               .max_rows = 9,
                               .steps = steps,
                               .optimizer = optimizers[o],
                               .tolerance = 1e-3};

            snprintf(name, sizeof name, "%s, %s, %ux%u, %u classes", optimizer_names[o],
                     activation_names[activation], (unsigned)inputs, (unsigned)outputs, (unsigned)classes);
            run_oracle_case(&one);
        }
}

static void test_one_neuron_matches_the_oracle(void **state)
{
    (void)state;
    every_pair(1, 1, 2, 20);
}

static void test_3x5_matches_the_oracle(void **state)
{
    (void)state;
    every_pair(3, 5, 3, 20);
}

static void test_17x33_matches_the_oracle(void **state)
{
    (void)state;
    every_pair(17, 33, 12, 20);
}

static void test_more_classes_than_neurons_match_the_oracle(void **state)
{
    (void)state;
    every_pair(7, 4, 17, 20);
}

/* Rounding must not add up to something else over a long run. Tanh has no kinks. */
static void test_many_steps_match_the_oracle(void **state)
{
    (void)state;
    for (size_t o = 0; o < COUNT_OF(optimizers); o++) {
        oracle_case one = {.name = optimizer_names[o],
                           .inputs = 9,
                           .outputs = 14,
                           .classes = 5,
                           .activation = MF_ACTIVATION_TANH,
                           .bias = 1,
                           .max_rows = 16,
                           .steps = 400,
                           .optimizer = optimizers[o],
                           .tolerance = 2e-3};

        run_oracle_case(&one);
    }
}

static void test_adam_with_the_defaults_matches_the_oracle(void **state)
{
    mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_ADAM, 0.001);
    oracle_case one = {.name = "Adam with the defaults",
                       .inputs = 20,
                       .outputs = 30,
                       .classes = 10,
                       .activation = MF_ACTIVATION_TANH,
                       .bias = 1,
                       .max_rows = 32,
                       .steps = 50,
                       .optimizer = {.kind = MF_OPTIMIZER_ADAM,
                                     .rate = 0.001,
                                     .beta1 = 0.9,
                                     .beta2 = 0.999,
                                     .epsilon = 1e-8},
                       .tolerance = 2e-3};

    (void)state;
    assert_int_equal(spec.struct_size, sizeof spec);
    assert_true(spec.beta1 == 0.9f && spec.beta2 == 0.999f && spec.epsilon == 1e-8f);
    assert_true(spec.weight_decay == 0.0f && spec.clip_norm == 0.0f && spec.momentum == 0.0f);
    run_oracle_case(&one);
}

/* Sizes beyond one panel of the library's loops, with sizes that no block divides. */
static void wide(const char *name, size_t inputs, size_t outputs, size_t classes, size_t rows, int activation,
                 size_t optimizer)
{
    oracle_case one = {.name = name,
                       .inputs = inputs,
                       .outputs = outputs,
                       .classes = classes,
                       .activation = activation,
                       .bias = 1,
                       .max_rows = rows,
                       .steps = 4,
                       .optimizer = optimizers[optimizer],
                       .tolerance = 2e-3};

    run_oracle_case(&one);
}

static void test_300x200_matches_the_oracle(void **state)
{
    (void)state;
    wide("300x200 sgd", 300, 200, 10, 40, MF_ACTIVATION_RELU, 0);
    wide("300x200 adam", 300, 200, 10, 40, MF_ACTIVATION_GELU, 4);
    wide("300x200 nesterov", 300, 200, 10, 40, MF_ACTIVATION_TANH, 3);
    wide("300x200 100 classes", 300, 200, 100, 40, MF_ACTIVATION_RELU, 6);
}

static void test_784x300_matches_the_oracle(void **state)
{
    (void)state;
    wide("784x300 sgd with decay", 784, 300, 10, 32, MF_ACTIVATION_RELU, 1);
    wide("784x300 rmsprop", 784, 300, 10, 32, MF_ACTIVATION_RELU, 8);
}

static void test_odd_wide_sizes_match_the_oracle(void **state)
{
    (void)state;
    wide("131x257 adamw", 131, 257, 13, 33, MF_ACTIVATION_LEAKY_RELU, 6);
    wide("1x513 momentum", 1, 513, 2, 7, MF_ACTIVATION_TANH, 2);
    wide("513x1 sgd", 513, 1, 2, 7, MF_ACTIVATION_IDENTITY, 0);
    wide("600x3 adam", 600, 3, 31, 130, MF_ACTIVATION_GELU, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_neuron_matches_the_oracle),
        cmocka_unit_test(test_3x5_matches_the_oracle),
        cmocka_unit_test(test_17x33_matches_the_oracle),
        cmocka_unit_test(test_more_classes_than_neurons_match_the_oracle),
        cmocka_unit_test(test_many_steps_match_the_oracle),
        cmocka_unit_test(test_adam_with_the_defaults_matches_the_oracle),
        cmocka_unit_test(test_300x200_matches_the_oracle),
        cmocka_unit_test(test_784x300_matches_the_oracle),
        cmocka_unit_test(test_odd_wide_sizes_match_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
