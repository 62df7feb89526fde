/* Counts that a file sets go on: the largest that the reader takes, trained and saved, is read again. A
 * network whose ids are used up takes no layer, and its file is read. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "models.h"

/* The largest count of a file, as docs/files.md has it. */
#define LARGEST "9223372036854775806"
#define BEFORE_LARGEST "9223372036854775805"
static const uint64_t largest = UINT64_MAX / 2 - 1;

enum { STEPS = 3 };

/* A file of a network that has learned from STEPS batches; free() both. */
static unsigned char *trained_file(char **header, size_t *bytes)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 1e-3);
    mf_network *network = model_network(optimizer);
    unsigned char *file;

    model_train(network, 0, STEPS);
    file = model_save(network, MF_CONTENTS_TRAINING, bytes);
    *header = model_header(file, *bytes);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return file;
}

/* `text` with every `from` replaced by `to`; `text` is freed. */
static char *all_replaced(char *text, const char *from, const char *to)
{
    while (strstr(text, from) != NULL) {
        char *next = replaced(text, from, to);

        free(text);
        text = next;
    }
    return text;
}

static mf_network *load_with_header(const void *file, size_t bytes, const char *header)
{
    size_t now;
    void *changed = model_with_header(file, bytes, header, &now);
    mf_network *network = model_load(MF_CONTENTS_TRAINING, changed, now);

    free(changed);
    return network;
}

static mf_network *through_file(const mf_network *network)
{
    size_t bytes;
    void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
    mf_network *loaded = model_load(MF_CONTENTS_TRAINING, file, bytes);

    check_same_model(network, loaded);
    free(file);
    return loaded;
}

/* All layers have learned from as many batches as can be counted. */
static void check_applied(mf_network *network)
{
    mf_workspace *workspace = make_network_workspace(network, MODEL_ROWS);
    static float x[MODEL_ROWS * MODEL_INPUTS];
    int32_t y[MODEL_ROWS];

    model_batch(STEPS, x, y);
    check_ok(mf_network_step(network, workspace, MODEL_ROWS, x, y));
    for (size_t i = 0; i < MODEL_LAYERS; i++)
        assert_true(read_report(workspace, i).applied == largest);
    mf_workspace_free(workspace);
}

/* Every count there is: batches, masks, updates of each parameter, draws of M. */
static void test_counts_end_where_files_do(void **state)
{
    char *header;
    size_t bytes;
    unsigned char *file = trained_file(&header, &bytes);
    mf_network *network, *again;

    (void)state;
    header = all_replaced(header, "\\\"3\\\"", "\\\"" LARGEST "\\\"");
    header = all_replaced(header, "\\\"renewed\\\":\\\"1\\\"", "\\\"renewed\\\":\\\"" LARGEST "\\\"");
    network = load_with_header(file, bytes, header);
    check_applied(network);
    again = through_file(network);
    check_applied(again);
    mf_network_free(again);
    check_ok(mf_network_set_classes(network, MODEL_CLASSES + 1));
    again = through_file(network);
    mf_network_free(again);
    mf_network_free(network);
    free(header);
    free(file);
}

/* One below goes on to the end. */
static void test_counts_below_go_on(void **state)
{
    char *header;
    size_t bytes;
    unsigned char *file = trained_file(&header, &bytes);
    mf_network *network, *again;

    (void)state;
    header = all_replaced(header, "\\\"3\\\"", "\\\"" BEFORE_LARGEST "\\\"");
    network = load_with_header(file, bytes, header);
    check_applied(network);
    check_applied(network);
    again = through_file(network);
    mf_network_free(again);
    mf_network_free(network);
    free(header);
    free(file);
}

