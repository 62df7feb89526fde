/* Workspaces that do not fit: outgrown, of something else, for inference only; their specs.
 * SPDX-License-Identifier: MIT */
#include "memory.h"
#include "fixture.h"

/* Every use of a network's workspace must be refused as STALE. */
static void stale_everywhere(fixture *w, mf_workspace *workspace)
{
    mf_batch batch = make_batch(FIXTURE_ROWS, w->x, w->y);

    refused(w, MF_STATUS_STALE, mf_network_step(w->network, workspace, FIXTURE_ROWS, w->x, w->y));
    refused(w, MF_STATUS_STALE, mf_network_step_batch(w->network, workspace, &batch));
    refused(w, MF_STATUS_STALE, mf_network_step_layer(w->network, workspace, 0, FIXTURE_ROWS, w->x, w->y));
    refused(w, MF_STATUS_STALE, mf_network_step_layer_batch(w->network, workspace, 0, &batch));
    refused(w, MF_STATUS_STALE, mf_network_evaluate(w->network, workspace, FIXTURE_ROWS, w->x, w->y));
    refused(w, MF_STATUS_STALE, mf_network_evaluate_batch(w->network, workspace, &batch));
    refused(w, MF_STATUS_STALE, mf_network_predict(w->network, workspace, 0, FIXTURE_ROWS, w->x, w->labels));
    refused(w, MF_STATUS_STALE, mf_network_goodness(w->network, workspace, 1, FIXTURE_ROWS, w->x, w->scores));
    refused(w, MF_STATUS_STALE,
            mf_network_probabilities(w->network, workspace, 0, FIXTURE_ROWS, w->x, w->scores));
    refused(w, MF_STATUS_STALE, mf_network_infer(w->network, workspace, 0, &batch, w->labels, NULL, NULL));
}

static void stale_now(fixture *w)
{
    remember_fixture(w);
    stale_everywhere(w, w->training);
    stale_everywhere(w, w->inference);
    mf_workspace_free(w->training);
    mf_workspace_free(w->inference);
    w->training = make_network_workspace(w->network, FIXTURE_ROWS);
    w->inference = make_workspace(w->network, NULL, MF_WORKSPACE_INFERENCE, FIXTURE_ROWS);
    check_ok(mf_network_predict(w->network, w->inference, 0, FIXTURE_ROWS, w->x, w->labels));
}

static void test_every_change_of_layers_makes_workspaces_stale(void **state)
{
    fixture *w = *state;
    mf_layer *third = make_plain_layer(FIXTURE_OUTPUTS, 7, FIXTURE_CLASSES, 9);
    mf_layer *twin = make_plain_layer(FIXTURE_INPUTS, FIXTURE_INPUTS, FIXTURE_CLASSES, 10);
    uint64_t ids[2], last;

    check_ok(mf_network_layer(w->network, 0, NULL, &ids[0]));
    check_ok(mf_network_append(w->network, third, &last));
    stale_now(w);
    check_ok(mf_network_insert(w->network, 0, twin, &ids[1]));
    stale_now(w);
    check_ok(mf_network_remove(w->network, ids[1]));
    stale_now(w);
    check_ok(mf_network_replace(w->network, ids[0], w->spare)); /* same sizes, another layer */
    stale_now(w);
    check_ok(mf_network_remove(w->network, last));
    stale_now(w);
    check_ok(mf_network_set_classes(w->network, FIXTURE_CLASSES + 1));
    mf_layer_free(third);
    mf_layer_free(twin);
    for (size_t i = 0; i < FIXTURE_ROWS; i++)
        w->y[i] = FIXTURE_CLASSES;
    stale_now(w);
    /* Also when the network looks as it did before. */
    check_ok(mf_network_set_classes(w->network, FIXTURE_CLASSES + 2));
    check_ok(mf_network_set_classes(w->network, FIXTURE_CLASSES + 1));
    stale_now(w);
}

/* Another optimizer or other parameters change nothing about the sizes. */
static void test_other_changes_keep_workspaces_valid(void **state)
{
    fixture *w = *state;
    mf_optimizer *other = make_optimizer(MF_OPTIMIZER_RMSPROP, 0.01);
    float bias[FIXTURE_MIDDLE] = {0};

    check_ok(mf_network_set_optimizer(w->network, other));
    check_ok(mf_layer_set_parameter(w->first, "bias", bias, FIXTURE_MIDDLE));
    check_ok(mf_layer_set(w->first, MF_LAYER_DROPOUT, 0.5));
    check_ok(mf_layer_set_trainable(w->first, "weight", 0));
    check_ok(mf_network_step(w->network, w->training, FIXTURE_ROWS, w->x, w->y));
    mf_optimizer_free(other);
}

