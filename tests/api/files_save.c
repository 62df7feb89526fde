/* Model files on the disk and in memory: what goes in comes out, what the system refuses is a status, and
 * what was there before is there still. SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "models.h"
#include "units.h"

static char folder[] = "/tmp/monoforward-files-XXXXXX";
static char path[200];

static int open_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* Entries of the folder but for the model: a failed save leaves none. */
static int litter(void)
{
    DIR *list = opendir(folder);
    int count = 0;

    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                 strcmp(entry->d_name, "model.safetensors") != 0;
    closedir(list);
    return count;
}

static void *read_all(size_t *bytes)
{
    void *all = read_file(path, bytes);

    assert_non_null(all);
    return all;
}

static mf_network *trained(void)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = model_network(optimizer);

    mf_optimizer_free(optimizer);
    model_train(network, 0, 3);
    return network;
}

/* ---- round trips ---- */

static void predictions(mf_network *network, int32_t mode, float *goodness)
{
    mf_workspace *workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, MODEL_ROWS);
    static float x[MODEL_ROWS * MODEL_INPUTS];
    int32_t y[MODEL_ROWS];

    model_batch(99, x, y);
    check_ok(mf_network_goodness(network, workspace, mode, MODEL_ROWS, x, goodness));
    mf_workspace_free(workspace);
}

static void test_a_model_file_gives_the_same_predictions(void **state)
{
    mf_network *network = trained(), *loaded = NULL;
    float one[MODEL_ROWS * MODEL_CLASSES], other[MODEL_ROWS * MODEL_CLASSES];

    (void)state;
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "mean", 0));
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    check_ok(mf_network_load(NULL, path, &loaded));
    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        predictions(network, mode, one);
        predictions(loaded, mode, other);
        assert_memory_equal(one, other, sizeof one);
    }
    for (size_t i = 0; i < MODEL_LAYERS; i++) {
        mf_layer_spec before = {.struct_size = sizeof before}, after = {.struct_size = sizeof after};
        mf_optimizer *optimizer = (mf_optimizer *)1;
        uint64_t id = 0, loaded_id = 1;

        check_ok(mf_layer_describe(layer_at(network, i), &before));
        check_ok(mf_layer_describe(layer_at(loaded, i), &after));
        check_same_spec(&before, &after);
        check_ok(mf_layer_optimizer(layer_at(loaded, i), &optimizer));
        assert_null(optimizer);
        check_ok(mf_network_layer(network, i, NULL, &id));
        check_ok(mf_network_layer(loaded, i, NULL, &loaded_id));
        assert_int_equal(id, loaded_id);
    }
    assert_int_equal(litter(), 0);
    mf_network_free(network);
    mf_network_free(loaded);
}

/* The same bytes in a file, in a buffer, and after loading; a model is in a file with training as well. */
static void test_file_buffer_and_saving_again_give_the_same_bytes(void **state)
{
    mf_network *network = trained(), *loaded = NULL;
    size_t first, second, third;
    void *from_disk, *buffer = model_save(network, MF_CONTENTS_TRAINING, &second), *again;
    mf_load_spec spec;

    (void)state;
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, path));
    from_disk = read_all(&first);
    assert_int_equal(first, second);
    assert_memory_equal(from_disk, buffer, first);
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = MF_CONTENTS_TRAINING;
    spec.max_bytes = first;
    check_ok(mf_network_load(&spec, path, &loaded));
    check_same_model(network, loaded);
    mf_network_free(loaded);
    loaded = model_load(MF_CONTENTS_MODEL, buffer, second);
    free(buffer);
    buffer = model_save(network, MF_CONTENTS_MODEL, &second);
    again = model_save(loaded, MF_CONTENTS_MODEL, &third);
    assert_int_equal(second, third);
    assert_memory_equal(buffer, again, second);
    free(from_disk);
    free(buffer);
    free(again);
    mf_network_free(network);
    mf_network_free(loaded);
}

/* The data begins at a multiple of 8, whatever the header. */
static void test_the_data_is_aligned_to_8_bytes(void **state)
{
    (void)state;
    for (size_t width = 1; width < 1200; width = width * 3 + 1) {
        const size_t widths[] = {width, width};
        mf_network *network = make_stack(widths, 1, 2, width, NULL);
        size_t bytes;
        unsigned char *file = model_save(network, MF_CONTENTS_MODEL, &bytes);

        assert_int_equal(file[0] % 8, 0);
        assert_int_equal(file[8], '{');
        free(file);
        mf_network_free(network);
    }
}

