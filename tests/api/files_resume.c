/* Training that goes on from a file or a snapshot has the bits of training that was never interrupted: for
 * every optimizer, joint and greedy, in halves and through the pipeline, in the middle of an epoch as well.
 * SPDX-License-Identifier: MIT */
#include "models.h"
#include "training_fixture.h"

enum { STOP = 5, END = 11 };

static mf_optimizer *optimizer_of(const rule *how)
{
    mf_optimizer_spec spec = optimizer_spec(how->kind, 0.01);
    mf_optimizer *optimizer = NULL;

    spec.nesterov = how->nesterov;
    spec.momentum = how->momentum;
    spec.weight_decay = how->decay;
    spec.clip_norm = how->clip;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

static mf_network *through_buffer(const mf_network *network)
{
    size_t bytes;
    void *file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
    mf_network *loaded = model_load(MF_CONTENTS_TRAINING, file, bytes);

    free(file);
    check_same_model(network, loaded);
    return loaded;
}

static mf_network *untrained(const rule *how)
{
    mf_optimizer *optimizer = optimizer_of(how);
    mf_network *network = model_network(optimizer);

    mf_optimizer_free(optimizer);
    return network;
}

/* Training in a certain way from step `first` to before `end`. */
typedef void training(mf_network *network, size_t first, size_t end);

/* With a file at step STOP it ends where it does without. */
static void check_resumes(mf_network *whole, mf_network *half, training *train)
{
    mf_network *rest;

    train(whole, 0, END);
    train(half, 0, STOP);
    rest = through_buffer(half);
    train(rest, STOP, END);
    check_same_model(whole, rest);
    mf_network_free(whole);
    mf_network_free(half);
    mf_network_free(rest);
}

static void test_joint_training_resumes(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r++) {
        mf_network *whole = untrained(&rules[r]), *half = untrained(&rules[r]);

        check_ok(mf_layer_set_trainable(layer_at(whole, 1), "weight", 0));
        check_ok(mf_layer_set_trainable(layer_at(half, 1), "weight", 0));
        check_resumes(whole, half, model_train);
    }
}

/* A file after every step. */
static void test_training_resumes_from_a_file_of_every_step(void **state)
{
    mf_network *whole = untrained(&rules[4]), *now = untrained(&rules[4]);

    (void)state;
    model_train(whole, 0, END);
    for (size_t t = 0; t < END; t++) {
        mf_network *next;

        model_train(now, t, t + 1);
        next = through_buffer(now);
        mf_network_free(now);
        now = next;
    }
    check_same_model(whole, now);
    mf_network_free(whole);
    mf_network_free(now);
}

/* Steps of one layer, with the others' dropout and running statistics. */
static void greedy(mf_network *network, size_t first, size_t end)
{
    mf_workspace *workspace = make_network_workspace(network, MODEL_ROWS);
    static float x[MODEL_ROWS * MODEL_INPUTS];
    int32_t y[MODEL_ROWS];

    for (size_t t = first; t < end; t++) {
        model_batch(t, x, y);
        check_ok(mf_network_step_layer(network, workspace, t * MODEL_LAYERS / END, MODEL_ROWS, x, y));
    }
    mf_workspace_free(workspace);
}

static void test_greedy_training_resumes(void **state)
{
    (void)state;
    check_resumes(untrained(&rules[3]), untrained(&rules[3]), greedy);
}

/* The first layer by gradients and update apart. */
static void halves(mf_network *network, size_t first, size_t end)
{
    mf_workspace *workspace = make_network_workspace(network, MODEL_ROWS);
    mf_layer *layer = layer_at(network, 0);
    static float x[MODEL_ROWS * MODEL_INPUTS], gradients[4096];
    int32_t y[MODEL_ROWS];
    saved_values values = save_layer_values(layer);

    assert_in_range(values.count, 1, COUNT_OF(gradients));
    for (size_t t = first; t < end; t++) {
        mf_batch batch;

        model_batch(t, x, y);
        batch = make_batch(MODEL_ROWS, x, y);
        check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, values.count));
        check_ok(mf_layer_apply(layer, gradients, values.count));
    }
    free_saved_values(&values);
    mf_workspace_free(workspace);
}

static void test_training_by_gradients_and_apply_resumes(void **state)
{
    (void)state;
    check_resumes(untrained(&rules[3]), untrained(&rules[3]), halves);
}

