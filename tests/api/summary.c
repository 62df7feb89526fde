/* What a network says of itself to people: the exact text of small ones, buffers of every size, refusals; and
 * the _init functions of results. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "memory.h"
#include "units.h"

enum { CLASSES = 3, ROWS = 2 };

/* The bytes that follow are those of this build. */
static char *expected_end(const mf_network *network, const char *parameters, size_t state)
{
    static char line[200];
    mf_builder *builders[3];
    mf_memory memory = {.struct_size = sizeof memory};
    size_t layers = 0;

    check_ok(mf_network_size(network, &layers));
    for (size_t i = 0; i < layers; i++) {
        mf_shape input = {.struct_size = sizeof input};
        mf_builder_spec spec = builder_spec(&input);
        mf_head_spec head = {.struct_size = sizeof head};
        size_t units = 0;

        check_ok(mf_layer_shape(layer_at(network, i), &input, NULL));
        check_ok(mf_builder_create(&spec, &builders[i]));
        check_ok(mf_layer_unit_count(layer_at(network, i), &units));
        for (size_t u = 1; u <= units; u++) {
            mf_unit_spec unit = {.struct_size = sizeof unit};

            check_ok(mf_layer_unit(layer_at(network, i), (int32_t)u, &unit, NULL));
            check_ok(mf_builder_unit(builders[i], &unit, NULL));
        }
        check_ok(mf_layer_head(layer_at(network, i), &head));
        check_ok(mf_builder_head(builders[i], &head));
    }
    check_ok(mf_network_memory_built(builders, layers, NULL, MF_WORKSPACE_TRAINING, ROWS, &memory));
    snprintf(
        line, sizeof line,
        "%zu layer%s, %s parameters; bytes: layers %zu, optimizer state %zu, workspace for %d rows %zu\n",
        layers, layers == 1 ? "" : "s", parameters, memory.layers, state, ROWS, memory.workspace);
    for (size_t i = 0; i < layers; i++)
        mf_builder_free(builders[i]);
    return line;
}

static char *summary(const mf_network *network)
{
    size_t needed = 0, again = 0;
    char *text;

    check_status(MF_STATUS_CAPACITY, mf_network_summary(network, ROWS, NULL, 0, &needed));
    text = get_memory(needed);
    check_ok(mf_network_summary(network, ROWS, text, needed, &again));
    assert_int_equal(needed, again);
    assert_int_equal(strlen(text) + 1, needed);
    return text;
}

static void check_text(const mf_network *network, const char *lines, const char *end)
{
    char *text = summary(network), *expected = get_memory(strlen(lines) + strlen(end) + 1);

    strcpy(expected, lines);
    strcat(expected, end);
    assert_string_equal(text, expected);
    free(expected);
    free(text);
}

static mf_network *block_and_dense(mf_optimizer *optimizer)
{
    units_plan plans[2] = {plan_maps(2, 4, 4, CLASSES), plan_row(8, CLASSES)};
    mf_unit_spec conv = unit_conv(2, 3, 1), pool = unit_pool(MF_POOL_MAX, 3);

    conv.bias = 0;
    pool.stride[0] = pool.stride[1] = 2;
    pool.kernel[0] = 2;
    pool.padding[1] = 1;
    plan_add(&plans[0], conv);
    plan_add(&plans[0], unit_norm());
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_LEAKY_RELU));
    plan_add(&plans[0], unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plans[0], unit_reading(pool, 4));
    plans[0].head.pool_size = 1;
    plan_add(&plans[1], unit_dropout(0.25f, 0));
    plan_add(&plans[1], unit_dense(4));
    plan_add(&plans[1], unit_reading(unit_dense(4), 0));
    plan_add(&plans[1], unit_add(2, 3));
    return make_units_network(plans, 2, optimizer);
}

