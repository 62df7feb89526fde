/* Saving to a function of the caller's: the bytes of the file, all of them or a status, and no call too many.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "models.h"

/* Takes bytes, and refuses those of the call number `fail_at`, counted from 1; 0: none. */
typedef struct taker {
    unsigned char *bytes;
    size_t count, room, calls, fail_at, largest;
} taker;

static int32_t take(void *user, const void *bytes, size_t count)
{
    taker *t = user;

    t->calls++;
    if (t->calls == t->fail_at)
        return 42;
    assert_true(count > 0 && count <= t->room - t->count);
    memcpy(t->bytes + t->count, bytes, count);
    t->count += count;
    t->largest = count > t->largest ? count : t->largest;
    return 0;
}

static mf_output output_of(taker *t)
{
    mf_output output;

    check_ok(mf_output_init(&output, sizeof output));
    assert_int_equal(output.struct_size, sizeof output);
    assert_null(output.write);
    output.write = take;
    output.user = t;
    return output;
}

/* Its file takes several calls: it has a long text. */
static mf_network *trained(void)
{
    char text[20001];
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = model_network(optimizer);

    mf_optimizer_free(optimizer);
    model_train(network, 0, 2);
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_ok(mf_network_metadata_set(network, "text", text));
    return network;
}

enum { ONNX = 2 }; /* beside the two contents of model files */

static void *expected_of(const mf_network *network, int32_t what, size_t *bytes)
{
    void *buffer;

    if (what != ONNX)
        return model_save(network, what, bytes);
    check_ok(mf_network_export_onnx_size(network, bytes));
    buffer = get_memory(*bytes);
    check_ok(mf_network_export_onnx_buffer(network, buffer, *bytes, NULL));
    return buffer;
}

static mf_status put(const mf_network *network, int32_t what, const mf_output *output)
{
    return what == ONNX ? mf_network_export_onnx_to(network, output)
                        : mf_network_save_to(network, what, output);
}

static void test_an_output_gets_the_bytes_of_the_file(void **state)
{
    mf_network *network = trained();

    (void)state;
    for (int32_t what = MF_CONTENTS_MODEL; what <= ONNX; what++) {
        size_t bytes;
        void *expected = expected_of(network, what, &bytes);
        taker t = {.bytes = get_memory(bytes), .room = bytes};
        const mf_output output = output_of(&t);

        check_ok(put(network, what, &output));
        assert_int_equal(t.count, bytes);
        assert_memory_equal(t.bytes, expected, bytes);
        assert_true(t.calls > 1 && t.largest < bytes); /* in pieces */
        free(t.bytes);
        free(expected);
    }
    mf_network_free(network);
}

/* Refused at each call in turn: a status that tells where, and not a call more. */
static void test_an_output_that_refuses_ends_the_saving(void **state)
{
    mf_network *network = trained();

    (void)state;
    for (int32_t what = MF_CONTENTS_MODEL; what <= ONNX; what++) {
        size_t bytes, calls = 0;
        void *expected = expected_of(network, what, &bytes);
        taker t = {.bytes = get_memory(bytes), .room = bytes};

        for (t.fail_at = 1; calls == 0; t.fail_at++) {
            const mf_output output = output_of(&t);
            mf_status status;
            char part[80];

            t.count = t.calls = 0;
            status = put(network, what, &output);
            if (status == MF_STATUS_OK) {
                calls = t.calls;
                continue;
            }
            check_status(MF_STATUS_IO, status);
            assert_int_equal(t.calls, t.fail_at);
            snprintf(part, sizeof part, "returned 42 behind %zu bytes", t.count);
            check_message(part);
            assert_memory_equal(t.bytes, expected, t.count);
        }
        assert_int_equal(t.fail_at, calls + 2);
        free(t.bytes);
        free(expected);
    }
    mf_network_free(network);
}

/* Nothing is written that would have to be thrown away. */
static void test_refusals_come_before_the_first_byte(void **state)
{
    const size_t widths[] = {2, 2};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e30);
    mf_network *network = make_stack(widths, 1, 2, 1, optimizer), *empty = make_network();
    mf_workspace *workspace = make_network_workspace(network, 1);
    const float x[2] = {1e20f, 1e20f};
    const int32_t y = 0;
    taker t = {0};
    mf_output output = output_of(&t);

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_output_init(NULL, sizeof output));
    check_status(MF_STATUS_HANDLE, mf_network_save_to(NULL, MF_CONTENTS_MODEL, &output));
    check_status(MF_STATUS_ARGUMENT, mf_network_save_to(network, MF_CONTENTS_MODEL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_save_to(network, 2, &output));
    check_status(MF_STATUS_HANDLE, mf_network_export_onnx_to(NULL, &output));
    check_status(MF_STATUS_ARGUMENT, mf_network_export_onnx_to(network, NULL));
    check_status(MF_STATUS_STATE, mf_network_export_onnx_to(empty, &output));
    for (int i = 0; i < 5 && mf_network_step(network, workspace, 1, x, &y) == MF_STATUS_OK; i++)
        continue;
    check_status(MF_STATUS_NUMERIC, mf_network_save_to(network, MF_CONTENTS_MODEL, &output));
    check_status(MF_STATUS_NUMERIC, mf_network_export_onnx_to(network, &output));
    output.write = NULL;
    check_status(MF_STATUS_ARGUMENT, mf_network_save_to(empty, MF_CONTENTS_MODEL, &output));
    check_message("no function");
    check_status(MF_STATUS_ARGUMENT, mf_network_export_onnx_to(network, &output));
    assert_int_equal(t.calls, 0);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_network_free(empty);
    mf_optimizer_free(optimizer);
}

static int32_t write_to_pipe(void *user, const void *bytes, size_t count)
{
    return write(*(const int *)user, bytes, count) == (ssize_t)count ? 0 : 1;
}

/* What a file cannot be: a pipe. The network is small enough for it to hold. */
static void test_a_model_goes_through_a_pipe(void **state)
{
    const size_t widths[] = {8, 9};
    mf_network *network = make_stack(widths, 1, 3, 1, NULL);
    unsigned char got[8192];
    size_t bytes, count = 0;
    void *expected = model_save(network, MF_CONTENTS_MODEL, &bytes);
    int ends[2];
    mf_output output;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    check_ok(mf_output_init(&output, sizeof output));
    output.write = write_to_pipe;
    output.user = &ends[1];
    check_ok(mf_network_save_to(network, MF_CONTENTS_MODEL, &output));
    close(ends[1]);
    for (ssize_t more; (more = read(ends[0], got + count, sizeof got - count)) > 0;)
        count += (size_t)more;
    close(ends[0]);
    assert_int_equal(count, bytes);
    assert_memory_equal(got, expected, bytes);
    free(expected);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_output_gets_the_bytes_of_the_file),
        cmocka_unit_test(test_an_output_that_refuses_ends_the_saving),
        cmocka_unit_test(test_refusals_come_before_the_first_byte),
        cmocka_unit_test(test_a_model_goes_through_a_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
