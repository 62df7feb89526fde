/* Layers that are plugged in, taken out, swapped and moved while they learn: frozen ones keep their bits,
 * moved ones go on as if nothing had happened, and what is refused leaves no trace. SPDX-License-Identifier:
 * MIT */
#include "build.h"
#include "random.h"

enum {
    ROWS = 8,
    SIDE = 6,
    INPUTS = SIDE * SIDE,
    WIDTH = 144,
    CLASSES = 5,
    BATCHES = 16,
    DEPTH = 3,
    HEAD = 12
};

/* Each kind of layer, with all that it keeps between steps. The middle layer of a network can be left out. */
enum { KIND_DENSE, KIND_NORMALIZED, KIND_CONVOLUTION, KINDS };

typedef struct batches {
    float x[BATCHES][ROWS * INPUTS];
    int32_t y[BATCHES][ROWS];
} batches;

static batches *make_batches(void)
{
    batches *b = get_memory(sizeof *b);
    test_random random = {11};

    for (size_t t = 0; t < BATCHES; t++) {
        random_values(&random, b->x[t], ROWS * INPUTS, 1.0);
        random_labels(&random, b->y[t], ROWS, CLASSES);
    }
    return b;
}

/* A layer for position 0 to DEPTH - 1. */
static mf_layer *make_kind(int kind, size_t position, uint64_t seed)
{
    mf_layer_spec spec =
        layer_spec(position == 0 ? INPUTS : WIDTH, position + 1 < DEPTH ? WIDTH : HEAD, CLASSES);

    spec.seed = seed;
    if (kind != KIND_DENSE) {
        spec.normalization = MF_NORMALIZATION_BATCH;
        spec.dropout = 0.25f;
    }
    if (kind == KIND_CONVOLUTION && position + 1 < DEPTH) {
        spec.kind = MF_LAYER_CONV2D;
        spec.inputs = spec.outputs = 0;
        spec.channels = position == 0 ? 1 : 4;
        spec.height = spec.width = SIDE;
        spec.filters = 4;
        spec.padding[0] = spec.padding[1] = 1;
        spec.head_size = 2;
        spec.dropout_maps = 1;
    }
    return make_layer(&spec);
}

