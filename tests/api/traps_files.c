/* A host that has unmasked floating-point exceptions gets statuses, not SIGFPE, whatever numbers stand in
 * files, snapshots, matrices and ONNX models. SPDX-License-Identifier: MIT */
#include "host.h"
#include "models.h"
#include "onnx_writer.h"
#include "snapshots.h"

enum { N = HOST_INPUTS };

/* The last value of a file, or a number in its header, is hostile. */
static void test_files(void **state)
{
    host *h = *state;
    size_t bytes, changed_bytes;
    unsigned char *file = model_save(h->network, MF_CONTENTS_TRAINING, &bytes);
    char *header = model_header(file, bytes), *changed = replaced(header, "0.001", "1e99");
    void *other = model_with_header(file, bytes, changed, &changed_bytes);

    check_mode();
    check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_TRAINING, other, changed_bytes));
    check_mode();
    for (size_t i = 0; i + 1 < COUNT_OF(hostile); i++) {
        set_snapshot_bits(file + bytes - 4, hostile[i]);
        check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_TRAINING, file, bytes));
        check_mode();
    }
    free(file);
    free(header);
    free(changed);
    free(other);
}

/* The last value of a snapshot is. */
static void test_snapshots(void **state)
{
    host *h = *state;
    size_t bytes;
    unsigned char *snapshot = take_snapshot(h->network, &bytes);

    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        set_snapshot_bits(snapshot + bytes - 4, hostile[i]);
        seal_snapshot(snapshot, bytes);
        check_status(hostile[i] == LARGEST_BITS ? MF_STATUS_OK : MF_STATUS_FORMAT,
                     mf_network_snapshot_load(h->network, snapshot, bytes));
        check_mode();
    }
    free(snapshot);
    snapshot = take_snapshot(h->network, &bytes);
    check_mode();
    free(snapshot);
}

static void test_copies(void **state)
{
    host *h = *state;
    mf_network *clone = NULL;
    uint32_t largest[N];
    float bias[N];

    for (size_t i = 0; i < N; i++)
        largest[i] = LARGEST_BITS | (uint32_t)(i % 2) << 31;
    memcpy(bias, largest, sizeof bias);
    check_ok(mf_network_clone(h->network, MF_CONTENTS_TRAINING, NULL, &clone));
    check_mode();
    check_ok(mf_layer_set_parameter(layer_at(clone, 0), "bias", bias, N));
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        check_status(MF_STATUS_ARGUMENT, mf_network_blend_parameters(clone, h->network, hostile_double(i)));
        check_mode();
    }
    check_ok(mf_network_blend_parameters(h->network, clone, 0.999));
    check_mode();
    check_ok(mf_network_copy_parameters(h->network, clone));
    check_mode();
    mf_network_free(clone);
}

static void test_matrices(void **state)
{
    host *h = *state;
    mf_matrix_spec spec;
    mf_matrix *matrix = NULL;
    float x[N * N];

    check_ok(mf_matrix_spec_init(&spec, sizeof spec));
    spec.rows = spec.columns = N;
    spec.values = x;
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        fill_hostile(x, N * N, hostile[i]);
        check_not_finite(hostile[i], mf_matrix_create(&spec, &matrix));
        mf_matrix_free(matrix);
    }
    check_ok(mf_matrix_from_parameter(h->layer, "weight", NULL, &matrix));
    check_mode();
    check_ok(mf_matrix_values(matrix, x, N * N));
    check_mode();
    mf_matrix_free(matrix);
}

/* ---- ONNX ---- */

/* What a model does with a constant n: by itself, when it is imported, or with the input x. Behind the two
 * operators is a product. */
static const struct {
    const char *type, *inputs, *then, *then_inputs;
} operators[] = {
    {"Div", "n n", "Relu", "x"},
    {"Div", "half n", "Relu", "x"},
    {"Mul", "n n", "Relu", "x"},
    {"Pow", "n n", "Relu", "x"},
    {"Pow", "half n", "Relu", "x"},
    {"Sqrt", "n", "Relu", "x"},
    {"Sub", "x n", "Div", "m n"},
    {"Add", "x n", "Mul", "m n"},
    {"Sub", "x n", "Div", "m half"},
    {"Mul", "x v", "Relu", "m"},
    {"BatchNormalization", "x u u u u", "Relu", "m"},
};

static message onnx_model(size_t number, const float *n)
{
    const int64_t input[] = {0, 2, 2, 2}, maps[] = {2, 1, 1}, one = 1, product[] = {8, 3};
    const float half = 0.5f;
    message graph = begin_graph(4, input);
    float v[2], w[24];

    fill_hostile(w, COUNT_OF(w), 0);
    memcpy(&v[0], &half, sizeof half);
    memcpy(&v[1], n, sizeof *n);
    if (number == COUNT_OF(operators))
        memcpy(&w[7], n, sizeof *n);
    put_floats(&graph, "n", 1, &one, n);
    put_floats(&graph, "half", 1, &one, &half);
    put_floats(&graph, "v", 3, maps, v);
    put_floats(&graph, "u", 1, maps, v);
    put_floats(&graph, "w", 2, product, w);
    if (number < COUNT_OF(operators)) {
        put_node(&graph, operators[number].type, operators[number].inputs, "m", "");
        put_node(&graph, operators[number].then, operators[number].then_inputs, "z", "");
    } else {
        put_node(&graph, "Relu", "x", "z", "");
    }
    put_node(&graph, "Flatten", "z", "flat", "");
    put_node(&graph, "MatMul", "flat w", "y", "");
    return model_of(&graph, 13);
}

/* The models are good but for the constant. */
static void test_onnx_without_hostile_numbers(void **state)
{
    const float two = 2.0f;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(operators) + 1; i++) {
        message model = onnx_model(i, &two);
        mf_onnx_spec spec = spec_of(&model);

        mf_network_free(import_model(&spec));
    }
}

static void test_onnx(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hostile) * (COUNT_OF(operators) + 1); i++) {
        mf_network *network = NULL;
        message model;
        mf_onnx_spec spec;
        char text[4000];
        float n;

        memcpy(&n, &hostile[i % COUNT_OF(hostile)], sizeof n);
        model = onnx_model(i / COUNT_OF(hostile), &n);
        spec = spec_of(&model);
        mf_onnx_plan(&spec, text, sizeof text, NULL);
        check_mode();
        mf_network_import_onnx(&spec, &network);
        check_mode();
        mf_network_free(network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_snapshots, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_copies, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_matrices, set_up_host, tear_down_host),
        cmocka_unit_test(test_onnx_without_hostile_numbers),
        cmocka_unit_test_setup_teardown(test_onnx, set_up_host, tear_down_host),
    };
    const int skipped = skip_without_host();

    return skipped ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
