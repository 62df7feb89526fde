/* A host that has unmasked floating-point exceptions gets statuses, not SIGFPE, whatever it passes, and finds
 * its mode as it was. SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fenv.h>
#include <float.h>
#include <math.h>

#include "models.h"

#if defined(__GLIBC__) && defined(__SSE2__)

enum { UNMASKED = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW, N = 8, ROWS = 4, CLASSES = 3 };

/* The bits of numbers that arithmetic traps at, or that lead to some. */
static const uint32_t hostile[] = {0x7FC00000, 0x7F800001, 0xFFC00000, 0x7F800000, 0xFF800000, 0x7F7FFFFF};

typedef struct host {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_layer *layer;
    mf_workspace *workspace, *of_layer;
    mf_pipeline *pipeline;
} host;

static int set_up(void **state)
{
    const size_t widths[] = {N, N, N};
    mf_pipeline_spec spec;
    host *h = get_zeroed(1, sizeof *h);

    h->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 1e-3);
    h->network = make_stack(widths, 2, CLASSES, 1, h->optimizer);
    h->layer = layer_at(h->network, 0);
    h->workspace = make_network_workspace(h->network, ROWS);
    h->of_layer = make_layer_workspace(h->layer, ROWS);
    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = h->network;
    spec.max_batch = ROWS;
    check_ok(mf_pipeline_create(&spec, &h->pipeline));
    *state = h;
    feenableexcept(UNMASKED);
    return 0;
}

static int tear_down(void **state)
{
    host *h = *state;

    feclearexcept(FE_ALL_EXCEPT);
    fedisableexcept(FE_ALL_EXCEPT);
    mf_pipeline_free(h->pipeline);
    mf_workspace_free(h->workspace);
    mf_workspace_free(h->of_layer);
    mf_network_free(h->network);
    mf_optimizer_free(h->optimizer);
    free(h);
    return 0;
}

static void check_mode(void)
{
    assert_int_equal(fegetexcept(), UNMASKED);
}

/* x is 1, but for one value with these bits. */
static void fill(float *x, size_t count, uint32_t bits)
{
    for (size_t i = 0; i < count; i++)
        x[i] = 1.0f;
    memcpy(x + count / 2, &bits, sizeof bits);
}

/* Values that are not finite are NUMERIC; the largest float may be taken, or overflow later. */
static void check_refused(uint32_t bits, mf_status status)
{
    if (status != MF_STATUS_OK || bits != 0x7F7FFFFF)
        check_status(MF_STATUS_NUMERIC, status);
    check_mode();
}

static void test_data(void **state)
{
    host *h = *state;
    const int32_t y[ROWS] = {0, 1, 2, 0};

    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        float x[ROWS * N], a[ROWS * N], goodness[ROWS * CLASSES];
        int32_t labels[ROWS];
        uint32_t bits = hostile[i];

        fill(x, ROWS * N, bits);
        check_refused(bits, mf_network_predict(h->network, h->workspace, MF_PREDICT_SUM, ROWS, x, labels));
        check_refused(bits, mf_network_goodness(h->network, h->workspace, MF_PREDICT_SUM, ROWS, x, goodness));
        check_refused(bits, mf_network_evaluate(h->network, h->workspace, ROWS, x, y));
        check_refused(bits, mf_layer_forward(h->layer, h->of_layer, ROWS, x, a));
        check_refused(bits, mf_layer_step(h->layer, h->of_layer, ROWS, x, y, NULL));
        check_refused(bits, mf_network_step(h->network, h->workspace, ROWS, x, y));
        check_refused(bits, mf_network_step_layer(h->network, h->workspace, 1, ROWS, x, y));
        if (bits != 0x7F7FFFFF) {
            check_refused(bits, mf_pipeline_submit(h->pipeline, ROWS, x, y));
            fill(x, N, bits);
            check_refused(bits, mf_layer_set_parameter(h->layer, "bias", x, N));
        }
    }
}

static void test_options(void **state)
{
    host *h = *state;

    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        mf_layer_spec spec;
        mf_optimizer_spec optimizer_spec;
        mf_layer *layer = NULL;
        mf_optimizer *optimizer = NULL;
        /* Passed as bits: arithmetic on them would trap here. */
        const uint64_t nan = UINT64_C(0x7FF8000000000000) + i * UINT64_C(0x0000000100000000);
        double value;

        memcpy(&value, &nan, sizeof value);
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(h->optimizer, MF_OPTIMIZER_LEARNING_RATE, value));
        check_mode();
        check_status(MF_STATUS_ARGUMENT, mf_layer_set(h->layer, MF_LAYER_DROPOUT, value));
        check_mode();
        check_ok(mf_layer_spec_init(&spec, sizeof spec));
        spec.inputs = spec.outputs = N;
        spec.classes = CLASSES;
        memcpy(&spec.weight_gain, &hostile[i], sizeof spec.weight_gain);
        check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
        check_mode();
        check_ok(mf_optimizer_spec_init(&optimizer_spec, sizeof optimizer_spec));
        memcpy(&optimizer_spec.beta1, &hostile[i], sizeof optimizer_spec.beta1);
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(&optimizer_spec, &optimizer));
        check_mode();
    }
}

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
        for (int b = 0; b < 4; b++)
            file[bytes - 4 + (size_t)b] = (unsigned char)(hostile[i] >> 8 * b);
        check_status(MF_STATUS_FORMAT, model_refuse(MF_CONTENTS_TRAINING, file, bytes));
        check_mode();
    }
    free(file);
    free(header);
    free(changed);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    printf("skip: no feenableexcept(), or a processor without SSE\n");
    return 77;
}

#endif
