/* What is wrong on one rank is a clear error on all, and nobody waits for ever. SPDX-License-Identifier: MIT
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "ranks.h"
#include "units.h"

static mf_network *stack_of(size_t layers, uint64_t seed, mf_optimizer *optimizer)
{
    const size_t widths[] = {INPUTS, 7, 7, 7, 7, 7};

    return make_stack(widths, layers, CLASSES, seed, optimizer);
}

static void refuse_intercommunicator(void)
{
    MPI_Comm half, between;
    mf_mpi_grid *none = NULL;
    int side = mpi_rank() % 2;

    if (mpi_ranks() == 1)
        return;
    MPI_Comm_split(MPI_COMM_WORLD, side, 0, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - side, 0, &between);
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_grid_create(between, NULL, &none));
    check_mpi_message("intercommunicator");
    MPI_Comm_free(&between);
    MPI_Comm_free(&half);
}

/* NULL and handles of other kinds are in hostile.c. */
static void test_communicators(void)
{
    mf_mpi_place place = {.struct_size = sizeof place};
    mf_mpi_grid *none = (mf_mpi_grid *)&place;

    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_grid_create(MPI_COMM_NULL, NULL, &none));
    check_mpi_message("MPI_COMM_NULL");
    assert_null(none);
    refuse_intercommunicator();
}

/* An out-pointer that one rank has forgotten is an error on all. */
static void test_out_pointers_of_one_rank(const mf_mpi_grid *grid)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = stack_of(4, 3, optimizer), *part = NULL;
    mf_mpi_trainer_spec spec = trainer_spec(network);
    mf_mpi_trainer *trainer = NULL;
    mf_mpi_grid *other = NULL;
    const int forgets = mpi_rank() + 1 == mpi_ranks();
    char words[64];

    snprintf(words, sizeof words, "rank %d: the out-pointer of the ", mpi_ranks() - 1);
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_grid_create(MPI_COMM_WORLD, NULL, forgets ? NULL : &other));
    check_mpi_message(words);
    assert_null(other);
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_split(grid, network, NULL, forgets ? NULL : &part, NULL));
    check_mpi_message(words);
    assert_null(part);
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_trainer_create(grid, &spec, forgets ? NULL : &trainer));
    check_mpi_message(words);
    assert_null(trainer);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

static void test_specs(void)
{
    mf_mpi_grid_spec spec;
    mf_mpi_grid *grid = NULL;

    check_mpi_ok(mf_mpi_grid_spec_init(&spec, sizeof spec));
    spec.replicas = (uint32_t)mpi_ranks() + 1;
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_grid_create(MPI_COMM_WORLD, &spec, &grid));
    check_mpi_message("do not divide");
    assert_null(grid);
    if (mpi_ranks() == 1)
        return;
    spec.replicas = mpi_rank() == 1 ? (uint32_t)mpi_ranks() : 1;
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_grid_create(MPI_COMM_WORLD, &spec, &grid));
    check_mpi_message("rank 1: the number of replicas");
    spec.replicas = 1;
    if (mpi_rank() == 1)
        spec.struct_size = 2;
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_grid_create(MPI_COMM_WORLD, &spec, &grid));
    check_mpi_message("rank 1: mf_mpi_grid_spec: struct_size");
}

static void refused_split(const mf_mpi_grid *grid, mf_status status, const char *words,
                          const mf_network *network, const double *costs)
{
    mf_network *part = NULL;

    check_mpi(status, mf_mpi_split(grid, network, costs, &part, NULL));
    check_mpi_message(words);
    assert_null(part);
}