static void test_an_empty_network_is_saved(void **state)
{
    mf_network *network = make_network(), *loaded = NULL;
    size_t layers = 1, bytes = 0;
    unsigned char snapshot[256];

    (void)state;
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, path));
    check_ok(mf_network_load(NULL, path, &loaded));
    check_ok(mf_network_size(loaded, &layers));
    assert_int_equal(layers, 0);
    check_ok(mf_network_snapshot_size(network, &bytes));
    assert_in_range(bytes, 1, sizeof snapshot);
    check_ok(mf_network_snapshot_save(network, snapshot, sizeof snapshot));
    check_ok(mf_network_snapshot_load(loaded, snapshot, sizeof snapshot));
    mf_network_free(network);
    mf_network_free(loaded);
}

/* Numbers that need all their digits, in a locale that writes them with a comma. */
static void test_numbers_are_exact_in_every_locale(void **state)
{
    const float numbers[] = {0.1f,        1.0f / 3,   1e-30f, 3.4028235e38f, 1.17549435e-38f,
                             16777216.0f, 0.30000001f};
    const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C"};

    (void)state;
    for (size_t l = 0; l < COUNT_OF(locales); l++)
        for (size_t i = 0; i < COUNT_OF(numbers); i++) {
            mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, numbers[i]);
            mf_optimizer *optimizer = NULL;
            const size_t widths[] = {1, 1};
            mf_network *network, *loaded;
            size_t bytes;
            void *file;
            double value = 0.0;

            setlocale(LC_ALL, locales[l]);
            how.clip_norm = numbers[i];
            check_ok(mf_optimizer_create(&how, &optimizer));
            network = make_stack(widths, 1, 2, 1, optimizer);
            mf_optimizer_free(optimizer);
            file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
            loaded = model_load(MF_CONTENTS_TRAINING, file, bytes);
            check_ok(mf_layer_optimizer(layer_at(loaded, 0), &optimizer));
            check_ok(mf_optimizer_get(optimizer, MF_OPTIMIZER_LEARNING_RATE, &value));
            assert_true((float)value == numbers[i]);
            check_same_model(network, loaded);
            setlocale(LC_ALL, "C");
            free(file);
            mf_network_free(network);
            mf_network_free(loaded);
        }
}

/* ---- what the system refuses ---- */

static void test_a_missing_folder_is_refused(void **state)
{
    mf_network *network = trained(), *loaded = (mf_network *)1;

    (void)state;
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, "/nonexistent/folder/model"));
    check_message("/nonexistent/folder/model");
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, ""));
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, folder));
    check_message(folder);
    check_status(MF_STATUS_IO, mf_network_load(NULL, "/nonexistent/folder/model", &loaded));
    check_message("/nonexistent/folder/model");
    assert_null(loaded);
    assert_int_equal(litter(), 0);
    mf_network_free(network);
}

/* Devices and pipes are not replaced, and not waited for. */
static void test_devices_and_pipes_are_refused(void **state)
{
    mf_network *network = trained(), *loaded = (mf_network *)1;
    char pipe_path[220];

    (void)state;
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, pipe_path));
    check_message("not a regular file");
    check_status(MF_STATUS_IO, mf_network_load(NULL, pipe_path, &loaded));
    check_message("not a regular file");
    check_status(MF_STATUS_IO, mf_network_load(NULL, folder, &loaded));
    check_message(folder);
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, "/dev/full"));
    assert_int_equal(unlink(pipe_path), 0);
    assert_null(loaded);
    mf_network_free(network);
}

static void test_an_empty_file_is_refused(void **state)
{
    mf_network *loaded = (mf_network *)1;
    FILE *file = fopen(path, "wb");

    (void)state;
    fclose(file);
    check_status(MF_STATUS_FORMAT, mf_network_load(NULL, path, &loaded));
    check_message("empty");
    assert_null(loaded);
}

