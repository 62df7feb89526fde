/* Owns: which layers of all stages learn from no batch of one row, since they would normalise single values.
 */
#include "rows.h"

#include <stdio.h>
#include <string.h>

/* Whether the running mean of a unit follows the batch; of a frozen one nothing is normalised by the batch.
 */
static mf_status mean_learns(const mf_layer *layer, int32_t node, bool *learns)
{
    char name[32];
    size_t parameters = 0;
    snprintf(name, sizeof name, "units.%d.mean", (int)node);
    MFM_TRY(mfm_core(mf_layer_parameter_count(layer, &parameters)));
    for (size_t i = 0; i < parameters; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        MFM_TRY(mfm_core(mf_layer_parameter_info(layer, i, &info)));
        if (strcmp(info.name, name) == 0 || strcmp(info.name, "mean") == 0) /* of a layer that has a spec */
            *learns = info.trainable != 0;
    }
    return MF_STATUS_OK;
}

/* Whether a row has one value of a channel where the layer normalises by the batch. */
static mf_status needs_rows(const mf_layer *layer, unsigned char *needs)
{
    size_t units = 0;
    MFM_TRY(mfm_core(mf_layer_unit_count(layer, &units)));
    for (int32_t node = 1; (size_t)node <= units; node++) {
        mf_unit_spec unit = {.struct_size = sizeof unit};
        mf_shape output = {.struct_size = sizeof output};
        bool learns = false;
        size_t values = 1;
        MFM_TRY(mfm_core(mf_layer_unit(layer, node, &unit, &output)));
        for (int32_t d = 1; d < output.rank; d++)
            values *= output.dims[d];
        if (unit.kind == MF_UNIT_BATCH_NORM && values == 1)
            MFM_TRY(mean_learns(layer, node, &learns));
        *needs |= learns;
    }
    return MF_STATUS_OK;
}

mf_status mfm_rows_agree(mf_mpi_trainer *trainer)
{
    MPI_Request request;
    memset(trainer->needs_rows, 0, trainer->whole);
    for (size_t layer = 0; layer < trainer->layers; layer++)
        MFM_TRY(needs_rows(trainer->members[layer].layer, &trainer->needs_rows[trainer->first + layer]));
    return mfm_wait(MPI_Iallreduce(MPI_IN_PLACE, trainer->needs_rows, (int)trainer->whole, MPI_UNSIGNED_CHAR,
                                   MPI_MAX, trainer->wire.line, &request),
                    &request);
}

mf_status mfm_rows_check(const mf_mpi_trainer *trainer, size_t rows, size_t learner, size_t end)
{
    for (size_t layer = learner; rows == 1 && layer < end; layer++)
        if (trainer->needs_rows[layer])
            return mfm_fail(
                MF_STATUS_CAPACITY,
                "layer %zu of the network: batch normalisation needs 2 values of a channel or more, "
                "got 1",
                layer);
    return MF_STATUS_OK;
}
