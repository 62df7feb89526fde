/* Random layers of several units. SPDX-License-Identifier: MIT */
#include "random_units.h"

enum { LARGEST_MAP = 9 };

/* A plan in the making, with the shapes of its nodes. */
typedef struct draft {
    units_plan plan;
    units_oracle *shapes;
    test_random *random;
    int positions; /* a head of a sequence is one for positions */
    int heads;     /* heads have units of their own, if they can */
    int flattens;  /* sequences and maps now and then become rows */
} draft;

static int chance(draft *d, double rate)
{
    return random_uniform(d->random, 0.0, 1.0) < rate;
}

static size_t between(draft *d, size_t least, size_t most)
{
    return least + random_index(d->random, most - least + 1);
}

static const units_node *node_at(const draft *d, size_t n)
{
    return &d->shapes->nodes[n];
}

static void add(draft *d, mf_unit_spec unit)
{
    plan_add(&d->plan, unit);
    units_free(d->shapes);
    d->shapes = units_create(&d->plan);
}

static int same_shape(const units_node *one, const units_node *other)
{
    return one->rank == other->rank && one->channels == other->channels && one->map[0] == other->map[0] &&
           one->map[1] == other->map[1];
}

static int is_read(const draft *d, size_t n)
{
    for (size_t m = n + 1; m <= d->plan.count; m++) {
        const units_node *node = node_at(d, m);

        if (node->from[0] == n || (unit_reads_two(node->spec.kind) && node->from[1] == n))
            return 1;
    }
    return 0;
}

/* ---- single units, reading node `from` ---- */

static mf_unit_spec any_convolution(draft *d, size_t from)
{
    const units_node *source = node_at(d, from);
    mf_unit_spec unit = unit_conv(between(d, 1, 5), 1, 0);

    for (int i = 0; i < 2; i++) {
        unit.kernel[i] = between(d, 1, 3);
        unit.padding[i] = random_index(d->random, unit.kernel[i]);
        if (unit.kernel[i] > source->map[i] + 2 * unit.padding[i] ||
            source->map[i] + 2 * unit.padding[i] - unit.kernel[i] >= LARGEST_MAP)
            unit.kernel[i] = 1, unit.padding[i] = 0;
        unit.stride[i] = chance(d, 0.7) ? random_index(d->random, 2) : between(d, 2, 3);
    }
    if (chance(d, 0.4) && source->map[0] >= 2 && source->map[1] >= 2) {
        /* Something to add up later: maps as before. */
        unit.outputs = source->channels;
        unit.kernel[0] = unit.kernel[1] = 0;
        unit.padding[0] = unit.padding[1] = 1;
        unit.stride[0] = unit.stride[1] = 1;
    }
    unit.bias = chance(d, 0.5);
    if (chance(d, 0.25)) { /* depthwise, or in two groups where that goes */
        size_t maps = source->channels;

        unit.groups = maps % 2 || chance(d, 0.5) ? maps : 2;
        unit.outputs = unit.groups * between(d, 1, maps < 5 ? 2 : 1);
        unit.groups = unit.groups == 1 ? 0 : unit.groups;
    }
    return unit;
}

static mf_unit_spec any_dense(draft *d, size_t from)
{
    const units_node *source = node_at(d, from);
    mf_unit_spec unit = unit_dense(between(d, 1, 9));

    if (source->rank == 1 && chance(d, 0.4))
        unit.outputs = source->values;
    unit.bias = chance(d, 0.5);
    return unit;
}

static mf_unit_spec any_norm(draft *d)
{
    mf_unit_spec unit = unit_norm();

    unit.bias = chance(d, 0.7);
    unit.normalization_rate = (float)random_uniform(d->random, 0.0, 1.0);
    unit.normalization_epsilon = chance(d, 0.5) ? 1e-5f : 1e-2f;
    return unit;
}

/* Of a few values the variance may be next to nothing. */
static mf_unit_spec any_layer_norm(draft *d, size_t from)
{
    mf_unit_spec unit = unit_of(MF_UNIT_LAYER_NORM);

    unit.bias = chance(d, 0.7);
    unit.normalization_epsilon = node_at(d, from)->channels < 5 ? 0.25f : 1e-5f;
    return unit;
}

