/* What the tests of libmonoforward_mpi share. SPDX-License-Identifier: MIT */
#include "ranks.h"

#include <stdio.h>

const fixture_maker fixture_makers[] = {make_training_fixture,  make_maps_fixture,
                                        make_units_fixture,     make_sequence_fixture,
                                        make_positions_fixture, make_tokens_fixture,
                                        make_rounding_fixture,  make_shared_fixture,
                                        make_auxiliary_fixture, NULL};

void check_mpi_at(mf_status expected, mf_status got, const char *call, const char *file, int line)
{
    if (got != expected)
        fprintf(stderr, "%s:%d: rank %d: %s gave %s, expected %s: %s\n", file, line, mpi_rank(), call,
                mf_status_name(got), mf_status_name(expected), mf_mpi_last_message());
    if (got != expected)
        exit(1);
}

void check_mpi_message_at(const char *part, const char *file, int line)
{
    if (strstr(mf_mpi_last_message(), part) != NULL)
        return;
    fprintf(stderr, "%s:%d: rank %d: '%s' is not in '%s'\n", file, line, mpi_rank(), part,
            mf_mpi_last_message());
    exit(1);
}

int mpi_rank(void)
{
    int rank;

    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

int mpi_ranks(void)
{
    int ranks;

    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return ranks;
}

mf_mpi_grid *make_grid(uint32_t replicas)
{
    mf_mpi_grid_spec spec;
    mf_mpi_grid *grid = NULL;

    check_mpi_ok(mf_mpi_grid_spec_init(&spec, sizeof spec));
    spec.replicas = replicas;
    check_mpi_ok(mf_mpi_grid_create(MPI_COMM_WORLD, &spec, &grid));
    return grid;
}

mf_mpi_place place_in(const mf_mpi_grid *grid)
{
    mf_mpi_place place;

    check_mpi_ok(mf_mpi_place_init(&place, sizeof place));
    check_mpi_ok(mf_mpi_grid_place(grid, &place));
    return place;
}

mf_mpi_trainer_spec trainer_spec(mf_network *part)
{
    mf_mpi_trainer_spec spec;

    check_mpi_ok(mf_mpi_trainer_spec_init(&spec, sizeof spec));
    spec.network = part;
    spec.max_batch = ROWS;
    return spec;
}

mf_mpi_trainer *make_trainer(const mf_mpi_grid *grid, const mf_mpi_trainer_spec *spec)
{
    mf_mpi_trainer *trainer = NULL;

    check_mpi_ok(mf_mpi_trainer_create(grid, spec, &trainer));
    return trainer;
}

mf_network *take_part(const mf_mpi_grid *grid, const mf_network *network)
{
    mf_network *part = NULL;

    check_mpi_ok(mf_mpi_split(grid, network, NULL, &part, NULL));
    return part;
}

mf_network *copy_of(const mf_network *network)
{
    mf_network *copy = NULL;

    check_ok(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &copy));
    return copy;
}

void check_same_bits(const mf_network *one, const mf_network *other)
{
    size_t sizes[2];
    unsigned char *files[2];
    const mf_network *networks[2] = {one, other};

    for (int i = 0; i < 2; i++) {
        check_ok(mf_network_save_size(networks[i], MF_CONTENTS_TRAINING, &sizes[i]));
        files[i] = get_memory(sizes[i]);
        check_ok(mf_network_save_buffer(networks[i], MF_CONTENTS_TRAINING, files[i], sizes[i], NULL));
    }
    if (sizes[0] != sizes[1] || memcmp(files[0], files[1], sizes[0]) != 0) {
        fprintf(stderr, "rank %d: two networks should be the same and are not\n", mpi_rank());
        exit(1);
    }
    free(files[0]);
    free(files[1]);
}
