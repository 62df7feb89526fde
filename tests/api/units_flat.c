/* The oracle of units against layers that were made from an mf_layer_spec: whatever is wrong with the oracle
 * shows here, without a builder. Each spec is written out as units: product, normalisation, activation,
 * pooling. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "oracle_case_maps.h"
#include "oracle_case_units.h"

/* The units that are what the spec says; the bias of a normalised layer stands behind the normalisation. */
static units_plan plan_of(const mf_layer_spec *spec)
{
    int conv = spec->kind == MF_LAYER_CONV2D, normal = spec->normalization == MF_NORMALIZATION_BATCH;
    units_plan plan = conv ? plan_maps(spec->channels, spec->height, spec->width, spec->classes)
                           : plan_row(spec->inputs, spec->classes);
    mf_unit_spec product = conv ? unit_conv(spec->filters, 0, 0) : unit_dense(spec->outputs);
    mf_unit_spec norm = unit_norm(), activation = unit_activation(spec->activation);
    mf_unit_spec pool = unit_pool(spec->pool, 0);

    for (int i = 0; conv && i < 2; i++) {
        product.kernel[i] = spec->kernel[i];
        product.stride[i] = spec->stride[i];
        product.padding[i] = spec->padding[i];
        pool.kernel[i] = spec->pool_size[i];
        pool.stride[i] = spec->pool_stride[i];
    }
    product.bias = normal ? 0 : spec->bias;
    norm.bias = spec->bias;
    norm.normalization_rate = spec->normalization_rate;
    norm.normalization_epsilon = spec->normalization_epsilon;
    activation.leak = spec->leak;
    plan_add(&plan, product);
    if (normal)
        plan_add(&plan, norm);
    plan_add(&plan, activation);
    if (conv && spec->pool != MF_POOL_NONE)
        plan_add(&plan, pool);
    plan.head.pool_size = conv ? spec->head_size : 0;
    plan.head.label_smoothing = spec->label_smoothing;
    return plan;
}

static void run(const mf_layer_spec *spec, size_t number)
{
    char name[60];
    units_case one = {.name = name, .plan = plan_of(spec), .flat = spec, .seed = number, .max_rows = 9};

    snprintf(name, sizeof name, "case %u", (unsigned)number);
    one.optimizer = maps_rules[number % MAPS_RULES];
    if (one.optimizer.kind != MF_OPTIMIZER_SGD)
        one.optimizer.epsilon = 1e-3;
    if (number % 3 == 1)
        one.optimizer.clip = 0.1;
    one.weighted = number % 4 == 1;
    one.gap = number % 5 == 2 ? 3 : 0;
    one.frozen = number % 6 == 3 ? 1u << number % 5 : 0;
    assert_true(run_units_case(&one));
}

static void test_dense_specs_match_the_oracle_of_units(void **state)
{
    size_t number = 1;

    (void)state;
    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        for (int32_t bias = 0; bias <= 1; bias++)
            for (int32_t normal = 0; normal <= 1; normal++) {
                mf_layer_spec spec = layer_spec(7, 6, 4);

                spec.activation = activation;
                spec.leak = 0.125f;
                spec.bias = bias;
                spec.normalization = normal;
                spec.label_smoothing = bias ? 0.1f : 0.0f;
                run(&spec, number++);
            }
}

static void test_convolution_specs_match_the_oracle_of_units(void **state)
{
    size_t number = 101;

    (void)state;
    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        for (int32_t pool = MF_POOL_NONE; pool <= MF_POOL_MAX; pool++)
            for (int32_t normal = 0; normal <= 1; normal++)
                for (size_t head = 0; head <= 2; head++) {
                    mf_layer_spec spec = conv_spec(2, 6, 7, 3, 3);

                    spec.activation = activation;
                    spec.leak = 0.125f;
                    spec.bias = head != 1;
                    spec.pool = pool;
                    spec.pool_stride[1] = head == 2 ? 1 : 0;
                    spec.stride[0] = head == 0 ? 2 : 1;
                    spec.padding[0] = spec.padding[1] = head == 2 ? 1 : 2;
                    spec.kernel[1] = head == 2 ? 2 : 3;
                    spec.normalization = normal;
                    spec.normalization_rate = 0.3f;
                    spec.head_size = head;
                    run(&spec, number++);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_specs_match_the_oracle_of_units),
        cmocka_unit_test(test_convolution_specs_match_the_oracle_of_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
