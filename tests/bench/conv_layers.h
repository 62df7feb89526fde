/* Owns: the times of single layers, for finding out where a step spends its own. */
#ifndef BENCH_CONV_LAYERS_H
#define BENCH_CONV_LAYERS_H

#include "conv_products.h"

/* Prints a table: each layer's step alone on random input and its forward pass, both with a pool of so many
 * threads, and its two products as the BLAS library computes them by itself with so many. Medians over the
 * rounds; the products have been tuned. */
void print_layers(const shape *layers, const conv_products *products, size_t batch, const char *optimizer,
                  int threads, size_t rounds);

#endif
