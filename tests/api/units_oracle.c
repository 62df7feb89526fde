/* Layers of several units agree with the oracle: random ones of every shape and order, and those that a
 * library is tempted to treat apart. Gradients, steps of SGD and Adam, clipping, frozen parameters, sample
 * weights, strides. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "random_units.h"
#include "oracle_case_units.h"

enum { ROWS = 9, ROUNDS = 60 };

static const oracle_optimizer sgd = {.kind = MF_OPTIMIZER_SGD, .rate = 0.1, .decay = 0.02, .epsilon = 1e-8};
static const oracle_optimizer momentum = {
    .kind = MF_OPTIMIZER_SGD, .rate = 0.05, .momentum = 0.9, .epsilon = 1e-8};
static const oracle_optimizer adam = {
    .kind = MF_OPTIMIZER_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-3, .decay = 0.01};

static void describe(const units_plan *plan, const char *what, uint64_t seed, char *text, size_t size)
{
    static const char letters[] = "dcnapo+lgjtkwhef";
    size_t used = (size_t)snprintf(text, size, "%s, seed %u:", what, (unsigned)seed);

    for (size_t i = 0; i < plan->count && used + 12 < size; i++) {
        const mf_unit_spec *unit = &plan->units[i];

        used +=
            (size_t)snprintf(text + used, size - used, " %c%d", letters[unit->kind], (int)unit->inputs[0]);
        if (unit_reads_two(unit->kind))
            used += (size_t)snprintf(text + used, size - used, ",%d", (int)unit->inputs[1]);
    }
}

/* ---- random layers ---- */

/* What differs from one group of random layers to the next. */
typedef struct group {
    const char *what;
    uint64_t seed;
    double clip; /* a third of this and three times as much for other layers; 0: none */
    int freezes, weighted, strides;
    int positions;  /* 1: heads for positions, with labels that are ignored */
    int head_units; /* 1: heads have units of their own */
    int flattens;   /* 1: sequences or maps become rows */
    int auxiliary;  /* 1: layers have auxiliary heads */
} group;

static uint64_t draw_frozen(test_random *random)
{
    uint64_t frozen = 0;

    for (int i = 0; i < 63; i++)
        frozen |= (uint64_t)(random_index(random, 4) == 0) << i;
    return frozen;
}

static void run_group(const group *g)
{
    test_random random = {g->seed};
    size_t silent = 0;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        char name[200];
        units_case one = {.name = name, .seed = g->seed + i, .max_rows = ROWS};
        const oracle_optimizer *rules[] = {i % 2 ? &sgd : &momentum, &adam};

        one.plan = g->auxiliary    ? random_plan_with_auxiliary_heads(&random, i % 4 == 3)
                   : g->positions  ? random_plan_of_positions(&random)
                   : g->flattens   ? random_plan_with_flatten(&random)
                   : g->head_units ? random_plan_with_head_units(&random, i % 2)
                                   : random_plan(&random);
        describe(&one.plan, g->what, one.seed, name, sizeof name);
        one.frozen = g->freezes ? draw_frozen(&random) : 0;
        one.weighted = g->weighted;
        one.gap = g->strides ? 1 + i % 5 : 0;
        for (size_t rule = 0; rule < COUNT_OF(rules); rule++) {
            one.optimizer = *rules[rule];
            one.optimizer.clip = g->clip * (i % 3 == 0 ? 1.0 / 3.0 : i % 3 == 1 ? 1.0 : 3.0);
            silent += !run_units_case(&one);
        }
    }
    if (silent > ROUNDS / 10)
        fail_msg("%s: %zu of %d runs say nothing", g->what, silent, 2 * ROUNDS);
}

static void test_random_layers_match_the_oracle(void **state)
{
    const group one = {.what = "plain", .seed = 1000};

    (void)state;
    run_group(&one);
}

/* The group as it is, and with all that a batch and a layer may have besides, from a seed of its own. */
static void run_bare_and_laden(group one, const char *laden, uint64_t seed)
{
    run_group(&one);
    one.what = laden;
    one.seed = seed;
    one.clip = 0.3;
    one.freezes = one.weighted = one.strides = 1;
    run_group(&one);
}

static void test_goodness_at_positions_matches_the_oracle(void **state)
{
    (void)state;
    run_bare_and_laden((group){.what = "positions", .seed = 5200, .positions = 1},
                       "positions, weighted, clipped", 5500);
}

static void test_rows_made_of_sequences_and_maps_match_the_oracle(void **state)
{
    (void)state;
    run_bare_and_laden((group){.what = "flattened", .seed = 7000, .flattens = 1},
                       "flattened, weighted, clipped", 7500);
}

