/* Memory that one rank does not get, in each call in turn that makes a grid or a trainer: all ranks get
 * MEMORY, nobody waits for ever, and every rank has given back what it had taken. SPDX-License-Identifier:
 * MIT */
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
        training_fixture *s = make_training_fixture(&rules[3]);
        mf_network *part = take_part(grid, s->network);

        for (int failing = 0; failing < mpi_ranks(); failing++) {
            assert_int_equal(fail_grids(failing), 1);
            assert_true(fail_trainers(grid, part, failing) > 8);
        }
        mf_network_free(part);
        free_training_fixture(s);
        mf_mpi_grid_free(grid);
    }
    MPI_Finalize();
    return 0;
}
