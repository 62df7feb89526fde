/* A small world for the tests of refusals. SPDX-License-Identifier: MIT */
#include "world.h"

#include "random.h"

int open_world(void **state)
{
    const size_t widths[] = {WORLD_INPUTS, WORLD_MIDDLE, WORLD_OUTPUTS};
    world *w = get_zeroed(1, sizeof *w);
    test_random random = {77};

    w->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    w->network = make_stack(widths, 2, WORLD_CLASSES, 1, w->optimizer);
    w->first = layer_at(w->network, 0);
    w->last = layer_at(w->network, 1);
    w->spare = make_plain_layer(WORLD_INPUTS, WORLD_MIDDLE, WORLD_CLASSES, 3);
    check_ok(mf_layer_set_optimizer(w->spare, w->optimizer));
    w->training = make_network_workspace(w->network, WORLD_ROWS);
    w->inference = make_workspace(w->network, NULL, MF_WORKSPACE_INFERENCE, WORLD_ROWS);
    w->of_spare = make_layer_workspace(w->spare, WORLD_ROWS);
    random_values(&random, w->x, COUNT_OF(w->x), 1.0);
    random_labels(&random, w->y, WORLD_ROWS, WORLD_CLASSES);
    for (int i = 0; i < 3; i++) {
        check_ok(mf_network_step(w->network, w->training, WORLD_ROWS, w->x, w->y));
        check_ok(mf_layer_step(w->spare, w->of_spare, WORLD_ROWS, w->x, w->y, NULL));
    }
    remember_world(w);
    *state = w;
    return 0;
}

int close_world(void **state)
{
    world *w = *state;

    drop_picture(&w->network_before);
    drop_picture(&w->spare_before);
    mf_workspace_free(w->training);
    mf_workspace_free(w->inference);
    mf_workspace_free(w->of_spare);
    mf_layer_free(w->spare);
    mf_network_free(w->network);
    mf_optimizer_free(w->optimizer);
    free(w);
    return 0;
}

void remember_world(world *w)
{
    drop_picture(&w->network_before);
    drop_picture(&w->spare_before);
    w->network_before = network_picture(w->network);
    w->spare_before = layer_picture(w->spare);
}

void world_unchanged_at(world *w, const char *file, int line)
{
    check_network_unchanged_at(&w->network_before, w->network, file, line);
    check_layer_unchanged_at(&w->spare_before, w->spare, file, line);
}