static void test_new_classes_make_a_layers_workspace_stale(void **state)
{
    fixture *w = *state;

    check_ok(mf_layer_set_classes(w->spare, FIXTURE_CLASSES + 3));
    remember_fixture(w);
    refused(w, MF_STATUS_STALE, mf_layer_step(w->spare, w->of_spare, 2, w->x, w->y, NULL));
    refused(w, MF_STATUS_STALE, mf_layer_goodness(w->spare, w->of_spare, 2, w->a, w->scores));
    mf_workspace_free(w->of_spare);
    w->of_spare = make_layer_workspace(w->spare, FIXTURE_ROWS);
    check_ok(mf_layer_step(w->spare, w->of_spare, 2, w->x, w->y, NULL));
}

/* A network that still holds a layer whose own classes have changed. */
static void test_new_classes_of_a_layer_make_the_networks_workspace_stale(void **state)
{
    fixture *w = *state;

    check_ok(mf_layer_set_classes(w->last, FIXTURE_CLASSES + 1));
    remember_fixture(w);
    stale_everywhere(w, w->training);
    stale_everywhere(w, w->inference);
}

static void test_a_workspace_of_another_handle_is_refused(void **state)
{
    fixture *w = *state;
    const size_t widths[] = {FIXTURE_INPUTS, FIXTURE_MIDDLE, FIXTURE_OUTPUTS};
    mf_network *twin = make_stack(widths, 2, FIXTURE_CLASSES, 1, w->optimizer);
    mf_workspace *of_twin = make_network_workspace(twin, FIXTURE_ROWS);
    mf_workspace *of_first = make_layer_workspace(w->first, FIXTURE_ROWS);
    mf_batch batch = make_batch(FIXTURE_ROWS, w->x, w->y);

    stale_everywhere(w, of_twin);
    stale_everywhere(w, of_first);
    stale_everywhere(w, w->of_spare);
    refused(w, MF_STATUS_STALE, mf_layer_step(w->spare, of_first, 8, w->x, w->y, NULL));
    refused(w, MF_STATUS_STALE, mf_layer_step(w->spare, w->training, 8, w->x, w->y, NULL));
    refused(w, MF_STATUS_STALE, mf_layer_step_batch(w->spare, w->training, &batch, NULL));
    refused(w, MF_STATUS_STALE, mf_layer_forward(w->spare, w->training, 8, w->x, w->a));
    refused(w, MF_STATUS_STALE, mf_layer_forward_batch(w->spare, of_first, &batch, w->a));
    refused(w, MF_STATUS_STALE, mf_layer_goodness(w->spare, w->inference, 8, w->a, w->scores));
    refused(w, MF_STATUS_STALE, mf_layer_step(w->first, of_twin, 8, w->x, w->y, NULL));
    /* The network's workspace serves the layers it holds. */
    check_ok(mf_layer_step(w->first, w->training, 8, w->x, w->y, w->a));
    check_ok(mf_layer_forward(w->first, w->inference, 8, w->x, w->a));
    mf_workspace_free(of_twin);
    mf_workspace_free(of_first);
    mf_network_free(twin);
}

/* A layer that has left the network is no business of its workspace any more. */
static void test_a_removed_layer_is_refused(void **state)
{
    fixture *w = *state;
    mf_layer *last = w->last;
    uint64_t id;
    mf_network *other = make_network();
    float a[FIXTURE_ROWS * FIXTURE_OUTPUTS];
    saved_values before;

    check_ok(mf_network_append(other, last, NULL)); /* keeps it alive */
    check_ok(mf_network_layer(w->network, 1, NULL, &id));
    check_ok(mf_network_remove(w->network, id));
    before = save_layer_values(last);
    check_status(MF_STATUS_STALE, mf_layer_step(last, w->training, 8, w->a, w->y, NULL));
    check_status(MF_STATUS_STALE, mf_layer_forward(last, w->inference, 8, w->a, a));
    check_layer_unchanged(&before, last);
    free_saved_values(&before);
    mf_network_free(other);
}

static void test_inference_workspace_does_not_train(void **state)
{
    fixture *w = *state;
    mf_workspace *single = make_workspace(NULL, w->spare, MF_WORKSPACE_INFERENCE, FIXTURE_ROWS);
    mf_batch batch = make_batch(FIXTURE_ROWS, w->x, w->y);

    refused(w, MF_STATUS_STATE, mf_network_step(w->network, w->inference, 8, w->x, w->y));
    refused(w, MF_STATUS_STATE, mf_network_step_batch(w->network, w->inference, &batch));
    refused(w, MF_STATUS_STATE, mf_network_step_layer(w->network, w->inference, 1, 8, w->x, w->y));
    refused(w, MF_STATUS_STATE, mf_network_step_layer_batch(w->network, w->inference, 1, &batch));
    refused(w, MF_STATUS_STATE, mf_layer_step(w->first, w->inference, 8, w->x, w->y, w->a));
    refused(w, MF_STATUS_STATE, mf_layer_step(w->spare, single, 8, w->x, w->y, w->a));
    check_ok(mf_layer_forward(w->spare, single, 8, w->x, w->a));
    check_ok(mf_network_evaluate(w->network, w->inference, 8, w->x, w->y));
    mf_workspace_free(single);
}

