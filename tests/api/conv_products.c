/* The ways to compute a convolution agree: straight from the maps, by Winograd's method, by the BLAS library.
 * Which one runs is chosen when a layer is made. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "random.h"

enum { CHANNELS = 9, SIDE = 10, FILTERS = 11, CLASSES = 3, ROWS = 21, INPUTS = CHANNELS * SIDE * SIDE };

typedef struct outcome {
    size_t outputs, parameters;
    float *a, *gradients;
} outcome;

static mf_layer *make_maps_layer(const char *products, const char *winograd)
{
    mf_layer_spec spec = conv_spec(CHANNELS, SIDE, SIDE, FILTERS, CLASSES);

    spec.kernel[0] = spec.kernel[1] = 3;
    spec.padding[0] = spec.padding[1] = 1;
    spec.seed = 5;
    assert_int_equal((products ? setenv("MF_PRODUCTS", products, 1) : unsetenv("MF_PRODUCTS")), 0);
    assert_int_equal((winograd ? setenv("MF_WINOGRAD", winograd, 1) : unsetenv("MF_WINOGRAD")), 0);
    mf_layer *layer = make_layer(&spec);
    assert_int_equal(unsetenv("MF_PRODUCTS") | unsetenv("MF_WINOGRAD"), 0);
    return layer;
}

static outcome compute(const char *products, const char *winograd, const float *x, const int32_t *y)
{
    mf_layer *layer = make_maps_layer(products, winograd);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    saved_values all = save_layer_values(layer);
    mf_batch batch = make_batch(ROWS, x, y);
    outcome got = {FILTERS * SIDE * SIDE, all.count, NULL, NULL};

    got.a = get_memory(ROWS * got.outputs * sizeof *got.a);
    got.gradients = get_memory(all.count * sizeof *got.gradients);
    check_ok(mf_layer_gradients(layer, workspace, &batch, got.a, got.gradients, got.parameters));
    free_saved_values(&all);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    return got;
}

static void free_outcome(outcome *o)
{
    free(o->a);
    free(o->gradients);
}

static int same_outcome(const outcome *one, const outcome *other)
{
    return memcmp(one->a, other->a, ROWS * one->outputs * sizeof *one->a) == 0 &&
           memcmp(one->gradients, other->gradients, one->parameters * sizeof *one->gradients) == 0;
}

static void check_close(const outcome *one, const outcome *other)
{
    for (size_t i = 0; i < ROWS * one->outputs; i++)
        check_near((double)one->a[i], (double)other->a[i], 2e-5);
    for (size_t i = 0; i < one->parameters; i++)
        check_near((double)one->gradients[i], (double)other->gradients[i], 2e-5);
}

static void draw(float *x, int32_t *y)
{
    test_random random = {.state = 41};

    random_values(&random, x, ROWS * INPUTS, 1.0);
    random_labels(&random, y, ROWS, CLASSES);
}

static void test_all_products_agree(void **state)
{
    static float x[ROWS * INPUTS];
    int32_t y[ROWS];

    (void)state;
    draw(x, y);
    outcome blas = compute("blas", NULL, x, y);
    const char *const names[] = {"generic", "avx2", "avx512"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        outcome direct = compute(names[i], "0", x, y), winograd = compute(names[i], NULL, x, y);

        check_close(&blas, &direct);
        check_close(&blas, &winograd);
        free_outcome(&direct);
        free_outcome(&winograd);
    }
    free_outcome(&blas);
}

/* They know nothing of Winograd's method, which the others take here, and two methods round differently. */
static void test_blas_has_products_of_its_own(void **state)
{
    static float x[ROWS * INPUTS];
    int32_t y[ROWS];

    (void)state;
    draw(x, y);
    outcome blas = compute("blas", NULL, x, y), generic = compute("generic", NULL, x, y);
    outcome best = compute(NULL, NULL, x, y);
    assert_false(same_outcome(&blas, &generic));
    /* The environment names no products now. */
    if (strcmp(mf_products_name(), "blas") != 0)
        assert_false(same_outcome(&blas, &best));
    free_outcome(&blas);
    free_outcome(&generic);
    free_outcome(&best);
}

/* Two methods round differently, so equal bits would mean that the choice has no effect. */
static void test_winograd_can_be_refused(void **state)
{
    static float x[ROWS * INPUTS];
    int32_t y[ROWS];

    (void)state;
    draw(x, y);
    outcome refused = compute("generic", "0", x, y), again = compute("generic", "0", x, y);
    outcome taken = compute("generic", NULL, x, y), asked = compute("generic", "1", x, y);
    assert_true(same_outcome(&refused, &again));
    assert_true(same_outcome(&taken, &asked));
    assert_false(same_outcome(&taken, &refused));
    free_outcome(&refused);
    free_outcome(&again);
    free_outcome(&taken);
    free_outcome(&asked);
}

/* An image's output has the same bits alone, in a batch, and at any place in it. */
static void test_images_do_not_depend_on_each_other(void **state)
{
    static float x[ROWS * INPUTS], all[ROWS * FILTERS * SIDE * SIDE], one[FILTERS * SIDE * SIDE];
    const char *const winograd[] = {"0", "1"};
    int32_t y[ROWS];

    (void)state;
    draw(x, y);
    for (size_t i = 0; i < COUNT_OF(winograd); i++) {
        mf_layer *layer = make_maps_layer("generic", winograd[i]);
        mf_workspace *workspace = make_layer_workspace(layer, ROWS);

        check_ok(mf_layer_forward(layer, workspace, ROWS, x, all));
        for (size_t row = 0; row < ROWS; row++) {
            check_ok(mf_layer_forward(layer, workspace, 1, x + row * INPUTS, one));
            assert_memory_equal(one, all + row * COUNT_OF(one), sizeof one);
        }
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_products_agree),
        cmocka_unit_test(test_blas_has_products_of_its_own),
        cmocka_unit_test(test_winograd_can_be_refused),
        cmocka_unit_test(test_images_do_not_depend_on_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