static mf_network *make_kinds(int kind, uint64_t seed, mf_optimizer *optimizer)
{
    mf_network *network = make_network();

    for (size_t i = 0; i < DEPTH; i++) {
        mf_layer *layer = make_kind(kind, i, seed + i);

        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

static mf_optimizer *optimizer_of(int32_t kind)
{
    mf_optimizer_spec spec = optimizer_spec(kind, 0.01);
    mf_optimizer *optimizer = NULL;

    if (kind == MF_OPTIMIZER_SGD || kind == MF_OPTIMIZER_RMSPROP)
        spec.momentum = 0.9f;
    spec.weight_decay = 0.01f;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

/* The network as it is now learns from batches `from` to `to` - 1. */
static void learn(mf_network *network, const batches *b, size_t from, size_t to)
{
    mf_workspace *workspace = make_network_workspace(network, ROWS);

    for (size_t t = from; t < to; t++)
        check_ok(mf_network_step(network, workspace, ROWS, b->x[t], b->y[t]));
    mf_workspace_free(workspace);
}

static void learn_by_pipeline(mf_network *network, const batches *b, size_t from, size_t to)
{
    mf_pipeline_spec spec;
    mf_pipeline *pipeline = NULL;

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    for (size_t t = from; t < to; t++)
        check_ok(mf_pipeline_submit(pipeline, ROWS, b->x[t], b->y[t]));
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
}

static uint64_t applied(mf_network *network, size_t position, const batches *b)
{
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    uint64_t count;

    check_ok(mf_network_evaluate(network, workspace, ROWS, b->x[0], b->y[0]));
    count = read_report(workspace, position).applied;
    mf_workspace_free(workspace);
    return count;
}

static uint64_t id_at(const mf_network *network, size_t position)
{
    uint64_t id = 0;

    check_ok(mf_network_layer(network, position, NULL, &id));
    return id;
}

static void set_trainable(mf_layer *layer, int32_t trainable)
{
    size_t count = 0;

    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        check_ok(mf_layer_set_trainable(layer, info.name, trainable));
    }
}

static void check_same_layer(const mf_layer *one, const mf_layer *other)
{
    saved_values expected = save_layer_values(one);

    check_layer_unchanged(&expected, other);
    free_saved_values(&expected);
}

static void check_changed(const saved_values *before, const mf_layer *layer)
{
    saved_values now = save_layer_values(layer);

    assert_false(same_values(before, &now));
    free_saved_values(&now);
}

/* A run in which all layers move to a second network half way, and the first of them to a third one later,
 * ends with the bits of a run without: weights, statistics, moments, step counts and the places in the random
 * streams all travel with the layer. */
static void test_moving_layers_between_networks_keeps_their_bits(void **state)
{
    batches *b = make_batches();

    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int32_t rule = MF_OPTIMIZER_SGD; rule <= MF_OPTIMIZER_RMSPROP; rule++) {
            mf_optimizer *optimizer = optimizer_of(rule);
            mf_network *still = make_kinds(kind, 5, optimizer), *from = make_kinds(kind, 5, optimizer);
            mf_network *to = make_network(), *third = make_kinds(kind, 99, optimizer);

            learn(from, b, 0, 6);
            for (size_t left = DEPTH; left > 0; left--) {
                check_ok(mf_network_insert(to, 0, layer_at(from, left - 1), NULL));
                check_ok(mf_network_remove(from, id_at(from, left - 1)));
            }
            mf_network_free(from);
            learn(to, b, 6, 11);
            learn(still, b, 0, 11);
            for (size_t i = 0; i < DEPTH; i++) {
                check_same_layer(layer_at(still, i), layer_at(to, i));
                assert_int_equal(applied(to, i, b), 11);
            }
            check_ok(mf_network_replace(third, id_at(third, 0), layer_at(to, 0)));
            mf_network_free(to);
            learn(third, b, 11, BATCHES);
            learn(still, b, 11, BATCHES);
            check_same_layer(layer_at(still, 0), layer_at(third, 0));
            assert_int_equal(applied(third, 0, b), BATCHES);
            assert_int_equal(applied(third, 1, b), BATCHES - 11);
            mf_network_free(still);
            mf_network_free(third);
            mf_optimizer_free(optimizer);
        }
    free(b);
}

/* Insertions, swaps and removals behind it are nothing to a layer: nothing flows backward. */
static void edit_while_learning(int kind, void (*teach)(mf_network *, const batches *, size_t, size_t))
{
    batches *b = make_batches();
    mf_optimizer *optimizer = optimizer_of(MF_OPTIMIZER_ADAM);
    mf_network *still = make_kinds(kind, 5, optimizer), *network = make_kinds(kind, 5, optimizer);
    mf_layer *second = make_kind(kind, 1, 77), *other = make_kind(kind, 1, 78);
    uint64_t place = 0;

    check_ok(mf_layer_set_optimizer(second, optimizer));
    check_ok(mf_layer_set_optimizer(other, optimizer));
    teach(network, b, 0, 3);
    check_ok(mf_network_insert(network, 1, second, &place));
    teach(network, b, 3, 6);
    assert_int_equal(applied(network, 1, b), 3);
    assert_int_equal(applied(network, 2, b), 6);
    check_ok(mf_network_replace(network, place, other));
    teach(network, b, 6, 9);
    assert_int_equal(applied(network, 1, b), 3);
    check_ok(mf_network_remove(network, place));
    teach(network, b, 9, 12);
    check_ok(mf_network_remove(network, id_at(network, 1)));
    teach(network, b, 12, BATCHES);
    assert_int_equal(applied(network, 0, b), BATCHES);
    assert_int_equal(applied(network, 1, b), BATCHES);
    teach(still, b, 0, BATCHES);
    check_same_layer(layer_at(still, 0), layer_at(network, 0));
    mf_layer_free(second);
    mf_layer_free(other);
    mf_network_free(still);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    free(b);
}

static void test_networks_can_be_edited_during_training(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        edit_while_learning(kind, learn);
        edit_while_learning(kind, learn_by_pipeline);
    }
}

/* A new layer learns in the middle of frozen ones, which keep every bit, statistics too. */
static void test_frozen_layers_keep_every_bit(void **state)
{
    batches *b = make_batches();

    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int by_pipeline = 0; by_pipeline < 2; by_pipeline++) {
            mf_optimizer *optimizer = optimizer_of(MF_OPTIMIZER_ADAMW);
            mf_network *network = make_kinds(kind, 5, optimizer);
            mf_layer *middle = make_kind(kind, 1, 77);
            saved_values before[DEPTH + 1];

            learn(network, b, 0, 4);
            for (size_t i = 0; i < DEPTH; i++)
                set_trainable(layer_at(network, i), 0);
            check_ok(mf_layer_set_optimizer(middle, optimizer));
            check_ok(mf_network_insert(network, 1, middle, NULL));
            for (size_t i = 0; i <= DEPTH; i++)
                before[i] = save_layer_values(layer_at(network, i));
            (by_pipeline ? learn_by_pipeline : learn)(network, b, 4, 10);
            for (size_t i = 0; i <= DEPTH; i++)
                if (i == 1)
                    check_changed(&before[i], layer_at(network, i));
                else
                    check_layer_unchanged(&before[i], layer_at(network, i));
            for (size_t i = 0; i <= DEPTH; i++)
                set_trainable(layer_at(network, i), 1);
            learn(network, b, 10, 12);
            for (size_t i = 0; i <= DEPTH; i++) {
                check_changed(&before[i], layer_at(network, i));
                free_saved_values(&before[i]);
            }
            mf_layer_free(middle);
            mf_network_free(network);
            mf_optimizer_free(optimizer);
        }
    free(b);
}

