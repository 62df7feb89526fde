/* A small fixture for the tests of refusals. SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "random.h"

int fixture_setup(void **state)
{
    const size_t widths[] = {FIXTURE_INPUTS, FIXTURE_MIDDLE, FIXTURE_OUTPUTS};
    fixture *w = get_zeroed(1, sizeof *w);
    test_random random = {77};

    w->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    w->network = make_stack(widths, 2, FIXTURE_CLASSES, 1, w->optimizer);
    w->first = layer_at(w->network, 0);
    w->last = layer_at(w->network, 1);
    w->spare = make_plain_layer(FIXTURE_INPUTS, FIXTURE_MIDDLE, FIXTURE_CLASSES, 3);
    check_ok(mf_layer_set_optimizer(w->spare, w->optimizer));
    w->training = make_network_workspace(w->network, FIXTURE_ROWS);
    w->inference = make_workspace(w->network, NULL, MF_WORKSPACE_INFERENCE, FIXTURE_ROWS);
    w->of_spare = make_layer_workspace(w->spare, FIXTURE_ROWS);
    random_values(&random, w->x, COUNT_OF(w->x), 1.0);
    random_labels(&random, w->y, FIXTURE_ROWS, FIXTURE_CLASSES);
    for (int i = 0; i < 3; i++) {
        check_ok(mf_network_step(w->network, w->training, FIXTURE_ROWS, w->x, w->y));
        check_ok(mf_layer_step(w->spare, w->of_spare, FIXTURE_ROWS, w->x, w->y, NULL));
    }
    remember_fixture(w);
    *state = w;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture *w = *state;

    free_saved_values(&w->network_before);
    free_saved_values(&w->spare_before);
    mf_workspace_free(w->training);
    mf_workspace_free(w->inference);
    mf_workspace_free(w->of_spare);
    mf_layer_free(w->spare);
    mf_network_free(w->network);
    mf_optimizer_free(w->optimizer);
    free(w);
    return 0;
}

void remember_fixture(fixture *w)
{
    free_saved_values(&w->network_before);
    free_saved_values(&w->spare_before);
    w->network_before = save_network_values(w->network);
    w->spare_before = save_layer_values(w->spare);
}

void check_fixture_unchanged_at(fixture *w, const char *file, int line)
{
    check_network_unchanged_at(&w->network_before, w->network, file, line);
    check_layer_unchanged_at(&w->spare_before, w->spare, file, line);
}
