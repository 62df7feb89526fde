/* Units that drop values or maps: how many, which, in steps alone; and how gradients go through them.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "oracle_units.h"
#include "random.h"

enum { ROWS = 60, FILTERS = 25, PLACES = 6, VALUES = FILTERS * PLACES, CLASSES = 4 };

/* A layer that passes a batch on, with what it does to it in a step at rate 0. */
typedef struct fixture {
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    float x[ROWS * VALUES], a[ROWS * VALUES];
    int32_t y[ROWS];
} fixture;

static void step(fixture *s)
{
    check_ok(mf_layer_step(s->layer, s->workspace, ROWS, s->x, s->y, s->a));
}

static fixture *make_fixture(const units_plan *plan)
{
    fixture *s = get_zeroed(1, sizeof *s);
    test_random random = {4};

    s->layer = make_units(plan);
    s->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    check_ok(mf_layer_set_optimizer(s->layer, s->optimizer));
    s->workspace = make_layer_workspace(s->layer, ROWS);
    random_values(&random, s->x, COUNT_OF(s->x), 1.0);
    random_labels(&random, s->y, ROWS, CLASSES);
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

static units_plan dropping(float rate, int32_t maps, uint64_t seed)
{
    units_plan plan = plan_maps(FILTERS, 2, 3, CLASSES);

    plan_add(&plan, unit_dropout(rate, maps));
    plan.seed = seed;
    return plan;
}

/* How many values are 0; the others must be the input, scaled up. */
static size_t count_dropped(const fixture *s, double rate)
{
    size_t dropped = 0;

    for (size_t i = 0; i < COUNT_OF(s->a); i++) {
        double scaled = (double)s->x[i] / (1.0 - rate);

        dropped += s->a[i] == 0.0f;
        if (s->a[i] != 0.0f)
            check_near(scaled, (double)s->a[i], 1e-6 * fabs(scaled));
    }
    return dropped;
}

/* ---- how many and which ---- */

static void test_dropout_has_the_right_rate(void **state)
{
    const float rates[] = {0.1f, 0.25f, 0.5f, 0.875f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rates); i++)
        for (int32_t maps = 0; maps <= 1; maps++) {
            units_plan plan = dropping(rates[i], maps, 21);
            fixture *s = make_fixture(&plan);
            double rate = (double)rates[i], draws = ROWS * (maps ? FILTERS : VALUES);

            check_near(rate, (double)count_dropped(s, rate) / (ROWS * VALUES),
                       4.0 * sqrt(rate * (1.0 - rate) / draws));
            free_fixture(s);
        }
}

/* Whole maps, or values in nearly all maps; every row and every map loses some. */
static void test_maps_or_single_values_are_dropped(void **state)
{
    (void)state;
    for (int32_t maps = 0; maps <= 1; maps++) {
        units_plan plan = dropping(0.5f, maps, 22);
        fixture *s = make_fixture(&plan);
        size_t mixed = 0, of_row[ROWS] = {0}, of_map[FILTERS] = {0};

        for (size_t map = 0; map < ROWS * FILTERS; map++) {
            size_t zeros = 0;

            for (size_t i = 0; i < PLACES; i++)
                zeros += s->a[map * PLACES + i] == 0.0f;
            mixed += zeros > 0 && zeros < PLACES;
            of_row[map / FILTERS] += zeros;
            of_map[map % FILTERS] += zeros;
        }
        if (maps)
            assert_int_equal(mixed, 0);
        else
            assert_true(mixed > 9 * ROWS * FILTERS / 10);
        for (size_t r = 0; r < ROWS; r++)
            assert_in_range(of_row[r], VALUES / 8, VALUES - VALUES / 8);
        for (size_t f = 0; f < FILTERS; f++)
            assert_in_range(of_map[f], ROWS * PLACES / 5, ROWS * PLACES - ROWS * PLACES / 5);
        free_fixture(s);
    }
}

/* A row of values has no maps. */
static void test_rows_have_no_maps_to_drop(void **state)
{
    units_plan plan = plan_row(VALUES, CLASSES);
    mf_unit_spec unit = unit_dropout(0.5f, 1);
    mf_builder *builder = start_builder(&plan, NULL);

    (void)state;
    check_status(MF_STATUS_SHAPE, mf_builder_unit(builder, &unit, NULL));
    mf_builder_free(builder);
}

static size_t difference(const fixture *one, const fixture *other)
{
    size_t different = 0;

    for (size_t i = 0; i < COUNT_OF(one->a); i++)
        different += (one->a[i] == 0.0f) != (other->a[i] == 0.0f);
    return different;
}

