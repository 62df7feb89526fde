/* The same seed gives the same bits; others differ. Dropout: its rate, its scale, its limits.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "random.h"

enum { ROWS = 32, CLASSES = 4 };

static const size_t widths[] = {20, 50, 41, 30};

/* Trains a fresh network with dropout everywhere and returns every bit of its parameters. */
static saved_values trained(uint64_t seed, int32_t kind, uint64_t data)
{
    mf_optimizer *optimizer = make_optimizer(kind, 0.01);
    mf_network *network = make_stack(widths, 3, CLASSES, seed, optimizer);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    test_random random = {data};
    saved_values result;

    for (size_t i = 0; i < 3; i++)
        check_ok(mf_layer_set(layer_at(network, i), MF_LAYER_DROPOUT, 0.3));
    for (int step = 0; step < 20; step++) {
        float x[ROWS * 20];
        int32_t y[ROWS];

        random_values(&random, x, COUNT_OF(x), 1.0);
        random_labels(&random, y, ROWS, CLASSES);
        check_ok(mf_network_step(network, workspace, 1 + random_index(&random, ROWS), x, y));
    }
    result = save_network_values(network);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return result;
}

static void test_the_same_seed_gives_the_same_bits(void **state)
{
    (void)state;
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++) {
        saved_values one = trained(11, kind, 1), same = trained(11, kind, 1);
        saved_values other = trained(12, kind, 1);

        assert_true(one.count > 3000);
        for (size_t i = 0; i < one.count; i++)
            assert_true(isfinite(one.values[i]));
        assert_true(same_values(&one, &same));
        assert_false(same_values(&one, &other));
        free_saved_values(&one);
        free_saved_values(&same);
        free_saved_values(&other);
    }
}

static int layers_alike(const mf_layer *one, const mf_layer *other)
{
    saved_values a = save_layer_values(one), b = save_layer_values(other);
    int alike = same_values(&a, &b);

    free_saved_values(&a);
    free_saved_values(&b);
    return alike;
}

static void test_automatic_seeds_differ(void **state)
{
    mf_layer *layers[4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(layers); i++)
        layers[i] = make_plain_layer(8, 9, 3, MF_SEED_AUTO);
    for (size_t i = 0; i < COUNT_OF(layers); i++)
        for (size_t j = 0; j < i; j++)
            assert_false(layers_alike(layers[i], layers[j]));
    for (size_t i = 0; i < COUNT_OF(layers); i++) {
        mf_layer_spec spec = {.struct_size = sizeof spec};
        mf_layer *again;

        /* The seed that was drawn is told, so that the layer can be made again. */
        check_ok(mf_layer_describe(layers[i], &spec));
        assert_true(spec.seed != MF_SEED_AUTO);
        again = make_layer(&spec);
        assert_true(layers_alike(layers[i], again));
        mf_layer_free(again);
        mf_layer_free(layers[i]);
    }
}

static void test_explicit_seeds_decide_the_parameters(void **state)
{
    mf_layer *one = make_plain_layer(8, 9, 3, 5), *same = make_plain_layer(8, 9, 3, 5);
    mf_layer *next = make_plain_layer(8, 9, 3, 6);
    mf_layer *far = make_plain_layer(8, 9, 3, UINT64_C(5) + (UINT64_C(1) << 40));

    (void)state;
    assert_true(layers_alike(one, same));
    assert_false(layers_alike(one, next));
    assert_false(layers_alike(one, far)); /* all 64 bits count */
    mf_layer_free(one);
    mf_layer_free(same);
    mf_layer_free(next);
    mf_layer_free(far);
}

/* Weights and projection of one layer must not be the same numbers. */
static void test_parameters_of_a_layer_are_drawn_independently(void **state)
{
    mf_layer *layer = make_plain_layer(9, 9, 9, 5);
    float *w = read_parameter(layer, "weight", NULL), *m = read_parameter(layer, "projection", NULL);
    size_t same = 0;

    (void)state;
    for (size_t i = 0; i < 81; i++)
        same += w[i] == m[i];
    assert_true(same < 3);
    free(w);
    free(m);
    mf_layer_free(layer);
}

