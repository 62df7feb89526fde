/* Layers of several units in model files: training that goes on from a file has the bits of training that was
 * never interrupted, and what was loaded describes itself as what was saved. SPDX-License-Identifier: MIT */
#include "models.h"
#include "training_fixture.h"
#include "units.h"

enum { STOP = 5 };

static mf_network *through_buffer(const mf_network *network, int32_t contents)
{
    size_t bytes;
    void *file = model_save(network, contents, &bytes);
    mf_network *loaded = model_load(contents, file, bytes);

    free(file);
    return loaded;
}

static void steps(const training_fixture *s, mf_network *network, size_t first, size_t end)
{
    mf_workspace *workspace = make_network_workspace(network, ROWS);

    for (size_t t = first; t < end; t++) {
        mf_batch batch = batch_of(s, t);

        check_ok(mf_network_step_batch(network, workspace, &batch));
    }
    mf_workspace_free(workspace);
}

/* What a host has set is in the file as well. */
static void change(mf_network *network)
{
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "units.1.weight", 0));
    check_ok(mf_layer_set_trainable(layer_at(network, 1), "units.5.mean", 0));
    check_ok(mf_layer_set(layer_at(network, 3), MF_LAYER_LABEL_SMOOTHING, 0.1));
}

static void check_same_units(const mf_layer *one, const mf_layer *other)
{
    mf_head_spec heads[2] = {{.struct_size = sizeof heads[0]}, {.struct_size = sizeof heads[0]}};
    mf_layer_spec specs[2] = {{.struct_size = sizeof specs[0]}, {.struct_size = sizeof specs[0]}};
    size_t count = 0, again = 0;

    check_ok(mf_layer_unit_count(one, &count));
    check_ok(mf_layer_unit_count(other, &again));
    assert_int_equal(count, again);
    for (size_t n = 1; n <= count; n++) {
        mf_unit_spec units[2] = {{.struct_size = sizeof units[0]}, {.struct_size = sizeof units[0]}};
        mf_shape shapes[2] = {{.struct_size = sizeof shapes[0]}, {.struct_size = sizeof shapes[0]}};

        check_ok(mf_layer_unit(one, (int32_t)n, &units[0], &shapes[0]));
        check_ok(mf_layer_unit(other, (int32_t)n, &units[1], &shapes[1]));
        check_same_unit(&units[0], &units[1]);
        check_shape(&shapes[1], shapes[0].rank, shapes[0].dims[0], shapes[0].dims[1], shapes[0].dims[2]);
    }
    check_ok(mf_layer_head(one, &heads[0]));
    check_ok(mf_layer_head(other, &heads[1]));
    check_same_head(&heads[0], &heads[1]);
    check_ok(mf_layer_describe(one, &specs[0]));
    check_ok(mf_layer_describe(other, &specs[1]));
    check_same_spec(&specs[0], &specs[1]);
}

/* What was interrupted at `STOP`, with any optimizer, goes on from its file. */
static void check_resuming(training_fixture *(*make)(const rule *how), const char *frozen)
{
    for (size_t r = 0; r < RULES; r++) {
        training_fixture *whole = make(&rules[r]), *half = make(&rules[r]);
        mf_network *rest;

        check_ok(mf_layer_set_trainable(layer_at(whole->network, 1), frozen, 0));
        check_ok(mf_layer_set_trainable(layer_at(half->network, 1), frozen, 0));
        steps(whole, whole->network, 0, BATCHES);
        steps(half, half->network, 0, STOP);
        rest = through_buffer(half->network, MF_CONTENTS_TRAINING);
        for (size_t i = 0; i < LAYERS; i++)
            check_same_units(layer_at(half->network, i), layer_at(rest, i));
        steps(half, rest, STOP, BATCHES);
        check_same_model(whole->network, rest);
        mf_network_free(rest);
        free_training_fixture(whole);
        free_training_fixture(half);
    }
}

