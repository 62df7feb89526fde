/* Heads that compare similarities: what the loss is, rows that have no direction, what a step may not change,
 * and what is refused. The arithmetic is compared with the oracle in units_oracle.c and units_gradients.c.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "models.h"
#include "oracle.h"
#include "random.h"
#include "units.h"

enum { INPUTS = 3, ROWS = 4, CLASSES = 3 };

static const float identity[INPUTS * INPUTS] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

/* A layer whose output and map are its input. */
static units_plan plain_plan(float similarity)
{
    units_plan plan = plan_row(INPUTS, CLASSES);
    mf_unit_spec dense = unit_dense(INPUTS);

    dense.bias = 0;
    plan_add(&plan, dense);
    plan_add(&plan, dense);
    plan.head.similarity = similarity;
    return plan;
}

static mf_layer *plain_layer(float similarity)
{
    units_plan plan = plain_plan(similarity);
    mf_layer *layer = make_units(&plan);

    check_ok(mf_layer_set_parameter(layer, "units.1.weight", identity, INPUTS * INPUTS));
    check_ok(mf_layer_set_parameter(layer, "units.2.weight", identity, INPUTS * INPUTS));
    return layer;
}

static double loss_of(mf_layer *layer, const mf_batch *batch)
{
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    size_t count = count_gradients(layer);
    float *gradients = get_memory(count * sizeof *gradients);
    double loss;

    check_ok(mf_layer_gradients(layer, workspace, batch, NULL, gradients, count));
    for (size_t i = 0; i < count; i++)
        assert_true(isfinite(gradients[i]));
    loss = read_report(workspace, 0).loss;
    mf_workspace_free(workspace);
    free(gradients);
    return loss;
}

/* The cross-entropy of layers without similarity, and the rest by hand: (1, 2, 3) and (3, 2, 1) have the
 * cosine -1 when their means are taken away, (1, 2, 3) and (0, 0, 3) that of (-1, 0, 1) and (-1, -1, 2). */
static void test_the_loss_is_that_of_the_definition(void **state)
{
    const float x[3 * INPUTS] = {1, 2, 3, 3, 2, 1, 0, 0, 3}, weights[3] = {1.0f, 2.0f, 0.5f};
    const int32_t y[3] = {0, 1, 0};
    const double same = 3.0 / sqrt(2.0 * 6.0),
                 cosines[3][3] = {{1, -1, same}, {-1, 1, -same}, {same, -same, 1}};

    (void)state;
    for (int weighted = 0; weighted <= 1; weighted++) {
        mf_batch batch = make_batch(3, x, y);
        mf_layer *with = plain_layer(0.75f), *without = plain_layer(FLT_MIN);
        double total = weighted ? 3.5 : 3.0, loss = 0.0;

        batch.sample_weights = weighted ? weights : NULL;
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) {
                double target = y[i] == y[j] ? 1.0 : -0.5;
                double weight = weighted ? (double)(weights[i] * weights[j]) : 1.0;

                loss += weight * pow(cosines[i][j] - target, 2.0) / (total * total);
            }
        assert_true(loss > 0.05);
        check_near(0.25 * loss_of(without, &batch) + 0.75 * loss, loss_of(with, &batch), 1e-6);
        mf_layer_free(with);
        mf_layer_free(without);
    }
}

/* A single row is like itself, so its loss is the cross-entropy's part. */
static void test_a_single_row_has_nothing_to_be_compared_with(void **state)
{
    const float x[INPUTS] = {1, -2, 0.5f};
    const int32_t y = 2;
    mf_batch batch = make_batch(1, x, &y);
    mf_layer *with = plain_layer(0.5f), *without = plain_layer(FLT_MIN);

    (void)state;
    check_near(0.5 * loss_of(without, &batch), loss_of(with, &batch), 1e-6);
    mf_layer_free(with);
    mf_layer_free(without);
}

/* Rows of zeros, of any other number, and of numbers that differ by next to nothing: cosine 0 with all. */
static void test_rows_without_a_direction_give_no_gradient(void **state)
{
    const float levels[] = {0.0f, 1000.1f, -1e30f, 1e-42f};
    const int32_t y[2] = {1, 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        const float level = levels[i], x[2 * INPUTS] = {level, level, level, 1, 2, 3};
        mf_batch batch = make_batch(2, x, y);
        mf_layer *with = plain_layer(0.5f), *without = plain_layer(FLT_MIN);
        const float zeros[CLASSES * INPUTS] = {0};

        check_ok(mf_layer_set_parameter(with, "head.projection", zeros, CLASSES * INPUTS));
        check_ok(mf_layer_set_parameter(without, "head.projection", zeros, CLASSES * INPUTS));
        /* (0 - 1)^2 of the row with itself, 0.5^2 of both pairs */
        check_near(0.5 * loss_of(without, &batch) + 0.5 * 1.5 / 4.0, loss_of(with, &batch), 1e-6);
        mf_layer_free(with);
        mf_layer_free(without);
    }
}

