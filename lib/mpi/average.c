/* Owns: weighted averages of vectors over replicas. */
#include "average.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>

mf_status mfm_average_open(mfm_average *average, MPI_Comm all, int stage, int replica, size_t vectors)
{
    average->weighing = MPI_REQUEST_NULL;
    average->count = vectors;
    MFM_TRY(mfm_mpi(MPI_Comm_split(all, stage, replica, &average->peers)));
    MFM_TRY(mfm_mpi(MPI_Comm_size(average->peers, &average->replicas)));
    average->replica = replica;
    if (average->replicas == 1)
        return MF_STATUS_OK;
    MFM_TRY(mfm_mpi(MPI_Comm_dup(average->peers, &average->scattering)));
    MFM_TRY(mfm_mpi(MPI_Comm_dup(average->peers, &average->collecting)));
    average->shares = calloc((size_t)average->replicas, sizeof *average->shares);
    average->vectors = calloc(vectors, sizeof *average->vectors);
    return average->shares && average->vectors
               ? MF_STATUS_OK
               : mfm_fail(MF_STATUS_MEMORY, "no memory for averages over %d replicas", average->replicas);
}

mf_status mfm_average_size(mfm_average *average, size_t vector, size_t count)
{
    mfm_vector *one = &average->vectors[vector];
    size_t replicas = (size_t)average->replicas;
    one->request = MPI_REQUEST_NULL;
    one->count = count;
    one->segment = count / replicas + (count % replicas != 0);
    if (one->segment > INT_MAX)
        return mfm_fail(MF_STATUS_OVERFLOW, "%zu values of a layer are too many for %zu replicas", count,
                        replicas);
    one->values = calloc(replicas * one->segment, sizeof *one->values);
    one->gathered = malloc(replicas * one->segment * sizeof *one->gathered);
    return one->values && one->gathered
               ? MF_STATUS_OK
               : mfm_fail(MF_STATUS_MEMORY, "no memory for the average of %zu values", count);
}

static void free_comm(MPI_Comm *comm)
{
    if (*comm != MPI_COMM_NULL)
        MPI_Comm_free(comm);
}

void mfm_average_close(mfm_average *average)
{
    for (size_t i = 0; average->vectors && i < average->count; i++) {
        free(average->vectors[i].values);
        free(average->vectors[i].gathered);
    }
    free(average->vectors);
    free(average->shares);
    free_comm(&average->collecting);
    free_comm(&average->scattering);
    free_comm(&average->peers);
}

/* ---- a round ---- */

mf_status mfm_average_begin(mfm_average *average, double weight, size_t first)
{
    average->weight = weight;
    average->first = average->begun = average->added = first;
    average->finite = true;
    return mfm_mpi(MPI_Iallgather(&average->weight, 1, MPI_DOUBLE, average->shares, 1, MPI_DOUBLE,
                                  average->peers, &average->weighing));
}

mf_status mfm_average_send(mfm_average *average, size_t vector)
{
    mfm_vector *one = &average->vectors[vector];
    average->begun = vector + 1;
    average->bytes += 2 * (uint64_t)(average->replicas - 1) * one->segment * sizeof(float);
    return mfm_mpi(MPI_Ialltoall(one->values, (int)one->segment, MPI_FLOAT, one->gathered, (int)one->segment,
                                 MPI_FLOAT, average->scattering, &one->request));
}

/* Adds a share of `values` to the sums. */
static void add_share(double *sums, double share, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += share * (double)values[i];
}

/* Rounds the sums to float; whether all are finite then. */
static bool round_sums(const double *sums, size_t count, float *values)
{
    int finite = 1;
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)sums[i];
        finite &= fabsf(values[i]) <= FLT_MAX;
    }
    return finite != 0;
}

/* What has come of all replicas becomes this replica's segment of the average, some values at a time, which
 * stay in the cache. Those without weight may have sent anything. */
static void add_up(mfm_average *average, mfm_vector *vector)
{
    enum { PIECE = 512 };
    float *segment = vector->values + (size_t)average->replica * vector->segment;
    for (size_t start = 0; start < vector->segment; start += PIECE) {
        size_t count = vector->segment - start < PIECE ? vector->segment - start : PIECE;
        double sums[PIECE] = {0};
        for (size_t r = 0; r < (size_t)average->replicas; r++)
            if (average->shares[r] > 0)
                add_share(sums, average->shares[r], vector->gathered + r * vector->segment + start, count);
        average->finite = round_sums(sums, count, segment + start) && average->finite;
    }
}

/* Weights become shares, once they are there. */
static mf_status take_weights(mfm_average *average, bool *there)
{
    int done = 1;
    if (average->weighing != MPI_REQUEST_NULL) {
        MFM_TRY(mfm_mpi(MPI_Test(&average->weighing, &done, MPI_STATUS_IGNORE)));
        double sum = 0;
        for (int r = 0; done && r < average->replicas; r++)
            sum += average->shares[r];
        for (int r = 0; done && sum > 0 && r < average->replicas; r++)
            average->shares[r] /= sum;
        if (done)
            average->weight = sum;
    }
    *there = done != 0;
    return MF_STATUS_OK;
}

/* Adds up what has come, in the order of the vectors: collective calls of one communicator have one order. */
mf_status mfm_average_progress(void *user)
{
    mfm_average *average = user;
    bool there;
    MFM_TRY(take_weights(average, &there));
    while (there && average->added < average->begun) {
        mfm_vector *one = &average->vectors[average->added];
        int done;
        MFM_TRY(mfm_mpi(MPI_Test(&one->request, &done, MPI_STATUS_IGNORE)));
        if (!done)
            break;
        add_up(average, one);
        average->added++;
        MFM_TRY(mfm_mpi(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, one->values, (int)one->segment,
                                       MPI_FLOAT, average->collecting, &one->request)));
    }
    return MF_STATUS_OK;
}

mf_status mfm_average_add_all(mfm_average *average)
{
    while (average->weighing != MPI_REQUEST_NULL || average->added < average->begun) {
        MFM_TRY(mfm_average_progress(average));
        if (average->weighing != MPI_REQUEST_NULL || average->added < average->begun)
            sched_yield();
    }
    return MF_STATUS_OK;
}

mf_status mfm_average_end(mfm_average *average)
{
    for (size_t i = average->first; i < average->begun; i++)
        MFM_TRY(mfm_wait(MPI_SUCCESS, &average->vectors[i].request));
    return MF_STATUS_OK;
}