static void piped(mf_network *network, size_t first, size_t end)
{
    mf_pipeline_spec spec = pipeline_spec(network, 2, 0);
    mf_pipeline *pipeline = NULL;
    static float x[MODEL_ROWS * MODEL_INPUTS];
    int32_t y[MODEL_ROWS];

    check_ok(mf_pipeline_create(&spec, &pipeline));
    for (size_t t = first; t < end; t++) {
        model_batch(t, x, y);
        check_ok(mf_pipeline_submit(pipeline, MODEL_ROWS - t % 3, x, y));
    }
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
}

/* Sequential, then a file, then the pipeline, a file, and sequential again. */
static void test_a_pipeline_resumes(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r += 2) {
        mf_network *whole = untrained(&rules[r]), *first = untrained(&rules[r]), *second, *third;

        model_train(whole, 0, END);
        model_train(first, 0, 3);
        second = through_buffer(first);
        piped(second, 3, 8);
        third = through_buffer(second);
        model_train(third, 8, END);
        check_same_model(whole, third);
        mf_network_free(whole);
        mf_network_free(first);
        mf_network_free(second);
        mf_network_free(third);
    }
}

/* Optimizers that some layers share and others have for themselves, one whose momentum is 0 now, and a layer
 * without any; a rate that is set after loading acts on all layers that shared it. */
static void test_shared_optimizers_are_restored(void **state)
{
    mf_optimizer *one = optimizer_of(&rules[1]), *other = optimizer_of(&rules[3]), *found = NULL,
                 *third = NULL;
    mf_network *network = model_network(NULL), *loaded;
    double value = 0.0;

    (void)state;
    check_ok(mf_layer_set_optimizer(layer_at(network, 0), one));
    check_ok(mf_layer_set_optimizer(layer_at(network, 1), other));
    check_ok(mf_layer_set_optimizer(layer_at(network, 3), one));
    check_ok(mf_optimizer_set(one, MF_OPTIMIZER_MOMENTUM, 0.0));
    mf_optimizer_free(one);
    mf_optimizer_free(other);
    loaded = through_buffer(network);
    check_ok(mf_layer_optimizer(layer_at(loaded, 2), &found));
    assert_null(found);
    check_ok(mf_layer_optimizer(layer_at(loaded, 0), &found));
    check_ok(mf_layer_optimizer(layer_at(loaded, 3), &third));
    assert_non_null(found);
    assert_ptr_equal(found, third);
    check_ok(mf_layer_optimizer(layer_at(loaded, 1), &third));
    assert_ptr_not_equal(found, third);
    check_ok(mf_optimizer_set(found, MF_OPTIMIZER_MOMENTUM, 0.5)); /* its layers have memory for it */
    check_ok(mf_optimizer_get(third, MF_OPTIMIZER_WEIGHT_DECAY, &value));
    check_near(0.01, value, 1e-8);
    mf_network_free(network);
    mf_network_free(loaded);
}

/* What is drawn anew after loading is what would have been drawn. */
static void test_a_projection_drawn_after_loading_has_the_same_values(void **state)
{
    mf_network *network = untrained(&rules[3]), *loaded;

    (void)state;
    check_ok(mf_network_set_classes(network, MODEL_CLASSES + 1));
    model_train(network, 0, 2);
    loaded = through_buffer(network);
    check_ok(mf_network_set_classes(network, MODEL_CLASSES));
    check_ok(mf_network_set_classes(loaded, MODEL_CLASSES));
    check_same_model(network, loaded);
    mf_network_free(network);
    mf_network_free(loaded);
}

/* ---- snapshots ---- */

static void test_a_snapshot_rolls_training_back(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r++) {
        mf_network *network = untrained(&rules[r]), *whole = untrained(&rules[r]);
        mf_workspace *workspace = make_network_workspace(network, MODEL_ROWS);
        size_t bytes = 0;
        unsigned char *snapshot;
        float x[MODEL_ROWS * MODEL_INPUTS];
        int32_t y[MODEL_ROWS];

        model_train(whole, 0, END);
        model_train(network, 0, STOP);
        check_ok(mf_network_snapshot_size(network, &bytes));
        snapshot = get_memory(bytes + 1);
        check_ok(mf_network_snapshot_save(network, snapshot + 1, bytes)); /* at an odd address */
        model_train(network, 20, 25);
        check_ok(mf_network_snapshot_load(network, snapshot + 1, bytes));
        model_train(network, STOP, END);
        check_same_model(whole, network);
        model_batch(0, x, y);
        check_ok(mf_network_step(network, workspace, MODEL_ROWS, x, y)); /* not stale */
        free(snapshot);
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_network_free(whole);
    }
}

