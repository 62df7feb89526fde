/* ONNX import: models of the library's own come back bit for bit; models that are written here, node by node,
 * become the units they should, or are refused in words; cuts, heads, what is frozen. What other programs
 * have written is compared with their answers by tests/onnx. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "memory.h"
#include "models.h"
#include "onnx_text.h"
#include "random_units.h"

enum { ROWS = 3 };

/* ---- models of the library's own ---- */

static float *answers(mf_network *network, int32_t mode, const float *x, size_t scores)
{
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    float *goodness = get_zeroed(ROWS * scores, sizeof *goodness);

    check_ok(mf_network_goodness(network, workspace, mode, ROWS, x, goodness));
    mf_workspace_free(workspace);
    return goodness;
}

/* `same_bytes` of layers of units, whose names tell their numbers. */
static void check_returns(mf_network *network, test_random *random, int same_bytes)
{
    mf_layer *first = layer_at(network, 0);
    mf_shape input = {.struct_size = sizeof input}, scores = input;
    size_t bytes = 0;

    check_ok(mf_layer_shape(first, &input, NULL));
    check_ok(mf_layer_goodness_shape(first, &scores));
    size_t values = ROWS * input.dims[0] * (input.rank > 1 ? input.dims[1] : 1) *
                    (input.rank > 2 ? input.dims[2] : 1),
           count = scores.dims[0] * (scores.rank > 1 ? scores.dims[1] : 1);
    float *x = get_memory(values * sizeof *x);
    draw_inputs(layer_vocabulary(first), random, x, values);
    check_ok(mf_network_export_onnx_size(network, &bytes));
    message model = {0};
    void *file = get_memory(bytes);
    check_ok(mf_network_export_onnx_buffer(network, file, bytes, NULL));
    mf_onnx_spec spec = spec_of(&model);
    spec.buffer = file;
    spec.bytes = bytes;
    mf_network *returned = import_model(&spec);
    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        float *one = answers(network, mode, x, count), *other = answers(returned, mode, x, count);

        if (memcmp(one, other, ROWS * count * sizeof *one) != 0)
            fail_msg("the network that came back answers otherwise");
        free(one);
        free(other);
    }
    if (same_bytes) {
        size_t again = 0;
        char *other = get_memory(bytes);

        check_ok(mf_network_export_onnx_size(returned, &again));
        assert_int_equal(again, bytes);
        check_ok(mf_network_export_onnx_buffer(returned, other, bytes, NULL));
        assert_memory_equal(file, other, bytes);
        free(other);
    }
    mf_network_free(returned);
    free(file);
    free(x);
}

static void test_own_models_return(void **state)
{
    test_random random = {11};

    (void)state;
    for (int i = 0; i < 150; i++) {
        units_plan plan = i % 3 == 2   ? random_plan_of_positions(&random)
                          : i % 9 == 4 ? random_plan_with_flatten(&random)
                          : i % 9 == 1 ? random_plan_with_head_units(&random, 0)
                                       : random_plan(&random);
        mf_network *network = make_units_network(&plan, 1, NULL);

        check_returns(network, &random, 1);
        mf_network_free(network);
    }
}

/* Layers with specs: maps to rows and back, heads that pool maps. */
static void test_own_models_of_several_layers_return(void **state)
{
    test_random random = {12};
    mf_network *network = make_network();
    mf_layer_spec conv = conv_spec(2, 7, 6, 5, 3), next;
    mf_layer *layers[3];

    (void)state;
    conv.pool = MF_POOL_MAX;
    conv.head_size = 2;
    conv.normalization = MF_NORMALIZATION_BATCH;
    layers[0] = make_layer(&conv);
    next = layer_spec(0, 12, 3);
    check_ok(mf_layer_spec_follow(&next, &conv));
    next.activation = MF_ACTIVATION_GELU;
    layers[1] = make_layer(&next);
    conv = conv_spec(3, 2, 2, 4, 3);
    conv.kernel[0] = conv.kernel[1] = 2;
    layers[2] = make_layer(&conv);
    for (size_t i = 0; i < 3; i++) {
        check_ok(mf_network_append(network, layers[i], NULL));
        mf_layer_free(layers[i]);
    }
    check_returns(network, &random, 0);
    mf_network_free(network);
}

