/* With the default allocator: the k-th call of the C library's that takes memory fails, alone or with all
 * behind it, for every k of every call that allocates: MEMORY, NULL, no leak, nothing changed, no file. Steps
 * take none. SPDX-License-Identifier: MIT */
#include "memory_faults.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/architecture.h"
#include "models.h"
#include "units.h"

static char folder[] = "/tmp/monoforward-memory-XXXXXX";
static char path[100], onnx_path[100], new_path[100];

/* What calls are made on, anew for each that changes it. */
static mf_network *network, *small;
static mf_optimizer *optimizer, *other;
static mf_workspace *workspace;
static void *file, *model;
static size_t file_bytes, model_bytes;

/* Two dense layers, which may become ONNX and back, and have classes for one more. */
static mf_network *make_small(void)
{
    static const size_t widths[] = {6, 5, 4};

    return make_stack(widths, 2, 3, 1, optimizer);
}

static void open_handles(void)
{
    optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    other = make_optimizer(MF_OPTIMIZER_RMSPROP, 0.01);
    network = model_network(optimizer);
    model_train(network, 0, 2);
    check_ok(mf_network_metadata_set(network, "name", "value"));
    small = make_small();
    workspace = make_network_workspace(network, MODEL_ROWS);
    file = model_save(network, MF_CONTENTS_TRAINING, &file_bytes);
    check_ok(mf_network_export_onnx_size(small, &model_bytes));
    model = get_memory(model_bytes);
    check_ok(mf_network_export_onnx_buffer(small, model, model_bytes, NULL));
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, path));
    check_ok(mf_network_export_onnx(small, onnx_path));
}

static void close_handles(void)
{
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_network_free(small);
    mf_optimizer_free(optimizer);
    mf_optimizer_free(other);
    free(file);
    free(model);
    unlink(path);
    unlink(onnx_path);
    unlink(new_path);
}

/* ---- calls that make something ---- */

static mf_status create_layer(void **made)
{
    const mf_layer_spec spec = layer_spec(6, 4, 3);

    return mf_layer_create(&spec, (mf_layer **)made);
}

static void free_layer(void *made)
{
    mf_layer_free(made);
}

/* The first call that fails tells what. */
static mf_status build_layer(void **made)
{
    const mf_shape input = shape_row(6);
    const mf_builder_spec spec = builder_spec(&input);
    const mf_unit_spec dense = unit_dense(5), relu = unit_activation(MF_ACTIVATION_RELU);
    const mf_head_spec head = head_spec(3);
    mf_builder *builder = NULL;
    mf_status status = mf_builder_create(&spec, &builder);

    for (int i = 0; i < 20 && status == MF_STATUS_OK; i++)
        status = mf_builder_unit(builder, i % 2 ? &relu : &dense, NULL);
    if (status == MF_STATUS_OK)
        status = mf_builder_head(builder, &head);
    if (status == MF_STATUS_OK)
        status = mf_layer_build(builder, (mf_layer **)made);
    else
        *made = NULL;
    mf_builder_free(builder);
    return status;
}

static mf_status create_optimizer(void **made)
{
    const mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_ADAM, 0.1);

    return mf_optimizer_create(&spec, (mf_optimizer **)made);
}

static void free_optimizer(void *made)
{
    mf_optimizer_free(made);
}

static mf_status create_matrix(void **made)
{
    static const float values[12];
    mf_matrix_spec spec;

    check_ok(mf_matrix_spec_init(&spec, sizeof spec));
    spec.rows = 3;
    spec.columns = 4;
    spec.values = values;
    return mf_matrix_create(&spec, (mf_matrix **)made);
}

static mf_status matrix_of_parameter(void **made)
{
    return mf_matrix_from_parameter(layer_at(small, 0), "weight", NULL, (mf_matrix **)made);
}

static void free_matrix(void *made)
{
    mf_matrix_free(made);
}

static mf_status create_network(void **made)
{
    return mf_network_create(NULL, (mf_network **)made);
}

static mf_status clone_network(void **made)
{
    return mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, (mf_network **)made);
}

static mf_load_spec loading(void)
{
    mf_load_spec spec;

    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = MF_CONTENTS_TRAINING;
    return spec;
}

static mf_status load(void **made)
{
    const mf_load_spec spec = loading();

    return mf_network_load(&spec, path, (mf_network **)made);
}

static mf_status load_buffer(void **made)
{
    const mf_load_spec spec = loading();

    return mf_network_load_buffer(&spec, file, file_bytes, (mf_network **)made);
}

static mf_onnx_spec onnx_model(void)
{
    mf_onnx_spec spec;

    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.buffer = model;
    spec.bytes = model_bytes;
    return spec;
}

