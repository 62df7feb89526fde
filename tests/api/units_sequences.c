/* Units that read sequences, join nodes or average them: shapes and parameters, what they refuse, which
 * layers fit behind each other, and what a network says of them. What they compute is in units_oracle and
 * units_gradients. SPDX-License-Identifier: MIT */
#include <math.h>

#include "units.h"

enum { CLASSES = 3 };

/* ---- shapes ---- */

static void check_node(mf_builder *builder, mf_unit_spec unit, int32_t rank, size_t a, size_t b, size_t c)
{
    mf_shape shape = {.struct_size = sizeof shape};

    check_ok(mf_builder_unit(builder, &unit, NULL));
    check_ok(mf_builder_shape(builder, MF_NODE_PREVIOUS, &shape));
    check_shape(&shape, rank, a, b, c);
}

static void test_units_tell_their_shapes(void **state)
{
    units_plan sequence = plan_sequence(5, 4, CLASSES), maps = plan_maps(3, 4, 2, CLASSES);
    mf_builder *builder = start_builder(&sequence, NULL);

    (void)state;
    check_node(builder, unit_dense(6), 2, 5, 6, 1);
    check_node(builder, unit_of(MF_UNIT_LAYER_NORM), 2, 5, 6, 1);
    check_node(builder, unit_activation(MF_ACTIVATION_SILU), 2, 5, 6, 1);
    check_node(builder, unit_dropout(0.1f, 1), 2, 5, 6, 1);
    check_node(builder, unit_concat(MF_NODE_PREVIOUS, 0), 2, 5, 10, 1);
    check_node(builder, unit_add(5, 5), 2, 5, 10, 1);
    check_node(builder, unit_of(MF_UNIT_GLOBAL_POOL), 1, 10, 1, 1);
    check_node(builder, unit_of(MF_UNIT_LAYER_NORM), 1, 10, 1, 1);
    check_node(builder, unit_concat(7, MF_NODE_PREVIOUS), 1, 20, 1, 1);
    mf_builder_free(builder);
    builder = start_builder(&maps, NULL);
    check_node(builder, unit_conv(5, 3, 1), 3, 5, 4, 2);
    check_node(builder, unit_concat(0, MF_NODE_PREVIOUS), 3, 8, 4, 2);
    check_node(builder, unit_of(MF_UNIT_GLOBAL_POOL), 1, 8, 1, 1);
    mf_builder_free(builder);
}

static void test_sequences_are_turned_and_made_of_maps(void **state)
{
    units_plan maps = plan_maps(3, 4, 2, CLASSES);
    mf_builder *builder = start_builder(&maps, NULL);
    mf_unit_spec patches = unit_conv(5, 2, 0);

    (void)state;
    patches.stride[0] = patches.stride[1] = 2;
    check_node(builder, patches, 3, 5, 2, 1);
    check_node(builder, unit_of(MF_UNIT_TOKENS), 2, 2, 5, 1);
    check_node(builder, unit_of(MF_UNIT_POSITIONS), 2, 2, 5, 1);
    check_node(builder, unit_dense(12), 2, 2, 12, 1);
    check_node(builder, unit_attention(2, 1), 2, 2, 4, 1);
    check_node(builder, unit_of(MF_UNIT_TRANSPOSE), 2, 4, 2, 1);
    check_node(builder, unit_of(MF_UNIT_FLATTEN), 1, 8, 1, 1);
    check_node(builder, unit_reading(unit_of(MF_UNIT_FLATTEN), 0), 1, 24, 1, 1);
    mf_builder_free(builder);
}

/* A sequence of one position, or of one value at each, is not a row. */
static void test_dimensions_of_one_stay(void **state)
{
    units_plan one = plan_sequence(1, 4, CLASSES), thin = plan_sequence(4, 1, CLASSES);
    mf_builder *builder = start_builder(&one, NULL);

    (void)state;
    check_node(builder, unit_dense(6), 2, 1, 6, 1);
    check_node(builder, unit_of(MF_UNIT_GLOBAL_POOL), 1, 6, 1, 1);
    mf_builder_free(builder);
    builder = start_builder(&thin, NULL);
    check_node(builder, unit_dense(6), 2, 4, 6, 1);
    mf_builder_free(builder);
}