static void test_units_of_heads_match_the_oracle(void **state)
{
    (void)state;
    run_bare_and_laden((group){.what = "head units", .seed = 6000, .head_units = 1},
                       "head units, weighted, clipped", 6500);
}

static void test_auxiliary_heads_match_the_oracle(void **state)
{
    (void)state;
    run_bare_and_laden((group){.what = "auxiliary heads", .seed = 8100, .auxiliary = 1},
                       "auxiliary heads, weighted, clipped", 8500);
}

static void test_clipping_matches_the_oracle(void **state)
{
    const group one = {.what = "clipped", .seed = 2000, .clip = 0.3};

    (void)state;
    run_group(&one);
}

static void test_frozen_parameters_match_the_oracle(void **state)
{
    const group one = {.what = "frozen", .seed = 3000, .freezes = 1},
                both = {.what = "frozen and clipped", .seed = 3500, .freezes = 1, .clip = 0.3};

    (void)state;
    run_group(&one);
    run_group(&both);
}

static void test_weights_and_strides_match_the_oracle(void **state)
{
    const group one = {.what = "weighted", .seed = 4000, .weighted = 1, .strides = 1};
    const group all = {
        .what = "everything", .seed = 4500, .weighted = 1, .strides = 1, .freezes = 1, .clip = 0.3};

    (void)state;
    run_group(&one);
    run_group(&all);
}

/* ---- layers of one's own ---- */

static void run_plan(const char *what, const units_plan *plan, size_t rows)
{
    for (uint64_t i = 0; i < 4; i++) {
        char name[200];
        units_case one = {.name = name, .plan = *plan, .seed = 50 + i, .max_rows = rows};

        describe(plan, what, one.seed, name, sizeof name);
        one.optimizer = i % 2 ? adam : sgd;
        one.optimizer.clip = i / 2 ? 0.2 : 0.0;
        if (!run_units_case(&one))
            fail_msg("%s: no batch says anything", name);
    }
}

static void test_residual_blocks_match_the_oracle(void **state)
{
    units_plan plain = plan_residual(3, 5, 4, 4), pooled = plan_residual(2, 6, 6, 3), narrow;
    mf_unit_spec half = unit_conv(4, 3, 1);

    (void)state;
    run_plan("a residual block", &plain, ROWS);
    pooled.head.pool_size = 2;
    run_plan("a residual block with a pooled head", &pooled, ROWS);
    /* The way past it is a convolution as well. */
    narrow = plan_maps(2, 7, 7, 3);
    half.stride[0] = half.stride[1] = 2;
    plan_add(&narrow, half);
    plan_add(&narrow, unit_norm());
    plan_add(&narrow, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&narrow, unit_conv(4, 3, 1));
    plan_add(&narrow, unit_norm());
    half.kernel[0] = half.kernel[1] = 1;
    half.padding[0] = half.padding[1] = 0;
    plan_add(&narrow, unit_reading(half, 0));
    plan_add(&narrow, unit_norm());
    plan_add(&narrow, unit_add(5, MF_NODE_PREVIOUS));
    plan_add(&narrow, unit_activation(MF_ACTIVATION_RELU));
    narrow.head.pool_size = 1;
    run_plan("a residual block with a convolution around it", &narrow, ROWS);
}

/* Activation and normalisation in front of the product, as in residual networks of the second kind. */
static void test_other_orders_of_units_match_the_oracle(void **state)
{
    units_plan before = plan_maps(3, 5, 5, 4), late = plan_row(6, 3);

    (void)state;
    plan_add(&before, unit_norm());
    plan_add(&before, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&before, unit_conv(3, 3, 1));
    plan_add(&before, unit_norm());
    plan_add(&before, unit_activation(MF_ACTIVATION_LEAKY_RELU));
    plan_add(&before, unit_conv(3, 3, 1));
    plan_add(&before, unit_add(0, MF_NODE_PREVIOUS));
    run_plan("normalisation and activation first", &before, ROWS);
    plan_add(&late, unit_dense(6));
    plan_add(&late, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&late, unit_norm());
    plan_add(&late, unit_dense(5));
    plan_add(&late, unit_norm());
    plan_add(&late, unit_norm());
    plan_add(&late, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&late, unit_activation(MF_ACTIVATION_RELU));
    run_plan("normalisation behind the activation, and twice", &late, ROWS);
}

