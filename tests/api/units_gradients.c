/* Central differences for layers of several units: of the oracle's loss in double precision, which proves the
 * oracle, and of the library's own loss, in which no oracle has a part. SPDX-License-Identifier: MIT */
#include <math.h>

#include "oracle_units.h"
#include "random.h"

enum { ROWS = 4, CLASSES = 3, LABELS = ROWS * 4 };

/* ---- layers with every kind of unit, small enough for differences far apart ---- */

typedef void check_plan(const char *name, const units_plan *plan, uint64_t seed);

static void each_row(check_plan *check)
{
    for (int32_t activation = MF_ACTIVATION_IDENTITY; activation <= MF_ACTIVATION_SILU; activation++) {
        units_plan plan = plan_row(3, CLASSES);
        mf_unit_spec phi = unit_activation(activation);

        phi.leak = 0.25f;
        plan_add(&plan, unit_dense(3));
        plan_add(&plan, phi);
        plan_add(&plan, unit_dense(2));
        check("dense, activation, dense", &plan, 10 + (uint64_t)activation);
        plan = plan_row(3, CLASSES);
        plan_add(&plan, unit_dense(2));
        plan_add(&plan, unit_norm());
        plan_add(&plan, phi);
        plan_add(&plan, unit_dropout(0.0f, 0));
        plan_add(&plan, unit_dense(2));
        plan_add(&plan, unit_add(1, MF_NODE_PREVIOUS));
        check("dense, normalisation, activation, dropout, dense, sum", &plan, 20 + (uint64_t)activation);
    }
}

static void each_map(check_plan *check)
{
    for (int32_t pool = MF_POOL_AVERAGE; pool <= MF_POOL_AVERAGE_INSIDE; pool++)
        for (size_t head = 0; head <= 1; head++) {
            units_plan plan = plan_maps(2, 3, 4, CLASSES);
            mf_unit_spec windows = unit_pool(pool, 2);

            windows.stride[1] = 1; /* they overlap */
            plan.head.pool_size = head;
            plan.head.label_smoothing = head ? 0.2f : 0.0f;
            plan_add(&plan, unit_conv(2, 2, 0));
            plan_add(&plan, unit_norm());
            plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
            plan_add(&plan, windows);
            plan_add(&plan, unit_conv(2, 2, 1));
            plan_add(&plan, unit_norm());
            check("a convolution behind a pooled one", &plan, 30 + head);
        }
}

static void each_group(check_plan *check)
{
    for (size_t groups = 2; groups <= 4; groups += 2) {
        units_plan plan = plan_maps(4, 3, 2, CLASSES);
        mf_unit_spec conv = unit_conv(4, 3, 1);

        conv.groups = groups;
        plan_add(&plan, conv);
        plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
        conv.bias = 0;
        plan_add(&plan, conv);
        plan_add(&plan, unit_norm());
        plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 0));
        plan.head.pool_size = 1;
        check("convolutions in groups", &plan, 63 + groups);
    }
}

/* Behind a convolution, which takes it along, and on its own. */
static void each_padded_pool(check_plan *check)
{
    for (int32_t pool = MF_POOL_AVERAGE; pool <= MF_POOL_AVERAGE_INSIDE; pool++) {
        units_plan plan = plan_maps(2, 3, 3, CLASSES);
        mf_unit_spec windows = unit_pool(pool, 2), last = unit_pool(pool, 3);

        windows.stride[0] = windows.stride[1] = 1;
        windows.padding[0] = windows.padding[1] = 1;
        last.stride[1] = 2;
        last.padding[0] = 1;
        plan_add(&plan, unit_conv(1, 2, 0));
        plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
        plan_add(&plan, windows);
        plan_add(&plan, unit_conv(1, 1, 0));
        plan_add(&plan, unit_dropout(0.0f, 0));
        plan_add(&plan, last);
        check("pools with padding", &plan, 35);
    }
}

