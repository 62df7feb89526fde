/* Owns: what is particular to a dense layer: its product with the input, and its update by panels. */
#ifndef MFI_MODEL_LAYER_DENSE_H
#define MFI_MODEL_LAYER_DENSE_H

#include "model/layer.h"

/* Neurons that one panel of the update covers. */
size_t mfi_dense_panel(const mf_layer_spec *spec);

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