static void test_training_of_sequences_resumes_from_a_file(void **state)
{
    (void)state;
    check_resuming(make_sequence_fixture, "units.1.scale");
    check_resuming(make_positions_fixture, "units.1.weight");
    check_resuming(make_tokens_fixture, "units.1.bias");
    check_resuming(make_shared_fixture, "units.1.bias");
    check_resuming(make_auxiliary_fixture, "units.3.weight");
}

static void test_training_resumes_from_a_file(void **state)
{
    (void)state;
    for (size_t r = 0; r < RULES; r++) {
        training_fixture *whole = make_units_fixture(&rules[r]), *half = make_units_fixture(&rules[r]);
        mf_network *rest;

        change(whole->network);
        change(half->network);
        steps(whole, whole->network, 0, BATCHES);
        steps(half, half->network, 0, STOP);
        rest = through_buffer(half->network, MF_CONTENTS_TRAINING);
        check_same_model(half->network, rest);
        steps(half, rest, STOP, BATCHES);
        check_same_model(whole->network, rest);
        mf_network_free(rest);
        free_training_fixture(whole);
        free_training_fixture(half);
    }
}

/* A file after every step. */
static void test_training_resumes_from_a_file_of_every_step(void **state)
{
    training_fixture *whole = make_units_fixture(&rules[4]), *half = make_units_fixture(&rules[4]);
    mf_network *now = through_buffer(half->network, MF_CONTENTS_TRAINING);

    (void)state;
    steps(whole, whole->network, 0, BATCHES);
    for (size_t t = 0; t < BATCHES; t++) {
        mf_network *next;

        steps(half, now, t, t + 1);
        next = through_buffer(now, MF_CONTENTS_TRAINING);
        mf_network_free(now);
        now = next;
    }
    check_same_model(whole->network, now);
    mf_network_free(now);
    free_training_fixture(whole);
    free_training_fixture(half);
}

/* Sequential, then a file, then a pipeline, a file, and sequential again. */
static void test_a_pipeline_resumes(void **state)
{
    training_fixture *whole = make_units_fixture(&rules[3]), *half = make_units_fixture(&rules[3]);
    mf_network *second, *third;
    mf_pipeline *pipeline;

    (void)state;
    steps(whole, whole->network, 0, BATCHES);
    steps(half, half->network, 0, 3);
    second = through_buffer(half->network, MF_CONTENTS_TRAINING);
    pipeline = make_pipeline(second, 2, 0);
    for (size_t t = 3; t < 8; t++) {
        mf_batch batch = batch_of(half, t);

        check_ok(mf_pipeline_submit_batch(pipeline, &batch));
    }
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
    third = through_buffer(second, MF_CONTENTS_TRAINING);
    steps(half, third, 8, BATCHES);
    check_same_model(whole->network, third);
    mf_network_free(second);
    mf_network_free(third);
    free_training_fixture(whole);
    free_training_fixture(half);
}

/* ---- descriptions ---- */

static void test_a_loaded_model_gives_the_same_scores(void **state)
{
    training_fixture *s = make_units_fixture(&rules[3]);
    mf_network *loaded;
    mf_workspace *workspace;
    float expected[ROWS * CLASSES], got[ROWS * CLASSES];

    (void)state;
    steps(s, s->network, 0, 4);
    loaded = through_buffer(s->network, MF_CONTENTS_MODEL);
    workspace = make_network_workspace(loaded, ROWS);
    for (size_t i = 0; i < LAYERS; i++)
        check_same_units(layer_at(s->network, i), layer_at(loaded, i));
    check_ok(mf_network_goodness(s->network, s->workspace, MF_PREDICT_SUM, ROWS, s->x[0], expected));
    check_ok(mf_network_goodness(loaded, workspace, MF_PREDICT_SUM, ROWS, s->x[0], got));
    assert_memory_equal(expected, got, sizeof got);
    mf_workspace_free(workspace);
    mf_network_free(loaded);
    free_training_fixture(s);
}

/* A network of that layer says the same when it was loaded. */
static void check_saved(const units_plan *plan)
{
    mf_network *network, *loaded;

    network = make_units_network(plan, 1, NULL);
    loaded = through_buffer(network, MF_CONTENTS_MODEL);
    check_same_units(layer_at(network, 0), layer_at(loaded, 0));
    mf_network_free(network);
    mf_network_free(loaded);
}