static void write_bytes(const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");

    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

/* The message begins with the path, and says what the file seems to be. */
static void check_refused(mf_status status, const char *part)
{
    check_status(MF_STATUS_FORMAT, status);
    assert_int_equal(strncmp(mf_last_message(), path, strlen(path)), 0);
    check_message(part);
}

static void test_files_of_other_kinds_are_named(void **state)
{
    static const char csv[] = "5.1,3.5,1.4,0.2,setosa\n", zip[] = "PK\3\4\x14\0\0\0\0\0\0\0";
    mf_network *network = trained(), *loaded = NULL;
    mf_onnx_spec onnx;
    size_t bytes;
    void *file;

    (void)state;
    write_bytes(csv, sizeof csv - 1);
    check_refused(mf_network_load(NULL, path, &loaded), "it is no safetensors file");
    write_bytes(zip, sizeof zip - 1);
    check_refused(mf_network_load(NULL, path, &loaded), "it is a zip archive");
    check_ok(mf_network_export_onnx(network, path));
    check_refused(mf_network_load(NULL, path, &loaded), "mf_network_import_onnx() reads");
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    check_ok(mf_onnx_spec_init(&onnx, sizeof onnx));
    onnx.path = path;
    check_refused(mf_network_import_onnx(&onnx, &loaded), "mf_network_load() reads");
    file = read_all(&bytes);
    write_bytes(file, bytes - 1);
    check_refused(mf_network_load(NULL, path, &loaded), "is the model cut off?");
    write_bytes(file, 20);
    check_refused(mf_network_load(NULL, path, &loaded), "is it cut off?");
    assert_null(loaded);
    free(file);
    mf_network_free(network);
    unlink(path);
}

/* A disk that is full after some bytes: the old file stays, and nothing else. */
static void test_a_full_disk_keeps_the_old_file(void **state)
{
    mf_network *network = trained(), *loaded = NULL;
    struct rlimit before, limit;
    size_t bytes;
    void *file;

    (void)state;
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, path));
    file = read_all(&bytes);
    free(file);
    model_train(network, 3, 5);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    for (rlim_t room = 0; room < bytes; room += bytes / 5) {
        limit.rlim_cur = room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        mf_status status = mf_network_save(network, MF_CONTENTS_TRAINING, path);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        check_status(MF_STATUS_IO, status);
        check_message(path);
        assert_int_equal(litter(), 0);
    }
    check_ok(mf_network_load(NULL, path, &loaded));
    mf_network_free(loaded);
    mf_network_free(network);
}

static void test_a_read_only_folder_is_refused(void **state)
{
    mf_network *network = trained(), *loaded = NULL;

    (void)state;
    if (geteuid() == 0) {
        mf_network_free(network);
        skip_because("the superuser may write anywhere");
    }
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(chmod(folder, 0500), 0);
    mf_status status = mf_network_save(network, MF_CONTENTS_MODEL, path);
    assert_int_equal(chmod(folder, 0700), 0);
    check_status(MF_STATUS_IO, status);
    check_message(path);
    assert_int_equal(chmod(path, 0), 0);
    status = mf_network_load(NULL, path, &loaded);
    assert_int_equal(chmod(path, 0600), 0);
    check_status(MF_STATUS_IO, status);
    check_ok(mf_network_load(NULL, path, &loaded));
    mf_network_free(loaded);
    mf_network_free(network);
}

/* Permissions of the file that is replaced are kept. */
static void test_permissions_are_kept(void **state)
{
    mf_network *network = trained();
    struct stat info;

    (void)state;
    unlink(path);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(chmod(path, 0640), 0);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    mf_network_free(network);
}

/* ---- what is refused before anything is written ---- */

static void test_values_that_are_not_finite_are_refused(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e30);
    const size_t widths[] = {2, 2};
    mf_network *network = make_stack(widths, 1, 2, 1, optimizer), *loaded = NULL;
    mf_workspace *workspace = make_network_workspace(network, 1);
    const float x[2] = {1e20f, 1e20f};
    const int32_t y = 0;
    unsigned char buffer[4096];
    size_t bytes = 0, first, second;
    void *before, *after;

    (void)state;
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    before = read_all(&first);
    for (int i = 0; i < 5; i++)
        if (mf_network_step(network, workspace, 1, x, &y) != MF_STATUS_OK)
            break;
    check_status(MF_STATUS_NUMERIC, mf_network_save(network, MF_CONTENTS_MODEL, path));
    check_message("layers.0.");
    check_status(MF_STATUS_NUMERIC,
                 mf_network_save_buffer(network, MF_CONTENTS_MODEL, buffer, sizeof buffer, &bytes));
    check_status(MF_STATUS_NUMERIC, mf_network_snapshot_save(network, buffer, sizeof buffer));
    after = read_all(&second);
    assert_int_equal(first, second);
    assert_memory_equal(before, after, first);
    check_ok(mf_network_load(NULL, path, &loaded));
    free(before);
    free(after);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_network_free(loaded);
    mf_optimizer_free(optimizer);
}

