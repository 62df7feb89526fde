/* What is refused about convolutions and normalisation: shapes that do not fit, values out of range, sizes
 * that overflow, neighbours in a network. Every message names what does not fit together.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "memory.h"

static void refuse(const mf_layer_spec *spec, mf_status expected)
{
    mf_layer *layer = (mf_layer *)1;

    check_status(expected, mf_layer_create(spec, &layer));
    assert_null(layer);
    assert_true(strlen(mf_last_message()) > 5);
}

/* Two maps of 8 x 10. */
static mf_layer_spec plain(void)
{
    return conv_spec(2, 8, 10, 3, 4);
}

/* Refuses the spec with one field set to `value`. */
#define refuse_field(status, field, value) \
    do {                                   \
        mf_layer_spec changed = plain();   \
        changed.pool = MF_POOL_MAX;        \
        changed.field = (value);           \
        refuse(&changed, (status));        \
    } while (0)

static void test_values_out_of_range_are_refused(void **state)
{
    (void)state;
    refuse_field(MF_STATUS_ARGUMENT, kind, 2);
    refuse_field(MF_STATUS_ARGUMENT, channels, 0);
    check_message("channels");
    refuse_field(MF_STATUS_ARGUMENT, height, 0);
    check_message("height");
    refuse_field(MF_STATUS_ARGUMENT, width, 0);
    check_message("width");
    refuse_field(MF_STATUS_ARGUMENT, filters, 0);
    check_message("filters");
    refuse_field(MF_STATUS_ARGUMENT, classes, 1);
    for (int d = 0; d < 2; d++) {
        refuse_field(MF_STATUS_ARGUMENT, kernel[d], 0);
        check_message("kernel");
        refuse_field(MF_STATUS_ARGUMENT, stride[d], 0);
        check_message("stride");
        refuse_field(MF_STATUS_ARGUMENT, pool_size[d], 0);
        check_message("pool");
    }
    refuse_field(MF_STATUS_ARGUMENT, pool, -1);
    refuse_field(MF_STATUS_ARGUMENT, pool, 3);
    check_message("pool");
    refuse_field(MF_STATUS_ARGUMENT, dropout_maps, 2);
    refuse_field(MF_STATUS_ARGUMENT, dropout_maps, -1);
    check_message("dropout_maps");
    refuse_field(MF_STATUS_ARGUMENT, precision, 2);
    refuse_field(MF_STATUS_ARGUMENT, normalization, 2);
    refuse_field(MF_STATUS_ARGUMENT, normalization, -1);
    check_message("normalization");
}

static void test_normalisation_values_out_of_range_are_refused(void **state)
{
    const float rates[] = {-0.001f, 1.001f, NAN, INFINITY}, epsilons[] = {0.0f, -1e-5f, NAN, INFINITY};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        mf_layer_spec specs[] = {layer_spec(3, 4, 5), plain()};

        for (size_t s = 0; s < COUNT_OF(specs); s++) {
            specs[s].normalization = MF_NORMALIZATION_BATCH;
            specs[s].normalization_rate = rates[i];
            refuse(&specs[s], MF_STATUS_ARGUMENT);
            check_message("rate");
            specs[s].normalization_rate = 0.5f;
            specs[s].normalization_epsilon = epsilons[i];
            refuse(&specs[s], MF_STATUS_ARGUMENT);
            check_message("epsilon");
        }
    }
    /* The ends of the range. */
    for (int rate = 0; rate <= 1; rate++) {
        mf_layer_spec spec = plain();
        mf_layer *layer;

        spec.normalization = MF_NORMALIZATION_BATCH;
        spec.normalization_rate = (float)rate;
        spec.normalization_epsilon = 1e-30f;
        layer = make_layer(&spec);
        mf_layer_free(layer);
    }
}