static void check_parameter(const mf_layer *layer, size_t index, const char *name, int32_t rank, size_t a,
                            size_t b)
{
    mf_parameter_info info = {.struct_size = sizeof info};

    check_ok(mf_layer_parameter_info(layer, index, &info));
    assert_string_equal(info.name, name);
    assert_int_equal(info.rank, rank);
    assert_int_equal(info.dims[0], a);
    assert_int_equal(info.dims[1], b);
}

static void test_parameters_are_those_of_a_position(void **state)
{
    units_plan plan = plan_sequence(5, 4, CLASSES);
    mf_layer *layer;
    float values[4];
    size_t count = 0;

    (void)state;
    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_dense(6));
    layer = make_units(&plan);
    check_ok(mf_layer_parameter_count(layer, &count));
    assert_int_equal(count, 5);
    check_parameter(layer, 0, "units.1.bias", 1, 4, 1);
    check_parameter(layer, 1, "units.1.scale", 1, 4, 1);
    check_parameter(layer, 2, "units.2.weight", 2, 6, 4);
    check_parameter(layer, 3, "units.2.bias", 1, 6, 1);
    check_parameter(layer, 4, "head.projection", 2, CLASSES, 5 * 6);
    check_ok(mf_layer_get_parameter(layer, "units.1.scale", values, 4));
    assert_true(values[0] == 1.0f && values[3] == 1.0f);
    check_ok(mf_layer_get_parameter(layer, "units.1.bias", values, 4));
    assert_true(values[0] == 0.0f && values[3] == 0.0f);
    mf_layer_free(layer);
}

/* ---- what is refused ---- */

static void refuse(const units_plan *plan, mf_status expected, mf_unit_spec unit, const char *part)
{
    check_unit_refused(start_builder(plan, NULL), expected, &unit, part);
}

static void test_inputs_of_the_wrong_rank_are_refused(void **state)
{
    units_plan row = plan_row(20, CLASSES), sequence = plan_sequence(5, 4, CLASSES),
               maps = plan_maps(2, 5, 2, CLASSES);
    const mf_unit_spec pooled = unit_pool(MF_POOL_MAX, 1);

    (void)state;
    refuse(&sequence, MF_STATUS_SHAPE, unit_conv(3, 1, 0), "5x4");
    refuse(&sequence, MF_STATUS_SHAPE, unit_norm(), "5x4");
    refuse(&sequence, MF_STATUS_SHAPE, pooled, "5x4");
    refuse(&row, MF_STATUS_SHAPE, pooled, "20");
    refuse(&maps, MF_STATUS_SHAPE, unit_of(MF_UNIT_LAYER_NORM), "2 maps of 5x2");
    refuse(&row, MF_STATUS_SHAPE, unit_of(MF_UNIT_GLOBAL_POOL), "20");
    refuse(&row, MF_STATUS_SHAPE, unit_dropout(0.5f, 1), "20");
    refuse(&row, MF_STATUS_SHAPE, unit_of(MF_UNIT_TRANSPOSE), "20");
    refuse(&maps, MF_STATUS_SHAPE, unit_of(MF_UNIT_TRANSPOSE), "2 maps of 5x2");
    refuse(&sequence, MF_STATUS_SHAPE, unit_of(MF_UNIT_TOKENS), "5x4");
    refuse(&row, MF_STATUS_SHAPE, unit_of(MF_UNIT_FLATTEN), "20");
    refuse(&row, MF_STATUS_SHAPE, unit_of(MF_UNIT_POSITIONS), "20");
    refuse(&maps, MF_STATUS_SHAPE, unit_attention(1, 0), "2 maps of 5x2");
}