static void test_splits(const mf_mpi_grid *grid)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *small = stack_of(1, 3, optimizer), *one = stack_of(4, 3, optimizer),
               *other = stack_of(4, mpi_rank() == 1 ? 4 : 3, optimizer), *part = NULL;
    double costs[] = {1, 1, mpi_rank() == 1 ? 2 : 1, 1}, bad[] = {1, -1, 1, 1}, uneven[] = {9, 1, 1, 1},
           largest[] = {DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX};
    size_t first = 0, layers = 0;
    float value[7] = {0};

    refused_split(grid, MF_STATUS_ARGUMENT, "layer 1 costs -1", one, bad);
    refused_split(grid, MF_STATUS_HANDLE, "rank 0", NULL, NULL);
    if (mpi_ranks() > 1) {
        refused_split(grid, MF_STATUS_SHAPE, "1 layers are too few for", small, NULL);
        refused_split(grid, MF_STATUS_SHAPE, "rank 1: the network is not that of rank 0", other, NULL);
        refused_split(grid, MF_STATUS_ARGUMENT, "rank 1: the hash of the costs", one, costs);
        /* The first layer is a stage of its own. */
        check_mpi_ok(mf_mpi_split(grid, one, uneven, &part, &first));
        check_ok(mf_network_size(part, &layers));
        assert_int_equal(first, mpi_rank() == 0 ? 0 : mpi_rank() == 1 ? 1 : first);
        assert_true(mpi_rank() > 0 || layers == 1);
        mf_network_free(part);
        /* The largest costs have no sum, and are equal all the same. */
        check_mpi_ok(mf_mpi_split(grid, one, largest, &part, &first));
        assert_true(mpi_ranks() != 2 || first == 2 * (size_t)mpi_rank());
        mf_network_free(part);
        /* An option, a value of the optimizer. */
        if (mpi_rank() == 1)
            check_ok(mf_layer_set(layer_at(one, 2), MF_LAYER_DROPOUT, 0.25));
        refused_split(grid, MF_STATUS_SHAPE, "rank 1", one, NULL);
        check_ok(mf_layer_set(layer_at(one, 2), MF_LAYER_DROPOUT, 0.25));
        if (mpi_rank() == 1)
            check_ok(mf_layer_set_parameter(layer_at(one, 2), "bias", value, 7));
        refused_split(grid, MF_STATUS_SHAPE, "rank 1", one, NULL);
    }
    mf_network_free(small);
    mf_network_free(one);
    mf_network_free(other);
    mf_optimizer_free(optimizer);
}

/* Heads that sample cost what they score: three of them less than one that scores all 1,000 classes. */
static void test_a_split_of_sampled_heads(const mf_mpi_grid *grid)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    units_plan plans[4];
    mf_network *network, *part = NULL;
    size_t first = 9;

    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        plans[i] = plan_row(8, 1000);
        plan_add(&plans[i], unit_dense(8));
        plans[i].head.sampling = i == 0 ? MF_SAMPLING_NONE : MF_SAMPLING_UNIFORM;
        plans[i].head.candidates = i == 0 ? 0 : 20;
    }
    network = make_units_network(plans, COUNT_OF(plans), optimizer);
    check_mpi_ok(mf_mpi_split(grid, network, NULL, &part, &first));
    if (mpi_rank() < 2) /* the second stage begins with the first of them */
        assert_int_equal(first, mpi_rank());
    mf_network_free(part);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

static void refused_trainer(const mf_mpi_grid *grid, mf_status status, const char *words,
                            const mf_mpi_trainer_spec *spec)
{
    mf_mpi_trainer *trainer = NULL;

    check_mpi(status, mf_mpi_trainer_create(grid, spec, &trainer));
    check_mpi_message(words);
    assert_null(trainer);
}

