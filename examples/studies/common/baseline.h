/* baseline: the layers of a network as units of one layer. Gradients stop only at a layer's input, so this is
 * backpropagation, with the library's own products, kernels and optimizer rules: the algorithms are compared
 * and nothing else.
 *
 * The classifier on top of dense layers, or of none (softmax regression), is linear and has a bias, as
 * everywhere else. The head G = F M^T has none, so the classifier is a last dense unit of `classes` outputs,
 * and M behind it is the identity and frozen: G = F to the bit, and the gradient by F is dG. On top of
 * convolutions the classifier is the projection of the last one, without bias: the head that Mono-Forward has
 * there. So a network of one convolution learns the same both ways.
 *
 * It uses the public API alone. The benchmarks in tests/bench use it as well.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_BASELINE_H
#define STUDIES_BASELINE_H

#include "monoforward.h"

struct baseline_spec {
    const mf_layer_spec *layers; /* [count], each as for mf_layer_create(), following one another */
    size_t count;
    size_t features, classes; /* of the data; the maps of a convolution are those of its spec */
    uint64_t seed;
    const mf_allocator *allocator; /* NULL: the C library's */
};

/* The complete builder of the layer, for mf_network_memory_built() too; free it. */
mf_status baseline_describe(const struct baseline_spec *spec, mf_builder **builder);

/* The layer. Of the specs' dropout that of the last layer does not count, and of their heads and
 * label smoothing only that of the last. The precision of the first is that of all products. */
mf_status baseline_create(const struct baseline_spec *spec, mf_layer **layer);

#endif