static void test_groups_must_divide_maps_and_filters(void **state)
{
    units_plan maps = plan_maps(6, 4, 4, CLASSES);
    mf_unit_spec conv = unit_conv(4, 3, 1);

    (void)state;
    conv.groups = 3;
    refuse(&maps, MF_STATUS_SHAPE, conv, "3 groups do not divide 6 maps and 4 filters");
    conv.groups = 4;
    refuse(&maps, MF_STATUS_SHAPE, conv, "4 groups");
    conv.groups = SIZE_MAX;
    refuse(&maps, MF_STATUS_SHAPE, conv, "groups");
    for (conv.groups = 0; conv.groups <= 2; conv.groups++) {
        units_plan plan = maps;
        mf_unit_spec told = {.struct_size = sizeof told};
        mf_parameter_info info = {.struct_size = sizeof info};
        mf_layer *layer;

        plan_add(&plan, conv);
        layer = make_units(&plan);
        check_ok(mf_layer_unit(layer, 1, &told, NULL));
        check_ok(mf_layer_parameter_info(layer, 0, &info));
        assert_int_equal(told.groups, conv.groups == 2 ? 2 : 0);
        assert_int_equal(info.dims[1], conv.groups == 2 ? 3 : 6);
        mf_layer_free(layer);
    }
}

/* Whatever the precision of the layer. */
static void test_groups_stay_float32(void **state)
{
    units_plan plan = plan_maps(4, 5, 5, CLASSES);
    mf_unit_spec conv = unit_conv(6, 3, 1);
    float x[4 * 25], a[2][6 * 25];
    test_random random = {8};

    (void)state;
    conv.groups = 2;
    plan_add(&plan, conv);
    random_values(&random, x, COUNT_OF(x), 1.0);
    for (int32_t precision = MF_PRECISION_FLOAT32; precision <= MF_PRECISION_BF16; precision++) {
        mf_layer *layer;
        mf_workspace *workspace;

        plan.precision = precision;
        layer = make_units(&plan);
        workspace = make_layer_workspace(layer, 1);
        check_ok(mf_layer_forward(layer, workspace, 1, x, a[precision]));
        mf_workspace_free(workspace);
        mf_layer_free(layer);
    }
    assert_memory_equal(a[0], a[1], sizeof a[0]);
}

static void test_values_out_of_range_are_refused(void **state)
{
    units_plan sequence = plan_sequence(5, 4, CLASSES);
    mf_unit_spec norm = unit_of(MF_UNIT_LAYER_NORM);

    (void)state;
    norm.normalization_epsilon = 0.0f;
    refuse(&sequence, MF_STATUS_ARGUMENT, norm, "epsilon");
    norm.normalization_epsilon = NAN;
    refuse(&sequence, MF_STATUS_ARGUMENT, norm, "epsilon");
    norm = unit_of(MF_UNIT_LAYER_NORM);
    norm.bias = 2;
    refuse(&sequence, MF_STATUS_ARGUMENT, norm, "2");
    norm = unit_of(MF_UNIT_POSITIONS);
    norm.weight_init = 9;
    refuse(&sequence, MF_STATUS_ARGUMENT, norm, "9");
    norm = unit_of(MF_UNIT_POSITIONS);
    norm.weight_gain = NAN;
    refuse(&sequence, MF_STATUS_ARGUMENT, norm, "gain");
    norm = unit_dense(3);
    norm.reserved3 = 57;
    refuse(&sequence, MF_STATUS_ARGUMENT, norm, "57");
    refuse(&sequence, MF_STATUS_ARGUMENT, unit_concat(0, 1), "1");
    refuse(&sequence, MF_STATUS_ARGUMENT, unit_concat(-3, 0), "-3");
    refuse(&sequence, MF_STATUS_OVERFLOW, unit_dense(SIZE_MAX / 4), "");
    refuse(&sequence, MF_STATUS_OVERFLOW, unit_dense(INT32_MAX), "");
    sequence.input.dims[2] = 7;
    {
        mf_builder_spec spec = builder_spec(&sequence.input);
        mf_builder *builder = (mf_builder *)1;

        check_status(MF_STATUS_ARGUMENT, mf_builder_create(&spec, &builder));
        check_message("7");
        assert_null(builder);
    }
}