static void test_trainers(const mf_mpi_grid *grid)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    int last = mpi_ranks() - 1;
    mf_network *empty = make_network(), *bare = stack_of(1, 3, NULL), *wrong = stack_of(1, 3, optimizer);
    mf_mpi_trainer_spec spec = trainer_spec(empty);
    int level = MPI_THREAD_FUNNELED;

    refused_trainer(grid, MF_STATUS_STATE, "no layers", &spec);
    spec.network = bare;
    refused_trainer(grid, MF_STATUS_STATE, "no optimizer", &spec);
    spec.network = wrong;
    spec.max_batch = 0;
    refused_trainer(grid, MF_STATUS_ARGUMENT, "max_batch", &spec);
    spec.max_batch = ROWS;
    spec.wire = 5;
    refused_trainer(grid, MF_STATUS_ARGUMENT, "wire is 5", &spec);
    spec.wire = 0;
    spec.local = 2;
    refused_trainer(grid, MF_STATUS_ARGUMENT, "local", &spec);
    spec.local = 0;
    spec.convert = -1;
    refused_trainer(grid, MF_STATUS_ARGUMENT, "convert", &spec);
    spec.convert = 0;
    spec.depth = 5000;
    refused_trainer(grid, MF_STATUS_ARGUMENT, "5000", &spec);
    spec.depth = 0;
    MPI_Query_thread(&level);
    if (level < MPI_THREAD_FUNNELED) { /* MPI_Init() gave what it likes */
        spec.pool = make_pool(1);
        refused_trainer(grid, MF_STATUS_STATE, "MPI_THREAD_FUNNELED", &spec);
        mf_pool_free(spec.pool);
        spec.pool = NULL;
    }
    spec.network = NULL;
    refused_trainer(grid, MF_STATUS_HANDLE, "rank 0", &spec);
    if (last > 0) {
        spec.network = wrong;
        refused_trainer(grid, MF_STATUS_SHAPE, "expects 21 inputs, the one before has 7", &spec);
        spec.max_batch = mpi_rank() == last ? 5 : 4;
        refused_trainer(grid, MF_STATUS_ARGUMENT, "max_batch is 5 here and 4 on rank 0", &spec);
    }
    mf_network_free(empty);
    mf_network_free(bare);
    mf_network_free(wrong);
    mf_optimizer_free(optimizer);
}

/* Stages fit behind each other as layers of one network do: equal numbers of values are not enough. */
static void test_stages_that_do_not_fit(const mf_mpi_grid *grid)
{
    units_plan maps = plan_maps(16, 4, 4, CLASSES), other_maps = plan_maps(4, 8, 8, CLASSES),
               row = plan_row(256, CLASSES), tokens = row, position = plan_sequence(1, 256, CLASSES);
    const struct {
        const units_plan *first, *last; /* of all ranks but the last one, and of that */
        const char *words;              /* NULL: they fit */
    } pairs[] = {{&maps, &other_maps, "expects 4x8x8 inputs, the one before has 16x4x4 outputs"},
                 {&row, &position, "has 1x5 scores a row, the one before has 5"},
                 {&row, &tokens, "begins with an embedding"},
                 {&maps, &row, NULL}};
    const int last = mpi_rank() + 1 == mpi_ranks();

    if (mpi_ranks() == 1)
        return;
    plan_add(&maps, unit_conv(16, 3, 1));
    plan_add(&other_maps, unit_conv(4, 3, 1));
    plan_add(&row, unit_dense(256));
    plan_add(&tokens, unit_embedding(9, 2));
    plan_add(&position, unit_dense(7));
    position.head.kind = MF_HEAD_POSITIONS;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
        mf_network *network = make_units_network(last ? pairs[i].last : pairs[i].first, 1, optimizer);
        mf_mpi_trainer_spec spec = trainer_spec(network);

        if (pairs[i].words)
            refused_trainer(grid, MF_STATUS_SHAPE, pairs[i].words, &spec);
        else
            mf_mpi_trainer_free(make_trainer(grid, &spec));
        mf_network_free(network);
        mf_optimizer_free(optimizer);
    }
}

/* Replicas have to be the same. */
static void test_replicas_that_differ(void)
{
    mf_mpi_grid *grid = make_grid(0);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = stack_of(2, mpi_rank() == 1 ? 5 : 3, optimizer);
    mf_mpi_trainer_spec spec = trainer_spec(network);

    if (mpi_ranks() > 1)
        refused_trainer(grid, MF_STATUS_SHAPE, "rank 1", &spec);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    mf_mpi_grid_free(grid);
}

/* Weights that are 0 in a step are none, on the first stage already. */
static void refuse_subnormal_weights(mf_mpi_trainer *trainer, mf_batch batch, size_t position)
{
    float weights[ROWS];

    for (size_t i = 0; i < ROWS; i++)
        weights[i] = i % 2 ? 1e-40f : FLT_MIN / 2;
    batch.sample_weights = weights;
    check_mpi(MF_STATUS_ARGUMENT, position < LAYERS ? mf_mpi_step_layer(trainer, position, &batch)
                                                    : mf_mpi_step(trainer, &batch));
    check_mpi_message(": none of the 9 rows has a weight");
}