/* A unit that only sequences have. An attention has a product in front of it that gives it what it reads, and
 * a normalisation in front of that: with large scores a softmax is a step, and rounding decides where it
 * goes. */
static void add_of_sequence(draft *d)
{
    size_t heads = between(d, 1, 3), room = RANDOM_UNITS - d->plan.count;
    double dice = random_uniform(d->random, 0.0, 1.0);

    if (dice < 0.3) {
        add(d, unit_of(MF_UNIT_TRANSPOSE));
    } else if (dice < 0.5) {
        add(d, unit_of(MF_UNIT_POSITIONS));
    } else if (room > 2) {
        add(d, any_layer_norm(d, d->plan.count));
        add(d, unit_dense(3 * heads * between(d, 1, 3)));
        add(d, unit_attention(heads == 1 ? 0 : heads, chance(d, 0.5)));
    }
}

static mf_unit_spec any_pool(draft *d, size_t from)
{
    const units_node *source = node_at(d, from);
    mf_unit_spec unit = unit_pool(chance(d, 0.5) ? MF_POOL_AVERAGE : MF_POOL_MAX, 1);
    test_random aside = *d->random;

    for (int i = 0; i < 2; i++) {
        size_t most = source->map[i] < 3 ? source->map[i] : 3;

        unit.kernel[i] = source->map[i] >= 2 && chance(d, 0.3) ? 0 : between(d, 1, most);
        unit.stride[i] = random_index(d->random, 4);
        if (random_index(&aside, 3) == 0)
            unit.padding[i] = random_index(&aside, unit.kernel[i] ? unit.kernel[i] : 2);
    }
    if (unit.pool == MF_POOL_AVERAGE && random_index(&aside, 2) == 0)
        unit.pool = MF_POOL_AVERAGE_INSIDE;
    return unit;
}

static mf_unit_spec any_activation(draft *d)
{
    mf_unit_spec unit = unit_activation((int32_t)random_index(d->random, MF_ACTIVATION_SILU + 1));

    unit.leak = 0.125f;
    return unit;
}

/* The kind, or another one for an input of that rank. */
static int32_t kind_for(int32_t kind, int rank)
{
    if (rank == 1 && (kind == MF_UNIT_POOL || kind == MF_UNIT_GLOBAL_POOL))
        return MF_UNIT_DENSE;
    if (rank != 3 && kind == MF_UNIT_TOKENS)
        return MF_UNIT_DENSE;
    if (rank == 2 && (kind == MF_UNIT_CONV2D || kind == MF_UNIT_POOL))
        return MF_UNIT_DENSE;
    if (rank == 2 && kind == MF_UNIT_BATCH_NORM)
        return MF_UNIT_LAYER_NORM;
    if (rank == 3 && kind == MF_UNIT_LAYER_NORM)
        return MF_UNIT_BATCH_NORM;
    return kind;
}

static mf_unit_spec draw_unit(draft *d, int32_t kind, size_t from)
{
    mf_unit_spec unit;

    kind = kind_for(kind, node_at(d, from)->rank);
    if (kind == MF_UNIT_DENSE)
        unit = any_dense(d, from);
    else if (kind == MF_UNIT_CONV2D)
        unit = any_convolution(d, from);
    else if (kind == MF_UNIT_BATCH_NORM)
        unit = any_norm(d);
    else if (kind == MF_UNIT_ACTIVATION)
        unit = any_activation(d);
    else if (kind == MF_UNIT_POOL)
        unit = any_pool(d, from);
    else if (kind == MF_UNIT_LAYER_NORM)
        unit = any_layer_norm(d, from);
    else if (kind == MF_UNIT_GLOBAL_POOL || kind == MF_UNIT_TOKENS)
        unit = unit_of(kind);
    else
        unit = unit_dropout(0.0f, node_at(d, from)->rank != 1 && chance(d, 0.5));
    if (from != d->plan.count || chance(d, 0.3))
        unit.inputs[0] = (int32_t)from;
    return unit;
}

