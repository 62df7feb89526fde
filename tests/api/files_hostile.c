/* Each rule of the reader broken once, by hand: FORMAT, a message that names what is wrong, and no memory
 * taken. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "memory.h"
#include "models.h"

static char *file, *header;
static size_t size;

/* A trained network of two small layers with SGD and momentum. */
static int open_file(void **state)
{
    const size_t widths[] = {3, 4, 2};
    mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_RMSPROP, 0.1);
    mf_optimizer *optimizer = NULL;
    mf_network *network;
    mf_layer_spec conv = layer_spec(0, 0, 3);
    mf_layer *layer;

    (void)state;
    spec.momentum = 0.5f;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    network = make_stack(widths, 2, 3, 1, optimizer);
    conv.kind = MF_LAYER_CONV2D;
    conv.channels = 2;
    conv.height = conv.width = 1;
    conv.filters = 2;
    conv.kernel[0] = conv.kernel[1] = 1;
    conv.normalization = MF_NORMALIZATION_BATCH;
    layer = make_layer(&conv);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    file = model_save(network, MF_CONTENTS_TRAINING, &size);
    header = model_header(file, size);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return 0;
}

static int close_file(void **state)
{
    (void)state;
    free(file);
    free(header);
    return 0;
}

static void check_header(mf_status expected, const char *changed, const char *part)
{
    check_model_header(expected, file, size, changed, part);
}

static void check_change(mf_status expected, const char *from, const char *to, const char *part)
{
    char *changed = replaced(header, from, to);

    check_header(expected, changed, part);
    free(changed);
}

#define bad(from, to, part) check_change(MF_STATUS_FORMAT, from, to, part)

static void test_the_file_is_good(void **state)
{
    (void)state;
    check_header(MF_STATUS_OK, header, NULL);
}

/* ---- the frame ---- */

static void test_length(void **state)
{
    const uint64_t lengths[] = {0, size - 7, size, 100000001, UINT64_C(1) << 32, UINT64_MAX - 7, UINT64_MAX};

    (void)state;
    for (size_t bytes = 0; bytes < size; bytes += bytes < 20 ? 1 : 97)
        check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_MODEL, file, bytes));
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char *copy = get_memory(size);

        memcpy(copy, file, size);
        for (int b = 0; b < 8; b++)
            copy[b] = (char)(lengths[i] >> 8 * b);
        check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_MODEL, copy, size));
        check_message("header");
        free(copy);
    }
}

/* A byte too many, and one too few. */
static void test_data_size(void **state)
{
    char *longer = get_zeroed(1, size + 4);

    (void)state;
    memcpy(longer, file, size);
    check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_MODEL, longer, size + 1));
    check_message("bytes");
    check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_MODEL, longer, size + 4));
    check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_MODEL, longer, size - 1));
    check_message("outside");
    free(longer);
}

/* A small file never makes a large request. */
static void test_no_large_allocation(void **state)
{
    static const char *const claims[] = {
        "{\"__metadata__\":{\"format\":\"monoforward\",\"format_version\":\"1\",\"network\":\"{\\\"next_"
        "id\\\":\\\"2\\\","
        "\\\"layers\\\":[{\\\"kind\\\":\\\"dense\\\",\\\"id\\\":\\\"1\\\",\\\"inputs\\\":100000,"
        "\\\"outputs\\\":100000,"
        "\\\"classes\\\":2,\\\"seed\\\":\\\"1\\\"}]}\"},"
        "\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[100000,100000],\"data_offsets\":[0,40000000000]},"
        "\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
        "\"layers.0.projection\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
        "{\"__metadata__\":{\"format\":\"monoforward\",\"format_version\":\"1\",\"network\":\"{\\\"next_"
        "id\\\":\\\"2\\\","
        "\\\"layers\\\":[{\\\"kind\\\":\\\"dense\\\",\\\"id\\\":\\\"1\\\",\\\"inputs\\\":100000,"
        "\\\"outputs\\\":100000,"
        "\\\"classes\\\":2,\\\"seed\\\":\\\"1\\\"}]}\"},"
        "\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[0,100000],\"data_offsets\":[0,0]},"
        "\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
        "\"layers.0.projection\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        const unsigned char empty[8] = {0};
        test_memory memory = {0};
        mf_allocator allocator = memory_allocator(&memory);
        mf_load_spec spec;
        mf_network *network = NULL;
        size_t now;
        char *small = model_with_header(empty, sizeof empty, claims[i], &now);

        check_ok(mf_load_spec_init(&spec, sizeof spec));
        spec.allocator = &allocator;
        check_status(MF_STATUS_FORMAT, mf_network_load_buffer(&spec, small, now, &network));
        assert_in_range(memory.largest, 1, 4096);
        assert_int_equal(memory.blocks_out, 0);
        free(small);
    }
}

