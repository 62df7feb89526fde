/* A small fixture for the tests of refusals. SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "random.h"

int fixture_setup(void **state)
{
    const size_t widths[] = {FIXTURE_INPUTS, FIXTURE_MIDDLE, FIXTURE_OUTPUTS};
    fixture *f = get_zeroed(1, sizeof *f);
    test_random random = {77};

    f->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    f->network = make_stack(widths, 2, FIXTURE_CLASSES, 1, f->optimizer);
    f->first = layer_at(f->network, 0);
    f->last = layer_at(f->network, 1);
    f->spare = make_plain_layer(FIXTURE_INPUTS, FIXTURE_MIDDLE, FIXTURE_CLASSES, 3);
    check_ok(mf_layer_set_optimizer(f->spare, f->optimizer));
    f->training = make_network_workspace(f->network, FIXTURE_ROWS);
    f->inference = make_workspace(f->network, NULL, MF_WORKSPACE_INFERENCE, FIXTURE_ROWS);
    f->of_spare = make_layer_workspace(f->spare, FIXTURE_ROWS);
    random_values(&random, f->x, COUNT_OF(f->x), 1.0);
    random_labels(&random, f->y, FIXTURE_ROWS, FIXTURE_CLASSES);
    for (int i = 0; i < 3; i++) {
        check_ok(mf_network_step(f->network, f->training, FIXTURE_ROWS, f->x, f->y));
        check_ok(mf_layer_step(f->spare, f->of_spare, FIXTURE_ROWS, f->x, f->y, NULL));
    }
    remember_fixture(f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture *f = *state;

    free_saved_values(&f->network_before);
    free_saved_values(&f->spare_before);
    mf_workspace_free(f->training);
    mf_workspace_free(f->inference);
    mf_workspace_free(f->of_spare);
    mf_layer_free(f->spare);
    mf_network_free(f->network);
    mf_optimizer_free(f->optimizer);
    free(f);
    return 0;
}

void remember_fixture(fixture *f)
{
    free_saved_values(&f->network_before);
    free_saved_values(&f->spare_before);
    f->network_before = save_network_values(f->network);
    f->spare_before = save_layer_values(f->spare);
}

void check_fixture_unchanged_at(fixture *f, const char *file, int line)
{
    check_network_unchanged_at(&f->network_before, f->network, file, line);
    check_layer_unchanged_at(&f->spare_before, f->spare, file, line);
}