static void each_order(check_plan *check)
{
    units_plan before = plan_maps(2, 2, 3, CLASSES), ranks = plan_row(3, CLASSES),
               twice = plan_row(3, CLASSES), block = plan_maps(2, 2, 2, CLASSES);

    plan_add(&before, unit_norm());
    plan_add(&before, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&before, unit_conv(2, 3, 1));
    plan_add(&before, unit_add(0, MF_NODE_PREVIOUS));
    plan_add(&before, unit_dense(2));
    check("normalisation and activation first", &before, 40);
    plan_add(&ranks, unit_dense(2));
    plan_add(&ranks, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&ranks, unit_conv(2, 2, 1));
    plan_add(&ranks, unit_norm());
    plan_add(&ranks, unit_pool(MF_POOL_AVERAGE, 2));
    plan_add(&ranks, unit_dense(3));
    check("a row, maps, a row", &ranks, 41);
    plan_add(&twice, unit_dense(2));
    plan_add(&twice, unit_add(1, 1));
    plan_add(&twice, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&twice, unit_add(1, 3));
    plan_add(&twice, unit_norm());
    check("sums of a node with several readers", &twice, 42);
    plan_add(&block, unit_conv(2, 3, 1));
    plan_add(&block, unit_norm());
    plan_add(&block, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&block, unit_conv(2, 3, 1));
    plan_add(&block, unit_norm());
    plan_add(&block, unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&block, unit_activation(MF_ACTIVATION_GELU));
    check("a residual block", &block, 43);
}

static mf_unit_spec layer_norm(float epsilon)
{
    mf_unit_spec unit = unit_of(MF_UNIT_LAYER_NORM);

    unit.normalization_epsilon = epsilon;
    return unit;
}

static void check_attention(check_plan *check)
{
    for (int32_t causal = 0; causal <= 1; causal++)
        for (size_t heads = 1; heads <= 2; heads++) {
            units_plan plan = plan_sequence(3, 3, CLASSES);

            plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
            plan_add(&plan, unit_dense(12));
            plan_add(&plan, unit_attention(heads, causal));
            plan_add(&plan, unit_dense(3));
            plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 1));
            check("attention", &plan, 54 + heads);
        }
}

/* Heads for positions: of a last unit that is dense, and of one that is not. */
static void check_positions(check_plan *check)
{
    units_plan dense = plan_sequence(3, 2, CLASSES), other = plan_sequence(4, 3, CLASSES);

    dense.head.kind = other.head.kind = MF_HEAD_POSITIONS;
    dense.head.label_smoothing = 0.2f;
    plan_add(&dense, unit_dense(3));
    plan_add(&dense, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&dense, unit_dense(2));
    check("goodness at positions", &dense, 59);
    plan_add(&other, unit_dense(9));
    plan_add(&other, unit_attention(1, 1));
    plan_add(&other, unit_add(MF_NODE_PREVIOUS, 0));
    check("goodness at positions behind a sum", &other, 60);
}

/* Tokens that occur several times and not at all; two embeddings of the same input. */
static void check_tokens(check_plan *check)
{
    units_plan plan = plan_row(3, CLASSES);

    plan_add(&plan, unit_embedding(5, 3));
    plan_add(&plan, unit_of(MF_UNIT_POSITIONS));
    plan_add(&plan, unit_reading(unit_embedding(6, 3), 0));
    plan_add(&plan, unit_add(2, 3));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    check("two embeddings of tokens", &plan, 62);
    plan_add(&plan, unit_of(MF_UNIT_FLATTEN));
    plan_add(&plan, unit_dense(4));
    check("all tokens as a row", &plan, 63);
}

