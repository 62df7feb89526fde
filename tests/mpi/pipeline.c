/* A pipeline of ranks gives the bits of one process: all kinds of layers, all rules of update, joint and
 * greedy, uneven and weighted batches, settings that change on the way. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "ranks.h"

/* What every rank does with its own copy of the settings, before batch t. */
static void train(mf_mpi_trainer *trainer, training_fixture *s, size_t first, size_t end, int greedy)
{
    for (size_t t = first; t < end; t++) {
        mf_batch batch = batch_of(s, t);
        const mf_batch *given = mpi_rank() == 0 ? &batch : NULL;

        change_settings(s, t);
        if (greedy)
            check_mpi_ok(mf_mpi_step_layer(trainer, t % LAYERS, given));
        else
            check_mpi_ok(mf_mpi_step(trainer, given));
    }
}

static void train_alone(training_fixture *s, size_t first, size_t end, int greedy)
{
    for (size_t t = first; t < end; t++) {
        mf_batch batch = batch_of(s, t);

        change_settings(s, t);
        if (greedy)
            check_ok(mf_network_step_layer_batch(s->network, s->workspace, t % LAYERS, &batch));
        else
            check_ok(mf_network_step_batch(s->network, s->workspace, &batch));
    }
}

static void check_reports(const mf_mpi_trainer *trainer, const training_fixture *alone, size_t first,
                          size_t layers)
{
    for (size_t i = 0; i < layers; i++) {
        mf_report here = {.struct_size = sizeof here}, there = read_report(alone->workspace, first + i);

        check_mpi_ok(mf_mpi_report(trainer, i, &here));
        assert_int_equal(here.rows, there.rows);
        assert_int_equal(here.correct, there.correct);
        assert_int_equal(here.applied, there.applied);
        assert_true(here.loss == there.loss && here.gradient_norm == there.gradient_norm);
    }
}

/* The scaling of inputs goes with the first layer. */
static void scale_inputs(training_fixture *s)
{
    const float shift = -0.1f, scale = 1.3f;

    check_ok(mf_network_set_input_scaling(s->network, &shift, &scale, 1));
    mf_workspace_free(s->workspace);
    s->workspace = make_network_workspace(s->network, ROWS);
}

static void check_run(const mf_mpi_grid *grid, fixture_maker make, const rule *how, int greedy, size_t depth)
{
    training_fixture *s = make(how), *alone = make(how);
    mf_network *part = NULL;
    mf_mpi_trainer *trainer;
    mf_mpi_trainer_spec spec;
    size_t first = 0, layers = 0;

    if (depth == 2 && make != make_tokens_fixture) { /* scaled, a token is none */
        scale_inputs(s);
        scale_inputs(alone);
    }
    check_mpi_ok(mf_mpi_split(grid, s->network, NULL, &part, &first));
    check_ok(mf_network_size(part, &layers));
    spec = trainer_spec(part);
    spec.depth = depth;
    trainer = make_trainer(grid, &spec);
    mf_network_free(part);
    train(trainer, s, 0, 6, greedy);
    check_mpi_ok(mf_mpi_flush(trainer));
    train(trainer, s, 6, BATCHES, greedy);
    check_mpi_ok(mf_mpi_gather(trainer, mpi_rank() == 0 ? s->network : NULL));
    train_alone(alone, 0, BATCHES, greedy);
    if (mpi_rank() == 0)
        check_same_bits(s->network, alone->network);
    if (!greedy)
        check_reports(trainer, alone, first, layers);
    mf_mpi_trainer_free(trainer);
    free_training_fixture(s);
    free_training_fixture(alone);
}

static void test_ranks_give_the_bits_of_one_process(const mf_mpi_grid *grid)
{
    size_t runs = 0;

    for (size_t k = 0; fixture_makers[k] != NULL; k++)
        for (size_t r = 0; r < RULES; r++, runs++)
            check_run(grid, fixture_makers[k], &rules[r], runs % 2 == 1, 1 + runs % 3);
}

