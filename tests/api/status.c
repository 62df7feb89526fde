/* Version, names of statuses, messages per thread, and the BLAS helper.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "build.h"

static void test_the_version_is_that_of_the_header(void **state)
{
    char expected[40];

    (void)state;
    snprintf(expected, sizeof expected, "%d.%d.%d", MF_VERSION_MAJOR, MF_VERSION_MINOR, MF_VERSION_PATCH);
    assert_string_equal(mf_version(), expected);
}

/* The values are pinned for ever, so they are written out here. */
static void test_statuses_have_fixed_names_and_values(void **state)
{
    const struct {
        mf_status status;
        int32_t value;
        const char *name;
    } all[] = {{MF_STATUS_OK, 0, "MF_STATUS_OK"},
               {MF_STATUS_ARGUMENT, 1, "MF_STATUS_ARGUMENT"},
               {MF_STATUS_HANDLE, 2, "MF_STATUS_HANDLE"},
               {MF_STATUS_SHAPE, 3, "MF_STATUS_SHAPE"},
               {MF_STATUS_LABEL, 4, "MF_STATUS_LABEL"},
               {MF_STATUS_CAPACITY, 5, "MF_STATUS_CAPACITY"},
               {MF_STATUS_MEMORY, 6, "MF_STATUS_MEMORY"},
               {MF_STATUS_OVERFLOW, 7, "MF_STATUS_OVERFLOW"},
               {MF_STATUS_NUMERIC, 8, "MF_STATUS_NUMERIC"},
               {MF_STATUS_UNSUPPORTED, 9, "MF_STATUS_UNSUPPORTED"},
               {MF_STATUS_STALE, 10, "MF_STATUS_STALE"},
               {MF_STATUS_STATE, 11, "MF_STATUS_STATE"},
               {MF_STATUS_NOT_FOUND, 12, "MF_STATUS_NOT_FOUND"},
               {MF_STATUS_BUSY, 13, "MF_STATUS_BUSY"},
               {MF_STATUS_IO, 14, "MF_STATUS_IO"},
               {MF_STATUS_FORMAT, 15, "MF_STATUS_FORMAT"},
               {MF_STATUS_VERSION, 16, "MF_STATUS_VERSION"}};
    const mf_status unknown[] = {-1, 17, 1000, INT32_MIN, INT32_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(all[i].status, all[i].value);
        assert_string_equal(mf_status_name(all[i].status), all[i].name);
    }
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_string_equal(mf_status_name(unknown[i]), "unknown status");
}

static void *fail_elsewhere(void *data)
{
    char **seen = data;
    size_t size;

    seen[0] = strdup(mf_last_message());
    mf_network_size(NULL, &size);
    seen[1] = strdup(mf_last_message());
    return NULL;
}

static void test_every_thread_has_its_own_message(void **state)
{
    char *seen[2] = {NULL, NULL}, *mine;
    pthread_t thread;
    mf_layer_spec spec = layer_spec(2, 2, 1);
    mf_layer *layer;

    (void)state;
    assert_string_equal(mf_last_message(), "");
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
    mine = strdup(mf_last_message());
    assert_true(strlen(mine) > 10);
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, seen), 0);
    pthread_join(thread, NULL);
    assert_string_equal(seen[0], "");
    assert_true(strlen(seen[1]) > 5);
    assert_string_equal(mf_last_message(), mine);
    /* A success leaves it alone, the next failure replaces it. */
    spec.classes = 2;
    check_ok(mf_layer_create(&spec, &layer));
    assert_string_equal(mf_last_message(), mine);
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, "nothing", 1));
    assert_string_not_equal(mf_last_message(), mine);
    mf_layer_free(layer);
    free(seen[0]);
    free(seen[1]);
    free(mine);
}

/* A name from outside may be longer than any buffer inside. */
static void test_long_names_are_cut_in_messages(void **state)
{
    mf_layer *layer = make_plain_layer(2, 2, 2, 1);
    char *name = get_memory(100001);

    (void)state;
    memset(name, 'x', 100000);
    name[100000] = '\0';
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, name, 1));
    check_message("xxx");
    assert_true(strlen(mf_last_message()) < 4096);
    free(name);
    mf_layer_free(layer);
}

/* A name may be no UTF-8, which messages are, and it may be the last message. */
static void test_any_text_may_be_a_name(void **state)
{
    mf_layer *layer = make_plain_layer(2, 2, 2, 1);

    (void)state;
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, "a\xff\xc3z\xc3\xa9", 1));
    check_message("no parameter \"a??z\xc3\xa9\": it has weight");
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, "again", 1));
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, mf_last_message(), 1));
    check_message("the layer has no parameter \"the layer has no parameter \"again\": it h");
    mf_layer_free(layer);
}

static void test_the_blas_library_is_recognised(void **state)
{
    const char *known[] = {"openblas", "blis", "mkl", "other", "builtin"};
    size_t matches = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        matches += strcmp(mf_blas_name(), known[i]) == 0;
    if (matches != 1)
        fail_msg("the name of the BLAS library is \"%s\"", mf_blas_name());
    print_message("products by %s\n", mf_blas_name());
#ifdef TEST_EXPECTED_BLAS
    if (TEST_EXPECTED_BLAS[0] != '\0')
        assert_string_equal(mf_blas_name(), TEST_EXPECTED_BLAS);
#endif
    /* One of the names in this list, if tests/run.sh has put another library behind libblas.so.3. */
    if (getenv("TEST_BLAS_AT_RUN_TIME") != NULL &&
        strstr(getenv("TEST_BLAS_AT_RUN_TIME"), mf_blas_name()) == NULL)
        fail_msg("products by %s, expected one of: %s", mf_blas_name(), getenv("TEST_BLAS_AT_RUN_TIME"));
}