static const char block_lines[] =
    "layer 0\n"
    "     0  input       2x4x4\n"
    "     1  conv2d      2x4x4                  36  3x3 kernel, stride 1x1, padding 1x1\n"
    "     2  batch_norm  2x4x4                   8\n"
    "     3  activation  2x4x4                   0  leaky relu\n"
    "     4  add         2x4x4                   0  node 3 + node 0\n"
    "     5  pool        2x2x2                   0  max, 2x3, stride 2x2, padding 0x1\n"
    "        head        3                       6  linear, reads 2 values\n"
    "----- gradients stop here -----\n"
    "layer 1\n"
    "     0  input       8\n"
    "     1  dropout     8                       0  rate 0.25\n"
    "     2  dense       4                      36\n"
    "     3  dense       4                      36  reads node 0\n"
    "     4  add         4                       0  node 2 + node 3\n"
    "        head        3                      12  linear, reads 4 values\n"
    "----- gradients stop here -----\n";

static void test_text(void **state)
{
    mf_network *network = block_and_dense(NULL);

    (void)state;
    check_text(network, block_lines, expected_end(network, "134", 0));
    mf_network_free(network);
}

/* Its parameters are in another order than its units. */
static void test_layer_of_a_spec(void **state)
{
    static const char lines[] =
        "layer 0\n"
        "     0  input       1x5x5\n"
        "     1  conv2d      4x3x3                  36  3x3 kernel, stride 1x1, padding 0x0\n"
        "     2  batch_norm  4x3x3                  16\n"
        "     3  activation  4x3x3                   0  relu\n"
        "     4  pool        4x1x1                   0  average, 2x2, stride 2x2\n"
        "        head        3                      12  linear, reads 4 values\n"
        "----- gradients stop here -----\n";
    mf_layer_spec spec = conv_spec(1, 5, 5, 4, CLASSES);
    mf_network *network = make_network();
    mf_layer *layer;
    char *text;

    (void)state;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.pool = MF_POOL_AVERAGE;
    layer = make_layer(&spec);
    check_ok(mf_network_append(network, layer, NULL));
    text = summary(network);
    assert_memory_equal(text, lines, strlen(lines));
    assert_non_null(strstr(text, "1 layer, 64 parameters"));
    free(text);
    mf_layer_free(layer);
    mf_network_free(network);
}

/* What is there is counted, not what would be. */
static void test_state(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.1);
    mf_network *network = block_and_dense(optimizer);
    char *text = summary(network), *place = strstr(text, "optimizer state ");

    (void)state;
    assert_non_null(place);
    assert_true(strtoul(place + strlen("optimizer state "), NULL, 10) >= 2 * 130 * sizeof(float));
    free(text);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* What a head has besides a projection, and inputs that the network scales. */
static void test_heads_and_inputs(void **state)
{
    static const char lines[] = "layer 0\n"
                                "     0  input       4\n"
                                "     1  dense       5                      25\n"
                                "        output      units from here on are the head's\n"
                                "     2  dense       3                      18\n"
                                "     3  dense       3                      18  reads node 1\n"
                                "        head        3                       9  linear, reads 3 values, 2 "
                                "candidates by uniform, similarity 0.5 of node 3\n"
                                "----- gradients stop here -----\n";
    static const float shift[4] = {1.0f, 2.0f, 3.0f, 4.0f}, scale[4] = {0.5f, 0.5f, 0.5f, 0.25f};
    units_plan plan = plan_row(4, CLASSES);
    mf_network *network;
    char *text;

    (void)state;
    plan_add(&plan, unit_dense(5));
    plan_add(&plan, unit_dense(3));
    plan_add(&plan, unit_reading(unit_dense(3), 1));
    plan.head.output_node = 1;
    plan.head.sampling = MF_SAMPLING_UNIFORM;
    plan.head.candidates = 2;
    plan.head.similarity = 0.5f;
    network = make_units_network(&plan, 1, NULL);
    check_text(network, lines, expected_end(network, "70", 0));
    check_ok(mf_network_set_input_scaling(network, shift, scale, 1));
    text = summary(network);
    assert_non_null(strstr(text, "inputs are scaled: (x + 1) 0.5\n"));
    free(text);
    check_ok(mf_network_set_input_scaling(network, shift, scale, 4));
    text = summary(network);
    assert_non_null(strstr(text, "inputs are scaled, each by one of 4 numbers\n"));
    free(text);
    mf_network_free(network);
}