/* The masks of a seed repeat; those of the next step, and of another seed, are others. */
static void test_masks_repeat_with_the_seed_and_differ_between_steps(void **state)
{
    (void)state;
    for (int32_t maps = 0; maps <= 1; maps++) {
        units_plan plan = dropping(0.5f, maps, 23), next = dropping(0.5f, maps, 24);
        fixture *one = make_fixture(&plan), *same = make_fixture(&plan), *other = make_fixture(&next);
        fixture *first = get_memory(sizeof *first);

        *first = *one;
        assert_int_equal(difference(one, same), 0);
        assert_true(difference(one, other) > ROWS * VALUES / 3);
        step(one);
        step(same);
        assert_int_equal(difference(one, same), 0);
        assert_true(difference(one, first) > ROWS * VALUES / 3);
        free(first);
        free_fixture(one);
        free_fixture(same);
        free_fixture(other);
    }
}

/* Two units of a layer draw apart from each other, and the layer's own dropout apart from them. */
static void test_units_drop_independently(void **state)
{
    units_plan sum = dropping(0.5f, 0, 25), both = dropping(0.5f, 0, 25);
    double draws = ROWS * VALUES, zero = 0.0, twice = 0.0;
    fixture *s;

    (void)state;
    plan_add(&sum, unit_reading(unit_dropout(0.5f, 0), 0));
    plan_add(&sum, unit_add(1, 2));
    s = make_fixture(&sum);
    for (size_t i = 0; i < COUNT_OF(s->a); i++) {
        zero += s->a[i] == 0.0f;
        twice += fabs((double)s->a[i] - 4.0 * (double)s->x[i]) <= 1e-5 * fabs((double)s->x[i]);
    }
    check_near(0.25, zero / draws, 4.0 * sqrt(0.1875 / draws));
    check_near(0.25, twice / draws, 4.0 * sqrt(0.1875 / draws));
    free_fixture(s);
    both.dropout = 0.5f;
    s = make_fixture(&both);
    check_near(0.75, (double)count_dropped(s, 0.75) / draws, 4.0 * sqrt(0.1875 / draws));
    free_fixture(s);
}

static void test_no_dropout_in_inference(void **state)
{
    units_plan plan = dropping(0.5f, 0, 26);
    fixture *s = make_fixture(&plan);
    mf_network *network = make_network();
    mf_workspace *workspace;
    double losses[2];

    (void)state;
    check_ok(mf_layer_forward(s->layer, s->workspace, ROWS, s->x, s->a));
    assert_memory_equal(s->a, s->x, sizeof s->a);
    check_ok(mf_network_append(network, s->layer, NULL));
    workspace = make_network_workspace(network, ROWS);
    for (int i = 0; i < 2; i++) {
        check_ok(mf_network_evaluate(network, workspace, ROWS, s->x, s->y));
        losses[i] = read_report(workspace, 0).loss;
    }
    assert_true(losses[0] == losses[1]);
    mf_workspace_free(workspace);
    mf_network_free(network);
    free_fixture(s);
}

/* ---- what learns from it ---- */

/* M reads what a unit left, and what the layer's own dropout takes away later. */
static void test_the_head_reads_values_after_a_units_dropout(void **state)
{
    (void)state;
    for (int unit = 0; unit <= 1; unit++) {
        units_plan plan = plan_row(VALUES, CLASSES);
        fixture *s;
        mf_batch batch;
        float gradients[CLASSES * VALUES];
        size_t without = 0;

        plan_add(&plan, unit_dropout(unit ? 0.5f : 0.0f, 0));
        plan.dropout = unit ? 0.0f : 0.5f;
        s = make_fixture(&plan);
        batch = make_batch(1, s->x, s->y);
        check_ok(mf_layer_gradients(s->layer, s->workspace, &batch, s->a, gradients, COUNT_OF(gradients)));
        for (size_t i = 0; i < VALUES; i++) {
            without += gradients[i] == 0.0f;
            if (unit)
                assert_int_equal(gradients[i] == 0.0f, s->a[i] == 0.0f);
        }
        if (!unit)
            assert_int_equal(without, 0);
        free_fixture(s);
    }
}

/* For one row a dropout is a normalisation by a fixed mean and variance whose scales are the mask. Its values
 * show behind a unit that changes nothing. */
static units_plan masked(int conv, int oracle)
{
    units_plan plan = conv ? plan_maps(2, 3, 3, CLASSES) : plan_row(7, CLASSES);
    mf_unit_spec same = conv ? unit_conv(8, 1, 0) : unit_dense(8), norm = unit_norm();

    same.bias = norm.bias = 0;
    plan_add(&plan, conv ? unit_conv(8, 2, 0) : unit_dense(8));
    plan_add(&plan, oracle ? norm : unit_dropout(0.5f, conv));
    plan_add(&plan, same);
    return plan;
}

