/* What the tests of pipelines share. SPDX-License-Identifier: MIT */
#include "training_fixture.h"

#include "random.h"
#include "units.h"

const size_t fixture_widths[LAYERS + 1] = {INPUTS, 17, 24, 13, 19};

const rule rules[RULES] = {
    {MF_OPTIMIZER_SGD, 0, 0.0f, 0.0f, 0.0f},     {MF_OPTIMIZER_SGD, 0, 0.9f, 0.01f, 0.0f},
    {MF_OPTIMIZER_SGD, 1, 0.9f, 0.0f, 0.5f},     {MF_OPTIMIZER_ADAM, 0, 0.0f, 0.01f, 0.0f},
    {MF_OPTIMIZER_ADAMW, 0, 0.0f, 0.01f, 0.3f},  {MF_OPTIMIZER_RMSPROP, 0, 0.0f, 0.0f, 0.0f},
    {MF_OPTIMIZER_RMSPROP, 0, 0.5f, 0.0f, 0.0f},
};

static mf_network *make_maps(mf_optimizer *optimizer)
{
    mf_network *network = make_network();
    mf_layer_spec specs[LAYERS] = {conv_spec(1, 3, 7, 6, CLASSES), conv_spec(1, 1, 1, 5, CLASSES),
                                   layer_spec(0, 13, CLASSES), layer_spec(0, 19, CLASSES)};

    specs[0].padding[0] = specs[0].padding[1] = 1;
    specs[0].pool = MF_POOL_MAX;
    specs[0].normalization = MF_NORMALIZATION_BATCH;
    specs[0].dropout_maps = 1;
    specs[1].padding[0] = specs[1].padding[1] = 2;
    specs[1].activation = MF_ACTIVATION_GELU;
    specs[1].normalization = MF_NORMALIZATION_BATCH;
    specs[1].head_size = 2;
    specs[2].normalization = MF_NORMALIZATION_BATCH;
    specs[3].precision = MF_PRECISION_BF16;
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer;

        specs[i].seed = 60 + i;
        if (i > 0)
            check_ok(mf_layer_spec_follow(&specs[i], &specs[i - 1]));
        layer = make_layer(&specs[i]);
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

static units_plan first_plan(void)
{
    units_plan plan = plan_maps(1, 3, 7, CLASSES);

    plan_add(&plan, unit_conv(4, 3, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_dropout(0.2f, 1));
    plan_add(&plan, unit_conv(4, 3, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_add(3, MF_NODE_PREVIOUS));
    plan_add(&plan, unit_pool(MF_POOL_MAX, 2));
    plan.dropout_maps = 1;
    plan.seed = 60;
    return plan;
}

/* A residual block, and a head with a convolution of its own that compares similarities by another one. */
static units_plan middle_plan(void)
{
    units_plan plan = plan_residual(4, 1, 3, CLASSES);

    plan.head.output_node = (int32_t)plan.count;
    plan.head.pool_size = 1;
    plan_add(&plan, unit_conv(5, 3, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_SILU));
    plan.head.similarity = 0.75f;
    plan_add(&plan, unit_reading(unit_conv(6, 3, 1), plan.head.output_node));
    return plan;
}

static units_plan last_plan(void)
{
    units_plan plan = plan_row(13, CLASSES);

    plan_add(&plan, unit_dense(11));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, unit_dropout(0.3f, 0));
    plan_add(&plan, unit_dense(19));
    plan.head.similarity = 0.5f;
    plan_add(&plan, unit_dense(7));
    plan.seed = 63;
    plan.precision = MF_PRECISION_BF16;
    return plan;
}

static mf_network *make_built(mf_optimizer *optimizer)
{
    units_plan plans[3] = {first_plan(), middle_plan(), last_plan()};
    mf_layer_spec spec = layer_spec(4 * 1 * 3, 13, CLASSES);
    mf_network *network;
    mf_layer *layer;

    spec.normalization = MF_NORMALIZATION_BATCH;
    network = make_units_network(plans, 2, NULL);
    layer = make_layer(&spec);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    layer = make_units(&plans[2]);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

/* A sequence, twice; what it says as a row; a row. */
static mf_network *make_sequences(mf_optimizer *optimizer)
{
    units_plan plans[3] = {plan_sequence(7, 3, CLASSES), plan_sequence(7, 3, CLASSES),
                           plan_sequence(7, 7, CLASSES)};
    mf_layer_spec spec = layer_spec(35, 19, CLASSES);
    mf_network *network;
    mf_layer *layer;

    plan_add(&plans[0], unit_dense(6));
    plan_add(&plans[0], unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plans[0], unit_dropout(0.2f, 1));
    plan_add(&plans[0], unit_dense(3));
    plan_add(&plans[0], unit_add(MF_NODE_PREVIOUS, 0));
    plans[0].dropout_maps = 1;
    plan_add(&plans[1], unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plans[1], unit_dense(4));
    plan_add(&plans[1], unit_activation(MF_ACTIVATION_SILU));
    plan_add(&plans[1], unit_concat(MF_NODE_PREVIOUS, 0));
    plan_add(&plans[2], unit_of(MF_UNIT_POSITIONS));
    plan_add(&plans[2], unit_dense(18));
    plan_add(&plans[2], unit_attention(3, 1));
    plan_add(&plans[2], unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plans[2], unit_dense(4));
    plan_add(&plans[2], unit_of(MF_UNIT_TRANSPOSE));
    plan_add(&plans[2], unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&plans[2], unit_dense(5));
    plan_add(&plans[2], unit_concat(MF_NODE_PREVIOUS, 7));
    plan_add(&plans[2], unit_reading(unit_of(MF_UNIT_FLATTEN), 6));
    plan_add(&plans[2], unit_concat(MF_NODE_PREVIOUS, 9));
    plans[2].seed = 65;
    spec.activation = MF_ACTIVATION_SILU;
    network = make_units_network(plans, 3, NULL);
    layer = make_layer(&spec);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

static mf_network *make_rounding(mf_optimizer *optimizer)
{
    mf_network *network = make_network();

    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer_spec spec = layer_spec(fixture_widths[i], fixture_widths[i + 1], CLASSES);
        mf_layer *layer;

        spec.precision = MF_PRECISION_BF16;
        layer = make_layer(&spec);
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

/* Four layers whose last units are dense, an attention, a sum and an activation; the last one's is the
 * head's. */
static mf_network *make_positions(mf_optimizer *optimizer)
{
    units_plan plans[LAYERS];

    for (size_t i = 0; i < LAYERS; i++) {
        plans[i] = plan_sequence(POSITIONS, 3, CLASSES);
        plans[i].head.kind = MF_HEAD_POSITIONS;
        plans[i].seed = 70 + i;
        plan_add(&plans[i], unit_dense(i == 1 ? 9 : 3));
    }
    plan_add(&plans[1], unit_attention(3, 1));
    plan_add(&plans[2], unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plans[3], unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plans[3], unit_activation(MF_ACTIVATION_SILU));
    plans[3].head.output_node = 1;
    plans[0].head.sampling = MF_SAMPLING_COUNTS;
    plans[0].head.candidates = 1;
    plans[3].head.sampling = MF_SAMPLING_LOG_UNIFORM;
    plans[3].head.candidates = 2;
    return make_units_network(plans, LAYERS, optimizer);
}

/* Tokens, of which some never occur in a batch. */
static mf_network *make_tokens(mf_optimizer *optimizer)
{
    units_plan plans[3] = {plan_row(INPUTS, CLASSES), plan_sequence(INPUTS, 3, CLASSES),
                           plan_sequence(INPUTS, 3, CLASSES)};
    mf_layer_spec spec = layer_spec(11, 19, CLASSES);
    mf_network *network;
    mf_layer *layer;

    plan_add(&plans[0], unit_embedding(150, 3));
    plan_add(&plans[0], unit_of(MF_UNIT_POSITIONS));
    plan_add(&plans[0], unit_dropout(0.2f, 1));
    plan_add(&plans[1], unit_dense(9));
    plan_add(&plans[1], unit_attention(3, 1));
    plan_add(&plans[1], unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plans[2], unit_of(MF_UNIT_GLOBAL_POOL));
    plan_add(&plans[2], unit_dense(11));
    network = make_units_network(plans, 3, NULL);
    layer = make_layer(&spec);
    check_ok(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
    check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

/* Heads that read one matrix, behind units of their own: with and without columns that they learn, sampled,
 * and next to one that reads none. */
static mf_network *make_shared(mf_optimizer *optimizer)
{
    mf_matrix *matrix = make_matrix(CLASSES, 6, 9);
    units_plan plans[LAYERS];
    mf_network *network;

    for (size_t i = 0; i < LAYERS; i++) {
        plans[i] = plan_row(i == 0 ? INPUTS : 10 + i, CLASSES);
        plans[i].seed = 80 + i;
        plan_add(&plans[i], unit_dense(11 + i));
        plan_add(&plans[i], unit_activation(MF_ACTIVATION_TANH));
        plan_shared(&plans[i], i == 1 ? NULL : matrix, i == 0 ? 0 : i);
    }
    plans[2].head.sampling = MF_SAMPLING_UNIFORM;
    plans[2].head.candidates = 2;
    network = make_units_network(plans, LAYERS, optimizer);
    mf_matrix_free(matrix);
    return network;
}

/* Auxiliary heads with and without units of their own, which drop and normalise; in one layer beside
 * similarities, in another rounding to bf16, in another beside a sampled head with units. */
static mf_network *make_auxiliary(mf_optimizer *optimizer)
{
    units_plan plans[LAYERS];
    mf_unit_spec scores = unit_dense(CLASSES);

    for (size_t i = 0; i < LAYERS; i++) {
        scores.loss_weight = 0.3f + (float)i;
        plans[i] = plan_row(i == 0 ? INPUTS : 10 + i, CLASSES);
        plans[i].seed = 90 + i;
        plans[i].head.input_node = i == 3 ? 3 : 2;
        plans[i].head.output_node = 2;
        plan_add(&plans[i], unit_dense(11 + i));
        plan_add(&plans[i], unit_activation(MF_ACTIVATION_RELU));
        if (i == 3)
            plan_add(&plans[i], unit_dense(4));
        plan_add(&plans[i], unit_reading(scores, i == 3 ? 3 : 2));
        plan_add(&plans[i], unit_reading(unit_dense(6), 2));
        plan_add(&plans[i], unit_norm());
        plan_add(&plans[i], unit_dropout(0.2f, 0));
        plan_add(&plans[i], scores);
    }
    plan_add(&plans[1], unit_reading(unit_dense(5), 2));
    plans[1].head.similarity = 0.5f;
    plans[2].precision = MF_PRECISION_BF16;
    plans[3].head.sampling = MF_SAMPLING_UNIFORM;
    plans[3].head.candidates = 2;
    return make_units_network(plans, LAYERS, optimizer);
}

enum { OF_DENSE, OF_MAPS, OF_UNITS, OF_BF16, OF_SEQUENCES, OF_POSITIONS, OF_TOKENS, OF_SHARED, OF_AUXILIARY };

static mf_network *make_kind(int kind, mf_optimizer *optimizer)
{
    if (kind == OF_UNITS)
        return make_built(optimizer);
    if (kind == OF_SEQUENCES)
        return make_sequences(optimizer);
    if (kind == OF_POSITIONS)
        return make_positions(optimizer);
    if (kind == OF_TOKENS)
        return make_tokens(optimizer);
    if (kind == OF_SHARED)
        return make_shared(optimizer);
    if (kind == OF_AUXILIARY)
        return make_auxiliary(optimizer);
    if (kind == OF_BF16)
        return make_rounding(optimizer);
    return kind == OF_MAPS ? make_maps(optimizer)
                           : make_stack(fixture_widths, LAYERS, CLASSES, 40, optimizer);
}

static training_fixture *make_fixture_of(const rule *how, int kind)
{
    training_fixture *s = get_zeroed(1, sizeof *s);
    mf_optimizer_spec spec = optimizer_spec(how->kind, 0.01);
    test_random random = {5};

    spec.nesterov = how->nesterov;
    spec.momentum = how->momentum;
    spec.weight_decay = how->decay;
    spec.clip_norm = how->clip;
    check_ok(mf_optimizer_create(&spec, &s->optimizer));
    s->network = make_kind(kind, s->optimizer);
    s->projection = kind == OF_UNITS || kind == OF_POSITIONS || kind == OF_SHARED || kind == OF_AUXILIARY
                        ? "head.projection"
                        : "projection";
    check_ok(mf_layer_set(layer_at(s->network, 0), MF_LAYER_DROPOUT, 0.3));
    check_ok(mf_layer_set(layer_at(s->network, 2), MF_LAYER_DROPOUT, 0.2));
    s->workspace = make_network_workspace(s->network, ROWS);
    for (size_t t = 0; t < BATCHES + BEHIND; t++) {
        draw_inputs(layer_vocabulary(layer_at(s->network, 0)), &random, s->x[t], ROWS * INPUTS);
        random_labels(&random, s->y[t], kind == OF_POSITIONS ? ROWS * POSITIONS : ROWS, CLASSES);
        for (size_t i = 4; kind == OF_POSITIONS && i < ROWS * POSITIONS; i += 5)
            s->y[t][i] = MF_LABEL_IGNORED;
    }
    for (size_t b = 0; b < ROWS; b++)
        s->weights[b] = (float)(b + 1) / 4.0f;
    s->caller = pthread_self();
    return s;
}

training_fixture *make_training_fixture(const rule *how)
{
    return make_fixture_of(how, OF_DENSE);
}

training_fixture *make_maps_fixture(const rule *how)
{
    return make_fixture_of(how, OF_MAPS);
}

training_fixture *make_units_fixture(const rule *how)
{
    return make_fixture_of(how, OF_UNITS);
}

training_fixture *make_sequence_fixture(const rule *how)
{
    return make_fixture_of(how, OF_SEQUENCES);
}

training_fixture *make_positions_fixture(const rule *how)
{
    return make_fixture_of(how, OF_POSITIONS);
}

training_fixture *make_tokens_fixture(const rule *how)
{
    return make_fixture_of(how, OF_TOKENS);
}

training_fixture *make_shared_fixture(const rule *how)
{
    return make_fixture_of(how, OF_SHARED);
}

training_fixture *make_auxiliary_fixture(const rule *how)
{
    return make_fixture_of(how, OF_AUXILIARY);
}

training_fixture *make_rounding_fixture(const rule *how)
{
    return make_fixture_of(how, OF_BF16);
}

void free_training_fixture(training_fixture *s)
{
    mf_workspace_free(s->workspace);
    mf_network_free(s->network);
    mf_optimizer_free(s->optimizer);
    free(s);
}

static size_t rows_of(size_t t)
{
    return t == BATCHES - 1 ? ROWS - 4 : ROWS;
}

/* Strides and weights in some batches. */
mf_batch batch_of(const training_fixture *s, size_t t)
{
    mf_batch batch = make_batch(rows_of(t), s->x[t], s->y[t]);

    if (t % 3 == 1)
        batch.sample_weights = s->weights;
    return batch;
}

/* What a host may change while batches are in the works. */
void change_settings(training_fixture *s, size_t t)
{
    check_ok(mf_optimizer_set(s->optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.02 / (double)(t + 1)));
    if (t == 5)
        check_ok(mf_layer_set(layer_at(s->network, 1), MF_LAYER_LABEL_SMOOTHING, 0.1));
    if (t == 8)
        check_ok(mf_layer_set(layer_at(s->network, 2), MF_LAYER_DROPOUT, 0.4));
    if (t == 10)
        check_ok(mf_layer_set_trainable(layer_at(s->network, 3), s->projection, 0));
}

static mf_pipeline_report report_here(const training_fixture *s, size_t t, size_t position)
{
    mf_report report = read_report(s->workspace, position);

    return (mf_pipeline_report){
        .struct_size = sizeof(mf_pipeline_report),
        .batch = t,
        .position = position,
        .rows = report.rows,
        .correct = report.correct,
        .loss = report.loss,
        .gradient_norm = report.gradient_norm,
        .applied = report.applied,
    };
}

void run_sequential(training_fixture *s)
{
    for (size_t t = 0; t < BATCHES; t++) {
        mf_batch batch = batch_of(s, t);

        change_settings(s, t);
        check_ok(mf_network_step_batch(s->network, s->workspace, &batch));
        for (size_t i = 0; i < LAYERS; i++)
            s->reports[s->seen++] = report_here(s, t, i);
    }
}

mf_pipeline_spec pipeline_spec(mf_network *network, uint32_t workers, size_t depth)
{
    mf_pipeline_spec spec;

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.workers = workers;
    spec.max_batch = ROWS;
    spec.depth = depth;
    return spec;
}

mf_pipeline *make_pipeline(mf_network *network, uint32_t workers, size_t depth)
{
    mf_pipeline_spec spec = pipeline_spec(network, workers, depth);
    mf_pipeline *pipeline = NULL;

    check_ok(mf_pipeline_create(&spec, &pipeline));
    return pipeline;
}

mf_pipeline_progress_info progress_of(mf_pipeline *pipeline)
{
    mf_pipeline_progress_info progress = {.struct_size = sizeof progress};

    check_ok(mf_pipeline_progress(pipeline, &progress));
    return progress;
}

/* All reports there are. */
void poll_all(training_fixture *s, mf_pipeline *pipeline)
{
    mf_status status;

    do {
        mf_pipeline_report report = {.struct_size = sizeof report};

        status = mf_pipeline_poll(pipeline, &report);
        if (status == MF_STATUS_OK) {
            assert_in_range(s->seen, 0, REPORTS - 1);
            s->reports[s->seen++] = report;
        }
    } while (status == MF_STATUS_OK);
    assert_true(status == MF_STATUS_BUSY || status == MF_STATUS_NOT_FOUND);
}

/* Training goes on, so that the optimizers' states and the dropout counters are compared as well. */
static void train_on(training_fixture *s)
{
    for (size_t t = BATCHES; t < BATCHES + BEHIND; t++)
        check_ok(mf_network_step(s->network, s->workspace, ROWS, s->x[t], s->y[t]));
}

void check_same_run(training_fixture *one, training_fixture *other)
{
    saved_values first = save_network_values(one->network), second = save_network_values(other->network);

    assert_int_equal(one->seen, other->seen);
    for (size_t i = 0; i < one->seen; i++)
        if (memcmp(&one->reports[i], &other->reports[i], sizeof one->reports[i]) != 0)
            fail_msg("report %zu: batch %d, layer %d, loss %.9g; expected batch %d, layer %d, loss %.9g", i,
                     (int)other->reports[i].batch, (int)other->reports[i].position, other->reports[i].loss,
                     (int)one->reports[i].batch, (int)one->reports[i].position, one->reports[i].loss);
    assert_true(same_values(&first, &second));
    free_saved_values(&first);
    free_saved_values(&second);
    train_on(one);
    train_on(other);
    first = save_network_values(one->network);
    second = save_network_values(other->network);
    assert_true(same_values(&first, &second));
    free_saved_values(&first);
    free_saved_values(&second);
}

void run_pipelined(training_fixture *s, uint32_t workers, size_t depth)
{
    mf_pipeline *pipeline = make_pipeline(s->network, workers, depth);

    for (size_t t = 0; t < BATCHES; t++) {
        mf_batch batch = batch_of(s, t);

        change_settings(s, t);
        check_ok(mf_pipeline_submit_batch(pipeline, &batch));
        poll_all(s, pipeline);
    }
    check_ok(mf_pipeline_flush(pipeline));
    poll_all(s, pipeline);
    assert_int_equal(progress_of(pipeline).finished, BATCHES);
    mf_pipeline_free(pipeline);
}

void check_pipelines_give_the_same_bits(training_fixture *(*make)(const rule *how))
{
    for (size_t r = 0; r < RULES; r++)
        for (uint32_t workers = 0; workers <= 3; workers++) {
            training_fixture *one = make(&rules[r]), *other = make(&rules[r]);

            run_sequential(one);
            run_pipelined(other, workers, workers == 2 ? 1 : 0);
            check_same_run(one, other);
            free_training_fixture(one);
            free_training_fixture(other);
        }
}