static void check_turns(check_plan *check)
{
    units_plan maps = plan_maps(2, 2, 3, CLASSES), mixer = plan_sequence(3, 2, CLASSES);

    plan_add(&maps, unit_conv(3, 1, 0));
    plan_add(&maps, unit_of(MF_UNIT_TOKENS));
    plan_add(&maps, unit_of(MF_UNIT_POSITIONS));
    plan_add(&maps, unit_dense(2));
    plan_add(&maps, unit_of(MF_UNIT_TRANSPOSE));
    check("tokens of maps, turned", &maps, 57);
    plan_add(&mixer, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&mixer, unit_dense(4));
    plan_add(&mixer, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&mixer, unit_dense(3));
    plan_add(&mixer, unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&mixer, unit_add(MF_NODE_PREVIOUS, 0));
    check("a product along the positions", &mixer, 58);
    plan_add(&mixer, unit_of(MF_UNIT_FLATTEN));
    plan_add(&mixer, unit_reading(unit_of(MF_UNIT_FLATTEN), 0));
    plan_add(&mixer, unit_add(7, 8));
    plan_add(&mixer, unit_reading(unit_of(MF_UNIT_GLOBAL_POOL), 6));
    plan_add(&mixer, unit_concat(9, 10));
    check("rows of sequences", &mixer, 59);
}

/* The deviation of a map does not know of a bias. */
static mf_unit_spec map_without_bias(mf_unit_spec unit)
{
    unit.bias = 0;
    return unit;
}

/* Heads that compare similarities: by values and by deviations of maps; by a map that reads what M reads, and
 * one that reads the output behind which the head has units. */
/* Units of the head's own between the layer's output and M. */
static void each_head(check_plan *check)
{
    units_plan pooled = plan_maps(1, 2, 3, CLASSES), twice = plan_maps(1, 2, 2, CLASSES),
               rank = plan_row(3, CLASSES), mlp = plan_row(3, CLASSES);
    mf_unit_spec low_rank = unit_dense(2);

    plan_add(&pooled, unit_conv(2, 2, 1));
    plan_add(&pooled, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&pooled, unit_conv(3, 3, 1));
    plan_add(&pooled, unit_norm());
    plan_add(&pooled, unit_activation(MF_ACTIVATION_GELU));
    pooled.head.output_node = 2;
    pooled.head.pool_size = 2;
    check("a head of a convolution with its normalisation, pooled", &pooled, 90);
    plan_add(&twice, unit_conv(2, 3, 1));
    plan_add(&twice, unit_conv(2, 2, 0));
    plan_add(&twice, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&twice, unit_conv(2, 1, 0));
    plan_add(&twice, unit_norm());
    plan_add(&twice, unit_activation(MF_ACTIVATION_SILU));
    twice.head.output_node = 1;
    twice.head.label_smoothing = 0.2f;
    check("a head of two convolutions", &twice, 91);
    low_rank.bias = 0;
    plan_add(&rank, unit_dense(4));
    plan_add(&rank, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&rank, low_rank);
    rank.head.output_node = 2;
    check("a head of low rank", &rank, 92);
    plan_add(&mlp, unit_dense(3));
    plan_add(&mlp, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&mlp, unit_dense(3));
    plan_add(&mlp, unit_norm());
    plan_add(&mlp, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&mlp, unit_dense(4));
    plan_add(&mlp, unit_activation(MF_ACTIVATION_SILU));
    mlp.head.output_node = 2;
    check("a head of two dense layers", &mlp, 93);
}

static void each_similarity(check_plan *check)
{
    units_plan row = plan_row(3, CLASSES), maps = plan_maps(2, 3, 2, CLASSES),
               apart = plan_maps(1, 2, 3, CLASSES), flat = plan_sequence(3, 2, CLASSES);

    plan_add(&row, unit_dense(3));
    plan_add(&row, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&row, unit_dense(4));
    row.head.similarity = 0.5f;
    check("similarity of rows", &row, 70);
    plan_add(&maps, unit_conv(2, 2, 1));
    plan_add(&maps, unit_norm());
    plan_add(&maps, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&maps, map_without_bias(unit_conv(4, 3, 1)));
    maps.head.similarity = 0.9f;
    maps.head.pool_size = 1;
    check("similarity of maps", &maps, 71);
    plan_add(&apart, unit_conv(2, 3, 1));
    plan_add(&apart, unit_conv(3, 2, 0));
    plan_add(&apart, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&apart, unit_reading(map_without_bias(unit_conv(3, 1, 0)), 1));
    apart.head.output_node = 1;
    apart.head.label_smoothing = 0.2f;
    apart.head.similarity = 0.5f;
    check("similarity beside units of the head", &apart, 73);
    plan_add(&flat, unit_dense(3));
    plan_add(&flat, unit_reading(unit_of(MF_UNIT_FLATTEN), 1));
    plan_add(&flat, unit_reading(unit_of(MF_UNIT_GLOBAL_POOL), 1));
    plan_add(&flat, unit_dense(3));
    flat.head.output_node = 1;
    flat.head.input_node = 2;
    flat.head.similarity = 0.5f;
    check("a flatten before units for similarities alone", &flat, 74);
}

