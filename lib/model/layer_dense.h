/* Owns: what is particular to a dense layer: its product with the input, and its update by panels. */
#ifndef MFI_MODEL_LAYER_DENSE_H
#define MFI_MODEL_LAYER_DENSE_H

#include "model/layer.h"

/* Neurons that one panel of the update covers. */
size_t mfi_dense_panel(const mf_layer_spec *spec);

/* Whether our own product with the update behind it is used. It gains where an optimizer has state to fetch,
 * and where it need not stand against several threads of the BLAS library: it runs on the calling thread. */
bool mfi_dense_fuses(const mfi_kernels *kernels, const mfi_blas_counter *blas, size_t rows,
                     const mfi_rule *rule);

/* Floats of scratch->dw; false if that does not fit. */
bool mfi_dense_gradient_scratch(const mf_layer_spec *spec, size_t rows, size_t *count);

#endif