typedef struct dropped {
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    float *x, *plain, *a;
    int32_t *y;
    size_t count;
} dropped;

/* 200 rows of 150 neurons whose activation is never 0 by itself. */
static void open_dropped(dropped *d, double rate, uint64_t seed)
{
    mf_layer_spec spec = layer_spec(10, 150, CLASSES);
    test_random random = {4};

    spec.activation = MF_ACTIVATION_TANH;
    spec.seed = seed;
    d->layer = make_layer(&spec);
    check_ok(mf_layer_set(d->layer, MF_LAYER_DROPOUT, rate));
    d->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    check_ok(mf_layer_set_optimizer(d->layer, d->optimizer));
    d->workspace = make_layer_workspace(d->layer, 200);
    d->count = 200 * 150;
    d->x = get_memory(200 * 10 * sizeof *d->x);
    d->plain = get_memory(d->count * sizeof *d->plain);
    d->a = get_memory(d->count * sizeof *d->a);
    d->y = get_memory(200 * sizeof *d->y);
    random_values(&random, d->x, 200 * 10, 1.0);
    random_labels(&random, d->y, 200, CLASSES);
    check_ok(mf_layer_forward(d->layer, d->workspace, 200, d->x, d->plain));
    check_ok(mf_layer_step(d->layer, d->workspace, 200, d->x, d->y, d->a));
}

static void close_dropped(dropped *d)
{
    mf_workspace_free(d->workspace);
    mf_layer_free(d->layer);
    mf_optimizer_free(d->optimizer);
    free(d->x);
    free(d->plain);
    free(d->a);
    free(d->y);
}

static void test_dropout_has_the_right_rate_and_scale(void **state)
{
    const double rates[] = {0.1, 0.25, 0.5, 0.9};

    (void)state;
    for (size_t s = 0; s < COUNT_OF(rates); s++) {
        dropped d;
        double zeros = 0.0, deviation;

        open_dropped(&d, rates[s], 21);
        for (size_t i = 0; i < d.count; i++)
            if (d.a[i] == 0.0f)
                zeros++;
            else
                check_near((double)d.plain[i] / (1.0 - rates[s]), (double)d.a[i],
                           1e-5 * (fabs((double)d.plain[i]) / (1.0 - rates[s]) + 0.01));
        deviation = sqrt(rates[s] * (1.0 - rates[s]) / (double)d.count);
        check_near(rates[s], zeros / (double)d.count, 5.0 * deviation);
        close_dropped(&d);
    }
}

/* Every row and every neuron is hit: no stripes in the mask. */
static void test_dropout_reaches_every_row_and_neuron(void **state)
{
    dropped d;

    (void)state;
    open_dropped(&d, 0.5, 22);
    for (size_t j = 0; j < 150; j++) {
        size_t zeros = 0;

        for (size_t r = 0; r < 200; r++)
            zeros += d.a[r * 150 + j] == 0.0f;
        assert_in_range(zeros, 60, 140);
    }
    for (size_t r = 0; r < 200; r++) {
        size_t zeros = 0;

        for (size_t j = 0; j < 150; j++)
            zeros += d.a[r * 150 + j] == 0.0f;
        assert_in_range(zeros, 40, 110);
    }
    close_dropped(&d);
}

static size_t mask_difference(const float *one, const float *other, size_t count)
{
    size_t different = 0;

    for (size_t i = 0; i < count; i++)
        different += (one[i] == 0.0f) != (other[i] == 0.0f);
    return different;
}

