/* What the tests of libmonoforward_mpi share. Each runs as N ranks; a check that fails ends its rank without
 * MPI_Finalize(), upon which mpirun ends the others. SPDX-License-Identifier: MIT */
#ifndef TEST_RANKS_H
#define TEST_RANKS_H

#include "training_fixture.h"

#include "monoforward_mpi.h"

/** The call must return `expected`; otherwise both statuses and this library's message are shown. */
#define check_mpi(expected, call) check_mpi_at((expected), (call), #call, __FILE__, __LINE__)
#define check_mpi_ok(call) check_mpi(MF_STATUS_OK, call)
void check_mpi_at(mf_status expected, mf_status got, const char *call, const char *file, int line);

/** mf_mpi_last_message() must contain `part`. */
#define check_mpi_message(part) check_mpi_message_at((part), __FILE__, __LINE__)
void check_mpi_message_at(const char *part, const char *file, int line);

mf_mpi_grid *make_grid(uint32_t replicas);
mf_mpi_place place_in(const mf_mpi_grid *grid);

/** A trainer for batches of ROWS; the layers stay alive by it. */
mf_mpi_trainer_spec trainer_spec(mf_network *part);
mf_mpi_trainer *make_trainer(const mf_mpi_grid *grid, const mf_mpi_trainer_spec *spec);

/** This rank's layers of the network. */
mf_network *take_part(const mf_mpi_grid *grid, const mf_network *network);

/** Fails unless both networks are the same in every bit that a model file with training holds. */
void check_same_bits(const mf_network *one, const mf_network *other);

/** A copy with optimizers. */
mf_network *copy_of(const mf_network *network);

/** The fixtures of all kinds of layers, ended by NULL. */
typedef training_fixture *(*fixture_maker)(const rule *how);
extern const fixture_maker fixture_makers[];

int mpi_rank(void);
int mpi_ranks(void);

#endif
