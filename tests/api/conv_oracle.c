/* Convolutions agree with the oracle under every option: activations, poolings, heads, normalisation,
 * optimizers, clipping, frozen parameters, weights, strides, and sizes that are cut into blocks.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "oracle_case_maps.h"

static const oracle_optimizer adam = {
    .kind = MF_OPTIMIZER_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-4};
static const oracle_optimizer momentum = {
    .kind = MF_OPTIMIZER_SGD, .rate = 0.05, .momentum = 0.9, .decay = 0.01, .epsilon = 1e-8};

/* Two maps of 7 x 6 to three of the same size. */
static maps_case base(const char *name)
{
    maps_case one = {.name = name, .spec = conv_spec(2, 7, 6, 3, 4), .max_rows = 6};

    one.spec.padding[0] = one.spec.padding[1] = 1;
    one.spec.activation = MF_ACTIVATION_TANH;
    one.spec.leak = 0.125f;
    return one;
}

static void set_pool(mf_layer_spec *spec, int32_t kind, size_t size, size_t stride)
{
    spec->pool = kind;
    spec->pool_size[0] = spec->pool_size[1] = size;
    spec->pool_stride[0] = spec->pool_stride[1] = stride;
}

/* Size and stride 2 average, which has kernels of its own; others that leave rows out or overlap. */
static const struct {
    int32_t kind;
    size_t size, stride;
} pools[] = {{MF_POOL_NONE, 2, 0},    {MF_POOL_AVERAGE, 2, 0}, {MF_POOL_MAX, 2, 0},
             {MF_POOL_AVERAGE, 3, 2}, {MF_POOL_MAX, 3, 1},     {MF_POOL_AVERAGE, 2, 3}};

static void activations_pools_heads(int32_t normalization)
{
    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++)
        for (size_t p = 0; p < COUNT_OF(pools); p++)
            for (size_t head = 0; head <= 2; head++)
                for (int bias = 0; bias <= 1; bias++) {
                    char name[100];
                    maps_case one = base(name);

                    snprintf(name, sizeof name, "activation %d, pool %u, head %u, bias %d, normalization %d",
                             (int)activation, (unsigned)p, (unsigned)head, bias, (int)normalization);
                    one.spec.activation = activation;
                    one.spec.normalization = normalization;
                    one.spec.head_size = head;
                    one.spec.bias = bias;
                    set_pool(&one.spec, pools[p].kind, pools[p].size, pools[p].stride);
                    run_maps_case(&one);
                }
}

static void test_plain_convolutions_match_the_oracle(void **state)
{
    (void)state;
    activations_pools_heads(MF_NORMALIZATION_NONE);
}

static void test_normalised_convolutions_match_the_oracle(void **state)
{
    (void)state;
    activations_pools_heads(MF_NORMALIZATION_BATCH);
}

static void test_every_optimizer_matches_the_oracle(void **state)
{
    (void)state;
    for (size_t o = 0; o < MAPS_RULES; o++)
        for (int32_t normalization = MF_NORMALIZATION_NONE; normalization <= MF_NORMALIZATION_BATCH;
             normalization++)
            for (int clip = 0; clip <= 2; clip++) {
                char name[80];
                maps_case one = base(name);

                /* Below the norms here: clipped. Above: measured but not clipped. */
                snprintf(name, sizeof name, "optimizer %u, normalization %d, clip %d", (unsigned)o,
                         (int)normalization, clip);
                one.spec.normalization = normalization;
                set_pool(&one.spec, MF_POOL_AVERAGE, 2, 0);
                one.optimizer = maps_rules[o];
                one.optimizer.clip = clip == 1 ? 0.05 : clip == 2 ? 100.0 : 0.0;
                one.steps = 10;
                one.tolerance = 1e-3;
                run_maps_case(&one);
            }
}

/* Bits 0 to 4: weight, bias, projection, scale, mean with variance; clipping must leave out what is frozen.
 */
static void test_frozen_parameters_match_the_oracle(void **state)
{
    (void)state;
    for (int o = 0; o <= 1; o++)
        for (unsigned frozen = 0; frozen < 32; frozen++) {
            char name[80];
            maps_case one = base(name);

            snprintf(name, sizeof name, "frozen %u, optimizer %d", frozen, o);
            one.spec.normalization = MF_NORMALIZATION_BATCH;
            one.spec.activation = MF_ACTIVATION_GELU;
            one.spec.head_size = 1;
            set_pool(&one.spec, MF_POOL_MAX, 2, 0);
            one.optimizer = o ? adam : momentum;
            one.optimizer.clip = frozen % 2 ? 0.03 : 0.0;
            one.frozen = frozen;
            run_maps_case(&one);
        }
}

