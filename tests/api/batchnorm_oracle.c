/* Dense layers with batch normalisation agree with the oracle: activations, optimizers, clipping, frozen
 * parameters, weights, strides, and widths and batches that take other ways through the library.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "oracle_case_maps.h"

static maps_case base(const char *name)
{
    maps_case one = {
        .name = name, .spec = layer_spec(11, 19, 4), .max_rows = 13, .full_batches = 1, .steps = 6};

    one.spec.normalization = MF_NORMALIZATION_BATCH;
    one.spec.activation = MF_ACTIVATION_TANH;
    one.spec.leak = 0.125f;
    return one;
}

static void test_every_activation_matches_the_oracle(void **state)
{
    (void)state;
    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        for (int bias = 0; bias <= 1; bias++)
            for (unsigned frozen = 0; frozen <= 16; frozen += 16) {
                char name[60];
                maps_case one = base(name);

                snprintf(name, sizeof name, "activation %d, bias %d, frozen %u", (int)activation, bias,
                         frozen);
                one.spec.activation = activation;
                one.spec.bias = bias;
                one.frozen = frozen;
                run_maps_case(&one);
            }
}

static void test_every_optimizer_matches_the_oracle(void **state)
{
    (void)state;
    for (size_t o = 0; o < MAPS_RULES; o++)
        for (int clip = 0; clip <= 2; clip++) {
            char name[60];
            maps_case one = base(name);

            /* Below the norms here: clipped. Above: measured but not clipped. */
            snprintf(name, sizeof name, "optimizer %u, clip %d", (unsigned)o, clip);
            one.optimizer = maps_rules[o];
            one.optimizer.clip = clip == 1 ? 0.05 : clip == 2 ? 100.0 : 0.0;
            one.steps = 15;
            one.tolerance = 1e-3;
            run_maps_case(&one);
        }
}

/* Bits 0 to 4: weight, bias, projection, scale, mean with variance. */
static void test_frozen_parameters_match_the_oracle(void **state)
{
    (void)state;
    for (size_t o = 1; o <= 3; o += 2)
        for (unsigned frozen = 0; frozen < 32; frozen++) {
            char name[60];
            maps_case one = base(name);

            snprintf(name, sizeof name, "frozen %u, optimizer %u", frozen, (unsigned)o);
            one.spec.activation = MF_ACTIVATION_GELU;
            one.optimizer = maps_rules[o];
            one.optimizer.clip = frozen % 2 ? 0.03 : 0.0;
            one.frozen = frozen;
            run_maps_case(&one);
        }
}

static void test_weights_smoothing_and_strides_match_the_oracle(void **state)
{
    maps_case one = base("sample weights");

    (void)state;
    one.weighted = 1;
    run_maps_case(&one);
    one.name = "sample weights, smoothing, strides, clipping";
    one.spec.label_smoothing = 0.2f;
    one.gap = 3;
    one.optimizer = maps_rules[3];
    one.optimizer.clip = 0.05;
    run_maps_case(&one);
    one.name = "strides, ReLU";
    one.weighted = 0;
    one.gap = 1;
    one.spec.activation = MF_ACTIVATION_RELU;
    run_maps_case(&one);
}

/* Rows: few, as many as one product takes, more. Neurons: more than one panel. Classes: few and many. */
static void test_all_sizes_match_the_oracle(void **state)
{
    const size_t shapes[][4] = {{3, 7, 5, 4},    {4, 7, 5, 4},     {5, 7, 5, 4},    {100, 6, 5, 3},
                                {256, 6, 5, 3},  {257, 6, 5, 3},   {20, 5, 500, 3}, {20, 200, 300, 4},
                                {9, 40, 30, 33}, {12, 6, 260, 50}, {40, 1, 1, 2},   {70, 33, 65, 10}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        for (size_t o = 0; o <= 3; o++) {
            char name[80];
            maps_case one = base(name);

            snprintf(name, sizeof name, "%zu rows, %zu-%zu, %zu classes, optimizer %zu", shapes[i][0],
                     shapes[i][1], shapes[i][2], shapes[i][3], o);
            one.spec.inputs = shapes[i][1];
            one.spec.outputs = shapes[i][2];
            one.spec.classes = shapes[i][3];
            one.spec.activation = o % 2 ? MF_ACTIVATION_GELU : MF_ACTIVATION_TANH;
            one.max_rows = shapes[i][0];
            one.optimizer = maps_rules[o];
            one.optimizer.clip = o % 2 ? 0.05 : 0.0;
            one.steps = 3;
            one.tolerance = 1e-3;
            run_maps_case(&one);
        }
}

static void test_rates_and_epsilons_match_the_oracle(void **state)
{
    const float rates[] = {0.0f, 0.5f, 1.0f}, epsilons[] = {1e-3f, 0.5f, 10.0f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        maps_case one = base("rate and epsilon");

        one.spec.normalization_rate = rates[i];
        one.spec.normalization_epsilon = epsilons[i];
        run_maps_case(&one);
        one.name = "rate and epsilon, convolution";
        one.spec = conv_spec(2, 5, 6, 3, 4);
        one.spec.normalization = MF_NORMALIZATION_BATCH;
        one.spec.normalization_rate = rates[i];
        one.spec.normalization_epsilon = epsilons[i];
        run_maps_case(&one);
    }
}

static void test_changing_batch_sizes_match_the_oracle(void **state)
{
    maps_case one = base("batches of 2 to 40 rows");

    (void)state;
    one.max_rows = 40;
    one.full_batches = 0;
    one.steps = 12;
    one.tolerance = 1e-3;
    run_maps_case(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_activation_matches_the_oracle),
        cmocka_unit_test(test_every_optimizer_matches_the_oracle),
        cmocka_unit_test(test_frozen_parameters_match_the_oracle),
        cmocka_unit_test(test_weights_smoothing_and_strides_match_the_oracle),
        cmocka_unit_test(test_all_sizes_match_the_oracle),
        cmocka_unit_test(test_rates_and_epsilons_match_the_oracle),
        cmocka_unit_test(test_changing_batch_sizes_match_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