/* Only what can be loaded is saved: options that a layer does not read may be anything, and are the defaults
 * in its file. */
static void test_options_that_are_not_read_spoil_no_file(void **state)
{
    mf_layer_spec specs[2], found = {.struct_size = sizeof found};

    (void)state;
    specs[0] = conv_spec(1, 4, 4, 2, 3);
    specs[1] = layer_spec(4, 3, 3);
    specs[0].pool = MF_POOL_NONE;
    for (int i = 0; i < 2; i++) {
        mf_layer_spec *spec = &specs[i];
        mf_network *network = make_network(), *loaded = NULL;
        mf_layer *layer;

        spec->pool_size[0] = spec->pool_stride[1] = SIZE_MAX;
        spec->normalization_rate = NAN;
        spec->normalization_epsilon = INFINITY;
        layer = make_layer(spec);
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
        check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
        check_ok(mf_network_load(NULL, path, &loaded));
        check_ok(mf_layer_describe(layer_at(loaded, 0), &found));
        check_near(0.1, (double)found.normalization_rate, 1e-7);
        check_near(1e-5, (double)found.normalization_epsilon, 1e-10);
        assert_int_equal(found.pool_size[0], 2);
        mf_network_free(loaded);
        mf_network_free(network);
    }
}

/* A host may be about to change one layer after the other; what it saves between could not be loaded. */
static void test_layers_whose_classes_differ_are_refused(void **state)
{
    const size_t widths[] = {4, 5, 6};
    mf_network *network = make_stack(widths, 2, 3, 1, NULL);
    size_t size = 0, after = 0;
    unsigned char *old, *now, buffer[8] = {0};

    (void)state;
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    old = read_all(&size);
    check_ok(mf_layer_set_classes(layer_at(network, 0), 7));
    check_status(MF_STATUS_SHAPE, mf_network_save(network, MF_CONTENTS_MODEL, path));
    check_message("layer 1 has 3 classes, layer 0 has 7");
    now = read_all(&after);
    assert_int_equal(after, size);
    assert_memory_equal(now, old, size);
    check_status(MF_STATUS_SHAPE, mf_network_save_buffer(network, MF_CONTENTS_MODEL, buffer, 100000, NULL));
    check_ok(mf_layer_set_classes(layer_at(network, 1), 7));
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    free(old);
    free(now);
    mf_network_free(network);
}