static void set_mask(units_oracle *oracle, const float *a, const float *plain, size_t places)
{
    oracle_parameter *own = oracle->nodes[2].own;

    for (size_t c = 0; c < 8; c++) {
        own[UNIT_SCALE].value[c] = (double)a[c * places] / (double)plain[c * places];
        own[UNIT_MEAN].value[c] = 0.0;
        own[UNIT_VARIANCE].value[c] = 1.0 - (double)1e-5f;
        assert_true(own[UNIT_SCALE].value[c] == 0.0 || fabs(own[UNIT_SCALE].value[c] - 2.0) < 1e-5);
    }
    own[UNIT_MEAN].frozen = own[UNIT_VARIANCE].frozen = 1;
}

static void compare_with_mask(units_oracle *oracle, const mf_layer *layer, const float *gradients)
{
    for (size_t i = 0; i < oracle->listed; i++) {
        const oracle_parameter *p = oracle->list[i].parameter;
        double largest = 0.0;

        if (!has_parameter(layer, oracle->list[i].name))
            continue; /* those of the mask */
        for (size_t j = 0; j < p->count; j++)
            largest = fmax(largest, fabs(p->gradient[j]));
        assert_true(largest > 1e-4);
        for (size_t j = 0; j < p->count; j++)
            if (!(fabs((double)*gradients++ - p->gradient[j]) <= 1e-5 * largest))
                fail_msg("the gradient of %s[%zu] is %.9g, the oracle's is %.9g", oracle->list[i].name, j,
                         (double)gradients[-1], p->gradient[j]);
    }
}

static void set_both(units_oracle *oracle, mf_layer *layer, test_random *random)
{
    units_draw(oracle, random);
    for (size_t i = 0; i < 64; i++)
        oracle->nodes[3].own[UNIT_WEIGHT].value[i] = i / 8 == i % 8;
    for (size_t i = 0; i < oracle->listed; i++) {
        const oracle_parameter *p = oracle->list[i].parameter;
        float *values = get_memory(p->count * sizeof *values);

        for (size_t j = 0; j < p->count; j++)
            values[j] = (float)p->value[j];
        if (has_parameter(layer, oracle->list[i].name))
            check_ok(mf_layer_set_parameter(layer, oracle->list[i].name, values, p->count));
        free(values);
    }
}

static void test_gradients_with_dropout_match_the_oracle(void **state)
{
    (void)state;
    for (int conv = 0; conv <= 1; conv++) {
        units_plan library = masked(conv, 0), plan = masked(conv, 1);
        mf_layer *layer = make_units(&library);
        mf_workspace *workspace = make_layer_workspace(layer, 1);
        units_oracle *oracle = units_create(&plan);
        size_t count = count_gradients(layer), inputs = conv ? 18 : 7, places = conv ? 4 : 1;
        float x[18], a[32], plain[32], *gradients = get_memory(count * sizeof *gradients);
        test_random random = {8};
        int said = 0;

        set_both(oracle, layer, &random);
        for (int32_t i = 0; i < 20; i++) {
            int32_t y = i % CLASSES;
            mf_batch batch = make_batch(1, x, &y);
            double *exact;

            random_values(&random, x, inputs, 1.0);
            exact = oracle_rows(x, 1, inputs, inputs);
            check_ok(mf_layer_forward(layer, workspace, 1, x, plain));
            check_ok(mf_layer_gradients(layer, workspace, &batch, a, gradients, count));
            set_mask(oracle, a, plain, places);
            /* A label that is nearly certain leaves differences of rounding. */
            if (units_gradients(oracle, 1, exact, &y, NULL, NULL).loss > 0.2) {
                compare_with_mask(oracle, layer, gradients);
                said++;
            }
            free(exact);
        }
        assert_true(said > 5);
        free(gradients);
        units_free(oracle);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropout_has_the_right_rate),
        cmocka_unit_test(test_maps_or_single_values_are_dropped),
        cmocka_unit_test(test_rows_have_no_maps_to_drop),
        cmocka_unit_test(test_masks_repeat_with_the_seed_and_differ_between_steps),
        cmocka_unit_test(test_units_drop_independently),
        cmocka_unit_test(test_no_dropout_in_inference),
        cmocka_unit_test(test_the_head_reads_values_after_a_units_dropout),
        cmocka_unit_test(test_gradients_with_dropout_match_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
