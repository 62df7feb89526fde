/* The k-th allocation fails, for every k of every call that allocates: MEMORY, no leak, nothing changed,
 * and NULL in the out-pointer. SPDX-License-Identifier: MIT */
#include "build.h"
#include "random.h"
#include "sweep.h"

enum { ROWS = 4, CLASSES = 3 };

static mf_layer_spec spec_here(size_t inputs, size_t outputs)
{
    mf_layer_spec spec = layer_spec(inputs, outputs, CLASSES);

    spec.allocator = &allocator;
    return spec;
}

static mf_optimizer *optimizer_here(int32_t kind)
{
    mf_optimizer_spec spec = optimizer_spec(kind, 0.01);
    mf_optimizer *optimizer = NULL;

    spec.allocator = &allocator;
    spec.momentum = kind == MF_OPTIMIZER_SGD ? 0.5f : 0.0f;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

static mf_network *network_here(void)
{
    mf_network_spec spec;
    mf_network *network = NULL;

    check_ok(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    check_ok(mf_network_create(&spec, &network));
    return network;
}

/* Four layers, all 5 wide, trained a little with momentum. */
static mf_network *trained_network(mf_optimizer *optimizer, mf_workspace **workspace)
{
    mf_network *network = network_here();
    mf_workspace_spec spec;
    test_random random = {1};
    float x[ROWS * 5];
    int32_t y[ROWS];

    for (uint64_t i = 0; i < 4; i++) {
        mf_layer_spec values = spec_here(5, 5);
        mf_layer *layer;

        values.seed = i + 1;
        layer = make_layer(&values);
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    spec.allocator = &allocator;
    check_ok(mf_workspace_create(&spec, workspace));
    random_values(&random, x, COUNT_OF(x), 1.0);
    random_labels(&random, y, ROWS, CLASSES);
    for (int i = 0; i < 3; i++)
        check_ok(mf_network_step(network, *workspace, ROWS, x, y));
    return network;
}

static void test_create_layer(void **state)
{
    (void)state;
    for (int32_t init = MF_INIT_KAIMING_UNIFORM; init <= MF_INIT_NORMAL; init++)
        for (int bias = 0; bias <= 1; bias++) {
            mf_layer_spec spec = spec_here(6, 4);
            mf_layer *layer = (mf_layer *)1;

            spec.weight_init = spec.projection_init = init;
            spec.bias = bias;
            spec.precision = bias ? MF_PRECISION_BF16 : MF_PRECISION_FLOAT32;
            sweep(1, mf_layer_create(&spec, &layer), check_null(layer));
            mf_layer_free(layer);
        }
}

static void test_create_optimizer(void **state)
{
    mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_ADAM, 0.1);
    mf_optimizer *optimizer = (mf_optimizer *)1;

    (void)state;
    spec.allocator = &allocator;
    sweep(1, mf_optimizer_create(&spec, &optimizer), check_null(optimizer));
    mf_optimizer_free(optimizer);
}

static void test_create_network(void **state)
{
    mf_network_spec spec;
    mf_network *network = (mf_network *)1;

    (void)state;
    check_ok(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    sweep(1, mf_network_create(&spec, &network), check_null(network));
    mf_network_free(network);
}

static void test_create_workspace(void **state)
{
    mf_optimizer *optimizer = optimizer_here(MF_OPTIMIZER_ADAM);
    mf_workspace *first;
    mf_network *network = trained_network(optimizer, &first);

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        mf_workspace_spec spec;
        mf_workspace *workspace = (mf_workspace *)1;

        check_ok(mf_workspace_spec_init(&spec, sizeof spec));
        spec.max_batch = 7;
        spec.purpose = kind / 2;
        spec.allocator = &allocator;
        if (kind % 2)
            spec.network = network;
        else
            spec.layer = layer_at(network, 0);
        sweep(1, mf_workspace_create(&spec, &workspace), check_null(workspace));
        mf_workspace_free(workspace);
    }
    mf_workspace_free(first);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* After a failure the old optimizer is still attached, with all its memory: the layer trains on exactly
 * as a twin for which nothing was tried. */
static void test_layer_set_optimizer(void **state)
{
    const int32_t kinds[] = {MF_OPTIMIZER_SGD, MF_OPTIMIZER_ADAM, MF_OPTIMIZER_RMSPROP};

    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        mf_optimizer *old = optimizer_here(MF_OPTIMIZER_SGD), *other = optimizer_here(kinds[k]);
        mf_layer_spec spec = spec_here(5, 4);
        mf_layer *layer = make_layer(&spec), *twin = make_layer(&spec);
        mf_workspace *one = make_layer_workspace(layer, 2), *two = make_layer_workspace(twin, 2);
        const float x[10] = {1, 2, 3, -4, 5, 6, -7, 8, 9, 0};
        const int32_t y[2] = {2, 0};
        int round = 0;

        check_ok(mf_layer_set_optimizer(layer, old));
        check_ok(mf_layer_set_optimizer(twin, old));
        check_ok(mf_layer_step(layer, one, 2, x, y, NULL));
        check_ok(mf_layer_step(twin, two, 2, x, y, NULL));
        sweep(1, mf_layer_set_optimizer(layer, other), {
            saved_values same;

            check_ok(mf_layer_step(layer, one, 2, x, y, NULL));
            check_ok(mf_layer_step(twin, two, 2, x, y, NULL));
            same = save_layer_values(twin);
            check_layer_unchanged(&same, layer);
            free_saved_values(&same);
            round++;
        });
        assert_true(round > 0);
        /* Detaching never fails. */
        memory_fail_at(&memory, 1);
        check_ok(mf_layer_set_optimizer(layer, NULL));
        memory_fail_at(&memory, 0);
        mf_workspace_free(one);
        mf_workspace_free(two);
        mf_layer_free(layer);
        mf_layer_free(twin);
        mf_optimizer_free(old);
        mf_optimizer_free(other);
    }
}

static void test_layer_set_classes(void **state)
{
    mf_optimizer *optimizer = optimizer_here(MF_OPTIMIZER_ADAM);

    (void)state;
    for (int32_t init = MF_INIT_KAIMING_UNIFORM; init <= MF_INIT_NORMAL; init++) {
        mf_layer_spec spec = spec_here(5, 4);
        mf_layer *layer;
        mf_workspace *workspace;
        saved_values before;
        const float x[5] = {1, 2, 3, 4, 5};
        const int32_t y = 1;

        spec.projection_init = init;
        layer = make_layer(&spec);
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        workspace = make_layer_workspace(layer, 1);
        check_ok(mf_layer_step(layer, workspace, 1, x, &y, NULL));
        before = save_layer_values(layer);
        sweep(1, mf_layer_set_classes(layer, 7), {
            float a[4];

            check_layer_unchanged(&before, layer);
            check_ok(mf_layer_forward(layer, workspace, 1, x, a)); /* not even stale */
        });
        assert_int_equal(parameter_count(layer, "projection"), 7 * 4);
        free_saved_values(&before);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    mf_optimizer_free(optimizer);
}

/* Growing lists: many layers, so that the list must grow at some of them. */
static void test_network_append_and_insert(void **state)
{
    mf_network *network = network_here();
    size_t failures = 0;

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        mf_layer_spec spec = spec_here(3, 3);
        mf_layer *layer = make_layer(&spec);
        uint64_t id = 0;
        size_t size;

        sweep(0,
              i % 2 ? mf_network_append(network, layer, &id) : mf_network_insert(network, i / 2, layer, &id),
              {
                  check_ok(mf_network_size(network, &size));
                  assert_int_equal(size, i);
                  failures++;
              });
        check_ok(mf_network_size(network, &size));
        assert_int_equal(size, i + 1);
        mf_layer_free(layer);
    }
    assert_true(failures >= 1);
    mf_network_free(network);
}

static void test_network_remove_and_replace(void **state)
{
    mf_optimizer *optimizer = optimizer_here(MF_OPTIMIZER_SGD);
    mf_workspace *workspace;
    mf_network *network = trained_network(optimizer, &workspace);
    mf_layer_spec spec = spec_here(5, 5);
    mf_layer *other = make_layer(&spec);
    saved_values before = save_network_values(network);
    uint64_t ids[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        check_ok(mf_network_layer(network, i, NULL, &ids[i]));
    sweep(0, mf_network_replace(network, ids[1], other), check_network_unchanged(&before, network));
    assert_ptr_equal(layer_at(network, 1), other);
    free_saved_values(&before);
    before = save_network_values(network);
    sweep(0, mf_network_remove(network, ids[2]), check_network_unchanged(&before, network));
    free_saved_values(&before);
    mf_layer_free(other);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* All layers or none, and what was there before trains on as if nothing had been tried. */
static void test_network_set_optimizer_and_classes(void **state)
{
    test_random random = {9};
    float x[ROWS * 5];
    int32_t y[ROWS];

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    random_labels(&random, y, ROWS, CLASSES);
    for (int classes = 0; classes <= 1; classes++) {
        mf_optimizer *old = optimizer_here(MF_OPTIMIZER_SGD), *other = optimizer_here(MF_OPTIMIZER_ADAM);
        mf_workspace *workspace, *of_twin;
        mf_network *network = trained_network(old, &workspace), *twin = trained_network(old, &of_twin);

        sweep(4, classes ? mf_network_set_classes(network, 8) : mf_network_set_optimizer(network, other), {
            saved_values same;

            check_ok(mf_network_step(network, workspace, ROWS, x, y));
            check_ok(mf_network_step(twin, of_twin, ROWS, x, y));
            same = save_network_values(twin);
            check_network_unchanged(&same, network);
            free_saved_values(&same);
        });
        if (classes)
            check_status(MF_STATUS_STALE, mf_network_step(network, workspace, ROWS, x, y));
        else
            check_ok(mf_network_step(network, workspace, ROWS, x, y));
        mf_workspace_free(workspace);
        mf_workspace_free(of_twin);
        mf_network_free(network);
        mf_network_free(twin);
        mf_optimizer_free(old);
        mf_optimizer_free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_memory(test_create_layer),
        with_memory(test_create_optimizer),
        with_memory(test_create_network),
        with_memory(test_create_workspace),
        with_memory(test_layer_set_optimizer),
        with_memory(test_layer_set_classes),
        with_memory(test_network_append_and_insert),
        with_memory(test_network_remove_and_replace),
        with_memory(test_network_set_optimizer_and_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
