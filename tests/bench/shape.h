/* Owns: networks as the command line names them. */
#ifndef BENCH_SHAPE_H
#define BENCH_SHAPE_H

#include <monoforward.h>

enum { MOST_LAYERS = 32, CLASSES = 10 };

/* What is particular to a convolution, whose kernel is 3x3 with a padding of 1. */
typedef struct maps {
    size_t channels, height, width; /* of the input */
    size_t filters;                 /* 0 in a dense layer */
    int32_t pool;                   /* MF_POOL_..., of 2x2 */
} maps;

/* A network with 10 classes. */
typedef struct shape {
    size_t widths[MOST_LAYERS + 1]; /* values in a row: of the input, then of each layer's activation */
    size_t layers;
    maps maps[MOST_LAYERS];
    int32_t normalization; /* of all layers */
    int32_t precision;     /* of all layers; no part of the text */
} shape;

/* A text such as "784-1000-1000", layers of 1000 neurons on 784 inputs, or "3x32x32:c64p-c128m-c256-1000" on
 * maps: c is a convolution with so many filters, p an average pooling, m a max pooling. "+batch" at the end
 * normalises every layer. Ends the program if the text names no shape. torch_worker.py reads the same. */
shape parse_shape(const char *text);

/* The same for programs that know plain dense layers only. */
shape parse_dense_shape(const char *text);

/* FLOPs of the products x W^T and dz^T x of dense layers, 4 B n k each, and of their steps, which have 6 B n
 * m more for the head. */
double flops_of_dense_products(const shape *layers, size_t batch);
double flops_of_dense_step(const shape *layers, size_t batch);

/* The spec of the layer at a position, 0 for the first. */
mf_layer_spec spec_of_layer(const shape *layers, size_t position);

#endif
