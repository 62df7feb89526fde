/* Auxiliary heads: what a step reports, what they leave alone, what the host may change, what is refused. The
 * arithmetic is compared with the oracle in units_oracle.c and units_gradients.c, training in pipelines, from
 * files and from snapshots in units_training.c and units_resume.c. SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "models.h"
#include "random.h"
#include "units.h"

enum { INPUTS = 6, ROWS = 11, CLASSES = 4, WIDTH = 7 };

static mf_unit_spec scores_of(size_t classes, float weight)
{
    mf_unit_spec unit = unit_dense(classes);

    unit.loss_weight = weight;
    return unit;
}

/* A layer whose output M reads, and without an auxiliary head. */
static units_plan body_plan(void)
{
    units_plan plan = plan_row(INPUTS, CLASSES);

    plan_add(&plan, unit_dense(WIDTH));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan.head.input_node = 2;
    return plan;
}

/* With two, one of which has a hidden layer. */
static units_plan auxiliary_plan(float weight, float other)
{
    units_plan plan = body_plan();

    plan_add(&plan, scores_of(CLASSES, weight));
    plan_add(&plan, unit_reading(unit_dense(5), 2));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, scores_of(CLASSES, other));
    return plan;
}

typedef struct data {
    float x[ROWS * INPUTS], weights[ROWS];
    int32_t y[ROWS];
} data;

static data draw_data(uint64_t seed)
{
    test_random random = {seed};
    data d;

    random_values(&random, d.x, ROWS * INPUTS, 1.0);
    random_labels(&random, d.y, ROWS, CLASSES);
    for (size_t b = 0; b < ROWS; b++)
        d.weights[b] = (float)random_uniform(&random, 0.0, 2.0);
    return d;
}

/* y = x W^T + b of one row in double precision. */
static void naive_dense(const mf_layer *layer, int node, size_t inputs, size_t outputs, const double *x,
                        double *y)
{
    char name[2][40];
    float *weight, *bias;

    snprintf(name[0], sizeof name[0], "units.%d.weight", node);
    snprintf(name[1], sizeof name[1], "units.%d.bias", node);
    weight = read_parameter(layer, name[0], NULL);
    bias = read_parameter(layer, name[1], NULL);
    for (size_t j = 0; j < outputs; j++) {
        y[j] = (double)bias[j];
        for (size_t i = 0; i < inputs; i++)
            y[j] += (double)weight[j * inputs + i] * x[i];
    }
    free(weight);
    free(bias);
}

static double naive_loss(const double *scores, int32_t label)
{
    double sum = 0.0;

    for (size_t c = 0; c < CLASSES; c++)
        sum += exp(scores[c]);
    return log(sum) - scores[label];
}

/* Losses of a row: of the layer's head, and of both auxiliary ones. */
static void naive_losses(const mf_layer *layer, const float *x, int32_t label, double losses[3])
{
    double input[INPUTS], a[WIDTH], hidden[5], g[CLASSES];
    float *projection = read_parameter(layer, "head.projection", NULL);

    for (size_t i = 0; i < INPUTS; i++)
        input[i] = (double)x[i];
    naive_dense(layer, 1, INPUTS, WIDTH, input, a);
    for (size_t i = 0; i < WIDTH; i++)
        a[i] = tanh(a[i]);
    for (size_t c = 0; c < CLASSES; c++) {
        g[c] = 0.0;
        for (size_t i = 0; i < WIDTH; i++)
            g[c] += (double)projection[c * WIDTH + i] * a[i];
    }
    losses[0] = naive_loss(g, label);
    naive_dense(layer, 3, WIDTH, CLASSES, a, g);
    losses[1] = naive_loss(g, label);
    naive_dense(layer, 4, WIDTH, 5, a, hidden);
    for (size_t i = 0; i < 5; i++)
        hidden[i] *= (1.0 + erf(hidden[i] / sqrt(2.0))) / 2.0;
    naive_dense(layer, 6, 5, CLASSES, hidden, g);
    losses[2] = naive_loss(g, label);
    free(projection);
}