/* A head with units of its own, which the next layer does not read. */
static mf_network *network_with_head_units(void)
{
    units_plan plans[2] = {plan_row(5, 3), plan_row(4, 3)};

    plan_add(&plans[0], unit_dense(4));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plans[0], unit_dense(6));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_TANH));
    plans[0].head.output_node = 2;
    plan_add(&plans[1], unit_dense(3));
    return make_units_network(plans, 2, NULL);
}

static void test_heads_with_units_return(void **state)
{
    test_random random = {13};
    mf_network *network = network_with_head_units();

    (void)state;
    check_returns(network, &random, 1);
    mf_network_free(network);
}

/* Also of one position, and of two embeddings of the same tokens. */
static void test_tokens_return(void **state)
{
    test_random random = {14};

    (void)state;
    for (size_t positions = 1; positions <= 6; positions += 5) {
        units_plan plan = plan_row(positions, 3);

        plan_add(&plan, unit_embedding(11, 4));
        plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
        plan_add(&plan, unit_reading(unit_embedding(13, 4), 0));
        plan_add(&plan, unit_add(2, 3));
        mf_network *network = make_units_network(&plan, 1, NULL);
        check_returns(network, &random, 1);
        mf_network_free(network);
    }
}

/* Maps whose places become a sequence, and means of windows that read zeros around them. */
static void test_places_and_padded_means_return(void **state)
{
    test_random random = {15};

    (void)state;
    for (int pool = MF_POOL_AVERAGE; pool <= MF_POOL_AVERAGE_INSIDE; pool++) {
        units_plan plan = plan_maps(3, 5, 4, 3);
        mf_unit_spec window = unit_pool(pool, 2);
        mf_network *network;

        window.padding[0] = window.padding[1] = 1;
        plan_add(&plan, window);
        plan_add(&plan, unit_of(MF_UNIT_TOKENS));
        plan_add(&plan, unit_dense(4));
        network = make_units_network(&plan, 1, NULL);
        check_returns(network, &random, 1);
        mf_network_free(network);
    }
}

static mf_onnx_spec spec_of_exported(const mf_network *network, message *model)
{
    size_t bytes = 0;

    check_ok(mf_network_export_onnx_size(network, &bytes));
    check_ok(mf_network_export_onnx_buffer(network, model->bytes, sizeof model->bytes, NULL));
    model->count = bytes;
    return spec_of(model);
}

/* Whether the layer has the M of another one. */
static int has_projection_of(const mf_layer *layer, const mf_layer *other)
{
    size_t count = 0, others = 0;
    float *one = read_parameter(layer, "head.projection", &count),
          *two = read_parameter(other, "head.projection", &others);
    int same = count == others && memcmp(one, two, count * sizeof *one) == 0;

    free(one);
    free(two);
    return same;
}

/* A layer that ends elsewhere than the exported one has a head of its own, whether or not M would fit it. */
static void test_own_models_are_cut_elsewhere(void **state)
{
    const char *name = "layers.0.units.2.activation";
    mf_head_spec head = {.struct_size = sizeof head};

    (void)state;
    for (size_t width = 4; width <= 6; width++) {
        units_plan plan = plan_row(5, 3);
        message model = {0};
        size_t layers = 0;

        plan_add(&plan, unit_dense(width));
        plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
        plan_add(&plan, unit_dense(6));
        plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
        mf_network *network = make_units_network(&plan, 1, NULL);
        mf_onnx_spec spec = spec_of_exported(network, &model);
        spec.cuts = &name;
        spec.cut_count = 1;
        mf_network *cut = import_model(&spec);
        check_ok(mf_network_size(cut, &layers));
        assert_int_equal(layers, 2);
        assert_false(has_projection_of(layer_at(cut, 0), layer_at(network, 0)));
        assert_true(has_projection_of(layer_at(cut, 1), layer_at(network, 0)));
        mf_network_free(cut);
        for (int32_t features = 0; features <= 1; features++) {
            spec = spec_of(&model);
            spec.features = features;
            spec.last = features ? NULL : name;
            cut = import_model(&spec);
            check_ok(mf_layer_head(layer_at(cut, 0), &head));
            assert_int_equal(head.classes, 3);
            assert_int_equal(parameter_count(layer_at(cut, 0), "head.projection"), 3 * width);
            assert_false(has_projection_of(layer_at(cut, 0), layer_at(network, 0)));
            mf_network_free(cut);
        }
        mf_network_free(network);
    }
}