/* One past what the tests of shapes accept, in each direction. */
static void test_windows_that_do_not_fit_are_refused(void **state)
{
    mf_layer_spec spec = conv_spec(1, 3, 3, 2, 2);

    (void)state;
    spec.kernel[0] = spec.kernel[1] = 5;
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("5x5");
    check_message("3x3");
    for (int d = 0; d < 2; d++) {
        spec = plain();
        spec.kernel[d] = 11 + (size_t)d * 2; /* 8 + 2, or 10 + 2, are there */
        spec.padding[d] = 1;
        refuse(&spec, MF_STATUS_SHAPE);
        check_message(d ? "3x13" : "11x3");
        check_message("8x10");
        spec = plain();
        spec.padding[d] = 3;
        refuse(&spec, MF_STATUS_ARGUMENT);
        check_message("3");
        check_message("padding");
        spec = plain();
        spec.pool = d ? MF_POOL_MAX : MF_POOL_AVERAGE;
        spec.pool_size[d] = d ? 9 : 7; /* the map is 6 x 8 */
        refuse(&spec, MF_STATUS_SHAPE);
        check_message(d ? "2x9" : "7x2");
        check_message("6x8");
    }
    /* A pool that nothing would be left of. */
    spec = conv_spec(1, 3, 3, 2, 2);
    spec.pool = MF_POOL_AVERAGE;
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("2x2");
    check_message("1x1");
}

static void test_heads_that_do_not_fit_are_refused(void **state)
{
    mf_layer_spec spec = plain();

    (void)state;
    spec.head_size = 7; /* 6 x 8 */
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("7x7");
    check_message("6x8");
    spec.pool = MF_POOL_MAX;
    spec.head_size = 4; /* 3 x 4 */
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("4x4");
    check_message("3x4");
    spec.pool_stride[0] = 1; /* 5 x 4 */
    mf_layer *layer = make_layer(&spec);

    mf_layer_free(layer);
    spec.head_size = 5;
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("5x4");
    spec.head_size = SIZE_MAX;
    refuse(&spec, MF_STATUS_SHAPE);
}

/* Inputs and outputs may be given, if they are what follows. */
static void test_contradicting_counts_are_refused(void **state)
{
    mf_layer_spec spec = plain();

    (void)state;
    spec.inputs = 160;
    spec.outputs = 3 * 6 * 8;
    mf_layer *layer = make_layer(&spec);

    mf_layer_free(layer);
    spec.inputs = 161;
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("161");
    check_message("160");
    spec.inputs = 0;
    spec.outputs = 3;
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("144");
    spec.outputs = 144;
    spec.pool = MF_POOL_MAX;
    refuse(&spec, MF_STATUS_SHAPE);
    check_message("144");
    check_message("36");
}

static void refuse_huge(mf_layer_spec spec)
{
    test_memory memory = {.limit = (size_t)1 << 30};
    mf_allocator allocator = memory_allocator(&memory);
    mf_layer *layer = (mf_layer *)1;
    mf_status status;

    spec.allocator = &allocator;
    status = mf_layer_create(&spec, &layer);
    if (status != MF_STATUS_OVERFLOW)
        check_status(MF_STATUS_MEMORY, status);
    assert_null(layer);
    assert_int_equal(memory.blocks_out, 0);
    memory_release(&memory);
}

/* Each size too large alone, and sizes whose products are. */
static void test_sizes_that_overflow_are_refused(void **state)
{
    const size_t huge[] = {
        SIZE_MAX,
        SIZE_MAX - 2,
        (size_t)INT32_MAX + 1,
        (size_t)INT32_MAX + 4,
#if SIZE_MAX > UINT32_MAX
        SIZE_MAX / 2,
        SIZE_MAX / 4 + 1,
        (size_t)1 << 32,
        ((size_t)1 << 32) + 3,
#endif
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(huge); i++) {
        refuse_field(MF_STATUS_OVERFLOW, channels, huge[i]);
        refuse_field(MF_STATUS_OVERFLOW, height, huge[i]);
        refuse_field(MF_STATUS_OVERFLOW, width, huge[i]);
        refuse_field(MF_STATUS_OVERFLOW, filters, huge[i]);
        refuse_field(MF_STATUS_OVERFLOW, classes, huge[i]);
        for (int d = 0; d < 2; d++) {
            mf_layer_spec spec = plain();

            refuse_field(MF_STATUS_OVERFLOW, kernel[d], huge[i]);
            refuse_field(MF_STATUS_OVERFLOW, stride[d], huge[i]);
            refuse_field(MF_STATUS_OVERFLOW, padding[d], huge[i]);
            refuse_field(MF_STATUS_OVERFLOW, pool_size[d], huge[i]);
            refuse_field(MF_STATUS_OVERFLOW, pool_stride[d], huge[i]);
            spec.kernel[d] = huge[i];
            spec.padding[d] = huge[i] - 1;
            refuse(&spec, MF_STATUS_OVERFLOW);
        }
    }
}