/* Rank 0 saves what is gathered; another number of ranks goes on from there. */
static void test_training_goes_on_from_a_file(const mf_mpi_grid *grid)
{
    training_fixture *s = make_maps_fixture(&rules[3]), *alone = make_maps_fixture(&rules[3]);
    mf_network *part = take_part(grid, s->network), *loaded = NULL;
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    uint64_t size = 0;
    void *file;
    size_t bytes;

    train(trainer, s, 0, 7, 0);
    check_mpi_ok(mf_mpi_gather(trainer, s->network));
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    check_ok(mf_network_save_size(s->network, MF_CONTENTS_TRAINING, &bytes));
    size = bytes;
    MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    file = get_memory((size_t)size);
    if (mpi_rank() == 0)
        check_ok(mf_network_save_buffer(s->network, MF_CONTENTS_TRAINING, file, bytes, NULL));
    MPI_Bcast(file, (int)size, MPI_BYTE, 0, MPI_COMM_WORLD);

    /* Half of the ranks, or one, where the others have nothing to do. */
    MPI_Comm fewer;
    int goes_on = mpi_rank() < (mpi_ranks() + 1) / 2;
    MPI_Comm_split(MPI_COMM_WORLD, goes_on, mpi_rank(), &fewer);
    if (goes_on) {
        mf_load_spec load;
        mf_mpi_grid *smaller = NULL;

        check_ok(mf_load_spec_init(&load, sizeof load));
        load.contents = MF_CONTENTS_TRAINING;
        check_ok(mf_network_load_buffer(&load, file, (size_t)size, &loaded));
        mf_network_free(s->network);
        mf_optimizer_free(s->optimizer);
        s->network = loaded;
        check_ok(mf_layer_optimizer(layer_at(loaded, 0), &s->optimizer));
        check_mpi_ok(mf_mpi_grid_create(fewer, NULL, &smaller));
        part = take_part(smaller, loaded);
        spec = trainer_spec(part);
        trainer = make_trainer(smaller, &spec);
        mf_mpi_grid_free(smaller);
        train(trainer, s, 7, BATCHES, 0);
        check_mpi_ok(mf_mpi_gather(trainer, loaded));
        train_alone(alone, 0, BATCHES, 0);
        if (mpi_rank() == 0)
            check_same_bits(loaded, alone->network);
        mf_mpi_trainer_free(trainer);
        mf_network_free(part);
        mf_network_free(loaded);
        mf_workspace_free(s->workspace);
        free(s);
    } else {
        free_training_fixture(s);
    }
    MPI_Comm_free(&fewer);
    free(file);
    free_training_fixture(alone);
}

/* Rounded on the way: one process that rounds at the same places has the same bits. */
static uint16_t rounded(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void step_with_rounding(training_fixture *s, mf_workspace *workspace, const size_t *firsts,
                               size_t stages, const mf_batch *whole)
{
    float a[2][ROWS * 32];
    uint16_t passed[ROWS * 32];
    mf_batch batch = *whole;

    for (size_t i = 0, stage = 1; i < LAYERS; i++) {
        mf_shape shape = {.struct_size = sizeof shape};

        check_ok(mf_layer_step_batch(layer_at(s->network, i), workspace, &batch, a[i % 2]));
        check_ok(mf_layer_shape(layer_at(s->network, i), NULL, &shape));
        batch.input_type = MF_TYPE_FLOAT32;
        batch.inputs = a[i % 2];
        if (stage < stages && firsts[stage] == i + 1) {
            for (size_t j = 0; j < batch.rows * shape.dims[0]; j++)
                passed[j] = rounded(a[i % 2][j]);
            batch.input_type = MF_TYPE_BF16;
            batch.inputs = passed;
            stage++;
        }
    }
}

static void test_bf16_on_the_wire(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]), *alone = make_training_fixture(&rules[3]);
    mf_network *part = NULL;
    size_t first = 0, firsts[LAYERS + 1];
    uint64_t own;
    uint64_t all[LAYERS + 1] = {0};
    mf_workspace_spec workspace_spec;
    mf_workspace *workspace;

    check_mpi_ok(mf_mpi_split(grid, s->network, NULL, &part, &first));
    own = first;
    MPI_Allgather(&own, 1, MPI_UINT64_T, all, 1, MPI_UINT64_T, MPI_COMM_WORLD);
    for (size_t i = 0; i <= LAYERS; i++)
        firsts[i] = (size_t)all[i];
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.wire = MF_MPI_WIRE_BF16;
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_network_free(part);
    check_ok(mf_workspace_spec_init(&workspace_spec, sizeof workspace_spec));
    workspace_spec.purpose = MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT;
    workspace_spec.network = alone->network;
    workspace_spec.max_batch = ROWS;
    check_ok(mf_workspace_create(&workspace_spec, &workspace));
    for (size_t t = 0; t < BATCHES; t++) {
        mf_batch batch = batch_of(alone, t);

        change_settings(alone, t);
        step_with_rounding(alone, workspace, firsts, (size_t)mpi_ranks(), &batch);
    }
    train(trainer, s, 0, BATCHES, 0);
    check_mpi_ok(mf_mpi_gather(trainer, s->network));
    if (mpi_rank() == 0)
        check_same_bits(s->network, alone->network);
    mf_mpi_trainer_free(trainer);
    mf_workspace_free(workspace);
    free_training_fixture(s);
    free_training_fixture(alone);
}

