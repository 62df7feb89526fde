/* Memory that one rank does not get, in each call in turn that makes a grid, a part or a trainer or that
 * gathers: all ranks get MEMORY, nobody waits for ever, every rank has given back what it had taken, and a
 * network that was to receive all layers is as it was. SPDX-License-Identifier: MIT */
#include "memory_faults.h"
#include "ranks.h"

/* No call is the last that there can be: what is taken is counted all the same. */
enum { NONE = 1 << 30 };

static void begin(int failing, size_t nth)
{
    memory_fault_at(mpi_rank() == failing ? nth : NONE, 0);
}

/* Whether the failing rank has failed; the same answer on all. */
static int end(int failing, mf_status status)
{
    int failed = memory_faults() > 0;

    MPI_Bcast(&failed, 1, MPI_INT, failing, MPI_COMM_WORLD);
    check_mpi(failed ? MF_STATUS_MEMORY : MF_STATUS_OK, status);
    if (failed)
        assert_int_equal(memory_blocks(), 0);
    memory_fault_at(0, 0);
    return failed;
}

static size_t fail_grids(int failing)
{
    mf_mpi_grid *grid = NULL;
    size_t nth = 0;
    int failed = 1;

    while (failed) {
        begin(failing, ++nth);
        failed = end(failing, mf_mpi_grid_create(MPI_COMM_WORLD, NULL, &grid));
        assert_int_equal(grid == NULL, failed);
    }
    mf_mpi_grid_free(grid);
    return nth - 1;
}

static size_t fail_parts(const mf_mpi_grid *grid, const mf_network *network, int failing)
{
    mf_network *part = NULL;
    size_t nth = 0;
    int failed = 1;

    while (failed) {
        begin(failing, ++nth);
        failed = end(failing, mf_mpi_split(grid, network, NULL, &part, NULL));
        assert_int_equal(part == NULL, failed);
    }
    mf_network_free(part);
    return nth - 1;
}

/* Replicas but the first have nothing to give. The network is a step ahead, so that it would change. */
static size_t fail_gathers(const mf_mpi_grid *grid, mf_network *part, const training_fixture *s, int failing)
{
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_network *whole = copy_of(s->network), *before;
    mf_workspace *workspace = make_network_workspace(whole, ROWS);
    size_t nth = 0;
    int failed = 1;

    check_ok(mf_network_step(whole, workspace, ROWS, s->x[0], s->y[0]));
    before = copy_of(whole);
    while (failed) {
        begin(failing, ++nth);
        failed = end(failing, mf_mpi_gather(trainer, whole));
        check_same_bits(failed || mpi_rank() > 0 ? before : s->network, whole);
    }
    mf_workspace_free(workspace);
    mf_network_free(whole);
    mf_network_free(before);
    mf_mpi_trainer_free(trainer);
    return nth - 1;
}

static size_t fail_trainers(const mf_mpi_grid *grid, mf_network *part, int failing)
{
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = NULL;
    size_t nth = 0;
    int failed = 1;

    while (failed) {
        begin(failing, ++nth);
        failed = end(failing, mf_mpi_trainer_create(grid, &spec, &trainer));
        assert_int_equal(trainer == NULL, failed);
    }
    check_mpi_ok(mf_mpi_flush(trainer));
    mf_mpi_trainer_free(trainer);
    return nth - 1;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    for (uint32_t replicas = 1; replicas <= (uint32_t)mpi_ranks(); replicas += (uint32_t)mpi_ranks() - 1) {
        mf_mpi_grid *grid = make_grid(replicas);
        training_fixture *s = make_maps_fixture(&rules[3]);
        const float shift = 0.5f, scale = 1.5f;
        mf_network *part;

        check_ok(mf_network_set_input_scaling(s->network, &shift, &scale, 1));
        part = take_part(grid, s->network);
        for (int failing = 0; failing < mpi_ranks(); failing++) {
            assert_int_equal(fail_grids(failing), 1);
            assert_true(fail_parts(grid, s->network, failing) > 2);
            assert_true(fail_trainers(grid, part, failing) > 8);
            assert_true(fail_gathers(grid, part, s, failing) > 0 || replicas > 1);
        }
        mf_network_free(part);
        free_training_fixture(s);
        mf_mpi_grid_free(grid);
    }
    MPI_Finalize();
    return 0;
}
