/* Layers of several units in networks: the bits of joint steps, of steps by hand, of pipelines with any
 * number of workers, and behind a snapshot are the same. ThreadSanitizer runs this. SPDX-License-Identifier:
 * MIT */
#include <math.h>

#include "random.h"
#include "training_fixture.h"
#include "units.h"

/* ---- pipelines ---- */

static void test_a_pipeline_gives_the_bits_of_a_sequential_run(void **state)
{
    (void)state;
    check_pipelines_give_the_same_bits(make_units_fixture);
    check_pipelines_give_the_same_bits(make_sequence_fixture);
    check_pipelines_give_the_same_bits(make_positions_fixture);
    check_pipelines_give_the_same_bits(make_tokens_fixture);
    check_pipelines_give_the_same_bits(make_shared_fixture);
    check_pipelines_give_the_same_bits(make_auxiliary_fixture);
}

/* ---- clipping ---- */

/* Of a layer whose second unit has far more inputs than neurons: its dx is cut into more pieces than dW. */
static void test_the_norm_is_that_of_the_gradients(void **state)
{
    enum { WIDE = 2500, FEW = 8, SAMPLES = 9 };
    float x[SAMPLES * FEW];
    int32_t y[SAMPLES];
    test_random random = {12};
    units_plan plan = plan_row(FEW, 3);
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_optimizer *optimizer;
    double squares = 0.0;

    (void)state;
    plan_add(&plan, unit_dense(WIDE));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_dense(FEW));
    mf_layer *layer = make_units(&plan);
    mf_workspace *workspace = make_layer_workspace(layer, SAMPLES);
    mf_batch batch = make_batch(SAMPLES, x, y);
    size_t count = count_gradients(layer);
    float *gradients = get_memory(count * sizeof *gradients);

    random_values(&random, x, SAMPLES * FEW, 1.0);
    random_labels(&random, y, SAMPLES, 3);
    how.clip_norm = 1e6f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    for (size_t i = 0; i < count; i++)
        squares += (double)gradients[i] * (double)gradients[i];
    check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    check_near(1.0, read_report(workspace, 0).gradient_norm / sqrt(squares), 1e-5);
    free(gradients);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* ---- by hand ---- */

/* One joint step as a host would write it: `workspaces` are the layers' own, or NULL for the network's. */
static void step_by_hand(training_fixture *s, mf_workspace **workspaces, const mf_batch *whole)
{
    float passed[2][ROWS * 4 * 3 * 7];
    mf_batch batch = *whole;

    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer = layer_at(s->network, i);

        check_ok(
            mf_layer_step_batch(layer, workspaces ? workspaces[i] : s->workspace, &batch, passed[i % 2]));
        batch.inputs = passed[i % 2];
        batch.input_stride = 0;
    }
}

static void test_layer_steps_give_the_bits_of_a_network_step(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r++)
        for (int own = 0; own <= 1; own++) {
            training_fixture *one = make_units_fixture(&rules[r]), *other = make_units_fixture(&rules[r]);
            mf_workspace *workspaces[LAYERS];
            saved_values all;

            for (size_t i = 0; i < LAYERS; i++)
                workspaces[i] = make_layer_workspace(layer_at(other->network, i), ROWS);
            run_sequential(one);
            for (size_t t = 0; t < BATCHES; t++) {
                mf_batch batch = batch_of(other, t);

                change_settings(other, t);
                step_by_hand(other, own ? workspaces : NULL, &batch);
            }
            all = save_network_values(one->network);
            check_network_unchanged(&all, other->network);
            free_saved_values(&all);
            for (size_t i = 0; i < LAYERS; i++)
                mf_workspace_free(workspaces[i]);
            free_training_fixture(one);
            free_training_fixture(other);
        }
}