static void test_products_that_overflow_are_refused(void **state)
{
    const size_t root = 46341; /* root x root is just above 2^31 */
    mf_layer_spec spec = conv_spec(1, root, root, 1, 2);

    (void)state;
    refuse(&spec, MF_STATUS_OVERFLOW); /* the input */
    check_message("46341");
    refuse_huge(conv_spec(root, 3, 3, root, 2));            /* the weights */
    refuse_huge(conv_spec(2, 1000, 1000, 4000, 2));         /* the output */
    refuse_huge(conv_spec(1, 30000, 60000, 1, 2000000000)); /* the projection */
    spec = conv_spec(1, 1, 1, 1, 2);
    for (int d = 0; d < 2; d++) {
        spec.kernel[d] = root;
        spec.padding[d] = root - 1;
    }
    refuse(&spec, MF_STATUS_OVERFLOW); /* the kernel, and a map of 46341 x 46341 from one value */
    spec.kernel[1] = 1;
    spec.padding[1] = 0;
    spec.kernel[0] = INT32_MAX;
    spec.padding[0] = INT32_MAX - 1;
    refuse_huge(spec);
}

/* ---- networks ---- */

static mf_layer *conv_layer(size_t channels, size_t height, size_t width, size_t filters, size_t kernel)
{
    mf_layer_spec spec = conv_spec(channels, height, width, filters, 4);

    spec.kernel[0] = spec.kernel[1] = kernel;
    return make_layer(&spec);
}

static void test_neighbours_of_other_shapes_are_refused(void **state)
{
    mf_network *network = make_network();
    mf_layer *first = conv_layer(1, 8, 8, 4, 3); /* to 4 x 6 x 6 */
    mf_layer *same_count = conv_layer(9, 4, 4, 2, 3), *turned = conv_layer(4, 4, 9, 2, 3);
    mf_layer *fits = conv_layer(4, 6, 6, 9, 3); /* to 9 x 4 x 4 */
    mf_layer *narrow = make_plain_layer(143, 5, 4, 1), *dense = make_plain_layer(144, 144, 4, 1);
    uint64_t ids[3];
    size_t size = 0;

    (void)state;
    check_ok(mf_network_append(network, first, &ids[0]));
    check_status(MF_STATUS_SHAPE, mf_network_append(network, same_count, NULL));
    check_message("4x6x6");
    check_message("9x4x4");
    check_status(MF_STATUS_SHAPE, mf_network_append(network, turned, NULL));
    check_message("4x4x9");
    check_status(MF_STATUS_SHAPE, mf_network_append(network, narrow, NULL));
    check_message("143");
    check_message("144");
    check_ok(mf_network_append(network, fits, &ids[1]));
    check_status(MF_STATUS_SHAPE,
                 mf_network_insert(network, 0, same_count, NULL)); /* 2 x 2 x 2 to 1 x 8 x 8 */
    check_message("2x2x2");
    check_message("1x8x8");
    /* Maps are a row of values to a dense layer, and the other way round. */
    check_ok(mf_network_append(network, dense, &ids[2]));
    check_ok(mf_network_append(network, same_count, NULL));
    check_status(MF_STATUS_SHAPE, mf_network_replace(network, ids[1], turned));
    check_message("4x4x9");
    check_ok(mf_network_remove(network, ids[1]));                      /* 4 x 6 x 6 are 144 values as well */
    check_status(MF_STATUS_SHAPE, mf_network_remove(network, ids[2])); /* but no 9 x 4 x 4 */
    check_message("4x6x6");
    check_message("9x4x4");
    check_ok(mf_network_size(network, &size));
    assert_int_equal(size, 3);
    assert_ptr_equal(layer_at(network, 1), dense);
    mf_layer_free(first);
    mf_layer_free(same_count);
    mf_layer_free(turned);
    mf_layer_free(fits);
    mf_layer_free(narrow);
    mf_layer_free(dense);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_out_of_range_are_refused),
        cmocka_unit_test(test_normalisation_values_out_of_range_are_refused),
        cmocka_unit_test(test_windows_that_do_not_fit_are_refused),
        cmocka_unit_test(test_heads_that_do_not_fit_are_refused),
        cmocka_unit_test(test_contradicting_counts_are_refused),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_products_that_overflow_are_refused),
        cmocka_unit_test(test_neighbours_of_other_shapes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