/* Two heads besides the layer's own, with units of their own: of rows, of maps with similarities beside them,
 * of positions. */
static void each_auxiliary(check_plan *check)
{
    units_plan row = plan_row(3, CLASSES), maps = plan_maps(1, 2, 3, CLASSES),
               positions = plan_sequence(3, 2, CLASSES);
    mf_unit_spec scores = unit_dense(CLASSES), plain = scores;

    scores.loss_weight = 0.3f;
    plain.loss_weight = 1.0f;
    plain.bias = 0;
    plan_add(&row, unit_dense(3));
    plan_add(&row, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&row, plain);
    row.head.input_node = 2;
    plan_add(&row, unit_reading(unit_dense(2), 2));
    plan_add(&row, unit_norm());
    plan_add(&row, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&row, scores);
    row.head.label_smoothing = 0.2f;
    check("auxiliary heads of a row", &row, 80);
    plan_add(&maps, unit_conv(2, 3, 1));
    plan_add(&maps, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&maps, unit_conv(2, 2, 0));
    plan_add(&maps, unit_reading(unit_of(MF_UNIT_GLOBAL_POOL), 2));
    plan_add(&maps, scores);
    plan_add(&maps, unit_reading(unit_conv(2, 2, 1), 3));
    plan_add(&maps, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&maps, plain);
    plan_add(&maps, unit_reading(map_without_bias(unit_conv(3, 1, 0)), 2));
    maps.head.output_node = 2;
    maps.head.input_node = 3;
    maps.head.similarity = 0.5f;
    check("auxiliary heads of maps, and similarity", &maps, 81);
    plan_add(&positions, unit_dense(3));
    plan_add(&positions, unit_dense(3));
    plan_add(&positions, unit_activation(MF_ACTIVATION_TANH)); /* M reads what it reads */
    plan_add(&positions, scores);
    positions.head.output_node = 1;
    positions.head.input_node = 2;
    positions.head.kind = MF_HEAD_POSITIONS;
    check("an auxiliary head for positions", &positions, 82);
}

/* Units that read sequences, and the same ones on rows and maps. */
static void each_sequence(check_plan *check)
{
    units_plan rows = plan_row(4, CLASSES), maps = plan_maps(2, 3, 2, CLASSES), twice = plan_row(3, CLASSES),
               sequence = plan_sequence(3, 4, CLASSES), first = plan_sequence(2, 3, CLASSES);
    mf_unit_spec plain = layer_norm(0.05f);

    plain.bias = 0;
    plan_add(&rows, layer_norm(0.1f));
    plan_add(&rows, unit_dense(3));
    plan_add(&rows, unit_concat(MF_NODE_PREVIOUS, 1));
    plan_add(&rows, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&rows, plain);
    check("layer normalisation of rows, joined", &rows, 50);
    plan_add(&maps, unit_conv(2, 3, 1));
    plan_add(&maps, unit_activation(MF_ACTIVATION_SILU));
    plan_add(&maps, unit_conv(3, 3, 1));
    plan_add(&maps, unit_concat(2, 3));
    plan_add(&maps, unit_concat(4, 4));
    plan_add(&maps, unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&maps, unit_dense(2));
    check("maps joined, and the mean of each", &maps, 51);
    plan_add(&twice, unit_dense(2));
    plan_add(&twice, unit_concat(1, 1));
    plan_add(&twice, unit_dense(2));
    plan_add(&twice, unit_add(1, MF_NODE_PREVIOUS));
    check("a node joined with itself and read again", &twice, 61);
    plan_add(&sequence, unit_dense(4));
    plan_add(&sequence, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&sequence, layer_norm(0.1f));
    plan_add(&sequence, unit_dense(3));
    plan_add(&sequence, unit_concat(MF_NODE_PREVIOUS, 1));
    plan_add(&sequence, unit_dropout(0.0f, 1));
    plan_add(&sequence, unit_of(MF_UNIT_GLOBAL_POOL));
    check("dense units, normalisation and joining of a sequence", &sequence, 52);
    check_attention(check);
    plan_add(&first, layer_norm(0.1f));
    plan_add(&first, unit_dense(3));
    plan_add(&first, unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&first, unit_dense(2));
    check("a sequence up to the head", &first, 53);
    check_turns(check);
    check_tokens(check);
    check_positions(check);
}

