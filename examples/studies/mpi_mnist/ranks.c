/* SPDX-License-Identifier: MIT */
#include "ranks.h"

#include "complain.h"

#include <stdio.h>

static bool together;

bool ranks_ok(mf_status status)
{
    int rank;
    together = status != MF_STATUS_OK;
    if (!together)
        return true;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0)
        complain("%s: %s", mf_status_name(status), mf_mpi_last_message());
    return false;
}

bool ranks_failed_together(void)
{
    return together;
}

static bool create_grid(struct ranks *ranks, const struct mpi_settings *settings)
{
    mf_mpi_grid_spec spec;
    if (!ranks_ok(mf_mpi_grid_spec_init(&spec, sizeof spec)))
        return false;
    spec.replicas = settings->mode == MODE_PIPELINE ? 1
                    : settings->mode == MODE_DATA   ? 0
                                                    : (uint32_t)settings->replicas;
    return ranks_ok(mf_mpi_grid_create(MPI_COMM_WORLD, &spec, &ranks->grid)) &&
           ranks_ok(mf_mpi_place_init(&ranks->place, sizeof ranks->place)) &&
           ranks_ok(mf_mpi_grid_place(ranks->grid, &ranks->place));
}

/* A replica normalises its share of a batch by itself, and a single image has no variance. */
static bool shares_suffice(const struct ranks *ranks, const struct settings *settings)
{
    size_t replicas = ranks->place.replicas;
    together = settings->normalization != MF_NORMALIZATION_NONE && settings->batch < 2 * replicas;
    if (together && ranks->place.rank == 0)
        complain("--normalization %s needs 2 images for each of %zu replicas: see --batch",
                 normalization_names[settings->normalization], replicas);
    return !together;
}

bool ranks_open(struct ranks *ranks, const struct mpi_settings *mpi, struct model *model,
                const struct settings *settings)
{
    mf_network *part = NULL;
    mf_mpi_trainer_spec spec;
    if (!create_grid(ranks, mpi) || !shares_suffice(ranks, settings) ||
        !ranks_ok(mf_mpi_split(ranks->grid, model->network, NULL, &part, NULL)) ||
        !ranks_ok(mf_mpi_trainer_spec_init(&spec, sizeof spec)))
        return false;
    spec.network = part;
    spec.max_batch = settings->batch;
    spec.wire = mpi->wire;
    spec.local = mpi->average_every > 0;
    spec.convert = model->bytes;
    spec.pool = model->pool;
    bool good = ranks_ok(mf_mpi_trainer_create(ranks->grid, &spec, &ranks->trainer));
    mf_network_free(part); /* the trainer keeps its layers */
    return good;
}

void ranks_close(struct ranks *ranks)
{
    mf_mpi_trainer_free(ranks->trainer);
    mf_mpi_grid_free(ranks->grid);
}

bool ranks_traffic(const struct ranks *ranks, struct traffic *sum)
{
    mf_mpi_traffic sent;
    if (!ranks_ok(mf_mpi_traffic_init(&sent, sizeof sent)) || !ranks_ok(mf_mpi_sent(ranks->trainer, &sent)))
        return false;
    double own[2] = {(double)sent.activation_bytes, (double)sent.average_bytes}, all[2] = {0, 0};
    MPI_Reduce(own, all, 2, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    *sum = (struct traffic){all[0], all[1]};
    return true;
}