/* The next layer reads what is in front of the cut, and nothing would read the layer behind it. */
static void test_heads_are_not_cut_off(void **state)
{
    const char *name = "layers.0.units.2.activation";
    mf_network *network = network_with_head_units();
    message model = {0};
    mf_onnx_spec spec = spec_of_exported(network, &model);

    (void)state;
    spec.cuts = &name;
    spec.cut_count = 1;
    check_refused(&spec, MF_STATUS_ARGUMENT,
                  "a cut is in front of units that only the head of layer 0 reads");
    spec.classes = 3;
    check_refused(&spec, MF_STATUS_ARGUMENT,
                  "a cut is in front of units that only the head of layer 0 reads");
    mf_network_free(network);
}

/* ---- models of others ---- */

/* y = relu(x W + b), two steps of it. */
static message dense_model(void)
{
    const int64_t input[] = {0, 3}, first[] = {3, 4}, second[] = {4, 2}, four = 4, two = 2;
    message graph = begin_graph(2, input);

    put_constant(&graph, "w1", 2, first);
    put_constant(&graph, "b1", 1, &four);
    put_constant(&graph, "w2", 2, second);
    put_constant(&graph, "b2", 1, &two);
    put_node(&graph, "MatMul", "x w1", "u", "");
    put_node(&graph, "Add", "u b1", "v", "");
    put_node(&graph, "Relu", "v", "h", "");
    put_node(&graph, "Gemm", "h w2 b2", "y", "");
    return model_of(&graph, 13);
}

static float constant_at(size_t i)
{
    return 0.1f * (float)(i % 7 + 1);
}

static void test_answers_are_those_of_the_model(void **state)
{
    const float x[ROWS][3] = {{1, -2, 0.5f}, {0, 0, 0}, {-1, 3, 2}};
    message model = dense_model();
    mf_onnx_spec spec = spec_of(&model);
    mf_network *network = import_model(&spec);
    float *got = answers(network, MF_PREDICT_LAST, x[0], 2);
    const char *volt = NULL;

    (void)state;
    for (size_t row = 0; row < ROWS; row++)
        for (size_t c = 0; c < 2; c++) {
            double y = constant_at(c);
            for (size_t n = 0; n < 4; n++) {
                double h = constant_at(n);
                for (size_t k = 0; k < 3; k++)
                    h += (double)x[row][k] * constant_at(k * 4 + n);
                y += (h > 0 ? h : 0) * constant_at(n * 2 + c);
            }
            check_near(y, got[row * 2 + c], 1e-5);
        }
    check_ok(mf_network_metadata_get(network, "unit", &volt));
    assert_string_equal(volt, "volt");
    free(got);
    mf_network_free(network);
}

static size_t trainable(const mf_layer *layer)
{
    size_t count = 0, trains = 0;

    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        trains += info.trainable != 0;
    }
    return trains;
}