/* A batch that rank 0 refuses is refused everywhere, and training goes on. */
static void test_batches_that_are_refused(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]), *alone = make_training_fixture(&rules[3]);
    mf_network *part = take_part(grid, s->network), *empty;
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_report report = {.struct_size = sizeof report};

    for (size_t t = 0; t < 10; t++) {
        mf_batch batch = batch_of(s, t), broken = batch;

        if (t % 3 == 0) {
            s->y[16][2] = -1;
            broken.targets = s->y[16];
            check_mpi(MF_STATUS_LABEL, mf_mpi_step(trainer, &broken));
            check_mpi_message("rank 0, batch");
            broken = batch;
            broken.rows = ROWS + 1;
            check_mpi(MF_STATUS_CAPACITY, mf_mpi_step(trainer, &broken));
            broken.rows = 0;
            check_mpi(MF_STATUS_CAPACITY, mf_mpi_step(trainer, &broken));
            check_mpi(MF_STATUS_ARGUMENT, mf_mpi_step(trainer, NULL));
            broken = batch;
            broken.input_type = 77;
            check_mpi(MF_STATUS_UNSUPPORTED, mf_mpi_step(trainer, &broken));
            check_mpi_message("layer 0 of the network");
            broken.input_type = MF_TYPE_UINT8; /* without `convert` */
            check_mpi(MF_STATUS_STATE, mf_mpi_step(trainer, &broken));
            check_mpi_message("layer 0 of the network");
            refuse_subnormal_weights(trainer, batch, LAYERS);
        }
        check_mpi_ok(mf_mpi_step(trainer, &batch));
        check_ok(mf_network_step_batch(alone->network, alone->workspace, &batch));
    }
    check_mpi(MF_STATUS_NOT_FOUND, mf_mpi_step_layer(trainer, LAYERS, NULL));
    check_mpi(MF_STATUS_NOT_FOUND, mf_mpi_step_layer(trainer, SIZE_MAX, NULL));
    check_mpi(MF_STATUS_NOT_FOUND, mf_mpi_report(trainer, LAYERS, &report));
    check_mpi(MF_STATUS_STATE, mf_mpi_average(trainer));
    check_mpi_message("local");
    empty = make_network();
    check_mpi(MF_STATUS_SHAPE, mf_mpi_gather(trainer, empty));
    check_mpi_message("the network has 0 layers");
    mf_network_free(empty);
    check_mpi_ok(mf_mpi_gather(trainer, s->network));
    if (mpi_rank() == 0)
        check_same_bits(s->network, alone->network);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
    free_training_fixture(alone);
}

static void freeze_means(const mf_network *network)
{
    size_t layers = 0;

    check_ok(mf_network_size(network, &layers));
    for (size_t i = 0; i < layers; i++) {
        mf_layer *layer = layer_at(network, i);
        mf_parameter_info info = {.struct_size = sizeof info};
        size_t count = 0;

        check_ok(mf_layer_parameter_count(layer, &count));
        for (size_t p = 0; p < count; p++) {
            check_ok(mf_layer_parameter_info(layer, p, &info));
            if (strstr(info.name, "mean") || strstr(info.name, "variance"))
                check_ok(mf_layer_set_trainable(layer, info.name, 0));
        }
    }
}

/* A single row is refused, before anything has changed, where a layer that learns normalises by the batch.
 * Layers that pass it on take it, and those whose mean is frozen. */
static void test_single_rows(const mf_mpi_grid *grid)
{
    for (size_t k = 0; fixture_makers[k] != NULL; k++) {
        training_fixture *s = fixture_makers[k](&rules[3]), *alone = fixture_makers[k](&rules[3]);
        mf_network *part = NULL;
        size_t first = 0;
        check_mpi_ok(mf_mpi_split(grid, s->network, NULL, &part, &first));
        mf_mpi_trainer_spec spec = trainer_spec(part);
        mf_mpi_trainer *trainer = make_trainer(grid, &spec);
        mf_batch batch = batch_of(s, 0);

        batch.rows = 1;
        check_mpi(mf_network_step_batch(alone->network, alone->workspace, &batch),
                  mf_mpi_step(trainer, &batch));
        for (size_t position = 0; position < LAYERS; position++) {
            mf_status expected =
                mf_network_step_layer_batch(alone->network, alone->workspace, position, &batch);
            if (position < first) /* layers behind take no part */
                expected = MF_STATUS_OK;
            check_mpi(expected, mf_mpi_step_layer(trainer, position, &batch));
        }
        check_mpi_ok(mf_mpi_flush(trainer));
        freeze_means(part);
        freeze_means(alone->network);
        check_mpi_ok(mf_mpi_flush(trainer));
        check_ok(mf_network_step_batch(alone->network, alone->workspace, &batch));
        check_mpi_ok(mf_mpi_step(trainer, &batch));
        check_mpi_ok(mf_mpi_gather(trainer, s->network));
        if (mpi_rank() == 0) {
            freeze_means(s->network);
            check_same_bits(s->network, alone->network);
        }
        mf_mpi_trainer_free(trainer);
        mf_network_free(part);
        free_training_fixture(s);
        free_training_fixture(alone);
    }
}

