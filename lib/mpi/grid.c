/* Owns: a grid: the ranks of a communicator as stages x replicas. */
#include "grid.h"

#include <stdlib.h>
#include <string.h>

mf_status mfm_grid_check(const mf_mpi_grid *grid)
{
    if (!grid || grid->kind != MFM_KIND_GRID)
        return mfm_fail(MF_STATUS_HANDLE, grid ? "the handle is no grid" : "the grid is NULL");
    return MF_STATUS_OK;
}

mf_status mf_mpi_grid_spec_init(mf_mpi_grid_spec *spec, size_t size)
{
    const mf_mpi_grid_spec defaults = {.replicas = 1};
    return mfm_struct_write(spec, size, &defaults, sizeof defaults, "mf_mpi_grid_spec");
}

mf_status mf_mpi_place_init(mf_mpi_place *place, size_t size)
{
    const mf_mpi_place zeros = {0};
    return mfm_struct_write(place, size, &zeros, sizeof zeros, "mf_mpi_place");
}

static mf_status check_mpi_runs(void)
{
    int initialized = 0, finalized = 0;
    MPI_Initialized(&initialized);
    if (!initialized)
        return mfm_fail(MF_STATUS_STATE, "MPI_Init() has not been called");
    MPI_Finalized(&finalized);
    return finalized ? mfm_fail(MF_STATUS_STATE, "MPI_Finalize() has been called") : MF_STATUS_OK;
}

static mf_status check_comm(MPI_Comm comm)
{
    int between = 0;
    if (comm == MPI_COMM_NULL)
        return mfm_fail(MF_STATUS_ARGUMENT, "the communicator is MPI_COMM_NULL");
    MFM_TRY(mfm_mpi(MPI_Comm_test_inter(comm, &between)));
    return between ? mfm_fail(MF_STATUS_ARGUMENT, "the communicator is an intercommunicator") : MF_STATUS_OK;
}

/* Both libraries must be those of rank 0: messages and model files are theirs. */
static mf_status check_versions(MPI_Comm comm)
{
    char first[2][32] = {{0}}, own[2][32] = {{0}};
    strncpy(own[0], mf_mpi_version(), sizeof own[0] - 1);
    strncpy(own[1], mf_version(), sizeof own[1] - 1);
    memcpy(first, own, sizeof first);
    MFM_TRY(mfm_mpi(MPI_Bcast(first, sizeof first, MPI_BYTE, 0, comm)));
    mf_status status = MF_STATUS_OK;
    if (memcmp(first, own, sizeof own) != 0)
        status = mfm_fail(MF_STATUS_VERSION,
                          "libmonoforward_mpi %s and libmonoforward %s here, %s and %s on rank 0", own[0],
                          own[1], first[0], first[1]);
    return mfm_agree(comm, status);
}

static mf_status find_place(MPI_Comm comm, uint32_t replicas, mf_mpi_place *place)
{
    int rank, ranks;
    MFM_TRY(mfm_mpi(MPI_Comm_rank(comm, &rank)));
    MFM_TRY(mfm_mpi(MPI_Comm_size(comm, &ranks)));
    MFM_TRY(mfm_agree_value(comm, replicas, "the number of replicas"));
    if (replicas == 0)
        replicas = (uint32_t)ranks;
    if ((uint32_t)ranks % replicas != 0)
        return mfm_fail(MF_STATUS_ARGUMENT, "%u replicas do not divide %d ranks", (unsigned)replicas, ranks);
    *place = (mf_mpi_place){.rank = (uint32_t)rank,
                            .ranks = (uint32_t)ranks,
                            .stages = (uint32_t)ranks / replicas,
                            .replicas = replicas,
                            .stage = (uint32_t)rank / replicas,
                            .replica = (uint32_t)rank % replicas};
    return MF_STATUS_OK;
}

/* The specs of all ranks are read before anything is agreed on, so that a wrong one fails on all. */
static mf_status take_place(MPI_Comm comm, const mf_mpi_grid_spec *spec, mf_mpi_place *place)
{
    mf_mpi_grid_spec known = {.replicas = 1};
    MFM_TRY(mfm_mpi(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN)));
    MFM_TRY(check_versions(comm));
    MFM_TRY(mfm_agree(comm,
                      spec ? mfm_struct_read(&known, sizeof known, spec, "mf_mpi_grid_spec") : MF_STATUS_OK));
    return find_place(comm, known.replicas, place);
}

static mf_status make_grid(MPI_Comm comm, const mf_mpi_place *place, mf_mpi_grid **grid)
{
    MFM_TRY(mfm_agree(comm, grid ? MF_STATUS_OK
                                 : mfm_fail(MF_STATUS_ARGUMENT, "the out-pointer of the grid is NULL")));
    mf_mpi_grid *made = calloc(1, sizeof *made);
    mf_status status =
        mfm_agree(comm, made ? MF_STATUS_OK : mfm_fail(MF_STATUS_MEMORY, "no memory for a grid"));
    if (status != MF_STATUS_OK) {
        free(made);
        return status;
    }
    *made = (mf_mpi_grid){.kind = MFM_KIND_GRID, .comm = comm, .place = *place};
    *grid = made;
    return MF_STATUS_OK;
}

mf_status mf_mpi_grid_create(MPI_Comm comm, const mf_mpi_grid_spec *spec, mf_mpi_grid **grid)
{
    if (grid)
        *grid = NULL;
    MFM_TRY(check_mpi_runs());
    MFM_TRY(check_comm(comm));
    MPI_Comm own = MPI_COMM_NULL;
    mf_mpi_place place = {0};
    MFM_TRY(mfm_mpi(MPI_Comm_dup(comm, &own)));
    mf_status status = take_place(own, spec, &place);
    if (status == MF_STATUS_OK)
        status = make_grid(own, &place, grid);
    if (status != MF_STATUS_OK)
        MPI_Comm_free(&own);
    return status;
}

void mf_mpi_grid_free(mf_mpi_grid *grid)
{
    if (mfm_grid_check(grid) != MF_STATUS_OK)
        return;
    MPI_Comm_free(&grid->comm);
    grid->kind = 0;
    free(grid);
}

mf_status mf_mpi_grid_place(const mf_mpi_grid *grid, mf_mpi_place *place)
{
    MFM_TRY(mfm_grid_check(grid));
    return mfm_struct_fill(place, &grid->place, sizeof grid->place, "mf_mpi_place");
}
