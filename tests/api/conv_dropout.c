/* Dropout of whole maps: each map of a row is 0 or scaled as a whole; its rate, its spread, its masks.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "random.h"

enum { ROWS = 60, FILTERS = 25, PLACES = 2 * 3, MAPS = ROWS * FILTERS, INPUTS = 2 * 5 * 7, CLASSES = 4 };

typedef struct fixture {
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    float x[ROWS * INPUTS], plain[MAPS * PLACES], a[MAPS * PLACES];
    int32_t y[ROWS];
} fixture;

/* An activation that is never 0 by itself. */
static mf_layer_spec maps_spec(int32_t maps, float rate, uint64_t seed)
{
    mf_layer_spec spec = conv_spec(2, 5, 7, FILTERS, CLASSES);

    spec.kernel[0] = 2;
    spec.kernel[1] = 2;
    spec.pool = MF_POOL_AVERAGE;
    spec.activation = MF_ACTIVATION_TANH;
    spec.dropout = rate;
    spec.dropout_maps = maps;
    spec.seed = seed;
    return spec;
}

static void step(fixture *s)
{
    check_ok(mf_layer_step(s->layer, s->workspace, ROWS, s->x, s->y, s->a));
}

/* After one step at rate 0. */
static fixture *make_fixture(const mf_layer_spec *spec)
{
    fixture *s = get_zeroed(1, sizeof *s);
    test_random random = {4};

    s->layer = make_layer(spec);
    s->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    check_ok(mf_layer_set_optimizer(s->layer, s->optimizer));
    s->workspace = make_layer_workspace(s->layer, ROWS);
    random_values(&random, s->x, COUNT_OF(s->x), 1.0);
    random_labels(&random, s->y, ROWS, CLASSES);
    check_ok(mf_layer_forward(s->layer, s->workspace, ROWS, s->x, s->plain));
    step(s);
    return s;
}

static void free_fixture(fixture *s)
{
    mf_workspace_free(s->workspace);
    mf_layer_free(s->layer);
    mf_optimizer_free(s->optimizer);
    free(s);
}

/* 1 for every map that is 0; the others must be scaled to the last value. */
static void read_mask(const fixture *s, double rate, unsigned char mask[MAPS])
{
    for (size_t map = 0; map < MAPS; map++) {
        size_t zeros = 0;

        for (size_t i = map * PLACES; i < (map + 1) * PLACES; i++) {
            double scaled = (double)s->plain[i] / (1.0 - rate);

            assert_true(s->plain[i] != 0.0f);
            zeros += s->a[i] == 0.0f;
            if (s->a[i] != 0.0f)
                check_near(scaled, (double)s->a[i], 1e-5 * (0.01 + fabs(scaled)));
        }
        if (zeros != 0 && zeros != PLACES)
            fail_msg("map %zu: %zu of %d values are 0", map, zeros, (int)PLACES);
        mask[map] = zeros != 0;
    }
}

static size_t count_ones(const unsigned char *mask, size_t count, size_t stride)
{
    size_t ones = 0;

    for (size_t i = 0; i < count; i++)
        ones += mask[i * stride];
    return ones;
}

static void test_dropout_has_the_right_rate_and_scale(void **state)
{
    const float rates[] = {0.1f, 0.25f, 0.5f, 0.875f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        mf_layer_spec spec = maps_spec(1, rates[i], 21);
        fixture *s = make_fixture(&spec);
        unsigned char mask[MAPS];
        double rate = (double)rates[i], deviation = sqrt(rate * (1.0 - rate) / MAPS);

        read_mask(s, rate, mask);
        check_near(rate, (double)count_ones(mask, MAPS, 1) / MAPS, 4.0 * deviation);
        free_fixture(s);
    }
}

/* No stripes: every row and every filter loses some maps and keeps some. */
static void test_every_row_and_filter_loses_some_maps(void **state)
{
    mf_layer_spec spec = maps_spec(1, 0.5f, 22);
    fixture *s = make_fixture(&spec);
    unsigned char mask[MAPS];

    (void)state;
    read_mask(s, 0.5, mask);
    for (size_t r = 0; r < ROWS; r++)
        assert_in_range(count_ones(mask + r * FILTERS, FILTERS, 1), 3, FILTERS - 3);
    for (size_t f = 0; f < FILTERS; f++)
        assert_in_range(count_ones(mask + f, ROWS, FILTERS), 12, ROWS - 12);
    free_fixture(s);
}

/* Maps are dropped apart from each other: no map goes along with one that comes some maps later. */
static void test_maps_are_dropped_independently(void **state)
{
    mf_layer_spec spec = maps_spec(1, 0.5f, 22);
    fixture *s = make_fixture(&spec);
    unsigned char mask[MAPS];

    (void)state;
    read_mask(s, 0.5, mask);
    for (size_t lag = 1; lag <= 64; lag++) {
        double alike = 0.0, count = MAPS - (double)lag;

        for (size_t i = 0; i + lag < MAPS; i++)
            alike += mask[i] == mask[i + lag];
        check_near(0.5, alike / count, 5.0 * 0.5 / sqrt(count));
    }
    free_fixture(s);
}