/* What has been gathered of stages before one that does not fit is given back. */
static void test_a_gather_that_fails_changes_nothing(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]);
    mf_network *part = take_part(grid, s->network), *other = copy_of(s->network), *before;
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_batch batch = batch_of(s, 0);
    mf_shape input = {.struct_size = sizeof input}, output = input;
    mf_layer *last = NULL;
    uint64_t id = 0;

    check_ok(mf_network_layer(other, LAYERS - 1, &last, &id));
    check_ok(mf_layer_shape(last, &input, &output));
    last = make_plain_layer(input.dims[0], output.dims[0] + 1, CLASSES, 7);
    check_ok(mf_network_replace(other, id, last));
    before = copy_of(other);
    check_mpi_ok(mf_mpi_step(trainer, &batch));
    check_mpi(MF_STATUS_SHAPE, mf_mpi_gather(trainer, other));
    check_same_bits(other, before);
    check_mpi_ok(mf_mpi_gather(trainer, mpi_rank() == 0 ? s->network : NULL));
    mf_layer_free(last);
    mf_network_free(before);
    mf_network_free(other);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* Also where the first stages only pass it on, and look at neither labels nor weights. */
static void test_labels_for_layers_behind(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]), *alone = make_training_fixture(&rules[3]);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    float weights[ROWS] = {1, NAN};
    mf_batch batch = batch_of(s, 0), broken = batch;

    s->y[16][2] = CLASSES;
    broken.targets = NULL;
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_step_layer(trainer, LAYERS - 1, &broken));
    broken.targets = s->y[16];
    check_mpi(MF_STATUS_LABEL, mf_mpi_step_layer(trainer, LAYERS - 1, &broken));
    check_mpi_message("rank 0, batch 1: label 0 of row 2 is 5");
    broken = batch;
    broken.target_type = 77;
    check_mpi(MF_STATUS_UNSUPPORTED, mf_mpi_step_layer(trainer, LAYERS - 1, &broken));
    broken = batch;
    broken.sample_weights = weights;
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_step_layer(trainer, LAYERS - 1, &broken));
    check_mpi_message("the weight of row 1 is nan");
    weights[0] = weights[1] = 0;
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_step_layer(trainer, LAYERS - 1, &broken));
    check_mpi_message("none of the 9 rows");
    refuse_subnormal_weights(trainer, batch, LAYERS - 1);
    check_mpi_ok(mf_mpi_step_layer(trainer, LAYERS - 1, &batch));
    check_ok(mf_network_step_layer_batch(alone->network, alone->workspace, LAYERS - 1, &batch));
    check_mpi_ok(mf_mpi_gather(trainer, s->network));
    if (mpi_rank() == 0)
        check_same_bits(s->network, alone->network);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
    free_training_fixture(alone);
}

/* Whatever is in the batch. Layers behind a greedy step take no part. */
static void refuse_stale_steps(mf_mpi_trainer *trainer, size_t first, training_fixture *s, const char *words)
{
    mf_batch batch = batch_of(s, 0);

    for (int32_t label = -1; label <= 2 * CLASSES; label++) {
        s->y[0][0] = label;
        check_mpi(MF_STATUS_STALE, mf_mpi_step(trainer, &batch));
        check_mpi_message(words);
        for (size_t position = 0; position < LAYERS; position++) {
            mf_status expected = position < first ? MF_STATUS_OK : MF_STATUS_STALE;

            check_mpi(expected, mf_mpi_step_layer(trainer, position, &batch));
        }
    }
    batch.rows = 0;
    check_mpi(MF_STATUS_STALE, mf_mpi_step(trainer, &batch));
}

