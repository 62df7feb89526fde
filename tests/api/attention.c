/* Attention of more positions than a block has, against the oracle; what a causal mask hides, bit by bit; its
 * scratch; huge scores; what it refuses. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "memory.h"
#include "oracle_case_units.h"

enum { CLASSES = 3 };

static units_plan attending(size_t positions, size_t width, size_t heads, int32_t causal)
{
    units_plan plan = plan_sequence(positions, 4, CLASSES);

    plan_add(&plan, unit_dense(3 * heads * width));
    plan_add(&plan, unit_attention(heads, causal));
    return plan;
}

/* ---- the oracle ---- */

/* Numbers of positions around those of a block, in one head and in several. */
static void test_all_sizes_match_the_oracle(void **state)
{
    const size_t positions[] = {1, 2, 63, 64, 65, 127, 129, 200};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(positions); i++)
        for (int32_t causal = 0; causal <= 1; causal++)
            for (size_t heads = 1; heads <= 3; heads += 2) {
                char name[80];
                units_case one = {.name = name,
                                  .plan = attending(positions[i], 1 + i, heads, causal),
                                  .seed = 10 + i,
                                  .max_rows = 3,
                                  .steps = 2};

                snprintf(name, sizeof name, "%zu positions, %zu heads%s", positions[i], heads,
                         causal ? ", causal" : "");
                assert_true(run_units_case(&one));
            }
}

/* The layer's input itself holds queries, keys and values, with gaps between the rows. */
static void test_attention_reads_rows_apart(void **state)
{
    (void)state;
    for (int32_t causal = 0; causal <= 1; causal++) {
        units_case one = {.name = "attention first", .seed = 5, .max_rows = 4, .gap = 7};

        one.plan = plan_sequence(70, 12, CLASSES);
        plan_add(&one.plan, unit_attention(2, causal));
        plan_add(&one.plan, unit_dense(3));
        assert_true(run_units_case(&one));
    }
}

/* ---- a causal mask ---- */

enum { POSITIONS = 150, WIDTH = 6, ROWS = 2 };

/* Two blocks of a transformer in one layer: what a position sees of others goes through both. */
static mf_layer *two_blocks(int32_t causal)
{
    units_plan plan = plan_sequence(POSITIONS, WIDTH, CLASSES);

    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    for (int block = 0; block < 2; block++) {
        int32_t from = (int32_t)plan.count;

        plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
        plan_add(&plan, unit_dense(3 * WIDTH));
        plan_add(&plan, unit_attention(2, causal));
        plan_add(&plan, unit_dense(WIDTH));
        plan_add(&plan, unit_add(MF_NODE_PREVIOUS, from));
    }
    return make_units(&plan);
}

static void forward(const mf_layer *layer, mf_workspace *workspace, const float *x, float *a)
{
    check_ok(mf_layer_forward(layer, workspace, ROWS, x, a));
}

/* 1 if positions before `t` of both rows have the same bits. */
static int same_past(const float *one, const float *other, size_t t)
{
    for (size_t row = 0; row < ROWS; row++)
        if (memcmp(one + row * POSITIONS * WIDTH, other + row * POSITIONS * WIDTH, t * WIDTH * sizeof *one) !=
            0)
            return 0;
    return 1;
}

static void test_the_future_leaves_the_past_alone(void **state)
{
    const size_t places[] = {1, 2, 31, 63, 64, 65, 100, 127, 128, 129, POSITIONS - 1};
    static float x[ROWS * POSITIONS * WIDTH], changed[ROWS * POSITIONS * WIDTH],
        before[ROWS * POSITIONS * WIDTH], after[ROWS * POSITIONS * WIDTH];
    test_random random = {9};

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    for (int32_t causal = 0; causal <= 1; causal++) {
        mf_layer *layer = two_blocks(causal);
        mf_workspace *workspace = make_layer_workspace(layer, ROWS);

        forward(layer, workspace, x, before);
        for (size_t i = 0; i < COUNT_OF(places); i++) {
            memcpy(changed, x, sizeof x);
            for (size_t row = 0; row < ROWS; row++)
                random_values(&random, changed + (row * POSITIONS + places[i]) * WIDTH,
                              (POSITIONS - places[i]) * WIDTH, 50.0);
            forward(layer, workspace, changed, after);
            assert_int_equal(same_past(before, after, places[i]), causal);
            assert_false(same_past(before, after, places[i] + 1)); /* the change has an effect */
        }
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
}

/* Values of later positions overflow: 0 times infinity must not be seen. */
static void test_a_future_that_overflows_leaves_the_past_alone(void **state)
{
    const size_t places[] = {1, 31, 63, 64, 100};
    static float x[ROWS * POSITIONS * WIDTH], before[ROWS * POSITIONS * WIDTH],
        after[ROWS * POSITIONS * WIDTH];
    units_plan plan = plan_sequence(POSITIONS, WIDTH, CLASSES);
    mf_unit_spec large = unit_dense(3 * WIDTH);
    test_random random = {10};

    (void)state;
    large.weight_gain = 8.0f;
    plan_add(&plan, large);
    plan_add(&plan, unit_attention(2, 1));
    mf_layer *layer = make_units(&plan);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);

    for (size_t i = 0; i < COUNT_OF(places); i++) {
        size_t past = places[i] * WIDTH;

        random_values(&random, x, COUNT_OF(x), 1.0);
        forward(layer, workspace, x, before);
        for (size_t v = 0; v < COUNT_OF(x); v++)
            if (v % (POSITIONS * WIDTH) >= past)
                x[v] = v % 2 ? 3e38f : -3e38f;
        forward(layer, workspace, x, after);
        for (size_t v = 0; v < COUNT_OF(x); v++)
            if (v % (POSITIONS * WIDTH) < past)
                assert_memory_equal(&before[v], &after[v], sizeof *after);
        assert_false(isfinite(after[past]));
    }
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

/* ---- memory ---- */

/* All scores of a batch would take B heads T T values; the workspace holds far less. */
static void test_scores_are_never_there_at_once(void **state)
{
    enum { LONG = 2048, HEADS = 4, MANY = 16 };
    units_plan plan = attending(LONG, 4, HEADS, 0);
    mf_builder *builder = make_builder(&plan, NULL);
    mf_builder *list[] = {builder};
    mf_memory one = {.struct_size = sizeof one}, many = {.struct_size = sizeof many};
    size_t of_one = (size_t)HEADS * LONG * LONG * sizeof(float);

    (void)state;
    check_ok(mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, 1, &one));
    check_ok(mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, MANY, &many));
    assert_true(one.workspace < of_one / 8);
    assert_true(many.workspace - one.workspace < (MANY - 1) * (of_one / 16));
    mf_builder_free(builder);
}

