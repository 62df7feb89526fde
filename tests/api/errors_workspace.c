/* Workspaces that do not fit: outgrown, of something else, for inference only; their specs.
 * SPDX-License-Identifier: MIT */
#include "memory.h"
#include "fixture.h"

/* Every use of a network's workspace must be refused as STALE. */
static void stale_everywhere(fixture *f, mf_workspace *workspace)
{
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);

    refused(f, MF_STATUS_STALE, mf_network_step(f->network, workspace, FIXTURE_ROWS, f->x, f->y));
    refused(f, MF_STATUS_STALE, mf_network_step_batch(f->network, workspace, &batch));
    refused(f, MF_STATUS_STALE, mf_network_step_layer(f->network, workspace, 0, FIXTURE_ROWS, f->x, f->y));
    refused(f, MF_STATUS_STALE, mf_network_step_layer_batch(f->network, workspace, 0, &batch));
    refused(f, MF_STATUS_STALE, mf_network_evaluate(f->network, workspace, FIXTURE_ROWS, f->x, f->y));
    refused(f, MF_STATUS_STALE, mf_network_evaluate_batch(f->network, workspace, &batch));
    refused(f, MF_STATUS_STALE, mf_network_predict(f->network, workspace, 0, FIXTURE_ROWS, f->x, f->labels));
    refused(f, MF_STATUS_STALE, mf_network_goodness(f->network, workspace, 1, FIXTURE_ROWS, f->x, f->scores));
    refused(f, MF_STATUS_STALE,
            mf_network_probabilities(f->network, workspace, 0, FIXTURE_ROWS, f->x, f->scores));
    refused(f, MF_STATUS_STALE, mf_network_infer(f->network, workspace, 0, &batch, f->labels, NULL, NULL));
}

static void stale_now(fixture *f)
{
    remember_fixture(f);
    stale_everywhere(f, f->training);
    stale_everywhere(f, f->inference);
    mf_workspace_free(f->training);
    mf_workspace_free(f->inference);
    f->training = make_network_workspace(f->network, FIXTURE_ROWS);
    f->inference = make_workspace(f->network, NULL, MF_WORKSPACE_INFERENCE, FIXTURE_ROWS);
    check_ok(mf_network_predict(f->network, f->inference, 0, FIXTURE_ROWS, f->x, f->labels));
}

static void test_every_change_of_layers_makes_workspaces_stale(void **state)
{
    fixture *f = *state;
    mf_layer *third = make_plain_layer(FIXTURE_OUTPUTS, 7, FIXTURE_CLASSES, 9);
    mf_layer *twin = make_plain_layer(FIXTURE_INPUTS, FIXTURE_INPUTS, FIXTURE_CLASSES, 10);
    uint64_t ids[2], last;

    check_ok(mf_network_layer(f->network, 0, NULL, &ids[0]));
    check_ok(mf_network_append(f->network, third, &last));
    stale_now(f);
    check_ok(mf_network_insert(f->network, 0, twin, &ids[1]));
    stale_now(f);
    check_ok(mf_network_remove(f->network, ids[1]));
    stale_now(f);
    check_ok(mf_network_replace(f->network, ids[0], f->spare)); /* same sizes, another layer */
    stale_now(f);
    check_ok(mf_network_remove(f->network, last));
    stale_now(f);
    check_ok(mf_network_set_classes(f->network, FIXTURE_CLASSES + 1));
    mf_layer_free(third);
    mf_layer_free(twin);
    for (size_t i = 0; i < FIXTURE_ROWS; i++)
        f->y[i] = FIXTURE_CLASSES;
    stale_now(f);
    /* Also when the network looks as it did before. */
    check_ok(mf_network_set_classes(f->network, FIXTURE_CLASSES + 2));
    check_ok(mf_network_set_classes(f->network, FIXTURE_CLASSES + 1));
    stale_now(f);
}

/* Another optimizer or other parameters change nothing about the sizes. */
static void test_other_changes_keep_workspaces_valid(void **state)
{
    fixture *f = *state;
    mf_optimizer *other = make_optimizer(MF_OPTIMIZER_RMSPROP, 0.01);
    float bias[FIXTURE_MIDDLE] = {0};

    check_ok(mf_network_set_optimizer(f->network, other));
    check_ok(mf_layer_set_parameter(f->first, "bias", bias, FIXTURE_MIDDLE));
    check_ok(mf_layer_set(f->first, MF_LAYER_DROPOUT, 0.5));
    check_ok(mf_layer_set_trainable(f->first, "weight", 0));
    check_ok(mf_network_step(f->network, f->training, FIXTURE_ROWS, f->x, f->y));
    mf_optimizer_free(other);
}