static void test_weights_smoothing_and_strides_match_the_oracle(void **state)
{
    (void)state;
    for (int32_t normalization = MF_NORMALIZATION_NONE; normalization <= MF_NORMALIZATION_BATCH;
         normalization++) {
        maps_case one = base("sample weights");

        one.spec.normalization = normalization;
        one.weighted = 1;
        run_maps_case(&one);
        one.name = "sample weights, smoothing";
        one.spec.label_smoothing = 0.2f;
        set_pool(&one.spec, MF_POOL_MAX, 2, 0);
        run_maps_case(&one);
        one.name = "rows 5 values apart, weights, smoothing, clipping";
        one.gap = 5;
        one.optimizer = adam;
        one.optimizer.clip = 0.05;
        run_maps_case(&one);
        one.name = "rows 1 value apart";
        one.weighted = 0;
        one.gap = 1;
        one.spec.stride[0] = 2;
        run_maps_case(&one);
    }
}

/* More rows than a block of images holds, the last block uneven. */
static void test_batches_of_several_blocks_match_the_oracle(void **state)
{
    const size_t rows[] = {1, 2, 37, 75, 200};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int32_t normalization = MF_NORMALIZATION_NONE; normalization <= MF_NORMALIZATION_BATCH;
             normalization++)
            for (size_t side = 3; side <= 9; side += 2) {
                char name[80];
                maps_case one = base(name);

                snprintf(name, sizeof name, "%u rows of %ux%u, normalization %d", (unsigned)rows[i],
                         (unsigned)side, (unsigned)side, (int)normalization);
                one.spec = conv_spec(2, side, side, 3, 4);
                one.spec.padding[0] = side > 5;
                one.spec.padding[1] = 1; /* columns of one value at side 3, so always 2 values or more */
                one.spec.activation = MF_ACTIVATION_TANH;
                one.spec.normalization = normalization;
                one.spec.head_size = side > 5 ? 2 : 1;
                one.max_rows = rows[i];
                one.full_batches = i % 2 == 0;
                one.gap = i % 3;
                one.steps = 2;
                run_maps_case(&one);
            }
}

