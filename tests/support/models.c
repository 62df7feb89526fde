/* What the tests of model files share. SPDX-License-Identifier: MIT */
#include "models.h"

#include "random.h"

static mf_layer_spec maps(void)
{
    mf_layer_spec spec = layer_spec(0, 0, MODEL_CLASSES);

    spec.kind = MF_LAYER_CONV2D;
    spec.channels = 2;
    spec.height = spec.width = 6;
    spec.filters = 3;
    spec.padding[0] = spec.padding[1] = 1;
    spec.pool = MF_POOL_MAX;
    spec.dropout = 0.3f;
    spec.dropout_maps = 1;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.normalization_rate = 0.2f;
    spec.seed = UINT64_C(0xFEDCBA9876543211);
    return spec;
}

static mf_layer_spec more_maps(const mf_layer_spec *before)
{
    mf_layer_spec spec = layer_spec(0, 0, MODEL_CLASSES);

    spec.kind = MF_LAYER_CONV2D;
    check_ok(mf_layer_spec_follow(&spec, before));
    spec.filters = 4;
    spec.kernel[0] = 2;
    spec.kernel[1] = 1;
    spec.activation = MF_ACTIVATION_LEAKY_RELU;
    spec.leak = 0.07f;
    spec.head_size = 2;
    spec.dropout = 0.1f;
    spec.bias = 0;
    spec.seed = 12;
    return spec;
}

static mf_layer_spec values(const mf_layer_spec *before)
{
    mf_layer_spec spec = layer_spec(0, 9, MODEL_CLASSES);

    check_ok(mf_layer_spec_follow(&spec, before));
    spec.outputs = 9;
    spec.normalization = MF_NORMALIZATION_BATCH;
    spec.dropout = 0.25f;
    spec.label_smoothing = 0.1f;
    spec.weight_init = MF_INIT_ORTHOGONAL;
    spec.projection_init = MF_INIT_NORMAL;
    spec.weight_gain = 1.25f;
    spec.seed = 13;
    return spec;
}

mf_network *model_network(mf_optimizer *optimizer)
{
    mf_network *network = make_network();
    mf_layer_spec specs[MODEL_LAYERS] = {maps()};
    uint64_t id;

    specs[1] = more_maps(&specs[0]);
    specs[2] = values(&specs[1]);
    specs[3] = layer_spec(9, 8, MODEL_CLASSES);
    specs[3].activation = MF_ACTIVATION_GELU;
    for (size_t i = 0; i < MODEL_LAYERS; i++) {
        mf_layer *layer = make_layer(&specs[i]), *other = make_layer(&specs[i]);

        check_ok(mf_network_append(network, other, &id));
        check_ok(mf_network_remove(network, id));
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
        mf_layer_free(other);
    }
    if (optimizer != NULL)
        check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

void model_batch(size_t t, float *x, int32_t *y)
{
    test_random random = {1000 + t};

    random_values(&random, x, (size_t)MODEL_ROWS * MODEL_INPUTS, 1.0);
    random_labels(&random, y, MODEL_ROWS, MODEL_CLASSES);
}

void model_train(mf_network *network, size_t first, size_t end)
{
    mf_workspace *workspace = make_network_workspace(network, MODEL_ROWS);
    static float x[MODEL_ROWS * MODEL_INPUTS];
    int32_t y[MODEL_ROWS];

    for (size_t t = first; t < end; t++) {
        model_batch(t, x, y);
        check_ok(mf_network_step(network, workspace, MODEL_ROWS - t % 3, x, y));
    }
    mf_workspace_free(workspace);
}

void *model_save(const mf_network *network, int32_t contents, size_t *bytes)
{
    size_t written = 0;
    void *file;

    check_ok(mf_network_save_size(network, contents, bytes));
    file = get_memory(*bytes);
    check_ok(mf_network_save_buffer(network, contents, file, *bytes, &written));
    assert_int_equal(written, *bytes);
    return file;
}

static mf_load_spec load_spec(int32_t contents)
{
    mf_load_spec spec;

    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = contents;
    return spec;
}

mf_network *model_load(int32_t contents, const void *file, size_t bytes)
{
    mf_load_spec spec = load_spec(contents);
    mf_network *network = NULL;

    check_ok(mf_network_load_buffer(&spec, file, bytes, &network));
    assert_non_null(network);
    return network;
}

void model_put_value(unsigned char *at, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    for (size_t i = 0; i < sizeof bits; i++)
        at[i] = (unsigned char)(bits >> 8 * i);
}

mf_status model_refuse(int32_t contents, const void *file, size_t bytes)
{
    mf_load_spec spec = load_spec(contents);
    mf_network *network = (mf_network *)1;
    mf_status status;
    /* A block of exactly that size, so that sanitizers see what is read behind it. */
    void *exact = get_memory(bytes);

    memcpy(exact, file, bytes);
    status = mf_network_load_buffer(&spec, exact, bytes, &network);
    if (status != MF_STATUS_OK)
        assert_null(network);
    mf_network_free(network);
    free(exact);
    return status;
}

void check_same_model_at(const mf_network *one, const mf_network *other, const char *file, int line)
{
    size_t first_bytes, second_bytes;
    void *first = model_save(one, MF_CONTENTS_TRAINING, &first_bytes);
    void *second = model_save(other, MF_CONTENTS_TRAINING, &second_bytes);
    int same = first_bytes == second_bytes && memcmp(first, second, first_bytes) == 0;

    free(first);
    free(second);
    if (!same) {
        print_error("the networks differ\n");
        _fail(file, line);
    }
}

static size_t header_length(const unsigned char *file)
{
    size_t length = 0;

    for (int i = 0; i < 8; i++)
        length |= (size_t)file[i] << 8 * i;
    return length;
}

void *model_with_header(const void *file, size_t bytes, const char *header, size_t *now)
{
    size_t length = strlen(header), data = 8 + header_length(file);
    unsigned char *result = get_memory(8 + length + bytes - data);

    for (int i = 0; i < 8; i++)
        result[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(result + 8, header, length);
    memcpy(result + 8 + length, (const char *)file + data, bytes - data);
    *now = 8 + length + bytes - data;
    return result;
}

char *model_header(const void *file, size_t bytes)
{
    size_t length = header_length(file);
    char *text = get_memory(length + 1);

    assert_true(length + 8 <= bytes);
    memcpy(text, (const char *)file + 8, length);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
    return text;
}

char *replaced(const char *text, const char *from, const char *to)
{
    const char *place = strstr(text, from);
    char *result = get_memory(strlen(text) + strlen(to) + 1);

    if (place == NULL)
        fail_msg("\"%s\" is not in the header", from);
    memcpy(result, text, (size_t)(place - text));
    strcpy(result + (place - text), to);
    strcat(result, place + strlen(from));
    return result;
}

void check_model_header(mf_status expected, const void *file, size_t bytes, const char *changed,
                        const char *part)
{
    for (int32_t contents = MF_CONTENTS_MODEL; contents <= MF_CONTENTS_TRAINING; contents++) {
        size_t now;
        char *bad = model_with_header(file, bytes, changed, &now);
        mf_status status = model_refuse(contents, bad, now);

        if (status != expected)
            print_error("header: %.3000s\n", changed);
        check_status(expected, status);
        if (part != NULL)
            check_message(part);
        free(bad);
    }
}