/* Halves of steps count as well, and passes of a batch draw masks. */
static void test_halves_end_where_files_do(void **state)
{
    char *header;
    size_t bytes, values = 0, count = 0;
    unsigned char *file = trained_file(&header, &bytes);
    static float x[MODEL_ROWS * MODEL_INPUTS], a[MODEL_ROWS * MODEL_INPUTS];
    int32_t y[MODEL_ROWS];
    mf_network *network, *again;
    mf_workspace *workspace;
    mf_layer *layer;
    mf_batch batch;
    float *gradients;

    (void)state;
    header = all_replaced(header, "\\\"3\\\"", "\\\"" LARGEST "\\\"");
    network = load_with_header(file, bytes, header);
    layer = layer_at(network, 0);
    workspace = make_layer_workspace(layer, MODEL_ROWS);
    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t p = 0; p < count; p++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, p, &info));
        values += info.count;
    }
    gradients = get_zeroed(values, sizeof *gradients);
    model_batch(0, x, y);
    batch = make_batch(MODEL_ROWS, x, y);
    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, values));
    check_ok(mf_layer_apply(layer, gradients, values));
    check_ok(mf_layer_pass_batch(layer, workspace, &batch, a));
    again = through_file(network);
    mf_network_free(again);
    mf_workspace_free(workspace);
    mf_network_free(network);
    free(gradients);
    free(header);
    free(file);
}

/* The ids are used up: no layer more, and nothing has changed. */
static void check_is_full(mf_network *network)
{
    mf_layer *layer = make_plain_layer(8, 8, MODEL_CLASSES, 5), *last, *other;
    mf_layer_spec spec = {.struct_size = sizeof spec};
    uint64_t id = 77, last_id;
    mf_network *again = through_file(network);
    size_t size = 0;

    check_status(MF_STATUS_OVERFLOW, mf_network_append(network, layer, &id));
    check_message("id");
    check_ok(mf_network_size(network, &size));
    check_status(MF_STATUS_OVERFLOW, mf_network_insert(network, size, layer, &id));
    assert_true(id == 77);
    check_same_model(network, again);
    check_status(MF_STATUS_OVERFLOW, mf_network_append(again, layer, NULL));
    /* A layer that takes the place of another takes its id. */
    check_ok(mf_network_layer(network, size - 1, &last, &last_id));
    check_ok(mf_layer_describe(last, &spec));
    other = make_layer(&spec);
    check_ok(mf_network_replace(network, last_id, other));
    mf_network_free(again);
    again = through_file(network);
    check_ok(mf_network_remove(again, last_id));
    check_status(MF_STATUS_OVERFLOW, mf_network_append(again, other, NULL));
    mf_network_free(again);
    mf_layer_free(other);
    mf_layer_free(layer);
}

static void test_ids_end_where_files_do(void **state)
{
    static const char *const next_ids[] = {LARGEST, BEFORE_LARGEST};
    char *header;
    size_t bytes;
    unsigned char *file = trained_file(&header, &bytes);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(next_ids); i++) {
        char to[80], *changed;
        mf_network *network, *clone = NULL;

        snprintf(to, sizeof to, "\\\"next_id\\\":\\\"%s\\\"", next_ids[i]);
        changed = replaced(header, "\\\"next_id\\\":\\\"9\\\"", to);
        network = load_with_header(file, bytes, changed);
        if (i == 1) {
            mf_layer *layer = make_plain_layer(8, 8, MODEL_CLASSES, 4);
            uint64_t id = 0;

            check_ok(mf_network_append(network, layer, &id));
            assert_true(id == largest - 1);
            mf_layer_free(layer);
        }
        check_ok(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &clone));
        check_is_full(network);
        check_is_full(clone);
        mf_network_free(clone);
        mf_network_free(network);
        free(changed);
    }
    free(header);
    free(file);
}

/* A network may have more layers than a file. */
static void test_layers_end_where_files_do(void **state)
{
    enum { MOST = 16384 };
    mf_network *network = make_network();
    size_t bytes = 0;
    uint64_t id = 0;

    (void)state;
    for (size_t i = 0; i <= MOST; i++) {
        mf_layer *layer = make_plain_layer(1, 1, 2, i + 1);

        check_ok(mf_network_append(network, layer, &id));
        mf_layer_free(layer);
    }
    check_status(MF_STATUS_OVERFLOW, mf_network_save_size(network, MF_CONTENTS_MODEL, &bytes));
    check_message("a file can hold 16384 layers, the network has 16385");
    check_ok(mf_network_remove(network, id));
    check_ok(mf_network_save_size(network, MF_CONTENTS_MODEL, &bytes));
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_end_where_files_do), cmocka_unit_test(test_counts_below_go_on),
        cmocka_unit_test(test_halves_end_where_files_do), cmocka_unit_test(test_ids_end_where_files_do),
        cmocka_unit_test(test_layers_end_where_files_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
