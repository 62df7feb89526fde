/* Owns: what ranks bring together: averaged parameters, and all layers in one network. */
#include <limits.h>
#include <stdlib.h>

#include "split.h"
#include "trainer.h"

/* ---- averages of parameters ---- */

/* Puts all parameters of a layer one behind the other, or takes them from there. */
static mf_status move_parameters(mf_layer *layer, float *values, bool into)
{
    size_t count = 0;
    MFM_TRY(mfm_core(mf_layer_parameter_count(layer, &count)));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        MFM_TRY(mfm_core(mf_layer_parameter_info(layer, i, &info)));
        MFM_TRY(mfm_core(into ? mf_layer_set_parameter(layer, info.name, values, info.count)
                              : mf_layer_get_parameter(layer, info.name, values, info.count)));
        values += info.count;
    }
    return MF_STATUS_OK;
}

static mf_status average_layers(mf_mpi_trainer *trainer)
{
    mfm_average *average = &trainer->average;
    MFM_TRY(mfm_average_begin(average, trainer->learned, 0));
    for (size_t i = 0; i < trainer->layers; i++) {
        MFM_TRY(move_parameters(trainer->members[i].layer, average->vectors[i].values, false));
        MFM_TRY(mfm_average_send(average, i));
        MFM_TRY(mfm_average_progress(average));
    }
    MFM_TRY(mfm_average_add_all(average));
    return mfm_average_end(average);
}

static mf_status take_averages(mf_mpi_trainer *trainer)
{
    if (trainer->average.weight <= 0) /* nobody has learned anything */
        return MF_STATUS_OK;
    for (size_t i = 0; i < trainer->layers; i++)
        MFM_TRY(move_parameters(trainer->members[i].layer, trainer->average.vectors[i].values, true));
    trainer->learned = 0;
    return MF_STATUS_OK;
}

mf_status mf_mpi_average(mf_mpi_trainer *trainer)
{
    MFM_TRY(mfm_trainer_check(trainer));
    MFM_TRY(mfm_trainer_rest(trainer));
    if (!trainer->spec.local)
        return mfm_fail(MF_STATUS_STATE, "replicas average gradients in each step: local is not set");
    MFM_TRY(mfm_agree(trainer->all, mfm_trainer_check_classes(trainer)));
    if (trainer->average.replicas == 1)
        return MF_STATUS_OK;
    fenv_t host;
    mfm_calm(&host);
    mf_status averaged = average_layers(trainer);
    mfm_uncalm(&host);
    MFM_TRY(averaged);
    mf_status status = trainer->average.weight > 0 && !trainer->average.finite
                           ? mfm_fail(MF_STATUS_NUMERIC, "an average of parameters is not finite")
                           : MF_STATUS_OK;
    MFM_TRY(mfm_agree(trainer->all, status));
    return mfm_agree(trainer->all, take_averages(trainer));
}

/* ---- all layers in one network ---- */

enum { TAG_SNAPSHOT = 9, PIECE = 1 << 30 };

/* More than MPI counts goes in pieces. */
static mf_status move_bytes(mf_mpi_trainer *trainer, unsigned char *bytes, size_t count, int stage, bool send)
{
    for (size_t at = 0; at < count; at += PIECE) {
        int piece = count - at < PIECE ? (int)(count - at) : PIECE;
        MFM_TRY(mfm_mpi(send ? MPI_Send(bytes + at, piece, MPI_BYTE, stage, TAG_SNAPSHOT, trainer->wire.line)
                             : MPI_Recv(bytes + at, piece, MPI_BYTE, stage, TAG_SNAPSHOT, trainer->wire.line,
                                        MPI_STATUS_IGNORE)));
    }
    return MF_STATUS_OK;
}

/* This stage's snapshot; its memory is the caller's to free. */
static mf_status take_snapshot(const mf_network *network, unsigned char **snapshot, uint64_t *bytes)
{
    size_t needed = 0;
    MFM_TRY(mfm_core(mf_network_snapshot_size(network, &needed)));
    *snapshot = malloc(needed);
    *bytes = needed;
    if (!*snapshot)
        return mfm_fail(MF_STATUS_MEMORY, "no memory for a snapshot of %zu bytes", needed);
    return mfm_core(mf_network_snapshot_save(network, *snapshot, needed));
}

static mf_status add_stage(mf_network *part, const mf_network *whole, size_t *position, uint64_t layers)
{
    if (*position == 0) /* a snapshot is of a network with its scaling */
        MFM_TRY(mfm_take_scaling(whole, part));
    for (uint64_t i = 0; i < layers; i++) {
        mf_layer *layer = NULL;
        MFM_TRY(mfm_core(mf_network_layer(whole, (*position)++, &layer, NULL)));
        MFM_TRY(mfm_core(mf_network_append(part, layer, NULL)));
    }
    return MF_STATUS_OK;
}