static size_t difference(const fixture *one, const fixture *other)
{
    unsigned char first[MAPS], second[MAPS];
    size_t different = 0;

    read_mask(one, 0.5, first);
    read_mask(other, 0.5, second);
    for (size_t i = 0; i < MAPS; i++)
        different += first[i] != second[i];
    return different;
}

static void test_masks_differ_between_steps_and_repeat_with_the_seed(void **state)
{
    mf_layer_spec spec = maps_spec(1, 0.5f, 23);
    fixture *one = make_fixture(&spec), *same = make_fixture(&spec), *first = get_memory(sizeof *first);

    (void)state;
    assert_memory_equal(one->a, same->a, sizeof one->a);
    memcpy(first, one, sizeof *first);
    for (int i = 0; i < 5; i++) {
        step(one);
        assert_true(difference(one, first) > MAPS / 3);
        step(same);
        assert_memory_equal(one->a, same->a, sizeof one->a);
    }
    free(first);
    free_fixture(one);
    free_fixture(same);
}

/* Another seed, and so other weights: only the masks can be compared. */
static void test_masks_differ_between_seeds(void **state)
{
    mf_layer_spec spec = maps_spec(1, 0.5f, 23), next = maps_spec(1, 0.5f, 24);
    fixture *one = make_fixture(&spec), *other = make_fixture(&next);

    (void)state;
    assert_true(difference(one, other) > MAPS / 3);
    free_fixture(one);
    free_fixture(other);
}

/* Without the option single values go, and most maps are neither whole nor gone. */
static void test_without_dropout_maps_single_values_are_dropped(void **state)
{
    mf_layer_spec spec = maps_spec(0, 0.5f, 25);
    fixture *s = make_fixture(&spec);
    size_t mixed = 0, zeros = 0;

    (void)state;
    for (size_t map = 0; map < MAPS; map++) {
        size_t here = 0;

        for (size_t i = map * PLACES; i < (map + 1) * PLACES; i++)
            here += s->a[i] == 0.0f;
        mixed += here > 0 && here < PLACES;
        zeros += here;
    }
    assert_true(mixed > 9 * MAPS / 10);
    check_near(0.5, (double)zeros / (MAPS * PLACES), 4.0 * 0.5 / sqrt(MAPS * PLACES));
    free_fixture(s);
}

/* Set on the way, and no dropout in inference. */
static void test_the_rate_can_be_set_and_inference_has_no_dropout(void **state)
{
    mf_layer_spec spec = maps_spec(1, 0.0f, 26);
    fixture *s = make_fixture(&spec);
    unsigned char mask[MAPS];

    (void)state;
    assert_memory_equal(s->a, s->plain, sizeof s->a);
    check_ok(mf_layer_set(s->layer, MF_LAYER_DROPOUT, 0.5));
    step(s);
    read_mask(s, 0.5, mask);
    assert_in_range(count_ones(mask, MAPS, 1), MAPS / 3, 2 * MAPS / 3);
    check_ok(mf_layer_forward(s->layer, s->workspace, ROWS, s->x, s->a));
    assert_memory_equal(s->a, s->plain, sizeof s->a);
    free_fixture(s);
}

/* The head, the loss, the gradients and the running mean and variance know nothing of it. */
static void test_dropout_does_not_change_the_layers_own_learning(void **state)
{
    mf_layer_spec spec = maps_spec(1, 0.0f, 27), dropping = maps_spec(1, 0.75f, 27);

    (void)state;
    for (int32_t normalization = 0; normalization <= 1; normalization++) {
        spec.normalization = dropping.normalization = normalization;
        spec.head_size = dropping.head_size = (size_t)normalization;
        fixture *one = make_fixture(&spec), *other = make_fixture(&dropping);

        check_ok(mf_optimizer_set(one->optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.1));
        check_ok(mf_optimizer_set(other->optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.1));
        for (int i = 0; i < 4; i++) {
            step(one);
            step(other);
            assert_true(read_report(one->workspace, 0).loss == read_report(other->workspace, 0).loss);
        }
        saved_values all = save_layer_values(one->layer);

        check_layer_unchanged(&all, other->layer);
        free_saved_values(&all);
        free_fixture(one);
        free_fixture(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropout_has_the_right_rate_and_scale),
        cmocka_unit_test(test_every_row_and_filter_loses_some_maps),
        cmocka_unit_test(test_maps_are_dropped_independently),
        cmocka_unit_test(test_masks_differ_between_steps_and_repeat_with_the_seed),
        cmocka_unit_test(test_masks_differ_between_seeds),
        cmocka_unit_test(test_without_dropout_maps_single_values_are_dropped),
        cmocka_unit_test(test_the_rate_can_be_set_and_inference_has_no_dropout),
        cmocka_unit_test(test_dropout_does_not_change_the_layers_own_learning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