/* ---- data ---- */

typedef struct fixture {
    units_oracle *oracle;
    float *x, weights[ROWS];
    double *exact_x, exact_weights[ROWS];
    int32_t y[LABELS]; /* as many as there are positions to be labelled, the third of them ignored */
} fixture;

/* The difference formulas hold only where no z crosses a kink and no window gets another largest value. */
static void draw_data(fixture *f, test_random *random, double margin)
{
    size_t count = ROWS * f->oracle->nodes[0].values;

    f->x = get_memory(count * sizeof *f->x);
    random_labels(random, f->y, LABELS, CLASSES);
    if (f->oracle->plan.head.kind == MF_HEAD_POSITIONS)
        f->y[2] = MF_LABEL_IGNORED;
    for (size_t r = 0; r < ROWS; r++)
        f->exact_weights[r] = (double)(f->weights[r] = (float)random_uniform(random, 0.1, 2.0));
    for (int tries = 0;; tries++) {
        assert_true(tries < 100000);
        draw_inputs(units_vocabulary(f->oracle), random, f->x, count);
        free(f->exact_x);
        f->exact_x = oracle_rows(f->x, ROWS, f->oracle->nodes[0].values, f->oracle->nodes[0].values);
        units_forget_margins(f->oracle);
        units_loss(f->oracle, ROWS, f->exact_x, f->y, NULL);
        if (f->oracle->kink_margin > margin && f->oracle->tie_margin > margin &&
            f->oracle->least_variance > 0.05)
            return;
    }
}

/* `fixed`: the running means and variances hold. */
static fixture make_fixture(const units_plan *plan, uint64_t seed, int fixed, double margin)
{
    fixture f = {.oracle = units_create(plan)};
    test_random random = {seed};

    units_draw(f.oracle, &random);
    for (size_t i = 0; fixed && i < f.oracle->listed; i++)
        if (!f.oracle->list[i].learns)
            units_freeze(f.oracle, i);
    draw_data(&f, &random, margin);
    return f;
}

static void free_fixture(fixture *f)
{
    units_free(f->oracle);
    free(f->x);
    free(f->exact_x);
}

/* ---- the oracle ---- */

static double exact_difference(fixture *f, double *value, const double *weights)
{
    const double step = 1e-4;
    double kept = *value, loss[4];

    for (int side = 0; side < 4; side++) {
        *value = kept + (side < 2 ? side - 2 : side - 1) * step;
        loss[side] = units_loss(f->oracle, ROWS, f->exact_x, f->y, weights).loss;
    }
    *value = kept;
    return (8.0 * (loss[2] - loss[1]) - (loss[3] - loss[0])) / (12.0 * step);
}