/* Every kind of unit with values that are no defaults, and the largest shapes of sums. */
static void test_every_field_of_a_unit_is_saved(void **state)
{
    units_plan plan = plan_maps(2, 7, 6, CLASSES);
    mf_unit_spec conv = unit_conv(4, 2, 1), pool = unit_pool(MF_POOL_MAX, 2), norm = unit_norm(),
                 phi = unit_activation(MF_ACTIVATION_LEAKY_RELU);

    (void)state;
    conv.kernel[1] = 3;
    conv.stride[0] = 2;
    conv.groups = 2;
    conv.bias = 0;
    conv.weight_init = MF_INIT_ORTHOGONAL;
    conv.weight_gain = 1.5f;
    pool.stride[1] = 1;
    pool.padding[0] = 1;
    norm.normalization_rate = 0.3f;
    norm.normalization_epsilon = 1e-3f;
    norm.bias = 0;
    phi.leak = 0.3f;
    plan_add(&plan, conv);
    plan_add(&plan, norm);
    plan_add(&plan, phi);
    plan_add(&plan, pool);
    plan_add(&plan, unit_dropout(0.1f, 1));
    plan_add(&plan, unit_add(4, 5));
    plan_add(&plan, unit_conv(3, 1, 0));
    plan.head.similarity = 0.99f;
    plan.head.pool_size = 2;
    plan.head.projection_init = MF_INIT_NORMAL;
    plan.head.projection_gain = 0.7f;
    plan.head.label_smoothing = 0.1f;
    plan.dropout = 0.4f;
    plan.dropout_maps = 1;
    check_saved(&plan);
}

static void test_every_field_of_an_embedding_is_saved(void **state)
{
    units_plan plan = plan_row(6, CLASSES);
    mf_unit_spec embedding = unit_embedding(9, 4);

    (void)state;
    embedding.weight_init = MF_INIT_NORMAL;
    embedding.weight_gain = 0.3f;
    plan_add(&plan, embedding);
    plan_add(&plan, unit_reading(unit_embedding(7, 4), 0));
    plan_add(&plan, unit_add(1, 2));
    check_saved(&plan);
}

/* The same of units that read sequences, and of a head for positions. */
static void test_every_field_of_a_unit_of_sequences_is_saved(void **state)
{
    units_plan plan = plan_maps(2, 4, 3, CLASSES);
    mf_unit_spec norm = unit_of(MF_UNIT_LAYER_NORM), where = unit_of(MF_UNIT_POSITIONS);

    (void)state;
    norm.normalization_epsilon = 1e-3f;
    norm.bias = 0;
    where.weight_init = MF_INIT_NORMAL;
    where.weight_gain = 0.2f;
    plan.head.kind = MF_HEAD_POSITIONS;
    plan_add(&plan, unit_of(MF_UNIT_TOKENS));
    plan_add(&plan, where);
    plan_add(&plan, norm);
    plan_add(&plan, unit_dense(18));
    plan_add(&plan, unit_attention(3, 1));
    plan_add(&plan, unit_concat(MF_NODE_PREVIOUS, 1));
    plan_add(&plan, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    check_saved(&plan);
    plan.head.kind = MF_HEAD_LINEAR;
    plan_add(&plan, unit_of(MF_UNIT_FLATTEN));
    plan_add(&plan, unit_reading(unit_of(MF_UNIT_FLATTEN), 1));
    plan_add(&plan, unit_concat(9, 10));
    check_saved(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_resumes_from_a_file),
        cmocka_unit_test(test_training_of_sequences_resumes_from_a_file),
        cmocka_unit_test(test_training_resumes_from_a_file_of_every_step),
        cmocka_unit_test(test_a_pipeline_resumes),
        cmocka_unit_test(test_a_loaded_model_gives_the_same_scores),
        cmocka_unit_test(test_every_field_of_a_unit_is_saved),
        cmocka_unit_test(test_every_field_of_a_unit_of_sequences_is_saved),
        cmocka_unit_test(test_every_field_of_an_embedding_is_saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