/* ---- reports ---- */

static void test_a_step_reports_the_weighted_sum_and_evaluation_the_layers_head(void **state)
{
    (void)state;
    for (int weighted = 0; weighted <= 1; weighted++) {
        units_plan plan = auxiliary_plan(1.0f, 0.3f);
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
        mf_network *network = make_units_network(&plan, 1, optimizer);
        mf_workspace *workspace = make_network_workspace(network, ROWS);
        data d = draw_data(8);
        mf_batch batch = make_batch(ROWS, d.x, d.y);
        double sums[3] = {0}, total = 0.0;
        size_t correct;

        batch.sample_weights = weighted ? d.weights : NULL;
        for (size_t b = 0; b < ROWS; b++) {
            double losses[3], weight = weighted ? (double)d.weights[b] : 1.0;

            naive_losses(layer_at(network, 0), d.x + b * INPUTS, d.y[b], losses);
            for (int h = 0; h < 3; h++)
                sums[h] += weight * losses[h];
            total += weight;
        }
        assert_true(fabs(sums[1] - sums[0]) > 0.01 * total && fabs(sums[2] - sums[0]) > 0.01 * total);
        check_ok(mf_network_evaluate_batch(network, workspace, &batch));
        check_near(sums[0] / total, read_report(workspace, 0).loss, 1e-6);
        correct = read_report(workspace, 0).correct;
        check_ok(mf_network_step_batch(network, workspace, &batch));
        check_near((sums[0] + sums[1] + (double)0.3f * sums[2]) / total, read_report(workspace, 0).loss,
                   1e-6);
        assert_int_equal(read_report(workspace, 0).correct, correct);
        assert_int_equal(read_report(workspace, 0).rows, ROWS);
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_optimizer_free(optimizer);
    }
}

/* Their losses are those of all classes, whatever few the layer's head scores: here two labels and a
 * candidate. */
static void test_beside_a_sampled_head_they_score_all_classes(void **state)
{
    data d = draw_data(9);
    double losses[3], sum = 0.0, reported[2];

    (void)state;
    for (size_t b = 0; b < ROWS; b++)
        d.y[b] = (int32_t)(b % 2);
    for (int i = 0; i < 2; i++) {
        units_plan plan = auxiliary_plan(1.0f, i == 0 ? 0.5f : 2.5f);
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
        mf_network *network;
        mf_workspace *workspace;

        plan.head.sampling = MF_SAMPLING_UNIFORM;
        plan.head.candidates = 1;
        network = make_units_network(&plan, 1, optimizer);
        workspace = make_network_workspace(network, ROWS);
        check_ok(mf_network_step(network, workspace, ROWS, d.x, d.y));
        reported[i] = read_report(workspace, 0).loss;
        for (size_t b = 0; i == 0 && b < ROWS; b++) {
            naive_losses(layer_at(network, 0), d.x + b * INPUTS, d.y[b], losses);
            sum += losses[2] / ROWS;
        }
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_optimizer_free(optimizer);
    }
    check_near(2.0 * sum, reported[1] - reported[0], 1e-6);
}

enum { MATRIX_COLUMNS = 3, LEARNED_COLUMNS = 2 };

/* All gradients of a layer of this plan with the parameters of `like`, which has an auxiliary head. */
static float *gradients_of(const units_plan *plan, const mf_layer *like, const data *d)
{
    static const char *const names[] = {"units.1.weight",  "units.1.bias",   "units.3.weight",
                                        "head.projection", "units.4.weight", "units.4.bias"};
    mf_layer *layer = make_units(plan);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    mf_batch batch = make_batch(ROWS, d->x, d->y);
    size_t count = count_gradients(layer);
    float *gradients = get_memory(count * sizeof *gradients);

    for (size_t i = 0; i < (plan->count < 4 ? 4 : COUNT_OF(names)); i++) {
        size_t values = 0;
        float *one = read_parameter(like, names[i], &values);

        check_ok(mf_layer_set_parameter(layer, names[i], one, values));
        free(one);
    }
    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    return gradients;
}