/* Nothing may be computed in one pass where another unit reads what lies between. */
static void test_nodes_with_several_readers_match_the_oracle(void **state)
{
    mf_unit_spec relu = unit_activation(MF_ACTIVATION_RELU);

    (void)state;
    for (int32_t read = 0; read <= 3; read++) {
        units_plan plan = plan_maps(2, 4, 6, 3);

        plan_add(&plan, unit_conv(2, 3, 1));
        plan_add(&plan, unit_norm());
        plan_add(&plan, relu);
        plan_add(&plan, unit_conv(2, 1, 0));
        plan_add(&plan, unit_add(read, MF_NODE_PREVIOUS));
        run_plan("a second reader", &plan, ROWS);
        plan_add(&plan, unit_add(read, MF_NODE_PREVIOUS));
        plan_add(&plan, unit_reading(unit_activation(MF_ACTIVATION_TANH), read));
        plan_add(&plan, unit_add(6, 7));
        run_plan("several readers", &plan, ROWS);
    }
}

static void test_sums_match_the_oracle(void **state)
{
    units_plan twice = plan_row(5, 3), input = plan_row(4, 3), chain = plan_row(5, 4);

    (void)state;
    plan_add(&twice, unit_dense(4));
    plan_add(&twice, unit_add(1, 1));
    plan_add(&twice, unit_activation(MF_ACTIVATION_TANH));
    run_plan("a node and itself", &twice, ROWS);
    plan_add(&input, unit_add(0, 0));
    run_plan("the input and itself", &input, ROWS);
    for (int32_t i = 0; i < 5; i++) {
        plan_add(&chain, unit_reading(unit_dense(5), 0));
        if (i > 0)
            plan_add(&chain, unit_add(MF_NODE_PREVIOUS, 2 * i - 1));
    }
    run_plan("a chain of sums", &chain, ROWS);
}

/* Layers that are one unit, so that nothing or little but the projection learns. */
static void test_layers_of_one_unit_match_the_oracle(void **state)
{
    const mf_unit_spec units[] = {
        unit_dense(5),
        unit_conv(3, 2, 1),
        unit_norm(),
        unit_activation(MF_ACTIVATION_GELU),
        unit_pool(MF_POOL_MAX, 2),
        unit_pool(MF_POOL_AVERAGE, 3),
        unit_dropout(0.0f, 0),
        unit_add(0, MF_NODE_PREVIOUS),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        units_plan maps = plan_maps(2, 5, 4, 3), row = plan_row(6, 3);

        plan_add(&maps, units[i]);
        run_plan("one unit on maps", &maps, ROWS);
        if (units[i].kind == MF_UNIT_POOL)
            continue;
        plan_add(&row, units[i]);
        run_plan("one unit on a row", &row, ROWS);
    }
}

/* From maps to rows and back. */
static void test_changes_of_rank_match_the_oracle(void **state)
{
    units_plan plan = plan_maps(2, 5, 6, 4), row = plan_row(5, 3);

    (void)state;
    plan_add(&plan, unit_conv(3, 3, 0));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_conv(2, 3, 2)); /* of 6 maps of one value: 3 x 3 */
    plan_add(&plan, unit_pool(MF_POOL_MAX, 2));
    plan_add(&plan, unit_dense(5));
    run_plan("maps, a row, maps, a row", &plan, ROWS);
    plan_add(&row, unit_conv(4, 1, 0));
    plan_add(&row, unit_norm());
    plan_add(&row, unit_activation(MF_ACTIVATION_RELU));
    row.head.pool_size = 1;
    run_plan("a row as maps", &row, ROWS);
}

/* A whole network as one layer: backpropagation. */
static void test_a_network_in_one_layer_matches_the_oracle(void **state)
{
    units_plan plan = plan_maps(2, 9, 9, 5);

    (void)state;
    for (size_t block = 0; block < 2; block++) {
        int32_t from = (int32_t)plan.count;

        plan_add(&plan, unit_conv(block ? 4 : 2, 3, 1));
        plan_add(&plan, unit_norm());
        plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
        plan_add(&plan, unit_conv(block ? 4 : 2, 3, 1));
        plan_add(&plan, unit_norm());
        if (block == 0)
            plan_add(&plan, unit_add(from, MF_NODE_PREVIOUS));
        plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
        plan_add(&plan, unit_pool(block ? MF_POOL_MAX : MF_POOL_AVERAGE, 2));
    }
    plan_add(&plan, unit_dense(9));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    run_plan("a whole network", &plan, ROWS);
}

