/* Imports a model and compares what it answers with what another implementation has answered:
 *
 *     onnx_imported MODEL INPUTS ANSWERS [CUT...]
 *
 * INPUTS and ANSWERS hold 8 rows of float32. Prints the plan and the largest difference, which must be at
 * most 1e-4 of the largest answer, or of 1. With cuts, the network then learns for some steps, first with all
 * but heads frozen, then with all. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "build.h"

enum { ROWS = 8 };

static float *read_floats(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    long bytes = 0;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) <= 0)
        fail_msg("cannot read %s", path);
    rewind(file);
    float *values = get_memory((size_t)bytes);
    *count = fread(values, 1, (size_t)bytes, file) / sizeof(float);
    fclose(file);
    return values;
}

static mf_network *import(const char *path, const char **cuts, size_t cut_count, size_t frozen)
{
    mf_onnx_spec spec;
    mf_network *network = NULL;

    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.path = path;
    spec.cuts = cuts;
    spec.cut_count = cut_count;
    spec.frozen = frozen;
    spec.seed = 1;
    if (cut_count == 0) {
        char text[20000];

        check_ok(mf_onnx_plan(&spec, text, sizeof text, NULL));
        fputs(text, stdout);
    }
    check_ok(mf_network_import_onnx(&spec, &network));
    return network;
}

static double difference(mf_network *network, const float *x, const float *y, size_t classes)
{
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    float *answers = get_memory(ROWS * classes * sizeof *answers);
    double largest = 0.0, scale = 1.0;

    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_LAST, ROWS, x, answers));
    for (size_t i = 0; i < ROWS * classes; i++) {
        if (!isfinite(answers[i]) || !isfinite(y[i])) /* fmax() passes over a NaN */
            fail_msg("answer %zu is %g, expected %g", i, (double)answers[i], (double)y[i]);
        largest = fmax(largest, fabs((double)answers[i] - (double)y[i]));
        scale = fmax(scale, fabs((double)y[i]));
    }
    free(answers);
    mf_workspace_free(workspace);
    return largest / scale;
}

/* The loss of the last layer before and after some steps. */
static void learn(mf_network *network, const float *x, size_t layers, size_t classes, double losses[2])
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.001);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    mf_report report = {.struct_size = sizeof report};
    int32_t labels[ROWS];

    for (int i = 0; i < ROWS; i++)
        labels[i] = (int32_t)((size_t)(i * 3) % classes);
    check_ok(mf_network_set_optimizer(network, optimizer));
    for (int step = 0; step < 10; step++) {
        check_ok(mf_network_step(network, workspace, ROWS, x, labels));
        check_ok(mf_workspace_report(workspace, layers - 1, &report));
        losses[step > 0] = report.loss;
    }
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
}

int main(int count, char **arguments)
{
    size_t inputs, answers, cut_count = count > 4 ? (size_t)count - 4 : 0, layers = 0;
    float *x, *y;
    double far, losses[2] = {0};
    mf_network *network;

    if (count < 4)
        return 2;
    x = read_floats(arguments[2], &inputs);
    y = read_floats(arguments[3], &answers);
    network = import(arguments[1], (const char **)(arguments + 4), cut_count, 0);
    check_ok(mf_network_size(network, &layers));
    far = difference(network, x, y, answers / ROWS);
    for (int frozen = 1; frozen >= 0 && cut_count > 0; frozen--) {
        mf_network_free(network);
        network = import(arguments[1], (const char **)(arguments + 4), cut_count, frozen ? SIZE_MAX : 0);
        learn(network, x, layers, answers / ROWS, losses);
        printf("%s: loss %.4f, behind 10 steps %.4f\n", frozen ? "frozen" : "learning", losses[0], losses[1]);
        if (!(losses[1] < losses[0]))
            fail_msg("it does not learn");
    }
    printf("result onnx=import layers=%zu difference=%.2e\n", layers, far);
    mf_network_free(network);
    free(x);
    free(y);
    return far <= 1e-4 ? 0 : 1;
}