/* Images of one value make maps that are the same everywhere, but for rounding, of convolutions of every
 * kind: their deviation is 0, and so is their cosine with all others. */
static void test_even_maps_have_no_direction(void **state)
{
    const size_t sides[] = {3, 5, 16, 40}, filters[] = {3, 8};
    const float levels[] = {0.0f, 0.3f, 0.7f, 12345.678f};
    const int32_t y[2] = {1, 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sides) * COUNT_OF(filters) * COUNT_OF(levels); i++) {
        size_t side = sides[i % 4], area = side * side, count = filters[i / 4 % 2],
               kernel = side == 3 ? 1 : 3;
        float *x = get_memory(2 * area * sizeof *x);
        mf_batch batch = make_batch(2, x, y);
        double losses[2];

        for (size_t v = 0; v < 2 * area; v++)
            x[v] = levels[v < area ? i / 8 : 0];
        for (int with = 0; with <= 1; with++) {
            units_plan plan = plan_maps(1, side, side, CLASSES);

            plan.head.projection_init = MF_INIT_ZERO;
            plan.head.similarity = with ? 0.5f : FLT_MIN;
            plan_add(&plan, unit_conv(count, kernel, 0));
            plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
            plan_add(&plan, unit_conv(count, side < 6 ? 1 : 3, 0));
            mf_layer *layer = make_units(&plan);

            losses[with] = loss_of(layer, &batch);
            mf_layer_free(layer);
        }
        check_near(0.5 * losses[0] + 0.5 * (1.0 + 1.0 + 0.25 + 0.25) / 4.0, losses[1], 1e-6);
        free(x);
    }
}

/* Numbers that are too large are told before anything has changed. */
static void test_what_is_not_finite_changes_nothing(void **state)
{
    const float large[] = {3e38f, 1e30f};

    (void)state;
    for (int maps = 0; maps <= 1; maps++) {
        units_plan plan = maps ? plan_maps(1, 2, 2, CLASSES) : plan_row(4, CLASSES);
        test_random random = {3};
        float x[ROWS * 4], weight[9 * 4 * 3];
        int32_t y[ROWS];
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.1);
        size_t count = 0;

        plan_add(&plan, maps ? unit_conv(3, 1, 0) : unit_dense(4));
        plan_add(&plan, maps ? unit_conv(4, 1, 0) : unit_dense(5));
        plan.head.similarity = 0.5f;
        mf_network *network = make_units_network(&plan, 1, optimizer);
        mf_layer *layer = layer_at(network, 0);
        mf_workspace *workspace = make_network_workspace(network, ROWS);
        random_values(&random, x, ROWS * 4, 1.0);
        random_labels(&random, y, ROWS, CLASSES);
        free(read_parameter(layer, "units.2.weight", &count));
        for (size_t i = 0; i < count; i++)
            weight[i] = large[maps] * (i % 2 ? 1.0f : -1.0f);
        check_ok(mf_layer_set_parameter(layer, "units.2.weight", weight, count));
        for (size_t i = 0; i < ROWS * 4; i++)
            x[i] *= 100.0f;
        saved_values before = save_network_values(network);
        check_status(MF_STATUS_NUMERIC, mf_network_step(network, workspace, ROWS, x, y));
        check_message("layer 0: the loss of the similarities is not finite");
        saved_values after = save_network_values(network);
        assert_true(same_values(&before, &after));
        free_saved_values(&before);
        free_saved_values(&after);
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_optimizer_free(optimizer);
    }
}

/* Scores and evaluation do not know of the map. */
static void test_the_map_has_no_part_in_inference(void **state)
{
    units_plan plan = plain_plan(0.9f), bare = plain_plan(0.0f);
    mf_network *networks[2];
    const float x[2 * INPUTS] = {1, 2, 3, -1, 0, 1};
    float goodness[2][2 * CLASSES];
    const int32_t y[2] = {0, 2};
    double loss[2];
    mf_memory memory[2] = {{.struct_size = sizeof memory[0]}, {.struct_size = sizeof memory[0]}};

    (void)state;
    bare.count = 1;
    networks[0] = make_units_network(&plan, 1, NULL);
    networks[1] = make_units_network(&bare, 1, NULL);
    for (int i = 0; i < 2; i++) {
        mf_workspace *workspace = make_network_workspace(networks[i], 2);
        mf_builder *builder = make_builder(i ? &bare : &plan, NULL);

        check_ok(mf_network_memory_built(&builder, 1, NULL, MF_WORKSPACE_INFERENCE, 2, &memory[i]));
        check_ok(mf_network_goodness(networks[i], workspace, MF_PREDICT_LAST, 2, x, goodness[i]));
        check_ok(mf_network_evaluate(networks[i], workspace, 2, x, y));
        loss[i] = read_report(workspace, 0).loss;
        mf_builder_free(builder);
        mf_workspace_free(workspace);
        mf_network_free(networks[i]);
    }
    assert_memory_equal(goodness[0], goodness[1], sizeof goodness[0]);
    assert_true(loss[0] == loss[1]);
    assert_in_range(memory[0].workspace - memory[1].workspace, 0, 128); /* a place in the list of stages */
}