/* The layers of a stage, of those that rank 0 has, receive the snapshot. */
static mf_status restore_stage(const mf_network *whole, size_t *position, uint64_t layers,
                               const unsigned char *snapshot, uint64_t bytes)
{
    mf_network *part = NULL;
    mf_status status = mfm_core(mf_network_create(NULL, &part));
    if (status == MF_STATUS_OK)
        status = add_stage(part, whole, position, layers);
    if (status == MF_STATUS_OK)
        status = mfm_core(mf_network_snapshot_load(part, snapshot, (size_t)bytes));
    mf_network_free(part);
    return status;
}

static mf_status check_whole(const mf_mpi_trainer *trainer, const mf_network *network)
{
    size_t layers = 0;
    if (trainer->place.rank != 0)
        return MF_STATUS_OK;
    MFM_TRY(mfm_core(mf_network_size(network, &layers)));
    if (layers != trainer->whole)
        return mfm_fail(MF_STATUS_SHAPE, "the network has %zu layers, the stages have %zu", layers,
                        trainer->whole);
    return MF_STATUS_OK;
}

/* Rank 0 takes one stage after the other, its own through a snapshot as well: the network may have other
 * layers than those that it trains. A failure is remembered and the rest received all the same. */
static mf_status take_stages(mf_mpi_trainer *trainer, mf_network *whole, unsigned char *own,
                             uint64_t own_bytes, mf_status outcome)
{
    size_t position = 0;
    if (outcome == MF_STATUS_OK)
        outcome = restore_stage(whole, &position, trainer->layers, own, own_bytes);
    for (int stage = 1; stage < trainer->wire.stages; stage++) {
        uint64_t sizes[2]; /* layers, bytes */
        MFM_TRY(mfm_mpi(
            MPI_Recv(sizes, 2, MPI_UINT64_T, stage, TAG_SNAPSHOT, trainer->wire.line, MPI_STATUS_IGNORE)));
        unsigned char *snapshot = malloc((size_t)sizes[1]);
        int ready = snapshot != NULL;
        MFM_TRY(mfm_mpi(MPI_Send(&ready, 1, MPI_INT, stage, TAG_SNAPSHOT, trainer->wire.line)));
        mf_status status = ready ? move_bytes(trainer, snapshot, (size_t)sizes[1], stage, false)
                                 : mfm_fail(MF_STATUS_MEMORY, "no memory for a snapshot of %llu bytes",
                                            (unsigned long long)sizes[1]);
        if (status == MF_STATUS_OK && outcome == MF_STATUS_OK)
            status = restore_stage(whole, &position, sizes[0], snapshot, sizes[1]);
        free(snapshot);
        outcome = outcome == MF_STATUS_OK ? status : outcome;
    }
    return outcome;
}

/* A stage may fail behind others that have changed the network, which goes back then. */
static mf_status receive_stages(mf_mpi_trainer *trainer, mf_network *whole, unsigned char *own,
                                uint64_t own_bytes)
{
    unsigned char *before = NULL;
    uint64_t bytes = 0;
    mf_status kept = take_snapshot(whole, &before, &bytes);
    mf_status outcome = take_stages(trainer, whole, own, own_bytes, kept);
    if (kept == MF_STATUS_OK && outcome != MF_STATUS_OK)
        (void)mf_network_snapshot_load(whole, before, (size_t)bytes);
    free(before);
    return outcome;
}

static mf_status send_stage(mf_mpi_trainer *trainer, unsigned char *own, uint64_t own_bytes)
{
    uint64_t sizes[2] = {trainer->layers, own_bytes};
    int ready = 0;
    MFM_TRY(mfm_mpi(MPI_Send(sizes, 2, MPI_UINT64_T, 0, TAG_SNAPSHOT, trainer->wire.line)));
    MFM_TRY(mfm_mpi(MPI_Recv(&ready, 1, MPI_INT, 0, TAG_SNAPSHOT, trainer->wire.line, MPI_STATUS_IGNORE)));
    return ready ? move_bytes(trainer, own, (size_t)own_bytes, 0, true) : MF_STATUS_OK;
}

static mf_status gather_stages(mf_mpi_trainer *trainer, mf_network *network, unsigned char **own)
{
    uint64_t bytes = 0;
    bool part_of_it = trainer->place.replica == 0;
    MFM_TRY(
        mfm_agree(trainer->all, part_of_it ? take_snapshot(trainer->network, own, &bytes) : MF_STATUS_OK));
    mf_status status = MF_STATUS_OK;
    if (part_of_it)
        status = trainer->place.stage == 0 ? receive_stages(trainer, network, *own, bytes)
                                           : send_stage(trainer, *own, bytes);
    return mfm_agree(trainer->all, status);
}

mf_status mf_mpi_gather(mf_mpi_trainer *trainer, mf_network *network)
{
    unsigned char *own = NULL;
    MFM_TRY(mfm_trainer_check(trainer));
    MFM_TRY(mfm_trainer_rest(trainer));
    MFM_TRY(mfm_agree(trainer->all, check_whole(trainer, network)));
    mf_status status = gather_stages(trainer, network, &own);
    free(own);
    return status;
}