/* Images that are larger than a block: cut into bands of rows, of one row where a row is long. */
static void test_maps_larger_than_a_block_match_the_oracle(void **state)
{
    const size_t shapes[][3] = {{3, 70, 90}, {2, 22, 31}, {1, 4, 4200}, {1, 150, 28}, {2, 66, 65}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        for (int variant = 0; variant <= 3; variant++) {
            char name[80];
            maps_case one = base(name);

            snprintf(name, sizeof name, "%ux%ux%u, variant %d", (unsigned)shapes[i][0],
                     (unsigned)shapes[i][1], (unsigned)shapes[i][2], variant);
            one.spec = conv_spec(shapes[i][0], shapes[i][1], shapes[i][2], 2, 3);
            one.spec.activation = MF_ACTIVATION_GELU;
            one.spec.normalization = variant % 2;
            one.spec.padding[0] = one.spec.padding[1] = variant / 2;
            one.spec.head_size = 1;
            one.max_rows = 1 + (size_t)(variant == 3);
            one.steps = 2;
            set_pool(&one.spec,
                     variant == 2   ? MF_POOL_NONE
                     : variant == 1 ? MF_POOL_MAX
                                    : MF_POOL_AVERAGE,
                     variant == 1 ? 1 : 2, 0);
            if (variant == 3)
                one.spec.pool_size[0] = 1;
            /* A sum over thousands of places, mostly of one sign or the other. */
            one.tolerance = 2e-3;
            run_maps_case(&one);
        }
}

/* From 33 classes on, products with M are left to the BLAS library. */
static void test_many_classes_match_the_oracle(void **state)
{
    const size_t classes[] = {2, 32, 33, 100};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        for (size_t head = 0; head <= 2; head++) {
            char name[60];
            maps_case one = base(name);

            snprintf(name, sizeof name, "%u classes, head %u", (unsigned)classes[i], (unsigned)head);
            one.spec.classes = classes[i];
            one.spec.head_size = head;
            one.spec.normalization = (int32_t)(head % 2);
            one.spec.projection_gain = 3.0f;
            set_pool(&one.spec, MF_POOL_AVERAGE, 2, 0);
            one.max_rows = 11;
            one.optimizer = momentum;
            one.optimizer.clip = head == 2 ? 0.05 : 0.0;
            run_maps_case(&one);
        }
}

/* As many filters as vectors have lanes, and some more or fewer; deep kernels. */
static void test_any_number_of_filters_matches_the_oracle(void **state)
{
    const size_t filters[] = {1, 7, 8, 16, 17, 33}, channels[] = {1, 5, 16};

    (void)state;
    for (size_t f = 0; f < COUNT_OF(filters); f++)
        for (size_t c = 0; c < COUNT_OF(channels); c++) {
            char name[60];
            maps_case one = base(name);

            snprintf(name, sizeof name, "%u channels, %u filters", (unsigned)channels[c],
                     (unsigned)filters[f]);
            one.spec.channels = channels[c];
            one.spec.filters = filters[f];
            one.spec.normalization = (int32_t)((f + c) % 2);
            one.spec.kernel[0] = 5;
            one.spec.padding[0] = 2;
            set_pool(&one.spec, MF_POOL_MAX, 2, 0);
            one.steps = 2;
            run_maps_case(&one);
        }
}

/* Integer inputs and weights: every value is exact, most windows have several largest values, and the
 * gradient must go to the first of them. */
static void test_the_first_of_equal_maxima_gets_the_gradient(void **state)
{
    enum { ROWS = 3, VALUES = 36 };
    mf_layer_spec spec = conv_spec(1, 6, 6, 2, 3);
    float x[ROWS * VALUES], weights[8];
    int32_t y[ROWS] = {2, 0, 1};
    test_random random = {4};

    (void)state;
    spec.kernel[0] = spec.kernel[1] = 2;
    spec.padding[0] = spec.padding[1] = 1;
    spec.activation = MF_ACTIVATION_IDENTITY;
    spec.bias = 0;
    for (size_t size = 2; size <= 3; size++)
        for (size_t stride = 1; stride <= 3; stride++) {
            set_pool(&spec, MF_POOL_MAX, size, stride);
            mf_layer *layer = make_layer(&spec);
            mf_workspace *workspace = make_layer_workspace(layer, ROWS);

            for (size_t i = 0; i < COUNT_OF(x); i++)
                x[i] = (float)random_index(&random, 2);
            for (size_t i = 0; i < COUNT_OF(weights); i++)
                weights[i] = (float)random_index(&random, 3) - 1.0f;
            check_ok(mf_layer_set_parameter(layer, "weight", weights, COUNT_OF(weights)));
            maps_oracle *oracle = maps_create(&spec, layer);
            saved_values before = save_layer_values(layer);
            mf_batch batch = make_batch(ROWS, x, y);
            double *exact = oracle_rows(x, ROWS, VALUES, VALUES);
            float *gradients = get_memory(before.count * sizeof *gradients);

            check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, before.count));
            maps_gradients(oracle, ROWS, exact, y, NULL, NULL);
            assert_false(oracle->doubtful[0] || oracle->doubtful[1]);
            assert_true(oracle->tie_margin >= 1.0);
            compare_gradients("ties", oracle, gradients, 1e-5);
            free(gradients);
            free(exact);
            free_saved_values(&before);
            maps_free(oracle);
            mf_workspace_free(workspace);
            mf_layer_free(layer);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_convolutions_match_the_oracle),
        cmocka_unit_test(test_normalised_convolutions_match_the_oracle),
        cmocka_unit_test(test_every_optimizer_matches_the_oracle),
        cmocka_unit_test(test_frozen_parameters_match_the_oracle),
        cmocka_unit_test(test_weights_smoothing_and_strides_match_the_oracle),
        cmocka_unit_test(test_batches_of_several_blocks_match_the_oracle),
        cmocka_unit_test(test_maps_larger_than_a_block_match_the_oracle),
        cmocka_unit_test(test_many_classes_match_the_oracle),
        cmocka_unit_test(test_any_number_of_filters_matches_the_oracle),
        cmocka_unit_test(test_the_first_of_equal_maxima_gets_the_gradient),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
