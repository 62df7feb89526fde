/* Owns: what other files must know of a dense stage: how it divides its neurons into panels. */
#ifndef MFI_MODEL_UNIT_DENSE_H
#define MFI_MODEL_UNIT_DENSE_H

#include "model/unit.h"

/* Neurons of a panel, for k inputs and n neurons. */
size_t mfi_dense_panel(size_t inputs, size_t outputs);

/* Whether product and update are computed by one kernel. */
bool mfi_dense_fuses(const mfi_kernels *kernels, const mfi_blas_counter *blas, size_t rows,
                     const mfi_rule *rule);

#endif