/* ---- JSON ---- */

static void test_json(void **state)
{
    static const char *const headers[] = {
        "",
        "[]",
        " {}",
        "{",
        "{}x",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":-1}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":null}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":[1,]}",
        "{\"\\u0000\":1}",
        "{\"\\ud800\":1}",
        "{\"\\udc00\\ud800\":1}",
        "{\"\\x\":1}",
        "{\"a\":9007199254740993}",
        "{\"a\":99999999999999999999}",
        "\"a\"",
        "{\"a\":tru}",
        "{\"a\":\"\x01\"}",
        "{\"\xff\":1}",
        "{\"\xc3\":1}",
        "\xef\xbb\xbf{}",
        "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{}}}}}}}",
        "{\"a\":[[[[[[[[]]]]]]]]}",
        "{\"a",
        "{\"a\":\"b",
        "{\"a\":\"\\u12",
        "{}\n",
        "{\"a\":+1}",
    };
    char many[400] = "{\"a\":[0";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        check_header(MF_STATUS_FORMAT, headers[i], "header");
    /* More values than bytes could have of use: each takes memory. */
    for (int i = 0; i < 180; i++)
        strcat(many, ",0");
    strcat(many, "]}");
    check_header(MF_STATUS_FORMAT, many, "header");
    /* What is JSON, but no model. */
    check_header(MF_STATUS_FORMAT, "{}", "0 bytes");
    check_header(MF_STATUS_FORMAT, "{\"a\":1}", "no object");
    check_header(MF_STATUS_FORMAT, "{\"__metadata__\":[]}", "no object");
    check_header(MF_STATUS_FORMAT, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                 "there is no __metadata__");
}

/* ---- tensors ---- */

static void test_tensor_entries(void **state)
{
    (void)state;
    bad("\"dtype\":\"F32\"", "\"dtype\":\"F16\"", "F32");
    bad("\"dtype\":\"F32\"", "\"dtype\":1", "F32");
    bad("\"dtype\":\"F32\",", "", "missing");
    bad("\"dtype\":\"F32\",", "\"dtype\":\"F32\",\"dtype\":\"F32\",", "twice");
    bad("\"dtype\":\"F32\",", "\"dtype\":\"F32\",\"extra\":1,", "not known");
    bad("\"shape\":[4,3]", "\"shape\":[3,4]", "layers.0.weight");
    bad("\"shape\":[4,3]", "\"shape\":[12]", "layers.0.weight");
    bad("\"shape\":[4,3]", "\"shape\":[4,3,1]", "layers.0.weight");
    bad("\"shape\":[4,3]", "\"shape\":[4,3,1,1,1]", "at most 4");
    bad("\"shape\":[4,3]", "\"shape\":12", "shape");
    bad("\"shape\":[4,3]", "\"shape\":[\"4\",3]", "shape");
    bad("\"shape\":[4,3]", "\"shape\":[4,4]", "do not fit");
    bad("\"shape\":[4,3]", "\"shape\":[4294967296,4294967296,4294967296]", "do not fit");
    bad("\"shape\":[4,3]", "\"shape\":[9007199254740992,512]", "do not fit");
}