static void test_wrong_arguments_are_refused(void **state)
{
    mf_network *network = trained(), *loaded = (mf_network *)1;
    mf_layer *layer = layer_at(network, 0);
    mf_optimizer *optimizer = (mf_optimizer *)1;
    size_t bytes = 0, written = 0;
    char *buffer = model_save(network, MF_CONTENTS_MODEL, &bytes);
    mf_load_spec spec;

    (void)state;
    check_status(MF_STATUS_HANDLE, mf_network_save(NULL, MF_CONTENTS_MODEL, path));
    check_status(MF_STATUS_HANDLE, mf_network_save((mf_network *)layer, MF_CONTENTS_MODEL, path));
    check_status(MF_STATUS_ARGUMENT, mf_network_save(network, 2, path));
    check_status(MF_STATUS_ARGUMENT, mf_network_save(network, -1, path));
    check_status(MF_STATUS_ARGUMENT, mf_network_save(network, MF_CONTENTS_MODEL, NULL));
    check_status(MF_STATUS_HANDLE, mf_network_save_size(NULL, MF_CONTENTS_MODEL, &bytes));
    check_status(MF_STATUS_ARGUMENT, mf_network_save_size(network, 7, &bytes));
    check_status(MF_STATUS_ARGUMENT, mf_network_save_size(network, MF_CONTENTS_MODEL, NULL));
    check_status(MF_STATUS_HANDLE, mf_network_save_buffer(NULL, MF_CONTENTS_MODEL, buffer, bytes, &written));
    check_status(MF_STATUS_ARGUMENT, mf_network_save_buffer(network, 3, buffer, bytes, &written));
    check_status(MF_STATUS_ARGUMENT, mf_network_save_buffer(network, 0, NULL, bytes, &written));
    check_status(MF_STATUS_CAPACITY, mf_network_save_buffer(network, 0, buffer, bytes - 1, &written));
    assert_int_equal(written, 0);
    check_ok(mf_network_save_buffer(network, MF_CONTENTS_MODEL, buffer, bytes, NULL));

    check_status(MF_STATUS_ARGUMENT, mf_load_spec_init(NULL, sizeof spec));
    check_status(MF_STATUS_ARGUMENT, mf_load_spec_init(&spec, 4));
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    check_status(MF_STATUS_ARGUMENT, mf_network_load(&spec, NULL, &loaded));
    assert_null(loaded);
    check_status(MF_STATUS_ARGUMENT, mf_network_load(&spec, path, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_load_buffer(&spec, NULL, 8, &loaded));
    check_status(MF_STATUS_ARGUMENT, mf_network_load_buffer(&spec, buffer, bytes, NULL));
    spec.contents = 2;
    check_status(MF_STATUS_ARGUMENT, mf_network_load_buffer(&spec, buffer, bytes, &loaded));
    spec.contents = MF_CONTENTS_TRAINING;
    check_status(MF_STATUS_STATE, mf_network_load_buffer(&spec, buffer, bytes, &loaded));
    assert_null(loaded);
    spec.contents = MF_CONTENTS_MODEL;
    spec.max_bytes = bytes - 1;
    check_status(MF_STATUS_CAPACITY, mf_network_load_buffer(&spec, buffer, bytes, &loaded));
    spec.struct_size = 3;
    check_status(MF_STATUS_ARGUMENT, mf_network_load_buffer(&spec, buffer, bytes, &loaded));

    check_status(MF_STATUS_HANDLE, mf_layer_optimizer(NULL, &optimizer));
    assert_null(optimizer);
    check_status(MF_STATUS_ARGUMENT, mf_layer_optimizer(layer, NULL));
    free(buffer);
    mf_network_free(network);
}

/* ---- snapshots ---- */

static void test_wrong_snapshots_are_refused(void **state)
{
    mf_network *network = trained(), *other;
    mf_optimizer *sgd = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    saved_values before = save_network_values(network);
    size_t bytes = 0;
    unsigned char *snapshot, *copy;

    (void)state;
    check_status(MF_STATUS_HANDLE, mf_network_snapshot_size(NULL, &bytes));
    check_status(MF_STATUS_ARGUMENT, mf_network_snapshot_size(network, NULL));
    check_ok(mf_network_snapshot_size(network, &bytes));
    snapshot = get_memory(bytes);
    copy = get_memory(bytes);
    check_status(MF_STATUS_HANDLE, mf_network_snapshot_save(NULL, snapshot, bytes));
    check_status(MF_STATUS_ARGUMENT, mf_network_snapshot_save(network, NULL, bytes));
    check_status(MF_STATUS_CAPACITY, mf_network_snapshot_save(network, snapshot, bytes - 1));
    check_ok(mf_network_snapshot_save(network, snapshot, bytes));
    model_train(network, 3, 4);
    free_saved_values(&before);
    before = save_network_values(network);
    check_status(MF_STATUS_HANDLE, mf_network_snapshot_load(NULL, snapshot, bytes));
    check_status(MF_STATUS_ARGUMENT, mf_network_snapshot_load(network, NULL, bytes));
    for (size_t less = 0; less < bytes; less += less < 50 ? 1 : 501)
        check_status(MF_STATUS_FORMAT, mf_network_snapshot_load(network, snapshot, less));
    for (size_t at = 0; at < bytes; at += at < 600 ? 1 : 97) {
        mf_status status;

        memcpy(copy, snapshot, bytes);
        copy[at] ^= 0x40;
        status = mf_network_snapshot_load(network, copy, bytes);
        assert_true(status == MF_STATUS_FORMAT || (status == MF_STATUS_VERSION && at >= 8 && at < 16) ||
                    (status == MF_STATUS_SHAPE && at >= 16 && at < 32));
        check_network_unchanged(&before, network);
    }
    /* Another number of classes, other optimizers. */
    other = model_network(NULL);
    check_ok(mf_network_set_optimizer(other, sgd));
    check_status(MF_STATUS_SHAPE, mf_network_snapshot_load(other, snapshot, bytes));
    check_ok(mf_network_set_classes(network, MODEL_CLASSES + 1));
    check_status(MF_STATUS_SHAPE, mf_network_snapshot_load(network, snapshot, bytes));
    check_ok(mf_network_set_classes(network, MODEL_CLASSES));
    check_ok(mf_network_snapshot_load(network, snapshot, bytes));
    free_saved_values(&before);
    free(snapshot);
    free(copy);
    mf_network_free(network);
    mf_network_free(other);
    mf_optimizer_free(sgd);
}

/* ---- memory ---- */

/* The k-th allocation fails, for every k. */
static void test_every_failed_allocation_leaves_no_leak(void **state)
{
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_network *network = trained(), *loaded = (mf_network *)1;
    mf_load_spec spec;
    size_t bytes, failures = 0;
    void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes);

    (void)state;
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, path));
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    for (int32_t way = 0; way < 4; way++)
        for (size_t k = 1;; k++) {
            mf_status status;

            spec.contents = way / 2;
            memory_fail_at(&memory, k);
            status = way % 2 ? mf_network_load(&spec, path, &loaded)
                             : mf_network_load_buffer(&spec, file, bytes, &loaded);
            memory_fail_at(&memory, 0);
            if (status == MF_STATUS_OK) {
                mf_network_free(loaded);
                assert_int_equal(memory.blocks_out, 0);
                break;
            }
            check_status(MF_STATUS_MEMORY, status);
            assert_null(loaded);
            assert_int_equal(memory.blocks_out, 0);
            failures++;
        }
    assert_in_range(failures, 80, 1000);
    assert_int_equal(memory.faults, 0);
    memory_release(&memory);
    free(file);
    mf_network_free(network);
}

