/* Embeddings: what they refuse, tokens of every type of inputs, which rows a step touches, and the bits of
 * any number of threads. What they compute is in units_oracle and units_gradients. SPDX-License-Identifier:
 * MIT */
#include <math.h>

#include "training_fixture.h"
#include "units.h"

enum { TOKENS = 6, VOCABULARY = 30, WIDTH = 5, SAMPLES = 4, SPACE = SAMPLES * TOKENS };

static units_plan tokens_plan(void)
{
    units_plan plan = plan_row(TOKENS, CLASSES);

    plan_add(&plan, unit_embedding(VOCABULARY, WIDTH));
    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    plan_add(&plan, unit_dense(3));
    return plan;
}

/* ---- what is refused ---- */

static void refuse(const units_plan *plan, mf_status expected, mf_unit_spec unit, const char *part)
{
    check_unit_refused(make_builder(plan, NULL), expected, &unit, part);
}

static void test_wrong_units_are_refused(void **state)
{
    units_plan row = plan_row(TOKENS, CLASSES), sequence = plan_sequence(5, 4, CLASSES),
               maps = plan_maps(2, 3, 4, CLASSES), behind = plan_row(TOKENS, CLASSES);
    mf_unit_spec unit = unit_embedding(VOCABULARY, WIDTH);

    (void)state;
    refuse(&sequence, MF_STATUS_SHAPE, unit, "5x4");
    refuse(&maps, MF_STATUS_SHAPE, unit, "2 maps of 3x4");
    plan_add(&behind, unit_activation(MF_ACTIVATION_RELU));
    refuse(&behind, MF_STATUS_ARGUMENT, unit, "node 0, not 1");
    refuse(&row, MF_STATUS_ARGUMENT, unit_embedding(0, WIDTH), "vocabulary");
    refuse(&row, MF_STATUS_ARGUMENT, unit_embedding(VOCABULARY, 0), "outputs");
    refuse(&row, MF_STATUS_OVERFLOW, unit_embedding((1 << 24) + 1, 1), "16777217");
    refuse(&row, MF_STATUS_OVERFLOW, unit_embedding(SIZE_MAX, 1), "");
    refuse(&row, MF_STATUS_OVERFLOW, unit_embedding(2, SIZE_MAX / 8), "");
    unit.weight_init = 9;
    refuse(&row, MF_STATUS_ARGUMENT, unit, "9");
    unit = unit_embedding(VOCABULARY, WIDTH);
    unit.weight_gain = NAN;
    refuse(&row, MF_STATUS_ARGUMENT, unit, "gain");
}

static void test_its_layer_is_the_first(void **state)
{
    units_plan plans[2] = {plan_row(4, CLASSES), tokens_plan()};
    mf_network *network;
    mf_layer *layers[2];
    uint64_t id;

    (void)state;
    plan_add(&plans[0], unit_dense(TOKENS));
    network = make_network();
    for (int i = 0; i < 2; i++)
        layers[i] = make_units(&plans[i]);
    check_ok(mf_network_append(network, layers[0], &id));
    check_status(MF_STATUS_SHAPE, mf_network_append(network, layers[1], NULL));
    check_message("must be the first");
    check_ok(mf_network_replace(network, id, layers[1]));
    check_status(MF_STATUS_SHAPE, mf_network_insert(network, 0, layers[0], NULL));
    check_message("must be the first");
    assert_ptr_equal(layer_at(network, 0), layers[1]);
    mf_network_free(network);
    for (int i = 0; i < 2; i++)
        mf_layer_free(layers[i]);
}

typedef struct trial {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    float x[SPACE];
    int32_t tokens[SPACE], y[SAMPLES];
} trial;

static trial make_trial(void)
{
    units_plan plan = tokens_plan();
    trial t = {.optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01)};
    test_random random = {4};

    t.network = make_units_network(&plan, 1, t.optimizer);
    t.workspace = make_workspace(t.network, NULL, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT, SAMPLES);
    draw_inputs(VOCABULARY, &random, t.x, SPACE);
    random_labels(&random, t.y, SAMPLES, CLASSES);
    for (size_t i = 0; i < SPACE; i++)
        t.tokens[i] = (int32_t)t.x[i];
    return t;
}

static void free_trial(trial *t)
{
    mf_workspace_free(t->workspace);
    mf_network_free(t->network);
    mf_optimizer_free(t->optimizer);
}