static void test_new_classes_make_a_layers_workspace_stale(void **state)
{
    fixture *f = *state;

    check_ok(mf_layer_set_classes(f->spare, FIXTURE_CLASSES + 3));
    remember_fixture(f);
    refused(f, MF_STATUS_STALE, mf_layer_step(f->spare, f->of_spare, 2, f->x, f->y, NULL));
    refused(f, MF_STATUS_STALE, mf_layer_goodness(f->spare, f->of_spare, 2, f->a, f->scores));
    mf_workspace_free(f->of_spare);
    f->of_spare = make_layer_workspace(f->spare, FIXTURE_ROWS);
    check_ok(mf_layer_step(f->spare, f->of_spare, 2, f->x, f->y, NULL));
}

/* A network that still holds a layer whose own classes have changed. */
static void test_new_classes_of_a_layer_make_the_networks_workspace_stale(void **state)
{
    fixture *f = *state;

    check_ok(mf_layer_set_classes(f->last, FIXTURE_CLASSES + 1));
    remember_fixture(f);
    stale_everywhere(f, f->training);
    stale_everywhere(f, f->inference);
}

static void test_a_workspace_of_another_handle_is_refused(void **state)
{
    fixture *f = *state;
    const size_t widths[] = {FIXTURE_INPUTS, FIXTURE_MIDDLE, FIXTURE_OUTPUTS};
    mf_network *twin = make_stack(widths, 2, FIXTURE_CLASSES, 1, f->optimizer);
    mf_workspace *of_twin = make_network_workspace(twin, FIXTURE_ROWS);
    mf_workspace *of_first = make_layer_workspace(f->first, FIXTURE_ROWS);
    mf_workspace *const others[] = {of_twin, of_first, f->training};
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);
    float *gradients = get_memory(f->spare_before.count * sizeof *gradients);

    stale_everywhere(f, of_twin);
    stale_everywhere(f, of_first);
    stale_everywhere(f, f->of_spare);
    refused(f, MF_STATUS_STALE, mf_layer_step(f->spare, of_first, 8, f->x, f->y, NULL));
    refused(f, MF_STATUS_STALE, mf_layer_step(f->spare, f->training, 8, f->x, f->y, NULL));
    refused(f, MF_STATUS_STALE, mf_layer_step_batch(f->spare, f->training, &batch, NULL));
    refused(f, MF_STATUS_STALE, mf_layer_forward(f->spare, f->training, 8, f->x, f->a));
    refused(f, MF_STATUS_STALE, mf_layer_forward_batch(f->spare, of_first, &batch, f->a));
    refused(f, MF_STATUS_STALE, mf_layer_pass_batch(f->spare, of_first, &batch, f->a));
    refused(f, MF_STATUS_STALE, mf_layer_goodness(f->spare, f->inference, 8, f->a, f->scores));
    refused(f, MF_STATUS_STALE, mf_layer_step(f->first, of_twin, 8, f->x, f->y, NULL));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        refused(f, MF_STATUS_STALE,
                mf_layer_gradients(f->spare, others[i], &batch, NULL, gradients, f->spare_before.count));
    /* The network's workspace serves the layers it holds. */
    check_ok(mf_layer_step(f->first, f->training, 8, f->x, f->y, f->a));
    check_ok(mf_layer_forward(f->first, f->inference, 8, f->x, f->a));
    free(gradients);
    mf_workspace_free(of_twin);
    mf_workspace_free(of_first);
    mf_network_free(twin);
}

/* A workspace does not accept a layer that was removed from its network. */
static void test_a_removed_layer_is_refused(void **state)
{
    fixture *f = *state;
    mf_layer *last = f->last;
    uint64_t id;
    mf_network *other = make_network();
    float a[FIXTURE_ROWS * FIXTURE_OUTPUTS];
    saved_values before;

    check_ok(mf_network_append(other, last, NULL)); /* keeps it alive */
    check_ok(mf_network_layer(f->network, 1, NULL, &id));
    check_ok(mf_network_remove(f->network, id));
    before = save_layer_values(last);
    check_status(MF_STATUS_STALE, mf_layer_step(last, f->training, 8, f->a, f->y, NULL));
    check_status(MF_STATUS_STALE, mf_layer_forward(last, f->inference, 8, f->a, a));
    check_layer_unchanged(&before, last);
    free_saved_values(&before);
    mf_network_free(other);
}