/* What an auxiliary head of this weight on tanh(x W^T + b) adds to the gradients of W and b, and its own
 * ones. */
typedef struct naive_gradients {
    double w[WIDTH * INPUTS], b[WIDTH], scores[CLASSES * WIDTH], scores_bias[CLASSES];
} naive_gradients;

static naive_gradients add_naive(const mf_layer *layer, double weight, const data *d)
{
    naive_gradients sum = {{0}, {0}, {0}, {0}};
    float *scores = read_parameter(layer, "units.4.weight", NULL);

    for (size_t r = 0; r < ROWS; r++) {
        double x[INPUTS], a[WIDTH], g[CLASSES], total = 0.0;

        for (size_t i = 0; i < INPUTS; i++)
            x[i] = (double)d->x[r * INPUTS + i];
        naive_dense(layer, 1, INPUTS, WIDTH, x, a);
        for (size_t j = 0; j < WIDTH; j++)
            a[j] = tanh(a[j]);
        naive_dense(layer, 4, WIDTH, CLASSES, a, g);
        for (size_t c = 0; c < CLASSES; c++)
            total += exp(g[c]);
        for (size_t c = 0; c < CLASSES; c++) {
            g[c] = weight / ROWS * (exp(g[c]) / total - (c == (size_t)d->y[r]));
            sum.scores_bias[c] += g[c];
            for (size_t j = 0; j < WIDTH; j++)
                sum.scores[c * WIDTH + j] += g[c] * a[j];
        }
        for (size_t j = 0; j < WIDTH; j++) {
            double dz = 0.0;

            for (size_t c = 0; c < CLASSES; c++)
                dz += g[c] * (double)scores[c * WIDTH + j];
            dz *= 1.0 - a[j] * a[j];
            sum.b[j] += dz;
            for (size_t i = 0; i < INPUTS; i++)
                sum.w[j * INPUTS + i] += dz * x[i];
        }
    }
    free(scores);
    return sum;
}

static void check_added(const double *added, const float *with, const float *without, size_t count)
{
    double largest = 0.0;

    for (size_t i = 0; i < count; i++) {
        check_near(added[i], (double)with[i] - (without == NULL ? 0.0 : (double)without[i]), 2e-7);
        largest = fabs(added[i]) > largest ? fabs(added[i]) : largest;
    }
    assert_true(largest > 1e-4);
}

/* Gradients are in the order of the parameters: W, b, the map to the matrix, the auxiliary head, V. */
static void test_beside_a_shared_matrix_they_add_their_gradients(void **state)
{
    enum { BODY = WIDTH * INPUTS + WIDTH, MAP = (MATRIX_COLUMNS + LEARNED_COLUMNS) * WIDTH };
    enum { SCORES = CLASSES * WIDTH + CLASSES };
    mf_matrix *matrix = make_matrix(CLASSES, MATRIX_COLUMNS, 5);
    units_plan without = plan_row(INPUTS, CLASSES), with;
    data d = draw_data(10);
    naive_gradients added;
    mf_layer *like;
    float *one, *other;

    (void)state;
    plan_add(&without, unit_dense(WIDTH));
    plan_add(&without, unit_activation(MF_ACTIVATION_TANH));
    plan_shared(&without, matrix, LEARNED_COLUMNS);
    with = without;
    with.head.input_node = 3;
    plan_add(&with, unit_reading(scores_of(CLASSES, 0.7f), 2));
    like = make_units(&with);
    one = gradients_of(&with, like, &d);
    other = gradients_of(&without, like, &d);
    added = add_naive(like, (double)0.7f, &d);
    check_added(added.w, one, other, WIDTH * INPUTS);
    check_added(added.b, one + WIDTH * INPUTS, other + WIDTH * INPUTS, WIDTH);
    assert_memory_equal(one + BODY, other + BODY, MAP * sizeof *one);
    check_added(added.scores, one + BODY + MAP, NULL, CLASSES * WIDTH);
    check_added(added.scores_bias, one + BODY + MAP + CLASSES * WIDTH, NULL, CLASSES);
    assert_memory_equal(one + BODY + MAP + SCORES, other + BODY + MAP,
                        CLASSES * LEARNED_COLUMNS * sizeof *one);
    free(one);
    free(other);
    mf_layer_free(like);
    mf_matrix_free(matrix);
}