static void test_dropout_differs_by_step_and_seed(void **state)
{
    dropped d, other, same;
    float *first;

    (void)state;
    open_dropped(&d, 0.5, 23);
    open_dropped(&other, 0.5, 24);
    open_dropped(&same, 0.5, 23);
    assert_memory_equal(d.a, same.a, d.count * sizeof *d.a);
    assert_true(mask_difference(d.a, other.a, d.count) > d.count / 3);
    first = get_memory(d.count * sizeof *first);
    memcpy(first, d.a, d.count * sizeof *first);
    check_ok(mf_layer_step(d.layer, d.workspace, 200, d.x, d.y, d.a));
    assert_true(mask_difference(d.a, first, d.count) > d.count / 3);
    check_ok(mf_layer_step(same.layer, same.workspace, 200, d.x, d.y, same.a));
    assert_memory_equal(d.a, same.a, d.count * sizeof *d.a);
    free(first);
    close_dropped(&d);
    close_dropped(&other);
    close_dropped(&same);
}

/* The goodness reads the activation before dropout: learning and loss do not know of it. */
static void test_dropout_does_not_change_the_layers_own_goodness(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.02);
    mf_layer *plain = make_plain_layer(10, 20, CLASSES, 3), *dropping = make_plain_layer(10, 20, CLASSES, 3);
    mf_workspace *one = make_layer_workspace(plain, ROWS), *two = make_layer_workspace(dropping, ROWS);
    test_random random = {6};
    float x[ROWS * 10], a[ROWS * 20];
    int32_t y[ROWS];

    (void)state;
    check_ok(mf_layer_set_optimizer(plain, optimizer));
    check_ok(mf_layer_set_optimizer(dropping, optimizer));
    check_ok(mf_layer_set(dropping, MF_LAYER_DROPOUT, 0.5));
    for (int step = 0; step < 10; step++) {
        random_values(&random, x, COUNT_OF(x), 1.0);
        random_labels(&random, y, ROWS, CLASSES);
        check_ok(mf_layer_step(plain, one, ROWS, x, y, NULL));
        check_ok(mf_layer_step(dropping, two, ROWS, x, y, step % 2 ? a : NULL));
        assert_true(read_report(one, 0).loss == read_report(two, 0).loss);
        assert_true(read_report(one, 0).correct == read_report(two, 0).correct);
    }
    assert_true(layers_alike(plain, dropping));
    mf_workspace_free(one);
    mf_workspace_free(two);
    mf_layer_free(plain);
    mf_layer_free(dropping);
    mf_optimizer_free(optimizer);
}

/* The mask belongs to the step, not to whether somebody looks at the activation. */
static void test_the_mask_does_not_depend_on_the_output_pointer(void **state)
{
    dropped d, same;

    (void)state;
    open_dropped(&d, 0.5, 25);
    open_dropped(&same, 0.5, 25);
    check_ok(mf_layer_step(d.layer, d.workspace, 200, d.x, d.y, NULL));
    check_ok(mf_layer_step(same.layer, same.workspace, 200, d.x, d.y, same.a));
    check_ok(mf_layer_step(d.layer, d.workspace, 200, d.x, d.y, d.a));
    check_ok(mf_layer_step(same.layer, same.workspace, 200, d.x, d.y, same.a));
    assert_memory_equal(d.a, same.a, d.count * sizeof *d.a);
    close_dropped(&d);
    close_dropped(&same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_bits),
        cmocka_unit_test(test_automatic_seeds_differ),
        cmocka_unit_test(test_explicit_seeds_decide_the_parameters),
        cmocka_unit_test(test_parameters_of_a_layer_are_drawn_independently),
        cmocka_unit_test(test_dropout_has_the_right_rate_and_scale),
        cmocka_unit_test(test_dropout_reaches_every_row_and_neuron),
        cmocka_unit_test(test_dropout_differs_by_step_and_seed),
        cmocka_unit_test(test_dropout_does_not_change_the_layers_own_goodness),
        cmocka_unit_test(test_the_mask_does_not_depend_on_the_output_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