/* `first` makes node 1 of a sequence [5, 4]; it cannot be joined with node 0. */
static void refuse_join(mf_unit_spec first, mf_unit_spec join, const char *part)
{
    units_plan plan = plan_sequence(5, 4, CLASSES);
    mf_builder *builder = start_builder(&plan, NULL);

    check_ok(mf_builder_unit(builder, &first, NULL));
    check_status(MF_STATUS_SHAPE, mf_builder_unit(builder, &join, NULL));
    check_message(part);
    mf_builder_free(builder);
}

static void test_nodes_that_do_not_fit_are_not_joined(void **state)
{
    units_plan plan = plan_maps(2, 5, 2, CLASSES);
    mf_builder *builder = start_builder(&plan, NULL);
    const mf_unit_spec smaller = unit_conv(2, 2, 0), join = unit_concat(0, 1);

    (void)state;
    refuse_join(unit_of(MF_UNIT_GLOBAL_POOL), unit_concat(0, 1), "joins node 0 of rank 2, 5x4x1");
    refuse_join(unit_of(MF_UNIT_GLOBAL_POOL), unit_add(1, 0), "adds node 1 of rank 1");
    refuse_join(unit_dense(5), unit_add(1, 0), "5x5");
    check_ok(mf_builder_unit(builder, &smaller, NULL));
    check_status(MF_STATUS_SHAPE, mf_builder_unit(builder, &join, NULL));
    check_message("joins node 0 of rank 3, 2x5x2, and node 1 of rank 3, 2x4x1");
    mf_builder_free(builder);
}

static void refuse_head(units_plan plan, mf_status expected, const char *part)
{
    check_head_refused(&plan, expected, part);
}

static void test_heads_for_positions_read_sequences(void **state)
{
    units_plan row = plan_row(6, CLASSES), sequence = plan_sequence(5, 4, CLASSES);

    (void)state;
    row.head.kind = sequence.head.kind = MF_HEAD_POSITIONS;
    plan_add(&row, unit_dense(3));
    refuse_head(row, MF_STATUS_SHAPE,
                "a head for positions reads a sequence, its input is a row of 3 values");
    plan_add(&sequence, unit_of(MF_UNIT_GLOBAL_POOL));
    refuse_head(sequence, MF_STATUS_SHAPE, "row of 4 values");
    sequence.count = 0;
    plan_add(&sequence, unit_dense(3));
    sequence.head.pool_size = 2;
    refuse_head(sequence, MF_STATUS_ARGUMENT, "pool_size 2");
}

static void test_layers_tell_the_shape_of_goodness(void **state)
{
    units_plan plan = plan_sequence(5, 4, CLASSES);
    mf_layer *layer;
    mf_shape shape = {.struct_size = sizeof shape}, wrong = {.struct_size = 3};

    (void)state;
    plan_add(&plan, unit_dense(3));
    layer = make_units(&plan);
    check_ok(mf_layer_goodness_shape(layer, &shape));
    check_shape(&shape, 1, CLASSES, 1, 1);
    mf_layer_free(layer);
    plan.head.kind = MF_HEAD_POSITIONS;
    layer = make_units(&plan);
    check_ok(mf_layer_goodness_shape(layer, &shape));
    check_shape(&shape, 2, 5, CLASSES, 1);
    check_status(MF_STATUS_HANDLE, mf_layer_goodness_shape(NULL, &shape));
    check_status(MF_STATUS_ARGUMENT, mf_layer_goodness_shape(layer, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_goodness_shape(layer, &wrong));
    mf_layer_free(layer);
}

/* ---- labels of positions ---- */

enum { POSITIONS = 4, ROWS = 3 };

typedef struct labelled {
    mf_network *network;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    float x[ROWS * POSITIONS * 2];
    int32_t y[ROWS * POSITIONS];
} labelled;

static labelled make_labelled(void)
{
    labelled l = {.optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.05)};
    units_plan plans[2] = {plan_sequence(POSITIONS, 2, CLASSES), plan_sequence(POSITIONS, 8, CLASSES)};

    for (int i = 0; i < 2; i++) {
        plans[i].head.kind = MF_HEAD_POSITIONS;
        plan_add(&plans[i], unit_dense(8));
        plan_add(&plans[i], unit_activation(MF_ACTIVATION_RELU));
    }
    l.network = make_units_network(plans, 2, l.optimizer);
    l.workspace = make_network_workspace(l.network, ROWS);
    for (size_t i = 0; i < ROWS * POSITIONS; i++) {
        l.y[i] = (int32_t)(i * 5 % CLASSES);
        l.x[2 * i] = l.y[i] == 0 ? 1.0f : -1.0f;
        l.x[2 * i + 1] = l.y[i] == 1 ? 1.0f : -1.0f;
    }
    return l;
}