/* What an auxiliary head makes of a unit must not be what M reads of it. */
static void test_a_unit_of_which_m_and_an_auxiliary_head_read_matches_the_oracle(void **state)
{
    units_plan plan = plan_row(5, 3);
    mf_unit_spec scores = unit_dense(3);

    (void)state;
    scores.loss_weight = 0.3f;
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_dense(7));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, scores);
    plan.head.output_node = 1;
    plan.head.input_node = 2;
    run_plan("an activation of an auxiliary head", &plan, ROWS);
}

/* M goes by blocks of classes from 1024 on, auxiliary heads do not. */
static void test_auxiliary_heads_of_many_classes_match_the_oracle(void **state)
{
    const size_t classes[] = {33, 1030, 4100};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        units_plan plan = plan_row(5, classes[i]);
        mf_unit_spec scores = unit_dense(classes[i]);

        scores.loss_weight = 0.5f;
        plan_add(&plan, unit_dense(6));
        plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
        plan_add(&plan, unit_dense(4));
        plan_add(&plan, scores);
        plan_add(&plan, unit_reading(scores, 2));
        plan.head.input_node = 2;
        run_plan("auxiliary heads of many classes", &plan, ROWS);
    }
}

/* Widths and batches that take other ways through the kernels. */
static void test_all_sizes_match_the_oracle(void **state)
{
    const size_t widths[] = {1, 2, 7, 8, 15, 16, 17, 33, 64, 65};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        units_plan row = plan_row(widths[COUNT_OF(widths) - 1 - i] + 1, 3), maps = plan_maps(3, 5, 5, 3);

        plan_add(&row, unit_dense(widths[i]));
        plan_add(&row, unit_norm());
        plan_add(&row, unit_activation(MF_ACTIVATION_GELU));
        plan_add(&row, unit_dense(widths[COUNT_OF(widths) - 1 - i]));
        run_plan("wide rows", &row, 40);
        plan_add(&maps, unit_conv(widths[i], 3, 1));
        plan_add(&maps, unit_norm());
        plan_add(&maps, unit_activation(MF_ACTIVATION_TANH));
        plan_add(&maps, unit_pool(MF_POOL_AVERAGE, 2));
        plan_add(&maps, unit_conv(2, 2, 0));
        run_plan("many filters", &maps, 17);
    }
}

/* More rows than are compared at once. */
static void test_similarities_of_many_rows_match_the_oracle(void **state)
{
    units_plan row = plan_row(9, 6), maps = plan_maps(3, 4, 4, 5);
    mf_unit_spec map = unit_conv(17, 3, 1);

    (void)state;
    plan_add(&row, unit_dense(33));
    plan_add(&row, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&row, unit_dense(40));
    row.head.similarity = 0.99f;
    run_plan("similarities of rows", &row, 110);
    map.bias = 0;
    plan_add(&maps, unit_conv(8, 3, 1));
    plan_add(&maps, unit_norm());
    plan_add(&maps, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&maps, map);
    maps.head.similarity = 0.99f;
    maps.head.pool_size = 2;
    run_plan("similarities of maps", &maps, 70);
}

/* The rows of tokens that a batch does not have stand still, with all that the optimizer keeps of them. */
static void test_embeddings_match_the_oracle(void **state)
{
    units_plan few = plan_row(5, 3), positions = plan_row(4, 3), alone = plan_row(1, 4);

    (void)state;
    plan_add(&few, unit_embedding(40, 7));
    plan_add(&few, unit_of(MF_UNIT_POSITIONS));
    plan_add(&few, unit_reading(unit_embedding(50, 7), 0));
    plan_add(&few, unit_add(2, 3));
    plan_add(&few, unit_dense(6));
    run_plan("two embeddings", &few, ROWS);
    positions.head.kind = MF_HEAD_POSITIONS;
    plan_add(&positions, unit_embedding(300, 9));
    plan_add(&positions, unit_attention(1, 1));
    run_plan("an embedding and goodness at positions", &positions, ROWS);
    plan_add(&alone, unit_embedding(1, 5));
    run_plan("a vocabulary of one token", &alone, ROWS);
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++)
        for (int moving = 0; moving <= 1; moving++) {
            units_case one = {.name = "an embedding", .plan = few, .seed = 3, .max_rows = ROWS, .gap = 3};

            one.optimizer =
                (oracle_optimizer){.kind = kind,
                                   .rate = 0.02,
                                   .beta1 = 0.9,
                                   .beta2 = 0.99,
                                   .epsilon = 1e-3,
                                   .decay = 0.05,
                                   .momentum = moving && kind % 3 == 0 ? 0.9 : 0.0, /* SGD, RMSprop */
                                   .nesterov = moving && kind == MF_OPTIMIZER_SGD};
            if (!run_units_case(&one))
                fail_msg("no batch says anything");
        }
}