/* ---- their order ---- */

/* Often what is computed in one pass: product, normalisation, activation, pooling. */
static int32_t kind_behind(draft *d, size_t from)
{
    const units_node *source = node_at(d, from);
    int32_t kind = from == 0 ? MF_UNIT_DROPOUT : source->spec.kind;
    double dice = random_uniform(d->random, 0.0, 1.0);

    if ((kind == MF_UNIT_DENSE || kind == MF_UNIT_CONV2D) && dice < 0.7)
        return dice < 0.4 ? MF_UNIT_BATCH_NORM : MF_UNIT_ACTIVATION;
    if (kind == MF_UNIT_BATCH_NORM && dice < 0.6)
        return MF_UNIT_ACTIVATION;
    if (kind == MF_UNIT_ACTIVATION && dice < 0.3)
        return MF_UNIT_POOL;
    if (dice > 0.75 && dice < 0.8)
        return chance(d, 0.6) ? MF_UNIT_LAYER_NORM : chance(d, 0.5) ? MF_UNIT_GLOBAL_POOL : MF_UNIT_TOKENS;
    if (dice > 0.8)
        return source->rank == 3 || dice > 0.98 ? MF_UNIT_CONV2D : MF_UNIT_DENSE;
    return (int32_t)random_index(d->random, 20) == 0 ? MF_UNIT_DROPOUT
                                                     : (int32_t)random_index(d->random, MF_UNIT_DROPOUT);
}

/* A sum of the node before and one of the same shape, if there is one; now and then of a node and itself. */
static int try_sum(draft *d)
{
    size_t last = d->plan.count, choices[RANDOM_UNITS + 1], count = 0;

    for (size_t n = 0; n < last; n++)
        if (same_shape(node_at(d, n), node_at(d, last)))
            choices[count++] = n;
    if (last > 0 && count == 0 && chance(d, 0.05))
        choices[count++] = last;
    if (count == 0)
        return 0;
    if (chance(d, 0.5))
        add(d, unit_add(MF_NODE_PREVIOUS, (int32_t)choices[random_index(d->random, count)]));
    else
        add(d, unit_add((int32_t)choices[random_index(d->random, count)], (int32_t)last));
    return 1;
}

static int fit_together(const units_node *one, const units_node *other)
{
    return one->rank == other->rank && one->map[0] == other->map[0] && one->map[1] == other->map[1];
}

/* The node before and another one behind each other, if there is one that fits. */
static int try_concat(draft *d)
{
    size_t last = d->plan.count, choices[RANDOM_UNITS + 1], count = 0;

    for (size_t n = 0; n <= last; n++)
        if (fit_together(node_at(d, n), node_at(d, last)) && node_at(d, n)->channels < 12)
            choices[count++] = n;
    if (count == 0)
        return 0;
    if (chance(d, 0.5))
        add(d, unit_concat(MF_NODE_PREVIOUS, (int32_t)choices[random_index(d->random, count)]));
    else
        add(d, unit_concat((int32_t)choices[random_index(d->random, count)], (int32_t)last));
    return 1;
}

/* A row of `width` values from node n, *row its node; 0 if that takes more units than there may be. */
static int add_row(draft *d, size_t width, size_t n, int32_t *row)
{
    if (d->plan.count + 1 + (node_at(d, n)->rank == 2) > RANDOM_UNITS)
        return 0;
    add(d, unit_reading(unit_dense(width), (int32_t)n));
    if (node_at(d, n)->rank == 2)
        add(d, unit_of(MF_UNIT_GLOBAL_POOL));
    *row = (int32_t)d->plan.count;
    return 1;
}

/* Sums of what nobody has read; 0 if that takes more units than there may be. */
static int join_ends(draft *d)
{
    for (size_t n = 1; n < d->plan.count; n++) {
        size_t last = d->plan.count, width;
        int32_t one = (int32_t)n, other = (int32_t)last;

        if (is_read(d, n))
            continue;
        if (!same_shape(node_at(d, n), node_at(d, last))) {
            width = between(d, 2, 6);
            if (!add_row(d, width, n, &one) || !add_row(d, width, last, &other))
                return 0;
        }
        if (d->plan.count + 1 > RANDOM_UNITS)
            return 0;
        add(d, unit_add(one, other));
    }
    return 1;
}