static void test_offsets(void **state)
{
    (void)state;
    bad("\"data_offsets\":[0,48]", "\"data_offsets\":[48,0]", "outside");
    bad("\"data_offsets\":[0,48]", "\"data_offsets\":[0,44]", "do not fit");
    bad("\"data_offsets\":[0,48]", "\"data_offsets\":[0]", "offsets");
    bad("\"data_offsets\":[0,48]", "\"data_offsets\":[0,48,96]", "offsets");
    bad("\"data_offsets\":[0,48]", "\"data_offsets\":[4,52]", "begin");
    bad("\"data_offsets\":[0,48]", "\"data_offsets\":[9007199254740000,9007199254740048]", "outside");
    bad("\"data_offsets\":[48,64]", "\"data_offsets\":[44,60]", "begin"); /* overlap */
    bad("\"data_offsets\":[48,64]", "\"data_offsets\":[52,68]", "begin"); /* hole */
    bad("\"data_offsets\":[48,64]", "\"data_offsets\":[0,16]", NULL);     /* the same place twice */
}

static void test_names(void **state)
{
    (void)state;
    bad("\"layers.0.weight\":", "\"layers.0.weights\":", "layers.0.weight");
    bad("\"layers.0.weight\":", "\"layers.00.weight\":", "layers.0.weight");
    bad("\"layers.1.bias\":", "\"layers.0.bias\":", "twice");
    bad("\"layers.0.weight\":", "\"__metadata__\":{},\"layers.0.weight\":", "twice");
    bad("\"layers.0.weight\":",
        "\"extra\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"layers.0.weight\":",
        "of which");
    bad("training.layers.0.weight.momentum", "training.layers.0.weight.first_moment", "momentum");
}

/* ---- metadata ---- */

static void test_metadata(void **state)
{
    (void)state;
    bad("\"format\":\"monoforward\"", "\"format\":\"pt\"", "monoforward");
    bad("\"format\":\"monoforward\",", "", "monoforward");
    bad("\"format\":\"monoforward\"", "\"format\":1", "no string");
    bad("\"format\":\"monoforward\"", "\"format\":\"monoforward\",\"format\":\"monoforward\"", "twice");
    bad("\"format\":\"monoforward\"", "\"format\":\"monoforward\",\"other\":{}", "no string");
    bad("\"format_version\":\"1\"", "\"format_version\":\"0\"", "format_version");
    bad("\"format_version\":\"1\"", "\"format_version\":\"1.0\"", "format_version");
    bad("\"format_version\":\"1\"", "\"format_version\":\"\"", "format_version");
    bad("\"format_version\":\"1\",", "", "format_version");
    bad("\"network\":\"", "\"net\":\"", "network");
    check_change(MF_STATUS_VERSION, "\"format_version\":\"1\"", "\"format_version\":\"7\"", "version 7");
    check_change(MF_STATUS_VERSION, "\"format_version\":\"1\"", "\"format_version\":\"18446744073709551615\"",
                 "18446744073709551615");
    /* Others may add words of their own, and space. */
    check_change(MF_STATUS_OK,
                 "\"format\":", "\"author\" : \"\\u00e9\\ud83d\\ude00 \\n\xc3\xa9\" ,\n\"format\":", NULL);
}