/* All of a loaded network lives in the buffer. */
static void test_a_network_can_be_loaded_into_an_arena(void **state)
{
    mf_network *network = trained(), *loaded = NULL;
    mf_allocator allocator;
    mf_load_spec spec;
    size_t bytes, room = 1 << 20;
    void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes), *buffer = get_memory(room);

    (void)state;
    check_ok(mf_arena_init(buffer, room, &allocator));
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    spec.contents = MF_CONTENTS_TRAINING;
    check_ok(mf_network_load_buffer(&spec, file, bytes, &loaded));
    check_same_model(network, loaded);
    assert_true((char *)loaded > (char *)buffer && (char *)loaded < (char *)buffer + room);
    mf_network_free(loaded);
    mf_network_free(network);
    free(buffer);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_model_file_gives_the_same_predictions),
        cmocka_unit_test(test_file_buffer_and_saving_again_give_the_same_bytes),
        cmocka_unit_test(test_the_data_is_aligned_to_8_bytes),
        cmocka_unit_test(test_an_empty_network_is_saved),
        cmocka_unit_test(test_numbers_are_exact_in_every_locale),
        cmocka_unit_test(test_a_missing_folder_is_refused),
        cmocka_unit_test(test_devices_and_pipes_are_refused),
        cmocka_unit_test(test_an_empty_file_is_refused),
        cmocka_unit_test(test_files_of_other_kinds_are_named),
        cmocka_unit_test(test_a_full_disk_keeps_the_old_file),
        cmocka_unit_test(test_a_read_only_folder_is_refused),
        cmocka_unit_test(test_permissions_are_kept),
        cmocka_unit_test(test_values_that_are_not_finite_are_refused),
        cmocka_unit_test(test_options_that_are_not_read_spoil_no_file),
        cmocka_unit_test(test_layers_whose_classes_differ_are_refused),
        cmocka_unit_test(test_wrong_arguments_are_refused),
        cmocka_unit_test(test_wrong_snapshots_are_refused),
        cmocka_unit_test(test_every_failed_allocation_leaves_no_leak),
        cmocka_unit_test(test_a_network_can_be_loaded_into_an_arena),
    };

    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