static void test_inference_workspace_does_not_train(void **state)
{
    fixture *f = *state;
    mf_workspace *single = make_workspace(NULL, f->spare, MF_WORKSPACE_INFERENCE, FIXTURE_ROWS);
    mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);
    size_t count = f->spare_before.count;
    float *gradients = get_memory(count * sizeof *gradients);

    refused(f, MF_STATUS_STATE, mf_network_step(f->network, f->inference, 8, f->x, f->y));
    refused(f, MF_STATUS_STATE, mf_network_step_batch(f->network, f->inference, &batch));
    refused(f, MF_STATUS_STATE, mf_network_step_layer(f->network, f->inference, 1, 8, f->x, f->y));
    refused(f, MF_STATUS_STATE, mf_network_step_layer_batch(f->network, f->inference, 1, &batch));
    refused(f, MF_STATUS_STATE, mf_layer_step(f->first, f->inference, 8, f->x, f->y, f->a));
    refused(f, MF_STATUS_STATE, mf_layer_step(f->spare, single, 8, f->x, f->y, f->a));
    refused(f, MF_STATUS_STATE, mf_layer_gradients(f->spare, single, &batch, f->a, gradients, count));
    refused(f, MF_STATUS_STATE, mf_layer_gradients(f->first, f->inference, &batch, f->a, gradients, count));
    check_ok(mf_layer_forward(f->spare, single, 8, f->x, f->a));
    check_ok(mf_network_evaluate(f->network, f->inference, 8, f->x, f->y));
    free(gradients);
    mf_workspace_free(single);
}

static void test_training_needs_an_optimizer(void **state)
{
    fixture *f = *state;

    check_ok(mf_layer_set_optimizer(f->spare, NULL));
    refused(f, MF_STATUS_STATE, mf_layer_step(f->spare, f->of_spare, 8, f->x, f->y, NULL));
    check_ok(mf_layer_forward(f->spare, f->of_spare, 8, f->x, f->a));
    check_ok(mf_layer_set_optimizer(f->spare, f->optimizer));
    check_ok(mf_layer_step(f->spare, f->of_spare, 8, f->x, f->y, NULL));
}

/* The library answers for an empty network before it asks for a workspace that nobody can have made. */
static void test_an_empty_network_is_refused(void **state)
{
    fixture *f = *state;
    mf_network *empty = make_network();
    mf_workspace *workspace = (mf_workspace *)1;
    mf_workspace_spec spec;
    uint64_t ids[2];

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = empty;
    spec.max_batch = 4;
    check_status(MF_STATUS_STATE, mf_workspace_create(&spec, &workspace));
    assert_null(workspace);
    check_ok(mf_network_set_optimizer(empty, f->optimizer));
    mf_network_free(empty);
    for (size_t i = 0; i < 2; i++)
        check_ok(mf_network_layer(f->network, i, NULL, &ids[i]));
    check_ok(mf_network_remove(f->network, ids[1]));
    check_ok(mf_network_remove(f->network, ids[0]));
    check_status(MF_STATUS_STATE, mf_network_step(f->network, f->training, 8, f->x, f->y));
    check_status(MF_STATUS_STATE, mf_network_evaluate(f->network, f->training, 8, f->x, f->y));
    check_status(MF_STATUS_STATE, mf_network_predict(f->network, f->training, 0, 8, f->x, f->labels));
    check_status(MF_STATUS_STATE, mf_network_goodness(f->network, f->training, 0, 8, f->x, f->scores));
    check_status(MF_STATUS_STATE, mf_network_probabilities(f->network, f->training, 0, 8, f->x, f->scores));
    f->first = f->last = NULL;
}

static void test_wrong_workspace_specs_are_refused(void **state)
{
    fixture *f = *state;
    mf_workspace_spec spec;
    mf_workspace *workspace = (mf_workspace *)1;

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    assert_int_equal(spec.purpose, MF_WORKSPACE_TRAINING);
    spec.max_batch = 4;
    refused(f, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace)); /* neither */
    assert_null(workspace);
    spec.network = f->network;
    spec.layer = f->spare;
    refused(f, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace)); /* both */
    spec.layer = NULL;
    spec.max_batch = 0;
    refused(f, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace));
    spec.max_batch = 4;
    spec.purpose = 2 * MF_WORKSPACE_CONVERT;
    refused(f, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace));
    spec.purpose = -1;
    refused(f, MF_STATUS_ARGUMENT, mf_workspace_create(&spec, &workspace));
    spec.purpose = MF_WORKSPACE_INFERENCE;
    check_ok(mf_workspace_create(&spec, &workspace));
    mf_workspace_free(workspace);
}

/* "Inference only; smaller": by the bytes that the allocator is asked for. */
static void test_an_inference_workspace_is_smaller(void **state)
{
    fixture *f = *state;
    size_t bytes[2];

    for (int32_t purpose = MF_WORKSPACE_TRAINING; purpose <= MF_WORKSPACE_INFERENCE; purpose++) {
        test_memory memory = {0};
        mf_allocator allocator = memory_allocator(&memory);
        mf_workspace_spec spec;
        mf_workspace *workspace;

        check_ok(mf_workspace_spec_init(&spec, sizeof spec));
        spec.network = f->network;
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