static void test_cuts_heads_and_what_is_frozen(void **state)
{
    const char *cuts[] = {"h"}, *late[] = {"y"}, *nowhere[] = {"z"};
    message model = dense_model();
    mf_onnx_spec spec = spec_of(&model);
    mf_head_spec head = {.struct_size = sizeof head};
    size_t size = 0, units = 0;
    char text[2000];

    (void)state;
    spec.cuts = cuts;
    spec.cut_count = 1;
    spec.frozen = 1;
    spec.classes = 5;
    mf_network *network = import_model(&spec);
    check_ok(mf_network_size(network, &size));
    assert_int_equal(size, 2);
    check_ok(mf_layer_unit_count(layer_at(network, 0), &units));
    assert_int_equal(units, 2);
    check_ok(mf_layer_head(layer_at(network, 1), &head));
    assert_int_equal(head.classes, 5);
    assert_int_equal(trainable(layer_at(network, 0)), 1);
    assert_int_equal(trainable(layer_at(network, 1)), 3);
    mf_network_free(network);
    check_ok(mf_onnx_plan(&spec, text, sizeof text, &size));
    assert_int_equal(size, strlen(text) + 1);
    assert_non_null(strstr(text, "layer 0, frozen"));
    assert_non_null(strstr(text, "2 layers"));
    check_status(MF_STATUS_CAPACITY, mf_onnx_plan(&spec, text, 20, &size));
    assert_int_equal(strlen(text), 19);
    spec.features = 1;
    check_ok(mf_onnx_plan(&spec, text, sizeof text, NULL));
    spec.cut_count = 0;
    network = import_model(&spec);
    check_ok(mf_layer_unit_count(layer_at(network, 0), &units));
    assert_int_equal(units, 2);
    mf_network_free(network);
    spec.features = 0;
    spec.last = "v";
    network = import_model(&spec);
    check_ok(mf_layer_unit_count(layer_at(network, 0), &units));
    assert_int_equal(units, 1);
    mf_network_free(network);
    spec.cuts = late;
    spec.cut_count = 1;
    check_refused(&spec, MF_STATUS_ARGUMENT, "\"y\"");
    spec.cuts = nowhere;
    check_refused(&spec, MF_STATUS_ARGUMENT, "\"z\"");
}

/* Also where the seed of the second layer, which is the next number, would be 0 and drawn at random. */
static void test_equal_seeds_draw_equal_heads(void **state)
{
    const char *cut = "h";
    message model = dense_model();
    mf_onnx_spec spec = spec_of(&model);

    (void)state;
    spec.cuts = &cut;
    spec.cut_count = 1;
    spec.classes = 3;
    spec.seed = UINT64_MAX;
    mf_network *one = import_model(&spec), *other = import_model(&spec);
    saved_values values = save_network_values(one);
    check_network_unchanged(&values, other);
    free_saved_values(&values);
    mf_network_free(one);
    mf_network_free(other);
}

/* Two dense units and M, of which the second unit belongs to the head; then one and M. */
static void test_heads_of_frozen_layers_learn_with_their_units(void **state)
{
    mf_network *network = network_with_head_units();
    message model = {0};
    mf_onnx_spec spec = spec_of(&model);
    size_t bytes = 0;

    (void)state;
    check_ok(mf_network_export_onnx_size(network, &bytes));
    check_ok(mf_network_export_onnx_buffer(network, model.bytes, sizeof model.bytes, NULL));
    spec.bytes = bytes;
    spec.frozen = SIZE_MAX;
    mf_network *returned = import_model(&spec);
    assert_int_equal(trainable(layer_at(returned, 0)), 3);
    assert_int_equal(trainable(layer_at(returned, 1)), 1);
    mf_network_free(returned);
    mf_network_free(network);
}

/* Names that only the library may give are left out, and a call that succeeds has no message. */
static void test_names_of_the_library_are_left_out(void **state)
{
    static const char *const names[] = {"monoforward.x", "format", "training"};
    message model = dense_model();
    const char *value;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        message pair = {0};

        put_text(&pair, 1, names[i]);
        put_text(&pair, 2, "y");
        put_message(&model, 14, &pair);
    }
    mf_onnx_spec spec = spec_of(&model);
    check_status(MF_STATUS_HANDLE, mf_network_size(NULL, &spec.bytes));
    mf_network *network = import_model(&spec);
    check_message("NULL");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        check_status(MF_STATUS_NOT_FOUND, mf_network_metadata_get(network, names[i], &value));
    check_ok(mf_network_metadata_count(network, &count));
    assert_int_equal(count, 1); /* the model's unit */
    mf_network_free(network);
}

static mf_status import_with_pair(const void *name, size_t name_bytes, const void *value, size_t value_bytes,
                                  size_t *entries)
{
    message model = dense_model(), pair = {0};
    mf_network *network = NULL;

    put_bytes(&pair, 1, name, name_bytes);
    put_bytes(&pair, 2, value, value_bytes);
    put_message(&model, 14, &pair);
    mf_onnx_spec spec = spec_of(&model);
    mf_status status = mf_network_import_onnx(&spec, &network);
    if (status == MF_STATUS_OK)
        check_ok(mf_network_metadata_count(network, entries));
    mf_network_free(network);
    return status;
}