static void drop_labelled(labelled *l)
{
    mf_workspace_free(l->workspace);
    mf_network_free(l->network);
    mf_optimizer_free(l->optimizer);
}

static void test_positions_learn_their_labels(void **state)
{
    labelled l = make_labelled();
    int32_t predicted[ROWS * POSITIONS], kept = l.y[5];
    float goodness[ROWS * POSITIONS * CLASSES], probabilities[ROWS * POSITIONS * CLASSES];

    (void)state;
    l.y[5] = MF_LABEL_IGNORED;
    for (int step = 0; step < 100; step++)
        check_ok(mf_network_step(l.network, l.workspace, ROWS, l.x, l.y));
    check_ok(mf_network_evaluate(l.network, l.workspace, ROWS, l.x, l.y));
    assert_int_equal(read_report(l.workspace, 1).rows, ROWS * POSITIONS - 1);
    assert_int_equal(read_report(l.workspace, 1).correct, ROWS * POSITIONS - 1);
    l.y[5] = kept;
    for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
        check_ok(mf_network_predict(l.network, l.workspace, mode, ROWS, l.x, predicted));
        assert_memory_equal(predicted, l.y, sizeof predicted);
    }
    check_ok(mf_network_goodness(l.network, l.workspace, MF_PREDICT_SUM, ROWS, l.x, goodness));
    check_ok(mf_network_probabilities(l.network, l.workspace, MF_PREDICT_SUM, ROWS, l.x, probabilities));
    for (size_t i = 0; i < ROWS * POSITIONS; i++) {
        const float *p = probabilities + i * CLASSES, *g = goodness + i * CLASSES;

        check_near(1.0, (double)p[0] + (double)p[1] + (double)p[2], 1e-5);
        check_near((double)p[1] / (double)p[0], exp((double)g[1] - (double)g[0]),
                   1e-3 * (double)p[1] / (double)p[0]);
    }
    drop_labelled(&l);
}

static void test_wrong_labels_of_positions_are_refused(void **state)
{
    labelled l = make_labelled();
    saved_values before = save_network_values(l.network);
    float weights[ROWS] = {0.0f, 0.0f, 1.0f};
    mf_batch batch = make_batch(ROWS, l.x, l.y);
    int32_t kept = l.y[6];

    (void)state;
    l.y[6] = CLASSES;
    check_status(MF_STATUS_LABEL, mf_network_step(l.network, l.workspace, ROWS, l.x, l.y));
    check_message("row 1 at position 2 is 3");
    l.y[6] = -1;
    check_status(MF_STATUS_LABEL, mf_network_evaluate(l.network, l.workspace, ROWS, l.x, l.y));
    l.y[6] = kept;
    for (size_t i = 2 * POSITIONS; i < ROWS * POSITIONS; i++)
        l.y[i] = MF_LABEL_IGNORED;
    batch.sample_weights = weights; /* the only row with a weight has no label */
    check_status(MF_STATUS_ARGUMENT, mf_network_step_batch(l.network, l.workspace, &batch));
    for (size_t i = 0; i < ROWS * POSITIONS; i++)
        l.y[i] = MF_LABEL_IGNORED;
    check_status(MF_STATUS_LABEL, mf_network_step(l.network, l.workspace, ROWS, l.x, l.y));
    check_message("all 12 labels");
    check_network_unchanged(&before, l.network);
    free_saved_values(&before);
    drop_labelled(&l);
}

