/* Convolutions repeat themselves: the same seed gives the same bits, whatever the workspace was made for and
 * whoever calls the layers; a step is its two halves. SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "random.h"

enum { ROWS = 45, CLASSES = 4, INPUTS = 2 * 9 * 8, LAYERS = 4 };

/* Two convolutions, the first of which cuts a batch into blocks, and two dense layers; dropout in three. */
static mf_layer_spec spec_at(size_t position, uint64_t seed)
{
    mf_layer_spec specs[LAYERS] = {conv_spec(2, 9, 8, 5, CLASSES), conv_spec(1, 1, 1, 6, CLASSES),
                                   layer_spec(0, 20, CLASSES), layer_spec(0, 9, CLASSES)};

    specs[0].padding[0] = specs[0].padding[1] = 1;
    specs[0].pool = MF_POOL_MAX;
    specs[0].normalization = MF_NORMALIZATION_BATCH;
    specs[0].dropout = 0.25f;
    specs[0].dropout_maps = 1;
    specs[1].kernel[0] = specs[1].kernel[1] = 2;
    specs[1].activation = MF_ACTIVATION_GELU;
    specs[1].head_size = 2;
    specs[1].dropout = 0.1f;
    specs[2].normalization = MF_NORMALIZATION_BATCH;
    specs[2].dropout = 0.2f;
    for (size_t i = 0; i < LAYERS; i++) {
        specs[i].seed = seed + i;
        if (i > 0)
            check_ok(mf_layer_spec_follow(&specs[i], &specs[i - 1]));
    }
    return specs[position];
}

static mf_network *make_maps_network(uint64_t seed, mf_optimizer *optimizer)
{
    mf_network *network = make_network();

    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer_spec spec = spec_at(i, seed);
        mf_layer *layer = make_layer(&spec);

        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

typedef struct data {
    float x[ROWS * INPUTS];
    int32_t y[ROWS];
    size_t rows;
} data;

static void draw(data *d, test_random *random)
{
    random_values(random, d->x, COUNT_OF(d->x), 1.0);
    random_labels(random, d->y, ROWS, CLASSES);
    d->rows = 2 + random_index(random, ROWS - 1);
}

static saved_values trained(uint64_t seed, int32_t kind, size_t max_batch)
{
    mf_optimizer *optimizer = make_optimizer(kind, 0.01);
    mf_network *network = make_maps_network(seed, optimizer);
    mf_workspace *workspace = make_network_workspace(network, max_batch);
    test_random random = {3};
    saved_values result;

    for (int step = 0; step < 8; step++) {
        data d;

        draw(&d, &random);
        check_ok(mf_network_step(network, workspace, d.rows, d.x, d.y));
    }
    result = save_network_values(network);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return result;
}

/* Batches of all sizes, in a workspace just large enough and in a larger one. */
static void test_the_same_seed_gives_the_same_bits(void **state)
{
    (void)state;
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++) {
        saved_values one = trained(11, kind, ROWS), same = trained(11, kind, ROWS),
                     roomy = trained(11, kind, 3 * ROWS);
        saved_values other = trained(12, kind, ROWS);

        for (size_t i = 0; i < one.count; i++)
            assert_true(isfinite(one.values[i]));
        assert_true(same_values(&one, &same));
        assert_true(same_values(&one, &roomy));
        assert_false(same_values(&one, &other));
        free_saved_values(&one);
        free_saved_values(&same);
        free_saved_values(&roomy);
        free_saved_values(&other);
    }
}

/* A joint step is a step of each layer in turn, on what the one before has passed on. */
static void test_a_network_step_equals_its_layers_steps(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *one = make_maps_network(5, optimizer), *other = make_maps_network(5, optimizer);
    mf_workspace *workspace = make_network_workspace(one, ROWS), *single[LAYERS];
    test_random random = {6};
    float *a[LAYERS];

    (void)state;
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer_spec spec = {.struct_size = sizeof spec};

        check_ok(mf_layer_describe(layer_at(other, i), &spec));
        single[i] = make_layer_workspace(layer_at(other, i), ROWS);
        a[i] = get_memory(ROWS * spec.outputs * sizeof *a[i]);
    }
    for (int step = 0; step < 6; step++) {
        data d;

        draw(&d, &random);
        check_ok(mf_network_step(one, workspace, d.rows, d.x, d.y));
        for (size_t i = 0; i < LAYERS; i++)
            check_ok(mf_layer_step(layer_at(other, i), single[i], d.rows, i ? a[i - 1] : d.x, d.y, a[i]));
        for (size_t i = 0; i < LAYERS; i++) {
            mf_report together = read_report(workspace, i), alone = read_report(single[i], 0);

            assert_memory_equal(&together, &alone, sizeof together);
        }
    }
    saved_values first = save_network_values(one), second = save_network_values(other);

    assert_true(same_values(&first, &second));
    free_saved_values(&first);
    free_saved_values(&second);
    for (size_t i = 0; i < LAYERS; i++) {
        mf_workspace_free(single[i]);
        free(a[i]);
    }
    mf_workspace_free(workspace);
    mf_network_free(one);
    mf_network_free(other);
    mf_optimizer_free(optimizer);
}

/* A row's answer does not depend on the rows beside it, up to rounding: products take other ways for few
 * rows. */