/* Of what the host could not have set, a sound model is no worse; what is no text is damage. */
static void test_metadata_that_no_network_has(void **state)
{
    char name[256];
    size_t entries = 0;

    (void)state;
    memset(name, 'n', sizeof name);
    check_ok(import_with_pair(name, 255, "y", 1, &entries));
    assert_int_equal(entries, 2);
    check_status(MF_STATUS_HANDLE, mf_network_size(NULL, &entries));
    check_ok(import_with_pair(name, 256, "y", 1, &entries));
    assert_int_equal(entries, 1);
    check_ok(import_with_pair("", 0, "y", 1, &entries));
    assert_int_equal(entries, 1);
    check_ok(import_with_pair("a\nb", 3, "y", 1, &entries));
    assert_int_equal(entries, 1);
    check_message("NULL"); /* a call that succeeds has no message */
    check_status(MF_STATUS_FORMAT, import_with_pair("a\0b", 3, "y", 1, &entries));
    check_message("the metadata \"a\" are not valid UTF-8, or have a character 0");
    check_status(MF_STATUS_FORMAT, import_with_pair("a", 1, "y\0", 2, &entries));
    check_message("\"a\"");
    check_status(MF_STATUS_FORMAT, import_with_pair("a", 1, "\xff", 1, &entries));
    check_message("UTF-8");
}

/* More than a value may have, in a model that is sound. */
static void test_metadata_that_are_too_long(void **state)
{
    enum { VALUE = 1048577 };
    const message model = dense_model();
    static const char head[] = "\x72\x8a\x80\x40\x0a\x03"
                               "big\x12\x81\x80\x40"; /* of the pair and of the value */
    size_t entries = 0, bytes = model.count + sizeof head - 1 + VALUE;
    unsigned char *file = get_memory(bytes);

    (void)state;
    memcpy(file, model.bytes, model.count);
    memcpy(file + model.count, head, sizeof head - 1);
    memset(file + model.count + sizeof head - 1, 'v', VALUE);
    mf_onnx_spec spec = spec_of(&model);
    spec.buffer = file;
    spec.bytes = bytes;
    mf_network *network = import_model(&spec);
    check_ok(mf_network_metadata_count(network, &entries));
    assert_int_equal(entries, 1);
    mf_network_free(network);
    free(file);
}

/* A byte, and so many characters of two. */
static void accents(char *text, size_t count)
{
    strcpy(text, "a");
    while (count-- > 0)
        strcat(text, "\xc3\xa9");
}

static void test_names_are_cut_between_characters(void **state)
{
    const int64_t input[] = {0, 3};
    char name[300], shown[300], text[4000], part[400], path[300];
    message graph = begin_graph(2, input), other = graph;
    size_t needed = 0;

    (void)state;
    accents(name, 100);
    put_node(&graph, "Relu", "x", name, "");
    put_node(&graph, "Tanh", name, "y", "");
    message model = model_of(&graph, 13);
    mf_onnx_spec spec = spec_of(&model);
    check_ok(mf_onnx_plan(&spec, text, sizeof text, &needed));
    accents(shown, 59); /* 119 bytes of 120 */
    snprintf(part, sizeof part, "; %s\n", shown);
    assert_non_null(strstr(text, part));
    for (size_t size = 1; size < needed; size++) {
        check_status(MF_STATUS_CAPACITY, mf_onnx_plan(&spec, text, size, NULL));
        assert_true(text[0] == 0 || text[strlen(text) - 1] != '\xc3');
    }
    accents(shown, 39); /* 79 of 80 */
    snprintf(part, sizeof part, "the last node \"%s\": no node", shown);
    strcat(name, "b");
    spec.last = name;
    check_refused(&spec, MF_STATUS_ARGUMENT, part);
    put_node(&other, "Frobnicate", "x", name, "");
    model = model_of(&other, 13);
    spec = spec_of(&model);
    snprintf(part, sizeof part, "node \"%s\" (Frobnicate): ", shown);
    check_refused(&spec, MF_STATUS_UNSUPPORTED, part);
    accents(path, 80);
    spec.path = path;
    accents(shown, 58); /* of 120 bytes, 3 are dots and one is half a character */
    snprintf(part, sizeof part, " ...%s: ", shown + 1);
    check_refused(&spec, MF_STATUS_IO, part);
}