/* Bytes go in as they are; what is sent is what docs/mpi.md says. */
static void test_bytes_sent_and_other_inputs(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[0]), *alone = make_training_fixture(&rules[0]);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_traffic traffic;
    mf_shape output = {.struct_size = sizeof output};
    uint8_t bytes[ROWS * INPUTS];
    mf_workspace_spec workspace_spec;
    mf_workspace *workspace;
    mf_mpi_trainer *trainer;
    size_t layers = 0;

    spec.convert = 1;
    trainer = make_trainer(grid, &spec);
    check_ok(mf_workspace_spec_init(&workspace_spec, sizeof workspace_spec));
    workspace_spec.purpose = MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT;
    workspace_spec.network = alone->network;
    workspace_spec.max_batch = ROWS;
    check_ok(mf_workspace_create(&workspace_spec, &workspace));
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(37 * i);
    for (size_t t = 0; t < 5; t++) {
        mf_batch batch = batch_of(s, t);

        batch.input_type = MF_TYPE_UINT8;
        batch.inputs = bytes;
        batch.sample_weights = t == 1 ? s->weights : NULL;
        check_mpi_ok(mf_mpi_step(trainer, &batch));
        check_ok(mf_network_step_batch(alone->network, workspace, &batch));
    }
    check_mpi_ok(mf_mpi_gather(trainer, s->network));
    if (mpi_rank() == 0)
        check_same_bits(s->network, alone->network);
    check_mpi_ok(mf_mpi_traffic_init(&traffic, sizeof traffic));
    check_mpi_ok(mf_mpi_sent(trainer, &traffic));
    check_ok(mf_network_size(part, &layers));
    check_ok(mf_layer_shape(layer_at(part, layers - 1), NULL, &output));
    int sends = mpi_rank() + 1 < mpi_ranks();
    assert_int_equal(traffic.messages, sends ? 5 : 0);
    assert_int_equal(traffic.average_bytes, 0);
    assert_int_equal(traffic.activation_bytes,
                     sends ? 5 * (64 + ROWS * (4 + 4 * output.dims[0])) + 4 * ROWS : 0);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    mf_workspace_free(workspace);
    free_training_fixture(s);
    free_training_fixture(alone);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    mf_mpi_grid *grid = make_grid(1);
    test_ranks_give_the_bits_of_one_process(grid);
    test_bf16_on_the_wire(grid);
    test_bytes_sent_and_other_inputs(grid);
    test_training_goes_on_from_a_file(grid);
    mf_mpi_grid_free(grid);
    if (mpi_rank() == 0)
        printf("a pipeline of %d ranks has the bits of one process\n", mpi_ranks());
    MPI_Finalize();
    return 0;
}