/* Every call that reads a batch. */
static void check_refused(trial *t, const mf_batch *batch, const char *part)
{
    mf_layer *layer = layer_at(t->network, 0);
    mf_pipeline_spec spec = pipeline_spec(t->network, 1, 0);
    mf_pipeline *pipeline = NULL;
    saved_values before = save_network_values(t->network);
    float a[SPACE * WIDTH], *gradients = get_memory(before.count * sizeof *gradients);
    mf_status got[7];

    spec.max_batch = SAMPLES;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    got[0] = mf_pipeline_submit_batch(pipeline, batch);
    check_message(part);
    check_ok(mf_pipeline_flush(pipeline));
    assert_int_equal(progress_of(pipeline).submitted, 0);
    mf_pipeline_free(pipeline);
    got[1] = mf_network_step_batch(t->network, t->workspace, batch);
    check_message(part);
    got[2] = mf_network_evaluate_batch(t->network, t->workspace, batch);
    got[3] = mf_network_infer(t->network, t->workspace, MF_PREDICT_SUM, batch, NULL, a, NULL);
    got[4] = mf_layer_step_batch(layer, t->workspace, batch, NULL);
    got[5] = mf_layer_gradients(layer, t->workspace, batch, NULL, gradients, before.count);
    got[6] = mf_layer_forward_batch(layer, t->workspace, batch, a);
    for (size_t i = 0; i < COUNT_OF(got); i++)
        check_status(MF_STATUS_ARGUMENT, got[i]);
    check_network_unchanged(&before, t->network);
    free_saved_values(&before);
    free(gradients);
}

static void test_what_is_no_token_is_refused(void **state)
{
    const float wrong[] = {-1.0f, VOCABULARY, 0.5f, VOCABULARY - 0.5f, 1e30f, -1e30f, -0.25f, 1e-40f};
    const int32_t beyond[] = {-1, VOCABULARY, INT32_MAX, INT32_MIN};
    trial t = make_trial();
    mf_batch batch = make_batch(SAMPLES, t.x, t.y);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        float kept = t.x[2 * TOKENS + 3];

        t.x[2 * TOKENS + 3] = wrong[i];
        check_refused(&t, &batch, "token 3 of row 2 is ");
        t.x[2 * TOKENS + 3] = kept;
    }
    batch.input_type = MF_TYPE_INT32;
    batch.inputs = t.tokens;
    for (size_t i = 0; i < COUNT_OF(beyond); i++) {
        t.tokens[SPACE - 1] = beyond[i];
        check_refused(&t, &batch, "token 5 of row 3 is ");
    }
    t.tokens[SPACE - 1] = VOCABULARY - 1;
    check_ok(mf_network_step_batch(t.network, t.workspace, &batch));
    free_trial(&t);
}

/* ---- tokens of every type ---- */

static void test_tokens_of_all_types_have_the_same_bits(void **state)
{
    uint8_t bytes[SPACE];
    uint16_t halves[SPACE];

    (void)state;
    for (int type = MF_TYPE_FLOAT32; type <= MF_TYPE_BF16; type++) {
        trial one = make_trial(), other = make_trial();
        const void *inputs[] = {other.x, other.tokens, bytes, halves};
        mf_batch plain = make_batch(SAMPLES, one.x, one.y), batch = make_batch(SAMPLES, NULL, other.y);
        saved_values values;

        for (size_t i = 0; i < SPACE; i++) {
            uint32_t bits;

            memcpy(&bits, &one.x[i], sizeof bits);
            bytes[i] = (uint8_t)one.tokens[i];
            halves[i] = (uint16_t)(bits >> 16);
        }
        batch.input_type = type;
        batch.inputs = inputs[type];
        batch.input_scale = type == MF_TYPE_UINT8 ? 1.0f : 0.0f;
        for (int step = 0; step < 3; step++) {
            check_ok(mf_network_step_batch(one.network, one.workspace, &plain));
            check_ok(mf_network_step_batch(other.network, other.workspace, &batch));
        }
        values = save_network_values(one.network);
        check_network_unchanged(&values, other.network);
        free_saved_values(&values);
        free_trial(&one);
        free_trial(&other);
    }
}