/* A name that is no text, and one with a character 0: what is before that is shown. */
static void test_names_that_are_no_texts(void **state)
{
    static const struct {
        const char *name;
        size_t bytes;
    } cases[] = {{"ab\xff\xff", 4}, {"ab\0c", 4}, {"ab\xc3", 3}};
    const int64_t input[] = {0, 3};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        message graph = begin_graph(2, input), node = {0}, model;
        char text[2000];

        put_text(&node, 1, "x");
        put_text(&node, 2, "y");
        put_bytes(&node, 3, cases[i].name, cases[i].bytes);
        put_text(&node, 4, "Relu");
        put_message(&graph, 1, &node);
        model = model_of(&graph, 13);
        mf_onnx_spec spec = spec_of(&model);
        check_ok(mf_onnx_plan(&spec, text, sizeof text, NULL));
        assert_non_null(strstr(text, "; ab\n"));
    }
}

/* A sum that reads from before the cut. */
static void test_cuts_where_gradients_cannot_stop_are_refused(void **state)
{
    const int64_t input[] = {0, 3}, square[] = {3, 3};
    const char *cuts[] = {"u"};
    message graph = begin_graph(2, input);

    (void)state;
    put_constant(&graph, "w", 2, square);
    put_node(&graph, "MatMul", "x w", "u", "");
    put_node(&graph, "Add", "u x", "y", "");
    message model = model_of(&graph, 13);
    mf_onnx_spec spec = spec_of(&model);
    spec.cuts = cuts;
    spec.cut_count = 1;
    check_refused(&spec, MF_STATUS_ARGUMENT, "\"u\"");
}

/* A bias is not taken along where something else reads the product. */
static void test_values_with_two_readers_keep_their_value(void **state)
{
    const int64_t input[] = {0, 3}, square[] = {3, 3}, three = 3;
    message graph = begin_graph(2, input);

    (void)state;
    put_constant(&graph, "w", 2, square);
    put_constant(&graph, "b", 1, &three);
    put_node(&graph, "MatMul", "x w", "u", "");
    put_node(&graph, "Add", "u b", "v", "");
    put_node(&graph, "Add", "u v", "y", "");
    message model = model_of(&graph, 13);
    mf_onnx_spec spec = spec_of(&model);
    check_refused(&spec, MF_STATUS_UNSUPPORTED, "\"v\" (Add)");
}

typedef struct refusal {
    const char *type, *inputs, *attributes, *part;
} refusal;

