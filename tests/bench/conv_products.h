/* Owns: the matrix products of convolutions alone, as fast as the BLAS library computes them.
 *
 * A convolution of B samples is W[F,K] x col[K,N] forward and dz[F,N] x col[K,N]^T for the gradient of W,
 * where K = 9 channels and N = B x rows x columns of a map. Nobody keeps all of col: it comes in blocks of
 * columns, which are multiplied while they are in the cache. So the products here run block by block on
 * operands that stay where they are, and a trial finds the number of columns at which the BLAS library is
 * fastest, for each layer, product and number of its threads. That is at least as fast as any implementation
 * that uses this BLAS library can be. */
#ifndef BENCH_CONV_PRODUCTS_H
#define BENCH_CONV_PRODUCTS_H

#include "shape.h"

enum { FORWARD, GRADIENT, PRODUCTS };

typedef struct conv_product {
    size_t filters, inner, columns; /* F, K, N */
    size_t block[PRODUCTS];         /* columns at a time */
    float *w, *col, *z;
} conv_product;

typedef struct conv_products {
    size_t layers;
    conv_product layer[MOST_LAYERS];
} conv_products;

/* All layers are convolutions; otherwise the program ends. */
conv_products make_conv_products(const shape *layers, size_t batch);
void free_conv_products(conv_products *p);

/* Chooses the blocks for the number of threads that the BLAS library has now. */
void tune_conv_products(conv_products *p);

/* Both products of a layer, over all columns. */
void run_conv_product(const conv_product *p);

/* 4 F K N: both products of a layer. */
double flops_of_product(const conv_product *p);

/* Those of a layer's step: the products, and 6 B m n for a head that reads n values. */
double flops_of_conv_step(const shape *layers, size_t position, size_t batch);

#endif