/* ---- what they leave alone ---- */

/* The head's part of a layer of `from` in the layer `to`, which has no auxiliary heads. */
static void take_parameters(mf_layer *to, const mf_layer *from)
{
    static const char *const names[] = {"units.1.weight", "units.1.bias", "head.projection"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t count = 0;
        float *values = read_parameter(from, names[i], &count);

        check_ok(mf_layer_set_parameter(to, names[i], values, count));
        free(values);
    }
}

static size_t workspace_bytes(const units_plan *plan, int32_t purpose)
{
    mf_builder *builder = make_builder(plan, NULL);
    mf_memory memory = {.struct_size = sizeof memory};

    check_ok(mf_network_memory_built(&builder, 1, NULL, purpose, ROWS, &memory));
    mf_builder_free(builder);
    return memory.workspace;
}

/* The same bits, and the same room but for one pointer list of stages. */
static void test_inference_knows_nothing_of_them(void **state)
{
    units_plan with = auxiliary_plan(2.0f, 0.5f), without = body_plan();
    mf_network *one = make_units_network(&with, 1, NULL), *other = make_units_network(&without, 1, NULL);
    mf_workspace *workspaces[2];
    float goodness[2][ROWS * CLASSES];
    data d = draw_data(4);

    (void)state;
    take_parameters(layer_at(other, 0), layer_at(one, 0));
    workspaces[0] = make_network_workspace(one, ROWS);
    workspaces[1] = make_network_workspace(other, ROWS);
    check_ok(mf_network_goodness(one, workspaces[0], MF_PREDICT_LAST, ROWS, d.x, goodness[0]));
    check_ok(mf_network_goodness(other, workspaces[1], MF_PREDICT_LAST, ROWS, d.x, goodness[1]));
    assert_memory_equal(goodness[0], goodness[1], sizeof goodness[0]);
    assert_true(workspace_bytes(&with, MF_WORKSPACE_TRAINING) >
                workspace_bytes(&without, MF_WORKSPACE_TRAINING) +
                    ROWS * (5 + 5 + 2 * CLASSES) * sizeof(float));
    assert_true(workspace_bytes(&with, MF_WORKSPACE_INFERENCE) <
                workspace_bytes(&without, MF_WORKSPACE_INFERENCE) + 512);
    mf_workspace_free(workspaces[0]);
    mf_workspace_free(workspaces[1]);
    mf_network_free(one);
    mf_network_free(other);
}