/* The activation of a position that is ignored is in no loss, but 0 times infinity would be in the gradient.
 */
static void test_an_ignored_position_that_overflows_is_refused(void **state)
{
    labelled l = make_labelled();
    float weights[8 * 2];
    saved_values before;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(weights); i++)
        weights[i] = 2.0f;
    check_ok(mf_layer_set_parameter(layer_at(l.network, 0), "units.1.weight", weights, COUNT_OF(weights)));
    before = save_network_values(l.network);
    l.y[6] = MF_LABEL_IGNORED;
    l.x[2 * 6] = 3e38f;
    l.x[2 * 6 + 1] = 0.0f;
    check_ok(mf_network_evaluate(l.network, l.workspace, ROWS, l.x, l.y));
    check_status(MF_STATUS_NUMERIC, mf_network_step(l.network, l.workspace, ROWS, l.x, l.y));
    check_message("layer 0: the loss of row 1 at position 2 is not finite");
    check_network_unchanged(&before, l.network);
    free_saved_values(&before);
    drop_labelled(&l);
}

/* A row has one label, so it must have it. */
static void test_a_row_cannot_be_ignored(void **state)
{
    mf_layer *layer = make_plain_layer(2, 3, CLASSES, 1);
    mf_workspace *workspace = make_layer_workspace(layer, 1);
    const float x[2] = {1.0f, 2.0f};
    const int32_t y = MF_LABEL_IGNORED;
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);

    (void)state;
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_status(MF_STATUS_LABEL, mf_layer_step(layer, workspace, 1, x, &y, NULL));
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_heads_for_rows_and_positions_do_not_mix(void **state)
{
    units_plan first = plan_sequence(POSITIONS, 2, CLASSES), next = plan_sequence(POSITIONS, 8, CLASSES);
    mf_network *network;
    mf_layer *layer;

    (void)state;
    plan_add(&first, unit_dense(8));
    plan_add(&next, unit_dense(8));
    next.head.kind = MF_HEAD_POSITIONS;
    network = make_units_network(&first, 1, NULL);
    layer = make_units(&next);
    check_status(MF_STATUS_SHAPE, mf_network_append(network, layer, NULL));
    check_message("goodness for 4 positions, the network for whole rows");
    mf_layer_free(layer);
    mf_network_free(network);
}

/* A sequence of one position has as much goodness as a row, in another shape. */
static void test_one_position_is_no_row(void **state)
{
    units_plan first = plan_sequence(1, 6, CLASSES), next = plan_row(4, CLASSES);
    mf_network *network;
    mf_layer *layer;

    (void)state;
    plan_add(&first, unit_dense(4));
    first.head.kind = MF_HEAD_POSITIONS;
    plan_add(&next, unit_dense(5));
    network = make_units_network(&first, 1, NULL);
    layer = make_units(&next);
    check_status(MF_STATUS_SHAPE, mf_network_append(network, layer, NULL));
    check_message("goodness for whole rows, the network for 1 position");
    assert_string_equal(strrchr(mf_last_message(), ' '), " position");
    mf_layer_free(layer);
    mf_network_free(network);
}