static void test_training_needs_an_optimizer(void **state)
{
    fixture *w = *state;

    check_ok(mf_layer_set_optimizer(w->spare, NULL));
    refused(w, MF_STATUS_STATE, mf_layer_step(w->spare, w->of_spare, 8, w->x, w->y, NULL));
    check_ok(mf_layer_forward(w->spare, w->of_spare, 8, w->x, w->a));
    check_ok(mf_layer_set_optimizer(w->spare, w->optimizer));
    check_ok(mf_layer_step(w->spare, w->of_spare, 8, w->x, w->y, NULL));
}

/* The library answers for an empty network before it asks for a workspace that nobody can have made. */
static void test_an_empty_network_is_refused(void **state)
{
    fixture *w = *state;
    mf_network *empty = make_network();
    mf_workspace *workspace = (mf_workspace *)1;
    mf_workspace_spec spec;
    uint64_t ids[2];

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = empty;
    spec.max_batch = 4;
    check_status(MF_STATUS_STATE, mf_workspace_create(&spec, &workspace));
    assert_null(workspace);
    check_ok(mf_network_set_optimizer(empty, w->optimizer));
    mf_network_free(empty);
    for (size_t i = 0; i < 2; i++)
        check_ok(mf_network_layer(w->network, i, NULL, &ids[i]));
    check_ok(mf_network_remove(w->network, ids[1]));
    check_ok(mf_network_remove(w->network, ids[0]));
    check_status(MF_STATUS_STATE, mf_network_step(w->network, w->training, 8, w->x, w->y));
    check_status(MF_STATUS_STATE, mf_network_evaluate(w->network, w->training, 8, w->x, w->y));
    check_status(MF_STATUS_STATE, mf_network_predict(w->network, w->training, 0, 8, w->x, w->labels));
    check_status(MF_STATUS_STATE, mf_network_goodness(w->network, w->training, 0, 8, w->x, w->scores));
    check_status(MF_STATUS_STATE, mf_network_probabilities(w->network, w->training, 0, 8, w->x, w->scores));
    w->first = w->last = NULL;
}

static void test_wrong_workspace_specs_are_refused(void **state)
{
    fixture *w = *state;
    mf_workspace_spec spec;
    mf_workspace *workspace = (mf_workspace *)1;

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    assert_int_equal(spec.purpose, MF_WORKSPACE_TRAINING);
    spec.max_batch = 4;
    refused(w, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace)); /* neither */
    assert_null(workspace);
    spec.network = w->network;
    spec.layer = w->spare;
    refused(w, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace)); /* both */
    spec.layer = NULL;
    spec.max_batch = 0;
    refused(w, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace));
    spec.max_batch = 4;
    spec.purpose = 2;
    refused(w, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace));
    spec.purpose = -1;
    refused(w, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace));
    spec.purpose = MF_WORKSPACE_INFERENCE;
    check_ok(mf_workspace_create(&spec, &workspace));
    mf_workspace_free(workspace);
}

/* "Inference only; smaller": by the bytes that the allocator is asked for. */
static void test_an_inference_workspace_is_smaller(void **state)
{
    fixture *w = *state;
    size_t bytes[2];

    for (int32_t purpose = MF_WORKSPACE_TRAINING; purpose <= MF_WORKSPACE_INFERENCE; purpose++) {
        test_memory memory = {0};
        mf_allocator allocator = memory_allocator(&memory);
        mf_workspace_spec spec;
        mf_workspace *workspace;

        check_ok(mf_workspace_spec_init(&spec, sizeof spec));
        spec.network = w->network;
        spec.purpose = purpose;
        spec.max_batch = 256;
        spec.allocator = &allocator;
        check_ok(mf_workspace_create(&spec, &workspace));
        bytes[purpose] = memory.bytes_out;
        mf_workspace_free(workspace);
        assert_int_equal(memory.bytes_out, 0);
        memory_release(&memory);
    }
    assert_true(bytes[MF_WORKSPACE_INFERENCE] < bytes[MF_WORKSPACE_TRAINING]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_change_of_layers_makes_workspaces_stale, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_other_changes_keep_workspaces_valid, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_new_classes_make_a_layers_workspace_stale, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_new_classes_of_a_layer_make_the_networks_workspace_stale,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_workspace_of_another_handle_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_removed_layer_is_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_inference_workspace_does_not_train, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_training_needs_an_optimizer, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_network_is_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_workspace_specs_are_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_inference_workspace_is_smaller, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
