/* How the work of saving and loading grows with the layers, each with an optimizer of its own: counted in
 * calls of functions of lib/io, which are compiled with a hook at the beginning of each; not in seconds,
 * which depend on what else the machine does. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "models.h"

enum { FEW = 500, TIMES = 8 };

static size_t calls;

void __cyg_profile_func_enter(void *function, void *from);
void __cyg_profile_func_exit(void *function, void *from);

void __cyg_profile_func_enter(void *function, void *from)
{
    (void)function, (void)from;
    calls++;
}

void __cyg_profile_func_exit(void *function, void *from)
{
    (void)function, (void)from;
}

/* ---- what is counted ---- */

enum { SAVE, LOAD, SNAPSHOT, GO_BACK, JOBS };

static const char *const jobs[JOBS] = {"save", "load", "take a snapshot", "go back to it"};

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

static size_t calls_since(size_t *from)
{
    size_t count = calls - *from;

    *from = calls;
    return count;
}

/* The calls of each job for a network of so many layers. */
static void count_jobs(size_t layers, size_t counted[JOBS])
{
    mf_network *network = make_layers(layers);
    size_t bytes = 0, from = calls;
    void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes), *snapshot;

    counted[SAVE] = calls_since(&from);
    mf_network_free(model_load(MF_CONTENTS_TRAINING, file, bytes));
    counted[LOAD] = calls_since(&from);
    check_ok(mf_network_snapshot_size(network, &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(network, snapshot, bytes));
    counted[SNAPSHOT] = calls_since(&from);
    check_ok(mf_network_snapshot_load(network, snapshot, bytes));
    counted[GO_BACK] = calls_since(&from);
    free(file);
    free(snapshot);
    mf_network_free(network);
}

/* Work that grew with the square of the layers would be up to TIMES times more than is allowed. */
static void test_work_grows_with_the_layers(void **state)
{
    size_t few[JOBS], many[JOBS];

    (void)state;
    count_jobs(FEW, few);
    count_jobs(TIMES * FEW, many);
    for (int job = 0; job < JOBS; job++) {
        print_message("to %s: %zu calls for %d layers, %.2f times as many for %d times the layers\n",
                      jobs[job], few[job], FEW, (double)many[job] / (double)few[job], TIMES);
        assert_true(few[job] > FEW);
        assert_true(many[job] <= (TIMES + 1) * few[job]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_grows_with_the_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