/* Nor where memory is asked for, of layers that do not exist yet. */
static void test_memory_of_heads_that_do_not_mix(void **state)
{
    units_plan plans[2] = {plan_sequence(POSITIONS, 2, CLASSES), plan_sequence(POSITIONS, 8, CLASSES)};
    mf_builder *builders[2];
    mf_memory memory = {.struct_size = sizeof memory};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        plan_add(&plans[i], unit_dense(8));
        plans[i].head.kind = i == 0 ? MF_HEAD_POSITIONS : MF_HEAD_LINEAR;
        builders[i] = make_builder(&plans[i], NULL);
    }
    check_status(MF_STATUS_SHAPE,
                 mf_network_memory_built(builders, 2, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
    check_message("layer 1 has goodness for whole rows, layer 0 for 4 positions");
    for (size_t i = 0; i < 2; i++)
        mf_builder_free(builders[i]);
}

static void test_a_pooled_head_reads_no_sequence(void **state)
{
    units_plan plan = plan_sequence(5, 4, CLASSES);
    mf_builder *builder;
    mf_layer *layer = (mf_layer *)1;

    (void)state;
    plan.head.pool_size = 1;
    plan_add(&plan, unit_dense(6));
    builder = make_builder(&plan, NULL);
    check_status(MF_STATUS_SHAPE, mf_layer_build(builder, &layer));
    check_message("sequence");
    assert_null(layer);
    mf_builder_free(builder);
}

/* ---- layers behind each other ---- */

static mf_status try_behind(units_plan first, units_plan next)
{
    mf_network *network = make_units_network(&first, 1, NULL);
    mf_layer *layer = make_units(&next);
    mf_status status = mf_network_append(network, layer, NULL);

    mf_layer_free(layer);
    mf_network_free(network);
    return status;
}

static units_plan with(units_plan plan, mf_unit_spec unit)
{
    plan_add(&plan, unit);
    return plan;
}

static void test_sequences_fit_sequences_and_rows(void **state)
{
    const mf_unit_spec phi = unit_activation(MF_ACTIVATION_TANH);
    const units_plan sequence = with(plan_sequence(6, 4, CLASSES), phi),
                     row = with(plan_row(24, CLASSES), phi), turned = with(plan_sequence(4, 6, CLASSES), phi),
                     short_row = with(plan_row(23, CLASSES), phi),
                     maps = with(plan_maps(6, 4, 1, CLASSES), phi);

    (void)state;
    check_ok(try_behind(sequence, sequence));
    check_ok(try_behind(sequence, row));
    check_ok(try_behind(row, sequence));
    check_status(MF_STATUS_SHAPE, try_behind(sequence, turned));
    check_message("expects 4x6 = 24 inputs, the one before has 6x4 = 24");
    check_status(MF_STATUS_SHAPE, try_behind(sequence, short_row));
    check_status(MF_STATUS_SHAPE, try_behind(sequence, maps));
    check_status(MF_STATUS_SHAPE, try_behind(maps, sequence));
}

/* ---- for people ---- */

static void test_summary(void **state)
{
    static const char lines[] = "layer 0\n"
                                "     0  input       5x4\n"
                                "     1  layer_norm  5x4                     8\n"
                                "     2  dense       5x6                    30\n"
                                "     3  activation  5x6                     0  silu\n"
                                "     4  concat      5x10                    0  node 3, then node 0\n"
                                "     5  global_pool  10                      0\n"
                                "     6  flatten     50                      0  reads node 4\n"
                                "     7  concat      60                      0  node 6, then node 5\n"
                                "        head        3                     180  linear, reads 60 values\n"
                                "----- gradients stop here -----\n";
    units_plan plan = plan_sequence(5, 4, CLASSES);
    mf_network *network;
    char text[2000];

    (void)state;
    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&plan, unit_concat(MF_NODE_PREVIOUS, 0));
    plan_add(&plan, unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&plan, unit_reading(unit_of(MF_UNIT_FLATTEN), 4));
    plan_add(&plan, unit_concat(6, 5));
    network = make_units_network(&plan, 1, NULL);
    check_ok(mf_network_summary(network, 2, text, sizeof text, NULL));
    text[strlen(lines)] = 0;
    assert_string_equal(text, lines);
    mf_network_free(network);
}