/* Other classes than the trainer was made for, on all ranks or on the first stage alone. Another trainer
 * takes them. */
static void test_other_classes_are_stale(const mf_mpi_grid *grid, size_t classes, int all)
{
    training_fixture *s = make_training_fixture(&rules[3]);
    mf_network *part = NULL;
    size_t first = 0;
    char words[96];

    snprintf(words, sizeof words, "layer 0 of the network has %zu classes, the trainer was made for %d",
             classes, (int)CLASSES);
    check_mpi_ok(mf_mpi_split(grid, s->network, NULL, &part, &first));
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.local = 1;
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_batch batch = batch_of(s, 0);
    check_mpi_ok(mf_mpi_step(trainer, &batch));
    check_mpi_ok(mf_mpi_average(trainer));
    if (all || mpi_rank() == 0)
        check_ok(mf_network_set_classes(part, classes));
    saved_values before = save_network_values(part);
    refuse_stale_steps(trainer, first, s, words);
    check_mpi_ok(mf_mpi_flush(trainer));
    check_mpi(MF_STATUS_STALE, mf_mpi_average(trainer));
    check_mpi_message(words);
    check_network_unchanged(&before, part);
    free_saved_values(&before);
    mf_mpi_trainer_free(trainer);
    if (all || mpi_ranks() == 1) {
        trainer = make_trainer(grid, &spec);
        s->y[0][0] = (int32_t)classes - 1;
        for (size_t row = 1; row < ROWS; row++)
            s->y[0][row] = 0;
        check_mpi_ok(mf_mpi_step(trainer, &batch));
        check_mpi_ok(mf_mpi_average(trainer));
        mf_mpi_trainer_free(trainer);
    }
    mf_network_free(part);
    free_training_fixture(s);
}

