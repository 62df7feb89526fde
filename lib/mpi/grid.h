/* Owns: a grid: the ranks of a communicator as stages x replicas. */
#ifndef MFM_GRID_H
#define MFM_GRID_H

#include "common.h"

struct mf_mpi_grid {
    uint32_t kind; /* MFM_KIND_GRID: another number is no grid */
    mf_mpi_place place;
    MPI_Comm comm;
};

enum { MFM_KIND_GRID = 0x4d464731, MFM_KIND_TRAINER = 0x4d465431 };

mf_status mfm_grid_check(const mf_mpi_grid *grid);

#endif