/* Settings are the host's: a smaller rate after a rollback stays. */
static void test_a_rollback_keeps_settings(void **state)
{
    mf_network *network = untrained(&rules[3]);
    mf_optimizer *optimizer = NULL;
    size_t bytes = 0;
    void *snapshot;
    double value = 0.0;

    (void)state;
    check_ok(mf_network_snapshot_size(network, &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(network, snapshot, bytes));
    check_ok(mf_layer_optimizer(layer_at(network, 0), &optimizer));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.125));
    check_ok(mf_layer_set(layer_at(network, 0), MF_LAYER_DROPOUT, 0.5));
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "bias", 0));
    check_ok(mf_network_snapshot_load(network, snapshot, bytes));
    check_ok(mf_optimizer_get(optimizer, MF_OPTIMIZER_LEARNING_RATE, &value));
    check_near(0.125, value, 0.0);
    check_ok(mf_layer_get(layer_at(network, 0), MF_LAYER_DROPOUT, &value));
    check_near(0.5, value, 0.0);
    free(snapshot);
    mf_network_free(network);
}

/* A snapshot of `from` goes into `to` as mf_network_copy_parameters() does, after which they train alike. */
static void check_a_snapshot_copies(const mf_network *from, mf_network *to)
{
    mf_network *expected = NULL;
    size_t bytes = 0;
    void *snapshot;

    check_ok(mf_network_clone(to, MF_CONTENTS_TRAINING, NULL, &expected));
    check_ok(mf_network_copy_parameters(expected, from));
    check_ok(mf_network_snapshot_size(from, &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(from, snapshot, bytes));
    check_ok(mf_network_snapshot_load(to, snapshot, bytes));
    check_same_model(expected, to);
    free(snapshot);
    mf_network_free(expected);
}

/* Where one of both has no optimizer: a copy that serves, and one that goes on from what a server was given.
 */
static void test_a_snapshot_fits_without_an_optimizer(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r++) {
        mf_network *trained = untrained(&rules[r]), *serving = untrained(&rules[r]);

        model_train(trained, 0, STOP);
        model_train(serving, 3, 9);
        check_ok(mf_network_set_optimizer(serving, NULL));
        check_a_snapshot_copies(trained, serving);
        model_train(trained, STOP, END);
        check_a_snapshot_copies(serving, trained);
        model_train(trained, END, END + 4);
        mf_network_free(trained);
        mf_network_free(serving);
    }
}

/* A step of the layer at `position` alone, from the same activations whatever lies in front of it. */
static void step_alone(mf_network *network, size_t position)
{
    mf_workspace *workspace = make_network_workspace(network, MODEL_ROWS);
    static float x[MODEL_ROWS * MODEL_INPUTS * 64];
    int32_t y[MODEL_ROWS];

    model_batch(END, x, y);
    check_ok(mf_layer_step(layer_at(network, position), workspace, MODEL_ROWS, x, y, NULL));
    mf_workspace_free(workspace);
}

/* Each layer goes by its own optimizer: the first has none, the next ones go back to the bit. */
static void test_a_snapshot_with_some_optimizers(void **state)
{
    mf_network *then = untrained(&rules[3]), *now = untrained(&rules[3]);
    size_t bytes = 0, sizes[2];
    void *snapshot, *files[2];

    (void)state;
    model_train(then, 0, STOP);
    model_train(now, 0, END);
    check_ok(mf_layer_set_optimizer(layer_at(then, 0), NULL));
    check_ok(mf_network_snapshot_size(then, &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(then, snapshot, bytes));
    check_ok(mf_network_snapshot_load(now, snapshot, bytes));
    step_alone(then, 1);
    step_alone(now, 1);
    files[0] = model_save(then, MF_CONTENTS_MODEL, &sizes[0]);
    files[1] = model_save(now, MF_CONTENTS_MODEL, &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(files[0], files[1], sizes[0]);
    free(files[0]);
    free(files[1]);
    free(snapshot);
    mf_network_free(then);
    mf_network_free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joint_training_resumes),
        cmocka_unit_test(test_training_resumes_from_a_file_of_every_step),
        cmocka_unit_test(test_greedy_training_resumes),
        cmocka_unit_test(test_training_by_gradients_and_apply_resumes),
        cmocka_unit_test(test_a_pipeline_resumes),
        cmocka_unit_test(test_shared_optimizers_are_restored),
        cmocka_unit_test(test_a_projection_drawn_after_loading_has_the_same_values),
        cmocka_unit_test(test_a_snapshot_rolls_training_back),
        cmocka_unit_test(test_a_snapshot_fits_without_an_optimizer),
        cmocka_unit_test(test_a_snapshot_with_some_optimizers),
        cmocka_unit_test(test_a_rollback_keeps_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