/* Whether a sequence or maps become a row here, also the layer's input, behind which something must come. */
static int draws_flatten(draft *d, size_t wanted)
{
    return d->flattens && node_at(d, d->plan.count)->rank > 1 && (d->plan.count > 0 || wanted > 1) &&
           chance(d, 0.3);
}

static int draw_units(draft *d)
{
    size_t wanted = between(d, 1, RANDOM_UNITS);

    while (d->plan.count < wanted) {
        if (draws_flatten(d, wanted))
            add(d, unit_of(MF_UNIT_FLATTEN));
        if (d->plan.count == wanted)
            break;
        size_t from = chance(d, 0.85) ? d->plan.count : random_index(d->random, d->plan.count + 1);

        if (chance(d, 0.35) && try_sum(d))
            continue;
        if (chance(d, 0.06) && try_concat(d))
            continue;
        if (node_at(d, d->plan.count)->rank == 2 && chance(d, 0.35)) {
            add_of_sequence(d);
            continue;
        }
        add(d, draw_unit(d, kind_behind(d, from), from));
    }
    return join_ends(d);
}

/* Nodes whose units behind them read them and each other: one of them can be the layer's output. Draws one;
 * MF_NODE_PREVIOUS if there is none. */
static int32_t draw_output(draft *d)
{
    int32_t found[RANDOM_UNITS];
    size_t count = 0, least = d->plan.count;

    for (size_t n = d->plan.count; n > 1; n--) {
        const units_node *node = node_at(d, n);

        for (int i = 0; i < 1 + unit_reads_two(node->spec.kind); i++)
            least = node->from[i] < least ? node->from[i] : least;
        if (least >= n - 1 && !(n == 2 && node_at(d, 1)->spec.kind == MF_UNIT_FLATTEN))
            found[count++] = (int32_t)n - 1;
    }
    return count == 0 ? MF_NODE_PREVIOUS : found[random_index(d->random, count)];
}

static void draw_head(draft *d)
{
    const units_node *output = node_at(d, d->plan.count);
    size_t most = output->map[0] < output->map[1] ? output->map[0] : output->map[1];

    if (output->rank == 3 && chance(d, 0.5))
        d->plan.head.pool_size = between(d, 1, most < 4 ? most : 4);
    if (output->rank == 2 && d->positions)
        d->plan.head.kind = MF_HEAD_POSITIONS;
    if (chance(d, 0.3))
        d->plan.head.label_smoothing = 0.1f;
    if (d->heads)
        d->plan.head.output_node = draw_output(d);
}

/* Behind the head, a map that reads the output or a unit behind it, if there is room for it. */
static void draw_similarity(draft *d)
{
    size_t last = d->plan.count,
           output = d->plan.head.output_node > 0 ? (size_t)d->plan.head.output_node : last,
           from = output + random_index(d->random, last - output + 1);
    const units_node *source = node_at(d, from);
    mf_unit_spec map = source->rank == 3 && chance(d, 0.8) ? any_convolution(d, from) : unit_dense(2);

    if (last == RANDOM_UNITS || source->rank == 2 || d->plan.head.kind == MF_HEAD_POSITIONS)
        return;
    map.outputs = between(d, 3, 9);
    map.groups = 0;
    if (source->rank == 3) /* no deviation of a map shows a bias, so it would be compared with nothing */
        map.bias = 0;
    plan_add(&d->plan, unit_reading(map, (int32_t)from));
    d->plan.head.similarity = chance(d, 0.5) ? 0.99f : 0.5f;
}

/* ---- auxiliary heads ---- */

/* A row, or, of a head for positions, a sequence with as many positions, as the input of scores from node n;
 * 0 if there is none. */
static int can_score(const draft *d, size_t n)
{
    return d->plan.head.kind != MF_HEAD_POSITIONS ||
           (node_at(d, n)->rank == 2 && node_at(d, n)->places == d->shapes->scored);
}

