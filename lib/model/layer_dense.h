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

/* a = x W^T */
void mfi_dense_product(const mf_layer *layer, const mfi_rows *rows, float *a);

/* Norm of the gradient of all trainable parameters together, from scratch->goodness = dG. */
double mfi_dense_gradient_norm(const mf_layer *layer, const mfi_settings *settings,
                               const mfi_scratch *scratch, const mfi_rows *rows, const float *a);

/* dW, db and dM from scratch->goodness = dG; 0 for what is frozen. */
void mfi_dense_gradients(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                         const mfi_rows *rows, const float *a, float *out);

/* Updates W, b and M from scratch->goodness = dG. */
void mfi_dense_update(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, const float *a);

#endif