/* A layer fails where those behind it have nothing to do in that step: they hear of it in the next one. */
static void test_a_greedy_step_that_fails(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);

    s->x[0][3] = NAN;
    mf_batch batch = batch_of(s, 0);
    mf_status status = mf_mpi_step_layer(trainer, 0, &batch);
    for (size_t t = 1; t < 5 && status == MF_STATUS_OK; t++)
        status = mf_mpi_step(trainer, NULL); /* not on rank 0 */
    check_mpi(MF_STATUS_NUMERIC, status);
    check_mpi_message("rank 0, batch 0: layer 0 of the network");
    check_mpi(MF_STATUS_NUMERIC, mf_mpi_flush(trainer));
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* A loss at the last layer is not finite: it and those behind stop there, those before hear of it. */
static void test_a_loss_that_is_not_finite(const mf_mpi_grid *grid, size_t failing)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_layer *broken = layer_at(s->network, failing);
    size_t count = parameter_count(broken, "projection"), first = 0, layers = 0;
    float *huge = get_memory(count * sizeof *huge);
    mf_network *part = NULL;

    for (size_t i = 0; i < count; i++)
        huge[i] = i % 2 ? 3e38f : -3e38f;
    check_ok(mf_layer_set_parameter(broken, "projection", huge, count));
    check_mpi_ok(mf_mpi_split(grid, s->network, NULL, &part, &first));
    check_ok(mf_network_size(part, &layers));
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.depth = 1;
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_status status = MF_STATUS_OK;
    size_t steps = 0;
    while (steps < 30 && status == MF_STATUS_OK) {
        mf_batch batch = batch_of(s, 0);

        status = mf_mpi_step(trainer, &batch);
        steps++;
    }
    check_mpi(MF_STATUS_NUMERIC, status);
    check_mpi_message("of the network");
    check_mpi(MF_STATUS_NUMERIC, mf_mpi_flush(trainer));
    check_mpi_message("not finite");
    check_mpi(MF_STATUS_NUMERIC, mf_mpi_gather(trainer, s->network));
    check_mpi(MF_STATUS_STATE, mf_mpi_step(trainer, NULL));
    uint64_t applied[LAYERS] = {0}, all[LAYERS]; /* batches that the layers have learned from */
    for (size_t i = 0; i < layers; i++) {
        mf_report report = {.struct_size = sizeof report};

        check_mpi_ok(mf_mpi_report(trainer, i, &report));
        applied[first + i] = report.applied;
    }
    MPI_Allreduce(applied, all, LAYERS, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
    for (size_t i = 0; i < LAYERS; i++)
        assert_true(i < failing ? all[i] > all[failing] : all[i] == all[failing]);
    free(huge);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* A trainer that is freed in the middle, and ranks that have not made the same number of steps. */
static void test_ends(const mf_mpi_grid *grid)
{
    for (int uneven = 0; uneven < 2; uneven++) {
        training_fixture *s = make_training_fixture(&rules[0]);
        mf_network *part = take_part(grid, s->network);
        mf_mpi_trainer_spec spec = trainer_spec(part);
        mf_mpi_trainer *trainer = make_trainer(grid, &spec);
        mf_batch batch = batch_of(s, 0);

        if (mpi_rank() == 0) /* as many as there is room for */
            check_mpi_ok(mf_mpi_step(trainer, &batch));
        if (uneven && mpi_ranks() > 1) {
            check_mpi(MF_STATUS_STATE, mf_mpi_flush(trainer));
            check_mpi_message("steps have been made here and 1 on rank 0");
            check_mpi(MF_STATUS_STATE, mf_mpi_step(trainer, &batch));
            check_mpi_message("the trainer is over: rank 1: 0 steps");
        }
        mf_mpi_trainer_free(trainer);
        mf_network_free(part);
        free_training_fixture(s);
    }
}

/* The first stage rests while others wait for more. */
static void test_fewer_steps_of_the_first_stage(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);

    for (int resting = 0; resting < 2; resting++) {
        for (size_t t = 0; t < 3; t++) {
            mf_batch batch = batch_of(s, t);

            check_mpi_ok(mf_mpi_step(trainer, &batch));
        }
        if (resting && mpi_rank() > 0) {
            check_mpi(MF_STATUS_STATE, mf_mpi_step(trainer, NULL));
            check_mpi_message("has made fewer steps");
        }
        check_mpi(resting && mpi_ranks() > 1 ? MF_STATUS_STATE : MF_STATUS_OK, mf_mpi_flush(trainer));
    }
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

int main(int argc, char **argv)
{
    mf_mpi_grid *grid = NULL;

    check_mpi(MF_STATUS_STATE, mf_mpi_grid_create(MPI_COMM_SELF, NULL, &grid));
    check_mpi_message("MPI_Init");
    MPI_Init(&argc, &argv);
    if (argc > 1) { /* on rank 1 the library says that it is of another version */
        check_mpi(MF_STATUS_VERSION, mf_mpi_grid_create(MPI_COMM_WORLD, NULL, &grid));
        check_mpi_message("rank 1: libmonoforward_mpi");
        check_mpi_message("libmonoforward 9.9.9 here");
        MPI_Finalize();
        return 0;
    }
    assert_true(strcmp(mf_mpi_version(), mf_version()) == 0);
    grid = make_grid(1);
    test_communicators();
    test_out_pointers_of_one_rank(grid);
    test_specs();
    test_splits(grid);
    test_a_split_of_sampled_heads(grid);
    test_trainers(grid);
    test_stages_that_do_not_fit(grid);
    test_replicas_that_differ();
    test_batches_that_are_refused(grid);
    test_single_rows(grid);
    test_a_gather_that_fails_changes_nothing(grid);
    test_labels_for_layers_behind(grid);
    for (int i = 0; i < 4; i++)
        test_other_classes_are_stale(grid, i % 2 ? CLASSES + 2 : CLASSES - 2, i / 2);
    test_a_greedy_step_that_fails(grid);
    for (size_t failing = 0; failing < LAYERS; failing++)
        test_a_loss_that_is_not_finite(grid, failing);
    test_ends(grid);
    test_fewer_steps_of_the_first_stage(grid);
    mf_mpi_grid_free(grid);
    if (mpi_rank() == 0)
        printf("%d ranks: errors are those of all\n", mpi_ranks());
    MPI_Finalize();
    check_mpi(MF_STATUS_STATE, mf_mpi_grid_create(MPI_COMM_WORLD, NULL, &grid));
    check_mpi_message("MPI_Finalize");
    return 0;
}
