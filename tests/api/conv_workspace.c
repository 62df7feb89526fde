/* What a workspace for convolutions is made of: it grows with the batch by its activations and with nothing
 * else, and neither with the number of layers. SPDX-License-Identifier: MIT */
#include "build.h"
#include "units.h"

/* RUNNING: bytes that a row takes for the sum over classes that come block by block, their best and the
 * label. */
enum { CLASSES = 5, RUNNING = 24 };

static size_t workspace_bytes(const mf_layer_spec *const *specs, size_t count, int32_t purpose, size_t rows)
{
    mf_memory memory = {.struct_size = sizeof memory};

    check_ok(mf_network_memory(specs, count, NULL, purpose, rows, &memory));
    return memory.workspace;
}

/* Bytes that one row more takes, in multiples of rows by which every area ends on a boundary; the same from
 * any batch on that is larger than a block. */
static size_t bytes_per_row(const mf_layer_spec *spec, int32_t purpose)
{
    size_t at[4], rows[4] = {1024, 2048, 4096, 65536};

    for (int i = 0; i < 4; i++)
        at[i] = workspace_bytes(&spec, 1, purpose, rows[i]);
    assert_int_equal(at[2] - at[1], 2 * (at[1] - at[0]));
    assert_int_equal(at[3] - at[0], 63 * (at[1] - at[0]));
    return (at[1] - at[0]) / 1024;
}

/* Kernels of 1 x 1 to 7 x 7, on 4 to 64 channels, with outputs of one size. */
static void test_memory_of_a_row_does_not_depend_on_the_kernel(void **state)
{
    const size_t kernels[] = {1, 3, 7}, channels[] = {4, 64};

    (void)state;
    for (int32_t purpose = MF_WORKSPACE_TRAINING; purpose <= MF_WORKSPACE_INFERENCE; purpose++)
        for (int32_t normalization = 0; normalization <= 1; normalization++)
            for (size_t head = 0; head <= 2; head += 2) {
                size_t first = 0;

                for (size_t i = 0; i < COUNT_OF(kernels); i++)
                    for (size_t c = 0; c < COUNT_OF(channels); c++) {
                        mf_layer_spec spec = conv_spec(channels[c], 16, 16, 8, CLASSES);
                        size_t maps = 8 * 16 * 16, pooled = 8 * 8 * 8, read = head ? 8 * 2 * 2 : pooled, each;

                        spec.kernel[0] = spec.kernel[1] = kernels[i];
                        spec.padding[0] = spec.padding[1] = kernels[i] / 2;
                        spec.pool = MF_POOL_AVERAGE;
                        spec.head_size = head;
                        spec.normalization = normalization;
                        each = bytes_per_row(&spec, purpose);
                        first = first ? first : each;
                        assert_int_equal(each, first);
                        /* Training: u, what is passed on, what M reads and its gradient, which goes back to
                         * what was passed on where M reads a pooling of it; dG, G and the sum of Gs. In
                         * both: what is kept of a row's classes so far. */
                        if (purpose == MF_WORKSPACE_TRAINING)
                            assert_in_range(
                                each, 4 * (maps + pooled),
                                4 * (maps + pooled + 2 * read + (head ? pooled : 0) + 3 * CLASSES) + RUNNING);
                        else
                            assert_in_range(each, 4 * pooled, 4 * (pooled + read + 2 * CLASSES) + RUNNING);
                    }
            }
}

/* Scratch is shared: after the second of equal layers none adds anything but its report. */
static void test_equal_layers_share_scratch(void **state)
{
    enum { DEEPEST = 12 };
    mf_layer_spec spec = conv_spec(8, 12, 12, 8, CLASSES);
    const mf_layer_spec *list[DEEPEST];
    size_t bytes[DEEPEST + 1] = {0};

    (void)state;
    spec.padding[0] = spec.padding[1] = 1;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.head_size = 2;
    for (size_t i = 0; i < DEEPEST; i++)
        list[i] = &spec;
    for (size_t depth = 1; depth <= DEEPEST; depth++)
        bytes[depth] = workspace_bytes(list, depth, MF_WORKSPACE_TRAINING, 64);
    /* One activation more, so that each layer can read one and write the other. */
    assert_in_range(bytes[2] - bytes[1], 4 * 64 * 8 * 144, 4 * 64 * 8 * 144 + 256);
    for (size_t depth = 3; depth <= DEEPEST; depth++)
        assert_in_range(bytes[depth] - bytes[depth - 1], 0, 256);
}

/* Large images are worked on in parts: the scratch beside the activations has a bound. */
static void test_scratch_for_large_images_is_bounded(void **state)
{
    (void)state;
    size_t before = 0;

    for (size_t side = 128; side <= 1024; side *= 2) {
        mf_layer_spec spec = conv_spec(3, side, side, 1, CLASSES);
        const mf_layer_spec *one = &spec;

        spec.kernel[0] = spec.kernel[1] = 5;
        spec.padding[0] = spec.padding[1] = 2;
        spec.head_size = 1;
        size_t bytes = workspace_bytes(&one, 1, MF_WORKSPACE_TRAINING, 1);
        size_t columns = 75 * side * side * sizeof(float);

        if (side > 128) {
            assert_true(bytes < columns / 4);
            assert_true(bytes < 4 * before + 4096);
        }
        before = bytes;
    }
}

/* Around the gradient of one place lie as many zeros as the kernel has places: of all 512 images they would
 * take 2 GB. */
static void test_scratch_for_kernels_as_large_as_maps_is_bounded(void **state)
{
    units_plan plan = plan_maps(64, 16, 16, CLASSES);
    mf_memory memory = {.struct_size = sizeof memory};
    mf_builder *builder;

    (void)state;
    plan_add(&plan, unit_conv(64, 1, 0));
    plan_add(&plan, unit_conv(1024, 16, 0));
    builder = make_builder(&plan, NULL);
    check_ok(mf_network_memory_built(&builder, 1, NULL, MF_WORKSPACE_TRAINING, 512, &memory));
    print_message("workspace: %zu bytes\n", memory.workspace);
    assert_in_range(memory.workspace, 0, 600000000);
    mf_builder_free(builder);
}

static void test_workspaces_that_overflow_are_refused(void **state)
{
    const size_t side = sizeof(size_t) > 4 ? 20000 : 2000; /* whose maps fit in the address space */
    mf_layer_spec spec = conv_spec(1, side, side, 5, CLASSES);
    const mf_layer_spec *one = &spec;
    mf_memory memory = {.struct_size = sizeof memory};

    (void)state;
    spec.head_size = 1;
    check_ok(mf_network_memory(&one, 1, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
    check_status(MF_STATUS_OVERFLOW,
                 mf_network_memory(&one, 1, NULL, MF_WORKSPACE_TRAINING, (size_t)INT32_MAX + 1, &memory));
    spec.kernel[0] = side + 1;
    check_status(MF_STATUS_SHAPE, mf_network_memory(&one, 1, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_of_a_row_does_not_depend_on_the_kernel),
        cmocka_unit_test(test_equal_layers_share_scratch),
        cmocka_unit_test(test_scratch_for_large_images_is_bounded),
        cmocka_unit_test(test_scratch_for_kernels_as_large_as_maps_is_bounded),
        cmocka_unit_test(test_workspaces_that_overflow_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