/* The choice is made anew for every layer, so the environment may change meanwhile. */
static void test_the_environment_chooses_the_products(void **state)
{
    const char *const names[] = {"blas", "generic"}, *const before = getenv("MF_PRODUCTS");
    char *kept = before ? strdup(before) : NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(setenv("MF_PRODUCTS", names[i], 1), 0);
        assert_string_equal(mf_products_name(), names[i]);
    }
    unsetenv("MF_PRODUCTS");
    char *best = strdup(mf_products_name());
    assert_int_equal(setenv("MF_PRODUCTS", "no such products", 1), 0);
    assert_string_equal(mf_products_name(), best);
    if (kept)
        setenv("MF_PRODUCTS", kept, 1);
    else
        unsetenv("MF_PRODUCTS");
    free(best);
    free(kept);
}

static void test_the_number_of_blas_threads_can_be_set(void **state)
{
    int32_t before = 0, now = 0;
    mf_status status = mf_blas_get_threads(&before);

    (void)state;
    if (strcmp(mf_blas_name(), "builtin") == 0 || strcmp(mf_blas_name(), "other") == 0) {
        assert_int_equal(status, MF_STATUS_UNSUPPORTED);
        check_status(MF_STATUS_UNSUPPORTED, mf_blas_set_threads(1));
    } else {
        assert_int_equal(status, MF_STATUS_OK);
        assert_true(before >= 1);
        check_ok(mf_blas_set_threads(1));
        check_ok(mf_blas_get_threads(&now));
        assert_int_equal(now, 1);
        check_ok(mf_blas_set_threads(2));
        check_ok(mf_blas_get_threads(&now));
        assert_int_equal(now, 2);
        check_ok(mf_blas_set_threads(before));
    }
    check_status(MF_STATUS_ARGUMENT, mf_blas_set_threads(0));
    check_status(MF_STATUS_ARGUMENT, mf_blas_set_threads(-3));
    check_status(MF_STATUS_ARGUMENT, mf_blas_get_threads(NULL));
}

/* Everything that calls the BLAS library: orthogonal initial values, and a layer with its products. */
static void train_by_blas(void)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_layer_spec spec = layer_spec(4, 64, 2);
    mf_layer *layer;
    mf_workspace *workspace;
    float x[64 * 4] = {0};
    int32_t y[64] = {0};

    spec.weight_init = MF_INIT_ORTHOGONAL;
    layer = make_layer(&spec);
    workspace = make_layer_workspace(layer, 64);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_step(layer, workspace, 64, x, y, NULL));
    check_ok(mf_layer_step(layer, workspace, 1, x, y, NULL));
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* No other call may touch the number of threads, which belongs to the whole process. */
static void test_training_keeps_the_number_of_blas_threads(void **state)
{
    const char *products = getenv("MF_PRODUCTS");
    char *kept = products ? strdup(products) : NULL;
    int32_t before = 0, threads = 0;

    (void)state;
    if (mf_blas_get_threads(&before) != MF_STATUS_OK)
        skip_because("this BLAS library has no threads to set");
    check_ok(mf_blas_set_threads(2));
    assert_int_equal(setenv("MF_PRODUCTS", "blas", 1), 0);
    train_by_blas();
    if (kept)
        setenv("MF_PRODUCTS", kept, 1);
    else
        unsetenv("MF_PRODUCTS");
    free(kept);
    check_ok(mf_blas_get_threads(&threads));
    assert_int_equal(threads, 2);
    check_ok(mf_blas_set_threads(before));
}

/* A step may compute with subnormal numbers as it likes; the caller's arithmetic is as it was before, also
 * after a step that failed. */
static void test_a_step_restores_the_floating_point_mode(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_layer *layer = make_plain_layer(4, 6, 2, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 2);
    volatile float tiny = 1e-40f, half = 0.5f;
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, weights[24];
    const int32_t y[2] = {0, 1};

    (void)state;
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    assert_true(tiny * half > 0.0f);
    check_ok(mf_layer_step(layer, workspace, 2, x, y, NULL));
    assert_true(tiny * half > 0.0f);
    x[3] = NAN;
    check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 2, x, y, NULL));
    assert_true(tiny * half > 0.0f);
    for (size_t i = 0; i < 24; i++)
        weights[i] = 1e38f;
    x[3] = 4.0f;
    check_ok(mf_layer_set_parameter(layer, "weight", weights, 24));
    check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 2, x, y, NULL));
    assert_true(tiny * half > 0.0f);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_thread_has_its_own_message), /* first: nothing has failed yet */
        cmocka_unit_test(test_the_version_is_that_of_the_header),
        cmocka_unit_test(test_statuses_have_fixed_names_and_values),
        cmocka_unit_test(test_long_names_are_cut_in_messages),
        cmocka_unit_test(test_any_text_may_be_a_name),
        cmocka_unit_test(test_the_blas_library_is_recognised),
        cmocka_unit_test(test_the_environment_chooses_the_products),
        cmocka_unit_test(test_the_number_of_blas_threads_can_be_set),
        cmocka_unit_test(test_training_keeps_the_number_of_blas_threads),
        cmocka_unit_test(test_a_step_restores_the_floating_point_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