/* Gradients and update apart are a step up to rounding, and repeat to the bit. */
static void test_a_step_equals_gradients_and_apply(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r++) {
        training_fixture *fixtures[3];
        saved_values values[3];

        for (size_t n = 0; n < 3; n++) {
            mf_layer *layer;
            size_t count;
            float *gradients;

            fixtures[n] = make_units_fixture(&rules[r]);
            layer = layer_at(fixtures[n]->network, 0);
            count = count_gradients(layer);
            gradients = get_memory(count * sizeof *gradients);
            for (size_t t = 0; t < 3; t++) {
                mf_batch batch = batch_of(fixtures[n], t);

                if (n == 2) {
                    check_ok(mf_layer_step_batch(layer, fixtures[n]->workspace, &batch, NULL));
                    continue;
                }
                check_ok(mf_layer_gradients(layer, fixtures[n]->workspace, &batch, NULL, gradients, count));
                check_ok(mf_layer_apply(layer, gradients, count));
            }
            free(gradients);
            values[n] = save_layer_values(layer);
        }
        assert_true(same_values(&values[0], &values[1]));
        for (size_t i = 0; i < values[0].count; i++) {
            double step = (double)values[2].values[i];

            /* Adam at an epsilon of 1e-8 makes steps of rounding where the gradient is 0. */
            if (rules[r].kind == MF_OPTIMIZER_SGD)
                check_near(step, (double)values[0].values[i], 1e-5 * (1.0 + fabs(step)));
        }
        for (size_t n = 0; n < 3; n++) {
            free_saved_values(&values[n]);
            free_training_fixture(fixtures[n]);
        }
    }
}

/* ---- greedy steps, answers ---- */

static void test_a_greedy_step_changes_one_layer(void **state)
{
    training_fixture *s = make_units_fixture(&rules[3]), *twin = make_units_fixture(&rules[3]);

    (void)state;
    for (size_t position = 0; position < LAYERS; position++) {
        saved_values before[LAYERS];

        for (size_t i = 0; i < LAYERS; i++)
            before[i] = save_layer_values(layer_at(s->network, i));
        for (size_t t = 0; t < 2; t++) {
            check_ok(mf_network_step_layer(s->network, s->workspace, position, ROWS, s->x[t], s->y[t]));
            check_ok(mf_network_step_layer(twin->network, twin->workspace, position, ROWS, s->x[t], s->y[t]));
        }
        for (size_t i = 0; i < LAYERS; i++) {
            saved_values now = save_layer_values(layer_at(s->network, i));

            assert_int_equal(same_values(&before[i], &now), i != position);
            check_layer_unchanged(&now, layer_at(twin->network, i));
            free_saved_values(&before[i]);
            free_saved_values(&now);
        }
    }
    free_training_fixture(s);
    free_training_fixture(twin);
}

/* The network answers with what its layers pass on one after the other; the workspace's purpose says nothing.
 */
static void test_a_network_predicts_as_its_layers_do(void **state)
{
    training_fixture *s = make_units_fixture(&rules[3]);
    mf_workspace *inference = make_workspace(s->network, NULL, MF_WORKSPACE_INFERENCE, ROWS);
    float passed[2][ROWS * 4 * 3 * 7], sum[ROWS * CLASSES] = {0}, last[ROWS * CLASSES], got[ROWS * CLASSES];

    (void)state;
    run_sequential(s);
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer = layer_at(s->network, i);

        check_ok(
            mf_layer_forward(layer, s->workspace, ROWS, i ? passed[(i + 1) % 2] : s->x[0], passed[i % 2]));
        check_ok(mf_layer_goodness(layer, s->workspace, ROWS, passed[i % 2], last));
        for (size_t j = 0; j < ROWS * CLASSES; j++)
            sum[j] += last[j];
    }
    check_ok(mf_network_goodness(s->network, s->workspace, MF_PREDICT_LAST, ROWS, s->x[0], got));
    assert_memory_equal(got, last, sizeof got);
    check_ok(mf_network_goodness(s->network, inference, MF_PREDICT_LAST, ROWS, s->x[0], got));
    assert_memory_equal(got, last, sizeof got);
    check_ok(mf_network_goodness(s->network, inference, MF_PREDICT_SUM, ROWS, s->x[0], got));
    for (size_t j = 0; j < ROWS * CLASSES; j++)
        check_near((double)sum[j], (double)got[j], 1e-5 * (1.0 + fabs((double)sum[j])));
    check_ok(mf_network_evaluate(s->network, inference, ROWS, s->x[0], s->y[0]));
    assert_int_equal(read_report(inference, LAYERS - 1).rows, ROWS);
    mf_workspace_free(inference);
    free_training_fixture(s);
}

/* ---- snapshots ---- */

static void steps(training_fixture *s, size_t first, size_t end)
{
    for (size_t t = first; t < end; t++) {
        mf_batch batch = batch_of(s, t);

        check_ok(mf_network_step_batch(s->network, s->workspace, &batch));
    }
}