/* Units of its own, or none, and the scores, from the node that was drawn. */
static void add_auxiliary(draft *d, size_t from)
{
    mf_unit_spec scores = unit_dense(d->plan.head.classes);
    size_t kinds = random_index(d->random, 3);

    scores.bias = chance(d, 0.3);
    scores.loss_weight = chance(d, 0.5) ? 0.3f : (float)random_uniform(d->random, 0.1, 2.0);
    if (kinds > 0) {
        if (node_at(d, from)->rank == 3 && chance(d, 0.7))
            add(d, unit_reading(any_convolution(d, from), (int32_t)from));
        else
            add(d, unit_reading(any_dense(d, from), (int32_t)from));
        from = d->plan.count;
    }
    if (kinds > 1) {
        add(d, unit_reading(any_activation(d), (int32_t)from));
        from = d->plan.count;
    }
    if (node_at(d, from)->rank == 2 && d->plan.head.kind != MF_HEAD_POSITIONS) {
        add(d, unit_reading(unit_of(chance(d, 0.5) ? MF_UNIT_GLOBAL_POOL : MF_UNIT_FLATTEN), (int32_t)from));
        from = d->plan.count;
    }
    add(d, unit_reading(scores, (int32_t)from));
}

/* One or two behind the units of a plan, before its map for similarities, from nodes at or behind its output.
 */
static units_plan with_auxiliary_heads(test_random *random, const units_plan *plan)
{
    draft d = {.plan = *plan, .random = random, .shapes = units_create(plan)};
    size_t read = d.shapes->read, output = d.shapes->output, map_input = d.shapes->nodes[plan->count].from[0],
           count = between(&d, 1, 2);
    mf_unit_spec map = plan->units[plan->count - 1];

    d.plan.count = read;
    d.plan.head.input_node = (int32_t)read;
    d.plan.head.similarity = 0.0f;
    units_free(d.shapes);
    d.shapes = units_create(&d.plan);
    for (size_t i = 0; i < count; i++) {
        size_t from = output + random_index(random, d.plan.count - output + 1);

        while (d.shapes->nodes[from].spec.loss_weight > 0.0f || !can_score(&d, from))
            from = from > output ? from - 1 : read;
        add_auxiliary(&d, from);
    }
    if (plan->head.similarity > 0.0f)
        add(&d, unit_reading(map, (int32_t)map_input));
    d.plan.head.similarity = plan->head.similarity;
    units_free(d.shapes);
    return d.plan;
}

/* Each draw has a statement of its own: compilers differ in which argument of a call comes first. */
static units_plan draw_sequence(draft *d, size_t classes)
{
    size_t values = between(d, 2, 8), positions = between(d, 1, 5);

    return plan_sequence(positions, values, classes);
}

static units_plan draw_maps(draft *d, size_t classes)
{
    size_t width = between(d, 1, LARGEST_MAP), height = between(d, 1, LARGEST_MAP), maps = between(d, 1, 4);

    return plan_maps(maps, height, width, classes);
}

static units_plan draw_plan(test_random *random, int positions, int heads, int flattens)
{
    draft d = {.random = random, .positions = positions, .heads = heads, .flattens = flattens};
    int whole = 0;

    while (!whole) {
        size_t classes = between(&d, 2, 6);

        if (chance(&d, 0.25))
            d.plan = draw_sequence(&d, classes);
        else if (chance(&d, 0.6))
            d.plan = draw_maps(&d, classes);
        else
            d.plan = plan_row(between(&d, 2, 12), classes);
        d.plan.seed = 1 + random_index(random, 1000);
        d.shapes = units_create(&d.plan);
        whole = draw_units(&d);
        if (whole)
            draw_head(&d);
        if (whole && heads && chance(&d, 0.5))
            draw_similarity(&d);
        units_free(d.shapes);
    }
    return d.plan;
}

units_plan random_plan(test_random *random)
{
    return draw_plan(random, 0, 0, 0);
}

