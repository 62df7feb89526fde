/* Hyper-parameters: defaults, bounds, set and get, the momentum rule; schedules against formulas.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "build.h"

static const int32_t keys[] = {MF_OPTIMIZER_LEARNING_RATE, MF_OPTIMIZER_MOMENTUM,  MF_OPTIMIZER_NESTEROV,
                               MF_OPTIMIZER_BETA1,         MF_OPTIMIZER_BETA2,     MF_OPTIMIZER_EPSILON,
                               MF_OPTIMIZER_WEIGHT_DECAY,  MF_OPTIMIZER_CLIP_NORM, MF_OPTIMIZER_CHECKED};

/* An optimizer for which the key means something, and that has memory for momentum. */
static mf_optimizer *optimizer_for(int32_t key)
{
    mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_optimizer *optimizer = NULL;

    spec.momentum = 0.5f;
    if (key == MF_OPTIMIZER_BETA1 || key == MF_OPTIMIZER_BETA2 || key == MF_OPTIMIZER_EPSILON) {
        spec.kind = MF_OPTIMIZER_ADAM;
        spec.momentum = 0.0f;
    }
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

static double get(const mf_optimizer *optimizer, int32_t key)
{
    double value = NAN;

    check_ok(mf_optimizer_get(optimizer, key, &value));
    return value;
}

static void test_defaults_are_those_of_the_header(void **state)
{
    mf_optimizer_spec spec;
    mf_optimizer *optimizer = NULL;

    (void)state;
    memset(&spec, 0xff, sizeof spec);
    check_ok(mf_optimizer_spec_init(&spec, sizeof spec));
    assert_int_equal(spec.kind, MF_OPTIMIZER_ADAM);
    assert_int_equal(spec.nesterov, 0);
    assert_null(spec.allocator);
    check_ok(mf_optimizer_create(&spec, &optimizer));
    assert_true(get(optimizer, MF_OPTIMIZER_LEARNING_RATE) == (double)0.001f);
    assert_true(get(optimizer, MF_OPTIMIZER_MOMENTUM) == 0.0);
    assert_true(get(optimizer, MF_OPTIMIZER_NESTEROV) == 0.0);
    assert_true(get(optimizer, MF_OPTIMIZER_BETA1) == (double)0.9f);
    assert_true(get(optimizer, MF_OPTIMIZER_BETA2) == (double)0.999f);
    assert_true(get(optimizer, MF_OPTIMIZER_EPSILON) == (double)1e-8f);
    assert_true(get(optimizer, MF_OPTIMIZER_WEIGHT_DECAY) == 0.0);
    assert_true(get(optimizer, MF_OPTIMIZER_CLIP_NORM) == 0.0);
    assert_true(get(optimizer, MF_OPTIMIZER_CHECKED) == 0.0);
    mf_optimizer_free(optimizer);
}

/* Both ends of the range are accepted, what lies beyond is not, and a refusal changes nothing. */
static void test_both_ends_of_a_range_are_accepted(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(keys); k++) {
        mf_optimizer *optimizer = optimizer_for(keys[k]);
        double lowest = NAN, highest = NAN, before;

        check_ok(mf_optimizer_range(keys[k], &lowest, &highest));
        assert_true(lowest < highest && isfinite(lowest) && isfinite(highest));
        check_ok(mf_optimizer_set(optimizer, keys[k], highest));
        assert_true(get(optimizer, keys[k]) == highest);
        check_ok(mf_optimizer_set(optimizer, keys[k], lowest));
        assert_true(get(optimizer, keys[k]) == lowest);
        before = lowest;
        check_status(MF_STATUS_ARGUMENT,
                     mf_optimizer_set(optimizer, keys[k], nextafter(lowest, -(double)INFINITY)));
        check_status(MF_STATUS_ARGUMENT,
                     mf_optimizer_set(optimizer, keys[k], nextafter(highest, (double)INFINITY)));
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, keys[k], (double)NAN));
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, keys[k], (double)INFINITY));
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, keys[k], -1.0));
        assert_true(get(optimizer, keys[k]) == before);
        mf_optimizer_free(optimizer);
    }
}

/* "Below 1" and "above 0" are the nearest floats that an optimizer can hold: subnormals count as 0 in steps.
 */
static void test_ranges_have_the_values_of_the_header(void **state)
{
    const double below_one = 0x1.fffffep-1, most = 0x1.fffffep+127, above_zero = 0x1p-126;
    const struct {
        int32_t key;
        double lowest, highest;
    } ranges[] = {{MF_OPTIMIZER_LEARNING_RATE, 0.0, most}, {MF_OPTIMIZER_MOMENTUM, 0.0, below_one},
                  {MF_OPTIMIZER_NESTEROV, 0.0, 1.0},       {MF_OPTIMIZER_BETA1, 0.0, below_one},
                  {MF_OPTIMIZER_BETA2, 0.0, below_one},    {MF_OPTIMIZER_EPSILON, above_zero, 1e6},
                  {MF_OPTIMIZER_WEIGHT_DECAY, 0.0, most},  {MF_OPTIMIZER_CLIP_NORM, 0.0, most},
                  {MF_OPTIMIZER_CHECKED, 0.0, 1.0}};
    double lowest, highest;

    (void)state;
    assert_int_equal(COUNT_OF(ranges), COUNT_OF(keys));
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        check_ok(mf_optimizer_range(ranges[i].key, &lowest, &highest));
        assert_true(lowest == ranges[i].lowest);
        assert_true(highest == ranges[i].highest);
    }
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_range(9, &lowest, &highest));
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_range(-1, &lowest, &highest));
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_range(0, NULL, &highest));
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_range(0, &lowest, NULL));
}