static void test_what_is_not_known_is_named(void **state)
{
    static const refusal refusals[] = {
        {"Frobnicate", "x", "", "\"y\" (Frobnicate): the operator is not known"},
        {"Conv", "x k", "group=2", "does not fit its input"},
        {"Conv", "x k", "group=0", "groups"},
        {"Conv", "x k", "dilations=2,1", "dilations"},
        {"Conv", "x k", "pads=0,0", "two dims"},
        {"Conv", "x missing", "", "no constant"},
        {"Conv", "x v", "", "no constant of four dims"},
        {"MaxPool", "x", "kernel_shape=2,2 dilations=2,1", "dilations"},
        {"MaxPool", "x", "kernel_shape=2,2 ceil_mode=1", "ceil_mode is not known"},
        {"MaxPool", "x", "kernel_shape=2,2 pads=0,0,1,1", "pads that differ"},
        {"MaxPool", "x", "kernel_shape=2,2 pads=-1,0,-1,0", "out of range"},
        {"MaxPool", "x", "kernel_shape=2,2 pads=2,0,2,0", "vertical padding must be below the pool's 2"},
        {"MaxPool", "x", "kernel_shape=2,2 auto_pad=SAME", "this auto_pad"},
        {"AveragePool", "v", "kernel_shape=2,2", "no unit computes"},
        {"Pad", "x", "pads=0,1,0,0,0,0,0,0", "zeros around maps"},
        {"Pad", "x", "pads=0,0,1,1,0,0,-1,0", "negative"},
        {"Pad", "x", "pads=0,0,1,1,0,0,1,1 mode=reflect", "zeros around maps"},
        {"Gemm", "x m", "", "no two dims"},
        {"MatMul", "x m", "", "constant matrix"},
        {"MatMul", "x x", "", "self-attention"},
        {"BatchNormalization", "x v v v m", "", "a value for each map"},
        {"Erf", "x", "", "inside GELU"},
        {"Sqrt", "x", "", "inside a layer normalisation"},
        {"Mul", "x x", "", "GELU and SiLU"},
        {"Add", "x k", "", "as a bias"},
        {"Transpose", "x", "perm=0,2,3,3", "permutation"},
        {"Reshape", "x", "", "no constant"},
        {"Flatten", "x", "axis=2", "axis"},
        {"Softmax", "x", "axis=1", "last dim"},
        {"Relu", "absent", "", "no known output of a node"},
        {"ReduceMean", "x", "axes=0,", "the batch"},
        {"Clip", "x", "", "ReLU"},
        {"Gather", "v x", "", "constant matrix"},
        {"Gather", "m x", "axis=1", "constant matrix"},
        {"Gather", "m m", "", "constant matrix"},
        {"Gather", "m x", "", "2 maps of 4x4"},
    };
    const int64_t input[] = {0, 2, 4, 4}, kernel[] = {3, 2, 3, 3}, matrix[] = {4, 2}, two = 2;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const refusal *r = &refusals[i];
        message graph = begin_graph(4, input);

        put_constant(&graph, "k", 4, kernel);
        put_constant(&graph, "m", 2, matrix);
        put_constant(&graph, "v", 1, &two);
        put_node(&graph, r->type, r->inputs, "y", r->attributes);
        message model = model_of(&graph, 13);
        mf_onnx_spec spec = spec_of(&model);
        spec.classes = 3;
        check_refused(&spec, MF_STATUS_UNSUPPORTED, r->part);
    }
}

/* ---- other errors ---- */