/* The last token that a float can tell from its neighbours. */
static void test_the_largest_vocabulary_has_all_its_tokens(void **state)
{
    enum { MOST = 1 << 24 };
    const int32_t tokens[2] = {MOST - 1, MOST - 2}, none[2] = {MOST - 1, MOST};
    float *weight = get_memory(MOST * sizeof *weight), a[2];
    units_plan plan = plan_row(2, CLASSES);
    mf_batch batch = make_batch(1, NULL, NULL);
    mf_layer *layer;
    mf_workspace *workspace;

    (void)state;
    plan_add(&plan, unit_embedding(MOST, 1));
    plan.units[0].weight_init = MF_INIT_ZERO;
    layer = make_units(&plan);
    workspace = make_workspace(NULL, layer, MF_WORKSPACE_INFERENCE + MF_WORKSPACE_CONVERT, 1);
    for (size_t i = 0; i < MOST; i++)
        weight[i] = (float)i;
    check_ok(mf_layer_set_parameter(layer, "units.1.weight", weight, MOST));
    free(weight);
    batch.input_type = MF_TYPE_INT32;
    batch.inputs = tokens;
    check_ok(mf_layer_forward_batch(layer, workspace, &batch, a));
    assert_true(a[0] == (float)(MOST - 1) && a[1] == (float)(MOST - 2));
    batch.inputs = none;
    check_status(MF_STATUS_ARGUMENT, mf_layer_forward_batch(layer, workspace, &batch, a));
    check_message("token 1 of row 0");
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

/* A network that scales its inputs scales tokens, too, and what comes of them must be tokens. */
static void test_scaled_inputs_are_tokens_then(void **state)
{
    trial t = make_trial();
    const float shift = 1.0f, scale = 1.0f, half = 0.5f;

    (void)state;
    for (size_t i = 0; i < SPACE; i++)
        t.x[i] = (float)(i % VOCABULARY) - 1.0f;
    check_ok(mf_network_set_input_scaling(t.network, &shift, &scale, 1));
    mf_workspace_free(t.workspace);
    t.workspace = make_network_workspace(t.network, SAMPLES);
    check_ok(mf_network_step(t.network, t.workspace, SAMPLES, t.x, t.y));
    check_ok(mf_network_set_input_scaling(t.network, &shift, &half, 1));
    mf_workspace_free(t.workspace);
    t.workspace = make_network_workspace(t.network, SAMPLES);
    check_status(MF_STATUS_ARGUMENT, mf_network_step(t.network, t.workspace, SAMPLES, t.x, t.y));
    check_message("token 1 of row 0 is 0.5");
    free_trial(&t);
}

/* ---- the rows of a step ---- */

static void test_other_rows_have_no_gradient_and_stand_still(void **state)
{
    trial t = make_trial();
    mf_layer *layer = layer_at(t.network, 0);
    mf_batch batch = make_batch(1, t.x, t.y);
    size_t count = count_gradients(layer), found = 0, weights = 0;
    float *gradients = get_memory(count * sizeof *gradients), *before, *after;

    (void)state;
    check_ok(mf_optimizer_set(t.optimizer, MF_OPTIMIZER_WEIGHT_DECAY, 0.1));
    check_ok(mf_network_step(t.network, t.workspace, SAMPLES, t.x, t.y)); /* momentum for more rows */
    check_ok(mf_layer_gradients(layer, t.workspace, &batch, NULL, gradients, count));
    before = read_parameter(layer, "units.1.weight", &weights);
    check_ok(mf_network_step_batch(t.network, t.workspace, &batch));
    after = read_parameter(layer, "units.1.weight", &weights);
    assert_int_equal(weights, VOCABULARY * WIDTH);
    for (size_t i = 0; i < weights; i++) {
        size_t at = 0;

        while (at < TOKENS && t.tokens[at] != (int32_t)(i / WIDTH))
            at++;
        found += at < TOKENS;
        assert_true((gradients[i] != 0.0f) == (at < TOKENS)); /* that of the embedding comes first */
        assert_true((before[i] != after[i]) == (at < TOKENS));
    }
    assert_in_range(found, 1, TOKENS * WIDTH);
    free(gradients);
    free(before);
    free(after);
    free_trial(&t);
}

static void test_a_frozen_embedding_stays(void **state)
{
    trial t = make_trial();
    mf_layer *layer = layer_at(t.network, 0);
    size_t count = 0;
    float *before, *after;

    (void)state;
    check_ok(mf_layer_set_trainable(layer, "units.1.weight", 0));
    before = read_parameter(layer, "units.1.weight", &count);
    for (int step = 0; step < 3; step++)
        check_ok(mf_network_step(t.network, t.workspace, SAMPLES, t.x, t.y));
    after = read_parameter(layer, "units.1.weight", &count);
    assert_memory_equal(before, after, count * sizeof *before);
    free(before);
    free(after);
    free_trial(&t);
}

/* ---- threads ---- */

static void test_any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r++) {
        saved_values first = {0};

        for (uint32_t threads = 0; threads <= 4; threads++) {
            training_fixture *s = make_tokens_fixture(&rules[r]);
            mf_pool *pool = NULL;
            mf_workspace_spec spec;
            mf_workspace *workspace = NULL;
            saved_values values;

            check_ok(mf_workspace_spec_init(&spec, sizeof spec));
            if (threads > 0)
                pool = make_pool(threads);
            spec.network = s->network;
            spec.max_batch = ROWS;
            spec.pool = pool;
            check_ok(mf_workspace_create(&spec, &workspace));
            for (size_t t = 0; t < BATCHES; t++) {
                mf_batch batch = batch_of(s, t);

                check_ok(mf_network_step_batch(s->network, workspace, &batch));
            }
            values = save_network_values(s->network);
            if (threads == 0) {
                first = values;
            } else {
                assert_true(same_values(&first, &values));
                free_saved_values(&values);
            }
            mf_workspace_free(workspace);
            mf_pool_free(pool);
            free_training_fixture(s);
        }
        free_saved_values(&first);
    }
}