static void test_summary_of_tokens(void **state)
{
    static const char lines[] = "layer 0\n"
                                "     0  input       5\n"
                                "     1  embedding   5x4                    44  11 tokens\n"
                                "     2  positions   5x4                    20\n"
                                "        head        3                      60  linear, reads 20 values\n"
                                "----- gradients stop here -----\n";
    units_plan plan = plan_row(5, CLASSES);
    mf_network *network;
    char text[2000];

    (void)state;
    plan_add(&plan, unit_embedding(11, 4));
    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    network = make_units_network(&plan, 1, NULL);
    check_ok(mf_network_summary(network, 2, text, sizeof text, NULL));
    text[strlen(lines)] = 0;
    assert_string_equal(text, lines);
    mf_network_free(network);
}

/* A head reads all values of a sequence in any case, so a flatten in front of it changes the shape of the
 * output and nothing else. */
static void test_a_flatten_costs_nothing_and_changes_no_bit(void **state)
{
    enum { BATCH = 4, VALUES = 5 * 6 };
    units_plan plan = plan_sequence(5, 4, CLASSES);
    mf_optimizer *optimizer = NULL;
    mf_optimizer_spec adam = optimizer_spec(MF_OPTIMIZER_ADAM, 0.02);
    const int32_t y[BATCH] = {0, 1, 2, 1};
    float x[BATCH * 5 * 4], a[2][BATCH * VALUES];
    mf_memory memory[2] = {{.struct_size = sizeof *memory}, {.struct_size = sizeof *memory}};
    test_random random = {31};

    (void)state;
    random_values(&random, x, BATCH * 5 * 4, 1.0);
    check_ok(mf_optimizer_create(&adam, &optimizer));
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    for (int flat = 0; flat < 2; flat++) {
        mf_layer *layer = make_units(&plan);
        mf_workspace *workspace = make_layer_workspace(layer, BATCH);
        mf_builder *builder = make_builder(&plan, NULL);

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        for (int step = 0; step < 3; step++)
            check_ok(mf_layer_step(layer, workspace, BATCH, x, y, a[flat]));
        check_ok(mf_network_memory_built(&builder, 1, &adam, MF_WORKSPACE_TRAINING, BATCH, &memory[flat]));
        mf_builder_free(builder);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        plan_add(&plan, unit_of(MF_UNIT_FLATTEN));
    }
    assert_memory_equal(a[0], a[1], sizeof a[0]);
    assert_int_equal(memory[0].workspace, memory[1].workspace);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_tell_their_shapes),
        cmocka_unit_test(test_sequences_are_turned_and_made_of_maps),
        cmocka_unit_test(test_dimensions_of_one_stay),
        cmocka_unit_test(test_parameters_are_those_of_a_position),
        cmocka_unit_test(test_inputs_of_the_wrong_rank_are_refused),
        cmocka_unit_test(test_groups_must_divide_maps_and_filters),
        cmocka_unit_test(test_groups_stay_float32),
        cmocka_unit_test(test_values_out_of_range_are_refused),
        cmocka_unit_test(test_nodes_that_do_not_fit_are_not_joined),
        cmocka_unit_test(test_heads_for_positions_read_sequences),
        cmocka_unit_test(test_layers_tell_the_shape_of_goodness),
        cmocka_unit_test(test_positions_learn_their_labels),
        cmocka_unit_test(test_wrong_labels_of_positions_are_refused),
        cmocka_unit_test(test_an_ignored_position_that_overflows_is_refused),
        cmocka_unit_test(test_a_row_cannot_be_ignored),
        cmocka_unit_test(test_heads_for_rows_and_positions_do_not_mix),
        cmocka_unit_test(test_one_position_is_no_row),
        cmocka_unit_test(test_memory_of_heads_that_do_not_mix),
        cmocka_unit_test(test_a_pooled_head_reads_no_sequence),
        cmocka_unit_test(test_sequences_fit_sequences_and_rows),
        cmocka_unit_test(test_a_flatten_costs_nothing_and_changes_no_bit),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_summary_of_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