static void test_auxiliary_heads(void **state)
{
    static const char lines[] =
        "layer 0\n"
        "     0  input       4\n"
        "     1  dense       5                      25\n"
        "        output      units from here on are the head's\n"
        "     2  dense       6                      36\n"
        "     3  dense       3                      21  auxiliary head, weight 0.5\n"
        "     4  dense       3                      18  reads node 1; auxiliary head, "
        "weight 2\n"
        "        head        3                      15  linear, reads 5 values of node 1\n"
        "----- gradients stop here -----\n";
    units_plan plan = plan_row(4, CLASSES);
    mf_unit_spec scores = unit_dense(CLASSES);
    mf_network *network;

    (void)state;
    plan_add(&plan, unit_dense(5));
    plan_add(&plan, unit_dense(6));
    scores.loss_weight = 0.5f;
    plan_add(&plan, scores);
    scores.loss_weight = 2.0f;
    plan_add(&plan, unit_reading(scores, 1));
    plan.head.input_node = 1;
    network = make_units_network(&plan, 1, NULL);
    check_text(network, lines, expected_end(network, "115", 0));
    mf_network_free(network);
}

static void test_shared_matrices_are_counted(void **state)
{
    units_plan plan = plan_row(4, CLASSES);
    mf_matrix *matrix = make_matrix(CLASSES, 5, 1);
    mf_builder *builder;
    mf_memory memory = {.struct_size = sizeof memory};
    char expected[80];

    (void)state;
    plan_add(&plan, unit_dense(6));
    plan_shared(&plan, matrix, 0);
    builder = make_builder(&plan, NULL);
    check_ok(mf_network_memory_built(&builder, 1, NULL, MF_WORKSPACE_TRAINING, ROWS, &memory));
    mf_network *network = make_units_network(&plan, 1, NULL);
    char *text = summary(network);

    assert_true(memory.shared > CLASSES * 5 * sizeof(float));
    snprintf(expected, sizeof expected, "workspace for 2 rows %zu, shared matrices %zu\n", memory.workspace,
             memory.shared);
    assert_non_null(strstr(text, expected));
    free(text);
    mf_builder_free(builder);
    mf_network_free(network);
    mf_matrix_free(matrix);
}

static void test_empty(void **state)
{
    mf_network *network = make_network();
    char *text = summary(network);

    (void)state;
    assert_string_equal(text, "no layers\n");
    free(text);
    mf_network_free(network);
}

/* Every size: what fits is there, with a final 0, and nothing behind it is touched. */
static void test_cut(void **state)
{
    mf_network *network = block_and_dense(NULL);
    char *whole = summary(network);
    size_t needed = strlen(whole) + 1;

    (void)state;
    for (size_t size = 0; size <= needed + 3; size++) {
        char *text = get_memory(size + 1); /* a block that ends with the fence */
        size_t told = 0;
        mf_status status;

        memset(text, 0x5A, size + 1);
        status = mf_network_summary(network, ROWS, text, size, &told);
        check_status(size < needed ? MF_STATUS_CAPACITY : MF_STATUS_OK, status);
        assert_int_equal(told, needed);
        assert_int_equal(text[size], 0x5A);
        if (size > 0) {
            size_t length = size < needed ? size - 1 : needed - 1;

            assert_memory_equal(text, whole, length);
            assert_int_equal(text[length], 0);
        }
        check_status(status, mf_network_summary(network, ROWS, size ? text : NULL, size, NULL));
        free(text);
    }
    free(whole);
    mf_network_free(network);
}

static void test_refusals(void **state)
{
    mf_network *network = block_and_dense(NULL), *empty = make_network();
    const mf_network *const both[] = {network, empty};
    const mf_network *other = (const mf_network *)(const void *)layer_at(network, 0);
    char text[8] = "abcdefg";
    size_t needed = 77;

    (void)state;
    check_status(MF_STATUS_HANDLE, mf_network_summary(NULL, ROWS, text, sizeof text, &needed));
    check_status(MF_STATUS_HANDLE, mf_network_summary(other, ROWS, text, sizeof text, &needed));
    for (size_t i = 0; i < 2; i++) {
        check_status(MF_STATUS_ARGUMENT, mf_network_summary(both[i], ROWS, NULL, 1, &needed));
        check_status(MF_STATUS_ARGUMENT, mf_network_summary(both[i], 0, text, sizeof text, &needed));
        check_status(MF_STATUS_OVERFLOW, mf_network_summary(both[i], SIZE_MAX, text, sizeof text, &needed));
    }
    assert_string_equal(text, "abcdefg");
    assert_int_equal(needed, 77);
    mf_network_free(empty);
    mf_network_free(network);
}

