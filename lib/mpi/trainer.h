/* Owns: a trainer: a stage's layers, what they need in a step, and how they are connected. */
#ifndef MFM_TRAINER_H
#define MFM_TRAINER_H

#include "average.h"
#include "grid.h"
#include "wire.h"

/* A running mean or variance: steps let it follow the batches, so replicas average it with the gradients, in
 * whose vector its place is free. */
typedef struct mfm_statistic {
    const char *name;
    size_t offset, count; /* in the vector of its layer's values */
    float *before;        /* [count] what it was before the step */
} mfm_statistic;

typedef struct mfm_member {
    mf_layer *layer;   /* borrowed from the network */
    size_t values;     /* of all its parameters */
    size_t statistics; /* how many */
    mfm_statistic *statistic;
} mfm_member;

struct mf_mpi_trainer {
    uint32_t kind; /* MFM_KIND_TRAINER */
    bool over;
    mf_mpi_trainer_spec spec;
    mf_mpi_place place;
    MPI_Comm all;
    mf_network *network; /* references to the layers */
    mf_workspace *workspace;
    size_t first;              /* position of the first layer in the whole network */
    size_t layers;             /* of this stage */
    size_t whole;              /* layers of all stages */
    unsigned char *needs_rows; /* [whole] 1: the layer learns from two rows or more */
    mfm_member *members;
    size_t labels, classes; /* of a row */
    bool ignores;           /* labels may be MF_LABEL_IGNORED */
    float *activations[2];  /* [max_batch, the widest output] */
    float *blank;           /* [the widest input] a row for replicas that average and have none */
    mfm_wire wire;
    mfm_average average;
    uint64_t steps;
    double learned; /* weights since the last mf_mpi_average() */
    mfm_outcome failure;
};

mf_status mfm_trainer_check(const mf_mpi_trainer *trainer);

/* STALE if a layer has other classes by now than the trainer was made for: its labels are others then, and
 * its values have no room in a vector. */
mf_status mfm_trainer_check_classes(const mf_mpi_trainer *trainer);

/* Whether replicas average gradients in each step. */
bool mfm_trainer_averages(const mf_mpi_trainer *trainer);

/* mf_mpi_flush() without its checks of the trainer. */
mf_status mfm_trainer_rest(mf_mpi_trainer *trainer);

#endif