static void fill_parameter(mf_layer *layer, const char *name, float value)
{
    size_t count;
    float *values = read_parameter(layer, name, &count);

    for (size_t i = 0; i < count; i++)
        values[i] = value;
    check_ok(mf_layer_set_parameter(layer, name, values, count));
    free(values);
}

/* A gradient that overflows on its way through W, where a product in bf16 raises no flag, and the loss does not. */
static void test_a_gradient_that_overflows_is_noticed(void **state)
{
    const float x[1] = {3.0f};
    const int32_t y[1] = {0};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);

    (void)state;
    for (int32_t precision = MF_PRECISION_FLOAT32; precision <= MF_PRECISION_BF16; precision++) {
        units_plan plan = plan_row(1, 2);
        float projection[8];

        plan.precision = precision;
        plan_add(&plan, unit_embedding(VOCABULARY, 4));
        plan_add(&plan, unit_of(MF_UNIT_FLATTEN));
        plan_add(&plan, unit_dense(4));
        plan.units[2].bias = 0;
        mf_layer *layer = make_units(&plan);
        mf_workspace *workspace = make_layer_workspace(layer, 1);
        fill_parameter(layer, "units.1.weight", 1e-30f);
        fill_parameter(layer, "units.3.weight", 1e30f);
        for (int i = 0; i < 8; i++)
            projection[i] = i < 4 ? -1e20f : 1e20f; /* class 1 has the higher score */
        check_ok(mf_layer_set_parameter(layer, "head.projection", projection, 8));
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 1, x, y, NULL));
        check_message("values of units.1.weight that are not finite: the layer must be restored");
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    mf_optimizer_free(optimizer);
}

/* Also by steps that do not touch the rows that have overflowed. */
static void test_rows_that_overflowed_are_told_until_they_are_mended(void **state)
{
    const float some[4] = {0.0f, 1.0f, 2.0f, 3.0f}, others[4] = {4.0f, 5.0f, 6.0f, 7.0f};
    const int32_t y[2] = {0, 1};
    units_plan plan = plan_row(2, 2);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e30);

    (void)state;
    plan_add(&plan, unit_embedding(VOCABULARY, 4));
    mf_layer *layer = make_units(&plan);
    mf_workspace *workspace = make_layer_workspace(layer, 2);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_trainable(layer, "head.projection", 0));
    fill_parameter(layer, "units.1.weight", 0.0f);
    size_t count = 0;
    float *projection = read_parameter(layer, "head.projection", &count);
    for (size_t i = 0; i < count; i++)
        projection[i] *= 1e20f;
    check_ok(mf_layer_set_parameter(layer, "head.projection", projection, count));
    check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 2, some, y, NULL));
    check_message("must be restored");
    for (size_t i = 0; i < count; i++)
        projection[i] *= 1e-20f;
    check_ok(mf_layer_set_parameter(layer, "head.projection", projection, count));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 1e-3));
    for (int again = 0; again < 2; again++) {
        check_status(MF_STATUS_NUMERIC, mf_layer_step(layer, workspace, 2, others, y, NULL));
        check_message("must be restored");
    }
    fill_parameter(layer, "units.1.weight", 0.0f);
    check_ok(mf_layer_step(layer, workspace, 2, others, y, NULL));
    free(projection);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_units_are_refused),
        cmocka_unit_test(test_its_layer_is_the_first),
        cmocka_unit_test(test_what_is_no_token_is_refused),
        cmocka_unit_test(test_tokens_of_all_types_have_the_same_bits),
        cmocka_unit_test(test_the_largest_vocabulary_has_all_its_tokens),
        cmocka_unit_test(test_scaled_inputs_are_tokens_then),
        cmocka_unit_test(test_other_rows_have_no_gradient_and_stand_still),
        cmocka_unit_test(test_a_frozen_embedding_stays),
        cmocka_unit_test(test_any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(test_a_gradient_that_overflows_is_noticed),
        cmocka_unit_test(test_rows_that_overflowed_are_told_until_they_are_mended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