/* They are parameters as others: by name, frozen or not; only what they say of the output changes it. */
static void test_they_learn_and_can_be_frozen(void **state)
{
    static const char *const names[] = {"units.3.weight", "units.3.bias",   "units.4.weight",
                                        "units.4.bias",   "units.6.weight", "units.6.bias"};
    units_plan plan = auxiliary_plan(1.0f, 0.3f);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = make_units_network(&plan, 1, optimizer);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    mf_layer *layer = layer_at(network, 0);
    data d = draw_data(5);

    (void)state;
    for (size_t frozen = 0; frozen <= COUNT_OF(names); frozen++) {
        float *before[COUNT_OF(names)];

        for (size_t i = 0; i < COUNT_OF(names); i++) {
            check_ok(mf_layer_set_trainable(layer, names[i], i != frozen));
            before[i] = read_parameter(layer, names[i], NULL);
        }
        check_ok(mf_network_step(network, workspace, ROWS, d.x, d.y));
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            size_t count = 0;
            float *after = read_parameter(layer, names[i], &count);

            assert_int_equal(memcmp(after, before[i], count * sizeof *after) == 0, i == frozen);
            free(after);
            free(before[i]);
        }
    }
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* A loss that is not finite, of whichever head, changes nothing. */
static void test_a_loss_that_is_not_finite_changes_nothing(void **state)
{
    units_plan plan = auxiliary_plan(1.0f, 0.3f);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = make_units_network(&plan, 1, optimizer);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    mf_layer *layer = layer_at(network, 0);
    float *weight = read_parameter(layer, "units.6.weight", NULL);
    data d = draw_data(6);
    mf_batch batch = make_batch(ROWS, d.x, d.y);
    size_t count = count_gradients(layer);
    float *gradients = get_memory(count * sizeof *gradients);
    saved_values before;
    mf_report report, after;

    (void)state;
    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    report = read_report(workspace, 0);
    for (size_t i = 0; i < 5 * CLASSES; i++)
        weight[i] = i % 2 ? 3e38f : -3e38f;
    check_ok(mf_layer_set_parameter(layer, "units.6.weight", weight, 5 * CLASSES));
    for (size_t i = 0; i < ROWS * INPUTS; i++)
        d.x[i] *= 100.0f;
    before = save_layer_values(layer);
    check_status(MF_STATUS_NUMERIC, mf_network_step(network, workspace, ROWS, d.x, d.y));
    check_message("an auxiliary head of layer 0: the loss of row");
    check_status(MF_STATUS_NUMERIC, mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    check_layer_unchanged(&before, layer);
    after = read_report(workspace, 0);
    assert_memory_equal(&after, &report, sizeof report);
    free_saved_values(&before);
    free(gradients);
    free(weight);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* Checked updates try what they are going to do, also to auxiliary heads: their bits are those of others, and
 * an update that overflows changes nothing. */
static void test_checked_updates_are_as_others_or_none(void **state)
{
    units_plan plan = auxiliary_plan(1.0f, 0.3f);
    data d = draw_data(8);
    saved_values after[2];

    (void)state;
    for (int checked = 0; checked <= 1; checked++) {
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
        mf_network *network = make_units_network(&plan, 1, optimizer);
        mf_workspace *workspace = make_network_workspace(network, ROWS);

        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, checked));
        check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, 0.5));
        for (int i = 0; i < 3; i++)
            check_ok(mf_network_step(network, workspace, ROWS, d.x, d.y));
        after[checked] = save_network_values(network);
        if (checked) {
            check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, 0.0));
            check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 3e38));
            for (size_t i = 0; i < ROWS * INPUTS; i++)
                d.x[i] *= 1000.0f;
            check_status(MF_STATUS_NUMERIC, mf_network_step(network, workspace, ROWS, d.x, d.y));
            check_layer_unchanged(&after[1], layer_at(network, 0));
        }
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_optimizer_free(optimizer);
    }
    assert_true(same_values(&after[0], &after[1]));
    free_saved_values(&after[0]);
    free_saved_values(&after[1]);
}

/* ---- the host's side ---- */

static void test_the_number_of_classes_cannot_change(void **state)
{
    units_plan plan = auxiliary_plan(1.0f, 0.3f);
    mf_layer *layer = make_units(&plan);
    saved_values before = save_layer_values(layer);

    (void)state;
    check_status(MF_STATUS_STATE, mf_layer_set_classes(layer, CLASSES + 1));
    check_message("the layer has 2 auxiliary heads: it cannot have 5 classes");
    check_layer_unchanged(&before, layer);
    free_saved_values(&before);
    mf_layer_free(layer);
}

/* Those of a layer in front that could have other classes stay with it. */
static void test_the_number_of_classes_of_a_network_cannot_change(void **state)
{
    units_plan plan = auxiliary_plan(1.0f, 0.3f);
    mf_layer *plain = make_plain_layer(INPUTS, INPUTS, CLASSES, 1), *layer = make_units(&plan);
    mf_network *network = make_network();
    saved_values before;

    (void)state;
    check_ok(mf_network_append(network, plain, NULL));
    check_ok(mf_network_append(network, layer, NULL));
    before = save_network_values(network);
    check_status(MF_STATUS_STATE, mf_network_set_classes(network, CLASSES + 1));
    check_message("auxiliary heads: it cannot have 5 classes");
    check_network_unchanged(&before, network);
    free_saved_values(&before);
    mf_layer_free(plain);
    mf_layer_free(layer);
    mf_network_free(network);
}