static void check_snapshots(training_fixture *(*make)(const rule *how))
{
    for (size_t r = 0; r < RULES; r++) {
        training_fixture *whole = make(&rules[r]), *s = make(&rules[r]);
        size_t bytes = 0;
        unsigned char *snapshot;
        saved_values all;

        steps(whole, 0, BATCHES);
        steps(s, 0, 5);
        check_ok(mf_network_snapshot_size(s->network, &bytes));
        snapshot = get_memory(bytes + 1);
        check_ok(mf_network_snapshot_save(s->network, snapshot + 1, bytes)); /* at an odd address */
        for (int again = 0; again < 2; again++) {
            steps(s, again ? 2 : 7, 11);
            check_ok(mf_network_snapshot_load(s->network, snapshot + 1, bytes));
        }
        steps(s, 5, BATCHES);
        all = save_network_values(whole->network);
        check_network_unchanged(&all, s->network);
        free_saved_values(&all);
        free(snapshot);
        free_training_fixture(whole);
        free_training_fixture(s);
    }
}

static void test_a_snapshot_restores_the_network(void **state)
{
    (void)state;
    check_snapshots(make_units_fixture);
    check_snapshots(make_sequence_fixture);
    check_snapshots(make_positions_fixture);
    check_snapshots(make_tokens_fixture);
    check_snapshots(make_shared_fixture);
    check_snapshots(make_auxiliary_fixture);
}

/* ---- what is refused in a step leaves no trace ---- */

static mf_network *normalised_row(mf_optimizer *optimizer)
{
    units_plan plans[] = {plan_row(INPUTS, CLASSES), plan_row(4, CLASSES)};

    plan_add(&plans[0], unit_dense(4));
    plan_add(&plans[1], unit_dense(3));
    plan_add(&plans[1], unit_norm());
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_RELU));
    return make_units_network(plans, COUNT_OF(plans), optimizer);
}

static void test_a_single_value_cannot_be_normalised(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    mf_network *network = normalised_row(optimizer);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    mf_pipeline *pipeline = make_pipeline(network, 1, 0);
    training_fixture *s = make_units_fixture(&rules[0]);
    saved_values before = save_network_values(network);

    (void)state;
    check_status(MF_STATUS_CAPACITY, mf_network_step(network, workspace, 1, s->x[0], s->y[0]));
    check_status(MF_STATUS_CAPACITY, mf_network_step_layer(network, workspace, 1, 1, s->x[0], s->y[0]));
    check_status(MF_STATUS_CAPACITY, mf_pipeline_submit(pipeline, 1, s->x[0], s->y[0]));
    check_network_unchanged(&before, network);
    check_ok(mf_network_evaluate(network, workspace, 1, s->x[0], s->y[0]));
    check_ok(mf_network_step_layer(network, workspace, 0, 1, s->x[0], s->y[0]));
    check_ok(mf_layer_set_trainable(layer_at(network, 1), "units.2.variance", 0));
    check_ok(mf_network_step(network, workspace, 1, s->x[0], s->y[0]));
    mf_pipeline_free(pipeline);
    free_saved_values(&before);
    free_training_fixture(s);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* A loss that is not finite, and with clipping a gradient: the layer keeps its running means, too. */
static void test_values_that_are_not_finite_change_nothing(void **state)
{
    (void)state;
    for (int clip = 0; clip <= 1; clip++) {
        training_fixture *s = make_units_fixture(&rules[clip ? 4 : 0]);
        mf_layer *layer = layer_at(s->network, 1);
        size_t count = 0;
        float *projection = read_parameter(layer, "head.projection", &count);
        saved_values before;

        for (size_t i = 0; i < count; i++)
            projection[i] = i / (count / CLASSES) % 2 ? 3e38f : -3e38f;
        check_ok(mf_layer_set_parameter(layer, "head.projection", projection, count));
        before = save_layer_values(layer);
        check_status(MF_STATUS_NUMERIC, mf_network_step(s->network, s->workspace, ROWS, s->x[0], s->y[0]));
        check_layer_unchanged(&before, layer);
        assert_int_equal(read_report(s->workspace, 0).applied, 1);
        free(projection);
        free_saved_values(&before);
        free_training_fixture(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pipeline_gives_the_bits_of_a_sequential_run),
        cmocka_unit_test(test_the_norm_is_that_of_the_gradients),
        cmocka_unit_test(test_layer_steps_give_the_bits_of_a_network_step),
        cmocka_unit_test(test_a_step_equals_gradients_and_apply),
        cmocka_unit_test(test_a_greedy_step_changes_one_layer),
        cmocka_unit_test(test_a_network_predicts_as_its_layers_do),
        cmocka_unit_test(test_a_snapshot_restores_the_network),
        cmocka_unit_test(test_a_single_value_cannot_be_normalised),
        cmocka_unit_test(test_values_that_are_not_finite_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