/* ---- extremes ---- */

/* Scores beyond what an exponential can hold: everything goes to one position, and nothing is NaN. */
static void test_huge_scores_choose_one_position(void **state)
{
    enum { FEW = 5 };
    units_plan plan = plan_sequence(FEW, 3, CLASSES);
    mf_layer *layer;
    mf_workspace *workspace;
    float x[FEW * 3], a[FEW];

    (void)state;
    plan_add(&plan, unit_attention(1, 0));
    layer = make_units(&plan);
    workspace = make_layer_workspace(layer, 1);
    for (size_t t = 0; t < FEW; t++) {
        x[3 * t] = 1e5f;                      /* query */
        x[3 * t + 1] = t == 3 ? 1e5f : -1e5f; /* key */
        x[3 * t + 2] = (float)t;              /* value */
    }
    check_ok(mf_layer_forward(layer, workspace, 1, x, a));
    for (size_t t = 0; t < FEW; t++)
        check_near(3.0, (double)a[t], 1e-6);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

/* ---- what is refused ---- */

static void refuse(size_t values, size_t heads, int32_t causal, mf_status expected, const char *part)
{
    units_plan plan = plan_sequence(5, values, CLASSES);
    mf_builder *builder = start_builder(&plan, NULL);
    const mf_unit_spec unit = unit_attention(heads, causal);

    check_status(expected, mf_builder_unit(builder, &unit, NULL));
    check_message(part);
    mf_builder_free(builder);
}

static void test_what_does_not_divide_is_refused(void **state)
{
    (void)state;
    refuse(10, 1, 0, MF_STATUS_SHAPE, "3 x 1 values at a position, or a multiple, not 10");
    refuse(12, 3, 0, MF_STATUS_SHAPE, "an attention of 3 heads");
    refuse(12, 5, 1, MF_STATUS_SHAPE, "12");
    refuse(12, 2, 2, MF_STATUS_ARGUMENT, "causal");
    refuse(12, 2, -1, MF_STATUS_ARGUMENT, "-1");
    refuse(12, SIZE_MAX, 0, MF_STATUS_OVERFLOW, "heads");
}

static void test_a_layer_tells_heads_and_mask(void **state)
{
    units_plan plan = attending(5, 2, 3, 1);
    mf_layer *layer = make_units(&plan);
    mf_network *network = make_units_network(&plan, 1, NULL);
    mf_unit_spec unit = {.struct_size = sizeof unit};
    char text[2000];

    (void)state;
    check_ok(mf_layer_unit(layer, 2, &unit, NULL));
    assert_int_equal(unit.heads, 3);
    assert_int_equal(unit.causal, 1);
    check_ok(mf_network_summary(network, 2, text, sizeof text, NULL));
    assert_non_null(strstr(text, "attention   5x6                     0  3 heads, causal\n"));
    mf_network_free(network);
    mf_layer_free(layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_sizes_match_the_oracle),
        cmocka_unit_test(test_attention_reads_rows_apart),
        cmocka_unit_test(test_the_future_leaves_the_past_alone),
        cmocka_unit_test(test_a_future_that_overflows_leaves_the_past_alone),
        cmocka_unit_test(test_scores_are_never_there_at_once),
        cmocka_unit_test(test_huge_scores_choose_one_position),
        cmocka_unit_test(test_what_does_not_divide_is_refused),
        cmocka_unit_test(test_a_layer_tells_heads_and_mask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