/* Specs as they were before there were auxiliary heads have none, and read the last unit. */
static void test_shorter_specs_have_none(void **state)
{
    units_plan plan = auxiliary_plan(1.0f, 0.3f);
    mf_builder *builder;
    mf_layer *layer = NULL;
    mf_unit_spec unit = {.struct_size = sizeof unit};
    mf_head_spec head = {.struct_size = sizeof head};

    (void)state;
    plan.count = 3;
    plan.units[2].struct_size = offsetof(mf_unit_spec, loss_weight);
    plan.head.struct_size = offsetof(mf_head_spec, input_node);
    builder = make_builder(&plan, NULL);
    check_ok(mf_layer_build(builder, &layer));
    check_ok(mf_layer_unit(layer, 3, &unit, NULL));
    check_ok(mf_layer_head(layer, &head));
    assert_true(unit.loss_weight == 0.0f && head.input_node == MF_NODE_PREVIOUS);
    assert_int_equal(parameter_count(layer, "head.projection"), CLASSES * CLASSES);
    mf_layer_free(layer);
    mf_builder_free(builder);
}

/* A network with the first plan does not take the snapshot of one with the second, of as many values. */
static void refuse_snapshot(units_plan plans[2])
{
    mf_network *networks[2];
    unsigned char *snapshot;
    size_t bytes = 0;

    for (int i = 0; i < 2; i++)
        networks[i] = make_units_network(&plans[i], 1, NULL);
    check_ok(mf_network_snapshot_size(networks[0], &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(networks[0], snapshot, bytes));
    check_ok(mf_network_snapshot_load(networks[0], snapshot, bytes));
    check_status(MF_STATUS_SHAPE, mf_network_snapshot_load(networks[1], snapshot, bytes));
    free(snapshot);
    mf_network_free(networks[0]);
    mf_network_free(networks[1]);
}

/* Both have the same units and parameters: M of one reads the output, that of the other a unit of the head.
 */
static void test_snapshots_of_another_input_node_are_refused(void **state)
{
    units_plan plans[2] = {body_plan(), body_plan()};

    (void)state;
    for (int i = 0; i < 2; i++) {
        plan_add(&plans[i], unit_dense(WIDTH));
        plan_add(&plans[i], scores_of(CLASSES, 0.3f));
        plans[i].head.output_node = 2;
        plans[i].head.input_node = i == 0 ? 2 : 3;
    }
    refuse_snapshot(plans);
}

static void test_snapshots_of_a_map_for_similarities_are_refused(void **state)
{
    units_plan plans[2] = {body_plan(), body_plan()};

    (void)state;
    plan_add(&plans[0], scores_of(CLASSES, 0.3f));
    plan_add(&plans[1], unit_dense(CLASSES));
    plans[1].head.similarity = 0.5f;
    refuse_snapshot(plans);
}

/* ---- what is refused ---- */

static void refuse(mf_status expected, units_plan plan, const char *part)
{
    check_head_refused(&plan, expected, part);
}

static void test_wrong_weights_are_refused(void **state)
{
    const float weights[] = {-0.1f, NAN, INFINITY, 2e30f, 1e-40f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(weights); i++) {
        units_plan plan = body_plan();
        mf_unit_spec unit = scores_of(CLASSES, weights[i]);

        check_unit_refused(make_builder(&plan, NULL), MF_STATUS_ARGUMENT, &unit,
                           "unit 3: loss_weight must be");
        unit = scores_of(CLASSES, 0.0f);
        unit.reserved4 = 1;
        check_unit_refused(make_builder(&plan, NULL), MF_STATUS_ARGUMENT, &unit, "reserved must be 0, got 1");
    }
}

static void test_wrong_places_are_refused(void **state)
{
    units_plan plan = auxiliary_plan(1.0f, 0.3f);

    (void)state;
    plan.head.input_node = MF_NODE_PREVIOUS;
    refuse(MF_STATUS_ARGUMENT, plan,
           "unit 3 is an auxiliary head: it must be behind input_node, the node that M reads, which is 6 "
           "since none was given");
    plan.head.input_node = 4;
    refuse(MF_STATUS_ARGUMENT, plan, "unit 3 is an auxiliary head: it must be behind input_node");
    plan.head.input_node = 7;
    refuse(MF_STATUS_ARGUMENT, plan, "there is no input_node 7, the last unit has node 6");
    plan.head.input_node = 0;
    refuse(MF_STATUS_ARGUMENT, plan, "input_node 0 is no unit's");
    plan.head.input_node = 1;
    plan.head.output_node = 2;
    refuse(MF_STATUS_ARGUMENT, plan, "M reads input_node 1, which is before output_node 2");
    plan.head.input_node = 2;
    plan.head.reserved3 = 1;
    refuse(MF_STATUS_ARGUMENT, plan, "reserved must be 0, got 1");
    plan = auxiliary_plan(1.0f, 0.3f);
    plan.units[3].inputs[0] = 3;
    refuse(MF_STATUS_ARGUMENT, plan, "unit 3 is an auxiliary head, no unit may read it");
    plan = auxiliary_plan(1.0f, 0.3f);
    plan.units[3].inputs[0] = 1;
    refuse(MF_STATUS_ARGUMENT, plan,
           "unit 4 is the head's, since it is behind output_node 2, and reads node 1");
    plan = auxiliary_plan(1.0f, 0.0f); /* then unit 6 is as any other, and leads nowhere */
    refuse(MF_STATUS_ARGUMENT, plan, "no unit reads node 6; only the node that M reads and auxiliary heads");
    plan = auxiliary_plan(1.0f, 0.3f);
    plan.head.similarity = 0.5f;
    refuse(MF_STATUS_ARGUMENT, plan, "unit 6 is an auxiliary head");
}

/* Units 2 and 3 read unit 1, M reads the latter, and something that is computed in training alone the former.
 */
static void refuse_in_between(mf_unit_spec reader, float similarity)
{
    units_plan plan = plan_row(INPUTS, CLASSES);

    plan_add(&plan, unit_dense(WIDTH));
    plan_add(&plan, unit_dense(WIDTH));
    plan_add(&plan, unit_reading(unit_dense(5), 1));
    plan_add(&plan, unit_reading(reader, 2));
    plan.head.output_node = 1;
    plan.head.input_node = 3;
    plan.head.similarity = similarity;
    refuse(
        MF_STATUS_ARGUMENT, plan,
        "M does not need unit 2, only what is computed in training alone does: it must be behind input_node, "
        "the node that M reads, which is 3");
    plan.units[2].inputs[0] = 2;
    mf_layer_free(make_units(&plan)); /* M needs it */
}

static void test_units_that_m_does_not_need_are_refused_before_its_node(void **state)
{
    (void)state;
    refuse_in_between(scores_of(CLASSES, 1.0f), 0.0f);
    refuse_in_between(unit_dense(5), 0.5f);
}

static void test_wrong_scores_are_refused(void **state)
{
    units_plan plan = auxiliary_plan(1.0f, 0.3f), sequence = plan_sequence(3, 4, CLASSES);

    (void)state;
    plan.units[5].outputs = CLASSES + 1;
    refuse(MF_STATUS_SHAPE, plan,
           "unit 6, an auxiliary head, gives 5 scores at 1 positions of a row, the layer's "
           "head 4 at 1");
    plan_add(&sequence, unit_dense(4));
    plan_add(&sequence, scores_of(CLASSES, 1.0f));
    sequence.head.input_node = 1;
    refuse(MF_STATUS_SHAPE, sequence, "gives 4 scores at 3 positions of a row, the layer's head 4 at 1");
    sequence.head.kind = MF_HEAD_POSITIONS;
    mf_layer_free(make_units(&sequence));
    sequence.count = 1;
    plan_add(&sequence, unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&sequence, scores_of(CLASSES, 1.0f));
    refuse(MF_STATUS_SHAPE, sequence, "gives 4 scores at 1 positions of a row, the layer's head 4 at 3");
}

static void test_wrong_files_are_refused(void **state)
{
    static const struct {
        mf_status status;
        const char *from, *to;
    } changes[] = {
        {MF_STATUS_OK, "", ""},
        {MF_STATUS_OK, "\\\"loss_weight\\\":\\\"0.3\\\"", "\\\"loss_weight\\\":\\\"7\\\""},
        {MF_STATUS_FORMAT, "\"format_version\":\"6\"", "\"format_version\":\"5\""},
        {MF_STATUS_FORMAT, "\\\"loss_weight\\\":\\\"0.3\\\"", "\\\"loss_weight\\\":\\\"-1\\\""},
        {MF_STATUS_FORMAT, "\\\"loss_weight\\\":\\\"0.3\\\"", "\\\"loss_weight\\\":\\\"nan\\\""},
        {MF_STATUS_FORMAT, "\\\"loss_weight\\\":\\\"0.3\\\"", "\\\"loss_weight\\\":\\\"0\\\""},
        {MF_STATUS_FORMAT, "\\\"loss_weight\\\":\\\"0.3\\\"", "\\\"loss_weight\\\":0.3"},
        {MF_STATUS_FORMAT, ",\\\"loss_weight\\\":\\\"0.3\\\"", ""},
        {MF_STATUS_FORMAT, "\\\"activation\\\":\\\"gelu\\\"",
         "\\\"activation\\\":\\\"gelu\\\",\\\"loss_weight\\\":\\\"1\\\""},
        {MF_STATUS_FORMAT, ",\\\"input\\\":2}", ""},
        {MF_STATUS_FORMAT, ",\\\"input\\\":2}", ",\\\"input\\\":0}"},
        {MF_STATUS_FORMAT, ",\\\"input\\\":2}", ",\\\"input\\\":3}"},
        {MF_STATUS_FORMAT, ",\\\"input\\\":2}", ",\\\"input\\\":4294967298}"},
    };
    units_plan plan = auxiliary_plan(1.0f, 0.3f);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    mf_network *network = make_units_network(&plan, 1, optimizer);
    size_t bytes;
    unsigned char *file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
    char *header = model_header(file, bytes);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        char *changed = changes[i].from[0] ? replaced(header, changes[i].from, changes[i].to)
                                           : replaced(header, "}", "}");

        check_model_header(changes[i].status, file, bytes, changed, NULL);
        free(changed);
    }
    free(file);
    free(header);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_reports_the_weighted_sum_and_evaluation_the_layers_head),
        cmocka_unit_test(test_beside_a_sampled_head_they_score_all_classes),
        cmocka_unit_test(test_beside_a_shared_matrix_they_add_their_gradients),
        cmocka_unit_test(test_inference_knows_nothing_of_them),
        cmocka_unit_test(test_they_learn_and_can_be_frozen),
        cmocka_unit_test(test_a_loss_that_is_not_finite_changes_nothing),
        cmocka_unit_test(test_checked_updates_are_as_others_or_none),
        cmocka_unit_test(test_the_number_of_classes_cannot_change),
        cmocka_unit_test(test_the_number_of_classes_of_a_network_cannot_change),
        cmocka_unit_test(test_shorter_specs_have_none),
        cmocka_unit_test(test_snapshots_of_another_input_node_are_refused),
        cmocka_unit_test(test_snapshots_of_a_map_for_similarities_are_refused),
        cmocka_unit_test(test_wrong_weights_are_refused),
        cmocka_unit_test(test_wrong_places_are_refused),
        cmocka_unit_test(test_units_that_m_does_not_need_are_refused_before_its_node),
        cmocka_unit_test(test_wrong_scores_are_refused),
        cmocka_unit_test(test_wrong_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