static void test_unknown_keys_are_refused(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.1);
    const int32_t unknown[] = {-1, 9, 1000, INT32_MIN, INT32_MAX};
    double value = 4.0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, unknown[i], 0.5));
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_get(optimizer, unknown[i], &value));
    }
    assert_true(value == 4.0);
    mf_optimizer_free(optimizer);
}

static void test_switches_are_0_or_1(void **state)
{
    static const int32_t switches[] = {MF_OPTIMIZER_NESTEROV, MF_OPTIMIZER_CHECKED};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(switches); i++) {
        mf_optimizer *optimizer = optimizer_for(switches[i]);

        for (int value = 1; value >= 0; value--) {
            check_ok(mf_optimizer_set(optimizer, switches[i], value));
            check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, switches[i], 0.5));
            check_message("must be 0 or 1, got 0.5");
            assert_true(get(optimizer, switches[i]) == value);
        }
        mf_optimizer_free(optimizer);
    }
}

/* Layers hold memory for momentum only if the optimizer began with some. */
static void test_momentum_needs_memory(void **state)
{
    const int32_t kinds[] = {MF_OPTIMIZER_SGD, MF_OPTIMIZER_RMSPROP};

    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        mf_optimizer *without = make_optimizer(kinds[k], 0.1), *with = NULL;
        mf_optimizer_spec spec = optimizer_spec(kinds[k], 0.1);

        check_status(MF_STATUS_STATE, mf_optimizer_set(without, MF_OPTIMIZER_MOMENTUM, 0.9));
        assert_true(get(without, MF_OPTIMIZER_MOMENTUM) == 0.0);
        check_ok(mf_optimizer_set(without, MF_OPTIMIZER_MOMENTUM, 0.0));
        spec.momentum = 0.5f;
        check_ok(mf_optimizer_create(&spec, &with));
        check_ok(mf_optimizer_set(with, MF_OPTIMIZER_MOMENTUM, 0.0));
        check_ok(mf_optimizer_set(with, MF_OPTIMIZER_MOMENTUM, 0.9));
        mf_optimizer_free(with);
        mf_optimizer_free(without);
    }
}

/* Kinds that have none do not swallow it. */
static void test_momentum_of_kinds_without_is_refused(void **state)
{
    (void)state;
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++) {
        int adam = kind == MF_OPTIMIZER_ADAM || kind == MF_OPTIMIZER_ADAMW;
        mf_optimizer_spec spec = optimizer_spec(kind, 0.1);
        mf_optimizer *optimizer = NULL;

        spec.momentum = 0.9f;
        check_status(adam ? MF_STATUS_ARGUMENT : MF_STATUS_OK, mf_optimizer_create(&spec, &optimizer));
        if (adam)
            check_message("momentum 0.9: Adam and AdamW have none but beta1");
        mf_optimizer_free(optimizer);
        spec.momentum = 0.0f;
        spec.nesterov = 1;
        check_status(kind ? MF_STATUS_ARGUMENT : MF_STATUS_OK, mf_optimizer_create(&spec, &optimizer));
        mf_optimizer_free(optimizer);
        spec.nesterov = 0;
        check_ok(mf_optimizer_create(&spec, &optimizer));
        check_status(kind ? MF_STATUS_ARGUMENT : MF_STATUS_OK,
                     mf_optimizer_set(optimizer, MF_OPTIMIZER_NESTEROV, 1.0));
        check_status(adam ? MF_STATUS_ARGUMENT : MF_STATUS_STATE,
                     mf_optimizer_set(optimizer, MF_OPTIMIZER_MOMENTUM, 0.9));
        assert_true(get(optimizer, MF_OPTIMIZER_MOMENTUM) == 0.0);
        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_MOMENTUM, 0.0));
        mf_optimizer_free(optimizer);
    }
}

/* Momentum set to 0 and back: v = 0 v + g meanwhile, and the update follows it. By hand for the
 * projection of a layer whose gradient is the same at every step: its projection and weights are put
 * back before each one. */