/* Layers: what is not known, appears twice, is missing or out of range. */
static void test_layers(void **state)
{
    (void)state;
    bad("\\\"next_id\\\":\\\"4\\\",", "", "missing");
    bad("\\\"next_id\\\":\\\"4\\\"", "\\\"next_id\\\":4", "wrong kind");
    bad("\\\"next_id\\\":\\\"4\\\"", "\\\"next_id\\\":\\\"3\\\"", "id");
    /* Ids that would come round to 0. */
    bad("\\\"next_id\\\":\\\"4\\\"", "\\\"next_id\\\":\\\"18446744073709551615\\\"", "next_id");
    bad("\\\"next_id\\\":\\\"4\\\"", "\\\"next_id\\\":\\\"9223372036854775807\\\"", "next_id");
    check_change(MF_STATUS_OK, "\\\"next_id\\\":\\\"4\\\"", "\\\"next_id\\\":\\\"9223372036854775806\\\"",
                 NULL);
    bad("\\\"next_id\\\":\\\"4\\\"", "\\\"next_id\\\":\\\"4\\\",\\\"next_id\\\":\\\"4\\\"", "twice");
    bad("\\\"next_id\\\"", "\\\"other\\\":1,\\\"next_id\\\"", "not known");
    bad("\\\"id\\\":\\\"2\\\"", "\\\"id\\\":\\\"1\\\"", "same id");
    bad("\\\"id\\\":\\\"2\\\"", "\\\"id\\\":\\\"0\\\"", "id");
    bad("\\\"kind\\\":\\\"dense\\\"", "\\\"kind\\\":\\\"sparse\\\"", "kind");
    bad("\\\"kind\\\":\\\"dense\\\",", "", "kind");
    bad("\\\"kind\\\":\\\"dense\\\",", "\\\"kind\\\":\\\"dense\\\",\\\"kind\\\":\\\"dense\\\",", "twice");
    bad("\\\"inputs\\\":3", "\\\"inputs\\\":0", "inputs");
    bad("\\\"inputs\\\":3", "\\\"inputs\\\":4294967296", "inputs");
    bad("\\\"inputs\\\":3", "\\\"inputs\\\":\\\"3\\\"", "wrong kind");
    bad("\\\"inputs\\\":3", "\\\"inputs\\\":3,\\\"filters\\\":3", "not known");
    bad("\\\"inputs\\\":3", "\\\"inputs\\\":4", "layers.0.weight");
    bad("\\\"classes\\\":3", "\\\"classes\\\":1", "classes");
    bad("\\\"activation\\\":\\\"relu\\\"", "\\\"activation\\\":\\\"swish\\\"", "activation");
    bad("\\\"bias\\\":true", "\\\"bias\\\":1", "bias");
    bad("\\\"bias\\\":true", "\\\"bias\\\":false", "");
    bad("\\\"leak\\\":\\\"0.01\\\"", "\\\"leak\\\":\\\"2\\\"", "leak");
    bad("\\\"leak\\\":\\\"0.01\\\"", "\\\"leak\\\":\\\"nan\\\"", "leak");
    bad("\\\"leak\\\":\\\"0.01\\\"", "\\\"leak\\\":\\\"0,01\\\"", "leak");
    bad("\\\"leak\\\":\\\"0.01\\\"", "\\\"leak\\\":\\\"1e99\\\"", "leak");
    bad("\\\"dropout\\\":\\\"0\\\"", "\\\"dropout\\\":\\\"1\\\"", "dropout");
    bad("\\\"seed\\\":\\\"1\\\"", "\\\"seed\\\":\\\"0\\\"", "seed");
    bad("\\\"seed\\\":\\\"1\\\"", "\\\"seed\\\":\\\"18446744073709551616\\\"", "seed");
    bad("\\\"seed\\\":\\\"1\\\"", "\\\"seed\\\":\\\"01\\\"", "seed");
    bad("\\\"frozen\\\":[]", "\\\"frozen\\\":[\\\"scale\\\"]", "scale");
    bad("\\\"frozen\\\":[]", "\\\"frozen\\\":[\\\"bias\\\",\\\"bias\\\"]", "frozen");
    bad("\\\"frozen\\\":[]", "\\\"frozen\\\":[1]", "frozen");
    bad("\\\"kernel\\\":[1,1]", "\\\"kernel\\\":[1]", "kernel");
    bad("\\\"kernel\\\":[1,1]", "\\\"kernel\\\":[2,1]", "kernel");
    bad("\\\"channels\\\":2", "\\\"channels\\\":1", "");
    bad("\\\"layers\\\":[{\\\"kind\\\"",
        "\\\"layers\\\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,{\\\"kind\\\"",
        "28 layers with");
}

/* Layers that do not fit each other, though each has its tensors. */
static void test_neighbours(void **state)
{
    char *taller = replaced(header, "\\\"height\\\":1", "\\\"height\\\":2");
    char *changed = replaced(taller, "\\\"stride\\\":[1,1]", "\\\"stride\\\":[2,1]");

    (void)state;
    check_header(MF_STATUS_FORMAT, changed, "layer 2: the layer expects");
    free(taller);
    free(changed);
}