static mf_status import_buffer(void **made)
{
    const mf_onnx_spec spec = onnx_model();

    return mf_network_import_onnx(&spec, (mf_network **)made);
}

static mf_status import_path(void **made)
{
    mf_onnx_spec spec = onnx_model();

    spec.path = onnx_path;
    return mf_network_import_onnx(&spec, (mf_network **)made);
}

static void free_network(void *made)
{
    mf_network_free(made);
}

static mf_status create_workspace(void **made)
{
    mf_workspace_spec spec;

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = MODEL_ROWS;
    return mf_workspace_create(&spec, (mf_workspace **)made);
}

static void free_workspace(void *made)
{
    mf_workspace_free(made);
}

static mf_status create_pool(void **made)
{
    mf_pool_spec spec;

    check_ok(mf_pool_spec_init(&spec, sizeof spec));
    spec.threads = 2;
    return mf_pool_create(&spec, (mf_pool **)made);
}

static void free_pool(void *made)
{
    mf_pool_free(made);
}

static mf_status create_pipeline(void **made)
{
    mf_pipeline_spec spec;

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = MODEL_ROWS;
    spec.workers = 2;
    return mf_pipeline_create(&spec, (mf_pipeline **)made);
}

static void free_pipeline(void *made)
{
    mf_pipeline_free(made);
}

/* ---- calls that change what there is, or write it ---- */

static mf_status set_optimizer(void **made)
{
    (void)made;
    return mf_network_set_optimizer(network, other);
}

static mf_status set_classes(void **made)
{
    (void)made;
    return mf_network_set_classes(network, MODEL_CLASSES + 2);
}

static mf_status set_metadata(void **made)
{
    (void)made;
    return mf_network_metadata_set(network, "name", "another value, which is longer");
}

static mf_status set_scaling(void **made)
{
    static const float shift[2] = {1, 2}, scale[2] = {3, 4};

    (void)made;
    return mf_network_set_input_scaling(network, shift, scale, 2);
}

static mf_status save(void **made)
{
    (void)made;
    return mf_network_save(network, MF_CONTENTS_TRAINING, new_path);
}

static mf_status save_over(void **made)
{
    (void)made;
    return mf_network_save(network, MF_CONTENTS_MODEL, path);
}

static mf_status save_buffer(void **made)
{
    static unsigned char bytes[200000];

    (void)made;
    return mf_network_save_buffer(network, MF_CONTENTS_TRAINING, bytes, sizeof bytes, NULL);
}

static mf_status export_onnx(void **made)
{
    (void)made;
    return mf_network_export_onnx(small, new_path);
}

static mf_status load_snapshot(void **made)
{
    static unsigned char bytes[200000];
    size_t count;
    mf_status status = mf_network_snapshot_size(network, &count);

    (void)made;
    assert_true(count <= sizeof bytes);
    if (status == MF_STATUS_OK)
        status = mf_network_snapshot_save(network, bytes, count);
    return status == MF_STATUS_OK ? mf_network_snapshot_load(network, bytes, count) : status;
}

static mf_status plan_onnx(void **made)
{
    const mf_onnx_spec spec = onnx_model();
    static char text[10000];

    (void)made;
    return mf_onnx_plan(&spec, text, sizeof text, NULL);
}

/* ---- the sweep ---- */

typedef struct operation {
    const char *name;
    mf_status (*call)(void **made);
    void (*free_made)(void *made); /* NULL: it makes nothing */
    size_t least;                  /* so often it takes memory */
} operation;

static const operation operations[] = {
    {"create a layer", create_layer, free_layer, 1},
    {"build a layer", build_layer, free_layer, 2},
    {"create an optimizer", create_optimizer, free_optimizer, 1},
    {"create a matrix", create_matrix, free_matrix, 1},
    {"make a matrix of a parameter", matrix_of_parameter, free_matrix, 1},
    {"create a network", create_network, free_network, 1},
    {"create a workspace", create_workspace, free_workspace, 1},
    {"create a pool", create_pool, free_pool, 1},
    {"create a pipeline", create_pipeline, free_pipeline, 2},
    {"clone", clone_network, free_network, MODEL_LAYERS + 2},
    {"set the optimizer", set_optimizer, NULL, MODEL_LAYERS},
    {"set classes", set_classes, NULL, MODEL_LAYERS},
    {"set metadata", set_metadata, NULL, 1},
    {"set scaling", set_scaling, NULL, 1},
    {"save", save, NULL, 0},
    {"save over a file", save_over, NULL, 0},
    {"save to a buffer", save_buffer, NULL, 0},
    {"load", load, free_network, MODEL_LAYERS + 2},
    {"load from a buffer", load_buffer, free_network, MODEL_LAYERS + 2},
    {"take a snapshot and load it", load_snapshot, NULL, 0},
    {"export", export_onnx, NULL, 0},
    {"import", import_buffer, free_network, 6},
    {"import from a file", import_path, free_network, 6},
    {"plan", plan_onnx, NULL, 3},
};

