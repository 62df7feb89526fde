/* Shapes of convolutions: every edge of kernels, strides, paddings, pools and heads against the oracle; what
 * is told about them; specs that follow from the layer before, and specs of older programs.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>

#include "oracle_case_maps.h"
#include "units.h"

/* Pairs are vertical, horizontal; `map` and `pooled` are worked out by hand. A pool of size 0 is none. */
typedef struct shape {
    const char *name;
    size_t channels, size[2], kernel[2], stride[2], padding[2], map[2];
    size_t pool_size[2], pool_stride[2], pooled[2], head;
} shape;

static const shape shapes[] = {
    {"one value", 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 0},
    {"one value, many channels", 9, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 1}, {1, 1}, {0, 0}, {1, 1}, 1},
    {"1x1 kernel", 3, {4, 5}, {1, 1}, {1, 1}, {0, 0}, {4, 5}, {0, 0}, {0, 0}, {4, 5}, 0},
    {"1x1 kernel, stride", 3, {5, 6}, {1, 1}, {2, 3}, {0, 0}, {3, 2}, {0, 0}, {0, 0}, {3, 2}, 2},
    {"kernel as large as the map", 2, {4, 6}, {4, 6}, {1, 1}, {0, 0}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1},
    {"kernel as large as the padded map",
     2,
     {3, 2},
     {5, 4},
     {1, 1},
     {1, 1},
     {1, 1},
     {0, 0},
     {0, 0},
     {1, 1},
     0},
    {"kernel as large, stride larger", 2, {3, 2}, {5, 4}, {7, 9}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 0},
    {"kernel larger than the map", 1, {3, 3}, {1, 9}, {1, 1}, {0, 3}, {3, 1}, {0, 0}, {0, 0}, {3, 1}, 1},
    {"kernel taller than the map", 1, {3, 3}, {9, 1}, {1, 1}, {3, 0}, {1, 3}, {0, 0}, {0, 0}, {1, 3}, 1},
    {"row kernel", 2, {4, 9}, {1, 7}, {1, 1}, {0, 0}, {4, 3}, {0, 0}, {0, 0}, {4, 3}, 2},
    {"column kernel", 2, {9, 4}, {7, 1}, {1, 1}, {0, 0}, {3, 4}, {0, 0}, {0, 0}, {3, 4}, 2},
    {"row kernel, padded", 2, {4, 5}, {1, 5}, {1, 1}, {0, 4}, {4, 9}, {0, 0}, {0, 0}, {4, 9}, 3},
    {"stride larger than the kernel", 2, {11, 10}, {2, 3}, {4, 5}, {0, 0}, {3, 2}, {0, 0}, {0, 0}, {3, 2}, 0},
    {"stride that leaves rows out", 2, {8, 9}, {3, 3}, {3, 4}, {0, 0}, {2, 2}, {0, 0}, {0, 0}, {2, 2}, 0},
    {"padding = kernel - 1", 2, {4, 3}, {3, 3}, {1, 1}, {2, 2}, {6, 5}, {0, 0}, {0, 0}, {6, 5}, 4},
    {"padding = kernel - 1, stride", 2, {4, 3}, {4, 5}, {2, 3}, {3, 4}, {4, 3}, {0, 0}, {0, 0}, {4, 3}, 0},
    {"padding in one direction", 2, {5, 5}, {3, 3}, {1, 1}, {0, 2}, {3, 7}, {0, 0}, {0, 0}, {3, 7}, 3},
    {"same size, even kernel below", 2, {5, 6}, {2, 2}, {1, 1}, {1, 0}, {6, 5}, {0, 0}, {0, 0}, {6, 5}, 0},
    {"same size, 5x3", 2, {5, 6}, {5, 3}, {1, 1}, {2, 1}, {5, 6}, {2, 2}, {0, 0}, {2, 3}, 2},
    {"same size, kernel wider than two maps",
     2,
     {2, 2},
     {7, 7},
     {1, 1},
     {3, 3},
     {2, 2},
     {0, 0},
     {0, 0},
     {2, 2},
     0},
    {"one row", 3, {1, 17}, {1, 3}, {1, 2}, {0, 1}, {1, 9}, {1, 2}, {1, 2}, {1, 4}, 1},
    {"one column", 3, {17, 1}, {3, 1}, {2, 1}, {1, 0}, {9, 1}, {2, 1}, {2, 1}, {4, 1}, 1},
    {"pool that leaves a row out", 2, {7, 6}, {3, 3}, {1, 1}, {0, 0}, {5, 4}, {2, 2}, {0, 0}, {2, 2}, 0},
    {"pool that leaves both out", 2, {7, 7}, {1, 1}, {1, 1}, {0, 0}, {7, 7}, {2, 2}, {0, 0}, {3, 3}, 2},
    {"pool that leaves two out", 2, {7, 8}, {3, 3}, {1, 1}, {0, 0}, {5, 6}, {3, 4}, {0, 0}, {1, 1}, 0},
    {"pool with gaps", 2, {8, 9}, {2, 2}, {1, 1}, {0, 0}, {7, 8}, {2, 1}, {3, 4}, {2, 2}, 1},
    {"overlapping pool", 2, {7, 6}, {2, 1}, {1, 1}, {0, 0}, {6, 6}, {3, 3}, {2, 1}, {2, 4}, 2},
    {"overlapping pool by one", 2, {5, 5}, {1, 1}, {1, 1}, {0, 0}, {5, 5}, {2, 2}, {1, 1}, {4, 4}, 3},
    {"pool of the whole map", 2, {6, 7}, {3, 3}, {1, 1}, {0, 0}, {4, 5}, {4, 5}, {0, 0}, {1, 1}, 1},
    {"pool of one value", 2, {5, 4}, {3, 3}, {1, 1}, {1, 1}, {5, 4}, {1, 1}, {0, 0}, {5, 4}, 0},
    {"pool of one value, stride", 2, {5, 4}, {3, 3}, {1, 1}, {1, 1}, {5, 4}, {1, 1}, {2, 3}, {3, 2}, 2},
    {"pool of rows", 2, {6, 5}, {1, 1}, {1, 1}, {0, 0}, {6, 5}, {1, 2}, {1, 2}, {6, 2}, 2},
    {"halving of 2 columns", 2, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {2, 2}, {2, 2}, {2, 2}, {1, 1}, 0},
    {"head as large as the maps", 2, {4, 4}, {1, 1}, {1, 1}, {0, 0}, {4, 4}, {0, 0}, {0, 0}, {4, 4}, 4},
    {"head that does not divide", 2, {7, 5}, {1, 1}, {1, 1}, {0, 0}, {7, 5}, {0, 0}, {0, 0}, {7, 5}, 3},
    {"head of all columns but not rows",
     2,
     {7, 3},
     {1, 1},
     {1, 1},
     {0, 0},
     {7, 3},
     {0, 0},
     {0, 0},
     {7, 3},
     3},
    {"head of one cell", 2, {5, 8}, {3, 3}, {1, 1}, {0, 0}, {3, 6}, {2, 2}, {1, 1}, {2, 5}, 1},
};

