/* Owns: what a batch costs on many ranks, by a model: equal layers, a time for each and a network between
 * ranks with a latency and a bandwidth. Messages and computing overlap where the algorithms let them. */
#ifndef BENCH_CLUSTER_H
#define BENCH_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

/* Times are in seconds, and of one layer. */
typedef struct cluster {
    size_t layers, batch;      /* rows of the whole batch, which replicas share */
    size_t batches;            /* that a pipeline is filled for once */
    size_t width;              /* values of a row that travel from layer to layer */
    size_t parameters;         /* of a layer */
    double step, step_row;     /* a local step: whatever the rows are, and for each row */
    double average;            /* what a replica does beyond a step: gradients out, their sum, the update */
    double latency, bandwidth; /* of a message; bytes a second */
} cluster;

/* Backpropagation of the same network: an input gradient more than a local step, and no heads. */
typedef enum schedule {
    GPIPE,                   /* all micro-batches forward, then all back */
    ONE_FORWARD_ONE_BACKWARD /* back as soon as possible: fewer activations are kept */
} schedule;

/* Seconds for a batch, with the layers in `stages` and `replicas` of each. */
double local_seconds(const cluster *c, size_t stages, size_t replicas);
double backprop_seconds(const cluster *c, size_t stages, size_t replicas, size_t micro_batches, schedule how);

/* Bytes of activations that the rank which keeps the most of them holds. */
double local_activations(const cluster *c, size_t replicas);
double backprop_activations(const cluster *c, size_t stages, size_t replicas, size_t micro_batches,
                            schedule how);

#endif