static void check_oracle(const char *name, fixture *f, const double *weights)
{
    units_oracle *whole = units_create(&f->oracle->plan);
    double largest = 0.0;

    units_copy(whole, f->oracle);
    units_gradients(whole, ROWS, f->exact_x, f->y, weights, NULL);
    for (size_t p = 0; p < f->oracle->listed; p++) {
        const units_parameter *one = &f->oracle->list[p];

        for (size_t i = 0; one->learns && i < one->parameter->count; i++) {
            double expected = exact_difference(f, &one->parameter->value[i], weights),
                   got = whole->list[p].parameter->gradient[i];

            largest = fmax(largest, fabs(expected));
            if (!(fabs(got - expected) <= 1e-8))
                fail_msg("%s: the oracle's gradient of %s[%zu] is %.9g, the differences say %.9g", name,
                         one->name, i, got, expected);
        }
    }
    assert_true(largest > 0.01);
    units_free(whole);
}

static void check_oracle_twice(const char *name, const units_plan *plan, uint64_t seed)
{
    for (int fixed = 0; fixed <= 1; fixed++) {
        fixture f = make_fixture(plan, seed, fixed, 1e-2);

        check_oracle(name, &f, fixed ? NULL : f.exact_weights);
        free_fixture(&f);
    }
}

static void test_the_oracle_matches_differences(void **state)
{
    (void)state;
    each_row(check_oracle_twice);
    each_map(check_oracle_twice);
    each_group(check_oracle_twice);
    each_padded_pool(check_oracle_twice);
    each_order(check_oracle_twice);
    each_sequence(check_oracle_twice);
    each_similarity(check_oracle_twice);
    each_auxiliary(check_oracle_twice);
    each_head(check_oracle_twice);
}

/* ---- the library ---- */

/* Float32 losses carry errors of about 1e-7; with four points the differences may be wide apart. */
#define STEP 0.015625
#define TOLERANCE 1e-4

typedef struct library {
    mf_layer *layer;
    mf_network *network;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    mf_batch batch;
} library;

static library open_library(const fixture *f, int fixed)
{
    library l = {.layer = make_units(&f->oracle->plan)};

    units_write(f->oracle, l.layer);
    for (size_t i = 0; fixed && i < f->oracle->listed; i++)
        if (!f->oracle->list[i].learns)
            check_ok(mf_layer_set_trainable(l.layer, f->oracle->list[i].name, 0));
    l.optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    l.network = make_network();
    check_ok(mf_network_append(l.network, l.layer, NULL));
    check_ok(mf_network_set_optimizer(l.network, l.optimizer));
    l.workspace = make_network_workspace(l.network, ROWS);
    l.batch = make_batch(ROWS, f->x, f->y);
    return l;
}

static void close_library(library *l)
{
    mf_workspace_free(l->workspace);
    mf_network_free(l->network);
    mf_layer_free(l->layer);
    mf_optimizer_free(l->optimizer);
}

/* The layer's loss by evaluation, or, with `by_step`, by a step at rate 0, which takes the batch's mean and
 * variance and knows of label smoothing and similarities. */
static double loss_at(library *l, const char *name, float *values, size_t count, size_t i, double shift,
                      int by_step)
{
    float kept = values[i];

    values[i] = (float)((double)kept + shift);
    check_ok(mf_layer_set_parameter(l->layer, name, values, count));
    if (by_step)
        check_ok(mf_network_step_batch(l->network, l->workspace, &l->batch));
    else
        check_ok(mf_network_evaluate_batch(l->network, l->workspace, &l->batch));
    values[i] = kept;
    check_ok(mf_layer_set_parameter(l->layer, name, values, count));
    return read_report(l->workspace, 0).loss;
}

static double difference(library *l, const char *name, float *values, size_t count, size_t i, int by_step)
{
    double near = loss_at(l, name, values, count, i, STEP, by_step) -
                  loss_at(l, name, values, count, i, -STEP, by_step);
    double far = loss_at(l, name, values, count, i, 2 * STEP, by_step) -
                 loss_at(l, name, values, count, i, -2 * STEP, by_step);

    return (8.0 * near - far) / (12.0 * STEP);
}

static int reads(const units_node *node, size_t n)
{
    return node->from[0] == n || (unit_reads_two(node->spec.kind) && node->from[1] == n);
}