enum { FILTERS = 3, CLASSES = 4 };

static mf_layer_spec spec_of(const shape *s, int32_t pool)
{
    mf_layer_spec spec = conv_spec(s->channels, s->size[0], s->size[1], FILTERS, CLASSES);

    spec.pool = s->pool_size[0] ? pool : MF_POOL_NONE;
    for (int d = 0; d < 2; d++) {
        spec.kernel[d] = s->kernel[d];
        spec.stride[d] = s->stride[d];
        spec.padding[d] = s->padding[d];
        spec.pool_stride[d] = s->pool_stride[d];
        if (s->pool_size[0])
            spec.pool_size[d] = s->pool_size[d];
    }
    spec.head_size = s->head;
    return spec;
}

static void check_told(const mf_layer_spec *spec, const shape *s)
{
    mf_layer *layer = make_layer(spec);
    mf_shape input = {.struct_size = sizeof input}, output = input;
    mf_layer_spec now = {.struct_size = sizeof now};
    size_t features = FILTERS * (s->head ? s->head * s->head : s->pooled[0] * s->pooled[1]);

    check_ok(mf_layer_shape(layer, &input, &output));
    check_shape(&input, 3, s->channels, s->size[0], s->size[1]);
    check_shape(&output, 3, FILTERS, s->pooled[0], s->pooled[1]);
    check_ok(mf_layer_describe(layer, &now));
    assert_int_equal(now.inputs, s->channels * s->size[0] * s->size[1]);
    assert_int_equal(now.outputs, FILTERS * s->pooled[0] * s->pooled[1]);
    assert_int_equal(parameter_count(layer, "weight"), FILTERS * s->channels * s->kernel[0] * s->kernel[1]);
    assert_int_equal(parameter_count(layer, "bias"), FILTERS);
    assert_int_equal(parameter_count(layer, "projection"), CLASSES * features);
    mf_layer_free(layer);
}

