/* Pipelines of convolutions, normalisation and dropout of maps: the bits of a sequential run for any number
 * of workers, the running mean and variance too. ThreadSanitizer runs this. SPDX-License-Identifier: MIT */
#include "training_fixture.h"

static void test_a_pipeline_gives_the_bits_of_a_sequential_run(void **state)
{
    (void)state;
    check_pipelines_give_the_same_bits(make_maps_fixture);
}

/* A normalisation by single values is found before the batch is taken; the one before and the one behind it
 * are learned. */
static void test_a_batch_too_small_to_normalise_is_refused(void **state)
{
    training_fixture *s = make_maps_fixture(&rules[0]), *sound = make_maps_fixture(&rules[0]);
    mf_pipeline *pipeline = make_pipeline(s->network, 2, 0);

    (void)state;
    check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
    check_status(MF_STATUS_CAPACITY, mf_pipeline_submit(pipeline, 1, s->x[1], s->y[1]));
    check_status(MF_STATUS_CAPACITY, mf_pipeline_try_submit(pipeline, 1, s->x[1], s->y[1]));
    check_ok(mf_pipeline_submit(pipeline, 2, s->x[2], s->y[2]));
    check_ok(mf_pipeline_flush(pipeline));
    assert_int_equal(progress_of(pipeline).submitted, 2);
    check_ok(mf_network_step(sound->network, sound->workspace, ROWS, s->x[0], s->y[0]));
    check_ok(mf_network_step(sound->network, sound->workspace, 2, s->x[2], s->y[2]));
    saved_values expected = save_network_values(sound->network);

    check_network_unchanged(&expected, s->network);
    free_saved_values(&expected);
    /* With mean and variance frozen there is nothing to refuse. */
    for (size_t i = 0; i < 3; i++)
        check_ok(mf_layer_set_trainable(layer_at(s->network, i), "mean", 0));
    check_ok(mf_pipeline_submit(pipeline, 1, s->x[1], s->y[1]));
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
    free_training_fixture(s);
    free_training_fixture(sound);
}

/* A layer that fails, and those behind it, keep mean and variance as the batches before have left them. */
static void test_a_failing_layer_keeps_its_statistics(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 3; workers++) {
        training_fixture *s = make_maps_fixture(&rules[3]), *sound = make_maps_fixture(&rules[3]);
        mf_pipeline *pipeline = make_pipeline(s->network, workers, 0);
        mf_layer *layer = layer_at(s->network, 1);
        size_t count = 0;
        float *projection = read_parameter(layer, "projection", &count);
        saved_values before[LAYERS];

        check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[0], s->y[0]));
        check_ok(mf_pipeline_flush(pipeline));
        for (size_t i = 0; i < count; i++)
            projection[i] = i / (count / CLASSES) % 2 ? 3e38f : -3e38f;
        check_ok(mf_layer_set_parameter(layer, "projection", projection, count));
        for (size_t i = 0; i < LAYERS; i++)
            before[i] = save_layer_values(layer_at(s->network, i));
        check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[1], s->y[1]));
        check_status(MF_STATUS_NUMERIC, mf_pipeline_flush(pipeline));
        check_message("layer 1");
        for (size_t i = 1; i < LAYERS; i++)
            check_layer_unchanged(&before[i], layer_at(s->network, i));
        for (size_t t = 0; t < 2; t++)
            check_ok(mf_network_step(sound->network, sound->workspace, ROWS, s->x[t], s->y[t]));
        free_saved_values(&before[0]);
        before[0] = save_layer_values(layer_at(sound->network, 0));
        check_layer_unchanged(&before[0], layer_at(s->network, 0));
        for (size_t i = 0; i < LAYERS; i++)
            free_saved_values(&before[i]);
        free(projection);
        mf_pipeline_free(pipeline);
        free_training_fixture(s);
        free_training_fixture(sound);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pipeline_gives_the_bits_of_a_sequential_run),
        cmocka_unit_test(test_a_batch_too_small_to_normalise_is_refused),
        cmocka_unit_test(test_a_failing_layer_keeps_its_statistics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