static void test_momentum_can_change_during_training(void **state)
{
    const double momenta[] = {0.5, 0.5, 0.0, 0.75};
    const double factors[] = {1.0, 1.5, 1.0, 1.75}; /* v / g after each step */
    mf_optimizer *optimizer = optimizer_for(MF_OPTIMIZER_MOMENTUM);
    mf_layer *layer = make_plain_layer(1, 1, 2, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 1);
    const float one = 1.0f, zero[2] = {0.0f, 0.0f};
    const int32_t label = 0;

    (void)state;
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_trainable(layer, "weight", 0));
    check_ok(mf_layer_set_trainable(layer, "bias", 0));
    check_ok(mf_layer_set_parameter(layer, "weight", &one, 1));
    check_ok(mf_layer_set_parameter(layer, "bias", zero, 1));
    for (size_t step = 0; step < COUNT_OF(momenta); step++) {
        float after[2];

        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_MOMENTUM, momenta[step]));
        check_ok(mf_layer_set_parameter(layer, "projection", zero, 2));
        check_ok(mf_layer_step(layer, workspace, 1, &one, &label, NULL));
        check_ok(mf_layer_get_parameter(layer, "projection", after, 2));
        /* G = 0: dG = (-1/2, 1/2), a = 1; lr = 0.1. */
        check_near(0.05 * factors[step], (double)after[0], 1e-6);
        check_near(-0.05 * factors[step], (double)after[1], 1e-6);
    }
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* A new rate counts from the next step of every layer that uses the optimizer. */
static void test_a_new_rate_counts_in_every_layer(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    const float x = 1.0f, zero[2] = {0.0f, 0.0f};
    const int32_t label = 1;

    (void)state;
    for (int i = 0; i < 2; i++) {
        mf_layer *layer = make_plain_layer(1, 1, 2, 1);
        mf_workspace *workspace = make_layer_workspace(layer, 1);
        float after[2];

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_ok(mf_layer_set_parameter(layer, "weight", &x, 1));
        check_ok(mf_layer_set_parameter(layer, "bias", zero, 1));
        check_ok(mf_layer_set_parameter(layer, "projection", zero, 2));
        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.0));
        check_ok(mf_layer_step(layer, workspace, 1, &x, &label, NULL));
        check_ok(mf_layer_get_parameter(layer, "projection", after, 2));
        assert_true(after[0] == 0.0f && after[1] == 0.0f);
        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 2.0));
        check_ok(mf_layer_step(layer, workspace, 1, &x, &label, NULL));
        check_ok(mf_layer_get_parameter(layer, "projection", after, 2));
        check_near(-1.0, (double)after[0], 1e-6);
        check_near(1.0, (double)after[1], 1e-6);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    mf_optimizer_free(optimizer);
}

static void test_the_cosine_schedule_follows_its_formula(void **state)
{
    (void)state;
    for (uint64_t t = 0; t <= 100; t++)
        check_near(0.1 + 0.9 * (1.0 + cos(3.14159265358979323846 * (double)t / 100.0)) / 2.0,
                   mf_schedule_cosine(t, 100, 0.1), 1e-12);
    assert_true(mf_schedule_cosine(0, 1000, 0.25) == 1.0);
    check_near(0.25, mf_schedule_cosine(1000, 1000, 0.25), 1e-15);
    check_near(0.25, mf_schedule_cosine(5000, 1000, 0.25), 1e-15);
    check_near(0.25, mf_schedule_cosine(UINT64_MAX, 1000, 0.25), 1e-15);
    assert_true(isfinite(mf_schedule_cosine(0, 0, 0.5)));
}

static void test_the_step_schedule_follows_its_formula(void **state)
{
    (void)state;
    for (uint64_t t = 0; t < 50; t++)
        check_near(pow(0.5, (double)(t / 7)), mf_schedule_step(t, 7, 0.5), 1e-12);
    assert_true(mf_schedule_step(1000, 0, 0.5) == 1.0);
    assert_true(mf_schedule_step(999, 1000, 0.5) == 1.0);
    assert_true(mf_schedule_step(1000, 1000, 0.5) == 0.5);
}

static void test_the_warmup_follows_its_formula(void **state)
{
    (void)state;
    for (uint64_t t = 0; t < 20; t++)
        check_near(fmin(1.0, (double)(t + 1) / 8.0), mf_schedule_warmup(t, 8), 1e-12);
    assert_true(mf_schedule_warmup(0, 0) == 1.0);
    assert_true(mf_schedule_warmup(UINT64_MAX, 8) == 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_the_header),
        cmocka_unit_test(test_both_ends_of_a_range_are_accepted),
        cmocka_unit_test(test_ranges_have_the_values_of_the_header),
        cmocka_unit_test(test_unknown_keys_are_refused),
        cmocka_unit_test(test_switches_are_0_or_1),
        cmocka_unit_test(test_momentum_needs_memory),
        cmocka_unit_test(test_momentum_of_kinds_without_is_refused),
        cmocka_unit_test(test_momentum_can_change_during_training),
        cmocka_unit_test(test_a_new_rate_counts_in_every_layer),
        cmocka_unit_test(test_the_cosine_schedule_follows_its_formula),
        cmocka_unit_test(test_the_step_schedule_follows_its_formula),
        cmocka_unit_test(test_the_warmup_follows_its_formula),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