static void test_shapes_at_the_limits_match_the_oracle(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        for (int32_t pool = MF_POOL_AVERAGE; pool <= MF_POOL_MAX; pool++)
            for (int32_t normalization = 0; normalization <= 1; normalization++) {
                maps_case one = {.name = shapes[i].name, .max_rows = 5, .full_batches = 1, .steps = 2};

                one.spec = spec_of(&shapes[i], pool);
                one.spec.normalization = normalization;
                one.spec.activation = pool == MF_POOL_MAX ? MF_ACTIVATION_RELU : MF_ACTIVATION_TANH;
                check_told(&one.spec, &shapes[i]);
                run_maps_case(&one);
            }
}

/* ---- whatever fits, at random ---- */

static size_t from_to(test_random *random, size_t least, size_t most)
{
    return least + random_index(random, most - least + 1);
}

static mf_layer_spec random_spec(test_random *random)
{
    /* One by one: compilers differ in which argument of a call they evaluate first. */
    size_t classes = from_to(random, 2, 5), filters = from_to(random, 1, 4), channels = from_to(random, 1, 3);
    mf_layer_spec spec = conv_spec(channels, 1, 1, filters, classes);
    size_t size[2], pooled[2];

    spec.pool = (int32_t)from_to(random, MF_POOL_NONE, MF_POOL_MAX);
    for (int d = 0; d < 2; d++) {
        size_t map;

        size[d] = from_to(random, 1, 9);
        spec.kernel[d] = from_to(random, 1, 6);
        spec.padding[d] = from_to(random, 0, spec.kernel[d] - 1);
        if (spec.kernel[d] > size[d] + 2 * spec.padding[d])
            spec.kernel[d] = size[d] + 2 * spec.padding[d];
        spec.stride[d] = from_to(random, 1, 4);
        map = (size[d] + 2 * spec.padding[d] - spec.kernel[d]) / spec.stride[d] + 1;
        pooled[d] = map;
        if (spec.pool == MF_POOL_NONE)
            continue;
        spec.pool_size[d] = from_to(random, 1, map < 4 ? map : 4);
        spec.pool_stride[d] = from_to(random, 0, 3);
        pooled[d] =
            (map - spec.pool_size[d]) / (spec.pool_stride[d] ? spec.pool_stride[d] : spec.pool_size[d]) + 1;
    }
    spec.height = size[0];
    spec.width = size[1];
    spec.head_size = from_to(random, 0, pooled[0] < pooled[1] ? pooled[0] : pooled[1]);
    spec.activation = (int32_t)from_to(random, MF_ACTIVATION_IDENTITY, MF_ACTIVATION_SILU);
    spec.bias = (int32_t)random_index(random, 2);
    spec.normalization = (int32_t)random_index(random, 2);
    return spec;
}

static void test_random_shapes_match_the_oracle(void **state)
{
    test_random random = {2027};

    (void)state;
    for (int i = 0; i < 300; i++) {
        char name[120];
        maps_case one = {.name = name, .spec = random_spec(&random), .max_rows = from_to(&random, 3, 8)};

        snprintf(name, sizeof name,
                 "%d: %zux%zux%zu, kernel %zux%zu, stride %zux%zu, padding %zux%zu, pool %d, head %zu", i,
                 one.spec.channels, one.spec.height, one.spec.width, one.spec.kernel[0], one.spec.kernel[1],
                 one.spec.stride[0], one.spec.stride[1], one.spec.padding[0], one.spec.padding[1],
                 (int)one.spec.pool, one.spec.head_size);
        one.gap = random_index(&random, 3);
        one.weighted = (int)random_index(&random, 2);
        one.full_batches = 1;
        one.steps = 2;
        run_maps_case(&one);
    }
}