static size_t entries(void)
{
    DIR *list = opendir(folder);
    size_t count = 0;

    assert_non_null(list);
    while (readdir(list) != NULL)
        count++;
    closedir(list);
    return count;
}

/* The networks have the bytes of before, and so has the file. */
static void check_unchanged(const void *before_small, size_t small_bytes)
{
    const void *expected[3] = {file, before_small, file};
    const size_t counts[3] = {file_bytes, small_bytes, file_bytes};

    for (int i = 0; i < 3; i++) {
        size_t bytes;
        unsigned char *now = i == 2 ? read_file(path, &bytes)
                                    : model_save(i == 0 ? network : small, MF_CONTENTS_TRAINING, &bytes);

        assert_int_equal(counts[i], bytes);
        assert_memory_equal(expected[i], now, bytes);
        free(now);
    }
}

static size_t sweep(const operation *op, int lasting)
{
    size_t small_bytes, nth = 1, files;
    void *made, *before_small;

    open_handles();
    before_small = model_save(small, MF_CONTENTS_TRAINING, &small_bytes);
    files = entries();
    for (;; nth++) {
        mf_status status;

        made = op->free_made ? (void *)1 : NULL;
        memory_fault_at(nth, lasting);
        status = op->call(&made);
        memory_fault_at(0, 0);
        if (memory_faults() == 0) {
            check_status_at(MF_STATUS_OK, status, op->name, __FILE__, __LINE__);
            break;
        }
        check_status_at(MF_STATUS_MEMORY, status, op->name, __FILE__, __LINE__);
        check_message("no memory");
        assert_null(made);
        assert_int_equal(memory_blocks(), 0);
        assert_int_equal(entries(), files);
        check_unchanged(before_small, small_bytes);
        assert_in_range(nth, 1, 1000);
    }
    if (nth - 1 < op->least)
        fail_msg("%s: %zu calls take memory, not %zu", op->name, nth - 1, op->least);
    if (op->free_made)
        op->free_made(made);
    else
        model_train(network, 2, 4);
    close_handles();
    free(before_small);
    assert_int_equal(memory_blocks(), 0);
    return nth - 1;
}

static void test_every_call_that_takes_memory(void **state)
{
    size_t faults = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        for (int lasting = 0; lasting < 2; lasting++)
            faults += sweep(&operations[i], lasting);
    print_message("%zu faults\n", faults);
}

/* Whatever a step, a prediction and a snapshot need is there. */
static void test_steps_take_no_memory(void **state)
{
    static float x[MODEL_ROWS * MODEL_INPUTS];
    static unsigned char bytes[200000];
    int32_t y[MODEL_ROWS], labels[MODEL_ROWS];
    mf_network *twin;
    mf_workspace *of_twin;

    (void)state;
    open_handles();
    check_ok(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &twin));
    of_twin = make_network_workspace(twin, MODEL_ROWS);
    for (size_t t = 0; t < 3; t++) {
        model_batch(t, x, y);
        check_ok(mf_network_step(twin, of_twin, MODEL_ROWS, x, y));
        memory_fault_at(1, 1);
        check_ok(mf_network_step(network, workspace, MODEL_ROWS, x, y));
        check_ok(mf_network_predict(network, workspace, MF_PREDICT_SUM, MODEL_ROWS, x, labels));
        check_ok(mf_network_snapshot_save(network, bytes, sizeof bytes));
        memory_fault_at(0, 0);
        assert_int_equal(memory_faults(), 0);
    }
    check_same_model(twin, network);
    mf_workspace_free(of_twin);
    mf_network_free(twin);
    close_handles();
}

/* A size that a file asks for, and that no size_t holds, is not taken for what is left of it. */
static void test_a_product_that_overflows_is_not_taken(void **state)
{
    const mf_allocator allocator = mfi_allocator_or_default(NULL);
    void *block = NULL;

    (void)state;
    check_status(MF_STATUS_MEMORY, mfi_take_zeroed(&allocator, SIZE_MAX / 4 + 2, 4, "layers", &block));
    assert_null(block);
}

static int open_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/model", folder);
    snprintf(onnx_path, sizeof onnx_path, "%s/onnx", folder);
    snprintf(new_path, sizeof new_path, "%s/new", folder);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_that_takes_memory),
        cmocka_unit_test(test_steps_take_no_memory),
        cmocka_unit_test(test_a_product_that_overflows_is_not_taken),
    };

    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
