/* Sizes whose products do not fit: layers, workspaces, numbers of classes.
 * SPDX-License-Identifier: MIT */
#include <limits.h>

#include "build.h"
#include "memory.h"

/* Products that do not fit: refused before anything absurd is asked of the allocator. */
static void test_layers_that_overflow_are_refused(void **state)
{
    const size_t half = sizeof(size_t) * CHAR_BIT / 2; /* the last product is 0, but for what does not fit */
    const size_t shapes[][3] = {{SIZE_MAX / 2, 4, 2},
                                {4, SIZE_MAX / 2, 2},
                                {4, 4, SIZE_MAX / 2},
                                {SIZE_MAX, 1, 2},
                                {1, SIZE_MAX, 2},
                                {1, 1, SIZE_MAX},
                                {SIZE_MAX / 4 + 1, 1, 2},
                                {SIZE_MAX / 8 + 1, 8, 2},
                                {1, SIZE_MAX / 4 + 2, 2},
                                {2, 3, SIZE_MAX / 6},
                                {(size_t)1 << (half + 1), (size_t)1 << (half - 1), 2}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        for (int32_t init = MF_INIT_KAIMING_UNIFORM; init <= MF_INIT_NORMAL; init++) {
            test_memory memory = {.limit = (size_t)1 << 30};
            mf_allocator allocator = memory_allocator(&memory);
            mf_layer_spec spec = layer_spec(shapes[i][0], shapes[i][1], shapes[i][2]);
            mf_layer *layer = (mf_layer *)1;

            spec.weight_init = spec.projection_init = init;
            spec.allocator = &allocator;
            check_status(MF_STATUS_OVERFLOW, mf_layer_create(&spec, &layer));
            assert_null(layer);
            assert_true(memory.largest < (size_t)1 << 30);
            assert_int_equal(memory.blocks_out, 0);
            memory_release(&memory);
        }
}

/* Sizes that fit a size_t but no memory: whatever the status, no crash and no leak. */
static void test_layers_larger_than_any_memory_are_refused(void **state)
{
    const size_t shapes[][3] = {
        {(size_t)INT_MAX + 1, 1, 2}, {1, (size_t)INT_MAX + 1, 2}, {1 << 20, 1 << 20, 2}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        test_memory memory = {.limit = (size_t)1 << 30};
        mf_allocator allocator = memory_allocator(&memory);
        mf_layer_spec spec = layer_spec(shapes[i][0], shapes[i][1], shapes[i][2]);
        mf_layer *layer = (mf_layer *)1;
        mf_status status;

        spec.allocator = &allocator;
        status = mf_layer_create(&spec, &layer);
        assert_true(status == MF_STATUS_MEMORY || status == MF_STATUS_OVERFLOW);
        assert_null(layer);
        assert_int_equal(memory.blocks_out, 0);
        memory_release(&memory);
    }
}

static void test_strides_that_overflow_are_refused(void **state)
{
    mf_layer *layer = make_plain_layer(3, 2, 2, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 2);
    const float x[6] = {0};
    float a[4];
    mf_batch batch = make_batch(2, x, NULL);

    (void)state;
    batch.input_stride = (size_t)INT32_MAX + 1;
    check_status(MF_STATUS_OVERFLOW, mf_layer_forward_batch(layer, workspace, &batch, a));
    check_message("a stride must be at most 2147483647, got 2147483648");
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

static void test_workspaces_and_classes_that_overflow_are_refused(void **state)
{
    const size_t huge[] = {SIZE_MAX / 2, SIZE_MAX, SIZE_MAX / 4, SIZE_MAX / 40, SIZE_MAX / 160 + 1};
    test_memory memory = {.limit = (size_t)1 << 30};
    mf_allocator allocator = memory_allocator(&memory);
    mf_layer_spec spec = layer_spec(40, 40, 40);
    mf_layer *layer;
    mf_network *network = make_network();
    saved_values before;

    (void)state;
    spec.allocator = &allocator;
    layer = make_layer(&spec);
    before = save_layer_values(layer);
    check_ok(mf_network_append(network, layer, NULL));
    for (size_t i = 0; i < COUNT_OF(huge); i++)
        for (int kind = 0; kind < 4; kind++) {
            mf_workspace_spec values;
            mf_workspace *workspace = (mf_workspace *)1;

            check_ok(mf_workspace_spec_init(&values, sizeof values));
            if (kind % 2)
                values.layer = layer;
            else
                values.network = network;
            values.purpose = kind / 2;
            values.max_batch = huge[i];
            values.allocator = &allocator;
            check_status(MF_STATUS_OVERFLOW, mf_workspace_create(&values, &workspace));
            assert_null(workspace);
        }
    for (size_t i = 0; i < COUNT_OF(huge); i++) {
        check_status(MF_STATUS_OVERFLOW, mf_layer_set_classes(layer, huge[i]));
        check_status(MF_STATUS_OVERFLOW, mf_network_set_classes(network, huge[i]));
    }
    check_status(MF_STATUS_ARGUMENT, mf_layer_set_classes(layer, 0));
    check_status(MF_STATUS_ARGUMENT, mf_layer_set_classes(layer, 1));
    check_status(MF_STATUS_ARGUMENT, mf_network_set_classes(network, 0));
    check_status(MF_STATUS_ARGUMENT, mf_network_set_classes(network, 1));
    check_layer_unchanged(&before, layer);
    assert_true(memory.largest < (size_t)1 << 30);
    free_saved_values(&before);
    mf_network_free(network);
    mf_layer_free(layer);
    assert_int_equal(memory.blocks_out, 0);
    memory_release(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_that_overflow_are_refused),
        cmocka_unit_test(test_layers_larger_than_any_memory_are_refused),
        cmocka_unit_test(test_strides_that_overflow_are_refused),
        cmocka_unit_test(test_workspaces_and_classes_that_overflow_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