/* ---- specs ---- */

static void test_a_dense_layer_has_rows_as_shapes(void **state)
{
    mf_layer *layer = make_plain_layer(5, 4, 3, 1);
    mf_shape input = {.struct_size = sizeof input}, output = input, wrong = {.struct_size = 3};

    (void)state;
    check_ok(mf_layer_shape(layer, &input, NULL));
    check_ok(mf_layer_shape(layer, NULL, &output));
    check_shape(&input, 1, 5, 1, 1);
    check_shape(&output, 1, 4, 1, 1);
    check_ok(mf_layer_shape(layer, NULL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_shape(layer, &wrong, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_shape(layer, NULL, &wrong));
    check_status(MF_STATUS_HANDLE, mf_layer_shape(NULL, &input, &output));
    mf_layer_free(layer);
}

static void test_follow_copies_the_output_shape(void **state)
{
    mf_layer_spec conv = conv_spec(3, 10, 8, 6, 4), dense = layer_spec(0, 12, 4),
                  next = conv_spec(1, 2, 3, 9, 4);
    mf_layer_spec kept;

    (void)state;
    conv.pool = MF_POOL_MAX;
    next.kernel[1] = 1;
    next.activation = MF_ACTIVATION_TANH;
    kept = next;
    check_ok(mf_layer_spec_follow(&next, &conv)); /* 8 x 6, halved */
    kept.channels = 6;
    kept.height = 4;
    kept.width = 3;
    check_same_spec(&next, &kept);
    kept = dense;
    check_ok(mf_layer_spec_follow(&dense, &next));
    kept.inputs = 9 * 2 * 3; /* a 3x1 kernel on 4 x 3 */
    check_same_spec(&dense, &kept);
    /* A convolution behind a dense layer sees maps of one value. */
    check_ok(mf_layer_spec_follow(&next, &dense));
    assert_int_equal(next.channels, 12);
    assert_int_equal(next.height, 1);
    assert_int_equal(next.width, 1);
    kept = layer_spec(7, 2, 4);
    check_ok(mf_layer_spec_follow(&kept, &dense));
    assert_int_equal(kept.inputs, 12);
}

/* Whatever is wrong with the layer before is told as its creation would tell it, and nothing is written. */
static void test_follow_refuses_wrong_specs(void **state)
{
    mf_layer_spec spec = conv_spec(1, 2, 3, 4, 5), before = conv_spec(3, 10, 8, 6, 4), kept = spec;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_follow(NULL, &before));
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_follow(&spec, NULL));
    before.kernel[0] = 11;
    check_status(MF_STATUS_SHAPE, mf_layer_spec_follow(&spec, &before));
    before.kernel[0] = 0;
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_follow(&spec, &before));
    before.kernel[0] = 3;
    before.channels = SIZE_MAX;
    check_status(MF_STATUS_OVERFLOW, mf_layer_spec_follow(&spec, &before));
    before = layer_spec(3, 0, 2);
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_follow(&spec, &before));
    before = layer_spec(3, 6, 2);
    before.weight_gain = before.projection_gain = 0.0f;
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_follow(&spec, &before));
    check_message("mf_layer_spec_init()");
    before.struct_size = 7;
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_follow(&spec, &before));
    check_same_spec(&spec, &kept);
    spec.struct_size = 7;
    before = layer_spec(3, 6, 2);
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_follow(&spec, &before));
}