/* A bias that only normalisations by the batch read has no gradient. */
static int has_effect(const units_oracle *o, size_t p, int fixed)
{
    for (size_t n = 1; n <= o->count; n++) {
        int only_norms = n < o->count;

        if (o->list[p].parameter != &o->nodes[n].own[UNIT_BIAS])
            continue;
        for (size_t m = n + 1; m <= o->count; m++)
            if (reads(&o->nodes[m], n) && o->nodes[m].spec.kind != MF_UNIT_BATCH_NORM)
                only_norms = 0;
        return fixed || !only_norms;
    }
    return 1;
}

static void check_library(const char *name, fixture *f, library *l, int fixed)
{
    size_t values_in_all = count_gradients(l->layer);
    float *gradients = get_memory(values_in_all * sizeof *gradients);
    const float *at = gradients;
    const mf_head_spec *head = &f->oracle->plan.head;
    int by_step = !fixed || head->label_smoothing > 0.0f || head->similarity > 0.0f || head->input_node > 0;

    check_ok(mf_layer_gradients(l->layer, l->workspace, &l->batch, NULL, gradients, values_in_all));
    for (size_t p = 0; p < f->oracle->listed; p++) {
        const char *parameter = f->oracle->list[p].name;
        size_t count = 0;
        float *values = read_parameter(l->layer, parameter, &count);
        double largest = 0.0;

        for (size_t i = 0; f->oracle->list[p].learns && i < count; i++) {
            double expected = difference(l, parameter, values, count, i, by_step);

            largest = fmax(largest, fabs(expected));
            if (!(fabs((double)at[i] - expected) <= TOLERANCE + 2e-3 * fabs(expected)))
                fail_msg("%s: the gradient of %s[%zu] is %.7g, the differences say %.7g", name, parameter, i,
                         (double)at[i], expected);
        }
        /* Otherwise a gradient of nothing but zeros would pass. */
        if (f->oracle->list[p].learns && has_effect(f->oracle, p, fixed) && !(largest > 2e-3))
            fail_msg("%s: the largest gradient of %s is %g", name, parameter, largest);
        at += count;
        free(values);
    }
    free(gradients);
}

static void check_library_twice(const char *name, const units_plan *plan, uint64_t seed)
{
    for (int fixed = 0; fixed <= 1; fixed++) {
        fixture f = make_fixture(plan, seed, fixed, 0.12);
        library l = open_library(&f, fixed);

        l.batch.sample_weights = seed % 2 ? f.weights : NULL;
        check_library(name, &f, &l, fixed);
        close_library(&l);
        free_fixture(&f);
    }
}

static void test_gradients_of_rows_match_differences(void **state)
{
    (void)state;
    each_row(check_library_twice);
}

static void test_gradients_of_maps_match_differences(void **state)
{
    (void)state;
    each_group(check_library_twice);
    each_map(check_library_twice);
    each_padded_pool(check_library_twice);
}

static void test_gradients_of_other_orders_match_differences(void **state)
{
    (void)state;
    each_order(check_library_twice);
}

static void test_gradients_of_sequences_match_differences(void **state)
{
    (void)state;
    each_sequence(check_library_twice);
}

static void test_gradients_of_heads_match_differences(void **state)
{
    (void)state;
    each_head(check_library_twice);
}

static void test_gradients_of_similarities_match_differences(void **state)
{
    (void)state;
    each_similarity(check_library_twice);
}

static void test_gradients_of_auxiliary_heads_match_differences(void **state)
{
    (void)state;
    each_auxiliary(check_library_twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oracle_matches_differences),
        cmocka_unit_test(test_gradients_of_rows_match_differences),
        cmocka_unit_test(test_gradients_of_maps_match_differences),
        cmocka_unit_test(test_gradients_of_other_orders_match_differences),
        cmocka_unit_test(test_gradients_of_sequences_match_differences),
        cmocka_unit_test(test_gradients_of_heads_match_differences),
        cmocka_unit_test(test_gradients_of_similarities_match_differences),
        cmocka_unit_test(test_gradients_of_auxiliary_heads_match_differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