/* Steps while it is frozen leave no trace in a layer: thawed, it goes on with the moments and the step counts
 * it had. (What it draws for dropout concerns those behind.) */
static void test_a_thawed_layer_continues_with_its_moments(void **state)
{
    batches *b = make_batches();

    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int32_t rule = MF_OPTIMIZER_SGD; rule <= MF_OPTIMIZER_RMSPROP; rule++) {
            mf_optimizer *optimizer = optimizer_of(rule);
            mf_network *network = make_kinds(kind, 5, optimizer), *twin = make_kinds(kind, 5, optimizer);

            learn(network, b, 0, 4);
            set_trainable(layer_at(network, 0), 0);
            learn(network, b, 4, 9);
            set_trainable(layer_at(network, 0), 1);
            learn(network, b, 9, 13);
            learn(twin, b, 0, 4);
            learn(twin, b, 9, 13);
            check_same_layer(layer_at(twin, 0), layer_at(network, 0));
            mf_network_free(network);
            mf_network_free(twin);
            mf_optimizer_free(optimizer);
        }
    free(b);
}

/* One layer in two networks learns from both, in the order of their steps. */
static void test_a_layer_in_two_networks_learns_from_both(void **state)
{
    batches *b = make_batches();

    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        mf_optimizer *optimizer = optimizer_of(MF_OPTIMIZER_ADAM);
        mf_network *one = make_kinds(kind, 5, optimizer), *two = make_kinds(kind, 50, optimizer);
        mf_network *alone = make_kinds(kind, 5, optimizer);
        saved_values before;

        check_ok(mf_network_replace(two, id_at(two, 0), layer_at(one, 0)));
        before = save_layer_values(layer_at(one, 1));
        learn(two, b, 0, 1);
        check_layer_unchanged(&before, layer_at(one, 1));
        free_saved_values(&before);
        for (size_t t = 1; t < BATCHES; t++)
            learn(t % 3 == 0 ? two : one, b, t, t + 1);
        learn(alone, b, 0, BATCHES);
        check_same_layer(layer_at(alone, 0), layer_at(one, 0));
        assert_ptr_equal(layer_at(one, 0), layer_at(two, 0));
        assert_int_equal(applied(one, 0, b), BATCHES);
        assert_int_equal(applied(one, 1, b) + applied(two, 1, b), BATCHES);
        mf_network_free(one);
        mf_network_free(two);
        mf_network_free(alone);
        mf_optimizer_free(optimizer);
    }
    free(b);
}

/* Labels of a batch in a problem with more classes. */
static void add_classes(batches *b, size_t from)
{
    for (size_t t = from; t < BATCHES; t++)
        for (size_t i = 0; i < ROWS; i++)
            b->y[t][i] = (b->y[t][i] + (int32_t)(CLASSES * (i % 2))) % (2 * CLASSES);
}

/* A trained layer goes into a network with twice as many classes: what it has learned stays, frozen
 * parameters stay frozen, and M learns anew. */
static void test_a_layer_moves_to_a_network_with_more_classes(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        batches *b = make_batches();
        mf_optimizer *optimizer = optimizer_of(MF_OPTIMIZER_ADAM);
        mf_network *from = make_kinds(kind, 5, optimizer), *to = make_kinds(kind, 50, optimizer);
        mf_layer *layer = layer_at(from, 0);
        float *weight, *bias, *projection, *now;
        size_t weights, biases, projections;

        learn(from, b, 0, 5);
        check_ok(mf_network_set_classes(to, 2 * CLASSES));
        set_trainable(layer, 0);
        check_ok(mf_layer_set_trainable(layer, "projection", 1));
        weight = read_parameter(layer, "weight", &weights);
        bias = read_parameter(layer, "bias", &biases);
        check_status(MF_STATUS_SHAPE, mf_network_replace(to, id_at(to, 0), layer));
        check_message("the layer has 5 classes, the network has 10");
        check_ok(mf_layer_set_classes(layer, 2 * CLASSES));
        check_ok(mf_network_replace(to, id_at(to, 0), layer));
        projection = read_parameter(layer, "projection", &projections);
        assert_int_equal(projections % (2 * CLASSES), 0);
        add_classes(b, 5);
        learn(to, b, 5, BATCHES);
        now = read_parameter(layer, "weight", NULL);
        assert_memory_equal(now, weight, weights * sizeof *now);
        free(now);
        now = read_parameter(layer, "bias", NULL);
        assert_memory_equal(now, bias, biases * sizeof *now);
        free(now);
        now = read_parameter(layer, "projection", NULL);
        assert_memory_not_equal(now, projection, projections * sizeof *now);
        free(now);
        assert_int_equal(applied(to, 0, b), BATCHES);
        /* The network it came from has layers that differ now. */
        {
            mf_workspace_spec spec;
            mf_workspace *workspace = NULL;

            check_ok(mf_workspace_spec_init(&spec, sizeof spec));
            spec.network = from;
            spec.max_batch = ROWS;
            check_status(MF_STATUS_SHAPE, mf_workspace_create(&spec, &workspace));
            assert_null(workspace);
        }
        free(weight);
        free(bias);
        free(projection);
        mf_network_free(from);
        mf_network_free(to);
        mf_optimizer_free(optimizer);
        free(b);
    }
}