static void test_files_that_are_no_models_are_refused(void **state)
{
    message model = dense_model(), old = model, text = {.count = 5, .bytes = "hello"};
    mf_onnx_spec spec = spec_of(&model);
    mf_network *network = NULL;

    (void)state;
    spec.bytes--;
    check_refused(&spec, MF_STATUS_FORMAT, "damaged");
    spec = spec_of(&text);
    check_refused(&spec, MF_STATUS_FORMAT, "ONNX");
    spec = spec_of(&model);
    spec.max_bytes = 10;
    check_refused(&spec, MF_STATUS_CAPACITY, "10");
    spec = spec_of(&model);
    spec.path = "/nonexistent/model.onnx";
    check_refused(&spec, MF_STATUS_IO, "/nonexistent/model.onnx");
    for (size_t i = 0; i + 4 < old.count; i++) /* a weight becomes a NaN */
        if (memcmp(old.bytes + i, "\xcd\xcc\xcc\x3d", 4) == 0) {
            memcpy(old.bytes + i, "\x00\x00\xc0\x7f", 4);
            break;
        }
    spec = spec_of(&old);
    check_status(MF_STATUS_FORMAT, mf_network_import_onnx(&spec, &network));
    check_message("value 0 of units.1.weight is nan");
    check_status(MF_STATUS_ARGUMENT, mf_network_import_onnx(NULL, &network));
    check_status(MF_STATUS_ARGUMENT, mf_network_import_onnx(&spec, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_onnx_plan(&spec, NULL, 1, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_onnx_spec_init(NULL, sizeof spec));
    spec = spec_of(&model);
    spec.classes = 1;
    check_refused(&spec, MF_STATUS_ARGUMENT, "classes");
    spec.classes = 0;
    spec.features = 2;
    check_refused(&spec, MF_STATUS_ARGUMENT, "features");
    spec = spec_of(&model);
    spec.buffer = NULL;
    check_refused(&spec, MF_STATUS_ARGUMENT, "buffer");
    spec = spec_of(&model);
    spec.cut_count = 1;
    check_refused(&spec, MF_STATUS_ARGUMENT, "cuts");
}

static void test_other_opsets_are_refused(void **state)
{
    const int64_t input[] = {0, 3};
    message graph = begin_graph(2, input);

    (void)state;
    put_node(&graph, "Relu", "x", "y", "");
    for (int64_t opset = 5; opset <= 23; opset++) {
        message model = model_of(&graph, opset);
        mf_onnx_spec spec = spec_of(&model);

        if (opset < 7 || opset > 21)
            check_refused(&spec, MF_STATUS_UNSUPPORTED, "7 to 21");
        else
            mf_network_free(import_model(&spec));
    }
}

/* A small file cannot ask for large heads. */
static void test_heads_that_are_too_large_are_refused(void **state)
{
    const int64_t input[] = {0, 3, 4000, 4000};
    message graph = begin_graph(4, input);

    (void)state;
    put_node(&graph, "Relu", "x", "y", "");
    message model = model_of(&graph, 13);
    mf_onnx_spec spec = spec_of(&model);
    check_refused(&spec, MF_STATUS_ARGUMENT, "classes");
    spec.classes = 10;
    mf_network_free(import_model(&spec));
    spec.pool_size = 0;
    check_refused(&spec, MF_STATUS_CAPACITY, "heads");
    spec.pool_size = 4001;
    check_refused(&spec, MF_STATUS_SHAPE, "4001");
}

static void check_allocations(const message *model)
{
    test_memory memory = {0};
    const mf_allocator allocator = memory_allocator(&memory);
    mf_onnx_spec spec = spec_of(model);
    mf_network *network = NULL;
    mf_status status = MF_STATUS_MEMORY;
    size_t k = 0;

    spec.allocator = &allocator;
    while (status == MF_STATUS_MEMORY) {
        memory.calls = 0;
        memory_fail_at(&memory, ++k);
        status = mf_network_import_onnx(&spec, &network);
        if (status == MF_STATUS_MEMORY)
            assert_int_equal(memory.blocks_out, 0);
    }
    check_ok(status);
    assert_true(k > 8);
    memory_fail_at(&memory, 0);
    mf_network_free(network);
    assert_int_equal(memory.blocks_out, 0);
    assert_int_equal(memory.faults, 0);
}

/* Also of a model that scales its input, by one number and then by several. */
static void test_allocations_may_fail(void **state)
{
    const message plain = dense_model(),
                  scaled = text_model("x:0x6; Mul x 2.0 > s; Add s b:6 > t; Relu t > y", 13);

    (void)state;
    check_allocations(&plain);
    check_allocations(&scaled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_models_return),
        cmocka_unit_test(test_own_models_of_several_layers_return),
        cmocka_unit_test(test_heads_with_units_return),
        cmocka_unit_test(test_own_models_are_cut_elsewhere),
        cmocka_unit_test(test_heads_are_not_cut_off),
        cmocka_unit_test(test_tokens_return),
        cmocka_unit_test(test_places_and_padded_means_return),
        cmocka_unit_test(test_answers_are_those_of_the_model),
        cmocka_unit_test(test_cuts_heads_and_what_is_frozen),
        cmocka_unit_test(test_cuts_where_gradients_cannot_stop_are_refused),
        cmocka_unit_test(test_values_with_two_readers_keep_their_value),
        cmocka_unit_test(test_what_is_not_known_is_named),
        cmocka_unit_test(test_files_that_are_no_models_are_refused),
        cmocka_unit_test(test_other_opsets_are_refused),
        cmocka_unit_test(test_heads_that_are_too_large_are_refused),
        cmocka_unit_test(test_equal_seeds_draw_equal_heads),
        cmocka_unit_test(test_heads_of_frozen_layers_learn_with_their_units),
        cmocka_unit_test(test_names_of_the_library_are_left_out),
        cmocka_unit_test(test_metadata_that_no_network_has),
        cmocka_unit_test(test_metadata_that_are_too_long),
        cmocka_unit_test(test_names_are_cut_between_characters),
        cmocka_unit_test(test_names_that_are_no_texts),
        cmocka_unit_test(test_allocations_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
