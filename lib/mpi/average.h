/* Owns: weighted averages of vectors over replicas, layer by layer, while others compute. Each replica gets
 * one segment of the vector from all others, adds them up in the order of the replicas in double precision,
 * and sends the sums to all: the bytes of a ring, in an order that does not depend on the MPI library. */
#ifndef MFM_AVERAGE_H
#define MFM_AVERAGE_H

#include "common.h"

/* One layer's vector. */
typedef struct mfm_vector {
    size_t count;    /* values, of which each replica adds up `segment` */
    size_t segment;  /* the last ones may be padding */
    float *values;   /* [replicas x segment] goes in, and the average comes out */
    float *gathered; /* [replicas, segment] */
    MPI_Request request;
} mfm_vector;

typedef struct mfm_average {
    MPI_Comm peers, scattering, collecting; /* replicas of the stage, three times */
    int replica, replicas;
    size_t count; /* of vectors */
    mfm_vector *vectors;
    double *shares; /* [replicas] of the sum of the weights; before that weights */
    double weight;  /* of this replica */
    MPI_Request weighing;
    size_t begun, added,
        first;      /* vectors from `first` on: `begun` have been sent, `added` have been added up */
    bool finite;    /* so are all sums that this replica has formed */
    uint64_t bytes; /* sent so far */
} mfm_average;

/* Collective over `all`: makes the communicators, of ranks of the same stage. MEMORY, IO. */
mf_status mfm_average_open(mfm_average *average, MPI_Comm all, int stage, int replica, size_t vectors);

/* Memory for a vector. OVERFLOW, MEMORY. */
mf_status mfm_average_size(mfm_average *average, size_t vector, size_t count);
void mfm_average_close(mfm_average *average);

/* A round: begin, then for each vector from `first` on mfm_average_send(), in their order, and the end. In
 * between mfm_average_progress() may be called at any time. */
mf_status mfm_average_begin(mfm_average *average, double weight, size_t first);
mf_status mfm_average_send(mfm_average *average, size_t vector);
mf_status mfm_average_progress(void *average);

/* Waits for all sums. `average->finite` is known behind it, and weight the sum of all. */
mf_status mfm_average_add_all(mfm_average *average);

/* Waits until all averages are in place. */
mf_status mfm_average_end(mfm_average *average);

#endif
