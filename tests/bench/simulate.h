/* Owns: what a pipeline with more workers than this machine has cores would do, from measured times of
 * layers. */
#ifndef BENCH_SIMULATE_H
#define BENCH_SIMULATE_H

#include <stddef.h>

/* Largest speedup over a sequential run that any order of work allows: no more than `workers`, and no faster
 * than the slowest layer alone. */
double speedup_bound(const double *times, size_t layers, size_t workers);

/* The same for the order that the library works in, with a layer as the item, workers + 2 batches in the
 * works, and each worker on a core of its own that nobody slows down. */
double simulated_speedup(const double *times, size_t layers, size_t workers);

#endif