static void test_a_described_spec_creates_the_same_layer(void **state)
{
    mf_layer_spec spec = conv_spec(3, 10, 8, 6, 4), now = {.struct_size = sizeof now};

    (void)state;
    spec.kernel[0] = 5;
    spec.stride[1] = 2;
    spec.padding[0] = 2;
    spec.padding[1] = 1;
    spec.pool = MF_POOL_MAX;
    spec.pool_size[0] = 3;
    spec.pool_stride[1] = 1;
    spec.head_size = 2;
    spec.dropout_maps = 1;
    spec.dropout = 0.25f;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.normalization_rate = 0.5f;
    spec.normalization_epsilon = 0.125f;
    mf_layer *layer = make_layer(&spec);

    check_ok(mf_layer_describe(layer, &now));
    assert_int_equal(now.inputs, 3 * 10 * 8);
    assert_int_equal(now.outputs, 6 * 3 * 3); /* 10 x 4; 3 of 3 rows, 2 of 4 columns with stride 1 */
    /* With these two every field is as it was given, and such a spec makes the same layer. */
    spec.inputs = now.inputs;
    spec.outputs = now.outputs;
    check_same_spec(&now, &spec);
    mf_layer *again = make_layer(&now);
    saved_values before = save_layer_values(layer);

    check_layer_unchanged(&before, again);
    free_saved_values(&before);
    mf_layer_free(again);
    mf_layer_free(layer);
}

/* A program compiled before normalisation and convolutions came has a shorter struct; what lies behind it is
 * not the library's. */
static void test_specs_of_older_programs_are_accepted(void **state)
{
    const size_t old = offsetof(mf_layer_spec, normalization);
    mf_layer_spec spec, kept, conv = conv_spec(3, 10, 8, 6, 4);
    mf_layer *layer = NULL;

    (void)state;
    memset(&spec, 0x5a, sizeof spec);
    check_ok(mf_layer_spec_init(&spec, old));
    for (size_t i = old; i < sizeof spec; i++)
        assert_int_equal(((unsigned char *)&spec)[i], 0x5a);
    assert_int_equal(spec.struct_size, old);
    spec.classes = 3;
    spec.outputs = 5;
    spec.seed = 7;
    check_ok(mf_layer_spec_follow(&spec, &conv));
    assert_int_equal(spec.inputs, 6 * 8 * 6);
    kept = spec;
    check_ok(mf_layer_create(&spec, &layer));
    assert_false(has_parameter(layer, "scale"));
    spec.inputs = 1;
    check_ok(mf_layer_describe(layer, &spec));
    check_same_spec(&spec, &kept);
    mf_layer_free(layer);

    layer = make_layer(&conv);
    check_ok(mf_layer_describe(layer, &spec));
    assert_int_equal(spec.kind, MF_LAYER_CONV2D);
    assert_int_equal(spec.outputs, 6 * 8 * 6);
    for (size_t i = old; i < sizeof spec; i++)
        assert_int_equal(((unsigned char *)&spec)[i], 0x5a);
    mf_layer_free(layer);
}

/* The defaults that the header names. */
static void test_defaults_are_those_of_the_header(void **state)
{
    mf_layer_spec spec;

    (void)state;
    memset(&spec, 0x5a, sizeof spec);
    check_ok(mf_layer_spec_init(&spec, sizeof spec));
    assert_int_equal(spec.normalization, MF_NORMALIZATION_NONE);
    assert_true(spec.normalization_rate == 0.1f && spec.normalization_epsilon == 1e-5f);
    assert_int_equal(spec.pool, MF_POOL_NONE);
    assert_int_equal(spec.channels + spec.height + spec.width + spec.filters + spec.head_size, 0);
    for (int d = 0; d < 2; d++) {
        assert_int_equal(spec.kernel[d], 3);
        assert_int_equal(spec.stride[d], 1);
        assert_int_equal(spec.padding[d], 0);
        assert_int_equal(spec.pool_size[d], 2);
        assert_int_equal(spec.pool_stride[d], 0);
    }
    assert_int_equal(spec.dropout_maps, 0);
    assert_int_equal(spec.precision, MF_PRECISION_FLOAT32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_at_the_limits_match_the_oracle),
        cmocka_unit_test(test_random_shapes_match_the_oracle),
        cmocka_unit_test(test_a_dense_layer_has_rows_as_shapes),
        cmocka_unit_test(test_follow_copies_the_output_shape),
        cmocka_unit_test(test_follow_refuses_wrong_specs),
        cmocka_unit_test(test_a_described_spec_creates_the_same_layer),
        cmocka_unit_test(test_specs_of_older_programs_are_accepted),
        cmocka_unit_test(test_defaults_are_those_of_the_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