/* All edits that do not fit, on a network that learns. */
static void refuse_edits(mf_network *network, int kind)
{
    mf_layer *narrow = make_plain_layer(WIDTH, 77, CLASSES, 1),
             *odd = make_plain_layer(78, WIDTH, CLASSES, 2);
    mf_layer *classes = make_plain_layer(HEAD, 20, 79, 3);
    mf_layer_spec spec = layer_spec(0, 0, CLASSES);
    mf_layer *maps;

    check_status(MF_STATUS_SHAPE, mf_network_insert(network, 1, narrow, NULL));
    check_message("the layer has 77 outputs, the next one expects ");
    check_message("144 inputs");
    check_status(MF_STATUS_SHAPE, mf_network_insert(network, 1, odd, NULL));
    check_message("the layer expects 78 inputs, the one before has ");
    check_message("144 outputs");
    check_status(MF_STATUS_SHAPE, mf_network_append(network, classes, NULL));
    check_message("the layer has 79 classes, the network has 5");
    check_status(MF_STATUS_SHAPE, mf_network_replace(network, id_at(network, 1), narrow));
    check_message("the layer has 77 outputs, the next one expects 144 inputs");
    check_status(MF_STATUS_ARGUMENT, mf_network_append(network, layer_at(network, 0), NULL));
    check_status(MF_STATUS_NOT_FOUND, mf_network_remove(network, id_at(network, 2) + 1000));
    /* As many values, but other maps. */
    spec.kind = MF_LAYER_CONV2D;
    spec.channels = 1;
    spec.height = spec.width = 12;
    spec.filters = 1;
    spec.padding[0] = spec.padding[1] = 1;
    maps = make_layer(&spec);
    if (kind == KIND_CONVOLUTION) {
        check_status(MF_STATUS_SHAPE, mf_network_insert(network, 1, maps, NULL));
        check_message("the layer expects 1x12x12 = 144 inputs, the one before has 4x6x6 = 144 outputs");
    }
    mf_layer_free(narrow);
    mf_layer_free(odd);
    mf_layer_free(classes);
    mf_layer_free(maps);
}

static void test_refused_edits_change_nothing(void **state)
{
    batches *b = make_batches();

    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        mf_optimizer *optimizer = optimizer_of(MF_OPTIMIZER_ADAM);
        mf_network *network = make_kinds(kind, 5, optimizer), *twin = make_kinds(kind, 5, optimizer);
        mf_workspace *workspace = make_network_workspace(network, ROWS);
        size_t size = 0;
        saved_values before;

        for (size_t t = 0; t < 4; t++)
            check_ok(mf_network_step(network, workspace, ROWS, b->x[t], b->y[t]));
        before = save_network_values(network);
        refuse_edits(network, kind);
        check_network_unchanged(&before, network);
        free_saved_values(&before);
        check_ok(mf_network_size(network, &size));
        assert_int_equal(size, DEPTH);
        /* The workspace is not stale, and the run goes on as if nobody had tried. */
        for (size_t t = 4; t < BATCHES; t++)
            check_ok(mf_network_step(network, workspace, ROWS, b->x[t], b->y[t]));
        learn(twin, b, 0, BATCHES);
        for (size_t i = 0; i < DEPTH; i++)
            check_same_layer(layer_at(twin, i), layer_at(network, i));
        mf_workspace_free(workspace);
        mf_network_free(network);
        mf_network_free(twin);
        mf_optimizer_free(optimizer);
    }
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moving_layers_between_networks_keeps_their_bits),
        cmocka_unit_test(test_networks_can_be_edited_during_training),
        cmocka_unit_test(test_frozen_layers_keep_every_bit),
        cmocka_unit_test(test_a_thawed_layer_continues_with_its_moments),
        cmocka_unit_test(test_a_layer_in_two_networks_learns_from_both),
        cmocka_unit_test(test_a_layer_moves_to_a_network_with_more_classes),
        cmocka_unit_test(test_refused_edits_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