static void test_rows_do_not_influence_each_other(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = make_maps_network(7, optimizer);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    mf_workspace *inference = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, ROWS);
    test_random random = {8};
    float all[ROWS * CLASSES], some[ROWS * CLASSES];
    data d;

    (void)state;
    for (int step = 0; step < 4; step++) {
        draw(&d, &random);
        check_ok(mf_network_step(network, workspace, d.rows, d.x, d.y));
    }
    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        check_ok(mf_network_goodness(network, workspace, mode, ROWS, d.x, all));
        check_ok(mf_network_goodness(network, inference, mode, ROWS, d.x, some));
        assert_memory_equal(all, some, sizeof all); /* the smaller workspace computes the same */
        for (size_t rows = 1; rows <= 16; rows += 5)
            for (size_t first = 0; first + rows <= ROWS; first += rows) {
                check_ok(mf_network_goodness(network, inference, mode, rows, d.x + first * INPUTS, some));
                for (size_t i = 0; i < rows * CLASSES; i++)
                    check_near((double)all[first * CLASSES + i], (double)some[i],
                               2e-5 * (1.0 + fabs((double)some[i])));
            }
    }
    mf_workspace_free(workspace);
    mf_workspace_free(inference);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* ---- halves ---- */

typedef struct rule {
    int32_t kind, nesterov;
    float momentum, decay, clip;
} rule;

static const rule rules[] = {
    {MF_OPTIMIZER_SGD, 0, 0.0f, 0.1f, 0.0f},    {MF_OPTIMIZER_SGD, 0, 0.9f, 0.1f, 0.05f},
    {MF_OPTIMIZER_SGD, 1, 0.9f, 0.0f, 50.0f},   {MF_OPTIMIZER_ADAM, 0, 0.0f, 0.1f, 0.0f},
    {MF_OPTIMIZER_ADAMW, 0, 0.0f, 0.1f, 0.05f}, {MF_OPTIMIZER_RMSPROP, 0, 0.5f, 0.01f, 0.0f},
};

static mf_optimizer *optimizer_of(const rule *r)
{
    mf_optimizer_spec spec = optimizer_spec(r->kind, 0.01);
    mf_optimizer *optimizer = NULL;

    spec.nesterov = r->nesterov;
    spec.momentum = r->momentum;
    spec.weight_decay = r->decay;
    spec.clip_norm = r->clip;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

/* Two layers that have had the same steps, with the same bits, or, where clipping scaled dG in one and the
 * gradients in the other, up to rounding. */
static void check_same_layers(const mf_layer *one, const mf_layer *other, int same_bits)
{
    saved_values a = save_layer_values(one), b = save_layer_values(other);

    if (same_bits)
        check_layer_unchanged(&a, other);
    else
        for (size_t i = 0; i < a.count; i++)
            assert_true(fabs((double)a.values[i] - (double)b.values[i]) <
                        2e-5 * (1.0 + fabs((double)a.values[i])));
    free_saved_values(&a);
    free_saved_values(&b);
}

/* A convolution sums its gradient as a whole in a step as well, so the bits are the same without clipping. */
static void compare_halves(const rule *r, size_t position, unsigned frozen)
{
    static const char *const names[] = {"weight", "bias", "projection", "mean"};
    mf_optimizer *optimizer = optimizer_of(r);
    mf_layer_spec spec = spec_at(position, 20);
    mf_layer *whole = make_layer(&spec), *halves = make_layer(&spec);
    mf_workspace *of_whole = make_layer_workspace(whole, ROWS),
                 *of_halves = make_layer_workspace(halves, ROWS);
    saved_values start = save_layer_values(whole);
    float *gradients = get_memory(start.count * sizeof *gradients), *one, *other;
    test_random random = {21};
    data d;

    check_ok(mf_layer_describe(whole, &spec));
    one = get_memory(ROWS * spec.outputs * sizeof *one);
    other = get_memory(ROWS * spec.outputs * sizeof *other);
    check_ok(mf_layer_set_optimizer(whole, optimizer));
    check_ok(mf_layer_set_optimizer(halves, optimizer));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (frozen >> i & 1 && has_parameter(whole, names[i])) {
            check_ok(mf_layer_set_trainable(whole, names[i], 0));
            check_ok(mf_layer_set_trainable(halves, names[i], 0));
        }
    for (int step = 0; step < 5; step++) {
        draw(&d, &random);
        mf_batch batch = make_batch(d.rows, d.x, d.y);

        check_ok(mf_layer_step_batch(whole, of_whole, &batch, one));
        check_ok(mf_layer_gradients(halves, of_halves, &batch, other, gradients, start.count));
        check_ok(mf_layer_apply(halves, gradients, start.count));
        if (r->clip != 0.0f)
            continue;
        assert_memory_equal(one, other, d.rows * spec.outputs * sizeof *one);
        assert_true(read_report(of_whole, 0).loss == read_report(of_halves, 0).loss);
    }
    saved_values now = save_layer_values(whole);

    check_same_layers(whole, halves, r->clip == 0.0f);
    assert_false(same_values(&now, &start));
    free_saved_values(&now);
    free_saved_values(&start);
    free(gradients);
    free(one);
    free(other);
    mf_workspace_free(of_whole);
    mf_workspace_free(of_halves);
    mf_layer_free(whole);
    mf_layer_free(halves);
    mf_optimizer_free(optimizer);
}

static void test_a_step_equals_gradients_and_apply(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rules); r++)
        for (size_t position = 0; position <= 1; position++)
            for (unsigned frozen = 0; frozen <= 8; frozen = frozen ? 2 * frozen : 1)
                compare_halves(&rules[r], position, frozen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_bits),
        cmocka_unit_test(test_a_network_step_equals_its_layers_steps),
        cmocka_unit_test(test_rows_do_not_influence_each_other),
        cmocka_unit_test(test_a_step_equals_gradients_and_apply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