/* Similarity beside sampled scores: the labels of rows stay those of the batch. */
static void test_sampled_heads_compare_too(void **state)
{
    units_plan plans[2] = {plain_plan(0.5f), plain_plan(0.5f)};
    const float x[3 * INPUTS] = {1, 2, 3, 3, 2, 1, 0, 0, 3};
    const int32_t y[3] = {2, 1, 2};
    mf_batch batch = make_batch(3, x, y);
    double loss[2];

    (void)state;
    plans[1].head.sampling = MF_SAMPLING_UNIFORM;
    plans[1].head.candidates = CLASSES; /* each once: the same scores in another order */
    for (int i = 0; i < 2; i++) {
        mf_layer *layer = make_units(&plans[i]);
        loss[i] = loss_of(layer, &batch);
        mf_layer_free(layer);
    }
    check_near(loss[0], loss[1], 1e-6);
}

/* ---- what is refused ---- */

static void refuse(mf_status expected, units_plan plan, const char *part)
{
    check_head_refused(&plan, expected, part);
}

static void test_wrong_heads_are_refused(void **state)
{
    const float rates[] = {1.0f, -0.1f, NAN, INFINITY, 1e-40f};
    units_plan plan = plain_plan(0.5f), single = plan, narrow = plan, phi = plan, sequence, behind = plan;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rates); i++)
        refuse(MF_STATUS_ARGUMENT, plain_plan(rates[i]), "similarity must be");
    plan.head.reserved2 = 1;
    refuse(MF_STATUS_ARGUMENT, plan, "reserved must be 0, got 1");
    single.count = 1;
    refuse(MF_STATUS_ARGUMENT, single, "similarity 0.5: the only unit would be the map for it");
    narrow.units[1].outputs = 2;
    refuse(MF_STATUS_SHAPE, narrow, "similarity 0.5: its map must give 3 values or maps, or more, got 2");
    phi.units[1] = unit_activation(MF_ACTIVATION_RELU);
    refuse(MF_STATUS_ARGUMENT, phi, "must be dense or a convolution, got activation");
    behind.head.output_node = 2;
    refuse(MF_STATUS_ARGUMENT, behind,
           "no output_node 2, the last unit before the map for similarities has node 1");
    plan_add(&behind, unit_reading(unit_dense(4), 0));
    refuse(MF_STATUS_ARGUMENT, behind, "reads node 0");
    sequence = plan_sequence(3, 4, CLASSES);
    plan_add(&sequence, unit_dense(4));
    plan_add(&sequence, unit_dense(5));
    sequence.head.similarity = 0.5f;
    refuse(MF_STATUS_SHAPE, sequence, "similarity compares rows or maps");
    sequence.head.kind = MF_HEAD_POSITIONS;
    refuse(MF_STATUS_ARGUMENT, sequence, "a head for positions compares no rows");
}

static void test_wrong_files_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\\\"similarity\\\":\\\"0.5\\\"", "\\\"similarity\\\":\\\"1\\\""},
        {"\\\"similarity\\\":\\\"0.5\\\"", "\\\"similarity\\\":\\\"-1\\\""},
        {"\\\"similarity\\\":\\\"0.5\\\"", "\\\"similarity\\\":\\\"nan\\\""},
        {"\\\"similarity\\\":\\\"0.5\\\"", "\\\"similarity\\\":0.5"},
        {",\\\"similarity\\\":\\\"0.5\\\"", ""}, /* M would read the map, which has 2 more values */
    };
    units_plan plan = plain_plan(0.5f);
    size_t bytes;

    (void)state;
    plan.units[1].outputs = INPUTS + 2;
    mf_network *network = make_units_network(&plan, 1, NULL);
    unsigned char *file = model_save(network, MF_CONTENTS_MODEL, &bytes);
    char *header = model_header(file, bytes);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        char *changed = replaced(header, changes[i].from, changes[i].to);
        check_model_header(MF_STATUS_FORMAT, file, bytes, changed, NULL);
        free(changed);
    }
    free(file);
    free(header);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_loss_is_that_of_the_definition),
        cmocka_unit_test(test_a_single_row_has_nothing_to_be_compared_with),
        cmocka_unit_test(test_rows_without_a_direction_give_no_gradient),
        cmocka_unit_test(test_even_maps_have_no_direction),
        cmocka_unit_test(test_what_is_not_finite_changes_nothing),
        cmocka_unit_test(test_the_map_has_no_part_in_inference),
        cmocka_unit_test(test_sampled_heads_compare_too),
        cmocka_unit_test(test_wrong_heads_are_refused),
        cmocka_unit_test(test_wrong_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