units_plan random_plan_of_positions(test_random *random)
{
    units_plan plan;

    do
        plan = draw_plan(random, 1, 0, 0);
    while (plan.head.kind != MF_HEAD_POSITIONS);
    return plan;
}

units_plan random_plan_with_head_units(test_random *random, int positions)
{
    units_plan plan;

    do
        plan = draw_plan(random, positions, 1, 0);
    while (plan.head.output_node == MF_NODE_PREVIOUS && plan.head.similarity == 0.0f);
    return plan;
}

static int has_kind(const units_plan *plan, int32_t kind)
{
    for (size_t n = 0; n < plan->count; n++)
        if (plan->units[n].kind == kind)
            return 1;
    return 0;
}

units_plan random_plan_with_flatten(test_random *random)
{
    units_plan plan;

    do
        plan = draw_plan(random, 0, (int)random_index(random, 2), 1);
    while (!has_kind(&plan, MF_UNIT_FLATTEN));
    return plan;
}

units_plan random_plan_with_auxiliary_heads(test_random *random, int positions)
{
    const units_plan plan = positions                      ? random_plan_of_positions(random)
                            : random_index(random, 2) == 0 ? random_plan(random)
                                                           : random_plan_with_head_units(random, 0);

    return with_auxiliary_heads(random, &plan);
}

/* ---- networks ---- */

/* Tokens, their places and what they are embedded as. */
static units_plan tokens_plan(test_random *random, size_t classes)
{
    units_plan one = plan_row(1 + random_index(random, 30), classes);
    size_t width = 1 + random_index(random, 20), tokens = 1 + random_index(random, 300);

    plan_add(&one, unit_embedding(tokens, width));
    plan_add(&one, unit_of(MF_UNIT_POSITIONS));
    return one;
}

network_plan random_network_plan(test_random *random, size_t classes)
{
    network_plan p = {.layers = 1 + random_index(random, RANDOM_LAYERS)};

    for (size_t i = 0; i < p.layers; i++) {
        units_plan *one = &p.plans[i];
        mf_layer *layer;

        if (i == 0) {
            *one = random_index(random, 4) == 0 ? random_plan_with_flatten(random)
                   : random_index(random, 2)    ? random_plan(random)
                   : random_index(random, 2)    ? random_plan_with_head_units(random, 0)
                   : random_index(random, 3)    ? random_plan_with_auxiliary_heads(random, 0)
                                                : tokens_plan(random, classes);
            plan_classes(one, classes);
        } else {
            layer = make_units(&p.plans[i - 1]);
            *one = plan_behind(layer, classes);
            mf_layer_free(layer);
            plan_add(one, one->input.rank == 2 || random_index(random, 2)
                              ? unit_dense(3 + random_index(random, 30))
                              : unit_conv(2 + random_index(random, 9), 3, 1));
            plan_add(one, one->input.rank == 2 ? unit_of(MF_UNIT_LAYER_NORM) : unit_norm());
            plan_add(one, unit_activation((int32_t)random_index(random, MF_ACTIVATION_SILU + 1)));
            if (random_index(random, 2))
                plan_add(one, unit_add(random_index(random, 2) ? 1 : 2, MF_NODE_PREVIOUS));
            plan_add(one, unit_dropout(0.2f, 0));
        }
        one->units[0].weight_init = random_index(random, 3) ? MF_INIT_NORMAL : MF_INIT_ORTHOGONAL;
        one->dropout = random_index(random, 2) ? 0.25f : 0.0f;
    }
    p.inputs = p.plans[0].input.dims[0] * p.plans[0].input.dims[1] * p.plans[0].input.dims[2];
    p.optimizer = optimizer_spec((int32_t)random_index(random, MF_OPTIMIZER_RMSPROP + 1), 0.01);
    p.optimizer.clip_norm = random_index(random, 2) ? 0.5f : 0.0f;
    p.optimizer.momentum = p.optimizer.kind == MF_OPTIMIZER_SGD ? 0.5f : 0.0f;
    p.purpose = random_index(random, 4) ? MF_WORKSPACE_TRAINING : MF_WORKSPACE_INFERENCE;
    return p;
}
