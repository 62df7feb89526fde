/* How the work of saving, loading, copying and exporting grows with the layers, each with an optimizer of its own:
 * counted in stretches of code without a branch of those files of lib/io and lib/model, which are compiled with a
 * hook in front of each; not in seconds, which depend on what else the machine does.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "models.h"
#include "stretches.h"

/* Where names are sorted, work grows somewhat faster than the layers: MOST is for TIMES as many. */
enum { FEW = 200, TIMES = 8, MOST = 12 };

/* ---- what is counted ---- */

enum { SAVE, LOAD, SNAPSHOT, GO_BACK, CLONE, COPY, EXPORT, JOBS };

static const char *const jobs[JOBS] = {"save",  "load", "take a snapshot", "go back to it",
                                       "clone", "copy", "export"};

static mf_network *make_layers(size_t count)
{
    mf_network *network = make_network();

    for (size_t i = 0; i < count; i++) {
        mf_layer *layer = make_plain_layer(1, 1, 2, i + 1);
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.5);

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_ok(mf_network_append(network, layer, NULL));
        mf_optimizer_free(optimizer);
        mf_layer_free(layer);
    }
    return network;
}

static size_t stretches_since(size_t *from)
{
    size_t count = stretches - *from;

    *from = stretches;
    return count;
}

/* The stretches of each job for a network of so many layers. */
static void count_jobs(size_t layers, size_t counted[JOBS])
{
    mf_network *network = make_layers(layers), *copy;
    size_t bytes = 0, from = stretches;
    void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes), *snapshot, *model;

    counted[SAVE] = stretches_since(&from);
    mf_network_free(model_load(MF_CONTENTS_TRAINING, file, bytes));
    counted[LOAD] = stretches_since(&from);
    check_ok(mf_network_snapshot_size(network, &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(network, snapshot, bytes));
    counted[SNAPSHOT] = stretches_since(&from);
    check_ok(mf_network_snapshot_load(network, snapshot, bytes));
    counted[GO_BACK] = stretches_since(&from);
    check_ok(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &copy));
    counted[CLONE] = stretches_since(&from);
    check_ok(mf_network_copy_parameters(copy, network));
    counted[COPY] = stretches_since(&from);
    check_ok(mf_network_export_onnx_size(network, &bytes));
    model = get_memory(bytes);
    check_ok(mf_network_export_onnx_buffer(network, model, bytes, &bytes));
    counted[EXPORT] = stretches_since(&from);
    free(model);
    mf_network_free(copy);
    free(file);
    free(snapshot);
    mf_network_free(network);
}

/* Work that grew with the square of the layers would be TIMES times TIMES as much. */
static void test_work_grows_with_the_layers(void **state)
{
    size_t few[JOBS], many[JOBS];

    (void)state;
    count_jobs(FEW, few);
    count_jobs(TIMES * FEW, many);
    for (int job = 0; job < JOBS; job++) {
        print_message("to %s: %zu stretches for %d layers, %.2f times as many for %d times the layers\n",
                      jobs[job], few[job], FEW, (double)many[job] / (double)few[job], TIMES);
        assert_true(few[job] > FEW);
        assert_true(many[job] <= MOST * few[job]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_grows_with_the_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