/* Few groups and depthwise ones, with what is computed in one pass with them. */
static void test_grouped_convolutions_match_the_oracle(void **state)
{
    const size_t shapes[][3] = {{4, 6, 2},    {6, 6, 6},   {5, 10, 5}, {16, 16, 16},
                                {33, 66, 11}, {40, 10, 2}, {2, 40, 2}}; /* the last ones by patches */
    units_plan wide = plan_maps(3, 9, 37, 3);
    mf_unit_spec window = unit_conv(3, 5, 4);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        for (size_t stride = 1; stride <= 2; stride++) {
            units_plan plan = plan_maps(3, 6, 5, 3);
            mf_unit_spec conv = unit_conv(shapes[i][1], 3, 1);

            conv.groups = shapes[i][2];
            conv.stride[0] = stride;
            plan_add(&plan, unit_conv(shapes[i][0], 1, 0)); /* so that dx is wanted */
            plan_add(&plan, conv);
            plan_add(&plan, unit_norm());
            plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
            plan_add(&plan, unit_pool(MF_POOL_AVERAGE, 2));
            run_plan("groups", &plan, ROWS);
        }
    /* Rows of several vectors and a rest; windows that meet only padding, and values that meet none. */
    window.groups = 3;
    window.stride[1] = 3;
    window.kernel[0] = 2;
    window.stride[0] = 3;
    window.padding[0] = 0;
    plan_add(&wide, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&wide, window);
    wide.head.pool_size = 2;
    run_plan("wide groups", &wide, ROWS);
}

/* The way back goes over blocks of classes; the last rows are a stretch of their own. */
static void test_many_classes_match_the_oracle(void **state)
{
    units_plan row = plan_row(6, 1600), wide = plan_row(6, 1100), maps = plan_maps(3, 5, 5, 1030),
               sequence = plan_sequence(3, 5, 1027);

    (void)state;
    plan_add(&row, unit_dense(7));
    plan_add(&row, unit_activation(MF_ACTIVATION_TANH));
    row.head.label_smoothing = 0.1f;
    run_plan("many classes", &row, ROWS);
    plan_add(&wide, unit_dense(150)); /* blocks of fewer classes */
    plan_add(&wide, unit_activation(MF_ACTIVATION_GELU));
    run_plan("many classes and neurons", &wide, ROWS);
    plan_add(&wide, unit_dense(9));
    run_plan("many classes and rows", &wide, 520);
    plan_add(&maps, unit_conv(5, 3, 1));
    plan_add(&maps, unit_activation(MF_ACTIVATION_RELU));
    maps.head.pool_size = 2;
    run_plan("many classes of a pooled head", &maps, ROWS);
    plan_add(&sequence, unit_dense(6));
    plan_add(&sequence, unit_activation(MF_ACTIVATION_SILU));
    sequence.head.kind = MF_HEAD_POSITIONS;
    run_plan("many classes at positions", &sequence, ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_layers_match_the_oracle),
        cmocka_unit_test(test_goodness_at_positions_matches_the_oracle),
        cmocka_unit_test(test_rows_made_of_sequences_and_maps_match_the_oracle),
        cmocka_unit_test(test_units_of_heads_match_the_oracle),
        cmocka_unit_test(test_auxiliary_heads_match_the_oracle),
        cmocka_unit_test(test_a_unit_of_which_m_and_an_auxiliary_head_read_matches_the_oracle),
        cmocka_unit_test(test_auxiliary_heads_of_many_classes_match_the_oracle),
        cmocka_unit_test(test_clipping_matches_the_oracle),
        cmocka_unit_test(test_frozen_parameters_match_the_oracle),
        cmocka_unit_test(test_weights_and_strides_match_the_oracle),
        cmocka_unit_test(test_residual_blocks_match_the_oracle),
        cmocka_unit_test(test_other_orders_of_units_match_the_oracle),
        cmocka_unit_test(test_nodes_with_several_readers_match_the_oracle),
        cmocka_unit_test(test_sums_match_the_oracle),
        cmocka_unit_test(test_layers_of_one_unit_match_the_oracle),
        cmocka_unit_test(test_changes_of_rank_match_the_oracle),
        cmocka_unit_test(test_a_network_in_one_layer_matches_the_oracle),
        cmocka_unit_test(test_all_sizes_match_the_oracle),
        cmocka_unit_test(test_similarities_of_many_rows_match_the_oracle),
        cmocka_unit_test(test_embeddings_match_the_oracle),
        cmocka_unit_test(test_grouped_convolutions_match_the_oracle),
        cmocka_unit_test(test_many_classes_match_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