static void test_training(void **state)
{
    const char *place = strstr(header, "\\\"steps\\\":{");
    char steps[400];

    (void)state;
    bad("\\\"optimizer\\\":0", "\\\"optimizer\\\":1", "optimizer");
    bad("\\\"optimizer\\\":0", "\\\"optimizer\\\":true", "optimizer");
    bad("\\\"renewed\\\":\\\"1\\\"", "\\\"renewed\\\":\\\"0\\\"", "count");
    bad("\\\"applied\\\":\\\"0\\\"", "\\\"applied\\\":\\\"18446744073709551615\\\"", "count");
    bad("\\\"weight\\\":\\\"0\\\"", "\\\"weight\\\":\\\"9223372036854775807\\\"", "count");
    bad("\\\"scale\\\":\\\"0\\\"", "\\\"scale\\\":\\\"1\\\"", "count");
    bad("\\\"scale\\\":\\\"0\\\"", "\\\"bias\\\":\\\"1\\\"", "steps");
    bad("\\\"learning_rate\\\":\\\"0.1\\\"", "\\\"learning_rate\\\":\\\"-1\\\"", "optimizer 0");
    bad("\\\"keeps_momentum\\\":true", "\\\"keeps_momentum\\\":false", "optimizer 0");
    bad("\\\"kind\\\":\\\"rmsprop\\\"", "\\\"kind\\\":\\\"lion\\\"", "kind");
    bad("\\\"kind\\\":\\\"rmsprop\\\"", "\\\"kind\\\":\\\"adam\\\"", "moment");
    bad("\\\"optimizers\\\":[", "\\\"optimizers\\\":[1,", "no object");
    bad("\\\"optimizers\\\":[{", "\\\"optimizers\\\":{\\\"a\\\":{", NULL);
    bad("\\\"optimizers\\\":[", "\\\"optimizers\\\":[1,1,1,", "4 optimizers for 3 layers");
    bad("true}],\\\"layers\\\":[", "true}],\\\"layers\\\":[{},", "not one of 3 members");
    snprintf(steps, sizeof steps, "%.*s", (int)(strchr(place, '}') + 1 - place), place);
    bad(steps, "\\\"steps\\\":1", "\"steps\" is no object");
}

/* ---- values ---- */

static void check_value(const char *name, float value, const char *part)
{
    char key[80], *copy = get_memory(size);
    const char *entry, *offset;
    size_t at = size - 8 - (size_t)((unsigned char)file[0] | (unsigned char)file[1] << 8); /* bytes of data */
    uint32_t bits;

    snprintf(key, sizeof key, "\"%s\":", name);
    entry = strstr(header, key);
    assert_non_null(entry);
    offset = strstr(entry, "data_offsets\":[") + strlen("data_offsets\":[");
    at = size - at + strtoul(offset, NULL, 10);
    memcpy(copy, file, size);
    memcpy(&bits, &value, sizeof bits);
    for (int b = 0; b < 4; b++)
        copy[at + (size_t)b] = (char)(bits >> 8 * b);
    check_status(part ? MF_STATUS_FORMAT : MF_STATUS_OK, model_refuse(MF_CONTENTS_TRAINING, copy, size));
    if (part != NULL)
        check_message(name);
    free(copy);
}

static void test_values(void **state)
{
    const float infinite = (float)(1e38 * 100), no_number = infinite - infinite;

    (void)state;
    check_value("layers.0.weight", -3.0f, NULL);
    check_value("layers.0.weight", no_number, "");
    check_value("layers.1.projection", -infinite, "");
    check_value("layers.2.mean", -1.0f, NULL);
    check_value("layers.2.variance", -1.0f, "");
    check_value("layers.2.variance", 0.0f, NULL);
    check_value("training.layers.0.bias.momentum", -1.0f, NULL);
    check_value("training.layers.0.bias.momentum", infinite, "");
    check_value("training.layers.0.bias.second_moment", -1e-30f, "");
}

/* Every single byte of the file, changed in three ways: whatever happens, nothing breaks. */
static void test_every_byte(void **state)
{
    char *copy = get_memory(size);

    (void)state;
    for (size_t i = 0; i < size; i++) {
        const char changes[] = {(char)(file[i] ^ 1), (char)(file[i] ^ 0x80), '"'};

        for (size_t c = 0; c < COUNT_OF(changes); c++) {
            memcpy(copy, file, size);
            copy[i] = changes[c];
            model_refuse(MF_CONTENTS_TRAINING, copy, size);
        }
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_file_is_good),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_data_size),
        cmocka_unit_test(test_no_large_allocation),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_tensor_entries),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_every_byte),
    };

    return cmocka_run_group_tests(tests, open_file, close_file);
}
