/* ranks: the grid of this run, this rank's layers, and their trainer.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MPI_MNIST_RANKS_H
#define MPI_MNIST_RANKS_H

#include "mpi_settings.h"

#include "train.h"

#include "monoforward_mpi.h"

struct ranks {
    mf_mpi_grid *grid;
    mf_mpi_place place;
    mf_mpi_trainer *trainer;
};

/* True if a call of libmonoforward_mpi succeeded; otherwise rank 0 of all prints what the library says. */
bool ranks_ok(mf_status status);

/* Was the last failure one that all ranks have seen? */
bool ranks_failed_together(void);

/* Collective. Splits the network of the model. On failure prints one line and returns false. */
bool ranks_open(struct ranks *ranks, const struct mpi_settings *mpi, struct model *model,
                const struct settings *settings);
void ranks_close(struct ranks *ranks);

/* Bytes that all ranks have sent. */
struct traffic {
    double activation_bytes, average_bytes;
};

/* Collective; the sums are those of rank 0. */
bool ranks_traffic(const struct ranks *ranks, struct traffic *sum);

#endif