/* There is no workspace for classes that differ, so nobody can say what it takes. */
static void test_other_classes(void **state)
{
    mf_network *network = block_and_dense(NULL);
    char text[8] = "abcdefg";

    (void)state;
    check_ok(mf_layer_set_classes(layer_at(network, 1), 9));
    check_status(MF_STATUS_SHAPE, mf_network_summary(network, ROWS, text, sizeof text, NULL));
    assert_string_equal(text, "abcdefg");
    mf_network_free(network);
}

static void test_allocates_nothing(void **state)
{
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_network_spec spec = {.struct_size = sizeof spec, .allocator = &allocator};
    units_plan plan = plan_residual(2, 3, 3, CLASSES);
    mf_builder *builder = make_builder(&plan, &allocator);
    mf_network *network = NULL;
    mf_layer *layer = NULL;
    size_t calls;
    char *text;

    (void)state;
    check_ok(mf_network_create(&spec, &network));
    check_ok(mf_layer_build(builder, &layer));
    check_ok(mf_network_append(network, layer, NULL));
    calls = memory.calls;
    text = summary(network);
    assert_int_equal(memory.calls, calls);
    free(text);
    mf_layer_free(layer);
    mf_builder_free(builder);
    mf_network_free(network);
    assert_int_equal(memory.blocks_out, 0);
    memory_release(&memory);
}

/* ---- results ---- */

#define init_result(type, init, first)                                                        \
    do {                                                                                      \
        union {                                                                               \
            type result;                                                                      \
            unsigned char bytes[sizeof(type) + 24];                                           \
        } one, zero;                                                                          \
                                                                                              \
        memset(&zero, 0, sizeof zero);                                                        \
        for (size_t later = 0; later <= 16; later += 16) {                                    \
            memset(&one, 0x5A, sizeof one);                                                   \
            check_ok(init(&one.result, sizeof(type) + later));                                \
            assert_int_equal(one.result.struct_size, sizeof(type) + later);                   \
            assert_int_equal(one.bytes[sizeof(type) + later], 0x5A);                          \
            if (strcmp(#type, "mf_shape") != 0)                                               \
                assert_memory_equal(one.bytes + 4, zero.bytes + 4, sizeof(type) + later - 4); \
        }                                                                                     \
        check_status(MF_STATUS_ARGUMENT, init(NULL, sizeof(type)));                           \
        for (size_t i = 0; i < 4; i++) {                                                      \
            const size_t sizes[] = {0, (first)-1, 4097, SIZE_MAX};                            \
                                                                                              \
            memset(&one, 0x5A, sizeof one);                                                   \
            check_status(MF_STATUS_ARGUMENT, init(&one.result, sizes[i]));                    \
            check_message(#type);                                                             \
            for (size_t k = 0; k < sizeof one; k++)                                           \
                assert_int_equal(one.bytes[k], 0x5A);                                         \
        }                                                                                     \
    } while (0)

static void test_results(void **state)
{
    mf_shape shape;

    (void)state;
    init_result(mf_shape, mf_shape_init, sizeof(mf_shape));
    init_result(mf_report, mf_report_init, sizeof(mf_report));
    init_result(mf_memory, mf_memory_init, offsetof(mf_memory, shared));
    init_result(mf_parameter_info, mf_parameter_info_init, sizeof(mf_parameter_info));
    init_result(mf_pipeline_report, mf_pipeline_report_init, sizeof(mf_pipeline_report));
    init_result(mf_pipeline_progress_info, mf_pipeline_progress_info_init, sizeof(mf_pipeline_progress_info));
    check_ok(mf_shape_init(&shape, sizeof shape));
    check_shape(&shape, 1, 1, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_layer_of_a_spec),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_heads_and_inputs),
        cmocka_unit_test(test_auxiliary_heads),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_shared_matrices_are_counted),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_other_classes),
        cmocka_unit_test(test_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
